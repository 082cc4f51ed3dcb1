"""
A provider's whole chat answer, read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from excise.wire.dialect import Sent
from excise.wire.dialects.chat_flavours import flavour_of
from excise.wire.dialects.openai_chat.finish import finish_of, stop_sequence_of
from excise.wire.dialects.openai_chat.parts import answered_image, answered_parts, listed_or_none
from excise.wire.dialects.openai_chat.thoughts import PLAIN, read_thoughts
from excise.wire.json_text import json_text
from excise.wire.neutral import Answer, Candidate, Finish, Json, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.sequence import arguments_text, read_arguments
from excise.wire.tool_ids import made


def read_answer(name: str, body: Any, sent: Sent) -> Answer:
    """
    The answer in neutral form. Never raises: what cannot be read is no candidate, or one that is BROKEN.

    Args:
        name: Of the dialect.
        body: Parsed JSON, of any form.
        sent: What the request left: names of tools that had to change, the tool that stands for the output's schema.
    """
    if type(body) is not dict:
        return Answer(dialect=name, candidates=())
    id_ = text_of(body.get("id"))
    wanted_back = flavour_of(sent.target.provider, sent.target.model).wants_thoughts
    candidates = [
        _candidate(choice, id_ or "answer", place, sent, wanted_back)
        for place, choice in enumerate(listed_or_none(body.get("choices")))
        if type(choice) is dict
    ]
    imitated = sent.unwrap_tool is not None or bool(sent.tool_names)
    return Answer(
        dialect=name,
        candidates=tuple(candidates) or (Candidate((), Finish.BROKEN),),
        id=id_,
        model=text_of(body.get("model")),
        created=moment_of(body.get("created")),
        service_tier=text_of(body.get("service_tier")),
        raw=None if imitated else body,
    )


def text_of(value: Any) -> str | None:
    """
    A text that says something; `None` in place of anything else.
    """
    return value if type(value) is str and value else None


def moment_of(value: Any) -> int | None:
    """
    Unix seconds; `None` in place of anything that is none.
    """
    return int(value) if isinstance(value, int | float) and 0 < value < 1 << 53 else None


def _candidate(choice: dict[str, Any], id_: str, place: int, sent: Sent, wanted_back: bool) -> Candidate:
    message = choice.get("message")
    if type(message) is not dict:
        delta = choice.get("delta")
        message = delta if type(delta) is dict else {"content": choice.get("text")}
    seed = id_ if place == 0 else f"{id_}/{place}"
    parts = _unwrapped(_parts(message, seed, sent, wanted_back), sent)
    word = choice.get("finish_reason")
    called = any(type(part) is ToolCall for part in parts)
    unwrapped = sent.unwrap_tool is not None and not called
    finish = finish_of(
        "stop" if unwrapped and word in ("tool_calls", "tool_call", "function_call") else word,
        called=called,
        refused=any(type(part) is Refusal for part in parts),
        said=bool(parts),
    )
    if choice.get("error"):
        finish = Finish.BROKEN
    sequence = stop_sequence_of(choice, finish)
    return Candidate(tuple(parts), Finish.STOP_SEQUENCE if sequence else finish, text_of(word), sequence)


def _parts(message: dict[str, Any], seed: str, sent: Sent, wanted_back: bool) -> list[Part]:
    parts: list[Part] = list(read_thoughts(message, wanted_back=wanted_back))
    content = message.get("content")
    if type(content) is str:
        if content:
            annotations = message.get("annotations")
            citations = tuple(annotations) if type(annotations) is list else ()
            parts.append(Text(text=content, citations=citations, raw=content))
    elif type(content) is list:
        found = answered_parts(content)
        if wanted_back:
            found = [_wanted(part) for part in found]
        parts += found
    if refusal := text_of(message.get("refusal")):
        parts.append(Refusal(text=refusal))
    parts += [image for part in listed_or_none(message.get("images")) if (image := answered_image(part)) is not None]
    if type(audio := message.get("audio")) is dict:
        if said := text_of(audio.get("transcript")):
            parts.append(Text(text=said))
        if audio.get("data"):
            parts.append(Opaque(kind="audio", vital=False, raw=audio))
    number = 0
    for call in listed_or_none(message.get("tool_calls")):
        if (read := read_call(call, seed, number, sent)) is not None:
            parts.append(read)
            number += 1
    old = message.get("function_call")
    if type(old) is dict and (read := read_call({"function": old}, seed, number, sent)) is not None:
        parts.append(read)
        number += 1
    # Some models write blank text beside their calls.
    return [part for part in parts if type(part) is not Text or not part.text.isspace()] if number else parts


def _wanted(part: Part) -> Part:
    if type(part) is Reasoning and part.signature is None:
        return Reasoning(text=part.text, signature=PLAIN, raw=part.raw)
    return part


def read_call(call: Any, seed: str, number: int, sent: Sent) -> ToolCall | None:
    """
    One call of an answer; `None` for one without a name, which some providers give where there is none.

    Args:
        seed: What an id is made of, where the provider gives none.
        number: Which call of the answer it is.
    """
    if type(call) is not dict:
        return None
    function, custom = call.get("function"), call.get("custom")
    if type(function) is not dict or not function.get("name"):
        if type(custom) is not dict or not (name := text_of(custom.get("name"))):
            return None
        given = custom.get("input")
        return ToolCall(id=call_id(call.get("id"), seed, number), name=name, arguments=None, text=str(given or ""), raw=call)
    name = text_of(function.get("name"))
    if name is None:
        return None
    arguments, kept = arguments_of(function.get("arguments"))
    return ToolCall(
        id=call_id(call.get("id"), seed, number), name=sent.tool_names.get(name, name), arguments=arguments, text=kept, raw=call
    )


def call_id(given: Any, seed: str, number: int) -> str:
    """
    The id of a call; made where there is none ("null" is Mistral's for none).
    """
    return given if type(given) is str and given and given != "null" else made(seed, number)


def arguments_of(value: Any) -> tuple[Mapping[str, Json] | None, str | None]:
    """
    Arguments as `ToolCall` holds them, given as text or, by some servers, as an object.
    """
    if type(value) is str:
        return read_arguments(value)
    if type(value) is dict:
        return value, None
    return ({}, None) if value is None else (None, json_text(value))


def _unwrapped(parts: list[Part], sent: Sent) -> list[Part]:
    """
    The parts, with the call that stands for the output's schema as the text it means; other text is none of the answer then.
    """
    if sent.unwrap_tool is None or not any(type(part) is ToolCall and part.name == sent.unwrap_tool for part in parts):
        return parts
    kept = [part for part in parts if type(part) is not Text]
    return [Text(text=arguments_text(part)) if type(part) is ToolCall and part.name == sent.unwrap_tool else part for part in kept]
