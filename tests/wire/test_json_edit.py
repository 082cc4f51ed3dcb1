"""
Splicing values into a JSON document.
"""

from __future__ import annotations

import copy
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import WireError
from excise.wire.json_edit import Edit, apply

KEYS = st.text(max_size=6) | st.sampled_from(["store", "include", 'a"b', "back\\slash", "{", "]", "é", ""])
LEAVES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=12) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(LEAVES, lambda below: st.lists(below, max_size=4) | st.dictionaries(KEYS, below, max_size=4), max_leaves=20)
DOCUMENTS = st.dictionaries(KEYS, VALUES, max_size=5)


def written(value: Any, space: str, escaped: bool) -> bytes:
    """
    A document as some client might write it: with white space anywhere, with or without `\\u` escapes.
    """
    if isinstance(value, dict):
        members = [
            space + written(key, "", escaped).decode() + space + ":" + written(child, space, escaped).decode()
            for key, child in value.items()
        ]
        return ("{" + ",".join(members) + space + "}").encode()
    if isinstance(value, list):
        return ("[" + ",".join(space + written(child, space, escaped).decode() + space for child in value) + space + "]").encode()
    if escaped and isinstance(value, str):
        return ('"' + "".join(f"\\u{unit:04x}" for unit in _utf16(value)) + '"').encode()
    return orjson.dumps(value)


def _utf16(text: str) -> list[int]:
    raw = text.encode("utf-16-be")
    return [int.from_bytes(raw[at : at + 2]) for at in range(0, len(raw), 2)]


@st.composite
def edits(draw: st.DrawFn) -> tuple[bytes, Any, Edit]:
    """
    A document and an edit somewhere in it: at a place that is there, or at one that is not.
    """
    value = draw(DOCUMENTS)
    path: list[str | int] = []
    node: Any = value
    while True:
        if isinstance(node, dict):
            step = draw(st.sampled_from(sorted(node)) | KEYS) if node else draw(KEYS)
            path.append(step)
            if step not in node:
                break
            node = node[step]
        elif isinstance(node, list) and node:
            place = draw(st.integers(0, len(node) - 1))
            path.append(place)
            node = node[place]
        else:
            break
        if draw(st.booleans()):
            break
    action = draw(st.sampled_from(["set", "delete", "append", "prepend"]))
    body = written(value, draw(st.sampled_from(["", " ", "\n\t "])), draw(st.booleans()))
    return body, value, Edit(tuple(path), action, draw(LEAVES))


def plainly(value: Any, edit: Edit) -> Any:
    """
    The same edit done the slow and obvious way.
    """
    root = {"root": copy.deepcopy(value)}
    node: Any = root
    steps = ["root", *edit.path]
    for step, after in pairwise(steps):
        if isinstance(after, str) and (step not in node if isinstance(node, dict) else False):
            if edit.action == "delete":
                return root["root"]
            node[step] = {}
        if node[step] is None and isinstance(after, str):
            if edit.action == "delete":
                return root["root"]
            node[step] = {}
        node = node[step]
    last = steps[-1]
    if edit.action == "set":
        node[last] = edit.value
    elif edit.action == "delete":
        if isinstance(node, dict):
            node.pop(last, None)
        else:
            del node[last]
    else:
        there = node.get(last) if isinstance(node, dict) else node[last]
        node[last] = [*(there or []), edit.value] if edit.action == "append" else [edit.value, *(there or [])]
    return root["root"]


@given(edits())
def test_an_edit_says_what_was_wanted_and_touches_nothing_else(case: tuple[bytes, Any, Edit]) -> None:
    """
    For any document, written in any way, and any path: the result reads as the edit says, and but for one stretch the bytes are the same.
    """
    body, value, edit = case
    before = orjson.dumps(value)
    try:
        changed, read = apply(body, value, [edit])
    except WireError:
        there = _at(value, edit.path)
        assert edit.action in ("append", "prepend") and there is not None and not isinstance(there, list)
        return

    assert orjson.dumps(value) == before
    assert orjson.dumps(orjson.loads(changed)) == orjson.dumps(read) == orjson.dumps(plainly(value, edit))
    if read is value:
        assert changed is body
    else:
        head = next((at for at, (one, other) in enumerate(zip(body, changed, strict=False)) if one != other), min(len(body), len(changed)))
        tail = next(
            (at for at, (one, other) in enumerate(zip(body[head:][::-1], changed[head:][::-1], strict=False)) if one != other),
            min(len(body), len(changed)) - head,
        )
        written_anew = changed[head : len(changed) - tail]
        assert len(written_anew) <= len(orjson.dumps(edit.value)) + sum(len(orjson.dumps(step)) + 3 for step in edit.path) + 4


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        value = value.get(step) if isinstance(value, dict) else value[step]
    return value


