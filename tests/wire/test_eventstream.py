"""
AWS event streams: checksums first, then anything else.
"""

from __future__ import annotations

import base64
import json
import struct
import zlib
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer

from excise.errors import WireError
from excise.wire.eventstream import EventStreamDecoder, encode_message
from wire.streams import LIMIT, decoded, joined, pieces

EVENT = {":event-type": "contentBlockDelta", ":content-type": "application/json", ":message-type": "event"}
FIRST = encode_message(EVENT, b'{"delta":{"text":"\xc3\xa4"}}')
SECOND = encode_message({**EVENT, ":event-type": "metadata"}, b'{"usage":{"inputTokens":3}}')


def message(headers: bytes, payload: bytes = b"") -> bytes:
    lengths = struct.pack("!II", len(headers) + len(payload) + 16, len(headers))
    body = lengths + struct.pack("!I", zlib.crc32(lengths)) + headers + payload
    return body + struct.pack("!I", zlib.crc32(body))


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_chunk_boundaries_do_not_matter(size):
    """
    A message may be cut anywhere, its prelude too.
    """
    body = FIRST + SECOND

    frames = decoded(EventStreamDecoder(LIMIT), pieces(body, size))

    assert [(frame.event, frame.json) for frame in frames] == [
        ("contentBlockDelta", {"delta": {"text": "ä"}}),
        ("metadata", {"usage": {"inputTokens": 3}}),
    ]
    assert joined(frames) == body


def test_the_official_client_reads_what_we_write():
    """
    botocore checks lengths and both checksums.
    """
    buffer = EventStreamBuffer()
    buffer.add_data(FIRST)

    (event,) = list(buffer)

    assert event.headers == EVENT
    assert event.payload == b'{"delta":{"text":"\xc3\xa4"}}'


def test_a_chunk_gives_the_model_event_inside():
    """
    Bedrock invoke wraps the model's own events in base64.
    """
    inner = b'{"type":"message_start"}'
    wrapped = json.dumps({"bytes": base64.b64encode(inner).decode(), "p": "abcdef"}).encode()

    (frame,) = EventStreamDecoder(LIMIT).feed(encode_message({**EVENT, ":event-type": "chunk"}, wrapped))

    assert frame.data == inner


@pytest.mark.parametrize("payload", [b"not json", b"[]", b'{"bytes":7}', b'{"bytes":"%%"}', b"{}"])
def test_a_chunk_of_another_form_is_given_as_it_is(payload):
    """
    Nothing is lost to a wrapper that is not the one we know.
    """
    (frame,) = EventStreamDecoder(LIMIT).feed(encode_message({**EVENT, ":event-type": "chunk"}, payload))

    assert frame.data == payload


def test_an_exception_is_a_frame_with_its_name():
    """
    Errors inside a stream are messages of another type.
    """
    headers = {":exception-type": "throttlingException", ":message-type": "exception"}

    (frame,) = EventStreamDecoder(LIMIT).feed(encode_message(headers, b'{"message":"slow down"}'))

    assert frame.event == "throttlingException"
    assert frame.headers is not None
    assert frame.headers[":message-type"] == "exception"


def test_headers_of_every_type():
    """
    The protocol has ten of them.
    """
    block = b"\x01a\x00\x01b\x01\x01c\x02\xff\x01d\x03\x00\x02\x01e\x04\x00\x00\x00\x03\x01f\x05" + (4).to_bytes(8, "big")
    block += b"\x01g\x06\x00\x02hi\x01h\x07\x00\x02ho\x01i\x08" + (5).to_bytes(8, "big") + b"\x01j\x09" + bytes(range(16))

    (frame,) = EventStreamDecoder(LIMIT).feed(message(block))

    assert frame.headers == {
        "a": True,
        "b": False,
        "c": -1,
        "d": 2,
        "e": 3,
        "f": 4,
        "g": b"hi",
        "h": "ho",
        "i": 5,
        "j": UUID(bytes=bytes(range(16))),
    }
    assert frame.event is None


@pytest.mark.parametrize("at", range(len(FIRST)))
def test_a_flipped_byte_anywhere_is_found(at):
    """
    No length is believed before its checksum.
    """
    bent = bytearray(FIRST)
    bent[at] ^= 0x01
    decoder = EventStreamDecoder(LIMIT)

    with pytest.raises(WireError):
        decoder.feed(bytes(bent))
    assert decoder.abandon() == bytes(bent)


def test_whole_messages_before_a_fault_are_given():
    """
    The fault shows at the next call.
    """
    decoder = EventStreamDecoder(LIMIT)

    assert len(decoder.feed(FIRST + b"\x00" * 16)) == 1
    with pytest.raises(WireError):
        decoder.feed(b"")


@pytest.mark.parametrize("block", [b"\x05a", b"\x01a\x0a", b"\x01a\x07\x00\x09x", b"\x01a\x04\x00", b"\x01\xff\x00", b"\x01a\x09abc"])
def test_malformed_headers_are_refused(block):
    """
    Right checksums do not make a message right.
    """
    with pytest.raises(WireError):
        EventStreamDecoder(LIMIT).feed(message(block))


def test_a_message_longer_than_the_limit_is_refused_by_its_prelude():
    """
    Nothing of it need be held.
    """
    with pytest.raises(WireError):
        EventStreamDecoder(64).feed(message(b"", b"x" * 100)[:12])


@pytest.mark.parametrize("end", range(1, len(FIRST)))
def test_a_message_cut_anywhere_is_known_to_be_cut(end):
    """
    The bytes come out without data.
    """
    decoder = EventStreamDecoder(LIMIT)

    frames = decoded(decoder, [FIRST[:end]])

    assert (joined(frames), frames[-1].data, decoder.cut) == (FIRST[:end], None, True)
