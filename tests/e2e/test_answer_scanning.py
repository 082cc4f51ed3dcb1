"""
Answers scanned, as their readers meet it: official SDKs, the real proxy, a provider whose model makes things up.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import anthropic
import openai
import pytest

from e2e import cases
from e2e.proxy import Proxy, running_proxy
from e2e.tunnel import fetch, request
from e2e.ways import Way
from excise.standin import Recorded, Script, StandIn

POLICY = """\
version: 1
models: ["block-*", "report-*", "mask-*"]
redact:
  - name: blocked
    when: {model: "block-*"}
    profile: [secrets, pii]
    answers: block
  - name: reported
    when: {model: "report-*"}
    profile: [secrets, pii]
    answers: report-only
  - name: masked
    profile: [secrets, pii]
    answers: mask
default: allow
"""
SSE = (("content-type", "text/event-stream"),)
JSON = (("content-type", "application/json"),)
SIZES = tuple(17 for _ in range(400))


@pytest.fixture(scope="module")
def scanning(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy that scans answers.
    """
    policies = tmp_path_factory.mktemp("policies")
    (policies / "default.yml").write_text(POLICY)
    with running_proxy(tmp_path_factory.mktemp("scanning"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture
def inside(scanning: Proxy, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """
    A client's surroundings behind it.
    """
    Way(own_standin, scanning).enter(monkeypatch)
    return scanning


def made_up() -> tuple[str, str, str]:
    """
    What a model says, what the client may read of it, and what it may not.
    """
    token = secrets.token_hex(5)
    mail = f"jane.{token}@mail-{token[:4]}.com"
    text = f"Well, that is easy: write to {mail} and ask for the harbour master."
    return text, text.replace(mail, "********"), mail


def answers_with(standin: StandIn, body: bytes, headers: tuple[tuple[str, str], ...], model: str) -> None:
    recorded = Recorded(200, headers, body, SIZES, chunked=True)
    standin.script(Script(recorded=recorded), matches=lambda seen: model.encode() in seen.body or model in seen.path)


def sse(*events: tuple[str | None, Any], end: bytes = b"") -> bytes:
    lines = (b"event: %b\n" % name.encode() if name else b"" for name, _ in events)
    return b"".join(line + b"data: %b\n\n" % json.dumps(body).encode() for line, (_, body) in zip(lines, events, strict=True)) + end


def chat_chunks(model: str, text: str) -> bytes:
    def chunk(delta: Any, finish: str | None = None) -> tuple[None, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return None, {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}

    usage = {"prompt_tokens": 9, "completion_tokens": 21, "total_tokens": 30}
    last = (None, {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [], "usage": usage})
    pieces = (chunk({"content": text[at : at + 4]}) for at in range(0, len(text), 4))
    return sse(chunk({"role": "assistant", "content": ""}), *pieces, chunk({}, "stop"), last, end=b"data: [DONE]\n\n")


def chat_document(model: str, text: str) -> bytes:
    return json.dumps({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 21, "total_tokens": 30}}).encode()  # fmt: skip


def message_events(model: str, text: str) -> bytes:
    usage = {"input_tokens": 9, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [], "stop_reason": None,
        "stop_sequence": None, "usage": usage}  # fmt: skip
    deltas = [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text[at : at + 4]}}
        for at in range(0, len(text), 4)
    ]
    events = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *deltas,
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 21}},
        {"type": "message_stop"},
    ]
    return sse(*((event["type"], event) for event in events))


def gemini_chunks(model: str, text: str) -> bytes:
    def chunk(part: str, **more: Any) -> tuple[None, Any]:
        candidate = {"content": {"parts": [{"text": part}], "role": "model"}, "index": 0, **more}
        usage = {"promptTokenCount": 9, "candidatesTokenCount": 21, "totalTokenCount": 30}
        return None, {"candidates": [candidate], "usageMetadata": usage, "modelVersion": model}

    pieces = [text[at : at + 4] for at in range(0, len(text), 4)]
    return sse(*(chunk(piece) for piece in pieces[:-1]), chunk(pieces[-1], finishReason="STOP"))