@given(DOCUMENTS, st.sampled_from(["", " ", "\r\n  "]))
def test_what_is_right_already_keeps_its_bytes(value: dict[str, Any], space: str) -> None:
    """
    Setting every member to what it is, and deleting what is not there, gives back the very same object.
    """
    body = written(value, space, escaped=False)
    same = [Edit((key,), "set", child) for key, child in value.items()]

    assert apply(body, value, [*same, Edit(("not there at all", "x"), "delete")])[0] is body


@pytest.mark.parametrize(
    ("before", "edit", "after"),
    [
        (b'{"store": true, "n": 1.0}', Edit(("store",), "set", False), b'{"store": false, "n": 1.0}'),
        (b'{"store": 0}', Edit(("store",), "set", False), b'{"store": false}'),
        (b"{}", Edit(("store",), "set", False), b'{"store":false}'),
        (b'{ "a": 12345678901234567890.50 }\n', Edit(("store",), "set", False), b'{ "a": 12345678901234567890.50,"store":false }\n'),
        (b'{"st\\u006fre": true}', Edit(("store",), "set", False), b'{"st\\u006fre": false}'),
        (b'{"provider": {"only": ["x"]}}', Edit(("provider", "zdr"), "set", True), b'{"provider": {"only": ["x"],"zdr":true}}'),
        (b'{"provider": null}', Edit(("provider", "zdr"), "set", True), b'{"provider": {"zdr":true}}'),
        (b'{"a":1}', Edit(("p", "g", "z"), "set", True), b'{"a":1,"p":{"g":{"z":true}}}'),
        (b'{"include": [ ]}', Edit(("include",), "append", "x"), b'{"include": ["x" ]}'),
        (b'{"include": ["a" ]}', Edit(("include",), "append", "x"), b'{"include": ["a","x" ]}'),
        (b'{"include":null}', Edit(("include",), "append", "x"), b'{"include":["x"]}'),
        (b'{"messages": [ ]}', Edit(("messages",), "prepend", 1), b'{"messages": [1 ]}'),
        (b'{"messages": [ {"a" :2} ]}', Edit(("messages",), "prepend", 1), b'{"messages": [1, {"a" :2} ]}'),
        (b"{}", Edit(("messages",), "prepend", 1), b'{"messages":[1]}'),
        (b'{"a":1, "metadata": {"k": "}"}, "b":2}', Edit(("metadata",), "delete"), b'{"a":1, "b":2}'),
        (b'{"a":1, "metadata": {}}', Edit(("metadata",), "delete"), b'{"a":1}'),
        (b'{"metadata": {}}', Edit(("metadata",), "delete"), b"{}"),
        (b'[1, {"k": 2}]', Edit((1, "k"), "set", 3), b'[1, {"k": 3}]'),
    ],
)
def test_the_bytes_that_come_out(before: bytes, edit: Edit, after: bytes) -> None:
    """
    Space, escapes, long numbers and the order of keys stay as the client wrote them.
    """
    assert apply(before, orjson.loads(before), [edit])[0] == after


@pytest.mark.parametrize(
    ("body", "edit"),
    [
        (b'{"provider": "openai"}', Edit(("provider", "zdr"), "set", True)),
        (b'{"include": "x"}', Edit(("include",), "append", "y")),
        (b'{"store": true, "store": true}', Edit(("store",), "set", False)),
        (b'{"a": [1]}', Edit(("a", 5), "set", 2)),
        (b'{"a": 1}', Edit((), "delete")),
    ],
)
def test_what_does_not_fit_is_refused(body: bytes, edit: Edit) -> None:
    """
    A text where an object should be, a key twice, a place beyond the end: refused, and the error holds nothing of the body.
    """
    with pytest.raises(WireError) as refused:
        apply(body, orjson.loads(body), [edit])

    assert "openai" not in str(refused.value)


def test_several_edits_are_one_change() -> None:
    """
    Later edits see what earlier ones made.
    """
    body = b'{"model":"m","input":"\\ud83d\\ude00 } \\" {"}'
    made = [
        Edit(("store",), "set", False),
        Edit(("include",), "append", "a"),
        Edit(("include",), "append", "b"),
        Edit(("store",), "delete"),
    ]

    assert apply(body, orjson.loads(body), made)[0] == b'{"model":"m","input":"\\ud83d\\ude00 } \\" {","include":["a","b"]}'
