"""
The call that `excise policy explain` is asked about: described by options, read from a file, or taken from the ledger.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from pydantic import ValidationError

from excise.catalog.providers import Catalog
from excise.cli.planning import billable_by, profile_from
from excise.errors import ExciseError, LedgerError
from excise.exchange import Call, HttpRequest, Prompt
from excise.ledger.query import reading
from excise.ledger.replay import recorded_call
from excise.policy.compile import Policy
from excise.policy.decide import Facts
from excise.policy.described import DescribedCall, facts_for
from excise.routing.profile import Profile
from excise.routing.profiling import profile_of
from excise.routing.targets import GENERATES
from excise.stages.route import envelope_of
from excise.wire.dialects.registry import dialect_of
from excise.wire.estimate import estimate_input_tokens
from excise.wire.request import read_prompt
from excise.wire.survey import USUAL

MOST_BYTES = 64 * 1024 * 1024  # of a file with a request


@dataclass(frozen=True, slots=True)
class Asked:
    """
    The call a question is about.

    Attributes:
        named: The model as asked, where the call comes with a virtual key.
        described: The model as described, with whatever key.
        then: What the ledger says became of it.
    """

    facts: Facts
    profile: Profile | None
    named: str | None
    described: str | None = None
    then: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """
    Where the call is taken from: what is described, a file with a request, or the ledger.
    """

    described: dict[str, Any]
    virtual_key: bool
    file: Path | None
    dialect: str | None
    call: str | None
    data: Path | None


def asked_of(policy: Policy, source: Source, catalog: Catalog) -> Asked:
    """
    Raises:
        typer.BadParameter: It is no call.
        LedgerError: The ledger does not have it.
    """
    if source.call is not None:
        return _from_ledger(source.data or Path("data"), source.call, catalog)
    described = source.described
    profile = None
    if source.file is not None:
        profile, read = _from_file(source.file, source.dialect, described, catalog)
        described = read | described
    elif described.get("provider") is None:
        raise typer.BadParameter("name the --provider the call is for, a --file with a request, or a --call of the ledger")
    try:
        call = DescribedCall.model_validate(described)
        facts = facts_for(policy, call)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(first["msg"], param_hint=f"--{str(first['loc'][0]).replace('_', '-')}") from None
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    named = (call.model or "") if source.virtual_key else None
    return Asked(facts, profile_from(facts, profile) if facts.task is not None else None, named, call.model)


def _from_file(file: Path, dialect: str | None, described: dict[str, Any], catalog: Catalog) -> tuple[Profile, dict[str, Any]]:
    """
    The profile of a request, and what it says of the call.
    """
    provider = described.get("provider")
    if dialect is not None and dialect in USUAL:
        provider = provider or USUAL[dialect]
        call = _call(catalog, provider, "openai-chat" if dialect == "mistral-chat" else dialect)
    elif dialect is None and provider is not None:
        call = _usual_call(catalog, provider, described.get("operation"))
    else:
        raise typer.BadParameter(f"one of {', '.join(USUAL)} is expected, or --provider", param_hint="--dialect")
    try:
        body = file.read_bytes()
        http = HttpRequest("POST", "https", "localhost", 443, "/", ((b"content-type", b"application/json"),), body)
        prompt = read_prompt(call, http, limit=MOST_BYTES, pseudonym=lambda name: "")
        profile, model = _profiled(call, http, prompt, described.get("model"))
    except OSError as error:
        raise typer.BadParameter(f"{file}: {error.strerror}", param_hint="--file") from error
    except ExciseError as error:
        raise typer.BadParameter(f"{file} is no request of {dialect or call.dialect}: {error}", param_hint="--file") from error
    said = {
        "provider": provider,
        "operation": call.operation,
        "model": model,
        "stream": prompt.stream,
        "task": profile.task.value,
        "complexity": profile.complexity,
        "needs": sorted(need.value for need in profile.needs),
        "input_tokens": profile.input_tokens,
        "output_tokens": profile.max_tokens,
    }
    return profile, {name: value for name, value in said.items() if value is not None}


def _call(catalog: Catalog, provider: str, dialect: str) -> Call:
    found = [way.call for way in catalog.ways(provider) if way.call.dialect == dialect and way.call.operation in GENERATES]
    if not found:
        raise typer.BadParameter(f"{provider} does not speak {dialect}", param_hint="--provider")
    return found[0]


def _usual_call(catalog: Catalog, provider: str, operation: str | None) -> Call:
    """
    How a provider is asked for text where nobody says in which dialect: in its own, if it has this operation there.
    """
    main = catalog.providers[provider].dialect if provider in catalog.providers else None
    found = [
        way.call
        for way in catalog.ways(provider)
        if way.call.operation in ({operation} if operation is not None else GENERATES)
        and way.call.operation in GENERATES
        and dialect_of(provider, way.call.dialect) is not None
    ]
    if not found:
        what = f"operation {operation!r}" if operation is not None else "operation"
        raise typer.BadParameter(f"{provider} has no {what} whose requests can be read", param_hint="--provider")
    return min(found, key=lambda call: call.dialect != main)


def _profiled(call: Call, http: HttpRequest, prompt: Prompt, model: str | None) -> tuple[Profile, str | None]:
    spoken = dialect_of(call.provider, call.dialect)
    assert spoken is not None
    model = model or prompt.model
    request = spoken.decode_request(prompt.json, envelope_of(http, prompt, model, call.dialect))
    return profile_of(request, input_tokens=estimate_input_tokens(prompt, model)), model


def _from_ledger(data: Path, call_id: str, catalog: Catalog) -> Asked:
    billable = billable_by(catalog)
    with reading(data) as con:
        found = recorded_call(con, call_id, billable=lambda provider, operation: billable.get((provider, operation), True))
        if found is None:
            raise LedgerError(f"the ledger has no call {call_id!r} that was recognised; those of the last seconds are not in it yet")
        columns = "provider, model, deployment, outcome, error_type, why, cost_usd"
        tries = con.execute(f"SELECT {columns} FROM attempts WHERE call_id = ? ORDER BY attempt", [call_id]).fetchall()  # noqa: S608
        decisions = con.execute("SELECT candidates, excluded, notes FROM decisions WHERE call_id = ?", [call_id]).fetchall()
    names = columns.split(", ")
    plan = [json.loads(text) if text else None for text in decisions[0]] if decisions else [None, None, None]
    then = {
        "answered_by": str(found.place),
        "denied_by": found.denied_by,
        "tries": [{name: str(value) for name, value in zip(names, row, strict=True) if value is not None} for row in tries],
        **dict(zip(("candidates", "excluded", "notes"), plan, strict=True)),
    }
    return Asked(found.facts, found.profile, found.named, then=then)
