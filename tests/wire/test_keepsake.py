"""
A provider's proofs come home through a foreign client, and go nowhere else.
"""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.wire.keepsake import MARK, MARK_BYTES, unwrap, wrap

ORIGINS = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
PROOFS = st.text(min_size=1).filter(lambda text: not text.startswith(MARK))


@given(ORIGINS, PROOFS)
def test_a_proof_comes_back_with_its_origin(origin, proof):
    """
    Whatever it is.
    """
    wrapped = wrap(origin, proof)

    assert wrapped.startswith(MARK)
    assert wrapped.encode().startswith(MARK_BYTES)
    assert unwrap(wrapped) == (origin, proof)
    assert wrap("other", wrapped) == wrapped


@given(ORIGINS, PROOFS)
def test_clients_may_take_it_for_bytes(origin, proof):
    """
    And write it in the other alphabet, or without padding.
    """
    wrapped = wrap(origin, proof)
    again = base64.b64decode(wrapped)

    for written in (base64.b64encode(again), base64.urlsafe_b64encode(again), base64.urlsafe_b64encode(again).rstrip(b"=")):
        assert unwrap(written.decode()) == (origin, proof)


@given(PROOFS)
def test_a_proof_without_a_mark_is_native(proof):
    """
    And is not touched.
    """
    assert unwrap(proof) == (None, proof)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        MARK,
        MARK + "!",
        MARK + "A",
        MARK + "gICA",
        MARK + base64.b64encode(b"no point").decode(),
        MARK + base64.b64encode(b".x").decode(),
    ],
)
def test_what_only_looks_marked_is_left_alone(signature):
    """
    Cut, of no origin, of no content, no base64.
    """
    assert unwrap(signature) == (None, signature)


def test_nothing_is_nothing():
    """
    An empty proof gets no mark.
    """
    assert wrap("openai", "") == ""
