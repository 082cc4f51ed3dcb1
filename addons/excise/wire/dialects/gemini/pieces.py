"""
Arguments of a call in pieces, as Vertex streams them where a client asks for `streamFunctionCallArguments`.
"""

from __future__ import annotations

from typing import Any

from excise.wire.neutral import Json

_DEEPEST = 64  # steps of a path; the API's own schemas are far flatter
_VALUES = ("stringValue", "numberValue", "boolValue", "nullValue", "string_value", "number_value", "bool_value", "null_value")


def pieced(arguments: dict[str, Any], pieces: list[Json]) -> dict[str, Any]:
    """
    Arguments with a few more pieces in them, in place. Each names where it belongs (`$.city`, `$.days[0].name`); texts of one place are
    put together in the order they come. What cannot be placed is left out.

    Source: `PartialArg` of the API's reference, read 2026-11.
    """
    for piece in pieces:
        path = (piece.get("jsonPath") or piece.get("json_path")) if type(piece) is dict else None
        if type(path) is not str:
            continue
        key = next((key for key in _VALUES if key in piece), None)
        steps = _steps(path)
        if key is not None and steps:
            _place(arguments, steps, None if key.startswith("null") else piece[key])
    return arguments


def _steps(path: str) -> list[str | int]:
    """
    The steps of a path below `$`; empty where it is none.
    """
    steps: list[str | int] = []
    at = 1 if path.startswith("$") else 0
    while at < len(path) and len(steps) <= _DEEPEST:
        if path[at] == ".":
            end = at + 1
            while end < len(path) and path[end] not in ".[":
                end += 1
            steps.append(path[at + 1 : end])
        elif path[at] == "[":
            end = path.find("]", at) + 1
            inner = path[at + 1 : end - 1]
            if not end or not inner:
                return []
            steps.append(int(inner) if inner.isascii() and inner.isdigit() and len(inner) < 9 else inner.strip("'\""))
        else:
            return []
        at = end
    return steps if len(steps) <= _DEEPEST else []


def _place(node: Any, steps: list[str | int], value: Json) -> None:
    for place, step in enumerate(steps):
        if type(node) is list and type(step) is int:
            if step >= len(node):  # pieces come in order: the next one, whatever its number
                step = len(node)
                node.append(None)
            before = node[step]
        elif type(node) is dict and type(step) is str:
            before = node.get(step)
        else:
            return
        if place == len(steps) - 1:
            node[step] = before + value if type(before) is str and type(value) is str else value
        elif before is None:
            before = node[step] = [] if type(steps[place + 1]) is int else {}
        node = before
