"""
`excise policy`: check, test and explain policies.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from excise.errors import PolicyError
from excise.exchange import Capture
from excise.policy.decide import Facts, decide, explain
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.policy.schema import json_schema
from excise.policy.trial import DescribedCall, Outcome, Who, facts_for, find_tests, run_tests
from excise.policy.yaml import Fault
from excise.privacy.placeholder import Placeholders
from excise.scanning import scanner_maker

policy = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Where = Annotated[Path, typer.Argument(metavar="[DIR|FILE]", envvar="EXCISE_POLICIES", help="Directory with one policy, or a policy file.")]
Overlay = Annotated[Path | None, typer.Option(envvar="EXCISE_PROVIDERS", help="Your own catalogue entries, as `excise up` has them.")]
Named = Annotated[Path | None, typer.Option("--policies", metavar="DIR|FILE", help="The same, as `excise up` has it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HERE = Path("policies")


@policy.command()
def check(
    where: Where = HERE,
    policies: Named = None,
    providers: Overlay = None,
    secrets: Annotated[bool, typer.Option(help="Also look whether the keys it refers to are there; off for checks elsewhere.")] = True,
    as_json: AsJson = False,
) -> None:
    """
    Say what is wrong with a policy, with file, line and column. Exit 1 if anything is.
    """
    where = policies or where
    try:
        loaded = load_policy(where, known=known_names(providers), secrets=secrets)
    except PolicyError as error:
        _report_faults(error.places, as_json)
        raise typer.Exit(1) from None
    if as_json:
        print(json.dumps({"ok": True, "policy_id": loaded.id, **loaded.counts._asdict(), "faults": []}))
    else:
        print(f"{loaded.id}: ok, {loaded.counts.rules} rules, {loaded.counts.principals} principals")


@policy.command()
def schema() -> None:
    """
    Print the JSON Schema of policy files, for editors.
    """
    print(json.dumps(json_schema(), indent=2))


@policy.command("explain")
def explain_call(
    provider: Annotated[str, typer.Option(help="Provider id of the catalogue, or `unknown`.")],
    operation: Annotated[str, typer.Option(help="Operation as the catalogue names it, or `unknown`.")] = "chat",
    model: Annotated[str | None, typer.Option(help="Requested model; without it, the call names none.")] = None,
    principal: Annotated[str | None, typer.Option(help="Id of a listed principal; brings its team and the rest.")] = None,
    team: Annotated[str | None, typer.Option(help="Team, in place of the principal's.")] = None,
    app: Annotated[str | None, typer.Option(help="Application, in place of the principal's.")] = None,
    env: Annotated[str | None, typer.Option(help="Environment, in place of the principal's.")] = None,
    capture: Annotated[Capture, typer.Option(help="How the call comes.")] = Capture.PROXY,
    source: Annotated[str | None, typer.Option(help="The client's address.")] = None,
    billable: Annotated[bool, typer.Option(help="Whether the provider bills such a call.")] = True,
    policies: Annotated[Path, typer.Option(metavar="DIR|FILE", envvar="EXCISE_POLICIES", help="The policy.")] = HERE,
    providers: Overlay = None,
    as_json: AsJson = False,
) -> None:
    """
    Say what policy makes of a call, and what each rule had to do with it.
    """
    known = known_names(providers)
    for what, name, is_known in (("provider", provider, known.provider), ("operation", operation, known.operation)):
        if name != "unknown" and not is_known(name):
            raise typer.BadParameter(f"{name!r} is not in the catalogue", param_hint=f"--{what}")
    loaded = load_policy(policies, known=known, secrets=False)
    call = DescribedCall(
        principal=Who(id=principal, team=team, app=app, env=env),
        provider=provider,
        operation=operation,
        model=model,
        capture=capture.value,
        source=source,
        billable=billable,
    )
    try:
        facts = facts_for(loaded, call)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    decision, trace = decide(loaded, facts), explain(loaded, facts)
    protection, retained = loaded.protection(facts), loaded.retained(facts)
    also = {"redact": protection.name if protection else None, "retention": retained.name if retained else None}
    if as_json:
        rules = [{"rule": one.rule, "matched": one.matched, "why": one.why} for one in trace]
        said = {"allow": decision.allow, "rule": decision.rule, "reason": decision.reason, "policy_id": decision.policy_id}
        print(json.dumps({**said, **also, "facts": _facts(facts), "rules": rules}))
        return
    print(f"{decision.action} by {decision.rule} of {decision.policy_id}" + (f": {decision.reason}" if decision.reason else ""))
    for one in trace:
        print(f"  {'*' if one.matched else '-'} {one.rule}: {one.why}")
    kinds = f", looking for {protection.profile.name}" if protection else ""
    print(f"redact: {also['redact'] or 'nothing is scanned'}{kinds}")
    print(f"retention: {also['retention'] or 'providers are asked nothing'}")


@policy.command()
def test(where: Where = HERE, policies: Named = None, providers: Overlay = None, as_json: AsJson = False) -> None:
    """
    Run the tests beside a policy (`default.test.yml` for `default.yml`). Exit 1 if one fails, or if there are none.
    """
    where = policies or where
    try:
        known = known_names(providers)
        loaded = load_policy(where, known=known, secrets=False, scanner=scanner_maker(Placeholders(os.urandom(32)), cache=None, fast=False))
        outcomes = [outcome for path in find_tests(where) for outcome in run_tests(loaded, path, known=known)]
    except PolicyError as error:
        _report_faults(error.places, as_json)
        raise typer.Exit(1) from None
    failed = [outcome for outcome in outcomes if outcome.problem]
    if as_json:
        print(json.dumps({"ok": bool(outcomes) and not failed, "policy_id": loaded.id, "tests": [_outcome(one) for one in outcomes]}))
    else:
        for one in failed:
            print(f"{one.file}:{one.line}: {one.name}: {one.problem}")
        print(
            f"{loaded.id}: {len(outcomes) - len(failed)} passed, {len(failed)} failed" if outcomes else f"{loaded.id}: there are no tests"
        )
    if failed or not outcomes:
        raise typer.Exit(1)


def _report_faults(faults: list[Fault], as_json: bool) -> None:
    if as_json:
        rows = [{"file": file, "line": line, "column": column, "text": text} for file, line, column, text in faults]
        print(json.dumps({"ok": False, "faults": rows}))
    else:
        for file, line, column, text in faults:
            print(f"{file}:{line}:{column}: {text}")


def _facts(facts: Facts) -> dict[str, str | bool | None]:
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
    }


def _outcome(one: Outcome) -> dict[str, str | int | bool]:
    return {"file": one.file, "line": one.line, "name": one.name, "ok": not one.problem, "problem": one.problem}


def register(app: typer.Typer) -> None:
    app.add_typer(policy, name="policy", help="Check, test and explain policies.")
