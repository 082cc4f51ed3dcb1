"""
Odd forms on the wire. Whatever a client sends, in whatever pieces: what reaches the provider was read, governed and entered in the ledger,
and nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

import pytest

from e2e.forms import FORMS, HOST, Form, chat, in_tunnel
from e2e.proxy import Proxy, running_proxy
from e2e.ways import Way
from excise.standin import Recorded, Seen, StandIn

DEADLINE_SECONDS = 20.0  # ten for a whole request head, and a busy machine
ORDINARY = 20
MUST_NOT_PASS = (
    "provider_over_plain_http",
    "plain_call_in_the_tunnel",
    "another_host_in_the_request",
    "absolute_target_of_another_host",
    "another_name_in_the_handshake",
    "provider_by_address",
    "trailers",
    "unannounced_trailers",
    "two_lengths",
    "length_and_chunked",
    "folded_header",
    "zero_byte_in_a_header",
    "bare_return_in_a_header",
    "upgrade_answered_with_101",
    "websocket",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    What the client saw: everything it read until the end, or that there was none within the deadline.
    """

    read: bytes
    hung: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Played:
    """
    All forms played at once: what each client saw, what ordinary clients beside them got, what reached the provider, whom the ledger knows.
    """

    outcomes: dict[str, Outcome]
    ordinary: list[bytes]
    seen: list[Seen]
    rows: set[str]
    malformed: int  # connections of the provider that did not speak HTTP


@pytest.fixture(scope="module")
def played(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """
    Every form through one proxy.
    """
    own_standin.replay("switch", Recorded(101, (("upgrade", "other"), ("connection", "upgrade")), b""))
    before, malformed = len(own_standin.seen), own_standin.traffic.malformed
    with running_proxy(tmp_path_factory.mktemp("forms"), own_standin) as proxy:
        outcomes, ordinary = asyncio.run(play(Way(own_standin, proxy)))
        seen = own_standin.seen[before:]
        rows = known(proxy, {str(call.request.header("user-agent")) for call in seen})
    return Played(outcomes, ordinary, seen, rows, own_standin.traffic.malformed - malformed)


def known(proxy: Proxy, wanted: set[str]) -> set[str]:
    """
    The user agents in the ledger, once those wanted are there or have had time to be.
    """
    deadline = time.monotonic() + 5
    while True:
        found = {str(row["user_agent"]) for row in proxy.query("select user_agent from calls")}
        if wanted <= found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


async def play(way: Way) -> tuple[dict[str, Outcome], list[bytes]]:
    """
    All forms at once, each within the deadline; ordinary calls beside them, the last one when all others are done.
    """

    async def one(send: Form) -> Outcome:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                read, hung = await send(way), False
        except TimeoutError:
            read, hung = b"", True
        except (OSError, EOFError):
            read, hung = b"", False
        return Outcome(read, hung, time.monotonic() - begun)

    async def calls() -> list[bytes]:
        return [await in_tunnel(way, chat("ordinary")) for _ in range(ORDINARY - 1)]

    beside = asyncio.create_task(calls())
    outcomes = await asyncio.gather(*(one(send) for send in FORMS.values()))
    ordinary = await beside
    ordinary.append(await in_tunnel(way, chat("ordinary")))
    return dict(zip(FORMS, outcomes, strict=True)), ordinary


@pytest.mark.parametrize("name", FORMS)
def test_no_client_waits_for_ever(name: str, played: Played) -> None:
    """
    Whatever it sent, the client has an answer or a closed connection within the deadline.
    """
    outcome = played.outcomes[name]

    assert not outcome.hung, f"{outcome.seconds:.1f} s"


@pytest.mark.parametrize("name", FORMS)
def test_what_reaches_the_provider_is_in_the_ledger(name: str, played: Played) -> None:
    """
    A form is refused, or it is read as the call it is: what the provider saw has a row.
    """
    reached = [call for call in played.seen if call.request.header("user-agent") == name]

    assert not reached or name in played.rows
    assert len(reached) <= 1


def test_nothing_else_reaches_the_provider(played: Played) -> None:
    """
    The provider never saw a byte that was not part of a well-formed, marked request.
    """
    assert played.malformed == 0
    assert {str(call.request.header("user-agent")) for call in played.seen} <= {*FORMS, "ordinary"}
    assert all(call.complete for call in played.seen)
    assert not [call for call in played.seen if call.request.host != HOST or call.server_name != HOST]


@pytest.mark.parametrize("name", MUST_NOT_PASS)
def test_another_name_than_the_connected_one_is_refused(name: str, played: Played) -> None:
    """
    Where CONNECT, SNI, Host, target and address do not agree, or TLS is missing, nothing of the call reaches any provider.
    """
    assert not [call for call in played.seen if call.request.header("user-agent") == name]


def test_ordinary_calls_in_odd_pieces_are_served(played: Played) -> None:
    """
    A first record of one byte is no reason to refuse a call.
    """
    assert b'"usage"' in played.outcomes["first_record_of_one_byte_in_tls"].read


def test_ordinary_calls_meanwhile_are_served(played: Played) -> None:
    """
    Odd clients leave the proxy as it was: ordinary calls beside them and after them are answered.
    """
    assert len(played.ordinary) == ORDINARY
    assert all(b'"usage"' in answer for answer in played.ordinary)
