"""
`excise policy simulate` on a ledger as the proxy leaves it.
"""

from __future__ import annotations

import json
import time
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from excise.cli.policy import register
from excise.errors import LedgerError
from excise.ids import uuid7
from excise.ledger import replay
from excise.ledger.hot import HotStore
from excise.ledger.journal import Journal
from excise.ledger.loader import Loader
from excise.ledger.publish import publish
from excise.ledger.query import reading
from excise.ledger.replay import replayed, survey

PROVIDERS = """version: 1
providers:
  - {provider: openai, key: env:NOT_THERE}
  - {provider: anthropic, key: env:NOT_THERE}
"""
CALL = {
    "status": "ok",
    "principal_id": "shop",
    "principal_type": "proxy_credentials",
    "capture": "proxy",
    "operation": "chat",
    "provider_requested": "openai",
    "provider_served": "openai",
    "model_requested": "GPT-4o",
    "stream": True,
    "task": "code",
    "task_confidence": 0.8,
    "complexity": 0.4,
    "estimated_input_tokens": 900,
    "expected_output_tokens": 300,
    "input_tokens": 1000,
    "output_tokens": 200,
    "cost_usd": "0.0045",
    "latency_ms": 2400.0,
    "ttft_ms": 400.0,
    "policy_action": "allow",
    "policy_id": "old@1",
    "policy_rule": "default",
}


def ledger(folder: Path, *calls: dict[str, Any]) -> Path:
    writer = Journal(folder / "journal", host="h", ballast_bytes=0)
    now = time.time_ns() // 1000
    for number, columns in enumerate(calls):
        writer.append("close", {"call_id": uuid7(), "started_at": now - 1_000_000 + number} | CALL | columns)
    writer.close()
    hot = HotStore(folder)
    Loader(hot, folder / "journal").step()
    with hot.transaction():
        hot.make_views()
    publish(hot)
    hot.close()
    return folder


