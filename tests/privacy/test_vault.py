from __future__ import annotations

import pickle
import time
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import Refused, Unavailable
from excise.privacy import known_values
from excise.privacy.detect.detector import ELEMENT_END, KEY_END
from excise.privacy.detect.scanner import Scanner
from excise.privacy.entities import ENTITIES
from excise.privacy.known_values import KnownValues
from excise.privacy.placeholder import Placeholders
from excise.privacy.restore import restore_text
from excise.privacy.surrogate import Form
from excise.privacy.vault import Limits, Vault, Vaults

KEY = b"one installation's key, 32 bytes"
EMAIL, CARD, PERSON, PASSWORD, IP = (ENTITIES[name] for name in ("EMAIL", "CARD", "PERSON", "PASSWORD", "IP_ADDRESS"))


def _vault(**limits: float) -> Vault:
    return Vault(Placeholders(KEY), "scope", Limits(**limits))  # type: ignore[arg-type]


def _redacted(vault: Vault, text: str, now: float = 0.0) -> str:
    """
    `text` with every known value replaced, as the next turn's request is.
    """
    for found in reversed(Scanner([vault.known(now)]).scan(text)):
        text = text[: found.start] + vault.put(ENTITIES[found.entity], text[found.start : found.end], now=now) + text[found.end :]
    return text


def _found(vault: Vault, text: str) -> list[str]:
    return [text[found.start : found.end] for found in Scanner([vault.known(0)]).scan(text)]


def test_a_value_has_one_placeholder():
    """
    The first type wins, and stays.
    """
    vault = _vault()
    token = vault.put(PERSON, "Ann Bexley", now=0)

    assert token.startswith("PERSON_")
    assert vault.put(CARD, "Ann Bexley", now=1) == token
    assert vault.tokens == {token: "Ann Bexley"}
    assert [found.entity for found in Scanner([vault.known(1)]).scan("by Ann Bexley.")] == ["PERSON"]


def test_the_order_does_not_matter():
    """
    Two processes that see the same values in another order make the same placeholders.
    """
    values = [f"user{number}@corp.example" for number in range(200)]
    one, other = _vault(), _vault()
    for value in values:
        one.put(EMAIL, value, now=0)
    for value in reversed(values):
        other.put(EMAIL, value, now=0)

    assert one.tokens == other.tokens


@given(
    st.lists(
        st.sampled_from(["Ann Bexley", "ann@corp.example", "4111 1111 1111 1111", "王小明", 'p"w\\d 1', " ", ", ", "x: ", "\n"]),
        max_size=20,
    )
)
def test_redacting_what_was_restored_gives_the_same_bytes(parts):
    """
    redact(restore(x)) == x: the client sends restored text again with the next turn.
    """
    vault = _vault()
    for entity, value in (
        (PERSON, "Ann Bexley"),
        (EMAIL, "ann@corp.example"),
        (CARD, "4111 1111 1111 1111"),
        (PERSON, "王小明"),
        (PASSWORD, 'p"w\\d 1'),
    ):
        vault.put(entity, value, now=0)
    text = " ".join(parts)
    redacted = _redacted(vault, text)

    assert restore_text(redacted, vault.tokens) == text
    assert _redacted(vault, restore_text(redacted, vault.live)) == redacted


@pytest.mark.parametrize(
    ("value", "text", "found"),
    [
        ("Ann", "Ann, Annex, Joann, Ann's, _Ann_ ann", 3),
        ("4111111111", "4111111111 x4111111111 14111111111 41111111110 card:4111111111.", 2),
        ("Alexander", "Alexanders Alexander", 2),
        ("王小明", "因为王小明在这里", 1),
        ("김철수", "김철수는", 1),
        ("a@b.example", f"mail{KEY_END}a@b.example{ELEMENT_END}a@b.example", 2),
        ("é\ud83d", "x é\ud83d y", 1),
        ("Zoë", "Zoë Zoëy", 1),
    ],
)
def test_known_values_have_bounds(value, text, found):
    """
    Not inside a longer number, nor a short name inside a longer word; scripts without spaces have no such bounds.
    """
    vault = _vault()
    vault.put(PERSON, value, now=0)
    assert _found(vault, text) == [value] * found


def test_the_longer_of_two_values_is_taken():
    """
    One inside the other, or two that overlap: one span that covers both.
    """
    vault = _vault()
    for value in ("Ann", "Ann Bexley", "Bexley Street 4"):
        vault.put(PERSON, value, now=0)
    assert _found(vault, "Ann Bexley Street 4, Ann Bexley, Ann") == ["Ann Bexley Street 4", "Ann Bexley", "Ann"]


