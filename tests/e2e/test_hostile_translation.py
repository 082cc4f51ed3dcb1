"""
Providers that answer what nobody expects and clients that ask for what they may not have, where calls are translated.
"""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from e2e import unified
from e2e.proxy import Proxy, running_proxy
from excise.standin import Script, StandIn
from excise.standin.script import Recorded

CLAUDE = "anthropic/claude-haiku-4-5"
MAIL = "jane.roe@example.com"
POLICY = unified.POLICY.replace(
    "default: allow\n",
    "redact:\n- {name: everything, when: {provider: openai}, profile: [secrets, pii], actions: {EMAIL: block}}\ndefault: allow\n",
).replace("aliases:\n", "- {provider: openrouter, key: file:provider.key}\naliases:\n")

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 10, "output_tokens": 5},
}
EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "message_start", "message": {**MESSAGE, "content": [], "stop_reason": None}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 5}},
    {"type": "message_stop"},
)
JSON = (("content-type", "application/json"),)
SSE = (("content-type", "text/event-stream"),)


def event(data: dict[str, Any] | str) -> bytes:
    text = data if isinstance(data, str) else json.dumps(data)
    return f"data: {text}\n\n".encode()


@pytest.fixture(scope="module")
def endpoint(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    policies = unified.write_policy(tmp_path_factory.mktemp("policies"), POLICY)
    with running_proxy(tmp_path_factory.mktemp("hostile"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def key(endpoint: Proxy) -> str:
    return working(endpoint, unified.make_key(endpoint))


def working(proxy: Proxy, key: str) -> str:
    proxy.until(lambda: b" 200 " in spoken(proxy, b"GET /v1/models HTTP/1.1", key)[:20], 10, "the key in every worker")
    return key


def spoken(proxy: Proxy, line: bytes, key: str, body: Any = None, *headers: str) -> bytes:
    """
    Everything that comes back, until the proxy closes the connection: it must do so, for it is asked to.
    """
    data = b"" if body is None else json.dumps(body).encode()
    head = [line.decode(), "Host: here", f"Authorization: Bearer {key}", "Content-Type: application/json", f"Content-Length: {len(data)}"]
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=15) as connection:
        connection.sendall("\r\n".join([*head, "Connection: close", *headers, "", ""]).encode() + data)
        said = bytearray()
        while part := connection.recv(65536):
            said += part
    return bytes(said)


def ask(proxy: Proxy, key: str, *, stream: bool = False, model: str = CLAUDE, version: str = "1.1", **more: Any) -> bytes:
    body = {"model": model, "stream": stream, "messages": [{"role": "user", "content": "echo: hi"}], **more}
    return spoken(proxy, f"POST /v1/chat/completions HTTP/{version}".encode(), key, body)


def last_row(proxy: Proxy, answer: bytes) -> dict[str, Any]:
    found = next(line for line in answer.split(b"\r\n") if line.lower().startswith((b"x-excise-call-id", b"x-request-id")))
    call_id = found.split(b":")[1].strip().decode()
    (row,) = proxy.calls(1, where=f"replace(call_id::varchar, '-', '') = '{call_id.replace('-', '')}'")
    return row


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("recorded", "kind"),
    [
        (Recorded(204, (), b""), "upstream_broken_answer"),
        (Recorded(304, (), b""), "upstream_redirect"),
        (Recorded(200, (*JSON, ("content-encoding", "gzip")), b"this is no gzip at all"), "upstream_failed"),
        (Recorded(200, (*JSON, ("content-encoding", "exotic")), json.dumps(MESSAGE).encode()), "upstream_failed"),
        (Recorded(200, JSON, json.dumps(MESSAGE).encode()[:-20]), "upstream_broken_answer"),
        (Recorded(200, JSON, b""), "upstream_broken_answer"),
    ],
    ids=["no content", "not modified", "broken gzip", "unknown coding", "cut JSON", "empty"],
)
def test_no_answer_is_an_error_in_the_clients_dialect(
    endpoint: Proxy, key: str, own_standin: StandIn, recorded: Recorded, kind: str, stream: bool
) -> None:
    """
    What cannot be translated is never passed on, never an empty success and never a closed connection without a word.
    """
    own_standin.script(Script(recorded=recorded))

    answer = ask(endpoint, key, stream=stream)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 ") and b'"error"' in body and b'"server_error"' in body
    row = last_row(endpoint, answer)
    assert (row["status"] in ("error", "failed"), row["http_status"], row["error_type"]) == (True, 502, kind)


def test_an_answer_beyond_all_bounds_is_an_error(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    More than may be held for one answer: refused with a status, as nothing has left yet.
    """
    body = json.dumps({**MESSAGE, "content": [{"type": "text", "text": "x" * (33 * 1024 * 1024)}]}).encode()
    own_standin.script(Script(recorded=Recorded(200, JSON, body)))

    answer = ask(endpoint, key)

    assert answer.startswith(b"HTTP/1.1 502 ") and b'"server_error"' in answer
    assert last_row(endpoint, answer)["http_status"] == 502


def test_a_broken_event_is_not_left_out_in_silence(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    An event that cannot be read may have been anything; the rest of the answer does not pass for the whole.
    """
    events = b"".join(map(event, (*EVENTS[:3], '{"type":"content_block_delta", cut', *EVENTS[3:])))
    own_standin.script(Script(recorded=Recorded(200, SSE, events, chunked=True)))

    answer = ask(endpoint, key, stream=True)

    assert b"Hello" in answer and b'"error"' in answer and b'"finish_reason":"stop"' not in answer
    assert last_row(endpoint, answer)["error_type"] == "upstream_broken_answer"


def test_half_characters_cost_a_character_and_no_answer(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    Some servers cut a text between the two halves of a character, each of which is no valid JSON to strict readers.
    """
    head, tail = '{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"', '"}}'
    halves = (head + r"\ud83d" + tail, head + r"\ude00!" + tail)
    own_standin.script(Script(recorded=Recorded(200, SSE, b"".join(map(event, (*EVENTS[:3], *halves, *EVENTS[3:]))), chunked=True)))

    answer = ask(endpoint, key, stream=True)

    assert b'"?"' in answer and b'"?!"' in answer and b'"finish_reason":"stop"' in answer and b"[DONE]" in answer


def test_an_error_that_comes_as_an_event_is_read(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    An error status with an event-stream's content type: the client gets the provider's text, and not the event it stood in.
    """
    body = b"event: error\n" + event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    own_standin.script(Script(recorded=Recorded(529, SSE, body)))

    answer = ask(endpoint, key, stream=True)

    assert answer.startswith(b"HTTP/1.1 503 ") and b'"message":"Overloaded"' in answer


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_client_of_http_1_0_gets_no_chunks(endpoint: Proxy, key: str, stream: bool) -> None:
    """
    It does not know them: its answer ends with the connection.
    """
    head, _, body = ask(endpoint, key, stream=stream, version="1.0").partition(b"\r\n\r\n")

    assert b"transfer-encoding" not in head.lower() and b"connection: close" in head.lower()
    assert body.startswith(b"data: {" if stream else b"{") and body.endswith(b"[DONE]\n\n" if stream else b"}")


def test_arguments_nested_beyond_writing_are_the_clients_fault(endpoint: Proxy, key: str) -> None:
    """
    A text in the client's dialect, an object in the target's: refused with the reason, and not as a bug of ours.
    """
    nested = '{"a":' * 300 + "1" + "}" * 300
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": nested}}
    messages = [
        {"role": "user", "content": "x"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c", "content": "y"},
    ]
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]

    answer = ask(endpoint, key, messages=messages, tools=tools)

    assert answer.startswith(b"HTTP/1.1 400 ") and b"nested too deeply" in answer


def test_a_keys_list_of_models_holds_for_fallbacks_too(endpoint: Proxy, own_standin: StandIn) -> None:
    """
    OpenRouter serves any of `models`: a key must be allowed to ask for each.
    """
    narrow = working(endpoint, unified.make_key(endpoint, "narrow", "--model", "openrouter/openai/gpt-4o-mini"))
    before = len(own_standin.seen)

    for models in (["anthropic/claude-opus-4"], ["openai/gpt-4o-mini", "openai/gpt-4o"]):
        answer = ask(endpoint, narrow, model="openrouter/openai/gpt-4o-mini", models=models)
        assert answer.startswith(b"HTTP/1.1 400 ") and b"may not ask for all of the models" in answer

    assert len(own_standin.seen) == before


@pytest.mark.parametrize("name", ["bedrock/..", "bedrock/../../x", "gemini/a/../b", "openai/."])
def test_a_models_name_walks_no_path(endpoint: Proxy, key: str, own_standin: StandIn, name: str) -> None:
    """
    Names stand in paths, where servers undo dots.
    """
    before = len(own_standin.seen)

    assert ask(endpoint, key, model=name).startswith(b"HTTP/1.1 400 ")
    assert len(own_standin.seen) == before


def test_a_name_of_another_providers_model_goes_to_nobody_else(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    `publisher/model` of a publisher that is none of the providers is refused, and not sent to whom the path belongs to.
    """
    before = len(own_standin.seen)

    assert ask(endpoint, key, model="xai/grok-4").startswith(b"HTTP/1.1 404 ")
    assert len(own_standin.seen) == before


def test_the_row_of_a_refused_call_does_not_name_what_was_found(endpoint: Proxy, key: str) -> None:
    """
    Where the finding that policy blocks stands in the model's name, no column has it.
    """
    answer = ask(endpoint, key, model=f"openai/{MAIL}")
    row = last_row(endpoint, answer)

    assert answer.startswith(b"HTTP/1.1 403 ") and row["status"] == "refused"
    assert MAIL not in json.dumps(row, default=str) and MAIL.encode() not in answer.partition(b"\r\n\r\n")[0]


def test_a_compressed_answer_nobody_asked_for_is_read(endpoint: Proxy, key: str, own_standin: StandIn) -> None:
    """
    Identity was asked for; some send gzip all the same.
    """
    packed = gzip.compress(json.dumps(MESSAGE).encode())
    own_standin.script(Script(recorded=Recorded(200, (*JSON, ("content-encoding", "gzip")), packed)))

    answer = ask(endpoint, key)

    assert answer.startswith(b"HTTP/1.1 200 ") and b'"content":"Hello"' in answer and b"content-encoding" not in answer.lower()
