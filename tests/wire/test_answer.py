"""
Answers of every label, and answers whose label lies.
"""

from __future__ import annotations

import gzip

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from excise.wire.answer import AnswerDecoder
from excise.wire.coding import decode_body
from excise.wire.eventstream import encode_message
from excise.wire.frame import Framing
from recordings import header, records, require_recordings, response_body, response_encoding
from wire.streams import LIMIT, decoded, joined, pieces, read, stream

EVENT = encode_message({":event-type": "messageStop", ":message-type": "event"}, b"{}")


def answer(label, *, coding=None, dialect="openai-chat", operation="chat", limit=LIMIT) -> AnswerDecoder:
    return AnswerDecoder(content_type=label, content_encoding=coding, dialect=dialect, operation=operation, limit=limit)


SSE, NDJSON, ARRAY = stream("openai-chat.sse"), stream("ollama.ndjson"), stream("gemini-array.json")


@pytest.mark.parametrize(
    ("label", "dialect", "body", "framing"),
    [
        ("text/event-stream; charset=utf-8", "openai-chat", SSE, Framing.SSE),
        ("Text/Event-Stream", "openai-chat", b": ping\n\n", Framing.SSE),
        ("text/event-stream", "gemini", b'{"error":{"code":404}}', Framing.JSON),
        ("text/event-stream", "openai-chat", b'\n\n  {"error":{}}', Framing.JSON),
        ("text/event-stream", "replicate", b"anything", Framing.SSE),
        ("text/event-stream", "openai-chat", b"da", Framing.SSE),
        ("application/json", "openai-chat", b'\n\n\n{"id":1}', Framing.JSON),
        ("application/json", "openai-chat", SSE, Framing.SSE),
        ("application/json", "hf-inference", b'[{"a":1}]', Framing.JSON),
        ("application/json; charset=UTF-8", "gemini", ARRAY, Framing.JSON_ARRAY),
        ("application/json; charset=UTF-8", "gemini", b'{"candidates":[]}', Framing.JSON),
        ("application/json", "ollama", NDJSON, Framing.NDJSON),
        ("application/x-ndjson", "ollama", NDJSON, Framing.NDJSON),
        ("application/stream+json", "cohere-v1", NDJSON, Framing.NDJSON),
        ("application/problem+json", "openai-chat", b'{"title":"x"}', Framing.JSON),
        ("application/vnd.amazon.eventstream", "bedrock-converse", EVENT, Framing.EVENTSTREAM),
        ("audio/mpeg", "openai-audio", b"{\xff\xfb", Framing.OPAQUE),
        ("application/octet-stream", "openai-files", b'{"a":1}\n', Framing.OPAQUE),
        ("text/plain", "openai-audio", b"hello there", Framing.OPAQUE),
        ("text/plain", "openai-chat", b'{"error":{}}', Framing.JSON),
        (None, "openai-chat", SSE, Framing.SSE),
        (None, "openai-chat", b'{"id":1}', Framing.JSON),
        (None, "bedrock-converse", EVENT, Framing.EVENTSTREAM),
        ("", "openai-chat", b"event", Framing.OPAQUE),
        ("", "openai-chat", b"\x00\x01\x02", Framing.OPAQUE),
    ],
)
@pytest.mark.parametrize("size", [1, 4096])
def test_the_framing_follows_label_and_first_bytes(label, dialect, body, framing, size):
    """
    Errors come as JSON under a stream's label, and streams without one.
    """
    decoder = answer(label, dialect=dialect)

    frames = decoded(decoder, pieces(body, size))

    assert decoder.framing is framing
    assert joined(frames) == body
    assert not decoder.broken


def test_the_stream_operation_makes_an_array_a_stream():
    """
    Vertex serves others' models under the same verb.
    """
    decoder = answer("application/json", dialect="unknown", operation="streamGenerateContent")

    assert len(read(decoded(decoder, [ARRAY]))) == 2


def test_blank_lines_before_json_pass_at_once():
    """
    They keep a slow answer's connection alive, and must not wait for it.
    """
    decoder = answer("application/json")

    assert joined(decoder.feed(b"\n \n")) == b"\n \n"
    assert decoder.feed(b'{"a":1}\n') == []
    (frame,) = decoder.close()
    assert (frame.raw, frame.json) == (b'{"a":1}\n', {"a": 1})


def test_an_empty_answer_has_no_frames():
    """
    204, HEAD, and providers that break off at once.
    """
    for label in ("application/json", "text/event-stream", None, "application/vnd.amazon.eventstream"):
        decoder = answer(label, coding="gzip")
        assert decoder.feed(b"") == []
        assert decoder.close() == []
        assert not decoder.broken


