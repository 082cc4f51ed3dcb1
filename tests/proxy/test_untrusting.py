"""
Who counts as refusing our certificate, and who does not.
"""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from excise.proxy import untrusting as module
from excise.proxy.untrusting import FORGET_SECONDS, LOG_SECONDS, LOGGED_HOSTS, MOST, Untrusting, alert_in

IP, HOST = "192.0.2.1", "api.openai.com"


class Clock:
    def __init__(self) -> None:
        self.now = 5.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def untrusting(clock):
    return Untrusting(tunnel=lambda: True, clock=clock)


def leave(untrusting, times=1, *, ip=IP, host=HOST):
    for _ in range(times):
        untrusting.refused(ip, host, alert=False)


def alert(untrusting, times=1, *, ip=IP, host=HOST):
    for _ in range(times):
        untrusting.refused(ip, host, alert=True)


def test_two_alerts_are_a_trust_store_without_our_ca(untrusting):
    """
    One is an accident; it takes two, of the same address about the same host.
    """
    alert(untrusting)
    assert not untrusting.given_up(IP, HOST)
    alert(untrusting, ip="192.0.2.2")
    alert(untrusting, host="api.anthropic.com")
    assert not untrusting.given_up(IP, HOST)
    alert(untrusting)
    assert untrusting.given_up(IP, HOST)
    assert not untrusting.given_up("192.0.2.2", HOST)


def test_leaving_twice_counts_where_nobody_ever_trusted_us(untrusting):
    """
    Some TLS stacks refuse a certificate by hanging up.
    """
    leave(untrusting)
    assert not untrusting.given_up(IP, HOST)
    leave(untrusting)
    assert untrusting.given_up(IP, HOST)


def test_leaving_never_counts_after_a_handshake_of_the_last_hour(untrusting, clock):
    """
    A trusting client's calls do not go unread because something at its address drops handshakes.
    """
    untrusting.accepted(IP, HOST)
    leave(untrusting, 50)
    clock.now += FORGET_SECONDS
    leave(untrusting, 50)
    assert not untrusting.given_up(IP, HOST)


def test_leaving_counts_again_after_that_hour(untrusting, clock):
    """
    The address may belong to another machine by then.
    """
    untrusting.accepted(IP, HOST)
    clock.now += FORGET_SECONDS + 1
    leave(untrusting, 2)
    assert untrusting.given_up(IP, HOST)


def test_a_handshake_for_one_host_says_nothing_about_another(untrusting):
    """
    A client may pin one provider's certificate and trust us for the rest.
    """
    untrusting.accepted(IP, "api.anthropic.com")
    untrusting.accepted("192.0.2.2", HOST)
    leave(untrusting, 2)
    assert untrusting.given_up(IP, HOST)


@pytest.mark.parametrize("how", [leave, alert])
def test_a_success_between_starts_the_count_again(how, untrusting):
    """
    Two refusals with a success between are two accidents.
    """
    how(untrusting)
    untrusting.accepted(IP, HOST)
    how(untrusting)
    assert not untrusting.given_up(IP, HOST)


def test_a_success_ends_being_given_up(untrusting):
    """
    A client that has learnt to trust us is read again.
    """
    alert(untrusting, 2)
    untrusting.accepted(IP, HOST)
    assert not untrusting.given_up(IP, HOST)


def test_alerts_count_also_after_a_success(untrusting):
    """
    A client that lost our CA says so.
    """
    untrusting.accepted(IP, HOST)
    alert(untrusting, 2)
    assert untrusting.given_up(IP, HOST)


def test_refusals_are_forgotten_after_an_hour(untrusting, clock):
    """
    Then the client is tried again, and again it takes two.
    """
    alert(untrusting, 2)
    clock.now += FORGET_SECONDS + 1
    assert not untrusting.given_up(IP, HOST)
    alert(untrusting)
    assert not untrusting.given_up(IP, HOST)


def test_nobody_is_given_up_where_policy_blocks(clock):
    """
    Asked each time: policy may change between two connections.
    """
    answers = [False, True]
    untrusting = Untrusting(tunnel=lambda: answers[-1], clock=clock)
    alert(untrusting, 2)
    assert untrusting.given_up(IP, HOST)
    answers.append(False)
    assert not untrusting.given_up(IP, HOST)


