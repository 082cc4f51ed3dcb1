"""
Who pays for this call.
"""

from __future__ import annotations

from excise.catalog.request import credential_of
from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.policy.fingerprint import fingerprint
from excise.policy.principals import identify
from excise.policy.store import PolicyStore


class Identify(Stage):
    """
    Name the principal, or refuse whoever policy does not know.

    Args:
        store: The policy in force.
        secret: The installation's fingerprint secret, see `load_or_create_secret`.
    """

    def __init__(self, store: PolicyStore, secret: bytes) -> None:
        self._store = store
        self._secret = secret

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            Unauthenticated: Wrong proxy credentials, or nobody listed where policy wants somebody.
        """
        headers = exchange.http.headers
        credential = credential_of(headers, exchange.http.path)
        key_id = fingerprint(self._secret, credential) if credential else None
        exchange.principal = identify(self._store.current, exchange.client, headers, key_id)
