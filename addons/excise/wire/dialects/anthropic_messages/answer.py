"""
Whole answers, read and written.
"""

from __future__ import annotations

from typing import Any

import orjson

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.anthropic_messages.blocks import FAMILY, opaque
from excise.wire.keepsake import unwrap, wrap
from excise.wire.loss import Losses
from excise.wire.neutral import (
    Answer,
    Audio,
    Candidate,
    Document,
    Finish,
    Image,
    Json,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Video,
)
from excise.wire.sequence import read_arguments
from excise.wire.tool_ids import WORD, fit, made
from excise.wire.usage import Usage

# Source: `StopReason` and `BetaStopReason` of the SDK.
_FINISH = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP_SEQUENCE,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "refusal": Finish.REFUSAL,
    "pause_turn": Finish.PAUSE,
    "compaction": Finish.PAUSE,
}

_REASONS = {
    Finish.STOP: "end_turn",
    Finish.STOP_SEQUENCE: "stop_sequence",
    Finish.LENGTH: "max_tokens",
    Finish.TOOL: "tool_use",
    Finish.FILTER: "refusal",
    Finish.REFUSAL: "refusal",
    Finish.PAUSE: "pause_turn",
    Finish.BROKEN: "refusal",  # never read as a whole answer
}


# -- from the provider -----------------------------------------------------------------------------------------------------------------


def decode_answer(name: str, body: Json, sent: Sent) -> Answer:
    """
    A message in the neutral form. Whatever it holds, nothing is raised.
    """
    if type(body) is not dict:
        return Answer(dialect=name, candidates=(Candidate((), Finish.BROKEN),), raw=body)
    content = body.get("content")
    blocks = content if type(content) is list else [{"type": "text", "text": content}] if type(content) is str else []
    id_ = body.get("id")
    parts = [part for place, block in enumerate(blocks) if (part := _part(block, sent, id_, place)) is not None]
    reason = _text(body.get("stop_reason"))
    finish = finish_of(reason, any(type(part) is ToolCall for part in parts), bool(parts))
    if not parts and (words := explanation(body.get("stop_details"))) is not None:
        parts.append(Refusal(text=words))
    model, usage = body.get("model"), body.get("usage")
    return Answer(
        dialect=name,
        candidates=(Candidate(tuple(parts), finish, reason, _text(body.get("stop_sequence"))),),
        id=_text(id_),
        model=_text(model),
        service_tier=_text(usage.get("service_tier")) if type(usage) is dict else None,
        raw=body,
    )


def finish_of(reason: str | None, calls: bool, says: bool) -> Finish:
    """
    Why an answer ended.

    Args:
        calls: There is a tool call in it.
        says: There is anything in it.
    """
    finish = _FINISH.get(reason or "", Finish.BROKEN)
    if calls and not finish.cut:
        return Finish.TOOL
    if reason == "tool_use" or reason is None:
        # A call that stood for an output schema; or an imitator that leaves the reason out of a whole answer.
        return Finish.STOP if says else Finish.BROKEN
    return finish


def explanation(details: Json) -> str | None:
    """
    The words of a refusal, where the provider gives any.
    """
    words = details.get("explanation") if type(details) is dict else None
    return words if type(words) is str and words else None


def _text(value: Json) -> str | None:
    return value if type(value) is str and value else None


def _part(block: Json, sent: Sent, answer_id: Json, place: int) -> Part | None:
    if type(block) is not dict:
        return None
    kind = block.get("type")
    match kind:
        case "text":
            text, citations = block.get("text"), block.get("citations")
            if type(text) is str:
                return Text(text=text, citations=tuple(citations) if type(citations) is list else (), raw=block)
        case "tool_use":
            return call_part(block, sent, answer_id, place)
        case "thinking":
            text, signature = block.get("thinking"), block.get("signature")
            return Reasoning(text=text if type(text) is str else "", signature=_text(signature), raw=block)
        case "redacted_thinking":
            return Reasoning(signature=_text(block.get("data")) or "", redacted=True, raw=block)
    return opaque(block, kind) if type(kind) is str else None


