"""
Answers of generateContent, read and written.

Source: the reference of `GenerateContentResponse` (Gemini API v1beta, Vertex v1), google-genai 3.4 and recordings, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from excise.wire.dialect import Asked, Sent
from excise.wire.dialects.gemini.parts import NAME, Calls, PartError, read_part, spelled
from excise.wire.keepsake import wrap
from excise.wire.neutral import Answer, Candidate, Finish, Json, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from excise.wire.tool_ids import ANY, fit
from excise.wire.usage import Usage

# -- why it ended ----------------------------------------------------------------------------------------------------------------------

# Words that are in neither list are BROKEN: malformed calls, answers that could not be written, and whatever comes next year.
_FINISH = {"STOP": Finish.STOP, "MAX_TOKENS": Finish.LENGTH, "CONTINUATION": Finish.LENGTH}
_FILTER_WORDS = """
    SAFETY RECITATION LANGUAGE BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION MODEL_ARMOR
    ESCALATION
"""
_FILTERS = frozenset(_FILTER_WORDS.split())
# Enumerations may come as numbers. From 6 on the Gemini API and Vertex count differently; 6 to 8 are filters in both.
_NUMBERS = {1: "STOP", 2: "MAX_TOKENS", 3: "SAFETY", 4: "RECITATION", 5: "OTHER", 6: "BLOCKLIST", 7: "PROHIBITED_CONTENT", 8: "SPII"}


_MALFORMED = frozenset(("MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"))  # what stands there as a call is none


def finish_of(reason: Json, *, calls: bool) -> tuple[Finish, str | None]:
    """
    Why an answer ended, and the API's own word for it. `calls`: it calls a function, which the reason never says; a reason that says the
    call went wrong holds all the same.
    """
    word = _NUMBERS.get(reason, str(reason)) if type(reason) is int else reason
    if type(word) is not str or not word:
        return (Finish.TOOL if calls else Finish.BROKEN), None
    finish = _FINISH.get(word) or (Finish.FILTER if word in _FILTERS else Finish.BROKEN)
    return Finish.TOOL if calls and not finish.cut and word not in _MALFORMED else finish, word


_WORDS = {
    Finish.LENGTH: "MAX_TOKENS",
    Finish.FILTER: "SAFETY",
    Finish.REFUSAL: "SAFETY",
    Finish.PAUSE: "MAX_TOKENS",
    Finish.BROKEN: "OTHER",
}


def reason_for(finish: Finish) -> str:
    """
    The API's word for why an answer ended.
    """
    return _WORDS.get(finish, "STOP")


# -- reading ---------------------------------------------------------------------------------------------------------------------------


def unwrapped(body: Json) -> Json:
    """
    A document or chunk, out of the envelope which Code Assist puts around it.
    """
    if type(body) is dict and "candidates" not in body and type(inner := body.get("response")) is dict:
        return inner
    return body


def text_or_none(value: Json) -> str | None:
    """
    A text that says something.
    """
    return value if type(value) is str and value else None


def created_at(value: Json) -> int | None:
    """
    Unix seconds of a `createTime`.
    """
    if type(value) is not str:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def listed(value: Json) -> list[Json]:
    """
    A list; empty for what is none.
    """
    return value if type(value) is list else []


def decode_answer(body: Json, sent: Sent) -> Answer:
    """
    Read an answer. Never raises: what cannot be read is `Opaque`, an answer without candidates is one that was filtered or is broken.
    """
    whole = unwrapped(body)
    given: dict[str, Json] = spelled(whole) if type(whole) is dict else {}
    id_ = text_or_none(given.get("responseId"))
    calls = Calls(id_ or "answer")
    candidates = tuple(_candidate(one, calls, sent) for one in listed(given.get("candidates")) if type(one) is dict)
    return Answer(
        dialect=NAME,
        candidates=candidates or (Candidate((), *blocked(given)),),
        id=id_,
        model=text_or_none(given.get("modelVersion")),
        created=created_at(given.get("createTime")),
        raw=body,
    )


def blocked(given: Mapping[str, Json]) -> tuple[Finish, str | None]:
    """
    Why there are no candidates.
    """
    feedback = given.get("promptFeedback")
    reason = spelled(feedback).get("blockReason") if type(feedback) is dict else None
    if reason:
        return Finish.FILTER, reason if type(reason) is str else str(reason) if type(reason) is int else None
    return Finish.BROKEN, None


def _candidate(given: dict[str, Json], calls: Calls, sent: Sent) -> Candidate:
    candidate = spelled(given)
    content = candidate.get("content")
    parts: list[Part] = []
    for one in parts_of(content):
        parts += undone(part_of_answer(one, calls), sent)
    has_calls = any(type(part) is ToolCall for part in parts)
    return Candidate(tuple(_cited(parts, candidate)), *finish_of(candidate.get("finishReason"), calls=has_calls))


def parts_of(content: Json) -> list[Json]:
    """
    The parts of a content, in whichever form it has.
    """
    parts = content.get("parts") if type(content) is dict else None
    return [parts] if type(parts) is dict else listed(parts)


def part_of_answer(given: Json, calls: Calls) -> tuple[Part, ...]:
    """
    A part the model said; never raises.
    """
    try:
        return read_part(given, calls, of_model=True)
    except PartError:
        return (Opaque(raw=given, kind="part"),)


def undone(parts: tuple[Part, ...], sent: Sent) -> Iterable[Part]:
    """
    The parts without what was imitated: a call that stands for the answer becomes text, functions have the client's names again.
    """
    if not sent.unwrap_tool and not sent.tool_names:
        return parts
    plain: list[Part] = []
    for part in parts:
        if type(part) is ToolCall:
            if part.name == sent.unwrap_tool:
                plain = [one for one in plain if not (type(one) is Reasoning and one.attached)]
                plain.append(Text(text=orjson.dumps(part.arguments or {}).decode()))
                continue
            if part.name in sent.tool_names:
                part = replace(part, name=sent.tool_names[part.name], raw=None)
        plain.append(part)
    return plain


def _cited(parts: list[Part], candidate: Mapping[str, Json]) -> list[Part]:
    """
    The parts, with what the answer cites on its last text.
    """
    cited = [candidate[key] for key in ("citationMetadata", "groundingMetadata") if candidate.get(key)]
    if cited:
        for at in range(len(parts) - 1, -1, -1):
            part = parts[at]
            if type(part) is Text:
                parts[at] = replace(part, citations=tuple(cited))
                break
    return parts


# -- writing ---------------------------------------------------------------------------------------------------------------------------


_YEAR_10000 = 253_402_300_800  # the first second that no `createTime` can say


def encode_answer(answer: Answer, asked: Asked) -> dict[str, Json]:
    """
    The document for a client of generateContent.
    """
    own: dict[str, Json] = spelled(unwrapped(answer.raw)) if answer.dialect == NAME and type(answer.raw) is dict else {}
    if own:
        return _own_words(answer, asked, own)
    body: dict[str, Json] = {"candidates": [_written(one, index, asked) for index, one in enumerate(answer.candidates)]}
    if usage := usage_metadata(answer.usage):
        body["usageMetadata"] = usage
    body["modelVersion"] = asked.model
    if answer.created is not None and 0 <= answer.created < _YEAR_10000:
        body["createTime"] = datetime.fromtimestamp(answer.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    body["responseId"] = answer.id or asked.id
    return body


def _own_words(answer: Answer, asked: Asked, own: dict[str, Json]) -> dict[str, Json]:
    """
    An answer of this dialect: as it came, but for the model's name and the parts that were changed since.
    """
    body = dict(own)
    if "modelVersion" in body:
        body["modelVersion"] = asked.model
    theirs = [one for one in listed(own.get("candidates")) if type(one) is dict]
    if theirs:  # else there was none, and `promptFeedback` says why
        body["candidates"] = [_own_candidate(one, its, asked) for one, its in zip(answer.candidates, theirs, strict=False)]
    return body


def _own_candidate(candidate: Candidate, own: dict[str, Json], asked: Asked) -> dict[str, Json]:
    content = own.get("content")
    if type(content) is not dict or "parts" not in content:
        return own
    return {**own, "content": {**content, "parts": write_parts(candidate.parts, asked)}}


def _written(candidate: Candidate, index: int, asked: Asked) -> dict[str, Json]:
    return {
        "content": {"parts": write_parts(candidate.parts, asked) or [{"text": ""}], "role": "model"},
        "finishReason": reason_for(candidate.finish),
        "index": index,
    }


def write_parts(parts: Iterable[Part], asked: Asked) -> list[Json]:
    """
    The parts of an answer, for the client.
    """
    written: list[Json] = []
    proof: str | None = None  # of the part that follows
    for part in parts:
        if type(part) is Reasoning:
            if proof is not None:
                written.append({"text": "", "thoughtSignature": proof})
            thought, proof = write_thought(part, asked)
            if thought is not None:
                written.append(thought)
        elif (one := _part(part, asked)) is not None:
            written.append(one if proof is None else {**one, "thoughtSignature": proof})
            proof = None
    if proof is not None:
        written.append({"text": "", "thoughtSignature": proof})
    return written


def write_thought(thought: Reasoning, asked: Asked) -> tuple[Json, str | None]:
    """
    A thought as a part, or nothing; and a proof that belongs on the part behind it.

    A thought the client has not asked to see is left out, unless a proof came with it: the proof is worth nothing without its text.
    What was hidden altogether is a thought without text, so that it can be told from a proof on its own (`parts.py` reads it back).
    """
    signature = thought.signature
    if asked.dialect == NAME and type(thought.raw) is dict:
        return thought.raw, None
    proof = None if signature is None else signature if asked.dialect == NAME else wrap(asked.provider, signature)
    if thought.text or (thought.redacted and proof is not None):
        if proof is None and not shows_thoughts(asked):
            return None, None
        part: dict[str, Json] = {"text": thought.text, "thought": True}
        return (part if proof is None else {**part, "thoughtSignature": proof}), None
    return None, proof


def shows_thoughts(asked: Asked) -> bool:
    """
    Whether the client wants to see thoughts, which are off by default.
    """
    return asked.request.reasoning is not None and asked.request.reasoning.visible is True


def _part(part: Part, asked: Asked) -> dict[str, Json] | None:
    match part:
        case Text(text=text) | Refusal(text=text):
            if part.raw is not None and asked.dialect == NAME:
                return _without_proof(part.raw)
            if type(part) is Text and part.citations:
                asked.losses.dropped("citations", "citations of another provider cannot be written in the client's form")
            return {"text": text}
        case ToolCall():
            if part.raw is not None and asked.dialect == NAME:
                return _without_proof(part.raw)
            return {"functionCall": call_of(part, asked)}
        case Opaque(kind=kind) if asked.dialect != NAME:
            asked.losses.dropped(kind, "only the provider that made it can say what it is")
            return None
    return _without_proof(part.raw) if type(part.raw) is dict else None


def _without_proof(raw: Json) -> dict[str, Json]:
    return {key: value for key, value in raw.items() if key not in ("thoughtSignature", "thought_signature")} if type(raw) is dict else {}


def call_of(call: ToolCall, asked: Asked) -> dict[str, Json]:
    """
    A `functionCall`.
    """
    arguments: Mapping[str, Any] | None = call.arguments
    if arguments is None:
        asked.losses.changed("tools.arguments", "arguments that are no JSON object were given as the text they are")
        arguments = {"input": call.text or ""}
    return {"id": fit(call.id, ANY), "name": call.name, "args": arguments}


# -- usage -----------------------------------------------------------------------------------------------------------------------------


def usage_metadata(usage: Usage) -> dict[str, Json]:
    """
    Google's arithmetic: the prompt includes what was cached, candidates exclude thoughts, the total is all. Empty where nothing is known.
    """
    cached = _sum(usage.cache_read_tokens, usage.cache_write_tokens)
    sums = {
        "promptTokenCount": _sum(usage.uncached_input_tokens, cached, usage.audio_input_tokens, usage.image_input_tokens),
        "candidatesTokenCount": _sum(usage.text_output_tokens, usage.audio_output_tokens, usage.image_output_tokens),
        "thoughtsTokenCount": usage.reasoning_tokens,
        "toolUsePromptTokenCount": usage.tool_input_tokens,
    }
    meta: dict[str, Json] = {key: value for key, value in sums.items() if value is not None}
    if not meta:
        return {}
    meta["totalTokenCount"] = sum(meta.values())
    if usage.cache_read_tokens:
        meta["cachedContentTokenCount"] = usage.cache_read_tokens
    if details := _modalities(meta.get("promptTokenCount"), usage.audio_input_tokens, usage.image_input_tokens):
        meta["promptTokensDetails"] = details
    if details := _modalities(meta.get("candidatesTokenCount"), usage.audio_output_tokens, usage.image_output_tokens):
        meta["candidatesTokensDetails"] = details
    return meta


def _sum(*parts: int | None) -> int | None:
    known = [max(0, part) for part in parts if part is not None]
    return sum(known) if known else None


def _modalities(whole: int | None, audio: int | None, image: int | None) -> list[Json]:
    if whole is None or not (audio or image):
        return []
    counts = {"TEXT": max(0, whole - (audio or 0) - (image or 0)), "AUDIO": audio or 0, "IMAGE": image or 0}
    return [{"modality": name, "tokenCount": count} for name, count in counts.items() if count]
