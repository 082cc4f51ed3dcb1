"""
The schema as tables for people: what stands in `policies/README.md` between its marks, where a test compares it.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from excise.policy.choice import CanaryEntry, FailoverEntry, OptimiseEntry, RequireEntry, ShadowEntry, TargetEntry
from excise.policy.described import DescribedCall, Who
from excise.policy.hours import Hours
from excise.policy.protection import Detect, OwnDictionary, OwnPattern, RedactRule, RetentionRule
from excise.policy.schema import Defaults, Match, PolicyFile, PrincipalEntry, Rule
from excise.policy.steering import AwsKeys, ProviderEntry, Route
from excise.policy.trial import Expect, PolicyTest
from excise.policy.when import Share, Tokens, When

_TABLES: tuple[tuple[str, type[BaseModel]], ...] = (
    ("A policy file", PolicyFile),
    ("`defaults`", Defaults),
    ("`principals[]`", PrincipalEntry),
    ("`principals[].match`", Match),
    ("`rules[]`", Rule),
    ("`rules[].when`, `routes[].when`, `redact[].when`, `retention[].when`", When),
    ("`when.complexity`", Share),
    ("`when.input_tokens`, `when.output_tokens`", Tokens),
    ("`when.time`", Hours),
    ("`providers[]`", ProviderEntry),
    ("`providers[].aws`", AwsKeys),
    ("`routes[]`", Route),
    ("`routes[].to[]`", TargetEntry),
    ("`routes[].optimise`", OptimiseEntry),
    ("`routes[].require`", RequireEntry),
    ("`routes[].canary`", CanaryEntry),
    ("`routes[].shadow`", ShadowEntry),
    ("`routes[].failover`, `defaults.failover`", FailoverEntry),
    ("`redact[]`", RedactRule),
    ("`detect`", Detect),
    ("`detect.patterns[]`", OwnPattern),
    ("`detect.dictionaries[]`", OwnDictionary),
    ("`retention[]`", RetentionRule),
    ("A test file is a list of", PolicyTest),
    ("`[].call`", DescribedCall),
    ("`[].call.principal`", Who),
    ("`[].expect`", Expect),
)


def reference() -> str:
    """
    Markdown tables of every key, its values, its default and its meaning.
    """
    return "\n".join(_table(title, model) for title, model in _TABLES)


def _table(title: str, model: type[BaseModel]) -> str:
    schema = model.model_json_schema(by_alias=True)
    required = schema.get("required", [])
    lines = [
        f"### {title}",
        "",
        " ".join((schema.get("description") or "").split()),
        "",
        "| key | values | default | meaning |",
        "|---|---|---|---|",
    ]
    meanings = {field.alias or name: field.description or "" for name, field in model.model_fields.items()}
    for name, one in schema["properties"].items():
        default = "**must be given**" if name in required else _default(one.get("default"))
        lines.append(f"| `{name}` | {_values(one, schema.get('$defs', {}))} | {default} | {meanings[name]} |")
    return "\n".join([*lines, ""])


def _default(value: Any) -> str:
    if value is None or value == [] or isinstance(value, dict):  # keys of their own have their own table
        return "-"
    if isinstance(value, list):
        return ", ".join(f"`{one}`" for one in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _values(one: dict[str, Any], defs: dict[str, Any]) -> str:
    if "$ref" in one:
        target = defs[one["$ref"].rsplit("/", 1)[-1]]
        return _values(target, defs) if "enum" in target else "keys, see below"
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    if "const" in one:
        return f"`{str(one['const']).lower() if isinstance(one['const'], bool) else one['const']}`"
    if "anyOf" in one:
        kinds = [_values(option, defs) for option in one["anyOf"] if option.get("type") != "null"]
        return " or ".join(dict.fromkeys(kinds))
    match one.get("type"):
        case "array":
            return f"list of {_values(one.get('items', {}), defs)}"
        case "object":
            inner = one.get("additionalProperties", {"type": "string"})
            return "names and texts" if inner.get("type") == "string" else f"names, each with {_values(inner, defs)}"
        case "boolean":
            return "`true`, `false`"
        case "integer" | "number":
            return "number"
        case _:
            return "text"
