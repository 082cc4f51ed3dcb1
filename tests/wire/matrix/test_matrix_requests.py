"""
What is sent is what its provider takes: every request of every client, for every model the stand-in knows, and the turns that follow.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from matrix_cells import (
    AIMS,
    DIALECTS,
    MORE,
    NAMES,
    Aim,
    Cell,
    aim_for,
    answer_of,
    answered,
    encoded,
    give,
    made_for,
    request_of,
)
from matrix_providers import ask, reason
from matrix_turns import agents_task, next_turn

from excise.wire.dialect import Encoded, Envelope
from excise.wire.keepsake import MARK
from excise.wire.loss import Change

ALL = (*AIMS, *MORE)
WITH_TOOLS = [aim for aim in ALL if "vision" not in aim.model and aim.model != "llava"]
CARRY_PROOFS = {"openai-responses", "anthropic-messages", "gemini", "bedrock-converse"}
# What may be done otherwise, but never left out.
NEVER_LEFT_OUT = ("max_tokens", "stop", "tool_choice", "output", "system", "text", "tool_result", "tools.orphans")

by_aim = pytest.mark.parametrize("aim", ALL, ids=str)


def read(client: str, body: Any) -> Any:
    return DIALECTS[client].decode_request(body, Envelope(model="asked-for"))


def possible(made: Encoded) -> Encoded:
    assert not [loss for loss in made.losses if loss.fatal]
    return made


# -- one request -----------------------------------------------------------------------------------------------------------------------


@by_aim
@pytest.mark.parametrize("client", NAMES)
def test_the_provider_takes_it(client: str, aim: Aim) -> None:
    """
    Plain and streamed, every case the model can do: the strict stand-in answers.
    """
    if client == aim.dialect:
        pytest.skip("nothing is translated")
    for case in aim.cases:
        if request_of(client, case) is None:
            continue
        for stream in (False, True):
            made = possible(encoded(client, aim, case, stream=stream))
            reply = ask(aim, made.body, stream=stream, headers=made.headers)
            assert reply.status == 200, (case, reason(reply))
            assert reply.streamed is stream


@by_aim
def test_nothing_that_counts_is_left_out(aim: Aim) -> None:
    """
    Limits, stops, choices of tools, formats, system text, results: said in other words, imitated or refused, and never dropped.
    """
    for client in NAMES:
        for case in aim.cases:
            if client != aim.dialect and request_of(client, case) is not None:
                dropped = [loss.field for loss in encoded(client, aim, case).losses if loss.change is Change.DROPPED]
                assert not [field for field in dropped if field.startswith(NEVER_LEFT_OUT)], (client, case)


@pytest.mark.parametrize("client", NAMES)
def test_a_picture_for_a_blind_model_is_impossible(client: str) -> None:
    """
    Leaving it out would change the outcome, so another target is asked.
    """
    blind = next(aim for aim in AIMS if aim.model == "command-a-03-2025")
    losses = encoded(client, blind, "image").losses

    assert [(loss.field, loss.change) for loss in losses if loss.fatal] == (
        [] if client == blind.dialect else [("image", Change.IMPOSSIBLE)]
    )


# -- the turn after it -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", NAMES)
@pytest.mark.parametrize("client", NAMES)
def test_an_answer_goes_back_to_whomever(client: str, target: str) -> None:
    """
    A conversation may go on at another provider: what one answered, another takes, calls with their results and all.
    """
    for case in ("multi_turn", "parallel_tools", "reasoning"):
        request = read(client, next_turn(client, request_of(client, case), answered(Cell(client, aim_for(target, case), case)).json))
        for aim in WITH_TOOLS:
            if aim.dialect in (client, target):
                continue
            made = possible(DIALECTS[aim.dialect].encode_request(request, aim.target))
            reply = ask(aim, made.body, headers=made.headers)
            assert reply.status == 200, (case, str(aim), reason(reply))
            assert MARK not in json.dumps(made.body)


@pytest.mark.parametrize("target", sorted(CARRY_PROOFS))
@pytest.mark.parametrize("client", sorted(CARRY_PROOFS))
def test_a_proof_comes_home_and_nowhere_else(client: str, target: str) -> None:
    """
    The proof of a thought goes back to who gave it as it was given, and no other provider gets to see it.
    """
    cell = Cell(client, aim_for(target, "reasoning"), "reasoning")
    proof = _proof_in(target)
    request = read(client, next_turn(client, request_of(client, "reasoning"), answered(cell).json))

    for aim in AIMS:
        sent = json.dumps(DIALECTS[aim.dialect].encode_request(request, aim.target).body)
        assert MARK not in sent
        if aim.dialect != client:
            home = aim.target.origin == cell.aim.target.origin and aim.target.traits.reasoning != "none"
            assert (proof in sent) is (home and aim.dialect == target), str(aim)


def _proof_in(target: str) -> str:
    names = {"signature", "thoughtSignature", "encrypted_content"}

    def search(value: Any) -> list[str]:
        if isinstance(value, dict):
            found = [inner for name, inner in value.items() if name in names]
            return found + [proof for inner in value.values() for proof in search(inner)]
        return [proof for inner in value for proof in search(inner)] if isinstance(value, list) else []

    (proof,) = search(json.loads(answer_of(target, "reasoning") or b""))
    return proof


@pytest.mark.parametrize("aim", WITH_TOOLS, ids=str)
@pytest.mark.parametrize("client", NAMES)
def test_an_agent_runs(client: str, aim: Aim) -> None:
    """
    Three turns of thinking and calling with one model, its own proofs and calls coming back to it: nothing is refused.
    """
    if client == aim.dialect:
        pytest.skip("nothing is translated")
    _run(client, (aim, aim, aim))


@pytest.mark.parametrize("client", NAMES)
def test_an_agent_runs_from_provider_to_provider(client: str) -> None:
    """
    The same where each turn may be served by another provider, and the next one by the first again.
    """
    usual = [aim_for(name, "parallel_tools") for name in NAMES if name != client]

    for one in usual:
        for other in usual:
            if one is not other:
                _run(client, (one, other, one))


def _run(client: str, aims: tuple[Aim, Aim, Aim]) -> None:
    body = agents_task(client)
    for aim, said in zip(aims, (b"get_weather", b"get_time", b"18 C"), strict=True):
        made = made_for(client, aim, body)
        possible(made.encoded)
        reply = ask(aim, made.encoded.body, headers=made.encoded.headers)
        assert reply.status == 200, (str(aim), reason(reply))
        given = give(made, aim, reply.pieces, content_type="application/json")
        assert given.status == 200
        assert said in given.body
        body = next_turn(client, body, given.json)