@pytest.fixture(autouse=True)
def _a_day_of_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("excise.cli.planning.today", lambda: date(2026, 1, 1))  # models of the table are switched off one by one


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """
    Seven calls of two teams, one denied; and what is not replayed: a copy, a call with wrong credentials, a list
    the proxy answered itself, one of last year.
    """
    denied = {"status": "refused", "policy_action": "deny", "policy_rule": "no hard ones", "input_tokens": None, "output_tokens": None}
    return ledger(
        tmp_path,
        *({"team": "a"} for _ in range(5)),
        {"team": "b", "task": "conversation", "needs": ["vision"]},
        denied | {"team": "b", "cost_usd": None},
        {"team": "a", "shadow_of": "another"},
        {"status": "refused", "policy_action": None, "policy_id": None, "policy_rule": None, "error_type": "unauthenticated"},
        {"operation": "models", "policy_action": None, "policy_id": None, "policy_rule": None, "principal_type": "virtual_key"},
        {"team": "a", "started_at": time.time_ns() // 1000 - 400 * 86_400_000_000},
    )


def simulated(policy: str, data: Path, *options: str) -> str:
    path = data / "default.yml"
    path.write_text(PROVIDERS + policy + "\ndefault: allow\n")
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    result = CliRunner().invoke(app, ["policy", "simulate", str(path), "--data", str(data), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_what_would_be_different_is_said_for_programs(data: Path) -> None:
    """
    Models, money as text, latency, denials and what moved, before and after; calls that are not replayed are counted.
    """
    text = "routes: [{name: code, when: {task: code}, to: openai/gpt-5-mini}]"
    said = json.loads(simulated(text, data, "--json"))

    assert (said["calls"], said["exact"], said["every"]) == (7, True, 1)
    assert (said["before"]["sent"]["calls"], said["before"]["sent"]["cost_usd"]) == (6, "0.027000000")
    assert said["before"]["denied"] == [{"rule": "no hard ones", "team": "b", "calls": 1}]
    assert (said["after"]["denied"], said["newly_allowed"]) == ([], 1)
    assert {line["model"]: line["calls"] for line in said["after"]["by_model"]} == {"openai/gpt-5-mini": 6, "openai/gpt-4o": 1}
    (moved,) = said["moved"]
    assert (moved["from"], moved["to"], moved["calls"], moved["cost_before_usd"]) == (
        "openai/gpt-4o",
        "openai/gpt-5-mini",
        5,
        "0.022500000",
    )
    assert 0 < Decimal(moved["cost_low_usd"]) < Decimal(moved["cost_usd"]) < Decimal(moved["cost_high_usd"]) < Decimal("0.0225")
    assert said["before"]["latency_ms"]["p50"] == 2400.0
    assert said["after"]["latency_known_calls"] == 1  # of gpt-5-mini nothing is recorded
    assert any("1 shadow copies" in note for note in said["notes"])
    assert any("2 calls are left out: no rule decided" in note for note in said["notes"])
    assert any("1 calls that were refused would be sent" in note for note in said["notes"])


def test_what_would_be_different_is_said_for_people(data: Path) -> None:
    """
    With a range where a figure is not sure, and the reasons of those nobody can take.
    """
    text = "rules: [{name: no b, when: {team: b}, then: deny, reason: so}]\nroutes: [{name: all, to: openai/gpt-3.5-turbo}]"
    said = simulated(text, data)
    assert "on 7 calls since" in said
    assert "openai/gpt-3.5-turbo" in said
    assert "1  all: openai/gpt-3.5-turbo: cannot see pictures" in said
    assert "1  no b  team b" in said
    assert "what cannot be known" in said

    said = simulated("", data, "--since", "2000-01-01")
    assert "on 8 calls since 2000-01-01" in said


def test_nothing_recorded_is_no_fault(tmp_path: Path) -> None:
    """
    A new ledger is empty; one that is not there is said not to be.
    """
    assert "on 0 calls" in simulated("", ledger(tmp_path))
    with pytest.raises(LedgerError, match="no ledger at"):
        simulated("", tmp_path, "--data", str(tmp_path / "elsewhere"))


def test_conditions_on_what_is_not_recorded_are_named(data: Path) -> None:
    """
    Headers are in no ledger; hours are, and hold.
    """
    text = (
        "routes:\n  - {name: by header, when: {headers: {x-tier: gold}}, to: openai/gpt-5}\n"
        "  - {name: always, when: {expr: 'time.hour >= 0'}, to: openai/gpt-5-mini}"
    )
    said = json.loads(simulated(text, data, "--json"))

    assert said["routes"] == {"always": 7}
    assert any(note.startswith("headers are not in the ledger") for note in said["notes"])
    assert any(note.startswith("times count") for note in said["notes"])


def test_many_calls_are_taken_together_and_thinned_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Sums stay whole where calls that are nearly alike go together; where one stands for its neighbours they are estimates, and said to be.
    """
    data = ledger(tmp_path, *({"team": "a", "estimated_input_tokens": 900 + number, "complexity": number / 1000} for number in range(60)))
    with reading(data) as con:

        def bunches(extras: set[str]) -> list[replay.Recorded]:
            return list(replayed(con, None, survey(con, None), extras=extras, billable=lambda provider, operation: True))

        assert len(bunches(set())) == 60
        monkeypatch.setattr(replay, "EXACT_CALLS", 10)
        near = bunches(set())
        assert len(near) < 10
        assert (sum(one.calls for one in near), sum(one.cost_usd for one in near)) == (60, 60 * Decimal("0.0045"))
        assert near[0].facts.principal == "anonymous"  # not asked about, so it does not tell calls apart
        assert bunches({"principal"})[0].facts.principal == "shop"
        monkeypatch.setattr(replay, "MOST_CALLS", 20)
        assert survey(con, None).every == 3
        assert 20 < sum(one.calls for one in bunches(set())) < 120
        assert {one.calls % 3 for one in bunches(set())} == {0}
    said = json.loads(simulated("routes: [{name: all, to: openai/gpt-5-mini}]", data, "--json"))
    assert said["every"] == 3
    assert said["notes"][0].startswith("each of 3 calls")


def test_a_bunch_is_what_the_ledger_says(data: Path) -> None:
    """
    Names as policies compare them, tokens and needs as recorded, latencies by model.
    """
    with reading(data) as con:
        found = list(replayed(con, None, survey(con, None), extras=replay.EXTRAS.keys(), billable=lambda provider, operation: False))
        speed = replay.speeds(con, None)["openai", "gpt-4o"]
    (seeing,) = [one for one in found if one.profile is not None and one.profile.needs]

    assert (seeing.facts.model, seeing.place.model, seeing.facts.needs, seeing.facts.billable) == ("gpt-4o", "gpt-4o", {"vision"}, False)
    assert (seeing.facts.input_tokens, seeing.input_tokens, seeing.output_tokens, seeing.cost_usd) == (900, 1000, 200, Decimal("0.0045"))
    assert (seeing.facts.principal, seeing.facts.now is not None) == ("shop", True)
    assert speed.milliseconds[0] == 2400.0
    assert (speed.standing.first_byte_seconds, speed.standing.tokens_per_second) == (0.4, 100.0)


def test_token_ratios_are_those_of_the_ledger(tmp_path: Path) -> None:
    """
    A model that bills twice as many tokens for the same text is expected to do so for what moves there; what is estimated, what is odd and
    what is short teaches nothing.
    """
    sure = {"usage_source": "provider", "estimated_input_tokens": 1000}
    odd = sure | {"input_tokens": 100_000, "cost_usd": None}
    rows = [
        *(sure | {"input_tokens": 1000} for _ in range(6)),
        *(sure | {"provider_served": "anthropic", "model_requested": "Claude-Haiku-4-5", "input_tokens": 2000} for _ in range(6)),
        *(odd for _ in range(6)),
        *({"usage_source": "estimated", "input_tokens": 5000} for _ in range(6)),
        *(sure | {"model_requested": "short", "estimated_input_tokens": 20} for _ in range(6)),
    ]
    data = ledger(tmp_path, *rows)
    with reading(data) as con:
        ratios = replay.token_ratios(con, None)
    assert sorted((model, round(mean, 3), count) for _, model, mean, count in ratios) == [
        ("claude-haiku-4-5", 0.693, 6),
        ("gpt-4o", 0.0, 6),
    ]

    said = json.loads(simulated("routes: [{name: all, when: {model: gpt-4o}, to: anthropic/claude-haiku-4-5}]", data, "--json"))
    (moved,) = [one for one in said["moved"] if one["from"] == "openai/gpt-4o"]
    tokens = 2 * (6 * 1000 + 6 * 100_000 + 6 * 5000)
    assert Decimal(moved["cost_usd"]) == (tokens * Decimal(1) + 2 * 18 * 200 * Decimal(5)) / 1_000_000


def test_a_wrong_time_is_a_usage_error(data: Path) -> None:
    """
    Of the option, not a fault of the ledger.
    """
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    (data / "default.yml").write_text(PROVIDERS + "default: allow\n")

    assert CliRunner().invoke(app, ["policy", "simulate", str(data / "default.yml"), "--since", "soon"]).exit_code == 2
