"""
Several attempts at one call, as events in and commands out: nothing that comes between, in whatever order, may cost the client its answer,
give it two, or leave something behind.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
from mitmproxy.proxy import commands
from scene import LIMITS, OURS, PING, TAIL, Said, Scene
from transcript import Play, at_random, interleavings, play

from excise.proxy import http_stream
from excise.proxy.attempts import AskConnection

WELL = Said()
WHOLE = Said(stream=False)  # a buffered answer
BUSY = Said(status=503, pieces=(b"#no;",), stream=False)
REFUSED = Said(connect="connect_failed: refused")
NEVER = Said(connect=None)
MUTE = Said(head=False)
STALLED = Said(pieces=(b"#lead;",), then="hang")
STALLED_LATE = Said(pieces=(b"#lead;", b"#text;"), then="hang")
CUT = Said(pieces=(b"#lead;",), then="close")
CUT_LATE = Said(pieces=(b"#lead;", b"#text;"), then="close")
EMPTY = Said(pieces=(b"#lead;",))
BAD = Said(pieces=(b"#bad;", b"#rest;"))
MOVED = Said(status=302, pieces=(b"#moved;",))

HEDGED = replace(LIMITS, hedge_seconds=0.3)
AT_ONCE = replace(LIMITS, hedge_seconds=0.0)

# What the client gets when all goes its usual way: the status, and the body.
SECOND = (200, b"2lead;2text;2more;")
FIRST = (200, b"1lead;1text;1more;")
FAILED = (502, OURS)
SCENES: dict[str, tuple[Scene, tuple[int, bytes]]] = {
    "busy": (Scene((BUSY, WELL)), SECOND),
    "busy, and closes": (Scene((replace(BUSY, closes=True), WELL)), SECOND),
    "busy twice, then whole": (Scene((BUSY, BUSY, WHOLE)), (200, b"3lead;3text;3more;")),
    "refused": (Scene((REFUSED, WELL)), SECOND),
    "connects never": (Scene((NEVER, WELL)), SECOND),
    "mute": (Scene((MUTE, WELL)), SECOND),
    "mute for longer than a clock is set": (Scene((MUTE, WELL), limits=replace(LIMITS, first_byte_seconds=2.5)), SECOND),
    "stalled": (Scene((STALLED, WELL)), SECOND),
    "stalled after content": (Scene((STALLED_LATE, WELL)), (200, b"1lead;1text;")),
    "cut": (Scene((CUT, WELL)), SECOND),
    "cut after content": (Scene((CUT_LATE, WELL)), (200, b"1lead;1text;")),
    "error in a stream": (Scene((BAD, WELL)), SECOND),
    "redirect": (Scene((MOVED, WELL)), SECOND),
    "empty": (Scene((EMPTY, WELL)), SECOND),
    "empty, its head held": (Scene((EMPTY, WELL), holds=True), SECOND),
    "wait": (Scene((BUSY, WELL), wait=2.5), SECOND),
    "wait while it goes on": (Scene((BAD, WELL), wait=2.5), SECOND),
    "wait, and then nobody": (Scene((replace(BAD, then="hang"), WELL), wait=2.5, given=1), (200, b"1bad;1rest;")),
    "same place": (Scene((BUSY, WELL), one_host=True), SECOND),
    "nobody after an answer": (Scene((BUSY, WELL), given=1), (503, b"1no;")),
    "nobody after an error in a stream": (Scene((BAD, WELL), given=1), (200, b"1bad;1rest;")),
    "nobody after a cut": (Scene((CUT, WELL), given=1), FAILED),
    "nobody after a refused connection": (Scene((REFUSED, WELL), given=1), FAILED),
    "all fail": (Scene((CUT, MUTE, REFUSED)), FAILED),
    "too long altogether": (Scene((STALLED, STALLED, STALLED, WELL), limits=replace(LIMITS, total_seconds=1.5)), FAILED),
    "unsealed": (Scene((BUSY, WELL), unsealed=frozenset({2})), (500, OURS)),
    "rival wins": (Scene((MUTE, WELL), limits=HEDGED), SECOND),
    "rival wins over a connection": (Scene((NEVER, WELL), limits=HEDGED), SECOND),
    "rival at the same place": (Scene((MUTE, WELL), limits=HEDGED, one_host=True), SECOND),
    "rival connects late": (Scene((MUTE, NEVER), limits=HEDGED), FAILED),
    "both at once": (Scene((WELL, WELL), limits=AT_ONCE), FIRST),
    "both at once at the same place": (Scene((WELL, WELL), limits=AT_ONCE, one_host=True), FIRST),
    "both whole at once": (Scene((WHOLE, WHOLE), limits=AT_ONCE), FIRST),
    "both fail": (Scene((MUTE, BUSY), limits=HEDGED), FAILED),
    "both fail, then another": (Scene((MUTE, CUT, WELL), limits=HEDGED), (200, b"3lead;3text;3more;")),
    "unsealed rival": (Scene((MUTE, WELL), limits=HEDGED, unsealed=frozenset({2})), (500, OURS)),
    "sign of life, then another": (Scene((STALLED, WELL), pings=True), SECOND),
    "sign of life, then busy": (Scene((STALLED, BUSY), pings=True), (200, b"")),
    "sign of life, then busy, and nobody": (Scene((STALLED, BUSY, WELL), pings=True, given=2), (200, b"")),
    "sign of life, then a redirect": (Scene((STALLED, MOVED), pings=True), (200, b"")),
    "sign of life, then unsealed": (Scene((STALLED, WELL), pings=True, unsealed=frozenset({2})), (200, b"")),
    "sign of life, then nobody": (Scene((STALLED, WELL), pings=True, given=1), (200, b"")),
    "sign of life, then a rival": (Scene((MUTE, WELL), limits=HEDGED, pings=True), SECOND),
    "sign of life after content": (Scene((STALLED_LATE, WELL), pings=True), (200, b"1lead;1text;")),
    "sign of life, its head held": (Scene((STALLED, WELL), pings=True, holds=True), SECOND),
    "another call": (Scene((BUSY, WELL), calls=2), SECOND),
    "another call on kept connections": (Scene((WELL, WELL), calls=2, one_host=True), FIRST),
    "another call after a rival": (Scene((MUTE, WELL), limits=HEDGED, calls=2, one_host=True), SECOND),
}


@pytest.fixture(autouse=True)
def signs_of_life(monkeypatch):
    monkeypatch.setattr(http_stream, "PING_SECONDS", 0.4)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("name", SCENES)
def test_the_usual_way(name: str, at_once: bool):
    """
    Each call ends as it should when nothing comes between: with the answer of one attempt, whole or visibly cut, or an error of ours.
    """
    scene, (status, body) = SCENES[name]
    at, _ = play(scene, lambda step, moves: 0, at_once=at_once)

    for got in at.answers():
        assert (got.status, got.body.replace(PING, b"").removesuffix(TAIL)) == (status, body)
    assert len(at.answers()) == scene.calls


@pytest.mark.parametrize("name", SCENES)
def test_anything_may_come_between(name: str):
    """
    At each step of each call, hooks paused or not, every other event that is possible comes instead of the usual one: `Play.check` holds.
    """
    scene, _ = SCENES[name]
    plays = sum(interleavings(scene, 1, at_once=at_once, lazy=lazy) for at_once, lazy in ((True, False), (False, False), (False, True)))

    assert plays > 20


def test_anything_may_come_at_any_time():
    """
    The same for orders in which little is as usual.
    """
    dice = Random(12)
    plays = [at_random(scene, dice, at_once=at_once) for scene, _ in SCENES.values() for at_once in (True, False, False) * 6]

    assert {how for at in plays for _, how in at.ends} == {"response", "error"}
    assert {got.whole for at in plays for got in at.answers()} == {True, False}


# -- one transcript each: what the interleavings found, as it happened ------------------------------------------------------------------

ASKED = ("hook HttpRequestHeaders", "hook HttpRequest")
ANSWERS = ("piece 0", "hook HttpResponseHeaders", "piece 0")


def ends(at: Play) -> list[list[str]]:
    return [leg.ends for leg in at.legs.values()]


def test_what_a_rival_says_after_the_last_hook_is_nobodys():
    """
    The winner's end and the rival's head come while hooks are waited for; the rival's is handed on when the call is over already.
    """
    at = Play(Scene((WHOLE, WHOLE), limits=HEDGED), at_once=False)
    at.act(*ASKED, "open 0", "clock", "hook NextAttempt", "open 1", *ANSWERS)
    at.act("piece 0", "piece 0")  # whole: the rival is given up
    at.act("piece 1", "hook NextAttempt", "hook HttpResponse")
    at.finish()

    assert ends(at) == [["response"], ["given up"]]


def test_a_client_that_leaves_between_two_attempts_ends_the_second():
    """
    The first is over by then; nothing of the second leaves.
    """
    at = Play(Scene((REFUSED, WELL)), at_once=False)
    at.act(*ASKED, "open 0 connect_failed: refused", "client lost", "hook NextAttempt")
    at.finish()

    assert ends(at) == [["failed"], ["error"]]
    assert len(at.lines) == 1


def test_a_client_that_leaves_while_a_rival_is_made_ends_both_once():
    """
    The rival is given up before it begins, and the call ends as the first attempt.
    """
    at = Play(Scene((MUTE, WELL), limits=HEDGED), at_once=False)
    at.act(*ASKED, "open 0", "clock", "client lost", "hook NextAttempt")
    at.finish()

    assert ends(at) == [["error"], ["given up"]]
    assert len(at.lines) == 1


def test_signs_of_life_end_with_the_client():
    """
    A client that leaves in the middle of an answer gets no more of them, and no clock goes on for it.
    """
    at = Play(Scene((STALLED_LATE, WELL), pings=True), at_once=True)
    at.act("open 0", *["piece 0"] * 3, "client half")
    got = bytes(at.client_got)
    at.finish()

    assert bytes(at.client_got) == got


def test_what_is_not_approved_gets_no_second_head():
    """
    A sign of life has sent the head; the next attempt turns out not to be sealed: the answer is cut.
    """
    at = Play(Scene((STALLED, WELL), pings=True, unsealed=frozenset({2})), at_once=True)
    at.finish()

    (got,) = at.answers()
    assert (got.status, got.whole, got.body.replace(PING, b"")) == (200, False, TAIL)
    assert ends(at) == [["failed"], ["error"]]


def test_a_rival_that_is_not_approved_ends_the_call():
    """
    It does not leave; the attempt beside it is given up, and the call has one end.
    """
    at = Play(Scene((MUTE, WELL), limits=HEDGED, unsealed=frozenset({2})), at_once=True)
    at.finish()

    assert ends(at) == [["given up"], ["response"]]
    assert len(at.lines) == 1


def test_a_failed_answer_that_goes_out_after_all_is_timed():
    """
    It stops in the middle, and its clock had rung while somebody else was waited for.
    """
    at = Play(Scene((replace(BAD, then="hang"), WELL), wait=2.5, given=1), at_once=True)
    at.finish()

    (got,) = at.answers()
    assert (got.body, got.whole) == (b"1bad;1rest;" + TAIL, False)


def test_a_redirect_never_goes_on_under_another_head():
    """
    What it says is a document, and no event of the stream that a sign of life has begun.
    """
    at = Play(Scene((STALLED, MOVED), pings=True), at_once=True)
    at.finish()

    (got,) = at.answers()
    assert got.body.replace(PING, b"") == TAIL


def test_a_connection_that_is_gone_again_is_not_written_to():
    """
    It came up and was closed while a hook was waited for: that attempt has failed, and is not left to its clock.
    """
    at = Play(Scene((WELL, WELL), limits=HEDGED, given=1), at_once=False)
    at.act(*ASKED, "clock", "open 0", "drop 0", "hook NextAttempt", "hook NextAttempt")
    began = at.now
    at.act("hook HttpError")

    assert (at.answers()[0].body, at.now) == (OURS, began)


def test_nobody_else_is_asked_once_the_first_begins_to_answer():
    """
    `hedge_seconds` is until the head of the answer, be its content long in coming.
    """
    at = Play(Scene((replace(STALLED, then="hang"), WELL), limits=replace(HEDGED, idle_seconds=20)), at_once=True)
    at.act("open 0", "piece 0", "clock")

    assert at.now >= 1000.3
    assert len(at.lines) == 1


@pytest.mark.parametrize("one_host", [True, False])
def test_a_rival_gets_a_connection_of_its_own(one_host: bool):
    """
    The first one's comes up while the rival is made: it is not given away a second time.
    """
    at = Play(Scene((WELL, WELL), limits=HEDGED, one_host=one_host), at_once=False)
    at.act(*ASKED, "clock", "open 0", "hook NextAttempt", "open 1")

    assert [len(line.legs) for line in at.lines] == [1, 1]
    at.finish()


def test_a_connection_in_use_is_not_given_to_another():
    """
    Nor one without TLS, where the layer has the connection's opener in its books and no end of HTTP.
    """
    at = Play(Scene((MUTE,), one_host=True), at_once=True)
    at.act("open 0")
    ask = AskConnection(("one.test", 80), False, None, "tcp")
    at.layer.command_sources[ask] = next(iter(at.layer.streams.values()))
    given = list(at.layer.get_connection(ask))

    assert [type(command) for command in given] == [commands.OpenConnection]
