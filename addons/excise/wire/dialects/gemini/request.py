"""
Requests of generateContent, read.

Source: the reference of `models.generateContent` (Gemini API v1beta, Vertex v1) and google-genai 3.4, read 2026-11.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from excise.errors import BadRequest
from excise.wire.dialect import Envelope
from excise.wire.dialects.gemini.openapi import json_schema
from excise.wire.dialects.gemini.parts import NAME, Calls, PartError, read_part, spelled
from excise.wire.dialects.given import Place, fields, flag, number, text, texts, whole, wrong
from excise.wire.neutral import (
    Effort,
    Extra,
    Json,
    OutputFormat,
    Part,
    Reasoning,
    ReasoningAsk,
    Request,
    Role,
    Sampling,
    Tool,
    ToolChoice,
    Turn,
)

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user", "tool": "user"}

_READ_FIELDS = "contents systemInstruction tools toolConfig generationConfig labels serviceTier model"
_READ_CONFIG = """
    stopSequences candidateCount maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty responseMimeType responseSchema
    responseJsonSchema responseModalities thinkingConfig responseLogprobs logprobs
"""
_OWN_FIELDS = frozenset(_READ_FIELDS.split())
_OWN_CONFIG = frozenset(_READ_CONFIG.split())

_STORED = "it names something stored at Google, which no other provider can read"
_SETTING = "a setting that only Google's models have"
_SERVER = "Google runs this tool itself; no other provider has it"
# What leaving it out would change. Every other field that has no neutral word is dropped with a note.
_VITAL = {
    "cachedContent": _STORED,
    "continuationToken": _STORED,
    "modelArmorConfig": "a filter the client relies on, which no other provider applies",
    "responseFormat": "a form of answer that only Google's models give",
    "translationConfig": "a form of answer that only Google's models give",
}


def decode_request(body: Json, envelope: Envelope) -> Request:
    """
    Read the body of generateContent or streamGenerateContent; which of the two, and the model, the path says.

    Raises:
        BadRequest: It cannot be read; names the place, in the spelling of the API's reference.
    """
    if type(body) is not dict:
        raise BadRequest("the body is not a JSON object")
    given = spelled(body)
    config = spelled(fields(given.get("generationConfig"), "generationConfig"))
    extras = _extras(given, config)
    tools, tool_extras = _tools(given.get("tools"))
    choice = _choice(given.get("toolConfig"), extras)
    tier = _word(given.get("serviceTier"), {}, ("serviceTier",), extras)
    labels = fields(given.get("labels"), "labels")
    return Request(
        dialect=NAME,
        model=envelope.model or _model(given),
        turns=(*_system(given.get("systemInstruction")), *_turns(given.get("contents"))),
        stream=envelope.stream,
        tools=tools,
        tool_choice=choice,
        max_tokens=whole(config.get("maxOutputTokens"), "generationConfig", "maxOutputTokens"),
        stop=texts(config.get("stopSequences"), "generationConfig", "stopSequences"),
        output=_output(config, extras),
        reasoning=_reasoning(config.get("thinkingConfig"), extras),
        sampling=_sampling(config),
        candidates=whole(config.get("candidateCount"), "generationConfig", "candidateCount"),
        logprobs=_logprobs(config),
        metadata=labels or None,
        service_tier=tier.lower() if tier else None,
        include_usage=True if envelope.stream else None,
        extras=(*tool_extras, *extras),
        raw=body,
    )


def _model(given: dict[str, Json]) -> str | None:
    model = text(given.get("model"), "model")
    return model.removeprefix("models/") if model else None


# -- turns -----------------------------------------------------------------------------------------------------------------------------


def _system(given: Json) -> tuple[Turn, ...]:
    """
    The system text: a content, or, as some clients send it, the text alone.
    """
    if given is None:
        return ()
    content = {"parts": [{"text": given}]} if type(given) is str else given
    if type(content) is not dict:
        raise wrong(("systemInstruction",), "is not a content")
    parts = _parts(content, ("systemInstruction",), Calls("system"), of_model=False)
    return (Turn("system", tuple(parts), raw=given),) if parts else ()


def _turns(contents: Json) -> list[Turn]:
    if type(contents) is dict:
        contents = [contents]
    if type(contents) is not list:
        raise wrong(("contents",), "is not a list of contents")
    calls = Calls("history")
    turns: list[Turn] = []
    for at, content in enumerate(contents):
        if type(content) is not dict:
            raise wrong(("contents", at), "is not an object")
        word = text(content.get("role"), "contents", at, "role") or "user"
        role = _ROLES.get(word)
        if role is None:
            raise wrong(("contents", at, "role"), 'is neither "user" nor "model"; system text stands in systemInstruction')
        parts = _parts(content, ("contents", at), calls, of_model=role == "assistant")
        turns.append(Turn(role, tuple(parts), raw=content))
    foreign = any(type(part) is Reasoning and part.origin is not None for turn in turns for part in turn.parts)
    return _joined_thoughts(turns) if foreign else turns


def _parts(content: dict[str, Json], place: Place, calls: Calls, *, of_model: bool) -> list[Part]:
    given = content.get("parts")
    if type(given) is dict:
        given = [given]
    if given is None:
        return []
    if type(given) is not list:
        raise wrong((*place, "parts"), "is not a list of parts")
    parts: list[Part] = []
    for at, part in enumerate(given):
        try:
            parts += read_part(part, calls, of_model=of_model)
        except PartError as error:
            raise wrong((*place, "parts", at), str(error)) from None
    return parts


def _joined_thoughts(turns: list[Turn]) -> list[Turn]:
    """
    The turns, with every proof of another provider together with the thought it proves.

    A streamed thought reaches the client in pieces and its proof behind them; clients keep each piece as a part, some as a content of
    its own, and send them back like that. The provider that made the proof wants the thought whole.
    """
    joined: list[Turn] = []
    pieces: list[Reasoning] = []  # thoughts that no proof has followed yet
    for turn in turns:
        if turn.role != "assistant" or not any(type(part) is Reasoning for part in turn.parts):
            if pieces:
                joined.append(Turn("assistant", tuple(pieces)))
                pieces = []
            joined.append(turn)
            continue
        kept: list[Part] = []
        for part in turn.parts:
            if type(part) is not Reasoning or part.attached:
                kept += pieces
                pieces = []
                kept.append(part)
            elif part.signature is None:
                pieces.append(part)
            elif part.origin is None or not pieces:
                kept += pieces
                pieces = []
                kept.append(part)
            else:
                said = "".join(piece.text for piece in pieces) + part.text
                kept.append(replace(part, text=said, redacted=False, raw=None))
                pieces = []
        if kept:
            joined.append(Turn("assistant", tuple(kept)))
    if pieces:
        joined.append(Turn("assistant", tuple(pieces)))
    return joined


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def _tools(given: Json) -> tuple[tuple[Tool, ...], list[Extra]]:
    if type(given) is dict:
        given = [given]
    if given is None:
        return (), []
    if type(given) is not list:
        raise wrong(("tools",), "is not a list of tools")
    tools: list[Tool] = []
    extras: list[Extra] = []
    for at, one in enumerate(given):
        for key, value in spelled(fields(one, "tools", at)).items():
            if key != "functionDeclarations":
                extras.append(Extra("tools.server", True, _SERVER))
                continue
            declared = [value] if type(value) is dict else value
            if type(declared) is not list:
                raise wrong(("tools", at, key), "is not a list of declarations")
            for index, declaration in enumerate(declared):
                tools.append(_tool(declaration, ("tools", at, key, index), extras))
    return tuple(tools), extras


def _tool(declaration: Json, place: Place, extras: list[Extra]) -> Tool:
    given = spelled(fields(declaration, *place))
    name = text(given.get("name"), *place, "name")
    if not name:
        raise wrong((*place, "name"), "is missing")
    schema: dict[str, Any] | None = None
    if "parametersJsonSchema" in given:
        schema = fields(given["parametersJsonSchema"], *place, "parametersJsonSchema")
    elif "parameters" in given:
        schema = json_schema(given["parameters"], (*place, "parameters"))
    if "response" in given or "responseJsonSchema" in given:
        extras.append(Extra("tools.response", False, "no other provider is told what a function gives back"))
    return Tool(name=name, description=text(given.get("description"), *place, "description"), schema=schema, raw=declaration)


def _word(value: Json, numbers: dict[int, str], place: Place, extras: list[Extra]) -> str | None:
    """
    A word of an enumeration. Clients may write its number instead; one that is not known is noted.
    """
    if type(value) is not int:
        return text(value, *place)
    if value and value not in numbers:
        extras.append(Extra(place[-1] if type(place[-1]) is str else "unknown", False, "a word that is not known here"))
    return numbers.get(value)


_MODES = {1: "AUTO", 2: "ANY", 3: "NONE"}


def _choice(given: Json, extras: list[Extra]) -> ToolChoice | None:
    config = spelled(fields(given, "toolConfig"))
    calling = spelled(fields(config.pop("functionCallingConfig", None), "toolConfig", "functionCallingConfig"))
    extras += [Extra(f"toolConfig.{key}" if key in _TOOL_CONFIG else "toolConfig", False, _SETTING) for key in config]
    mode = _word(calling.get("mode"), _MODES, ("toolConfig", "functionCallingConfig", "mode"), extras)
    names = texts(calling.get("allowedFunctionNames"), "toolConfig", "functionCallingConfig", "allowedFunctionNames")
    match mode.upper() if mode else None:
        case "ANY":
            return ToolChoice("named" if len(names) == 1 else "required", names)
        case "NONE":
            return ToolChoice("none")
        case "VALIDATED":
            extras.append(Extra("tool_choice", False, "no other provider checks calls against their schema and leaves the choice to call"))
            return ToolChoice("auto")
        case "AUTO":
            return ToolChoice("auto")
        case _:
            return None


_TOOL_CONFIG = frozenset({"retrievalConfig", "includeServerSideToolInvocations"})


# -- settings --------------------------------------------------------------------------------------------------------------------------


def _extras(given: dict[str, Json], config: dict[str, Json]) -> list[Extra]:
    found = [*(key for key in given if key not in _OWN_FIELDS), *(key for key in config if key not in _OWN_CONFIG)]
    extras = [Extra(key if key in _KNOWN else "unknown", key in _VITAL, _VITAL.get(key, _SETTING)) for key in found]
    modalities = config.get("responseModalities", [])
    if any(one not in _TEXT_ALONE for one in (modalities if type(modalities) is list else [modalities])):
        extras.append(Extra("responseModalities", True, "the client wants pictures or sound, which the target does not give"))
    return extras


_TEXT_ALONE = ("TEXT", "Text", "text", "MODALITY_UNSPECIFIED", 0, 1)  # the numbers of the enumeration too

# Names of fields are told to the client and written down; those nobody knows might hold anything.
_KNOWN_NAMES = """
    cachedContent continuationToken modelArmorConfig responseFormat translationConfig safetySettings store mediaResolution speechConfig
    imageConfig audioTimestamp routingConfig modelConfig modelSelectionConfig enableEnhancedCivicAnswers enableAffectiveDialog
    audioTranscriptionConfig generationOutputConfig
