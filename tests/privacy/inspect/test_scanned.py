"""
One channel, scanned while it comes.
"""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.privacy.detect.catalogue import RULES
from excise.privacy.detect.own import OwnDictionary, OwnPattern
from excise.privacy.detect.scanner import Scanner
from excise.privacy.inspect.cut import WINDOW
from excise.privacy.inspect.scanned import MOST_HELD, STEP
from excise.privacy.redact import masked
from privacy.inspect.made_up import CARD, KEY, MAIL, SECRETS, TOKEN, a_text, scanner, streamed

BEFORE = "Sure, here is what you asked for. "
AFTER = " and that is all there is to say about it today.\n"
PROSE = "The harbour was quiet in the morning, and nobody had seen the boat leave. We waited for an hour or so, then went home again. "


def expected(text: str, by: Scanner) -> str:
    parts, at = [], 0
    for one in by.scan(text):
        parts += [text[at : one.start], masked(one.entity, text[one.start : one.end])]
        at = one.end
    return "".join([*parts, text[at:]])


@pytest.mark.parametrize("size", [1, 7])
@pytest.mark.parametrize("rule", [rule for rule in RULES if getattr(rule, "hits", ())], ids=lambda rule: rule.name)
def test_whatever_a_detector_knows_is_masked_as_if_the_text_had_come_whole(rule, size: int) -> None:
    """
    Every sample of every detector, in the midst of prose, letter by letter: nothing of it leaves, and everything else does.
    """
    alone = Scanner([rule])
    for hit in rule.hits:
        sample = (hit if isinstance(hit, str) else hit[0]).replace("\x02", ": ").replace("\x03", "\n")
        if sample.lstrip()[:1] in ("{", "["):
            continue  # in the midst of prose this is not the JSON it is
        text = BEFORE + sample + AFTER
        assert "".join(streamed(a_text([rule]), text, size)[0]) == expected(text, alone)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 30, 100, 100_000])
@pytest.mark.parametrize("secret", [*SECRETS, KEY], ids=["token", "mail", "card", "key"])
def test_no_part_of_it_leaves_wherever_the_text_is_cut(secret: str, size: int) -> None:
    """
    Under all detectors together.
    """
    text = PROSE + "Take " + secret + " for it. " + PROSE
    left = "".join(streamed(a_text(), text, size)[0])

    assert left == expected(text, scanner())
    assert secret[:12] not in left
    assert left.startswith(PROSE + "Take ")
    assert left.endswith(" for it. " + PROSE)


@given(data=st.data(), seed=st.integers(0, 1 << 30))
@settings(max_examples=60, deadline=None)
def test_random_texts_and_cuts(data: st.DataObject, seed: int) -> None:
    """
    Prose, code, numbers and secrets in any order and cut anywhere: what comes out is what a scan of the whole would have left.
    """
    words = st.sampled_from(
        [PROSE, "x = 4;\n", "2024 ", "call at ", "password: ", "abandon ability able ", "  \n", "()[]{}", "\u4f60\u597d", "a", ":"]
    )
    parts = data.draw(st.lists(st.one_of(words, st.sampled_from(SECRETS).map(lambda secret: f" {secret} ")), max_size=12))
    text = "." + "".join(parts)
    rolls = random.Random(seed)
    scanned, left, at = a_text(), "", 0
    pieces = []
    while at < len(text):
        size = rolls.choice([1, 2, 3, 8, 24, 60])
        pieces.append(text[at : at + size])
        at += size
    for piece in [*pieces, None]:
        whole = scanned.held + (piece or "")
        change = scanned.feed(piece or "", final=piece is None)
        edits, kept = ([], len(whole)) if change is None else change
        done = 0
        for start, end, written in edits:
            left += whole[done:start] + written
            done = end
        left += whole[done:kept]
    assert left == expected(text, scanner())


def test_prose_leaves_a_few_words_behind_the_model() -> None:
    """
    Nothing is held but the step and the last words.
    """
    _, held = streamed(a_text(), PROSE * 20, 4)
    assert max(held) <= STEP + 60
    assert sum(held) / len(held) <= STEP


def test_code_and_numbers_leave_a_window_behind() -> None:
    """
    What could be a part of something waits for as long as anything could follow that decides it.
    """
    code = "".join(f"for (let i{n} = 0; i{n} < rows.length; i{n}++) {{ total[{n}] += rows[i{n}].cells; }}\n" for n in range(60))
    left, held = streamed(a_text(), code, 4)
    assert max(held) <= 2 * WINDOW
    assert "".join(left) == code


