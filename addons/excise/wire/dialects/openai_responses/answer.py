"""
Whole answers in OpenAI's Responses form: a provider's read, a client's written.

Source: OpenAI SDK 3.54 types `response`, `response_output_item`, `response_usage`; recorded traffic; read 2026-11.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.openai_responses.items import ATTACHED, FREE_TEXT, NAME, REDACTED, SERVER, WITHHELD, free_text_call, read_thought
from excise.wire.dialects.openai_responses.request import free_text_tools
from excise.wire.keepsake import wrap
from excise.wire.neutral import (
    Answer,
    Candidate,
    Finish,
    Json,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)
from excise.wire.sequence import arguments_text, read_arguments
from excise.wire.tool_ids import WORD, fit, made
from excise.wire.usage import Usage
from excise.wire.usage_values import name_of

TIERS = frozenset(("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"))
"""Tiers of service that Responses have a word for."""

_BROKEN = "the model's answer is broken: the provider failed to write it"

# -- reading ---------------------------------------------------------------------------------------------------------------------------


def decode_answer(body: Any, sent: Sent) -> Answer:
    """
    A response, whatever its status. Never raises.

    A reasoning item that holds nothing (its content is stored at the provider) is left out.
    """
    if type(body) is not dict:
        return Answer(NAME, (Candidate((), Finish.BROKEN),), raw=body)
    parts = tuple(
        part for place, item in enumerate(_listed(body.get("output"))) for part in read_item(item, sent, f"{body.get('id')}", place)
    )
    called = any(isinstance(part, ToolCall) for part in parts)
    finish, native = finish_of(body, called=called, refused=any(isinstance(part, Refusal) for part in parts), said=bool(parts))
    return Answer(
        dialect=NAME,
        candidates=(Candidate(parts, finish, native),),
        id=_text_of(body.get("id")),
        model=_text_of(body.get("model")),
        created=created_of(body),
        service_tier=_text_of(body.get("service_tier")),
        raw=body,
    )


def read_item(item: Any, sent: Sent, seed: str, place: int) -> list[Part]:
    """
    The parts of one output item.

    Args:
        item: Any JSON.
        sent: What to undo.
        seed: Of ids that have to be made.
        place: Of the item in the output.
    """
    if type(item) is not dict:
        return []
    match item.get("type"):
        case "message":
            return _message(item)
        case "function_call":
            return [read_call(item, sent, seed, place)]
        case "custom_tool_call":
            name, id_ = call_head(item, sent, seed, place)
            return [free_text_call(item, name, id_)]
        case "reasoning":
            thought = read_thought(item)
            return [thought] if thought.text or thought.signature is not None else []
        case str():
            return [Opaque(kind=SERVER, vital=False, raw=item)]
    return []


def _message(item: dict[str, Any]) -> list[Part]:
    content = item.get("content")
    if type(content) is str:
        return [Text(text=content, raw=content)] if content else []
    parts: list[Part] = []
    for part in _listed(content):
        if type(part) is not dict:
            continue
        if type(refusal := part.get("refusal")) is str and part.get("type") == "refusal":
            if refusal:
                parts.append(Refusal(text=refusal, raw=part))
        elif type(text := part.get("text")) is str and text:
            parts.append(Text(text=text, citations=tuple(_listed(part.get("annotations"))), raw=part))
    return parts


def call_head(item: dict[str, Any], sent: Sent, seed: str, place: int) -> tuple[str, str]:
    """
    Name of the tool, as the client knows it, and id of the call.
    """
    name = _text_of(item.get("name")) or ""
    id_ = _text_of(item.get("call_id")) or _text_of(item.get("id")) or made(seed, place)
    return sent.tool_names.get(name, name), id_


def read_call(item: dict[str, Any], sent: Sent, seed: str, place: int) -> Part:
    """
    A function call, or the text it stands for where it imitates an output schema.
    """
    name, id_ = call_head(item, sent, seed, place)
    given = item.get("arguments")
    if sent.unwrap_tool is not None and item.get("name") == sent.unwrap_tool:
        return Text(text=given if type(given) is str else "", raw=item)
    arguments, text = read_arguments(given) if type(given) is str else (given if type(given) is dict else {}, None)
    return ToolCall(id=id_, name=name, arguments=arguments, text=text, item_id=_text_of(item.get("id")), raw=item)


def finish_of(response: Mapping[str, Any], *, called: bool, refused: bool, said: bool) -> tuple[Finish, str | None]:
    """
    Why a response ended, and the provider's word for it.

    A call that the limit cut in two is no call to be run: such an answer ended in LENGTH.

    Args:
        response: The response, or the last event's.
        called: It holds a tool call.
        refused: It holds a refusal.
        said: It holds anything.
    """
    status = response.get("status")
    details = response.get("incomplete_details")
    reason = details.get("reason") if type(details) is dict else None
    native = name_of(reason) or name_of(status)
    if status == "completed" or (status is None and said):
        return Finish.TOOL if called else Finish.REFUSAL if refused else Finish.STOP, native
    if status != "incomplete":
        return Finish.BROKEN, native
    if called and not any(_is_cut(item) for item in _listed(response.get("output"))):
        return Finish.TOOL, native
    return _INCOMPLETE.get(reason if type(reason) is str else None, Finish.BROKEN), native


_INCOMPLETE: dict[str | None, Finish] = {
    None: Finish.LENGTH,
    "max_output_tokens": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "content_filter": Finish.FILTER,
}


def _is_cut(item: Any) -> bool:
    if type(item) is not dict or item.get("type") != "function_call":
        return False
    text = item.get("arguments")
    return item.get("status") == "incomplete" or (type(text) is str and read_arguments(text)[0] is None)


def created_of(body: Mapping[str, Any]) -> int | None:
    """
    Unix seconds; some providers write them with a fraction.
    """
    created: Any = body.get("created_at")
    return int(created) if type(created) in (int, float) and 0 <= created < 1 << 53 else None


def _text_of(value: Any) -> str | None:
    return value if type(value) is str and value else None


def _listed(value: Any) -> list[Any]:
    return value if type(value) is list else []


# -- writing ---------------------------------------------------------------------------------------------------------------------------


def encode_answer(answer: Answer, asked: Asked) -> Json:
    """
    A response object, complete enough for the official SDKs' types.

    Runs of text are one message. An answer of this very dialect is given as it came, under the name it is to carry.
    """
    if answer.dialect == NAME and type(answer.raw) is dict:
        return {**answer.raw, "model": asked.model}
    if len(answer.candidates) > 1:
        asked.losses.dropped("candidates", "a response holds one answer; the others are left out")
    candidate = answer.candidates[0] if answer.candidates else Candidate((), Finish.BROKEN)
    writer = ItemWriter(asked)
    output: list[Json] = []
    content: list[Json] = []
    refused = False
    for part in candidate.parts:
        if isinstance(part, Text | Refusal):
            refused = refused or isinstance(part, Refusal)
            content.append(writer.content(part))
            continue
        item = writer.item(part)
        if item is None:
            continue
        if content:
            output.append(writer.message(content))
            content = []
        output.append(writer.numbered(item))
    if content:
        output.append(writer.message(content))
    status, reason = status_of(candidate.finish, refused=refused)
    if status == "incomplete" and output and "status" in output[-1]:
        output[-1]["status"] = status
    response = skeleton(asked, answer.id, answer.created)
    close(response, status, reason, output, answer.usage, answer.service_tier, asked)
    return response


class ItemWriter:
    """
    Parts of an answer as output items, numbered in the order they are written; ids are made of the call's own.
    """

    __slots__ = ("_asked", "_count", "_custom")

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._custom = free_text_tools(asked.request) if asked.request.dialect == NAME else frozenset()
        self._count = 0

    def next_id(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}_{self._asked.id}{self._count:02x}"

    def numbered(self, item: dict[str, Json]) -> dict[str, Json]:
        """
        The item with its id in front.
        """
        return {"id": self.next_id(_PREFIXES[item["type"]]), **item}

    def message(self, content: list[Json]) -> dict[str, Json]:
        return {"id": self.next_id("msg"), "type": "message", "status": "completed", "role": "assistant", "content": content}

    def content(self, part: Text | Refusal) -> Json:
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        annotations: list[Json] = []
        if part.citations and self._asked.dialect == NAME:
            annotations = list(part.citations)
        elif part.citations:
            self._asked.losses.dropped("citations", "citations of another dialect have no place in the answer")
        return {"type": "output_text", "text": part.text, "annotations": annotations, "logprobs": []}

    def item(self, part: Part) -> dict[str, Json] | None:
        """
        A call or a thought, without id; `None` for what a response has no item for.
        """
        if isinstance(part, ToolCall):
            return self.call(part, arguments_text(part) or "{}")
        if isinstance(part, Reasoning):
            return self.thought(part, part.text, part.signature)
        kind = part.kind if isinstance(part, Opaque) else type(part).__name__.lower()
        self._asked.losses.dropped(kind, "a response has no place for this part of the answer")
        return None

    def is_free_text(self, call: ToolCall) -> bool:
        return call.name in self._custom

    def call(self, call: ToolCall, arguments: str) -> dict[str, Json]:
        id_ = fit(call.id, WORD)
        if call.name in self._custom:
            text = free_text_of(arguments)
            return {"type": "custom_tool_call", "status": "completed", "call_id": id_, "name": call.name, "input": text}
        return {"type": "function_call", "status": "completed", "call_id": id_, "name": call.name, "arguments": arguments}

    def thought(self, part: Reasoning, text: str, signature: str | None) -> dict[str, Json] | None:
        """
        A thought with the words and the proof it ended with.
        """
        if not text and signature is None:
            return None
        item: dict[str, Json] = {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}] if text else []}
        if signature is None:
            return item
        if self._asked.dialect == NAME:
            item["encrypted_content"] = signature
            return item
        item["encrypted_content"] = wrap(part.origin or self._asked.provider, signature)
        if not text:
            blanks = ATTACHED if part.attached else REDACTED if part.redacted else WITHHELD
            item["summary"] = [{"type": "summary_text", "text": ""} for _ in range(blanks)]
        return item


_PREFIXES = {"function_call": "fc", "custom_tool_call": "ctc", "reasoning": "rs"}


def free_text_of(arguments: str) -> str:
    """
    The one text that a call of a free-text tool holds; the arguments themselves where they hold something else.
    """
    given = read_arguments(arguments)[0]
    if given is None:
        return arguments
    text = given.get(FREE_TEXT, "" if not given else None)
    return text if type(text) is str else arguments


def status_of(finish: Finish, *, refused: bool) -> tuple[str, str | None]:
    """
    `status`, and the reason of an incomplete one.

    Args:
        finish: Why the answer ended.
        refused: It holds the model's refusal in words, which says enough.
    """
    match finish:
        case Finish.LENGTH:
            return "incomplete", "max_output_tokens"
        case Finish.PAUSE:
            return "incomplete", None
        case Finish.FILTER:
            return "incomplete", "content_filter"
        case Finish.REFUSAL if not refused:
            return "incomplete", "content_filter"
        case Finish.BROKEN:
            return "failed", None
    return "completed", None


_ECHOED: tuple[tuple[str, Json], ...] = (
    ("instructions", None),
    ("max_output_tokens", None),
    ("max_tool_calls", None),
    ("parallel_tool_calls", True),
    ("previous_response_id", None),
    ("prompt_cache_key", None),
    ("safety_identifier", None),
    ("temperature", 1.0),
    ("tool_choice", "auto"),
    ("tools", []),
    ("top_logprobs", 0),
    ("top_p", 1.0),
    ("truncation", "disabled"),
    ("user", None),
    ("metadata", {}),
)


def skeleton(asked: Asked, id_: str | None, created: int | None) -> dict[str, Json]:
    """
    A response in progress, with the fields of the request that responses repeat. Nothing is stored, so `store` is false.
    """
    request = asked.request
    given: Mapping[str, Json] = request.raw if request.dialect == NAME and type(request.raw) is dict else {}
    response: dict[str, Json] = {
        "id": id_ if id_ is not None and id_.startswith("resp_") else f"resp_{asked.id}",
        "object": "response",
        "created_at": created if created is not None else asked.now,
        "status": "in_progress",
        "background": False,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": asked.model,
        "output": [],
    }
    for field, default in _ECHOED:
        value = given.get(field)
        response[field] = default if value is None else value
    reasoning, text = given.get("reasoning"), given.get("text")
    response["reasoning"] = {"effort": None, "summary": None, **(reasoning if type(reasoning) is dict else {})}
    response["text"] = {"format": {"type": "text"}, "verbosity": "medium"}
    if type(text) is dict:
        response["text"].update({field: value for field, value in text.items() if value is not None})
    response["service_tier"] = given.get("service_tier") or "auto"
    response["store"] = False
    response["usage"] = None
    return response


def close(
    response: dict[str, Json], status: str, reason: str | None, output: list[Json], usage: Usage, tier: str | None, asked: Asked
) -> None:
    """
    Make the skeleton the whole response.
    """
    response["status"] = status
    response["output"] = output
    response["usage"] = written_usage(usage)
    response["service_tier"] = tier if tier in TIERS else "default"
    if reason is not None:
        response["incomplete_details"] = {"reason": reason}
    if status == "completed":
        response["completed_at"] = asked.now
    elif status == "failed":
        response["error"] = {"code": "server_error", "message": _BROKEN}


def written_usage(usage: Usage) -> Json:
    """
    Usage as Responses count it: input with what was read from and written to caches, output with reasoning. `null`: nothing is known.
    """
    if usage.input_tokens is None and usage.output_tokens is None:
        return None
    given, made_ = usage.input_tokens or 0, usage.output_tokens or 0
    return {
        "input_tokens": given,
        "input_tokens_details": {"cached_tokens": usage.cache_read_tokens or 0, "cache_write_tokens": usage.cache_write_tokens or 0},
        "output_tokens": made_,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens or 0},
        "total_tokens": given + made_,
    }


def dumped(value: Json) -> bytes:
    """
    JSON as bytes, lone surrogates replaced.
    """
    try:
        return orjson.dumps(value)
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return orjson.dumps(_writable(value))


def _writable(value: Json) -> Json:
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case dict():
            return {_writable(key): _writable(inner) for key, inner in value.items()}
        case list():
            return [_writable(inner) for inner in value]
        case int() if not -(1 << 63) <= value < 1 << 64:
            return float(value) if value.bit_length() < 1000 else None
    return value
