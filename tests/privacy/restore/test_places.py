"""
Where placeholders may stand, how they may be spelled, and what is left alone.
"""

from __future__ import annotations

import itertools
import json
import zlib
from typing import Any

import pytest

from excise.privacy.entities import ENTITIES
from excise.privacy.restore import Counts, Live, Restorer, restore_text
from excise.privacy.restore.nesting import Nesting
from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame, Framing
from privacy.restore.planting import PLACEHOLDERS, PLAIN, TOKEN, TOKENS, VALUES, restored, with_values
from privacy.restore.shapes import SHAPES, Shape, framed, frames_of

NAMED = {shape.name: shape for shape in SHAPES}
CHAT, ARGUMENTS, ANTHROPIC = NAMED["chat-content"], NAMED["chat-arguments"], NAMED["anthropic-text"]
EMAIL, PASSWORD = TOKEN["EMAIL"], TOKEN["PASSWORD"]
MAIL = VALUES["EMAIL"]


def _events(shape: Shape, *documents: Any) -> list[Any]:
    """
    What a client reads of these documents, restored.
    """
    body = restored(frames_of(shape, framed(shape, documents)), shape.dialect, shape.framing)
    return [json.loads(frame.data) for frame in frames_of(shape, body) if frame.data and frame.data != b"[DONE]"]


def _document(document: Any, dialect: str = "openai-chat") -> Any:
    raw = json.dumps(document, ensure_ascii=False, indent=1).encode()
    return json.loads(restored([Frame(raw, None, raw)], dialect, Framing.JSON))


def _through(shape: Shape, pieces: list[str]) -> str:
    return shape.read(restored(frames_of(shape, shape.body(pieces)), shape.dialect, shape.framing))


# --- spelling ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelled",
    [EMAIL, EMAIL.lower(), EMAIL.title(), EMAIL.replace("_", "\\_"), EMAIL.lower().replace("_", "\\_")],
)
@pytest.mark.parametrize("around", ["{}", "to {}.", "<{}>", "x_{}", "{}s"])
def test_the_ladder(spelled: str, around: str) -> None:
    """
    Exact, in another case, with Markdown's backslash; and then no further.
    """
    if around == "x_{}" and "\\" in spelled:
        pytest.skip("the underscore before is not the one of the placeholder")
    assert restore_text(around.format(spelled), TOKENS) == around.format(MAIL)


@pytest.mark.parametrize("spelled", [EMAIL.lower(), EMAIL.title(), EMAIL.replace("_", "\\_")])
def test_the_ladder_holds_in_deltas(spelled: str) -> None:
    """
    Whatever the spelling, a cut does not matter, once two letters have come.
    """
    for cut in range(2, len(spelled)):
        assert _through(CHAT, ["to ", spelled[:cut], spelled[cut:], "."]) == f"to {MAIL}."


@pytest.mark.parametrize(
    "damaged", [EMAIL[:-1] + ("A" if EMAIL[-1] != "A" else "B"), "x" + EMAIL.lower(), EMAIL.replace("_", "-"), EMAIL[:-1]]
)
def test_a_damaged_placeholder_stays(damaged: str) -> None:
    """
    Nothing vague: two values must never be taken for each other.
    """
    assert restore_text(f"to {damaged}.", TOKENS) == f"to {damaged}."


def test_what_is_counted() -> None:
    """
    Restored, copied wrongly, and ours but not of this conversation are told apart.
    """
    foreign = PLACEHOLDERS.make("another scope", ENTITIES["EMAIL"], "x@y.example")
    damaged = EMAIL[:-1] + ("A" if EMAIL[-1] != "A" else "B")
    counts = Counts()
    restore_text(f"{EMAIL} {EMAIL.lower()} {foreign} {damaged}", Live(TOKENS, own=PLACEHOLDERS.is_own), counts=counts)

    assert counts == Counts(restored=2, damaged=1, unknown=1)


