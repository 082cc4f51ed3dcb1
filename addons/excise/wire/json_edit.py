"""
Change a few values of a JSON document and no other byte.

Signed blocks, numbers longer than a float, the order of keys and the white space between them survive, because nothing but the edited
places is written anew; what came out is parsed again and compared with what was wanted, so that a slip here can only refuse, never alter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import orjson

from excise.errors import WireError

type Path = tuple[str | int, ...]

# A string, or a bracket. Possessive, so that no text makes it go back: linear in the document.
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\]]', re.DOTALL)
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_SCALAR = re.compile(rb"[^\s,\]}]++")
_SPACE = re.compile(rb"[ \t\r\n]*+")


@dataclass(frozen=True, slots=True)
class Edit:
    """
    One change.

    `set` puts `value` where `path` points, in place of what is there; objects that are missing on the way, or `null`, are made.
    `delete` takes the member away; nothing happens where there is none. `append` adds `value` as the last element of the array at
    `path`, which is made where it is missing or `null`; `prepend` as the first. Numbers in a path are places in arrays, which must exist.
    """

    path: Path
    action: Literal["set", "delete", "append", "prepend"]
    value: Any = field(default=None, repr=False)


def apply(body: bytes, parsed: Any, edits: Sequence[Edit]) -> tuple[bytes, Any]:
    """
    Carry out `edits`, one after the other.

    Args:
        body: A JSON document as `strict_json.load` accepts it.
        parsed: The same, parsed. It is left as it is: what changes is copied.

    Returns:
        The new document and its value; `body` and `parsed` themselves where nothing had to change.

    Raises:
        WireError: An edit does not fit the document (a text where an object should be), or a key of it stands twice.
    """
    changed, wanted = body, parsed
    for edit in edits:
        expected = _edited(wanted, edit.path, edit)
        if expected is not wanted:
            changed, wanted = _spliced(changed, wanted, edit), expected
    if changed is not body and not _same(changed, wanted):
        raise WireError("the body cannot be changed without touching other parts of it")
    return changed, wanted


def _same(body: bytes, wanted: Any) -> bool:
    try:
        # Written out: `==` takes false for 0 and 1 for 1.0.
        return orjson.dumps(orjson.loads(body)) == orjson.dumps(wanted)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return False


# -- on the value ----------------------------------------------------------------------------------------------------------------------


def _edited(node: Any, path: Path, edit: Edit) -> Any:
    """
    `node` with the edit made at `path` below it; `node` itself where there is nothing to do.
    """
    if not path:
        return _at_end(node, edit)
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        if not isinstance(node, list) or not 0 <= step < len(node):
            raise WireError("the body has another form than its protocol says: an array is not where it should be")
        if edit.action == "delete" and not rest:
            return [child for place, child in enumerate(node) if place != step]
        child = _edited(node[step], rest, edit)
        return node if child is node[step] else [*node[:step], child, *node[step + 1 :]]
    if node is None and edit.action != "delete":
        node = {}
    if not isinstance(node, dict):
        if edit.action == "delete":
            return node
        raise WireError("the body has another form than its protocol says: an object is not where it should be")
    if edit.action == "delete" and (step not in node or not rest):
        return {key: child for key, child in node.items() if key != step} if step in node else node
    before = node.get(step, _MISSING)
    child = _edited(None if before is _MISSING else before, rest, edit)
    return node if before is not _MISSING and child is before else {**node, step: child}


_MISSING = object()


def _at_end(node: Any, edit: Edit) -> Any:
    if edit.action == "set":
        return node if type(node) is type(edit.value) and node == edit.value else edit.value
    if edit.action in ("append", "prepend"):
        if node is not None and not isinstance(node, list):
            raise WireError("the body has another form than its protocol says: a list is not where it should be")
        return [*(node or ()), edit.value] if edit.action == "append" else [edit.value, *(node or ())]
    raise WireError("a whole document cannot be taken away")


# -- on the bytes ----------------------------------------------------------------------------------------------------------------------


class _Member(NamedTuple):
    key: str | None  # None: of an array
    start: int  # of the key, or of the element
    value: int
    end: int


def _spliced(body: bytes, node: Any, edit: Edit) -> bytes:
    """
    Args:
        node: The value of `body`: it says without a search what is missing, and whether an object is empty.
    """
    at, end = _after_space(body, 0), len(body.rstrip(b" \t\r\n"))
    for depth, step in enumerate(edit.path):
        rest = edit.path[depth + 1 :]
        if isinstance(step, str) and step not in node:
            return _inserted(body, end - 1, b"%b:%b" % (orjson.dumps(step), _made(rest, edit)), first=not node)
        before, found, after = _find(body, at, step)
        if edit.action == "delete" and not rest:
            return _without(body, before, found, after)
        node, at, end = node[step], found.value, found.end
        if rest and node is None:
            return body[:at] + _made(rest, edit) + body[end:]
    if edit.action == "append" and node is not None:
        return _inserted(body, end - 1, orjson.dumps(edit.value), first=not node)
    if edit.action == "prepend" and node is not None:
        return b"%b%b%b%b" % (body[: at + 1], orjson.dumps(edit.value), b"," if node else b"", body[at + 1 :])
    return body[:at] + _made((), edit) + body[end:]


def _made(path: Path, edit: Edit) -> bytes:
    """
    What stands at `path` where nothing stood.
    """
    value = [edit.value] if edit.action in ("append", "prepend") else edit.value
    for step in reversed(path):
        value = {step: value}
    return orjson.dumps(value)


def _inserted(body: bytes, close: int, text: bytes, *, first: bool) -> bytes:
    place = len(body[:close].rstrip(b" \t\r\n"))
    return b"%b%b%b%b" % (body[:place], b"" if first else b",", text, body[place:])


def _without(body: bytes, before: _Member | None, found: _Member, after: _Member | None) -> bytes:
    if after is not None:
        return body[: found.start] + body[after.start :]
    return body[: before.end if before is not None else found.start] + body[found.end :]


def _find(body: bytes, opened: int, step: str | int) -> tuple[_Member | None, _Member, _Member | None]:
    """
    A member of the object or array that opens at `opened`, and its neighbours.
    """
    before = None
    members = _members(body, opened)
    for place, member in enumerate(members):
        if step in (place, member.key):
            return before, member, next(members, None)
        before = member
    raise WireError("the body is not valid JSON")


def _members(body: bytes, opened: int) -> Iterator[_Member]:
    is_object = body[opened : opened + 1] == b"{"
    if not is_object and body[opened : opened + 1] != b"[":
        raise WireError("the body has another form than its protocol says")
    at = _after_space(body, opened + 1)
    while body[at : at + 1] not in (b"}", b"]", b""):
        start, key = at, None
        if is_object:
            end = _end(_STRING, body, at)
            key = orjson.loads(body[at:end])
            at = _after_space(body, _after_space(body, end) + 1)  # the colon
        end = _value_end(body, at)
        yield _Member(key, start, at, end)
        at = _after_space(body, end)
        if body[at : at + 1] == b",":
            at = _after_space(body, at + 1)


def _value_end(body: bytes, at: int) -> int:
    first = body[at : at + 1]
    if first == b'"':
        return _end(_STRING, body, at)
    if first not in (b"{", b"["):
        return _end(_SCALAR, body, at)
    depth = 0
    for token in _TOKEN.finditer(body, at):
        match body[token.start()]:
            case 0x7B | 0x5B:
                depth += 1
            case 0x7D | 0x5D:
                depth -= 1
                if not depth:
                    return token.end()
    raise WireError("the body is not valid JSON")


def _end(pattern: re.Pattern[bytes], body: bytes, at: int) -> int:
    found = pattern.match(body, at)
    if found is None:
        raise WireError("the body is not valid JSON")
    return found.end()


def _after_space(body: bytes, at: int) -> int:
    found = _SPACE.match(body, at)
    return found.end() if found else at
