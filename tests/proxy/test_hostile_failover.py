"""
Routing and failover, before clients and providers that mean harm.
"""

from __future__ import annotations

import asyncio
import gc
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from house import CHAT, House, house, post, read_answer

from excise.access.keys import KeyStore
from excise.errors import UpstreamFailed
from excise.exchange import Route
from excise.health.target_health import TargetHealth
from excise.policy.deployment import TargetRef
from excise.proxy import http_stream
from excise.routing import health as routing_health
from excise.routing.failure import Failure
from excise.stages import watch
from excise.stages.learn import Learn
from excise.stages.send import Send
from excise.standin.call import Request
from excise.standin.script import Recorded, Script

STREAM = CHAT | {"stream": True}
FIRST, SECOND = "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"
POLICY = """\
version: 1
providers:
- {{provider: openai, key: file:first.key}}
- {{provider: anthropic, key: file:second.key}}
- {{provider: groq, key: file:third.key}}
{more}
routes:
- {{name: moved, when: {{model: gpt-4o-mini}}, to: [{to}], failover: {{{failover}}}}}
{after}
default: allow
"""


def at_home(
    tmp_path: Path, *, to: str = f"{FIRST}, {SECOND}", failover: str = "retries: 0", more: str = "", after: str = "", **settings: Any
) -> Any:
    """
    A house whose calls for `gpt-4o-mini` go to the targets `to`, in turn.
    """
    folder = tmp_path / "policies"
    folder.mkdir(mode=0o700, parents=True)
    for name in ("first", "second", "third"):
        (folder / f"{name}.key").write_text(f"standin-{name}")
    return house(tmp_path, policy=POLICY.format(to=to, failover=failover, more=more, after=after), **settings)


def of(host: str) -> Callable[[Request], bool]:
    return lambda request: request.host == host


OPENAI, ANTHROPIC, GROQ = "api.openai.com", "api.anthropic.com", "api.groq.com"


def hosts(at: House) -> list[str]:
    return [seen.request.host for seen in at.standin.seen]


async def until(holds: Callable[[], Any], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


def fails(at: House, status: int = 503, times: int = 1) -> None:
    at.standin.script(Script(status=status), times=times, matches=of(OPENAI))


def piece(data: bytes) -> Script:
    """
    A stream that says this, and then nothing more.
    """
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return Script(raw=head + b"%x\r\n%b\r\n" % (len(data), data), raw_end="silent")


MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude-haiku-4-5",
    "content": [],
    "usage": {"input_tokens": 3, "output_tokens": 1},
}
BEGUN = {
    ANTHROPIC: b"event: message_start\ndata: " + json.dumps({"type": "message_start", "message": MESSAGE}).encode() + b"\n\n",
    OPENAI: b'data: {"id":"a","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
}
DOCUMENT = {"id": "x", "object": "chat.completion", "choices": [{"index": 0, "message": {"content": "whole"}, "finish_reason": "stop"}]}
JSON = ("content-type", "application/json")
SECRET = "sekret-name@harbour.example"


