"""
Ollama's own chat API: `POST /api/chat`.
"""

from __future__ import annotations

from excise.wire.dialect import Dialect
from excise.wire.dialects.ollama.answer import OllamaStreamDecoder, OllamaStreamEncoder, decode_answer, encode_answer
from excise.wire.dialects.ollama.request import NAME, decode_request, encode_request
from excise.wire.frame import Framing

OLLAMA = Dialect(
    name=NAME,
    framing=Framing.NDJSON,
    content_type="application/x-ndjson",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=OllamaStreamDecoder,
    stream_encoder=OllamaStreamEncoder,
)
