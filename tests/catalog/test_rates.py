from hypothesis import given
from hypothesis import strategies as st

from excise.catalog.rates import Rate, Rates
from excise.wire.usage import Usage

_PRICES = st.decimals(0, 100, places=4)
_NAMES = st.sampled_from(("input", "output", "cache_read", "cache_write", "reasoning", "request", "web_search", "second", "characters"))
_RATES = st.builds(
    Rate,
    usd=_PRICES,
    per=st.sampled_from((1, 1000, 1_000_000)),
    tiers=st.lists(st.tuples(st.integers(0, 300_000), _PRICES), max_size=2).map(lambda tiers: tuple(sorted(tiers))),
)
_TOKENS = st.one_of(st.just(0), st.integers(0, 500_000))


@given(st.dictionaries(_NAMES, _RATES), _TOKENS, _TOKENS, _TOKENS, _TOKENS)
def test_tokens_alone_cost_what_a_usage_of_them_does(by_name, fresh, cached, answer, thought):
    """
    The short way for candidates and the meter's agree to the last digit, also on what nobody can tell.
    """
    rates = Rates(by_name)
    usage = Usage(uncached_input_tokens=fresh, cache_read_tokens=cached, text_output_tokens=answer, reasoning_tokens=thought)

    short = rates.of_tokens(uncached_input=fresh, cache_read=cached, text_output=answer, reasoning=thought)

    assert short == rates.cost(usage)