def test_the_rule_is_made_once_per_generation():
    """
    Nothing new, nothing made anew; something new is found at once.
    """
    vault = _vault()
    vault.put(EMAIL, "a@b.example", now=0)
    rule, live = vault.known(0), vault.live
    vault.put(EMAIL, "a@b.example", now=1)
    assert vault.known(1) is rule
    assert vault.live is live
    vault.put(EMAIL, "c@d.example", now=1)
    assert _found(vault, "a@b.example c@d.example") == ["a@b.example", "c@d.example"]
    assert restore_text(" ".join(vault.tokens), vault.live) == "a@b.example c@d.example"


def _occurrences(values: list[str], text: str) -> list[tuple[int, int]]:
    """
    The slow way: every value at every place, those that overlap joined.
    """
    spans: list[tuple[int, int]] = []
    for start in range(len(text)):
        ends = [start + len(value) for value in values if text.startswith(value, start)]
        whole = [end for end in ends if known_values._stands_alone(text, start, end, end - start < 8)]
        if not whole:
            continue
        if spans and start < spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], *whole))
        else:
            spans.append((start, max(whole)))
    return spans


_PARTS = st.sampled_from(["a", "b1", "ab", "1", "-", " ", "aB1xaB1x", "é", "王", ELEMENT_END])


@given(st.lists(st.lists(_PARTS, min_size=1, max_size=12).map("".join), max_size=8), st.lists(_PARTS, max_size=40).map("".join))
def test_overlapping_values_are_all_covered(values, text):
    """
    What is found is the union of all values that stand somewhere, however they were added; where it costs too much, more than that, but
    nothing across the bounds of strings.
    """
    values = [value for value in values if ELEMENT_END not in value]
    rule = KnownValues({})
    for value in values:
        rule = KnownValues({value: "PERSON"}, before=rule)
    wanted = _occurrences(values, text)
    assert [found[:2] for found in rule.find(text, ())] == wanted

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(known_values, "_UNITS", 3)
        patch.setattr(known_values, "_UNITS_PER_SIGN", 0)
        covered = [found[:2] for found in rule.find(text, ())]
    assert all(any(first <= start and end <= last for first, last in covered) for start, end in wanted)
    assert all(one[1] <= other[0] for one, other in pairwise(covered))
    assert not any(ELEMENT_END in text[start:end] for start, end in covered)


