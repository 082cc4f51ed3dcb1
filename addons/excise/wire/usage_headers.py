"""
Usage that stands in answer headers: the only source for some Bedrock models, for text-generation-inference and for speech.
"""

from __future__ import annotations

from collections.abc import Sequence

from excise.wire.usage import Usage
from excise.wire.usage_values import amount_of_text, count_of_text

_BEDROCK = "x-amzn-bedrock-"
_WANTED = frozenset(
    (
        f"{_BEDROCK}input-token-count",
        f"{_BEDROCK}output-token-count",
        f"{_BEDROCK}cache-read-input-token-count",
        f"{_BEDROCK}cache-write-input-token-count",
        "x-prompt-tokens",
        "x-generated-tokens",
        "character-cost",
        "dg-char-count",
        "num_tokens",
        "num-tokens",
        "x-litellm-response-cost",
        "x-amzn-errortype",
    )
)


def wanted_headers(headers: Sequence[tuple[bytes, bytes]]) -> dict[str, str]:
    """
    The headers that say something of usage or errors, by lower-case name; the first of each.
    """
    found: dict[str, str] = {}
    for raw_name, value in headers:
        name = raw_name.lower().decode("latin-1")
        if name in _WANTED and name not in found:
            found[name] = value.decode("latin-1").strip()
    return found


def read_headers(found: dict[str, str]) -> Usage:
    """
    Disjoint parts from `wanted_headers`. Bedrock's input count excludes the cache, as Converse's does.
    """

    def number(*names: str) -> int | None:
        return next((value for name in names if (value := count_of_text(found.get(name))) is not None), None)

    return Usage(
        uncached_input_tokens=number(f"{_BEDROCK}input-token-count", "x-prompt-tokens"),
        cache_read_tokens=number(f"{_BEDROCK}cache-read-input-token-count"),
        cache_write_5m_tokens=number(f"{_BEDROCK}cache-write-input-token-count"),
        text_output_tokens=number(f"{_BEDROCK}output-token-count", "x-generated-tokens"),
        characters=number("character-cost", "dg-char-count"),
        provider_cost_usd=amount_of_text(found.get("x-litellm-response-cost")),
    )


def error_in_headers(found: dict[str, str]) -> str | None:
    """
    `ThrottlingException` from `x-amzn-errortype: ThrottlingException:http://...`.
    """
    name = found.get("x-amzn-errortype", "").partition(":")[0]
    return name if name.isalnum() and len(name) <= 64 else None
