"""
`excise policy explain` and `test` where policies choose targets.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from test_simulate_cli import PROVIDERS, ledger
from typer.testing import CliRunner

from excise.catalog.models import Models
from excise.cli.planning import profile_from
from excise.cli.policy import register
from excise.errors import LedgerError
from excise.exchange import Capture
from excise.health.shared import SharedHealth
from excise.health.target_health import TargetHealth
from excise.ids import uuid7
from excise.ledger.query import ask
from excise.policy.decide import Facts
from excise.policy.deployment import TargetRef
from excise.routing.failure import Failure
from excise.routing.profile import Task
from excise.routing.profiling import profile_of
from excise.routing.profiling.length import expected_output
from excise.wire.dialects.registry import DIALECTS
from excise.wire.neutral import Request, Text, Turn
from excise.wire.survey import USUAL as BY_DIALECT

POLICY = (
    PROVIDERS
    + """rules:
  - {name: no haiku, when: {model: "*haiku*", team: b}, then: deny, reason: too small}
aliases:
  Fast: openai/gpt-5-mini
routes:
  - name: hard code
    when: {task: code, complexity: {from: 0.5}, tags: {tier: gold}}
    to: anthropic/claude-opus-4-5
  - name: code
    when: {task: code}
    to: [openai/gpt-3.5-turbo, anthropic/claude-haiku-4-5, openai/gpt-5-mini]
    optimise: {cost: 1}
    shadow: {target: openai/gpt-5, percent: 90}
  - name: shared
    when: {headers: {x-lab: "yes"}}
    to: [{target: openai/gpt-5-mini, weight: 1}, {target: anthropic/claude-haiku-4-5, weight: 9}]
