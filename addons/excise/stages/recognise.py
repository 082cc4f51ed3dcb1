"""
Which provider, which operation, which dialect.
"""

from __future__ import annotations

import orjson

from excise.catalog.providers import Catalog
from excise.errors import Refused
from excise.exchange import Call, Exchange, HttpRequest
from excise.pipeline import Stage


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


# Keys under which some provider takes a model's input, or names the model.
_MODEL_KEYS = frozenset({"model", "modelId", "messages", "input", "inputs", "contents", "prompt", "instances", "text", "query", "queries"})


def is_plainly_other(http: HttpRequest) -> bool:
    """
    Whether a request can hold no model's input: no body, a form, or a JSON object without any of the keys one could stand under. Bodies
    that cannot be read (protobuf, compressed) are not plainly anything.
    """
    if not http.body:
        return True
    kind = (http.header("content-type") or "").partition(";")[0].strip().lower()
    if http.header("content-encoding") is not None:
        return False
    if kind == "application/x-www-form-urlencoded":
        return True
    if kind != "application/json":
        return False
    try:
        body = orjson.loads(http.body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(body, dict) and not _MODEL_KEYS & body.keys()


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
