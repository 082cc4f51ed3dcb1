"""
What a model thought, in the ways providers of this dialect say it: `reasoning_content`, `reasoning`, and `reasoning_details` (pieces of
text, summaries and encrypted blocks, each with its proofs, to be sent back unchanged).

A list of details that holds proofs travels as the one signature of a thought: its JSON, without the text that is visible anyway.

Source: OpenRouter, "Reasoning tokens"; DeepSeek, "Thinking mode"; both read 2026-11.
"""

from __future__ import annotations

from typing import Any

import orjson

from excise.wire.dialects.chat_flavours import Flavour
from excise.wire.neutral import Reasoning

PLAIN = "-"
"""Stands for a proof where a provider wants thoughts back but proves nothing, so that they find home again."""

_TEXTS = ("text", "summary")
_PROOFS = ("signature", "data")
_MOST_DETAILS = 4096


def read_thoughts(message: dict[str, Any], *, wanted_back: bool = False) -> list[Reasoning]:
    """
    The thought a message carries, none or one. Never raises.

    Args:
        wanted_back: The provider wants it back, proof or not.
    """
    said = visible(message)
    details = message.get("reasoning_details")
    proof = None
    if type(details) is list and details:
        said = said or "".join(detail_text(detail) for detail in details)
        proof = proof_of(details, said)
    if not said and proof is None:
        return []
    return [Reasoning(text=said, signature=proof or (PLAIN if wanted_back else None), redacted=not said)]


def visible(message: dict[str, Any]) -> str:
    """
    The text of a thought in a message or delta, details aside.
    """
    said = message.get("reasoning_content") or message.get("reasoning")
    return said if type(said) is str else ""


def detail_text(detail: Any) -> str:
    """
    The visible text of one detail.
    """
    if type(detail) is not dict:
        return ""
    said = detail.get("text") or detail.get("summary")
    return said if type(said) is str else ""


def proof_of(details: list[Any], said: str) -> str | None:
    """
    A list of details as a signature; `None` where nothing in it is a proof.
    """
    if not any(type(detail) is dict and any(detail.get(name) for name in _PROOFS) for detail in details):
        return None
    kept = [_unsaid(detail, said) for detail in details if type(detail) is dict]
    try:
        return orjson.dumps(kept).decode()
    except orjson.JSONEncodeError:
        return None


def _unsaid(detail: dict[str, Any], said: str) -> dict[str, Any]:
    for name in _TEXTS:
        if said and detail.get(name) == said:
            return {**detail, name: None}
    return detail


def details_of(thought: Reasoning) -> list[Any] | None:
    """
    The details a signature was made of, text included; `None` for any other signature.
    """
    if not thought.signature or not thought.signature.startswith("["):
        return None
    try:
        details = orjson.loads(thought.signature)
    except orjson.JSONDecodeError:
        return None
    if type(details) is not list:
        return None
    for detail in details:
        if type(detail) is dict:
            for name in _TEXTS:
                if name in detail and detail[name] is None:
                    detail[name] = thought.text
    return details


def write_thoughts(thoughts: list[Reasoning], flavour: Flavour, message: dict[str, Any]) -> None:
    """
    Put the provider's own thoughts back into an assistant message, where it has a place for them.
    """
    if not thoughts or flavour.thoughts is None:
        return
    said = "".join(thought.text for thought in thoughts)
    if flavour.thoughts != "reasoning_details":
        if said:
            message[flavour.thoughts] = said
        return
    details = [detail for thought in thoughts for detail in details_of(thought) or ()]
    if details:
        message["reasoning_details"] = details
    elif said:
        message["reasoning"] = said


class Details:
    """
    The details of a stream, put together: pieces of one index belong to one detail.
    """

    __slots__ = ("_by_place",)

    def __init__(self) -> None:
        self._by_place: dict[Any, dict[str, Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._by_place)

    def feed(self, details: Any) -> None:
        if type(details) is not list:
            return
        for detail in details:
            if type(detail) is dict and len(self._by_place) < _MOST_DETAILS:
                self._one(detail)

    def _one(self, detail: dict[str, Any]) -> None:
        place = (_scalar(detail.get("index")), _scalar(detail.get("type")))
        known = self._by_place.get(place)
        if known is None:
            self._by_place[place] = dict(detail)
            return
        for key, value in detail.items():
            before = known.get(key)
            if key in (*_TEXTS, "data") and type(value) is str and type(before) is str:
                known[key] = before + value
            elif value is not None:
                known[key] = value

    def take(self, said: str) -> str | None:
        """
        The signature of what has come so far, which is then forgotten; `None` where nothing of it is a proof.
        """
        proof = proof_of(list(self._by_place.values()), said)
        self._by_place.clear()
        return proof


def _scalar(value: Any) -> Any:
    return value if type(value) in (int, str) else None
