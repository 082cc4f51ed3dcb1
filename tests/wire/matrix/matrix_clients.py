"""
The official SDK of every dialect, reading what our clients get: strictly typed, each event and each answer.

An SDK forgives much by itself. So beside what it makes of an answer, the JSON is validated against the SDK's own types without coercion,
and every member those types do not know is told (`unknown`).
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import anthropic
import boto3
import cohere
import httpx
import httpx2
import ollama
import openai
from anthropic.types import Message, RawMessageStreamEvent
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.model import Shape
from google import genai
from google.genai import types as google
from matrix_cells import DIALECTS, LIMIT_BYTES, Given
from mistralai.client import Mistral
from mistralai.client import models as mistral
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from excise.wire.answer import AnswerDecoder
from excise.wire.frame import Frame


@dataclass(frozen=True, slots=True)
class Counts:
    """
    Tokens as the client adds them up: all input, all output, and parts of them. `None`: it is not told.
    """

    input: int | None
    output: int | None
    cached: int | None = None
    written: int | None = None
    reasoning: int | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """
    What an application learns from an answer, through the SDK.
    """

    text: str
    calls: tuple[tuple[str, Any], ...]
    call_ids: tuple[str, ...]
    thoughts: str
    proof: str | None  # opaque: signature, encrypted thoughts
    refusal: str
    finish: str
    counts: Counts
    id: str | None
    model: str | None


# -- what the types say ----------------------------------------------------------------------------------------------------------------


def unknown(value: Any, said: Any, place: str = "") -> Iterator[str]:
    """
    Members of the JSON that the SDK's types do not know, as places without indices.
    """
    if isinstance(value, BaseModel) and isinstance(said, dict):
        names = {}
        for name, known in type(value).model_fields.items():
            names |= {alias: name for alias in (name, known.alias, known.validation_alias) if isinstance(alias, str)}
        for name, inner in said.items():
            path = f"{place}.{name}" if place else name
            if name in names:
                yield from unknown(getattr(value, names[name]), inner, path)
            else:
                yield path
    elif isinstance(value, list | tuple) and isinstance(said, list):
        for one, inner in zip(value, said, strict=True):
            yield from unknown(one, inner, place)


class Types:
    """
    The SDK's types of an answer and of a stream's event.

    Args:
        strict: Nothing is coerced. Off for Google's, which keep times as objects that JSON has no words for; they forbid unknown members.
    """

    def __init__(self, answer: Any, event: Any, *, strict: bool | None = True) -> None:
        self._answer = TypeAdapter(answer)
        self._event = TypeAdapter(event)
        self._strict = strict

    def answer(self, given: Given) -> set[str]:
        return set(unknown(self._answer.validate_json(given.body, strict=self._strict), given.json))

    def stream(self, frames: list[Frame]) -> set[str]:
        found: set[str] = set()
        for frame in frames:
            if frame.data and frame.data not in (b"[DONE]", b'{"type":"ping"}', b'{"type": "ping"}'):
                found.update(unknown(self._event.validate_json(frame.data, strict=self._strict), frame.json))
        return found


class Shapes:
    """
    The same with AWS's service model, for boto3 itself checks nothing of what it is answered.
    """

    def answer(self, given: Given) -> set[str]:
        return set(self._beside(self._output("Converse"), given.json, ""))

    def stream(self, frames: list[Frame]) -> set[str]:
        event = self._output("ConverseStream").members["stream"]
        return {place for frame in frames for place in self._beside(event.members[frame.event], frame.json, str(frame.event))}

    def _output(self, operation: str) -> Any:
        return bedrock().client.meta.service_model.operation_model(operation).output_shape

    def _beside(self, shape: Shape, said: Any, place: str) -> Iterator[str]:
        match shape.type_name:
            case "structure" if getattr(shape, "is_document_type", False):
                return
            case "structure":
                assert type(said) is dict, place
                missing = set(shape.required_members) - set(said)
                assert not missing, (place, missing)
                assert not getattr(shape, "is_tagged_union", False) or len(said) == 1, place
                for name, inner in said.items():
                    path = f"{place}.{name}" if place else name
                    if name in shape.members:
                        yield from self._beside(shape.members[name], inner, path)
                    else:
                        yield path
            case "list":
                assert type(said) is list, place
                for inner in said:
                    yield from self._beside(shape.member, inner, place)
            case "map":
                assert type(said) is dict, place
            case kind:
                expected = {"string": str, "blob": str, "integer": int, "long": int, "boolean": bool, "double": float, "float": float}[kind]
                assert type(said) is expected, (place, kind)
                assert not (names := getattr(shape, "enum", None)) or said in names, (place, said)


TYPES: dict[str, Any] = {
    "openai-chat": Types(ChatCompletion, ChatCompletionChunk),
    "openai-responses": Types(Response, ResponseStreamEvent),
    "anthropic-messages": Types(Message, RawMessageStreamEvent),
    "gemini": Types(google.GenerateContentResponse, google.GenerateContentResponse, strict=None),
    "bedrock-converse": Shapes(),
    "cohere-v2": Types(cohere.V2ChatResponse, cohere.V2ChatStreamResponse),
    "mistral-chat": Types(mistral.ChatCompletionResponse, mistral.CompletionChunk),
    "ollama": Types(ollama.ChatResponse, ollama.ChatResponse),
}


def frames_of(client: str, body: bytes) -> list[Frame]:
    """
    The frames of a stream a client got.
    """
    kind = DIALECTS[client].content_type
    decoder = AnswerDecoder(content_type=kind, content_encoding=None, dialect=client, operation="chat", limit=LIMIT_BYTES)
    found = decoder.feed(body) + decoder.close()
    assert not decoder.broken
    return [frame for frame in found if frame.data is not None]


# -- what the SDKs make of it ----------------------------------------------------------------------------------------------------------


class Served:
    """
    A transport that answers whatever is asked with what was given last. It exists twice, for SDKs of both generations of httpx.
    """

    def __init__(self) -> None:
        self.given = Given(500, (), b"")

    def old(self) -> httpx.Client:
        return httpx.Client(transport=self.old_transport())

    def old_transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(lambda _: httpx.Response(self.given.status, headers=self.given.headers, content=self.given.body))

    def new(self) -> httpx2.Client:
        return httpx2.Client(
            transport=httpx2.MockTransport(
                lambda _: httpx2.Response(self.given.status, headers=list(self.given.headers), content=self.given.body)
            )
        )


_HELLO: Any = [{"role": "user", "content": "Hello."}]


def _only(values: Any) -> Any:
    (value,) = values
    return value


class OpenAIChat:
    def __init__(self) -> None:
        self._served = Served()
        self._client = openai.OpenAI(
            api_key="none", max_retries=0, http_client=self._served.new(), _strict_response_validation=True
        ).chat.completions

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard(self._client.create(model="m", messages=_HELLO))

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        with self._client.stream(model="m", messages=_HELLO) as events:
            for _ in events:
                pass
            try:
                return self._heard(events.get_final_completion())
            except (openai.LengthFinishReasonError, openai.ContentFilterFinishReasonError):
                # So the helper tells that an answer is not whole; what came of it is there.
                return self._heard(events.current_completion_snapshot)

    def _heard(self, answer: Any) -> Heard:
        choice = _only(answer.choices)
        message, usage = choice.message, answer.usage
        calls = message.tool_calls or ()
        sent, made = usage.prompt_tokens_details, usage.completion_tokens_details
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        return Heard(
            text=message.content or "",
            calls=tuple((call.function.name, json.loads(call.function.arguments)) for call in calls),
            call_ids=tuple(call.id for call in calls),
            thoughts=getattr(message, "reasoning_content", None) or "",
            proof=None,
            refusal=message.refusal or "",
            finish=choice.finish_reason,
            counts=Counts(
                usage.prompt_tokens,
                usage.completion_tokens,
                sent.cached_tokens if sent else None,
                getattr(sent, "cache_write_tokens", None),
                made.reasoning_tokens if made else None,
            ),
            id=answer.id,
            model=answer.model,
        )


class OpenAIResponses:
    def __init__(self) -> None:
        self._served = Served()
        self._client = openai.OpenAI(
            api_key="none", max_retries=0, http_client=self._served.new(), _strict_response_validation=True
        ).responses

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard(self._client.create(model="m", input="Hello."))

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        text, refusal, thoughts, arguments, last = "", "", "", [], None
        with self._client.stream(model="m", input="Hello.") as events:
            for number, event in enumerate(events):
                last = event
                assert event.sequence_number == number
                match event.type:
                    case "response.output_text.delta":
                        text += event.delta
                    case "response.refusal.delta":
                        refusal += event.delta
                    case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                        thoughts += event.delta
                    case "response.function_call_arguments.done":
                        arguments.append(json.loads(event.arguments))
        assert last is not None
        heard = self._heard(last.response)
        # The last event repeats the whole answer; the pieces before it must be the same.
        pieces = (text, refusal, thoughts, arguments)
        assert pieces == (heard.text, heard.refusal, heard.thoughts, [arguments for _, arguments in heard.calls])
        if last.type == "response.completed":
            assert events.get_final_response().id == heard.id
        return heard

    def _heard(self, answer: Any) -> Heard:
        contents = [content for item in answer.output if item.type == "message" for content in item.content]
        thoughts = [item for item in answer.output if item.type == "reasoning"]
        calls = [item for item in answer.output if item.type == "function_call"]
        usage = answer.usage
        assert usage.total_tokens == usage.input_tokens + usage.output_tokens
        finish = answer.status if answer.incomplete_details is None else f"{answer.status} {answer.incomplete_details.reason}"
        return Heard(
            text=answer.output_text,
            calls=tuple((call.name, json.loads(call.arguments)) for call in calls),
            call_ids=tuple(call.call_id for call in calls),
            thoughts="".join(part.text for item in thoughts for part in (*item.summary, *(item.content or ()))),
            proof="".join(item.encrypted_content or "" for item in thoughts) or None,
            refusal="".join(content.refusal for content in contents if content.type == "refusal"),
            finish=finish,
            counts=Counts(
                usage.input_tokens,
                usage.output_tokens,
                usage.input_tokens_details.cached_tokens,
                usage.input_tokens_details.cache_write_tokens,
                usage.output_tokens_details.reasoning_tokens,
            ),
            id=answer.id,
            model=answer.model,
        )


class Anthropic:
    def __init__(self) -> None:
        self._served = Served()
        self._client = anthropic.Anthropic(
            api_key="none", max_retries=0, http_client=self._served.new(), _strict_response_validation=True
        ).messages

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard(self._client.create(model="m", max_tokens=9, messages=_HELLO))

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        with self._client.stream(model="m", max_tokens=9, messages=_HELLO) as events:
            return self._heard(events.get_final_message())

    def _heard(self, answer: Any) -> Heard:
        of = {
            kind: [block for block in answer.content if block.type == kind]
            for kind in ("text", "thinking", "redacted_thinking", "tool_use")
        }
        assert sum(map(len, of.values())) == len(answer.content)
        usage, details = answer.usage, answer.usage.output_tokens_details
        assert (answer.stop_sequence is not None) == (answer.stop_reason == "stop_sequence")
        proofs = [block.signature for block in of["thinking"]] + [block.data for block in of["redacted_thinking"]]
        return Heard(
            text="".join(block.text for block in of["text"]),
            calls=tuple((block.name, block.input) for block in of["tool_use"]),
            call_ids=tuple(block.id for block in of["tool_use"]),
            thoughts="".join(block.thinking for block in of["thinking"]),
            proof="".join(proofs) or None,
            refusal="",
            finish=answer.stop_reason,
            counts=Counts(
                usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0),
                usage.output_tokens,
                usage.cache_read_input_tokens,
                usage.cache_creation_input_tokens,
                details.thinking_tokens if details else None,
            ),
            id=answer.id,
            model=answer.model,
        )


class Gemini:
    def __init__(self) -> None:
        self._served = Served()
        self._client = genai.Client(api_key="none", http_options=google.HttpOptions(httpx_client=self._served.old()))

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard([self._client.models.generate_content(model="m", contents="Hello.")])

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard(list(self._client.models.generate_content_stream(model="m", contents="Hello.")))

    def _heard(self, chunks: list[Any]) -> Heard:
        candidates = [_only(chunk.candidates) for chunk in chunks]
        parts = [part for candidate in candidates if candidate.content for part in candidate.content.parts or ()]
        calls = [part.function_call for part in parts if part.function_call]
        *early, last = candidates
        assert all(candidate.finish_reason is None for candidate in early)
        usage = chunks[-1].usage_metadata
        output = None if usage.candidates_token_count is None else usage.candidates_token_count + (usage.thoughts_token_count or 0)
        assert usage.total_token_count == (usage.prompt_token_count or 0) + (output or 0)
        proofs = [part.thought_signature for part in parts if part.thought_signature]
        return Heard(
            text="".join(part.text or "" for part in parts if not part.thought),
            calls=tuple((call.name, call.args) for call in calls),
            call_ids=tuple(call.id or "" for call in calls),
            thoughts="".join(part.text or "" for part in parts if part.thought),
            proof=b"".join(proofs).hex() or None,
            refusal=last.finish_message or "",
            finish=last.finish_reason.value,
            counts=Counts(usage.prompt_token_count, output, usage.cached_content_token_count, None, usage.thoughts_token_count),
            id=_only({chunk.response_id for chunk in chunks}),
            model=_only({chunk.model_version for chunk in chunks}),
        )


class _Body(io.BytesIO):
    """
    A body as botocore reads it: whole, or in pieces.
    """

    def stream(self, size: int = 64, decode_content: bool = False) -> Iterator[bytes]:
        while piece := self.read(64):
            yield piece


class Bedrock:
    def __init__(self) -> None:
        self._given = Given(500, (), b"")
        self.client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            aws_access_key_id="A" * 16,
            aws_secret_access_key="none",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.client.meta.events.register("before-send.bedrock-runtime.*", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, self._given.status, dict(self._given.headers), _Body(self._given.body))

    def plain(self, given: Given) -> Heard:
        self._given = given
        answer = self.client.converse(modelId="m", messages=[])
        content = answer["output"]["message"]["content"]
        return self._heard([block for part in content for block in part.items()], answer, answer)

    def stream(self, given: Given) -> Heard:
        self._given = given
        blocks: dict[int, list[Any]] = {}
        told: dict[str, Any] = {}
        for event in self.client.converse_stream(modelId="m", messages=[])["stream"]:
            ((kind, said),) = event.items()
            if kind == "contentBlockStart":
                blocks.setdefault(said["contentBlockIndex"], []).append(said["start"])
            elif kind == "contentBlockDelta":
                blocks.setdefault(said["contentBlockIndex"], []).append(said["delta"])
            else:
                told[kind] = said
        assert sorted(blocks) == list(range(len(blocks)))
        content = [_joined(blocks[index]) for index in sorted(blocks)]
        return self._heard(content, told["messageStop"], told["metadata"])

    def _heard(self, content: list[tuple[str, Any]], stop: Any, metadata: Any) -> Heard:
        thoughts = [said for kind, said in content if kind == "reasoningContent"]
        calls = [said for kind, said in content if kind == "toolUse"]
        usage = metadata["usage"]
        given = usage["inputTokens"] + usage.get("cacheReadInputTokens", 0) + usage.get("cacheWriteInputTokens", 0)
        assert usage["totalTokens"] == given + usage["outputTokens"]
        proofs = [
            thought.get("reasoningText", {}).get("signature", "") or thought.get("redactedContent", b"").decode() for thought in thoughts
        ]
        return Heard(
            text="".join(said for kind, said in content if kind == "text"),
            calls=tuple((call["name"], call["input"]) for call in calls),
            call_ids=tuple(call["toolUseId"] for call in calls),
            thoughts="".join(thought.get("reasoningText", {}).get("text", "") for thought in thoughts),
            proof="".join(proofs) or None,
            refusal="",
            finish=stop["stopReason"],
            counts=Counts(given, usage["outputTokens"], usage.get("cacheReadInputTokens"), usage.get("cacheWriteInputTokens")),
            id=None,
            model=None,
        )


def _joined(pieces: list[Any]) -> tuple[str, Any]:
    """
    A block of a stream as it stands in an answer.
    """
    if "toolUse" in pieces[0]:
        start, *deltas = pieces
        return "toolUse", {**start["toolUse"], "input": json.loads("".join(delta["toolUse"]["input"] for delta in deltas) or "{}")}
    if "reasoningContent" in pieces[0]:
        said = [piece["reasoningContent"] for piece in pieces]
        if redacted := b"".join(piece.get("redactedContent", b"") for piece in said):
            return "reasoningContent", {"redactedContent": redacted}
        whole = {name: "".join(piece.get(name, "") for piece in said) for name in ("text", "signature")}
        return "reasoningContent", {"reasoningText": {name: value for name, value in whole.items() if value or name == "text"}}
    return "text", "".join(piece["text"] for piece in pieces)


class EndedInError(Exception):
    """
    Cohere's SDK raises nothing where a stream breaks: its last event says so.
    """


class Cohere:
    def __init__(self) -> None:
        self._served = Served()
        self._client = cohere.ClientV2(api_key="none", max_retries=0, httpx_client=self._served.old())

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        answer = self._client.chat(model="m", messages=_HELLO)
        message = answer.message
        assert message.role == "assistant"
        content = [(part.type, part.thinking if part.type == "thinking" else part.text) for part in message.content or ()]
        calls = [(call.id, call.function.name, call.function.arguments) for call in message.tool_calls or ()]
        return self._heard(content, calls, message.tool_plan or "", answer.finish_reason, answer.usage, answer.id)

    def _events(self) -> list[Any]:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The `__fields__` attribute is deprecated")  # read by the SDK itself
            return list(self._client.chat_stream(model="m", messages=_HELLO))

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        content: dict[int, tuple[str, str]] = {}
        calls: dict[int, tuple[str, str, str]] = {}
        plan, ids = "", []
        for event in self._events():
            match event.type:
                case "message-start":
                    ids.append(event.id)
                case "content-start":
                    said = event.delta.message.content
                    assert event.index not in content
                    content[event.index] = (said.type, (said.thinking if said.type == "thinking" else said.text) or "")
                case "content-delta":
                    kind, text = content[event.index]
                    said = event.delta.message.content
                    content[event.index] = (kind, text + (said.thinking if kind == "thinking" else said.text))
                case "tool-plan-delta":
                    plan += event.delta.message.tool_plan
                case "tool-call-start":
                    call = event.delta.message.tool_calls
                    calls[event.index] = (call.id, call.function.name, call.function.arguments or "")
                case "tool-call-delta":
                    id_, name, text = calls[event.index]
                    calls[event.index] = (id_, name, text + event.delta.message.tool_calls.function.arguments)
                case "message-end":
                    end = event.delta
                    if end.finish_reason == "ERROR":
                        raise EndedInError(end.error)
        return self._heard(list(content.values()), list(calls.values()), plan, end.finish_reason, end.usage, _only(ids))

    def _heard(self, content: Any, calls: Any, plan: str, finish: str, usage: Any, id_: str | None) -> Heard:
        assert all(kind in ("text", "thinking") for kind, _ in content)
        return Heard(
            text=plan + "".join(text for kind, text in content if kind == "text"),
            calls=tuple((name, json.loads(arguments)) for _, name, arguments in calls),
            call_ids=tuple(call for call, _, _ in calls),
            thoughts="".join(text for kind, text in content if kind == "thinking"),
            proof=None,
            refusal="",
            finish=finish,
            counts=Counts(
                int(usage.billed_units.input_tokens),
                int(usage.billed_units.output_tokens),
                None if usage.cached_tokens is None else int(usage.cached_tokens),
            ),
            id=id_,
            model=None,
        )


class MistralAI:
    def __init__(self) -> None:
        self._served = Served()
        self._client = Mistral(api_key="none", client=self._served.new()).chat

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        answer = self._client.complete(model="m", messages=_HELLO)
        choice = _only(answer.choices)
        calls = [(call.id, call.function.name, call.function.arguments) for call in choice.message.tool_calls or ()]
        return self._heard(*_spoken(choice.message.content), calls, choice.finish_reason, answer)

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        text, thoughts, finish, last = "", "", [], None
        calls: dict[int, tuple[str, str, str]] = {}
        for event in self._client.stream(model="m", messages=_HELLO):
            last = event.data
            for choice in last.choices:
                said, thought = _spoken(choice.delta.content)
                text, thoughts = text + said, thoughts + thought
                if choice.finish_reason:
                    finish.append(choice.finish_reason)
                for call in choice.delta.tool_calls or ():
                    id_, name, arguments = calls.get(call.index, (call.id, "", ""))
                    calls[call.index] = (id_, name + (call.function.name or ""), arguments + call.function.arguments)
        return self._heard(text, thoughts, list(calls.values()), _only(finish), last)

    def _heard(self, text: str, thoughts: str, calls: Any, finish: Any, answer: Any) -> Heard:
        usage = answer.usage
        assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
        details = (usage.model_extra or {}).get("prompt_tokens_details") or {}
        return Heard(
            text=text,
            calls=tuple((name, json.loads(arguments)) for _, name, arguments in calls),
            call_ids=tuple(call for call, _, _ in calls),
            thoughts=thoughts,
            proof=None,
            refusal="",
            finish=str(finish),
            counts=Counts(usage.prompt_tokens, usage.completion_tokens, details.get("cached_tokens")),
            id=answer.id,
            model=answer.model,
        )


def _spoken(content: Any) -> tuple[str, str]:
    """
    Text and thoughts of Mistral's content.
    """
    if not content:
        return "", ""
    if isinstance(content, str):
        return content, ""
    assert all(part.type in ("text", "thinking") for part in content)
    text = "".join(part.text for part in content if part.type == "text")
    return text, "".join(inner.text for part in content if part.type == "thinking" for inner in part.thinking)


class Ollama:
    def __init__(self) -> None:
        self._served = Served()
        self._client = ollama.Client(host="http://ollama.test", transport=self._served.old_transport())

    def plain(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard([self._client.chat(model="m", messages=_HELLO)])

    def stream(self, given: Given) -> Heard:
        self._served.given = given
        return self._heard(list(self._client.chat(model="m", messages=_HELLO, stream=True)))

    def _heard(self, chunks: list[Any]) -> Heard:
        *early, last = chunks
        assert last.done is True
        assert not any(chunk.done or chunk.done_reason for chunk in early)
        calls = [call.function for chunk in chunks for call in chunk.message.tool_calls or ()]
        return Heard(
            text="".join(chunk.message.content or "" for chunk in chunks),
            calls=tuple((call.name, dict(call.arguments)) for call in calls),
            call_ids=(),
            thoughts="".join(chunk.message.thinking or "" for chunk in chunks),
            proof=None,
            refusal="",
            finish=last.done_reason,
            counts=Counts(last.prompt_eval_count, last.eval_count),
            id=None,
            model=_only({chunk.model for chunk in chunks}),
        )


@cache
def bedrock() -> Bedrock:
    return Bedrock()


_SDKS: dict[str, Callable[[], Any]] = {
    "openai-chat": cache(OpenAIChat),
    "openai-responses": cache(OpenAIResponses),
    "anthropic-messages": cache(Anthropic),
    "gemini": cache(Gemini),
    "bedrock-converse": bedrock,
    "cohere-v2": cache(Cohere),
    "mistral-chat": cache(MistralAI),
    "ollama": cache(Ollama),
}


def heard(client: str, given: Given, *, stream: bool) -> Heard:
    """
    What the client's SDK makes of what it was given. Raises whatever the SDK does.
    """
    sdk = _SDKS[client]()
    found: Heard = sdk.stream(given) if stream else sdk.plain(given)
    return found


def failure(client: str, given: Given, *, stream: bool) -> tuple[str, str]:
    """
    What the client's SDK raises: the name of its type, and all it says.
    """
    try:
        got = heard(client, given, stream=stream)
    except Exception as error:
        return type(error).__name__, f"{error} {getattr(error, 'body', '')}"
    raise AssertionError(f"nothing was raised: {got}")
