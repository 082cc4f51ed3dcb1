"""
Asking for usage, and hiding that we asked.
"""

from __future__ import annotations

import json

import pytest

from excise.exchange import Call, Prompt
from excise.wire import asked
from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame
from excise.wire.include_usage import NOT_ASKED, ask_for_usage, strip_usage
from excise.wire.sse import SseDecoder
from recordings import header, records, request_body, require_recordings, response_body, response_encoding
from wire.streams import LIMIT, decoded, joined, stream


def call(provider="openai", dialect="openai-chat", operation="chat") -> Call:
    return Call(provider, operation, dialect, "body")


def prompt(body: bytes) -> Prompt:
    parsed = json.loads(body)
    return Prompt(body=body, json=parsed, model="m", stream=asked.truthy(parsed.get("stream")), include_usage=asked.include_usage(parsed))


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"model":"m","stream":true}', b'{"model":"m","stream":true,"stream_options":{"include_usage":true}}'),
        (b'{ "stream" : true }\n', b'{ "stream" : true ,"stream_options":{"include_usage":true}}\n'),
        (b'{"stream":true,"a":{"b":{}}}', b'{"stream":true,"a":{"b":{}},"stream_options":{"include_usage":true}}'),
        (b'{"stream_options":{},"stream":true}', b'{"stream_options":{"include_usage":true},"stream":true}'),
        (
            b'{"stream_options" : { "include_obfuscation":false },"stream":true}',
            b'{"stream_options" : {"include_usage":true, "include_obfuscation":false },"stream":true}',
        ),
        (b'{"stream_options": null,"stream":true}', b'{"stream_options": {"include_usage":true},"stream":true}'),
        (b'{"stream_options":{"include_usage":null},"stream":true}', b'{"stream_options":{"include_usage":true},"stream":true}'),
        # The same words deeper down, and inside a string, are not the place.
        (
            b'{"tools":[{"stream_options":{}}],"user":"\\"stream_options\\":{}","stream_options":{"a":1},"stream":true}',
            b'{"tools":[{"stream_options":{}}],"user":"\\"stream_options\\":{}","stream_options":{"include_usage":true,"a":1},"stream":true}',
        ),
    ],
)
def test_nothing_but_the_field_is_written(body, expected):
    """
    The client's own bytes, spacing and key order included: provider prompt caches still hit.
    """
    assert ask_for_usage(call(), prompt(body)) == expected


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (call(), b'{"stream":false}'),
        (call(), b"{}"),
        (call(), b'{"stream":"true"}'),
        (call(), b'{"stream":true,"stream_options":{"include_usage":false}}'),
        (call(), b'{"stream":true,"stream_options":{"include_usage":true}}'),
        (call(), b'{"stream":true,"stream_options":7}'),
        (call(), b'{"stream":true,"stream\\u005foptions":{}}'),
        (call(dialect="openai-responses", operation="responses"), b'{"stream":true}'),
        (call(dialect="anthropic-messages", operation="messages"), b'{"stream":true}'),
        (call(operation="stored_chat"), b'{"stream":true}'),
        *((call(provider), b'{"stream":true}') for provider in sorted(NOT_ASKED)),
    ],
)
def test_who_is_not_asked(target, body):
    """
    Clients that said themselves, other dialects, providers that reject the field, places we cannot be sure of.
    """
    assert ask_for_usage(target, prompt(body)) is None


@pytest.mark.parametrize(
    ("path", "body", "is_asked"),
    [
        ("/openai/deployments/d/chat/completions?api-version=2024-06-01", b'{"stream":true}', False),
        ("/openai/deployments/d/chat/completions?api-version=2024-09-01-preview", b'{"stream":true}', True),
        ("/openai/deployments/d/chat/completions?api-version=2024-10-21", b'{"stream":true}', True),
        ("/openai/deployments/d/chat/completions?api-version=2024-10-21", b'{"stream":true,"data_sources":[]}', False),
        ("/openai/v1/chat/completions", b'{"stream":true}', True),
        ("/openai/v1/chat/completions?api-version=preview", b'{"stream":true}', True),
    ],
)
def test_azure_is_asked_from_the_version_that_knows(path, body, is_asked):
    """
    Older versions answer 400.
    """
    assert (ask_for_usage(call("azure-openai"), prompt(body), path=path) is not None) is is_asked


