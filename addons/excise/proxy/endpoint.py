"""
Our own port as an HTTP endpoint: which provider a path means, and what we answer ourselves.

`/PROVIDER/…` names the provider of the catalogue (its first literal host); the bare paths of the three common dialects mean the
provider that made them. The client sends its own provider key, as it would to the provider.
"""

from __future__ import annotations

import re

import orjson
from mitmproxy import http

from excise import __version__
from excise.catalog.providers import Catalog
from excise.errors import BadRequest
from excise.exchange import HttpRequest

_BARE = (
    (re.compile(r"/v1/messages(/count_tokens|/batches.*)?"), "api.anthropic.com"),
    (
        re.compile(r"/v1(beta\d*|alpha)/(models|tunedModels|cachedContents|files|interactions)(/.*|:.*)?"),
        "generativelanguage.googleapis.com",
    ),
    (re.compile(r"/v1/(chat/completions|completions|responses|embeddings|models|images|audio|moderations)(/.*)?"), "api.openai.com"),
)


def own_answer(request: http.Request, fault: str | None) -> http.Response | None:
    """
    Health for load balancers, 503 where there is a `fault`; `None` for everything else.
    """
    path = request.path.partition("?")[0]
    if request.method in ("GET", "HEAD") and path in ("/healthz", "/readyz"):
        if fault is not None:
            body = orjson.dumps({"status": "closed", "reason": fault, "version": __version__})
            return http.Response.make(503, body, {"content-type": "application/json"})
        return http.Response.make(200, orjson.dumps({"status": "ok", "version": __version__}), {"content-type": "application/json"})
    return None


def endpoint_target(catalog: Catalog, request: HttpRequest) -> tuple[str, str]:
    """
    Host and path (with query) a call to our own port is meant for.

    Raises:
        BadRequest: No provider is named and the path is of none of the dialects with a default.
    """
    path, question, query = request.path.partition("?")
    first, _, rest = path.lstrip("/").partition("/")
    host = catalog.host_of(first)
    if host is not None:
        return host, "/" + rest + question + query
    for pattern, known in _BARE:
        if pattern.fullmatch(path):
            return known, request.path
    raise BadRequest(
        "this port serves /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/messages, /v1beta/models/… and /PROVIDER/…",
        status=404,
        kind="unknown_path",
    )
