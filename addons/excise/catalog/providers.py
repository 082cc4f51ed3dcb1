"""
Who is being called, and for what: host, path and method in, `Call` out.

    catalog = Catalog.load()
    catalog.recognise(host="api.openai.com", method="POST", path="/v1/chat/completions", upgrade=None)

The data stand in providers.yml. Looking up touches no file and no clock; only `Catalog.load` reads.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from excise.catalog.load import Family, Provider, read
from excise.catalog.notation import PathPattern, hosts, paths
from excise.catalog.request import Cut, cut, query_value, readable
from excise.catalog.schema import OperationSpec
from excise.catalog.tree import Tree
from excise.exchange import Call

UNKNOWN = "unknown"

# Names of hosts whose answer we keep; a busy proxy sees a few hundred.
REMEMBERED_HOSTS = 4096

_REGION = re.compile(r"<[a-z-]+>")

# Where the input of a model call stands in a JSON body. `query`: rerank. `content`, `requests`: Gemini embeddings.
_INPUTS = ("messages", "input", "contents", "prompt", "query", "content", "requests")


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str  # upper case; "WS", or "*"
    call: Call
    pattern: PathPattern


@dataclass(frozen=True, slots=True)
class Way:
    """
    One way to ask a provider for something: what call it would be, and the path to be filled in.
    """

    call: Call
    path: PathPattern


class Catalog:
    """
    All providers, ready to be looked up. Safe to share within a process.
    """

    def __init__(self, providers: Mapping[str, Provider], families: Mapping[str, Family], regions: Mapping[str, list[str]]) -> None:
        self.providers = providers
        self._families = families
        self._regions = regions
        self._literal: dict[str, Provider] = {}
        self._patterns: Tree[Provider] = Tree()
        self._trees: dict[str, Tree[_Operation]] = {}
        for provider in providers.values():
            for template in provider.hosts:
                for pattern in hosts(template, regions):
                    if pattern.literal:
                        self._literal[pattern.text] = provider
                    else:
                        self._patterns.add(pattern.labels, provider)
        self._provider_of = lru_cache(REMEMBERED_HOSTS)(self._find_provider)
        # Unfolding a provider's paths takes milliseconds; a process routes to a handful of providers.
        self._ways_of = lru_cache(REMEMBERED_HOSTS)(self._find_ways)
        self._shapes = self._build_shapes()

    @classmethod
    def load(cls, overlay: Path | None = None) -> Catalog:
        """
        The shipped catalogue, with an operator's file laid over it.

        Args:
            overlay: YAML of the form of providers.yml. An entry with a new id adds a provider (`like: vllm` takes over that one's
                operations); with a known id it replaces the keys it names. `extra_hosts` adds hosts.

        Raises:
            SettingsError: The overlay is not right; one line for each fault, with file, line and column.
        """
        return cls(*read(overlay))

    def is_provider_host(self, host: str) -> bool:
        """
        Whether `host` (a name without port; any case, a trailing dot is ignored) belongs to a provider.
        """
        return self._provider_of(host) is not None

    def provider_of(self, host: str) -> Provider | None:
        """
        The provider behind `host`, or `None`.
        """
        return self._provider_of(host)

    @property
    def self_hosted(self) -> frozenset[str]:
        """
        Ids of the providers that run on the operator's own machines.
        """
        return frozenset(id_ for id_, provider in self.providers.items() if provider.self_hosted)

    def host_of(self, provider: str) -> str | None:
        """
        The first literal host of a provider, by id; `None` where there is no such provider or all its hosts are patterns.
        """
        entry = self.providers.get(provider)
        if entry is None:
            return None
        return next((pattern.text for template in entry.hosts for pattern in hosts(template, self._regions) if pattern.literal), None)

    def host_in(self, provider: str, region: str) -> str | None:
        """
        A provider's host in a region; `None` where its hosts name no region.
        """
        entry = self.providers.get(provider)
        for template in entry.hosts if entry is not None and region != "global" else ():
            for pattern in hosts(template, self._regions):
                if len(set(_REGION.findall(pattern.text))) == 1 and "*" not in pattern.text:
                    return _REGION.sub(region, pattern.text)
        return None

    def ways(self, provider: str) -> tuple[Way, ...]:
        """
        What can be posted to a provider, as the catalogue lists it; empty for a provider it does not know.
        """
        return self._ways_of(provider)

    def _find_ways(self, provider: str) -> tuple[Way, ...]:
        entry = self.providers.get(provider)
        if entry is None:
            return ()
        return tuple(Way(one.call, one.pattern) for one in self._operations_of(entry) if one.method == "POST")

    def recognise(self, *, host: str, method: str, path: str, upgrade: str | None = None) -> Call | None:
        """
        What kind of call this is.

        Args:
            path: With query, as sent. Doubled and trailing slashes, dot segments, percent-encoding and case do not matter.
            upgrade: The `Upgrade` header, or `websocket` for an HTTP/2 extended CONNECT.

        Returns:
            `None` where the host is not in the catalogue. A known host with a path or method we do not know gives the operation `unknown`,
            in the provider's main dialect and not billable: it may carry a prompt all the same, so policy has to decide on it.
        """
        provider = self._provider_of(host)
        if provider is None:
            return None
        parts = cut(path)
        kind = "WS" if upgrade is not None and "websocket" in upgrade.lower() else method.upper()
        operation = self._tree_of(provider).find(parts.folded, lambda known: known.method == kind or known.method == "*")
        if operation is None:
            return Call(provider.id, UNKNOWN, provider.dialect, "none", stream_at="none", billable=False)
        return _call(operation, parts)

    def looks_like_llm(self, *, method: str, path: str, content_type: str | None, body_json: Any) -> Call | None:
        """
        Whether a call to a host outside the catalogue is a model call all the same: a POST whose path ends as one of the shared families'
        and whose JSON body has a model and an input.

        Args:
            body_json: The parsed body; anything but an object is no model call.

        Returns:
            A call of provider `unknown`, or `None`.
        """
        if method.upper() != "POST" or not isinstance(body_json, dict):
            return None
        if content_type is not None and content_type.lower().startswith(("multipart/", "application/x-www-form-urlencoded")):
            return None
        if not any(key in body_json for key in _INPUTS):
            return None
        parts = cut(path)
        for length in range(min(4, len(parts.folded)), 0, -1):
            tail = Cut(parts.folded[-length:], parts.original[-length:], parts.query)
            operation = self._shapes.find(tail.folded, lambda known: known.method == "POST")
            if operation is not None:
                call = _call(operation, tail)
                return call if call.model is not None or isinstance(body_json.get("model"), str) else None
        return None

    def permitted_domains(self, providers: Collection[str] | None = None) -> tuple[str, ...]:
        """
        DNS subtrees for the name constraints of the CA: every host of the catalogue lies in one of them.

        Args:
            providers: Ids to narrow it to; `None` for all. Unknown ids are ignored.

        Returns:
            Sorted names without leading dot, none inside another. Hosts given as IP addresses are not among them.

        Not promised: that a host in a region which providers.yml does not name is covered. It is recognised, and the CA then cannot sign
        for it, so the call fails rather than passing by.
        """
        found: set[str] = set()
        for provider in self.providers.values():
            if providers is not None and provider.id not in providers:
                continue
            names = {subtree for template in provider.hosts for pattern in hosts(template, self._regions) for subtree in pattern.subtrees}
            found |= {name for name in names if not any(_within(name, domain) for domain in provider.domains)}
            if names:
                found.update(provider.domains)
        found = {name for name in found if not _is_address(name)}
        return tuple(sorted(name for name in found if not any(name != other and _within(name, other) for other in found)))

    def _find_provider(self, host: str) -> Provider | None:
        name = host.lower().removesuffix(".")
        provider = self._literal.get(name)
        if provider is not None or len(name) > 253:
            return provider
        return self._patterns.find(name.split(".")[::-1], _any)

    def _tree_of(self, provider: Provider) -> Tree[_Operation]:
        # Built at the first call to a provider: a process speaks to a handful of the many we know.
        tree = self._trees.get(provider.id)
        if tree is None:
            tree = Tree()
            for operation in self._operations_of(provider):
                tree.add(operation.pattern.segments, operation)
            self._trees[provider.id] = tree
        return tree

    def _operations_of(self, provider: Provider) -> Iterable[_Operation]:
        for spec in provider.operations:
            yield from _unfold(provider.id, "", spec)
        for endpoint in provider.endpoints:
            for spec in self._families[endpoint.family].pick(endpoint.ops):
                yield from _unfold(provider.id, endpoint.prefix, spec)

    def _build_shapes(self) -> Tree[_Operation]:
        tree: Tree[_Operation] = Tree()
        for family in self._families.values():
            for spec in family.operations:
                for operation in _unfold(UNKNOWN, "", spec):
                    if operation.method == "POST" and operation.call.model_at in ("body", "path"):
                        tree.add(operation.pattern.segments, operation)
        return tree


def _any(_: Provider) -> bool:
    return True


def _within(name: str, domain: str) -> bool:
    return name == domain or name.endswith("." + domain)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _unfold(provider: str, prefix: str, spec: OperationSpec) -> Iterable[_Operation]:
    # `*` covers every method, but only a POST or a WebSocket carries a prompt.
    methods = ("POST", "WS", "*") if spec.method == "*" else spec.method.split("|")
    for pattern in paths(prefix + spec.path):
        for method in methods:
            yield _Operation(method, _template(provider, spec, method, pattern), pattern)


def _template(provider: str, spec: OperationSpec, method: str, pattern: PathPattern) -> Call:
    carries = method in ("POST", "WS")
    billable = carries if spec.billable is None else spec.billable
    if pattern.model:
        model_at = "path"
    elif spec.model is not None:
        model_at = spec.model
    elif method == "WS":
        model_at = "frame"
    else:
        model_at = "body" if carries and billable else "none"
    stream = spec.stream or ("always" if method == "WS" else "none")
    if not carries:
        stream = "none" if spec.method == "*" else stream
    return Call(
        provider=provider,
        operation=spec.op,
        dialect=spec.dialect,
        model_at=model_at,
        stream_at=stream,
        streams=_DECIDED.get(stream),
        billable=billable,
    )


_DECIDED = {"path": True, "always": True, "none": False}


def _call(operation: _Operation, parts: Cut) -> Call:
    call = operation.call
    if call.stream_at == "query":
        return replace(call, stream_at="path", streams=query_value(parts.query, "stream") == "true")
    if call.model_at == "path":
        return replace(call, model=readable(operation.pattern.model_of(parts.original)))
    if call.model_at == "query":
        return replace(call, model=readable(query_value(parts.query, "model"), plus=True))
    return call
