"""
A Converse request written back as one: what was not changed since it was read stays what it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.bedrock_converse.blocks import read_cache_point
from excise.wire.dialects.bedrock_converse.conversation import Block, Writer, cache_point
from excise.wire.dialects.bedrock_converse.models import Takes
from excise.wire.dialects.bedrock_converse.request import decode_request
from excise.wire.dialects.bedrock_converse.sending import settings
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Reasoning, Request, Turn

_ALL = Takes(claude=True, status=True, result_media=True, caches="all", citations=True)  # its own words need no rules of a family
_ABSENT: Any = object()


def encode_own(request: Request, target: Target) -> Encoded:
    """
    A request of this dialect, as read or with fields replaced since; a turn or part that was changed has no `raw`.

    Thoughts another provider made on the way do not go to Bedrock: they are dropped, with a loss.
    """
    losses = Losses()
    raw: Block = request.raw if type(request.raw) is dict else {}
    body = dict(raw)
    writer = Writer(_ALL, target.traits, losses)
    head: list[Json] = []
    messages: list[Json] = []
    for turn in request.turns:
        home = turn.raw if _at_home(turn, target) else None
        if turn.role == "system" and not messages and type(turn.raw) is not dict:
            head += home if type(home) is list else _rewritten(turn, target, writer)
        elif type(home) is dict:
            messages.append(home)
        else:
            other = turn.raw if type(turn.raw) is dict else {}
            messages.append({**other, "role": turn.role, "content": _rewritten(turn, target, writer)})
    body |= {name: written for name, written in (("system", head), ("messages", messages)) if written or name in raw}
    before, now = Losses(), Losses()
    if raw:
        _change(body, settings(decode_request(raw, Envelope()), target, before), settings(request, target, now))
    else:
        body |= settings(request, target, now)
    losses.extend(loss for loss in now.all() if loss not in before.all())  # those of what was changed
    return Encoded(body, losses.all(), Sent(target))


def _at_home(turn: Turn, target: Target) -> bool:
    """
    Whether no part came from another provider.
    """
    return not any(isinstance(part, Reasoning) and (part.origin is not None or _unproven(part, target)) for part in turn.parts)


def _unproven(thought: Reasoning, target: Target) -> bool:
    # Claude signs whatever it thinks; a thought without a proof came through us from a provider that proves nothing.
    return not thought.signature and target.origin == "bedrock:claude"


def _rewritten(turn: Turn, target: Target, writer: Writer) -> list[Json]:
    blocks: list[Json] = []
    for part in turn.parts:
        if isinstance(part, Reasoning) and (part.origin is not None or _unproven(part, target)):
            if part.origin != target.origin:
                writer.losses.dropped("reasoning.history", "thoughts of another provider's model mean nothing to the target")
                continue
            part = replace(part, raw=None)
        blocks.append(part.raw if part.raw is not None else writer.block(part, turn.role))
        if part.cache is not None:
            blocks.append(cache_point(part.cache, _ALL, writer.losses))
    return [block for block in blocks if block is not None]


def _change(body: Block, before: Block, now: Block) -> None:
    """
    Bring what was changed into the body: settings that read the same as before keep their writing, and what lies beside them stays.
    """
    for name in {**before, **now}:
        was, becomes, there = before.get(name), now.get(name), body.get(name)
        if was == becomes:
            continue
        if type(there) is dict and type(becomes or {}) is dict:
            merged = {key: value for key, value in there.items() if key not in (was or {}) or key in (becomes or {})}
            changed = {key: value for key, value in (becomes or {}).items() if (was or {}).get(key, _ABSENT) != value}
            if name == "toolConfig" and "tools" in changed:
                changed["tools"] = [*changed["tools"], *_not_ours(there.get("tools"))]
            becomes = {**merged, **changed}
        if becomes:
            body[name] = becomes
        else:
            body.pop(name, None)


def _not_ours(tools: Any) -> Iterable[Json]:
    """
    Tools that the neutral form does not hold: those Bedrock runs itself.
    """
    for tool in tools if type(tools) is list else ():
        if type(tool) is dict and "toolSpec" not in tool and read_cache_point(tool) is None:
            yield tool
