"""
The labelled prompts of `tests/fixtures/profile`, as requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from excise.routing.profile import Task
from excise.wire.neutral import OutputFormat, Request, Text, Tool, ToolCall, ToolChoice, ToolResult, Turn

FOLDER = Path(__file__).parents[1] / "fixtures" / "profile"
PARTS = ("tuned", "tuned_later", "held_out", "fresh")
_HARNESS: Mapping[str, Any] = yaml.safe_load((FOLDER / "harness.yml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Case:
    """
    One labelled prompt. `name` says where it stands, not what it says.
    """

    name: str
    task: Task
    language: str
    request: Request


def cases(part: str) -> list[Case]:
    """
    All prompts of a part.
    """
    found = yaml.safe_load((FOLDER / f"{part}.yml").read_text(encoding="utf-8"))
    return [
        Case(f"{task}/{language}/{number}", Task(task), language, request_of({"say": entry} if isinstance(entry, str) else entry))
        for task, languages in found.items()
        for language, entries in languages.items()
        for number, entry in enumerate(entries, 1)
    ]


def request_of(entry: Mapping[str, Any]) -> Request:
    """
    An entry as the request a client would send.
    """
    wrap = _HARNESS["wraps"][entry["wrap"]] if "wrap" in entry else {"system": entry.get("system"), "user": "{say}"}
    said = entry["say"] + (f"\n\n{_HARNESS['materials'][entry['material']]}" if "material" in entry else "")
    turns = [turn("system", wrap["system"])] if wrap["system"] else []
    turns += [turn("assistant" if number % 2 else "user", text) for number, text in enumerate(entry.get("before", ()))]
    turns.append(turn("user", wrap["user"].replace("{say}", said)))
    names = entry.get("tools", [entry["form"]] if "form" in entry else [])
    if entry.get("used"):
        turns.append(Turn("assistant", (ToolCall(id="t1", name=names[0], arguments={}),)))
        turns.append(Turn("user", (ToolResult(call_id="t1", parts=(Text(text="done: summary of 3 functions, extract follows"),)),)))
    return Request(
        dialect="openai-chat",
        model="a",
        turns=tuple(turns),
        tools=tuple(Tool(name=name, schema={"type": "object"}) for name in names),
        tool_choice=ToolChoice("named", (entry["form"],)) if "form" in entry else None,
        output=OutputFormat(schema={"type": "object"}) if entry.get("schema") else None,
    )


def turn(role: Any, text: str) -> Turn:
    """
    A turn of one text.
    """
    return Turn(role, (Text(text=text),))
