from __future__ import annotations

import datetime
import ipaddress
import pickle
import random
import re
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import Refused
from excise.privacy.entities import ENTITIES
from excise.privacy.placeholder import FORM, LENGTH, Placeholders
from excise.privacy.surrogate import Form, looks_like_surrogate, surrogate

MINE = Placeholders(b"one installation's key, 32 bytes")
OTHER = Placeholders(b"another installation's key, also")
CARD, PASSWORD, EMAIL, BIRTH = (ENTITIES[name] for name in ("CARD", "PASSWORD", "EMAIL", "BIRTH_DATE"))

_entities = st.sampled_from(list(ENTITIES.values()))
_values = st.text(min_size=1)


@given(_entities, _values)
def test_form(entity, value):
    """
    24 characters, the entity's code, capitals and digits: nothing that any format would escape.
    """
    made = MINE.make("scope", entity, value)

    assert len(made) == LENGTH
    assert re.fullmatch(rf"{entity.code}_[0-9A-HJKMNP-TV-Z]+", made)
    assert FORM.fullmatch(made)
    assert not re.search(r"[0-9]{4}", made)  # no card, no account, no telephone number
    assert MINE.is_own(made)


@given(_entities, _values, st.integers(0, 23), st.sampled_from("0Z9A"))
def test_a_damaged_one_is_recognised(entity, value, at, sign):
    """
    One wrong character, and it is not ours any more.
    """
    made = MINE.make("scope", entity, value)
    damaged = made[:at] + sign + made[at + 1 :]
    if damaged != made:
        assert not MINE.is_own(damaged)


def test_only_the_key_makes_them():
    """
    Another installation's are not ours, and invented ones pass once in some 20,000.
    """
    assert not MINE.is_own(OTHER.make("scope", EMAIL, "a@b.example"))
    rolls = random.Random(1)
    invented = ("EMAIL_" + "".join(rolls.choices("0123456789ABCDEFGHJKMNPQRSTVWXYZ", k=18)) for _ in range(20_000))
    assert sum(map(MINE.is_own, invented)) < 10


def test_deterministic_and_scoped():
    """
    The same everywhere and always; another in another scope, as another thing, under another key.
    """
    made = MINE.make("tenant", EMAIL, "a@b.example")

    assert made == Placeholders(b"one installation's key, 32 bytes").make("tenant", EMAIL, "a@b.example")
    assert (
        len(
            {
                made,
                MINE.make("x", EMAIL, "a@b.example"),
                MINE.make("tenant", CARD, "a@b.example"),
                OTHER.make("tenant", EMAIL, "a@b.example"),
            }
        )
        == 4
    )


@pytest.mark.parametrize("spelled", ["4111-1111-1111-1111", "4111 1111 1111 1111", "４１１１111111111111"])
def test_spellings_share_what_the_value_is(spelled):
    """
    Two spellings of a card have one beginning and each its own end, so that each comes back as it was.
    """
    plain, made = MINE.make("s", CARD, "4111111111111111"), MINE.make("s", CARD, spelled)

    assert plain[:-7] == made[:-7]
    assert plain != made


def test_secrets_are_case_sensitive():
    """
    `aB` and `Ab` are two passwords, and nothing may suggest otherwise.
    """
    assert MINE.make("s", PASSWORD, "aB-1")[:-7] != MINE.make("s", PASSWORD, "Ab-1")[:-7]
    assert MINE.make("s", EMAIL, "A@b.example")[:-7] == MINE.make("s", EMAIL, "a@b.example")[:-7]
    assert MINE.make("s", EMAIL, "a.b@c.example")[:-7] != MINE.make("s", EMAIL, "ab@c.example")[:-7]


def test_find():
    """
    Only our own are found, also when glued to what looks like the beginning of one.
    """
    own, foreign = MINE.make("s", EMAIL, "a"), OTHER.make("s", EMAIL, "a")
    text = f"{foreign} OWN{MINE.make('s', ENTITIES['API_KEY'], 'k')}x{own}{own}"

    assert [text[start:end] for start, end in MINE.find(text)] == [MINE.make("s", ENTITIES["API_KEY"], "k"), own, own]


def test_ten_thousand_do_not_collide():
    """
    60 bits: within one conversation no two values meet.
    """
    entity = ENTITIES["PASSPORT"]  # the longest code, so the shortest id
    assert len({MINE.make("s", entity, str(number)) for number in range(10_000)}) == 10_000


def test_the_key_is_kept():
    """
    No short keys; no key in a pickle or a repr.
    """
    with pytest.raises(ValueError, match="16 bytes"):
        Placeholders(b"short")
    with pytest.raises(TypeError):
        pickle.dumps(MINE)
    assert "key" not in repr(MINE)


@given(st.sampled_from([form for form in Form if form is not Form.NUMBER]), _values, st.integers(0, 3))
def test_surrogates(form, value, turn):
    """
    Of a range nobody owns, the same again for the same value, another at another turn.
    """
    made = surrogate(form, MINE, "s", EMAIL, value, turn=turn)

    assert looks_like_surrogate(made)
    assert made == surrogate(form, MINE, "s", EMAIL, value, turn=turn)
    assert made != surrogate(form, OTHER, "s", EMAIL, value, turn=turn)
    assert made.isascii()


def test_surrogates_are_valid():
    """
    What a schema checks, the parsers of the standard library take.
    """

    def made(form: Form) -> str:
        return surrogate(form, MINE, "s", EMAIL, "v")

    assert uuid.UUID(made(Form.UUID)).version == 8
    assert uuid.UUID(made(Form.UUID)).variant == uuid.RFC_4122
    assert ipaddress.ip_address(made(Form.IPV4)) in ipaddress.ip_network("198.18.0.0/15")
    assert ipaddress.ip_address(made(Form.IPV6)) in ipaddress.ip_network("2001:db8::/32")
    assert datetime.date.fromisoformat(made(Form.DATE)).year >= 9000
    assert (urlsplit(made(Form.URI)).hostname or "").endswith(".invalid")
    assert made(Form.EMAIL).endswith("@redacted.invalid")


@given(st.integers(100_000, 10**18), st.booleans())
def test_numbers(number, negative):
    """
    As many digits, 99 in front, no card number.
    """
    value = f"{'-' if negative else ''}{number}"
    made = surrogate(Form.NUMBER, MINE, "s", CARD, value)
    digits = [int(sign) for sign in reversed(made.lstrip("-"))]

    assert len(made) == len(value)
    assert made.lstrip("-").startswith("99")
    assert made != value
    assert sum(sum(divmod(digit * 2, 10)) if at % 2 else digit for at, digit in enumerate(digits)) % 10


def test_numbers_with_a_point():
    """
    Places stay where they are.
    """
    assert re.fullmatch(r"-99\.\d{5}[1-9]", surrogate(Form.NUMBER, MINE, "s", CARD, "-52.520008"))


@pytest.mark.parametrize("value", ["12345", "1e9", "4111 1111", "", "x"])
def test_numbers_too_short_to_be_told_apart(value):
    """
    A short number stands in every text: nothing safe can stand for it.
    """
    with pytest.raises(Refused):
        surrogate(Form.NUMBER, MINE, "s", CARD, value)


def test_no_confusion_with_code():
    """
    Names in our own source are not taken for placeholders.
    """
    source = "\n".join(path.read_text(encoding="utf-8") for path in (Path(__file__).parents[2] / "addons").rglob("*.py"))
    assert list(MINE.find(source)) == []
