"""
Copies of calls: what they hold, what they cost the call they are copies of (nothing), and how they end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from house import CHAT, House, house, post
from structlog.testing import capture_logs

from excise.proxy import errand, shadow
from excise.stages import outlook
from excise.standin.call import Request
from excise.standin.script import Gate, Recorded, Script

SECRET = "AKIA" + "QYLPMN5HHHFPZAM2"
STREAM = CHAT | {"stream": True}
COPIED = "anthropic/claude-haiku-4-5"
OF_OWN_DIALECT = "groq/llama-3.3-70b-versatile"
MOVED = b"HTTP/1.1 302 Found\r\nlocation: https://a.example/\r\ncontent-length: 0\r\n\r\n"
POLICY = """\
version: 1
providers:
- {{provider: openai, key: file:provider.key}}
- {{provider: anthropic, key: file:provider.key}}
- {{provider: groq, key: file:provider.key}}
{more}
routes:
- name: tried
  when: {{model: gpt-4o-mini}}
  to: openai/gpt-4o-mini
  failover: {{{failover}}}
  {shadow}
default: allow
"""


def at_home(
    tmp_path: Path, *, target: str = COPIED, percent: float | None = 100, failover: str = "retries: 0", more: str = "", **settings: Any
) -> Any:
    """
    A house whose policy sends copies.
    """
    folder = tmp_path / "policies"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "provider.key").write_text("standin-key-of-the-house")
    copied = f"shadow: {{target: {target}, percent: {percent}}}" if percent is not None else ""
    return house(tmp_path, policy=POLICY.format(shadow=copied, failover=failover, more=more), **settings)


def copies(at: House) -> list[Request]:
    return [seen.request for seen in at.standin.seen if seen.request.host != "api.openai.com"]


def of_copy(request: Request) -> bool:
    return request.host != "api.openai.com"


async def until(holds: Callable[[], Any], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def rows_are(at: House, number: int) -> bool:
    return len(at.rows()) == number


async def pair(at: House) -> tuple[dict[str, Any], dict[str, Any]]:
    """
    The rows of a call and its copy, when both have ended.
    """
    await until(lambda: len(at.rows()) == 2)
    call, copy = sorted(at.rows(), key=lambda row: row.get("shadow_of") is not None)
    return call, copy


@pytest.mark.parametrize("body", [CHAT, STREAM])
async def test_a_copy_is_a_call_of_its_own(body, tmp_path):
    """
    It is asked as the client asked, streamed or not, in its target's dialect and with the house's key; its row has its own id, tokens and
    price, and says whose copy it is.
    """
    async with at_home(tmp_path) as at:
        answer = await at.call(body, head="Idempotency-Key: once\r\nX-Excise-Team: a\r\nCookie: c\r\n")
        call, copy = await pair(at)

        assert answer.status == 200
        (sent,) = copies(at)
        asked = json.loads(sent.body)
        assert (sent.target, asked["model"], asked.get("stream")) == ("/v1/messages", "claude-haiku-4-5", body.get("stream"))
        names = {name.lower(): value for name, value in sent.headers}
        assert names["x-api-key"] == "standin-key-of-the-house" and names["connection"] == "close"
        assert not {"authorization", "idempotency-key", "x-excise-team", "cookie"} & set(names)
        assert "shadow_of" not in call and copy["shadow_of"] == call["call_id"] != copy["call_id"]
        assert (copy["status"], copy["http_status"], copy["attempts"]) == ("ok", 200, 1)
        assert (copy["provider_served"], copy["deployment"], copy["model_routed"]) == ("anthropic", "anthropic", "claude-haiku-4-5")
        billed = next(seen.billed for seen in at.standin.seen if of_copy(seen.request))
        assert (copy["input_tokens"], copy["output_tokens"]) == (billed.input_tokens, billed.output_tokens)
        assert Decimal(copy["cost_usd"]) > 0 and copy["usage_source"] == "provider"
        assert copy["attempts_detail"][0]["outcome"] == "ok" and copy["route_rule"] == "tried"
        assert at.shared.guard.faults == 0


@pytest.mark.parametrize("target", [COPIED, OF_OWN_DIALECT])
async def test_a_copy_is_redacted(target, tmp_path):
    """
    In another dialect and in the client's own, nobody sees what policy takes out.
    """
    more = "redact: [{name: all, profile: [secrets]}]"
    async with at_home(tmp_path, target=target, more=more) as at:
        await at.call({**CHAT, "messages": [{"role": "user", "content": f"my key is {SECRET}, mind it"}]})
        call, copy = await pair(at)

        (sent,) = copies(at)
        assert b"my key is" in sent.body and SECRET.encode() not in sent.body
        assert call["redactions_total"] == copy["redactions_total"] == 1
        assert not any(SECRET.encode() in seen.request.body for seen in at.standin.seen)


async def test_the_client_s_bytes_are_the_same(tmp_path):
    """
    With a copy, without one, and with one that fails: the same answer, byte for byte.
    """
    body = b'data: {"id":"a","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n'
    recorded = Recorded(200, (("content-type", "text/event-stream"), ("x-request-id", "req_1")), body, (20, 40), chunked=True)
    given = []
    for number, scripts in enumerate([[None], [Script(), Script(status=500), Script(raw=b"no http", raw_end="reset")]]):
        async with at_home(tmp_path / str(number), percent=100 if number else None) as at:
            at.standin.script(Script(recorded=recorded), times=10, matches=lambda request: not of_copy(request))
            for made, script in enumerate(scripts, 1):
                if script is not None:
                    at.standin.script(script, matches=of_copy)
                answer = await at.call(STREAM)
                del answer.headers["x-excise-call-id"]
                given.append((answer.status, answer.body, answer.headers))
                await until(partial(rows_are, at, made * (1 + number)))
            assert len(copies(at)) == number * len(scripts)

    assert given[0][1] == body
    assert all(one == given[0] for one in given)


async def test_a_copy_that_hangs_is_cut_and_nobody_waits_for_it(tmp_path):
    """
    The call takes what it takes without a copy; the copy ends when the failover's limit says so, with a row.
    """
    async with at_home(tmp_path, failover="retries: 0, first_byte_seconds: 0.6") as at:
        at.standin.script(Script(silent_after=0), matches=of_copy)
        assert (await at.call(CHAT)).status == 200
        await until(lambda: copies(at))
        assert [row["status"] for row in at.rows()] == ["ok"]  # the call's own, while the copy hangs
        _, copy = await pair(at)

        assert (copy["status"], copy["error_type"], copy["attempts_detail"][0]["error_type"]) == (
            "failed",
            "upstream_timeout",
            "upstream_timeout",
        )
        assert 500 < copy["latency_ms"] < 2000


@pytest.mark.parametrize(
    ("script", "failover", "status", "error"),
    [
        (Script(status=529), "retries: 0", "error", "overloaded_error"),
        (Script(silent_after=2), "retries: 0, idle_seconds: 0.3", "failed", "upstream_timeout"),
        (Script(pause_ms=100, piece_bytes=20), "retries: 0, total_seconds: 0.4", "failed", "upstream_timeout"),
        (Script(cut_after=2), "retries: 0", "failed", "upstream_closed"),
        (Script(reset_after=2), "retries: 0", "failed", "upstream_closed"),
        (Script(raw=b"", raw_end="close"), "retries: 0", "failed", "upstream_closed"),
        (Script(raw=b"SSH-2.0-x\r\n\r\n"), "retries: 0", "failed", "upstream_failed"),
        (Script(fail_after=1), "retries: 0", "error", "overloaded_error"),
        (
            Script(raw=b"HTTP/1.1 302 Found\r\nlocation: https://a.example/\r\ncontent-length: 0\r\n\r\n"),
            "retries: 0",
            "error",
            "upstream_redirect",
        ),
    ],
    ids=["error", "silent", "endless", "cut", "reset", "nothing", "other", "in-stream", "redirect"],
)
async def test_however_a_copy_fails_it_has_its_row_and_the_call_its_answer(script, failover, status, error, tmp_path):
    """
    One row, once, with what went wrong; never a second try.
    """
    async with at_home(tmp_path, failover=failover) as at:
        at.standin.script(script, matches=of_copy)
        async with asyncio.timeout(5):
            assert (await at.call(STREAM)).whole
        call, copy = await pair(at)

        assert call["status"] == "ok"
        assert (copy["status"], copy["error_type"]) == (status, error)
        assert len(copies(at)) == copy["attempts"] == 1
        assert at.shared.guard.faults == 0


async def test_what_cannot_be_reached_or_verified_gets_nothing(tmp_path):
    """
    A server whose certificate is signed by nobody we trust, an address nobody has listed, and one where nobody listens.
    """
    seen: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(100))
        writer.close()

    async with at_home(tmp_path / "a") as at:
        assert at.worker.shadows is not None
        at.worker.shadows._errands._context = ssl.create_default_context()  # the machine's roots alone: not the stand-in's
        await at.call(CHAT)
        _, copy = await pair(at)
        assert (copy["status"], copy["error_type"], copies(at)) == ("failed", "upstream_tls", [])
    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    more = f"- {{provider: vllm, name: near, url: 'http://127.0.0.1:{port}', models: [m]}}"
    async with at_home(tmp_path / "b", target="near/m", more=more) as at:
        await at.call(CHAT)
        _, copy = await pair(at)
        assert (copy["status"], copy["error_type"]) == ("failed", "destination_refused")
    server.close()
    await server.wait_closed()
    async with at_home(tmp_path / "c", target="near/m", more=more, allow_private="127.0.0.0/8") as at:
        await at.call(CHAT)
        _, copy = await pair(at)
        assert (copy["status"], copy["error_type"]) == ("failed", "connect_failed")
    assert seen == []


async def test_what_policy_denies_is_not_sent(tmp_path):
    """
    A rule against the copy's model stops the copy and not the call; its row says why.
    """
    more = "rules:\n- {name: no haiku, when: {model: claude-*}, then: deny, reason: not yet}"
    async with at_home(tmp_path, more=more) as at:
        assert (await at.call(CHAT)).status == 200
        call, copy = await pair(at)

        assert copies(at) == []
        assert (copy["status"], copy["error_type"], copy["shadow_of"]) == ("refused", "policy_denied", call["call_id"])
        assert copy["attempts"] == 0 and Decimal(copy["cost_usd"]) == 0


async def test_the_dice_say_which_calls_are_copied(tmp_path, monkeypatch):
    """
    Each call throws once; those below the share have a copy.
    """
    throws = iter([0.9, 0.2, 0.25, 0.1])
    monkeypatch.setattr(outlook, "dice_of", lambda secret, key: lambda purpose: next(throws) if purpose == "shadow" else 0.0)
    async with at_home(tmp_path, percent=25) as at:
        for _ in range(4):
            await at.call(CHAT)
        await until(lambda: len(at.rows()) == 6)

        calls = [row["call_id"] for row in sorted(at.rows(), key=lambda row: row["started_at"]) if row.get("shadow_of") is None]
        assert {row.get("shadow_of") for row in at.rows()} == {None, calls[1], calls[3]}


async def test_so_many_and_no_more_at_a_time(tmp_path, monkeypatch):
    """
    What is beyond is skipped and counted, and there is room again when one has ended.
    """
    monkeypatch.setattr(shadow, "TOLD_SECONDS", 0.0)
    async with at_home(tmp_path) as at:
        shadows, gate = at.worker.shadows, Gate()
        assert shadows is not None
        shadows._most = 2
        at.standin.script(Script(gate=gate), times=9, matches=of_copy)
        with capture_logs() as logs:
            answers = [await at.call(STREAM) for _ in range(5)]
        assert [answer.status for answer in answers] == [200] * 5
        assert shadows.skipped == 3 == sum(line["copies"] for line in logs if line["event"] == "shadow copies skipped")
        gate.open(1000)
        await until(lambda: len(at.rows()) == 7)
        await at.call(STREAM)
        await until(lambda: len(at.rows()) == 9)

        assert len(copies(at)) == 3 == sum(row.get("shadow_of") is not None for row in at.rows())


async def test_a_client_that_leaves_takes_no_copy_along(tmp_path):
    """
    The call is cancelled, and the copy ends as it would have.
    """
    async with at_home(tmp_path) as at:
        own, copied = Gate(), Gate()
        at.standin.script(Script(gate=own), matches=lambda request: not of_copy(request))
        at.standin.script(Script(gate=copied), matches=of_copy)
        reader, writer = await at.tunnel()
        writer.write(post(STREAM))
        await reader.readuntil(b"\r\n\r\n")
        await until(lambda: copies(at))
        writer.close()
        await until(lambda: at.rows())
        assert [row["status"] for row in at.rows()] == ["cancelled"]
        copied.open(1000)
        call, copy = await pair(at)

        assert (call["status"], copy["status"]) == ("cancelled", "ok")
        assert copy["usage_source"] == "provider" and copy["output_tokens"]


async def test_the_call_s_other_attempts_are_no_calls(tmp_path):
    """
    A call that is tried again has one copy.
    """
    async with at_home(tmp_path, failover="retries: 1") as at:
        at.standin.script(Script(status=500), matches=lambda request: not of_copy(request))
        assert (await at.call(CHAT)).status == 200
        call, copy = await pair(at)

        assert call["attempts"] == 2 and copy["attempts"] == 1 and len(copies(at)) == 1


async def test_a_worker_that_ends_writes_the_rows_of_its_copies(tmp_path, monkeypatch):
    """
    Cancelled, whether under way or not yet begun, when it drains.
    """
    async with at_home(tmp_path) as at:
        at.standin.script(Script(silent_after=0), times=9, matches=of_copy)
        await at.call(CHAT)
        await until(lambda: copies(at))
        monkeypatch.setattr(shadow, "HEAD_START_SECONDS", 60)
        await at.call(CHAT)

    ended = [(row["status"], row["error_type"], row["attempts"]) for row in at.rows() if row.get("shadow_of") is not None]
    assert sorted(ended) == [("cancelled", "shutdown", 0), ("cancelled", "shutdown", 1)]
    assert len(copies(at)) == 1


async def test_an_answer_is_read_up_to_a_bound(tmp_path, monkeypatch):
    """
    What says more than anybody would read is cut; the target is not to blame.
    """
    monkeypatch.setattr(shadow, "MOST_ANSWER_BYTES", 300)
    async with at_home(tmp_path) as at:
        await at.call(STREAM)
        _, copy = await pair(at)

        assert (copy["status"], copy["error_type"]) == ("cancelled", "answer_too_large")


async def test_a_large_request_is_copied_whole(tmp_path, monkeypatch):
    """
    Sent piece by piece, beside reading.
    """
    monkeypatch.setattr(errand, "_PIECE_BYTES", 1000)
    text = "word " * 60_000
    async with at_home(tmp_path, target=OF_OWN_DIALECT) as at:
        body = {**CHAT, "messages": [{"role": "user", "content": text}], "max_tokens": 5}
        await at.call(body)
        await pair(at)

        (sent,) = copies(at)
        assert json.loads(sent.body)["messages"] == body["messages"]


async def test_a_bug_in_copying_is_the_copy_s(tmp_path, monkeypatch):
    """
    The call is answered; the copy's row says that it was us.
    """

    def broken(*_: Any) -> None:
        raise ValueError("a bug")

    async with at_home(tmp_path) as at:
        monkeypatch.setattr(shadow, "prepare", broken)
        answer = await at.call(CHAT)
        _, copy = await pair(at)

        assert answer.status == 200 and copies(at) == []
        assert (copy["error_type"], copy["status"]) == ("internal", "failed")


async def test_a_copy_goes_through_the_other_proxy(tmp_path):
    """
    Where calls leave through another proxy, so do copies.
    """
    asked: list[bytes] = []
    standin_port = 0

    async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append((await reader.readuntil(b"\r\n\r\n")).split(b"\r\n")[0])
        there, onwards = await asyncio.open_connection("127.0.0.1", standin_port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(passed(reader, onwards), passed(there, writer))

    async def passed(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65536):
                to.write(data)
        to.close()

    server = await asyncio.start_server(tunnel, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with at_home(tmp_path, listed=False, upstream_proxy=f"http://127.0.0.1:{port}") as at:
        standin_port = at.standin.port
        assert (await at.call(CHAT)).status == 200
        _, copy = await pair(at)
    server.close()
    await server.wait_closed()

    assert copy["status"] == "ok"
    assert asked == [b"CONNECT api.openai.com:443 HTTP/1.1", b"CONNECT api.anthropic.com:443 HTTP/1.1"]


async def test_a_copy_moves_no_conversation(tmp_path, monkeypatch):
    """
    Who answered a conversation last is whom the client heard.
    """
    told = []
    monkeypatch.setattr(outlook.Outlook, "answered", lambda self, exchange, target: told.append(str(target)))
    async with at_home(tmp_path) as at:
        await at.call(CHAT)
        await pair(at)
        assert told == ["openai/gpt-4o-mini"]
