"""
What routing leaves in the ledger: the plan, each try, and what the tries cost, whoever dies when.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import orjson
import pytest
from writing import ENVIRONMENT, NOW_US, close, journal, lines, load, serve_to_the_end

from excise.cli.tail import line
from excise.exchange import Attempt, Call, Capture, ClientInfo, Cost, Decision, Exchange, HttpRequest, Prompt, Route, Status
from excise.ids import uuid7
from excise.ledger.hot import MIGRATIONS, HotStore
from excise.ledger.query import ask
from excise.ledger.rows import Place, Rows, merge
from excise.policy.deployment import TargetRef
from excise.policy.terms import Failover
from excise.routing.course import Course
from excise.routing.failure import Failure
from excise.routing.plan import Candidate, Plan
from excise.routing.profile import Need, Profile, Task
from excise.stages.record import Record
from excise.wire.loss import Change, Loss
from excise.wire.usage import Usage, UsageSource

CALL = Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body")
OURS = Candidate(TargetRef("near", "m-small"), "cheapest", Decimal("0.00012"), 0.8125, 0.61, 0.9)
OTHER = Candidate(TargetRef("far", "m-large"), "second", None, None, None, 0.4, efficient=False)
GONE = Candidate(TargetRef("far", "m-old"), "no tools")
PLAN = Plan(
    "cheap",
    "optimise",
    (OURS, OTHER, replace(OTHER, target=TargetRef("far", "m-tiny"))),
    (GONE,),
    failover=Failover(),
    notes=("canary: 5 %",),
)
PROFILE = Profile(Task.CODE, 0.8, 0.3333333, frozenset({Need.VISION, Need.TOOLS}), input_tokens=120, output_tokens=40)


def routed(deployment: str, provider: str, model: str) -> Route:
    call = replace(CALL, provider=provider, model=model)
    return Route(call, deployment, "https", f"{deployment}.test", 443, "/v1", "cheap", f"why {deployment}", "default@1")


def begun() -> Exchange:
    """
    A call at its first target.
    """
    return Exchange(
        id=uuid7(NOW_US // 1000),
        started_at_us=NOW_US,
        started=100.0,
        client=ClientInfo("10.0.0.1", 1, Capture.PROXY),
        http=HttpRequest("POST", "https", "api.openai.com", 443, "/v1/chat/completions", (), b"{}"),
        call=CALL,
        prompt=Prompt(b"{}", {}, "m-asked", stream=False),
        profile=PROFILE,
        course=Course(PLAN, started=100.0, dice=lambda: 0.0),
        route=routed("near", "openai", "m-small"),
        losses=(Loss("seed", Change.DROPPED, "unknown there"),),
        decision=Decision(allow=True, action="allow", policy_id="default@1", rule="first", reason="because"),
        attempts=[Attempt("openai", "m-small", "near.test", 100.01, deployment="near", dialect="openai-chat", why="cheapest")],
    )


async def failing_over(record: Record) -> str:
    """
    Two targets fail, the third answers; returns the call's id.
    """
    leg = begun()
    tries = leg.attempts
    await record.on_request(leg)
    for deployment, provider, status in (("far", "anthropic", 503), ("far", "anthropic", 200)):
        last = tries[-1]
        last.ended, last.http_status, last.error_type, last.outcome = last.started + 0.5, 503, "http_503", "failed"
        last.usage, last.usage_source, last.cost = Usage(uncached_input_tokens=7), UsageSource.PARTIAL, Cost(Decimal("0.000000007"), "p1")
        assert leg.course is not None
        leg.course.began()
        leg.course.after(Failure("http_503", "answer", 503), last.ended)
        tries.append(Attempt(provider, "m-large", f"{deployment}.test", last.ended, why="http_503", wait_seconds=0.25))
        leg = replace(
            leg,
            route=routed(deployment, provider, "m-large"),
            losses=(),
            decision=Decision(allow=True, action="allow", policy_id="default@1", rule=f"rule {status}"),
            attempt=tries[-1],
        )
        await record.on_request(leg)
        await record.on_attempt(leg)
    assert leg.course is not None
    tries[-1].http_status, tries[-1].ended = 200, 102.0
    leg.course.excluded.append(replace(OTHER, reason="not what it can do"))
    leg.usage, leg.usage_source = Usage(uncached_input_tokens=11, text_output_tokens=5), UsageSource.PROVIDER
    leg.cost, leg.status, leg.http_status, leg.ended, leg.ended_at_us = (
        Cost(Decimal("0.02"), "p2"),
        Status.OK,
        200,
        102.0,
        NOW_US + 2_000_000,
    )
    await record.on_finish(leg)
    return leg.id


def written(directory: Path) -> Path:
    """
    A journal file of one call that failed over twice: header, open, two of attempts, close.
    """
    writer = journal(directory)
    asyncio.run(failing_over(Record(writer, block=lambda: True)))
    assert writer.file is not None
    path = writer.file
    writer.close()
    return path


def rows(hot: HotStore, columns: str, table: str) -> list[tuple[object, ...]]:
    return hot.rows(f"SELECT {columns} FROM live.{table} ORDER BY {'attempt' if table == 'attempts' else 'call_id'}")


def test_a_call_that_failed_over_is_one_row_with_all_its_tries(tmp_path: Path) -> None:
    """
    The row names whoever answered and what that cost; each try has its own reason, end, tokens and cost; the plan is in the decision.
    """
    path = written(tmp_path / "journal")
    assert [line["kind"] for line in lines(path)] == ["header", "open", "attempt", "attempt", "close"]
    hot = load(tmp_path)

    columns = "provider_served, deployment, model_routed, server_host, policy_rule, losses, attempts, cost_usd, input_tokens, status"
    assert rows(hot, columns, "calls") == [
        ("anthropic", "far", "m-large", "far.test", "rule 200", "{}", 3, Decimal("0.020000000"), 11, "ok")
    ]
    profile = "task, task_confidence, complexity, needs, estimated_input_tokens, expected_output_tokens, strategy, shadow_of"
    assert rows(hot, profile, "calls") == [("code", 0.8, 0.3333, ["tools", "vision"], 120, 40, "optimise", None)]
    columns = "attempt, deployment, dialect, outcome, why, wait_ms, input_tokens, output_tokens, usage_source, cost_usd, price_version"
    failed = ("failed", 7, None, "partial", Decimal("0.000000007"), "p1")
    assert rows(hot, columns, "attempts") == [
        (1, "near", "openai-chat", "failed", "cheapest", 0.0, *failed[1:]),
        (2, None, None, "failed", "http_503", 250.0, *failed[1:]),
        (3, "far", "openai-chat", "ok", "http_503", 250.0, 11, 5, "provider", Decimal("0.020000000"), "p2"),
    ]
    (decision,) = rows(hot, "rule, reason, strategy, task, candidates, excluded, notes, last_resort", "decisions")
    assert decision[:4] == ("rule 200", None, "optimise", "code")
    candidates, excluded, notes = (orjson.loads(str(value)) for value in decision[4:7])
    assert candidates[0] == {
        "target": "near/m-small", "reason": "cheapest", "score": 0.9, "cost_usd": "0.00012", "latency_seconds": 0.812, "quality": 0.61,
    }  # fmt: skip
    assert candidates[1] == {"target": "far/m-large", "reason": "second", "score": 0.4, "dominated": True}
    assert [(one["target"], one["reason"]) for one in excluded] == [("far/m-old", "no tools"), ("far/m-large", "not what it can do")]
    assert (notes, decision[7]) == (["canary: 5 %"], False)
    hot.close()


def test_death_at_any_line_loses_no_try_and_counts_none_twice(tmp_path: Path) -> None:
    """
    Whatever whole lines a dead worker left, and wherever the last one broke off: one row, and each try begun by then once, those that had
    ended with their end.
    """
    whole = written(tmp_path / "journal").read_bytes()
    ends = [place + 1 for place, byte in enumerate(whole) if byte == 10]
    cuts = [(number, end) for number, end in enumerate(ends)] + [(number, end + 40) for number, end in enumerate(ends[:-1])]
    outcomes = {0: None, 1: [], 2: ["failed", None], 3: ["failed", "failed", None], 4: ["failed", "failed", "ok"]}
    name = next((tmp_path / "journal").glob("*.ndjson")).name
    for number, cut in cuts:
        data = tmp_path / f"cut{cut}"
        (data / "journal").mkdir(parents=True)
        (data / "journal" / name).write_bytes(whole[:cut])
        for _ in range(2):
            hot = load(data)
            expected = outcomes[number]
            found = rows(hot, "attempt, outcome, ended_at IS NULL", "attempts")
            assert found == [(at, said, said is None) for at, said in enumerate(expected or [], 1)], cut
            known = [] if expected is None else [("ok" if number == 4 else "unknown", 3 if number == 4 else len(expected) or None)]
            assert rows(hot, "status, attempts", "calls") == known
            hot.close()
        shutil.rmtree(data)


def test_a_try_that_ended_survives_kill_9(tmp_path: Path) -> None:
    """
    An `attempt` line is on disk when `append` returns, and the call's row says where it was sent last.
    """
    script = (
        "import json, os, signal, sys; from pathlib import Path; from excise.ledger.journal import Journal;"
        "j = Journal(Path(sys.argv[1]), host='h', ballast_bytes=0);"
        "j.append('open', {'call_id': 'a', 'provider_served': 'one', 'estimate': {'input_tokens': 9}});"
        "j.append('attempt', {'call_id': 'a', 'provider_served': 'two', 'attempts_detail': [{'attempt': 1, 'error_type': 'http_503'}]});"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(tmp_path / "journal")], check=False, env=ENVIRONMENT)
    assert killed.returncode == -signal.SIGKILL
    hot = load(tmp_path)

    assert rows(hot, "provider_served, status, attempts, input_tokens", "calls") == [("two", "unknown", 1, 9)]
    assert rows(hot, "attempt, error_type", "attempts") == [(1, "http_503")]
    hot.close()


def test_a_late_close_replaces_what_was_booked_for_the_dead(tmp_path: Path) -> None:
    """
    A worker believed dead that closes its call all the same: the tries are those it closes with, and a late `attempt` line adds none.
    """
    writer = journal(tmp_path / "journal")
    writer.append("open", {"call_id": "a", "started_at": NOW_US})
    writer.append("attempt", {"call_id": "a", "attempts_detail": [{"attempt": 1, "provider": "one"}]})
    writer.close()
    load(tmp_path).close()
    again = journal(tmp_path / "journal")
    again.append("attempt", {"call_id": "a", "attempts_detail": [{"attempt": 1}, {"attempt": 2}]})
    again.append("close", close("a", attempts_detail=[{"attempt": 1, "provider": "one"}, {"attempt": 2, "provider": "two"}]))
    again.close()
    hot = load(tmp_path)

    assert rows(hot, "attempt, provider", "attempts") == [(1, "one"), (2, "two")]
    assert rows(hot, "status, attempts", "calls") == [("ok", 2)]
    hot.close()


@pytest.mark.parametrize(
    ("before", "after", "attempts"),
    [
        ([{"attempt": 1, "host": "a"}], [{"attempt": 1, "host": "b"}], {1: "b"}),
        ([{"attempt": 2, "host": "a"}], [{"attempt": 1, "host": "b"}], {1: "b", 2: "a"}),
        ([{"host": "a"}, {"host": "b"}], [{"host": "c"}], {1: "c", 2: "b"}),
        ("rubbish", [{"host": "c"}, 7, {"attempt": "x", "host": "d"}], {1: "c", None: "d"}),
    ],
)
def test_the_last_word_on_a_try_counts(before: object, after: object, attempts: dict[int | None, str]) -> None:
    """
    Tries are told apart by their number, or their place where they bear none; later lines say no less than earlier ones.
    """
    made = Rows()
    made.add_call("a", merge({"attempts_detail": before}, {"attempts_detail": after}), Place("f", 0))

    assert {row.get("attempt"): row["host"] for row in made.tables["attempts"]} == attempts


def test_older_stores_and_files_get_the_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A ledger made and sealed before this version is read on: the new columns are NULL there.
    """
    old = tmp_path / "migrations"
    old.mkdir()
    for path in sorted(MIGRATIONS.glob("*.sql"))[:3]:
        shutil.copy(path, old)
    monkeypatch.setattr("excise.ledger.hot.MIGRATIONS", old)
    hot = HotStore.__new__(HotStore)  # the tables as they were; today's columns are not asked for
    hot.data, hot.path = tmp_path, tmp_path / "hot.duckdb"
    hot.con = duckdb.connect(":memory:")
    hot._open()
    folder = tmp_path / "parquet" / "date=2026-11-06"
    folder.mkdir(parents=True)
    hot.con.execute("INSERT INTO live.calls (call_id, started_at, status) VALUES ('old', make_timestamp(?), 'ok')", [NOW_US])
    hot.con.execute(f"COPY (FROM live.calls) TO '{folder}/calls-1.parquet'")
    hot.con.execute("DELETE FROM live.calls")
    hot.con.execute(
        "INSERT INTO book.sealed VALUES ('date=2026-11-06/calls-1.parquet', 'calls', '2026-11-06', 1, 3, now()::TIMESTAMP, NULL)"
    )
    hot.con.close()
    monkeypatch.undo()
    writer = journal(tmp_path / "journal")
    writer.append("close", close("new", task="code", needs=["tools"]))
    writer.close()
    serve_to_the_end(tmp_path)

    assert ask(tmp_path, "SELECT call_id, task, needs FROM calls ORDER BY call_id DESC").rows == (
        ("old", None, None),
        ("new", "code", ["tools"]),
    )


