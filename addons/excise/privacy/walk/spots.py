"""
Findings in a document, brought back to where they stand; each place once, however many views show it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from excise.privacy.detect.detector import Finding
from excise.privacy.walk.document import Document
from excise.privacy.walk.layer import Layer, Place
from excise.privacy.walk.runs import Run
from excise.privacy.walk.tokens import JSON_NUMBER, JSON_STRING
from excise.privacy.walk.unfold import Unfolded

_CERTAIN = 80  # the weight of a published shape


@dataclass(frozen=True, slots=True)
class Spot:
    """
    A value that was found, and where.

    Attributes:
        value: The decoded value, what restoring must put back. Where a view only looked through a disguise (full-width digits, zero-width
            characters), it is the disguised value, as the client wrote it.
        seen: The value as the detector saw it.
        start, end: Code points: of a text, in that text; of a request, in the outermost string (or number, field, header) it stands in.
        segment: Spots of the same string have the same; no other meaning.
        frozen: It can be seen but not replaced.
        signed: Frozen, because it stands in a block the provider signed; the provider wrote it.
        path: For reports: `$.messages[1].content`; keys that are content are shown as `*`, JSON inside a string begins with `#`.
    """

    value: str = field(repr=False)
    seen: str = field(repr=False)
    start: int
    end: int
    segment: int
    entity: str
    detector: str
    weight: int
    place: Place
    path: str
    frozen: bool
    signed: bool
    layer: Layer = field(repr=False, compare=False)
    first: int = field(repr=False)  # in the layer's text
    last: int = field(repr=False)


@dataclass(slots=True)
class _Hit:
    finding: Finding
    layer: Layer
    start: int
    end: int
    place: tuple[int, int]  # in the scope


@dataclass(slots=True)
class _Stretch:
    """
    A place of a scope, and all hits that share it.
    """

    start: int
    end: int
    hits: list[_Hit]


def spots(
    document: Document, views: dict[int, list[Layer]], findings: Iterable[Finding], *, to_root: bool, segment: Callable[[Layer], int]
) -> list[Spot]:
    """
    Args:
        views: id of a layer -> the views beside it, ascending.
        to_root: Offsets are wanted in the root's text, not in the outermost string.
        segment: Numbers the outermost layers.
    """
    stretches: dict[int, list[_Stretch]] = {}
    scopes: dict[int, Layer] = {}
    for finding in findings:
        found = document.resolve(finding.start, finding.end)
        if found is None:
            continue
        layer, start, end = _trimmed(views, *found)
        if start >= end:
            continue
        scope, first, last = layer.scope(start, end)
        if finding.weight < _CERTAIN and document.is_chance(scope, first, last):
            continue
        scopes[id(scope)] = scope
        stretches.setdefault(id(scope), []).append(_Stretch(first, last, [_Hit(finding, layer, start, end, (first, last))]))
    merged = {at: _merge(unmerged) for at, unmerged in stretches.items()}
    made: list[Spot] = []
    dead = _covered(scopes, merged)
    for at, shared in merged.items():
        if not dead.isdisjoint(_blocks(scopes[at])):
            continue
        made += (_spot(scopes[at], stretch, to_root, segment) for stretch in shared)
    made.sort(key=lambda spot: (spot.segment, spot.start, spot.first))
    return made


def _trimmed(views: dict[int, list[Layer]], layer: Layer, start: int, end: int) -> tuple[Layer, int, int]:
    beside = views.get(id(layer))
    if beside is None:
        return layer, start, end
    at = bisect_right(beside, end, key=lambda view: view.range[0])
    for view in beside[max(0, at - 3) : at]:
        first, last = view.range
        if isinstance(view.codec, Unfolded) and first <= end and start < last:
            left, right = view.codec.trim(max(0, start - first), min(last, end) - first)
            start, end = (left + first if start >= first else start), (right + first if end <= last else end)
    return layer, start, end


def _merge(found: list[_Stretch]) -> list[_Stretch]:
    merged: list[_Stretch] = []
    for stretch in sorted(found, key=lambda one: (one.start, -one.end)):
        if merged and stretch.start < merged[-1].end:
            merged[-1].end = max(merged[-1].end, stretch.end)
            merged[-1].hits += stretch.hits
        else:
            merged.append(stretch)
    return merged


def _blocks(layer: Layer) -> set[int]:
    """
    Ids of the layers a layer is encoded in as a whole, itself included.
    """
    ids: set[int] = set()
    above: Layer | None = layer
    while above is not None:
        ids.add(id(above))
        above = above.parent
    return ids


def _covered(scopes: dict[int, Layer], merged: dict[int, list[_Stretch]]) -> set[int]:
    """
    Blocks whose inside is of no matter: the run they stand in is (partly) found itself, or shown by another block as well.
    """
    claims: dict[int, dict[int, tuple[int, int]]] = {}
    for scope in scopes.values():
        layer: Layer | None = scope
        while layer is not None:
            if isinstance(layer.codec, Run) and layer.parent is not None:
                above, start, end = layer.parent.scope(*layer.range)
                claims.setdefault(id(above), {})[id(layer)] = (start, end)
            layer = layer.parent
    dead: set[int] = set()
    for at, blocks in claims.items():
        # A stretch that takes in a run may then reach another one.
        while covered := _reached(merged.get(at, []), blocks):
            dead |= covered
            merged[at] = _merge(merged[at])
            blocks = {block: span for block, span in blocks.items() if block not in covered}
        last = -1
        for block, (start, end) in sorted(blocks.items(), key=lambda item: item[1]):
            if start < last:
                dead.add(block)
            else:
                last = end
    return dead


def _reached(stretches: list[_Stretch], blocks: dict[int, tuple[int, int]]) -> set[int]:
    """
    The blocks that stretches overlap; these are widened to hold them.
    """
    covered: set[int] = set()
    if stretches:
        for block, (start, end) in blocks.items():
            index = bisect_right(stretches, start, key=lambda one: one.end)
            if index < len(stretches) and stretches[index].start < end:
                covered.add(block)
        for block in covered:
            start, end = blocks[block]
            stretches.append(_Stretch(start, end, []))
    return covered


def _spot(scope: Layer, stretch: _Stretch, to_root: bool, segment: Callable[[Layer], int]) -> Spot:
    naming = stretch.hits[0].finding
    if len(stretch.hits) > 1:
        naming = max(stretch.hits, key=lambda hit: (hit.finding.weight, hit.place[1] - hit.place[0])).finding
    whole = stretch.hits
    if len(whole) > 1 or whole[0].place != (stretch.start, stretch.end):
        whole = [hit for hit in stretch.hits if hit.place == (stretch.start, stretch.end)]
    if whole:
        best = max(whole, key=lambda hit: (hit.finding.weight, hit.layer.depth)) if len(whole) > 1 else whole[0]
        layer, start, end = best.layer, best.start, best.end
    else:
        layer, start, end = scope, stretch.start, stretch.end
    seen = value = layer.text[start:end]
    if isinstance(layer.codec, Unfolded) and layer.codec.folds and layer.parent is not None:
        first, last = layer.up(start, end)
        value = layer.parent.text[first:last]
    outer, outer_start, outer_end = _outermost(scope, stretch.start, stretch.end, to_root)
    return Spot(
        value=value,
        seen=seen,
        start=outer_start,
        end=outer_end,
        segment=segment(outer),
        entity=naming.entity,
        detector=naming.detector,
        weight=naming.weight,
        place=layer.place,
        path=layer.path,
        frozen=layer.frozen,
        signed=layer.signed,
        layer=layer,
        first=start,
        last=end,
    )


def _outermost(layer: Layer, start: int, end: int, to_root: bool) -> tuple[Layer, int, int]:
    outer: Layer | None = None
    above: Layer | None = layer
    while above is not None and above.parent is not None:
        if above.codec is JSON_STRING or above.codec is JSON_NUMBER:
            outer = above
        above = above.parent
    while layer.parent is not None and (to_root or layer is not outer):
        start, end = layer.up(start, end)
        layer = layer.parent
    return layer, start, end
