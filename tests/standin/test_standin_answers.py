"""
What the stand-in says, in every provider's words: whole, in pieces, in the shape that was asked for.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Sent, Target
from excise.wire.dialects.registry import dialect_of
from excise.wire.neutral import Answer, Finish, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import Assembler
from standin.asking import PERSON, PIXEL, WAYS, Got, Way

EACH = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
PROVIDERS = {
    "gemini-3": "gemini",
    "bedrock-nova": "bedrock",
    "bedrock-claude": "bedrock",
    "openai-chat": "openai",
    "openai-responses": "openai",
}
SPOKEN = {
    "openai-responses": "openai-responses",
    "anthropic": "anthropic-messages",
    "gemini": "gemini",
    "gemini-3": "gemini",
    "bedrock-nova": "bedrock-converse",
    "bedrock-claude": "bedrock-converse",
    "cohere": "cohere-v2",
    "ollama": "ollama",
}
THINKING: dict[str, dict[str, Any]] = {
    "openai-responses": {"reasoning": {"effort": "high", "summary": "auto"}, "include": ["reasoning.encrypted_content"]},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 1024}},
    "gemini": {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}},
    "gemini-3": {"generationConfig": {"thinkingConfig": {"includeThoughts": True, "thinkingLevel": "HIGH"}}},
    "bedrock-claude": {"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 1024}}},
    "mistral": {"reasoning_effort": "high"},
    "deepseek": {"thinking": {"type": "enabled"}},
    "groq": {"reasoning_effort": "high"},
}


def read(way: Way, got: Got, stream: bool) -> Answer:
    """
    An answer through the proxy's own eyes.
    """
    provider = PROVIDERS.get(way.name, way.name)
    dialect = dialect_of(provider, SPOKEN.get(way.name, "openai-chat"))
    assert dialect is not None
    sent = Sent(Target(provider, dialect.name, way.model))
    if not stream:
        return dialect.decode_answer(got.json, sent)
    kind = {"bedrock": "application/vnd.amazon.eventstream", "ollama": "application/x-ndjson"}.get(provider, "text/event-stream")
    frames = AnswerDecoder(content_type=kind, content_encoding=None, dialect=dialect.name, operation="chat", limit=1 << 20)
    decoder, assembler = dialect.stream_decoder(sent), Assembler()
    for piece in got.pieces:
        for frame in frames.feed(piece):
            for event in decoder.feed(frame):
                assembler.feed(event)
    for frame in frames.close():
        for event in decoder.feed(frame):
            assembler.feed(event)
    for event in decoder.close():
        assembler.feed(event)
    return assembler.answer(dialect.name)


def gist(answer: Answer) -> list[Any]:
    """
    What an answer says, without ids and proofs.
    """
    said: list[Any] = [candidate.finish for candidate in answer.candidates]
    for part in (part for candidate in answer.candidates for part in candidate.parts):
        match part:
            case Text():
                said += [part.text] if part.text else []
            case Refusal():
                said.append(("refused", part.text))
            case Reasoning():
                said += [("thought", part.text)] if part.text else []
            case ToolCall():
                said.append((part.name, part.arguments))
    return said


PROMPTS = ["hello", "use all tools", "echo: one two  three", "refuse", "words: 40", "narrate, use all tools"]


@EACH
@pytest.mark.parametrize("prompt", PROMPTS)
def test_a_stream_says_what_the_whole_says(way: Way, prompt: str) -> None:
    """
    The same request gets the same answer, however it is sent.
    """
    body = way.body(prompt, tools=True)
    whole, stream = way.send(body), way.send(body, stream=True)

    assert (whole.status, stream.status) == (200, 200)
    assert len(stream.pieces) > 1 or "gemini" in way.name
    assert gist(read(way, stream, True)) == gist(read(way, whole, False))
    assert stream.bill == whole.bill


@pytest.mark.parametrize("name", THINKING)
def test_thoughts_are_shown_where_asked(name: str) -> None:
    """
    Asked to think hard, the model thinks before it speaks, in a stream as in a whole answer, and the bill counts it.
    """
    way = WAYS[name]
    body = way.body("think hard: echo: so", **THINKING[name])
    whole, stream = way.send(body), way.send(body, stream=True)
    said = gist(read(way, whole, False))

    assert said[0] is Finish.STOP
    assert said[1][0] == "thought"
    assert said[1][1].startswith("Thinking about")
    assert said[2:] == ["so"]
    assert gist(read(way, stream, True)) == said
    assert whole.bill is not None
    assert whole.bill.output_tokens > 64


@pytest.mark.parametrize("name", ["anthropic", "bedrock-claude"])
def test_a_secret_thought_is_only_its_proof(name: str) -> None:
    """
    `think secretly`: nobody may read it.
    """
    way = WAYS[name]
    body = way.body("think secretly: echo: so", **THINKING[name])
    for stream in (False, True):
        thought, spoken = read(way, way.send(body, stream=stream), stream).candidates[0].parts
        assert isinstance(thought, Reasoning)
        assert (thought.redacted, thought.text) == (True, "")
        assert isinstance(spoken, Text)


SHAPED: dict[str, dict[str, Any]] = {
    "openai-chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}},
    "openai-responses": {"text": {"format": {"type": "json_schema", "name": "person", "schema": PERSON, "strict": True}}},
    "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": PERSON}}},
    "gemini": {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": PERSON}},
    "bedrock-claude": {
        "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(PERSON)}}}}
    },
    "cohere": {"response_format": {"type": "json_object", "json_schema": PERSON}},
    "mistral": {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}},
    "ollama": {"format": PERSON},
    "groq": {"response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON, "strict": True}}},
}


@pytest.mark.parametrize("name", SHAPED)
def test_json_that_fits_the_schema(name: str) -> None:
    """
    Where a schema is asked for, the text is JSON that fits it.
    """
    way = WAYS[name]
    got = way.send(way.body("echo: Ada", **SHAPED[name]))

    assert json.loads(way.text(got.json)) == {"name": "Ada", "age": 7}


STOPS: dict[str, dict[str, Any]] = {
    "openai-chat": {"stop": "END"},
    "anthropic": {"stop_sequences": ["END"]},
    "gemini": {"generationConfig": {"stopSequences": ["END"]}},
    "bedrock-nova": {"inferenceConfig": {"stopSequences": ["END"]}},
    "cohere": {"stop_sequences": ["END"]},
    "mistral": {"stop": ["END"]},
    "ollama": {"options": {"stop": ["END"]}},
    "deepseek": {"stop": ["END"]},
    "groq": {"stop": "END"},
}
# Those that say which.
TELLING = {"anthropic", "bedrock-nova", "cohere"}


@pytest.mark.parametrize("name", STOPS)
def test_a_stop_sequence_stops(name: str) -> None:
    """
    The text ends before it, the blank too; some say so.
    """
    way = WAYS[name]
    for stream in (False, True):
        answer = read(way, way.send(way.body("echo: 1 2 3 END and more", **STOPS[name]), stream=stream), stream)
        assert gist(answer)[1:] == ["1 2 3 "]
        assert (answer.candidates[0].finish is Finish.STOP_SEQUENCE) == (name in TELLING)


LIMITS: dict[str, dict[str, Any]] = {
    "openai-chat": {"max_tokens": 3},
    "openai-responses": {"max_output_tokens": 16},
    "anthropic": {"max_tokens": 3},
    "gemini": {"generationConfig": {"maxOutputTokens": 3}},
    "bedrock-nova": {"inferenceConfig": {"maxTokens": 3}},
    "cohere": {"max_tokens": 3},
    "mistral": {"max_tokens": 3},
    "ollama": {"options": {"num_predict": 3}},
    "deepseek": {"max_tokens": 3},
    "groq": {"max_completion_tokens": 3},
}


@pytest.mark.parametrize("name", LIMITS)
def test_a_limit_cuts(name: str) -> None:
    """
    No more words than tokens, and the reason says why.
    """
    way, most = WAYS[name], 16 if name == "openai-responses" else 3
    got = way.send(way.body("words: 40", **LIMITS[name]))
    answer = read(way, got, False)

    assert answer.candidates[0].finish is Finish.LENGTH
    assert len(way.text(got.json).split()) == most
    assert got.bill is not None
    assert got.bill.output_tokens == most


def test_thoughts_count_against_the_limit() -> None:
    """
    Who thinks 64 tokens of 70 has 6 left to speak; who has 50 says nothing.
    """
    way = WAYS["openai-responses"]
    for most, words in ((70, 6), (50, 0)):
        got = way.send(way.body("think hard: words: 40", max_output_tokens=most))
        assert got.json["status"] == "incomplete"
        assert len(way.text(got.json).split()) == words
        assert got.json["usage"]["output_tokens"] == most


SEEN: dict[str, Any] = {
    "openai-chat": {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
    "openai-responses": {"type": "input_image", "image_url": f"data:image/png;base64,{PIXEL}", "detail": "auto"},
    "anthropic": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
    "gemini": {"inlineData": {"mimeType": "image/png", "data": PIXEL}},
    "bedrock-nova": {"image": {"format": "png", "source": {"bytes": PIXEL}}},
    "mistral": {"type": "image_url", "image_url": f"data:image/png;base64,{PIXEL}"},
}


@pytest.mark.parametrize("name", SEEN)
def test_a_picture_is_seen(name: str) -> None:
    """
    The answer says what kind it is and how large.
    """
    way = WAYS[name]
    body = way.body("hello")
    turn = way.turns(body)[-1]
    text = {"openai-responses": {"type": "input_text", "text": "hello"}, "bedrock-nova": {"text": "hello"}, "gemini": {"text": "hello"}}
    turn["parts" if name == "gemini" else "content"] = [text.get(name, {"type": "text", "text": "hello"}), SEEN[name]]

    assert "I see image/png, 70 bytes" in way.text(way.send(body).json)


REASONS = {
    "openai-chat": ("content_filter", lambda got: got["choices"][0]["finish_reason"]),
    "openai-responses": ("content_filter", lambda got: got["incomplete_details"]["reason"]),
    "anthropic": ("refusal", lambda got: got["stop_reason"]),
    "gemini": ("PROHIBITED_CONTENT", lambda got: got["candidates"][0]["finishReason"]),
    "bedrock-nova": ("guardrail_intervened", lambda got: got["stopReason"]),
}


@pytest.mark.parametrize("name", REASONS)
def test_the_filter_cuts(name: str) -> None:
    """
    `filter this` ends an answer as the provider's filter would.
    """
    word, find = REASONS[name]

    assert find(WAYS[name].send(WAYS[name].body("filter this")).json) == word


def test_several_answers_at_once() -> None:
    """
    `n` choices, billed each; a stream numbers them.
    """
    way = WAYS["openai-chat"]
    one, two = way.send(way.body("hello")), way.send(way.body("hello", n=2))
    chunks = way.send(way.body("hello", n=2), stream=True).events

    assert [choice["index"] for choice in two.json["choices"]] == [0, 1]
    assert two.json["usage"]["completion_tokens"] == 2 * one.json["usage"]["completion_tokens"]
    assert {choice["index"] for chunk in chunks for choice in chunk["choices"]} == {0, 1}


def test_pieces_of_parallel_calls_may_come_in_turns() -> None:
    """
    `interleave` mixes them as some servers do; each piece says whose it is.
    """
    way = WAYS["openai-chat"]
    got = way.send(way.body("interleave, use all tools", tools=True), stream=True)
    deltas = [call for chunk in got.events for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", ())]

    assert [delta["index"] for delta in deltas[:4]] == [0, 1, 0, 1]
    assert [call for call in gist(read(way, got, True)) if isinstance(call, tuple)] == [
        ("get_weather", {"city": "harbour"}),
        ("get_time", {"city": "harbour 2"}),
    ]


def test_old_functions_are_called_in_the_old_way() -> None:
    """
    `functions` get a `function_call`, in a stream too.
    """
    way = WAYS["openai-chat"]
    body = way.body("use tool", functions=[{"name": "old", "parameters": {"type": "object", "properties": {}}}])
    choice = way.send(body).json["choices"][0]
    last = way.send(body, stream=True).events[-1]

    assert (choice["finish_reason"], choice["message"]["function_call"]) == ("function_call", {"name": "old", "arguments": "{}"})
    assert last["choices"][0]["finish_reason"] == "function_call"


def test_likelihoods_where_asked() -> None:
    """
    One entry a word, with as many others as wanted.
    """
    way = WAYS["openai-chat"]
    choice = way.send(way.body("echo: one two", logprobs=True, top_logprobs=2)).json["choices"][0]

    assert [entry["token"] for entry in choice["logprobs"]["content"]] == ["one", " two"]
    assert all(len(entry["top_logprobs"]) == 2 for entry in choice["logprobs"]["content"])
