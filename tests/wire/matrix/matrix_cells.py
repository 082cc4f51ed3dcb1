"""
The cells of the matrix: who asks, who answers, which conversation; and the way of a call through its translation.

A client's request and a provider's answer come from the cases every dialect has (`fixtures/translation/<dialect>/<case>`), so each cell is
one conversation asked in one dialect and answered in another.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from excise.catalog.models import Models
from excise.catalog.traits import traits_of
from excise.exchange import Call
from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Asked, Encoded, Envelope, Target
from excise.wire.dialects.registry import DIALECTS
from excise.wire.eventstream import encode_message
from excise.wire.loss import Loss
from excise.wire.meter import Meter
from excise.wire.neutral import Request
from excise.wire.translate import Translation

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "translation"
CASES = ("text", "multi_turn", "system", "parallel_tools", "image", "json_schema", "reasoning", "stop", "length", "refusal", "cache")
NAMES = tuple(DIALECTS)
CALL_ID = "0123456789abcdef0123456789abcdef"
NOW = 1_786_082_890  # unix seconds
LIMIT_BYTES = 1 << 22


@dataclass(frozen=True, slots=True)
class Aim:
    """
    A model that answers. `calls` is the catalogue's name of the dialect, where it is not ours.
    """

    dialect: str
    provider: str
    model: str
    cases: tuple[str, ...] = CASES
    calls: str | None = None

    def __str__(self) -> str:
        return f"{self.dialect} {self.model}"

    @property
    def target(self) -> Target:
        return Target(self.provider, self.dialect, self.model, traits_of(Models.load(), self.provider, self.model))

    @property
    def call(self) -> Call:
        return Call(self.provider, "chat", self.calls or self.dialect, model_at="none", model=self.model)


_BLIND = tuple(case for case in CASES if case != "image")
_HARD = ("text", "parallel_tools", "json_schema", "reasoning", "stop")  # what models differ in

# Those of a dialect in order: the first that takes a case answers it.
AIMS = (
    Aim("openai-chat", "openai", "gpt-4o-mini"),
    Aim("openai-chat", "openai", "gpt-5-mini", _HARD),
    Aim("openai-responses", "openai", "gpt-4o-mini"),
    Aim("openai-responses", "openai", "gpt-5-mini", _HARD),
    Aim("anthropic-messages", "anthropic", "claude-haiku-4-5"),
    Aim("anthropic-messages", "anthropic", "claude-opus-4-7", _HARD),
    Aim("gemini", "gemini", "gemini-2.5-flash"),
    Aim("gemini", "gemini", "gemini-3.5-flash", _HARD),
    Aim("bedrock-converse", "bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    Aim("bedrock-converse", "bedrock", "amazon.nova-lite-v1:0", (*_HARD, "image", "cache")),
    Aim("cohere-v2", "cohere", "command-a-03-2025", _BLIND),
    Aim("cohere-v2", "cohere", "command-a-reasoning-08-2025", _HARD),
    Aim("cohere-v2", "cohere", "command-a-vision-07-2025", ("image",)),
    Aim("mistral-chat", "mistral", "mistral-small-latest", calls="openai-chat"),
    Aim("ollama", "ollama", "llama3.2", _BLIND),
    Aim("ollama", "ollama", "qwen3", _HARD),
    Aim("ollama", "ollama", "llava", ("image",)),
)
# Further models, whose providers refuse other things.
MORE = (
    Aim("openai-chat", "openai", "gpt-5.5"),
    Aim("openai-chat", "openai", "o4-mini"),
    Aim("openai-chat", "deepseek", "deepseek-v4-flash", _BLIND),
    Aim("openai-chat", "groq", "openai/gpt-oss-120b", _BLIND),
    Aim("openai-responses", "openai", "o4-mini"),
    Aim("anthropic-messages", "anthropic", "claude-sonnet-4-6"),
    Aim("anthropic-messages", "anthropic", "claude-opus-5"),
    Aim("gemini", "gemini", "gemini-2.5-pro"),
    Aim("gemini", "gemini", "gemini-3.1-pro-preview"),
    Aim("bedrock-converse", "bedrock", "us.anthropic.claude-opus-4-7-v1:0"),
    Aim("mistral-chat", "mistral", "mistral-medium-2508", calls="openai-chat"),
)


def aim_for(dialect: str, case: str) -> Aim:
    """
    The usual model of a dialect for a case.
    """
    return next(aim for aim in AIMS if aim.dialect == dialect and case in aim.cases)


USUAL = {name: aim_for(name, "text") for name in NAMES}


@dataclass(frozen=True, slots=True)
class Cell:
    """
    One conversation between a client and a provider.
    """

    client: str
    aim: Aim
    case: str

    def __str__(self) -> str:
        return f"{self.client}-{self.aim.dialect}-{self.case}"


def cells(cases: Sequence[str] = CASES) -> list[Cell]:
    """
    Every cell that has an answer. A dialect that cannot ask for something gets the answer to it all the same.
    """
    return [
        Cell(client, aim_for(name, case), case) for client in NAMES for name in NAMES for case in cases if answer_of(name, case) is not None
    ]


# -- cases -----------------------------------------------------------------------------------------------------------------------------


@cache
def _file(dialect: str, case: str, name: str) -> bytes | None:
    path = FOLDER / dialect / case / name
    return path.read_bytes() if path.exists() else None


def request_of(dialect: str, case: str) -> Any:
    """
    What a client of the dialect asks; `None` where it has no words for it.
    """
    text = _file(dialect, case, "request.json")
    return None if text is None else json.loads(text)


def answer_of(dialect: str, case: str) -> bytes | None:
    """
    The answer's bytes, as providers write JSON: in one line. `None` where the dialect has no such answer.
    """
    text = _file(dialect, case, "answer.json")
    return None if text is None else json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode()


def stream_of(dialect: str, case: str) -> bytes:
    """
    The answer's bytes as the provider streams them.
    """
    text = _file(dialect, case, "stream.txt")
    if text is not None:
        return text
    return b"".join(pack(message["event"], message["data"]) for message in json.loads(_file(dialect, case, "stream.json") or b""))


def pack(event: str, data: Any) -> bytes:
    """
    A message of an AWS event stream.
    """
    exception = event.endswith("Exception")
    headers = {
        ":exception-type" if exception else ":event-type": event,
        ":content-type": "application/json",
        ":message-type": "exception" if exception else "event",
    }
    return encode_message(headers, json.dumps(data, separators=(",", ":")).encode())


@dataclass(frozen=True, slots=True)
class Error:
    """
    A provider's answer with an error status.
    """

    status: int
    headers: dict[str, str]
    body: bytes


def error_of(dialect: str) -> Error:
    said = json.loads(_file(dialect, "error", "answer.json") or b"")
    return Error(said["status"], said["headers"], json.dumps(said["body"]).encode())


# -- the way out -----------------------------------------------------------------------------------------------------------------------


def asked(client: str, case: str, *, stream: bool = False) -> tuple[Request, Envelope]:
    """
    What the client asks, read. One without words for the case asks for its text.
    """
    body = request_of(client, case)
    if body is None:
        body = request_of(client, "text")
    in_path = client in ("gemini", "bedrock-converse")
    if not in_path:
        body["stream"] = stream
    if stream and client == "openai-chat":
        body["stream_options"] = {"include_usage": True}
    envelope = Envelope(model="asked-for" if in_path else None, stream=stream)
    return DIALECTS[client].decode_request(body, envelope), envelope


def encoded(client: str, aim: Aim, case: str, *, stream: bool = False) -> Encoded:
    return DIALECTS[aim.dialect].encode_request(asked(client, case, stream=stream)[0], aim.target)


def translation(cell: Cell, *, stream: bool = False, **changes: Any) -> Translation:
    """
    The translation of a cell's call, as routing makes it; with other fields of the client's request, where given.
    """
    request, envelope = asked(cell.client, cell.case, stream=stream)
    request = replace(request, **changes)
    target = DIALECTS[cell.aim.dialect]
    aimed = cell.aim.target
    about = Asked(request, envelope, request.model or "asked-for", aimed.origin, target.name, CALL_ID, NOW)
    return Translation(DIALECTS[cell.client], target, about, target.encode_request(request, aimed))


def made_for(client: str, aim: Aim, body: Any) -> Translation:
    """
    The translation of any request of a client.
    """
    envelope = Envelope(model="asked-for" if client in ("gemini", "bedrock-converse") else None)
    request, target = DIALECTS[client].decode_request(body, envelope), aim.target
    about = Asked(request, envelope, request.model or "asked-for", target.origin, target.dialect, CALL_ID, NOW)
    return Translation(DIALECTS[client], DIALECTS[target.dialect], about, DIALECTS[target.dialect].encode_request(request, target))


# -- the way back ----------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Given:
    """
    What the client gets.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)
    losses: tuple[Loss, ...] = ()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def give(made: Translation, aim: Aim, pieces: Iterable[bytes], *, content_type: str, status: int = 200, headers: Any = ()) -> Given:
    """
    Pass an answer that comes in these pieces through its translation, as the stages do: frames, meter, translation.
    """
    decoder = AnswerDecoder(
        content_type=content_type, content_encoding=None, dialect=aim.call.dialect, operation=aim.call.operation, limit=LIMIT_BYTES
    )
    meter = Meter(aim.call, None)
    made.answer(status, headers, lambda: meter.usage, lambda: meter.service_tier)
    out = []

    def pass_on(frames: Any) -> None:
        for frame in frames:
            meter.observe(frame)
        out.append(made.feed(frames, decoder.framing))

    for piece in pieces:
        pass_on(decoder.feed(piece))
    pass_on(decoder.close())
    out.append(made.close())
    return Given(made.head.status, made.head.headers, b"".join(out), made.asked.losses.all())


