from dataclasses import replace
from decimal import Decimal

import pytest

from excise.catalog.capability import Capability
from excise.catalog.rates import Rate, Rates
from excise.routing.expected import THINKING_FACTOR, expected_cost, expected_latency
from excise.routing.profile import Need, Profile
from excise.routing.standing import UNTRIED, Standing
from excise.wire.dialect import Traits


def _rates(**usd: str) -> Rates:
    return Rates({name: Rate(Decimal(price), 1_000_000) for name, price in usd.items()})


PLAIN = Capability("openai", "gpt-4o", known=True, rates=_rates(input="2.50", output="10", cache_read="1.25"))
CALL = Profile(input_tokens=1000, output_tokens=300)


def test_the_cost_is_exact() -> None:
    """
    1,000 in at 2.50, 300 out at 10 for a million: no float in between.
    """
    assert expected_cost(PLAIN, CALL) == Decimal("0.0055")


def test_cached_input_costs_what_reading_a_cache_does() -> None:
    """
    And where there is no such price, what input costs; more than the input cannot be cached.
    """
    assert expected_cost(PLAIN, CALL, cached_tokens=800) == Decimal("0.0045")
    assert expected_cost(replace(PLAIN, rates=_rates(input="2.50", output="10")), CALL, cached_tokens=800) == Decimal("0.0055")
    assert expected_cost(PLAIN, CALL, cached_tokens=5000) == Decimal("0.00425")


def test_the_learned_ratio_scales_the_input() -> None:
    """
    A model with more tokens for the same text is dearer at the same price.
    """
    assert expected_cost(replace(PLAIN, token_ratio=1.3), CALL) == Decimal("0.00625")


@pytest.mark.parametrize(("model", "tokens"), [("claude-sonnet-5", 413), ("amazon.nova-pro-v1:0", 870), ("gpt-4o", 7), ("acme", 0)])
def test_declared_tools_cost_a_hidden_prompt(model: str, tokens: int) -> None:
    """
    As many tokens as the family adds.
    """
    one = Capability("p", model, rates=_rates(input="1", output="0"))

    assert expected_cost(one, replace(CALL, needs=frozenset({Need.TOOLS}))) == Decimal(1000 + tokens) / 1_000_000


def test_a_long_call_is_charged_at_the_long_price() -> None:
    """
    A tier holds for the whole call, and the tokens that are added count towards it.
    """
    tiered = Rates({"input": Rate(Decimal(1), 1_000_000, ((200_000, Decimal(2)),)), "output": Rate(Decimal(0), 1_000_000)})
    one = Capability("p", "m", rates=tiered)

    assert expected_cost(one, Profile(input_tokens=200_000, output_tokens=0)) == Decimal("0.2")
    assert expected_cost(one, Profile(input_tokens=200_001, output_tokens=0)) == Decimal("0.400002")
    assert expected_cost(replace(one, token_ratio=1.1), Profile(input_tokens=200_000, output_tokens=0)) == Decimal("0.44")


def test_a_price_by_the_request_is_in_it() -> None:
    """
    Some charge for each call beside the tokens.
    """
    rates = Rates({**_rates(input="1", output="1").by_name, "request": Rate(Decimal("0.005"), 1)})

    assert expected_cost(Capability("p", "m", rates=rates), CALL) == Decimal("0.0063")


WRITES = replace(PLAIN, rates=_rates(input="0", output="1"))


@pytest.mark.parametrize(
    ("traits", "asked", "factor"),
    [
        (Traits(reasoning="effort"), False, 1),
        (Traits(reasoning="effort"), True, THINKING_FACTOR),
        (Traits(reasoning="effort", always_thinks=True), False, THINKING_FACTOR),
        (Traits(reasoning="none"), True, 1),
        (Traits(), True, 1),
    ],
)
def test_a_model_that_thinks_writes_more(traits: Traits, asked: bool, factor: int) -> None:
    """
    Where the client asks and the model can, or where it always does.
    """
    call = replace(CALL, needs=frozenset({Need.REASONING}) if asked else frozenset())

    assert expected_cost(replace(WRITES, traits=traits), call) == Decimal(300 * factor) / 1_000_000


def test_nothing_is_written_beyond_a_limit() -> None:
    """
    The client's limit and the model's hold for thinking and answer together.
    """
    thinks = replace(WRITES, traits=Traits(reasoning="effort", always_thinks=True))

    assert expected_cost(thinks, replace(CALL, max_tokens=500)) == Decimal("0.0005")
    assert expected_cost(replace(thinks, max_output_tokens=200), CALL) == Decimal("0.0002")
    assert expected_cost(replace(WRITES, traits=Traits(max_output_tokens=100)), CALL) == Decimal("0.0001")


def test_what_is_not_known_is_none() -> None:
    """
    No price, no estimate of input, none of output; but what is free costs 0.
    """
    assert expected_cost(replace(PLAIN, rates=None), CALL) is None
    assert expected_cost(PLAIN, Profile(output_tokens=300)) is None
    assert expected_cost(PLAIN, Profile(input_tokens=1000)) is None
    assert expected_cost(replace(PLAIN, rates=_rates(second="1")), CALL) is None
    assert expected_cost(replace(PLAIN, rates=_rates(input="0", output="0")), CALL) == 0


def test_latency_is_the_first_byte_and_the_pace() -> None:
    """
    Half a second, and 300 tokens at 60 a second; not known where one of them is not.
    """
    measured = Standing(first_byte_seconds=0.5, tokens_per_second=60.0)

    assert expected_latency(measured, CALL) == pytest.approx(5.5)
    assert expected_latency(UNTRIED, CALL) is None
    assert expected_latency(replace(measured, tokens_per_second=0.0), CALL) is None
    assert expected_latency(replace(measured, tokens_per_second=None), CALL) is None
    assert expected_latency(measured, Profile(input_tokens=1000)) is None
