"""
`scripts/bench profile [--misses] [--classifier DIR]`: is the profile of a call right, and what does it cost?

Prints the confusion matrix and the accuracy per task and language of all parts of `tests/fixtures/profile`, and the time of one call;
with a model for the classifier also how many are right with it, and its own time.

Words and weights are set on the two `tuned` parts. `held_out` was never looked at, but was written together with the words, by one
hand, and flatters them; `fresh` was written after them. Only `fresh` says what the profile is worth on prompts nobody had in mind.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.profile_cases import PARTS, Case, cases, turn
from excise.classifier import load_classifier
from excise.routing.profile import Task
from excise.routing.profiling import profile_of
from excise.routing.profiling.classifier import Classifier
from excise.wire.neutral import Request

SIZES = (1_000, 8_000, 64_000, 1_000_000, 5_000_000)
_PROSE = "The council met again on Tuesday; nothing was decided, as two members were ill. Could you look at the plan, please? "
_CODE = "def total(items):\n    return sum(item.price * item.count for item in items if item.kind != 'gift')\n\n"
_CHINESE = "市政府昨天宣布，明年将关闭市中心的主要道路，用于修建新的地铁线路。居民对此意见不一。"
_GERMAN = "Die Gemeinde will ihr Freibad retten, doch für die Reparatur fehlt Geld; der Landkreis zögert noch. "


def main(arguments: Sequence[str]) -> None:
    """
    Print everything.
    """
    parser = argparse.ArgumentParser(
        prog="scripts/bench profile", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--misses", action="store_true", help="name the tuned prompts that are told wrong")
    parser.add_argument("--classifier", type=Path, metavar="DIR", help="a static embedding model, asked where the rules are unsure")
    given = parser.parse_args(arguments)
    classifier = None if given.classifier is None else load_classifier(given.classifier)
    console = Console(width=130)
    for part in PARTS:
        told = [(case, profile_of(case.request).task) for case in cases(part)]
        right = sum(case.task is task for case, task in told)
        console.rule(f"{part}: {right} of {len(told)} right, {right / len(told):.1%}")
        console.print(confusion(told), by_language(told), by_confidence(part))
        if classifier is not None:
            console.print(second_opinions(part, classifier))
        if given.misses and part.startswith("tuned"):
            for case, task in told:
                if case.task is not task:
                    console.print(f"{case.name}: told {task}, {profile_of(case.request).signals}")
    console.rule("time of one call")
    console.print(times())
    if classifier is not None:
        console.print(times_of(classifier))


def confusion(told: Sequence[tuple[Case, Task]]) -> Table:
    """
    Rows: what it is; columns: what it is taken for.
    """
    counts = Counter((case.task, task) for case, task in told)
    shown = Table("is \\ taken for", *(task[:8] for task in Task), "right")
    for task in Task:
        row = [counts[task, other] for other in Task]
        shown.add_row(task, *(str(count or "") for count in row), f"{counts[task, task] / max(1, sum(row)):.0%}")
    return shown


def by_language(told: Sequence[tuple[Case, Task]]) -> Table:
    """
    Share of right ones by language.
    """
    shown = Table("language", "prompts", "right")
    for language in sorted({case.language for case, _ in told}):
        of_it = [case.task is task for case, task in told if case.language == language]
        shown.add_row(language, str(len(of_it)), f"{sum(of_it) / len(of_it):.0%}")
    return shown


def by_confidence(part: str) -> Table:
    """
    Share of right ones among those told with some confidence: whether the figure means anything.
    """
    shown = Table("confidence", "prompts", "right")
    told = [(profile_of(case.request), case.task) for case in cases(part)]
    for least, most in ((0.0, 0.01), (0.01, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 1.01)):
        band = [profile.task is task for profile, task in told if least <= profile.confidence < most]
        if band:
            shown.add_row(f"{least:.1f} to {min(most, 1.0):.1f}", str(len(band)), f"{sum(band) / len(band):.0%}")
    return shown


def second_opinions(part: str, classifier: Classifier) -> Table:
    """
    How many are right by the rules and with the classifier, and what became of those whose task it changed.
    """
    told = [(case.task, profile_of(case.request).task, profile_of(case.request, classifier=classifier).task) for case in cases(part)]
    shown = Table("prompts", "right by rules", "right with classifier", "changed", "for the better", "for the worse")
    changed = [(is_ is rules, is_ is both) for is_, rules, both in told if rules is not both]
    better, worse = sum(both for _, both in changed), sum(rules for rules, _ in changed)
    by_rules, by_both = (sum(one[0] is one[at] for one in told) / len(told) for at in (1, 2))
    shown.add_row(str(len(told)), f"{by_rules:.1%}", f"{by_both:.1%}", str(len(changed)), str(better), str(worse))
    return shown


def times_of(classifier: Classifier) -> Table:
    """
    Microseconds of the classifier alone, where it is asked.
    """
    shown = Table("asked with", "characters", "median µs", "p99 µs")
    for name, piece in (("prose", _PROSE), ("code", _CODE), ("german", _GERMAN), ("chinese", _CHINESE)):
        for size in (50, 500, 4_000):
            shown.add_row(name, f"{size:,}", *measured(partial(classifier.task_of, (piece * (size // len(piece) + 1))[:size])))
    return shown


def times(sizes: Sequence[int] = SIZES) -> Table:
    """
    Microseconds of one call, by material and size in characters: one turn, and a conversation of turns of 1,000.
    """
    shown = Table("material", "characters", "median µs", "p99 µs")
    for name, piece in (("prose", _PROSE), ("code", _CODE), ("german", _GERMAN), ("chinese", _CHINESE)):
        for size in sizes:
            text = (piece * (size // len(piece) + 1))[:size]
            shown.add_row(name, f"{size:,}", *measured(partial(profile_of, Request("openai-chat", "a", (turn("user", text),)))))
    for size in sizes:
        turns = tuple(turn("assistant" if number % 2 else "user", _PROSE * 9) for number in range(size // 1000))
        shown.add_row("turns", f"{size:,}", *measured(partial(profile_of, Request("openai-chat", "a", turns))))
    return shown


def measured(job: Callable[[], object], calls: int = 300) -> tuple[str, str]:
    """
    Median and 99th percentile of CPU time, which other work on the machine does not lengthen.
    """
    took = []
    for _ in range(calls):
        begun = time.thread_time()
        job()
        took.append((time.thread_time() - begun) * 1e6)
    return f"{statistics.median(took):,.0f}", f"{statistics.quantiles(took, n=100)[98]:,.0f}"
