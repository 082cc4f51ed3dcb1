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
from excise.policy.compile import Policy
from excise.policy.flaw import Known
from excise.policy.known import known_names
from excise.policy.load import as_written, find_policy, load_policy, validate
from excise.policy.route_flaws import ending
from excise.policy.schema import PolicyFile, json_schema
from excise.policy.trial import Outcome, Planner, find_tests, run_tests
from excise.policy.yaml import Fault, load_strict
from excise.privacy.placeholder import Placeholders
from excise.scanning import scanner_maker

policy = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)

Where = Annotated[Path, typer.Argument(metavar="[DIR|FILE]", envvar="EXCISE_POLICIES", help="Directory with one policy, or a policy file.")]
Overlay = Annotated[Path | None, typer.Option(envvar="EXCISE_PROVIDERS", help="Your own catalogue entries, as `excise up` has them.")]
Named = Annotated[Path | None, typer.Option("--policies", metavar="DIR|FILE", help="The same, as `excise up` has it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Prices = Annotated[Path | None, typer.Option(envvar="EXCISE_PRICES", metavar="FILE", help="Own prices, over the shipped ones.")]
HERE = Path("policies")

# One of them, and several.
_NAMES = {
    "rules": ("rule", "rules"),
    "routes": ("route", "routes"),
    "aliases": ("alias", "aliases"),
    "redact": ("entry of `redact`", "entries of `redact`"),
    "retention": ("entry of `retention`", "entries of `retention`"),
    "principals": ("principal", "principals"),
}


@policy.command()
def check(
    where: Where = HERE,
    policies: Named = None,
    providers: Overlay = None,
    secrets: Annotated[bool, typer.Option(help="Also look whether the keys it refers to are there; off for checks elsewhere.")] = True,
    as_json: AsJson = False,
) -> None:
    """
    Say what is wrong with a policy, with file, line and column. Exit 1 if anything is. A model that is switched off within 30 days is a
    warning.
    """
    where = policies or where
    try:
        known = known_names(providers)
        loaded = load_policy(where, known=known, secrets=secrets)
        warnings = _warnings(where, loaded, known)
    except PolicyError as error:
        _report_faults(error.places, as_json)
        raise typer.Exit(1) from None
    if as_json:
        said = {"ok": True, "policy_id": loaded.id, **loaded.counts._asdict(), "faults": [], "warnings": _rows(warnings)}
        print(json.dumps(said))
    else:
        for file, line, column, text in warnings:
            print(f"{file}:{line}:{column}: warning: {text}")
        print(f"{loaded.id}: ok, {_counted(loaded)}")


def _counted(loaded: Policy) -> str:
    said = [f"{count} {_NAMES[name][count != 1]}" for name, count in loaded.counts._asdict().items() if count]
    return ", ".join(said) or f"nothing but `default: {loaded.default_decision.action}`"


def _warnings(where: Path, loaded: Policy, known: Known) -> list[Fault]:
    """
    What is right now and will soon be wrong.
    """
    if not (loaded.routes or loaded.aliases):
        return []
    from excise.cli.planning import today  # with the tables of models and prices

    content = load_strict(find_policy(where))
    flaws = ending(validate(PolicyFile, content), known, today())
    return [content.places.fault(as_written(flaw.path, content.value), flaw.text) for flaw in flaws]


@policy.command()
def schema() -> None:
    """
    Print the JSON Schema of policy files, for editors.
    """
    print(json.dumps(json_schema(), indent=2))


@policy.command("explain")
def explain_call(
    provider: Annotated[str | None, typer.Option(help="Provider id of the catalogue, or `unknown`.")] = None,
    operation: Annotated[str | None, typer.Option(help="Operation as the catalogue names it, or `unknown`. Default: chat.")] = None,
    model: Annotated[str | None, typer.Option(help="Requested model; without it, the call names none.")] = None,
    principal: Annotated[str | None, typer.Option(help="Id of a listed principal; brings its team and the rest.")] = None,
    team: Annotated[str | None, typer.Option(help="Team, in place of the principal's.")] = None,
    app: Annotated[str | None, typer.Option(help="Application, in place of the principal's.")] = None,
    env: Annotated[str | None, typer.Option(help="Environment, in place of the principal's.")] = None,
    capture: Annotated[Capture, typer.Option(help="How the call comes.")] = Capture.PROXY,
    source: Annotated[str | None, typer.Option(help="The client's address.")] = None,
    billable: Annotated[bool, typer.Option(help="Whether the provider bills such a call.")] = True,
    task: Annotated[str | None, typer.Option(help="The kind of work.")] = None,
    complexity: Annotated[float | None, typer.Option(help="How hard it looks, 0 to 1.")] = None,
    needs: Annotated[list[str] | None, typer.Option(help="What the model must be able to do; repeat it, or separate by commas.")] = None,
    input_tokens: Annotated[int | None, typer.Option(help="Length of the prompt.")] = None,
    output_tokens: Annotated[int | None, typer.Option(help="Most that the client allows.")] = None,
    stream: Annotated[bool | None, typer.Option(help="The client asks for a stream.")] = None,
    header: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A request header; may be repeated.")] = None,
    tag: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="A tag of the principal; may be repeated.")] = None,
    time: Annotated[str | None, typer.Option(help="When it arrives, with its zone: 2026-11-23T20:00:00+01:00.")] = None,
    virtual_key: Annotated[bool, typer.Option(help="The call comes with a key of ours, so that its model may be an alias.")] = False,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="A request as JSON, to be profiled; what options say counts.")] = None,
    dialect: Annotated[
        str | None, typer.Option(help="Of --file: openai-chat, anthropic-messages, gemini … Default: as the provider speaks.")
    ] = None,
    call: Annotated[str | None, typer.Option(metavar="ID", help="A call of the ledger, in place of a description.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(envvar="EXCISE_DATA", metavar="DIR", help="The data directory: its ledger, and how targets are doing now."),
    ] = None,
    policies: Annotated[Path, typer.Option(metavar="DIR|FILE", envvar="EXCISE_POLICIES", help="The policy.")] = HERE,
    providers: Overlay = None,
    prices: Prices = None,
    as_json: AsJson = False,
) -> None:
    """
    Say what policy makes of a call: which rule decides, which route, who could answer it at what expected cost, who could not, and why.
    Where dice decide, they fall in the middle.
    """
    from excise.cli.asked import Source  # the tables and the ledger, which no other command here needs
    from excise.cli.explain import run

    described = {
        "provider": provider,
        "operation": operation,
        "model": model,
        "principal": {name: said for name, said in (("id", principal), ("team", team), ("app", app), ("env", env)) if said is not None},
        "source": source,
        "task": task,
        "complexity": complexity,
        "needs": [need.strip() for said in needs for need in said.split(",")] if needs else None,
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "stream": stream,
        "headers": _pairs(header, "--header"),
        "tags": _pairs(tag, "--tag"),
        "time": time,
    }
    said = {name: value for name, value in described.items() if value is not None} | {"capture": capture.value, "billable": billable}
    run(policies, Source(said, virtual_key, file, dialect, call, data), providers, prices, as_json=as_json)


