"""
What a client asks, in the stand-in's own words: every dialect reads its requests into these, and `answers.py` answers them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

_LONGEST_VECTOR = 4096


@dataclass(frozen=True, slots=True)
class Said:
    """
    One thing in the conversation so far.

    Attributes:
        text: What was said; of a result, what the tool gave, JSON as JSON.
        name: Of the tool, of calls and of results that name it.
        id: Pairs a call with its result.
        media: What came with it, as "image/png, 70 bytes".
        failed: The tool failed.
    """

    who: Literal["system", "user", "assistant", "call", "result"]
    text: str = ""
    name: str = ""
    id: str = ""
    media: tuple[str, ...] = ()
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Tool:
    """
    A tool on offer. `custom`: it takes text instead of arguments (OpenAI).
    """

    name: str
    schema: Any = None
    custom: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """
    One request for an answer.

    Attributes:
        content: The prompt with its system text, as sent; billed as input.
        declared: The declarations of the tools, as sent; billed as input.
        allowed: Names of the tools that may be called; empty: all.
        parallel: Several calls at once are fine.
        limit: Most output tokens, thoughts included; `None`: no limit.
        schema: The answer is JSON that fits it; `{}`: any object.
        thinks: The model can.
        must_think: It does, whatever the prompt says; `False`: it does not.
        count: As many answers are wanted.
    """

    content: Any
    said: tuple[Said, ...]
    tools: tuple[Tool, ...] = ()
    declared: Any = ()
    choice: Literal["auto", "none", "required"] = "auto"
    allowed: tuple[str, ...] = ()
    parallel: bool = True
    limit: int | None = None
    stop: tuple[str, ...] = ()
    schema: Any = None
    thinks: bool = False
    must_think: bool | None = None
    count: int = 1


def strings(value: Any) -> Iterator[str]:
    """
    Every string inside a JSON value, in order, keys left out.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def count_tokens(value: Any) -> int:
    """
    Four bytes a token, at least one; the JSON text of what is not a string already.
    """
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return max(1, (len(text.encode("utf-8", "surrogatepass")) + 3) // 4)


def digest(*values: Any) -> str:
    """
    32 hexadecimal digits that follow from some JSON values: what ids and vectors are made of.
    """
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:32]


def vector(text: Any, dimensions: int = 8) -> list[float]:
    """
    An embedding: numbers between -0.5 and 0.5 that follow from the text.
    """
    seed = digest(text, [])
    return [(int(seed[at % 32], 16) - 7.5) / 16 for at in range(min(dimensions, _LONGEST_VECTOR))]
