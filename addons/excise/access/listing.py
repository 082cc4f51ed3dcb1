"""
The models a key may use, in the words of whoever's client asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs

from excise.catalog.models import Model

_ANTHROPIC_MOST, _GEMINI_MOST = 1000, 1000


@dataclass(frozen=True, slots=True)
class Listed:
    """
    One model as a key's holder may name it.

    Attributes:
        id: `NAME/MODEL`, or an alias.
        provider: Catalogue id of who would answer first.
        model: As that provider names it.
        row: What the table knows of it.
        usd: List prices in US dollars per million tokens, as text: `input`, `output`.
    """

    id: str
    provider: str
    model: str
    row: Model | None
    usd: tuple[tuple[str, str], ...]

    @property
    def facts(self) -> dict[str, Any]:
        """
        Context, capabilities and price, as far as they are known.
        """
        row = self.row
        can = ("tools", "vision", "audio_in", "pdf", "json_schema", "reasoning", "prompt_caching")
        return {
            "provider": self.provider,
            "model": self.model,
            "context_tokens": row.max_input_tokens if row is not None else None,
            "max_output_tokens": row.max_output_tokens if row is not None else None,
            "capabilities": [name for name in can if getattr(row, name)] if row is not None else None,
            "deprecation_date": row.deprecation_date.isoformat() if row is not None and row.deprecation_date is not None else None,
            "usd_per_million_tokens": dict(self.usd) or None,
        }


def priced(cost: Callable[[str, int, int], Decimal | None], model: str) -> tuple[tuple[str, str], ...]:
    """
    List prices of a model for small calls, from what one of a thousand tokens costs.
    """
    found = {"input": cost(model, 1000, 0), "output": cost(model, 0, 1000)}
    return tuple((name, f"{(usd * 1000).normalize():f}") for name, usd in found.items() if usd is not None)


def openai_list(models: Sequence[Listed], wanted: str | None) -> dict[str, Any] | None:
    """
    `GET /v1/models`, or one of them; `None` where there is no such model.

    Source: platform.openai.com/docs/api-reference/models, read 2026-11.
    """
    rows = [{"id": one.id, "object": "model", "created": 0, "owned_by": one.provider, "excise": one.facts} for one in models]
    if wanted is not None:
        return next((row for row in rows if row["id"] == wanted), None)
    return {"object": "list", "data": rows}


def anthropic_list(models: Sequence[Listed], wanted: str | None, query: str) -> dict[str, Any] | None:
    """
    The same as Anthropic pages it: `limit` (20), `after_id`, `before_id`.

    Source: docs.claude.com/en/api/models-list, read 2026-11.
    """
    rows = [
        {
            "type": "model",
            "id": one.id,
            "display_name": one.model,
            "created_at": "1970-01-01T00:00:00Z",
            "max_input_tokens": one.facts["context_tokens"],
            "max_tokens": one.facts["max_output_tokens"],
            "excise": one.facts,
        }
        for one in models
    ]
    if wanted is not None:
        return next((row for row in rows if row["id"] == wanted), None)
    asked = parse_qs(query)
    ids = [str(row["id"]) for row in rows]
    limit = _number(asked, "limit", 20, _ANTHROPIC_MOST)
    if (before := _at(ids, asked, "before_id")) is not None:
        page, more = rows[max(0, before - limit) : before], before > limit
    else:
        start = after + 1 if (after := _at(ids, asked, "after_id")) is not None else 0
        page, more = rows[start : start + limit], len(rows) > start + limit
    return {"data": page, "has_more": more, "first_id": page[0]["id"] if page else None, "last_id": page[-1]["id"] if page else None}


def gemini_list(models: Sequence[Listed], wanted: str | None, query: str) -> dict[str, Any] | None:
    """
    The same as Google pages it: `pageSize` (50), `pageToken`. Names are `models/…`.

    Source: ai.google.dev/api/models, read 2026-11.
    """
    rows = [
        {
            "name": f"models/{one.id}",
            "baseModelId": one.model,
            "version": "1",
            "displayName": one.id,
            "description": f"{one.provider}/{one.model}",
            "inputTokenLimit": one.facts["context_tokens"],
            "outputTokenLimit": one.facts["max_output_tokens"],
            "supportedGenerationMethods": ["generateContent", "streamGenerateContent"],
            "thinking": bool(one.row is not None and one.row.reasoning),
        }
        for one in models
    ]
    if wanted is not None:
        return next((row for row in rows if row["name"] == f"models/{wanted.removeprefix('models/')}"), None)
    asked = parse_qs(query)
    start = _number(asked, "pageToken", 0, len(rows))
    size = _number(asked, "pageSize", 50, _GEMINI_MOST) or 50
    listed: dict[str, Any] = {"models": rows[start : start + size]}
    if start + size < len(rows):
        listed["nextPageToken"] = str(start + size)
    return listed


def ollama_list(models: Sequence[Listed]) -> dict[str, Any]:
    """
    `GET /api/tags`: what Ollama's clients list.

    Source: github.com/ollama/ollama, docs/api.md, "List Local Models", read 2026-11.
    """
    about = {"parent_model": "", "format": "", "family": "", "families": None, "parameter_size": "", "quantization_level": ""}
    when = "1970-01-01T00:00:00Z"
    return {"models": [{"name": one.id, "model": one.id, "modified_at": when, "size": 0, "digest": "", "details": about} for one in models]}


def _number(asked: dict[str, list[str]], name: str, default: int, most: int) -> int:
    text = asked.get(name, [""])[0]
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else default


def _at(ids: Sequence[str], asked: dict[str, list[str]], name: str) -> int | None:
    wanted = asked.get(name, [""])[0]
    return ids.index(wanted) if wanted in ids else None
