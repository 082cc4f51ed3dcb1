"""
Which conversation a request belongs to, told from the request alone.
"""

from __future__ import annotations

from typing import Any

import orjson

_TURNS = ("messages", "contents", "input")  # chat, Anthropic, Cohere, Ollama, Bedrock; Gemini; Responses
_NAMES = ("conversation", "session_id", "conversation_id")


def opening(body: Any) -> bytes | None:
    """
    What all turns of one conversation share and other conversations mostly do not: the conversation's own id where the request names one,
    else its first turn of a user. `None` where there are no turns (embeddings, images).

    `None` as well where the provider keeps the conversation and goes by the answer before: its turns share nothing.

    Clients send the whole history again with each turn, so the first turn stays; where they cut it short, another conversation
    begins for us, and placeholders change with it.
    """
    if not isinstance(body, dict):
        return None
    for name in _NAMES:
        value = body.get(name)
        if isinstance(value, dict):
            value = value.get("id")
        if isinstance(value, str) and value:
            return name.encode() + b"\x00" + value.encode("utf-8", "surrogatepass")
    if is_kept(body):
        return None
    for name in _TURNS:
        turns = body.get(name)
        if isinstance(turns, str):
            return turns.encode("utf-8", "surrogatepass")
        if isinstance(turns, list) and turns:
            first = next((turn for turn in turns if isinstance(turn, dict) and turn.get("role") == "user"), turns[0])
            return orjson.dumps(_spoken(first))
    return None


def is_kept(body: Any) -> bool:
    """
    Whether the provider keeps this conversation, so that later turns need not say what was said before: OpenAI's Responses, unless they are
    told not to; Anthropic's message threads.
    """
    if not isinstance(body, dict):
        return False
    named = body.get("previous_response_id") or body.get("conversation") or body.get("previous_interaction_id") or body.get("thread")
    return bool(named) or ("input" in body and "messages" not in body and body.get("store") is not False)


def _spoken(turn: Any) -> Any:
    # Cache marks move from turn to turn; they are no part of what was said.
    if isinstance(turn, dict):
        return {key: _spoken(value) for key, value in turn.items() if key not in ("cache_control", "cachePoint")}
    if isinstance(turn, list):
        return [_spoken(one) for one in turn]
    return turn