def test_context_that_has_left_still_counts() -> None:
    """
    What names a value may be long gone when the value comes; in a table it is the header.
    """
    named = "card number: " + "5555 5555 5555 4445"
    assert "5555 5555" not in "".join(streamed(a_text(), f"{PROSE}Your credit {named} is it. {PROSE}", 3)[0])
    rows = "".join(f"person {n},{310_000_000 + 7919 * n},open\n" for n in range(10, 80))
    left = "".join(streamed(a_text(), "\nname,ssn,state\n" + rows + "\n", 5)[0])
    whole = expected("\nname,ssn,state\n" + rows + "\n", scanner())
    assert whole.count("********") > 60
    assert left == whole


def test_a_key_is_held_to_its_last_line() -> None:
    """
    A block is one value, from its first line to its last; it leaves as asterisks.
    """
    left, held = streamed(a_text(), f"{PROSE}{KEY}\n{PROSE}", 10)
    assert "".join(left) == f"{PROSE}********\n{PROSE}"
    assert max(held) < len(KEY) + 2 * WINDOW


def test_a_match_longer_than_all_that_is_held_is_masked_in_parts() -> None:
    """
    Memory is bounded, and still no part of it leaves.
    """
    line = "MIIEpAIBAAKCAQEA0mB5k3Zq7y9wXvMIIEpAIBAAKCAQEA0mB5k3Zq7y9wXvAbcd\n"
    endless = "-----BEGIN RSA PRIVATE " + "KEY-----\n" + line * 1_500
    left, held = streamed(a_text(), f"{PROSE}{endless}That was it. {PROSE}", 1_000)
    assert max(held) <= MOST_HELD + 2_000
    assert "MIIEpAIBA" not in "".join(left)
    assert "".join(left).endswith(f"That was it. {PROSE}")


@pytest.mark.parametrize("size", [1, 3, 9, 1_000])
def test_arguments_stay_json(size: int) -> None:
    """
    Strings are masked inside their quotes, numbers become other numbers, escapes are undone to look and kept whole.
    """
    document = {
        "to": MAIL,
        "card": 4111111111111111,
        "note": f'say "{TOKEN}"\n to {CARD}',
        "deep": json.dumps({"key": TOKEN}),
        "n": [1, 2.5],
    }
    for text in (json.dumps(document), json.dumps(document).replace("@", "\\u0040"), json.dumps(document, indent=1)):
        got = json.loads("".join(streamed(a_text(certain=True), text, size)[0]))
        assert got["to"] == "********"
        assert got["card"] == 1000000000000000
        assert got["note"] == 'say "********"\n to ********1111'
        assert json.loads(got["deep"]) == {"key": "********"}
        assert got["n"] == [1, 2.5]


def test_what_is_the_operators_own_is_held_whatever_it_looks_like() -> None:
    """
    A name in a dictionary, and an expression, may be made of ordinary words.
    """
    dictionary = OwnDictionary("projects", "CUSTOM", ["blue harbour lights"], key=b"k" * 32)
    pattern = OwnPattern("codes", "CUSTOM", "red [a-z]+ boat")
    text = f"{PROSE}We call it blue harbour lights or the red little boat here. {PROSE}"
    for size in (1, 5):
        left, held = streamed(a_text([dictionary, pattern]), text, size)
        assert "".join(left) == text.replace("blue harbour lights", "********").replace("red little boat", "********")
        assert max(held) <= WINDOW + STEP + 200


def test_the_cost_is_linear() -> None:
    """
    Twice the text, twice the work: counted in characters given to the scanner.
    """
    work = []

    class Counting(Scanner):
        def scan(self, text):
            work[-1] += len(text)
            return super().scan(text)

    for text in (PROSE * 100, "a1b2" * 3_000, "x = 1;\n" * 1_500):
        sizes = []
        for times in (1, 2):
            work.append(0)
            scanned = a_text([])
            scanned._verdict._scanner = Counting([])
            streamed(scanned, text * times, 10)
            sizes.append(work[-1])
        assert sizes[1] < 2.5 * sizes[0]
        assert sizes[1] < 60 * 2 * len(text)
