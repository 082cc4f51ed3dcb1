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
from excise.privacy.walk.source import Source, of_request, of_text
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
    block = {"type": "thinking", "thinking": MARKER, "signature": signature}
    source = of_json({"messages": [{"role": "assistant", "content": [block]}]})

    assert orjson.loads(replaced(source).body)["messages"][0]["content"][0]["thinking"] == TOKEN


_SIGNED_TEXT = {"type": "thinking", "text": MARKER, "signature": SIGNATURE}


@pytest.mark.parametrize(
    "value",
    [
        _SIGNED_TEXT,
        {"text": MARKER, "signature": SIGNATURE, "messages": []},
        {"messages": [{"role": "user", "content": [_SIGNED_TEXT]}]},
        {"messages": [{"role": "assistant", "content": [{"text": MARKER, "signature": SIGNATURE}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": _SIGNED_TEXT}]}]},
        {"messages": [{"role": "assistant", "content": [{"type": "tool_use", "input": {"content": [_SIGNED_TEXT]}}]}]},
        {"messages": [{"role": "assistant", "content": orjson.dumps([_SIGNED_TEXT]).decode()}]},
        {"messages": [{"role": "tool", "content": orjson.dumps({"role": "assistant", "content": [_SIGNED_TEXT]}).decode()}]},
        {"documents": [orjson.dumps({"messages": [{"role": "assistant", "content": [_SIGNED_TEXT]}]}).decode()]},
        {"contents": [{"role": "model", "parts": [{"text": MARKER, "signature": SIGNATURE}]}]},
    ],
)
def test_a_signature_elsewhere_freezes_nothing(value: dict[str, object]) -> None:
    """
    Webhooks and tools sign what they say, too: only the provider's own blocks, in the model's own turns, cannot be changed.
    """
    source = of_json(value)

    assert [spot.frozen for spot in spots(source)] == [False]
    assert MARKER not in replaced(source).body.decode()


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "assistant", "content": [{"reasoningContent": {"reasoningText": {"text": MARKER, "signature": SIGNATURE}}}]},
        {"role": "assistant", "content": "x", "reasoning_details": [{"type": "reasoning.text", "text": MARKER, "signature": SIGNATURE}]},
        {"role": "assistant", "thinking_blocks": [{"type": "thinking", "thinking": MARKER, "signature": SIGNATURE}]},
    ],
)
@pytest.mark.parametrize("batch", [False, True])
def test_signed_blocks_of_all_dialects_stay(turn: dict[str, object], batch: bool) -> None:
    """
    Bedrock's, OpenRouter's and LiteLLM's signed text goes back as it came; so it does in a batch.
    """
    call = {"messages": [turn]}
    (spot,) = spots(of_json({"requests": [{"params": call}]} if batch else call))

    assert (spot.frozen, spot.signed) == (True, True)


IDS = [
    "call_0Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op",
    "toolu_01A09q90qw90lq917835lq9",
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    "chatcmpl-9xYz0aBcDeFgH12345678AbCdEfGh",
]


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
        "call_" + "wJ4rX7tU" * 5,
        "wJ4rX7tU" * 5,
        "4c0883a69102937d" * 4,
    ],
)
def test_what_has_not_the_shape_of_an_id_is_scanned(value: str) -> None:
    """
    `id` is a name anybody may use.
    """
    source = of_json({"id": value, "tool_use_id": "x"})

    assert _found(source, value) == [value]


@pytest.mark.parametrize("length", [8, 10, 16])
def test_digests_are_left_alone_where_they_are_called_so(length: int) -> None:
    """
    Under `id`, sixty-four digits of hex may be a private key.
    """
    digest = "4c08" * length

    assert digest not in of_json({"sha256": digest, "etag": digest}).text
    assert digest in of_json({"id": digest}).text
    assert digest in of_request("GET", f"/v1/files/{digest}", ()).text


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
    data = base64.b64encode(_RANDOM.randbytes(6300)).decode()
    source = of_text(f"blob: {data} end")

    assert data[300:340] not in source.text
    assert source.coverage.binary[0].media_type == "application/octet-stream"


def test_random_data_no_longer_than_a_token_is_scanned_as_a_whole() -> None:
    """
    It may be one. What is found in the middle of it, with no published shape, is chance.
    """
    data = base64.b64encode(_RANDOM.randbytes(600)).decode()
    source = of_text(f"blob: {data} end")

    def found(start: int, weight: int) -> list[str]:
        return [spot.value for spot in source.spots([Finding(start, start + 40, "CUSTOM", "x", weight)])]

    assert found(6, 20) == [data[:40]]
    assert found(7, 70) == []
    assert found(7, 80) == [data[1:41]]
    assert not source.coverage.binary


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(value)).decode().rstrip("=")


@pytest.mark.parametrize("length", [50, 180, 400, 9000])
@pytest.mark.parametrize("form", ["{}", "use {} now", "Authorization: Bearer {}", "token={}&x=1", "Cookie: session={}"])
def test_a_token_stays_whole_in_the_document(form: str, length: int) -> None:
    """
    Whatever its parts decode to: who sees a hole does not see the token. It is taken out as one, and not once more for what is in it.
    """
    claims = {"iss": "x", "sub": MARKER, "s": "Ab1-" * (length // 4)}
    token = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}.{base64.urlsafe_b64encode(_RANDOM.randbytes(256)).decode()[:342]}"
    source = of_json({"content": form.format(token)})
    first = source.text.index(token)
    (spot,) = source.spots([Finding(first, first + len(token), "JWT", "jwt", 80), *findings(source.text)])

    assert spot.value == token
    assert source.text.count(MARKER) == 1


@pytest.mark.parametrize(
    "text", ["Привет, мир: обычный текст с API.", "今天天气很好（测试），你好。", "naïve café — “quoted” … ok", "👩‍👩‍👧 ❤️ emoji"]
)
def test_ordinary_writing_needs_no_view(text: str) -> None:
    """
    Prose of any script costs no second reading.
    """
    assert of_text(text).text == f"{text}\x03"
