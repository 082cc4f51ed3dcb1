"""
Base64 and hex inside text: where it is, what it holds, and how it is written again.
"""

from __future__ import annotations

import binascii
import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

from excise.errors import InternalError
from excise.privacy.walk.layer import Span
from excise.privacy.walk.media import MAGIC_BYTES, charset_of, is_text_type, magic

SHORT = 16  # characters of the shortest run that is looked into
LONG = 200  # from here on a run without separators is data, not words

_ALPHABET = (string.ascii_letters + string.digits + "+/-_").encode()
# Every character of a run becomes B, so that the search for a run is a search for sixteen of them, which is very fast.
_CLASSES = bytes(66 if code in _ALPHABET else 32 for code in range(256))
_SHORTEST = b"B" * SHORT
_HEX = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_HEX_TEXT = re.compile(rb"(?:[2-7][0-9a-fA-F]|0[9aAdD]|[c-fC-F][0-9a-fA-F][89abAB][0-9a-fA-F]){4}")
_HEX_FIRST = frozenset(b"0234567cdefCDEF")
# Base64 of text begins with one of these: the first byte is printable, a tab or line end, or begins a character of UTF-8.
_TEXT_FIRST = frozenset(b"CDIJKLMNOPQRSTUVWXYZabcdefwxyz0123456789+/")
ONE_ALPHABET = bytes.maketrans(b"-_", b"+/")
_WORDS = re.compile(r"[0-9A-Za-z]{16,}")
_DATA_URL = re.compile(r"data:([0-9A-Za-z.+-]{1,60}/[0-9A-Za-z.+-]{1,80})?(?:;[0-9A-Za-z=\"'.+_-]{1,60}){0,4};base64,\Z", re.IGNORECASE)
# A long run after one of these words may be the secret itself: it stays in the text. As does what a token's own prefix begins.
_SECRET_AHEAD = re.compile(r"key|token|secret|auth|bearer|basic|passw|pwd|cred|jwt|cookie|session|saml|-----", re.IGNORECASE)
_TOKEN_HEAD = re.compile(r"ABSK|EAA[A-Z]|[A-Za-z][A-Za-z0-9]{1,9}[-_][A-Za-z0-9]|AKCp|cmVmd|1//|EwB")
_AHEAD = 40


def class_text(plain: bytes) -> bytes:
    """
    Of a text, one byte a character: B where it may be of base64, else a space.
    """
    return plain.translate(_CLASSES)


def may_hold_text(heads: bytes, start: int, end: int) -> bool:
    """
    Whether the run may be base64 or hex of text, judged by its first characters: of words of source code hardly one is.

    Args:
        heads: Of the text, one byte a character, in `ONE_ALPHABET`.
    """
    first = heads[start]
    if first in _HEX_FIRST and not (end - start) % 2 and _HEX_TEXT.match(heads, start, end) is not None:
        return True
    if first not in _TEXT_FIRST:
        return False
    head = binascii.a2b_base64(heads[start : start + SHORT])
    if head.isascii():
        # With zeros: UTF-16.
        return not head.translate(None, _READABLE) or 0 in head
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return (error.start >= len(head) - 3 and error.reason == "unexpected end of data") or head[:2] in (b"\xff\xfe", b"\xfe\xff")
    return True


def short_runs(classes: bytes) -> Iterator[tuple[int, int]]:
    """
    All runs of at least `SHORT` characters.
    """
    find, position, length = classes.find, 0, len(classes)
    while (position := find(_SHORTEST, position)) >= 0:
        end = find(b" ", position)
        if end < 0:
            end = length
        yield position, end
        position = end


def long_runs(text: str) -> Iterator[tuple[int, int]]:
    """
    All runs of at least `LONG` characters, with their padding.
    """
    classes = class_text(text.encode("ascii", "replace"))
    find, rfind, position, length = classes.find, classes.rfind, 0, len(classes)
    while position + LONG <= length:
        # From the end of the window back: ordinary text has a space close by, and the window moves on by nearly its length.
        space = rfind(b" ", position, position + LONG)
        if space >= 0:
            position = space + 1
            continue
        end = find(b" ", position)
        end = length if end < 0 else end
        yield position, padded(text, end)
        position = end


def padded(text: str, end: int) -> int:
    """
    `end` moved over the padding behind a run.
    """
    if text.startswith("=", end):
        return end + (2 if text.startswith("==", end) else 1)
    return end


def decode(run: str) -> bytes | None:
    """
    The bytes of a base64 run, either alphabet, padded or not; `None` where it is none.
    """
    body = run.rstrip("=")
    if len(body) % 4 == 1:
        return None
    data = body.encode("ascii", "replace")
    if b"-" in data or b"_" in data:
        if b"+" in data or b"/" in data:
            return None
        data = data.translate(ONE_ALPHABET)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4))
    except binascii.Error:
        return None