def test_an_answer_does_not_grow_without_bound() -> None:
    """
    One long value's placeholder again and again: past 4 MiB and eight times what came, it stays, and is counted.
    """
    token, value, many = EMAIL, "x" * 100_000, 200
    raw = json.dumps({"choices": [{"index": 0, "message": {"content": f"{token} " * many}}]}).encode()
    restorer = Restorer("openai-chat", "chat", Framing.JSON, {token: value})
    out = b"".join(frame.raw for frame in [*restorer.feed([Frame(raw, None, raw)]), *restorer.close()])

    content = json.loads(out)["choices"][0]["message"]["content"].split()
    assert len(out) <= (4 << 20) + 9 * len(raw)
    assert restorer.counts == Counts(restored=content.count(value), too_much=content.count(token))
    assert len(content) == many
    assert content.count(value) >= 40


def test_a_placeholder_ends_where_it_ends() -> None:
    """
    Fixed length: glued neighbours, digits behind, another placeholder's code before.
    """
    assert restore_text(f"{EMAIL}{EMAIL}0PASSWORD_{PASSWORD}OWN{EMAIL}", TOKENS) == with_values(
        f"{EMAIL}{EMAIL}0PASSWORD_{PASSWORD}OWN{EMAIL}"
    )


# --- JSON in arguments ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("value", list(VALUES.values()), ids=list(VALUES))
def test_values_are_escaped_as_deep_as_they_stand(depth: int, value: str) -> None:
    """
    JSON in a string of JSON in a string of JSON: every level can be read, and the value is exact.
    """
    token = next(token for token, known in TOKENS.items() if known == value)
    text = token
    for _ in range(depth):
        text = json.dumps({"a": text, "b": 'plain "quotes" \\'})
    got = _through(ARGUMENTS, list(text))
    for _ in range(depth):
        got = json.loads(got)["a"]

    assert got == value


def test_quotes_in_a_string_are_not_yet_json() -> None:
    """
    Code and prose in arguments get the value as it is.
    """
    code = f'print("{PASSWORD}") # [x] {{y}}'
    for text in (code, f"[{code}", f'{{"a" {code}', f"[1] {code}"):
        got = json.loads(_through(ARGUMENTS, list(json.dumps({"code": text}))))
        assert got["code"] == with_values(text)


@pytest.mark.parametrize("name", ["EMAIL", "PASSWORD", "PERSON"])
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_escaped_letters_in_arguments(name: str, size: int) -> None:
    """
    `\\u0045MAIL_…` is the same string to every JSON parser, however it is cut.
    """
    token = TOKEN[name]
    for escaped in ((0,), (0, 5, 23), range(24)):
        spelled = "".join(f"\\u{ord(sign):04x}" if at in escaped else sign for at, sign in enumerate(token))
        text = f'{{"a": "x \\n{spelled}\\\\", "b": "\\u00e9\\"{spelled}"}}'
        got = _through(ARGUMENTS, [text[at : at + size] for at in range(0, len(text), size)])
        assert json.loads(got) == {"a": f"x \n{VALUES[name]}\\", "b": f'é"{VALUES[name]}'}


def test_a_character_that_begins_in_one_half_of_an_escape() -> None:
    """
    The backslash has left when the rest of the escape comes; the value then begins with an escape of its own.
    """
    person = PLACEHOLDERS.make("scope", ENTITIES["PERSON"], "😀 Ann")
    shape = ARGUMENTS
    text = json.dumps({"a": json.dumps({"b": person})}).replace("PERSON", "\\\\u0050ERSON")
    frames = frames_of(shape, shape.body(list(text)))
    got = shape.read(restored(frames, shape.dialect, shape.framing, {person: "😀 Ann"}))
    assert json.loads(json.loads(got)["a"]) == {"b": "😀 Ann"}


def test_backslashes_are_not_held() -> None:
    """
    Arguments cut inside `\\"` and `\\n` leave as the frames they came as, though a placeholder is live.
    """
    frames = frames_of(
        ARGUMENTS, ARGUMENTS.body(list(json.dumps({"path": 'C:\\dir\\"x"\n', "more": ["\t", "é", "\\\\"]}, ensure_ascii=False)))
    )
    out = Restorer("openai-chat", "chat", Framing.SSE, PLAIN).feed(frames)

    assert all(got.raw == sent.raw for got, sent in zip(out, frames, strict=True))


