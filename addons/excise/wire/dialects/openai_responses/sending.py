"""
A neutral request in OpenAI's Responses form.

Nothing is stored at the provider for a foreign client (`store: false`): it could neither continue nor delete it. Thoughts come back
encrypted instead, and go there again with the next request.

Source: OpenAI SDK 3.54 types `response_create_params`; read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from excise.wire.dialect import Encoded, Sent, Target
from excise.wire.dialects.openai_responses.items import NAME
from excise.wire.dialects.openai_responses.request import PROOFS, read_settings
from excise.wire.dialects.openai_responses.settings import SETTINGS, function, write_tools
from excise.wire.dialects.openai_responses.writing import Names, drop_thought, note_cache, note_name, note_part, turn_items
from excise.wire.keepsake import MARK, unwrap
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Reasoning, Request, Text, Tool, ToolCall
from excise.wire.repair import Shape, arrange
from excise.wire.stop_sequences import EMULATED
from excise.wire.tool_ids import WORD

_SHAPE = Shape(ids=WORD)
# A thought's id of our making (`ItemWriter.next_id`: a UUIDv7 and two digits or three); OpenAI's have 48 digits and more.
_MADE = re.compile(r"rs_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}[0-9a-f]{2,3}")


def encode_request(request: Request, target: Target) -> Encoded:
    """
    The request for a provider that speaks Responses; in the client's own words where they are of this dialect.
    """
    losses = Losses()
    sent = Sent(target)
    if request.dialect == NAME and type(request.raw) is dict:
        body = _own(request, target, losses, sent)
    else:
        body = _foreign(request, target, losses, sent)
    return Encoded(body, losses.all(), sent)


# -- the dialect's own requests --------------------------------------------------------------------------------------------------------


def _own(request: Request, target: Target, losses: Losses, sent: Sent) -> dict[str, Json]:
    """
    As the client wrote it, but for what was changed since.
    """
    raw: dict[str, Json] = request.raw
    body = dict(raw)
    body["model"] = target.model
    _own_turns(request, target, losses, body)
    before = read_settings(raw, {})
    changed = {name for name, value in before.items() if getattr(request, name) != value}
    if changed & {"tools"}:
        _own_tools(request, before["tools"], losses, body)
    for fields, keys, write in SETTINGS:
        if changed.isdisjoint(fields):
            continue
        for key in keys:
            body.pop(key, None)
        write(request, target, losses, sent, body)
    if bool(raw.get("stream")) != request.stream:
        body["stream"] = request.stream
    return body


def _own_turns(request: Request, target: Target, losses: Losses, body: dict[str, Json]) -> None:
    items: list[Json] = []
    instructions: str | None = None
    said: str | None = None
    for turn in request.turns:
        raw = turn.raw
        if type(raw) is list:
            items += _returned(raw, target, losses)
        elif type(raw) is dict:
            items.append(raw)
        elif type(raw) is str and turn.role == "system" and instructions is None and not items and said is None:
            instructions = raw
        elif type(raw) is str and turn.role == "user" and len(request.turns) <= 1 + (instructions is not None):
            said = raw
        else:
            items += turn_items(turn, request, target, losses, Names(request, {}, Losses()))
    if instructions is not None:
        body["instructions"] = instructions
    elif body.get("instructions"):
        del body["instructions"]
    if said is not None or items or type(body.get("input")) is list:
        body["input"] = said if said is not None else items


def _returned(items: list[Json], target: Target, losses: Losses) -> Iterator[Json]:
    """
    Items of the model as they came, but for the thoughts of other providers' models, which go back to their makers alone.
    """
    for item in items:
        proof = item.get("encrypted_content") if type(item) is dict else None
        if type(proof) is not str or not proof.startswith(MARK):
            if not proof and _made_here(item):
                drop_thought(losses)
            else:
                yield item
            continue
        origin, signature = unwrap(proof)
        if origin is None or origin == target.origin:
            yield {**item, "encrypted_content": signature}
        else:
            drop_thought(losses)


def _made_here(item: Json) -> bool:
    """
    Whether it is the thought of another provider's model, which proves nothing: this one would look for it among what it has stored.
    """
    return type(item) is dict and item.get("type") == "reasoning" and type(item.get("id")) is str and bool(_MADE.fullmatch(item["id"]))


def _own_tools(request: Request, before: Iterable[Tool], losses: Losses, body: dict[str, Json]) -> None:
    """
    The provider's own tools stay; of the client's, those that are still there, and new ones.
    """
    kept = {id(tool.raw) for tool in request.tools if tool.raw is not None}
    gone = {id(tool.raw) for tool in before} - kept
    tools = [tool for tool in body.get("tools") or () if id(tool) not in gone]
    tools += [function(tool, tool.name, losses) for tool in request.tools if tool.raw is None]
    body["tools"] = tools


# -- foreign requests ------------------------------------------------------------------------------------------------------------------


def _foreign(request: Request, target: Target, losses: Losses, sent: Sent) -> dict[str, Json]:
    names = Names(request, sent.tool_names, losses)
    arranged = arrange(request, _SHAPE, losses, keeps=lambda thought: _goes_back(thought, request, target))
    body: dict[str, Json] = {"model": target.model}
    turns = arranged.turns
    # Without input the API answers 400: system text alone is input.
    if len(turns) > 1 and turns[0].role == "system" and len(turns[0].parts) == 1 and type(turns[0].parts[0]) is Text:
        body["instructions"] = turns[0].parts[0].text
        note_part(turns[0].parts[0], losses)
        note_name(turns[0], losses)
        turns = turns[1:]
    items: list[Json] = []
    for turn in turns:
        items += turn_items(turn, request, target, losses, names)
    body["input"] = items
    last = turns[-1] if turns else None
    if last is not None and last.role == "assistant" and last.parts and not isinstance(last.parts[-1], ToolCall):
        _note_prefill(target, losses)
    write_tools(request, target, losses, body, names)
    for _, _, write in SETTINGS:
        write(request, target, losses, sent, body)
    body["store"] = False
    if _thinks(request, target):
        body["include"] = [PROOFS]
    if request.stream:
        body["stream"] = True
    _note_rest(request, losses)
    return body


def _goes_back(thought: Reasoning, request: Request, target: Target) -> bool:
    native = thought.origin == target.origin or (thought.origin is None and request.dialect == NAME)
    return native and bool(thought.signature) and target.traits.reasoning != "none"


def _thinks(request: Request, target: Target) -> bool:
    """
    Whether encrypted thoughts can be asked for. Models that do not reason answer 400 to it, so of an unknown one the client must want it
    to think.
    """
    if target.traits.reasoning is not None:
        return target.traits.reasoning != "none"
    ask = request.reasoning
    return target.traits.always_thinks or (ask is not None and not ask.off)


def _note_prefill(target: Target, losses: Losses) -> None:
    if target.traits.prefill is False:
        losses.impossible("prefill", "the target's model does not continue a turn that was begun for it")
    elif target.traits.prefill is None:
        losses.changed("prefill", "the Responses API begins a new turn instead of continuing the last one")


def _note_rest(request: Request, losses: Losses) -> None:
    if request.stop:
        losses.emulated("stop", EMULATED)
    if request.candidates is not None and request.candidates > 1:
        losses.impossible("candidates", "the Responses API gives one answer a request; ask several times instead")
    if request.logprobs is not None:
        losses.impossible("logprobs", "log probabilities are not translated; ask a model that speaks the client's own dialect")
    if any(tool.cache for tool in request.tools):
        note_cache(losses)
    for extra in request.extras:
        if extra.vital:
            losses.impossible(extra.field, extra.why)
        else:
            losses.dropped(extra.field, extra.why)