@dataclass(frozen=True, slots=True)
class Held:
    """
    What a run holds: `text`, or, where that is `None`, something that is none.
    """

    text: str | None
    codec: Run | None
    media_type: str = ""
    bytes_count: int = 0
    data: bytes = b""


class Run:
    """
    Base64 or hex of text. A change decodes, splices and encodes the whole run, in the alphabet, padding and line length it had.
    """

    whole = True

    __slots__ = ("beside", "charset", "hexadecimal")

    def __init__(self, charset: str, *, hexadecimal: bool = False, beside: bool = False) -> None:
        self.charset = charset
        self.hexadecimal = hexadecimal
        self.beside = beside  # the run itself is in the document, too

    def map(self, spelled: str) -> Span:
        raise InternalError

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        spelled = around[start:end]
        data = text.encode(self.charset, "replace" if self.charset == "latin-1" else "strict")
        if self.hexadecimal:
            written = data.hex()
            return written.upper() if spelled.upper() == spelled else written
        written = binascii.b2a_base64(data, newline=False).decode("ascii")
        flat = "".join(spelled.split())
        # Where nothing tells the alphabets apart, a missing padding speaks for the one of URLs.
        if "-" in flat or "_" in flat or (len(flat) % 4 and "+" not in flat and "/" not in flat):
            written = written.replace("+", "-").replace("/", "_")
        if not flat.endswith("=") and len(flat) % 4:
            written = written.rstrip("=")
        if len(flat) != len(spelled):
            first = len(spelled.split()[0])
            line_end = "\r\n" if "\r\n" in spelled else "\n"
            written = line_end.join(written[at : at + first] for at in range(0, len(written), first))
        return written


def look_short(run: str) -> Held | None:
    """
    What a short run holds, if that is text.
    """
    if not len(run) % 2 and _HEX.fullmatch(run) and (held := _hex(run)) is not None:
        return held
    return _text(run, beside=True)


_READABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def _hex(run: str) -> Held | None:
    data = bytes.fromhex(run)
    if charset_of(data) != "utf-8":
        return None
    return Held(data.decode(), Run("utf-8", hexadecimal=True, beside=True))


def _text(run: str, *, beside: bool, declared: bool = False) -> Held | None:
    data = decode(run)
    if data is None or (charset := charset_of(data, declared_text=declared)) is None:
        return None
    if not beside or declared or charset != "latin-1":
        return Held(data.decode(charset), Run(charset, beside=beside))
    return None


def short_inside(run: str) -> Iterator[tuple[int, int]]:
    """
    Parts of a run that does not decode as a whole: base64 after the slash of a path, or after a prefix.
    """
    for word in _WORDS.finditer(run):
        yield word.span()


def look_long(text: str, start: int, end: int, key: str, declared: str | None) -> Held | None:
    """
    What the run text[start:end] of at least `LONG` characters holds; `None`: it is to be read as the text it is.

    Args:
        key: It stands under.
        declared: Media type the request gives it, lower case; `None` where it says nothing.
    """
    run = text[start:end]
    if (url := _DATA_URL.search(text[max(0, start - 200) : start])) is not None:
        declared = (url[1] or "text/plain").lower()
    if not run.rstrip("=").isascii():
        return None
    head = decode(run[: (MAGIC_BYTES * 4 // 3 + 4) // 4 * 4]) or b""
    known = magic(head)
    if known is None or head.isascii():
        # The beginning is text, or at least no known kind of data.
        if (held := _text(run, beside=False, declared=declared is not None and is_text_type(declared))) is not None:
            return held
        if known is None and declared is None and _may_be_words(text, start, run, key):
            return None
    data = decode(run)
    if data is None:
        # Said to be data, but none: read as text.
        return None
    # What it looks like counts for more than what it is called.
    media_type = known or declared or "application/octet-stream"
    if known is None and is_text_type(media_type):
        media_type = "application/octet-stream"
    return Held(None, None, media_type, len(data), data)


def _may_be_words(text: str, start: int, run: str, key: str) -> bool:
    sample = run[:LONG]
    # Two hundred characters of base64 without a digit, or without either case, do not happen.
    if sample.isalpha() or sample.upper() == sample or sample.lower() == sample or len(set(sample)) < 24:
        return True
    if _TOKEN_HEAD.match(run) or (start and text[start - 1] in ".$" and len(run) < 2048):
        return True
    ahead = text[max(0, start - _AHEAD) : start] + " " + key
    return len(run) < 8192 and _SECRET_AHEAD.search(ahead) is not None