def _pairs(texts: list[str] | None, option: str) -> dict[str, str] | None:
    if texts is None:
        return None
    pairs = [text.partition("=") for text in texts]
    if not all(name and sign for name, sign, _ in pairs):
        raise typer.BadParameter("NAME=VALUE is expected", param_hint=option)
    return {name.lower(): value for name, _, value in pairs}


@policy.command()
def test(where: Where = HERE, policies: Named = None, providers: Overlay = None, as_json: AsJson = False) -> None:
    """
    Run the tests beside a policy (`default.test.yml` for `default.yml`). Exit 1 if one fails, or if there are none.
    """
    where = policies or where
    try:
        known = known_names(providers)
        loaded = load_policy(where, known=known, secrets=False, scanner=scanner_maker(Placeholders(os.urandom(32)), cache=None, fast=False))
        planner = _planner(loaded, providers)
        outcomes = [outcome for path in find_tests(where) for outcome in run_tests(loaded, path, known=known, planner=planner)]
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


@policy.command()
def simulate(
    where: Where = HERE,
    policies: Named = None,
    since: Annotated[str, typer.Option(metavar="TIME", help="24h, 7d, 2026-11-01 (UTC), or all.")] = "30d",
    data: Annotated[Path, typer.Option(envvar="EXCISE_DATA", metavar="DIR", help="The data directory of `excise up`.")] = Path("data"),
    providers: Overlay = None,
    prices: Prices = None,
    as_json: AsJson = False,
) -> None:
    """
    Replay the calls of the ledger (what is known of them; never what they said) against a policy: who would have answered, what that
    would cost, how long it would take, what would be denied, and what of this cannot be known.
    """
    from excise.cli.simulate import run  # the ledger and the tables, which no other command here needs

    run(policies or where, since, data, providers, prices, as_json=as_json)


def _planner(loaded: Policy, providers: Path | None) -> Planner | None:
    if not (loaded.routes or loaded.aliases):
        return None
    from excise.catalog.providers import Catalog
    from excise.cli.planning import planner_of  # the tables of models and prices

    return planner_of(loaded, own=Catalog.load(providers).self_hosted)


def _report_faults(faults: list[Fault], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"ok": False, "faults": _rows(faults)}))
    else:
        for file, line, column, text in faults:
            print(f"{file}:{line}:{column}: {text}")


def _rows(faults: list[Fault]) -> list[dict[str, str | int]]:
    return [{"file": file, "line": line, "column": column, "text": text} for file, line, column, text in faults]


def _outcome(one: Outcome) -> dict[str, str | int | bool]:
    return {"file": one.file, "line": one.line, "name": one.name, "ok": not one.problem, "problem": one.problem}


def register(app: typer.Typer) -> None:
    app.add_typer(policy, name="policy", help="Check, test and explain policies.")
