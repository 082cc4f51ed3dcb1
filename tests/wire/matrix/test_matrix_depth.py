"""
Answers nested deeper than JSON can be written here (254 levels), though it could be read (1024).
"""

from __future__ import annotations

import json

import orjson
import pytest
from matrix_cells import USUAL, Cell, give, translation

DEEP = b'{"a":' * 300 + b"1" + b"}" * 300
MESSAGE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":%b}],'
    b'"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}'
)


def passed_on(client: str, *, stream: bool):
    aim = USUAL["anthropic-messages"]
    made = translation(Cell(client, aim, "text"), stream=stream)
    return give(made, aim, [MESSAGE % DEEP], content_type="application/json")


def test_arguments_that_become_text_cross_whole():
    """
    However deep, for text has no levels.
    """
    call = passed_on("openai-chat", stream=False).json["choices"][0]["message"]["tool_calls"][0]

    assert json.loads(call["function"]["arguments"]) == orjson.loads(DEEP)


@pytest.mark.parametrize("stream", [False, True])
def test_arguments_that_cannot_be_written_are_an_error(stream: bool):
    """
    The client is told so in its own dialect; nothing is left out in silence.
    """
    answer = passed_on("gemini", stream=stream)

    assert b"nested too deeply" in answer.body
    assert b"functionCall" not in answer.body
