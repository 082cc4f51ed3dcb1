"""
Recorded calls that ask a model for text, as the proxy would see them, and their way through a translation.

All of them with `EXCISE_ALL_RECORDINGS=1`; else a sample in which every provider and every feature of a dialect occurs.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any
from urllib.parse import urlsplit

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
from excise.wire.neutral import Answer, Image, Request, Text, ToolResult, Turn
from excise.wire.request import read_prompt
from excise.wire.sequence import Assembler
from excise.wire.translate import Translation
from excise.wire.upstream_error import Fault, fault_of
from excise.wire.usage import Usage
from recordings import header, headers, records, request_body, response_body, response_encoding

ALL = os.environ.get("EXCISE_ALL_RECORDINGS") == "1"

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
        return headers(self.record["response"])  # type: ignore[arg-type]

    @property
    def model(self) -> str:
        return self.prompt.model or self.record["meta"]["model"] or "a-model"

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
        return decode_body(response_encoding(self.record), response_body(self.record), LIMIT_BYTES)  # type: ignore[arg-type]

    @property
    def content_type(self) -> str | None:
        if self.record["response"]["headers"] is None:
            return _CONTENT_TYPES.get(self.record["meta"]["wire"])
        return header(self.record["response"], "content-type")  # type: ignore[arg-type]

    @cached_property
    def frames(self) -> tuple[list[Frame], Framing]:
        """
        The answer's, cut as the network did where that was recorded.
        """
        return self.cut(self.record["meta"].get("response_chunk_sizes") or ())

    def cut(self, sizes: Sequence[int]) -> tuple[list[Frame], Framing]:
        return cut(self.body, sizes, self.content_type, self.call)

    def cut_at_random(self) -> tuple[list[Frame], Framing]:
        sizes = random.Random(self.id)
        return self.cut([sizes.choice((1, 3, 17, 64, 700, 4096)) for _ in range(len(self.body))])


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
            if meta["protocol"] == "bedrock-converse" and meta["wire"] == "events-one-json-per-line":
                continue
            call = Call(provider=provider, operation="chat", dialect=meta["protocol"], model_at="body")
            prompt = Prompt(body=b"", json=None, model=None, stream=bool(meta["stream"]))
            found.append(Recorded(whole, call, dialect, Envelope(stream=prompt.stream), prompt))
    return tuple(found)


def sampled(found: Sequence[Recorded]) -> list[Recorded]:
    """
    Those that bring something which none before them had: a provider, a way to answer, a feature.
    """
    if ALL:
        return list(found)
    seen: set[tuple[Any, ...]] = set()
    chosen = []
    for one in found:
        meta = one.record["meta"]
        name, failed = one.dialect.name, one.status >= 400
        news = {(name, one.call.provider, meta["wire"], failed)} | {(name, feature, meta["wire"]) for feature in meta.get("features", ())}
        if not news <= seen:
            seen |= news
            chosen.append(one)
    return chosen


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


def cut(body: bytes, sizes: Sequence[int], content_type: str | None, call: Call) -> tuple[list[Frame], Framing]:
    """
    The frames of a body that comes in pieces of these sizes, and then of the usual one.
    """
    decoder = AnswerDecoder(
        content_type=content_type, content_encoding=None, dialect=call.dialect, operation=call.operation, limit=LIMIT_BYTES
    )
    frames = [frame for piece in _pieces(body, sizes) for frame in decoder.feed(piece)] + decoder.close()
    return frames, decoder.framing


def _pieces(body: bytes, sizes: Sequence[int]) -> Iterator[bytes]:
    at = 0
    for size in sizes:
        if at >= len(body):
            return
        yield body[at : at + size]
        at += size
    while at < len(body):
        yield body[at : at + USUAL_BYTES]
        at += USUAL_BYTES


def read(dialect: Dialect, framing: Framing, frames: Sequence[Frame], sent: Sent) -> Answer | Fault:
    """
    What an answer says, read by its own dialect.
    """
    if framing is Framing.JSON:
        document = next((frame.json for frame in frames if frame.data is not None), None)
        return fault_of(document) or dialect.decode_answer(document, sent)
    decoder, assembler = dialect.stream_decoder(sent), Assembler()
    for event in [event for frame in frames if frame.data is not None for event in decoder.feed(frame)] + decoder.close():
        assembler.feed(event)
    return assembler.fault or assembler.answer(dialect.name)


def meter(call: Call, frames: Sequence[Frame]) -> Usage:
    """
    What an answer says it used.
    """
    reader = Meter(call, None)
    for frame in frames:
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
        The client's, as if the body were its own provider's.
        """
        return Call(provider=AIMS[self.client.name][0], operation="chat", dialect=_called(self.client.name), model_at="body")

    @cached_property
    def frames(self) -> tuple[list[Frame], Framing]:
        return cut(self.body, (), dict(self.headers).get("content-type"), self.call)

    def read(self) -> Answer | Fault:
        frames, framing = self.frames
        provider, model, _ = AIMS[self.client.name]
        return read(self.client, framing, frames, Sent(Target(provider, self.client.name, model)))

    @property
    def usage(self) -> Usage:
        return meter(self.call, self.frames[0])


def _called(dialect: str) -> str:
    return "openai-chat" if dialect == "mistral-chat" else dialect


def asked_by(client: Dialect, one: Recorded, *, stream: bool) -> tuple[Request, Envelope]:
    """
    What a client of another dialect asked that was answered so: the recorded request in its words, or, where there are none, a plain one.
    """
    envelope = Envelope(model="asked-for" if client.name in ("gemini", "bedrock-converse") else None, stream=stream)
    plain = Request(dialect="?", model="asked-for", turns=(Turn("user", (Text(text="Hi."),)),), stream=stream)
    if one.readable:
        encoded = client.encode_request(replace(one.request, dialect="?", stream=stream, include_usage=True), aim(client.name, one.request))
        if not any(loss.fatal for loss in encoded.losses):
            return client.decode_request(encoded.body, envelope), envelope
    return replace(plain, dialect=client.name, include_usage=True), envelope


def give(one: Recorded, client: Dialect, *, stream: bool, cuts: tuple[list[Frame], Framing] | None = None) -> Given:
    """
    A recorded answer on its way to a client of another dialect, as the stages pass it on.
    """
    request, envelope = asked_by(client, one, stream=stream)
    about = Asked(request, envelope, "asked-for", one.target.origin, one.dialect.name, CALL_ID, NOW)
    made = Translation(client, one.dialect, about, Encoded({}, (), Sent(one.target)))
    frames, framing = cuts or one.frames
    reader = Meter(one.call, None)
    made.answer(one.status, one.headers, lambda: reader.usage, lambda: reader.service_tier)
    out = []
    for frame in frames:
        reader.observe(frame)
        out.append(made.feed([frame], framing))
    out.append(made.close())
    return Given(client, made, made.head.status, made.head.headers, b"".join(out))


def others(dialect: Dialect) -> list[Dialect]:
    return [other for name, other in DIALECTS.items() if name != dialect.name]


def message(event: str, data: bytes) -> bytes:
    """
    A message of an AWS event stream.
    """
    return encode_message({":event-type": event, ":content-type": "application/json", ":message-type": "event"}, data)