def chat_stream(model: str) -> str:
    with cases._openai() as client:
        chunks = client.chat.completions.create(model=model, messages=cases._user("hi"), stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def chat(model: str) -> str:
    with cases._openai() as client:
        return client.chat.completions.create(model=model, messages=cases._user("hi")).choices[0].message.content


def anthropic_stream(model: str) -> str:
    with cases._anthropic() as client, client.messages.stream(model=model, max_tokens=99, messages=cases._turn("hi")) as events:
        return "".join(events.text_stream)


def gemini_stream(model: str) -> str:
    with cases._gemini() as client:
        return "".join(chunk.text or "" for chunk in client.models.generate_content_stream(model=model, contents="hi"))


Ask = Callable[[str], str]
Say = Callable[[str, str], bytes]
WAYS = [
    pytest.param(chat_stream, chat_chunks, SSE, id="chat stream"),
    pytest.param(chat, chat_document, JSON, id="chat"),
    pytest.param(anthropic_stream, message_events, SSE, id="anthropic stream"),
    pytest.param(gemini_stream, gemini_chunks, SSE, id="gemini stream"),
]


def row_of(proxy: Proxy, model: str) -> dict[str, Any]:
    proxy.until(lambda: bool(proxy.query(f"from calls where model_requested = '{model}' and ended_at is not null")), 5, "the row")
    return proxy.query(f"from calls where model_requested = '{model}'")[0]


def findings_of(proxy: Proxy, call_id: str) -> list[tuple[str, str, str, int]]:
    rows = proxy.query(f"from redactions where call_id = '{call_id}'")
    return [(row["entity"], row["action"], row["direction"], row["count"]) for row in rows]


@pytest.mark.parametrize(("ask", "say", "headers"), WAYS)
def test_what_a_model_makes_up_is_masked(ask: Ask, say: Say, headers: Any, inside: Proxy, own_standin: StandIn) -> None:
    """
    The client reads asterisks, the ledger says what they were, and the call is metered as ever.
    """
    text, readable, _ = made_up()
    model = f"mask-{secrets.token_hex(4)}"
    answers_with(own_standin, say(model, text), headers, model)

    assert ask(model) == readable
    row = row_of(inside, model)
    assert findings_of(inside, row["call_id"]) == [("EMAIL", "mask", "answer", 1)]
    assert row["output_tokens"] == 21
    assert row["redactions_total"] == 0


@pytest.mark.parametrize(("ask", "say", "headers"), WAYS)
def test_it_is_only_counted_where_policy_says_so(ask: Ask, say: Say, headers: Any, inside: Proxy, own_standin: StandIn) -> None:
    """
    `report-only`: the client reads all of it.
    """
    text, _, _ = made_up()
    model = f"report-{secrets.token_hex(4)}"
    answers_with(own_standin, say(model, text), headers, model)

    assert ask(model) == text
    assert findings_of(inside, row_of(inside, model)["call_id"]) == [("EMAIL", "report-only", "answer", 1)]


@pytest.mark.parametrize(("ask", "say", "headers"), WAYS)
def test_a_blocked_answer_is_the_sdks_own_error(ask: Ask, say: Say, headers: Any, inside: Proxy, own_standin: StandIn) -> None:
    """
    Nothing of the value reaches the client, the row says why, and what the provider did is metered.
    """
    text, _, mail = made_up()
    model = f"block-{secrets.token_hex(4)}"
    answers_with(own_standin, say(model, text), headers, model)

    from google.genai import errors

    with pytest.raises((openai.APIError, anthropic.APIError, errors.APIError), match="policy blocks answers") as raised:
        ask(model)
    assert mail[:8] not in str(raised.value)
    row = row_of(inside, model)
    assert row["error_type"] == "answer_blocked"
    assert findings_of(inside, row["call_id"]) == [("EMAIL", "block", "answer", 1)]


def test_a_blocked_document_is_a_refusal(inside: Proxy, own_standin: StandIn) -> None:
    """
    Nothing of it has left, so its head is ours: a 403, metered.
    """
    text, _, mail = made_up()
    model = f"block-{secrets.token_hex(4)}"
    answers_with(own_standin, chat_document(model, text), JSON, model)
    body = {"model": model, "messages": [{"role": "user", "content": "hi"}]}
    bearer = {"authorization": f"Bearer {cases.KEY}"}
    answer = asyncio.run(fetch(Way(own_standin, inside), "api.openai.com", request("api.openai.com", "/v1/chat/completions", body, bearer)))

    assert answer.status == 403
    assert mail.encode() not in answer.body
    assert json.loads(answer.body)["error"]["code"]
    row = row_of(inside, model)
    assert row["http_status"] == 403
    assert row["output_tokens"] == 21


def test_a_clean_answer_under_a_block_is_whole(inside: Proxy, own_standin: StandIn) -> None:
    """
    What is held is let go in the end.
    """
    text = "Nothing to see here: 3 boats left in 2024, 14 in 2025.\n" * 5
    for ask, say, headers in ((chat_stream, chat_chunks, SSE), (chat, chat_document, JSON), (anthropic_stream, message_events, SSE)):
        model = f"block-{secrets.token_hex(4)}"
        answers_with(own_standin, say(model, text), headers, model)
        assert ask(model) == text


def test_the_clients_own_values_come_back_unmasked(inside: Proxy, own_standin: StandIn) -> None:
    """
    What the client sent is replaced on the way out and put back on the way in, beside what is masked.
    """
    own = f"ann.{secrets.token_hex(5)}@corp-mail.com"
    with cases._openai() as client:
        chunks = client.chat.completions.create(
            model="gpt-4o-mini", messages=cases._user(f"echo: Write to {own} today, please."), stream=True
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == f"Write to {own} today, please."
    row = row_of(inside, "gpt-4o-mini")
    assert row["restored_total"] >= 1
    assert [finding[2] for finding in findings_of(inside, row["call_id"])] == ["request"]
