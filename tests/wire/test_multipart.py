"""
Forms: two servers must not read two models from one.
"""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import BadRequest, ExciseError, WireError
from excise.wire.multipart import form_fields

TYPE = 'multipart/form-data; boundary="b-1"'
WANTED = frozenset(("model", "stream"))


def part(head: str, value: bytes) -> bytes:
    return b"--b-1\r\n" + head.encode() + b"\r\n\r\n" + value + b"\r\n"


def named(name: str, value: bytes) -> bytes:
    return part(f'Content-Disposition: form-data; name="{name}"', value)


FILE = part('Content-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg', b"\xff\xfb--b-1 \r\n--b-2\n" * 9)
END = b"--b-1--\r\n"


def read(body: bytes, content_type: str = TYPE) -> dict[str, str]:
    return form_fields(content_type, body, WANTED)


def test_the_wanted_fields_are_read_and_no_other():
    """
    Before the file or behind it; the rest is not copied.
    """
    body = named("model", b"whisper-1") + FILE + named("prompt", b"secret") + named("stream", b"true") + END

    assert read(body) == {"model": "whisper-1", "stream": "true"}


@pytest.mark.parametrize(
    "head",
    [
        "Content-Disposition: form-data; name=model",
        'content-disposition:form-data;name="model"',
        'Content-Type: text/plain\r\nContent-Disposition: form-data; name="model"',
        'Content-Transfer-Encoding: binary\r\nContent-Disposition: form-data; name="MODEL"',
    ],
)
def test_how_clients_write_a_field(head):
    """
    With and without quotes, in any case and order.
    """
    assert read(part(head, b"m") + END) == {"model": "m"}


@pytest.mark.parametrize("content_type", ["multipart/form-data; boundary=b-1", 'multipart/form-data; charset=x; BOUNDARY="b-1"'])
def test_how_clients_write_the_boundary(content_type):
    """
    With and without quotes.
    """
    assert read(named("model", b"m") + END, content_type) == {"model": "m"}


@pytest.mark.parametrize(
    "body",
    [
        named("model", b"a") + named("model", b"b") + END,
        named("model", b"a") + named("Model", b"b") + END,
        named("model", b"a") + part('Content-Disposition: form-data; name="model"; filename="x"', b"b") + END,
        part('Content-Disposition: form-data; name="model"; filename="x"', b"b") + END,
        named("model", b"\xff") + END,
        named("model", b"x" * 3000) + END,
    ],
)
def test_a_field_that_can_be_read_in_two_ways_is_refused(body):
    """
    Repeated, a file, not text.
    """
    with pytest.raises(BadRequest):
        read(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"preamble\r\n" + named("model", b"a") + END,
        named("model", b"a"),
        named("model", b"a") + b"--b-1-",
        named("model", b"a") + END + named("model", b"b") + END,
        named("model", b"a") + b"--b-1 \r\n" + END,
        named("model", b"a\n--b-1\r\nContent-Disposition: form-data; name=model\r\n\r\nb") + END,
        part("Content-Type: text/plain", b"a") + END,
        part('Content-Disposition: attachment; name="model"', b"a") + END,
        part("Content-Disposition: form-data", b"a") + END,
        part("Content-Disposition: form-data; name*=utf-8''model", b"a") + END,
        part('Content-Disposition: form-data; name="a"; name="model"', b"a") + END,
        part('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="model"', b"a") + END,
        part('Content-Disposition: form-data;\r\n name="model"', b"a") + END,
        part('Content-Disposition: form-data; name="a"\nContent-Disposition: form-data; name="model"', b"a") + END,
        part('Content-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name="model"', b"YQ==") + END,
        b"--b-1\r\n\r\nvalue\r\n" + END,
        part("X: " + "y" * 20_000 + '\r\nContent-Disposition: form-data; name="model"', b"a") + END,
        named("n", b"") * 200 + END,
    ],
)
def test_what_parsers_disagree_on_is_refused(body):
    """
    Preambles, bare line feeds, folded and doubled headers, encodings, endless parts.
    """
    with pytest.raises(WireError):
        read(body)


@pytest.mark.parametrize(
    "boundary", ["", "; boundary=", '; boundary="a\nb"', "; boundary=" + "x" * 71, "; boundary=a; boundary=b", "; boundary=ä"]
)
def test_a_boundary_that_is_none_is_refused(boundary):
    """
    RFC 2046: one to seventy characters of a small set.
    """
    with pytest.raises(WireError):
        read(named("model", b"a") + END, "multipart/form-data" + boundary)


@given(
    st.lists(
        st.sampled_from([b"--b-1", b"--", b"\r\n", b"\n", b"Content-Disposition: form-data; name=model", b"x", b'"', b";"]), max_size=30
    )
)
def test_no_bytes_raise_anything_else(pieces):
    """
    Whatever comes, it is read or refused.
    """
    with contextlib.suppress(ExciseError):
        assert set(read(b"".join(pieces))) <= WANTED
