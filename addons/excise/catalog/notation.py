"""
The two small notations of providers.yml, paths and hosts, unfolded into patterns for a `Tree`.

    path   /v1[beta]/models/{model}:(countTokens|generateContent)[/*]
    host   {us,eu}.api.example.com    *.example.com    **.example.com    svc.<aws>.amazonaws.com

They are no regular expressions on purpose: every pattern unfolds into a finite list of literals and holes, so matching cannot run away on
a hostile path, and the DNS subtrees a CA needs can be read off a host pattern.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from urllib.parse import quote

from excise.catalog.tree import Hole, Rest, Segment

# More than the richest entry needs; a slip of the pen in an overlay must not unfold without end.
MOST_VARIANTS = 400
MOST_NESTING = 8

_PLACEHOLDER = re.compile(r"\{(\w+)(\*?)\}")
_LABEL = re.compile(r"[a-z0-9_-]*")


@dataclass(frozen=True, slots=True)
class PathPattern:
    """
    One unfolded path. `model` says where the model stands: pairs of (place, hole) for the segments it is made of, joined by a slash;
    a `Rest` there means everything from that place on. `text` is the path as written, its names in braces.
    """

    segments: tuple[Segment, ...]
    model: tuple[tuple[int, Hole | Rest], ...] = ()
    text: str = ""

    @property
    def names(self) -> frozenset[str]:
        """
        What must be known to write such a path.
        """
        return frozenset(name for name, _ in _PLACEHOLDER.findall(self.text))

    def filled(self, values: Mapping[str, str]) -> str:
        """
        The path with every name replaced by its value, percent-encoded whole: a slash in a model's name is none of the path.

        Raises:
            KeyError: A name has no value.
        """
        return _PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=":@-._~"), self.text)

    def model_of(self, segments: Sequence[str]) -> str | None:
        """
        The model in `segments` (the path as sent, cut at slashes), still percent-encoded; `None` where this path names none.
        """
        if not self.model:
            return None
        parts: list[str] = []
        for place, hole in self.model:
            if isinstance(hole, Rest):
                parts.extend(segments[place:])
            else:
                segment = segments[place]
                parts.append(segment[len(hole.before) : len(segment) - len(hole.after)])
        return "/".join(parts)


def paths(template: str) -> list[PathPattern]:
    """
    All paths a template stands for, folded to lower case.

    Raises:
        ValueError: With the reason, when the template does not parse.
    """
    if template and not template.startswith(("/", "[", "(")):
        raise ValueError("a path starts with a slash")
    variants, end = _alternatives(template, 0, 0)
    if end != len(template):
        raise ValueError(f"unexpected `{template[end]}` at character {end + 1}")
    return [_pattern(variant) for variant in dict.fromkeys(variants)]


def _alternatives(text: str, at: int, depth: int) -> tuple[list[str], int]:
    if depth > MOST_NESTING:
        raise ValueError("too deeply nested")
    found: list[str] = []
    current = [""]
    while at < len(text) and text[at] not in ")]":
        char = text[at]
        if char == "|":
            found += current
            current, at = [""], at + 1
            continue
        if char in "([":
            closing = ")" if char == "(" else "]"
            inner, at = _alternatives(text, at + 1, depth + 1)
            if at >= len(text) or text[at] != closing:
                raise ValueError(f"`{char}` is not closed")
            choices = inner if char == "(" else ["", *inner]
        else:
            choices = [char]
        at += 1
        current = [left + right for left, right in product(current, choices)]
        if len(current) + len(found) > MOST_VARIANTS:
            raise ValueError(f"unfolds into more than {MOST_VARIANTS} paths")
    return found + current, at


def _pattern(variant: str) -> PathPattern:
    pieces = [piece for piece in variant.split("/") if piece]
    segments: list[Segment] = []
    model: list[tuple[int, Hole | Rest]] = []
    for place, piece in enumerate(pieces):
        last = place == len(pieces) - 1
        names = _PLACEHOLDER.findall(piece)
        if piece == "*" or (names and names[0][1]):
            if not last or (piece != "*" and not _PLACEHOLDER.fullmatch(piece)):
                raise ValueError("the rest of a path stands alone, after the last slash")
            segments.append(Rest())
            if piece != "*" and names[0][0] == "model":
                model.append((place, Rest()))
        elif names:
            if len(names) > 1:
                raise ValueError("one name between two slashes")
            before, after = _PLACEHOLDER.sub("\0", piece).split("\0")
            _plain(before + after)
            hole = Hole(before.lower(), after.lower())
            segments.append(hole)
            if names[0][0] == "model":
                model.append((place, hole))
        else:
            _plain(piece)
            segments.append(piece.lower())
    return PathPattern(tuple(segments), tuple(model), variant)


def _plain(text: str) -> None:
    if bad := set(text) & set("{}*<>?#%\\ "):
        raise ValueError(f"`{min(bad)}` cannot stand here")


@dataclass(frozen=True, slots=True)
class HostPattern:
    """
    One unfolded host. `labels` run from the last to the first, as a tree of names is read; a plain name has no hole.
    """

    text: str
    labels: tuple[Segment, ...]
    subtrees: tuple[str, ...]

    @property
    def literal(self) -> bool:
        return all(isinstance(label, str) for label in self.labels)


def hosts(template: str, regions: Mapping[str, Sequence[str]]) -> list[HostPattern]:
    """
    All hosts a template stands for.

    Args:
        template: In the notation above, lower case, no port.
        regions: Names that may stand for `<set>` in `subtrees`; any name is matched there.

    Raises:
        ValueError: With the reason, when the template does not parse.
    """
    pieces = re.split(r"(\{[^{}]*\})", template)
    choices = [piece[1:-1].split(",") if piece.startswith("{") else [piece] for piece in pieces]
    return [_host("".join(parts), regions) for parts in product(*choices)]


def _host(text: str, regions: Mapping[str, Sequence[str]]) -> HostPattern:
    if not text or len(text) > 253:
        raise ValueError("not a host name")
    if ":" in text:
        raise ValueError("a host has no port and no scheme here")
    labels: list[Segment] = []
    for place, label in enumerate(text.split(".")):
        if label == "**":
            if place:
                raise ValueError("`**` can only be the first label")
            labels.append(Rest())
        elif "*" in label or "<" in label:
            parts = re.split(r"\*|<[a-z-]+>", label)
            if len(parts) != 2:
                raise ValueError("one `*` or `<set>` in a label")
            if not all(_LABEL.fullmatch(part) for part in parts):
                raise ValueError(f"`{label}` is not a label")
            labels.append(Hole(*parts))
        else:
            if not label or not _LABEL.fullmatch(label):
                raise ValueError(f"`{label}` is not a label; host names are lower case")
            labels.append(label)
    if isinstance(labels[-1], Hole | Rest) or (len(labels) > 1 and isinstance(labels[-2], Hole | Rest)):
        raise ValueError("a whole domain is not a provider: spell out the last two labels")
    return HostPattern(text, tuple(reversed(labels)), _subtrees(text, regions))


def _subtrees(text: str, regions: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    # What stands left of the last `*` cannot be told apart by a name constraint: the subtree begins right of it.
    labels = text.split(".")
    while any("*" in label for label in labels):
        labels.pop(0)
    fixed = ".".join(labels)
    named = re.search(r"<([a-z-]+)>", fixed)
    if named is None:
        return (fixed,)
    if named[1] not in regions:
        raise ValueError(f"no regions are named `{named[1]}`")
    return tuple(fixed.replace(named[0], region) for region in regions[named[1]])
