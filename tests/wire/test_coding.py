"""
Content codings: what is allowed, what is whole, and what a bomb costs.
"""

from __future__ import annotations

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import ExciseError, TooLarge, WireError
from excise.wire.coding import ContentDecoder, acceptable, decode_body
from wire.streams import pieces


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACK = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
    "raw deflate": raw_deflate,
}
NAMES = pytest.mark.parametrize("name", PACK)
CODED = pytest.mark.parametrize("name", [name for name in PACK if name != "identity"])
BODY = '{"model":"m","text":"Grüße, 世界, '.encode() + b"abc " * 500 + b'"}'
LIMIT = 1 << 20


def coding(name: str) -> str:
    return name.rpartition(" ")[2]


@NAMES
def test_a_body_comes_back(name):
    """
    Each coding of the allow-list, both kinds of deflate.
    """
    assert decode_body(coding(name), PACK[name](BODY), LIMIT) == BODY


@pytest.mark.parametrize("said", [None, "", "identity", " Identity ", "GZIP"])
def test_how_a_coding_is_spelled(said):
    """
    Case and blanks do not matter; none means identity.
    """
    body = gzip.compress(BODY) if said == "GZIP" else BODY

    assert decode_body(said, body, LIMIT) == BODY


@CODED
@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_chunk_boundaries_do_not_matter(name, size):
    """
    An answer may be cut anywhere.
    """
    decoder = ContentDecoder(coding(name), limit=LIMIT)

    assert b"".join(decoder.feed(piece) for piece in pieces(PACK[name](BODY), size)) == BODY
    decoder.close()


@pytest.mark.parametrize(
    "said",
    [
        "x-gzip",
        "gzip, gzip",
        "gzip,br",
        "identity, gzip",
        "foo",
        "rot13",
        "utf-8",
        "bz2",
        "hex",
        "compress",
        "*",
        "gzip;q=1",
        "zip",
        "base64",
    ],
)
def test_only_the_allow_list_one_layer(said):
    """
    Names that are codecs elsewhere, aliases and layers are refused before a byte is decoded.
    """
    with pytest.raises(WireError, match="unsupported content coding"):
        decode_body(said, BODY, LIMIT)


@CODED
def test_a_cut_body_is_refused(name):
    """
    Wherever it was cut; a body of no bytes at all is empty, not cut.
    """
    packed = PACK[name](BODY)

    for end in range(1, len(packed)):
        with pytest.raises(WireError):
            decode_body(coding(name), packed[:end], LIMIT)
    assert decode_body(coding(name), b"", LIMIT) == b""


@CODED
@pytest.mark.parametrize("tail", [b"\0", b"{}", BODY])
def test_bytes_behind_the_end_are_refused(name, tail):
    """
    Whole input consumed: what a provider may read, we read.
    """
    with pytest.raises(WireError):
        decode_body(coding(name), PACK[name](BODY) + tail, LIMIT)


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_further_members_are_read(name):
    """
    A second gzip member or zstd frame is part of the body, and was a way past a redactor elsewhere.
    """
    assert decode_body(name, PACK[name](b"one ") + PACK[name](b"two"), LIMIT) == b"one two"


def test_a_skippable_zstd_frame_is_skipped():
    """
    RFC 8878 allows them between frames.
    """
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"abcd"

    assert decode_body("zstd", skippable + zstandard.compress(BODY), LIMIT) == BODY


@CODED
def test_a_plain_body_under_a_coding_is_refused(name):
    """
    A label that does not fit the bytes, and a coding inside another.
    """
    with pytest.raises(WireError):
        decode_body(coding(name), BODY, LIMIT)


@NAMES
def test_the_limit_is_on_the_decoded_body(name):
    """
    To the byte.
    """
    packed = PACK[name](BODY)

    assert decode_body(coding(name), packed, len(BODY)) == BODY
    with pytest.raises(TooLarge):
        decode_body(coding(name), packed, len(BODY) - 1)


BOMB_BYTES = 200 * 1024 * 1024


@pytest.fixture(scope="module")
def bombs():
    def packed(packer, end) -> bytes:
        zeros = bytes(1 << 20)
        return b"".join([packer(zeros) for _ in range(BOMB_BYTES >> 20)]) + end()

    inflate, gzipped = zlib.compressobj(), zlib.compressobj(wbits=31)
    squash, crush = brotli.Compressor(quality=1), zstandard.ZstdCompressor().compressobj()
    return {
        "deflate": packed(inflate.compress, inflate.flush),
        "gzip": packed(gzipped.compress, gzipped.flush),
        "br": packed(squash.process, squash.finish),
        "zstd": packed(crush.compress, crush.flush),
    }


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("limit", [32 << 20, None])
def test_a_bomb_costs_less_than_64_mb(name, limit, bombs):
    """
    It is given up long before it is whole, with and without a limit of its own.
    """
    decoder = ContentDecoder(name, limit=limit)
    tracemalloc.start()
    try:
        with pytest.raises(ExciseError) as raised:
            decoder.feed(bombs[name])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert isinstance(raised.value, WireError | TooLarge)
    assert peak < 64 << 20


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_a_body_of_empty_members_is_refused(name):
    """
    It decodes to nothing and would only burn time.
    """
    with pytest.raises(WireError, match="members"):
        decode_body(name, PACK[name](b"") * 5000, LIMIT)


def test_an_answer_may_have_a_frame_per_event():
    """
    Some servers flush every event as a zstd frame of its own.
    """
    decoder = ContentDecoder("zstd", limit=None)
    event = zstandard.compress(b"data: " + bytes(range(60)) + b"\n\n")

    assert sum(len(decoder.feed(event)) for _ in range(5000)) == 5000 * 68


@CODED
@given(bent=st.binary(max_size=64), at=st.integers(0, 200))
def test_broken_bytes_are_our_error(name, bent, at):
    """
    No library's error comes through, and none of its texts.
    """
    packed = PACK[name](BODY)

    try:
        decode_body(coding(name), packed[:at] + bent + packed[at + len(bent) :], LIMIT)
    except ExciseError as error:
        assert "abc" not in str(error)


def test_what_was_decoded_before_a_fault_is_given_back():
    """
    So that an answer's last good bytes still pass.
    """
    decoder = ContentDecoder("gzip", limit=None)

    with pytest.raises(WireError):
        decoder.feed(gzip.compress(BODY) + b"garbage")
    assert decoder.abandon() == BODY


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (None, None),
        ("gzip, deflate, br, zstd", "gzip, deflate, br, zstd"),
        ("gzip;q=0.5, foo;q=1, br", "gzip;q=0.5, br"),
        ("GZip , IDENTITY;q=0", "GZip, IDENTITY;q=0"),
        ("dcb, dcz, compress, x-gzip", "identity"),
        ("*", "identity"),
        ("", "identity"),
        (",,", "identity"),
    ],
)
def test_accept_encoding_is_reduced_to_what_we_can_decode(given, kept):
    """
    A provider must not choose what we could not read.
    """
    assert acceptable(given) == kept
