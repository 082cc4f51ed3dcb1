"""
`scripts/bench routing [--quick] [--calls N] [--seed N] [--json FILE]`

Is routing worth it? Success, cost and latency of the planner at several weights, beside every model alone, chance, and an oracle that
knows how each call will end and takes the cheapest model that solves it. In a made world (`routing_world`): ratios mean something, figures
do not.

The fair line is the mixture: whoever tosses a coin between two models gets any point between them, for nothing. `over mixture` is how many
more calls in a hundred are solved than by the best mixture of single models at the same cost; `saved` is how much less is paid than for the
best mixture that solves as many. In brackets 95 %, by bootstrap over calls.

`ours 0.4 / 0.6` weighs cost and quality so; `with latency` weighs the three alike, so it buys speed, too, which the mixture does not count;
`blind` sees the tokens of a call alone.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.routing_world import MODELS, Call, World, made
from excise.policy.deployment import TargetRef
from excise.policy.terms import Choice, Weighted, Weights
from excise.routing.planning import planned

type Point = tuple[float, float]  # USD, success: of a mean call
type Way = Callable[[Call], TargetRef]

BLOCKS = 100  # of calls, resampled whole: calls do not depend on one another, and sums of blocks are quick


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What came of sending every call somewhere: sums by block of calls.
    """

    name: str
    usd: list[float]
    solved: list[float]
    seconds: list[float]
    calls: int

    def point(self, blocks: Sequence[int] | None = None) -> Point:
        """
        Means over all calls, or over these blocks.
        """
        chosen = blocks if blocks is not None else range(BLOCKS)
        calls = len(chosen) * self.calls / BLOCKS
        return sum(self.usd[block] for block in chosen) / calls, sum(self.solved[block] for block in chosen) / calls


def sent(name: str, world: World, way: Way) -> Outcome:
    """
    Send every call its way.
    """
    outcome = Outcome(name, [0.0] * BLOCKS, [0.0] * BLOCKS, [0.0] * BLOCKS, len(world.calls))
    for number, call in enumerate(world.calls):
        target, block = way(call), number % BLOCKS
        outcome.usd[block] += call.usd[target]
        outcome.solved[block] += call.solved[target]
        outcome.seconds[block] += call.seconds[target]
    return outcome


def ours(world: World, weights: Weights, blind: bool = False) -> Way:
    """
    The planner's first candidate. `blind`: it sees the tokens, but neither task nor difficulty.
    """
    choice = Choice(tuple(Weighted(target) for target in MODELS), strategy="optimise", weights=weights)

    def way(call: Call) -> TargetRef:
        seen = replace(call.seen, confidence=0.0, complexity=0.5) if blind else call.seen
        return planned(choice, "bench", world.view(seen)).candidates[0].target

    return way


def oracle(call: Call) -> TargetRef:
    """
    The cheapest that solves it; where none does, the cheapest.
    """
    return min(MODELS, key=lambda target: (not call.solved[target], call.usd[target]))


def frontier(points: Sequence[Point]) -> list[Point]:
    """
    The best mixtures of these: corners of the upper hull, from the cheapest to the best.
    """
    hull: list[Point] = []
    for usd, success in sorted(points):
        while len(hull) > 1 and (hull[-1][1] - hull[-2][1]) * (usd - hull[-2][0]) <= (success - hull[-2][1]) * (hull[-1][0] - hull[-2][0]):
            hull.pop()
        if not hull or success > hull[-1][1]:
            hull.append((usd, success))
    return hull


def along(hull: Sequence[Point], value: float, axis: int) -> float | None:
    """
    The other figure of the mixture that has this one; beyond the best one: the best. `None`: no mixture is that cheap, or that good.
    """
    for one, other in pairwise(hull):
        if one[axis] <= value <= other[axis]:
            part = (value - one[axis]) / (other[axis] - one[axis])
            return one[1 - axis] + part * (other[1 - axis] - one[1 - axis])
    return hull[-1][1] if axis == 0 and value > hull[-1][0] else None


def compared(outcome: Outcome, singles: Sequence[Outcome], rounds: int, seed: int) -> dict[str, Any]:
    """
    An outcome against mixtures of the single models, with what chance makes of it.
    """
    dice = random.Random(seed)
    over: list[float] = []
    saved: list[float] = []
    for number in range(rounds + 1):
        blocks = list(range(BLOCKS)) if not number else dice.choices(range(BLOCKS), k=BLOCKS)
        hull = frontier([single.point(blocks) for single in singles])
        usd, success = outcome.point(blocks)
        at_cost, at_success = along(hull, usd, 0), along(hull, success, 1)
        over.append((success - at_cost) * 100 if at_cost is not None else float("nan"))
        saved.append((1 - usd / at_success) * 100 if at_success is not None else float("nan"))
    return {"over_mixture": _interval(over), "saved_percent": _interval(saved)}


