"""
Whole answers of Converse, both ways.

An answer has neither an id nor a model nor a date. Usage and latency are demanded by its SDKs, so they are written even where nobody
said them.

Source: AWS, "Converse" of the Bedrock Runtime API reference; the service model of botocore 1.43; recorded answers; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from excise.wire import keepsake
from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.bedrock_converse.blocks import AUDIOS, IMAGES, NAME, VIDEOS, is_base64, read_block, write_media
from excise.wire.dialects.bedrock_converse.request import WHERE_STOP_STANDS
from excise.wire.json_text import json_text
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Answer,
    Audio,
    Candidate,
    Finish,
    Image,
    Json,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    Video,
)
from excise.wire.tool_ids import WORD, fit
from excise.wire.usage import Usage

FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "tool_use": Finish.TOOL,
    "guardrail_intervened": Finish.FILTER,
    "content_filtered": Finish.FILTER,
    "refusal": Finish.REFUSAL,  # not in the service model; Claude's own word
    "pause_turn": Finish.PAUSE,
}

_STOP_REASONS = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL: "tool_use",
    Finish.FILTER: "content_filtered",
    Finish.REFUSAL: "content_filtered",
    Finish.PAUSE: "max_tokens",  # there is more to come, which "end_turn" would deny
    Finish.BROKEN: "malformed_model_output",
}

_TIERS = frozenset({"priority", "default", "flex", "reserved"})


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def decode_answer(body: Any, sent: Sent) -> Answer:
    """
    The provider's JSON in neutral form; what cannot be read of it is left out, and no answer at all is BROKEN.
    """
    if type(body) is not dict:
        return Answer(NAME, (Candidate((), Finish.BROKEN),), raw=body)
    output = body.get("output")
    message = output.get("message") if type(output) is dict else None
    content = message.get("content") if type(message) is dict else None
    parts: list[Part] = []
    unwrapped = called = False
    for block in content if type(content) is list else ():
        part = read_block(block)
        if part is None:
            continue
        if type(part) is ToolCall:
            if part.name == sent.unwrap_tool:
                unwrapped = True
                part = Text(text=part.text if part.text is not None else json_text(part.arguments))
            else:
                called = True
                part = renamed(part, sent)
        parts.append(part)
    reason = body.get("stopReason")
    native = reason if type(reason) is str else None
    tier = body.get("serviceTier")
    tier = tier.get("type") if type(tier) is dict else None
    finish = finish_of(native, called=called, unwrapped=unwrapped)
    candidate = Candidate(tuple(parts), finish, native, stop_sequence_of(body.get("additionalModelResponseFields")))
    return Answer(NAME, (candidate,), service_tier=tier if type(tier) is str else None, raw=body)


def renamed(call: ToolCall, sent: Sent) -> ToolCall:
    """
    The call under the client's name of the tool.
    """
    name = sent.tool_names.get(call.name)
    return call if name is None else replace(call, name=name, raw=None)


def finish_of(native: str | None, *, called: bool, unwrapped: bool) -> Finish:
    """
    Why an answer ended.

    Args:
        called: It calls a tool of the client's.
        unwrapped: It called the tool that stands for the output's schema.
    """
    finish = FINISHES.get(native or "", Finish.BROKEN)
    if called and not finish.cut:
        return Finish.TOOL if native not in ("malformed_tool_use", "malformed_model_output") else Finish.BROKEN
    if finish is Finish.TOOL:
        # "tool_use" without a call: of the provider's own tools, or of the one that stands for the schema.
        return Finish.STOP if unwrapped else Finish.BROKEN
    return finish


def stop_sequence_of(fields: Any) -> str | None:
    """
    The stop sequence, where it was asked for.
    """
    if type(fields) is not dict:
        return None
    delta = fields.get("delta")
    found = fields.get("stop_sequence") or (delta.get("stop_sequence") if type(delta) is dict else None)
    return found if type(found) is str else None


# -- writing ---------------------------------------------------------------------------------------------------------------------------


def encode_answer(answer: Answer, asked: Asked) -> Json:
    """
    The client's JSON.
    """
    if len(answer.candidates) > 1:
        asked.losses.dropped("candidates", "Converse answers hold one candidate; the first was kept")
    candidate = answer.candidates[0] if answer.candidates else Candidate((), Finish.BROKEN)
    own = answer.dialect == NAME and type(answer.raw) is dict
    content: list[Json] = []
    for part in candidate.parts:
        if own and part.raw is not None:
            content.append(part.raw)
        elif (block := write_part(part, asked)) is not None:
            content.append(block)
    message = {"role": "assistant", "content": content}
    if own:
        return _own(answer.raw, message, candidate)
    body: dict[str, Json] = {
        "metrics": {"latencyMs": 0},
        "output": {"message": message},
        "stopReason": stop_reason(candidate.finish),
        "usage": write_usage(answer.usage),
    }
    fields = stop_fields(candidate.stop_sequence, asked)
    if fields is not None:
        body["additionalModelResponseFields"] = fields
    if answer.service_tier in _TIERS:
        body["serviceTier"] = {"type": answer.service_tier}
    return body


def _own(raw: dict[str, Json], message: dict[str, Json], candidate: Candidate) -> Json:
    """
    The answer as it came, around the message.
    """
    output = raw.get("output")
    body = dict(raw)
    if type(output) is dict and type(output.get("message")) is dict:
        body["output"] = {**output, "message": {**output["message"], "content": message["content"]}}
    elif message["content"]:
        body["output"] = {"message": message}
    if raw.get("stopReason") == "tool_use" and candidate.finish is Finish.STOP:
        body["stopReason"] = "end_turn"
    return body


def stop_reason(finish: Finish) -> str:
    """
    Converse's word for an end.
    """
    return _STOP_REASONS[finish]


def write_part(part: Part, asked: Asked) -> dict[str, Json] | None:
    """
    A content block of the answer; `None` where there is none for it, which is noted unless it says nothing.
    """
    match part:
        case Text(text=text) | Refusal(text=text):
            if isinstance(part, Text) and part.citations:
                asked.losses.dropped("citations", "citations of another provider have no form in Converse")
            return {"text": text} if text else None
        case ToolCall():
            return {"toolUse": {"toolUseId": fit(part.id, WORD), "name": part.name, "input": _arguments(part, asked.losses)}}
        case Reasoning():
            content = write_thought(part, asked.provider)
            return {"reasoningContent": content} if content is not None else None
        case Image(source=source):
            block = write_media("image", source, IMAGES)
        case Audio(source=source):
            block = write_media("audio", source, AUDIOS)
        case Video(source=source):
            block = write_media("video", source, VIDEOS)
        case Opaque(kind=kind):
            asked.losses.dropped(kind, "what the provider's own tools said has no form in Converse")
            return None
        case _:
            block = None
    if block is None:
        asked.losses.dropped(type(part).__name__.lower(), "Converse answers have no form for it")
    return block


def _arguments(call: ToolCall, losses: Losses) -> Mapping[str, Json]:
    if call.arguments is not None:
        return call.arguments
    losses.changed("tools.arguments", "arguments that are no JSON object were wrapped in one")
    return {"arguments": call.text or ""}


def write_thought(thought: Reasoning, provider: str) -> dict[str, Json] | None:
    """
    Content of a `reasoningContent` block; `None` for a thought that says nothing.

    A foreign proof travels in `signature`, or in `redactedContent` where it is the whole of a thought; the words beside an empty text tell
    which of them belonged to the part behind it.
    """
    proof = keepsake.wrap(provider, thought.signature) if thought.signature else None
    if proof is not None and not thought.text and not thought.attached:
        return {"redactedContent": proof} if is_base64(proof) else None
    if proof is None and not thought.text:
        return None
    return {"reasoningText": {"text": thought.text, "signature": proof} if proof is not None else {"text": thought.text}}


def write_usage(usage: Usage | None) -> dict[str, Json]:
    """
    `usage`: input without what was read from or written to a cache, output with reasoning. Its SDKs demand three of the numbers.
    """
    usage = usage or Usage()
    read, written, hour = usage.cache_read_tokens, usage.cache_write_tokens, usage.cache_write_1h_tokens
    fresh = max(0, (usage.input_tokens or 0) - (read or 0) - (written or 0))
    output = usage.output_tokens or 0
    said: dict[str, Json] = {"inputTokens": fresh, "outputTokens": output, "totalTokens": fresh + output + (read or 0) + (written or 0)}
    if read is not None:
        said["cacheReadInputTokens"] = read
    if written is not None:
        said["cacheWriteInputTokens"] = written
        lifetimes = (("1h", hour), ("5m", usage.cache_write_5m_tokens))
        if written:
            said["cacheDetails"] = [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in lifetimes if tokens]
    return said


def stop_fields(stop_sequence: str | None, asked: Asked) -> dict[str, Json] | None:
    """
    The stop sequence for clients that asked for it; `None` where there is nothing to say.
    """
    raw = asked.request.raw
    paths = raw.get("additionalModelResponseFieldPaths") if type(raw) is dict and asked.request.dialect == NAME else None
    if stop_sequence is None or type(paths) is not list:
        return None
    if WHERE_STOP_STANDS[False] in paths:
        return {"stop_sequence": stop_sequence}
    return {"delta": {"stop_sequence": stop_sequence}} if WHERE_STOP_STANDS[True] in paths else None
