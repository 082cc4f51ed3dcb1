"""
`excise models`: models with their limits, abilities, prices and quality, as routing sees them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from excise.catalog.abilities import Capabilities
from excise.catalog.capability import Capability
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.quality import TASKS, Judgement, Quality, load_quality
from excise.cli.usage import JsonOption, console
from excise.policy.load import load_policy
from excise.routing.profile import Need

# What is shown where no policy names providers.
MAIN = ("openai", "anthropic", "gemini", "mistral", "xai", "deepseek", "cohere")
HERE = Path("policies")
_UNKNOWN_PRICE = Decimal("Infinity")  # for the order alone: what nobody prices stands last


class Order(StrEnum):
    """
    What stands first.
    """

    QUALITY = "quality"
    PRICE = "price"


@dataclass(frozen=True, slots=True)
class Line:
    """
    One model. Prices are USD for a million tokens.
    """

    known: Capability
    judged: Judgement
    abilities: tuple[str, ...]
    quality: float | None
    input_usd: Decimal | None
    output_usd: Decimal | None

    @property
    def writes(self) -> bool:
        """
        Whether it is a language model at all: the table lists pictures, speech and embeddings, too.
        """
        return bool(self.judged.scores) or Need.TOOLS in self.abilities


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What is asked for. Nothing is known to be enough where nobody says how much it is.
    """

    needs: frozenset[str]
    min_context: int
    max_input_usd: float | None
    max_output_usd: float | None
    min_quality: float

    def fit(self, line: Line) -> bool:
        """
        Whether a model is shown.
        """
        return (
            self.needs.issubset(line.abilities)
            and (not self.min_context or (line.known.max_input_tokens or 0) >= self.min_context)
            and (self.max_input_usd is None or (line.input_usd is not None and line.input_usd <= self.max_input_usd))
            and (self.max_output_usd is None or (line.output_usd is not None and line.output_usd <= self.max_output_usd))
            and (not self.min_quality or (line.quality or 0.0) >= self.min_quality)
        )


def register(app: typer.Typer) -> None:
    """
    Add `models`.
    """
    app.command("models")(_models)


