"""
What a dialect is: the six things each of them can do, and what they are told.

    decode_request   the client's JSON             -> Request
    encode_request   Request, Target               -> Encoded (the provider's JSON, what is lost)
    decode_answer    the provider's JSON, Sent     -> Answer
    encode_answer    Answer, Asked                 -> the client's JSON
    stream_decoder   Sent  -> feed(frame) -> [Event], close() -> [Event]
    stream_encoder   Asked -> feed(event) -> bytes

Nothing here raises on what a provider sends; of a client's request, `BadRequest` names the place that cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from excise.wire.events import Event
from excise.wire.frame import Frame, Framing
from excise.wire.loss import Loss, Losses, Verdict
from excise.wire.neutral import Answer, Json, Request


@dataclass(frozen=True, slots=True)
class Envelope:
    """
    What path, query and headers say beside the body.

    Attributes:
        model: Of the path, where the dialect puts it there.
        stream: Whether the client asked for a stream, wherever it says so.
        array: A Gemini stream without `alt=sse`: one JSON array.
        betas: Values of `anthropic-beta`.
    """

    model: str | None = None
    stream: bool = False
    array: bool = False
    betas: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Traits:
    """
    What the model behind a target can do. `None`: not known, so it is tried. Source: the catalogue's model table.

    Attributes:
        max_output_tokens: Most it can write.
        sampling: Takes temperature, top_p and top_k; newer reasoning models refuse them.
        reasoning: How it is told to think: "none" (does not think), "effort" (levels), "budget" (tokens), "adaptive" (decides itself,
            takes an effort). `None`: not known.
        efforts: The levels it takes, where that is known.
        always_thinks: It cannot be switched off.
        forced_tools: Takes a tool choice of required or named.
        prefill: Continues an assistant turn that stands last.
        json_schema: Takes a schema for its output by itself.
    """

    max_output_tokens: int | None = None
    sampling: bool | None = None
    reasoning: str | None = None
    efforts: tuple[str, ...] = ()
    always_thinks: bool = False
    tools: bool | None = None
    forced_tools: bool | None = None
    vision: bool | None = None
    audio_in: bool | None = None
    pdf: bool | None = None
    json_schema: bool | None = None
    prefill: bool | None = None


UNKNOWN_TRAITS = Traits()

# Providers that serve models of several makers; a proof of one maker's model is nothing to another's.
_MANY_MAKERS = frozenset(("bedrock", "bedrock-mantle", "vertex", "azure-openai", "openrouter", "vercel-gateway", "databricks"))
_MAKERS = ("claude", "gemini", "nova", "gpt", "llama", "mistral", "deepseek", "qwen", "kimi", "grok", "command", "glm", "minimax")


@dataclass(frozen=True, slots=True)
class Target:
    """
    Where a request goes.

    Attributes:
        provider: Catalogue id; decides the quirks of a dialect that many providers speak.
        model: As that provider names it.
        traits: Of the model.
    """

    provider: str
    dialect: str
    model: str
    traits: Traits = UNKNOWN_TRAITS

    @property
    def origin(self) -> str:
        """
        To whom opaque proofs of this model's thoughts are bound: the provider, and the model's maker where it serves several.
        """
        if self.provider not in _MANY_MAKERS:
            return self.provider
        name = self.model.lower()
        maker = next((maker for maker in _MAKERS if maker in name), None)
        return self.provider if maker is None else f"{self.provider}:{maker}"


@dataclass(slots=True)
class Sent:
    """
    What the encoder of a request leaves for the decoder of its answer: how to undo what was imitated.

    Attributes:
        unwrap_tool: Name of the tool that stands for an output schema: its call is the answer's text.
        tool_names: Name at the target -> name of the client, where a name had to change.
    """

    target: Target
    unwrap_tool: str | None = None
    tool_names: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Encoded:
    """
    A request in the target's words. With a fatal loss, `body` is not to be sent.

    Attributes:
        body: JSON, ready to be written.
        headers: Further headers it needs (lower case), such as a beta switch.
    """

    body: Json = field(repr=False)
    losses: tuple[Loss, ...]
    sent: Sent
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def verdict(self) -> Verdict:
        return Verdict.of(self.losses)


@dataclass(slots=True)
class Asked:
    """
    What an answer's encoder knows of the call it answers.

    Attributes:
        request: What the client asked, in neutral form.
        envelope: The same of its path and headers.
        model: Name the answer carries: what the client asked for, or what served, as policy says.
        provider: Who answered, as `Target.origin` names it; marks opaque proofs so that they find home again (`keepsake.py`).
        dialect: In which the answer came.
        id: Our id of the call: 32 hexadecimal digits; ids that must be made are made of it, never of chance.
        now: Unix seconds, for dialects that date their answers.
        losses: What the answer cannot carry over; the encoder adds to it.
    """

    request: Request
    envelope: Envelope
    model: str
    provider: str
    dialect: str
    id: str
    now: int
    losses: Losses = field(default_factory=Losses)


class StreamDecoder(Protocol):
    """
    Reads one streamed answer. `close` gives what was held and, where the source did not say it, how it ended.
    """

    def feed(self, frame: Frame) -> list[Event]: ...

    def close(self) -> list[Event]: ...


class StreamEncoder(Protocol):
    """
    Writes one streamed answer. `feed` returns the bytes of whole frames, `b""` for nothing. After `Ended` or `Failed` nothing is fed.
    `Ping` gives the dialect's sign of life, which is also asked for while nothing comes.
    """

    def feed(self, event: Event) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    One dialect's six verbs. `name` is the catalogue's; `framing` and `content_type` are those of its streams.
    """

    name: str
    framing: Framing
    content_type: str
    decode_request: Callable[[Any, Envelope], Request]
    encode_request: Callable[[Request, Target], Encoded]
    decode_answer: Callable[[Any, Sent], Answer]
    encode_answer: Callable[[Answer, Asked], Json]
    stream_decoder: Callable[[Sent], StreamDecoder]
    stream_encoder: Callable[[Asked], StreamEncoder]
