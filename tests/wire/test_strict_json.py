"""
JSON that two readers might read differently is refused.
"""

from __future__ import annotations

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from excise.errors import BadRequest, WireError
from excise.wire.strict_json import DEPTH_LIMIT, load


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{} {}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b"{'a':1}",
        b'{"a":1,}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        '{"a":"ä"}'.encode("utf-16"),
        '{"a":"ä"}'.encode("latin-1"),
        b'{"a":/*x*/1}',
        b'{"a":"\n"}',
        b'{"a":01}',
    ],
)
def test_what_is_not_strict_json_is_refused(body):
    """
    Things that one reader or another lets pass.
    """
    with pytest.raises(WireError) as raised:
        load(body)
    # Neither the text nor a chained error carries the document.
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'{"model":"a","model":"b"}', "$.model"),
        (b'{"model":"a","mo\\u0064el":"b"}', "$.model"),
        (b'{"model" : "a", "model"\n:"b"}', "$.model"),
        (b'{"messages":[{"role":"user","content":"x","content":"y"}]}', "$.messages[0].content"),
        (
            b'{"tools":[{},{"function":{"parameters":{"properties":{"secret":1,"secret":2}}}}]}',
            "$.tools[1].function.parameters.properties.*",
        ),
        (b'{"a":{"b":1,"b":2},"a":3}', "$.*"),
        (b'{"":1,"":2}', "$.*"),
        (b'{"a\\\\":1,"a\\\\":2}', "$.*"),
        # As many false ends of keys as repeated keys, each way of writing one.
        (b'{"model":"a","model":"b","c":": x"}', "$.model"),
        (b'{"model":"a","model":"b","c":"\\": x"}', "$.model"),
        (b'{"model":"a","model":"b","c\\\\":1}', "$.model"),
        (b'{"model":"a","model":"b","c\\\\\\"":1}', "$.model"),
        (b'{"stream":true,"stream":true}', "$.stream"),
    ],
)
def test_a_repeated_key_is_refused_by_its_place(body, path):
    """
    Readers disagree on which one holds. The text names protocol words only; the client's own keys are stars.
    """
    with pytest.raises(BadRequest) as raised:
        load(body)
    assert f" {path};" in raised.value.message
    assert raised.value.kind == "duplicate_key"


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":": x","b":"\\": y","c":"z\\\\","d\\\\":1}',
        b'{"a":[{"b":1},{"b":2}],"b":{"a":{"a":1}}}',
        b'{"arguments":"{\\"a\\":1,\\"a\\":2}"}',
        b'{ "a" :\t1 , "b"\r\n: 2 }',
        b'{"A":1,"a":2}',
        b"[]",
        b"7",
    ],
)
def test_what_only_looks_repeated_is_let_through(body):
    """
    JSON inside strings, the same key in other objects, strings that begin with a colon.
    """
    assert load(body) == json.loads(body)


def test_nesting_is_bounded():
    """
    To the level; deeper is refused, also where the parser itself would give up.
    """
    deepest = b"[" * DEPTH_LIMIT + b"]" * DEPTH_LIMIT

    assert load(deepest)
    for body in (b"[" + deepest + b"]", b'{"a":' * 500 + b"1" + b"}" * 500, b"[" * 100_000 + b"]" * 100_000):
        with pytest.raises(WireError):
            load(body)


KEYS = st.text(st.sampled_from('ab\\": \n'), max_size=4)
PAIRS = st.deferred(lambda: st.lists(st.tuples(KEYS, NODES), max_size=4))
NODES = st.deferred(lambda: KEYS | st.integers(0, 9) | st.lists(NODES, max_size=3) | PAIRS.map(lambda pairs: ("object", pairs)))


def written(node, blank: str) -> str:
    """
    A node as JSON, repeated keys and all.
    """
    if isinstance(node, tuple):
        return "{" + ",".join(f"{json.dumps(key)}{blank}:{written(value, blank)}" for key, value in node[1]) + "}"
    if isinstance(node, list):
        return "[" + ",".join(written(one, blank) for one in node) + "]"
    return json.dumps(node)


def repeats(node) -> bool:
    if isinstance(node, tuple):
        keys = [key for key, _ in node[1]]
        return len(set(keys)) < len(keys) or any(repeats(value) for _, value in node[1])
    return isinstance(node, list) and any(repeats(one) for one in node)


@given(node=NODES, blank=st.sampled_from(["", " ", "\n\t"]))
@example(node=("object", [("a", ": "), ("a", 1)]), blank="")
def test_every_repeated_key_is_found_and_nothing_else(node, blank):
    """
    The count proves what the slow comparison would find.
    """
    body = written(node, blank).encode()
    if repeats(node):
        with pytest.raises(BadRequest):
            load(body)
    else:
        assert load(body) == json.loads(body)
