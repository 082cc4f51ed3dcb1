"""
Undo what text inside a text is dressed in: escapes, percent-encoding, entities, quoted-printable, look-alike and invisible characters.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from functools import lru_cache
from urllib.parse import quote

from excise.privacy.walk import disguise
from excise.privacy.walk.layer import Span
from excise.privacy.walk.units import Units

ROUNDS = 3  # a backslash may be escaped, and that escaped again

_ESCAPE = re.compile(
    r"(\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}"
    r"|[0-3][0-7]{2}|[\"'\\/`@_bfnrtv]))"
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_PERCENT = re.compile(
    r"(%(?:[0-7][0-9a-fA-F]|u[0-9a-fA-F]{4}|[cCdD][0-9a-fA-F]%[89abAB][0-9a-fA-F]|[eE][0-9a-fA-F](?:%[89abAB][0-9a-fA-F]){2}"
    r"|[fF][0-4](?:%[89abAB][0-9a-fA-F]){3}))"
)
_ENTITY = re.compile(r"(&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,30};))")
_QUOTED = re.compile(r"(=(?:[ \t]{0,8}\r?\n|[2-7][0-9A-F]|0[9AD]|[CD][0-9A-F]=[89AB][0-9A-F]|E[0-9A-F](?:=[89AB][0-9A-F]){2}))")
_BEYOND_ASCII = re.compile(r"([^\x00-\x7f])")
_HIDDEN = re.compile(f"([{disguise.HIDDEN}]+)")
_WORD = re.compile(r"[\w@.+-]++")
_LATIN = re.compile(r"[A-Za-z]")


# What is kept here are single characters, never a word.
@lru_cache(maxsize=4096)
def _unescape(escape: str) -> str | None:
    body = escape[1:]
    head = body[0]
    if head == "u" and len(body) > 5 and body[1] != "{":
        return str(json.loads(f'"{escape}"'))
    if head in "uUx" and len(body) > 1:
        return _character(int(body[1:].strip("{}"), 16))
    if len(body) == 3:
        return chr(int(body, 8))
    return _LETTERS.get(head, head)


def _character(code: int) -> str | None:
    return None if code > 0x10FFFF or 0xD800 <= code < 0xE000 else chr(code)


@lru_cache(maxsize=4096)
def _bytes(coded: str) -> str | None:
    if coded[1] == "u":
        return _character(int(coded[2:], 16))
    try:
        return bytes.fromhex(coded.replace(coded[0], "")).decode()
    except UnicodeDecodeError:
        return None


def _unquote(coded: str) -> str | None:
    return "" if coded.endswith("\n") else _bytes(coded)


def _unentity(entity: str) -> str | None:
    plain = html.unescape(entity)
    return None if plain == entity or not plain or plain == "\ufffd" else plain


def _unhide(hidden: str) -> str:
    return ""


def _unmask(text: str) -> str:
    """
    `text` with look-alike letters replaced, character for character, in words that have Latin ones as well.
    """
    if disguise.LOOKALIKES.isdisjoint(text):
        return text
    made = list(text)
    for word in _WORD.finditer(text):
        if not word[0].isascii() and _LATIN.search(word[0]) and not disguise.LOOKALIKES.isdisjoint(word[0]):
            made[word.start() : word.end()] = word[0].translate(disguise.UNMASKED)
    return "".join(made)


class Unfolded:
    """
    A view of a part of a text, with the maps of what was undone, in order.
    """

    whole = False
    beside = True

    __slots__ = ("folds", "maps", "steps")

    def __init__(self, maps: list[Units], steps: list[str]) -> None:
        self.maps = maps
        self.steps = steps
        self.folds = not {"escape", "percent", "entity", "quoted"}.intersection(steps)

    def map(self, spelled: str) -> Span:
        return self._span

    def _span(self, start: int, end: int) -> tuple[int, int]:
        for units in reversed(self.maps):
            start, end = units.span(start, end)
        return start, end

    def spell(self, text: str, around: str, start: int, end: int) -> str:
        # Undone first was put on last. Escapes belong to the whole text around; the others to the word they stand in.
        near = around[max(0, start - 48) : end + 48]
        for step in reversed(self.steps):
            if step == "escape":
                text = json.dumps(text, ensure_ascii=False)[1:-1]
            elif step == "percent" and _PERCENT.search(near):
                text = quote(text, safe="")
            elif step == "entity" and _ENTITY.search(near):
                text = html.escape(text)
            elif step == "quoted":
                text = text.replace("=", "=3D")
        return text

    def trim(self, start: int, end: int) -> tuple[int, int]:
        """
        A place of the parent's own text, without half an escape at its edges: `\\nAKIA…` must not lose its `n` with the key.
        """
        if self.maps and "escape" in self.steps[:1]:
            if (cut := self.maps[0].inside(start)) is not None:
                start = cut[1]
            if (cut := self.maps[0].inside(end)) is not None:
                end = cut[0]
        return start, end


_STEPS: tuple[tuple[str, str, re.Pattern[str], Callable[[str], str | None]], ...] = (
    ("escape", "\\", _ESCAPE, _unescape),
    ("percent", "%", _PERCENT, _bytes),
    ("entity", "&", _ENTITY, _unentity),
)


def unfold(text: str, *, quoted: bool = False) -> tuple[str, Unfolded] | None:
    """
    `text` as somebody would read it who undoes every encoding; `None` where nothing is to be undone.

    Args:
        quoted: It has signs of quoted-printable; without them `=20` is left alone.
    """
    maps: list[Units] = []
    steps: list[str] = []

    def done(step: str, text: str, units: Units | None) -> str:
        if units is None:
            return text
        maps.append(units)
        steps.append(step)
        return units.text

    plain = done("quoted", text, Units.of(_QUOTED, _unquote, text)) if quoted else text
    for _ in range(ROUNDS):
        before = len(maps)
        for step, sign, pattern, decode in _STEPS:
            if sign in plain:
                plain = done(step, plain, Units.of(pattern, decode, plain))
        if len(maps) == before:
            break
    plain = done("hidden", plain, Units.of(_HIDDEN, _unhide, plain))
    if not plain.isascii():
        plain = done("fold", plain, Units.of(_BEYOND_ASCII, disguise.folded, plain))
        plain = _unmask(plain)
    return (plain, Unfolded(maps, steps)) if plain != text else None
