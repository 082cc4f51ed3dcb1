"""
One JSON document a line.
"""

from __future__ import annotations

from excise.wire.ndjson import NdjsonDecoder
from wire.streams import LIMIT, decoded, stream


def test_a_line_is_a_frame_as_soon_as_it_ends():
    """
    The first token does not wait for the second.
    """
    decoder = NdjsonDecoder(LIMIT)
    first, second = stream("ollama.ndjson").splitlines(keepends=True)

    assert decoder.feed(first)[0].json["done"] is False
    assert decoder.feed(second)[0].json["eval_count"] == 7
    assert decoder.close() == []


def test_ragged_lines():
    """
    Blank lines, CRLF, indentation, a last line without line feed.
    """
    frames = decoded(NdjsonDecoder(LIMIT), [stream("ndjson-ragged.ndjson")])

    assert [frame.data for frame in frames] == [None, b'{"a":1}', None, b'{"b":2}', b'{"c":3}']
