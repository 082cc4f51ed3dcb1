"""
The neutral form: what a request asks and what an answer says, in no provider's words.

    Request   turns of typed parts, tools, limits, sampling, output format        <- decode_request, -> encode_request
    Answer    candidates of typed parts, finish, usage                            <- decode_answer,  -> encode_answer
    Event     the same answer as it comes, piece by piece: `events.py`             <- stream decoder, -> stream encoder

Hub and spoke: every dialect knows this form and no other dialect. A part keeps the JSON it was read from (`raw`); `Request.dialect` and
`Answer.dialect` say whose words that is, so that a dialect writing its own request back loses nothing.

How it is normalised, so that every encoder can rely on it:

- `system` turns stand where the source had them; a top-level system text is a `system` turn at the head.
- Tool results are `ToolResult` parts of `user` turns, whatever role the source gives them. Decoders do not merge or reorder turns:
  `repair.py` does, as the target demands.
- Every `ToolCall` and `ToolResult` has an id; decoders of dialects without ids make them (see `tool_ids.py`).
- An opaque proof (signature, encrypted reasoning) is always a `Reasoning`. Where the source ties it to another part (Gemini's
  `thoughtSignature` on a call or a text), a `Reasoning` with `attached=True` and no text stands directly before that part.
- Of a stream, parts of one candidate never interleave: `PartStarted`, its deltas, `PartEnded`, then the next.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from excise.wire.usage import Usage

type Json = Any  # parsed JSON


# -- parts -----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """
    A piece of a turn.

    Attributes:
        raw: The JSON it was read from; `None` for one that was made. Not to be changed.
        cache: The client wants a prompt-cache mark behind this part, of this lifetime ("5m", "1h").
    """

    raw: Json = field(default=None, repr=False, compare=False)
    cache: Literal["5m", "1h"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text(Part):
    text: str
    citations: tuple[Json, ...] = ()  # in the source's form; no dialect reads another's


@dataclass(frozen=True, slots=True)
class Blob:
    """
    Bytes that travel with the request, base64 with padding as sent.
    """

    media_type: str  # lower case, without parameters
    data: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """
    A place the provider fetches from by itself (https, gs, s3).
    """

    url: str = field(repr=False)
    media_type: str | None = None


@dataclass(frozen=True, slots=True)
class FileId:
    """
    A file the client stored at its provider before. Never means anything to another provider.
    """

    id: str = field(repr=False)
    media_type: str | None = None


type Source = Blob | Link | FileId


@dataclass(frozen=True, slots=True, kw_only=True)
class Image(Part):
    source: Source
    detail: str | None = None  # low, high, auto, original: how closely to look


@dataclass(frozen=True, slots=True, kw_only=True)
class Document(Part):
    """
    A PDF, office or text file. A document given as plain text is a `Blob` of `text/plain`.
    """

    source: Source
    title: str | None = None  # or file name
    context: str | None = None
    citations: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(Part):
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Video(Part):
    source: Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasoning(Part):
    """
    What the model thought, and the provider's proof of it.

    Attributes:
        text: Visible part; may be empty.
        signature: Opaque, as its maker gave it; bound to provider and model. Also the encrypted form where that is all there is.
        redacted: Nothing is visible: `signature` is the whole.
        summary: `text` is a summary made for reading, not the thought itself.
        origin: Who made it, as `Target.origin` names it. `None`: native to the dialect it was read from.
        attached: It belongs to the part after it (see the head of this file).
        id: The item's own id (Responses).
    """

    text: str = ""
    signature: str | None = field(default=None, repr=False)
    redacted: bool = False
    summary: bool = False
    origin: str | None = None
    attached: bool = False
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall(Part):
    """
    Attributes:
        arguments: The object. Where the source gave text that is no JSON object: `{}` if it was blank, else `None` and `text` has it.
        text: The arguments as JSON text, where the source gave text; `None`: write `arguments`.
        item_id: The second id some dialects have (Responses `fc_…`).
    """

    id: str
    name: str
    arguments: Mapping[str, Json] | None
    text: str | None = None
    item_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolResult(Part):
    """
    Attributes:
        parts: Text, images, documents.
        value: The result as a JSON value, where the source gave one that is no text (Gemini `response`, Bedrock `json`).
        name: Of the tool, where the source says it or it is known from the call.
    """

    call_id: str
    parts: tuple[Part, ...] = ()
    value: Json = None
    name: str | None = None
    is_error: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(Part):
    """
    The model declines, in its own words.
    """

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque(Part):
    """
    Something only the source's provider understands: server tools and their results, generated media, items of stored state.

    Attributes:
        kind: Stable name for losses, e.g. `tools.server`.
        vital: Leaving it out changes the outcome: a foreign target is impossible. Else it is dropped with a note.
    """

    kind: str
    vital: bool = True


type Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """
    One message. `raw` is its JSON in the source's words, `None` for one that was made or has no single counterpart there.
    """

    role: Role
    parts: tuple[Part, ...]
    name: str | None = None
    raw: Json = field(default=None, repr=False, compare=False)


# -- requests --------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tool:
    """
    A function the client offers. `schema`: JSON Schema of its arguments; `None`: takes none.
    """

    name: str
    description: str | None = None
    schema: Mapping[str, Json] | None = None
    strict: bool | None = None
    cache: Literal["5m", "1h"] | None = None
    raw: Json = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class ToolChoice:
    """
    `names` for `named` (one) and for `required` among some (several).
    """

    mode: Literal["auto", "none", "required", "named"]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputFormat:
    """
    `schema` `None`: any JSON object.
    """

    schema: Mapping[str, Json] | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


type Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class ReasoningAsk:
    """
    How hard to think. `None` everywhere: as the model does by itself.

    Attributes:
        effort: As a level; "none" switches it off.
        budget_tokens: As a budget; 0 switches it off, -1 leaves it to the model.
        adaptive: The model decides (Anthropic `adaptive`, Gemini -1).
        visible: Whether the client wants to see it: True, False, `None` where it does not say.
    """

    effort: Effort | None = None
    budget_tokens: int | None = None
    adaptive: bool | None = None
    visible: bool | None = None

    @property
    def off(self) -> bool:
        return self.effort == "none" or self.budget_tokens == 0


@dataclass(frozen=True, slots=True)
class Sampling:
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, Json] | None = None


UNSAID = Sampling()
UNKNOWN_USAGE = Usage()


@dataclass(frozen=True, slots=True)
class Extra:
    """
    A field of the source that the neutral form has no word for.

    `vital`: leaving it out would change the outcome (stored state, server tools, several modalities): a foreign target is impossible.
    Else it is dropped with a note. `field` is the source's own name for it.
    """

    field: str
    vital: bool
    why: str


@dataclass(frozen=True, slots=True)
class Request:
    """
    One request for an answer. `None`: the client does not say.
    """

    dialect: str
    model: str | None
    turns: tuple[Turn, ...]
    stream: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tools: bool | None = None
    max_tokens: int | None = None  # thinking included
    stop: tuple[str, ...] = ()
    output: OutputFormat | None = None
    reasoning: ReasoningAsk | None = None
    sampling: Sampling = UNSAID
    candidates: int | None = None  # `n`
    logprobs: int | None = None  # 0: of the chosen token alone
    user: str | None = field(default=None, repr=False)  # end user, as the app names him
    metadata: Mapping[str, Json] | None = field(default=None, repr=False)
    service_tier: str | None = None
    cache_key: str | None = field(default=None, repr=False)
    verbosity: str | None = None
    include_usage: bool | None = None  # of a stream; `None`: left open
    extras: tuple[Extra, ...] = ()
    raw: Json = field(default=None, repr=False, compare=False)


# -- answers ---------------------------------------------------------------------------------------------------------------------------


class Finish(StrEnum):
    """
    Why an answer ended. Decoders give what the provider means, not what it says: an answer with a tool call ended in TOOL, unless its
    reason says that it was cut (see `cut`) or failed; and a word nobody knows is BROKEN, never STOP.
    """

    STOP = "stop"
    STOP_SEQUENCE = "stop_sequence"
    LENGTH = "length"
    TOOL = "tool"
    FILTER = "filter"  # the provider's filter
    REFUSAL = "refusal"  # the model itself
    PAUSE = "pause"  # to be continued by sending the turn back
    BROKEN = "broken"  # malformed call, internal failure: not an answer

    @property
    def cut(self) -> bool:
        """
        The answer is not whole, so a call in it may be half a call, which nobody shall run: also where its arguments look whole, as none
        do before the first of them has come.
        """
        return self in _CUT


_CUT = frozenset((Finish.LENGTH, Finish.FILTER, Finish.REFUSAL))


@dataclass(frozen=True, slots=True)
class Candidate:
    """
    One of the answers; nearly always the only one.

    Attributes:
        native_finish: The provider's own word.
        stop_sequence: Which of the client's stop sequences ended it, where the provider says so.
    """

    parts: tuple[Part, ...]
    finish: Finish
    native_finish: str | None = None
    stop_sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One whole answer.

    Attributes:
        id: The provider's.
        created: Unix seconds; `None`: not said.
        usage: In disjoint parts. Filled in by `translate.py` from the meter's own readers; decoders leave it.
    """

    dialect: str
    candidates: tuple[Candidate, ...]
    id: str | None = None
    model: str | None = None
    created: int | None = None
    usage: Usage = UNKNOWN_USAGE
    service_tier: str | None = None
    raw: Json = field(default=None, repr=False, compare=False)
