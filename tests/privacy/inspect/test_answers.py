"""
Whole answers in every dialect: frames in, frames out.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from excise.privacy.inspect import Inspector
from excise.privacy.profiles import Action
from excise.privacy.restore import Live, Restorer
from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame, Framing
from privacy.inspect.made_up import CARD, KEY, MAIL, SECRETS, TOKEN, inspected, protection
from privacy.restore.planting import TOKEN as PLACEHOLDER
from privacy.restore.planting import TOKENS, VALUES
from privacy.restore.shapes import SHAPES, Shape, frames_of

TEXT = f"Gr\u00fc\u00dfe \U0001f600, the key is {TOKEN} now. Write to {MAIL}, or pay with {CARD} if you like.\nThat is all, thank you."
MASKED = TEXT.replace(TOKEN, "********").replace(MAIL, "********").replace(CARD, "********1111")
ARGUMENTS = {"note": TEXT, "to": MAIL, "list": [CARD, 4111111111111111]}
MASKED_ARGUMENTS = {"note": MASKED, "to": "********", "list": ["********1111", 1000000000000000]}

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)


def said(shape: Shape) -> str:
    return json.dumps(ARGUMENTS) if shape.json else TEXT


def check(shape: Shape, body: bytes) -> None:
    got = shape.read(body)
    assert json.loads(got) == MASKED_ARGUMENTS if shape.json else got == MASKED


def joined(frames: list[Frame]) -> bytes:
    return b"".join(frame.raw for frame in frames)


def whole(document: Any) -> list[Frame]:
    decoder = AnswerDecoder(content_type="application/json", content_encoding=None, dialect="openai-chat", operation="chat", limit=1 << 22)
    return [*decoder.feed(json.dumps(document).encode()), *decoder.close()]


@every_shape
@pytest.mark.parametrize("size", [1, 3, 11, 1_000])
def test_what_the_model_made_up_is_masked_however_it_is_cut(shape: Shape, size: int) -> None:
    """
    In every dialect and channel; all else reaches the client as it was said.
    """
    text = said(shape)
    body = shape.body([text[at : at + size] for at in range(0, len(text), size)])
    out, inspector = inspected(frames_of(shape, body), shape.framing)

    check(shape, joined(out))
    assert not any(secret.encode() in joined(out) for secret in SECRETS)
    assert inspector.counts.total() == (6 if shape.json else 3)
    assert {action for _, _, action in inspector.counts} == {"mask"}


@every_shape
def test_the_body_may_be_cut_at_every_byte(shape: Shape) -> None:
    """
    Chunks of the transport are not frames.
    """
    text = said(shape)
    body = shape.body([text[at : at + 9] for at in range(0, len(text), 9)], ascii_only=True)
    check(shape, joined(inspected(frames_of(shape, body, 1), shape.framing)[0]))


@every_shape
def test_a_stream_that_breaks_off_leaves_nothing_unscanned(shape: Shape) -> None:
    """
    At the end of the connection, well or not, what was held is scanned and leaves.
    """
    text = f'{{"to": "{MAIL}' if shape.json else f"Write to {MAIL}"
    pieces = [text[at : at + 5] for at in range(0, len(text), 5)]
    frames = frames_of(shape, shape.body(pieces))[: len(shape.head) + len(pieces)]
    out, _ = inspected(frames, shape.framing)
    assert "".join(shape.text_of(one) or "" for one in out) == text.replace(MAIL, "********")


@every_shape
def test_reporting_changes_nothing(shape: Shape) -> None:
    """
    With `report-only` every frame is the object it was, at once; what is found is counted.
    """
    text = said(shape)
    frames = frames_of(shape, shape.body([text[at : at + 6] for at in range(0, len(text), 6)]))
    inspector = Inspector(shape.framing, protection(Action.REPORT_ONLY))
    for frame in frames:
        (got,) = inspector.feed([frame])
        assert got is frame
    assert inspector.close() == []
    assert inspector.counts.total() == (6 if shape.json else 3)
    assert {action for _, _, action in inspector.counts} == {"report-only"}


@every_shape
def test_an_answer_without_anything_leaves_as_it_was_said(shape: Shape) -> None:
    """
    Text is held and let go again, and nothing is counted.
    """
    text = json.dumps({"a": "b" * 400, "n": [1, {"x": "y\n"}]}) if shape.json else "It rains in Bergen, 240 days a year:\n\t- or more. " * 9
    body = shape.body([text[at : at + 4] for at in range(0, len(text), 4)])
    out, inspector = inspected(frames_of(shape, body), shape.framing)
    assert shape.read(joined(out)) == text
    assert not inspector.counts


@every_shape
def test_our_own_placeholders_are_put_back_and_not_masked(shape: Shape) -> None:
    """
    What the client sent it may read again: it is restored behind the scan, beside what the model made up.
    """
    live = Live(TOKENS)
    text = f"Dear {PLACEHOLDER['EMAIL']}, password: {PLACEHOLDER['PASSWORD']} and not {MAIL}."
    if shape.json:
        text = json.dumps({"a": text, "b": PLACEHOLDER["EMAIL"]})
    body = shape.body([text[at : at + 5] for at in range(0, len(text), 5)])
    out, inspector = inspected(frames_of(shape, body), shape.framing, live=live)
    restorer = Restorer(shape.dialect, "chat", shape.framing, live)
    got = shape.read(joined([*restorer.feed(out), *restorer.close()]))
    if shape.json:
        got = json.loads(got)["a"]
    assert got == f"Dear {VALUES['EMAIL']}, password: {VALUES['PASSWORD']} and not ********."
    assert inspector.counts.total() == 1


@every_shape
def test_a_block_ends_the_answer_before_the_thing_itself(shape: Shape) -> None:
    """
    Nothing of it has left when the verdict is there; what comes later is for the meter alone, as it came.
    """
    text = json.dumps({"a": "It rains. " * 40 + TOKEN + " it rains" * 60}) if shape.json else "It rains. " * 40 + TOKEN + " it rains" * 60
    frames = frames_of(shape, shape.body([text[at : at + 5] for at in range(0, len(text), 5)]))
    inspector = Inspector(shape.framing, protection(Action.BLOCK))
    left: list[Frame] = []
    later: list[Frame] = []
    for frame in frames:
        got = inspector.feed([frame])
        if inspector.refusal is None:
            left += got
        else:
            later.append(frame)
            assert got == [frame]
    assert inspector.close() == []
    assert inspector.refusal is not None
    assert inspector.refusal.kind == "answer_blocked"
    assert later
    assert TOKEN[:6] not in "".join(shape.text_of(one) or "" for one in left)


def test_an_entity_that_is_only_reported_is_not_masked() -> None:
    """
    What policy only counts in requests it only counts in answers; what it allows is nothing.
    """
    shape = SHAPES[0]
    changes = {"EMAIL": Action.REPORT_ONLY, "CARD": Action.ALLOW}
    out, inspector = inspected(frames_of(shape, shape.body([TEXT])), shape.framing, **changes)
    assert shape.read(joined(out)) == TEXT.replace(TOKEN, "********")
    assert {(entity, action) for entity, _, action in inspector.counts} == {("EMAIL", "report-only"), ("API_KEY", "mask")}


def test_a_whole_document_is_scanned_with_its_keys() -> None:
    """
    Strings, numbers and JSON in strings, everywhere in it; ids and signatures stay, and so does every other byte.
    """
    document = {
        "id": "chatcmpl-" + "8sK2mZ4pQ7wX9vB1nC3dF5gH",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": TEXT, "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "pay", "arguments": json.dumps(ARGUMENTS)}}]},
            "logprobs": {"content": [{"token": MAIL, "logprob": -0.1}]}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 4},
    }  # fmt: skip
    out, inspector = inspected(whole(document), Framing.JSON)
    got = json.loads(joined(out))
    message = got["choices"][0].pop("message")
    assert message["content"] == MASKED
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == MASKED_ARGUMENTS
    assert got["choices"][0]["logprobs"] is None
    assert got["id"] == document["id"]
    assert inspector.counts.total() >= 8

    clean = whole({"choices": [{"message": {"content": "It rains."}, "logprobs": {"content": [{"token": "It"}]}}]})
    assert inspected(clean, Framing.JSON)[0] == clean


def test_a_whole_document_is_blocked_before_a_byte_of_it_leaves() -> None:
    """
    Then the frames come back for metering, and the refusal is set.
    """
    frames = whole({"choices": [{"message": {"content": TEXT}}]})
    out, inspector = inspected(frames, Framing.JSON, Action.BLOCK)
    assert out == frames
    assert inspector.refusal is not None
    assert MAIL not in str(inspector.refusal)


def test_snapshots_agree_with_their_deltas_and_count_once() -> None:
    """
    Responses repeats the whole text three times at the end.
    """
    shape = next(shape for shape in SHAPES if shape.name == "responses-output_text")
    item = {"type": "message", "id": "msg_1", "content": [{"type": "output_text", "text": TEXT, "annotations": []}]}
    tail = [
        ("response.output_text.done", {"type": "response.output_text.done", "item_id": "msg_1", "output_index": 0, "text": TEXT}),
        ("response.output_item.done", {"type": "response.output_item.done", "output_index": 0, "item": item}),
        ("response.completed", {"type": "response.completed", "response": {"id": "resp_1", "output": [item]}}),
    ]
    body = replace(shape, tail=tail)
    out, inspector = inspected(frames_of(body, body.body([TEXT[at : at + 7] for at in range(0, len(TEXT), 7)])), shape.framing)
    data = joined(out)
    assert shape.read(data) == MASKED
    assert data.count(b'"text": ' + json.dumps(MASKED, ensure_ascii=False).encode()) == 3
    assert not any(secret.encode() in data for secret in SECRETS)
    assert inspector.counts.total() == 3


def _thinking(text: str) -> list[Frame]:
    events = [
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": text[at : at + 5]}}
          for at in range(0, len(text), 5)),
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2ln" * 40}},
        {"type": "content_block_stop", "index": 0},
    ]  # fmt: skip
    return [Frame(b"data: %b\n\n" % json.dumps(one).encode(), None, json.dumps(one).encode()) for one in events]


def test_signed_thinking_is_read_and_never_changed() -> None:
    """
    It goes back to the provider as it is: masking it would break the next turn, so it is reported; a block blocks.
    """
    frames = _thinking(TEXT)
    out, inspector = inspected(frames, Framing.SSE)
    assert all(got is sent for got, sent in zip(out, frames, strict=True))
    assert inspector.counts.total() == 3
    assert {action for _, _, action in inspector.counts} == {"report-only"}

    out, inspector = inspected(_thinking("It rains in Bergen. " * 30), Framing.SSE, Action.BLOCK)
    thought = "".join(one.json["delta"].get("thinking", "") for one in out if one.json["type"] == "content_block_delta")
    assert thought == "It rains in Bergen. " * 30
    assert [one.json["delta"]["type"] for one in out if "delta" in one.json][-1] == "signature_delta"
    assert inspected(frames, Framing.SSE, Action.BLOCK)[1].refusal is not None


def test_log_probabilities_do_not_give_it_away() -> None:
    """
    They repeat the text token by token, so they do not leave while a text is scanned.
    """
    shape = SHAPES[0]
    documents = [
        {"choices": [{"index": 0, "delta": {"content": text}, "logprobs": {"content": [{"token": text, "logprob": -1}]}}]}
        for text in ("mail ", MAIL[:9], MAIL[9:], " now and then")
    ]
    frames = [Frame(b"data: %b\n\n" % json.dumps(one).encode(), None, json.dumps(one).encode()) for one in documents]
    out, _ = inspected(frames, shape.framing)
    assert shape.read(joined(out)) == "mail ******** now and then"
    assert MAIL[:9].encode() not in joined(out)


def test_calls_that_come_as_objects_are_scanned() -> None:
    """
    Gemini sends arguments whole, beside text that comes in pieces.
    """
    call = {"functionCall": {"name": "f", "args": {"to": MAIL, "card": 4111111111111111}}}
    chunk = {"candidates": [{"index": 0, "content": {"parts": [{"text": "Well, "}, call]}}]}
    frame = Frame(b"data: %b\n\n" % json.dumps(chunk).encode(), None, json.dumps(chunk).encode())
    out, _ = inspected([frame], Framing.SSE)
    parts = json.loads(out[-1].data or b"")["candidates"][0]["content"]["parts"]
    assert parts[1]["functionCall"]["args"] == {"to": "********", "card": 1000000000000000}


def test_a_text_without_frames_is_scanned_and_pictures_are_not() -> None:
    """
    Transcriptions as plain text are masked across chunks; bytes that are no text pass as they came.
    """
    text = f"She said: write to {MAIL}, \u00fcber alles. {KEY} and so on".encode()
    frames = [Frame(text[at : at + 7]) for at in range(0, len(text), 7)]
    out, _ = inspected(frames, Framing.OPAQUE)
    assert joined(out) == text.replace(MAIL.encode(), b"********").replace(KEY.encode(), b"********")
    picture = [Frame(b"\x89PNG\r\n\x1a\n\x00\x00" + text)]
    assert joined(inspected(picture, Framing.OPAQUE)[0]) == picture[0].raw


def test_citations_move_with_the_text() -> None:
    """
    An offset behind something masked points to the same words as before.
    """
    text = f"Mail {MAIL} or see the manual."
    start = text.index("the manual")
    citation = {"type": "url_citation", "start_index": start, "end_index": start + 10}
    content = {"type": "output_text", "text": text, "annotations": [citation]}
    out, _ = inspected(whole({"output": [{"content": [content]}]}), Framing.JSON)
    got = json.loads(joined(out))["output"][0]["content"][0]
    note = got["annotations"][0]
    assert got["text"][note["start_index"] : note["end_index"]] == "the manual"
