"""
From a policy as written to a policy that runs. Pure: secrets come in as digests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import NamedTuple

from excise.exchange import Decision, Principal
from excise.policy.choice import choice_of
from excise.policy.conditions import Test, compile_conditions
from excise.policy.credential import Credential
from excise.policy.decide import CompiledRule, Facts
from excise.policy.deployment import Deployment
from excise.policy.principals import HeaderRule, PrincipalIndex
from excise.policy.protection import RedactRule, RetentionRule
from excise.policy.schema import Defaults, PolicyFile, PrincipalEntry, Rule
from excise.policy.steering import ProviderEntry
from excise.policy.terms import Choice, Failover
from excise.policy.when import When
from excise.privacy.detect.scanner import Scanner
from excise.privacy.profiles import Action, combined
from excise.privacy.protection import Protection, Scanners


@dataclass(frozen=True, slots=True)
class Conditional[Said]:
    """
    An entry of a list in which the first whose `tests` all hold decides.
    """

    name: str
    tests: tuple[Test, ...] = field(repr=False)
    said: Said


class Counts(NamedTuple):
    """
    For the log line of a reload.
    """

    rules: int
    routes: int
    aliases: int
    redact: int
    retention: int
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
    protections: tuple[Conditional[Protection | None], ...] = ()  # of `redact`; None: off
    retention: tuple[Conditional[RetentionRule], ...] = ()
    routes: tuple[Conditional[Choice], ...] = ()
    deployments: Mapping[str, Deployment] = field(default_factory=dict)
    aliases: Mapping[str, Choice] = field(default_factory=dict)
    failover: Failover = field(default_factory=Failover)  # of calls whose targets neither an entry of `routes` nor an alias names
    referred: bytes = field(default=b"", repr=False)  # changes with the keys and dictionaries the file refers to

    @property
    def blocks_unknown(self) -> bool:
        return self.defaults.unknown == "block"

    def protection(self, facts: Facts) -> Protection | None:
        """
        What is taken out of this call; `None`: it is not scanned.
        """
        return _first(self.protections, facts)

    def retained(self, facts: Facts) -> RetentionRule | None:
        """
        What the provider may keep of this call; `None`: policy does not say.
        """
        return _first(self.retention, facts)

    def routed(self, facts: Facts) -> Conditional[Choice] | None:
        """
        The entry of `routes` that sends this call elsewhere; `None`: it goes where it was sent.
        """
        return next((entry for entry in self.routes if all(test(facts) for test in entry.tests)), None)

    def warm(self) -> None:
        """
        Make all scanners now, and not while a call waits. May take seconds; thread-safe.
        """
        for entry in self.protections:
            if (protection := entry.said) is not None:
                protection.scanner()
                if protection.answers is not None and protection.answer_scanner is not None:
                    protection.answer_scanner()

    @property
    def counts(self) -> Counts:
        return Counts(
            rules=len(self.rules),
            routes=len(self.routes),
            aliases=len(self.aliases),
            redact=len(self.protections),
            retention=len(self.retention),
            principals=len(self.listed),
        )


def _first[Said](entries: tuple[Conditional[Said], ...], facts: Facts) -> Said | None:
    for entry in entries:
        if all(test(facts) for test in entry.tests):
            return entry.said
    return None


def compile_policy(
    written: PolicyFile,
    policy_id: str,
    keys: Mapping[str, tuple[bytes, ...]],
    scanners: Scanners | None = None,
    *,
    credentials: Mapping[str, tuple[Credential, ...]] | None = None,
    referred: bytes = b"",
) -> Policy:
    """
    Prepare a policy that has passed `faults`.

    Args:
        keys: SHA-256 digests of the keys of each principal with a proxy user, by principal id.
        credentials: Of the entries of `providers`, by the name targets call them.
        scanners: Makes what `redact` needs, the operator's own detectors in it. `None`: the policy is looked at, not run.
    """
    failover = written.defaults.failover.over(Failover())
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
        protections=tuple(_protection(entry, scanners) for entry in written.redact),
        # A call that names no model counts as meant: asking too much of a provider leaks nothing.
        retention=tuple(Conditional(entry.name, _tests(entry.when, closed=True), entry) for entry in written.retention),
        routes=tuple(Conditional(entry.name, _tests(entry.when, closed=False), choice_of(entry, failover)) for entry in written.routes),
        deployments={entry.called: _deployment(entry, (credentials or {}).get(entry.called, ())) for entry in written.providers},
        aliases={name: choice_of(entry, failover) for name, entry in written.aliases.items()},
        failover=failover,
        referred=referred,
    )


def _deployment(entry: ProviderEntry, credentials: tuple[Credential, ...]) -> Deployment:
    named = {"project": entry.project, "location": entry.region, "account": entry.account}
    return Deployment(
        name=entry.called,
        provider=entry.provider,
        host=entry.host,
        url=entry.url,
        region=entry.region,
        values={name: value for name, value in named.items() if value is not None},
        models=entry.models,
        credentials=credentials,
    )


def _protection(entry: RedactRule, scanners: Scanners | None) -> Conditional[Protection | None]:
    if not entry.profile:
        return Conditional(entry.name, _tests(entry.when, closed=False), None)
    profile = combined(entry.profile, entry.actions)

    @cache  # asked for each call
    def scanner() -> Scanner:
        assert scanners is not None, "this policy was loaded to be looked at"
        return scanners.of(profile)

    @cache
    def answer_scanner() -> Scanner:
        assert scanners is not None, "this policy was loaded to be looked at"
        return scanners.of(profile, quick=True)

    protection = Protection(
        name=entry.name,
        profile=profile,
        scanner=scanner,
        answer_scanner=answer_scanner,
        refuses_unreadable=entry.unreadable == "refuse",
        blocks_binary=profile.blocks_binary if entry.binary is None else entry.binary != "allow",
        extracts=entry.binary == "extract",
        wide_scope=entry.scope == "tenant",
        answers=None if entry.answers == "off" else Action(entry.answers),
        tells_model=entry.tell_model,
    )
    return Conditional(entry.name, _tests(entry.when, closed=True), protection)


def _tests(when: When | None, *, closed: bool) -> tuple[Test, ...]:
    """
    Args:
        closed: A billed call that names no model counts as matching `model`, as in deny rules: it cannot be shown not to be meant.
    """
    return () if when is None else tuple(condition.test for condition in compile_conditions(when, denies=closed))


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