async def test_a_model_s_name_that_must_not_leave_stands_in_no_row(tmp_path):
    """
    A call whose model was taken for a target is refused for what redaction finds in the name: the name is in no file, not as a candidate
    either.
    """
    (tmp_path / "policies").mkdir(mode=0o700)
    (tmp_path / "policies/first.key").write_text("standin-first")
    _, key = KeyStore(tmp_path / "data/state/keys.json").create(name="tester", team="harbour")
    policy = "version: 1\nproviders: [{provider: openai, key: file:first.key}]\nredact: [{name: all, profile: [pii]}]\ndefault: allow\n"
    async with house(tmp_path, policy=policy) as at:
        reader, writer = await at.client()
        body = json.dumps(CHAT | {"model": f"openai/{SECRET}"}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = await read_answer(reader)
        writer.close()

        assert (answer.status, answer.json["error"]["code"], hosts(at)) == (422, "redacted_model", [])
        (row,) = at.rows()
        assert (row["status"], row["deployment"], row["redactions_total"]) == ("refused", "openai", 1)
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


@pytest.fixture
def signs_of_life(monkeypatch):
    monkeypatch.setattr(http_stream, "PING_SECONDS", 0.1)


async def test_a_sign_of_life_does_not_begin_the_answer(signs_of_life, tmp_path):
    """
    The first provider begins and falls silent; the client is told that its call goes on, and then gets one answer with one beginning.
    """
    body = {"model": "gpt-4o-mini", "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    async with at_home(tmp_path, to=f"{FIRST}, groq/llama-3.3-70b-versatile", failover="retries: 0, idle_seconds: 0.5") as at:
        at.standin.script(piece(BEGUN[OPENAI]), matches=of(OPENAI))
        answer = await at.call(body, path="/v1/messages", host=ANTHROPIC)

        assert hosts(at) == [OPENAI, GROQ] and answer.whole
        assert answer.body.startswith(b"event: ping\n")
        assert answer.body.count(b"event: message_start\n") == answer.body.count(b"event: message_stop\n") == 1
        assert at.shared.guard.faults == 0


@pytest.mark.parametrize("more", [True, False], ids=["of three", "of two"])
async def test_only_a_stream_goes_on_under_the_head_of_one(more, signs_of_life, tmp_path):
    """
    A sign of life has begun a stream of events, and the next attempt answers with a document in the client's own dialect: not a byte of it
    is put under that head. Somebody else's stream is, or the answer ends visibly cut.
    """
    third = ", groq/llama-3.3-70b-versatile" if more else ""
    document = Recorded(200, (JSON,), json.dumps(DOCUMENT).encode())
    async with at_home(tmp_path, to=f"{SECOND}, {FIRST}{third}", failover="retries: 0, idle_seconds: 0.5") as at:
        at.standin.script(piece(BEGUN[ANTHROPIC]), matches=of(ANTHROPIC))
        at.standin.script(Script(recorded=document), matches=of(OPENAI))
        answer = await at.call(STREAM)
        await until(at.rows)

        lines = [line for line in answer.body.split(b"\n") if line]
        assert all(line.startswith((b"data: ", b":")) for line in lines), answer.body
        assert answer.whole == (b"data: [DONE]" in lines) == more
        assert at.rows()[0]["status"] == ("ok" if more else "failed")
        assert at.shared.guard.faults == 0


async def test_what_goes_on_under_the_head_of_an_earlier_attempt_is_not_coded(signs_of_life, tmp_path):
    """
    A provider that compresses its stream unasked: under a head that says nothing of that, the events leave as they are meant.
    """
    event = b'data: {"id":"b","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"hi"}}]}\n\ndata: [DONE]\n\n'
    coded = Recorded(200, (("content-type", "text/event-stream"), ("content-encoding", "gzip")), gzip.compress(event))
    async with at_home(tmp_path, to=f"{SECOND}, {FIRST}", failover="retries: 0, idle_seconds: 0.5") as at:
        at.standin.script(piece(BEGUN[ANTHROPIC]), matches=of(ANTHROPIC))
        at.standin.script(Script(recorded=coded), matches=of(OPENAI))
        answer = await at.call(STREAM, head="Accept-Encoding: gzip\r\n")
        assert answer.whole and answer.body.endswith(b": excise\n\n" + event) and "content-encoding" not in answer.headers


async def test_an_error_under_the_head_of_an_earlier_attempt_is_an_event(signs_of_life, tmp_path):
    """
    The last target's stream is an error from the start: under the head that is out, it is an event of the stream and no document.
    """
    error = b'data: {"error":{"message":"no","type":"server_error","code":null}}\n\n'
    body = {"model": "gpt-4o-mini", "max_tokens": 50, "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    async with at_home(tmp_path, to=f"{FIRST}, groq/llama-3.3-70b-versatile", failover="retries: 0, idle_seconds: 0.5") as at:
        at.standin.script(piece(BEGUN[OPENAI]), matches=of(OPENAI))
        at.standin.script(Script(recorded=Recorded(200, (("content-type", "text/event-stream"),), error)), matches=of(GROQ))
        answer = await at.call(body, path="/v1/messages", host=ANTHROPIC)

        lines = [line for line in answer.body.split(b"\n") if line]
        assert lines[-2] == b"event: error" and all(line.startswith((b"event: ", b"data: ")) for line in lines), answer.body


async def test_what_a_hedge_s_loser_cost_is_not_known(tmp_path):
    """
    A request that was sent and given up may have been billed: no price is not a price of nothing. The call's own is the winner's alone.
    """
    async with at_home(tmp_path, failover="retries: 0, hedge_seconds: 0.1") as at:
        at.standin.script(Script(silent_after=0), matches=of(OPENAI))
        await at.call(CHAT)
        await until(at.rows)

        (row,) = at.rows()
        loser, winner = row["attempts_detail"]
        assert (loser["outcome"], winner["outcome"]) == ("hedged", "ok")
        assert "cost_usd" not in loser and loser["usage_source"] == "estimated"
        assert row["cost_usd"] == winner["cost_usd"] != "0"


FLAGGED = Recorded(403, (JSON,), json.dumps({"error": {"message": "flagged", "type": "x", "code": "content_filter"}}).encode())


@pytest.mark.parametrize("script", [Script(recorded=FLAGGED), Script(status=400)], ids=["flagged", "wrong"])
@pytest.mark.parametrize("failover", ["retries: 0", "attempts: 1"])
async def test_a_client_s_bad_requests_put_no_target_out_of_order(script, failover, tmp_path):
    """
    Whatever one client is refused for, with or without anybody else to ask: the target is as it was for the others.
    """
    async with at_home(tmp_path, to=FIRST, failover=failover) as at:
        at.standin.script(script, times=8, matches=of(OPENAI))
        for _ in range(8):
            assert (await at.call(CHAT)).status >= 400
        assert health(at).standing(TargetRef("openai", "gpt-4o-mini")).state == "closed"


async def test_a_client_that_wants_nothing_puts_no_target_out_of_order(tmp_path):
    """
    Empty answers go elsewhere, but whether there was anything to say was the client's choice.
    """
    async with at_home(tmp_path) as at:
        for _ in range(8):
            await at.call({**CHAT, "messages": [{"role": "user", "content": "echo:  "}]})
        assert hosts(at) == [OPENAI, ANTHROPIC] * 8
        assert health(at).standing(TargetRef("openai", "gpt-4o-mini")).state == "closed"


async def test_a_probe_is_given_back_where_the_next_attempt_cannot_be_made(tmp_path, monkeypatch):
    """
    The second target is being probed; its turn comes, and nothing can be sent there. The next call may probe.
    """
    monkeypatch.setattr(routing_health, "_OPEN_SECONDS", 0.01)
    target = TargetRef("anthropic", "claude-haiku-4-5")
    async with at_home(tmp_path) as at:
        for _ in range(5):
            health(at).failed(target, 0, Failure("http_500", "answer", 500, "internal"))
        await until(lambda: health(at).standing(target).state == "half_open")
        send = next(stage for stage in at.worker._parts.pipeline.stages if isinstance(stage, Send))
        authorize = send._authorize

        async def locked_out(route: Route, *rest: Any) -> Any:
            if route.deployment == "anthropic":
                raise UpstreamFailed("no token was to be had", kind="no_credentials")
            return await authorize(route, *rest)

        monkeypatch.setattr(send, "_authorize", locked_out)
        fails(at)
        assert ((await at.call(CHAT)).status, hosts(at)) == (503, [OPENAI])
        assert health(at).take(target) == 0
        (row,) = at.rows()
        assert (row["attempts"], len(row["attempts_detail"])) == (1, 1)


async def test_an_answer_that_is_to_come_is_not_empty(tmp_path):
    """
    A response in the background is queued, and has no text: it is not asked for again elsewhere, where it would run a second time.
    """
    queued = {"id": "resp_1", "object": "response", "status": "queued", "error": None, "model": "gpt-4o-mini", "output": []}
    async with at_home(tmp_path) as at:
        at.standin.script(Script(recorded=Recorded(200, (JSON,), json.dumps(queued).encode())), matches=of(OPENAI))
        answer = await at.call({"model": "gpt-4o-mini", "input": "x", "background": True}, path="/v1/responses")
        assert (answer.json, hosts(at)) == (queued, [OPENAI])


async def test_nothing_of_the_client_s_own_reaches_any_target(tmp_path):
    """
    Each target gets its own key, and none of the client's keys, cookies or names; the key that makes one request of several stays with the
    target it was first sent to.
    """
    own = {
        "Cookie": "own-cookie",
        "X-Api-Key": "own-key",
        "OpenAI-Organization": "own-org",
        "OpenAI-Project": "own-project",
        "X-Goog-Api-Key": "own-google",
        "X-Forwarded-For": "own-address",
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in own.items()) + "Idempotency-Key: once\r\n"
    async with at_home(tmp_path, to=f"{FIRST}, groq/llama-3.3-70b-versatile, {SECOND}", failover="retries: 1, attempts: 5") as at:
        fails(at, 500, 2)
        at.standin.script(Script(status=429), matches=of(GROQ))
        assert (await at.call(CHAT, head=head, path="/v1/chat/completions?key=own-key")).status == 200

        assert hosts(at) == [OPENAI, OPENAI, GROQ, ANTHROPIC]
        keys = {OPENAI: "standin-first", GROQ: "standin-third", ANTHROPIC: "standin-second"}
        for seen in at.standin.seen:
            said = f"{seen.request.target} {seen.request.headers}"
            assert "own-" not in said and "standin-key" not in said
            assert [key for key in keys.values() if key in said] == [keys[seen.request.host]]
        assert [seen.request.header("idempotency-key") for seen in at.standin.seen] == ["once", "once", None, None]


async def test_a_bug_in_a_stage_of_the_second_attempt_lets_nothing_out(tmp_path):
    """
    Each stage that fails for the second attempt: nothing leaves, the client gets what the first was told, and there is one row of one try.
    """
    async with at_home(tmp_path) as at:
        hooks = at.worker._parts.pipeline._attempts
        for number, kept in enumerate(list(hooks), 1):
            hooks[number - 1] = _buggy
            fails(at, 409)
            answer = await at.call(CHAT)
            hooks[number - 1] = kept
            await until(lambda number=number: len(at.rows()) == number)
            row = at.rows()[-1]
            assert (answer.status, row["attempts"], len(row["attempts_detail"]), row["status"]) == (409, 1, 1, "error"), kept
        assert set(hosts(at)) == {OPENAI}


async def _buggy(exchange: Any) -> None:
    raise RuntimeError("a bug")


async def test_a_target_that_is_gone_or_denied_meanwhile_is_not_asked(tmp_path):
    """
    Policy changes while the first target is asked: the second is judged by the policy in force when its turn comes.
    """
    async with at_home(tmp_path) as at:
        at.standin.script(Script(status=503, delay_ms=300), matches=of(OPENAI))
        call = asyncio.create_task(at.call(CHAT))
        await until(lambda: at.standin.seen)
        file = tmp_path / "policies/default.yml"
        rule = "rules: [{name: no more, when: {provider: anthropic}, then: deny, reason: over}]"
        file.write_text(file.read_text().replace("default: allow", f"{rule}\ndefault: allow"))
        at.worker._parts.policies.reload()
        assert ((await call).status, hosts(at)) == (503, [OPENAI])
        await until(at.rows)
        (row,) = at.rows()
        (one,) = row["excluded"]
        assert (one["target"], one["reason"]) == (SECOND, "rule 'no more' denies it: over")


async def test_an_answer_that_cannot_be_judged_costs_nobody_the_connection(tmp_path, monkeypatch):
    """
    A bug in the judging of answers: the answer is passed on, and the fault is in the log.
    """

    def bug(*asked: Any) -> None:
        raise RecursionError

    monkeypatch.setattr(watch, "fault_in", bug)
    async with at_home(tmp_path) as at:
        answer = await at.call(CHAT)
        assert (answer.status, answer.whole, hosts(at)) == (200, True, [OPENAI])


async def test_nothing_is_kept_of_calls_that_failed(tmp_path):
    """
    After calls of two failing attempts each, none of their exchanges, answers or flows is held.
    """
    async with at_home(tmp_path) as at:
        at.standin.script(Script(status=503), times=1000, matches=lambda request: True)
        reader, writer = await at.tunnel()
        for _ in range(60):
            writer.write(post(CHAT))
            await read_answer(reader)
        writer.close()
        gateway = at.worker._parts.gateway
        await until(lambda: not any(gateway.flows.live.values()))
        assert not gateway._settler._answers
        await until(lambda: gc.collect() >= 0 and len(gateway.flows.exchanges) <= 2)


def health(at: House) -> TargetHealth:
    """
    What the worker knows of targets.
    """
    return next(stage for stage in at.worker._parts.pipeline.stages if isinstance(stage, Learn))._outlook.health


@pytest.mark.parametrize("own", [True, False], ids=["a key of ours", "a key of the client's"])
async def test_a_route_opens_nothing_that_is_stored_in_the_house_s_account(own, tmp_path):
    """
    A call that policy routes goes with the house's credentials, whoever calls: what it names there is refused before anything is sent.
    """
    _, key = KeyStore(tmp_path / "data/state/keys.json").create(name="tester", team="harbour")
    async with at_home(tmp_path) as at:
        for more in ({"previous_response_id": "resp_1"}, {"input": [{"type": "item_reference", "id": "msg_1"}]}):
            reader, writer = await at.client()
            body = json.dumps({"model": "gpt-4o-mini", "input": "x"} | more).encode()
            head = f"POST /v1/responses HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key if own else 'standin-own'}\r\n"
            writer.write(f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            answer = await read_answer(reader)
            writer.close()
            assert (answer.status, answer.json["error"]["code"]) == (400, "stored_state")
        assert hosts(at) == []


async def test_an_answer_we_withhold_is_no_failure_of_its_target(tmp_path):
    """
    One client has the model say what policy blocks in answers, again and again: the target is as it was for the others.
    """
    after = "redact: [{name: all, profile: [secrets], answers: block}]"
    async with at_home(tmp_path, to=FIRST, after=after) as at:
        said = {"message": {"role": "assistant", "content": "AKIA" + "QYLPMN5HHHFPZAM2"}, "finish_reason": "stop", "index": 0}
        body = json.dumps({"id": "x", "object": "chat.completion", "choices": [said]}).encode()
        at.standin.script(Script(recorded=Recorded(200, (JSON,), body)), times=6, matches=of(OPENAI))
        for _ in range(6):
            answer = await at.call(CHAT)
            assert answer.status >= 400 and b"AKIA" not in answer.body
        assert len(hosts(at)) == 6
        assert health(at).standing(TargetRef("openai", "gpt-4o-mini")).state == "closed"