"""
_KNOWN = frozenset(_KNOWN_NAMES.split())


def _output(config: dict[str, Json], extras: list[Extra]) -> OutputFormat | None:
    kind = text(config.get("responseMimeType"), "generationConfig", "responseMimeType")
    schema: dict[str, Any] | None = None
    if "responseJsonSchema" in config:
        schema = fields(config["responseJsonSchema"], "generationConfig", "responseJsonSchema")
    elif "responseSchema" in config:
        schema = json_schema(config["responseSchema"], ("generationConfig", "responseSchema"))
    if kind not in (None, "text/plain", "application/json"):
        extras.append(Extra("responseMimeType", True, "no other provider writes answers of this type"))
        return None
    return OutputFormat(schema=schema) if schema is not None or kind == "application/json" else None


_LEVEL_NUMBERS = {1: "LOW", 2: "HIGH"}
_LEVELS: dict[str, Effort] = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high", "XHIGH": "xhigh"}


def _reasoning(given: Json, extras: list[Extra]) -> ReasoningAsk | None:
    place = ("generationConfig", "thinkingConfig")
    if given is None:
        return None
    config = spelled(fields(given, *place))
    budget = whole(config.get("thinkingBudget"), *place, "thinkingBudget")
    level = _word(config.get("thinkingLevel"), _LEVEL_NUMBERS, (*place, "thinkingLevel"), extras)
    visible = flag(config.get("includeThoughts"), *place, "includeThoughts")
    word = level.upper().removeprefix("THINKING_LEVEL_") if level else "UNSPECIFIED"
    effort = _LEVELS.get(word)
    if effort is None and word != "UNSPECIFIED":
        extras.append(Extra("reasoning.effort", False, "a level of thinking that is not known here"))
    if budget is None and effort is None and visible is None:
        return None
    return ReasoningAsk(
        effort=effort,
        budget_tokens=budget,
        adaptive=True if budget == -1 else None,
        visible=visible,
    )


def _sampling(config: dict[str, Json]) -> Sampling:
    def read(key: str) -> float | None:
        return number(config.get(key), "generationConfig", key)

    top_k = read("topK")
    return Sampling(
        temperature=read("temperature"),
        top_p=read("topP"),
        top_k=None if top_k is None else int(top_k),  # a float in the API's own definition
        seed=whole(config.get("seed"), "generationConfig", "seed"),
        frequency_penalty=read("frequencyPenalty"),
        presence_penalty=read("presencePenalty"),
    )


def _logprobs(config: dict[str, Json]) -> int | None:
    wanted = flag(config.get("responseLogprobs"), "generationConfig", "responseLogprobs")
    most = whole(config.get("logprobs"), "generationConfig", "logprobs")
    return (most or 0) if wanted else None
