"""
What one call was billed for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from decimal import Decimal
from enum import StrEnum


class UsageSource(StrEnum):
    """
    Where the numbers come from. A row never says 0 where nobody said so.
    """

    PROVIDER = "provider"  # the provider stated them, and the answer was whole
    PARTIAL = "partial"  # the provider stated some, or the answer broke off after it did
    ESTIMATED = "estimated"  # counted by us from bytes that passed
    UNKNOWN = "unknown"  # nobody said, and nothing passed to count


@dataclass(frozen=True, slots=True)
class Usage:
    """
    Tokens and units of one call, in DISJOINT parts. `None`: nobody said. Never negative.

    The ledger's inclusive columns are `input_tokens` and `output_tokens` below.

    Source: shared conventions of OpenTelemetry GenAI for the totals (cached input included, reasoning included).
    """

    uncached_input_tokens: int | None = None  # text and anything not named below; neither read from nor written to a cache
    cache_read_tokens: int | None = None
    cache_write_5m_tokens: int | None = None  # written to a cache, 5 minutes or unspecified lifetime
    cache_write_1h_tokens: int | None = None
    audio_input_tokens: int | None = None
    image_input_tokens: int | None = None
    tool_input_tokens: int | None = None  # Gemini toolUsePromptTokenCount: billed as input, outside the prompt
    text_output_tokens: int | None = None  # without reasoning, audio, image
    reasoning_tokens: int | None = None
    audio_output_tokens: int | None = None
    image_output_tokens: int | None = None
    searches: int | None = None  # web searches or search units
    requests: int | None = None  # requests billed per piece beside tokens
    seconds: Decimal | None = None  # audio or video seconds
    characters: int | None = None  # speech input
    images: int | None = None  # pictures made, where priced per picture
    provider_cost_usd: Decimal | None = None  # what the provider itself says it charged

    @property
    def input_tokens(self) -> int | None:
        """
        All input, cached and modal parts included; `None` where no part is known.
        """
        return _sum(
            self.uncached_input_tokens,
            self.cache_read_tokens,
            self.cache_write_5m_tokens,
            self.cache_write_1h_tokens,
            self.audio_input_tokens,
            self.image_input_tokens,
            self.tool_input_tokens,
        )

    @property
    def cache_write_tokens(self) -> int | None:
        """
        All cache writes, whatever their lifetime.
        """
        return _sum(self.cache_write_5m_tokens, self.cache_write_1h_tokens)

    @property
    def output_tokens(self) -> int | None:
        """
        All output, reasoning and modal parts included; `None` where no part is known.
        """
        return _sum(self.text_output_tokens, self.reasoning_tokens, self.audio_output_tokens, self.image_output_tokens)

    @property
    def said(self) -> bool:
        """
        Whether anything at all is known.
        """
        return any(getattr(self, field.name) is not None for field in fields(self))


def _sum(*parts: int | None) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
