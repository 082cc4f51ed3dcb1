"""
Offsets into an answer's text, which move when a value takes the place of a placeholder: citations, annotations, grounding.

Anthropic's citations point into the client's documents, not into the answer, and are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from excise.privacy.restore.channels import Channel
from excise.privacy.restore.flow import Shift, Shifts, shifted
from excise.privacy.restore.places import Path
from excise.wire.usage_values import items, part

# A frame without one of these has no offsets.
may_have_offsets = re.compile(rb'"(?:start_index|startIndex|endIndex|start)"').search

_INDEX = ("start_index", "end_index")
_CAMEL = ("startIndex", "endIndex")
_SHORT = ("start", "end")


def rebased(
    body: Any, channel_shifts: Callable[[Channel], list[Shift]], string_shifts: Mapping[Path, list[Shift]]
) -> Iterator[tuple[Path, int]]:
    """
    Path and new value of every offset in a frame that has moved.

    Args:
        body: The frame's document.
        channel_shifts: What moved in a channel so far; empty where nothing did.
        string_shifts: What moved in strings of this frame that were restored by themselves.
    """
    if type(body) is not dict:
        return
    of_string = {path: _ready(shifts) for path, shifts in string_shifts.items()}
    ready: dict[Channel, Shifts] = {}

    def of_channel(name: Channel) -> Shifts:
        if name not in ready:
            ready[name] = _ready(channel_shifts(name))
        return ready[name]

    for at, choice in enumerate(items(body.get("choices"))):
        if type(choice) is dict:
            shifts = of_channel((choice.get("index", at), "content"))
            yield from _annotations(("choices", at, "delta"), part(choice, "delta"), shifts)
    if type(annotation := body.get("annotation")) is dict:
        name = (body.get("output_index"), body.get("item_id"), "response.output_text.delta", body.get("content_index"), None)
        yield from _one(("annotation",), annotation, _INDEX, of_channel(name))
    for path, holder in _candidates(body):
        yield from _candidate(path, holder, of_channel, of_string)
    message = part(part(body, "delta"), "message")
    if type(citation := message.get("citations")) is dict:
        shifts = of_channel(("content", citation.get("content_index") or 0, "text"))
        yield from _one(("delta", "message", "citations"), citation, _SHORT, shifts)
    if body.get("event_type") == "citation-generation":
        yield from _citations(("citations",), body.get("citations"), of_channel(("text",)))
    if of_string:
        yield from _beside(body, of_string)


def _ready(shifts: list[Shift]) -> Shifts:
    return shifts if isinstance(shifts, Shifts) else Shifts(shifts)


def _beside(body: Any, of_string: Mapping[Path, Shifts]) -> Iterator[tuple[Path, int]]:
    """
    Offsets that stand in the same object as the text they point into.
    """
    for path, shifts in of_string.items():
        if not path or not shifts or type(path[-1]) is not str:
            continue
        holder = body
        for step in path[:-1]:
            holder = holder[step]
        # Responses, assistants: {text, annotations}; chat: {content, annotations}; Cohere 1: {text, citations}.
        if path[-1] in ("text", "content", "value"):
            yield from _annotations(path[:-1], holder, shifts)
            yield from _citations((*path[:-1], "citations"), holder.get("citations"), shifts)
        # Cohere 2: {content: [{text}], citations}.
        if len(path) >= 3 and path[-1] == "text" and path[-3] == "content":
            message = body
            for step in path[:-3]:
                message = message[step]
            cited = items(part({"": message}, "").get("citations"))
            for at, one in enumerate(cited):
                if type(one) is dict and (one.get("content_index") or 0) == path[-2]:
                    yield from _one((*path[:-3], "citations", at), one, _SHORT, shifts)


def _annotations(path: Path, holder: Any, shifts: Shifts) -> Iterator[tuple[Path, int]]:
    if not shifts or type(holder) is not dict:
        return
    for at, one in enumerate(items(holder.get("annotations"))):
        if type(one) is dict:
            here = (*path, "annotations", at)
            yield from _one(here, one, _INDEX, shifts)
            yield from _one((*here, "url_citation"), part(one, "url_citation"), _INDEX, shifts)


def _citations(path: Path, citations: Any, shifts: Shifts) -> Iterator[tuple[Path, int]]:
    for at, one in enumerate(items(citations)):
        if type(one) is dict:
            yield from _one((*path, at), one, _SHORT, shifts)


def _candidates(body: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    inner = body.get("response")
    path: Path = ()
    if type(inner) is dict and "candidates" not in body:
        body, path = inner, ("response",)
    for at, one in enumerate(items(body.get("candidates"))):
        if type(one) is dict:
            yield (*path, "candidates", at), one


def _candidate(
    path: Path, candidate: dict[str, Any], of_channel: Callable[[Channel], Shifts], of_string: Mapping[Path, Shifts]
) -> Iterator[tuple[Path, int]]:
    # In a stream the text of all its chunks counts as one; bytes of UTF-8.
    index = candidate.get("index")
    shifts = of_channel((index if type(index) is int else path[-1], "text"))
    for at, support in enumerate(items(part(candidate, "groundingMetadata").get("groundingSupports"))):
        segment = part({"": support}, "").get("segment")
        if type(segment) is dict:
            moved = of_string.get((*path, "content", "parts", segment.get("partIndex") or 0, "text"), shifts)
            yield from _one((*path, "groundingMetadata", "groundingSupports", at, "segment"), segment, _CAMEL, moved, in_bytes=True)
    for name in ("citationSources", "citations"):
        for at, one in enumerate(items(part(candidate, "citationMetadata").get(name))):
            if type(one) is dict:
                yield from _one((*path, "citationMetadata", name, at), one, _CAMEL, shifts, in_bytes=True)


def _one(
    path: Path, holder: dict[str, Any], names: tuple[str, str], shifts: Shifts, *, in_bytes: bool = False
) -> Iterator[tuple[Path, int]]:
    if not shifts:
        return
    for name, end in zip(names, (False, True), strict=True):
        place = holder.get(name)
        if type(place) is int and (moved := shifted(place, shifts, in_bytes=in_bytes, end=end)) != place:
            yield (*path, name), moved
