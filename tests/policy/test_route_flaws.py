"""
Choices that could never choose are errors of the policy, told where they stand.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from excise.catalog.capability import Capability
from excise.catalog.rates import Rate, Rates
from excise.errors import PolicyError
from excise.policy.known import known_names
from excise.policy.route_flaws import ending
from excise.policy.schema import PolicyFile
from excise.wire.dialect import Traits

from .written import NAMES, loaded

MILLION = 1_000_000
MODELS = {
    "small": Capability(
        "openai",
        "gpt-small",
        known=True,
        max_input_tokens=8000,
        traits=Traits(tools=True, vision=False, audio_in=False, reasoning="none"),
        rates=Rates({"input": Rate(Decimal("0.1"), MILLION), "output": Rate(Decimal("0.4"), MILLION)}),
        quality={"code": 0.4, "analysis": 0.7},
    ),
    "large": Capability(
        "openai",
        "gpt-large",
        known=True,
        max_input_tokens=200_000,
        traits=Traits(tools=True, vision=True, audio_in=False, reasoning="effort"),
        rates=Rates({"input": Rate(Decimal(3), MILLION), "output": Rate(Decimal(15), MILLION)}),
        quality={"code": 0.9, "analysis": 0.8},
    ),
}
KNOWN = replace(
    NAMES,
    capability=lambda provider, model: MODELS.get(model.removeprefix("gpt-"), Capability(provider, model)),
)


def told(entry: str, *, defaults: str = "{}") -> list[tuple[int, str]]:
    """
    Lines, counted from the entry's first, and what is said.
    """
    head = f"""providers:
  - {{provider: openai, region: us-east-1}}
  - {{provider: openai, name: eu, region: eu-west-1}}
defaults: {defaults}
routes:
  - name: a
"""
    body = "".join(f"    {line}\n" for line in entry.splitlines())
    try:
        loaded(f"version: 1\n{head}{body}", known=KNOWN)
    except PolicyError as error:
        return [(line - 7, said) for _, line, _, said in error.places]
    return []


@pytest.mark.parametrize(
    ("entry", "line", "said"),
    [
        ("to: openai/gpt-small\nrequire: {max_input_price: 0.05}", 2, "no target meets this: the least is 0.1 USD"),
        ("to: [openai/gpt-small, eu/gpt-large]\nrequire:\n  max_output_price: 0.3", 3, "no target meets this: the least is 0.4 USD"),
        ("to: [openai/gpt-small, eu/gpt-large]\nrequire: {quality: 0.95}", 2, "no target meets this: the best has 0.90"),
        ("to: openai/gpt-large\nwhen: {task: analysis}\nrequire: {quality: 0.85}", 3, "the best has 0.80"),
        ("to: openai/gpt-large\nrequire: {regions: [eu-*]}", 2, "none of their entries"),
        ("to: [openai/gpt-small, openai/gpt-large]\nwhen: {needs: [tools, audio]}", 2, "no target can do this: audio"),
        ("to: openai/gpt-small\nwhen: {needs: reasoning}", 2, "no target can do this: reasoning"),
        ("to: openai/gpt-small\nwhen: {input_tokens: {from: 10000}}", 2, "the largest window has 8000 tokens"),
        ("to: [openai/gpt-small, eu/gpt-small, openai/gpt-small]", 1, "'openai/gpt-small' is given twice"),
        ("to: openai/gpt-small\ncanary: {target: openai/gpt-small, percent: 5}", 2, "a canary is none of the targets"),
        ("to: openai/gpt-small\ncanary: {target: nobody/gpt-small, percent: 5}", 2, "'nobody' is no entry of `providers`"),
        ("to: openai/gpt-small\nshadow: {target: openai/tpg, percent: 5}", 2, "'tpg' is no known model"),
        (
            "to: openai/gpt-small\nfailover: {hedge_seconds: 30, total_seconds: 30}",
            2,
            "no second target would ever be asked: total_seconds is 30",
        ),
        ("to: openai/gpt-small\nfailover:\n  hedge_seconds: 9\n  first_byte_seconds: 8", 3, "first_byte_seconds is 8"),
        ("to: openai/gpt-small\nfailover: {total_seconds: 3}", 2, "total_seconds is 3"),
    ],
)
def test_what_can_never_be(entry, line, said):
    """
    Ceilings below every price, scores nobody has, regions nobody is in, abilities nobody has, hedges after the end.
    """
    defaults = "{failover: {hedge_seconds: 5}}" if "total_seconds: 3}" in entry else "{}"
    found = told(entry, defaults=defaults)

    assert [(at, text) for at, text in found if said in text] == [(line, found[0][1])]
    assert len(found) == 1


@pytest.mark.parametrize(
    "entry",
    [
        "to: [openai/gpt-small, eu/gpt-large]\nrequire: {max_input_price: 0.1, quality: 0.9}",  # each by another: a call may find both
        "to: [openai/gpt-small, openai/gpt-new]\nrequire: {max_input_price: 0.01, quality: 0.99}",  # nobody knows the new one
        "to: openai/gpt-large\nwhen: {task: [analysis, code]}\nrequire: {quality: 0.85}",
        "to: openai/gpt-large\nwhen: {task: translation}\nrequire: {quality: 0.85}",  # no score is no low score
        "to: [openai/gpt-small, eu/gpt-small]\nrequire: {regions: [eu-*]}",
        "to: [openai/gpt-small, openai/gpt-large]\nwhen: {needs: [vision, video], input_tokens: {from: 10000}}",
        "to: openai/gpt-small\ncanary: {target: eu/gpt-small, percent: 5}\nshadow: {target: openai/gpt-small, percent: 1}",
    ],
)
def test_what_could_be(entry):
    """
    One target is enough, and what is not known counts for it.
    """
    assert told(entry) == []


def test_the_catalogue_knows_prices_scores_and_abilities():
    """
    Against the shipped tables: a requirement no model of the list meets is an error with figures.
    """
    text = "providers: [{provider: openai}]\nroutes:\n  - {name: a, when: {task: code}, to: openai/gpt-4o-mini, require: {%s}}\n"

    for require in ("quality: 1", "max_input_price: 0.01"):
        with pytest.raises(PolicyError, match="no target meets this"):
            loaded(text % require, known=known_names())
    assert loaded(text % "quality: 0.01, max_input_price: 1", known=known_names()).routes


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (-1, "gpt-small of entry eu was switched off on 2026-03-01"),
        (0, "gpt-small of entry eu is switched off on 2026-03-01"),
        (30, "gpt-small of entry eu is switched off on 2026-03-01"),
        (31, None),
    ],
)
def test_models_that_end_are_told(days, said):
    """
    From 30 days before; each target once, at its first place, shadows and canaries too.
    """
    until = date(2026, 3, 1)
    known = replace(KNOWN, capability=lambda provider, model: replace(MODELS["small"], until=until if model == "gpt-small" else None))
    written = PolicyFile.model_validate(
        {
            "version": 1,
            "providers": [{"provider": "openai", "name": "eu"}],
            "aliases": {"fast": {"to": ["eu/gpt-large"], "shadow": {"target": "eu/gpt-small", "percent": 1}}},
            "routes": [{"name": "a", "to": ["eu/gpt-small", "eu/gpt-large"]}],
            "default": "allow",
        }
    )

    found = [(flaw.path, flaw.text) for flaw in ending(written, known, until - timedelta(days=days))]
    assert found == ([(("aliases", "fast", "shadow", "target"), said)] if said is not None else [])
