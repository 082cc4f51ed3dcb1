"""
What is left out, and that nothing hides behind it.
"""

from __future__ import annotations

import base64
import random

import orjson
import pytest

from excise.errors import BadRequest, InternalError
from excise.privacy.detect.detector import Finding
from excise.privacy.walk.layer import Place
from excise.privacy.walk.source import Source, of_text
from excise.privacy.walk.views import Bounds
from privacy.walk.marker import MARKER, TOKEN, findings, of_json, replaced, spots

_RANDOM = random.Random(7)
SIGNATURE = base64.b64encode(_RANDOM.randbytes(300)).decode()


def _found(source: Source, *wanted: str) -> list[str]:
    hits = [Finding(source.text.index(text), source.text.index(text) + len(text), "CUSTOM", "x") for text in wanted if text in source.text]
    return [spot.value for spot in source.spots(hits)]


@pytest.mark.parametrize(
    "value",
    [
        {"type": "thinking", "thinking": "hm", "signature": SIGNATURE},
        {"functionCall": {"name": "f"}, "thoughtSignature": SIGNATURE},
        {"type": "reasoning", "encrypted_content": "gAAAAAB" + SIGNATURE[7:].replace("+", "-").replace("/", "_")},
        {"type": "redacted_thinking", "data": SIGNATURE},
        {"extra_content": {"google": {"thought_signature": SIGNATURE}}},
    ],
)
def test_sealed_fields_are_left_alone(value: dict[str, object]) -> None:
    """
    Signatures and ciphertext are the provider's; a chance finding in one would end the conversation.
    """
    source = of_json(value)

    assert SIGNATURE[40:80] not in source.text
    assert source.coverage.skipped["sealed"] == len(SIGNATURE)


@pytest.mark.parametrize("key", ["signature", "thoughtSignature", "encrypted_content"])
@pytest.mark.parametrize(
    "text",
    [
        f"my name is {MARKER}, and I am hiding here for as long as it takes",
        base64.b64encode(f"my name is {MARKER}, and I am hiding here for as long as it takes".encode()).decode(),
        "a" * 30 + MARKER + "b" * 30,
        MARKER,
    ],
)
def test_no_text_hides_under_a_sealed_name(key: str, text: str) -> None:
    """
    Only ciphertext has the shape of ciphertext.
    """
    source = of_json({key: text, "x": 1})

    assert [spot.seen for spot in spots(source)] == [MARKER]
    assert MARKER not in replaced(source).body.decode()


def test_plain_letters_in_a_signature_are_seen() -> None:
    """
    A value inside random bytes is reported, though it cannot be taken out.
    """
    sealed = base64.b64encode(_RANDOM.randbytes(100) + b"\x00" + f"hi {MARKER}".encode() + b"\x00" + _RANDOM.randbytes(100)).decode()
    (spot,) = spots(of_json({"signature": sealed}))

    assert (spot.frozen, spot.signed) == (True, True)


def test_signed_thinking_is_seen_and_stays() -> None:
    """
    Anthropic refuses a signed block that changed: what is found there is reported as frozen.
    """
    block = {"type": "thinking", "thinking": f"about {MARKER}", "signature": SIGNATURE}
    source = of_json({"messages": [{"role": "assistant", "content": [block, {"type": "text", "text": MARKER}]}]})
    frozen, free = spots(source)

    assert (frozen.frozen, frozen.signed, frozen.path) == (True, True, "$.messages[0].content[0].thinking")
    assert not free.frozen
    with pytest.raises(BadRequest):
        source.rewrite([(frozen, TOKEN)])
    assert orjson.loads(source.rewrite([(free, TOKEN)]).body)["messages"][0]["content"] == [block, {"type": "text", "text": TOKEN}]


@pytest.mark.parametrize("signature", ["x", "", "a" * 100, base64.b64encode(b"plain text, just a lot of it. " * 9).decode()])
def test_a_bogus_signature_freezes_nothing(signature: str) -> None:
    """
    Or anything could be put out of reach.
    """
    source = of_json({"type": "thinking", "thinking": MARKER, "signature": signature})

    assert orjson.loads(replaced(source).body)["thinking"] == TOKEN


