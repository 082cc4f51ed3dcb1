"""
Keys without a mark of their own, known by the name of their service in front of an assignment: `FASTLY_TOKEN=…`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from excise.privacy.detect.assignment_value import in_table_of_hashes
from excise.privacy.detect.detector import Finding
from excise.privacy.detect.secrets_services import SERVICES
from excise.privacy.detect.secrets_shape import A_UUID, ALNUM, HEX, UUID, WORD, sample

# Hexadecimal is what they are today; a letter more costs nothing, the name and the length are what tells.
_CLASSES = {"h": "[A-Za-z0-9]", "a": "[A-Za-z0-9]", "w": "[A-Za-z0-9_=-]", "b": "[A-Za-z0-9+/=_-]", "d": "[0-9]"}

# From behind the service's name to the value. Possessive where nothing needs to be given back: names are long, and mostly no value
# comes. Signs are those of source code, .env, YAML, JSON (escaped too), XML, shell, HTTP, PHP, Go, make, SQL, and a document's own.
_QUOTES = r"[\"'`\\]"
_SIGN = r"(?:[=:?|+]{0,3}[=:>]{1,2}|->|\|\||(?<=[\"'`)\]]),|,(?=[ ]?[\"'`])|\x02|\(|\bis\b)"
_TO_VALUE = re.compile(
    r"(?P<name>[A-Za-z0-9_.\-]{0,48}+(?:[ \t](?!is\b)[A-Za-z0-9_.-]{1,24}+){0,4}+)"
    # `["x"]["key"]`, `$config['x']['key']`
    rf"(?:{_QUOTES}?\]\[{_QUOTES}?[\w.-]{{1,40}}+)?[\"'`\\\])}}*]{{0,4}}+"
    # Types: `key: str = "…"`, `let key: &str = …`
    r"(?:[ \t]{0,2}:[ \t]{0,2}[&*]?[A-Za-z][\w.\[\]<>|? ]{0,24}(?==))?"
    # `name: X_KEY, value: …` of container manifests, `<add key="X_KEY" value="…"/>`
    rf"(?:[\s,\x03}}]{{1,24}}{_QUOTES}?(?:value|default|content){_QUOTES}?)?"
    rf"[ \t]{{0,12}}{_SIGN}[\s\"'`=\\(\[{{@$<>!]{{0,16}}+"
    r"(?:CDATA\[|(?:b|f|r|u|rb|L|@)?[\"'])?"
    # A section with its own keys: `[x]` or `x:` and below it `token: …`
    rf"(?:[\w-]{{0,24}}(?i:key|token|secret|passw(?:or)?d|auth){_QUOTES}{{0,3}}[ \t]{{0,4}}(?:[:=]>?|\x02)[\s\"'`=\\]{{0,6}}+)?"
    r"(?:(?i:bearer|token|basic|apikey|key|sso-key|bot)[ \t:=]{1,3}[\"'\\]{0,2})?"
)
_SECTION = re.compile(rf"\]\s{{1,4}}(?P<name>[\w-]{{0,24}}(?i:key|token|secret|auth))[ \t]{{0,8}}[=:]{{1,2}}[ \t]{{0,4}}{_QUOTES}{{0,2}}")
# `--x-key v`
_FLAG = re.compile(r"(?P<name>[\w.-]{0,40}+)[ \t]{1,4}[\"'`]?")
_DOCKER = re.compile(r"(?:^|[\n\x02\x03])[ \t]{0,8}(?:ENV|ARG|setenv|setx)[ \t]+\w{0,24}$")  # `ENV X_KEY v`
_ASSIGNED, _SECTIONED, _FLAGGED = (_TO_VALUE,), (_TO_VALUE, _SECTION), (_TO_VALUE, _FLAG)
# The value goes no further, and is no call, no host, no path of attributes.
_WHOLE_VALUE = r"(?![A-Za-z0-9+/_=:(-]|\.[A-Za-z0-9])"
# What a name ends in that is assigned a hash, a version, a place.
_HARMLESS = re.compile(
    r"(?i:(?:^|[_.\- ])(?:sha(?:[-_]?(?:1|256|384|512|sum))?|hash|digest|checksum|commit|rev|revision|etag|md5|integrity|version|image|"
    r"ref|tag|fingerprint|thumbprint|trace|span|request|event|build|size|url|uri|path|dir|file)s?$)"
    r"|(?:Sha(?:1|256|512)?|Hash|Digest|Checksum|Commit|Revision|Fingerprint|TraceId|RequestId|Url|Path)$"
)


_WHOLE = 7  # shorter names are parts of words: `exa` of `example`


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    kind: str


def _shape(text: str) -> _Shape:
    """
    `a32`, `w40-46`, `d15-25-a20-40`, `h32-h8-h8`, `d8-10:w35`, `u`.
    """
    if text == "u":
        return _Shape(re.compile(UUID + _WHOLE_VALUE), "u")
    parts = re.findall(r"([:-]?)([haswbd])(\d+)(?:-(\d+))?", text)
    body = "".join(f"{joint}{_CLASSES[kind]}{{{least},{most or least}}}" for joint, kind, least, most in parts)
    return _Shape(re.compile(body + _WHOLE_VALUE), parts[-1][1] if len(parts) == 1 else "x")


def _spellings(name: str) -> set[str]:
    return {name.replace(" ", joint) for joint in ("", "_", "-", ".", " ")} if " " in name else {name}


def _table() -> dict[str, tuple[_Shape, ...]]:
    known: dict[str, _Shape] = {}
    table: dict[str, tuple[_Shape, ...]] = {}
    for names, shapes in SERVICES:
        wanted = tuple(known.setdefault(shape, _shape(shape)) for shape in shapes.split())
        for name in names.split("|"):
            for spelling in _spellings(name):
                table[spelling] = (*table.get(spelling, ()), *(shape for shape in wanted if shape not in table.get(spelling, ())))
    return table


class NamedServices:
    """
    One rule for all of them. The whole value must have one of the service's shapes, and look random.
    """

    name = "named-service"
    entities = ("API_KEY",)
    hits = (
        ("FASTLY" + "_API_TOKEN=" + sample(WORD, 32), sample(WORD, 32)),
        ('"datadog' + '_app_key": "' + sample(HEX, 40) + '"', sample(HEX, 40)),
        ("x.setProperty('confluent.secret', '" + sample(ALNUM, 64) + "')", sample(ALNUM, 64)),
        ("<sendbirdAppId>" + A_UUID + "</sendbirdAppId>", A_UUID),
        ("travis-token\x02" + sample(ALNUM, 22) + "\x03", sample(ALNUM, 22)),
        ("$ tool --netlify-token " + sample(ALNUM, 42), sample(ALNUM, 42)),
        ("- name: LOOKER_SECRET\n  value: " + sample(ALNUM, 24), sample(ALNUM, 24)),
    )
    misses = (
        "DATADOG_AGENT_SHA = " + sample(HEX, 40),
        "sentry: https://example.com/" + sample(HEX, 32),
        "twitch = AsyncStreamingChannelHandlerX1()",
        "the new sandbox_key is " + sample(ALNUM, 31),
        "FASTLY_API_TOKEN=" + "x" * 32,
    )

    def __init__(self) -> None:
        self._table = _table()
        self.keywords = tuple(sorted(self._table))
        self._words = re.compile("|".join(re.escape(word) for word in sorted(self._table, key=len, reverse=True)))
        heads: dict[str, list[str]] = {}
        for word in sorted(self._table, key=len, reverse=True):
            heads.setdefault(word[:3], []).append(word)
        self._heads = {head: tuple(words) for head, words in heads.items()}

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        last = -1
        for place in places:
            head = text[place : place + 24].lower()
            for word in self._heads.get(head[:3], ()):
                if not head.startswith(word) or (len(word) < _WHOLE and _inside_a_word(text, place, place + len(word))):
                    continue
                end = place + len(word)
                for form in (_TO_VALUE, _SECTION, _FLAG):
                    found = form.match(text, end)
                    if found is None or (form is _FLAG and not _is_flag(text, place)):
                        continue
                    stop = self._end(text, found.end(), self._table[word])
                    if stop and found.end() > last and not _HARMLESS.search(found["name"]):
                        last = found.end()
                        yield Finding(last, stop, "API_KEY", self.name, 60)
                        break

    def _end(self, text: str, start: int, shapes: tuple[_Shape, ...]) -> int:
        for shape in shapes:
            whole = shape.pattern.match(text, start)
            if whole and _random(whole[0], shape.kind) and not in_table_of_hashes(text, start, whole.end()):
                return whole.end()
        return 0


def _is_flag(text: str, place: int) -> bool:
    """
    Whether the name at `place` is of an option, or of a line that assigns with a blank.
    """
    return text.find("--", max(0, place - 24), place) >= 0 or _DOCKER.search(text, max(0, place - 40), place) is not None


def _inside_a_word(text: str, start: int, end: int) -> bool:
    """
    Whether a word goes on at either end: letters of one case. `myBoxKey` and `BOX_KEY` name a box, `sandbox_key` and `boxes` do not.
    """
    before, first, last, after = text[start - 1 : start], text[start], text[end - 1], text[end : end + 1]
    if before.isalpha() and (before.isupper() or first.islower()):
        return True
    return last.isalpha() and after.isalpha() and (after.islower() if last.islower() else after.isupper())


def _random(value: str, kind: str) -> bool:
    if kind in "udx":
        return len(set(value)) > 4
    letters = sum(map(str.isalpha, value))
    digits = sum(map(str.isdigit, value))
    if len(set(value)) < min(6, len(value) // 2) or not letters:
        return False
    if kind == "h":
        return digits > 0
    if digits > 1 and len(set(value)) > 9 and len(value) > 15 and value.isalnum():
        return True  # too long for a word, even where the digits stand in one heap
    kinds = [1 if c.islower() else 2 if c.isupper() else 3 for c in value if c.isalnum()]
    changes = sum(a != b for a, b in pairwise(kinds))
    # Words with a number behind them change once or twice, camel case at every fourth letter.
    return changes >= (len(value) / 12 if digits else len(value) * 0.42)


RULES = (NamedServices(),)
