"""
OpenAI's Responses API: `openai-responses` in the catalogue.

    items       input items         -> turns             request    the rest of a request -> neutral
    writing     turns               -> input items       settings   the rest of a request <- neutral
    sending     a neutral request   -> the provider's JSON
    answer      whole answers, both ways
    stream_in   a provider's stream -> events            stream_out events -> a client's stream
"""

from __future__ import annotations

from excise.wire.dialect import Dialect
from excise.wire.dialects.openai_responses.answer import decode_answer, encode_answer
from excise.wire.dialects.openai_responses.items import NAME
from excise.wire.dialects.openai_responses.request import decode_request
from excise.wire.dialects.openai_responses.sending import encode_request
from excise.wire.dialects.openai_responses.stream_in import StreamReader
from excise.wire.dialects.openai_responses.stream_out import StreamWriter
from excise.wire.frame import Framing

OPENAI_RESPONSES = Dialect(
    name=NAME,
    framing=Framing.SSE,
    content_type="text/event-stream",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=StreamReader,
    stream_encoder=StreamWriter,
)
