"""
Cohere's chat API, version 2: `POST /v2/chat`.
"""

from __future__ import annotations

from excise.wire.dialect import Dialect
from excise.wire.dialects.cohere_v2.answer import decode_answer, encode_answer
from excise.wire.dialects.cohere_v2.request import NAME, decode_request, encode_request
from excise.wire.dialects.cohere_v2.stream import CohereStreamDecoder, CohereStreamEncoder
from excise.wire.frame import Framing

COHERE_V2 = Dialect(
    name=NAME,
    framing=Framing.SSE,
    content_type="text/event-stream",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=CohereStreamDecoder,
    stream_encoder=CohereStreamEncoder,
)
