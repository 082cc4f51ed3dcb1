"""
Citations and annotations point to the same words after restoring as before.
"""

from __future__ import annotations

import json
import time
from typing import Any

from excise.wire.frame import Frame, Framing
from privacy.restore.planting import TOKEN, VALUES, restored, with_values
from privacy.restore.shapes import SHAPES, framed, frames_of

NAMED = {shape.name: shape for shape in SHAPES}
PASSWORD, PERSON = TOKEN["PASSWORD"], TOKEN["PERSON"]
TEXT = f"é {PERSON} wrote «this»; {PASSWORD} opens «that»."


def _events(name: str, *documents: Any) -> list[Any]:
    shape = NAMED[name]
    body = restored(frames_of(shape, framed(shape, documents)), shape.dialect, shape.framing)
    return [json.loads(frame.data) for frame in frames_of(shape, body) if frame.data and frame.data != b"[DONE]"]


def _document(document: Any) -> Any:
    raw = json.dumps(document).encode()
    return json.loads(restored([Frame(raw, None, raw)], "any", Framing.JSON))


def _span(text: str, quoted: str, *, in_bytes: bool = False) -> tuple[int, int]:
    if in_bytes:
        return _span(text.encode().decode("latin-1"), quoted.encode().decode("latin-1"))
    return text.index(quoted), text.index(quoted) + len(quoted)


def _annotation(text: str, quoted: str) -> dict[str, Any]:
    start, end = _span(text, quoted)
    return {"type": "url_citation", "start_index": start, "end_index": end, "title": "t", "url": "https://x.example"}


def _points_to(text: str, holder: dict[str, Any], start: str = "start_index", end: str = "end_index") -> str:
    return text[holder[start] : holder[end]]


def test_responses_in_a_stream_and_at_its_end() -> None:
    """
    An annotation event points into the text of its part so far; snapshots into their own.
    """
    kind = "response.output_text.delta"
    place = {"item_id": "m", "output_index": 0, "content_index": 0}
    deltas = [(kind, {"type": kind, **place, "delta": sign}) for sign in TEXT]
    added = {"type": "response.output_text.annotation.added", **place, "annotation": _annotation(TEXT, "«that»")}
    annotations = [_annotation(TEXT, "«this»"), _annotation(TEXT, "«that»"), _annotation(TEXT, PERSON)]
    part = {"type": "output_text", "text": TEXT, "annotations": annotations}
    done = {"type": "response.output_item.done", "output_index": 0, "item": {"id": "m", "content": [part]}}
    *_, added, done = _events("responses-output_text", *deltas, (added["type"], added), (done["type"], done))

    text = with_values(TEXT)
    assert _points_to(text, added["annotation"]) == "«that»"
    part = done["item"]["content"][0]
    assert part["text"] == text
    assert [_points_to(text, one) for one in part["annotations"]] == ["«this»", "«that»", VALUES["PERSON"]]


def test_chat() -> None:
    """
    Annotations of a message, whole or in deltas; those of a choice in which nothing was restored stay.
    """
    citations = [{"type": "url_citation", "url_citation": _annotation(TEXT, "«that»")}]
    choices = [{"index": 0, "message": {"content": TEXT, "annotations": citations}}]
    choices.append({"index": 1, "message": {"content": "«that»", "annotations": [{"url_citation": _annotation("x «that»", "«that»")}]}})
    got = _document({"choices": choices})["choices"]
    assert _points_to(with_values(TEXT), got[0]["message"]["annotations"][0]["url_citation"]) == "«that»"
    assert got[1]["message"] == choices[1]["message"]

    deltas = [{"choices": [{"index": 0, "delta": {"content": sign}}]} for sign in TEXT]
    last = _events("chat-content", *deltas, {"choices": [{"index": 0, "delta": {"annotations": citations}}]})[-1]
    assert _points_to(with_values(TEXT), last["choices"][0]["delta"]["annotations"][0]["url_citation"]) == "«that»"


