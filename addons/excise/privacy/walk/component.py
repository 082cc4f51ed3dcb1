"""
The pieces of forms, queries and headers: how text is written in each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from excise.privacy.walk.layer import Span, in_step
from excise.privacy.walk.units import Units

_CODED = re.compile(
    r"(\+|%(?:[0-7][0-9a-fA-F]|[cCdD][0-9a-fA-F]%[89abAB][0-9a-fA-F]|[eE][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){2}"
    r"|[fF][0-4](?:%[89abAB][0-9a-fA-F]){3}))"
)
_PAIR = re.compile(r"([^=&;]*)(?:=([^&;]*))?")
_LINE = re.compile(r"[\x00-\x1f\x7f]+")


def _decode_form(coded: str) -> str | None:
    return " " if coded == "+" else _decode(coded)


def _decode(coded: str) -> str | None:
    if coded == "+":
        return None
    try:
        return bytes.fromhex(coded.replace("%", "")).decode()
    except UnicodeDecodeError:
        return None


class Component:
    """
    A key or value of a query or of an `application/x-www-form-urlencoded` body, or a segment of a path (where `+` is a plus).
    """

    whole = False
    beside = False

    __slots__ = ("_form",)

    def __init__(self, *, form: bool = True) -> None:
        self._form = form

    def _units(self, spelled: str) -> Units | None:
        return Units.of(_CODED, _decode_form if self._form else _decode, spelled)

    def decoded(self, spelled: str) -> str:
        units = self._units(spelled)
        return spelled if units is None else units.text

    def map(self, spelled: str) -> Span:
        units = self._units(spelled)
        return in_step if units is None else units.span

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        return quote(text, safe="")


class FileName:
    """
    A parameter in quotes of a part's `content-disposition`, as browsers write it.

    Source: WHATWG HTML, "multipart/form-data encoding algorithm", read 2026-11.
    """

    whole = False
    beside = False

    def map(self, spelled: str) -> Span:
        return in_step

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        return text.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22").replace("\\", "%5C").replace("\x00", "%00")


class HeaderValue:
    """
    The value of a header: never a line end, or it would be two headers.
    """

    whole = False
    beside = False

    def map(self, spelled: str) -> Span:
        return in_step

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        return _LINE.sub(" ", text)


FORM_COMPONENT = Component()
PATH_COMPONENT = Component(form=False)
FILE_NAME = FileName()
HEADER_VALUE = HeaderValue()


def pairs(text: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """
    The ranges of keys and values of a query or an urlencoded form.
    """
    for found in _PAIR.finditer(text):
        if found.end() > found.start():
            yield found.span(1), (found.span(2) if found[2] is not None else (found.end(), found.end()))