def test_a_document_past_the_limit_is_passed_on_unread():
    """
    The answer is the client's; only our reading of it ends.
    """
    decoder = answer("application/json", limit=100)
    body = b'{"a":"' + b"x" * 300 + b'"}'

    frames = decoded(decoder, pieces(body, 40))

    assert decoder.overflow
    assert not decoder.broken
    assert joined(frames) == body
    assert read(frames) == []


@pytest.mark.parametrize(
    ("label", "body"),
    [
        ("text/event-stream", b"data: 1\n\ndata: " + b"x" * 300 + b"\n\ndata: 2\n\n"),
        ("application/x-ndjson", b'{"a":1}\n' + b"x" * 300 + b"\n"),
        ("application/vnd.amazon.eventstream", EVENT + b"\x00" * 300),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 16])
def test_a_fault_makes_the_rest_opaque(label, body, size):
    """
    Never an exception, never a byte lost; what was read before counts.
    """
    decoder = answer(label, limit=100)

    frames = decoded(decoder, pieces(body, size))

    assert decoder.broken
    assert decoder.framing is Framing.OPAQUE
    assert joined(frames) == body
    assert len(read(frames)) == 1


PACK = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("size", [1, 2, 7, 4096])
def test_a_coded_stream(coding, size):
    """
    Frames come out of a coded stream as of a plain one.
    """
    decoder = answer("text/event-stream", coding=coding)

    frames = decoded(decoder, pieces(PACK[coding](SSE), size))

    assert joined(frames) == SSE
    assert len(read(frames)) == 5
    assert not decoder.broken


@pytest.mark.parametrize("coding", PACK)
def test_a_coded_stream_that_breaks_off_is_broken(coding):
    """
    The coding knows its end where the framing does not.
    """
    decoder = answer("text/event-stream", coding=coding)

    frames = decoded(decoder, [PACK[coding](SSE)[:-3]])

    assert decoder.broken
    assert SSE.startswith(joined(frames))


def test_garbage_inside_a_coding_ends_the_frames():
    """
    There is no decoded body past the fault; what came before it is given.
    """
    decoder = answer("text/event-stream", coding="gzip")

    frames = decoder.feed(gzip.compress(SSE) + b"garbage") + decoder.feed(b"more") + decoder.close()

    assert decoder.broken
    assert joined(frames) == SSE


def test_a_coding_we_do_not_know_is_passed_on_coded():
    """
    The bytes are opaque, and are said to be still coded.
    """
    decoder = answer("text/event-stream", coding="dcz")

    assert joined(decoded(decoder, [b"\x28\xb5", b"rest"])) == b"\x28\xb5rest"
    assert (decoder.broken, decoder.coded, decoder.framing) == (True, True, Framing.OPAQUE)


def test_a_bomb_ends_the_frames():
    """
    An answer's ratio is bounded too.
    """
    decoder = answer("application/json", coding="br", limit=1 << 20)
    packed = brotli.compress(b"[" * (64 << 20), quality=1)

    frames = decoded(decoder, [packed])

    assert decoder.broken
    assert len(joined(frames)) < 8 << 20


@given(body=st.binary(max_size=200), cuts=st.integers(1, 50), label=st.sampled_from(["text/event-stream", "application/json", None]))
def test_no_bytes_make_it_raise_or_lose_one(body, cuts, label):
    """
    Whatever an upstream sends.
    """
    for dialect in ("openai-chat", "gemini", "ollama", "bedrock-invoke"):
        assert joined(decoded(answer(label, dialect=dialect, limit=50), pieces(body, cuts))) == body


FRAMINGS = {
    "sse": {Framing.SSE},
    "ndjson": {Framing.NDJSON},
    "json-lines": {Framing.NDJSON},
    "json-array-stream": {Framing.JSON_ARRAY},
    "aws-eventstream": {Framing.EVENTSTREAM},
    "json": {Framing.JSON, Framing.NDJSON},  # a document is one line with Ollama
}


@require_recordings
@pytest.mark.parametrize("size", [64, 4096])
def test_recorded_answers_pass_whole(size):
    """
    Every recorded answer of every provider: the frames are the body, cuts do not matter, and each wire form is told from its bytes.
    """
    seen = set()
    for record in records():
        meta, body, coding = record["meta"], response_body(record), response_encoding(record)

        def decoder(meta=meta, record=record, coding=coding):
            label = header(record["response"], "content-type")
            return answer(label, coding=coding, dialect=meta["protocol"], operation=meta["operation"], limit=32 << 20)

        whole = decoder()
        frames = decoded(whole, [body])
        cut = meta["response_body_state"] == "encoded-truncated"
        assert whole.broken is cut, record["id"]
        if not cut:
            assert joined(frames) == decode_body(coding, body, 1 << 30), record["id"]
        if body:
            assert whole.framing in FRAMINGS.get(meta["wire"], set(Framing)), record["id"]
        assert read(decoded(decoder(), pieces(body, size))) == read(frames), record["id"]
        seen.add(whole.framing)

    assert seen == set(Framing)
