"""
Our own port as an HTTP endpoint: which provider a path means, and what we answer ourselves.

`/PROVIDER/…` names the provider of the catalogue (its first literal host); the bare paths of the three common dialects mean the
provider that made them. The client sends its own provider key, as it would to the provider.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, unquote

import orjson
from mitmproxy import http

from excise import __version__
from excise.catalog.providers import Catalog
from excise.catalog.request import query_value
from excise.errors import BadRequest
from excise.exchange import Exchange, HttpRequest

_BARE = (
    (re.compile(r"/v1/messages(/count_tokens|/batches.*)?"), "api.anthropic.com"),
    (
        re.compile(r"/v1(beta\d*|alpha)/(models|tunedModels|cachedContents|files|interactions)(/.*|:.*)?"),
        "generativelanguage.googleapis.com",
    ),
    (re.compile(r"/v2/(chat|embed|rerank)"), "api.cohere.com"),
    (re.compile(r"/model/.+/(converse|converse-stream|count-tokens)"), "bedrock-runtime.us-east-1.amazonaws.com"),
    (re.compile(r"/api/(chat|embed|tags)"), "ollama.com"),
    (re.compile(r"/v1/(chat/completions|completions|responses|embeddings|models|images|audio|moderations)(/.*)?"), "api.openai.com"),
)


# Paths with the model in them, whose name may hold a slash at this port.
_NAMED_IN_PATH = re.compile(
    r"((?:/[a-z0-9-]+)?(?:/v1[a-z0-9]*/models|/model)/)(.+?)((?::[A-Za-z]+|/converse|/converse-stream|/count-tokens)/?)"
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


def _who_lists(request: HttpRequest) -> str:
    """
    In whose words a list of models is wanted: the path is three providers', their headers are not.
    """
    if request.header("anthropic-version") is not None:
        return "api.anthropic.com"
    path, _, query = request.path.partition("?")
    google = request.header("x-goog-api-key") is not None or query_value(query, "key") is not None or ":" in path.rpartition("/")[2]
    return "generativelanguage.googleapis.com" if google else "api.openai.com"


def own_response(exchange: Exchange) -> http.Response:
    """
    The answer a stage gave in place of any provider.
    """
    own = exchange.own_answer
    assert own is not None
    exchange.http_status = own.status
    return made_response(exchange, own.status, own.headers, own.body)


def made_response(exchange: Exchange, status: int, fields: Iterable[tuple[str, str]], body: bytes) -> http.Response:
    """
    An answer of ours, with the call's id on it.
    """
    made = http.Response.make(status, body, http.Headers([(name.encode(), value.encode()) for name, value in fields]))
    if status == 407:
        made.headers["proxy-authenticate"] = 'Basic realm="excise"'
    if "x-excise-call-id" not in made.headers:
        made.headers["x-excise-call-id"] = exchange.id
    return made


def endpoint_target(catalog: Catalog, request: HttpRequest) -> tuple[str, str]:
    """
    Host and path (with query) a call to our own port is meant for.

    Raises:
        BadRequest: No provider is named and the path is of none of the dialects with a default.
    """
    path, question, query = request.path.partition("?")
    if (named := _NAMED_IN_PATH.fullmatch(path)) is not None and "/" in named[2]:
        path = named[1] + quote(unquote(named[2]), safe=":@") + named[3]  # `provider/model` is one name here
    first, _, rest = path.lstrip("/").partition("/")
    host = catalog.host_of(first)
    if path == "/v1/models" or path.startswith("/v1/models/"):
        return _who_lists(request), path + question + query
    if host is not None:
        return host, "/" + rest + question + query
    for pattern, known in _BARE:
        if pattern.fullmatch(path):
            return known, path + question + query
    raise BadRequest(
        "this port serves /v1/chat/completions, /v1/responses, /v1/messages, /v1beta/models/…, /model/…/converse, /v2/chat, /api/chat, "
        "/v1/embeddings, /v1/models and /PROVIDER/…",
        status=404,
        kind="unknown_path",
    )