def test_the_extra_chunk_and_the_nulls_are_taken_out():
    """
    What the client then sees is what it would have got unasked.
    """
    frames = decoded(SseDecoder(LIMIT), [stream("openai-chat.sse")])

    seen = b"".join(strip_usage(frame) for frame in frames)

    assert seen == stream("openai-chat.sse").replace(frames[3].raw, b"").replace(b',"usage":null', b"")
    assert b'"usage"' not in seen


USAGE = b'"usage":{"total_tokens":3}'


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],' + USAGE + b"}",
        b'{"choices":[],"prompt_filter_results":[]}',
        b'{"choices":[],"error":{"code":502},' + USAGE + b"}",
        b'{"choices":[{"delta":{"content":",\\"usage\\":null"}}]}',
        b'{"choices":[],"usage": null}',
        b'{"choices":[],"x":{"usage":1},"usage":null}',
        b'{"usage":null,"choices":[]}',
        b'{"x":{"a":1,"usage":null}}',
        b'{"object":"other",' + USAGE + b"}",
        b'[1,"usage"]',
        b'{"usage',
        b"[DONE]",
        None,
    ],
)
def test_every_other_frame_is_itself(data):
    """
    Chunks with choices, errors, text that talks about usage, nulls that cannot be told apart.
    """
    frame = Frame(b"data: " + (data or b"") + b"\n\n", None, data)

    assert strip_usage(frame) is frame.raw


def test_nulls_that_are_always_sent_are_kept():
    """
    Some providers write them unasked.
    """
    frame = Frame(b'data: {"choices":[1],"usage":null}\n\n', None, b'{"choices":[1],"usage":null}')

    assert strip_usage(frame, null_added=False) is frame.raw
    assert strip_usage(frame) == b'data: {"choices":[1]}\n\n'


@require_recordings
def test_recorded_streams_can_be_asked():
    """
    Every recorded chat or completions stream that left it open: the changed body is the old one and the field, nothing else.
    """
    changed = 0
    for record in records():
        meta = record["meta"]
        if meta["protocol"] not in ("openai-chat", "openai-completions"):
            continue
        try:
            made = prompt(request_body(record))
        except ValueError:
            continue
        if made.json.get("stream") is not True:
            continue
        # As it would be had the client left it open.
        left_open = {key: value for key, value in made.json.items() if key != "stream_options"}
        made = prompt(json.dumps(left_open, indent=1).encode())
        got = ask_for_usage(call(dialect=meta["protocol"], operation=meta["operation"]), made)
        if meta["operation"] not in ("chat", "completions"):
            assert got is None
            continue
        assert got is not None, record["id"]
        assert json.loads(got) == {**left_open, "stream_options": {"include_usage": True}}
        assert got.replace(b',"stream_options":{"include_usage":true}', b"") == made.body
        changed += 1

    assert changed > 90


@require_recordings
def test_recorded_streams_lose_the_extra_chunk_only():
    """
    Every recorded stream: stripped of usage, no chunk with choices is missing, and no other JSON has changed.
    """
    stripped = 0
    for record in records():
        meta = record["meta"]
        if meta["protocol"] not in ("openai-chat", "openai-completions") or meta["wire"] != "sse":
            continue
        decoder = AnswerDecoder(
            content_type=header(record["response"], "content-type"),
            content_encoding=response_encoding(record),
            dialect=meta["protocol"],
            operation=meta["operation"],
            limit=LIMIT,
        )
        for frame in decoded(decoder, [response_body(record)]):
            out = strip_usage(frame)
            if out == b"":
                assert frame.json["choices"] == []
                assert frame.json["usage"]
                stripped += 1
            elif out is not frame.raw:
                (again,) = decoded(SseDecoder(LIMIT), [out])
                assert again.json == {key: value for key, value in frame.json.items() if key != "usage"}

    assert stripped > 30


def test_a_stripped_frame_keeps_the_rest_of_its_bytes():
    """
    Joined with the frames around it, only those bytes are missing.
    """
    body = stream("openrouter-comments.sse")

    assert b"".join(strip_usage(frame) for frame in decoded(SseDecoder(LIMIT), [body])) == joined(decoded(SseDecoder(LIMIT), [body]))
