"""
Token counts: a chat request in the target's words, sent to where it is counted instead of answered.

The chat dialects do the reading and writing, so what is counted is what a call would send. What only an answer depends on (sampling,
limits, stop) is left out first. Where a provider cannot count there is no form: an estimate is no count, and the call is refused.

Source: platform.claude.com/docs/en/api/messages-count-tokens, ai.google.dev/api/tokens, the OpenAI and AWS references, read 2026-11;
recorded answers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from excise.wire.dialect import Dialect, Encoded, Envelope, Sent, Target
from excise.wire.dialects.anthropic_messages import ANTHROPIC_MESSAGES, ANTHROPIC_VERTEX
from excise.wire.dialects.bedrock_converse import BEDROCK_CONVERSE
from excise.wire.dialects.gemini import GEMINI
from excise.wire.dialects.given import fields, wrong
from excise.wire.dialects.openai_responses import OPENAI_RESPONSES
from excise.wire.neutral import UNSAID, Json, Request
from excise.wire.operations.document import unreadable
from excise.wire.operations.form import Asked, Form, Verbs
from excise.wire.upstream_error import Fault
from excise.wire.usage_values import count

_NO_MATTER = frozenset({"max_tokens", "stream", "stop", "temperature", "top_p", "top_k"})  # what is lost of these changes no count

_CLAUDE = "cache_control context_management mcp_servers messages model output_config speed system thinking tool_choice tools"
_RESPONSES = """
    conversation input instructions model parallel_tool_calls personality previous_response_id reasoning text tool_choice tools truncation
"""


@dataclass(frozen=True, slots=True)
class CountRequest:
    """
    A chat request to be counted. `form`: kind of the form it was read from.
    """

    form: str
    model: str | None
    chat: Request
    raw: Json = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class CountAnswer:
    tokens: int


@dataclass(frozen=True, slots=True)
class Counting:
    """
    How one provider counts.

    Attributes:
        dialect: Of the request inside.
        takes: Fields of that which may stand there.
        inside: Where it stands in the body, from the top.
        tokens: Where the answer says the count.
        named: The model is said inside, as `models/…`.
        body: What stands beside it in an answer.
    """

    name: str
    kind: str
    dialect: Dialect
    takes: frozenset[str]
    inside: tuple[str, ...] = ()
    tokens: str = "input_tokens"
    model: Callable[[str], Json] | None = None
    body: Mapping[str, Json] = field(default_factory=dict)


def _inner(counting: Counting, body: dict[str, Json]) -> dict[str, Json]:
    """
    The chat request. Google takes it bare too, where it is plain.
    """
    for depth, name in enumerate(counting.inside):
        if name not in body and counting.dialect is GEMINI:
            return body
        if name not in body:
            raise wrong(counting.inside[: depth + 1], "is missing: only a conversation can be counted")
        body = fields(body[name], *counting.inside[: depth + 1])
    return body


def _decode_request(counting: Counting, given: Json, envelope: Envelope) -> CountRequest:
    inner = _inner(counting, fields(given, "body"))
    chat = counting.dialect.decode_request(inner, replace(envelope, stream=False))
    return CountRequest(counting.kind, envelope.model or chat.model, chat, given)


def _encode_request(counting: Counting, request: CountRequest, target: Target) -> Encoded:
    aimed = replace(target, dialect=counting.dialect.name)
    own = request.form == counting.kind
    # Its own words go through the dialect too: proofs of other providers are taken out there.
    encoded = counting.dialect.encode_request(request.chat if own else _bare(request.chat), aimed)
    inner = request.chat.raw if own and type(request.chat.raw) is dict else None
    body = {key: value for key, value in encoded.body.items() if key in (counting.takes if inner is None else inner)}
    if counting.model is not None and (inner is None or "model" in inner):
        body["model"] = counting.model(target.model)
    losses = tuple(loss for loss in encoded.losses if loss.fatal or loss.field not in _NO_MATTER)
    whole = _placed(counting, body, request.raw if inner is not None and inner is not request.raw else None)
    return replace(encoded, body=body if inner is not None and inner is request.raw else whole, losses=losses)


def _placed(counting: Counting, inner: dict[str, Json], beside: Json) -> dict[str, Json]:
    """
    The chat request where it stands in the body, `beside` what else stands there.
    """
    whole: dict[str, Json] = inner
    for depth in range(len(counting.inside) - 1, -1, -1):
        around = beside
        for name in counting.inside[:depth]:
            around = around[name] if around is not None else None
        whole = {**(around or {}), counting.inside[depth]: whole}
    return whole


def _bare(request: Request) -> Request:
    """
    The request without what changes no count.
    """
    return replace(
        request,
        stream=False,
        max_tokens=None,
        stop=(),
        sampling=UNSAID,
        candidates=None,
        logprobs=None,
        user=None,
        metadata=None,
        service_tier=None,
        cache_key=None,
        verbosity=None,
        include_usage=None,
    )


def _decode_answer(counting: Counting, given: Json, sent: Sent) -> CountAnswer | Fault:
    del sent
    tokens = count(given.get(counting.tokens)) if type(given) is dict else None
    return CountAnswer(tokens) if tokens is not None else unreadable()


def _encode_answer(counting: Counting, answer: CountAnswer, asked: Asked) -> Json:
    del asked
    return {**counting.body, counting.tokens: answer.tokens}


def _form(counting: Counting) -> Form:
    verbs = Verbs(
        partial(_encode_request, counting),
        partial(_decode_answer, counting),
        partial(_decode_request, counting),
        partial(_encode_answer, counting),
    )
    return Form(counting.name, f"count_tokens {counting.kind}", verbs)


def _itself(model: str) -> Json:
    return model


def _qualified(model: str) -> Json:
    return f"models/{model.removeprefix('models/')}"


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


ANTHROPIC = _form(Counting("anthropic-messages", "anthropic", ANTHROPIC_MESSAGES, _names(_CLAUDE), model=_itself))
ANTHROPIC_AT_VERTEX = _form(
    Counting("anthropic-vertex", "anthropic vertex", ANTHROPIC_VERTEX, _names(f"{_CLAUDE} anthropic_version"), model=_itself)
)
RESPONSES = _form(
    Counting("openai-responses", "responses", OPENAI_RESPONSES, _names(_RESPONSES), model=_itself, body={"object": "response.input_tokens"})
)
GOOGLE = _form(
    Counting(
        "gemini",
        "gemini",
        GEMINI,
        _names("contents systemInstruction tools toolConfig generationConfig cachedContent safetySettings"),
        inside=("generateContentRequest",),
        tokens="totalTokens",
        model=_qualified,
    )
)
VERTEX = _form(
    Counting("gemini", "vertex", GEMINI, _names("contents systemInstruction tools generationConfig cachedContent"), tokens="totalTokens")
)
BEDROCK = _form(
    Counting(
        "bedrock",
        "bedrock",
        BEDROCK_CONVERSE,
        _names("messages system toolConfig additionalModelRequestFields"),
        inside=("input", "converse"),
        tokens="inputTokens",
    )
)
