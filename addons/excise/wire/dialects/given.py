"""
Fields of a client's request, read with their types: whatever is wrong is refused, naming the place and never the value.
"""

from __future__ import annotations

import math
from typing import Any

from excise.errors import BadRequest

type Place = tuple[str | int, ...]
"""Where a field stands: `("messages", 2, "content")`. Fixed words and numbers only, for it is said in error texts."""


def wrong(place: Place, what: str) -> BadRequest:
    """
    The error for a field that is not what it must be: `messages[2].content is not a text`.
    """
    path = ""
    for step in place:
        path += f"[{step}]" if type(step) is int else f".{step}" if path else str(step)
    return BadRequest(f"{path} {what}")


def text(value: Any, *place: str | int) -> str | None:
    """
    A text; `None` where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if value is None or type(value) is str:
        return value
    raise wrong(place, "is not a text")


def whole(value: Any, *place: str | int) -> int | None:
    """
    A whole number, `5.0` included; `None` where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if value is None or type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise wrong(place, "is not a whole number")


def number(value: Any, *place: str | int) -> float | None:
    """
    A number; `None` where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if value is None or type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise wrong(place, "is not a number")


def flag(value: Any, *place: str | int) -> bool | None:
    """
    True or false; `None` where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if value is None or type(value) is bool:
        return value
    raise wrong(place, "is neither true nor false")


def fields(value: Any, *place: str | int) -> dict[str, Any]:
    """
    An object; `{}` where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if type(value) is dict:
        return value
    if value is None:
        return {}
    raise wrong(place, "is not an object")


def listed(value: Any, *place: str | int) -> list[Any]:
    """
    A list; `[]` where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if type(value) is list:
        return value
    if value is None:
        return []
    raise wrong(place, "is not a list")


def texts(value: Any, *place: str | int) -> tuple[str, ...]:
    """
    A list of texts, or a single one; empty where it is absent or null.

    Raises:
        BadRequest: It is something else.
    """
    if type(value) is str:
        return (value,)
    found = listed(value, *place)
    for index, item in enumerate(found):
        if type(item) is not str:
            raise wrong((*place, index), "is not a text")
    return tuple(found)
