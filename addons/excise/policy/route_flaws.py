"""
Choices that could never choose: targets nobody has, requirements no target meets. Pure.

Only what is known counts against a target: a price or a score that no table has may stand in an operator's own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from excise.catalog.capability import Capability
from excise.policy.choice import ChoiceEntry
from excise.policy.decide import normal_pattern
from excise.policy.deployment import TargetRef
from excise.policy.flaw import Flaw, Known
from excise.policy.glob import any_of
from excise.policy.schema import PolicyFile
from excise.policy.steering import Route
from excise.policy.terms import Failover
from excise.policy.when import When
from excise.wire.dialect import Traits

if TYPE_CHECKING:
    from excise.policy.yaml import KeyPath

SOON = timedelta(days=30)  # models that are switched off by then are told of
_MILLION = Decimal(1_000_000)
_ABILITIES: dict[str, Callable[[Traits], bool | None]] = {
    "tools": lambda traits: traits.tools,
    "vision": lambda traits: traits.vision,
    "audio": lambda traits: traits.audio_in,
    "document": lambda traits: traits.pdf,
    "prefill": lambda traits: traits.prefill,
    "reasoning": lambda traits: None if traits.reasoning is None else traits.reasoning != "none",
}


def route_flaws(written: PolicyFile, known: Known, known_model: Callable[[str], bool]) -> Iterator[Flaw]:
    """
    What is wrong with routes, aliases and failover.

    Args:
        known_model: Whether a pattern of model names matches one of the catalogue's or of the policy's own.
    """
    usual = written.defaults.failover.over(Failover())
    yield from _hedged_too_late(("defaults", "failover"), usual)
    for path, choice in _choices(written):
        unknown = list(_unknown_targets(path, choice, written, known_model))
        yield from unknown
        yield from _repeated(path, choice)
        if choice.failover is not None:
            yield from _hedged_too_late((*path, "failover"), choice.failover.over(usual))
        if not unknown:
            yield from _impossible(path, choice, written, known)


def ending(written: PolicyFile, known: Known, today: date) -> Iterator[Flaw]:
    """
    Targets whose model is switched off, or will be soon. No flaw of the policy: it is right until then, and others may be asked.

    Args:
        today: In UTC.
    """
    entries = {entry.called: entry for entry in written.providers}
    told: set[str] = set()
    for path, choice in _choices(written):
        for at, target in _targets(choice):
            ref = TargetRef.of(target)
            if target in told or ref.deployment not in entries:
                continue
            told.add(target)
            until = known.capability(entries[ref.deployment].provider, ref.model).until
            if until is not None and until <= today + SOON:
                verb = "was" if until < today else "is"
                yield Flaw((*path, *at), f"{ref.model} of entry {ref.deployment} {verb} switched off on {until}")


def _choices(written: PolicyFile) -> Iterator[tuple[KeyPath, ChoiceEntry]]:
    yield from ((("aliases", name), entry) for name, entry in written.aliases.items())
    yield from ((("routes", number), entry) for number, entry in enumerate(written.routes))


def _targets(choice: ChoiceEntry) -> Iterator[tuple[KeyPath, str]]:
    yield from ((("to", at, "target"), one.target) for at, one in enumerate(choice.to))
    if choice.canary is not None:
        yield ("canary", "target"), choice.canary.target
    if choice.shadow is not None:
        yield ("shadow", "target"), choice.shadow.target


def _unknown_targets(path: KeyPath, choice: ChoiceEntry, written: PolicyFile, known_model: Callable[[str], bool]) -> Iterator[Flaw]:
    entries = {entry.called for entry in written.providers}
    for at, target in _targets(choice):
        name, _, model = target.partition("/")
        if name not in entries:
            yield Flaw((*path, *at), f"{name!r} is no entry of `providers`: calls cannot be sent there without credentials")
        elif not known_model(normal_pattern(model)) and "/" not in model and ":" not in model:
            yield Flaw((*path, *at), f"{model!r} is no known model; if {name} has it all the same, list it there under `models`")


def _repeated(path: KeyPath, choice: ChoiceEntry) -> Iterator[Flaw]:
    seen: set[str] = set()
    for at, one in enumerate(choice.to):
        if one.target in seen:
            yield Flaw((*path, "to", at, "target"), f"{one.target!r} is given twice")
        seen.add(one.target)
    if choice.canary is not None and choice.canary.target in seen:
        yield Flaw((*path, "canary", "target"), "a canary is none of the targets under `to`; to give one a share, give it a weight")


def _hedged_too_late(path: KeyPath, failover: Failover) -> Iterator[Flaw]:
    hedge = failover.hedge_seconds
    if hedge is None:
        return
    for name in ("first_byte_seconds", "total_seconds"):
        limit = getattr(failover, name)
        if limit is not None and hedge >= limit:
            yield Flaw((*path, "hedge_seconds"), f"no second target would ever be asked: {name} is {limit:g}")
            return


def _impossible(path: KeyPath, choice: ChoiceEntry, written: PolicyFile, known: Known) -> Iterator[Flaw]:
    entries = {entry.called: entry for entry in written.providers}
    refs = [TargetRef.of(one.target) for one in choice.to]
    require, when = choice.require, choice.when if isinstance(choice, Route) else None
    if require.regions is not None:
        fits = any_of(require.regions)
        if not any(fits(entries[ref.deployment].region) for ref in refs):
            yield Flaw((*path, "require", "regions"), "no target meets this: none of their entries of `providers` has such a `region`")
    asked = require.quality is not None or require.max_input_price is not None or require.max_output_price is not None
    if not asked and (when is None or (when.needs is None and when.input_tokens is None)):
        return  # the tables need not be read
    having = [known.capability(entries[ref.deployment].provider, ref.model) for ref in refs]
    for name, most in (("input", require.max_input_price), ("output", require.max_output_price)):
        prices = [_price(one, name) for one in having]
        if most is not None and all(price is not None and price > most for price in prices):
            least = min(price for price in prices if price is not None)
            yield Flaw((*path, "require", f"max_{name}_price"), f"no target meets this: the least is {least.normalize():f} USD")
    if require.quality is not None:
        best = [_best(one, when) for one in having]
        if all(score is not None and score < require.quality for score in best):
            most_had = max(score for score in best if score is not None)
            yield Flaw((*path, "require", "quality"), f"no target meets this: the best has {most_had:.2f}")
    if when is not None:
        yield from _unable(path, when, having)


def _unable(path: KeyPath, when: When, having: list[Capability]) -> Iterator[Flaw]:
    for at, need in enumerate(when.needs or ()):
        can = _ABILITIES.get(need)
        if can is not None and all(can(one.traits) is False for one in having):
            yield Flaw((*path, "when", "needs", at), f"no target can do this: {need}")
    least = when.input_tokens.from_ if when.input_tokens is not None else None
    if least is not None and all(one.max_input_tokens is not None and one.max_input_tokens < least for one in having):
        most = max(one.max_input_tokens or 0 for one in having)
        yield Flaw((*path, "when", "input_tokens"), f"no target takes so much: the largest window has {most} tokens")


def _price(capability: Capability, name: str) -> Decimal | None:
    rate = capability.rates.by_name.get(name) if capability.rates is not None else None
    return rate.at(0) * _MILLION / rate.per if rate is not None else None


def _best(capability: Capability, when: When | None) -> float | None:
    """
    The best score for any kind of work that is asked about; `None`: one of them is not known.
    """
    if not capability.quality:
        return None
    tasks = when.task if when is not None and when.task is not None else tuple(capability.quality)
    scores = [capability.quality.get(task) for task in tasks]
    return None if None in scores else max(score for score in scores if score is not None)