def test_escapes_of_the_frame_itself() -> None:
    """
    A provider may escape any letter of a delta; a value is written with what JSON needs and no more.
    """
    raw = framed(CHAT, [CHAT.piece("X")]).replace(
        b'"X"', b'"a \\u0045MAIL_\\ud83d\\ude00\\u00e9' + EMAIL.replace("E", "\\u0045").encode() + b'\\/"'
    )
    got = restored(frames_of(CHAT, raw), "openai-chat", Framing.SSE)

    assert b'"a \\u0045MAIL_\\ud83d\\ude00\\u00e9' + MAIL.encode() + b'\\/"' in got
    assert got.replace(MAIL.encode(), EMAIL.replace("E", "\\u0045").encode()) == raw


def test_json_mode() -> None:
    """
    An answer that is JSON stays JSON: content is looked at like arguments.
    """
    text = json.dumps({"password": PASSWORD, "list": [EMAIL]})
    assert json.loads(_through(CHAT, list(text))) == {"password": VALUES["PASSWORD"], "list": [MAIL]}


def test_nesting_of_pieces_is_that_of_the_whole() -> None:
    """
    The depth of a place does not depend on how the text was cut.
    """
    text = json.dumps({"a": json.dumps({"b": json.dumps(["x", {"c": 'q"\\'}]), "d": 1.5e3}), "e": [True, None]})
    whole = []
    for end in range(len(text) + 1):
        nesting = Nesting(certain=True)
        nesting.feed(text[:end])
        whole.append(nesting.depth)
    nesting = Nesting(certain=True)
    step = [nesting.depth]
    for sign in text:
        nesting.feed(sign)
        step.append(nesting.depth)
    assert step == whole
    assert max(whole) == 3


# --- channels ---------------------------------------------------------------------------------------------------------------------


def test_choices_and_calls_may_interleave() -> None:
    """
    Every choice, kind and call has its own carry.
    """
    texts = {
        ("content", 0): f"a {EMAIL} b",
        ("content", 1): f"{EMAIL}{TOKEN['CARD']}",
        ("reasoning", 0): TOKEN["CARD"],
        ("tool", 0): json.dumps([PASSWORD]),
        ("tool", 1): json.dumps({"x": EMAIL}),
    }
    documents = []
    for signs in itertools.zip_longest(*texts.values()):
        for (kind, index), sign in zip(texts, signs, strict=True):
            if sign is not None:
                delta = {kind: sign} if kind != "tool" else {"tool_calls": [{"index": index, "function": {"arguments": sign}}]}
                documents.append({"choices": [{"index": 0 if kind == "tool" else index, "delta": delta}]})
    got = dict.fromkeys(texts, "")
    for body in _events(CHAT, *documents):
        for choice in body["choices"]:
            for kind, value in choice["delta"].items():
                if kind == "tool_calls":
                    got["tool", value[0]["index"]] += value[0]["function"]["arguments"]
                else:
                    got[kind, choice["index"]] += value
    tool = got.pop(("tool", 0))
    assert json.loads(tool) == [VALUES["PASSWORD"]]
    assert got == {name: with_values(text) for name, text in texts.items() if name != ("tool", 0)}


