"""
What every client gets of every provider, read by the official SDK of the client's dialect.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache

import pytest
from matrix_cells import (
    AIMS,
    NAMES,
    Cell,
    aim_for,
    answer_of,
    answered,
    asked,
    broken_off,
    cells,
    failed,
    give,
    in_bytes,
    stream_of,
    streamed,
    translation,
)
from matrix_clients import TYPES, Counts, Heard, failure, frames_of, heard

from excise.wire.dialects.registry import DIALECTS
from excise.wire.neutral import Answer, Candidate, Finish, ToolCall
from excise.wire.sequence import replay
from excise.wire.usage import Usage

CELLS = cells()
PAIRS = [(client, target) for client in NAMES for target in NAMES]

by_cell = pytest.mark.parametrize("cell", CELLS, ids=str)
by_foreign_pair = pytest.mark.parametrize(("client", "target"), [pair for pair in PAIRS if pair[0] != pair[1]])
by_pair = pytest.mark.parametrize(("client", "target"), PAIRS)


# -- what is expected ------------------------------------------------------------------------------------------------------------------

_CITY = {"city": "Oslo"}
_CALLS = (("get_weather", _CITY), ("get_time", _CITY))
_USAGE = Usage(uncached_input_tokens=40, text_output_tokens=12)
_NO = "I cannot help with that."


@dataclass(frozen=True, slots=True)
class Said:
    """
    What a case's answer says, whoever gives it.
    """

    text: str
    input: int
    output: int
    end: str = "stop"
    calls: tuple[tuple[str, object], ...] = ()
    thoughts: str = ""


SAID = {
    "text": Said("Paris is the capital.", 12, 5),
    "multi_turn": Said("Ada.", 20, 2),
    "system": Said("Blue", 15, 1),
    "parallel_tools": Said("", 60, 30, "tool", _CALLS),
    "image": Said("A red dot.", 100, 4),
    "json_schema": Said('{"name":"Ada","age":36}', 40, 12),
    "reasoning": Said("No.", 10, 25, thoughts="91 = 7 * 13."),
    "stop": Said("1 2 3 ", 14, 6, "sequence"),
    "length": Said("One two three four five", 8, 5, "length"),
    "refusal": Said(_NO, 9, 7, "withheld"),
    "cache": Said("Cached.", 1000, 3),
}

# The client's word for how an answer ended. "declined": the model says no in words of its own, and the dialect marks them as such.
WORDS = {
    "openai-chat": {
        "stop": "stop",
        "sequence": "stop",
        "tool": "tool_calls",
        "length": "length",
        "withheld": "content_filter",
        "declined": "stop",
    },
    "openai-responses": {
        "stop": "completed",
        "sequence": "completed",
        "tool": "completed",
        "length": "incomplete max_output_tokens",
        "withheld": "incomplete content_filter",
        "declined": "completed",
    },
    "anthropic-messages": {
        "stop": "end_turn",
        "sequence": "stop_sequence",
        "tool": "tool_use",
        "length": "max_tokens",
        "withheld": "refusal",
        "declined": "refusal",
    },
    "gemini": {"stop": "STOP", "sequence": "STOP", "tool": "STOP", "length": "MAX_TOKENS", "withheld": "SAFETY", "declined": "SAFETY"},
    "bedrock-converse": {
        "stop": "end_turn",
        "sequence": "stop_sequence",
        "tool": "tool_use",
        "length": "max_tokens",
        "withheld": "content_filtered",
        "declined": "content_filtered",
    },
    "cohere-v2": {
        "stop": "COMPLETE",
        "sequence": "STOP_SEQUENCE",
        "tool": "TOOL_CALL",
        "length": "MAX_TOKENS",
        "withheld": "ERROR_TOXIC",
        "declined": "ERROR_TOXIC",
    },
    "mistral-chat": {
        "stop": "stop",
        "sequence": "stop",
        "tool": "tool_calls",
        "length": "length",
        "withheld": "error",
        "declined": "stop",
    },
    "ollama": {"stop": "stop", "sequence": "stop", "tool": "stop", "length": "length", "withheld": "stop", "declined": "stop"},
}

# Who says what beside the bare answer; a client hears it where both sides have a place for it.
SAYS_STOP_SEQUENCE = {"anthropic-messages", "bedrock-converse", "cohere-v2"}
MARKS_REFUSALS = {"openai-chat", "openai-responses"}
SAYS_REASONING_TOKENS = {"openai-chat", "openai-responses", "anthropic-messages", "gemini"}
SAYS_CACHE_READ = set(NAMES) - {"ollama", "cohere-v2"}  # Cohere's count is of tokens it does not bill
WRITES_CACHE_READ = set(NAMES) - {"ollama"}
SAYS_CACHE_WRITE = {"openai-chat", "openai-responses", "anthropic-messages", "bedrock-converse"}
HAS_PROOFS = {"openai-responses", "anthropic-messages", "gemini", "bedrock-converse"}


def end_of(cell: Cell) -> str:
    """
    How the cell's provider says its answer ended.
    """
    end = SAID[cell.case].end
    if end == "sequence" and cell.aim.dialect not in SAYS_STOP_SEQUENCE:
        return "stop"
    return "declined" if end == "withheld" and cell.aim.dialect in MARKS_REFUSALS else end


def between(client: str, target: str) -> list[Cell]:
    return [cell for cell in CELLS if (cell.client, cell.aim.dialect) == (client, target)]


@cache
def plain(cell: Cell) -> Heard:
    return heard(cell.client, answered(cell), stream=False)


def bare(heard: Heard) -> Heard:
    """
    Without what a provider's own answer and stream differ in, where nothing is translated.
    """
    return replace(heard, call_ids=(), proof=None, counts=replace(heard.counts, cached=None), id=None)


# -- answers ---------------------------------------------------------------------------------------------------------------------------


@by_cell
def test_the_answer_says_what_was_said(cell: Cell) -> None:
    """
    Text, calls and thoughts arrive whole, with the client's own word for the end, and so do the names and ids they need.
    """
    given = answered(cell)
    got, said = plain(cell), SAID[cell.case]
    ids = [id_ for id_ in got.call_ids if id_]
    end = end_of(cell)
    text = "" if cell.case == "refusal" and cell.aim.dialect == "gemini" else said.text  # it says no word where it blocks
    marked = end == "declined" and cell.client in MARKS_REFUSALS

    assert given.status == 200
    assert dict(given.headers)["content-type"] == "application/json"
    assert (got.text, got.refusal) == (("", text) if marked else (text, ""))
    assert (got.calls, got.thoughts) == (said.calls, said.thoughts)
    assert got.finish == WORDS[cell.client][end]
    assert len(set(ids)) == len(ids)
    assert len(ids) == len(got.calls) or cell.client == "ollama" or cell.client == cell.aim.dialect == "gemini"
    assert got.model in (None, "asked-for", asked(cell.client, cell.case)[0].model)


@by_cell
def test_the_stream_says_what_the_answer_says(cell: Cell) -> None:
    """
    What the SDK puts together from a stream is what it reads in a plain answer: every field of it.
    """
    given = streamed(cell)
    whole, pieces = plain(cell), heard(cell.client, given, stream=True)

    assert given.status == 200
    assert dict(given.headers)["content-type"] == DIALECTS[cell.client].content_type
    assert pieces == whole if cell.client != cell.aim.dialect else bare(pieces) == bare(whole)


@by_foreign_pair
def test_it_does_not_matter_who_streams(client: str, target: str) -> None:
    """
    A stream for a provider's plain answer, and a plain answer for a stream nobody asked for, say the same.
    """
    for cell in between(client, target):
        assert heard(client, answered(cell, stream=True), stream=True) == plain(cell), cell.case
        assert heard(client, streamed(cell, stream=False), stream=False) == plain(cell), cell.case


@by_cell
def test_no_token_is_lost_or_counted_twice(cell: Cell) -> None:
    """
    All input and all output are what the provider counted; so are the parts, where both dialects have a word for them.
    """
    got, said = plain(cell).counts, SAID[cell.case]
    client, target = cell.client, cell.aim.dialect
    expected = Counts(said.input, said.output)
    if cell.case == "cache":
        cached = client in WRITES_CACHE_READ and (target in SAYS_CACHE_READ or client == target)
        written = client in SAYS_CACHE_WRITE and target in SAYS_CACHE_WRITE
        expected = replace(expected, cached=800 if cached else None, written=100 if written else None)
    if cell.case == "reasoning" and {client, target} <= SAYS_REASONING_TOKENS:
        expected = replace(expected, reasoning=20)

    assert replace(got, cached=got.cached or None, written=got.written or None, reasoning=got.reasoning or None) == expected


@pytest.mark.parametrize("target", sorted(HAS_PROOFS))
@pytest.mark.parametrize("client", NAMES)
def test_proofs_of_thoughts_travel_along(client: str, target: str) -> None:
    """
    Where the client's dialect has a field that comes back unread; elsewhere it is noted that the proof is gone.
    """
    cell = Cell(client, aim_for(target, "reasoning"), "reasoning")

    assert (plain(cell).proof is not None) == (client in HAS_PROOFS)
    assert [loss.field for loss in answered(cell).losses] == ([] if client in HAS_PROOFS else ["reasoning.signature"])


@pytest.mark.parametrize("client", [name for name in NAMES if name != "openai-responses"])
def test_stop_sequences_are_kept_for_targets_that_have_none(client: str) -> None:
    """
    The answer ends where one of them comes, plain and streamed, however the stream is cut; what was made beyond is counted all the same.
    """
    cell = Cell(client, aim_for("openai-responses", "text"), "text")
    stops = {"stop": ("END", "the ca")}
    whole = heard(client, answered(cell, **stops), stream=False)
    given = streamed(cell, **stops)

    assert (whole.text, whole.finish) == ("Paris is ", WORDS[client]["sequence"])
    assert (whole.counts.input, whole.counts.output) == (12, 5)
    assert heard(client, given, stream=True) == whole
    assert streamed(cell, in_bytes(stream_of("openai-responses", "text")), **stops) == given


@pytest.mark.parametrize("client", [name for name in NAMES if name != "bedrock-converse"])
def test_a_schema_that_a_tool_stands_for_is_answered_with_text(client: str) -> None:
    """
    A model without output formats is made to call a tool; the client, who asked for text of a form, gets text and an ordinary end.
    """
    cell = Cell(client, next(aim for aim in AIMS if aim.model == "amazon.nova-lite-v1:0"), "json_schema")
    target = DIALECTS[cell.aim.dialect]
    tool = translation(cell).encoded.sent.unwrap_tool
    assert tool is not None
    person = {"name": "Ada", "age": 36}
    called = Answer(target.name, (Candidate((ToolCall(id="tooluse_1", name=tool, arguments=person),), Finish.TOOL),), usage=_USAGE)
    encoder = target.stream_encoder(translation(replace(cell, client=target.name)).asked)
    events = b"".join(encoder.feed(event) for event in replay(called))
    body = json.dumps(target.encode_answer(called, translation(replace(cell, client=target.name)).asked)).encode()

    for given, stream in (
        (give(translation(cell), cell.aim, [body], content_type="application/json"), False),
        (give(translation(cell, stream=True), cell.aim, [events], content_type=target.content_type), True),
    ):
        got = heard(client, given, stream=stream)
        assert (json.loads(got.text), got.calls) == (person, ())
        assert got.finish == WORDS[client]["stop"]
        assert (got.counts.input, got.counts.output) == (40, 12)


# Members the SDKs' types do not know.
BESIDE_THE_TYPES = {
    # DeepSeek's word, which every family of servers but OpenAI's own writes and agents read.
    "openai-chat": {"choices.message.reasoning_content", "choices.delta.reasoning_content"},
    # In the provider's answers and in its reference; the types have not followed.
    "openai-responses": {"store", "response.store", "name", "frequency_penalty", "presence_penalty"},
    "cohere-v2": {
        "usage.tokens.reasoning_tokens",
        "delta.usage.tokens.reasoning_tokens",
        "delta.message.content",
        "delta.message.tool_plan",
        "delta.message.tool_calls",
        "delta.message.citations",
    },
    "mistral-chat": {"usage.prompt_tokens_details"},
    "ollama": {"message.tool_calls.id", "message.tool_calls.function.index"},
}


@by_foreign_pair
def test_every_member_is_of_its_type(client: str, target: str) -> None:
    """
    Each answer and each event of a stream is one the SDK's types take without coercion, and no member is invented.
    """
    for cell in between(client, target):
        found = TYPES[client].answer(answered(cell)) | TYPES[client].stream(frames_of(client, streamed(cell).body))
        assert found <= BESIDE_THE_TYPES.get(client, set()), cell.case


@pytest.mark.parametrize("target", NAMES)
def test_usage_comes_to_those_who_ask_for_it(target: str) -> None:
    """
    A chat client that did not ask for usage in its stream gets no chunk that has it.
    """
    given = streamed(Cell("openai-chat", aim_for(target, "text"), "text"), include_usage=None)
    chunks = [frame.json for frame in frames_of("openai-chat", given.body) if frame.json]

    assert chunks
    assert all(chunk["choices"] and "usage" not in chunk for chunk in chunks)


# -- errors ----------------------------------------------------------------------------------------------------------------------------

RAISED = {
    "openai-chat": "RateLimitError",
    "openai-responses": "RateLimitError",
    "anthropic-messages": "RateLimitError",
    "gemini": "ClientError",
    "bedrock-converse": "ThrottlingException",
    "cohere-v2": "TooManyRequestsError",
    "mistral-chat": "SDKError",
    "ollama": "ResponseError",
}
RAISED_IN_STREAM = {
    "openai-chat": "APIError",
    "openai-responses": "APIError",
    "anthropic-messages": "APIStatusError",
    "gemini": "ServerError",
    "bedrock-converse": "EventStreamError",
    "cohere-v2": "EndedInError",  # nothing is raised: the answer's end says it
    "mistral-chat": "ResponseValidationError",  # of an SDK that does not expect its provider to fail here
    "ollama": "ResponseError",
}


@by_pair
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
def test_a_limit_is_the_clients_own_error(client: str, target: str, stream: bool) -> None:
    """
    A provider that is asked too often makes the client's SDK raise what it raises then, with the provider's words and its time to wait.
    """
    given = failed(Cell(client, aim_for(target, "text"), "text"), stream=stream)
    headers = dict(given.headers)

    assert given.status == 429
    assert (headers["content-type"], headers["retry-after"]) == ("application/json", "7")
    name, text = failure(client, given, stream=stream)
    assert name == RAISED[client]
    assert any(word in text.lower() for word in ("rate limit", "quota", "too many requests", "request limit"))


@by_pair
def test_a_stream_that_breaks_ends_in_an_error(client: str, target: str) -> None:
    """
    What came before the error arrives, and then the client's SDK knows that it is not the whole.
    """
    given = broken_off(Cell(client, aim_for(target, "text"), "text"))

    assert given.status == 200
    assert b"Par" in given.body
    name, text = failure(client, given, stream=True)
    assert name == RAISED_IN_STREAM[client]
    assert any(word in text.lower() for word in ("overload", "unable to process", "capacity"))


@by_pair
def test_a_stream_that_begins_with_an_error_is_an_error(client: str, target: str) -> None:
    """
    Before a word was written there is no stream to end: the client gets a status, and its SDK may try again.
    """
    frames = frames_of(target, stream_of(target, "error"))
    first = 1 + next(number for number, frame in enumerate(frames) if b"Par" in frame.raw)
    given = broken_off(Cell(client, aim_for(target, "text"), "text"), [frame.raw for frame in frames[first:]])

    assert given.status >= 500
    assert dict(given.headers)["content-type"] == "application/json"
    assert failure(client, given, stream=True)


@by_pair
def test_a_stream_of_nothing_is_an_error(client: str, target: str) -> None:
    """
    An answer that ends before it begins is no empty answer.
    """
    given = broken_off(Cell(client, aim_for(target, "text"), "text"), [])

    assert given.status >= 500
    assert b"excise: " in given.body


def test_every_case_has_an_answer_somewhere() -> None:
    """
    No case is left out of the matrix unnoticed.
    """
    missing = {(name, case) for name in NAMES for case in SAID if answer_of(name, case) is None}

    assert missing == {("openai-responses", "stop"), ("mistral-chat", "refusal"), ("ollama", "refusal")}
