"""
What entries of `routes` and aliases may say of their targets: what loads, what it becomes, and what is refused where.
"""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest

from excise.catalog.quality import TASKS
from excise.errors import PolicyError
from excise.policy.choice import AnswerFault
from excise.policy.credential import ApiKey
from excise.policy.deployment import TargetRef
from excise.policy.described import GENERATES, USUAL_COMPLEXITY
from excise.policy.terms import ANSWER_FAULTS, Canary, Choice, Failover, Requirements, Shadow, Weighted, Weights
from excise.policy.when import NeedName, TaskName
from excise.routing import targets
from excise.routing.profile import Need, Profile, Task

from .written import NAMES, loaded

ENVIRON = {"KEY_A": "key-number-one", "KEY_B": "key-number-two"}
PROVIDERS = """
providers:
  - {provider: openai, key: [env:KEY_A, env:KEY_B], region: eu-west-1}
  - {provider: openai, name: azure, key: [env:KEY_A, env:KEY_A]}
  - {provider: anthropic, key: env:KEY_A}
"""
WHOLE = f"""{PROVIDERS}
defaults:
  failover: {{attempts: 3, hedge_seconds: 4.5}}
routes:
  - name: split
    when: {{team: a}}
    to: [{{target: openai/gpt-4o, weight: 9}}, {{target: azure/gpt-4o, weight: 0.5}}, anthropic/claude-haiku]
  - name: best
    when: {{team: b}}
    to: [openai/gpt-4o, azure/gpt-4o]
    optimise: {{cost: 3, quality: 6, latency: 1}}
    require: {{quality: 0.7, max_cost_usd: "0.05", max_input_price: 3, max_output_price: 0.1,
              regions: [eu-*], exact: true, retention: zero}}
    sticky: conversation
    canary: {{target: openai/gpt-5, percent: 5}}
    shadow: {{target: anthropic/claude-haiku, percent: 0.5}}
    failover: {{attempts: 2, hedge_seconds: off, answers: [empty, schema]}}
aliases:
  list: [openai/gpt-4o, azure/gpt-4o]
  one: openai/gpt-4o
  all: {{to: openai/gpt-4o, sticky: principal, failover: off}}
"""


def faults(text: str) -> list[tuple[int, int, str]]:
    with pytest.raises(PolicyError) as raised:
        loaded(text, known=NAMES, environ=ENVIRON)
    return [(line, column, said) for _, line, column, said in raised.value.places]


def test_all_that_can_be_said_of_a_choice():
    """
    Weights, what to optimise, what to require, canary, shadow: as terms that run, money exact and shares adding up.
    """
    policy = loaded(WHOLE, known=NAMES, environ=ENVIRON)
    split, best = (entry.said for entry in policy.routes)

    assert split == Choice(
        (
            Weighted(TargetRef("openai", "gpt-4o"), 9),
            Weighted(TargetRef("azure", "gpt-4o"), 0.5),
            Weighted(TargetRef("anthropic", "claude-haiku"), 1),
        ),
        strategy="weighted",
        failover=Failover(attempts=3, hedge_seconds=4.5),
    )
    assert (best.strategy, best.weights, best.sticky) == ("optimise", Weights(cost=0.3, quality=0.6, latency=0.1), "conversation")
    assert best.require == Requirements(0.7, Decimal("0.05"), Decimal(3), Decimal("0.1"), ("eu-*",), exact=True, zero_retention=True)
    assert best.canary == Canary(TargetRef("openai", "gpt-5"), 0.05)
    assert best.shadow == Shadow(TargetRef("anthropic", "claude-haiku"), 0.005)


def test_what_an_entry_leaves_out_of_failover_is_as_the_defaults_say():
    """
    And what those leave out is as built in; `off` asks once, holds nothing back, and hedges nothing, whatever the defaults say.
    """
    policy = loaded(WHOLE, known=NAMES, environ=ENVIRON)

    assert policy.failover == Failover(attempts=3, hedge_seconds=4.5)
    assert policy.routes[1].said.failover == Failover(attempts=2, hedge_seconds=None, answers=frozenset({"empty", "schema"}))
    assert policy.aliases["all"].failover == Failover(attempts=1, hedge_seconds=None, answers=frozenset())
    assert loaded("rules: []").failover == Failover()
    assert loaded("defaults: {failover: off}").failover.attempts == 1


def test_an_alias_is_a_target_a_list_or_all_that_a_route_may_say():
    """
    The short forms mean the same as the long one.
    """
    policy = loaded(WHOLE, known=NAMES, environ=ENVIRON)
    first, second = TargetRef("openai", "gpt-4o"), TargetRef("azure", "gpt-4o")

    assert [one.target for one in policy.aliases["list"].targets] == [first, second]
    assert [one.target for one in policy.aliases["one"].targets] == [first]
    assert (policy.aliases["all"].targets, policy.aliases["all"].sticky) == ((Weighted(first),), "principal")
    assert policy.aliases["one"].strategy == "ordered"