@pytest.mark.parametrize("unit", ["aB1x", "a"])
def test_values_of_one_repetition_cost_no_more(unit):
    """
    Values inside each other many times over, in a text that is made of the same.
    """
    rule = KnownValues({unit * times: "PASSWORD" for times in range(3, 1000)})
    text = unit * (200_000 // len(unit))
    begun = time.thread_time()
    spans = list(rule.find(text, ()))
    assert time.thread_time() - begun < 5  # minutes, if every match were looked at
    assert [span[:2] for span in spans] == [(0, len(text))]


def test_one_value_more_in_a_full_vault():
    """
    What was made ready is not made anew.
    """
    vault = _vault()
    for number in range(5000):
        vault.put(PASSWORD, f"{number:05d}-{'x' * 100}", now=0)
    many = vault.known(0)._many
    vault.put(PASSWORD, "one more of them", now=0)
    assert vault.known(0)._many is many
    assert _found(vault, f"one more of them, 04999-{'x' * 100}") == ["one more of them", f"04999-{'x' * 100}"]


def test_a_value_that_comes_while_the_rule_is_made(monkeypatch):
    """
    Is in the next one: the generation of the first is an older one.
    """
    vault = _vault()
    vault.put(EMAIL, "a@b.example", now=0)

    def meanwhile(values, **more):
        if "c@d.example" not in vault:
            vault.put(EMAIL, "c@d.example", now=0)
        return KnownValues(values, **more)

    monkeypatch.setattr("excise.privacy.vault.KnownValues", meanwhile)
    assert vault.known(0).generation == vault.generation - 1
    assert vault.known(0).generation == vault.generation
    assert _found(vault, "c@d.example") == ["c@d.example"]


def test_the_tokens_of_one_request():
    """
    No other value can be asked for by its answer.
    """
    vault = _vault()
    one, other = (vault.put(EMAIL, f"{name}@b.example", now=0) for name in "ac")
    live = vault.tokens_in([one, "EMAIL_AAAAAAAAAAAAAAAAAA", "x"])
    assert restore_text(f"{one} {other}", live) == f"a@b.example {other}"
    assert not vault.tokens_in([])


def test_demanded_forms():
    """
    A value may have a placeholder and a surrogate of each form; all of them come back.
    """
    vault = _vault()
    tokens = [vault.put(EMAIL, "ann@corp.example", now=0, form=form) for form in (None, Form.EMAIL, Form.UUID)]
    assert len(set(tokens)) == 3
    assert restore_text(" ".join(tokens), vault.tokens) == "ann@corp.example ann@corp.example ann@corp.example"
    number = vault.put(CARD, "4111111111111111", now=0, form=Form.NUMBER)
    assert len(number) == 16
    with pytest.raises(Refused):
        vault.put(CARD, "123", now=0, form=Form.NUMBER)


def test_surrogates_that_meet_step_aside():
    """
    Small ranges: every value keeps a surrogate of its own.
    """
    vault = _vault(entries=100_000)
    values = [f"10.0.{number // 256}.{number % 256}" for number in range(3000)]
    tokens = {vault.put(IP, value, now=0, form=Form.IPV4) for value in values}
    assert len(tokens) == 3000
    assert {vault.tokens[token] for token in tokens} == set(values)


@pytest.mark.parametrize("limits", [{"entries": 3}, {"bytes": 3 * 700}])
def test_a_full_vault_refuses(limits):
    """
    Nothing that a running conversation needs is forgotten to make room; what nobody used for the TTL is.
    """
    vault = _vault(**limits, ttl_seconds=10)
    tokens = [vault.put(EMAIL, f"{name}@b.example", now=now) for now, name in enumerate("abc")]
    with pytest.raises(Unavailable) as refusal:
        vault.put(EMAIL, "secret@b.example", now=5)
    assert refusal.value.kind == "vault_full"
    assert "secret" not in str(refusal.value)
    assert list(vault.tokens) == tokens

    vault.put(EMAIL, "a@b.example", now=9)
    new = vault.put(EMAIL, "d@b.example", now=11.5)
    assert set(vault.tokens) == {tokens[0], tokens[2], new}
    assert _found(vault, "a@b.example b@b.example d@b.example") == ["a@b.example", "d@b.example"]


def test_the_ttl_counts_from_the_last_use():
    """
    A value that is replaced again in every turn stays.
    """
    vault = _vault(ttl_seconds=10)
    vault.put(EMAIL, "a@b.example", now=0)
    for now in (6.0, 12.0, 18.0):
        assert _redacted(vault, "to a@b.example", now) != "to a@b.example"
    assert _redacted(vault, "to a@b.example", 28.5) == "to a@b.example"
    assert len(vault) == vault.bytes == 0


def test_wiped():
    """
    Nothing is left, and nothing is found.
    """
    vault = _vault()
    vault.put(EMAIL, "a@b.example", now=0)
    tokens = vault.tokens
    vault.wipe()
    assert (len(vault), vault.bytes, dict(tokens), _found(vault, "a@b.example")) == (0, 0, {}, [])


def test_no_value_gets_out():
    """
    No repr, no pickle holds a value.
    """
    vaults = Vaults(KEY)
    vault = vaults.of("scope", 0)
    vault.put(EMAIL, "a@b.example", now=0)
    for holder in (vault, vaults, vault.known(0), vault.live):
        assert "b.example" not in repr(holder)
        with pytest.raises(TypeError):
            pickle.dumps(holder)
    assert not any("b.example" in repr(entry) for entry in vault._by_token.values())


def test_scopes():
    """
    Each its own; the least recently used goes when there are too many, each when it is not asked for.
    """
    vaults = Vaults(KEY, Limits(scopes=2, ttl_seconds=10))
    one, two = vaults.of("one", 0), vaults.of("two", 1)
    assert vaults.of("one", 2) is one
    assert one.put(EMAIL, "a@b.example", now=2) != two.put(EMAIL, "a@b.example", now=2)
    vaults.of("three", 3)
    assert len(vaults) == 2
    assert vaults.of("two", 4) is not two
    assert len(two) == 1  # a running call keeps what it has
    assert vaults.of("two", 30) is not two
    assert len(vaults) == 1
    vaults.wipe()
    assert len(vaults) == 0


def test_bytes_of_all_scopes():
    """
    The bound on everything holds when a scope is asked for.
    """
    vaults = Vaults(KEY, Limits(total_bytes=5000))
    for number in range(20):
        vaults.of(f"scope {number}", number).put(PASSWORD, "x" * 1000, now=number)
    assert len(vaults) <= 4
    last = vaults.of("scope 19", 20)
    vaults.wipe("scope 19")
    assert len(last) == 0
