"""
Frames parse lazily and never raise.
"""

from __future__ import annotations

import pytest

from excise.wire.frame import Frame


@pytest.mark.parametrize("data", [None, b"", b"[DONE]", b"{", b"\xff", b"NaN", b"[" * 5000])
def test_what_is_not_json_reads_as_none(data):
    """
    A terminator, a cut document, broken UTF-8 or absurd nesting is no error here: metering goes on with the next frame.
    """
    assert Frame(b"raw", None, data).json is None


def test_json_is_parsed_once():
    """
    Readers share one parsed value, so a frame read by three stages costs one parse.
    """
    frame = Frame(b"data: {}\n\n", "ping", b'{"a":1}')

    assert frame.json == {"a": 1}
    assert frame.json is frame.json


def test_parsing_does_not_change_equality():
    """
    Two frames of the same bytes are equal whether or not one was read.
    """
    one, other = Frame(b"x", None, b"{}"), Frame(b"x", None, b"{}")
    assert one.json == {}

    assert one == other
