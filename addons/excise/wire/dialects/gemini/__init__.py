"""
Google's generateContent, as the Gemini API and Vertex AI speak it.

    request.py, openapi.py               the client's request, read
    target.py, contents.py, output.py    a request for Google, written
    models.py                            what its models want to hear, by name
    answer.py, stream.py                 answers, read and written
    parts.py                             parts, which requests and answers share
"""

from __future__ import annotations

from excise.wire.dialect import Dialect
from excise.wire.dialects.gemini.answer import decode_answer, encode_answer
from excise.wire.dialects.gemini.parts import NAME
from excise.wire.dialects.gemini.request import decode_request
from excise.wire.dialects.gemini.stream import StreamDecoder, StreamEncoder
from excise.wire.dialects.gemini.target import encode_request
from excise.wire.frame import Framing

GEMINI = Dialect(
    name=NAME,
    framing=Framing.SSE,
    content_type="text/event-stream",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
)
