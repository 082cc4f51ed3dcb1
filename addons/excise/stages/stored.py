"""
What a request names that a provider keeps in the account it is sent with.

With a credential of ours that is the house's account: whatever others have left there, anybody could ask for by its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_MEMBERS = ("previous_response_id", "conversation", "container", "cachedContent", "cached_content", "previous_interaction_id")
_DEEPEST = 4  # contents within contents: a tool's result holds parts, and nothing of ours holds more


def stored_in(body: Any) -> str | None:
    """
    The member by which a request names something stored: a conversation, an item of one, a file, a container; `None`: it names nothing.

    Source: developers.openai.com "Conversation state", "File inputs", "File search"; platform.claude.com "Files API"; read 2026-11.
    """
    if not isinstance(body, dict):
        return None
    if (named := next((name for name in _MEMBERS if body.get(name) not in (None, "")), None)) is not None:
        return named
    for tool in _dicts(body.get("tools")):
        if tool.get("vector_store_ids"):
            return "vector_store_ids"
        if isinstance(tool.get("container"), str):
            return "container"
    for item in _dicts(body.get("input")):
        if item.get("type", "item_reference") == "item_reference" and "role" not in item and "id" in item:
            return "item_reference"
    parts = (*_dicts(body.get("input")), *_dicts(body.get("messages")))
    return "file_id" if any(_names_file(part, 0) for part in parts) else None


def _names_file(part: dict[str, Any], depth: int) -> bool:
    own = (part, part.get("file"), part.get("source"))
    if any(isinstance(one, dict) and isinstance(one.get("file_id"), str) for one in own):
        return True
    inner = (*_dicts(part.get("content")), *_dicts(part.get("output")))
    return depth < _DEEPEST and any(_names_file(one, depth + 1) for one in inner)


def _dicts(listed: Any) -> Iterator[dict[str, Any]]:
    return (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else iter(())
