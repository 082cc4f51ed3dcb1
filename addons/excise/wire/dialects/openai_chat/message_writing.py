"""
Turns of a conversation, written as the messages of a chat request.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from excise.wire.dialect import Sent, Target
from excise.wire.dialects.chat_flavours import Flavour, is_thinker
from excise.wire.dialects.foreign import result_text
from excise.wire.dialects.openai_chat.parts import write_parts
from excise.wire.dialects.openai_chat.thoughts import PLAIN, write_thoughts
from excise.wire.dialects.openai_chat.tool_names import fit_name
from excise.wire.loss import Losses
from excise.wire.neutral import Audio, Document, Image, Part, Reasoning, Refusal, Request, Text, ToolCall, ToolResult, Turn, Video
from excise.wire.repair import Shape, arrange
from excise.wire.sequence import arguments_text

_BRIDGE = "OK."
_BRIDGED = "the target wants a turn of the model between tool results and the user's next words; a short one was put there"
_NAME = re.compile(r"[^\s<|\\/>]{1,64}")


@dataclass(slots=True)
class Writing:
    """
    One request being written.

    Attributes:
        names: Name of a tool as the client gives it -> as the target takes it.
        taken: The names at the target.
    """

    request: Request
    target: Target
    flavour: Flavour
    losses: Losses
    sent: Sent
    names: dict[str, str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    @property
    def thinks(self) -> bool | None:
        """
        Whether the target's model reasons; `None`: not known.
        """
        traits = self.target.traits
        if traits.reasoning is not None:
            return traits.reasoning != "none"
        if traits.sampling is False or (self.flavour.developer and is_thinker(self.target.model)):
            return True
        return None

    def tool_name(self, name: str) -> str:
        """
        The name of a tool at the target; where it must change, `Sent` remembers.
        """
        known = self.names.get(name)
        if known is None:
            known = self.names[name] = fit_name(name, self.taken)
            self.taken.add(known)
            if known != name:
                self.sent.tool_names[known] = name
                self.losses.changed("tools.name", "the target takes letters, digits, _ and - in names of tools, 64 at most")
        return known


def shape_of(flavour: Flavour) -> Shape:
    """
    What a provider demands of a conversation.
    """
    strict = flavour.system == "first"
    return Shape(
        system=flavour.system,
        merge=strict,
        starts_with_user=flavour.starts_with_user,
        ids=flavour.ids,
        results_first=True,
        empty_text=not strict,
        result_media="hoist",
    )


def arranged(writing: Writing) -> tuple[Turn, ...]:
    """
    The conversation in the provider's shape.
    """
    request, target = writing.request, writing.target
    own = request.dialect == target.dialect
    has_place = writing.flavour.thoughts is not None

    def keeps(thought: Reasoning) -> bool:
        return own or (has_place and thought.origin == target.origin)

    turns = tuple(_joined(turn) for turn in request.turns)
    return arrange(replace(request, turns=turns), shape_of(writing.flavour), writing.losses, keeps=keeps).turns


def _joined(turn: Turn) -> Turn:
    """
    A turn of the model with adjacent texts as one: clients that keep streamed answers keep them in pieces.
    """
    parts = turn.parts
    if turn.role != "assistant" or not any(type(one) is type(two) is Text for one, two in pairwise(parts)):
        return turn
    joined: list[Part] = []
    for part in parts:
        if joined and type(part) is Text and type(last := joined[-1]) is Text and last.cache is None:
            joined[-1] = Text(text=last.text + part.text, cache=part.cache)
        else:
            joined.append(part)
    return Turn("assistant", tuple(joined), turn.name)


def write_messages(turns: Sequence[Turn], writing: Writing) -> list[dict[str, Any]]:
    """
    The messages of arranged turns.
    """
    messages: list[dict[str, Any]] = []
    for turn in turns:
        for message in write_turn(turn, writing):
            if writing.flavour.bridge and message["role"] == "user" and messages and messages[-1]["role"] == "tool":
                writing.losses.changed("turns.order", _BRIDGED)
                messages.append({"role": "assistant", "content": _BRIDGE})
            messages.append(message)
    if turns and turns[-1].role == "assistant":
        _prefill(messages[-1], writing)
    return messages


def _prefill(message: dict[str, Any], writing: Writing) -> None:
    how, can = writing.flavour.prefill, writing.target.traits.prefill
    if can is False:
        writing.losses.impossible("prefill", "the target's model does not continue an answer that has begun; let the user speak last")
    elif how is None and can is None:
        writing.losses.changed("prefill", "the target answers anew where an answer has begun, instead of continuing it")
    elif how:
        message[how] = True


def write_turn(turn: Turn, writing: Writing) -> list[dict[str, Any]]:
    """
    One turn: a message, and one for each tool result.
    """
    if turn.role == "assistant":
        return [_named(_assistant(turn.parts, writing), turn, writing)]
    if turn.role == "system":
        return _system(turn, writing)
    messages = [_result(part, writing) for part in turn.parts if isinstance(part, ToolResult)]
    rest = [part for part in turn.parts if not isinstance(part, ToolResult)]
    if rest or not messages:
        messages.append(_named({"role": "user", "content": _content(rest, writing)}, turn, writing))
    return messages


def _named(message: dict[str, Any], turn: Turn, writing: Writing) -> dict[str, Any]:
    if turn.name is not None:
        if writing.flavour.names and _NAME.fullmatch(turn.name):
            message["name"] = turn.name
        else:
            writing.losses.dropped("turns.name", "the target's messages have no names, or none of this form")
    return message


def _system(turn: Turn, writing: Writing) -> list[dict[str, Any]]:
    flavour = writing.flavour
    role = "developer" if flavour.developer and is_thinker(writing.target.model) else "system"
    said = [part for part in turn.parts if isinstance(part, Text)]
    rest = [part for part in turn.parts if not isinstance(part, Text)]
    messages = [_named({"role": role, "content": _content(said, writing, lists=flavour.lists)}, turn, writing)] if said or not rest else []
    if rest:
        writing.losses.changed("system.parts", "the target's system text is text only; the rest was given to the user")
        messages.append({"role": "user", "content": _content(rest, writing)})
    return messages


def _content(parts: Iterable[Part], writing: Writing, *, lists: bool = True) -> str | list[dict[str, Any]]:
    """
    Parts as content: a plain text where that says it all.
    """
    written = write_parts(parts, writing.flavour, writing.losses)
    plain = all(part["type"] == "text" and len(part) == 2 for part in written)
    if plain and (len(written) < 2 or not (lists and writing.flavour.lists)):
        return "\n\n".join(part["text"] for part in written)
    return written


def _result(result: ToolResult, writing: Writing) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "tool", "tool_call_id": result.call_id, "content": result_text(result, writing.losses)}
    if writing.flavour.mistral and result.name:
        message["name"] = writing.tool_name(result.name)
    if result.cache is not None and writing.flavour.cache_marks:
        message["content"] = [{"type": "text", "text": message["content"], "cache_control": {"type": "ephemeral"}}]
    return message


# -- assistant -------------------------------------------------------------------------------------------------------------------------


def _assistant(parts: Sequence[Part], writing: Writing) -> dict[str, Any]:
    flavour = writing.flavour
    message: dict[str, Any] = {"role": "assistant"}
    said: list[Part] = []
    calls: list[dict[str, Any]] = []
    thoughts: list[Reasoning] = []
    refused: list[str] = []
    for part in parts:
        if isinstance(part, ToolCall):
            calls.append(_call(part, writing))
        elif isinstance(part, Reasoning):
            thoughts.append(part)
        elif isinstance(part, Refusal) and flavour.refusals:
            refused.append(part.text)
        elif isinstance(part, Image | Document | Audio | Video):
            writing.losses.impossible(
                "image", "what the target's model said before is text only; give pictures and files to the user's turns"
            )
        else:
            said.append(part)
    content: Any = _content(said, writing, lists=flavour.lists) if said else None
    if flavour.mistral and thoughts:
        content = [*map(_thinking, thoughts), *([{"type": "text", "text": content}] if type(content) is str else content or ())]
    else:
        write_thoughts(thoughts, flavour, message)
    if refused:
        message["refusal"] = "\n\n".join(refused)
    message["content"] = flavour.empty if content is None else content
    if calls:
        message["tool_calls"] = calls
        if flavour.wants_thoughts and writing.thinks is not False and flavour.thoughts and not message.get(flavour.thoughts):
            message[flavour.thoughts] = " "  # the least that is taken; another model's thoughts are not its own
    elif content is None and not refused:
        message["content"] = ""
    return message


def _thinking(thought: Reasoning) -> dict[str, Any]:
    written: dict[str, Any] = {"type": "thinking", "thinking": [{"type": "text", "text": thought.text}]}
    if thought.signature and thought.signature != PLAIN:
        written["signature"] = thought.signature
    return written


def _call(call: ToolCall, writing: Writing) -> dict[str, Any]:
    function = {"name": writing.tool_name(call.name), "arguments": arguments_text(call) or "{}"}
    return {"id": call.id, "type": "function", "function": function}
