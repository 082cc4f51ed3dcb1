"""
Routes as the authorizer is given them.
"""

from __future__ import annotations

from excise.exchange import Call, Route
from excise.policy.credential import Credential


def route(provider: str, host: str, path: str, credential: Credential | None = None, *, scheme: str = "https", port: int = 443) -> Route:
    """
    A call to a provider, decided.
    """
    call = Call(provider=provider, operation="chat", dialect="unknown", model_at="body", model="m")
    return Route(
        call=call,
        deployment=provider,
        scheme=scheme,
        host=host,
        port=port,
        path=path,
        rule="alias",
        reason="first choice",
        policy_id="default@0",
        credential=credential,
    )