def call_part(block: dict[str, Any], sent: Sent, answer_id: Json, place: int) -> Part:
    """
    A tool call under the name the client knows; text, where the tool stood for an output schema.
    """
    name, given = _text(block.get("name")) or "", block.get("input")
    arguments, text = (given, None) if type(given) is dict else read_arguments(given) if type(given) is str else ({}, None)
    if sent.unwrap_tool is not None and name == sent.unwrap_tool:
        return Text(text=text if text is not None else orjson.dumps(arguments).decode())
    return ToolCall(
        id=_text(block.get("id")) or made(answer_id if type(answer_id) is str else "", place),
        name=sent.tool_names.get(name, name),
        arguments=arguments,
        text=text,
        raw=block,
    )


# -- to the client ---------------------------------------------------------------------------------------------------------------------


def encode_answer(answer: Answer, asked: Asked) -> dict[str, Any]:
    """
    A message as the official SDKs take it.

    Of an answer in the family's own words, what the neutral form does not carry stays.
    """
    own = answer.dialect in FAMILY
    candidate = answer.candidates[0] if answer.candidates else Candidate((), Finish.BROKEN)
    content = []
    for part in candidate.parts:
        block = part.raw if own and is_raw(part) else write_part(part, asked)
        if block is not None:
            content.append(block)
    calls = any(block.get("type") == "tool_use" for block in content)
    message = {
        "id": message_id(answer.id, asked, own=own),
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": content,
        **stop_of(candidate.finish, candidate.native_finish, candidate.stop_sequence, candidate.parts, asked, calls=calls, own=own),
        "usage": usage_of(answer.usage, answer.service_tier),
    }
    if own and type(answer.raw) is dict:
        message = {**answer.raw, **message}
        message |= {key: answer.raw[key] for key in ("usage", "stop_details") if key in answer.raw}
    return message


def is_raw(part: Part) -> bool:
    """
    Whether a part of this family's answer goes on as it came: a tool of another name at the provider does not.
    """
    return part.raw is not None and (type(part) is not ToolCall or part.raw.get("name") == part.name)


def message_id(id_: str | None, asked: Asked, *, own: bool) -> str:
    """
    The provider's id, where it is one of this family; else one made of the call's.
    """
    if id_ is not None and (own or (id_.startswith("msg_") and WORD.alphabet.fullmatch(id_))):
        return id_
    return f"msg_{asked.id}"


def stop_of(
    finish: Finish,
    native: str | None,
    sequence: str | None,
    parts: tuple[Part, ...],
    asked: Asked,
    *,
    calls: bool,
    own: bool,
) -> dict[str, Any]:
    """
    Why the message ended, in the fields a message and a stream's last delta share.
    """
    reason = native if own and native is not None and finish is not Finish.STOP else _REASONS[finish]
    if calls and not finish.cut:
        reason = "tool_use"  # the loops of clients hang on it
    if finish is not Finish.STOP_SEQUENCE:
        sequence = None
    elif sequence is None and len(asked.request.stop) == 1:
        sequence = asked.request.stop[0]
    details = None
    if reason == "refusal":
        words = next((part.text for part in parts if type(part) is Refusal), None)
        details = {"type": "refusal", "category": None, "explanation": words}
    return {"stop_reason": reason, "stop_sequence": sequence, "stop_details": details}