def test_wasted_money_and_late_answers_can_be_asked_for(tmp_path: Path) -> None:
    """
    `spend_wasted` holds what failed tries cost and no call was charged; `failover_daily` how many calls were saved and how late they were;
    a copy counts in spend, apart and together, and in no failover.
    """
    writer = journal(tmp_path / "journal")
    asyncio.run(failing_over(Record(writer, block=lambda: True)))
    second = NOW_US + 1_000_000
    plain = [{"provider": "openai", "outcome": "ok", "started_at": NOW_US, "cost_usd": "0.5"}]
    lost = [{"provider": "openai", "outcome": "failed", "error_type": "http_500", "started_at": at} for at in (NOW_US, second)]
    writer.append("close", close("plain", cost_usd="0.5", team="t", attempts_detail=plain))
    writer.append("close", close("lost", status="error", team="t", attempts_detail=lost))
    writer.append("close", close("copy", cost_usd="0.25", team="t", shadow_of="plain", attempts_detail=plain))
    writer.close()
    serve_to_the_end(tmp_path)

    wasted = ask(
        tmp_path, "SELECT provider, model, error_type, tries, input_tokens, cost_usd, unpriced_tries FROM spend_wasted ORDER BY 1, 2"
    )
    assert wasted.rows == (
        ("anthropic", "m-large", "http_503", 1, 7, Decimal("0.000000007"), 0),
        ("openai", "m-small", "http_503", 1, 7, Decimal("0.000000007"), 0),
        ("openai", None, "http_500", 2, None, None, 2),
    )
    columns = "first_provider, calls, calls_tried_again, answered_after_failover, calls_moved, added_p50_ms"
    assert ask(tmp_path, f"SELECT {columns} FROM failover_daily").rows == (("openai", 3, 2, 1, 1, 1000.0),)
    spent = ask(tmp_path, "SELECT calls, cost_usd, shadow_usd FROM spend_by_team WHERE team = 't'")
    assert spent.rows == ((3, Decimal("0.75"), Decimal("0.25")),)
    assert ask(tmp_path, "SELECT shadow FROM errors_daily").rows == ((False,),)


def test_reasons_and_plans_are_bounded(tmp_path: Path) -> None:
    """
    A policy that names thousands of targets does not make lines of thousands of them.
    """
    exchange = begun()
    many = tuple(replace(OURS, reason="x" * 9000) for _ in range(1000))
    exchange.course = Course(replace(PLAN, candidates=many, excluded=many), started=100.0, dice=lambda: 0.0)
    writer = journal(tmp_path / "journal")
    asyncio.run(Record(writer, block=lambda: True).on_request(exchange))
    assert writer.file is not None

    line = lines(writer.file)[1]
    assert (len(line["candidates"]), len(line["excluded"]), len(line["candidates"][0]["reason"])) == (50, 50, 500)
    assert os.path.getsize(writer.file) < 100_000
    writer.close()


def test_a_call_between_tries_is_under_way() -> None:
    """
    `excise tail` shows it as it shows one that has just begun, at the provider it goes to now.
    """
    text = line(
        {"kind": "attempt", "call_id": "a", "started_at": NOW_US, "team": "t", "provider_served": "anthropic", "model_requested": "m"}
    )

    assert text.endswith("…          t  anthropic m")