IDS = ["call_0Ab1Cd2Ef3Gh4Ij5", "toolu_01A09q90qw90lq917835lq9", "0f8fad5b-d9cb-469f-a165-70867728950e", "chatcmpl-9xYz0aBcDeFgH12345678"]


@pytest.mark.parametrize("value", IDS)
def test_ids_are_left_alone(value: str) -> None:
    """
    They are random, and refer to something.
    """
    assert value not in of_json({"id": value, "tool_call_id": value}).text
    assert value in of_json({"content": value}).text


@pytest.mark.parametrize(
    "value",
    [
        "john@x.example",
        "call_4111111111111111",
        "my name is John Smith",
        "call_abcdefabcdefabcdef",
        "ghp_" + "a1" * 18,
        "msg_" + "AKIA" + "Z2" * 8,
    ],
)
def test_what_has_not_the_shape_of_an_id_is_scanned(value: str) -> None:
    """
    `id` is a name anybody may use.
    """
    source = of_json({"id": value, "tool_use_id": "x"})

    assert _found(source, value) == [value]


def test_numbers_are_text_where_they_are_long_enough() -> None:
    """
    A card as a number is found as it is written, and only a number can take its place.
    """
    body = b'{"card": 4111111111111111, "n": [12345678, 1.5, 12], "f": 48.137154000, "big": 123456789012345678901234567890, "t": 0.7}'
    source = of_json(None, body)
    wanted = ["4111111111111111", "12345678", "48.137154000", "123456789012345678901234567890"]
    hits = [Finding(source.text.index(f"{one}\x03"), source.text.index(f"{one}\x03") + len(one), "CARD", "x") for one in wanted]
    found = source.spots(hits)

    assert [spot.value for spot in found] == wanted
    assert {spot.place for spot in found} == {Place.BODY_NUMBER}
    assert "0.7" not in source.text
    sent = source.rewrite([(spot, "9" * 15) for spot in found]).body
    assert sent == b'{"card": %(n)s, "n": [%(n)s, 1.5, 12], "f": %(n)s, "big": %(n)s, "t": 0.7}' % {b"n": b"9" * 15}
    with pytest.raises(BadRequest):
        source.rewrite([(found[0], TOKEN)])


def test_the_key_stands_before_its_value() -> None:
    """
    So a detector sees what the value is called; elements of a list have the key of the list.
    """
    source = of_json({"ssn": "123-45-6789", "cards": ["one card", "two"], "n": 1234567})

    assert "ssn\x02123-45-6789\x03" in source.text
    assert "cards\x02one card\x03cards\x02two\x03" in source.text
    assert "n\x021234567\x03" in source.text


def test_a_key_is_reported_once() -> None:
    """
    Repeated as context it is not another finding; renamed, it must not meet its neighbour.
    """
    source = of_json({MARKER: ["a", "b", {"c": 1}], "x": 123456})
    (spot,) = spots(source)

    assert (spot.place, spot.path) == (Place.BODY_KEY, "$.*")
    assert orjson.loads(source.rewrite([(spot, "k")]).body) == {"k": ["a", "b", {"c": 1}], "x": 123456}
    with pytest.raises(BadRequest):
        source.rewrite([(spot, "x")])


def test_no_content_in_reprs() -> None:
    """
    What was found is a secret; so are the keys around it.
    """
    source = of_json({MARKER: {"my own key": MARKER}})

    assert MARKER not in repr(spots(source))
    assert "my own key" not in repr(spots(source))
    assert MARKER not in repr(replaced(source))


