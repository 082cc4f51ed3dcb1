"""
`excise retention`: what providers keep of a call, and what zero retention does about it.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text
from typer.core import TyperGroup

from excise.catalog.retention import RetentionBook, RetentionSpec, load_retention
from excise.cli.usage import JsonOption, console
from excise.cli.verification import Outcome, fillings, read_key, verify
from excise.errors import SettingsError
from excise.privacy.retention.entry import Entry
from excise.stages.retain import entries_of

SOON_DAYS = 30


class _ShowsFirst(TyperGroup):
    """
    `excise retention openai` is short for `excise retention show openai`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["show", *args]
        return super().parse_args(ctx, args)


def register(app: typer.Typer) -> None:
    """
    Add `retention` and its commands.
    """
    group = typer.Typer(cls=_ShowsFirst, help="What providers keep of a call, and what zero retention does about it.")
    group.command("show")(_retention)
    group.command("check")(_check)
    app.add_typer(group, name="retention")


def _retention(
    provider: Annotated[str | None, typer.Argument(metavar="[PROVIDER]", help="Only this provider, in full.")] = None,
    as_json: JsonOption = False,
) -> None:
    """
    What each provider keeps by default, what is set and forbidden under zero retention, what can be verified, what you must attest.
    """
    book = load_retention()
    entries, _ = entries_of(book)
    today = datetime.now(UTC).date()
    if provider is not None and provider not in book.providers:
        known = "was looked for and not found" if provider in book.unread else "has no entry"
        raise typer.BadParameter(f"{provider!r} {known}: under zero retention it is refused until attested", param_hint="PROVIDER")
    chosen = [provider] if provider is not None else sorted(book.providers)
    if as_json:
        shown = [_plain(id_, book.providers[id_], entries[id_], today) for id_ in chosen]
        print(json.dumps({"providers": shown, "unread": [] if provider else list(book.unread)}, indent=2))
    elif provider is not None:
        console().print(_in_full(_plain(provider, book.providers[provider], entries[provider], today)))
    else:
        console().print(_overview(book, entries, today))


def _check(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="Whom to ask.")],
    key: Annotated[str, typer.Option("--key", metavar="env:NAME|file:PATH", help="An administrator's key of your account there.")],
    given: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME=VALUE", help="What stands in a hole of the URL: project, region, … Repeatable."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """
    Ask a provider, with an administrator's key, whether your account keeps nothing. Exit 1: not so, not reachable, or nothing was asked.
    """
    spec = load_retention().providers.get(provider)
    calls = [rule.admin for rule in spec.verify if rule.admin is not None] if spec is not None else []
    if not calls:
        raise typer.BadParameter(f"there is nothing an administrator could ask {provider!r}; see `excise retention`", param_hint="PROVIDER")
    try:
        secret, filled = read_key(key), fillings(given or ())
    except SettingsError as error:
        raise typer.BadParameter(error.message) from None
    done = [verify(call, secret, filled) for call in calls]
    holds = any(one.outcome is Outcome.VERIFIED for one in done) and all(one.outcome in (Outcome.VERIFIED, Outcome.SKIPPED) for one in done)
    if as_json:
        print(json.dumps({"provider": provider, "verified": holds, "checks": [asdict(one) for one in done]}, indent=2))
    else:
        for one in done:
            told = f"[bold]{one.outcome}[/]  {one.field}: " if one.outcome is not Outcome.SKIPPED else f"[bold]{one.outcome}[/]  "
            console().print(told, Text(one.said), f" ({one.url})", sep="", highlight=False, soft_wrap=True)
    raise typer.Exit(0 if holds else 1)


def _plain(id_: str, spec: RetentionSpec, entry: Entry, today: date) -> dict[str, Any]:
    return {
        "provider": id_,
        "default": spec.default.says,
        "days": spec.default.days,
        "promised": spec.promised,
        "unattested": spec.unattested,
        "attest": spec.attest,
        "covers": list(spec.covers),
        "set": list(dict.fromkeys(_switch(switch) for switch in entry.switches)),
        "forbid": [{"what": ban.rule.removeprefix("forbid "), "why": ban.why} for ban in entry.bans],
        "verify": [signal.rule.removeprefix("verify ") for signal in entry.signals]
        + [rule.removeprefix("verify ") for rule in entry.admin],
        "checked_on": spec.checked_on.isoformat(),
        "expires_on": spec.expires_on.isoformat(),
        "expired": spec.expires_on < today,
        "source": list(spec.source),
        "unverified": list(spec.unverified),
    }


def _switch(switch: Any) -> str:
    match switch.action:
        case "set":
            return f"{switch.name}: {json.dumps(switch.value)}"
        case "append":
            return f"{switch.name}: + {json.dumps(switch.value)}"
        case "move":
            return f"?{switch.name} -> {switch.value}"
        case _:
            return f"{switch.name}: {switch.action}"


def _overview(book: RetentionBook, entries: dict[str, Entry], today: date) -> Table:
    table = Table(
        title="What providers keep, and what zero retention does about it",
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for name, ratio in (("provider", None), ("keeps by default", 4), ("set", 3), ("verified", 2), ("unattested", None), ("expires", None)):
        table.add_column(name, ratio=ratio, overflow="fold", no_wrap=ratio is None)
    for id_ in sorted(book.providers):
        said = _plain(id_, book.providers[id_], entries[id_], today)
        unattested = "refused" if said["unattested"] == "refuse" else "asserted" if said["promised"] else "unknown"
        left = (book.providers[id_].expires_on - today).days
        table.add_row(
            Text(id_),
            Text(said["default"]),
            Text("\n".join(said["set"])),
            Text("\n".join(said["verify"])),
            Text(unattested, style="red" if unattested == "refused" else ""),
            Text(said["expires_on"], style="red" if left < 0 else "yellow" if left < SOON_DAYS else ""),
        )
    everywhere = ", ".join(_switch(switch) for switch in next(iter(entries.values())).everywhere)
    table.caption = (
        f"Everywhere, where sent: {everywhere}. Looked for and not found, so refused until attested: {', '.join(book.unread)}. "
        "Any other provider is refused likewise. `excise retention show PROVIDER` shows one in full."
    )
    table.caption_justify = "left"
    return table


def _in_full(said: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    attest = said["attest"] or ("nothing could be stated" if said["unattested"] == "refuse" else "nothing need be stated")
    for name, lines in (
        ("provider", [said["provider"]]),
        ("default", [said["default"]]),
        ("covers", [", ".join(said["covers"])]),
        ("set", said["set"]),
        ("forbidden", [f"{ban['what']}: {ban['why']}" for ban in said["forbid"]]),
        ("verified", said["verify"]),
        ("attest", [f"{attest} ({'refused' if said['unattested'] == 'refuse' else 'used'} without)"]),
        ("checked", [f"{said['checked_on']}, expires {said['expires_on']}{' (expired)' if said['expired'] else ''}"]),
        ("source", said["source"]),
        ("unverified", said["unverified"]),
    ):
        table.add_row(name, Text("\n".join(lines) or "-"))
    return table
