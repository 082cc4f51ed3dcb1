"""
The first of the two stages with Hyperscan, where it is installed: faster, and it asks rules at fewer places than `gate.AhoCorasickGate`.

For a rule whose expression begins at its keyword, not the keyword alone is looked for but as much of the beginning as has a fixed
length (`heads`). Each place asked is a place of a keyword, and those left out are such where the expression cannot match: so the
findings are the same. For rules without keywords it says which parts of a text they need to see (`sketches`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from excise.privacy.detect.detector import Detector, Rule
from excise.privacy.detect.gate import as_bytes, asked, in_characters
from excise.privacy.detect.heads import Head, both, expression, heads, letters
from excise.privacy.detect.labelled import Labelled
from excise.privacy.detect.sketches import sketches, stretches

try:
    import hyperscan
except ImportError:
    hyperscan = None  # type: ignore[assignment]

# More places than this, and a text is given to the rules whole.
_FEW = 200
_DENSE = 100  # bytes a place
_MOST = 0.75  # of a text that a rule is shown in parts

available: bool = hyperscan is not None


class HyperscanGate:
    """
    The gate with Hyperscan. Threads may share one.

    Args:
        rules: As of `Scanner`.
        database: What `compile_database` returned for these very rules; compiled anew where it is `None`.

    Raises:
        ValueError: It is the database of other rules.
    """

    def __init__(self, rules: Sequence[Rule], database: bytes | None = None) -> None:
        askers = _askers(rules)
        self._lengths = [len(head) for head in askers]
        self._askers = [tuple(dict.fromkeys(indexes)) for indexes in askers.values()]
        self._sketched = tuple(sketches(rules))
        self._heads, self._sketches = _load(database or compile_database(rules), _digest(askers, sketches(rules)))

    def places(self, text: str) -> dict[int, list[int]]:
        if self._heads is None:
            return {}
        ends: dict[int, list[int]] = {}

        def hit(head: int, _start: int, end: int, _flags: int, _context: object) -> None:
            if head in ends:
                ends[head].append(end)
            else:
                ends[head] = [end]

        data = as_bytes(text)
        _scan(self._heads, data, hit)
        lengths = self._lengths
        starts = {head: [end - lengths[head] for end in found] for head, found in ends.items()}
        return asked(starts, self._askers, data, len(text))

    def stretches(self, text: str) -> dict[int, list[tuple[int, int]]]:
        if self._sketches is None:
            return {}
        data = as_bytes(text)
        ends: list[list[int]] = [[] for _ in self._sketched]
        left = _FEW + len(data) // _DENSE

        def hit(sketch: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            nonlocal left
            left -= 1
            ends[sketch].append(end)
            return left < 0  # ends the scan

        try:
            _scan(self._sketches, data, hit)
        except hyperscan.ScanTerminated:
            return {}  # a text full of digits: to look at all of it is cheaper
        if len(data) != len(text):
            characters = in_characters(data, (end for found in ends for end in found))
            ends = [[characters[end] for end in found] for found in ends]
        shown = {index: stretches(found, len(text)) for index, found in zip(self._sketched, ends, strict=True)}
        return {index: parts for index, parts in shown.items() if sum(end - start for start, end in parts) <= _MOST * len(text)}


def compile_database(rules: Sequence[Rule]) -> bytes:
    """
    The databases of these rules, serialised; good for these rules, this version of Hyperscan and this kind of processor.
    """
    askers, sketched = _askers(rules), sketches(rules)
    first, second = _compiled([expression(head) for head in askers]), _compiled(list(sketched.values()))
    return _digest(askers, sketched) + len(first).to_bytes(8, "big") + first + second


def _digest(askers: Mapping[Head, Sequence[int]], sketched: Mapping[int, bytes]) -> bytes:
    """
    Of all that was compiled, in its order: a database of other rules would report places that are none, and none where there are some.
    """
    return hashlib.sha256(repr((list(askers), list(sketched.values()))).encode()).digest()


def _compiled(expressions: list[bytes]) -> bytes:
    if not expressions:
        return b""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    # A dot is a byte; `^` is the beginning of the text alone.
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=hyperscan.HS_FLAG_DOTALL)
    serialised: bytes = hyperscan.dumpb(database)
    return serialised


def _load(written: bytes, digest: bytes) -> tuple[Any, Any]:
    if written[:32] != digest:
        raise ValueError("the database is of other rules")
    cut = 40 + int.from_bytes(written[32:40], "big")
    return _loaded(written[40:cut]), _loaded(written[cut:])


def _loaded(serialised: bytes) -> Any:
    if not serialised:
        return None
    database = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
    database.scratch = hyperscan.Scratch(database)
    return database


def _scan(database: Any, data: bytes, hit: Callable[[int, int, int, int, object], bool | None]) -> None:
    try:
        database.scan(data, match_event_handler=hit)
    except hyperscan.ScratchInUseError:
        # Another thread is in the midst of a text, or this one is in a callback: with room of its own.
        database.scan(data, match_event_handler=hit, scratch=hyperscan.Scratch(database))


def _askers(rules: Sequence[Rule]) -> dict[Head, list[int]]:
    askers: dict[Head, list[int]] = {}
    for index, rule in enumerate(rules):
        for head in _heads(rule):
            askers.setdefault(head, []).append(index)
    return askers


def _heads(rule: Rule) -> list[Head]:
    """
    Where `rule` is to be asked: places that begin so.
    """
    keywords = [letters(keyword) for keyword in rule.keywords]
    begins = _begins_at_keywords(rule)
    if begins is None or not keywords:
        return keywords
    ways = heads(begins, min(map(_ascii_characters, rule.keywords)))
    return [joined for keyword in keywords for way in ways if (joined := both(keyword, way)) is not None]


def _ascii_characters(keyword: str) -> int:
    return next((at for at, one in enumerate(keyword) if not one.isascii()), len(keyword))


def _begins_at_keywords(rule: Rule) -> str | None:
    """
    An expression that must match where a keyword begins, or nothing is found there.
    """
    if isinstance(rule, Detector) and rule.reach is None:
        return rule.pattern
    return rule.label if isinstance(rule, Labelled) else None
