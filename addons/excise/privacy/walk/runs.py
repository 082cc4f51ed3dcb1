"""
Base64 and hex inside text: where it is, what it holds, and how it is written again.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from excise.errors import InternalError
from excise.privacy.walk.candidates import ONE_ALPHABET, class_text
from excise.privacy.walk.layer import Span
from excise.privacy.walk.media import MAGIC_BYTES, charset_of, is_text_type, magic

LONG = 200  # from here on a run without separators is data, not words
DATA = 8192  # from here on it is left out, where nothing speaks for a token: no token is so long

_HEX = re.compile(r"(?:[0-9a-f]{2})+|(?:[0-9A-F]{2})+")
_DATA_URL = re.compile(r"data:([0-9A-Za-z.+-]{1,60}/[0-9A-Za-z.+-]{1,80})?(?:;[0-9A-Za-z=\"'.+_-]{1,60}){0,4};base64,\Z", re.IGNORECASE)
# A long run after one of these words may be the secret itself: it stays in the text. As does what a token's own prefix begins.
_SECRET_AHEAD = re.compile(r"key|token|secret|auth|bearer|basic|passw|pwd|cred|jwt|cookie|session|saml|-----", re.IGNORECASE)
_TOKEN_HEAD = re.compile(r"eyJ|ABSK|EAA[A-Z]|[A-Za-z][A-Za-z0-9]{1,9}[-_][A-Za-z0-9]|AKCp|cmVmd|1//|EwB")
_JOINTS = ".$"  # they join the parts of a token
_AHEAD = 40


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

    Attributes:
        stays: The run is in the document as well: it may be a token, whatever it decodes to.
        by_chance: What is found inside it, and not at its first character, is chance.
    """

    text: str | None
    codec: Run | None
    media_type: str = ""
    bytes_count: int = 0
    data: bytes = b""
    stays: bool = False
    by_chance: bool = False


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


def _hex(run: str) -> Held | None:
    data = bytes.fromhex(run)
    if charset_of(data) != "utf-8":
        return None
    return Held(data.decode(), Run("utf-8", hexadecimal=True, beside=True))


def _text(run: str, *, beside: bool, declared: bool = False) -> Held | None:
    data = decode(run)
    if data is None or (charset := charset_of(data, declared_text=declared)) is None:
        return None
    if not beside or declared or charset != "latin-1" or len(run) >= LONG:
        return Held(data.decode(charset), Run(charset, beside=beside), stays=beside)
    return None


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
    short = len(run) < DATA and (declared is None or declared == "application/octet-stream" or is_text_type(declared))
    token = declared is None and _may_be_token(text, start, end, key)
    if known is None or head.isascii():
        # The beginning is text, or at least no known kind of data.
        said = declared is not None and is_text_type(declared)
        if (held := _text(run, beside=short or token, declared=said)) is not None:
            return replace(held, by_chance=held.stays and not token)
        if known is None and declared is None and (token or _may_be_words(run)):
            return None
        if known is None and short:
            return Held(None, None, stays=True, by_chance=True)
    data = decode(run)
    if data is None:
        # Said to be data, but none: read as text.
        return None
    # What it looks like counts for more than what it is called.
    media_type = known or declared or "application/octet-stream"
    if known is None and is_text_type(media_type):
        media_type = "application/octet-stream"
    return Held(None, None, media_type, len(data), data)


def _may_be_words(run: str) -> bool:
    # Two hundred characters of base64 without a digit, or without either case, do not happen.
    sample = run[:LONG]
    return sample.isalpha() or sample.upper() == sample or sample.lower() == sample or len(set(sample)) < 24


def _may_be_token(text: str, start: int, end: int, key: str) -> bool:
    """
    Whether a run begins like a token, is one of the joined parts of one, or stands after a word that promises a secret.
    """
    before, after = text[start - 1 : start] if start else "", text[end : end + 2]
    joined = before in _JOINTS if before else False
    joined = joined or (len(after) == 2 and after[0] in _JOINTS and after[1].isalnum())
    if end - start >= DATA:
        return joined and (text.startswith("eyJ", start) or before == ".")
    if joined or _TOKEN_HEAD.match(text, start):
        return True
    return _SECRET_AHEAD.search(text[max(0, start - _AHEAD) : start] + " " + key) is not None
