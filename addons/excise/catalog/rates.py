"""
From usage and prices to money: one small exact calculation, whichever table the prices come from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from excise.wire.usage import Usage

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Rate:
    """
    The price of one unit: `usd` for every `per`. `tiers`: (start, usd), ascending; with more input tokens than `start` the whole call is
    charged at that.
    """

    usd: Decimal
    per: int
    tiers: tuple[tuple[int, Decimal], ...] = ()

    def at(self, input_tokens: int) -> Decimal:
        """
        The price that holds for a call with so many input tokens.
        """
        usd = self.usd
        for start, price in self.tiers:
            if input_tokens > start:
                usd = price
        return usd

    @property
    def free(self) -> bool:
        return not self.usd and not any(price for _, price in self.tiers)


# What a part is charged as, where the table has no price of its own for it. Unpriced parts are parts of the whole.
_WHOLE = {
    "cache_read": "input",
    "cache_write": "input",
    "cache_write_1h": "cache_write",
    "input_audio": "input",
    "input_image": "input",
    "input_tool": "input",
    "reasoning": "output",
    "output_audio": "output",
    "output_image": "output",
}

# Names of rates. Tokens: those above, input, output. Others: `second`, `characters`, `request`, `web_search`, `search` (rerank).
NAMES = frozenset({*_WHOLE, "input", "output", "second", "characters", "request", "web_search", "search"})


@dataclass(frozen=True, slots=True)
class Rates:
    """
    All prices of one model at one time. Keys are of `NAMES`. `shortest_seconds`: audio is charged as at least that long.
    """

    by_name: Mapping[str, Rate]
    shortest_seconds: int = 0

    def cost(self, usage: Usage) -> Decimal | None:
        """
        What `usage` costs in USD, exactly.

        Returns:
            `None` where what would be charged is not known: input that costs and was not counted, output likewise, or nothing this table
            prices. A part is never left out silently.
        """
        rates = self.by_name
        tokens = self._tokens(
            usage.input_tokens,
            usage.output_tokens,
            (
                ("input", usage.uncached_input_tokens),
                ("cache_read", usage.cache_read_tokens),
                ("cache_write", usage.cache_write_5m_tokens),
                ("cache_write_1h", usage.cache_write_1h_tokens),
                ("input_audio", usage.audio_input_tokens),
                ("input_image", usage.image_input_tokens),
                ("input_tool", usage.tool_input_tokens),
                ("output", usage.text_output_tokens),
                ("reasoning", usage.reasoning_tokens),
                ("output_audio", usage.audio_output_tokens),
                ("output_image", usage.image_output_tokens),
            ),
        )
        parts = [] if tokens is None else [tokens]
        if "second" in rates and usage.seconds is not None:
            seconds = max(usage.seconds, Decimal(self.shortest_seconds)) if usage.seconds else ZERO
            parts.append(_charge(rates["second"], seconds, 0))
        if "characters" in rates and usage.characters is not None:
            parts.append(_charge(rates["characters"], usage.characters, 0))
        if "search" in rates and usage.searches is not None:
            parts.append(_charge(rates["search"], usage.searches, 0))
        if not parts:
            return None
        if "web_search" in rates and usage.searches and "search" not in rates:
            parts.append(_charge(rates["web_search"], usage.searches, 0))
        if "request" in rates:
            parts.append(_charge(rates["request"], 1 if usage.requests is None else usage.requests, 0))
        return sum(parts, ZERO)

    def of_tokens(self, *, uncached_input: int, cache_read: int, text_output: int, reasoning: int) -> Decimal | None:
        """
        As `cost` says of a usage of these parts and no others. Every candidate of every call is asked for it.
        """
        parts = (("input", uncached_input), ("cache_read", cache_read), ("output", text_output), ("reasoning", reasoning))
        tokens = self._tokens(uncached_input + cache_read, text_output + reasoning, parts)
        request = self.by_name.get("request")
        return tokens if tokens is None or request is None else tokens + _charge(request, 1, 0)

    def _tokens(self, taken: int | None, given: int | None, parts: Iterable[tuple[str, int | None]]) -> Decimal | None:
        """
        Args:
            taken, given: All input, all output.
            parts: Of both, by name.
        """
        rates = self.by_name
        if "input" not in rates and "output" not in rates:
            return None
        if (taken is None and not self._is_free("input")) or (given is None and not self._is_free("output")):
            return None
        if taken is None and given is None:
            return None
        size = taken or 0
        total = ZERO
        for name, count in parts:
            if count:
                rate = self._rate(name)
                if rate is None:
                    return None
                total += _charge(rate, count, size)
        return total

    def _rate(self, name: str) -> Rate | None:
        rates = self.by_name
        while name not in rates:
            if name not in _WHOLE:
                return None
            name = _WHOLE[name]
        return rates[name]

    def _is_free(self, name: str) -> bool:
        # Also where only a part of it has a price: audio out of a model that does not write.
        return all(rate.free for key, rate in self.by_name.items() if key == name or _top(key) == name)


def _top(name: str) -> str:
    while name in _WHOLE:
        name = _WHOLE[name]
    return name


def _charge(rate: Rate, count: int | Decimal, size: int) -> Decimal:
    return rate.at(size) * count / rate.per