def test_a_frame_for_held_text_has_only_that() -> None:
    """
    No usage, no finish reason, no names or ids that a client would add up twice.
    """
    piece = ARGUMENTS.piece('["E')
    piece["usage"] = {"total_tokens": 3}
    piece["choices"][0]["delta"]["role"] = "assistant"
    piece["choices"][0]["delta"]["tool_calls"][0] |= {"id": "call_1", "type": "function"}
    piece["choices"][0]["delta"]["tool_calls"][0]["function"]["name"] = "f"
    first, clone, last = _events(ARGUMENTS, piece, {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})

    assert first["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] == '["'
    assert first["usage"] == {"total_tokens": 3}
    assert last["choices"][0]["finish_reason"] == "tool_calls"
    call = {"index": 1, "type": "function", "function": {"arguments": "E"}}
    choice = {"index": 0, "delta": {"tool_calls": [call]}, "logprobs": None, "finish_reason": None}
    assert clone == {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m-1", "choices": [choice]}


def test_held_text_leaves_with_the_finishing_chunk_where_that_has_room() -> None:
    """
    No frame more than needed.
    """
    last = {"choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "stop"}]}
    first, end = _events(CHAT, CHAT.piece("mail E"), last)

    assert first["choices"][0]["delta"]["content"] == "mail "
    assert end["choices"][0] == {"index": 0, "delta": {"content": "E"}, "finish_reason": "stop"}


def test_an_error_does_not_overtake_what_was_held() -> None:
    """
    Held text leaves before the error event, in the blocks' order.
    """
    error = ("error", {"type": "error", "error": {"type": "overloaded_error", "message": f"about {EMAIL}"}})
    events = _events(ANTHROPIC, ANTHROPIC.piece("EMAIL_"), error)

    assert [body["type"] for body in events] == ["content_block_delta", "content_block_delta", "error"]
    assert events[1] == {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "EMAIL_"}}
    assert events[2]["error"]["message"] == f"about {MAIL}"


def test_comments_and_pings_change_nothing() -> None:
    """
    A keep-alive inside a placeholder is passed on, and the carry kept.
    """
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    halves = [framed(ANTHROPIC, [ANTHROPIC.piece(half)]) for half in (EMAIL[:9], EMAIL[9:])]
    body = halves[0] + b": keep-alive\n\n" + ping + b"data:\n\n" + halves[1]
    got = restored(frames_of(ANTHROPIC, body), "anthropic-messages", Framing.SSE)

    assert ANTHROPIC.read(got) == MAIL
    assert b": keep-alive\n\n" + ping + b"data:\n\n" in got


def test_gemini_parts_keep_their_order() -> None:
    """
    Text before a call is all there before the call; arguments are objects, restored whole, keys and numbers included.
    """
    shape = NAMED["gemini-sse-text"]
    call = {"functionCall": {"name": "f", "args": {"to": EMAIL, "signature": PASSWORD, EMAIL: [{"deep": json.dumps([PASSWORD])}]}}}
    first = {"candidates": [{"content": {"parts": [{"text": "to E"}, {"text": "MAI"}]}}]}
    second = {"candidates": [{"content": {"parts": [{**call, "thoughtSignature": EMAIL}]}, "finishReason": "STOP"}]}
    events = _events(shape, first, second)
    parts = [part for event in events for part in event["candidates"][0]["content"]["parts"]]

    assert "".join(part.get("text", "") for part in parts[:-1]) == "to EMAI"
    args = parts[-1]["functionCall"]["args"]
    assert json.loads(args[MAIL][0]["deep"]) == [VALUES["PASSWORD"]]
    assert (args["to"], args["signature"]) == (MAIL, VALUES["PASSWORD"])
    assert parts[-1]["thoughtSignature"] == EMAIL


def test_blocks_that_begin_with_text() -> None:
    """
    A block may bring its first text with its start; what is held of it goes on in a delta, not in a second start.
    """
    start = ("content_block_start", {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": "to EMA"}})
    stop = ("content_block_stop", {"type": "content_block_stop", "index": 2})
    body = restored(frames_of(ANTHROPIC, framed(ANTHROPIC, [start, stop])), "anthropic-messages", Framing.SSE)
    events = frames_of(ANTHROPIC, body)

    assert [event.event for event in events] == ["content_block_start", "content_block_delta", "content_block_stop"]
    assert events[1].json == {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "EMA"}}


# --- what is left alone -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        {"content": [{"type": "thinking", "thinking": EMAIL, "signature": "c2ln"}, {"type": "redacted_thinking", "data": EMAIL}]},
        {"output": [{"type": "reasoning", "encrypted_content": EMAIL, "summary": []}]},
        {"candidates": [{"content": {"parts": [{"thought": True, "text": EMAIL, "thoughtSignature": "c2ln"}]}}]},
        {"output": {"message": {"content": [{"reasoningContent": {"reasoningText": {"text": EMAIL, "signature": "c2ln"}}}]}}},
        {"output": {"message": {"content": [{"reasoningContent": {"redactedContent": EMAIL}}]}}},
        {"choices": [{"message": {"reasoning_details": [{"type": "reasoning.text", "text": EMAIL}]}}]},
        {"choices": [{"logprobs": {"content": [{"token": EMAIL}]}}]},
    ],
)
def test_signed_and_encrypted_things_are_never_touched(document: Any) -> None:
    """
    A provider refuses its own thinking when a byte of it has changed.
    """
    assert _document({**document, "id": EMAIL}) == {**document, "id": MAIL}


def test_thinking_in_streams_is_left_alone_until_its_signature() -> None:
    """
    Anthropic's and Bedrock's thinking will be signed; the placeholder stays in view.
    """
    thinking = ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": EMAIL}})
    signature = (
        "content_block_delta",
        {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": EMAIL}},
    )
    body = framed(ANTHROPIC, [thinking, signature])
    assert restored(frames_of(ANTHROPIC, body), "anthropic-messages", Framing.SSE) == body

    shape = NAMED["converse-text"]
    body = framed(shape, [("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"reasoningContent": {"text": EMAIL}}})])
    assert restored(frames_of(shape, body), "bedrock-converse", Framing.EVENTSTREAM) == body


def test_unsigned_thinking_of_a_document_is_restored() -> None:
    """
    Where nothing is signed there is nothing to break.
    """
    document = {"content": [{"type": "thinking", "thinking": EMAIL, "signature": ""}, {"type": "text", "text": EMAIL}]}
    assert _document(document)["content"] == [
        {"type": "thinking", "thinking": MAIL, "signature": ""},
        {"type": "text", "text": MAIL},
    ]


# --- snapshots and documents ------------------------------------------------------------------------------------------------------


def test_responses_repeat_their_text_and_agree() -> None:
    """
    Deltas, `.done`, the item and the response at the end say the same.
    """
    shape = NAMED["responses-function_call_arguments"]
    text = json.dumps({"to": EMAIL, "note": f'"{PASSWORD}"', "json": json.dumps([PASSWORD])})
    place = {"item_id": "fc_1", "output_index": 0}
    item = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": text}
    prose = f"Hello {EMAIL}: {PASSWORD}"
    message = {"type": "message", "id": "m", "content": [{"type": "output_text", "text": prose, "annotations": []}]}

    def event(kind: str, **more: Any) -> tuple[str, dict[str, Any]]:
        return kind, {"type": kind, **more}

    events = _events(
        shape,
        *(event("response.function_call_arguments.delta", **place, delta=sign) for sign in text),
        event("response.function_call_arguments.done", **place, arguments=text),
        event("response.output_item.done", output_index=0, item=item),
        event("response.completed", response={"id": "r", "output": [item, message], "instructions": f"mail {EMAIL}"}),
    )
    deltas = "".join(body["delta"] for body in events if body["type"].endswith("delta"))
    done, added, completed = events[-3:]
    assert deltas == done["arguments"] == added["item"]["arguments"] == completed["response"]["output"][0]["arguments"]
    got = json.loads(deltas)
    assert (got["to"], got["note"], json.loads(got["json"])) == (MAIL, f'"{VALUES["PASSWORD"]}"', [VALUES["PASSWORD"]])
    assert completed["response"]["output"][1]["content"][0]["text"] == with_values(prose)
    assert completed["response"]["instructions"] == f"mail {MAIL}"


@pytest.mark.parametrize(
    ("dialect", "document"),
    [
        ("openai-chat", {"choices": [{"index": 0, "message": {"role": "assistant", "content": "@"}, "finish_reason": "stop"}]}),
        ("openai-completions", {"choices": [{"index": 0, "text": "@", "finish_reason": None}]}),
        ("anthropic-messages", {"type": "message", "content": [{"type": "text", "text": "@"}, {"type": "tool_use", "input": {"a": "@"}}]}),
        ("gemini", {"candidates": [{"content": {"parts": [{"text": "@"}, {"functionCall": {"args": {"a": "@"}}}]}}]}),
        ("ollama", {"message": {"content": "@", "tool_calls": [{"function": {"arguments": {"a": "@"}}}]}, "done": True}),
        ("openai-chat", {"error": {"message": "no such user: @", "type": "invalid_request_error"}}),
        ("unknown", [{"anything": {"at": ["all", "@"]}}]),
    ],
)
def test_documents_are_restored_in_place(dialect: str, document: Any) -> None:
    """
    Whole answers and error bodies: every byte but the placeholder stays.
    """
    raw = json.dumps(document, indent=3, ensure_ascii=True).replace("@", f"ü \\u00fc \\/ {PASSWORD}").encode()
    got = restored([Frame(raw, None, raw)], dialect, Framing.JSON)

    assert got == raw.replace(PASSWORD.encode(), json.dumps(VALUES["PASSWORD"], ensure_ascii=False)[1:-1].encode())


def test_a_document_too_large_to_be_held() -> None:
    """
    Past the limit a document comes as bytes in any pieces; values are put back all the same, escaped for their place.
    """
    raw = json.dumps({"content": ["x" * 100, f'é "{PASSWORD}"', json.dumps({"a": PASSWORD})]}, ensure_ascii=False).encode()
    for size in (1, 7, 64):
        got = json.loads(restored([Frame(raw[at : at + size]) for at in range(0, len(raw), size)], "openai-chat", Framing.JSON))
        assert got["content"][1] == f'é "{VALUES["PASSWORD"]}"'
        assert json.loads(got["content"][2]) == {"a": VALUES["PASSWORD"]}


def test_bare_text() -> None:
    """
    Text without frames, and events whose data is text.
    """
    raw = f"1\n00:01 mail {EMAIL}\nE".encode()
    assert restored([Frame(raw[at : at + 5]) for at in range(0, len(raw), 5)], "openai-audio", Framing.OPAQUE) == raw.replace(
        EMAIL.encode(), MAIL.encode()
    )
    key = TOKEN["PRIVATE_KEY"]
    body = b"".join(b"event: output\nid: 1\ndata: %b\n\n" % piece.encode() for piece in (f"a {key[:7]}", f"{key[7:]} b", "EMA"))
    body += b"event: done\ndata: {}\n\n"
    got = frames_of(CHAT, restored(frames_of(CHAT, body), "replicate", Framing.SSE))
    text = b"".join(frame.data or b"" for frame in got if frame.event == "output").decode()
    assert text == f"a {VALUES['PRIVATE_KEY']} bEMA".replace("\r\n", "\n")
    assert got[-1].event == "done"


# --- framings ---------------------------------------------------------------------------------------------------------------------


def test_event_stream_checksums_and_headers() -> None:
    """
    A rebuilt message is a valid one, and its headers are the bytes they were.
    """
    for name in ("converse-text", "invoke-text"):
        shape = NAMED[name]
        [sent] = frames_of(shape, framed(shape, [shape.piece(f"to {EMAIL}")]))
        [got] = Restorer(shape.dialect, "chat", shape.framing, TOKENS).feed([sent])
        headers_end = 12 + int.from_bytes(sent.raw[4:8], "big")
        assert got.raw[12:headers_end] == sent.raw[12:headers_end]
        assert zlib.crc32(got.raw[:8]) == int.from_bytes(got.raw[8:12], "big")
        assert zlib.crc32(got.raw[:-4]) == int.from_bytes(got.raw[-4:], "big")
        assert len(got.raw) == int.from_bytes(got.raw[:4], "big")
        assert shape.text_of(frames_of(shape, got.raw)[0]) == f"to {MAIL}"


def test_odd_sse() -> None:
    """
    Data over several lines, byte order mark, CR, fields we do not know: all but the string is as it was.
    """
    document = json.dumps(CHAT.piece(f"to {EMAIL}!"), indent=1).encode()
    lines = b"\r".join(b"data:" + line for line in document.split(b"\n"))
    body = b"\xef\xbb\xbfid: 7\rretry: 10\r" + lines + b"\r\r" + b"data: [DONE]\r\r"
    assert restored(frames_of(CHAT, body), "openai-chat", Framing.SSE) == body.replace(EMAIL.encode(), MAIL.encode())


@pytest.mark.parametrize("name", ["chat-content", "ollama-content"])
def test_a_last_frame_without_its_end(name: str) -> None:
    """
    What is put behind a frame that lacks its blank line or line feed begins a frame of its own.
    """
    shape = NAMED[name]
    body = framed(shape, [shape.piece("mail EMAIL_")]).rstrip(b"\n")
    assert shape.read(restored(frames_of(shape, body), shape.dialect, shape.framing)) == "mail EMAIL_"


def test_a_frame_that_was_cut_passes_as_it_is() -> None:
    """
    Held text first, then the half frame.
    """
    body = framed(CHAT, [CHAT.piece("mail EMA"), CHAT.piece("x")])[:-40]
    got = restored(frames_of(CHAT, body), "openai-chat", Framing.SSE)
    frames = frames_of(CHAT, got)
    assert [CHAT.text_of(frame) for frame in frames[:2]] == ["mail ", "EMA"]
    assert frames[2].raw == frames_of(CHAT, body)[1].raw


# --- surrogates -------------------------------------------------------------------------------------------------------------------


def test_numbers() -> None:
    """
    A number of ours is put back as number and in text, never inside a longer one.
    """
    tokens = {"9912345678901237": "4111111111111111"}
    text = "a 9912345678901237, 99123456789012371 19912345678901237 9912345678901237"
    frames = frames_of(CHAT, CHAT.body(list(text)))
    got = CHAT.read(restored(frames, "openai-chat", Framing.SSE, tokens))
    assert got == "a 4111111111111111, 99123456789012371 19912345678901237 4111111111111111"

    text = '{"n": 9912345678901237, "s": "9912345678901237"}'
    got = ARGUMENTS.read(restored(frames_of(ARGUMENTS, ARGUMENTS.body(list(text))), "openai-chat", Framing.SSE, tokens))
    assert json.loads(got) == {"n": 4111111111111111, "s": "4111111111111111"}

    raw = b'{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"n": 9912345678901237, "m": 99123456789012371}}}]}}]}'
    got_raw = restored([Frame(raw, None, raw)], "gemini", Framing.JSON, tokens)
    assert json.loads(got_raw)["candidates"][0]["content"]["parts"][0]["functionCall"]["args"] == {
        "n": 4111111111111111,
        "m": 99123456789012371,
    }


@pytest.mark.parametrize(
    ("token", "value"),
    [
        ("abcdefghjkmnpqrstvwx@redacted.invalid", "ann@corp.example"),
        ("0f0f0f0f-1111-8222-9333-444455556666", "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        ("198.18.3.4", "9.9.9.9"),
        ("https://abcdefghjkmnpqrstvwx.invalid/", "https://corp.example/x?token=1"),
        ("9123-04-05", "1980-01-02"),
    ],
)
def test_surrogates_of_other_forms(token: str, value: str) -> None:
    """
    Put back like placeholders, cut anywhere, in either case.
    """
    text = f"x {token}, {token.upper()} 1{token} {token}"
    got = CHAT.read(restored(frames_of(CHAT, CHAT.body(list(text))), "openai-chat", Framing.SSE, {token: value}))
    assert got == f"x {value}, {value} 1{token if token[0].isalnum() else value} {value}"


def test_an_empty_stream_of_an_unknown_dialect() -> None:
    """
    Strings of frames nobody knows are restored one by one.
    """
    body = json.dumps({"what": {"ever": [f"{EMAIL} EMA"]}}).encode()
    decoder = AnswerDecoder(content_type="text/event-stream", content_encoding=None, dialect="unknown", operation="unknown", limit=9999)
    got = restored(decoder.feed(b"data: " + body + b"\n\n"), "unknown", Framing.SSE)
    assert got == b"data: " + body.replace(EMAIL.encode(), MAIL.encode()) + b"\n\n"