def _interval(drawn: list[float]) -> list[float] | None:
    """
    The figure itself and 95 % of what resampling made of it. `None`: there is no mixture to compare with, in this or most samples.
    """
    known = sorted(value for value in drawn[1:] if value == value)
    if drawn[0] != drawn[0] or len(known) < 0.9 * (len(drawn) - 1) or not known:
        return None
    return [round(value, 2) for value in (drawn[0], known[int(len(known) * 0.025)], known[int(len(known) * 0.975)])]


def results(world: World, rounds: int, seed: int) -> list[dict[str, Any]]:
    """
    One row a way of choosing.
    """
    chance = random.Random(seed)
    names = list(MODELS)
    singles = [sent(f"{target.deployment}/{target.model}", world, lambda _, target=target: target) for target in names]  # type: ignore[misc]
    mixed = [sent("chance", world, lambda _: chance.choice(names)), sent("oracle", world, oracle)]
    for quality in (0.0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0):
        weights = Weights(cost=1 - quality, quality=quality)
        mixed.append(sent(f"ours {1 - quality:.1f} / {quality:.1f}", world, ours(world, weights)))
    mixed.append(sent("ours, with latency", world, ours(world, Weights(1 / 3, 1 / 3, 1 / 3))))
    mixed.append(sent("ours 0.5 / 0.5, blind", world, ours(world, Weights(cost=0.5, quality=0.5), blind=True)))
    best = max(singles, key=lambda single: single.point()[1])
    knowing = next(outcome for outcome in mixed if outcome.name == "oracle").point()
    rows = []
    for outcome in [*sorted(singles, key=Outcome.point), *mixed]:
        usd, success = outcome.point()
        row = {
            "name": outcome.name,
            "usd_per_1000": round(usd * 1000, 3),
            "success_percent": round(success * 100, 2),
            "seconds": round(sum(outcome.seconds) / outcome.calls, 2),
            "cost_saved_percent": round((1 - usd / best.point()[0]) * 100, 1),
            "quality_kept_percent": round(success / best.point()[1] * 100, 1),
            "regret_points": round((knowing[1] - success) * 100, 2),
            "regret_usd_per_1000": round((usd - knowing[0]) * 1000, 3),
        }
        rows.append(row if outcome in singles else row | compared(outcome, singles, rounds, seed))
    return rows


def speed(world: World) -> float:
    """
    Seconds of one plan with ten targets, the least of several rounds.
    """
    targets = [*MODELS, TargetRef("openai", "gpt-4.1"), TargetRef("mistral", "mistral-large-latest")]
    first = next(iter(MODELS))
    view = replace(
        world.view(world.calls[0].seen),
        capability=lambda target: world.capabilities.get(target, world.capabilities[first]),
        standing=lambda target: world.standings.get(target, world.standings[first]),
    )
    choice = Choice(tuple(Weighted(target) for target in targets), strategy="optimise", weights=Weights(0.4, 0.2, 0.4))
    took = []
    for _ in range(7):
        began = time.perf_counter()
        for _ in range(300):
            planned(choice, "bench", view)
        took.append((time.perf_counter() - began) / 300)
    return min(took)


def table(rows: list[dict[str, Any]]) -> Table:
    """
    Success in calls of a hundred; saved and kept beside the best single model; regret beside the oracle.
    """
    shown = Table()
    shown.add_column("way", no_wrap=True)
    for column in ("USD/1000", "success", "s", "cost saved", "quality kept", "regret", "over mixture", "saved"):
        shown.add_column(column, no_wrap=True)
    for row in rows:
        shown.add_row(
            row["name"],
            f"{row['usd_per_1000']:.2f}",
            f"{row['success_percent']:.1f}",
            f"{row['seconds']:.1f}",
            f"{row['cost_saved_percent']:.0f} %",
            f"{row['quality_kept_percent']:.0f} %",
            f"{row['regret_points']:.1f}, {row['regret_usd_per_1000']:+.2f} USD",
            _ranged(row.get("over_mixture"), ""),
            _ranged(row.get("saved_percent"), " %"),
        )
    return shown


def _ranged(figures: list[float] | None, unit: str) -> str:
    return "" if figures is None else f"{figures[0]:+.1f}{unit} ({figures[1]:+.1f} to {figures[2]:+.1f})"


def main(arguments: Sequence[str]) -> None:
    """
    Measure and print.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/bench routing", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="fewer calls: does it work at all")
    parser.add_argument("--calls", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args(arguments)
    calls = given.calls or (500 if given.quick else 4000)
    world = made(calls, given.seed)
    rows = results(world, 100 if given.quick else 1000, given.seed)
    took = speed(world)
    if given.json is not None:
        given.json.write_text(
            json.dumps({"calls": calls, "seed": given.seed, "prices": world.dated, "plan_us": took * 1e6, "rows": rows}, indent=1)
        )
    Console(width=max(Console().width, 180)).print(table(rows))
    length = statistics.median(call.truth.input_tokens or 0 for call in world.calls)
    print(f"{calls} made calls (median {length:.0f} tokens in), seed {given.seed}, list prices of {world.dated}")
    print(f"one plan with ten targets: {took * 1e6:.0f} us")
