"""
The network cuts a stream where it likes. What the client gets is the same bytes all the same.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from typing import Any

import pytest
from matrix_cells import CASES, LIMIT_BYTES, NAMES, Cell, Given, aim_for, answer_of, broken_off, cut, in_bytes, stream_of, streamed
from matrix_clients import frames_of

from excise.wire.answer import AnswerDecoder
from excise.wire.dialects.registry import DIALECTS
from excise.wire.frame import Frame

SMALL = ("text", "parallel_tools", "reasoning", "error")
LARGE = tuple(case for case in CASES if case not in SMALL)
PAIRS = [(client, target) for client in NAMES for target in NAMES]


def given(client: str, target: str, case: str, pieces: Any = None) -> Given:
    if case == "error":
        return broken_off(Cell(client, aim_for(target, "text"), "text"), pieces)
    return streamed(Cell(client, aim_for(target, case), case), pieces)


@cache
def frames(target: str, case: str) -> tuple[Frame, ...]:
    return tuple(frames_of(target, stream_of(target, case)))


@pytest.mark.parametrize(("client", "target"), PAIRS)
def test_byte_by_byte(client: str, target: str) -> None:
    """
    A stream that comes one byte at a time is the stream that came at once.
    """
    for case in SMALL:
        assert given(client, target, case, in_bytes(stream_of(target, case))) == given(client, target, case), case


@pytest.mark.parametrize("case", SMALL)
@pytest.mark.parametrize("target", NAMES)
def test_a_cut_anywhere_leaves_the_frames_as_they_are(target: str, case: str) -> None:
    """
    Wherever a stream is cut in two, its frames are the same; only how many of them come with which piece depends on the place.
    """
    body = stream_of(target, case)
    whole = [(frame.event, frame.data) for frame in frames(target, case)]

    for place in range(1, len(body)):
        assert [(frame.event, frame.data) for frame in _cut_frames(target, cut(body, place))] == whole


@pytest.mark.parametrize(("client", "target"), PAIRS)
def test_frames_in_two_lots(client: str, target: str) -> None:
    """
    However many frames come with the first piece, the client's bytes are the same. With the test above: so they are for every cut in two.
    """
    for case in SMALL:
        whole = given(client, target, case)
        for place in accumulate(len(frame.raw) for frame in frames(target, case)[:-1]):
            assert given(client, target, case, cut(stream_of(target, case), place)) == whole, (case, place)


@pytest.mark.parametrize(("client", "target"), PAIRS)
def test_cuts_at_random(client: str, target: str) -> None:
    """
    The same of every other case, cut at some places that differ from pair to pair and stay the same from run to run.
    """
    chance = random.Random(f"{client} {target}")
    for case in LARGE:
        if answer_of(target, case) is None:
            continue
        body = stream_of(target, case)
        whole = given(client, target, case)
        for _ in range(4):
            places = sorted(chance.sample(range(1, len(body)), chance.randint(1, 9)))
            assert given(client, target, case, cut(body, *places)) == whole, (case, places)


def _cut_frames(target: str, pieces: Iterator[bytes]) -> Iterator[Frame]:
    decoder = AnswerDecoder(
        content_type=DIALECTS[target].content_type, content_encoding=None, dialect=target, operation="chat", limit=LIMIT_BYTES
    )
    for piece in pieces:
        yield from (frame for frame in decoder.feed(piece) if frame.data is not None)
    yield from (frame for frame in decoder.close() if frame.data is not None)