default: allow
"""
)


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("EXCISE_POLICIES", "EXCISE_PROVIDERS", "EXCISE_DATA", "EXCISE_PRICES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("excise.cli.planning.today", lambda: date(2026, 1, 1))  # models of the table are switched off one by one
    path = tmp_path / "default.yml"
    path.write_text(POLICY)
    return path


def said(command: str, *arguments: str, code: int = 0) -> str:
    app = typer.Typer()
    app.callback()(lambda: None)
    register(app)
    result = CliRunner().invoke(app, ["policy", command, *arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def explained(policy: Path, *arguments: str) -> dict[str, Any]:
    answer = json.loads(said("explain", *arguments, "--policies", str(policy), "--json"))
    assert isinstance(answer, dict)
    return answer


CODE = ("--provider", "openai", "--model", "gpt-4o", "--task", "code", "--input-tokens", "2000", "--output-tokens", "300")


def test_the_plan_of_a_described_call_is_told(policy: Path) -> None:
    """
    Candidates in order with expected cost and quality, who is excluded and why, which entry decided and why the others did not.
    """
    answer = explained(policy, *CODE, "--needs", "vision,tools", "--complexity", "0.4")
    plan = answer["plan"]
    assert (plan["rule"], plan["strategy"], plan["shadow"]) == ("code", "optimise", "openai/gpt-5")
    assert [one["target"] for one in plan["candidates"]] == ["openai/gpt-5-mini", "anthropic/claude-haiku-4-5"]
    assert float(plan["candidates"][0]["cost_usd"]) < float(plan["candidates"][1]["cost_usd"])
    assert plan["candidates"][0]["score"] == 1.0
    assert [(one["target"], one["reason"]) for one in plan["excluded"]] == [("openai/gpt-3.5-turbo", "cannot see pictures")]
    assert [(one["route"], one["matched"]) for one in answer["routes"]] == [("hard code", False), ("code", True), ("shared", False)]
    assert answer["routes"][0]["why"].startswith("complexity is not from 0.5")
    assert answer["profile"]["needs"] == ["tools", "vision"]
    assert answer["health"] == "taken to be healthy"

    text = said("explain", *CODE, "--needs", "vision", "--complexity", "0.4", "--policies", str(policy))
    assert "plan by code: optimise, up to 4 attempts; targets taken to be healthy" in text
    assert "  1. openai/gpt-5-mini: score 1.00: cost" in text
    assert "  - openai/gpt-3.5-turbo: cannot see pictures" in text
    assert "  a copy of 90 % of such calls goes to openai/gpt-5\n" in text
    assert "- hard code: complexity is not from 0.5" in text


def test_rules_are_asked_of_the_targets(policy: Path) -> None:
    """
    The decision is that of whoever takes the call; a candidate policy denies is named as such.
    """
    weighted = ("--provider", "openai", "--header", "X-Lab=yes", "--team", "b")
    plan = explained(policy, *weighted)["plan"]
    assert [(one["target"], one["denied_by"]) for one in plan["candidates"]] == [
        ("anthropic/claude-haiku-4-5", "no haiku"),
        ("openai/gpt-5-mini", None),
    ]
    assert explained(policy, *weighted)["allow"]
    assert "denied by no haiku" in said("explain", *weighted, "--policies", str(policy))


def test_nobody_is_no_allowance(policy: Path) -> None:
    """
    A call that no target can take, or whose model means nothing to a virtual key, is refused.
    """
    deaf = (*CODE, "--needs", "audio")
    answer = explained(policy, *deaf)
    assert (answer["allow"], answer["reason"], len(answer["plan"]["excluded"])) == (False, "no target can take this call", 3)
    assert "openai/gpt-5-mini: cannot hear" in said("explain", *deaf, "--policies", str(policy))

    answer = explained(policy, "--provider", "openai", "--model", "no-such-model", "--virtual-key")
    assert not answer["allow"]
    assert "no provider here has a model of that name" in answer["reason"]


def test_an_alias_is_known_to_virtual_keys(policy: Path) -> None:
    """
    As it is written, capitals and all; without such a key the call goes where it was sent, and it is said what is missing.
    """
    plan = explained(policy, "--provider", "openai", "--model", "Fast", "--virtual-key")["plan"]
    assert (plan["rule"], plan["candidates"][0]["target"]) == ("alias Fast", "openai/gpt-5-mini")
    assert explained(policy, "--provider", "openai", "--model", "Fast")["plan"] is None
    hint = "`Fast` is an alias: only holders of a key of yours may ask for it (--virtual-key)"
    assert f"hint: {hint}\n" in said("explain", "--provider", "openai", "--model", "Fast", "--policies", str(policy))
    for others in (("--model", "Fast", "--virtual-key"), ("--model", "fast"), ("--model", "Fast", "--task", "code")):
        assert explained(policy, "--provider", "openai", *others)["hint"] is None


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        ("openai-chat", {"model": "m", "messages": [{"role": "user", "content": "TEXT"}], "max_tokens": 50}),
        ("anthropic-messages", {"model": "m", "messages": [{"role": "user", "content": "TEXT"}], "max_tokens": 50}),
        ("gemini", {"contents": [{"role": "user", "parts": [{"text": "TEXT"}]}], "generationConfig": {"maxOutputTokens": 50}}),
        ("openai-responses", {"model": "m", "input": "TEXT", "max_output_tokens": 50}),
    ],
)
def test_a_request_is_profiled_as_the_proxy_does(policy: Path, tmp_path: Path, dialect: str, body: dict[str, Any]) -> None:
    """
    Task, tokens and needs are read from the file; what options say counts; nothing of its text is in the answer.
    """
    text = "Write a Python function that reverses a linked list, with tests. Call it zanzibar."
    file = tmp_path / "request.json"
    file.write_text(json.dumps(body).replace("TEXT", text))
    answer = explained(policy, "--file", str(file), "--dialect", dialect, "--model", "m")
    assert (answer["profile"]["task"], answer["profile"]["max_tokens"]) == ("code", 50)
    assert answer["profile"]["input_tokens"] > 10
    assert answer["facts"]["provider"] == BY_DIALECT[dialect]
    assert answer["plan"]["rule"] == "code"
    assert "zanzibar" not in json.dumps(answer)

    other = explained(policy, "--file", str(file), "--dialect", dialect, "--model", "m", "--task", "translation")
    assert (other["profile"]["task"], other["profile"]["confidence"], other["plan"]) == ("translation", 1.0, None)


@pytest.mark.parametrize(
    ("arguments", "operation"),
    [
        (("--provider", "openai"), "chat"),
        (("--provider", "openai", "--operation", "responses"), "responses"),
        (("--provider", "anthropic"), "messages"),
        (("--provider", "anthropic", "--operation", "chat"), "chat"),
        (("--provider", "mistral"), "chat"),
        (("--provider", "gemini"), "chat"),
        (("--provider", "groq"), "chat"),
    ],
)
def test_a_file_without_a_dialect_is_in_its_providers(policy: Path, tmp_path: Path, arguments: tuple[str, ...], operation: str) -> None:
    """
    As the catalogue says of provider and operation.
    """
    text = "Write a Python function that reverses a linked list, with tests."
    file = tmp_path / "request.json"
    if "gemini" in arguments:
        file.write_text(json.dumps({"contents": [{"role": "user", "parts": [{"text": text}]}]}))
    elif operation == "responses":
        file.write_text(json.dumps({"model": "m", "input": text}))
    else:
        file.write_text(json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 50}))
    answer = explained(policy, "--file", str(file), "--model", "m", *arguments)

    assert (answer["facts"]["operation"], answer["profile"]["task"]) == (operation, "code")


def test_every_dialect_has_a_provider() -> None:
    """
    So that a new one cannot be forgotten here.
    """
    assert BY_DIALECT.keys() == DIALECTS.keys()


def test_what_is_no_request_is_a_usage_error(policy: Path, tmp_path: Path) -> None:
    """
    Nor a dialect that is none, nor a task.
    """
    file = tmp_path / "request.json"
    file.write_text("no")
    wrong = [
        ("--file", str(file), "--dialect", "openai-chat"),
        ("--file", str(file), "--dialect", "esperanto"),
        ("--file", str(tmp_path / "nothing"), "--dialect", "openai-chat"),
        ("--file", str(file)),
        ("--file", str(file), "--provider", "openai"),
        ("--file", str(file), "--provider", "openai", "--operation", "embeddings"),
        ("--provider", "openai", "--task", "nonsense"),
        ("--provider", "openai", "--complexity", "2"),
        ("--provider", "openai", "--time", "soon"),
        ("--provider", "openai", "--header", "x"),
    ]
    for arguments in wrong:
        said("explain", *arguments, "--policies", str(policy), code=2)


def test_a_call_of_the_ledger_is_explained_with_what_became_of_it(policy: Path, tmp_path: Path) -> None:
    """
    By its id alone, against the policy of today; the ledger is only read.
    """
    call = uuid7()
    tries = [
        {"provider": "openai", "model": "m", "outcome": "failed", "error_type": "http_503", "why": "number 1 as written"},
        {"provider": "anthropic", "model": "n", "outcome": "ok", "why": "http_503"},
    ]
    excluded = [{"target": "openai/old", "reason": "no tools"}]
    ledger(
        tmp_path,
        {"call_id": call, "team": "b", "tags": {"tier": "gold"}, "complexity": 0.7, "attempts_detail": tries, "excluded": excluded},
    )
    answer = explained(policy, "--call", call, "--data", str(tmp_path))
    assert (answer["plan"]["rule"], answer["facts"]["tags"], answer["profile"]["input_tokens"]) == ("hard code", {"tier": "gold"}, 900)
    assert [one["outcome"] for one in answer["then"]["tries"]] == ["failed", "ok"]
    text = said("explain", "--call", call, "--data", str(tmp_path), "--policies", str(policy))
    first = "  1. openai/m: failed (http_503); asked because: number 1 as written\n"
    assert f"then: answered by openai/gpt-4o\n{first}  2. anthropic/n: ok; asked because: http_503\n" in text
    assert "  - openai/old: no tools" in text

    with pytest.raises(LedgerError, match="has no call"):
        said("explain", "--call", uuid7(), "--data", str(tmp_path), "--policies", str(policy))
    assert ask(tmp_path, "SELECT count(*) FROM calls").rows == ((1,),)


def test_a_target_that_is_out_of_order_now_is_said_to_be(policy: Path, tmp_path: Path) -> None:
    """
    With the data directory of a running proxy; without, all are healthy.
    """
    (tmp_path / "state").mkdir()
    shared = SharedHealth(tmp_path / "state" / "health")
    for _ in range(30):
        TargetHealth(shared).failed(TargetRef("openai", "gpt-5-mini"), 0, Failure("http_503", "answer", 503))
    shared.close()
    answer = explained(policy, *CODE, "--needs", "vision", "--data", str(tmp_path))

    assert answer["health"] == "as the proxy sees it now"
    assert [one["target"] for one in answer["plan"]["candidates"]] == ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini"]
    assert answer["plan"]["candidates"][1]["reason"].startswith("breaker open")


def test_tests_of_a_policy_see_the_planned_order(policy: Path) -> None:
    """
    `to:` is what the planner makes of the choice, not what stands there.
    """
    call = "{provider: openai, model: gpt-4o, task: code, needs: vision, input_tokens: 2000, output_tokens: 300}"
    tests = policy.with_name("default.test.yml")
    tests.write_text(f"- {{name: the cheapest that sees, call: {call}, expect: {{allow: true, to: openai/gpt-5-mini}}}}\n")
    assert "1 passed, 0 failed" in said("test", str(policy))

    tests.write_text(tests.read_text().replace("openai/gpt-5-mini", "openai/gpt-3.5-turbo"))
    assert "0 passed, 1 failed" in said("test", str(policy), code=1)


def test_a_described_call_costs_what_workers_expect(policy: Path) -> None:
    """
    With the length of the answer estimated by task, difficulty and input, as from the words; so a ceiling can be met, and says why not.
    """
    code = ("--provider", "openai", "--task", "code", "--complexity", "0.4", "--input-tokens", "2000")
    costs = {one["target"]: Decimal(one["cost_usd"]) for one in explained(policy, *code)["plan"]["candidates"]}
    (cheap, low), (_, high), *_ = sorted(costs.items(), key=lambda entry: entry[1])
    tests = policy.with_name("default.test.yml")
    call = "{provider: openai, model: gpt-4o, task: code, complexity: 0.4, input_tokens: 2000}"
    tests.write_text(f"- {{name: a, call: {call}, expect: {{allow: true, to: [{cheap}]}}}}\n")
    policy.write_text(POLICY.replace("optimise: {cost: 1}", f'require: {{max_cost_usd: "{(low + high) / 2}"}}'))
    assert "1 passed, 0 failed" in said("test", str(policy))

    policy.write_text(POLICY.replace("optimise: {cost: 1}", "require: {max_cost_usd: 0.00001}"))
    told = said("test", str(policy), code=1)
    assert f"expected {cheap} to be asked, but it is none (" in told
    assert f"{cheap}: expected cost is {float(low):.4g} USD, at most 1e-05 USD is allowed" in told

    assert explained(policy, *code)["profile"]["output_tokens"] == 980
    assert profile_from(facts_of_code(output_tokens=70)).output_tokens == 70
    hello = profile_of(Request("openai-chat", "m", turns=(Turn("user", (Text(text="Hello"),)),)), input_tokens=2)
    assert hello.output_tokens == expected_output(hello.task, hello.complexity, 2, None)


def facts_of_code(**more: Any) -> Facts:
    return Facts(principal="p", provider="openai", operation="chat", capture=Capture.PROXY, task="code", **more)


def test_models_are_switched_off_by_the_time_of_the_call(policy: Path) -> None:
    """
    Where a test, or a description, says when; else today.
    """
    until = Models.load().find("openai", "gpt-3.5-turbo")
    assert until is not None
    assert until.deprecation_date is not None
    tests = policy.with_name("default.test.yml")
    order = {0: ["openai/gpt-3.5-turbo", "openai/gpt-5-mini"], 1: ["openai/gpt-5-mini"]}
    text = POLICY.replace("    optimise: {cost: 1}\n", "")
    policy.write_text(text.replace("[openai/gpt-3.5-turbo, anthropic/claude-haiku-4-5,", "[openai/gpt-3.5-turbo,"))
    for days, targets in order.items():
        time = f"{until.deprecation_date + timedelta(days=days)}T12:00:00+00:00"
        call = f"{{provider: openai, model: gpt-4o, task: code, time: {time}}}"
        tests.write_text(f"- {{name: a, call: {call}, expect: {{allow: true, to: [{', '.join(targets)}]}}}}\n")
        said("test", str(policy))
        plan = explained(policy, *CODE, "--time", time)["plan"]
        assert [one["target"] for one in plan["candidates"]] == targets
        assert [one["reason"].split(" on ")[0] for one in plan["excluded"]] == ["switched off"] * days


def test_copies_of_tests_are_those_the_policy_asks_for(policy: Path) -> None:
    """
    However small their part; and none where the copy's target may not have the call.
    """
    tests = policy.with_name("default.test.yml")
    policy.write_text(POLICY.replace("{target: openai/gpt-5, percent: 90}", "{target: openai/gpt-3.5-turbo, percent: 1}"))
    call = "{provider: openai, model: gpt-4o, task: code, input_tokens: 2000}"
    tests.write_text(f"""
- {{name: a copy, call: {call}, expect: {{allow: true, shadow: openai/gpt-3.5-turbo}}}}
- {{name: none, call: {{provider: openai, model: gpt-4o}}, expect: {{allow: true, shadow: none}}}}
""")
    assert "2 passed, 0 failed" in said("test", str(policy))

    tests.write_text(tests.read_text().replace("input_tokens: 2000", "needs: vision"))
    assert "openai/gpt-3.5-turbo gets no copy: cannot see pictures" in said("test", str(policy), code=1)


def test_facts_without_a_task_are_no_profile() -> None:
    """
    A task that is described is sure; none is `unknown`, and sure of nothing.
    """
    base = {"principal": "p", "provider": "openai", "operation": "chat", "capture": Capture.PROXY}
    assert (profile_from(Facts(**base, task="code")).confidence, profile_from(Facts(**base)).confidence) == (1.0, 0.0)
    assert profile_from(Facts(**base)).task is Task.UNKNOWN
