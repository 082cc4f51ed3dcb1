"""
A target fails; the call does not. Every way to fail, with real clients, over real connections, against the ledger.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest

from e2e import failing, unified
from e2e.failing import SECONDS, Case, Done, entry
from e2e.faulty import AFTER, BEFORE, EVERY, FINAL, HOSTS, WELL, answer, black_hole, faulty, mute, prompt
from e2e.proxy import free_port, running_proxy
from e2e.raw_calls import Here, ask, get, post, rows_of, said, send
from e2e.tunnel import Answer

CASES = failing.cases()
LIMITS = f"connect_seconds: 1, first_byte_seconds: {SECONDS}, idle_seconds: {SECONDS}"

PROVIDERS = [
    *(
        entry(name, "us")
        for name in (
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
        )
    ),
    *(
        f"- {{provider: openai, name: {name}, host: {host}.api.openai.com, key: file:provider.key}}"
        for name, host in {"refused": "au", "stranger": "ca", "plaintext": "jp", "hole": "in", "mute": "kr"}.items()
    ),
    "- {provider: vllm, name: nowhere, url: 'https://nowhere.invalid:8443', key: file:provider.key, models: [gpt-4o-mini]}",
]
DEAD = {
    "refused": "connect_failed",
    "stranger": "upstream_tls",
    "plaintext": "upstream_tls",
    "hole": "connect_timeout",
    "mute": "connect_timeout",
    "nowhere": None,
}
ALIASES = [
    *(f"dead-{name}: {{to: [{name}/gpt-4o-mini, eu/gpt-4o-mini], failover: {{{LIMITS}}}}}" for name in DEAD),
    "all-dead: {to: [refused/gpt-4o-mini, stranger/gpt-4o-mini], failover: {retries: 0}}",
    "troubled: [one/gpt-4o-mini, eu/gpt-4o-mini]",
    "quiet: [eleven/gpt-4o-mini, eu/gpt-4o-mini]",
    "again: {to: two/gpt-4o-mini, failover: {retries: 2}}",
    "patient: {to: three/gpt-4o-mini, failover: {max_wait_seconds: 20}}",
    "alone: {to: four/gpt-4o-mini, failover: off}",
    "hedged: {to: [five/gpt-4o-mini, eu/gpt-4o-mini], failover: {hedge_seconds: 0.3, first_byte_seconds: 10}}",
    "larger: [six/gpt-4o-mini, eu/gpt-4.1-mini]",
    "smaller: [seven/gpt-4.1-mini, eu/gpt-4o-mini]",
    "ending: {to: [eight/gpt-4o-mini, nine/gpt-4o-mini], failover: {total_seconds: 1.5, first_byte_seconds: 10, retries: 3, attempts: 8}}",
    "minding: {to: [thirteen/gpt-4o-mini, eu/gpt-4o-mini], failover: {retries: 0, answers: [repetition]}}",
    "waiting: {to: fourteen/gpt-4o-mini, failover: {max_wait_seconds: 40, total_seconds: 90}}",
    "leaving: {to: [ten/gpt-4o-mini, eu/gpt-4o-mini], failover: {first_byte_seconds: 20}}",
]


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """
    Failing stand-ins, and a proxy with a way to each pair of them.
    """
    routes = "routes:\n- {name: off openai, when: {provider: openai, model: gpt-4o}, to: [twelve/gpt-4o-mini, claude/claude-haiku-4-5]}\n"
    text = failing.policy(CASES, PROVIDERS, ALIASES, routes + "default: allow\n")
    policies = unified.write_policy(tmp_path_factory.mktemp("policies"), text)
    with ExitStack() as stack:
        group = stack.enter_context(faulty("us", "eu", "claude", "gem", "rock"))
        group.lead(HOSTS["au"], free_port())
        group.lead(HOSTS["ca"], group.stranger.port)
        group.lead(HOSTS["jp"], group.standins["us"].plain_port)
        group.lead(HOSTS["in"], stack.enter_context(black_hole()))
        group.lead("kr.api.openai.com", stack.enter_context(mute()))
        home = tmp_path_factory.mktemp("failover")
        proxy = stack.enter_context(running_proxy(home, group, policies=policies, flags=("--workers", "1")))
        key = unified.make_key(proxy, "tester")
        proxy.until(lambda: asyncio.run(send(proxy, get("/v1/models", key)))[0].status == 200, 10, "the key")
        yield Here(proxy, group, key)


@pytest.fixture(scope="module")
def done(here: Here) -> dict[str, Done]:
    """
    Every case, made once.
    """
    return failing.run(CASES, here.proxy, here.group, here.key)


def those(faults: dict[str, Any]) -> Any:
    return pytest.mark.parametrize("case", [case for case in CASES if case.fault in faults], ids=lambda case: case.id)


@those(BEFORE)
def test_another_target_answers_whole(done: dict[str, Done], case: Case) -> None:
    """
    Where the first target fails before its answer has begun, the client gets the second's, whole, once, and nothing else.
    """
    one = done[case.id]

    assert one.outcome.error is None, repr(one.outcome.error)
    assert one.outcome.text == answer(case.pair.second)
    assert one.row["status"] == "ok" and one.row["http_status"] == 200
    assert len(one.visits_of(case.pair.second)) == 1


@those(AFTER)
def test_what_was_begun_ends_in_an_error(done: dict[str, Done], case: Case) -> None:
    """
    Where the first target fails after text of its has reached the client, nobody goes on with it: the SDK raises, once, after a true
    beginning of that text.
    """
    one = done[case.id]

    assert one.outcome.error is not None and not isinstance(one.outcome.error, AssertionError), repr(one.outcome.error)
    assert one.outcome.text and answer(case.pair.first).startswith(one.outcome.text)
    assert not one.visits_of(case.pair.second) and len(one.visits_of(case.pair.first)) == 1
    assert one.row["status"] in ("error", "failed") and one.row["attempts"] == 1


@those(FINAL)
def test_what_would_fail_everywhere_is_not_asked_elsewhere(done: dict[str, Done], case: Case) -> None:
    """
    A request that is at fault itself is refused with the provider's word, at once.
    """
    one = done[case.id]

    assert one.outcome.status == 400 and not one.outcome.text
    assert [name for name, _ in one.visits] == [case.pair.first]
    assert one.row["status"] == "error" and one.row["attempts"] == 1


@those(WELL)
def test_a_target_that_is_well_or_merely_slow_is_left_in_peace(done: dict[str, Done], case: Case) -> None:
    """
    Nobody else is asked where the first answers, be it in many small pieces.
    """
    one = done[case.id]

    assert one.outcome.error is None and one.outcome.text == answer(case.pair.first)
    assert [name for name, _ in one.visits] == [case.pair.first] and one.row["attempts"] == 1


@those({"both": None})
def test_one_clear_error_where_all_fail(done: dict[str, Done], case: Case) -> None:
    """
    The SDK raises what it raises for a provider in trouble, and is told not to try again, for that has been done.
    """
    one = done[case.id]

    assert one.outcome.status is not None and one.outcome.status >= 500, repr(one.outcome.error)
    assert not one.outcome.text
    assert one.outcome.header("x-should-retry") == "false"
    assert {name for name, _ in one.visits} == {case.pair.first, case.pair.second}
    assert one.row["status"] == "error" and Decimal(one.row["cost_text"] or 0) == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_the_ledger_has_what_the_providers_saw(done: dict[str, Done], case: Case) -> None:
    """
    One row of the call; one of each attempt, at its host, with its status; the tokens and the cost of the answer that was given, and none
    of those that were not.
    """
    one = done[case.id]
    ledger = [(attempt["host"], attempt["http_status"]) for attempt in one.attempts]
    seen = [(HOSTS[name], _status(case, name)) for name, _ in one.visits]

    assert sorted(ledger, key=repr) == sorted(seen, key=repr)
    assert [attempt["attempt"] for attempt in one.attempts] == list(range(1, len(one.visits) + 1))
    assert one.row["attempts"] == len(one.visits)
    if one.outcome.error is None:
        (billed,) = [seen.billed for _, seen in one.visits[-1:]]
        last = one.attempts[-1]
        assert billed is not None
        assert (one.row["input_tokens"], one.row["output_tokens"]) == (billed.input_tokens, billed.output_tokens)
        assert (last["input_tokens"], last["output_tokens"]) == (billed.input_tokens, billed.output_tokens)
        assert Decimal(one.row["cost_text"]) == Decimal(last["cost_text"]) == pytest.approx(billed.usd)
        assert all(attempt["error_type"] for attempt in one.attempts[:-1]) and last["error_type"] is None


def _status(case: Case, name: str) -> int | None:
    order = case.orders.get(name)
    return EVERY[order].status if order else 200


# -- single calls ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DEAD)
def test_targets_that_cannot_be_reached(here: Here, name: str) -> None:
    """
    A closed port, a stranger's certificate, no TLS at all, a handshake that never ends, packets that vanish, a name nobody has: the
    other target answers.
    """
    got = ask(here, f"dead-{name}", f"dead-{name}", stream=True)
    (row,), attempts = rows_of(here, f"dead-{name}", 1)

    assert got.status == 200 and said(got) == answer("eu"), got.body
    assert row["status"] == "ok" and row["attempts"] == len(attempts) >= 2
    assert all(attempt["http_status"] is None and attempt["error_type"] for attempt in attempts[:-1])
    assert DEAD[name] is None or {attempt["error_type"] for attempt in attempts[:-1]} == {DEAD[name]}


def test_where_nobody_can_be_reached_that_is_said(here: Here) -> None:
    """
    One answer in the client's words, with the status of a gateway, and the word not to try again.
    """
    got = ask(here, "all-dead", "all-dead")

    assert got.status in (502, 503, 504) and got.header("x-should-retry") == "false"
    assert isinstance(json.loads(got.body)["error"]["message"], str)


def test_the_same_target_is_asked_again_where_it_failed_in_passing(here: Here) -> None:
    """
    With nobody else to go to: twice in trouble, then well.
    """
    got = ask(here, "again", "again", {"us": "status503+reset+well"})
    (row,), attempts = rows_of(here, "again", 1)

    assert said(got) == answer("us")
    assert [attempt["http_status"] for attempt in attempts] == [503, None, 200] and row["attempts"] == 3


def test_a_wait_that_is_asked_for_is_kept(here: Here) -> None:
    """
    Where policy is patient and nobody else is there, a limit is waited for.
    """
    got = ask(here, "patient", "patient", {"us": "rate-soon+well"})
    _, attempts = rows_of(here, "patient", 1)

    assert said(got) == answer("us") and [attempt["http_status"] for attempt in attempts] == [429, 200]


def test_failover_may_be_off(here: Here) -> None:
    """
    Then one failure is the answer.
    """
    got = ask(here, "alone", "alone", {"us": "status503"})
    (row,), attempts = rows_of(here, "alone", 1)

    assert got.status == 503 and row["attempts"] == len(attempts) == 1


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_whoever_answers_first_is_heard(here: Here, stream: bool) -> None:
    """
    A silent target is overtaken by another one asked beside it, long before it would be given up.
    """
    call = f"hedged-{stream}"
    got = ask(here, "hedged", call, {"us": "silent"}, stream=stream)

    assert said(got) == answer("eu")
    assert here.group.standins["us"].wait(lambda _: all(seen.client_left for name, seen in here.group.visits(call) if name == "us"))
    assert [name for name, _ in here.group.visits(call)] == ["us", "eu"]


@pytest.mark.parametrize("fault", ["too-long", "too-large"])
def test_too_much_for_one_is_given_to_a_larger_one_alone(here: Here, fault: str) -> None:
    """
    A model with a larger window takes it; one with a smaller is not asked.
    """
    assert said(ask(here, "larger", f"larger-{fault}", {"us": fault})) == answer("eu")

    got = ask(here, "smaller", f"smaller-{fault}", {"us": fault})
    assert got.status == EVERY[fault].status
    assert [name for name, _ in here.group.visits(f"smaller-{fault}")] == ["us"]


def test_no_try_begins_after_the_calls_time_is_over(here: Here) -> None:
    """
    However many tries are left, and none lasts longer.
    """
    started = asyncio.run(_timed(here, "ending", "ending", {"us": "silent"}))

    assert started[0].status in (502, 503, 504) and started[1] < 4


async def _timed(here: Here, model: str, call: str, orders: dict[str, str]) -> tuple[Answer, float]:
    loop = asyncio.get_running_loop()
    began = loop.time()
    (got,) = await send(here.proxy, post(here, model, prompt(call, orders)))
    return got, loop.time() - began


def test_a_connection_goes_on_after_failures(here: Here) -> None:
    """
    One connection: a call that fails over, one that is well, one that fails for good, one that fails over streamed, one that is well.
    """
    calls = [
        ("troubled", {"us": "reset"}, False),
        ("quiet", {}, False),
        ("troubled", {"us": "status503", "eu": "status503"}, False),
        ("troubled", {"us": "head-cut"}, True),
        ("quiet", {}, True),
    ]
    requests = [post(here, model, prompt(f"kept-{at}", told), stream=stream) for at, (model, told, stream) in enumerate(calls)]

    got = asyncio.run(send(here.proxy, *requests))

    assert [one.status for one in got] == [200, 200, 503, 200, 200] and all(one.complete for one in got)
    assert [said(one) for one in got if one.status == 200] == [answer("eu"), answer("us"), answer("eu"), answer("us")]
    assert len(rows_of(here, "troubled", 3)[0]) == 3 and len(rows_of(here, "quiet", 2)[0]) == 2


def test_what_is_wrong_with_an_answer_is_for_policy_to_say(here: Here) -> None:
    """
    An answer that goes round and round is given up where policy minds, and is the answer where it does not.
    """
    assert said(ask(here, "minding", "minding", {"us": "loops"})) == answer("eu")
    assert said(ask(here, "quiet", "not-minding", {"us": "loops"})).startswith("and so it goes on, and so it goes on")
    _, attempts = rows_of(here, "minding", 1)
    assert [attempt["error_type"] for attempt in attempts] == ["answer_repetition", None]


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
def test_a_client_that_leaves_meanwhile_ends_it_all(here: Here, stream: bool) -> None:
    """
    It leaves while the first target is silent: that one is hung up on, nobody else is asked, and one row says that the client left.
    """
    call = f"left-{stream}"

    async def leave() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", here.proxy.port)
        writer.write(post(here, "leaving", prompt(call, {"us": "silent"}), stream=stream))
        await asyncio.to_thread(here.group.standins["us"].wait, lambda _: bool(here.group.visits(call)))
        writer.close()
        await writer.wait_closed()

    asyncio.run(leave())
    assert here.group.standins["us"].wait(lambda _: all(seen.client_left for _, seen in here.group.visits(call)))
    rows, _ = rows_of(here, "leaving", 2 if stream else 1)

    assert [name for name, _ in here.group.visits(call)] == ["us"]
    assert rows[-1]["status"] == "cancelled" and rows[-1]["attempts"] == 1


def test_a_client_that_leaves_during_a_wait_ends_it(here: Here) -> None:
    """
    Nobody is asked for a client who is gone.
    """
    us = here.group.standins["us"]

    async def leave() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", here.proxy.port)
        writer.write(post(here, "waiting", prompt("waiting", {"us": "rate-late"})))
        await asyncio.to_thread(us.wait, lambda _: any(seen.answered for _, seen in here.group.visits("waiting")))
        await asyncio.sleep(1.2)  # the wait outlives what looks after idle connections
        writer.close()
        await writer.wait_closed()

    asyncio.run(leave())
    (row,), attempts = rows_of(here, "waiting", 1)

    assert row["status"] == "cancelled" and row["error_type"] == "client_disconnected"
    assert [attempt["http_status"] for attempt in attempts] == [429] and len(here.group.visits("waiting")) == 1
    assert row["latency_ms"] > 1000


def test_calls_that_come_by_the_provider_s_name_fail_over_too(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A service that calls api.openai.com as ever is served by Anthropic when OpenAI is down.
    """
    import openai

    from e2e.ways import PROXIES, TRUST

    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    for name in TRUST:
        monkeypatch.setenv(name, str(here.proxy.ready["ca"]))
    monkeypatch.setenv("HTTPS_PROXY", here.proxy.url)
    with openai.OpenAI(api_key="standin-key-of-the-client", max_retries=0) as client:
        for at, order in enumerate(("status503", "reset", "well")):
            messages: list[Any] = [{"role": "user", "content": prompt(f"named-{at}", {"us": order})}]
            plain = client.chat.completions.create(model="gpt-4o", messages=messages)
            assert plain.choices[0].message.content == answer("us" if order == "well" else "claude")


def test_a_client_that_could_speak_http_2_gets_its_answer_too(here: Here) -> None:
    """
    It is offered HTTP/1.1 alone, and takes it.
    """
    import httpx

    trust = ssl.create_default_context(cafile=str(here.proxy.ready["ca"]))
    with httpx.Client(http2=True, proxy=here.proxy.url, verify=trust, trust_env=False, timeout=20) as client:
        body = {"model": "gpt-4o", "messages": [{"role": "user", "content": prompt("second-version", {"us": "status503"})}]}
        headers = {"authorization": "Bearer standin-key-of-the-client"}
        done = client.post("https://api.openai.com/v1/chat/completions", json=body, headers=headers)
    assert (done.http_version, done.status_code) == ("HTTP/1.1", 200)
    assert done.json()["choices"][0]["message"]["content"] == answer("claude")
