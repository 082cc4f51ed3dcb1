"""
Requests of generateContent, written.

Source: the reference of `models.generateContent` (Gemini API v1beta, Vertex v1) and google-genai 3.4, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.foreign import most_tokens
from excise.wire.dialects.gemini.contents import Contents, ToolNames
from excise.wire.dialects.gemini.models import thinking_config
from excise.wire.dialects.gemini.output import plan_output, schema_for
from excise.wire.dialects.gemini.parts import NAME, camel, spelled
from excise.wire.dialects.gemini.request import decode_request
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Part, Reasoning, Request, Sampling, Text, Tool, ToolCall, ToolChoice, Turn
from excise.wire.repair import Shape, arrange

_MOST_STOPS = 5
_MOST_CANDIDATES = 8
_INT32 = 1 << 31


def encode_request(request: Request, target: Target) -> Encoded:
    """
    The body for generateContent or streamGenerateContent; which of the two, and the model, goes into the path.
    """
    sent, losses = Sent(target), Losses()
    if request.dialect == NAME and type(request.raw) is dict:
        return Encoded(_own_words(request, target, sent), (), sent)
    _leave_out(request, target, losses)
    plan = plan_output(request, target, sent, losses)
    names = ToolNames(_names(request), sent, losses)
    contents = Contents(target, names, losses)
    shape = Shape(
        system="top",
        merge=True,
        starts_with_user=True,
        results_first=True,
        empty_text=False,  # Vertex refuses it
        result_media="inline" if contents.media_in_results else "hoist",
    )
    arranged = arrange(request, shape, losses, keeps=lambda part: part.origin == target.origin)
    if target.traits.prefill is False and arranged.turns and arranged.turns[-1].role == "assistant":
        losses.impossible("prefill", "the target's model does not continue a turn of its own; end with a turn of the user")
    system: tuple[Part, ...] = arranged.system
    if plan.instruction is not None:
        system = (*system, Text(text=plan.instruction))
    body: dict[str, Json] = {"contents": contents.write(arranged.turns)}
    instruction = contents.system(system)
    if instruction is not None:
        body["systemInstruction"] = instruction
    if plan.tools:
        body["tools"] = [{"functionDeclarations": [_declaration(tool, names, losses) for tool in plan.tools]}]
    choice = _tool_config(plan.choice, plan.tools, target, names, losses)
    if choice is not None:
        body["toolConfig"] = choice
    config = {**_config(request, target, losses), **plan.config}
    if config:
        body["generationConfig"] = config
    _service(request, target, body, losses)
    return Encoded(body, losses.all(), sent)


def _names(request: Request) -> Iterable[str]:
    yield from (tool.name for tool in request.tools)
    for turn in request.turns:
        for part in turn.parts:
            if type(part) is ToolCall:
                yield part.name


def _leave_out(request: Request, target: Target, losses: Losses) -> None:
    """
    Note what the API has no word for.
    """
    for extra in request.extras:
        (losses.impossible if extra.vital else losses.dropped)(extra.field, extra.why)
    if request.candidates is not None and request.candidates > _MOST_CANDIDATES:
        losses.impossible("candidates", "the target gives eight answers a request at most")
    if request.logprobs is not None:
        losses.impossible("logprobs", "log probabilities are not translated; ask a model that speaks the client's own dialect")
    if request.parallel_tools is False and request.tools:
        losses.dropped("parallel_tools", "the target cannot be kept from calling several tools at once")
    if any(turn.name is not None for turn in request.turns):
        losses.dropped("turns.name", "the target's turns have no names")
    if request.user is not None:
        losses.dropped("user", "the target takes no name of the app's user")
    if request.cache_key is not None:
        losses.dropped("cache_key", "the target has no keys for its prompt cache")
    if request.verbosity is not None:
        losses.dropped("verbosity", "the target cannot be told how much to say")
    if any(part.cache for turn in request.turns for part in turn.parts) or any(tool.cache for tool in request.tools):
        losses.dropped("cache", "the target caches by itself, without marks")


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def _declaration(tool: Tool, names: ToolNames, losses: Losses) -> dict[str, Json]:
    written: dict[str, Json] = {"name": names.of(tool.name)}
    if tool.description:
        written["description"] = tool.description
    if tool.strict:
        losses.dropped("tools.strict", "the target does not promise that calls fit their schema")
    if tool.schema and not _takes_nothing(tool.schema):
        written["parametersJsonSchema"] = schema_for(tool.schema, "tools.schema", losses)
    return written


def _takes_nothing(schema: Mapping[str, Json]) -> bool:
    """
    An object without properties, which the API wants left out.
    """
    if schema.get("properties") or schema.get("required") or schema.get("additionalProperties"):
        return False
    return schema.get("type") == "object" and schema.keys() <= _SAYING_NOTHING


_SAYING_NOTHING = frozenset({"type", "properties", "required", "additionalProperties", "$schema", "title"})


def _tool_config(
    choice: ToolChoice | None, tools: tuple[Tool, ...], target: Target, names: ToolNames, losses: Losses
) -> dict[str, Json] | None:
    if choice is None:
        return None
    if not tools:
        if choice.mode in ("required", "named"):
            losses.dropped("tool_choice", "the request declares no tools to choose from")
        return None
    if choice.mode in ("required", "named") and target.traits.forced_tools is False:
        losses.impossible("tool_choice", "the target's model cannot be made to call a tool")
    config: dict[str, Any] = {"mode": {"auto": "AUTO", "none": "NONE"}.get(choice.mode, "ANY")}
    if config["mode"] == "ANY" and choice.names:
        config["allowedFunctionNames"] = [names.of(name) for name in choice.names]
    return {"functionCallingConfig": config}


# -- settings --------------------------------------------------------------------------------------------------------------------------


def _config(request: Request, target: Target, losses: Losses) -> dict[str, Json]:
    config: dict[str, Json] = {}
    most = most_tokens(request, target.traits, losses)
    if most is not None:
        if most < 1:
            losses.clamped("max_tokens", "the target writes one token at least")
        config["maxOutputTokens"] = max(1, most)
    stops = [stop for stop in request.stop if stop]
    if len(stops) < len(request.stop):
        losses.dropped("stop", "an empty stop sequence means nothing to the target")
    if len(stops) > _MOST_STOPS:
        losses.clamped("stop", "the target takes five stop sequences; the first five were kept")
    if stops:
        config["stopSequences"] = stops[:_MOST_STOPS]
    if request.candidates is not None and request.candidates != 1:
        config["candidateCount"] = request.candidates
    _sampling(request.sampling, target, config, losses)
    thinking = thinking_config(request.reasoning, most, target, losses)
    if thinking is not None:
        config["thinkingConfig"] = thinking
    return config


def _sampling(sampling: Sampling, target: Target, config: dict[str, Json], losses: Losses) -> None:
    def put(key: str, field: str, value: float | None, low: float, high: float) -> None:
        if value is None:
            return
        if not low <= value <= high:
            losses.clamped(field, "the target takes a smaller range; the number was moved into it")
            value = min(max(value, low), high)
        config[key] = value

    chosen = (("temperature", sampling.temperature), ("top_p", sampling.top_p), ("top_k", sampling.top_k))
    if target.traits.sampling is False:
        for field, value in chosen:
            if value is not None:
                losses.dropped(field, "the target's model refuses it")
    else:
        put("temperature", "temperature", sampling.temperature, 0, 2)
        put("topP", "top_p", sampling.top_p, 0, 1)
        put("topK", "top_k", sampling.top_k, 1, 64)
    # Source: the API's own words, "range is [-2.0, 2.0)".
    put("frequencyPenalty", "frequency_penalty", sampling.frequency_penalty, -2, 1.99)
    put("presencePenalty", "presence_penalty", sampling.presence_penalty, -2, 1.99)
    if sampling.seed is not None:
        if not -_INT32 <= sampling.seed < _INT32:
            losses.changed("seed", "the target's seeds have 32 bits; the lower ones were kept")
        config["seed"] = (sampling.seed + _INT32) % (2 * _INT32) - _INT32
    if sampling.min_p is not None:
        losses.dropped("min_p", "the target does not know it")
    if sampling.logit_bias:
        losses.dropped("logit_bias", "the target does not know it")


# Source: the labels of Google Cloud: 64 of them, 63 characters a key or value, lower case.
_LABEL = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}")
_MOST_LABELS = 64

# Source: `ServiceTier` of google-genai 3.4. The client's words for "as usual" need none here.
_TIERS = {"flex": "flex", "priority": "priority", "standard": "standard", "standard_only": "standard", "default": "standard"}


def _service(request: Request, target: Target, body: dict[str, Json], losses: Losses) -> None:
    if request.metadata:
        labels = {key: value for key, value in request.metadata.items() if _is_label(key, value)}
        if target.provider == "vertex" and len(labels) == len(request.metadata) <= _MOST_LABELS:
            body["labels"] = labels
        else:
            losses.dropped("metadata", "the target takes no metadata, or only what may be a label")
    tier = request.service_tier
    if tier is None or tier in ("auto", "unspecified"):
        return
    if target.provider != "vertex" and tier in _TIERS:
        body["serviceTier"] = _TIERS[tier]
    elif tier not in ("default", "standard", "standard_only"):
        losses.dropped("service_tier", "the target has no tier of this name")


def _is_label(key: str, value: Json) -> bool:
    return _LABEL.fullmatch(key) is not None and type(value) is str and _LABEL_VALUE.fullmatch(value) is not None


# -- in its own words ------------------------------------------------------------------------------------------------------------------


def _own_words(request: Request, target: Target, sent: Sent) -> dict[str, Json]:
    """
    A request of this dialect: as it came, except for what was changed since, and for proofs that another provider made.
    """
    was = decode_request(request.raw, Envelope(model=request.model, stream=request.stream))
    changed: dict[str, Json] = {}
    unread = Losses()
    names = ToolNames(_names(request), sent, unread)
    if request.turns != was.turns or _has_foreign_proof(request):
        writer = Contents(target, names, unread, own=True)
        system = [part for turn in request.turns if turn.role == "system" for part in turn.parts]
        changed["systemInstruction"] = writer.system(system)
        changed["contents"] = [content for turn in request.turns if turn.role != "system" for content in _own_turn(turn, writer, target)]
    if request.tools != was.tools:
        changed["tools"] = _own_tools(request, names, unread)
    if request.tool_choice != was.tool_choice:
        changed["toolConfig"] = _tool_config(request.tool_choice, request.tools, target, names, unread)
    before, now = ({**_config(one, target, unread), **_own_output(one)} for one in (was, request))
    if before != now:
        given = spelled(spelled(request.raw).get("generationConfig", {}))
        kept = {key: value for key, value in given.items() if key in now or key not in before}
        changed["generationConfig"] = {**kept, **_new(before, now)}
    if not changed:
        return dict(request.raw)
    rest = {key: value for key, value in request.raw.items() if camel(key) not in changed}
    return {**rest, **{key: value for key, value in changed.items() if value is not None}}


def _own_tools(request: Request, names: ToolNames, unread: Losses) -> list[Json] | None:
    given = request.raw.get("tools")
    entries = [spelled(entry) for entry in (given if type(given) is list else [given]) if type(entry) is dict]
    tools: list[Json] = [rest for entry in entries if (rest := {key: entry[key] for key in entry if key != "functionDeclarations"})]
    declared = [tool.raw if tool.raw is not None else _declaration(tool, names, unread) for tool in request.tools]
    if declared:
        tools.append({"functionDeclarations": declared})
    return tools or None


def _new(before: Mapping[str, Json], now: Mapping[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in now.items() if key not in before or before[key] != value}


def _own_output(request: Request) -> dict[str, Json]:
    if request.output is None:
        return {}
    schema = request.output.schema
    return {"responseMimeType": "application/json", **({} if schema is None else {"responseJsonSchema": schema})}


def _has_foreign_proof(request: Request) -> bool:
    return any(type(part) is Reasoning and part.origin is not None for turn in request.turns for part in turn.parts)


def _own_turn(turn: Turn, writer: Contents, target: Target) -> list[dict[str, Json]]:
    kept = tuple(part for part in turn.parts if type(part) is not Reasoning or part.origin in (None, target.origin))
    if turn.raw is not None and len(kept) == len(turn.parts):
        return [turn.raw]
    return writer.write([Turn(turn.role, kept)]) if kept else []
