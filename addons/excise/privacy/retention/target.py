"""
Change a parameter in the query of a request's path and nothing else.
"""

from __future__ import annotations

from urllib.parse import quote, unquote


def taken(target: str, name: str) -> tuple[str, list[str]]:
    """
    The path without a query parameter, and what it said (decoded), in order; the path itself where it is not there.
    """
    path, mark, query = target.partition("?")
    parts = query.split("&") if mark else []
    found = [unquote(part.partition("=")[2]) for part in parts if _named(part, name)]
    if not found:
        return target, []
    kept = "&".join(part for part in parts if not _named(part, name))
    return f"{path}?{kept}" if kept else path, found


def with_value(target: str, name: str, value: str) -> str:
    """
    The path with a query parameter set: in place of what it said, or added at the end; the path itself where it says that already.
    """
    rest, found = taken(target, name)
    if found == [value]:
        return target
    return f"{rest}{'&' if '?' in rest else '?'}{name}={quote(value, safe='')}"


def _named(part: str, name: str) -> bool:
    return unquote(part.partition("=")[0]) == name
