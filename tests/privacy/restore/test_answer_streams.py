"""
Every dialect's streams, cut everywhere.
"""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.privacy.restore import Restorer
from privacy.restore.planting import PLAIN, TOKEN, TOKENS, VALUES, restored, with_values, with_values_in
from privacy.restore.shapes import SHAPES, Shape, frames_of

TEXT = (
    f"Grüße 😀 {TOKEN['EMAIL']}, EMAIL_ EM <{TOKEN['PASSWORD']}>{TOKEN['CARD']}{TOKEN['CARD']}E"
    f'\n"{TOKEN["PERSON"]}"s C:\\dir EMAI {TOKEN["PRIVATE_KEY"]} E'
)
ARGUMENTS = {
    "to": TOKEN["EMAIL"],
    "note": f'say "{TOKEN["PASSWORD"]}" \\ \n twice: {TOKEN["PASSWORD"]}',
    "payload": json.dumps({"key": TOKEN["PASSWORD"], "deep": json.dumps([TOKEN["PRIVATE_KEY"], TOKEN["PERSON"]])}),
    TOKEN["CARD"]: [1, True, None, {"x": f"[{TOKEN['PASSWORD']}]"}],
    "last": "E",
}
JSON_TEXT = json.dumps(ARGUMENTS)

_every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def _text(shape: Shape) -> str:
    return JSON_TEXT if shape.json else TEXT


def _check(shape: Shape, got: str) -> None:
    if shape.json:
        document = json.loads(got)
        wanted = with_values_in(ARGUMENTS)
        assert json.loads(document.pop("payload")) | {"deep": None} == json.loads(wanted["payload"]) | {"deep": None}
        assert document == {key: value for key, value in wanted.items() if key != "payload"}
        deep = json.loads(json.loads(json.loads(got)["payload"])["deep"])
        assert deep == [VALUES["PRIVATE_KEY"], VALUES["PERSON"]]
    else:
        assert got == with_values(TEXT)


@_every_shape
@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 23, 24, 25, 1000])
def test_a_text_may_be_cut_into_deltas_of_any_length(shape: Shape, size: int) -> None:
    """
    However a model's text is cut into deltas, it reaches the client with its values in place.
    """
    text = _text(shape)
    body = shape.body([text[at : at + size] for at in range(0, len(text), size)])
    _check(shape, shape.read(restored(frames_of(shape, body), shape.dialect, shape.framing)))


@_every_shape
@pytest.mark.parametrize("size", [1, 7])
def test_the_body_may_be_cut_at_every_byte(shape: Shape, size: int) -> None:
    """
    Chunks of the transport are not frames; where they end does not matter.
    """
    text = _text(shape)
    body = shape.body([text[at : at + 9] for at in range(0, len(text), 9)])
    _check(shape, shape.read(restored(frames_of(shape, body, size), shape.dialect, shape.framing)))


@_every_shape
def test_deltas_may_cut_surrogate_pairs_and_escape_everything(shape: Shape) -> None:
    """
    A provider that writes ASCII only and cuts by UTF-16 sends half characters; they come together again.
    """
    units = _text(shape).encode("utf-16-le")
    pieces = [chr(int.from_bytes(units[at : at + 2], "little")) for at in range(0, len(units), 2)]
    body = shape.body(pieces, ascii_only=True)
    got = shape.read(restored(frames_of(shape, body), shape.dialect, shape.framing))
    _check(shape, got.encode("utf-16-le", "surrogatepass").decode("utf-16-le"))


@given(data=st.data(), seed=st.integers(0, 1 << 30))
@settings(max_examples=120, deadline=None)
def test_random_texts_and_cuts(data: st.DataObject, seed: int) -> None:
    """
    Placeholders, their beginnings and their neighbours in any order, cut anywhere, in any dialect.
    """
    shape = data.draw(st.sampled_from(SHAPES))
    tokens = list(TOKENS)
    starts = st.sampled_from(tokens).flatmap(lambda token: st.integers(0, 24).map(lambda end: token[:end]))
    part = st.one_of(st.sampled_from(tokens), starts, st.text(max_size=6), st.sampled_from(["_", "E", "\\", '"', "{", " "]))
    parts = data.draw(st.lists(part, max_size=12))
    text = "".join(parts)
    if text[:1] in "{[" or text.lstrip()[:1] in ("{", "["):
        text = "." + text
    if shape.json:
        text = json.dumps([text])
    rolls = random.Random(seed)
    pieces, at = [], 0
    while at < len(text):
        size = rolls.choice([1, 1, 2, 3, 8, 24, 60])
        pieces.append(text[at : at + size])
        at += size
    got = shape.read(restored(frames_of(shape, shape.body(pieces)), shape.dialect, shape.framing))
    assert (json.loads(got) == with_values_in(json.loads(text))) if shape.json else (got == with_values(text))


@_every_shape
def test_nothing_planted_nothing_changed(shape: Shape) -> None:
    """
    Frames in which nothing is restored leave as the objects they came as.
    """
    text = _text(shape)
    for token in TOKENS:
        text = text.replace(token, "x" * 20)
    frames = frames_of(shape, shape.body([text[at : at + 4] for at in range(0, len(text), 4)]))
    tokens = {"IBAN_" + "Z" * 19: "x"}
    restorer = Restorer(shape.dialect, "chat", shape.framing, tokens)

    assert all(got is sent for got, sent in zip(restorer.feed(frames), frames, strict=True))
    assert restorer.close() == []


@_every_shape
@pytest.mark.parametrize("size", [1, 3, 10])
def test_what_can_leave_has_left(shape: Shape, size: int) -> None:
    """
    After every frame the client has all of the text but an end that may be the beginning of a live placeholder.
    """
    token, value = next(iter(PLAIN.items()))
    text = f"EEM {token[:23]} {token}{token[:5]} EMAIL {token} E" if not shape.json else json.dumps([token[:9], token, "EM", token[:23]])
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    restorer = Restorer(shape.dialect, "chat", shape.framing, PLAIN)
    emitted, sent = "", ""
    frames = frames_of(shape, shape.body(pieces))
    for frame in frames[len(shape.head) : len(shape.head) + len(pieces)]:
        sent += shape.text_of(frame) or ""
        emitted += "".join(shape.text_of(one) or "" for one in restorer.feed([frame]))
        rest = sent.rpartition(token)[2]
        held = next((length for length in range(min(23, len(rest)), 0, -1) if token.startswith(rest[-length:])), 0)
        assert emitted == sent[: len(sent) - held].replace(token, value)


@_every_shape
def test_a_cut_stream_gives_what_was_held(shape: Shape) -> None:
    """
    A connection that breaks leaves nothing behind in the proxy.
    """
    pieces = ["[" if shape.json else "mail ", TOKEN["EMAIL"][:11]]
    body = shape.body(pieces)
    frames = frames_of(shape, body)[: len(shape.head) + len(pieces)]
    restorer = Restorer(shape.dialect, "chat", shape.framing, TOKENS)
    out = restorer.feed(frames)
    assert "".join(shape.text_of(one) or "" for one in out) == pieces[0]
    out += restorer.close()
    assert "".join(shape.text_of(one) or "" for one in out) == "".join(pieces)
