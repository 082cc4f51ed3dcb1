"""
`excise models`: models with their limits, abilities, prices and quality, as routing sees them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from excise.catalog.abilities import Capabilities
from excise.catalog.capability import Capability
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.quality import TASKS, Judgement, load_quality
from excise.cli.usage import JsonOption, console
from excise.policy.load import load_policy
from excise.routing.profile import Need

# What is shown where no policy names providers.
MAIN = ("openai", "anthropic", "gemini", "mistral", "xai", "deepseek", "cohere")


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

    capability: Capability
    judged: Judgement
    abilities: tuple[str, ...]
    quality: float | None
    input_usd: Decimal | None
    output_usd: Decimal | None


def register(app: typer.Typer) -> None:
    """
    Add `models`.
    """
    app.command("models")(_models)


def _models(
    provider: Annotated[list[str] | None, typer.Option(metavar="P", help="Only of this provider. Repeatable.")] = None,
    task: Annotated[str, typer.Option(metavar="T", help=f"Whose quality: {', '.join(TASKS)}.")] = "general",
    needs: Annotated[str, typer.Option(metavar="LIST", help="Only what can do this: tools, vision, audio, document, json_schema, …")] = "",
    min_context: Annotated[int, typer.Option(metavar="TOKENS", min=0, help="Context window of at least this.")] = 0,
    max_input_price: Annotated[float | None, typer.Option(metavar="USD", min=0, help="For a million tokens.")] = None,
    max_output_price: Annotated[float | None, typer.Option(metavar="USD", min=0, help="For a million tokens.")] = None,
    min_quality: Annotated[float, typer.Option(metavar="Q", min=0, max=1, help="For the task, 0 to 1.")] = 0.0,
    sort: Annotated[Order, typer.Option(help="Best or cheapest first.")] = Order.QUALITY,
    every: Annotated[bool, typer.Option("--all", help="Every provider, and models that do not write text, too.")] = False,
    policies: Annotated[Path, typer.Option(metavar="DIR|FILE", envvar="EXCISE_POLICIES", help="Whose providers are shown.")] = Path("policies"),
    prices: Annotated[Path | None, typer.Option(envvar="EXCISE_PRICES", help="Your own prices, as `excise up` has them.")] = None,
    quality: Annotated[Path | None, typer.Option(envvar="EXCISE_QUALITY", help="Your own scores, as `excise up` has them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """
    List models, best for the task first. Of the providers your policy names; without such, of the main ones.

    What a filter asks for must be known: a model whose context, price or quality nobody says is left out by a limit on it.
    """
    wanted = _needs(needs)
    if task not in TASKS:
        raise typer.BadParameter(f"one of {', '.join(TASKS)} is expected", param_hint="--task")
    models = Models.load()
    known = {name for name, _ in models}
    own = _named_by(policies)
    for name in provider or ():
        if name not in known | set(own):
            raise typer.BadParameter(f"the table has no models of {name!r}", param_hint="--provider")
    judge = load_quality(quality)
    table = Capabilities(models, Prices.load(prices), judge)
    shown = set(provider or ()) or (known | set(own) if every else set(own) or set(MAIN))
    lines = []
    for one, name in dict.fromkeys((*models, *((one, name) for one, names in own.items() for name in names))):
        if one in shown:
            line = _line(table.of(one, name), judge.of(name), task)
            if (every or _writes(line)) and wanted <= set(line.abilities) and line.capability.max_input_tokens_at_least(min_context):
                lines.append(line)
