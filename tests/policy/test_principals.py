"""
Who calls: each way of knowing, their order, and what wrong or doubtful signs lead to.
"""

from __future__ import annotations

import hashlib
import hmac

import pytest

from excise.errors import Unauthenticated
from excise.exchange import Capture, ClientInfo
from excise.policy import principals
from excise.policy.principals import address, identify

from .written import loaded

KEY = "k" * 16
OTHER = "o" * 16
POLICY = f"""
principals:
  - id: shop
    team: pay
    app: web
    cost_centre: C1
    env: prod
    tags: {{tier: gold}}
    match: {{proxy_user: shop, key: [env:OLD, env:NEW], key_sha256: {hashlib.sha256(OTHER.encode()).hexdigest()}}}
  - id: batch
    match: {{header: {{x-app: batch, x-zone: a}}, from: [10.0.0.0/8, "fd00::/8"]}}
  - id: any-app
    match: {{header: {{x-app: batch}}, from: 10.0.0.0/8}}
  - id: wide
    match: {{source: [10.0.0.0/8, "fd00::/8"]}}
  - id: narrow
    match: {{source: 10.1.0.0/16}}
  - id: one
    match: {{source: 10.1.2.3/32}}
  - id: everyone-6
    match: {{source: "::/0"}}
  - id: keyed
    match: {{provider_key: [fp_00112233445566778899]}}
"""
ENVIRON = {"OLD": KEY, "NEW": "n" * 16}
OWNED, UNOWNED = "fp_00112233445566778899", "fp_99887766554433221100"


@pytest.fixture(scope="module")
def policy():
    return loaded(POLICY, environ=ENVIRON)


@pytest.fixture(scope="module")
def strict():
    return loaded("defaults: {require_principal: true}\n" + POLICY, environ=ENVIRON)


def client(ip="192.0.2.1", user=None, password=None, capture=Capture.PROXY):
    return ClientInfo(ip=ip, port=1, capture=capture, proxy_user=user, proxy_password=password)


def known(policy, who, headers=(), key=None):
    principal = identify(policy, who, tuple(headers), key)
    return principal.id, principal.type


@pytest.mark.parametrize("password", [KEY, "n" * 16, OTHER])
def test_any_current_key_of_a_user_is_right(policy, password):
    """
    While keys are changed, the old and the new one work, whether referred to or hashed; everything listed comes with the principal.
    """
    principal = identify(policy, client(user="shop", password=password), (), UNOWNED)

    assert (principal.id, principal.type, principal.team, principal.app) == ("shop", "proxy_credentials", "pay", "web")
    assert (principal.cost_centre, principal.env, principal.tags) == ("C1", "prod", {"tier": "gold"})
    assert principal.api_key_id == UNOWNED


@pytest.mark.parametrize(
    ("user", "password"),
    [
        ("shop", "wrong"),
        ("shop", ""),
        ("shop", None),
        ("shop", KEY + " "),
        ("shop", KEY[:-1]),
        ("Shop", KEY),
        ("nobody", KEY),
        ("nobody", "nobody has this key"),
        ("", KEY),
        ("", ""),
        (None, KEY),
        ("shop", "\udcff\udcfe"),
    ],
)
@pytest.mark.parametrize("ip", ["192.0.2.1", "10.1.2.3"])
def test_wrong_credentials_are_refused_always(policy, user, password, ip):
    """
    Also where policy asks for nobody, and where another sign would do: falling through would book the call on somebody else. The
    text does not tell a wrong user from a wrong key.
    """
    with pytest.raises(Unauthenticated) as caught:
        identify(policy, client(ip, user, password), ((b"x-app", b"batch"),), OWNED)

    assert caught.value.status == 407
    assert "are not valid" in caught.value.message
    assert KEY not in caught.value.message
    with pytest.raises(Unauthenticated) as other:
        identify(policy, client(ip, "no", "no"), (), None)
    assert other.value.message == caught.value.message


def test_a_policy_without_users_refuses_credentials_too():
    """
    A key that nobody checks must not look as if it were checked.
    """
    with pytest.raises(Unauthenticated):
        identify(loaded("rules: []"), client(user="a", password="b"), (), None)


@pytest.mark.parametrize(("user", "password"), [("shop", KEY), ("shop", "x"), ("nobody", "x"), ("", "")])
def test_keys_are_compared_in_constant_time(policy, monkeypatch, user, password):
    """
    Every credential goes through `hmac.compare_digest`, once for every key of the user; and what it says is what counts.
    """
    compared = []
    real = hmac.compare_digest

    def spy(left, right):
        compared.append((left, right))
        return real(left, right)

    monkeypatch.setattr(principals.hmac, "compare_digest", spy)
    try:
        identify(policy, client(user=user, password=password), (), None)
    except Unauthenticated:
        assert password != KEY
    assert len(compared) == (3 if user == "shop" else 1)
    assert all(isinstance(side, bytes) and len(side) == 32 for pair in compared for side in pair)

    monkeypatch.setattr(principals.hmac, "compare_digest", lambda left, right: False)
    with pytest.raises(Unauthenticated):
        identify(policy, client(user="shop", password=KEY), (), None)


