"""
Which conversation a call belongs to.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from excise.wire.neutral import Blob, FileId, Link, Request, Text, ToolCall, ToolResult, Turn

SIZE = 16
_SAMPLE = 4096  # characters taken from the head, the middle and the tail of a long text
_PARTS = 64  # of a turn
_TOOLS = 256
# A line some agents put before their system text, with a hash of the whole request in it: another one in every call.
# Source: github.com/anthropics/claude-code/issues/68900, read 2026-11.
_PER_CALL = "x-anthropic-billing-header:"


def conversation_of(request: Request) -> bytes:
    """
    Digest of system text, tools and first turn, as given; empty where there is no turn.

    "As given" but for one line that changes with every call (`_PER_CALL`). Of long texts three samples and the length, so two
    conversations that differ in between only are taken for one. No secret goes into it: it tells conversations apart, it does not hide
    what they begin with.
    """
    first = next((turn for turn in request.turns if turn.role != "system"), None)
    if first is None:
        return b""
    digest = blake2b(digest_size=SIZE)
    for turn in request.turns:
        if turn.role != "system":
            break
        for part in turn.parts[:_PARTS]:
            if isinstance(part, Text) and (text := _lasting(part.text)):
                _text(digest, text)
    for tool in request.tools[:_TOOLS]:
        _text(digest, tool.name)
        _text(digest, tool.description or "")
    digest.update(b"|%d|" % len(request.tools))
    _turn(digest, first)
    return digest.digest()


def _lasting(text: str) -> str:
    return text.partition("\n")[2] if text.startswith(_PER_CALL) else text


def _turn(digest: blake2b, turn: Turn) -> None:
    _text(digest, turn.role)
    digest.update(b"(%d)" % len(turn.parts))
    for part in turn.parts[:_PARTS]:
        _text(digest, type(part).__name__)
        if isinstance(part, Text):
            _text(digest, part.text)
        elif isinstance(part, ToolCall):
            _text(digest, part.name)
        elif isinstance(part, ToolResult):
            for inner in part.parts[:_PARTS]:
                if isinstance(inner, Text):
                    _text(digest, inner.text)
        else:
            _source(digest, getattr(part, "source", None))


def _source(digest: blake2b, source: Any) -> None:
    if isinstance(source, Blob):
        _text(digest, source.data)
    elif isinstance(source, Link):
        _text(digest, source.url)
    elif isinstance(source, FileId):
        _text(digest, source.id)


def _text(digest: blake2b, text: str) -> None:
    size = len(text)
    digest.update(b"<%d>" % size)
    if size > 3 * _SAMPLE:
        middle = (size - _SAMPLE) // 2
        text = text[:_SAMPLE] + text[middle : middle + _SAMPLE] + text[-_SAMPLE:]
    digest.update(text.encode("utf-8", "surrogatepass"))
