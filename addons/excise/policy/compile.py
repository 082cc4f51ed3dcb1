"""
From a policy as written to a policy that runs. Pure: secrets come in as digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from excise.exchange import Decision, Principal
from excise.policy.decide import CompiledRule, compile_conditions
from excise.policy.principals import HeaderRule, PrincipalIndex
from excise.policy.schema import Defaults, PolicyFile, PrincipalEntry, Rule


class Counts(NamedTuple):
    """
    For the log line of a reload.
    """

    rules: int
    principals: int


@dataclass(frozen=True, slots=True)
class Policy:
    """
    A loaded policy. Immutable: a reload makes another one and swaps one reference.

    `id` is `NAME@` and 12 hex digits of the SHA-256 of the file: equal in all workers and on all hosts that read the same bytes.
    """

    id: str
    defaults: Defaults
    rules: tuple[CompiledRule, ...]
    principals: PrincipalIndex
    unknown_decision: Decision
    default_decision: Decision
    listed: Mapping[str, Principal] = field(repr=False)  # by id; for commands and tests, not for calls

    @property
    def blocks_unknown(self) -> bool:
        return self.defaults.unknown == "block"

    @property
    def counts(self) -> Counts:
        return Counts(len(self.rules), len(self.listed))


def compile_policy(written: PolicyFile, policy_id: str, keys: Mapping[str, tuple[bytes, ...]]) -> Policy:
    """
    Prepare a policy that has passed `faults`.

    Args:
        keys: SHA-256 digests of the keys of each principal with a proxy user, by principal id.
    """
    return Policy(
        id=policy_id,
        defaults=written.defaults,
        rules=tuple(_rule(rule, policy_id) for rule in written.rules),
        principals=_index(written.principals, keys),
        unknown_decision=Decision(
            allow=False,
            action="deny",
            policy_id=policy_id,
            rule="defaults.unknown",
            reason="this kind of call is not known to the catalogue, so it can be neither governed nor metered; use an operation that is, "
            "or have policy set `defaults.unknown: allow`",
        ),
        default_decision=Decision(
            allow=written.default == "allow",
            action=written.default,
            policy_id=policy_id,
            rule="default",
            reason="" if written.default == "allow" else "no rule allows this call; ask for a rule that does",
        ),
        listed={entry.id: _principal(entry, "listed") for entry in written.principals},
    )


def _rule(rule: Rule, policy_id: str) -> CompiledRule:
    denies = rule.then == "deny"
    conditions = compile_conditions(rule.when, denies=denies)
    return CompiledRule(
        conditions=conditions,
        tests=tuple(condition.test for condition in conditions),
        decision=Decision(allow=not denies, action=rule.then, policy_id=policy_id, rule=rule.name, reason=rule.reason or ""),
    )


def _index(entries: tuple[PrincipalEntry, ...], keys: Mapping[str, tuple[bytes, ...]]) -> PrincipalIndex:
    index = PrincipalIndex()
    headers: dict[tuple[bytes, ...], list[HeaderRule]] = {}
    prefixes: dict[int, set[int]] = {}
    for order, entry in enumerate(entries):
        match = entry.match
        if match.proxy_user is not None:
            index.users[match.proxy_user] = (keys[entry.id], _principal(entry, "proxy_credentials"))
        if match.header is not None:
            pairs = sorted((name.encode("ascii"), value.encode("utf-8")) for name, value in match.header.items())
            rule = HeaderRule(order, tuple(value for _, value in pairs), match.from_ or (), _principal(entry, "header"))
            headers.setdefault(tuple(name for name, _ in pairs), []).append(rule)
        for network in match.source or ():
            rest = network.max_prefixlen - network.prefixlen
            known = index.networks.setdefault((network.version, network.prefixlen), {})
            known[int(network.network_address) >> rest] = _principal(entry, "source_network")
            prefixes.setdefault(network.version, set()).add(network.prefixlen)
        for key in match.provider_key or ():
            index.provider_keys[key] = _principal(entry, "provider_key")
    index.headers.update({names: tuple(rules) for names, rules in headers.items()})
    index.prefixes.update({version: tuple(sorted(lengths, reverse=True)) for version, lengths in prefixes.items()})
    return index


def _principal(entry: PrincipalEntry, how: str) -> Principal:
    return Principal(
        id=entry.id,
        type=how,
        team=entry.team,
        app=entry.app,
        cost_centre=entry.cost_centre,
        env=entry.env,
        tags=dict(entry.tags),
    )
