"""
What is translated in the benchmark: requests, answers and streams of several dialects and sizes, the same bytes for everybody.

Bodies of other dialects are the same conversations, written by our own dialects, whose forms the golden tests hold to the providers'.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import orjson

from bench.scenarios import TEXT
from excise.catalog.models import Models
from excise.catalog.traits import traits_of
from excise.exchange import Call
from excise.wire.dialect import Asked, Envelope, Target
from excise.wire.dialects.registry import DIALECTS
from excise.wire.events import Delta, Ended, Event, Finished, PartEnded, PartStarted, Started
from excise.wire.frame import Framing
from excise.wire.neutral import Answer, Candidate, Finish, Part, Request, Text, ToolCall
from excise.wire.usage import Usage

Json = dict[str, Any]
CALL_ID = "0123456789abcdef0123456789abcdef"
NOW = 1_786_082_890  # unix seconds
USED = Usage(uncached_input_tokens=250, cache_read_tokens=0, text_output_tokens=400)
ANSWER_IDS = {"anthropic-messages": "msg_01XFDUDYJgAACzvnptvVoYEL", "openai-chat": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT"}


@dataclass(frozen=True, slots=True)
class Aim:
    """
    A model that answers. `peer`: the name LiteLLM knows its provider by.
    """

    peer: str
    dialect: str
    provider: str
    model: str

    @property
    def target(self) -> Target:
        return Target(self.provider, self.dialect, self.model, traits_of(Models.load(), self.provider, self.model))

    @property
    def call(self) -> Call:
        return Call(self.provider, "chat", self.dialect, model_at="none", model=self.model)


AIMS = (
    Aim("anthropic", "anthropic-messages", "anthropic", "claude-sonnet-4-5"),
    Aim("gemini", "gemini", "gemini", "gemini-2.5-flash"),
    Aim("bedrock", "bedrock-converse", "bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    Aim("cohere", "cohere-v2", "cohere", "command-a-03-2025"),
)
SEEING_COHERE = Aim("cohere", "cohere-v2", "cohere", "command-a-vision-07-2025")
OPENAI = Aim("openai", "openai-chat", "openai", "gpt-4o-mini")


@dataclass(frozen=True, slots=True)
class Job:
    """
    One thing to translate.

    Attributes:
        kind: request, answer, stream, or call: a request and its answer.
        client: Dialect of who asks.
        pieces: The body, as it comes: a stream event by event, else one piece; of a call both bodies.
        content_type: Of an answer.
    """

    kind: str
    client: str
    aim: Aim
    size: str
    pieces: tuple[bytes, ...] = field(repr=False)
    content_type: str = "application/json"

    @property
    def name(self) -> str:
        ways = (self.client, self.aim.dialect)
        if self.kind == "call":
            return " -> ".join((*ways, self.client))
        return " -> ".join(ways if self.kind == "request" else reversed(ways))

    @property
    def units(self) -> int:
        """
        Events of a stream, else bytes.
        """
        return len(self.pieces) if self.kind == "stream" else sum(map(len, self.pieces))


# -- requests --------------------------------------------------------------------------------------------------------------------------


def say(length: int, random: Random) -> str:
    words = TEXT.split()
    said = ""
    while len(said) < length:
        said += random.choice(words) + (".\n" if random.random() < 0.06 else " ")
    return said[:length]


def tool(number: int, random: Random) -> Json:
    """
    A function as agents offer them: about 1 KB of schema.
    """
    place = {
        "type": "object",
        "description": say(60, random),
        "properties": {"path": {"type": "string", "description": say(70, random)}, "line": {"type": "integer", "minimum": 1}},
        "required": ["path"],
    }
    properties = {
        "query": {"type": "string", "description": say(120, random)},
        "mode": {"type": "string", "enum": ["exact", "fuzzy", "semantic"], "description": say(50, random)},
        "limit": {"type": "integer", "minimum": 1, "maximum": 500, "default": 20},
        "places": {"type": "array", "items": place, "description": say(70, random)},
        "flags": {"type": "array", "items": {"type": "string", "enum": ["case", "word", "line"]}},
    }
    schema = {"type": "object", "properties": properties, "required": ["query"], "additionalProperties": False}
    return {"type": "function", "function": {"name": f"search_{number}", "description": say(150, random), "parameters": schema}}


def turns(count: int, length: int, random: Random) -> Iterator[Json]:
    """
    `count` messages of about that many characters, a call and its result among every four.
    """
    for number in range(count // 4):
        id_ = f"call_{random.randbytes(12).hex()}"
        arguments = json.dumps({"query": say(60, random), "limit": 5})
        call = {"id": id_, "type": "function", "function": {"name": "search_0", "arguments": arguments}}
        yield {"role": "user", "content": say(length, random)}
        yield {"role": "assistant", "content": say(length // 4, random), "tool_calls": [call]}
        yield {"role": "tool", "tool_call_id": id_, "content": say(length, random)}
        yield {"role": "assistant", "content": say(length, random) + str(number)}


def picture(length: int, random: Random) -> Json:
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.randbytes(length * 3 // 4)).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}


def chat(size: str, *, model: str = "gpt-4o-mini") -> Json:
    """
    A chat completion request of one of the sizes.
    """
    random = Random(size)
    system = {"role": "system", "content": say(200, random)}
    settings: Json = {"model": model, "temperature": 0.5, "max_tokens": 1024}
    match size:
        case "1 KB":
            messages = [system, {"role": "user", "content": say(650, random)}]
        case "8 KB, tools":
            messages = [system, *turns(4, 350, random), {"role": "user", "content": say(300, random)}]
            settings |= {"tools": [tool(number, random) for number in range(6)], "tool_choice": "auto", "stop": ["END"]}
        case "64 KB, 80 turns":
            messages = [system, *turns(80, 830, random), {"role": "user", "content": say(500, random)}]
            settings |= {"tools": [tool(number, random) for number in range(6)], "tool_choice": "auto"}
        case "1 MB, 2 images":
            content = [{"type": "text", "text": say(300, random)}, picture(512_000, random), picture(512_000, random)]
            messages = [system, {"role": "user", "content": content}]
        case _:
            raise ValueError(size)
    return {**settings, "messages": messages}


SIZES = ("1 KB", "8 KB, tools", "64 KB, 80 turns", "1 MB, 2 images")


def requests() -> Iterator[Job]:
    for size in SIZES:
        body = orjson.dumps(chat(size))
        for aim in AIMS:
            sees = SEEING_COHERE if "images" in size and aim.peer == "cohere" else aim
            yield Job("request", "openai-chat", sees, size, (body,))
        asked = asked_of("openai-chat", chat(size))
        body = orjson.dumps(DIALECTS["anthropic-messages"].encode_request(asked, AIMS[0].target).body)
        yield Job("request", "anthropic-messages", OPENAI, size, (body,))


# -- answers ---------------------------------------------------------------------------------------------------------------------------


def asked_of(dialect: str, body: Json, *, stream: bool = False) -> Request:
    return DIALECTS[dialect].decode_request(body, Envelope(stream=stream))


@cache
def about(client: str, aim: Aim, *, stream: bool = False) -> Asked:
    """
    A call that offered tools, as the encoders of its answer know it.
    """
    body: Json = chat("8 KB, tools") | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})
    request = asked_of("openai-chat", body, stream=stream)
    if client != "openai-chat":
        request = asked_of(client, DIALECTS[client].encode_request(request, AIMS[0].target).body, stream=stream)
    return Asked(request, Envelope(stream=stream), "gpt-4o-mini", aim.provider, aim.dialect, CALL_ID, NOW)


def call(number: int, length: int, random: Random) -> ToolCall:
    arguments = {"query": say(length, random), "limit": number}
    return ToolCall(id=f"call_{random.randbytes(9).hex()}", name=f"search_{number}", arguments=arguments)


def parts_of(size: str) -> tuple[Part, ...]:
    random = Random(size)
    match size:
        case "1 KB":
            return (Text(text=say(800, random)),)
        case "4 KB, calls":
            return (Text(text=say(1500, random)), *(call(number, 600, random) for number in range(3)))
        case "64 KB":
            return (Text(text=say(64_000, random)),)
        case _:
            raise ValueError(size)


def whole(aim: Aim, size: str) -> bytes:
    """
    What the provider answers, in one document.
    """
    parts = parts_of(size)
    finish = Finish.TOOL if any(isinstance(part, ToolCall) for part in parts) else Finish.STOP
    answer = Answer(
        dialect="made",
        candidates=(Candidate(parts, finish),),
        id=ANSWER_IDS.get(aim.dialect, "answer-1"),
        model=aim.model,
        created=NOW,
        usage=USED,
    )
    return orjson.dumps(DIALECTS[aim.dialect].encode_answer(answer, about("openai-chat", aim)))


def answers() -> Iterator[Job]:
    for size in ("1 KB", "4 KB, calls", "64 KB"):
        for aim in AIMS:
            yield Job("answer", "openai-chat", aim, size, (whole(aim, size),))
        yield Job("answer", "anthropic-messages", OPENAI, size, (whole(OPENAI, size),))


def calls() -> Iterator[Job]:
    """
    Requests and their buffered answers, to providers for which LiteLLM takes a transport of ours.
    """
    for size, answered in (("1 KB", "1 KB"), ("8 KB, tools", "4 KB, calls"), ("64 KB, 80 turns", "1 KB")):
        body = orjson.dumps(chat(size))
        for aim in AIMS:
            if aim.peer in ("anthropic", "gemini"):
                yield Job("call", "openai-chat", aim, size, (body, whole(aim, answered)))


# -- streams ---------------------------------------------------------------------------------------------------------------------------


def events(size: str, count: int, random: Random) -> Iterator[Event]:
    """
    About `count` deltas: all of them text, or a little text and the arguments of two calls.
    """
    yield Started(None, None, NOW)
    written = count if size == "text" else count // 8
    yield PartStarted(Text(text=""))
    yield from (Delta(" " + random.choice(TEXT.split())) for _ in range(written))
    yield PartEnded()
    if size == "calls":
        for number in range(2):
            made = call(number, 0, random)
            text = json.dumps({"query": say((count - written) * 6, random)})
            yield PartStarted(ToolCall(id=made.id, name=made.name, arguments={}))
            yield from (Delta(text[at : at + 12]) for at in range(0, len(text), 12))
            yield PartEnded()
    yield Finished(Finish.STOP if size == "text" else Finish.TOOL)
    yield Ended(USED)


def frames(aim: Aim, made: Sequence[Event]) -> tuple[bytes, ...]:
    """
    The events as the provider writes them, a piece each.
    """
    encoder = DIALECTS[aim.dialect].stream_encoder(about("openai-chat", aim, stream=True))
    written = b"".join(map(encoder.feed, made))
    if DIALECTS[aim.dialect].framing is Framing.EVENTSTREAM:
        return tuple(_messages(written))
    if DIALECTS[aim.dialect].framing is Framing.NDJSON:
        return tuple(written.splitlines(keepends=True))
    return tuple(re.findall(rb".+?(?:\r\n\r\n|\n\n)", written, re.DOTALL))


def _messages(written: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(written):
        length = int.from_bytes(written[at : at + 4], "big")
        yield written[at : at + length]
        at += length


def streams(count: int = 400) -> Iterator[Job]:
    for size in ("text", "calls"):
        made = list(events(size, count, Random(size)))
        for aim in (*AIMS, OPENAI):
            client = "anthropic-messages" if aim is OPENAI else "openai-chat"
            yield Job("stream", client, aim, size, frames(aim, made), DIALECTS[aim.dialect].content_type)
