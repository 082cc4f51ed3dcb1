"""
The parts of one worker, put together: stages in order, gateway, guard. The same for our own program and for a stock mitmproxy.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from excise.access.authorize import Authorizer
from excise.access.keys import KeyStore
from excise.catalog.abilities import Capabilities
from excise.catalog.models import Models
from excise.catalog.prices import Prices
from excise.catalog.providers import Catalog
from excise.catalog.quality import Quality, load_quality
from excise.catalog.retention import load_retention
from excise.classifier import load_classifier
from excise.documents import extractor
from excise.exchange import ClientInfo, Exchange, Prompt, Route
from excise.health.shared import SharedHealth
from excise.health.target_health import TargetHealth
from excise.ledger.journal import Journal
from excise.pipeline import Pipeline
from excise.policy.decide import facts_of
from excise.policy.fingerprint import load_or_create_secret
from excise.policy.known import known_names
from excise.policy.principals import identify
from excise.policy.store import PolicyStore
from excise.privacy.detect import catalogue as _catalogue  # noqa: F401 - loaded with the program, not with the first policy: it takes a while
from excise.privacy.vault import Vaults
from excise.proxy.gateway import Gateway
from excise.proxy.guard import Guard
from excise.proxy.settle import Settler
from excise.routing.ratios import Ratios
from excise.scanning import placeholder_key, scanner_maker
from excise.stages.decode import Decode
from excise.stages.govern import Govern
from excise.stages.identify import Identify
from excise.stages.inspect import Inspect
from excise.stages.learn import Learn
from excise.stages.list_models import ListModels
from excise.stages.meter import Meter
from excise.stages.outlook import Outlook
from excise.stages.plan import Planning
from excise.stages.profile import Profiling
from excise.stages.recognise import Recognise
from excise.stages.record import Record
from excise.stages.redact import Redact
from excise.stages.reply import Reply
from excise.stages.restore import Restore
from excise.stages.retain import Retain, RetentionChoice
from excise.stages.route import Route as Steer
from excise.stages.self_check import SelfCheck
from excise.stages.send import Send
from excise.stages.translate import Translate
from excise.stages.watch import Watch
from excise.supervise.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """
    What a worker is made of, apart from its sockets.
    """

    catalog: Catalog
    policies: PolicyStore
    record: Record
    pipeline: Pipeline
    settler: Settler
    gateway: Gateway
    guard: Guard
    self_check: SelfCheck
    keys: KeyStore
    admit: Callable[[ClientInfo, bool], None]


def build(settings: Settings, journal: Journal) -> Parts:
    """
    Raises:
        ExciseError: A policy, the catalogue overlay or the price file is wrong.
    """
    catalog = Catalog.load(settings.providers)
    state = settings.data / "state"
    key = placeholder_key(state)
    vaults = Vaults(key)
    scanner = scanner_maker(vaults.placeholders, cache=state / "scanners")
    prices, quality = Prices.load(settings.prices), load_quality(settings.quality)
    prices.warm()
    known = known_names(settings.providers, prices=settings.prices, quality=settings.quality)
    policies = PolicyStore(settings.policies, known=known, scanner=scanner)
    secret = load_or_create_secret(state / "fingerprint.key")
    record = Record(journal, block=lambda: policies.current.defaults.on_journal_failure == "block")
    decode = Decode(limit=settings.max_body_bytes, pseudonym=lambda name: _pseudonym(secret, name))
    redact, restore = Redact(policies, key, vaults, extract=extractor()), Restore()
    retain = Retain(load_retention(), partial(retention_choice, policies), hashed=lambda name: _pseudonym(secret, name))
    keys = KeyStore(state / "keys.json")
    outlook = _outlook(state, secret, prices, quality, catalog)
    pipeline = Pipeline(
        [
            Recognise(catalog),
            Identify(policies, secret, keys),
            ListModels(policies, prices),
            decode,
            Profiling(None if settings.classifier is None else load_classifier(settings.classifier)),
            Planning(policies, outlook),
            Steer(policies, catalog, outlook.health, keeps=partial(kept_there, policies, retain), now=time.time),
            Govern(policies),
            redact,
            Translate(),
            retain,
            Send(Authorizer(catalog, upstream_ca=settings.upstream_ca, upstream_proxy=settings.upstream_proxy)),
            Inspect(),
            restore,
            Meter(prices),
            Watch(),
            Learn(outlook),
            Reply(),
            record,
        ]
    )
    settler = Settler(pipeline, write=record.write, tunnels_allowed=lambda: policies.current.defaults.tunnels == "allow")
    admit = admission(policies)
    gateway = Gateway(
        pipeline=pipeline,
        catalog=catalog,
        settler=settler,
        show_headers=lambda: policies.current.defaults.headers == "on",
        admit=lambda client: admit(client, True),
        private_headers=lambda: policies.current.principals.header_names,
        fault=lambda: redact.closed,
    )
    return Parts(
        catalog, policies, record, pipeline, settler, gateway, Guard(gateway), SelfCheck(policies, decode, redact, restore), keys, admit
    )


def _outlook(state: Path, secret: bytes, prices: Prices, quality: Quality, catalog: Catalog) -> Outlook:
    ratios = Ratios()
    capabilities = Capabilities(Models.load(), prices, quality, ratios.of, own=catalog.self_hosted)
    dice = hmac.digest(secret, b"dice", "sha256")
    return Outlook(TargetHealth(SharedHealth(state / "health")), capabilities, ratios, secret=dice)


def admission(policies: PolicyStore) -> Callable[[ClientInfo, bool], None]:
    """
    What can be said of a connection before any request is read: wrong credentials are refused at CONNECT, where clients expect their 407,
    and so is whoever cannot be known later either.
    """

    def admit(client: ClientInfo, final: bool) -> None:
        policy = policies.current
        index = policy.principals
        # Where there is somewhere to send them, requests may still name a principal by a key of ours.
        only_users = bool(index.users) and not (index.headers or index.networks or index.provider_keys or policy.deployments)
        if client.proxy_user is not None or (policy.defaults.require_principal and (final or only_users)):
            identify(policy, client, (), None)

    return admit


def retention_choice(policies: PolicyStore, exchange: Exchange) -> RetentionChoice:
    """
    What the policy in force says a provider may keep of a call.
    """
    rule = policies.current.retained(facts_of(exchange))
    demanded = exchange.course is not None and exchange.course.plan.require.zero_retention
    if demanded and (rule is None or rule.mode != "zero"):
        assert exchange.course is not None
        return RetentionChoice("zero", rule=exchange.course.plan.rule)
    if rule is None:
        return RetentionChoice()
    return RetentionChoice(rule.mode, rule.on_store, frozenset(rule.attested or ()), rule.verify, rule.name)


def kept_there(policies: PolicyStore, retain: Retain, exchange: Exchange, route: Route, sent: Prompt) -> str | None:
    """
    Why a target may not have a call because of what its provider keeps; `None`: it may.
    """
    choice = retention_choice(policies, exchange)
    if choice.mode != "zero":
        return None
    refusals = retain.plan(exchange, route.call, choice, body=sent.json, model=route.model).refusals
    return "; ".join(refusals) or None


def _pseudonym(secret: bytes, name: str) -> str:
    # Its own prefix: one secret, but never one purpose's output for another's.
    return "u_" + hmac.digest(secret, b"consumer\x00" + name.encode("utf-8", "surrogatepass"), "sha256").hex()[:20]
