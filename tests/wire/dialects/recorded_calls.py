"""
Recorded calls that ask a model for text, as the proxy would see them, and their way through a translation.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from itertools import chain, repeat
from typing import Any
from urllib.parse import urlsplit

import orjson

from excise.catalog.models import Models
from excise.catalog.providers import Catalog
from excise.catalog.traits import traits_of
from excise.errors import BadRequest, ExciseError
from excise.exchange import Call, HttpRequest, Prompt
from excise.routing.targets import GENERATES
from excise.stages.route import envelope_of
from excise.wire.answer import AnswerDecoder
from excise.wire.coding import decode_body
from excise.wire.dialect import Asked, Dialect, Encoded, Envelope, Sent, Target
from excise.wire.dialects.registry import DIALECTS, dialect_of
from excise.wire.eventstream import encode_message
from excise.wire.frame import Frame, Framing
from excise.wire.meter import Meter
from excise.wire.neutral import Answer, Image, ReasoningAsk, Request, Text, ToolResult, Turn
from excise.wire.request import read_prompt
from excise.wire.sequence import Assembler
from excise.wire.translate import Translation
from excise.wire.upstream_error import Fault, fault_of, read_fault
from excise.wire.usage import Usage
from recordings import header, headers, records, request_body, response_body, response_encoding

CALL_ID = "0123456789abcdef0123456789abcdef"
NOW = 1_786_082_890  # unix seconds
LIMIT_BYTES = 64 << 20
USUAL_BYTES = 4096  # of a piece of the network, where the recording kept no sizes

CATALOG = Catalog.load()

# Names of the recordings that are not the catalogue's.
_PROVIDERS = {"azure": "azure-openai", "llama.cpp": "llamacpp", "local-openai": "vllm"}

_CONTENT_TYPES = {
    "sse": "text/event-stream",
    "events-one-json-per-line": "application/x-ndjson",
    "json": "application/json",
    "html": "text/html",
    "text": "text/plain",
}

# Who answers in a dialect, and who does where there are pictures to be seen.
AIMS = {
    "openai-chat": ("openai", "gpt-4.1", "gpt-4.1"),
    "openai-responses": ("openai", "gpt-5.2", "gpt-5.2"),
    "anthropic-messages": ("anthropic", "claude-sonnet-4-5", "claude-sonnet-4-5"),
    "gemini": ("gemini", "gemini-2.5-flash", "gemini-2.5-flash"),
    "bedrock-converse": ("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    "cohere-v2": ("cohere", "command-a-03-2025", "command-a-vision-07-2025"),
    "mistral-chat": ("mistral", "mistral-medium-latest", "mistral-medium-latest"),
    "ollama": ("ollama", "qwen3", "gemma3"),
}


@dataclass(frozen=True)
class Recorded:
    """
    One recorded call.

    Attributes:
        call: As the proxy recognises it.
        prompt: As the proxy reads the request; its `json` is `None` where none was recorded.
    """

    record: Mapping[str, Any] = field(repr=False)
    call: Call
    dialect: Dialect
    envelope: Envelope
    prompt: Prompt

    @property
    def id(self) -> str:
        return str(self.record["id"])

    @property
    def status(self) -> int:
        return int(self.record["response"]["status"] or 200)

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        return headers(self.record["response"])

    @property
    def model(self) -> str:
        return self.prompt.model or self.record["meta"].get("model") or "a-model"

    @property
    def target(self) -> Target:
        return target(self.call.provider, self.dialect.name, self.model)

    @cached_property
    def request(self) -> Request:
        """
        Raises:
            BadRequest: It is not one of its dialect.
        """
        return self.dialect.decode_request(self.prompt.json, self.envelope)

    @property
    def readable(self) -> bool:
        if self.prompt.json is None:
            return False
        try:
            return self.request is not None
        except BadRequest:
            return False

    @cached_property
    def body(self) -> bytes:
        """
        The answer's, without its content coding.
        """
        if self.record["meta"]["wire"] == "events-one-json-per-line" and self.dialect.name == "bedrock-converse":
            events = [orjson.loads(line) for line in response_body(self.record).splitlines() if line]
            return b"".join(_message(name, data) for event in events for name, data in event.items())
        return decode_body(response_encoding(self.record), response_body(self.record), LIMIT_BYTES)

    @property
    def content_type(self) -> str | None:
        if self.record["response"]["headers"] is None:
            wire = self.record["meta"]["wire"]
            return None if wire.startswith("events") and self.dialect.name == "bedrock-converse" else _CONTENT_TYPES.get(wire)
        return header(self.record["response"], "content-type")

    @cached_property
    def arrival(self) -> Arrival:
        """
        The answer as the network brought it, where the sizes of its pieces were recorded.
        """
        return self.cut(self.record["meta"].get("response_chunk_sizes") or ())

    def cut(self, sizes: Iterable[int], bytes_: int | None = None) -> Arrival:
        return arrival(self.body[:bytes_], sizes, self.content_type, self.call)

    def cut_at_random(self) -> Arrival:
        sizes = random.Random(self.id)
        return self.cut(iter(lambda: sizes.choice((1, 3, 17, 64, 700, 4096)), 0))


def _message(event: str, data: Any) -> bytes:
    return encode_message({":event-type": event, ":content-type": "application/json", ":message-type": "event"}, orjson.dumps(data))


def target(provider: str, dialect: str, model: str) -> Target:
    return Target(provider, dialect, model, traits_of(Models.load(), provider, model))


def aim(dialect: str, request: Request) -> Target:
    """
    A target that speaks `dialect`, fit for the pictures of the request.
    """
    provider, model, sighted = AIMS[dialect]
    parts = [part for turn in request.turns for part in turn.parts]
    parts += [inner for part in parts if isinstance(part, ToolResult) for inner in part.parts]
    return target(provider, dialect, sighted if any(isinstance(part, Image) for part in parts) else model)


# -- picking ---------------------------------------------------------------------------------------------------------------------------


@cache
def calls() -> tuple[Recorded, ...]:
    """
    Every recorded call for generated text in a dialect we speak.
    """
    return tuple(found for record in records() if (found := _recorded(record)) is not None)


@cache
def bodies() -> tuple[Recorded, ...]:
    """
    Answers recorded without their requests, from projects that kept no more: odd, cut, made by hand.
    """
    found = []
    for record in records("responses_only"):
        meta = record["meta"]
        provider = _PROVIDERS.get(meta["provider"], meta["provider"])
        dialect = dialect_of(provider, meta["protocol"])
        if dialect is not None:
            whole = {**record, "response": {**record["response"], "headers": None}}
            call = Call(provider=provider, operation="chat", dialect=meta["protocol"], model_at="body")
            prompt = Prompt(body=b"", json=None, model=None, stream=bool(meta["stream"]))
            found.append(Recorded(whole, call, dialect, Envelope(stream=prompt.stream), prompt))
    return tuple(found)


def _recorded(record: dict[str, Any]) -> Recorded | None:
    request, meta = record["request"], record["meta"]
    if request["method"] != "POST":
        return None
    url = urlsplit(request["url"])
    path = url.path + (f"?{url.query}" if url.query else "")
    body = request_body(record)
    found = CATALOG.recognise(host=url.hostname or "", method="POST", path=path)
    if found is None:
        sent = Frame(body, None, body).json
        found = CATALOG.looks_like_llm(method="POST", path=url.path, content_type=header(request, "content-type"), body_json=sent)
        if found is None:
            return None
        found = replace(found, provider=_PROVIDERS.get(meta["provider"], meta["provider"]))
    dialect = dialect_of(found.provider, found.dialect)
    if dialect is None or found.operation not in GENERATES:
        return None
    http = HttpRequest("POST", "https", url.hostname or "", 443, path, headers(request), body)
    try:
        prompt = read_prompt(found, http, limit=LIMIT_BYTES, pseudonym=str)
    except ExciseError:  # no strict JSON: the proxy refuses it, whatever the provider made of it
        prompt = Prompt(body=body, json=None, model=meta["model"], stream=bool(meta["stream"]))
    return Recorded(record, found, dialect, envelope_of(http, prompt, found.model, found.dialect), prompt)


# -- answers ---------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Arrival:
    """
    An answer on its way: the frames which each piece of the network completes, and how the body is framed.
    """

    batches: tuple[list[Frame], ...]
    framing: Framing

    @property
    def frames(self) -> list[Frame]:
        return [frame for batch in self.batches for frame in batch]

    @property
    def streamed(self) -> bool:
        return self.framing is not Framing.JSON


def arrival(body: bytes, sizes: Iterable[int], content_type: str | None, call: Call) -> Arrival:
    """
    A body that comes in pieces of these sizes, and then of the usual one.
    """
    decoder = AnswerDecoder(
        content_type=content_type, content_encoding=None, dialect=call.dialect, operation=call.operation, limit=LIMIT_BYTES
    )
    batches = [decoder.feed(piece) for piece in _pieces(body, sizes)]
    return Arrival((*batches, decoder.close()), decoder.framing)


def _pieces(body: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    at = 0
    for size in chain(sizes, repeat(USUAL_BYTES)):
        if at >= len(body):
            return
        yield body[at : at + size]
        at += size


def read(dialect: Dialect, came: Arrival, sent: Sent) -> Answer | Fault:
    """
    What an answer says, read by its own dialect.
    """
    if not came.streamed:
        document = next((frame.json for frame in came.frames if frame.data is not None), None)
        return fault_of(document) or dialect.decode_answer(document, sent)
    decoder, assembler = dialect.stream_decoder(sent), Assembler()
    for event in [event for frame in came.frames if frame.data is not None for event in decoder.feed(frame)] + decoder.close():
        assembler.feed(event)
    return assembler.fault or assembler.answer(dialect.name)


def metered(call: Call, came: Arrival) -> Usage:
    """
    What an answer says it used.
    """
    reader = Meter(call, None)
    for frame in came.frames:
        reader.observe(frame)
    return reader.usage


@dataclass(frozen=True)
class Given:
    """
    What a client gets for a recorded answer.
    """

    client: Dialect
    made: Translation
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    @property
    def call(self) -> Call:
        """
        As which the client's own provider would have been called for it.
        """
        dialect = "openai-chat" if self.client.name == "mistral-chat" else self.client.name
        return Call(provider=AIMS[self.client.name][0], operation="chat", dialect=dialect, model_at="body")

    @cached_property
    def arrival(self) -> Arrival:
        return arrival(self.body, (), dict(self.headers).get("content-type"), self.call)

    def read(self) -> Answer | Fault:
        """
        What the client reads.
        """
        if self.status >= 400:
            return read_fault(self.client.name, self.status, self.headers, self.body)
        provider, model, _ = AIMS[self.client.name]
        return read(self.client, self.arrival, Sent(Target(provider, self.client.name, model)))

    @property
    def usage(self) -> Usage:
        return metered(self.call, self.arrival)


def words_for(client: Dialect, one: Recorded, *, stream: bool) -> Any:
    """
    What a client of another dialect wrote that was answered so: the recorded request in its words, or, where there are none, a plain one.
    """
    plain = Request(dialect="?", model="asked-for", turns=(Turn("user", (Text(text="Hi."),)),))
    for request in (one.request, plain) if one.readable else (plain,):
        encoded = client.encode_request(replace(request, dialect="?", stream=stream, include_usage=True), aim(client.name, request))
        if not any(loss.fatal for loss in encoded.losses):
            return encoded.body
    raise AssertionError(one.id)


def give(one: Recorded, client: Dialect, *, stream: bool, came: Arrival | None = None) -> Given:
    """
    A recorded answer on its way to a client of another dialect, as the stages pass it on. The client wants to see thoughts.
    """
    envelope = Envelope(model="asked-for" if client.name in ("gemini", "bedrock-converse") else None, stream=stream)
    request = client.decode_request(words_for(client, one, stream=stream), envelope)
    request = replace(request, reasoning=replace(request.reasoning or ReasoningAsk(), visible=True))
    asked = Asked(request, envelope, "asked-for", one.target.origin, one.dialect.name, CALL_ID, NOW)
    made = Translation(client, one.dialect, asked, Encoded({}, (), Sent(one.target)))
    meter = Meter(one.call, None)
    made.answer(one.status, one.headers, lambda: meter.usage, lambda: meter.service_tier)
    came, out = came or one.arrival, []
    for batch in came.batches:
        for frame in batch:
            meter.observe(frame)
        out.append(made.feed(batch, came.framing))
    out.append(made.close())
    return Given(client, made, made.head.status, made.head.headers, b"".join(out))


def others(dialect: Dialect) -> list[Dialect]:
    """
    Every dialect but this one.
    """
    return [other for name, other in DIALECTS.items() if name != dialect.name]
