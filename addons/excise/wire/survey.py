"""
What a call keeps and loses between dialects, found by translating: one probe a feature, through the same code that translates calls.

A probe is written in the source's words, read back as a client's request would be, and written for the target. What the source has no words
for cannot be asked by its clients and is told so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from excise.errors import ExciseError
from excise.wire.dialect import Dialect, Envelope, Target
from excise.wire.loss import Loss, Verdict
from excise.wire.neutral import (
    Audio,
    Blob,
    Document,
    FileId,
    Image,
    Json,
    Link,
    OutputFormat,
    Part,
    ReasoningAsk,
    Request,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)

# Whose form of a dialect is meant where only the dialect is named.
USUAL = {
    "openai-chat": "openai",
    "openai-responses": "openai",
    "anthropic-messages": "anthropic",
    "gemini": "gemini",
    "bedrock-converse": "bedrock",
    "cohere-v2": "cohere",
    "mistral-chat": "mistral",
    "ollama": "ollama",
}

_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
_TOOL = Tool("get_weather", "Weather now.", _SCHEMA)
_ASKED = Turn("user", (Text(text="Weather?"),))
_CALLED = Turn("assistant", (ToolCall(id="call_1", name="get_weather", arguments={"city": "Rome"}),))


def _user(*parts: Part) -> tuple[Turn, ...]:
    return (Turn("user", (Text(text="Look."), *parts)),)


def _result(*parts: Part, is_error: bool = False) -> tuple[Turn, ...]:
    return (_ASKED, _CALLED, Turn("user", (ToolResult(call_id="call_1", name="get_weather", parts=parts, is_error=is_error),)))


_BARE = Request(dialect="", model="model", turns=_user(), max_tokens=100)

# In the order of what most requests have.
PROBES: dict[str, Request] = {
    "text": _BARE,
    "conversation": replace(_BARE, turns=(*_user(), Turn("assistant", (Text(text="Seen."),)), *_user())),
    "system": replace(_BARE, turns=(Turn("system", (Text(text="Be brief."),)), *_user())),
    "late system": replace(
        _BARE, turns=(*_user(), Turn("assistant", (Text(text="Seen."),)), Turn("system", (Text(text="Be brief."),)), *_user())
    ),
    "image": replace(_BARE, turns=_user(Image(source=Blob("image/png", _PIXEL)))),
    "image by URL": replace(_BARE, turns=_user(Image(source=Link("https://example.com/a.png", "image/png")))),
    "image detail": replace(_BARE, turns=_user(Image(source=Blob("image/png", _PIXEL), detail="high"))),
    "PDF": replace(_BARE, turns=_user(Document(source=Blob("application/pdf", "JVBERi0xLjQ="), title="a.pdf"))),
    "stored file": replace(_BARE, turns=_user(Document(source=FileId("file-1")))),
    "audio": replace(_BARE, turns=_user(Audio(source=Blob("audio/wav", "UklGRg==")))),
    "tools": replace(_BARE, tools=(_TOOL,)),
    "tool result": replace(_BARE, tools=(_TOOL,), turns=_result(Text(text="18 C"))),
    "failed tool": replace(_BARE, tools=(_TOOL,), turns=_result(Text(text="no such city"), is_error=True)),
    "image in tool result": replace(_BARE, tools=(_TOOL,), turns=_result(Text(text="map"), Image(source=Blob("image/png", _PIXEL)))),
    "tool choice required": replace(_BARE, tools=(_TOOL,), tool_choice=ToolChoice("required")),
    "tool choice named": replace(_BARE, tools=(_TOOL,), tool_choice=ToolChoice("named", ("get_weather",))),
    "tool choice none": replace(_BARE, tools=(_TOOL,), tool_choice=ToolChoice("none")),
    "one tool at a time": replace(_BARE, tools=(_TOOL,), parallel_tools=False),
    "strict tool": replace(_BARE, tools=(replace(_TOOL, strict=True),)),
    "JSON schema": replace(_BARE, output=OutputFormat(_SCHEMA, "city")),
    "any JSON": replace(_BARE, turns=(Turn("user", (Text(text="Look. Answer in JSON."),)),), output=OutputFormat()),
    "reasoning effort": replace(_BARE, max_tokens=8000, reasoning=ReasoningAsk(effort="high")),
    "reasoning off": replace(_BARE, reasoning=ReasoningAsk(effort="none")),
    "stop": replace(_BARE, stop=("END",)),
    "no token limit": replace(_BARE, max_tokens=None),
    "temperature": replace(_BARE, sampling=Sampling(temperature=0.5)),
    "temperature 1.5": replace(_BARE, sampling=Sampling(temperature=1.5)),
    "top_p": replace(_BARE, sampling=Sampling(top_p=0.9)),
    "top_k": replace(_BARE, sampling=Sampling(top_k=40)),
    "seed": replace(_BARE, sampling=Sampling(seed=7)),
    "penalties": replace(_BARE, sampling=Sampling(frequency_penalty=0.5, presence_penalty=0.5)),
    "logit bias": replace(_BARE, sampling=Sampling(logit_bias={"50256": -100})),
    "several choices": replace(_BARE, candidates=2),
    "log probabilities": replace(_BARE, logprobs=3),
    "cache mark": replace(_BARE, turns=(Turn("user", (Text(text="Look.", cache="5m"),)),)),
    "cache key": replace(_BARE, cache_key="a-key"),
    "end user": replace(_BARE, user="u-1"),
    "metadata": replace(_BARE, metadata={"job": "nightly"}),
    "service tier": replace(_BARE, service_tier="flex"),
    "verbosity": replace(_BARE, verbosity="low"),
    "prefill": replace(_BARE, turns=(*_user(), Turn("assistant", (Text(text="The"),)))),
    "stream": replace(_BARE, stream=True),
}

# What clients can ask for and no request is written with: it is refused, or belongs to what the provider stores.
_SAID: dict[str, dict[str, dict[str, Json]]] = {
    "log probabilities": {
        "openai-chat": {"logprobs": True, "top_logprobs": 3},
        "openai-responses": {"top_logprobs": 3, "include": ["message.output_text.logprobs"]},
        "gemini": {"generationConfig": {"maxOutputTokens": 100, "responseLogprobs": True, "logprobs": 3}},
        "cohere-v2": {"logprobs": True},
        "ollama": {"logprobs": True, "top_logprobs": 3},
    },
    "metadata": {"openai-chat": {"metadata": {"job": "nightly"}, "store": True}},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """
    What becomes of one feature. `verdict` `None`: clients of the source cannot ask for it.
    """

    feature: str
    verdict: Verdict | None
    losses: tuple[Loss, ...]


def survey(source: Dialect, target: Dialect) -> Iterator[Finding]:
    """
    Every probe, from one dialect to another. To itself nothing is translated, so everything its clients can ask is exact.
    """
    for feature, probe in PROBES.items():
        asked = _as_asked(source, probe, _SAID.get(feature, {}).get(source.name))
        if asked is None:
            yield Finding(feature, None, ())
        elif source is target:
            yield Finding(feature, Verdict.EXACT, ())
        else:
            encoded = target.encode_request(asked, _aimed(target))
            yield Finding(feature, encoded.verdict, encoded.losses)


def _as_asked(source: Dialect, probe: Request, said: dict[str, Json] | None) -> Request | None:
    """
    The probe as a client of `source` would send it, with what only clients say; `None` where it has no words for it.
    """
    written = source.encode_request(_BARE if said is not None else probe, _aimed(source))
    if written.losses:
        return None
    try:
        return source.decode_request({**written.body, **(said or {})}, Envelope(model=probe.model, stream=probe.stream))
    except ExciseError:
        return None


def _aimed(dialect: Dialect) -> Target:
    return Target(USUAL[dialect.name], dialect.name, "model")
