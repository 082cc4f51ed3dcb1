"""
An answer in pieces, in no provider's words: what stream decoders give and stream encoders take.

Parts of one candidate never interleave: `PartStarted`, its deltas, `PartEnded`, then the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from excise.wire.neutral import Finish, Part
from excise.wire.usage import Usage


@dataclass(slots=True)
class Event:
    """
    A piece of an answer. Not frozen: thousands a second are made.
    """


@dataclass(slots=True)
class Started(Event):
    """
    First of all events, once. `usage` is what is known by then; often nothing.
    """

    id: str | None = None
    model: str | None = None
    created: int | None = None
    usage: Usage | None = None


@dataclass(slots=True)
class PartStarted(Event):
    """
    A part begins: `part` as far as known, its text empty; a `ToolCall` has id and name, and `arguments` `{}`. A `Reasoning` that comes
    whole (redacted, attached) is given whole. `Opaque` parts come whole too.
    """

    part: Part
    candidate: int = 0


@dataclass(slots=True)
class Delta(Event):
    """
    More of the part that is open: text, thought, or JSON text of arguments, by that part's kind. `signature`: of a `Reasoning`, whole.
    """

    text: str = ""
    candidate: int = 0
    signature: str | None = None


@dataclass(slots=True)
class PartEnded(Event):
    """
    The open part is over.
    """

    candidate: int = 0


@dataclass(slots=True)
class Finished(Event):
    """
    A candidate is over.
    """

    finish: Finish
    native: str | None = None
    stop_sequence: str | None = None
    candidate: int = 0


@dataclass(slots=True)
class Failed(Event):
    """
    The provider reports an error inside the stream; nothing follows. `fault` is an `upstream_error.Fault`.
    """

    fault: Any


@dataclass(slots=True)
class Ended(Event):
    """
    Last of all events, once, unless the stream failed. `usage` is filled in by `translate.py`.
    """

    usage: Usage | None = None
    service_tier: str | None = None


@dataclass(slots=True)
class Ping(Event):
    """
    A sign of life.
    """
