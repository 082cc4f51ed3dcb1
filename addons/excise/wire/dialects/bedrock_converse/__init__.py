"""
AWS Bedrock's Converse and ConverseStream.

    request.py       requests, read
    own_words.py     written back as they were
    sending.py       requests of other dialects, written for a model: conversation.py, tool_config.py, thinking.py
    models.py        what the families of models behind it take
    answer.py        whole answers, both ways
    stream.py        streamed answers, both ways
    blocks.py        content blocks, which all of them share
"""

from __future__ import annotations

from excise.wire.dialect import Dialect, Encoded, Target
from excise.wire.dialects.bedrock_converse.answer import decode_answer, encode_answer
from excise.wire.dialects.bedrock_converse.blocks import NAME
from excise.wire.dialects.bedrock_converse.own_words import encode_own
from excise.wire.dialects.bedrock_converse.request import decode_request
from excise.wire.dialects.bedrock_converse.sending import encode_foreign
from excise.wire.dialects.bedrock_converse.stream import ConverseStreamDecoder, ConverseStreamEncoder
from excise.wire.frame import Framing
from excise.wire.neutral import Request


def _encode_request(request: Request, target: Target) -> Encoded:
    return encode_own(request, target) if request.dialect == NAME else encode_foreign(request, target)


BEDROCK_CONVERSE = Dialect(
    name=NAME,
    framing=Framing.EVENTSTREAM,
    content_type="application/vnd.amazon.eventstream",
    decode_request=decode_request,
    encode_request=_encode_request,
    decode_answer=decode_answer,
    encode_answer=encode_answer,
    stream_decoder=ConverseStreamDecoder,
    stream_encoder=ConverseStreamEncoder,
)

__all__ = ["BEDROCK_CONVERSE"]
