"""
Which provider, which operation, which dialect.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

import orjson

from excise.catalog.providers import Catalog
from excise.errors import BadRequest, Refused, WireError
from excise.exchange import Call, Exchange, HttpRequest
from excise.pipeline import Stage
from excise.wire.strict_json import load


class Recognise(Stage):
    """
    Ask the catalogue; for hosts it does not know, look at the shape of the body.

    What is not an LLM call never gets here: the gateway passes it on in clear or the tunnel keeps it sealed.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    async def on_request(self, exchange: Exchange) -> None:
        http = exchange.http
        call = self._catalog.recognise(host=http.host, method=http.method, path=http.path, upgrade=http.header("upgrade"))
        if call is None:
            call = look_closer(self._catalog, http)
        if call is None:
            raise Refused(f"{http.host} is no provider of the catalogue; add it with --providers FILE", kind="unknown_provider")
        exchange.call = call


# Keys under which some provider takes a model's input, or names the model; as `_folded` writes them.
_MODEL_NAMES = frozenset({"model", "modelid", "modelname"})
_INPUT_NAMES = frozenset(
    {
        *("content", "contents", "input", "inputs", "inputtext", "instances", "messages", "prompt", "prompts"),
        *("queries", "query", "requests", "text", "texts"),
    }
)
_MODEL_KEYS = _MODEL_NAMES | _INPUT_NAMES

# In a path: what some servers take for a slash, an end or another character, and others do not.
_TWO_READINGS = re.compile(r"[;#\\]|%(?:2f|5c|3b|23|3f|25|00)", re.IGNORECASE)
_MOST_FIELDS = 1000


# A warehouse's SQL may call a model: Snowflake's CORTEX.COMPLETE(…), AI_COMPLETE(…), Databricks' ai_query(…).
_MODEL_IN_SQL = re.compile(rb"(?i)\b(?:cortex\s*\.\s*[a-z_]+|ai_[a-z_]+|ml_predict)\s*\(")


def is_plainly_other(http: HttpRequest) -> bool:
    """
    Whether a request can hold no model's input: no body, a form or a JSON object without any of the keys one could stand under (in any
    case, in the query, the form, the object itself and what it holds; deeper down, a model beside an input). What can be read in two
    ways, or not at all (protobuf, compressed, another charset, a path with an encoded slash), is not plainly anything.
    """
    path, _, query = http.path.partition("?")
    if _TWO_READINGS.search(path) or "#" in query or not _are_plain_fields(query):
        return False
    if _values(http, b"content-encoding") or _values(http, b"transfer-encoding") not in ([], ["chunked"]):
        return False
    kinds = _values(http, b"content-type")
    if len(kinds) > 1:
        return False
    kind, charset = _media_type(kinds[0]) if kinds else ("", "utf-8")
    if charset not in ("utf-8", "utf8"):
        return False
    if not http.body:
        return True
    if _MODEL_IN_SQL.search(http.body):
        return False
    if kind == "application/x-www-form-urlencoded":
        return _is_plain_form(http.body)
    return kind == "application/json" and _is_plain_json(http.body)


def _values(http: HttpRequest, name: bytes) -> list[str]:
    return [value.decode("latin-1").strip().lower() for key, value in http.headers if key.lower() == name]


def _media_type(value: str) -> tuple[str, str]:
    kind, *parameters = value.split(";")
    charsets = {text.strip().strip("\"'") for name, _, text in (part.partition("=") for part in parameters) if name.strip() == "charset"}
    return kind.strip(), charsets.pop() if len(charsets) == 1 else "utf-8" if not charsets else "several"


def _folded(key: str) -> str:
    # Some readers match keys in any case (Go's does), and gateways take snake and camel case alike.
    return key.casefold().replace("_", "").replace("-", "").strip()


def _is_plain_form(body: bytes) -> bool:
    try:
        return not _looks_like_json(text := body.decode("utf-8")) and _are_plain_fields(text)
    except UnicodeDecodeError:
        return False


def _are_plain_fields(text: str) -> bool:
    if text.count("&") + text.count(";") > _MOST_FIELDS:
        return False
    for field in text.replace(";", "&").split("&"):
        name, _, value = (unquote_plus(part) for part in field.partition("="))
        # `messages[0][content]=…` is an object to some servers.
        if _looks_like_json(name) or any(_folded(part) in _MODEL_KEYS for part in re.split(r"[\[\].]", name)):
            return False
        if _looks_like_json(value) and not _is_plain_text(value):
            return False
    return True


def _looks_like_json(text: str) -> bool:
    return text.lstrip("\ufeff \t\r\n\f\v\0")[:1] in ("{", "[")


def _is_plain_json(body: bytes, *, kinds: tuple[type, ...] = (dict,)) -> bool:
    try:
        value = load(body)
    except (WireError, BadRequest):
        return False
    return isinstance(value, kinds) and _is_plain_value(value)


def _is_plain_value(value: object) -> bool:
    left: list[tuple[object, int]] = [(value, 0)]  # with how many objects stand round it
    while left:
        node, depth = left.pop()
        if isinstance(node, dict):
            keys = set(map(_folded, node))
            if depth < 2 and not _MODEL_KEYS.isdisjoint(keys):
                return False
            # Far down `text` or `model` are everybody's words; together they are a call.
            if not (_MODEL_NAMES.isdisjoint(keys) or _INPUT_NAMES.isdisjoint(keys)):
                return False
            left += [(child, depth + 1) for child in node.values()]
        elif isinstance(node, list):
            left += [(child, depth) for child in node]
        elif isinstance(node, str) and depth < 2 and _looks_like_json(node) and not _is_plain_text(node):
            return False
    return True


def _is_plain_text(text: str) -> bool:
    """
    Whether JSON inside a string is as plain as it would be outside. Broken JSON is not: somebody may read it all the same.
    """
    return _is_plain_json(text.encode("utf-8", "surrogatepass"), kinds=(dict, list))


def is_other_business(catalog: Catalog, http: HttpRequest) -> bool:
    """
    Whether this is no model call on a host that serves much else beside models (a warehouse's SQL, an account's other products).
    Policy has no say in those. Whatever could hold a prompt stays with us, also where the catalogue does not know its path.
    """
    provider = catalog.provider_of(http.host)
    if provider is None or not provider.mixed:
        return False
    call = catalog.recognise(host=http.host, method=http.method, path=http.path, upgrade=None)
    return call is not None and call.operation == "unknown" and is_plainly_other(http)


def look_closer(catalog: Catalog, http: HttpRequest) -> Call | None:
    """
    The call a host outside the catalogue seems to speak, or `None`. Only ever asked of bodies that reached us in clear.
    """
    if http.method != "POST" or http.body.lstrip()[:1] != b"{":
        return None
    try:
        body = orjson.loads(http.body)
    except orjson.JSONDecodeError:
        return None
    return catalog.looks_like_llm(method=http.method, path=http.path, content_type=http.header("content-type"), body_json=body)
