"""
Which long words are looked into, and that nothing depends on how many there are.
"""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.privacy.walk import candidates as module
from excise.privacy.walk.candidates import candidates, class_text
from excise.privacy.walk.source import of_text
from privacy.walk.marker import MARKER, TOKEN, findings, of_json, replaced, spots

TEXTS = st.text("abcXYZ 0189\t\n\x00\x01äé日😀", min_size=12, max_size=40)
CODED = st.one_of(
    TEXTS.map(lambda text: base64.b64encode(text.encode())),
    TEXTS.map(lambda text: base64.urlsafe_b64encode(text.encode())),
    TEXTS.map(lambda text: base64.b64encode(text.encode("utf-16"))),
    TEXTS.map(lambda text: base64.b64encode(text.encode("utf-16-le"))),
    TEXTS.map(lambda text: text.encode().hex().encode()),
    st.binary(min_size=12, max_size=40).map(base64.b64encode),
)


@given(st.lists(CODED, max_size=8), st.sampled_from([b" ", b"/", b".", b"-", b"_"]))
def test_no_candidate_is_lost_in_the_rough_test(coded: list[bytes], between: bytes) -> None:
    """
    What the exact judgement takes, the fast one in front of it lets pass.
    """
    plain = between.join(coded)
    heads = plain.translate(module.ONE_ALPHABET)
    found = set(candidates(plain, class_text(plain)))
    runs = {run.span() for table in (module._CLASSES, module._WORD_CLASSES) for run in module._RUN.finditer(plain.translate(table))}

    assert found == {run for run in runs if module._may_hold_text(heads, *run)}


@given(TEXTS.filter(lambda text: text.isprintable()))
def test_base64_of_text_is_a_candidate(text: str) -> None:
    """
    Alone, behind a path, and as hex.
    """
    coded = base64.b64encode(text.encode()).rstrip(b"=")
    if b"/" in coded or b"+" in coded:
        return
    for plain in (coded, b"path/to/" + coded, b"key: " + coded):
        assert (len(plain) - len(coded), len(plain)) in candidates(plain, class_text(plain))
    if text.isascii():
        hexadecimal = text.encode().hex().encode()
        assert candidates(hexadecimal, class_text(hexadecimal)) != []


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "utf-16-le", "latin-1"])
@pytest.mark.parametrize("beginning", ["", "日本語の文章です。" * 40])
def test_long_base64_in_lines_is_looked_into(charset: str, beginning: str) -> None:
    """
    In whatever charset, and replaced in the lines it had.
    """
    if charset == "latin-1":
        beginning = "äöüß" * (len(beginning) // 9)
    text = f"{beginning}{'Some words, and more of them. ' * 900}{MARKER}{' and then some' * 900}"
    coded = base64.encodebytes(text.encode(charset)).decode()
    source = of_text(f"Content:\n\n{coded}\nend")
    (spot,) = source.spots(findings(source.text))
    sent = source.rewrite([(spot, TOKEN)]).body.decode()

    assert base64.b64decode(sent.removeprefix("Content:\n\n").removesuffix("\nend")).decode(charset) == text.replace(MARKER, TOKEN)
    assert {len(line) for line in sent.split("\n")[2:-4]} == {76}


def test_a_long_block_of_other_data_is_judged_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    However many of its lines look as if they began a text: to decode the rest of it for each would be quadratic.
    """
    decoded: list[int] = []
    look = module.binascii.a2b_base64

    class Counting:
        @staticmethod
        def a2b_base64(data: bytes) -> bytes:
            decoded.append(len(data))
            return look(data)

    line = b"A" * 15 + b"\xfe\xc0\x80" * 14
    block = base64.encodebytes((b"\xfe\xc0\x80" * 19 + line) * 2_000).decode()
    monkeypatch.setattr(module, "binascii", Counting)
    monkeypatch.setattr("excise.privacy.walk.runs.binascii", Counting)
    of_text(block)

    assert len(decoded) > 1_000
    assert max(decoded) <= 16_384


def test_lists_of_strings_are_read_like_strings() -> None:
    """
    A long list of short strings is taken in at once: each still has its key, its place and its own spelling.
    """
    values = ["plain", "zürich", "", 'quo"ted', MARKER, "a\nb", f"x {MARKER}", "last"] * 3
    body = json.dumps({"before": MARKER, "names": values, "after": [MARKER]}).encode()
    source = of_json(None, body)

    assert [spot.path for spot in spots(source)] == [
        "$.*",
        *(f"$.*[{at}]" for at in range(len(values)) if MARKER in values[at]),
        "$.*[0]",
    ]
    assert f"names\x02{values[3]}\x03names\x02{MARKER}\x03" in source.text
    assert json.loads(replaced(source).body) == json.loads(body.decode().replace(MARKER, TOKEN))


def test_lists_with_something_to_unfold_are_read_one_by_one() -> None:
    """
    JSON in a string, long data, other kinds of values: the list is no plain one.
    """
    nested = json.dumps({"inner": MARKER})
    coded = base64.b64encode(f"{MARKER} ".encode() * 40).decode()
    for strange in (nested, coded, 7, None, [MARKER], f" [{json.dumps(MARKER)}]"):
        values = ["plain"] * 10 + [strange] + [MARKER]
        source = of_json({"names": values})

        assert len(spots(source)) >= 1 + (strange is not None and strange != 7), strange
