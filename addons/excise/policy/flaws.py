"""
What the shape alone cannot see: names nobody knows, rules that can never decide, principals that cannot be told apart. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, IPv6Network
from itertools import chain, islice
from typing import TYPE_CHECKING

from excise.policy.coverage import Cover, conditions
from excise.policy.decide import UNKNOWN, normal_pattern
from excise.policy.flaw import Flaw, Known
from excise.policy.glob import covers, matcher
from excise.policy.protection import RedactRule, RetentionRule
from excise.policy.route_flaws import route_flaws
from excise.policy.schema import MAX_PATTERNS, RESERVED_PRINCIPALS, RESERVED_RULES, PolicyFile, Rule
from excise.policy.steering import Route

if TYPE_CHECKING:
    from excise.policy.yaml import KeyPath

MAX_FLAWS = 100  # told at once

_PROPERTIES = ("team", "app", "env")
_SECTIONS = ("routes", "rules", "redact", "retention")  # lists of entries with conditions, in which the first that matches decides
_GOOGLE = ("vertex", "gemini")  # providers that take Google's tokens


def flaws(written: PolicyFile, known: Known) -> list[Flaw]:
    """
    What is wrong with a policy of the right shape, the first `MAX_FLAWS`.
    """
    found = [*_reserved(written), *_duplicates(written), *_overlaps(written)]
    if sum(len(values) for _, entry in _entries(written) for _, values in conditions(entry.when)) > MAX_PATTERNS:
        # The pairwise comparison below must stay bounded.
        return [*found, Flaw(("rules",), f"more than {MAX_PATTERNS} values in all conditions together; use wildcards or teams")]
    return list(islice(chain(found, _unknown_names(written, known), _unknown_principals(written), _dead(written)), MAX_FLAWS))


def _entries(written: PolicyFile) -> Iterator[tuple[KeyPath, Route | Rule | RedactRule | RetentionRule]]:
    """
    Everything with conditions, and where it stands.
    """
    for section in _SECTIONS:
        for number, entry in enumerate(getattr(written, section)):
            yield (section, number), entry


def _reserved(written: PolicyFile) -> Iterator[Flaw]:
    for number, entry in enumerate(written.principals):
        if entry.id == RESERVED_PRINCIPALS[0] or entry.id.startswith(RESERVED_PRINCIPALS[1]):
            yield Flaw(("principals", number, "id"), "this id is ours: `anonymous` and `fp_…` stand for callers that are not listed")
    for number, rule in enumerate(written.rules):
        if rule.name in RESERVED_RULES or rule.name.startswith("defaults."):
            yield Flaw(("rules", number, "name"), "this name is ours: decisions say `default` and `defaults.…` where no rule decided")


def _duplicates(written: PolicyFile) -> Iterator[Flaw]:
    named: list[tuple[KeyPath, str, str]] = []
    for number, entry in enumerate(written.principals):
        path: KeyPath = ("principals", number)
        named.append(((*path, "id"), "principal id", entry.id))
        if entry.match.proxy_user is not None:
            named.append(((*path, "match", "proxy_user"), "proxy_user", entry.match.proxy_user))
        named += [((*path, "match", "provider_key", at), "provider key", key) for at, key in enumerate(entry.match.provider_key or ())]
    for path, decider in _entries(written):
        named.append(((*path, "name"), "rule name" if path[0] == "rules" else f"name of a {path[0]} entry", decider.name))
    named += [(("providers", at), "name of a provider's entry", one.called) for at, one in enumerate(written.providers)]
    detect = written.detect
    named += [(("detect", "patterns", at, "name"), "detector name", one.name) for at, one in enumerate(detect.patterns)]
    named += [(("detect", "dictionaries", at, "name"), "detector name", one.name) for at, one in enumerate(detect.dictionaries)]
    first: set[tuple[str, str]] = set()
    for path, what, name in named:
        if (what, name) in first:
            yield Flaw(path, f"{what} {name!r} is given twice")
        first.add((what, name))


def _overlaps(written: PolicyFile) -> Iterator[Flaw]:
    sources: dict[IPv4Network | IPv6Network, str] = {}
    headers: dict[tuple[tuple[str, str], ...], list[tuple[IPv4Network | IPv6Network, int]]] = {}
    for number, entry in enumerate(written.principals):
        for at, network in enumerate(entry.match.source or ()):
            if network in sources:
                path: KeyPath = ("principals", number, "match", "source", at)
                yield Flaw(path, f"network {network} is given twice, first for principal {sources[network]!r}")
            sources[network] = entry.id
        if entry.match.header is not None:
            same = headers.setdefault(tuple(sorted(entry.match.header.items())), [])
            same += [(network, number) for network in entry.match.from_ or ()]
    for same in headers.values():
        for later, earlier in sorted(set(_nested(same))):
            text = f"the same headers from the same network already mean principal {written.principals[earlier].id!r}"
            yield Flaw(("principals", later, "match", "header"), text)


def _nested(networks: list[tuple[IPv4Network | IPv6Network, int]]) -> Iterator[tuple[int, int]]:
    """
    Pairs of owners, the later one first, one of whose networks lies in one of the other's. Networks overlap only by nesting, so in
    order of addresses a stack of those still open is enough.
    """
    still_open: list[tuple[IPv4Network | IPv6Network, int]] = []
    for network, owner in sorted(networks, key=lambda one: (one[0].version, int(one[0].network_address), one[0].prefixlen, one[1])):
        while still_open and (
            still_open[-1][0].version != network.version or int(still_open[-1][0].broadcast_address) < int(network.network_address)
        ):
            still_open.pop()
        for _, other in still_open[-1:]:  # the innermost is enough to find that something is wrong
            if other != owner:
                yield max(other, owner), min(other, owner)
        still_open.append((network, owner))


def _unknown_names(written: PolicyFile, known: Known) -> Iterator[Flaw]:
    own_names = (*(written.models or ()), *written.aliases, *(model for entry in written.providers for model in entry.models))
    own = tuple(normal_pattern(pattern) for pattern in own_names)

    def known_model(pattern: str) -> bool:
        return any(covers(pattern, mine) or covers(mine, pattern) for mine in own) or known.model(pattern)

    checks: tuple[tuple[str, Callable[[str], bool]], ...] = (("provider", known.provider), ("operation", known.operation))
    for path, entry in _entries(written):
        if entry.when is None:
            continue
        for field, is_known in checks:
            for at, name in enumerate(getattr(entry.when, field) or ()):
                if name != UNKNOWN and not is_known(name):
                    yield Flaw((*path, "when", field, at), f"{field} {name!r} is not in the catalogue")
        for at, pattern in enumerate(entry.when.model or ()):
            if not known_model(normal_pattern(pattern)):
                yield Flaw(
                    (*path, "when", "model", at),
                    f"{pattern!r} matches no known model; if it is a deployment or a model of your own, list it under `models`",
                )
    for number, one in enumerate(written.providers):
        if not known.provider(one.provider):
            yield Flaw(("providers", number, "provider"), f"provider {one.provider!r} is not in the catalogue")
        elif one.host is not None and not known.place(one.provider, one.host):
            yield Flaw(
                ("providers", number, "host"), f"{one.host!r} is no host of {one.provider} in the catalogue; is it another provider's?"
            )
        elsewhere = one.region is not None and one.host is None and one.url is None and known.provider(one.provider)
        if elsewhere and not known.regional(one.provider):
            # `require.regions` believes it, and the call would go wherever the provider likes.
            yield Flaw(
                ("providers", number, "region"),
                "region is given, but it does not decide the host of this provider; give `host` (for example api.eu.mistral.ai), too",
            )
        if one.aws is not None and known.provider(one.provider) and not known.signed(one.provider):
            yield Flaw(("providers", number, "aws"), f"{one.provider} takes no requests signed for AWS; give a key")
        if one.google is not None and one.provider not in _GOOGLE:
            yield Flaw(("providers", number, "google"), f"{one.provider} takes no tokens of Google; give a key")
    yield from route_flaws(written, known, known_model)
    for number, rule in enumerate(written.retention):
        for at, name in enumerate(rule.attested or ()):
            # `provider`, `provider/operation`, or `provider@the-day-its-entry-was-checked`.
            provider, _, operation = name.partition("@")[0].partition("/")
            if not known.provider(provider):
                yield Flaw(("retention", number, "attested", at), f"provider {provider!r} is not in the catalogue")
            elif operation and not known.operation(operation):
                yield Flaw(("retention", number, "attested", at), f"operation {operation!r} is not in the catalogue")


def _unknown_principals(written: PolicyFile) -> Iterator[Flaw]:
    if written.providers:
        return  # calls come with keys of ours, too, whose teams and names stand elsewhere
    ids = {entry.id for entry in written.principals}
    said = {field: {value for entry in written.principals if (value := getattr(entry, field)) is not None} for field in _PROPERTIES}
    for path, entry in _entries(written):
        if entry.when is None:
            continue
        for at, pattern in enumerate(entry.when.principal or ()):
            # A key nobody owns has an id of its own, fp_…, which any pattern may mean that begins like one.
            unlisted = pattern.startswith(RESERVED_PRINCIPALS[1]) or matcher(pattern)(RESERVED_PRINCIPALS[0])
            if not unlisted and not _fits_one(pattern, ids):
                yield Flaw((*path, "when", "principal", at), f"{pattern!r} matches no listed principal")
        for field, values in said.items():
            for at, pattern in enumerate(getattr(entry.when, field) or ()):
                if not _fits_one(pattern, values):
                    yield Flaw((*path, "when", field, at), f"{pattern!r} matches the {field} of no listed principal")
        for key, patterns in (entry.when.tags or {}).items():
            values = {one.tags[key] for one in written.principals if key in one.tags}
            for at, pattern in enumerate(patterns):
                if not _fits_one(pattern, values):
                    yield Flaw((*path, "when", "tags", key, at), f"{pattern!r} matches the tag {key!r} of no listed principal")


def _fits_one(pattern: str, values: set[str]) -> bool:
    return any(map(matcher(pattern), values)) if "*" in pattern else pattern in values


def _dead(written: PolicyFile) -> Iterator[Flaw]:
    before: dict[KeyPath, list[Cover]] = {}
    for path, entry in _entries(written):
        what = "rule" if path[0] == "rules" else f"{path[0]} entry"
        earlier = before.setdefault(path[:1], [])
        when, mine = entry.when, Cover(entry.name, entry.when)
        if when is not None and written.defaults.unknown == "block" and (when.operation == (UNKNOWN,) or when.provider == (UNKNOWN,)):
            yield Flaw(path, f"{what} {entry.name!r} can never decide: `defaults.unknown: block` comes before it")
        elif cover := next((one for one in earlier if one.covers(mine)), None):
            yield Flaw(path, f"{what} {entry.name!r} can never decide: {what} {cover.name!r} above matches all it matches")
        earlier.append(mine)
