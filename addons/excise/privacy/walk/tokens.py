"""
Where the strings and numbers of a JSON text stand, by their number: found only when something is to be changed or reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from excise.errors import BadRequest, InternalError
from excise.privacy.walk.layer import Span, in_step
from excise.privacy.walk.units import Units

# The text is strict JSON, so every quote outside a string begins one. Possessive: a string of megabytes must not be stacked.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9][0-9.eE+-]*+', re.DOTALL)
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_ESCAPE = re.compile(r'(\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|["\\/bfnrt]))')


def locate(text: str, strings: Iterable[int], numbers: Iterable[int]) -> tuple[dict[int, tuple[int, int]], dict[int, tuple[int, int]]]:
    """
    Ranges in `text` of the wanted strings (between their quotes) and numbers, each counted from 0 in the order of the text, keys included.
    """
    wanted, wanted_numbers = sorted(set(strings)), set(numbers)
    found: dict[int, tuple[int, int]] = {}
    found_numbers: dict[int, tuple[int, int]] = {}
    last = wanted[-1] if wanted else -1
    if not wanted_numbers:
        pending = iter(wanted)
        next_one = next(pending, -1)
        for at, token in enumerate(_STRING.finditer(text)):
            if at == next_one:
                found[at] = (token.start() + 1, token.end() - 1)
                if at == last:
                    break
                next_one = next(pending, -1)
        return found, found_numbers
    at = number = -1
    last_number = max(wanted_numbers)
    names = set(wanted)
    for token in _TOKEN.finditer(text):
        if text[token.start()] == '"':
            at += 1
            if at in names:
                found[at] = (token.start() + 1, token.end() - 1)
        else:
            number += 1
            if number in wanted_numbers:
                found_numbers[number] = token.span()
        if at >= last and number >= last_number:
            break
    return found, found_numbers


@lru_cache(maxsize=1024)
def _unescape(escape: str) -> str:
    return str(json.loads(f'"{escape}"'))


class JsonString:
    """
    A string of a JSON text, spelled with its escapes.
    """

    whole = False
    beside = False

    def map(self, spelled: str) -> Span:
        return Units("", _ESCAPE, _unescape, spelled).span if "\\" in spelled else in_step

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        # ASCII: right whatever the charset around it, and however deep the text is nested.
        return json.dumps(text)[1:-1]


class JsonNumber:
    """
    A number of a JSON text. Only a number can take its place: what a schema wants as a number must not become a string.
    """

    whole = True
    beside = False

    def map(self, spelled: str) -> Span:
        raise InternalError

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        if not _NUMBER.fullmatch(text):
            raise BadRequest("a number of the body cannot be replaced by something that is none", kind="number_not_replaceable")
        return text


JSON_STRING = JsonString()
JSON_NUMBER = JsonNumber()
