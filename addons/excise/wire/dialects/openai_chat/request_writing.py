"""
A request in neutral form, written as a chat request of one provider.
"""

from __future__ import annotations

from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.chat_flavours import Flavour, flavour_of, is_thinker
from excise.wire.dialects.foreign import with_instruction
from excise.wire.dialects.openai_chat.message_writing import Writing, arranged, write_messages, write_turn
from excise.wire.dialects.openai_chat.request_reading import read_request
from excise.wire.dialects.openai_chat.tool_writing import write_tools
from excise.wire.effort import budget_for, effort_for
from excise.wire.loss import Losses
from excise.wire.neutral import Audio, Blob, Document, Image, Part, Request, ToolResult
from excise.wire.stop_sequences import EMULATED

_LONGEST_USER = 64
_MOST_LOGPROBS = 20
_REFUSED = "the target's reasoning models do not take it"
_NOT_TAKEN = "the target has no such setting"


def write_request(name: str, request: Request, target: Target, *, flavour: Flavour | None = None) -> Encoded:
    """
    The request in the target's words.

    Args:
        name: Of the dialect that is written.
        flavour: The provider's; `None`: told from the target.
    """
    losses, sent = Losses(), Sent(target)
    writing = Writing(request, target, flavour or flavour_of(target.provider, target.model), losses, sent)
    if request.dialect == name and type(request.raw) is dict:
        body = _own_words(name, writing)
    else:
        body = _settings(writing)
        instruction = write_tools(body, writing)
        turns = arranged(writing)
        if instruction is not None:
            turns = with_instruction(turns, instruction)
        body["messages"] = write_messages(turns, writing)
        _what_it_sees(writing)
        _unsaid(writing)
    return Encoded(body, losses.all(), sent)


# -- settings --------------------------------------------------------------------------------------------------------------------------


def _settings(writing: Writing) -> dict[str, Any]:
    request, flavour = writing.request, writing.flavour
    body: dict[str, Any] = {"model": writing.target.model, "messages": ()}
    if request.stream:
        body["stream"] = True
        if flavour.usage:
            body["stream_options"] = {"include_usage": True}
    _limits(body, writing)
    _sampling(body, writing)
    _thinking(body, writing)
    _names_and_keys(body, writing)
    return body


def _limits(body: dict[str, Any], writing: Writing) -> None:
    request, flavour, losses = writing.request, writing.flavour, writing.losses
    if request.max_tokens is not None:
        most = writing.target.traits.max_output_tokens
        if most is not None and request.max_tokens > most:
            losses.clamped("max_tokens", "the target's model writes less than that at most")
        body[flavour.limit] = request.max_tokens if most is None else min(request.max_tokens, most)
    stop = request.stop
    if stop and (flavour.most_stops == 0 or (writing.thinks and "stop" in flavour.thinkers_refuse)):
        losses.emulated("stop", EMULATED)
    elif stop:
        if flavour.most_stops is not None and len(stop) > flavour.most_stops:
            losses.clamped("stop", "the target takes fewer stop sequences; the first of them were given to it")
        body["stop"] = list(stop[: flavour.most_stops])
    if request.candidates is not None and request.candidates > 1:
        if "n" in flavour.takes:
            body["n"] = request.candidates
        else:
            losses.impossible("candidates", "the target gives one answer a request; ask several times instead")


# -- sampling --------------------------------------------------------------------------------------------------------------------------

# Settings that say what is the default anyway: leaving them out loses nothing.
_DEFAULTS = {"temperature": 1, "top_p": 1, "frequency_penalty": 0, "presence_penalty": 0, "min_p": 0}
_RANGES = {"top_p": (0.0, 1.0), "frequency_penalty": (-2.0, 2.0), "presence_penalty": (-2.0, 2.0), "min_p": (0.0, 1.0)}
_PLAIN = ("temperature", "top_p")  # taken by every provider


def _sampling(body: dict[str, Any], writing: Writing) -> None:
    flavour, losses, traits = writing.flavour, writing.losses, writing.target.traits
    refused = traits.sampling is False or (traits.sampling is None and flavour.developer and bool(writing.thinks))
    sampling = writing.request.sampling
    for name in ("temperature", "top_p", "top_k", "min_p", "frequency_penalty", "presence_penalty", "logit_bias"):
        value = getattr(sampling, name)
        if value is None or _no_loss(name, value, writing, refused):
            continue
        if refused or (writing.thinks and name in flavour.thinkers_refuse):
            losses.dropped(name, _REFUSED)
        elif name in _PLAIN or name in flavour.takes:
            body[name] = _in_range(name, value, writing)
        else:
            losses.dropped(name, _NOT_TAKEN)
    if sampling.seed is not None:
        seed = "random_seed" if flavour.mistral else "seed"
        if seed in flavour.takes:
            body[seed] = sampling.seed
        else:
            losses.dropped("seed", _NOT_TAKEN)
    if writing.request.logprobs is not None:
        _logprobs(body, writing.request.logprobs, refused, writing)


