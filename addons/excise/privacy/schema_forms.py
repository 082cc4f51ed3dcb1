"""
Where a JSON schema of the request demands a format, a placeholder must have that format too, or the model could not use it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# JSON Schema 2020-12, "Defined Formats", read 2026-11. Entity and what its stand-ins look like then.
_FORMS: Mapping[str, tuple[str, str]] = {
    "email": ("EMAIL", "email"),
    "idn-email": ("EMAIL", "email"),
    "ipv4": ("IP_ADDRESS", "ipv4"),
    "ipv6": ("IP_ADDRESS", "ipv6"),
    "date": ("BIRTH_DATE", "date"),
}
_SCHEMA_PLACES = (
    "tools",
    "response_format",
    "text",
    "output_config",
    "output_format",
    "toolConfig",
    "generationConfig",
    "functions",
    "format",
)
_DEPTH = 40


def demanded_forms(body: Any) -> dict[str, str]:
    """
    Entity -> form of its stand-ins, for the formats which schemas of tools and answers in this request name. Both IPv4 and IPv6 named:
    neither, since one stand-in cannot be both.
    """
    found: dict[str, set[str]] = {}
    if isinstance(body, dict):
        for place in _SCHEMA_PLACES:
            if isinstance(node := body.get(place), dict | list):
                _collect(node, found, _DEPTH)
    return {entity: forms.pop() for entity, forms in found.items() if len(forms) == 1}


def _collect(node: Any, found: dict[str, set[str]], depth: int) -> None:
    if depth == 0:
        return
    if isinstance(node, dict):
        named = node.get("format")
        if isinstance(named, str) and named in _FORMS and node.get("type", "string") in ("string", ["string", "null"]):
            entity, form = _FORMS[named]
            found.setdefault(entity, set()).add(form)
        for value in node.values():
            if isinstance(value, dict | list):
                _collect(value, found, depth - 1)
    elif isinstance(node, list):
        for value in node:
            if isinstance(value, dict | list):
                _collect(value, found, depth - 1)
