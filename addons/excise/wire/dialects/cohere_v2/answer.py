"""
Answers of Cohere's chat API, version 2, whole.

Source: Cohere's API reference "Chat" and its Python SDK's `V2ChatResponse`, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.cohere_v2.request import NAME
from excise.wire.loss import Losses
from excise.wire.neutral import Answer, Candidate, Finish, Json, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import arguments_text, read_arguments
from excise.wire.tool_ids import WORD, fit, made
from excise.wire.usage import Usage

_FINISHES = {
    "COMPLETE": Finish.STOP,
    "STOP_SEQUENCE": Finish.STOP_SEQUENCE,
    "MAX_TOKENS": Finish.LENGTH,
    "ERROR_LIMIT": Finish.LENGTH,
    "ERROR_TOXIC": Finish.FILTER,
}
_FAILED = frozenset(("ERROR", "TIMEOUT", "USER_CANCEL"))

# A model that declines has no word of its own: that of the filter at least looks like no answer.
_WORDS = {
    Finish.STOP: "COMPLETE",
    Finish.STOP_SEQUENCE: "STOP_SEQUENCE",
    Finish.LENGTH: "MAX_TOKENS",
    Finish.TOOL: "TOOL_CALL",
    Finish.FILTER: "ERROR_TOXIC",
    Finish.REFUSAL: "ERROR_TOXIC",
    Finish.PAUSE: "MAX_TOKENS",
    Finish.BROKEN: "ERROR",
}


def finish_of(native: Any, *, called: bool) -> Finish:
    """
    What a finish reason means. `called`: the answer calls a tool.

    A call in an answer that failed is no call: nobody shall run the half of it that came.
    """
    if type(native) is not str:
        return Finish.TOOL if called else Finish.BROKEN
    if native in _FAILED:
        return Finish.BROKEN
    finish = _FINISHES.get(native, Finish.BROKEN)
    return Finish.TOOL if called and not finish.cut else finish


def finish_word(finish: Finish, losses: Losses) -> str:
    """
    The finish reason a client of Cohere gets.
    """
    if finish is Finish.PAUSE:
        losses.changed("finish", "the answer is to be continued by sending it back; Cohere has no word for that")
    return _WORDS[finish]


# -- decoding --------------------------------------------------------------------------------------------------------------------------


def decode_answer(body: Any, sent: Sent) -> Answer:
    """
    A provider's answer in neutral form. What cannot be read is a BROKEN answer.
    """
    if type(body) is not dict:
        return Answer(dialect=NAME, candidates=(Candidate((), Finish.BROKEN),))
    given = body.get("message")
    message: dict[str, Any] = given if type(given) is dict else {}
    id_ = body.get("id")
    answer_id = id_ if type(id_) is str and id_ else None
    parts = [*_content(message), *_calls(message.get("tool_calls"), sent, answer_id)]
    native = body.get("finish_reason")
    raw: Json = body
    if sent.unwrap_tool is not None and (unwrapped := [part for part in parts if _stands_for_output(part, sent)]):
        parts = [part for part in parts if isinstance(part, Reasoning)]
        parts += [Text(text=arguments_text(part)) for part in unwrapped if isinstance(part, ToolCall)]
        native, raw = "COMPLETE" if native == "TOOL_CALL" else native, None
    finish = finish_of(native, called=any(isinstance(part, ToolCall) for part in parts))
    word = body.get("finish_reason")
    candidate = Candidate(tuple(parts), finish, word if type(word) is str else None)
    return Answer(dialect=NAME, candidates=(candidate,), id=answer_id, raw=raw)


def _stands_for_output(part: Part, sent: Sent) -> bool:
    return isinstance(part, ToolCall) and part.name == sent.unwrap_tool


def _content(message: dict[str, Any]) -> list[Part]:
    content = message.get("content")
    parts: list[Part] = []
    if type(content) is str:
        parts = [Text(text=content)] if content else []
    elif type(content) is list:
        parts = [part for index, given in enumerate(content) if (part := _part(given, index, message)) is not None]
    if type(plan := message.get("tool_plan")) is str and plan:
        parts.append(Text(text=plan))
    return parts


def _part(given: Any, index: int, message: dict[str, Any]) -> Part | None:
    if type(given) is not dict:
        return None
    if type(thought := given.get("thinking")) is str:
        return Reasoning(text=thought, raw=given)
    if type(said := given.get("text")) is not str:
        return None
    citations = message.get("citations")
    if type(citations) is not list:
        return Text(text=said, raw=given)
    # Older models leave the index out: theirs is the only text.
    cited = tuple(one for one in citations if type(one) is dict and one.get("content_index", index) == index)
    return Text(text=said, citations=cited, raw=given)


def _calls(given: Any, sent: Sent, answer_id: str | None) -> list[Part]:
    calls: list[Part] = []
    for index, call in enumerate(given if type(given) is list else ()):
        if type(call) is not dict:
            continue
        id_, name, arguments = call_fields(call)
        read, kept = (arguments, None) if type(arguments) is dict else read_arguments(arguments if type(arguments) is str else "")
        calls.append(
            ToolCall(
                id=id_ or made(answer_id or NAME, index),
                name=sent.tool_names.get(name, name),
                arguments=read,
                text=kept,
                raw=call,
            )
        )
    return calls


def call_fields(call: dict[str, Any]) -> tuple[str, str, Any]:
    """
    Id, name and arguments of a call, as far as they are there.
    """
    function = call.get("function")
    if type(function) is not dict:
        function = {}
    id_, name = call.get("id"), function.get("name")
    return id_ if type(id_) is str else "", name if type(name) is str else "", function.get("arguments")


# -- encoding --------------------------------------------------------------------------------------------------------------------------


def encode_answer(answer: Answer, asked: Asked) -> Json:
    """
    An answer in Cohere's words. Text before a tool call is its plan.
    """
    if answer.dialect == NAME and type(answer.raw) is dict:
        return answer.raw
    candidate = answer.candidates[0] if answer.candidates else Candidate((), Finish.BROKEN)
    called = any(isinstance(part, ToolCall) for part in candidate.parts)
    content: list[Json] = []
    plan: list[str] = []
    calls: list[Json] = []
    for part in candidate.parts:
        match part:
            case Text(text=said) | Refusal(text=said):
                if isinstance(part, Text) and part.citations:
                    asked.losses.dropped("citations", "citations are of their provider's own form")
                if said and called:
                    plan.append(said)
                elif said:
                    content.append({"type": "text", "text": said})
            case Reasoning(text=thought):
                if part.signature is not None:
                    proof_lost(asked.losses)
                if thought and not part.redacted:
                    content.append({"type": "thinking", "thinking": thought})
            case ToolCall(name=name):
                function = {"name": name, "arguments": arguments_text(part)}
                calls.append({"id": fit(part.id, WORD), "type": "function", "function": function})
            case _:
                part_lost(part, asked.losses)
    message: dict[str, Json] = {"role": "assistant"}
    if content:
        message["content"] = content
    if plan:
        message["tool_plan"] = "".join(plan)
    if calls:
        message["tool_calls"] = calls
    written = {"id": answer.id or made_id(asked.id), "finish_reason": finish_word(candidate.finish, asked.losses), "message": message}
    if (usage := usage_object(answer.usage)) is not None:
        written["usage"] = usage
    return written


def made_id(call_id: str) -> str:
    """
    Our id of a call in the form of Cohere's.
    """
    return "-".join((call_id[:8], call_id[8:12], call_id[12:16], call_id[16:20], call_id[20:]))


def proof_lost(losses: Losses) -> None:
    losses.dropped("reasoning.signature", "the client's dialect has no place for the proof of a thought; the next turn goes without it")


def part_lost(part: Part, losses: Losses) -> None:
    losses.dropped(getattr(part, "kind", type(part).__name__.lower()), "the client's dialect has no place for this part of the answer")


def usage_object(usage: Usage | None) -> dict[str, Json] | None:
    """
    Usage in Cohere's words: all input, cached included; all output, reasoning included. `None` where nothing is known.
    """
    if usage is None:
        return None
    units = {
        name: value for name, value in (("input_tokens", usage.input_tokens), ("output_tokens", usage.output_tokens)) if value is not None
    }
    if not units:
        return None
    written: dict[str, Json] = {"billed_units": units, "tokens": dict(units)}
    if usage.reasoning_tokens is not None:
        written["tokens"]["reasoning_tokens"] = usage.reasoning_tokens
    if usage.cache_read_tokens is not None:
        written["cached_tokens"] = usage.cache_read_tokens
    return written
