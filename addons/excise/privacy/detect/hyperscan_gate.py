"""
The first of the two stages with Hyperscan, where it is installed: faster, and it asks rules at fewer places than `gate.AhoCorasickGate`.

For a rule whose expression begins at its keyword, not the keyword alone is looked for but as much of the beginning as has a fixed
length, and what must stand in front (`heads`). Each place asked is a place of a keyword, and those left out are such where the expression
cannot match: so the findings are the same. For rules without keywords it says which parts of a text they need to see (`sketches`).

Calling back costs more than looking: the fewer hits, the faster. And each sketch is a database of its own: most are found at gigabytes a
second alone, and at a tenth of it together with one that is not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from excise.privacy.detect.askers import Asker, askers_of
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.gate import as_bytes, asked, in_characters
from excise.privacy.detect.heads import EDGE_SIGN, expression
from excise.privacy.detect.sketches import reach, sketches, stretches

try:
    import hyperscan
except ImportError:
    hyperscan = None  # type: ignore[assignment]

# More places than this, and a text is given to the rules whole.
_FEW = 200
_DENSE = 100  # bytes a place
_MOST = 0.75  # of a text that a rule is shown in parts

Hit = Callable[[int, int, int, int, object], bool | None]

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
        askers, sketched = askers_of(rules), sketches(rules)
        # From the end of a match back to the place, in a text that has a sign in front.
        self._back = [len(asker.looked_for) - asker.shift + 1 for asker in askers]
        self._of_edges = {number: asker.least for number, asker in enumerate(askers) if asker.may_match_an_edge}
        self._askers = list(askers.values())
        self._heads, *searchers = _loaded(database or compile_database(rules), _digest(askers, sketched))
        self._sketches = [(index, one) for index, one in zip(sketched, searchers, strict=True) if one is not None]
        self._reaches = {index: reach(rules[index]) for index in sketched}

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
        self._heads.scan(b"".join((EDGE_SIGN, data, EDGE_SIGN)), hit)
        back = self._back
        starts = {head: [end - back[head] for end in found] for head, found in ends.items()}
        for head in starts.keys() & self._of_edges.keys():
            # The signs around the text are none of its own.
            found, last = starts[head], len(data) - self._of_edges[head]
            if found[0] < 0 or found[-1] > last:
                starts[head] = [start for start in found if 0 <= start <= last]
                if not starts[head]:
                    del starts[head]
        return asked(starts, self._askers, data, len(text))

    def stretches(self, text: str) -> dict[int, list[tuple[int, int]]]:
        data = as_bytes(text)
        most = _FEW + len(data) // _DENSE
        shown: dict[int, list[tuple[int, int]]] = {}
        characters: dict[int, int] | None = None
        found = {index: ends for index, searcher in self._sketches if (ends := searcher.ends(data, most)) is not None}
        if len(data) != len(text) and any(found.values()):
            characters = in_characters(data, (end for ends in found.values() for end in ends))
        for index, ends in found.items():
            if not ends:
                shown[index] = []
                continue
            places = ends if characters is None else [characters[end] for end in ends]
            parts = stretches(places, len(text), self._reaches[index])
            if sum(end - start for start, end in parts) <= _MOST * len(text):
                shown[index] = parts
        return shown


def compile_database(rules: Sequence[Rule]) -> bytes:
    """
    The databases of these rules, serialised; good for these rules, this version of Hyperscan and this kind of processor.
    """
    askers, sketched = askers_of(rules), sketches(rules)
    databases = [_compiled([expression(asker.looked_for) for asker in askers]), *(_compiled([sketch]) for sketch in sketched.values())]
    return _digest(askers, sketched) + b"".join(len(one).to_bytes(8, "big") + one for one in databases)


def _digest(askers: Iterable[Asker], sketched: Mapping[int, bytes]) -> bytes:
    """
    Of all that was compiled, in its order: a database of other rules would report places that are none, and none where there are some.
    """
    return hashlib.sha256(repr((list(map(tuple, askers)), list(sketched.values()))).encode()).digest()


def _compiled(expressions: list[bytes]) -> bytes:
    if not expressions:
        return b""
    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    # A dot is a byte; `^` is the beginning of the text alone.
    database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=hyperscan.HS_FLAG_DOTALL)
    serialised: bytes = hyperscan.dumpb(database)
    return serialised


def _loaded(written: bytes, digest: bytes) -> Iterator[_Searcher | None]:
    if written[:32] != digest:
        raise ValueError("the database is of other rules")
    at = 32
    while at < len(written):
        cut = at + 8 + int.from_bytes(written[at : at + 8], "big")
        yield _Searcher(hyperscan.loadb(written[at + 8 : cut], hyperscan.HS_MODE_BLOCK)) if cut > at + 8 else None
        at = cut


class _Searcher:
    """
    A database, for any number of threads: Hyperscan lets others run while it looks, and each needs room of its own for that.
    """

    def __init__(self, database: Any) -> None:
        self._database = database
        self._rooms = [hyperscan.Scratch(database)]  # free ones

    def scan(self, data: bytes, hit: Hit) -> None:
        """
        Look through `data`. `hit` is called with (number of the expression, 0, end of the match, 0, None), and ends the search with `True`.
        """
        try:
            room = self._rooms.pop()
        except IndexError:
            room = hyperscan.Scratch(self._database)
        try:
            self._database.scan(data, match_event_handler=hit, scratch=room)
        finally:
            self._rooms.append(room)

    def ends(self, data: bytes, most: int) -> list[int] | None:
        """
        Where matches end, ascending; `None`: there are more than `most`, and to look at all of the text is cheaper.
        """
        ends: list[int] = []

        def hit(_sketch: int, _start: int, end: int, _flags: int, _context: object) -> bool:
            ends.append(end)
            return len(ends) > most  # ends the scan

        try:
            self.scan(data, hit)
        except hyperscan.ScanTerminated:
            return None
        return ends
