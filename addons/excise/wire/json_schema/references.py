"""
References of a schema, written out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import orjson

from excise.wire.json_schema.walk import CUT, NODES, Schema, Walk, mapped
from excise.wire.loss import Losses

_GROWTH_BYTES = 2 * 1024 * 1024  # by which references written out may make a schema longer

_RECURSIVE = "the schema contains itself, which the target cannot read; it was written out once"
_UNRESOLVED = "a reference of the schema leads out of it; what it stands for is left open"


def inlined(schema: Any, losses: Losses, field: str) -> Any:
    """
    The schema without references: each written out where it stands, keywords beside it included, definitions left away.

    A schema that contains itself is written out once and left open below; a reference that leads out of the schema is left open.
    """
    if not refers(schema):
        return schema
    return Inliner(Walk(losses, field), schema).visit(schema, 0, ())


def refers(schema: Any) -> bool:
    """
    Whether a reference or a definition may stand anywhere in it; a property of such a name counts too.
    """
    stack, left = [schema], NODES
    while stack:
        left -= 1
        node = stack.pop()
        if type(node) is dict:
            if "$ref" in node or "$defs" in node or "definitions" in node or left < 0:
                return True
            stack.extend(node.values())
        elif type(node) is list:
            if left < 0:
                return True
            stack.extend(node)
    return False


@dataclass(slots=True)
class Inliner:
    walk: Walk
    root: Any
    growth: int = _GROWTH_BYTES
    recursive: bool = False
    found: dict[str, Any] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def visit(self, node: Any, depth: int, within: tuple[str, ...]) -> Any:
        if type(node) is not dict:
            return node
        if not self.walk.enter(depth):
            return {}
        reference = node.get("$ref")
        if type(reference) is str:
            return self._written_out(reference, node, depth, within)
        if "$defs" in node or "definitions" in node:
            node = {key: value for key, value in node.items() if key not in ("$defs", "definitions")}
        return mapped(node, lambda inner: self.visit(inner, depth + 1, within))

    def _written_out(self, reference: str, node: Schema, depth: int, within: tuple[str, ...]) -> Any:
        beside = {key: value for key, value in node.items() if key not in ("$ref", "$defs", "definitions")}
        if reference not in self.found:
            self.found[reference] = resolved(self.root, reference)
            self.sizes[reference] = _size(self.found[reference])
        target = self.found[reference]
        if type(target) is not dict:
            if target is not True:
                self.walk.losses.changed(self.walk.field, _UNRESOLVED)
            return self.visit(beside, depth + 1, within)
        self.growth -= self.sizes[reference]
        if reference in within or self.growth < 0:
            self.recursive = self.recursive or reference in within
            self.walk.losses.changed(self.walk.field, _RECURSIVE if reference in within else CUT)
            kind = target.get("type")
            return {"type": kind, **beside} if type(kind) is str else beside
        return self.visit({**target, **beside} if beside else target, depth + 1, (*within, reference))


_NOWHERE: Any = object()


def resolved(root: Any, reference: str) -> Any:
    """
    What a reference within the schema stands for. Source: RFC 6901, section 6.
    """
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return _NOWHERE
    node = root
    for step in unquote(reference[2:]).split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if type(node) is dict and name in node:
            node = node[name]
        elif type(node) is list and name.isascii() and name.isdigit() and len(name) < 6 and int(name) < len(node):
            node = node[int(name)]
        else:
            return _NOWHERE
    return node


def _size(node: Any) -> int:
    try:
        return len(orjson.dumps(node))
    except (orjson.JSONEncodeError, TypeError):
        return _GROWTH_BYTES if type(node) is dict else 0
