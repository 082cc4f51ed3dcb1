"""
The stage that names who pays.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from excise.access.keys import KeyStore
from excise.errors import Unauthenticated
from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest
from excise.policy.fingerprint import fingerprint
from excise.policy.store import PolicyStore
from excise.stages.identify import Identify

SECRET = b"s" * 32
KEY = "sk-" + "0f" * 16


def exchange(*headers: tuple[bytes, bytes], path: str = "/v1/chat/completions", user: str | None = None) -> Exchange:
    return Exchange(
        id="0",
        started_at_us=0,
        started=0.0,
        client=ClientInfo(ip="192.0.2.1", port=1, capture=Capture.PROXY, proxy_user=user, proxy_password=user and "x"),
        http=HttpRequest("POST", "https", "api.openai.com", 443, path, headers, b""),
        call=Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body"),
    )


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "default.yml"
    owned = fingerprint(SECRET, KEY)
    path.write_text(f"version: 1\nprincipals:\n  - {{id: shop, match: {{provider_key: {owned}}}}}\ndefault: allow\n")
    return PolicyStore(path)


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        (((b"Authorization", b"Bearer " + KEY.encode()),), "/v1/chat/completions"),
        (((b"x-api-key", KEY.encode()),), "/v1/messages"),
        ((), f"/v1beta/models/gemini:generateContent?key={KEY}"),
    ],
)
async def test_the_owner_of_the_key_is_named(store, headers, path):
    """
    Wherever the key stands; the exchange holds its fingerprint and not the key.
    """
    one = exchange(*headers, path=path)
    await Identify(store, SECRET, KeyStore(Path("no-keys.json"))).on_request(one)

    assert one.principal is not None
    assert (one.principal.id, one.principal.type) == ("shop", "provider_key")
    assert one.principal.api_key_id == fingerprint(SECRET, KEY)
    assert KEY not in repr(one.principal)


async def test_an_unowned_key_and_no_key(store):
    """
    A key nobody owns pays for itself; no key is anonymous.
    """
    stage = Identify(store, SECRET, KeyStore(Path("no-keys.json")))
    one, none = exchange((b"authorization", b"Bearer another")), exchange()
    await stage.on_request(one)
    await stage.on_request(none)

    assert one.principal is not None
    assert one.principal.id == one.principal.api_key_id == fingerprint(SECRET, "another")
    assert none.principal is not None
    assert (none.principal.id, none.principal.api_key_id) == ("anonymous", None)


async def test_wrong_credentials_leave_no_principal(store):
    """
    The call is refused and booked on nobody.
    """
    one = exchange((b"authorization", b"Bearer " + KEY.encode()), user="shop")
    with pytest.raises(Unauthenticated) as caught:
        await Identify(store, SECRET, KeyStore(Path("no-keys.json"))).on_request(one)

    assert one.principal is None
    assert caught.value.kind == "unauthenticated"


async def test_a_reload_is_seen_by_the_next_call(store, tmp_path):
    """
    The stage asks the store each time.
    """
    stage = Identify(store, SECRET, KeyStore(Path("no-keys.json")))
    (tmp_path / "default.yml").write_text("version: 1\ndefaults: {require_principal: true}\ndefault: allow\n")
    store.reload()

    with pytest.raises(Unauthenticated):
        await stage.on_request(exchange((b"authorization", b"Bearer " + KEY.encode())))