def test_half_an_escape_stays_with_the_text() -> None:
    """
    A detector that takes the `n` of `\\n`, or the backslash before a quote, for part of the value does not break the string around it.
    """
    text = f'print("a\\n{MARKER}\\"b")'
    source = of_text(text)
    first = source.text.index(MARKER)
    greedy = Finding(first - 1, first + len(MARKER) + 1, "CUSTOM", "greedy")
    (spot,) = source.spots([greedy, *findings(source.text)])

    assert replaced(source).body.decode() == text.replace(MARKER, TOKEN)
    assert (spot.start, spot.end) == (text.index(MARKER), text.index(MARKER) + len(MARKER))


def test_overlapping_findings_become_one() -> None:
    """
    What is taken out is everything any of them found, named by the weightiest.
    """
    source = of_text("abc def ghi jkl")
    found = source.spots([Finding(0, 7, "EMAIL", "a", 20), Finding(4, 11, "CARD", "b", 80), Finding(12, 15, "JWT", "c", 50)])

    assert [(spot.start, spot.end, spot.entity, spot.value) for spot in found] == [(0, 11, "CARD", "abc def ghi"), (12, 15, "JWT", "jkl")]


def test_a_run_that_is_found_itself_is_taken_whole() -> None:
    """
    The inside of base64 does not matter where the base64 is the secret.
    """
    run = base64.b64encode(f"user:{MARKER}, hello".encode()).decode()
    source = of_text(f"Basic {run} end")
    (spot,) = source.spots([Finding(8, 20, "AUTH_HEADER", "basic"), *findings(source.text)])

    assert spot.value == run
    assert source.rewrite([(spot, "X")]).body == b"Basic X end"


def test_two_values_in_one_run_are_both_replaced() -> None:
    """
    The run is decoded once, and encoded once.
    """
    source = of_text("x " + base64.b64encode(f"{MARKER} and zq00000000qz, too".encode()).decode())
    sent = replaced(source, "T").body.decode()

    assert base64.b64decode(sent[2:]) == b"T and T, too"


def test_made_up_overlaps_are_refused() -> None:
    """
    Splicing one over another would leave half a value.
    """
    source = of_text("abcdef")
    (one,), (other,) = source.spots([Finding(0, 4, "CARD", "x")]), source.spots([Finding(2, 6, "CARD", "x")])
    with pytest.raises(InternalError):
        source.rewrite([(one, "a"), (other, "b")])


def test_past_its_bounds_a_text_is_not_understood() -> None:
    """
    Encodings inside encodings are undone so far, and no further; then the caller refuses.
    """
    text = MARKER
    for _ in range(6):
        text = base64.b64encode(f"again {text}".encode()).decode()

    assert of_text(text).coverage.unknown
    assert of_json({"m": [f"a%41{at}" for at in range(100)]}, extract=None, bounds=Bounds(views=10)).coverage.unknown
    assert not of_json({"m": [f"a%41{at}" for at in range(100)]}).coverage.unknown


@pytest.mark.parametrize(
    "run",
    [
        "api_key = " + "aB3" * 80,
        "-----BEGIN PRIVATE KEY-----" + base64.b64encode(_RANDOM.randbytes(600)).decode() + "-----END PRIVATE KEY-----",
        "x" * 250 + " words",
        "/usr/lib/" + "some/long/path/" * 20,
    ],
)
def test_long_runs_that_may_be_the_secret_stay_in_the_text(run: str) -> None:
    """
    A key of two hundred characters is still a key.
    """
    assert of_text(run).text.startswith(run)


def test_random_data_in_a_text_is_not_in_the_document() -> None:
    """
    Chance findings inside base64 corrupt it.
    """
    data = base64.b64encode(_RANDOM.randbytes(600)).decode()
    source = of_text(f"blob: {data} end")

    assert data[300:340] not in source.text
    assert source.coverage.binary[0].media_type == "application/octet-stream"


@pytest.mark.parametrize(
    "text", ["Привет, мир: обычный текст с API.", "今天天气很好（测试），你好。", "naïve café — “quoted” … ok", "👩‍👩‍👧 ❤️ emoji"]
)
def test_ordinary_writing_needs_no_view(text: str) -> None:
    """
    Prose of any script costs no second reading.
    """
    assert of_text(text).text == f"{text}\x03"
