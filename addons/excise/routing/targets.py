"""
From a target's name to the place it stands at: provider, dialect, host and path.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from excise.catalog.providers import Catalog, Way
from excise.exchange import Call
from excise.policy.credential import ApiKey
from excise.policy.deployment import Deployment

_USUAL = {"openai-chat": "/chat/completions"}
# Of several versions the one that has everything: Gemini's /v1 knows no thinking and no schemas (ai.google.dev, "API versions"), Azure's
# /openai/v1 needs no api-version (learn.microsoft.com, "API version lifecycle"); read 2026-11.
_NEWER = {"gemini": "/v1beta/", "azure-openai": "/openai/v1/"}

# Operations that are answered by generated text, whatever their dialect calls them.
GENERATES = frozenset({"chat", "messages", "responses"})


@dataclass(frozen=True, slots=True)
class Place:
    """
    Where and how a model is reached. `call.model` is set, `call.streams` decided.
    """

    call: Call
    scheme: str
    host: str
    port: int
    path: str


def place_of(
    catalog: Catalog,
    deployment: Deployment,
    model: str,
    *,
    operation: str,
    dialect: str,
    stream: bool,
    speaks: Callable[[str, str], bool],
) -> Place | str:
    """
    Where a deployment's model answers such a call.

    Args:
        operation: Of the client's call. Operations that generate text stand for one another.
        dialect: The client's: preferred where the provider speaks it, so that nothing has to be translated.
        stream: Whether a stream is wanted.
        speaks: Whether we can translate into a dialect: (provider, dialect).

    Returns:
        Why there is none, as a text for the operator.
    """
    address = _address(catalog, deployment)
    if isinstance(address, str):
        return address
    wanted = GENERATES if operation in GENERATES else frozenset({operation})
    values = {"model": model, "publisher": "anthropic" if model.startswith("claude") else "google", **deployment.values}
    ways = [
        way
        for way in catalog.ways(deployment.provider)
        if way.call.operation in wanted
        and way.call.streams in (None, stream)
        and way.path.text.count("{model}") < 2  # the long form is for names cut in two
        and (way.call.dialect == dialect or speaks(deployment.provider, way.call.dialect))
    ]
    ways = [way for way in ways if _fits_model(deployment, way, model)]
    if not ways:
        return f"{deployment.provider} has no operation of this kind"
    main = catalog.providers[deployment.provider].dialect
    ranked = sorted(ways, key=lambda way: _rank(way, dialect, main))
    way = _reachable(deployment, ranked, values.keys())
    if isinstance(way, str):
        return way
    call = replace(way.call, model=model, streams=stream if operation in GENERATES else way.call.streams)
    query = "?alt=sse" if call.dialect == "gemini" and stream else ""
    return Place(call, *address, way.path.filled(values) + query)


def place_by(
    catalog: Catalog, deployment: Deployment, model: str, *, dialect: str, preference: Callable[[Way], tuple[bool, int] | None]
) -> Place | str:
    """
    Where a deployment's model answers a call that is no conversation: the way preferred most.

    Args:
        dialect: The client's.
        preference: Of a way: whether the call has to be translated, and its rank (the lower the better); `None`: it cannot go there.

    Returns:
        Why there is none, as a text for the operator.
    """
    address = _address(catalog, deployment)
    if isinstance(address, str):
        return address
    main = catalog.providers[deployment.provider].dialect
    ranked = []
    for way in catalog.ways(deployment.provider):
        preferred = preference(way)
        if preferred is None or way.path.text.count("{model}") > 1:
            continue
        if _is_express(way) in (None, isinstance(deployment.credential, ApiKey)):
            # What a provider imitates for those who come from elsewhere has less in it than its own.
            imitated = way.call.dialect.startswith("openai") and not main.startswith("openai")
            ranked.append(((preferred[0] or imitated, imitated, preferred[1]), _rank(way, dialect, main), way))
    if not ranked:
        return f"{deployment.provider} has no equal of this operation for this model"
    ranked.sort(key=lambda entry: entry[:2])
    values = {"model": model, "publisher": "google", **deployment.values}
    found = _reachable(deployment, [way for _, _, way in ranked], values.keys())
    return found if isinstance(found, str) else Place(replace(found.call, model=model), *address, found.path.filled(values))


def _reachable(deployment: Deployment, ranked: Sequence[Way], known: Collection[str]) -> Way | str:
    """
    The first way of whose path every name is known; else what is missing.
    """
    for way in ranked:
        if way.path.names <= set(known):
            return way
    missing = min((sorted(way.path.names - set(known)) for way in ranked), key=len)
    written = {"location": "region"}
    return f"entry {deployment.name!r} of `providers` needs {', '.join(written.get(name, name) for name in missing)}"


def _is_express(way: Way) -> bool | None:
    """
    Whether this is one of Vertex's paths for API keys, which name no project; `None`: not Vertex.
    """
    return None if way.call.provider != "vertex" else "project" not in way.path.names


def _rank(way: Way, dialect: str, main: str) -> tuple[bool | int, ...]:
    call = way.call
    # A path without the model in it needs no deployment's name; beta paths are for who asks for them.
    return (
        call.dialect != dialect or _imitates(call.dialect, main),
        call.dialect != main,
        call.dialect not in ("openai-chat", "anthropic-messages", "gemini", "bedrock-converse", "cohere-v2", "ollama"),
        call.model_at == "path" and call.dialect.startswith("openai"),
        not way.path.text.endswith(_USUAL.get(call.dialect, "")),
        not way.path.text.startswith(_NEWER.get(call.provider, "")),
        -len(way.path.names - {"model"}),
        len(way.path.text),
    )


def _imitates(dialect: str, main: str) -> bool:
    """
    Whether a provider speaks this dialect only for those who come from elsewhere, with less in it than in its own (no caching, no
    thinking, "not for production").
    """
    return dialect != main and not main.startswith("openai")


def _fits_model(deployment: Deployment, way: Way, model: str) -> bool:
    """
    Whether this path is for such a model: on Vertex and Azure, Claude has paths of its own.
    """
    if way.call.operation not in GENERATES:
        return True
    if deployment.provider == "azure-openai":
        return model.startswith("claude") == (way.call.dialect == "anthropic-messages")
    if deployment.provider != "vertex":
        return True
    if "project" not in way.path.names and not isinstance(deployment.credential, ApiKey):
        return False  # express mode, for API keys
    if model.startswith("claude"):
        return "publishers/anthropic" in way.path.text
    return way.call.dialect == ("gemini" if "/" not in model else "openai-chat")


def _address(catalog: Catalog, deployment: Deployment) -> tuple[str, str, int] | str:
    if deployment.url is not None:
        parts = urlsplit(deployment.url)
        return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    host = deployment.host
    if host is None and deployment.region is not None:
        host = catalog.host_in(deployment.provider, deployment.region)
    host = host or catalog.host_of(deployment.provider)
    if host is None:
        return f"entry {deployment.name!r} of `providers` needs a host, a url or a region: the catalogue has only patterns for it"
    return "https", host, 443
