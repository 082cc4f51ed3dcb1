"""
What a request names that a provider keeps in the account it is sent with.

With a credential of ours that is the house's account: whatever others have left there, anybody could ask for by its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_MEMBERS = ("previous_response_id", "conversation", "container", "cachedContent", "cached_content", "previous_interaction_id")
_PLACES = frozenset({"fileUri", "file_uri", "uri", "url", "gcsUri"})
_OF_ACCOUNTS = re.compile(r"(?i)\s*(?:gs|s3)://|\s*https://generativelanguage\.googleapis\.com/.*files/|files/")
# Values of the client's own tools.
_OF_CLIENTS = frozenset({"input", "args", "arguments", "function", "functionCall", "functionResponse", "function_call"})
_DEEPEST = 4  # contents within contents: a tool's result holds parts, and nothing of ours holds more


def stored_in(body: Any) -> str | None:
    """
    The member by which a request names something stored: a conversation, an item of one, a file, a container, a place in a bucket; `None`:
    it names nothing.

    Source: ai.google.dev "Files API"; docs.aws.amazon.com/bedrock "S3Location"; developers.openai.com "Conversation state", "File inputs",
    "File search"; platform.claude.com "Files API"; read 2026-11.
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
    if isinstance(body.get("prompt"), dict) and body["prompt"].get("id"):
        return "prompt"
    parts = (*_dicts(body.get("input")), *_dicts(body.get("messages")), *_dicts(body.get("contents")), *_dicts(body.get("system")))
    if any(_names_file(part, 0) for part in parts):
        return "file_id"
    return "file_uri" if any(_names_place(part, 0) for part in parts) else None


def _names_file(part: dict[str, Any], depth: int) -> bool:
    own = (part, part.get("file"), part.get("source"))
    if any(isinstance(one, dict) and isinstance(one.get("file_id"), str) for one in own):
        return True
    inner = (*_dicts(part.get("content")), *_dicts(part.get("output")))
    return depth < _DEEPEST and any(_names_file(one, depth + 1) for one in inner)


def _names_place(part: dict[str, Any], depth: int) -> bool:
    """
    Whether something is to be fetched from a bucket or a file store with the identity of who calls: that is ours.
    """
    for name, value in part.items():
        if isinstance(value, str):
            if name in _PLACES and _OF_ACCOUNTS.match(value):
                return True
        elif name not in _OF_CLIENTS and depth < 2 * _DEEPEST:
            inner = (value,) if isinstance(value, dict) else _dicts(value)
            if any(_names_place(one, depth + 1) for one in inner):
                return True
    return False


def _dicts(listed: Any) -> Iterator[dict[str, Any]]:
    return (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else iter(())
