"""
JSON Schema in the subsets the providers take.

Every provider with tools or structured output reads JSON Schema, and each reads another part of it and answers 400 to the rest. What a
target does not take is left out here, said in the description where that is short, and noted as a loss. Where a schema must change, it
becomes narrower rather than wider if it can: an answer that fits the narrower one fits the client's.

Schemas come from clients and may be anything. Nothing here raises or changes what it was given; depth, number of nodes and growth are
bounded, and what lies beyond is cut with a loss. Keywords are told from names of properties by their place.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from excise.wire.json_schema.anthropic_output import for_anthropic_output
from excise.wire.json_schema.gemini_subset import for_gemini_subset
from excise.wire.json_schema.openai_strict import for_openai_strict
from excise.wire.json_schema.references import inlined
from excise.wire.json_schema.walk import ABOUT, Walk, mapped
from excise.wire.loss import Losses

__all__ = ["for_anthropic_output", "for_gemini_subset", "for_openai_strict", "inlined", "without"]


def without(schema: Any, keywords: Collection[str], losses: Losses, field: str) -> Any:
    """
    The schema without `keywords`, wherever they stand as such. A loss is noted where one of them constrained something.
    """
    return _without(schema, frozenset(keywords), Walk(losses, field), 0)


def _without(node: Any, keywords: frozenset[str], walk: Walk, depth: int) -> Any:
    if type(node) is not dict:
        return node
    if not walk.enter(depth):
        return {}
    if not keywords.isdisjoint(node):
        if any(key in keywords and key not in ABOUT and key not in ("$defs", "definitions") for key in node):
            walk.stripped()
        node = {key: value for key, value in node.items() if key not in keywords}
    return mapped(node, lambda inner: _without(inner, keywords, walk, depth + 1))
