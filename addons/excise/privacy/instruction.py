"""
One sentence for the model about placeholders, where policy wants it told: the same in every call, so that prompt caches still hit.
"""

from __future__ import annotations

from typing import Any

from excise.wire.json_edit import Edit

SENTENCE = (
    "Words like EMAIL_ or KEY_ followed by capital letters and digits, 24 characters in all, stand for real values that were taken out. "
    "Use them exactly as they are, wherever the value itself would be used; never shorten, translate or invent one."
)


_FIRST_MESSAGE = frozenset(("openai-chat", "cohere", "ollama"))


def telling(dialect: str, body: Any) -> list[Edit]:
    """
    How the sentence goes into the system text of a request: at its end where there is one, else as one of its own. Nothing for dialects
    and requests that have no place for it (embeddings, images), and where it stands already.
    """
    if not isinstance(body, dict):
        return []
    if dialect in _FIRST_MESSAGE and isinstance(body.get("messages"), list):
        return _first_message(body["messages"])
    if dialect == "openai-responses" and "input" in body:
        return _in_text(("instructions",), body.get("instructions"))
    if dialect in ("anthropic-messages", "bedrock-converse") and "messages" in body:
        system = body.get("system")
        if isinstance(system, str):
            return _in_text(("system",), system)
        return _in_list(("system",), system, {"type": "text", "text": SENTENCE} if dialect.startswith("anthropic") else {"text": SENTENCE})
    if dialect == "gemini" and "contents" in body:
        name = "system_instruction" if "system_instruction" in body else "systemInstruction"
        parts = body[name].get("parts") if isinstance(body.get(name), dict) else None
        return _in_list((name, "parts"), parts, {"text": SENTENCE})
    return []


def _first_message(messages: list[Any]) -> list[Edit]:
    first = messages[0] if messages else None
    if not isinstance(first, dict) or first.get("role") not in ("system", "developer"):
        return [Edit(("messages",), "prepend", {"role": "system", "content": SENTENCE})]
    content = first.get("content")
    if isinstance(content, list):
        return _in_list(("messages", 0, "content"), content, {"type": "text", "text": SENTENCE})
    return _in_text(("messages", 0, "content"), content)


def _in_text(path: tuple[str | int, ...], text: Any) -> list[Edit]:
    if text is None or text == "":
        return [Edit(path, "set", SENTENCE)]
    if not isinstance(text, str) or SENTENCE in text:
        return []
    return [Edit(path, "set", f"{text}\n\n{SENTENCE}")]


def _in_list(path: tuple[str | int, ...], parts: Any, block: dict[str, str]) -> list[Edit]:
    if parts is not None and not isinstance(parts, list):
        return []
    return [] if block in (parts or ()) else [Edit(path, "append", block)]
