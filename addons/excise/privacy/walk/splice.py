"""
Write replacements into the texts they were found in, from the innermost out; everything between them stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterable

from excise.errors import BadRequest, InternalError
from excise.privacy.walk.layer import Layer
from excise.privacy.walk.spots import Spot

type _Edits = list[tuple[int, int, str]]


def splice(replacements: Iterable[tuple[Spot, str]]) -> list[tuple[Layer, str]]:
    """
    The roots that change, with their new texts.

    Raises:
        BadRequest: A spot is frozen, or the replacement cannot stand where it is to stand.
    """
    levels: list[dict[int, tuple[Layer, _Edits]]] = []

    def edit(layer: Layer, start: int, end: int, text: str) -> None:
        level = _level(layer)
        while len(levels) <= level:
            levels.append({})
        levels[level].setdefault(id(layer), (layer, []))[1].append((start, end, text))

    for spot, text in replacements:
        if spot.frozen:
            raise BadRequest(f"what was found at {spot.path} stands in a part that cannot be changed", kind="not_replaceable")
        edit(spot.layer, spot.first, spot.last, text)
    changed: list[tuple[Layer, str]] = []
    for level in range(len(levels) - 1, -1, -1):
        for layer, edits in levels[level].values():
            if layer.parent is None:
                changed.append((layer, _spliced(layer.text, edits)))
            elif layer.codec.whole:
                start, end = layer.range
                edit(layer.parent, start, end, layer.codec.spell(_spliced(layer.text, edits), layer.parent.text, start, end))
            else:
                for first, last, text in edits:
                    start, end = layer.up(first, last)
                    edit(layer.parent, start, end, layer.codec.spell(text, layer.parent.text, start, end))
    return changed


def _level(layer: Layer) -> int:
    level = 0
    while layer.parent is not None:
        layer = layer.parent
        level += 1
    return level


def _spliced(text: str, edits: _Edits) -> str:
    made: list[str] = []
    position = 0
    previous: tuple[int, int, str] | None = None
    for one in sorted(edits):
        start, end, new = one
        if one == previous:
            continue
        if start < position:
            # Spots never overlap; somebody made these up.
            raise InternalError
        made.append(text[position:start])
        made.append(new)
        position, previous = end, one
    made.append(text[position:])
    return "".join(made)
