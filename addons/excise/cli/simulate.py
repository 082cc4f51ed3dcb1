"""
`excise policy simulate`: what another policy would have made of the calls in the ledger.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from excise.catalog.providers import Catalog
from excise.cli.planning import asked_about, billable_by, world_of, written_policy
from excise.cli.usage import console
from excise.ledger.query import reading
from excise.ledger.replay import Span, replayed, speeds, survey, token_ratios
from excise.ledger.spend import since
from excise.policy.known import known_names
from excise.policy.load import load_policy
from excise.routing.replayed import Place, Report, Tally, World
from excise.routing.simulation import INPUT_SPREAD, OUTPUT_FACTOR, REASONING_FACTOR, UNLEARNED_SPREAD, latency, simulate

_MOST_LINES = 20  # of each table on a terminal; --json has all
_CENT, _FINE = Decimal("0.0001"), Decimal("0.000001")


def run(where: Path, start: str, data: Path, providers: Path | None, prices: Path | None, *, as_json: bool) -> None:
    """
    Replay the ledger against the policy at `where`, and print what would be different.
    """
    try:
        moment = None if start == "all" else since(start, dt.datetime.now(dt.UTC))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(str(error), param_hint="--since") from error
    policy = load_policy(where, known=known_names(providers), secrets=False)
    asked = asked_about(written_policy(where))
    catalog = Catalog.load(providers)
    billable = billable_by(catalog)
    with reading(data) as con:
        span = survey(con, moment)
        quick, ratios = speeds(con, moment), token_ratios(con, moment)
        world = world_of(policy, prices=prices, speeds=quick, ratios=ratios, own=catalog.self_hosted)
        recorded = replayed(con, moment, span, extras=asked, billable=lambda provider, operation: billable.get((provider, operation), True))
        report = simulate(policy, recorded, world, total=span.calls)
    notes = unknown(span, report, asked)
    if as_json:
        print(json.dumps(document(policy.id, moment, span, report, world, notes), indent=2))
    else:
        _show(console(), policy.id, moment, report, world, notes)


def unknown(span: Span, report: Report, asked: Iterable[str]) -> list[str]:
    """
    What the figures do not know, each in a sentence; what is so of every simulation last.
    """
    notes = []
    if span.every > 1:
        notes.append(f"each of {span.every} calls stands for its neighbours: sums are estimates")
    if not span.exact:
        notes.append("calls alike within a tenth (tokens, complexity) are taken together: a limit between two of them may be missed")
    if report.unprofiled:
        notes.append(
            f"{report.unprofiled:,} calls were recorded without a profile: conditions on task, needs and complexity hold for none of them"
        )
    if "headers" in asked:
        notes.append("headers are not in the ledger: conditions on them hold for no call here")
    if "time" in asked:
        notes.append("times count by the quarter of an hour")
    if report.estimated:
        notes.append(f"{report.estimated:,} calls that were refused would be sent: what they cost is expected, not counted")
    if span.undecided:
        notes.append(
            f"{span.undecided:,} calls are left out: no rule decided on them (wrong credentials, no target, answered by the proxy …)"
        )
    if span.copies:
        notes.append(f"{span.copies:,} shadow copies are left out")
    return [
        *notes,
        f"a model that was not asked cuts the same text into tokens of another number (±{INPUT_SPREAD:.0%} where both are learned, else "
        f"±{UNLEARNED_SPREAD:.0%}), answers longer or shorter (a factor of {OUTPUT_FACTOR:g}; {REASONING_FACTOR:g} where only one of them "
        "reasons), and at worst finds nothing cached: the range covers these together",
        "targets are taken to be healthy and prompt caches cold; stickiness, failover, and what a translation refuses are not replayed",
        "who a caller is stays as recorded, whatever the policy's principals say",
    ]


def by_name(places: Mapping[Place, Tally]) -> dict[str, Tally]:
    """
    Entries and providers that are called the same are one line.
    """
    named: dict[str, Tally] = {}
    for place, tally in places.items():
        named.setdefault(str(place), Tally()).take(tally)
    return dict(sorted(named.items(), key=lambda entry: (-entry[1].usd, -entry[1].calls, entry[0])))


def total(places: Mapping[Place, Tally]) -> Tally:
    everything = Tally()
    for tally in places.values():
        everything.take(tally)
    return everything


def document(policy_id: str, start: dt.datetime | None, span: Span, report: Report, world: World, notes: list[str]) -> dict[str, Any]:
    """
    All of it, for programs; money as text.
    """
    sides = {}
    for name, places, denied in (("before", report.before, report.denied_before), ("after", report.after, report.denied_after)):
        sides[name] = {
            "sent": _plain(total(places)),
            "by_model": [{"model": model, **_plain(tally)} for model, tally in by_name(places).items()],
            "latency_ms": {label: latency(places, world, share)[0] for label, share in (("p50", 0.5), ("p95", 0.95))},
            "latency_known_calls": latency(places, world, 0.5)[1],
            "denied_calls": denied.total(),
            "denied": [{"rule": rule, "team": team, "calls": calls} for (rule, team), calls in denied.most_common()],
        }
    return {
        "policy_id": policy_id,
        "since": start.isoformat() if start is not None else None,
        "calls": report.calls,
        "exact": span.exact,
        "every": span.every,
        **sides,
        "moved": [
            {"from": str(one), "to": str(other), **_plain(tally), "cost_before_usd": _money(report.moved_from[one, other].usd)}
            for (one, other), tally in sorted(report.moved.items(), key=lambda entry: (-entry[1].calls, str(entry[0])))
        ],
        "routes": dict(report.rules.most_common()),
        "newly_denied": report.newly_denied,
        "newly_allowed": report.newly_allowed,
        "no_candidate": [{"rule": rule, "why": why, "calls": calls} for (rule, why), calls in report.nobody.most_common()],
        "copies": _plain(report.copies),
        "unprofiled": report.unprofiled,
        "notes": notes,
    }


def _plain(tally: Tally) -> dict[str, Any]:
    return {
        "calls": tally.calls,
        "cost_usd": _money(tally.usd),
        "cost_low_usd": _money(tally.low),
        "cost_high_usd": _money(tally.high),
        "unpriced_calls": tally.unpriced,
    }


def _money(usd: Decimal) -> str:
    return format(usd.quantize(Decimal("1e-9")), "f")


# -- for people ------------------------------------------------------------------------------------------------------------------------


def _show(out: Console, policy_id: str, start: dt.datetime | None, report: Report, world: World, notes: list[str]) -> None:
    when = f"since {start:%Y-%m-%d %H:%M} UTC" if start is not None else "since the beginning"
    out.print(Text(f"{policy_id} on {report.calls:,} calls {when}", style="bold"))
    if not report.calls:
        return
    table = _table("", "before", "after")
    before, after = total(report.before), total(report.after)
    table.add_row("calls sent", f"{before.calls:,}", f"{after.calls:,}")
    table.add_row("cost USD", _range(before), _range(after))
    table.add_row("calls without a price", f"{before.unpriced:,}", f"{after.unpriced:,}")
    for label, share in (("latency p50 ms", 0.5), ("latency p95 ms", 0.95)):
        table.add_row(label, *(_latency(*latency(places, world, share), total(places).calls) for places in (report.before, report.after)))
    table.add_row("denied", f"{report.denied_before.total():,}", f"{report.denied_after.total():,}")
    table.add_row("  newly", "", f"{report.newly_denied:,}")
    table.add_row("  no longer", "", f"{report.newly_allowed:,}")
    table.add_row("nobody can take it", "", f"{sum(report.nobody.values()):,}")
    if report.copies.calls:
        table.add_row("copies", "", f"{report.copies.calls:,} for {_range(report.copies)} USD")
    out.print(table)
    _show_models(out, report)
    _show_moved(out, report)
    for title, denied in (("denied before", report.denied_before), ("denied after", report.denied_after)):
        _lines(out, title, (f"{calls:,}  {rule}  team {team or '(none)'}" for (rule, team), calls in denied.most_common()))
    _lines(out, "nobody can take", (f"{calls:,}  {rule}: {why}" for (rule, why), calls in report.nobody.most_common()))
    _lines(out, "what cannot be known", notes)


def _show_models(out: Console, report: Report) -> None:
    table = _table("model", "calls before", "after", "USD before", "after")
    before, after = by_name(report.before), by_name(report.after)
    for name in list(dict.fromkeys((*before, *after)))[:_MOST_LINES]:
        one, other = before.get(name, Tally()), after.get(name, Tally())
        table.add_row(Text(name), f"{one.calls:,}", f"{other.calls:,}", _range(one), _range(other))
    out.print(table)


def _show_moved(out: Console, report: Report) -> None:
    if not report.moved:
        return
    table = _table("from", "to", "calls", "USD before", "after")
    for (one, other), tally in sorted(report.moved.items(), key=lambda entry: (-entry[1].calls, str(entry[0])))[:_MOST_LINES]:
        table.add_row(Text(str(one)), Text(str(other)), f"{tally.calls:,}", _range(report.moved_from[one, other]), _range(tally))
    out.print(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if not number or column == "to" else "right", overflow="fold")
    return table


def _lines(out: Console, title: str, lines: Iterable[str]) -> None:
    shown = list(lines)
    if not shown:
        return
    out.print(Text(title, style="bold"))
    for line in shown[:_MOST_LINES]:
        out.print(Text("  " + "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)))
    if len(shown) > _MOST_LINES:
        out.print(Text(f"  and {len(shown) - _MOST_LINES:,} more; --json has all", style="dim"))


def _range(tally: Tally) -> str:
    if tally.calls and tally.unpriced == tally.calls:
        return "not known"
    unit = _CENT if tally.usd >= 1 else _FINE
    said = f"{tally.usd.quantize(unit):,}"
    return said if tally.low == tally.high else f"{said} ({tally.low.quantize(unit):,} to {tally.high.quantize(unit):,})"


def _latency(milliseconds: float | None, known: int, calls: int) -> str:
    if milliseconds is None:
        return "not known"
    return f"{milliseconds:,.0f}" + ("" if known >= calls else f" (of {known:,} calls)")
