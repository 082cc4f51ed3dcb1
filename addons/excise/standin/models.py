"""
The models the stand-in knows, what they can do, and what it charges for them.

Prices are US dollars per million tokens, read 2026-11 from the providers' price pages; they stand here a second time, apart from the
proxy's own tables, so that a test can hold one against the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from excise.standin.call import Bill, fields

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
    One model.

    Attributes:
        served: The dated name the answer carries.
        reasons: It can think.
        most: Most output tokens.
        efforts: The levels of thinking it takes.
        lacks: What it refuses, in the words of its dialect's checks.
    """

    name: str
    served: str
    price: Price | None
    kinds: tuple[str, ...] = ("chat",)
    reasons: bool = False
    most: int = 1 << 20
    efforts: tuple[str, ...] = ()
    lacks: frozenset[str] = frozenset()


def _table(*models: Model) -> dict[str, Model]:
    return {model.name: model for model in models}


_LOW_TO_HIGH = ("low", "medium", "high")
_EMBEDS = ("embeddings",)
_CLAUDE_45 = fields("adaptive system")
_CLAUDE_46 = fields("prefill system")
_CLAUDE_47 = fields("prefill sampling budget system")
_CLAUDE_5 = fields("prefill sampling budget")
_ALL_EFFORTS = (*_LOW_TO_HIGH, "xhigh", "max")
_GEMINI_3 = fields("penalties unsigned")