def _no_loss(name: str, value: Any, writing: Writing, refused: bool) -> bool:
    taken = (name in _PLAIN or name in writing.flavour.takes) and not refused
    return not taken and (value == _DEFAULTS.get(name) or value == {})


def _in_range(name: str, value: Any, writing: Writing) -> Any:
    bounds = writing.flavour.temperature if name == "temperature" else _RANGES.get(name)
    if bounds is None or bounds[0] <= value <= bounds[1]:
        return value
    writing.losses.clamped(name, "the target takes a smaller range; it gets the nearest it takes")
    return bounds[0] if value < bounds[0] else bounds[1]


def _logprobs(body: dict[str, Any], most: int, refused: bool, writing: Writing) -> None:
    if refused:
        writing.losses.dropped("logprobs", _REFUSED)
    elif "logprobs" not in writing.flavour.takes:
        writing.losses.impossible("logprobs", "the target gives no log probabilities")
    elif writing.request.dialect.partition(" of ")[0] != writing.target.dialect:
        writing.losses.impossible("logprobs", "log probabilities are not translated; ask a model that speaks the client's own dialect")
    else:
        body["logprobs"] = True
        if most > _MOST_LOGPROBS:
            writing.losses.clamped("logprobs", "the target gives at most 20 alternatives")
        if most > 0:
            body["top_logprobs"] = min(most, _MOST_LOGPROBS)


# -- thinking --------------------------------------------------------------------------------------------------------------------------


def _thinking(body: dict[str, Any], writing: Writing) -> None:
    ask, traits, losses = writing.request.reasoning, writing.target.traits, writing.losses
    if ask is None:
        return
    plain = writing.thinks is None and writing.flavour.developer and writing.flavour.thinking == "effort"
    if ask.off and (traits.reasoning == "none" or plain):
        return  # it does not think anyway, and OpenAI's models that do not take no word about it
    asks = ask.effort is not None or ask.budget_tokens is not None or bool(ask.adaptive)
    match writing.flavour.thinking:
        case "effort":
            level = effort_for(ask, traits, losses, writing.flavour.efforts)
            if level is not None:
                body["reasoning_effort"] = level
        case "object":
            if (asked := _thinking_object(writing)) is not None:
                body["reasoning"] = asked
        case "budget" if asks and traits.reasoning != "none":
            body["enable_thinking"] = not ask.off
            budget = budget_for(ask, body.get(writing.flavour.limit), losses, least=1, traits=traits)
            if budget:
                body["thinking_budget"] = budget
        case "switch" | "switch+effort" if asks and traits.reasoning != "none":
            body["thinking"] = {"type": "disabled" if ask.off else "enabled"}
            if writing.flavour.thinking == "switch+effort" and not ask.off:
                level = effort_for(ask, traits, losses, writing.flavour.efforts)
                if level is not None:
                    body["reasoning_effort"] = level
            elif not ask.off and not ask.adaptive:
                losses.changed("reasoning.effort", "the target can be told to think, but not how hard")
        case _:
            if asks and not ask.off:
                losses.dropped("reasoning", "the target cannot be told to think, or its model does not reason")


def _thinking_object(writing: Writing) -> dict[str, Any] | None:
    ask, traits = writing.request.reasoning, writing.target.traits
    assert ask is not None
    asked: dict[str, Any] = {}
    if ask.off and not traits.always_thinks:
        return {"enabled": False}
    if ask.effort is None and ask.budget_tokens is not None and ask.budget_tokens > 0 and traits.reasoning != "none":
        budget = budget_for(ask, writing.request.max_tokens, writing.losses, traits=traits)
        if budget:
            asked["max_tokens"] = budget
    elif (level := effort_for(ask, traits, writing.losses, writing.flavour.efforts)) is not None:
        asked["effort"] = level
    elif ask.adaptive and traits.reasoning != "none":
        asked["enabled"] = True
    if ask.visible is False:
        asked["exclude"] = True
    return asked or None


# -- names and keys --------------------------------------------------------------------------------------------------------------------

_NO_TIER = frozenset(("auto", "default", "standard", "standard_only"))


def _names_and_keys(body: dict[str, Any], writing: Writing) -> None:
    request, flavour, losses = writing.request, writing.flavour, writing.losses
    if request.user is not None:
        field = "safety_identifier" if "safety_identifier" in flavour.takes else "user"
        if field not in flavour.takes:
            losses.dropped("user", "the target takes no name of the app's user")
        elif len(request.user) > _LONGEST_USER:
            losses.dropped("user", "the name of the app's user is longer than the 64 characters the target takes")
        else:
            body[field] = request.user
    if request.metadata:
        if "metadata" in flavour.takes:
            body["metadata"] = dict(request.metadata)
        else:
            losses.dropped("metadata", "the target takes no metadata, or only with what it stores")
    _tier(body, request.service_tier, flavour, losses)
    if request.cache_key is not None:
        if "prompt_cache_key" in flavour.takes:
            body["prompt_cache_key"] = request.cache_key
        else:
            losses.dropped("cache_key", "the target has no keys for its prompt cache")
    if request.verbosity is not None:
        if "verbosity" in flavour.takes:
            body["verbosity"] = request.verbosity
        else:
            losses.dropped("verbosity", "the target cannot be told how much to say")


