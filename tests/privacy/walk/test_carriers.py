"""
A value is found wherever it is hidden, and taken out there; nothing else changes.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import urllib.parse
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.privacy.walk.source import of_request, of_text
from privacy.walk.marker import MARKER, TOKEN, findings, of_json, replaced, spots


def _full_width(text: str) -> str:
    return "".join(chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one for one in text)


def _sentence(text: str) -> str:
    return f"The account is {text}, as said before."


# name -> (hide, unhide): how a text is dressed, and what a reader makes of it.
DRESSES: dict[str, tuple[Callable[[str], str], Callable[[str], str]]] = {
    "plain": (str, str),
    "json": (lambda text: json.dumps({"a": [1, {"b": text}]}), lambda text: json.loads(text)["a"][1]["b"]),
    "json in json": (lambda text: json.dumps({"a": json.dumps([text])}), lambda text: json.loads(json.loads(text)["a"])[0]),
    "backslash u": (
        lambda text: "x " + "".join(f"\\u{ord(one):04x}" for one in text),
        lambda text: json.loads(f'"{text}"')[2:],
    ),
    "backslash x": (
        lambda text: "".join(f"\\x{ord(one):02x}" for one in text),
        lambda text: text.encode("latin-1").decode("unicode_escape"),
    ),
    "percent": (lambda text: urllib.parse.quote(text), urllib.parse.unquote),
    "all percent": (lambda text: "".join(f"%{one:02X}" for one in text.encode()), urllib.parse.unquote),
    "double percent": (
        lambda text: urllib.parse.quote("".join(f"%{ord(one):02X}" for one in text)),
        lambda text: urllib.parse.unquote(urllib.parse.unquote(text)),
    ),
    "entities": (lambda text: "".join(f"&#{ord(one)};" for one in text), html.unescape),
    "hex entities": (lambda text: "".join(f"&#x{ord(one):x};" for one in text), html.unescape),
    "base64": (
        lambda text: "data: " + base64.b64encode(_sentence(text).encode()).decode(),
        lambda text: base64.b64decode(text[6:]).decode()[len("The account is ") : -len(", as said before.")],
    ),
    "base64url": (
        lambda text: base64.urlsafe_b64encode(("ÿþ~~?" + text + " ÿÿ").encode()).decode().rstrip("="),
        lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()[5:-3],
    ),
    "base64 in lines": (
        lambda text: base64.encodebytes((_sentence("x") * 6 + text).encode()).decode().strip(),
        lambda text: base64.b64decode(text).decode()[len(_sentence("x")) * 6 :],
    ),
    "base64 in base64": (
        lambda text: base64.b64encode(b"see " + base64.b64encode(_sentence(text).encode())).decode(),
        lambda text: base64.b64decode(base64.b64decode(text)[4:]).decode()[len("The account is ") : -len(", as said before.")],
    ),
    "base64 of json": (
        lambda text: base64.b64encode(json.dumps({"user": text, "n": 1}).encode()).decode(),
        lambda text: json.loads(base64.b64decode(text))["user"],
    ),
    "long base64": (
        lambda text: base64.b64encode((_sentence("word") * 20 + text).encode()).decode(),
        lambda text: base64.b64decode(text).decode()[len(_sentence("word")) * 20 :],
    ),
    "utf-16 base64": (
        lambda text: "powershell -e " + base64.b64encode(text.encode("utf-16-le")).decode(),
        lambda text: base64.b64decode(text[14:]).decode("utf-16-le"),
    ),
    "hex": (lambda text: _sentence(text).encode().hex(), lambda text: bytes.fromhex(text).decode()[15:-17]),
    "data url": (
        lambda text: "data:text/plain;base64," + base64.b64encode((_sentence("word") * 20 + text).encode()).decode(),
        lambda text: base64.b64decode(text[23:]).decode()[len(_sentence("word")) * 20 :],
    ),
    "zero width": (lambda text: "a " + "\u200b".join(text), lambda text: text[2:].replace("\u200b", "")),
    "soft hyphen": (lambda text: f"{text[:3]}\u00ad{text[3:]}", lambda text: text.replace("\u00ad", "")),
    "bidi": (lambda text: f"{text[:3]}\u202e\u202c{text[3:]}", lambda text: text.replace("\u202e", "").replace("\u202c", "")),
    "own separators": (lambda text: f"{text[:4]}\x03{text[4:6]}\x02{text[6:]}", lambda text: text.replace("\x03", "").replace("\x02", "")),
    "full width": (_full_width, lambda text: text if text == TOKEN else "".join(chr(ord(one) - 0xFEE0) for one in text)),
    "mathematical": (
        lambda text: "".join(chr(0x1D7CE + int(one)) if one.isdigit() else one for one in text),
        lambda text: "".join(str(ord(one) - 0x1D7CE) if one > "\U0001d000" else one for one in text),
    ),
    "quoted-printable": (
        lambda text: quopri.encodestring(("ä=" * 20 + text).encode()).decode(),
        lambda text: quopri.decodestring(text.encode()).decode()[40:],
    ),
    "percent in json": (
        lambda text: json.dumps({"url": f"https://x.example/?q={''.join(f'%{ord(one):02x}' for one in text)}&r=1"}),
        lambda text: urllib.parse.unquote(json.loads(text)["url"])[len("https://x.example/?q=") : -4],
    ),
    "escaped percent": (
        lambda text: "x\\n" + "".join(f"\\u0025{ord(one):02x}" for one in text),
        lambda text: urllib.parse.unquote(json.loads(f'"{text}"'))[2:],
    ),
}  # fmt: skip


@pytest.mark.parametrize("dress", DRESSES)
@pytest.mark.parametrize("escaped", [False, True], ids=["utf-8", "escaped"])
def test_a_dressed_value_is_taken_out_of_a_message(dress: str, escaped: bool) -> None:
    """
    What leaves reads like what came, with the placeholder in the value's place.
    """
    hide, unhide = DRESSES[dress]
    value = {"model": "m", "messages": [{"role": "user", "content": hide(MARKER)}, {"role": "user", "content": "ünd"}]}
    body = json.dumps(value, ensure_ascii=escaped).encode()

    source = of_json(None, body)
    found = spots(source)
    sent = orjson.loads(replaced(source).body)

    assert [spot.seen for spot in found] == [MARKER]
    assert unhide(sent["messages"][0]["content"]) == TOKEN
    assert MARKER not in str(findings_everywhere(sent))
    sent["messages"][0]["content"] = value["messages"][0]["content"]
    assert sent == value


def findings_everywhere(value: Any) -> list[str]:
    source = of_json(value)
    return [source.text[found.start : found.end] for found in findings(source.text)]


@pytest.mark.parametrize("dress", DRESSES)
def test_a_dressed_value_is_placed_in_a_text(dress: str) -> None:
    """
    Spots of a text are code points of that text, and what is rewritten stands exactly there.
    """
    hide, unhide = DRESSES[dress]
    text = f"ünd 🙂 so: {hide(MARKER)}\n -- and more"

    source = of_text(text)
    (spot,) = spots(source)
    sent = replaced(source).body.decode()

    assert sent.startswith(text[: spot.start])
    assert sent.endswith(text[spot.end :])
    assert unhide(sent[len("ünd 🙂 so: ") : -len("\n -- and more")]) == TOKEN


@pytest.mark.parametrize("outer", ["percent", "all percent", "entities", "base64", "json", "hex", "json in json", "backslash u"])
@pytest.mark.parametrize("inner", ["percent", "all percent", "entities", "base64", "json", "zero width", "full width", "hex", "plain"])
def test_dresses_over_dresses(outer: str, inner: str) -> None:
    """
    One encoding in another is undone, and put on again.
    """
    hide, unhide = DRESSES[outer]
    hide_inner, unhide_inner = DRESSES[inner]
    source = of_json({"content": hide(hide_inner(MARKER))})

    assert {spot.seen for spot in spots(source)} == {MARKER}
    assert unhide_inner(unhide(orjson.loads(replaced(source).body)["content"])) == TOKEN


PLACES: dict[str, Callable[[str], dict[str, Any]]] = {
    "message": lambda text: {"messages": [{"role": "user", "content": text}]},
    "part": lambda text: {"messages": [{"role": "user", "content": [{"type": "text", "text": text}]}]},
    "key": lambda text: {"metadata": {text: 1}},
    "key of an object": lambda text: {"metadata": {text: {"a": []}}},
    "key of a string": lambda text: {"metadata": {text: "b"}},
    "key before an id": lambda text: {text: {"id": "msg_0123456789abcdefABCDEF"}},
    "list": lambda text: {"stop": ["a", text, "b"]},
    "enum": lambda text: {"tools": [{"function": {"parameters": {"properties": {"a": {"enum": ["x", text]}}}}}]},
    "schema default": lambda text: {"tools": [{"input_schema": {"properties": {"a": {"default": text, "const": "c"}}}}]},
    "id": lambda text: {"id": text, "tool_call_id": "call_0123456789abcdefABCDEF"},
    "signature": lambda text: {"type": "thinking", "thinking": "hm", "signature": text},
    "data": lambda text: {"source": {"type": "base64", "media_type": "image/png", "data": text}},
    "type": lambda text: {"type": text, "role": "user"},
    "after floats": lambda text: {"input": [[0.1234567] * 20, [1, 2, 3]], "temperature": 0.123456789, "user": text},
    "tool arguments": lambda text: {"tool_calls": [{"function": {"arguments": json.dumps({"path": "/a", "text": f"l\n{text}\n"})}}]},
    "arguments key": lambda text: {"tool_calls": [{"function": {"arguments": json.dumps({text: {"x": 1}})}}]},
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_of_a_body_is_looked_at(place: str) -> None:
    """
    There is no list of known fields, and no name under which a text may hide.
    """
    value = PLACES[place](MARKER)
    source = of_json(value)

    assert json.loads(replaced(source).body) == PLACES[place](TOKEN)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=30).filter(lambda text: text.isascii() or max(text) < "\ud800" or min(text) > "\udfff")
    | st.sampled_from(["{}", '{"a":"b"}', "[1,", "\\u0041", "a%20b", "&amp;", '{"a":"\\u0041\\n"}', "aGVsbG8gd29ybGQsIGhlbGxv", "x" * 300]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


def _encodable(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


@settings(max_examples=300, deadline=None)
@given(value=JSON.filter(_encodable), ascii_only=st.booleans(), indent=st.sampled_from([None, 2]))
def test_without_findings_the_body_is_the_same_object(value: Any, ascii_only: bool, indent: int | None) -> None:
    """
    A request in which nothing is found leaves byte for byte as it came.
    """
    body = json.dumps({"v": value}, ensure_ascii=ascii_only, indent=indent).encode()
    headers = ((b"x-title", b"a"),)
    source = of_request("POST", "/v1/x?a=b", headers, "application/json", body, orjson.loads(body))
    rewritten = source.rewrite([])

    assert rewritten.body is body
    assert rewritten.headers is headers
    assert source.coverage.total == source.coverage.scanned + source.coverage.unscanned


@settings(max_examples=400, deadline=None)
@given(value=JSON.filter(_encodable), data=st.data(), ascii_only=st.booleans(), indent=st.sampled_from([None, 1]))
def test_exactly_the_planted_strings_change(value: Any, data: st.DataObject, ascii_only: bool, indent: int | None) -> None:
    """
    In any JSON, whatever its spelling, a dressed value at any place is taken out, and the rest is equal after parsing.
    """
    holders: list[tuple[Any, Any]] = []
    root = {"v": value, "w": [None]}

    def walk(node: Any) -> None:
        for key, child in list(node.items() if isinstance(node, dict) else enumerate(node)):
            holders.append((node, key))
            if isinstance(child, (dict, list)):
                walk(child)

    walk(root)
    node, key = data.draw(st.sampled_from(holders))
    dress = data.draw(st.sampled_from(sorted(DRESSES)))
    hide, unhide = DRESSES[dress]
    node[key] = hide(MARKER)
    body = json.dumps(root, ensure_ascii=ascii_only, indent=indent).encode()

    source = of_json(None, body)
    sent = replaced(source).body

    expected = orjson.loads(body)
    got = orjson.loads(sent)
    assert MARKER not in str(findings_everywhere(got))
    node[key] = "here"
    expected = json.dumps(root, sort_keys=True)
    # The same way down in what was sent.
    assert unhide(_swap(got, root, node, key)) == TOKEN
    assert json.dumps(got, sort_keys=True) == expected


def _swap(got: Any, root: Any, node: Any, key: Any) -> str:
    """
    Take what stands in `got` where `node[key]` stands in `root`, and put `here` there.
    """
    if root is node:
        taken = got[key]
        got[key] = "here"
        return str(taken)
    for name, child in root.items() if isinstance(root, dict) else enumerate(root):
        if isinstance(child, (dict, list)) and (found := _swap_if(got[name], child, node, key)) is not None:
            return found
    raise AssertionError


def _swap_if(got: Any, root: Any, node: Any, key: Any) -> str | None:
    try:
        return _swap(got, root, node, key)
    except AssertionError:
        return None


NASTY = ['"', "\\", 'a"b\\c\nd', "é🙂", "\r\nx: y", "%41", "&amp;", "<b>", "\x00\x01", "a=b&c", "{}"]


@pytest.mark.parametrize("text", NASTY)
@pytest.mark.parametrize("dress", ["plain", "json", "json in json", "base64", "data url", "base64 of json", "hex", "backslash u"])
def test_any_replacement_is_written_rightly(dress: str, text: str) -> None:
    """
    Quotes, backslashes, line ends: what is written for the placeholder reads back as the placeholder.
    """
    hide, unhide = DRESSES[dress]
    source = of_json({"content": hide(MARKER)})

    assert unhide(orjson.loads(replaced(source, text).body)["content"]) == text


PIECES = [
    "\\",
    '"',
    "\\n",
    "\\u0041",
    "%41",
    "%C3%BC",
    "&amp;",
    "&#64;",
    "=3D",
    "\u200b",
    "\x02",
    "\x03",
    "ü",
    "а",
    "ｚ",
    "🙂",
    "\r\n",
    "-",
    "/",
    "=",
    "[1]",
]


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_nothing_is_left_among_the_debris_of_encodings(data: st.DataObject) -> None:
    """
    However encodings and pieces of encodings stand beside one another: after the replacement a second look finds nothing, and the JSON
    around still reads as it did.
    """
    words = st.sampled_from(PIECES) | st.sampled_from(sorted(DRESSES)).map(lambda dress: DRESSES[dress][0](MARKER))
    debris = st.lists(st.sampled_from(PIECES), max_size=3)
    text = " ".join("".join([*data.draw(debris), one]) for one in data.draw(st.lists(words, max_size=6)))
    value = {"a": text, "b": json.dumps({"c": [text]}), f"k{text}": 1}
    source = of_json(value)
    if source.coverage.unknown:
        return
    sent = replaced(source).body

    assert not spots(of_json(None, sent))
    assert list(orjson.loads(sent))[:2] == ["a", "b"]
    assert list(orjson.loads(orjson.loads(sent)["b"])) == ["c"]
    assert not spots(of_text(replaced(of_text(text)).body.decode()))
