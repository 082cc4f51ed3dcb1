"""
Who pays for this call.
"""

from __future__ import annotations

from excise.access.keys import KeyStore, is_virtual
from excise.access.virtual_key import VirtualKey
from excise.catalog.request import credential_of
from excise.exchange import Exchange, Principal
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
        keys: Keys of ours, which stand where a provider's key would.
    """

    def __init__(self, store: PolicyStore, secret: bytes, keys: KeyStore) -> None:
        self._store = store
        self._secret = secret
        self._keys = keys

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            Unauthenticated: Wrong proxy credentials, a key of ours that does not work, or nobody listed where policy wants somebody.
        """
        headers = exchange.http.headers
        credential = credential_of(headers, exchange.http.path)
        if credential is not None and is_virtual(credential):
            if exchange.client.proxy_user is not None:
                # They do not name the principal here, but sent and wrong they are refused as ever.
                identify(self._store.current, exchange.client, headers, None)
            exchange.principal = principal_of(self._keys.find(credential))
            return
        key_id = fingerprint(self._secret, credential) if credential else None
        exchange.principal = identify(self._store.current, exchange.client, headers, key_id)


def principal_of(key: VirtualKey) -> Principal:
    """
    Who holds a key of ours.
    """
    return Principal(
        id=key.name,
        type="virtual_key",
        team=key.team,
        app=key.app,
        cost_centre=key.cost_centre,
        env=key.env,
        tags={**({"user": key.user} if key.user else {}), **key.tags},
        api_key_id=f"vk_{key.id}",
        models=key.models,
    )
