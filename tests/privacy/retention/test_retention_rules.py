"""
Every rule of the shipped file, tried on a call it speaks of.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import orjson
import pytest

from excise.privacy.retention.entry import Ban, Entry, Switch
from excise.privacy.retention.receipt import Outcome
from excise.privacy.retention.where import EVERY, Facts, Where
from excise.wire.json_edit import apply
from privacy.retention.shipped import ENTRIES, planned

BANS = [pytest.param(entry, ban, id=f"{id_}-{ban.rule[7:40]}") for id_, entry in ENTRIES.items() for ban in entry.bans]
SWITCHES = [
    pytest.param(entry, switch, id=f"{id_}-{switch.rule}-{number}")
    for id_, entry in ENTRIES.items()
    for number, switch in enumerate((*entry.switches, *entry.everywhere))
]


def meant(entry: Entry, where: Where, *, by_path: bool = False) -> Facts:
    """
    A call the conditions speak of; by its path alone, where that is asked.
    """
    operation = "chat"
    if by_path or where.operations:
        operation = "unknown" if by_path or not where.operations else sorted(where.operations)[0]
    elif "chat" not in entry.covers and entry.covers:
        operation = sorted(entry.covers)[0]
    return Facts(
        provider=entry.id,
        operation=operation,
        dialect=where.dialects[0].replace("*", "chat") if where.dialects else "any",
        method=sorted(where.methods)[0] if where.methods else "POST",
        path=where.paths[-1].replace("*", "/x") if where.paths else "/nowhere",
        host=where.hosts[0].replace("*", "a") if where.hosts else "",
        model=where.models[0].replace("*", "x") if where.models else "some-model",
    )


def at(path: tuple[str, ...], value: Any) -> Any:
    """
    A body with `value` at a path.
    """
    for step in reversed(path):
        value = [value] if step == EVERY else {step: value}
    return value


def banned_bodies(ban: Ban) -> Iterator[Any]:
    """
    Bodies that have what is forbidden, one for every way the rule names.
    """
    for path in ban.steps:
        for value in ban.is_ or (True, "some id", {"id": "x"}, ["x"]):
            yield at(path, value.replace("*", "x") if isinstance(value, str) else value)
    for type_ in ban.tools:
        yield {"tools": [{"type": "function", "name": "f"}, {"type": type_.replace("*", "_20990101")}]}
        yield {"tools": [{"type": "namespace", "tools": [{"type": type_.replace("*", "_20990101")}]}]}
    for key in ban.tool_keys:
        yield {"tools": [{key: {}}]}
        yield {"tools": {key: {}}}
    if not ban.steps and not ban.tools and not ban.tool_keys:
        yield None
        yield {}


@pytest.mark.parametrize(("entry", "ban"), BANS)
def test_what_is_forbidden_is_refused(entry: Entry, ban: Ban) -> None:
    """
    In every way the rule names, whatever is attested; the refusal says what and why, and nothing of the request.
    """
    about = meant(entry, ban.where)
    for body in banned_bodies(ban):
        made = planned(about, body, entry.id, f"{entry.id}/{about.operation}")

        assert any(ban.why in refusal for refusal in made.refusals), body
        assert (ban.rule, Outcome.FORBIDDEN) in made.receipt
        assert not any("some id" in text for text in (*made.refusals, *(rule for rule, _ in made.receipt)))


@pytest.mark.parametrize(("entry", "ban"), [case for case in BANS if case.values[1].where.paths and not case.values[1].where.unless_models])
def test_a_path_the_catalogue_does_not_know_slips_past_no_ban(entry: Entry, ban: Ban) -> None:
    """
    The same by path alone, with an operation nobody knows.
    """
    about = meant(entry, ban.where, by_path=True)
    body = next(banned_bodies(ban))

    assert any(ban.why in refusal for refusal in planned(about, body, entry.id, f"{entry.id}/unknown").refusals)


@pytest.mark.parametrize(("entry", "ban"), [case for case in BANS if case.values[1].steps or case.values[1].tools])
def test_what_says_nothing_is_not_refused(entry: Entry, ban: Ban) -> None:
    """
    Absent, null and empty say nothing.
    """
    about = meant(entry, ban.where)
    for nothing in (None, "", [], {}):
        bodies = [at(path, nothing) for path in ban.steps] + [{"tools": nothing}, {}]
        assert not any(ban.hits(about, body) for body in bodies)


@pytest.mark.parametrize(("entry", "switch"), SWITCHES)
def test_a_switch_is_set_once(entry: Entry, switch: Switch) -> None:
    """
    Where the client said otherwise or nothing, the request says afterwards what the rule wants; and then nothing is left to do.
    """
    about = replace(meant(entry, switch.where), reasons=True, operation=sorted(switch.where.operations or {"chat"})[0])
    wanted = switch.value
    if switch.kind == "header":
        made = planned(about, {}, entry.id)
        assert made.headers[switch.name.encode()] == wanted.encode()
        again = planned(about, {}, entry.id, headers=tuple(made.headers.items()))
        assert (switch.rule, Outcome.ALREADY) in again.receipt and switch.name.encode() not in again.headers
        return
    if switch.kind == "query":
        made = planned(replace(about, target=f"/p?a=1&{switch.name}=s3cr3t&b=2"), {}, entry.id)
        if switch.action == "move":
            assert made.target == "/p?a=1&b=2" and made.headers[wanted.encode()] == b"s3cr3t"
        else:
            assert made.target == f"/p?a=1&b=2&{switch.name}={wanted}"
        assert planned(replace(about, target=made.target), {}, entry.id).target is None
        return
    said: dict[str, Any] = {"set": "otherwise", "append": ["else"], "hash": "Jane Roe", "remove": {"k": "v"}}
    body = at(switch.steps, said[switch.action])
    made = planned(about, body, entry.id)
    changed, read = apply(orjson.dumps(body), body, made.edits)
    there: Any = read
    for step in switch.steps[:-1]:
        there = (there or {}).get(step)
    value = (there or {}).get(switch.steps[-1])
    match switch.action:
        case "set":
            assert value == wanted and type(value) is type(wanted)
        case "append":
            assert value == ["else", wanted]
        case "hash":
            # Where the provider's own rule takes the whole object away, nothing is left to hash.
            assert value == "u_8" or value is None
        case _:
            assert value is None
    assert b"Jane" not in changed
    if switch.action != "hash":
        assert not [edit for edit in planned(about, read, entry.id).edits if edit.path[: len(switch.steps)] == switch.steps]


@pytest.mark.parametrize(("entry", "switch"), [case for case in SWITCHES if case.values[1].kind == "json"])
def test_what_the_client_left_open_is_settled_or_left_open(entry: Entry, switch: Switch) -> None:
    """
    In an empty body, and where null stands, only unconditional switches are set.
    """
    about = replace(meant(entry, switch.where), reasons=True, operation=sorted(switch.where.operations or {"chat"})[0])
    for body in ({}, at(switch.steps, None)):
        made = planned(about, body, entry.id)
        mine = [edit for edit in made.edits if edit.path == switch.steps]
        others = {one.steps for one in entry.switches if one.where.holds(about) and not one.only_present}

        assert bool(mine) == (switch.steps in others)


def test_every_entry_refuses_what_it_does_not_cover() -> None:
    """
    An operation nobody checked passes only if the operator names it.
    """
    for id_ in ENTRIES:
        about = Facts(provider=id_, operation="brand_new", dialect="any", path="/nowhere")
        refused, vouched = planned(about, {}, id_), planned(about, {}, id_, f"{id_}/brand_new")

        assert any("brand_new" in text and f"attested: [{id_}/brand_new]" in text for text in refused.refusals)
        assert not vouched.refusals and vouched.standing == "asserted"
