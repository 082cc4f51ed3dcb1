"""
Change a request at one place, and see the provider's refusal.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from standin.asking import WAYS

LOOSE = {"type": "object", "properties": {"city": {"type": "string"}, "unit": {"type": "string"}}, "required": ["city"]}
CLOSED = {**LOOSE, "additionalProperties": False}
type Change = dict[str, Any] | Callable[[dict[str, Any]], Any]


def history(way: str) -> dict[str, Any]:
    """
    A conversation with a call and its result, tools declared.
    """
    one = WAYS[way]
    body = one.body("use tool", tools=True)
    got = one.send(body).json
    one.go_on(body, got, [(id_, name, "18 C") for id_, name, _ in one.calls(got)])
    assert one.send(body).status == 200
    return body


def at(*path: Any, value: Any = None, drop: bool = False, add: Any = None) -> Callable[[dict[str, Any]], None]:
    """
    Set, drop or append at a place.
    """

    def change(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        if drop:
            del body[path[-1]]
        elif add is not None:
            body[path[-1]].append(add)
        else:
            body[path[-1]] = value

    return change


def refused(way: str, change: Change, status: int, text: str, *, base: dict[str, Any] | None = None, model: str | None = None) -> None:
    """
    A request is refused with this status and these words, and costs nothing.
    """
    one = WAYS[way] if model is None else replace(WAYS[way], model=model)
    body = one.body("hello") if base is None else copy.deepcopy(base)
    if callable(change):
        change(body)
    else:
        body |= change
    got = one.send(body)

    assert got.status == status, got.data
    assert text in got.data.decode()
    assert got.bill is None