def cut(body: bytes, *places: int) -> Iterator[bytes]:
    """
    The body in pieces that end at these places.
    """
    start = 0
    for place in (*places, len(body)):
        yield body[start:place]
        start = place


def in_bytes(body: bytes) -> Iterator[bytes]:
    return (body[at : at + 1] for at in range(len(body)))


def answered(cell: Cell, *, stream: bool = False, **changes: Any) -> Given:
    """
    The cell's plain answer, as the client gets it; `stream`: the client asked for a stream, and the provider gave none.
    """
    whole = [answer_of(cell.aim.dialect, cell.case) or b""]
    return give(translation(cell, stream=stream, **changes), cell.aim, whole, content_type="application/json")


def streamed(cell: Cell, pieces: Iterable[bytes] | None = None, *, stream: bool = True, **changes: Any) -> Given:
    """
    The cell's streamed answer, as the client gets it; not `stream`: the client asked for none, and the provider streams.
    """
    whole = [stream_of(cell.aim.dialect, cell.case)] if pieces is None else pieces
    return give(translation(cell, stream=stream, **changes), cell.aim, whole, content_type=DIALECTS[cell.aim.dialect].content_type)


def failed(cell: Cell, *, stream: bool = False) -> Given:
    """
    The provider's error in place of an answer.
    """
    error = error_of(cell.aim.dialect)
    headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    made = translation(replace(cell, case="text"), stream=stream)
    return give(made, cell.aim, [error.body], content_type=error.headers["content-type"], status=error.status, headers=headers)


def broken_off(cell: Cell, pieces: Iterable[bytes] | None = None) -> Given:
    """
    The stream that breaks with the provider's own error, after a few letters.
    """
    made = translation(replace(cell, case="text"), stream=True)
    whole = [stream_of(cell.aim.dialect, "error")] if pieces is None else pieces
    return give(made, cell.aim, whole, content_type=DIALECTS[cell.aim.dialect].content_type)
