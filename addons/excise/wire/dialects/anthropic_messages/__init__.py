"""
Anthropic's Messages: of Anthropic itself, of Vertex (`anthropic_version` in the body, the model in the path), of many who imitate it.

    request.py    the client's JSON -> Request
    blocks.py     content blocks -> parts
    outgoing.py   Request -> the provider's JSON: of other dialects; `restored.py` of this one
    settle.py     thinking, limits and sampling, which depend on each other
    written.py    parts -> content blocks
    answer.py     whole answers, both ways; `stream_decoder.py` and `stream_encoder.py` in pieces

Source: the official SDK's types, anthropic 2.12, and platform.claude.com/docs, read 2026-11; recorded answers of Anthropic, Azure, Vertex.
"""

from __future__ import annotations

from functools import partial

from excise.wire.dialect import Dialect
from excise.wire.dialects.anthropic_messages.answer import decode_answer, encode_answer
from excise.wire.dialects.anthropic_messages.blocks import MESSAGES, VERTEX
from excise.wire.dialects.anthropic_messages.outgoing import encode_request
from excise.wire.dialects.anthropic_messages.request import decode_request
from excise.wire.dialects.anthropic_messages.stream_decoder import MessagesStreamDecoder
from excise.wire.dialects.anthropic_messages.stream_encoder import MessagesStreamEncoder
from excise.wire.frame import Framing

ANTHROPIC_MESSAGES, ANTHROPIC_VERTEX = (
    Dialect(
        name=name,
        framing=Framing.SSE,
        content_type="text/event-stream; charset=utf-8",
        decode_request=partial(decode_request, name),
        encode_request=partial(encode_request, name),
        decode_answer=partial(decode_answer, name),
        encode_answer=encode_answer,
        stream_decoder=MessagesStreamDecoder,
        stream_encoder=partial(MessagesStreamEncoder, name),
    )
    for name in (MESSAGES, VERTEX)
)

__all__ = ["ANTHROPIC_MESSAGES", "ANTHROPIC_VERTEX"]