def test_one_client_and_one_host_in_every_spelling(untrusting):
    """
    IPv4 inside IPv6, case and a trailing dot make no difference.
    """
    alert(untrusting, ip="::ffff:192.0.2.1", host="API.OpenAI.com.")
    alert(untrusting)
    assert untrusting.given_up("::ffff:192.0.2.1", "api.openai.com.")


def test_memory_is_bounded_and_what_was_forgotten_early_opens_nothing(untrusting, clock):
    """
    Floods of names push acceptances out of memory; as long as one could still matter, leaving counts for nobody.
    """
    untrusting.accepted(IP, HOST)
    for number in range(MOST + 5):
        untrusting.accepted(IP, f"h{number}.example")
        alert(untrusting, ip=f"client {number}")
    assert len(untrusting._accepted) == len(untrusting._refused) == MOST
    assert len(untrusting._logged) <= LOGGED_HOSTS + 1
    leave(untrusting, 2)
    assert not untrusting.given_up(IP, HOST)
    clock.now += FORGET_SECONDS + 1
    leave(untrusting, 2)
    assert untrusting.given_up(IP, HOST)


def test_one_line_a_minute_and_host_with_a_count(untrusting, clock):
    """
    A client that tries a hundred times a second does not fill the log, and nothing goes uncounted.
    """
    with capture_logs() as lines:
        for number in range(100):
            alert(untrusting, ip=f"192.0.2.{number % 7}")
        assert [line["count"] for line in lines] == [8]
        clock.now += LOG_SECONDS
        alert(untrusting)
    assert [line["count"] for line in lines] == [8, 93]
    assert lines[0]["host"] == HOST
    assert lines[0]["action"] == "tunnel"


def test_the_line_comes_when_a_client_is_given_up_and_says_what_is_done(clock):
    """
    Not before the second refusal; what does not count is said to be blocked.
    """
    untrusting = Untrusting(tunnel=lambda: True, clock=clock)
    with capture_logs() as lines:
        alert(untrusting)
        assert lines == []
        alert(untrusting)
        untrusting.accepted(IP, "api.anthropic.com")
        leave(untrusting, host="api.anthropic.com")
    assert [(line["event"], line["action"]) for line in lines] == [
        ("client refuses our certificate", "tunnel"),
        ("client left during the handshake", "block"),
    ]


def test_made_up_names_share_one_line(untrusting):
    """
    Below a provider's wildcard names are free: a flood of them is a line for each up to a bound, then one for all.
    """
    with capture_logs() as lines:
        for number in range(LOGGED_HOSTS + 50):
            alert(untrusting, 2, host=f"h{number}.openai.azure.com")
    assert len(lines) == LOGGED_HOSTS + 1
    assert lines[-1]["host"] == "(others)"


@pytest.mark.parametrize(
    ("error", "alerted"),
    [
        ("The client does not trust the proxy's certificate for a (OpenSSL Error([('SSL routines', '', 'tlsv1 alert unknown ca')]))", True),
        ("The client disconnected during the handshake. If this happens consistently for a, this may indicate that the client …", False),
        ("The client may not trust the proxy's certificate for a (OpenSSL Error([('SSL routines', '', 'no shared cipher')]))", None),
        ("Client and mitmproxy cannot agree on a TLS version to use. You may need to adjust mitmproxy's option.", None),
        ("connection closed early", None),
        (None, None),
    ],
)
def test_mitmproxys_sentences_are_told_apart(error, alerted):
    """
    Only an alert about the certificate, and leaving, say something about trust.
    """
    assert alert_in(error) is alerted


def test_hooks_read_address_and_name_of_the_connection(untrusting):
    """
    What the TLS layer reports is counted; without a name or an address there is nobody to count.
    """
    error = "The client does not trust the proxy's certificate for x"

    def data(sni=HOST, peername=(IP, 1), error=error):
        return SimpleNamespace(conn=SimpleNamespace(error=error, sni=sni, peername=peername))

    for odd in (data(sni=None), data(peername=None), data(error="garbage")):
        untrusting.tls_failed_client(odd)
        untrusting.tls_established_client(data(sni=None))
    untrusting.tls_failed_client(data())
    untrusting.tls_failed_client(data())
    assert untrusting.given_up(IP, HOST)
    untrusting.tls_established_client(data())
    assert not untrusting.given_up(IP, HOST)
    assert module.REFUSALS == 2
