"""
One labelled text, and how it is put together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

MARK = "\x00"  # where a template takes its value


class Span(NamedTuple):
    """
    What must be found. Offsets in code points, end exclusive.
    """

    start: int
    end: int
    types: tuple[str, ...]  # names of kinds (`excise.privacy.entities`) that are right; the first is the best


@dataclass(frozen=True, slots=True)
class Case:
    """
    A text with its spans. Without spans nothing may be found in it.

    Attributes:
        family: What is measured together: `github`, `iban`, …
        sub: Its variety: a country, a prefix.
        place: The surroundings: `python`, `prose-de`, …
        profile: Which rules are asked: `secrets`, `pii`, `strict`.
    """

    text: str
    spans: tuple[Span, ...]
    family: str
    sub: str = ""
    place: str = ""
    profile: str = "secrets"


def fill(template: str, value: str, family: str, types: tuple[str, ...], sub: str = "", place: str = "", profile: str = "secrets") -> Case:
    """
    `template` with `value` at each MARK, labelled there.
    """
    text, spans = "", []
    parts = template.split(MARK)
    for part in parts[:-1]:
        text += part
        spans.append(Span(len(text), len(text) + len(value), types))
        text += value
    return Case(text + parts[-1], tuple(spans), family, sub, place, profile)


def blank(text: str, family: str, sub: str = "", profile: str = "strict") -> Case:
    """
    A text in which nothing may be found.
    """
    return Case(text, (), family, sub, "", profile)
