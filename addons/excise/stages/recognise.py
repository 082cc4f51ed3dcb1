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
