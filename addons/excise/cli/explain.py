"""
`excise policy explain`: what a policy makes of one call, and why; by the code the proxy runs.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import typer

from excise.catalog.providers import Catalog
from excise.cli.asked import Asked, Source, asked_of
from excise.cli.planning import at_its_time, middle, world_of, written_policy
from excise.health.shared import SharedHealth
from excise.health.target_health import TargetHealth
from excise.policy.compile import Policy
from excise.policy.conditions import compile_conditions
from excise.policy.decide import Facts, decide, explain
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.policy.schema import PolicyFile
from excise.policy.terms import Choice
from excise.routing.plan import Candidate, Plan
from excise.routing.planning import View, planned
from excise.routing.profile import Profile
from excise.routing.replayed import World
from excise.routing.simulation import chosen_for, there, view_of


def run(where: Path, source: Source, providers: Path | None, prices: Path | None, *, as_json: bool) -> None:
    """
    Explain one call, on standard output.
    """
    known = known_names(providers)
    policy, written = load_policy(where, known=known, secrets=False), written_policy(where)
    catalog = Catalog.load(providers)
    for what, is_known in (("provider", known.provider), ("operation", known.operation)):
        name = source.described.get(what)
        if name is not None and name != "unknown" and not is_known(name):
            raise typer.BadParameter(f"{name!r} is not in the catalogue", param_hint=f"--{what}")
    asked = asked_of(policy, source, catalog)
    world = world_of(policy, prices=prices, own=catalog.self_hosted)
    if asked.then is None:  # a call of the ledger is asked about as if it came now
        world = at_its_time(world, asked.facts)
    view, health = _view_with_health(policy, source, view_of(policy, asked.facts, asked.profile or Profile(), world, middle))
    answer = explained(policy, written, asked, world, view)
    answer["health"] = health
    if as_json:
        print(json.dumps(answer))
    else:
        _say(answer)


# -- the answer ------------------------------------------------------------------------------------------------------------------------


def explained(policy: Policy, written: PolicyFile, asked: Asked, world: World, view: View) -> dict[str, Any]:
    """
    What policy makes of the call, ready for JSON.
    """
    facts, chosen = asked.facts, chosen_for(policy, asked.facts, world, named=asked.named)
    plan = None
    decided_for = facts
    if isinstance(chosen, tuple):
        plan = planned(*chosen, view)
        decided_for = _takes(policy, facts, plan)
    decision, trace = decide(policy, decided_for), explain(policy, decided_for)
    reason, allow = decision.reason, decision.allow
    if isinstance(chosen, str) or (plan is not None and not plan.candidates):
        allow, reason = False, chosen if isinstance(chosen, str) else "no target can take this call"
    protection, retained = policy.protection(decided_for), policy.retained(decided_for)
    hint = None
    if chosen is None and asked.described in policy.aliases:
        hint = f"`{asked.described}` is an alias: only holders of a key of yours may ask for it (--virtual-key)"
    return {
        "allow": allow,
        "hint": hint,
        "rule": decision.rule,
        "reason": reason,
        "policy_id": decision.policy_id,
        "redact": protection.name if protection else None,
        "looks_for": protection.profile.name if protection else None,
        "retention": retained.name if retained else None,
        "facts": _facts(facts),
        "profile": _profile(asked.profile),
        "rules": [{"rule": one.rule, "matched": one.matched, "why": one.why} for one in trace],
        "routes": routes(policy, written, facts, world, asked.named),
        "plan": None if plan is None else _plan(policy, facts, plan, chosen),
        "then": asked.then,
    }


def _takes(policy: Policy, facts: Facts, plan: Plan) -> Facts:
    """
    Facts of the call at whoever takes it; at the last where policy lets nobody have it, and as asked where there is nobody.
    """
    found = facts
    for candidate in plan.candidates:
        found = there(policy, facts, candidate.target)
        if decide(policy, found).allow:
            break
    return found


def routes(policy: Policy, written: PolicyFile, facts: Facts, world: World, named: str | None) -> list[dict[str, Any]]:
    """
    Each entry of `routes`, and what it had to do with the call.
    """
    asked = world.routable(facts) or named is not None
    decides = policy.routed(facts) if asked else None
    lines, above = [], False
    for entry in written.routes:
        failed = next((one for one in compile_conditions(entry.when, denies=False) if not one.test(facts)), None) if entry.when else None
        matched = decides is not None and entry.name == decides.name
        if not asked:
            why = f"{facts.operation} is not routed"
        elif above:
            why = "not asked: decided above"
        elif failed is not None:
            why = f"{failed.name} is not {' and '.join(failed.values) if failed.name == 'needs' else ' or '.join(failed.values)}"
        else:
            why = "all conditions hold"
        above = above or matched
        lines.append({"route": entry.name, "matched": matched, "why": why})
    return lines


def _plan(policy: Policy, facts: Facts, plan: Plan, chosen: tuple[Choice, str] | str | None) -> dict[str, Any]:
    assert isinstance(chosen, tuple)
    choice, _ = chosen
    copied = decide(policy, there(policy, facts, plan.shadow)) if plan.shadow is not None else None
    return {
        "rule": plan.rule,
        "strategy": plan.strategy,
        "candidates": [_candidate(policy, facts, one) for one in plan.candidates],
        "excluded": [{"target": str(one.target), "reason": one.reason} for one in plan.excluded],
        "notes": list(plan.notes),
        "last_resort": plan.last_resort,
        "shadow": str(plan.shadow) if plan.shadow is not None else None,
        "shadow_denied_by": copied.rule if copied is not None and not copied.allow else None,
        "shadow_share": choice.shadow.share if choice.shadow is not None else None,
        "canary": None if choice.canary is None else {"target": str(choice.canary.target), "share": choice.canary.share},
        "attempts": plan.failover.attempts,
        "retries": plan.failover.retries,
    }


def _candidate(policy: Policy, facts: Facts, one: Candidate) -> dict[str, Any]:
    decision = decide(policy, there(policy, facts, one.target))
    return {
        "target": str(one.target),
        "reason": one.reason,
        "score": one.score,
        "cost_usd": None if one.cost_usd is None else format(one.cost_usd, "f"),
        "latency_seconds": one.latency_seconds,
        "quality": one.quality,
        "dominated": not one.efficient,
        "denied_by": None if decision.allow else decision.rule,
    }


def _view_with_health(policy: Policy, source: Source, view: View) -> tuple[View, str]:
    path = (source.data / "state" / "health") if source.data is not None else None
    if path is None or not path.exists():
        return view, "taken to be healthy"
    try:
        shared = SharedHealth(path)
    except OSError as error:
        return view, f"taken to be healthy: {path} cannot be read: {error.strerror}"
    health = TargetHealth(shared)
    return replace(view, standing=lambda target: health.standing(target), now=shared.now()), "as the proxy sees it now"


def _facts(facts: Facts) -> dict[str, Any]:
    return {
        "principal": facts.principal,
        "team": facts.team,
        "app": facts.app,
        "env": facts.env,
        "provider": facts.provider,
        "operation": facts.operation,
        "model": facts.model,
        "billable": facts.billable,
        "capture": facts.capture.value,
        "source": str(facts.source) if facts.source is not None else None,
        "stream": facts.stream,
        "headers": sorted(facts.headers),
        "tags": dict(facts.tags),
        "time": facts.now.isoformat() if facts.now is not None else None,
    }


def _profile(profile: Profile | None) -> dict[str, Any] | None:
    if profile is None:
        return None
    return {
        "task": profile.task.value,
        "confidence": profile.confidence,
        "complexity": profile.complexity,
        "needs": sorted(need.value for need in profile.needs),
        "input_tokens": profile.input_tokens,
        "output_tokens": profile.output_tokens,
        "max_tokens": profile.max_tokens,
        "signals": list(profile.signals),
    }


# -- for people ------------------------------------------------------------------------------------------------------------------------


def _say(answer: dict[str, Any]) -> None:
    reason = f": {answer['reason']}" if answer["reason"] else ""
    print(_safe(f"{'allow' if answer['allow'] else 'deny'} by {answer['rule']} of {answer['policy_id']}{reason}"))
    for one in answer["rules"]:
        print(_safe(f"  {'*' if one['matched'] else '-'} {one['rule']}: {one['why']}"))
    if (profile := answer["profile"]) is not None:
        print(_safe(_said_profile(profile)))
    if answer["routes"]:
        print("routes:")
    for one in answer["routes"]:
        print(_safe(f"  {'*' if one['matched'] else '-'} {one['route']}: {one['why']}"))
    if (plan := answer["plan"]) is not None:
        _say_plan(plan, answer["health"])
    if answer["hint"] is not None:
        print(_safe(f"hint: {answer['hint']}"))
    kinds = f", looking for {answer['looks_for']}" if answer["looks_for"] else ""
    print(f"redact: {answer['redact'] or 'nothing is scanned'}{kinds}")
    print(f"retention: {answer['retention'] or 'providers are asked nothing'}")
    if (then := answer["then"]) is not None:
        _say_then(then)


def _said_profile(profile: dict[str, Any]) -> str:
    tokens = ", ".join(
        f"{name} {'not known' if profile[key] is None else profile[key]}"
        for name, key in (("input tokens", "input_tokens"), ("output expected", "output_tokens"), ("at most", "max_tokens"))
    )
    needs = f", needs {', '.join(profile['needs'])}" if profile["needs"] else ""
    signals = f" (by {', '.join(profile['signals'])})" if profile["signals"] else ""
    sure = f"{profile['task']} {profile['confidence']:.2f}, complexity {profile['complexity']:.2f}"
    return f"profile: {sure}{needs}, {tokens}{signals}"


def _say_plan(plan: dict[str, Any], health: str) -> None:
    tries = f"up to {plan['attempts']} attempts" if plan["attempts"] > 1 else "one attempt"
    print(_safe(f"plan by {plan['rule']}: {plan['strategy']}, {tries}; targets {health}"))
    for number, one in enumerate(plan["candidates"], 1):
        notes = [f"denied by {one['denied_by']}"] if one["denied_by"] else []
        notes += ["another is better in all respects"] if one["dominated"] else []
        print(_safe("  " + "; ".join([f"{number}. {one['target']}: {one['reason']}", *notes])))
    for one in plan["excluded"]:
        print(_safe(f"  - {one['target']}: {one['reason']}"))
    for note in plan["notes"]:
        print(_safe(f"  note: {note}"))
    if plan["last_resort"]:
        print("  all are out of order, and are asked all the same")
    if plan["shadow"]:
        denied = f"; denied by {plan['shadow_denied_by']}" if plan["shadow_denied_by"] else ""
        print(_safe(f"  a copy of {100 * plan['shadow_share']:g} % of such calls goes to {plan['shadow']}{denied}"))


def _say_then(then: dict[str, Any]) -> None:
    print(_safe(f"then: {'denied by ' + then['denied_by'] if then['denied_by'] else 'answered by ' + then['answered_by']}"))
    for number, one in enumerate(then["tries"], 1):
        said = one.get("outcome", "not known") + (f" ({one['error_type']})" if "error_type" in one else "")
        said += f"; asked because: {one['why']}" if "why" in one else ""
        where = f"{one.get('deployment') or one.get('provider', '?')}/{one.get('model', '?')}"
        print(_safe(f"  {number}. {where}: {said}"))
    for one in then["excluded"] or ():
        print(_safe(f"  - {one.get('target')}: {one.get('reason')}"))


def _safe(text: str) -> str:
    # Models and labels come from callers: no escape sequence of theirs reaches the terminal.
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
