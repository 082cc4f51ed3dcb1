"""
Google's own SDK as the client of what we write: answers, streams, chats that call functions by themselves.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from gemini_cases import CALL_ID, CASES, NOW, document, sent
from google import genai
from google.genai import errors, types

from excise.wire.dialect import Asked, Envelope
from excise.wire.dialects.gemini import GEMINI
from excise.wire.events import Event, Failed, Ping
from excise.wire.neutral import Answer, Candidate, Finish, Part, Reasoning, Request, Text, ToolCall, ToolResult
from excise.wire.sequence import replay
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage

MODEL = "gemini-3-flash-preview"
USAGE = Usage(uncached_input_tokens=5, cache_read_tokens=3, text_output_tokens=4, reasoning_tokens=2)


class Service:
    """
    Answers the SDK with neutral answers, as a provider of another dialect gave them; keeps the requests it read.
    """

    def __init__(self, *answers: Answer, last: Event | None = None) -> None:
        self.requests: list[Request] = []
        self._answers = iter(answers)
        self._last = last
        transport = httpx.MockTransport(self._serve)
        options = types.HttpOptions(httpx_client=httpx.Client(transport=transport))
        self.client = genai.Client(api_key="none", http_options=options)

    def _serve(self, request: httpx.Request) -> httpx.Response:
        envelope = Envelope(model=MODEL, stream="streamGenerateContent" in request.url.path)
        self.requests.append(GEMINI.decode_request(json.loads(request.content), envelope))
        asked = Asked(self.requests[-1], envelope, MODEL, "anthropic", "anthropic-messages", CALL_ID, NOW)
        answer = next(self._answers)
        if not envelope.stream:
            return httpx.Response(200, json=GEMINI.encode_answer(answer, asked))
        encoder = GEMINI.stream_encoder(asked)
        events = replay(answer) if self._last is None else [*replay(answer)[:-2], self._last]
        body = b"".join(encoder.feed(Ping()) + encoder.feed(event) for event in events)
        return httpx.Response(200, headers={"content-type": GEMINI.content_type}, content=body)


def answer(*parts: Part, finish: Finish = Finish.STOP) -> Answer:
    return Answer("anthropic-messages", (Candidate(parts, finish),), id="msg_1", model="claude", usage=USAGE)


def asking(client: genai.Client, *, stream: bool) -> Iterator[types.GenerateContentResponse]:
    ask: Callable[..., Any] = client.models.generate_content_stream if stream else client.models.generate_content
    found = ask(model=MODEL, contents="Hello")
    yield from found if stream else [found]


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_is_read(stream: bool) -> None:
    """
    Text, reason, usage, model and id stand where the SDK looks for them.
    """
    *_, last = found = list(asking(Service(answer(Text(text="Hi "), Text(text="Ada."))).client, stream=stream))

    assert "".join(one.text or "" for one in found) == "Hi Ada."
    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.STOP
    assert last.usage_metadata is not None
    assert (last.usage_metadata.prompt_token_count, last.usage_metadata.cached_content_token_count) == (8, 3)
    assert (last.usage_metadata.thoughts_token_count, last.usage_metadata.total_token_count) == (2, 14)
    assert {(one.response_id, one.model_version) for one in found} == {("msg_1", MODEL)}


@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_read(stream: bool) -> None:
    """
    The reason says it, and there is no text.
    """
    *_, last = asking(Service(answer(finish=Finish.FILTER)).client, stream=stream)

    assert last.candidates is not None
    assert last.candidates[0].finish_reason is types.FinishReason.SAFETY
    assert not last.text


def get_weather(city: str) -> str:
    """
    Weather now.
    """
    return f"18 C in {city}"


THOUGHT = Reasoning(text="Let me look.", signature="c2ln")
CALL = ToolCall(id="toolu_1", name="get_weather", arguments={"city": "Oslo"})
ANSWERS = (answer(THOUGHT, CALL, finish=Finish.TOOL), answer(Text(text="18 "), Text(text="C.")), answer(Text(text="Bye.")))


@pytest.mark.parametrize("thoughts", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_a_chat_calls_functions_by_itself(stream: bool, thoughts: bool) -> None:
    """
    The SDK calls what the model asks for and sends the result back; every turn stays in the chat's history, and with it the proof of the
    thought that led to the call, so that its maker gets it back whole.
    """
    service = Service(*ANSWERS)
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel.LOW) if thoughts else None
    chat = service.client.chats.create(model=MODEL, config=types.GenerateContentConfig(tools=[get_weather], thinking_config=thinking))
    said = []
    for message in ("Weather in Oslo?", "Thanks."):
        found = chat.send_message_stream(message) if stream else [chat.send_message(message)]
        said.append("".join(part.text or "" for one in found for part in one.parts or () if not part.thought))

    assert said == ["18 C.", "Bye."]
    assert chat.get_history() == chat.get_history(curated=True)
    parts = [part for turn in service.requests[-1].turns for part in turn.parts if part != Text(text="")]
    assert parts[:4] == [
        Text(text="Weather in Oslo?"),
        Reasoning(text="Let me look.", signature="c2ln", origin="anthropic", summary=True),
        CALL,
        ToolResult(call_id="toolu_1", name="get_weather", parts=(Text(text="18 C in Oslo"),)),
    ]
    assert "".join(part.text for part in parts[4:] if isinstance(part, Text)) == "18 C.Thanks."
    assert service.requests[-1].tools[0].schema == {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def test_an_error_inside_a_stream_is_no_end() -> None:
    """
    What came is read; the stream does not look as if it had ended well.
    """
    service = Service(answer(Text(text="Par")), last=Failed(Fault(status=503, sort="overload", message="busy")))
    found: list[types.GenerateContentResponse] = []
    try:
        found.extend(asking(service.client, stream=True))
    except errors.APIError as error:
        assert error.code == 503
    reasons = [candidate.finish_reason for one in found for candidate in one.candidates or ()]

    assert "".join(one.text or "" for one in found) in ("Par", "")
    assert not any(reasons)


@pytest.mark.parametrize("name", CASES)
def test_what_we_write_has_the_sdk_s_form(name: str) -> None:
    """
    Every case's answer and request, written anew, is what the SDK's types allow, without a field they do not know.
    """
    found = GEMINI.decode_answer(document(name, "answer"), sent())
    request = GEMINI.decode_request(document(name, "request"), Envelope(model=MODEL))
    asked = Asked(request, Envelope(model=MODEL), MODEL, "anthropic", "anthropic-messages", CALL_ID, NOW)
    body = GEMINI.encode_answer(Answer("anthropic-messages", found.candidates, found.id, created=NOW, usage=USAGE), asked)

    types.GenerateContentResponse.model_validate(body)
    again = Request("openai-chat", MODEL, request.turns, tools=request.tools, output=request.output, sampling=request.sampling)
    written = GEMINI.encode_request(again, sent().target).body
    for content in written["contents"]:
        types.Content.model_validate(content)
    for tool in written.get("tools", ()):
        types.Tool.model_validate(tool)
    types.GenerationConfig.model_validate(written.get("generationConfig", {}))
