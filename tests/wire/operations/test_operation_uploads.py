"""
The model in a form upload: spliced, and nothing else.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.errors import BadRequest, WireError
from excise.wire.multipart import form_fields, with_field

KIND = 'multipart/form-data; boundary="b-1"'
SOUND = bytes(range(256)) + b"\r\n--b-2\r\n"
FORM = (
    b'--b-1\r\nContent-Disposition: form-data; name="model"\r\n\r\nwhisper-1\r\n'
    b'--b-1\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    + SOUND
    + b"\r\n--b-1--\r\n"
)


def test_the_model_is_replaced_and_no_other_byte() -> None:
    """
    The sound is not touched, whatever bytes it holds.
    """
    assert with_field(KIND, FORM, "model", "whisper-large-v3-turbo") == FORM.replace(b"whisper-1", b"whisper-large-v3-turbo")


def test_a_model_that_is_not_there_is_added() -> None:
    """
    In front, so that the rest stays where it is.
    """
    bare = FORM[FORM.index(b"--b-1\r\n", 1) :]

    made = with_field(KIND, bare, "model", "m")

    assert made.endswith(bare) and form_fields(KIND, made, frozenset({"model"})) == {"model": "m"}
    assert with_field(KIND, b"\r\n" + bare, "model", "m") == made


@pytest.mark.parametrize("value", ["a\r\nb", "a\n", "x--b-1y"])
def test_no_value_makes_another_part(value: str) -> None:
    """
    A model's name holds no line end and no boundary.
    """
    with pytest.raises(WireError):
        with_field(KIND, FORM, "model", value)


def test_two_models_are_none() -> None:
    """
    As when it is read.
    """
    twice = FORM.replace(b"--b-1\r\n", b'--b-1\r\nContent-Disposition: form-data; name="MODEL"\r\n\r\nx\r\n--b-1\r\n', 1)

    with pytest.raises(BadRequest, match="twice"):
        with_field(KIND, twice, "model", "m")


@given(st.binary(max_size=300), st.text("abcdefghij./:_-", min_size=1, max_size=40))
def test_whatever_is_uploaded_the_field_is_what_was_set(sound: bytes, model: str) -> None:
    """
    Read back, the form has the new model and the old file; or it was refused.
    """
    body = FORM.replace(SOUND, sound)
    try:
        made = with_field(KIND, body, "model", model)
    except (WireError, BadRequest):
        return

    assert form_fields(KIND, made, frozenset({"model"})) == {"model": model}
    assert made.replace(model.encode(), b"whisper-1", 1) == body or model.encode() in body
