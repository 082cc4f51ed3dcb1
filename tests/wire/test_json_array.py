"""
A JSON array in pieces.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import WireError
from excise.wire.json_array import JsonArrayDecoder
from wire.streams import LIMIT, decoded, joined, pieces, stream


def test_an_element_comes_out_with_its_last_byte():
    """
    Gemini's chunks are readable before the array ends.
    """
    decoder = JsonArrayDecoder(LIMIT)
    body = stream("gemini-array.json")
    first_end = body.index(b",\r\n")

    (frame,) = decoder.feed(body[:first_end])

    assert frame.json["candidates"][0]["content"]["parts"][0]["text"] == 'a "]}[{\\ quoted'
    assert frame.raw == body[:first_end]
    (rest,) = [frame for frame in decoder.feed(body[first_end:]) if frame.data]
    assert rest.json["usageMetadata"] == {"promptTokenCount": 3}
    assert not decoder.cut


@pytest.mark.parametrize("body", [b"[", b'[{"a":1}', b'[{"a":1},', b'[{"a":', b'[{"a":"\\'])
def test_an_array_that_is_not_closed_is_cut(body):
    """
    The bytes come out, and the break is known.
    """
    decoder = JsonArrayDecoder(LIMIT)

    assert joined(decoded(decoder, [body])) == body
    assert decoder.cut


@pytest.mark.parametrize("body", [b"{}", b"x", b"[] x", b"[{}]]", b'["a"]{'])
def test_what_is_no_array_is_refused(body):
    """
    A document that is no array, or goes on after it, is not guessed at.
    """
    decoder = JsonArrayDecoder(LIMIT)

    with pytest.raises(WireError):
        decoder.feed(body)
        decoder.feed(b" ")


VALUES = st.recursive(
    st.text(max_size=6) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(elements=st.lists(VALUES, max_size=5), indent=st.sampled_from([None, 2]), size=st.integers(1, 9))
def test_objects_and_arrays_are_the_elements(elements, indent, size):
    """
    Whatever is nested or quoted inside; bare values pass as separators do.
    """
    body = json.dumps(elements, indent=indent).encode()

    frames = decoded(JsonArrayDecoder(LIMIT), pieces(body, size))

    assert joined(frames) == body
    assert [json.loads(frame.data) for frame in frames if frame.data] == [one for one in elements if isinstance(one, dict | list)]
