"""
Every request as it leaves and every answer as it comes back, against files that a reviewer can read.

`golden/requests/<target>.txt` has what is sent to each model, once for all clients whose request becomes the same;
`golden/<client>/<target>.txt` what a client gets: plain answer, stream, error. Lines that begin with `!` are losses, with `~` what the
answer's decoder is told. The streams of some cases look like that of `text` and are left out: they are compared with their plain answers
elsewhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from matrix_cells import AIMS, CASES, NAMES, Aim, Cell, aim_for, answer_of, answered, broken_off, encoded, failed, request_of, streamed
from matrix_golden import files, head, pretty, same, stream, told

from excise.wire.dialect import Encoded

LIKE_TEXT = ("multi_turn", "system", "image", "json_schema")


@pytest.mark.parametrize("target", NAMES)
def test_what_is_sent(target: str) -> None:
    """
    Requests of every client, for every model of the target.
    """
    sections = (_sent(aim, case) for aim in AIMS if aim.dialect == target for case in aim.cases)

    same(f"requests/{target}.txt", "\n".join(sections))


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("client", NAMES)
def test_what_comes_back(client: str, target: str) -> None:
    """
    Answers, streams and errors of the target, for the client.
    """
    sections = [_given(client, target, case) for case in CASES if answer_of(target, case) is not None]

    same(f"{client}/{target}.txt", "\n".join((*sections, _errors(client, target))))


def test_no_golden_file_is_left_over() -> None:
    """
    A file that nothing is compared with proves nothing.
    """
    assert files() == {"survey.txt", *(f"{folder}/{target}.txt" for folder in ("requests", *NAMES) for target in NAMES)}


def _sent(aim: Aim, case: str) -> str:
    clients: dict[str, list[str]] = {}
    for client in NAMES:
        if request_of(client, case) is not None:
            clients.setdefault("\n".join(_lines(encoded(client, aim, case))), []).append(client)
    return "\n".join((f"== {aim.provider}/{aim.model}: {case}", *(f"-- {', '.join(who)}\n{text}" for text, who in clients.items()), ""))


def _lines(made: Encoded) -> Iterator[str]:
    yield pretty(json.loads(json.dumps(made.body)))
    yield from (f"~ header {name}: {value}" for name, value in made.headers)
    if made.sent.unwrap_tool is not None:
        yield f"~ unwrap {made.sent.unwrap_tool}"
    yield from (f"~ tool {there} is {here}" for there, here in made.sent.tool_names.items())
    yield from told(made.losses)


def _given(client: str, target: str, case: str) -> str:
    cell = Cell(client, aim_for(target, case), case)
    given = answered(cell)
    lines = [f"== {case}", pretty(given.json), *told(given.losses)]
    if case not in LIKE_TEXT:
        lines += ["-- stream", stream(client, streamed(cell).body)]
    return "\n".join((*lines, ""))


def _errors(client: str, target: str) -> str:
    cell = Cell(client, aim_for(target, "text"), "text")
    given = failed(cell)
    return "\n".join(("== error", head(given), pretty(given.json), "-- stream", stream(client, broken_off(cell).body), ""))