def _models(
    provider: Annotated[list[str] | None, typer.Option(metavar="P", help="Only of this provider. Repeatable.")] = None,
    task: Annotated[str, typer.Option(metavar="T", help=f"Whose quality: {', '.join(TASKS)}.")] = "general",
    needs: Annotated[str, typer.Option(metavar="LIST", help="Only what can do this: tools,vision,json_schema,reasoning,…")] = "",
    min_context: Annotated[int, typer.Option(metavar="TOKENS", min=0, help="Context window of at least this.")] = 0,
    max_input_price: Annotated[float | None, typer.Option(metavar="USD", min=0, help="For a million tokens.")] = None,
    max_output_price: Annotated[float | None, typer.Option(metavar="USD", min=0, help="For a million tokens.")] = None,
    min_quality: Annotated[float, typer.Option(metavar="Q", min=0, max=1, help="For the task, 0 to 1.")] = 0.0,
    sort: Annotated[Order, typer.Option(help="Best or cheapest first.")] = Order.QUALITY,
    every: Annotated[bool, typer.Option("--all", help="Every provider, and what is no language model, too.")] = False,
    policies: Annotated[Path, typer.Option(metavar="DIR|FILE", envvar="EXCISE_POLICIES", help="Whose providers are shown.")] = HERE,
    prices: Annotated[Path | None, typer.Option(envvar="EXCISE_PRICES", help="Your own prices, as `excise up` has them.")] = None,
    quality: Annotated[Path | None, typer.Option(envvar="EXCISE_QUALITY", help="Your own scores, as `excise up` has them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """
    List models, best for the task first: of the providers your policy names, else of the main ones. What a filter asks for must be known.
    """
    if task not in TASKS:
        raise typer.BadParameter(f"one of {', '.join(TASKS)} is expected", param_hint="--task")
    limits = Limits(_needs(needs), min_context, max_input_price, max_output_price, min_quality)
    models, own = Models.load(), _named_by(policies)
    known = {name for name, _ in models} | own.keys()
    for name in provider or ():
        if name not in known:
            raise typer.BadParameter(f"no models of {name!r} are known", param_hint="--provider")
    shown = frozenset(provider or (known if every else own.keys() or MAIN))
    judge = load_quality(quality)
    found = _lines(_names(models, own, shown), Capabilities(models, Prices.load(prices), judge), judge, task)
    lines = sorted((line for line in found if (every or line.writes) and limits.fit(line)), key=_KEYS[sort])
    if as_json:
        print(json.dumps({"task": task, "models": [_plain(line, task) for line in lines]}, indent=2))
    else:
        console().print(_table(lines, task))


def _needs(text: str) -> frozenset[str]:
    wanted = frozenset(word.strip() for word in text.split(",") if word.strip())
    if strange := sorted(wanted - set(Need)):
        raise typer.BadParameter(f"{strange[0]!r}: of {', '.join(Need)} are expected", param_hint="--needs")
    return wanted


def _named_by(policies: Path) -> Mapping[str, tuple[str, ...]]:
    """
    Providers a policy names, each with the models the table cannot know; none where there is no policy.
    """
    if not policies.exists():
        return {}
    named: dict[str, tuple[str, ...]] = {}
    for deployment in load_policy(policies, secrets=False).deployments.values():
        named[deployment.provider] = (*named.get(deployment.provider, ()), *deployment.models)
    return named


def _names(models: Models, own: Mapping[str, tuple[str, ...]], shown: frozenset[str]) -> Iterator[tuple[str, str]]:
    written = ((provider, name) for provider, names in own.items() for name in names)
    return ((provider, name) for provider, name in dict.fromkeys((*written, *models)) if provider in shown)


def _lines(names: Iterator[tuple[str, str]], table: Capabilities, judge: Quality, task: str) -> Iterator[Line]:
    for provider, name in names:
        known, judged = table.of(provider, name), judge.of(name)
        yield Line(known, judged, _abilities(known), judged.scores.get(task), _per_million(known, "input"), _per_million(known, "output"))


def _abilities(known: Capability) -> tuple[str, ...]:
    """
    What it is known to be able to do, in the words of `--needs`; `caching` besides.
    """
    traits = known.traits
    said = {
        Need.TOOLS: traits.tools,
        Need.VISION: traits.vision,
        Need.AUDIO: traits.audio_in,
        Need.DOCUMENT: traits.pdf,
        Need.JSON_SCHEMA: traits.json_schema,
        Need.REASONING: traits.reasoning not in (None, "none") or traits.always_thinks,
        Need.PREFILL: traits.prefill,
        "caching": known.caching,
    }
    return tuple(str(word) for word, can in said.items() if can)


def _per_million(known: Capability, what: str) -> Decimal | None:
    rate = known.rates.by_name.get(what) if known.rates is not None else None
    return None if rate is None else rate.usd * 1_000_000 / rate.per


def _price(line: Line) -> Decimal:
    if line.input_usd is None and line.output_usd is None:
        return _UNKNOWN_PRICE
    # Three parts input to one of output, as published comparisons weigh them.
    return ((line.input_usd or Decimal(0)) * 3 + (line.output_usd or Decimal(0))) / 4


_KEYS = {
    Order.QUALITY: lambda line: (-(line.quality or 0.0), _price(line), line.known.provider, line.known.model),
    Order.PRICE: lambda line: (_price(line), -(line.quality or 0.0), line.known.provider, line.known.model),
}


def _plain(line: Line, task: str) -> dict[str, Any]:
    known = line.known
    return {
        "provider": known.provider,
        "model": known.model,
        "context_tokens": known.max_input_tokens,
        "output_tokens": known.max_output_tokens,
        "abilities": list(line.abilities),
        "input_usd_per_mtok": None if line.input_usd is None else format(line.input_usd.normalize(), "f"),
        "output_usd_per_mtok": None if line.output_usd is None else format(line.output_usd.normalize(), "f"),
        "price_version": known.price_version,
        "quality": line.quality,
        "scores": dict(known.quality),
        "quality_source": known.quality_source,
        "until": known.until.isoformat() if known.until else None,
    }


def _table(lines: list[Line], task: str) -> Table:
    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        caption=f"{len(lines)} models. Prices: USD for a million tokens. ~ placed by hand, not published.",
        caption_justify="left",
    )
    for name in ("provider", "model"):
        table.add_column(name, overflow="fold")
    for name in ("context", "output"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("abilities", overflow="fold")
    for name in ("in", "out", "quality" if task == "general" else task):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("as of", "off on"):
        table.add_column(name, no_wrap=True)
    today = datetime.now(UTC).date()
    for line in lines:
        known, judged = line.known, line.judged
        table.add_row(
            known.provider,
            Text(known.model),
            _tokens(known.max_input_tokens),
            _tokens(known.max_output_tokens),
            " ".join(line.abilities),
            _usd(line.input_usd),
            _usd(line.output_usd),
            "" if line.quality is None else f"{'~' if judged.placed else ''}{line.quality:.2f}",
            judged.dated.isoformat() if judged.dated else "",
            Text(known.until.isoformat(), style="red" if known.until <= today else "") if known.until else "",
        )
    return table


def _tokens(count: int | None) -> str:
    if count is None:
        return ""
    return f"{count / 1_000_000:.3g}M" if count >= 1_000_000 else f"{count / 1000:.3g}k"


def _usd(price: Decimal | None) -> str:
    return "" if price is None else format(price.normalize(), "f")
