"""
OpenAI's Chat Completions, the dialect most providers speak; what their own versions of it differ in is in `chat_flavours.py`.

Source: OpenAI API reference, "Chat", and the `openai` SDK's types, read 2026-11.
"""

from __future__ import annotations

from functools import partial

from excise.wire.dialect import Dialect
from excise.wire.dialects.openai_chat.answer_reading import read_answer
from excise.wire.dialects.openai_chat.answer_writing import write_answer
from excise.wire.dialects.openai_chat.request_reading import read_request
from excise.wire.dialects.openai_chat.request_writing import write_request
from excise.wire.dialects.openai_chat.stream_reading import ChatDecoder
from excise.wire.dialects.openai_chat.stream_writing import ChatEncoder
from excise.wire.frame import Framing

NAME = "openai-chat"

OPENAI_CHAT = Dialect(
    name=NAME,
    framing=Framing.SSE,
    content_type="text/event-stream; charset=utf-8",
    decode_request=partial(read_request, NAME),
    encode_request=partial(write_request, NAME),
    decode_answer=partial(read_answer, NAME),
    encode_answer=partial(write_answer, NAME),
    stream_decoder=ChatDecoder,
    stream_encoder=partial(ChatEncoder, NAME),
)
