"""
The parts of one worker, put together: stages in order, gateway, guard. The same for our own program and for a stock mitmproxy.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from excise.catalog.prices import Prices
from excise.catalog.providers import Catalog
from excise.ledger.journal import Journal
from excise.pipeline import Pipeline
from excise.policy.fingerprint import load_or_create_secret
from excise.policy.known import known_names
from excise.policy.store import PolicyStore
from excise.proxy.gateway import Gateway
from excise.proxy.guard import Guard
from excise.proxy.settle import Settler
from excise.stages.decode import Decode
from excise.stages.govern import Govern
from excise.stages.identify import Identify
from excise.stages.meter import Meter
from excise.stages.recognise import Recognise
from excise.stages.record import Record
from excise.stages.send import Send
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


def build(settings: Settings, journal: Journal) -> Parts:
    """
    Raises:
        ExciseError: A policy, the catalogue overlay or the price file is wrong.
    """
    catalog = Catalog.load(settings.providers)
    policies = PolicyStore(settings.policies, known=known_names(settings.providers))
    secret = load_or_create_secret(settings.data / "state" / "fingerprint.key")
    prices = Prices.load(settings.prices)
    prices.warm()
    record = Record(journal, block=lambda: policies.current.defaults.on_journal_failure == "block")
    pipeline = Pipeline(
        [
            Recognise(catalog),
            Identify(policies, secret),
            Decode(limit=settings.max_body_bytes, pseudonym=lambda name: _pseudonym(secret, name)),
            Govern(policies),
            Send(),
            Meter(prices),
            record,
        ]
    )
    settler = Settler(pipeline, write=record.write, tunnels_allowed=lambda: policies.current.defaults.tunnels == "allow")
    gateway = Gateway(
        pipeline=pipeline,
        catalog=catalog,
        settler=settler,
        show_headers=lambda: policies.current.defaults.headers == "on",
        private_headers=lambda: policies.current.principals.header_names,
    )
    return Parts(catalog, policies, record, pipeline, settler, gateway, Guard(gateway))


def _pseudonym(secret: bytes, name: str) -> str:
    # Its own prefix: one secret, but never one purpose's output for another's.
    return "u_" + hmac.digest(secret, b"consumer\x00" + name.encode("utf-8", "surrogatepass"), "sha256").hex()[:20]