def test_gemini_counts_bytes() -> None:
    """
    Grounding and citations of Gemini are offsets in UTF-8; in a stream, into the text of all chunks.
    """
    start, end = _span(TEXT, "«that»", in_bytes=True)
    segment = {"startIndex": start, "endIndex": end, "text": "«that»"}
    grounded = {
        "groundingMetadata": {"groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}]},
        "citationMetadata": {"citationSources": [{"startIndex": start, "endIndex": end}]},
    }
    chunks = [{"candidates": [{"content": {"parts": [{"text": sign}]}}]} for sign in TEXT]
    last = _events("gemini-sse-text", *chunks, {"candidates": [{"finishReason": "STOP", **grounded}]})[-1]["candidates"][0]
    whole = _document({"candidates": [{"content": {"parts": [{"text": TEXT}]}, **grounded}]})["candidates"][0]

    text = with_values(TEXT).encode()
    for candidate in (last, whole):
        segment = candidate["groundingMetadata"]["groundingSupports"][0]["segment"]
        assert text[segment["startIndex"] : segment["endIndex"]].decode() == "«that»"
    source = last["citationMetadata"]["citationSources"][0]
    assert text[source["startIndex"] : source["endIndex"]].decode() == "«that»"


def test_cohere() -> None:
    """
    Citations come while the text is still coming, in version 2 as an object, in version 1 as a list.
    """
    start, end = _span(TEXT, "«this»")
    citation = {"start": start, "end": end, "text": "«this»"}
    text = with_values(TEXT)
    shape = NAMED["cohere-v2-content-delta"]
    event = {"type": "citation-start", "index": 0, "delta": {"message": {"citations": citation}}}
    last = _events(shape.name, *map(shape.piece, TEXT), event)[-1]
    assert _points_to(text, last["delta"]["message"]["citations"], "start", "end") == "«this»"

    shape = NAMED["cohere-v1"]
    last = _events(shape.name, *map(shape.piece, TEXT), {"event_type": "citation-generation", "citations": [citation]})[-1]
    assert _points_to(text, last["citations"][0], "start", "end") == "«this»"

    got = _document({"message": {"content": [{"type": "text", "text": TEXT}], "citations": [citation]}})
    assert _points_to(text, got["message"]["citations"][0], "start", "end") == "«this»"


def test_without_a_change_before_them_offsets_stay() -> None:
    """
    What is restored behind a citation, or in another channel, does not move it; then the frame keeps its bytes.
    """
    text = f"«this» {PERSON}"
    events = _events("chat-content", {"choices": [{"index": 0, "delta": {"content": text}}]})
    annotation = _annotation(text, "«this»")
    body = {"choices": [{"index": 0, "delta": {"annotations": [{"url_citation": annotation}]}}]}
    got = _events("chat-content", {"choices": [{"index": 0, "delta": {"content": text}}]}, body)

    assert got[:-1] == events
    assert got[-1] == body


def test_text_that_left_unread_counts() -> None:
    """
    Frames without anything of interest are not read at once, but their length is known when it matters: also past the bound on what is
    kept unread.
    """
    filler = "x" * 40_000
    pieces = [filler] * 60 + [TEXT]
    whole = "".join(pieces)
    start, end = _span(whole, "«that»")
    events = [{"choices": [{"index": 0, "delta": {"content": piece}}]} for piece in pieces]
    annotation = {"choices": [{"index": 0, "delta": {"annotations": [{"url_citation": {"start_index": start, "end_index": end}}]}}]}
    last = _events("chat-content", *events, annotation)[-1]["choices"][0]["delta"]["annotations"][0]["url_citation"]
    assert _points_to(with_values(whole), last) == "«that»"


def test_many_offsets_and_many_values() -> None:
    """
    Each offset is moved by what stands before it, without counting that anew.
    """
    many = 5000
    piece = f"{PERSON} "
    content = piece * many
    notes = [
        {"type": "url_citation", "url_citation": {"start_index": at * len(piece), "end_index": at * len(piece) + len(PERSON)}}
        for at in range(many)
    ]
    begun = time.thread_time()
    message = _document({"choices": [{"index": 0, "message": {"content": content, "annotations": notes}}]})["choices"][0]["message"]
    assert time.thread_time() - begun < 8  # a minute, if each offset went over all values
    person = VALUES["PERSON"]
    for note in message["annotations"][:: many // 50]:
        cited = note["url_citation"]
        assert message["content"][cited["start_index"] : cited["end_index"]] == person