def write_part(part: Part, asked: Asked) -> dict[str, Any] | None:
    """
    A part of a foreign answer as a content block; `None` where there is no place for it, and `asked.losses` says so.
    """
    if isinstance(part, Text | Refusal):
        if isinstance(part, Text) and part.citations:
            asked.losses.dropped("citations", "citations are not translated; the text they belong to is there")
        # A client sends its blocks back, and the provider refuses an empty one.
        return {"type": "text", "text": part.text} if part.text else None
    if isinstance(part, ToolCall):
        return {"type": "tool_use", "id": fit(part.id, WORD), "name": part.name, "input": input_of(part, asked.losses)}
    if isinstance(part, Reasoning):
        return thought_of(part, part.text, part.signature, asked)
    note_unwritten(part, asked.losses)
    return None


def input_of(call: ToolCall, losses: Losses) -> dict[str, Any]:
    """
    Arguments have to be an object; what is none is put into one.
    """
    if call.arguments is not None:
        return dict(call.arguments)
    losses.changed("tools.arguments", "the model wrote arguments that are no JSON object; they were put into one, as text")
    return {"arguments": call.text or ""}


def thought_of(part: Reasoning, text: str, signature: str | None, asked: Asked) -> dict[str, Any] | None:
    """
    A thought as a block; `None` where neither words nor proof are there.

    A foreign proof is marked with its maker. One that belongs to the next part is told from one that stands for hidden thoughts by the
    block it is in: the first is a `thinking` without words, the other a `redacted_thinking`.
    """
    proof = signed(signature, part, asked) if signature else None
    if text:
        return {"type": "thinking", "thinking": text, "signature": proof or ""}
    if proof is None:
        return None
    if part.attached or (not part.redacted and asked.dialect in FAMILY):
        return {"type": "thinking", "thinking": "", "signature": proof}
    return {"type": "redacted_thinking", "data": proof}


def signed(signature: str, part: Reasoning, asked: Asked) -> str:
    """
    A proof as this family's clients get it.
    """
    if asked.dialect in FAMILY and part.origin is None and unwrap(signature)[0] is None:
        return signature
    return wrap(part.origin or asked.provider, signature)


_KINDS: tuple[tuple[type[Part], str], ...] = (
    (Image, "image"),
    (Audio, "audio"),
    (Video, "video"),
    (Document, "document"),
    (ToolResult, "tools.server"),
)


def note_unwritten(part: Part, losses: Losses) -> None:
    """
    Note a part of an answer that a message has no block for.
    """
    kind = part.kind if isinstance(part, Opaque) else next((kind for sort, kind in _KINDS if isinstance(part, sort)), "content")
    losses.dropped(kind, "the client's dialect has no place for it in an answer")


# -- usage -----------------------------------------------------------------------------------------------------------------------------

_TIERS = {"standard": "standard", "default": "standard", "priority": "priority", "batch": "batch"}


def usage_of(usage: Usage, tier: str | None) -> dict[str, Any]:
    """
    A message's usage, whole: input without what was read from or written to a cache, output with what was thought. `null` where nobody
    said; the two totals are numbers always, as the SDKs' types want them.
    """
    written = usage.cache_write_tokens
    made_in: dict[str, int] | None = None
    if written is not None:
        made_in = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m_tokens or 0,
            "ephemeral_1h_input_tokens": usage.cache_write_1h_tokens or 0,
        }
    said: dict[str, Any] = {
        **totals_of(usage),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read_tokens,
        "cache_creation": made_in,
        "server_tool_use": None,
        "service_tier": _TIERS.get(tier) if tier is not None else None,
    }
    if usage.searches is not None:
        said["server_tool_use"] = {"web_search_requests": usage.searches, "web_fetch_requests": 0}
    return said


def totals_of(usage: Usage) -> dict[str, Any]:
    """
    Input and output tokens, and what of the output was thought.
    """
    fresh = (usage.uncached_input_tokens, usage.audio_input_tokens, usage.image_input_tokens, usage.tool_input_tokens)
    said: dict[str, Any] = {"input_tokens": sum(tokens or 0 for tokens in fresh), "output_tokens": usage.output_tokens or 0}
    if usage.reasoning_tokens is not None:
        said["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    return said