def _tier(body: dict[str, Any], tier: str | None, flavour: Flavour, losses: Losses) -> None:
    if tier is None:
        return
    if tier in flavour.tiers:
        body["service_tier"] = tier
    elif tier in _NO_TIER and tier != "auto" and (usual := {"default", "standard_only"} & flavour.tiers):
        body["service_tier"] = min(usual)
    elif tier not in _NO_TIER:
        losses.dropped("service_tier", "the target does not know this tier of service")


def _what_it_sees(writing: Writing) -> None:
    """
    Pictures, sounds and documents for a model that is known to take none.
    """
    traits, losses = writing.target.traits, writing.losses
    for part in _content(writing.request):
        if isinstance(part, Image) and traits.vision is False:
            losses.impossible("image", "the target's model does not see")
        elif isinstance(part, Audio) and traits.audio_in is False:
            losses.impossible("audio", "the target's model does not hear")
        elif isinstance(part, Document) and traits.pdf is False and not _is_plain(part):
            losses.impossible("document", "the target's model reads no documents; send their text")


def _content(request: Request) -> list[Part]:
    found: list[Part] = []
    for turn in request.turns:
        for part in turn.parts:
            found += part.parts if isinstance(part, ToolResult) else (part,)
    return found


def _is_plain(document: Document) -> bool:
    return isinstance(document.source, Blob) and document.source.media_type.startswith(("text/", "image/"))


def _unsaid(writing: Writing) -> None:
    """
    Note what the request holds beyond that.
    """
    for extra in writing.request.extras:
        if extra.vital:
            writing.losses.impossible(extra.field, extra.why)
        else:
            writing.losses.dropped(extra.field, extra.why)
    if not writing.flavour.cache_marks and any(part.cache for turn in writing.request.turns for part in turn.parts):
        writing.losses.dropped("cache", "the target caches by itself, without marks")


# -- its own words ---------------------------------------------------------------------------------------------------------------------

# Under which keys the client may have said what a field of the neutral form holds.
_KEYS: dict[str, tuple[str, ...]] = {
    "stream": ("stream",),
    "tools": ("tools", "functions"),
    "tool_choice": ("tool_choice", "function_call"),
    "parallel_tools": ("parallel_tool_calls",),
    "max_tokens": ("max_completion_tokens", "max_tokens"),
    "stop": ("stop",),
    "output": ("response_format",),
    "reasoning": ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget", "prompt_mode"),
    "sampling": (
        *("temperature", "top_p", "top_k", "min_p", "seed", "random_seed", "frequency_penalty", "presence_penalty", "logit_bias"),
        *("logprobs", "top_logprobs"),
    ),
    "candidates": ("n",),
    "logprobs": ("logprobs", "top_logprobs"),
    "user": ("safety_identifier", "user"),
    "metadata": ("metadata",),
    "service_tier": ("service_tier",),
    "cache_key": ("prompt_cache_key",),
    "verbosity": ("verbosity",),
    "include_usage": ("stream_options",),
}


def _own_words(name: str, writing: Writing) -> dict[str, Any]:
    """
    The request as the client wrote it, except where it was changed since it was read.
    """
    request, raw = writing.request, writing.request.raw
    # Without the messages, which are most of it: whether a turn was changed is seen below.
    read = read_request(name, {**raw, "messages": []}, Envelope(model=request.model, stream=request.stream))
    body = dict(raw)
    if "model" in raw or writing.target.provider != "azure-openai":
        body["model"] = writing.target.model
    changed = [field for field in _KEYS if getattr(read, field) != getattr(request, field)]
    if changed:
        settings = _settings(writing)
        write_tools(settings, writing)
        for field in changed:
            for key in _KEYS[field]:
                body.pop(key, None)
            body |= {key: settings[key] for key in _KEYS[field] if key in settings}
    turns = [turn.raw for turn in request.turns]
    if any(raw is None for raw in turns) or turns != raw["messages"]:
        body["messages"] = [
            message for turn in request.turns for message in ((turn.raw,) if type(turn.raw) is dict else write_turn(turn, writing))
        ]
    return _refused_words(body, writing)


def _refused_words(body: dict[str, Any], writing: Writing) -> dict[str, Any]:
    """
    Words that providers of the same dialect answer with 400, in those they take.
    """
    if not writing.flavour.developer and any(_role(message) == "developer" for message in body["messages"]):
        body["messages"] = [{**message, "role": "system"} if _role(message) == "developer" else message for message in body["messages"]]
    thinker = writing.flavour.limit == "max_completion_tokens" and writing.flavour.developer and is_thinker(writing.target.model)
    if thinker and "max_tokens" in body:
        limit = body.pop("max_tokens")
        body.setdefault("max_completion_tokens", limit)
    return body


def _role(message: Any) -> Any:
    return message.get("role") if type(message) is dict else None