BATCH = ((b"X-App", b"batch"), (b"X-Zone", b"a"))


@pytest.mark.parametrize(
    ("ip", "headers", "who"),
    [
        ("10.9.9.9", BATCH, ("batch", "header")),
        ("10.1.2.3", BATCH, ("batch", "header")),  # before the network
        ("fd00::1", BATCH, ("batch", "header")),
        ("::ffff:10.9.9.9", BATCH, ("batch", "header")),
        ("10.9.9.9", BATCH[:1], ("any-app", "header")),
        ("10.9.9.9", BATCH[1:], ("wide", "source_network")),
        ("10.9.9.9", ((b"x-app", b" batch "),), ("any-app", "header")),
        ("10.9.9.9", ((b"x-app", b"Batch"),), ("wide", "source_network")),
        ("10.9.9.9", ((b"x-app", b"batch"), (b"x-app", b"batch")), ("wide", "source_network")),  # twice is doubtful
        ("192.0.2.1", BATCH, ("anonymous", "anonymous")),  # anybody can write a header
        ("fd00::1", BATCH[:1], ("wide", "source_network")),
        ("not an address", BATCH, ("anonymous", "anonymous")),
    ],
)
def test_headers_count_from_listed_networks_only(policy, ip, headers, who):
    """
    All headers of a rule, each once, from a network it lists; of several rules the first in the file.
    """
    assert known(policy, client(ip), headers) == who


@pytest.mark.parametrize(
    ("ip", "who"),
    [
        ("10.1.2.3", "one"),
        ("10.1.2.4", "narrow"),
        ("10.2.0.1", "wide"),
        ("::ffff:10.1.2.3", "one"),
        ("fd00::1%eth0", "wide"),
        ("2001:db8::1", "everyone-6"),
        ("11.0.0.1", "anonymous"),
        ("", "anonymous"),
        ("10.1.2.3.4", "anonymous"),
    ],
)
def test_the_longest_prefix_wins(policy, ip, who):
    """
    However the file orders them; IPv4 in IPv6 clothes is IPv4.
    """
    assert known(policy, client(ip))[0] == who


def test_the_key_decides_where_nothing_else_does(policy):
    """
    Owned keys are their owner's, unowned ones are somebody of their own, so that their spend is seen; and no key is nobody.
    """
    assert known(policy, client(), key=OWNED) == ("keyed", "provider_key")
    assert known(policy, client(), key=UNOWNED) == (UNOWNED, "provider_key")
    assert known(policy, client()) == ("anonymous", "anonymous")
    assert known(policy, client("10.2.0.1"), key=OWNED) == ("wide", "source_network")
    assert identify(policy, client(), (), UNOWNED).api_key_id == UNOWNED
    assert identify(policy, client(), (), None).api_key_id is None


@pytest.mark.parametrize(("capture", "status"), [(Capture.PROXY, 407), (Capture.TRANSPARENT, 401), (Capture.ENDPOINT, 401)])
def test_where_somebody_is_wanted_nobody_is_refused(strict, capture, status):
    """
    `require_principal` wants somebody listed: an unowned key is nobody. 407 is for clients that speak to us as a proxy.
    """
    for key in (None, UNOWNED):
        with pytest.raises(Unauthenticated) as caught:
            identify(strict, client(capture=capture), (), key)
        assert caught.value.status == status
        assert "HTTP" not in caught.value.message or "http://USER:KEY" in caught.value.message
    assert known(strict, client(), key=OWNED) == ("keyed", "provider_key")
    assert known(strict, client("10.1.2.3")) == ("one", "source_network")
    assert known(strict, client(user="shop", password=KEY)) == ("shop", "proxy_credentials")


def test_identity_headers_can_be_told_from_others(policy):
    """
    They are for us and must not travel on; the gateway asks for their names.
    """
    assert policy.principals.header_names == {b"x-app", b"x-zone"}


def test_keys_are_not_shown():
    """
    Neither a client's nor a policy's repr holds a key or its digest.
    """
    policy = loaded(POLICY, environ=ENVIRON)

    assert KEY not in repr(client(user="shop", password=KEY))
    assert hashlib.sha256(KEY.encode()).digest() not in repr(policy).encode("latin-1", "replace")
    assert "users" not in repr(policy.principals)


def test_addresses():
    """
    No text makes this raise.
    """
    assert address("::ffff:1.2.3.4") == address("1.2.3.4")
    assert address("x") is None
