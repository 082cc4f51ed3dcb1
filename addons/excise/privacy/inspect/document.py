"""
Documents of an answer that are scanned whole: answers that are no stream, snapshots in a stream, whatever is no piece of a channel.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from excise.errors import ExciseError
from excise.privacy.inspect.quotes import other_number
from excise.privacy.inspect.verdict import Verdict
from excise.privacy.profiles import Action
from excise.privacy.redact import masked
from excise.privacy.restore.flow import Shift
from excise.privacy.restore.places import Path
from excise.privacy.walk.layer import Place, Trail
from excise.privacy.walk.source import of_request
from excise.privacy.walk.spots import Spot

# Tokens of the answer's text, one by one: what is taken out of the text would still stand there.
_LOGPROBS = re.compile(rb'"(?:logprobs|logprobs_result|logprobsResult|prompt_logprobs|token_ids|tokens)"[ \t\r\n]*:[ \t\r\n]*(?=[\[{])')
_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]', re.DOTALL)


class Unmaskable(Exception):
    """
    Something cannot be masked where it stands, or the document has no one reading (a key twice).
    """


def scanned(
    data: bytes, body: Any, verdict: Verdict, *, done: Collection[Path] = (), again: bool = False
) -> tuple[bytes, dict[Path, list[Shift]]]:
    """
    A JSON document with what is found in it masked, and what moved in its strings; the same bytes where nothing is changed.

    Strings are scanned with their keys for context, JSON and encodings inside them undone, as in requests; the same strings are left out
    (signatures, ids). What a provider signed is read, and never changed.

    Args:
        data, body: The document, and it parsed.
        done: Paths of strings that are scanned elsewhere.
        again: It may repeat what was found before.

    Raises:
        Blocked: Policy blocks something that is in it.
        Unmaskable: The document must not leave as it is.
    """
    try:
        source = of_request("POST", "", (), "application/json", data, body)
        found = verdict.wanted(verdict.scan(source.text))
        spots = [spot for spot in source.spots(found) if not done or _path(spot) not in done] if found else []
    except (ExciseError, UnicodeDecodeError):
        raise Unmaskable from None
    spots = [spot for spot in spots if verdict.not_ours(spot.seen, 0, len(spot.seen))]
    if not spots:
        return data, {}
    if again:
        verdict.judge_again((spot.entity, spot.detector, spot.value, spot.frozen) for spot in spots)
    else:
        for spot in spots:
            verdict.judge(spot.entity, spot.detector, spot.value, signed=spot.frozen)
    wanted = [spot for spot in spots if not spot.frozen and verdict.action_of(spot.entity) is Action.MASK]
    if not wanted:
        return data, {}
    try:
        changed = source.rewrite(list(_replaced(wanted, verdict))).body
    except ExciseError:
        raise Unmaskable from None
    return without_logprobs(changed), _shifts(wanted, verdict)


def _replaced(spots: list[Spot], verdict: Verdict) -> Iterator[tuple[Spot, str]]:
    keys = 0
    for spot in spots:
        written = _written(spot, verdict)
        if spot.place is Place.BODY_KEY:
            keys += 1
            written += str(keys)  # no key twice
        yield spot, written


def _written(spot: Spot, verdict: Verdict) -> str:
    if spot.place is Place.BODY_NUMBER:
        return other_number(spot.value)
    parts, at, value = list[str](), 0, spot.value
    for start, end in verdict.not_ours(value, 0, len(value)):
        parts += (value[at:start], masked(spot.entity, value[start:end]))
        at = end
    return "".join((*parts, value[at:]))


def _path(spot: Spot) -> Path:
    """
    Where the string stands in the document; of JSON inside a string, where that string stands.
    """
    steps: list[str | int] = []
    trail: Trail = spot.layer.trail
    while trail is not None:
        trail, step = trail
        steps.append(step)
    steps.reverse()
    return tuple(steps[1 : steps.index("#")] if "#" in steps else steps[1:])


def _shifts(spots: list[Spot], verdict: Verdict) -> dict[Path, list[Shift]]:
    moved: dict[Path, list[Shift]] = {}
    for spot in sorted(spots, key=lambda one: (one.segment, one.start)):
        if spot.place is Place.BODY_STRING:
            length = len(_written(spot, verdict))
            # Bytes are right for ASCII text before the place; offsets in bytes occur in streams, whose channels count them.
            moved.setdefault(_path(spot), []).append(Shift(spot.start, spot.end, length, spot.start, spot.end, length))
    return moved


def without_logprobs(data: bytes) -> bytes:
    """
    The document with its log probabilities emptied.
    """
    parts, at = list[bytes](), 0
    for found in _LOGPROBS.finditer(data):
        start = found.end()
        if start < at:
            continue
        depth = 0
        for token in _TOKEN.finditer(data, start):
            sign = token[0]
            depth += (sign in (b"{", b"[")) - (sign in (b"}", b"]"))
            if depth == 0:
                parts += (data[at:start], b"[]" if data[start : start + 1] == b"[" else b"null")
                at = token.end()
                break
    return b"".join((*parts, data[at:])) if parts else data
