"""
The stand-in is only worth something while it is strict, exact and able to fail on demand.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from excise.standin import Gate, Recorded, Script, StandIn, running

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hello"}]}
MESSAGE = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "hello"}]}]}
TURNS = {"messages": [{"role": "user", "content": [{"text": "hello"}]}]}
OPENAI = ("api.openai.com", "/v1/chat/completions")
ANTHROPIC = ("api.anthropic.com", "/v1/messages")
GEMINI = ("generativelanguage.googleapis.com", "/v1beta/models/gemini-2.5-flash:generateContent")
MISTRAL = ("api.mistral.ai", "/v1/chat/completions")
COHERE = ("api.cohere.com", "/v2/chat")
BEDROCK = ("bedrock-runtime.us-east-1.amazonaws.com", "/model/amazon.nova-lite-v1%3A0/converse")
PATIENCE_SECONDS = 60  # on a busy machine; nothing here waits that long unless it is broken
KEYS = {
    "api.anthropic.com": {"x-api-key": "standin-k", "anthropic-version": "2023-06-01"},
    "generativelanguage.googleapis.com": {"x-goog-api-key": "standin-k"},
}


@pytest.fixture(scope="module")
def standin() -> Iterator[StandIn]:
    with running() as started:
        yield started


def connect(standin: StandIn, host: str) -> http.client.HTTPSConnection:
    """
    A connection under a provider's name, verified as any client would.
    """
    connection = http.client.HTTPSConnection(host, context=ssl.create_default_context(cafile=standin.ca_file), timeout=PATIENCE_SECONDS)
    plain = connection._create_connection  # type: ignore[attr-defined]
    connection._create_connection = lambda address, *more: plain(("127.0.0.1", standin.port), *more)  # type: ignore[attr-defined]
    return connection


def send(
    standin: StandIn, place: tuple[str, str], body: Any, *, method: str = "POST", headers: dict[str, str] | None = None, key: bool = True
) -> tuple[int, dict[str, str], bytes]:
    host, path = place
    keys = KEYS.get(host, {"authorization": "Bearer standin-k"}) if key else {}
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = connect(standin, host)
    try:
        connection.request(method, path, data, {"content-type": "application/json", **keys, **(headers or {})})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


REFUSED = [
    (OPENAI, {**CHAT, "model": "gpt-99"}, 404, "model_not_found"),
    (OPENAI, {**CHAT, "messages": []}, 400, "empty_array"),
    (OPENAI, {**CHAT, "messages": [{"role": "robot", "content": "x"}]}, 400, "invalid_value"),
    (OPENAI, {**CHAT, "messages": [{"role": "tool", "content": "x", "tool_call_id": "c"}]}, 400, "preceeding"),
    (OPENAI, {**CHAT, "extra": 1}, 400, "unknown_parameter"),
    (OPENAI, {**CHAT, "stream": "yes"}, 400, "invalid_type"),
    (OPENAI, {**CHAT, "stream_options": {"include_usage": True}}, 400, "stream_options"),
    (OPENAI, b'{"model":', 400, "could not parse"),
    (("api.openai.com", "/v1/nothing"), CHAT, 404, "Invalid URL"),
    (ANTHROPIC, {name: value for name, value in MESSAGE.items() if name != "max_tokens"}, 400, "max_tokens: Field required"),
    (ANTHROPIC, {**MESSAGE, "extra": 1}, 400, "Extra inputs"),
    (ANTHROPIC, {**MESSAGE, "model": "claude-99"}, 404, "not_found_error"),
    (ANTHROPIC, {**MESSAGE, "messages": []}, 400, "at least one"),
    (ANTHROPIC, {**MESSAGE, "messages": [{"role": "system", "content": "x"}]}, 400, "role"),
    (ANTHROPIC, {**MESSAGE, "stream": "yes"}, 400, "boolean"),
    (ANTHROPIC, b"{", 400, "not valid JSON"),
    (GEMINI, {**CONTENTS, "extra": 1}, 400, "Unknown name"),
    (GEMINI, {"contents": []}, 400, "contents is not specified"),
    (GEMINI, {"contents": [{"role": "assistant", "parts": [{"text": "x"}]}]}, 400, "valid role"),
    ((GEMINI[0], GEMINI[1].replace("2.5", "9.9")), CONTENTS, 404, "NOT_FOUND"),
    ((GEMINI[0], "/v1beta/nothing"), CONTENTS, 404, "<!DOCTYPE"),
    (MISTRAL, {**CHAT, "model": "mistral-99"}, 400, "invalid_model"),
    (MISTRAL, {**CHAT, "model": "mistral-small-latest", "extra": 1}, 422, "extra_forbidden"),
    (COHERE, {**CHAT, "model": "command-99"}, 404, "not found"),
    (COHERE, {**CHAT, "model": "command-a-03-2025", "messages": []}, 400, "at least 1"),
    (BEDROCK, {"messages": []}, 400, "messages"),
    (BEDROCK, {"messages": [{"role": "assistant", "content": [{"text": "x"}]}]}, 400, "alternate"),
    (BEDROCK, {**TURNS, "extra": 1}, 400, "extraneous"),
    ((BEDROCK[0], "/model/nothing/converse"), TURNS, 400, "identifier is invalid"),
]


@pytest.mark.parametrize(("place", "body", "status", "text"), REFUSED)
def test_refuses_what_the_provider_refuses(standin: StandIn, place: tuple[str, str], body: Any, status: int, text: str) -> None:
    """
    A request the provider would refuse is refused with its status and in its shape, and costs nothing.
    """
    got, _, answer = send(standin, place, body)

    assert got == status
    assert text in answer.decode()
    assert standin.seen[-1].billed is None


@pytest.mark.parametrize(
    ("place", "missing", "wrong"),
    [(OPENAI, 401, 401), (ANTHROPIC, 401, 401), (GEMINI, 403, 400), (MISTRAL, 401, 401), (COHERE, 401, 401), (BEDROCK, 403, 403)],
)
def test_keys_are_checked(standin: StandIn, place: tuple[str, str], missing: int, wrong: int) -> None:
    """
    No key, a blank key and a wrong key are refused as each provider does.
    """
    name = {"api.anthropic.com": "x-api-key", "generativelanguage.googleapis.com": "x-goog-api-key"}.get(place[0], "authorization")
    prefix = "Bearer " if name == "authorization" else ""

    assert send(standin, place, CHAT, key=False)[0] == missing
    assert send(standin, place, CHAT, key=False, headers={name: prefix})[0] == missing
    assert send(standin, place, CHAT, key=False, headers={name: prefix + "wrong"})[0] == wrong


def test_wrong_name_is_misdirected(standin: StandIn) -> None:
    """
    A Host that is not the name the certificate was asked for is refused.
    """
    assert send(standin, OPENAI, CHAT, headers={"host": "api.anthropic.com"})[0] == 421


def test_same_request_same_bytes(standin: StandIn) -> None:
    """
    Answers follow from the request alone.
    """
    body = {**CHAT, "stream": True}

    assert send(standin, OPENAI, body) == send(standin, OPENAI, body)


@pytest.mark.parametrize("asked", [None, False, True])
def test_usage_chunk_only_where_asked(standin: StandIn, asked: bool | None) -> None:
    """
    OpenAI says nothing of usage in a stream unless asked; asked, every chunk but the last says `usage: null`.
    """
    body = {**CHAT, "stream": True} | ({} if asked is None else {"stream_options": {"include_usage": asked}})
    _, _, answer = send(standin, OPENAI, body)
    chunks = [json.loads(line[6:]) for line in answer.decode().splitlines() if line.startswith("data: {")]

    if asked:
        assert chunks[-1]["choices"] == []
        assert chunks[-1]["usage"]["total_tokens"] > 0
        assert all(chunk["usage"] is None for chunk in chunks[:-1])
    else:
        assert not any("usage" in chunk for chunk in chunks)


def test_scripted_status(standin: StandIn) -> None:
    """
    A scripted error has the provider's shape and headers.
    """
    status, headers, answer = send(standin, ANTHROPIC, MESSAGE, headers={"x-standin": "status=529; retry_after=3"})

    assert (status, headers["retry-after"]) == (529, "3")
    assert json.loads(answer)["error"]["type"] == "overloaded_error"


@pytest.mark.parametrize("how", ["cut_after=3", "reset_after=3", "length_error=5"])
def test_cut_answers(standin: StandIn, how: str) -> None:
    """
    A cut, a reset and a promise of more than is sent all leave the client with a broken answer.
    """
    body = CHAT if how.startswith("length") else {**CHAT, "stream": True}
    with pytest.raises((http.client.IncompleteRead, ConnectionError, ssl.SSLError)):
        send(standin, OPENAI, body, headers={"x-standin": how})

    assert not standin.seen[-1].client_left


def test_error_inside_a_stream(standin: StandIn) -> None:
    """
    A failure after the first events is an event of the dialect, and the stream ends properly.
    """
    _, _, answer = send(standin, ANTHROPIC, {**MESSAGE, "stream": True}, headers={"x-standin": "fail_after=3"})

    assert b"event: error" in answer
    assert b"message_stop" not in answer


def test_gzip_and_small_pieces(standin: StandIn) -> None:
    """
    A compressed answer cut into single bytes is the same answer.
    """
    plain = send(standin, OPENAI, {**CHAT, "stream": True})[2]
    _, headers, coded = send(standin, OPENAI, {**CHAT, "stream": True}, headers={"x-standin": "gzip; piece_bytes=1"})

    assert headers["content-encoding"] == "gzip"
    assert zlib.decompress(coded, 31) == plain


def test_no_usage(standin: StandIn) -> None:
    """
    `no_usage` leaves the numbers out, in an answer and in a stream.
    """
    for place, body in [(OPENAI, CHAT), (GEMINI, CONTENTS), (ANTHROPIC, {**MESSAGE, "stream": True})]:
        _, _, answer = send(standin, place, body, headers={"x-standin": "no_usage"})
        assert b"usage" not in answer


def test_silence_ends_when_the_client_leaves(standin: StandIn) -> None:
    """
    Silence lasts until the client gives up, and the record says who left.
    """
    count = len(standin.seen)
    with contextlib.closing(connect(standin, OPENAI[0])) as connection:
        connection.request("POST", OPENAI[1], json.dumps(CHAT), {"x-standin": "silent_after=0", "content-type": "application/json"})
        assert standin.wait(lambda it: len(it.seen) > count, PATIENCE_SECONDS)

    assert standin.wait(lambda it: it.seen[count].client_left, PATIENCE_SECONDS)
    assert standin.seen[count].status is None


def test_gate_holds_events_back(standin: StandIn) -> None:
    """
    With a gate, the second event does not exist before it is let through.
    """
    gate, count = Gate(), len(standin.seen)
    standin.script(Script(gate=gate), matches=lambda request: request.host == OPENAI[0])
    headers = {"authorization": "Bearer standin-k", "content-type": "application/json"}
    with contextlib.closing(connect(standin, OPENAI[0])) as connection:
        connection.request("POST", OPENAI[1], json.dumps({**CHAT, "stream": True}), headers)
        answer = connection.getresponse()
        assert answer.readline().startswith(b"data: ")
        assert standin.wait(lambda it: it.seen[count].pieces_sent == 1, PATIENCE_SECONDS)
        assert not standin.wait(lambda it: it.seen[count].pieces_sent > 1, 0.05)
        gate.open(1000)

        assert answer.read().endswith(b"data: [DONE]\n\n")


def test_replay_is_byte_exact(standin: StandIn) -> None:
    """
    A recording goes out as it was, in the recorded pieces, without asking whether the request made sense.
    """
    body = bytes(range(256)) * 3
    standin.replay("r1", Recorded(418, (("content-type", "x/y"), ("x-a", "1"), ("x-a", "2")), body, (1, 255), chunked=True))
    status, headers, answer = send(standin, ("recorded.example", "/any?thing"), b"\x00", method="PUT", headers={"x-standin": "replay=r1"})

    assert (status, headers["x-a"], answer) == (418, "2", body)
    assert standin.seen[-1].pieces_sent == 3


def test_request_is_recorded_whole(standin: StandIn) -> None:
    """
    What was seen is what was sent: target, headers with case and repeats, body bytes.
    """
    data = json.dumps(CHAT, indent=3).encode()
    send(standin, ("api.openai.com", "/v1/chat/completions?x=%20"), data, headers={"X-Mixed-Case": "Yes"})
    request = standin.seen[-1].request

    assert (request.method, request.target, request.body) == ("POST", "/v1/chat/completions?x=%20", data)
    assert ("X-Mixed-Case", "Yes") in request.headers


def test_upload_broken_off(standin: StandIn) -> None:
    """
    A client that leaves in its upload is seen as an incomplete request.
    """
    count = len(standin.seen)
    with contextlib.closing(connect(standin, OPENAI[0])) as connection:
        connection.putrequest("POST", OPENAI[1])
        connection.putheader("content-length", "100")
        connection.endheaders(b"{")

    assert standin.wait(lambda it: len(it.seen) > count and it.seen[count].client_left, PATIENCE_SECONDS)
    assert not standin.seen[count].complete


def test_stops_with_clients_connected() -> None:
    """
    Closing does not wait for clients that stay: one that has said nothing yet, one in the middle of an answer.
    """
    with contextlib.ExitStack() as clients:
        before = own_threads()
        # It gives up sooner than a client's farewell would be given up on.
        with running() as standin:
            silent, busy = (clients.enter_context(contextlib.closing(connect(standin, OPENAI[0]))) for _ in range(2))
            silent.connect()
            headers = {"authorization": "Bearer standin-k", "content-type": "application/json", "x-standin": "silent_after=1"}
            busy.request("POST", OPENAI[1], json.dumps({**CHAT, "stream": True}), headers)
            clients.enter_context(contextlib.closing(busy.getresponse())).readline()
            assert standin.wait(lambda it: it.traffic.connections == 2, PATIENCE_SECONDS)

        assert own_threads() == before


def own_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "standin"}
