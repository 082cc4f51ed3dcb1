"""
JSON Schemas: what providers refuse in them, and an instance that fits one.

Source: the providers' pages on structured output and function calling, and their errors as people report them, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
NUMERIC = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
COMBINED = ("oneOf", "anyOf", "allOf", "enum", "not")
_PARTS = ("properties", "$defs", "definitions")
_DEEPEST = 8  # of an instance; a schema that contains itself is cut here
# Not in OpenAI's list of what strict mode understands.
_NOT_STRICT = (
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "minLength", "maxLength"),
    *("patternProperties", "propertyNames", "unevaluatedProperties", "minProperties", "maxProperties", "contains", "uniqueItems"),
)

type Path = tuple[str, ...]


def nodes(schema: Any, path: Path = ()) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """
    Every schema inside a schema, the outermost first, with the names on the way to it.
    """
    if not isinstance(schema, dict):
        return
    yield path, schema
    for name in _PARTS:
        inner = schema.get(name)
        if isinstance(inner, dict):
            for key, part in inner.items():
                yield from nodes(part, (*path, name, str(key)))
    for name in ("anyOf", "oneOf", "allOf", "prefixItems"):
        inner = schema.get(name)
        if isinstance(inner, list):
            for at, part in enumerate(inner):
                yield from nodes(part, (*path, name, str(at)))
    for name in ("items", "additionalProperties", "not"):
        yield from nodes(schema.get(name), (*path, name))


def types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """
    The JSON types a schema names, in lower case; empty where it names none.
    """
    named = schema.get("type")
    given = named if isinstance(named, list) else [named]
    return tuple(name.lower() for name in given if isinstance(name, str))


def malformed(schema: Any) -> str | None:
    """
    Where a value is no JSON Schema at all, what is wrong with it.
    """
    if not isinstance(schema, dict):
        return f"{schema!r} is not of type 'object', 'boolean'"
    for _, node in nodes(schema):
        if "type" in node and (not types(node) or not TYPES.issuperset(types(node))):
            return f"{node['type']!r} is not valid under any of the given schemas"
        if not isinstance(node.get("properties", {}), dict):
            return f"{node['properties']!r} is not of type 'object'"
        required = node.get("required", [])
        if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
            return f"{required!r} is not of type 'array'"
        if not isinstance(node.get("enum", []), list):
            return f"{node['enum']!r} is not of type 'array'"
        for name in ("anyOf", "oneOf", "allOf"):
            if name in node and not (isinstance(node[name], list) and node[name] and all(isinstance(part, dict) for part in node[name])):
                return f"{node[name]!r} is not a list of schemas"
    return None


def openai_fault(schema: Any) -> str | None:
    """
    What OpenAI finds wrong with the parameters of a function that is not strict.
    """
    if (wrong := malformed(schema)) is not None:
        return wrong
    if types(schema) != ("object",):
        said = schema.get("type")
        return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{said}\"'."
    if any(name in schema for name in COMBINED):
        return "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
    for path, node in nodes(schema):
        if "array" in types(node) and "items" not in node and "prefixItems" not in node:
            return f"In context={_context(path)}, array schema missing items."
    return None


def strict_fault(schema: Any) -> str | None:
    """
    What OpenAI's strict mode finds wrong: all properties required, none beside them, and only the keywords it knows.
    """
    if (wrong := openai_fault(schema)) is not None:
        return wrong
    for path, node in nodes(schema):
        where = f"In context={_context(path)}"
        for name in _NOT_STRICT:
            if name in node:
                return f"{where}, '{name}' is not permitted."
        if "object" in types(node):
            if node.get("additionalProperties") is not False:
                return f"{where}, 'additionalProperties' is required to be supplied and to be false."
            properties = node.get("properties") or {}
            missing = [name for name in properties if name not in node.get("required", [])]
            if missing:
                rule = "'required' is required to be supplied and to be an array including every key in properties."
                return f"{where}, {rule} Missing '{missing[0]}'."
            extra = [name for name in node.get("required", []) if name not in properties]
            if extra:
                return f"{where}, 'required' is required to be supplied and to be an array including every key in properties. " + (
                    f"Extra required key '{extra[0]}' supplied."
                )
        elif not types(node) and not any(name in node for name in ("$ref", "anyOf", "enum", "const")):
            return f"{where}, schema must have a 'type' key."
    return None


def anthropic_fault(schema: Any) -> str | None:
    """
    What Anthropic's structured output finds wrong with a schema.
    """
    if (wrong := malformed(schema)) is not None:
        return f"JSON schema is invalid: {wrong}"
    for _, node in nodes(schema):
        for kind in types(node):
            if kind == "object" and node.get("additionalProperties") is not False:
                if "additionalProperties" in node:
                    value = str(node["additionalProperties"]).lower() if isinstance(node["additionalProperties"], bool) else "object"
                    return (
                        f"For 'object' type, 'additionalProperties: {value}' is not supported. Please set 'additionalProperties' to false"
                    )
                return "For 'object' type, 'additionalProperties' must be explicitly set to false"
            for name in {"integer": NUMERIC, "number": NUMERIC, "string": ("minLength", "maxLength")}.get(kind, ()):
                if name in node:
                    return f"For '{kind}' type, property '{name}' is not supported"
            if kind == "array":
                if node.get("minItems", 0) not in (0, 1):
                    return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
                if "maxItems" in node:
                    return "For 'array' type, property 'maxItems' is not supported"
        if any(name in node for name in ("if", "not", "patternProperties", "dependentSchemas")):
            return "Schema keywords 'if', 'not', 'patternProperties' and 'dependentSchemas' are not supported"
    if _recursive(schema):
        return "Recursive schemas are not supported"
    return None


def instance(schema: Any, text: str) -> Any:
    """
    A value that fits the schema; the same every time. Strings hold `text` where nothing else is asked, all properties are there. Of what
    is no schema: `{}`.
    """
    return {} if malformed(schema) else _made(schema, schema, text, 0)


def _made(schema: Any, root: Any, text: str, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return text
    if isinstance(schema.get("$ref"), str):
        return _made(_referred(schema["$ref"], root), root, text, depth + 1)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    for name in ("anyOf", "oneOf"):
        if schema.get(name):
            wanted = next((part for part in schema[name] if isinstance(part, dict) and types(part) != ("null",)), schema[name][0])
            return _made({**{key: part for key, part in schema.items() if key != name}, **wanted}, root, text, depth + 1)
    if schema.get("allOf"):
        return _made(_merged([{key: part for key, part in schema.items() if key != "allOf"}, *schema["allOf"]], root), root, text, depth)
    kinds = types(schema) or (("object",) if "properties" in schema else ("array",) if "items" in schema else ("string",))
    kind = next((name for name in kinds if name != "null"), "null")
    if kind == "object":
        return _object(schema, root, text, depth)
    if kind == "array":
        asked = str(schema.get("minItems", 0))  # 64 bits travel as text at Google
        least = max(int(asked) if asked.isdecimal() else 0, 1 if "items" in schema and depth < _DEEPEST - 2 else 0)
        return [_made(schema.get("items"), root, text, depth + 1) for _ in range(least)]
    if kind in ("integer", "number"):
        return _number(schema, kind)
    return {"boolean": True, "null": None}[kind] if kind in ("boolean", "null") else _string(schema, text)


def _object(schema: Mapping[str, Any], root: Any, text: str, depth: int) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    wanted = properties if depth < _DEEPEST - 2 else {name: properties[name] for name in schema.get("required", []) if name in properties}
    return {name: _made(part, root, text, depth + 1) for name, part in wanted.items()}


def _number(schema: Mapping[str, Any], kind: str) -> float:
    value: float = 7 if kind == "integer" else 7.5
    low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum", schema.get("exclusiveMaximum"))
    if isinstance(high, int | float) and value >= high:
        value = high if "maximum" in schema else high - 1
    if isinstance(low, int | float) and value <= low:
        value = low if "minimum" in schema else low + 1
    step = schema.get("multipleOf")
    if isinstance(step, int | float) and step:
        value = -(-value // step) * step
    return int(value) if kind == "integer" else value


_FORMATS = {
    "date": "2025-10-09",
    "date-time": "2025-10-09T08:53:20Z",
    "time": "08:53:20Z",
    "email": "harbour@example.com",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "uri": "https://example.com/",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "hostname": "example.com",
    "duration": "P1D",
}


def _string(schema: Mapping[str, Any], text: str) -> str:
    said = _FORMATS.get(schema.get("format", ""), text) if isinstance(schema.get("format", ""), str) else text
    least, most = schema.get("minLength"), schema.get("maxLength")
    if isinstance(least, int) and len(said) < least:
        said = said.ljust(least, "~")
    return said[:most] if isinstance(most, int) else said


def _referred(reference: str, root: Any) -> Any:
    found = root
    for name in reference.removeprefix("#").strip("/").split("/"):
        if name:
            found = found.get(name.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
    return found


def _merged(parts: list[Any], root: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for part in parts:
        one = _referred(part["$ref"], root) if isinstance(part, dict) and isinstance(part.get("$ref"), str) else part
        if isinstance(one, dict):
            properties = {**whole.get("properties", {}), **one.get("properties", {})}
            whole = {**whole, **one, **({"properties": properties} if properties else {})}
    return whole


def _recursive(schema: Any) -> bool:
    """
    Whether a definition leads back to itself.
    """
    leads = {"": _references(schema, skip=True)}
    for name in ("$defs", "definitions"):
        for key, part in (schema.get(name) or {}).items():
            leads[f"#/{name}/{key}"] = _references(part)

    def loops(at: str, seen: tuple[str, ...]) -> bool:
        return any(to in seen or to in ("#", "#/") or loops(to, (*seen, to)) for to in leads.get(at, ()))

    return any(loops(start, (start,)) for start in leads)


def _references(schema: Any, skip: bool = False) -> set[str]:
    return {
        node["$ref"]
        for path, node in nodes(schema)
        if isinstance(node.get("$ref"), str) and not (skip and path[:1] in (("$defs",), ("definitions",)))
    }


def _context(path: Path) -> str:
    return "(" + ", ".join(f"'{step}'" for step in path) + ("," if len(path) == 1 else "") + ")"
