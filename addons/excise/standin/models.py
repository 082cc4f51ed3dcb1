"""
The models the stand-in knows, and what it charges for them.

Prices are US dollars per million tokens, read 2026-11 from the providers' price pages; they stand here a second time, apart from the
proxy's own tables, so that a test can hold one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from excise.standin.call import Bill

MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True)
class Price:
    """
    US dollars per million tokens; `None`: this model has no such meter.
    """

    input: str
    output: str
    cache_read: str | None = None
    cache_write: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """
    `served` is the dated name the answer carries.
    """

    name: str
    served: str
    price: Price | None
    kinds: tuple[str, ...] = ("chat",)
    reasons: bool = False


def _table(*models: Model) -> dict[str, Model]:
    return {model.name: model for model in models}


MODELS: dict[str, dict[str, Model]] = {
    "openai": _table(
        Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", Price("0.15", "0.60", "0.075")),
        Model("gpt-4o", "gpt-4o-2024-08-06", Price("2.50", "10", "1.25")),
        Model("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", Price("0.40", "1.60", "0.10")),
        Model("gpt-5-mini", "gpt-5-mini-2025-08-07", Price("0.25", "2", "0.025"), reasons=True),
        Model("gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2", Price("1.50", "2"), ("completions",)),
        Model("text-embedding-3-small", "text-embedding-3-small", Price("0.02", "0"), ("embeddings",)),
        Model("gpt-image-1", "gpt-image-1", None, ("images",)),
        Model("tts-1", "tts-1", None, ("speech",)),
        Model("whisper-1", "whisper-1", None, ("transcription",)),
    ),
    "anthropic": _table(
        Model("claude-sonnet-4-6", "claude-sonnet-4-6", Price("3", "15", "0.30", "3.75"), reasons=True),
        Model("claude-haiku-4-5", "claude-haiku-4-5-20251001", Price("1", "5", "0.10", "1.25"), reasons=True),
    ),
    "gemini": _table(
        Model("gemini-2.5-flash", "gemini-2.5-flash", Price("0.30", "2.50", "0.03"), reasons=True),
        Model("gemini-2.5-pro", "gemini-2.5-pro", Price("1.25", "10", "0.125"), reasons=True),
        Model("gemini-embedding-001", "gemini-embedding-001", Price("0.15", "0"), ("embeddings",)),
    ),
    "mistral": _table(Model("mistral-small-latest", "mistral-small-latest", Price("0.15", "0.60", "0.015"))),
    "cohere": _table(Model("command-a-03-2025", "command-a-03-2025", Price("2.50", "10"))),
    "bedrock": _table(Model("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", Price("0.06", "0.24", "0.015"))),
    "ollama": _table(Model("llama3.2", "llama3.2", None)),
}


def find(provider: str, name: object, kind: str = "chat") -> Model | None:
    """
    The model of that name (or of its dated name) which can do `kind`; `None`: the provider does not know it.
    """
    table = MODELS[provider]
    model = table.get(name) if isinstance(name, str) else None
    if model is None:
        model = next((known for known in table.values() if known.served == name), None)
    return model if model is not None and kind in model.kinds else None


def bill(provider: str, model: Model, tokens: int, output: int, *, cached: int = 0, written: int = 0, reasoning: int = 0) -> Bill:
    """
    Price one call. `tokens` is all input, cached and written parts included; `output` is all output, reasoning included.
    """
    usd = None
    if (price := model.price) is not None:
        usd = (tokens - cached - written) * Decimal(price.input) + output * Decimal(price.output)
        usd += cached * Decimal(price.cache_read or price.input) + written * Decimal(price.cache_write or price.input)
        usd /= MILLION
    return Bill(provider, model.served, tokens, output, cached, written, reasoning, usd)
