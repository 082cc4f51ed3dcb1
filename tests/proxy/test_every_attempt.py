"""
What holds for a call holds for each attempt at it, at whomever it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from house import CHAT, House, house

from excise.health.target_health import TargetHealth
from excise.policy.deployment import TargetRef
from excise.standin.script import Script

POLICY = """\
version: 1
providers:
- {provider: groq, key: file:provider.key}
- {provider: openai, key: file:provider.key}
- {provider: anthropic, key: file:provider.key}
routes:
- name: routed
  ROUTE
  failover: {retries: 0}
MORE
default: allow
"""
GROQ, OPENAI, ANTHROPIC = "groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"
ZERO = "retention: [{name: nothing kept, mode: zero, attested: [groq]}]"


def at_home(tmp_path: Path, route: str, more: str = "") -> Any:
    """
    A house with one route.
    """
    folder = tmp_path / "policies"
    folder.mkdir(mode=0o700, parents=True)
    (folder / "provider.key").write_text("standin-key-of-the-house")
    return house(tmp_path, policy=POLICY.replace("ROUTE", route).replace("MORE", more))


def sent(at: House) -> list[tuple[str, dict[str, Any]]]:
    return [(seen.request.host, json.loads(seen.request.body)) for seen in at.standin.seen]


def first_fails(at: House, host: str) -> None:
    at.standin.script(Script(status=503), matches=lambda request: request.host == host)


async def test_the_next_target_s_own_switches_are_set(tmp_path):
    """
    What keeps one provider from storing a call means nothing to the next.
    """
    async with at_home(tmp_path, f"to: [{GROQ}, {OPENAI}]", ZERO) as at:
        first_fails(at, "api.groq.com")
        answer = await at.call(CHAT | {"store": True})

        assert answer.status == 200
        assert [host for host, _ in sent(at)] == ["api.groq.com", "api.openai.com"]
        assert sent(at)[1][1]["store"] is False
        (row,) = at.rows()
        assert [attempt["retention"] for attempt in row["attempts_detail"]] == ["asserted", "unknown"]


async def test_a_route_may_ask_for_zero_retention_where_policy_does_not(tmp_path):
    """
    Its calls are sent so that nothing is kept.
    """
    async with at_home(tmp_path, f"to: {OPENAI}\n  require: {{retention: zero}}") as at:
        assert (await at.call(CHAT | {"store": True})).status == 200
        assert sent(at)[0][1]["store"] is False


@pytest.mark.parametrize(("exact", "asked"), [("true", "api.openai.com"), ("false", "api.anthropic.com")])
async def test_where_nothing_may_be_lost_nothing_is(exact, asked, tmp_path):
    """
    Claude takes no seed: who insists on it is answered by somebody who does.
    """
    async with at_home(tmp_path, f"to: [{ANTHROPIC}, {OPENAI}]\n  require: {{exact: {exact}}}") as at:
        assert (await at.call(CHAT | {"seed": 7})).status == 200
        assert [host for host, _ in sent(at)] == [asked]


async def test_the_rule_that_let_the_answering_target_have_it_is_in_the_row(tmp_path):
    """
    Each target is judged by itself.
    """
    rules = "rules: [{name: one, when: {provider: groq}, then: allow}, {name: other, when: {provider: openai}, then: allow}]"
    async with at_home(tmp_path, f"to: [{GROQ}, {OPENAI}]", rules) as at:
        first_fails(at, "api.groq.com")
        assert (await at.call(CHAT)).status == 200
        assert at.rows("attempt")[0]["policy_rule"] == "other"


async def test_each_attempt_s_row_says_what_was_taken_out_of_it(tmp_path):
    """
    The first target may see everything, the second may not: who reads the ledger can tell.
    """
    rules = "redact: [{name: open, when: {provider: groq}, profile: off}, {name: shut, profile: secrets}]"
    secret = "AKIA" + "QYLPMN5HHHFPZAM2"
    async with at_home(tmp_path, f"to: [{GROQ}, {OPENAI}]", rules) as at:
        first_fails(at, "api.groq.com")
        said = CHAT | {"messages": [{"role": "user", "content": f"my key is {secret}"}]}
        assert (await at.call(said)).status == 200
        assert [secret in json.dumps(body) for _, body in sent(at)] == [True, False]
        first, second = at.rows()[0]["attempts_detail"]
        assert ("redaction_rule" in first, "redactions_total" in first) == (False, False)
        assert (second["redaction_rule"], second["redactions_total"]) == ("shut", 1)


async def test_who_is_being_probed_is_asked_for_want_of_others(tmp_path, monkeypatch):
    """
    Another call finds out whether the second target is well again: it is passed over while there is anybody else, and no longer.
    """
    take = TargetHealth.take

    def probed(health: TargetHealth, target: TargetRef, *, anyway: bool = False, **more: Any) -> int | None:
        return None if target.deployment == "openai" and not anyway else take(health, target, anyway=anyway, **more)

    monkeypatch.setattr(TargetHealth, "take", probed)
    async with at_home(tmp_path, f"to: [{GROQ}, {OPENAI}, {ANTHROPIC}]") as at:
        for host in ("api.groq.com", "api.anthropic.com"):
            first_fails(at, host)
        assert (await at.call(CHAT)).status == 200
        assert [host for host, _ in sent(at)] == ["api.groq.com", "api.anthropic.com", "api.openai.com"]