OPENAI = _table(
    Model("gpt-4o-mini", "gpt-4o-mini-2024-07-18", Price("0.15", "0.60", "0.075"), most=16_384),
    Model("gpt-4o", "gpt-4o-2024-08-06", Price("2.50", "10", "1.25"), most=16_384),
    Model("gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", Price("0.40", "1.60", "0.10"), most=32_768),
    Model(
        "gpt-5-mini",
        "gpt-5-mini-2025-08-07",
        Price("0.25", "2", "0.025"),
        reasons=True,
        most=128_000,
        efforts=("minimal", *_LOW_TO_HIGH),
        lacks=fields("sampling stop"),
    ),
    Model(
        "gpt-5.5",
        "gpt-5.5-2026-04-23",
        Price("5", "30", "0.50"),
        reasons=True,
        most=128_000,
        efforts=("none", *_LOW_TO_HIGH, "xhigh"),
        lacks=fields("sampling"),
    ),
    Model(
        "o4-mini",
        "o4-mini-2025-04-16",
        Price("1.10", "4.40", "0.275"),
        reasons=True,
        most=100_000,
        efforts=_LOW_TO_HIGH,
        lacks=fields("sampling stop parallel verbosity"),
    ),
    Model("gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2", Price("1.50", "2"), ("completions",), most=4096),
    Model("text-embedding-3-small", "text-embedding-3-small", Price("0.02", "0"), _EMBEDS),
    Model("text-embedding-3-large", "text-embedding-3-large", Price("0.13", "0"), _EMBEDS),
    Model("gpt-image-1", "gpt-image-1", None, ("images",)),
    Model("tts-1", "tts-1", None, ("speech",)),
    Model("whisper-1", "whisper-1", None, ("transcription",)),
    Model("omni-moderation-latest", "omni-moderation-latest", None, ("moderation",)),
)
ANTHROPIC = _table(
    Model(
        "claude-sonnet-4-6",
        "claude-sonnet-4-6",
        Price("3", "15", "0.30", "3.75"),
        reasons=True,
        most=128_000,
        efforts=(*_LOW_TO_HIGH, "max"),
        lacks=_CLAUDE_46,
    ),
    Model(
        "claude-haiku-4-5",
        "claude-haiku-4-5-20251001",
        Price("1", "5", "0.10", "1.25"),
        reasons=True,
        most=64_000,
        lacks=_CLAUDE_45,
    ),
    Model(
        "claude-opus-4-7",
        "claude-opus-4-7",
        Price("5", "25", "0.50", "6.25"),
        reasons=True,
        most=128_000,
        efforts=_ALL_EFFORTS,
        lacks=_CLAUDE_47,
    ),
    Model(
        "claude-opus-5",
        "claude-opus-5",
        Price("5", "25", "0.50", "6.25"),
        reasons=True,
        most=128_000,
        efforts=_ALL_EFFORTS,
        lacks=_CLAUDE_5,
    ),
)
_FLASH = Model("gemini-2.5-flash", "gemini-2.5-flash", Price("0.30", "2.50", "0.03"), reasons=True, most=65_536)
_PRO = Model("gemini-2.5-pro", "gemini-2.5-pro", Price("1.25", "10", "0.125"), reasons=True, most=65_536, lacks=fields("off"))
_PRO_3 = Model(
    "gemini-3.1-pro-preview",
    "gemini-3.1-pro-preview",
    Price("2", "12", "0.20"),
    reasons=True,
    most=65_536,
    efforts=("LOW", "MEDIUM", "HIGH"),
    lacks=_GEMINI_3 | {"off"},
)
_FLASH_3 = Model(
    "gemini-3.5-flash",
    "gemini-3.5-flash",
    Price("1.50", "9", "0.15"),
    reasons=True,
    most=65_536,
    efforts=("MINIMAL", "LOW", "MEDIUM", "HIGH"),
    lacks=_GEMINI_3,
)
BEDROCK = _table(
    Model("amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", Price("0.06", "0.24", "0.015"), most=10_000, lacks=fields("schema thinking")),
    Model(
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        "us.anthropic.claude-haiku-4-5-20251001-v1:0",
        Price("1.10", "5.50", "0.11", "1.375"),
        reasons=True,
        most=64_000,
        lacks=_CLAUDE_45,
    ),
    Model(
        "us.anthropic.claude-opus-4-7-v1:0",
        "us.anthropic.claude-opus-4-7-v1:0",
        Price("5.50", "27.50", "0.55", "6.875"),
        reasons=True,
        most=128_000,
        efforts=_ALL_EFFORTS,
        lacks=_CLAUDE_47,
    ),
    Model("amazon.titan-embed-text-v2:0", "amazon.titan-embed-text-v2:0", Price("0.02", "0"), _EMBEDS),
    Model("cohere.embed-english-v3", "cohere.embed-english-v3", Price("0.10", "0"), _EMBEDS),
)
MODELS: dict[str, dict[str, Model]] = {
    "openai": OPENAI,
    "anthropic": ANTHROPIC,
    "gemini": _table(
        _FLASH,
        _PRO,
        _PRO_3,
        _FLASH_3,
        Model("gemini-embedding-001", "gemini-embedding-001", Price("0.15", "0"), _EMBEDS),
        Model("imagen-4.0-generate-001", "imagen-4.0-generate-001", None, ("images",)),
    ),
    "vertex": _table(_FLASH, _PRO, _PRO_3, Model("text-embedding-005", "text-embedding-005", None, _EMBEDS)),
    "mistral": _table(
        Model(
            "mistral-small-latest",
            "mistral-small-latest",
            Price("0.15", "0.60", "0.015"),
            reasons=True,
            most=262_144,
            efforts=("none", "high"),
        ),
        Model("mistral-medium-2508", "mistral-medium-2508", Price("0.40", "2", "0.04"), most=131_072),
        Model("mistral-embed", "mistral-embed", Price("0.10", "0"), _EMBEDS),
        Model("mistral-moderation-latest", "mistral-moderation-latest", None, ("moderation",)),
    ),
    "cohere": _table(
        Model("command-a-03-2025", "command-a-03-2025", Price("2.50", "10"), most=8_000, lacks=fields("vision")),
        Model("command-a-reasoning-08-2025", "command-a-reasoning-08-2025", None, reasons=True, most=32_000, lacks=fields("vision")),
        Model("command-a-vision-07-2025", "command-a-vision-07-2025", None, most=8_000, lacks=fields("tools")),
        Model("embed-v4.0", "embed-v4.0", Price("0.12", "0"), _EMBEDS),
        Model("rerank-v3.5", "rerank-v3.5", None, ("rerank",)),
    ),
    "bedrock": BEDROCK,
    "ollama": _table(
        Model("llama3.2", "llama3.2", None, ("chat", "embeddings"), lacks=fields("vision")),
        Model("qwen3", "qwen3", None, reasons=True, lacks=fields("vision")),
        Model("llava", "llava", None, lacks=fields("tools")),
    ),
    # DeepSeek's prices change with the hour; no bill says them.
    "deepseek": _table(
        Model("deepseek-v4-flash", "deepseek-v4-flash", None, reasons=True, most=393_216, lacks=fields("schema")),
        Model("deepseek-chat", "deepseek-v4-flash", None, most=8_192, lacks=fields("schema vision")),
    ),
    "groq": _table(
        Model(
            "openai/gpt-oss-120b",
            "openai/gpt-oss-120b",
            Price("0.15", "0.60", "0.075"),
            reasons=True,
            most=65_536,
            efforts=_LOW_TO_HIGH,
            lacks=fields("vision"),
        ),
        Model(
            "llama-3.3-70b-versatile",
            "llama-3.3-70b-versatile",
            Price("0.59", "0.79"),
            most=32_768,
            lacks=fields("vision schema"),
        ),
    ),
    "voyage": _table(
        Model("voyage-3.5", "voyage-3.5", Price("0.06", "0"), _EMBEDS),
        Model("rerank-2.5", "rerank-2.5", Price("0.05", "0"), ("rerank",)),
    ),
    "jina": _table(
        Model("jina-embeddings-v3", "jina-embeddings-v3", None, _EMBEDS),
        Model("jina-reranker-v2-base-multilingual", "jina-reranker-v2-base-multilingual", None, ("rerank",)),
    ),
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
