"""
Things a model might make up, and what reads an answer that has them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from excise.privacy.detect.catalogue import RULES
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.scanner import Scanner
from excise.privacy.inspect import Inspector
from excise.privacy.inspect.scanned import Scanned
from excise.privacy.inspect.verdict import Verdict
from excise.privacy.profiles import Action, combined
from excise.privacy.protection import Protection
from excise.privacy.restore.live import Live
from excise.wire.frame import Frame, Framing
from privacy.restore.planting import PLACEHOLDERS

TOKEN = "gh" + "p_" + "k7Qz9Xv8M3tW1pH0dS2rJ4bY5fG6nL7c8V9x"
MAIL = "ann.bexley@corp-mail.com"
CARD = "4111 1111 1111 1111"
KEY = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + "MIIEpAIBAAKCAQEA0mB5k3Zq7y9wXvMIIEpAIBAAKCAQEA0mB5k3Zq7y9wXvAbcd\n" * 25
KEY += "k3Zq7y9w\n-----END RSA PRIVATE KEY-----"
SECRETS = (TOKEN, MAIL, CARD)


@cache
def scanner() -> Scanner:
    return Scanner(RULES, own=lambda text: any(True for _ in PLACEHOLDERS.find(text)))


def protection(answers: Action, rules: Sequence[Rule] | None = None, **changes: Action) -> Protection:
    one = Scanner(rules) if rules is not None else scanner()
    return Protection("made up", combined(["strict"], changes), lambda: one, answers=answers)


def inspected(
    frames: Sequence[Frame], framing: Framing, answers: Action = Action.MASK, live: Live | None = None, **changes: Action
) -> tuple[list[Frame], Inspector]:
    """
    What leaves, one frame at a time, and who let it.
    """
    inspector = Inspector(framing, protection(answers, **changes), live)
    out = [frame for one in frames for frame in inspector.feed([one])]
    return [*out, *inspector.close()], inspector


def streamed(scanned: Scanned, text: str, size: int) -> tuple[list[str], list[int]]:
    """
    What leaves of a text in pieces of a size, piece by piece, and how much was held after each.
    """
    left, held = [], []
    for at in [*range(0, len(text), size), None]:
        piece = "" if at is None else text[at : at + size]
        whole = scanned.held + piece
        change = scanned.feed(piece, final=at is None)
        parts, done = [], 0
        edits, kept = ([], len(whole)) if change is None else change
        for start, end, written in edits:
            parts += [whole[done:start], written]
            done = end
        left.append("".join([*parts, whole[done:kept]]))
        held.append(len(scanned.held))
    return left, held


def a_text(rules: Sequence[Rule] | None = None, *, certain: bool = False) -> Scanned:
    return Scanned(Verdict(protection(Action.MASK, rules), None), certain=certain)
