"""
Where the strings and numbers of a JSON document stand in its bytes, and how to write over them without touching any other byte.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterator
from typing import Any

from excise.privacy.restore.flow import Change, escape

Path = tuple[Any, ...]  # keys and indexes from the root; KEY at the end means the key itself


class _Key:
    def __repr__(self) -> str:
        return "KEY"


KEY = _Key()

_TOKEN = re.compile(rb'[ \t\r\n]*(?:"([^"\\]*(?:\\.[^"\\]*)*)"|([{}\[\],:])|([^ \t\r\n{}\[\],:"]+))', re.DOTALL)
_SIGN = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|[^\\\x80-\xbf][\x80-\xbf]*", re.DOTALL
)


def scalars(data: bytes) -> Iterator[tuple[Path, int, int, bool]]:
    """
    Path, start and end of each string (without its quotes), key and bare value in a JSON document, in order; the last field says whether
    it is a string. Stops at what is no JSON.
    """
    path: list[Any] = []
    in_object: list[bool] = []
    key = False  # a string that comes now is a key
    at = 0
    while (token := _TOKEN.match(data, at)) is not None:
        at = token.end()
        which = token.lastindex
        if which == 2:
            sign = token[2]
            if sign in b"{[":
                in_object.append(sign == b"{")
                path.append(None if sign == b"{" else 0)
                key = sign == b"{"
            elif sign in b"}]":
                if not path:
                    return
                path.pop()
                in_object.pop()
                key = False
            elif sign == b"," and path:
                if in_object[-1]:
                    key = True
                else:
                    path[-1] += 1
            elif sign == b":":
                key = False
        elif which == 1 and key and path:
            start, end = token.span(1)
            raw = token[1]
            path[-1] = json.loads(b'"%b"' % raw) if b"\\" in raw else raw.decode("utf-8", "replace")
            yield (*path, KEY), start, end, True
        elif which is not None:
            start, end = token.span(which)
            yield tuple(path), start, end, which == 1


def locate(data: bytes, wanted: Container[Path]) -> dict[Path, tuple[int, int]]:
    """
    Where the wanted scalars stand in a JSON document, as (start, end); of a repeated key the last, as parsers have it.
    """
    return {path: (start, end) for path, start, end, _ in scalars(data) if path in wanted}


def locate_piece(data: bytes, path: Path, text: str) -> tuple[int, int]:
    """
    Where the string at `path` stands, whose value is `text`: found by that where it stands once, which is cheaper.
    """
    if _PLAIN.match(text):
        spelled = b'"%b"' % text.encode()
        start = data.find(spelled)
        end = start + len(spelled)
        if start >= 0 and data.find(spelled, start + 1) < 0 and data[end : end + 1] not in (b":", b" "):
            return start + 1, end - 1
    return locate(data, (path,))[path]


# Needs no escape, and cannot be what stands between two strings.
_PLAIN = re.compile(r'(?:[^\W_]|[^"\\\x00-\x1f\ud800-\udfff,:\[\]{}]+\Z)[^"\\\x00-\x1f\ud800-\udfff]*\Z')


def written_over(raw: bytes, change: Change) -> tuple[bytes, bytes]:
    """
    The bytes of a JSON string with a change made to them: what leaves, and what is held. Bytes that are not replaced stay as they came,
    escapes and all.

    Args:
        raw: Content of the string, as it stands between its quotes: what was held before and the piece.
        change: With offsets in code points of the decoded string.
    """
    if not change.edits and not change.kept:
        return b"", raw
    place = _offsets(raw)
    parts: list[bytes] = []
    at = 0
    for start, end, written in change.edits:
        parts += (raw[at : place(start)], escape(written).encode())
        at = place(end)
    kept = place(change.kept)
    return b"".join((*parts, raw[at:kept])), raw[kept:]


def _offsets(raw: bytes) -> Any:
    if b"\\" not in raw:
        if raw.isascii():
            return int
        starts = [at for at, byte in enumerate(raw) if byte & 0xC0 != 0x80]
    else:
        starts = [sign.start() for sign in _SIGN.finditer(raw)]
    starts.append(len(raw))
    return starts.__getitem__