def test_several_keys_are_a_pool():
    """
    All that are listed, each once, in order; the first stands for them where one is asked for.
    """
    policy = loaded(WHOLE, known=NAMES, environ=ENVIRON)

    assert policy.deployments["openai"].credentials == (ApiKey("key-number-one"), ApiKey("key-number-two"))
    assert policy.deployments["openai"].credential == ApiKey("key-number-one")
    assert policy.deployments["azure"].credentials == (ApiKey("key-number-one"),)
    assert "key-number" not in repr(policy)


def test_a_pool_says_which_of_its_keys_is_not_there():
    """
    With the place of that reference, not of the list.
    """
    text = PROVIDERS.replace("env:KEY_B", "env:KEY_C")

    assert faults(text) == [(4, 41, "the environment variable KEY_C is not set")]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("weight: 9", "weight: -9", "greater than or equal to 0"),
        ("weight: 9", "weigth: 9", "unknown key 'weigth': did you mean 'weight'?"),
        ("openai/gpt-4o, weight: 9", "gpt-4o, weight: 9", "a target NAME/MODEL is expected"),
        ("cost: 3, quality: 6, latency: 1", "cost: 0", "nothing to optimise"),
        ("cost: 3, quality: 6, latency: 1", "price: 3", "unknown key 'price'; known here: cost, latency, quality"),
        ("quality: 6", "quality: true", "valid number"),
        ("quality: 0.7", "quality: 7", "less than or equal to 1"),
        ('"0.05"', '"5 cents"', "an amount is expected"),
        ('"0.05"', '"NaN"', "an amount is expected"),
        ('"0.05"', '"1e999999999"', "less than or equal to 1000000"),
        ('"0.05"', "true", "an amount is expected"),
        ('"0.05"', '"-1"', "greater than or equal to 0"),
        ("max_input_price: 3", "max_input_price: 3000000", "less than or equal to 1000000"),
        ("regions: [eu-*]", 'regions: ["eu-?"]', "only * is a wildcard"),
        ("retention: zero", "retention: none", "input should be 'zero'"),
        ("sticky: conversation", "sticky: session", "input should be 'off', 'conversation' or 'principal'"),
        ("target: openai/gpt-5", "target: gpt-5", "a target NAME/MODEL is expected"),
        ("percent: 5", "percent: 0", "greater than 0"),
        ("percent: 5", "percent: 101", "less than or equal to 100"),
        ("attempts: 2", "attempts: 0", "greater than or equal to 1"),
        ("attempts: 2", "attempts: 2.5", "valid integer"),
        ("attempts: 2", "atempts: 2", "did you mean 'attempts'?"),
        ("hedge_seconds: off", "hedge_seconds: never", "valid number"),
        ("[empty, schema]", "[empty, boring]", "input should be 'empty'"),
        ("failover: off", "failover: none", "keys and values are expected here, or `off`"),
        ("one: openai/gpt-4o", "one: gpt-4o", "a target NAME/MODEL is expected"),
        ("list: [openai/gpt-4o", "list: [openai", "a target NAME/MODEL is expected"),
        ("to: openai/gpt-4o, sticky", "sticky", "`to` is missing"),
    ],
)
def test_slips_are_told_where_they_stand(before, after, said):
    """
    With the line and column of the value, or of the key, whatever form was written.
    """
    assert before in WHOLE
    text = WHOLE.replace(before, after, 1)
    line = 1 + next(at for at, (one, two) in enumerate(zip(WHOLE.splitlines(), text.splitlines(), strict=True), 1) if one != two)

    assert [found[0] for found in faults(text) if said in found[2]] == [line]


@pytest.mark.parametrize(
    ("to", "column", "said"),
    [
        ("[openai/gpt-4o, openai]", 25, "a target NAME/MODEL is expected"),
        ("openai", 9, "a target NAME/MODEL is expected"),
        ("[openai/gpt-4o, {target: openai}]", 34, "a target NAME/MODEL is expected"),
        ("[nobody/gpt-4o]", 10, "'nobody' is no entry of `providers`"),
        ("nobody/gpt-4o", 9, "'nobody' is no entry of `providers`"),
        ("[{target: openai/gpt-4o}, {target: openai/gbt-4}]", 44, "'gbt-4' is no known model"),
        ("[openai/gpt-4o, openai/gpt-4o]", 25, "'openai/gpt-4o' is given twice"),
        ("[{target: openai/gpt-4o, weight: 0}, {target: azure/gpt-4o, weight: 0}]", 5, "all weights are 0"),
        ("[{target: openai/gpt-4o, weight: 1}]\n    optimise: {cost: 1}", 5, "not both"),
    ],
)
def test_targets_have_places_in_each_of_their_forms(to, column, said):
    """
    One value, a list, a mapping: the column is that of the name.
    """
    found = faults(f"{PROVIDERS}routes:\n  - name: a\n    to: {to}\n")

    assert [column for _, column, text in found if said in text] == [column]


def test_what_policy_names_is_what_routing_names():
    """
    Kinds of work, needs, faults of answers: `policy` stands below `routing`, so it writes them out.
    """
    assert set(get_args(TaskName)) == set(Task) == {*TASKS, "unknown"} - {"general"}
    assert set(get_args(NeedName)) == set(Need)
    assert set(get_args(AnswerFault)) == set(ANSWER_FAULTS)
    assert (targets.GENERATES, Profile().complexity) == (GENERATES, USUAL_COMPLEXITY)
