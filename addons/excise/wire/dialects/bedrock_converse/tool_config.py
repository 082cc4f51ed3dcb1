"""
`toolConfig`: the tools of a request, how free the model is to call them, and the tool that stands for an output schema.

There is no choice "none": without permission to call there are no tools. Whoever can be told to call "any" tool only is told to call a
certain one by being offered no other.

Anthropic's `disable_parallel_tool_use` goes into `tool_choice` among the model's own fields, which is merged with `toolChoice`: its type
must stand in one of the two, and may not in both.

Source: AWS, "ToolConfiguration" and "ToolChoice" of the Bedrock Runtime API reference; refusals reported for both forms; read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from excise.wire.dialect import Sent, Traits
from excise.wire.dialects.bedrock_converse.conversation import Block, cache_point
from excise.wire.dialects.bedrock_converse.models import Takes
from excise.wire.distinct import Distinct
from excise.wire.json_schema import for_anthropic_output, inlined
from excise.wire.loss import Losses
from excise.wire.neutral import OutputFormat, Request, Tool, ToolCall, ToolResult

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_OF_NAME = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST_NAME = 64

_PLAIN = frozenset({"type", "properties", "required"})
_ANNOTATIONS = frozenset({"$schema", "$id", "$comment", "title", "description", "examples"})

_FOR_OUTPUT = "Give your final answer by calling this tool."


@dataclass(slots=True)
class ToolPlan:
    """
    What of a request's tools is offered.

    Attributes:
        tools: Offered, under the client's names.
        mode: "auto", "any" or "tool".
        named: The one that must be called, under the client's name.
        names: Name of the client -> name at the target, where they differ.
        one_at_a_time: The model shall not call several at once.
    """

    tools: tuple[Tool, ...]
    mode: str = "auto"
    named: str | None = None
    names: dict[str, str] = field(default_factory=dict)
    one_at_a_time: bool = False

    @property
    def forced(self) -> bool:
        return self.mode != "auto"


def plan_tools(request: Request, takes: Takes, traits: Traits, sent: Sent, losses: Losses) -> ToolPlan:
    """
    Decide what is offered and how much of the choice the model can be told; `sent` learns the names that changed.
    """
    plan = ToolPlan(request.tools)
    choice = request.tool_choice
    if request.tools and (not takes.tools or traits.tools is False):
        losses.impossible("tools", "the target's model calls no tools")
    if choice is not None and choice.mode == "none":
        if request.tools:
            losses.changed("tool_choice", "bedrock has no choice 'none'; the tools are left out instead")
        plan.tools = ()
    elif choice is not None and request.tools:
        offered = tuple(tool for tool in request.tools if tool.name in choice.names) if choice.names else request.tools
        if choice.mode == "named":
            _name_one(plan, choice.names[0] if choice.names else None, takes, traits, losses)
        else:
            if offered and len(offered) < len(request.tools):
                losses.emulated("tool_choice", "bedrock cannot narrow a choice to several tools; only these are offered")
                plan.tools = offered
            if choice.mode == "required":
                _require(plan, takes, traits, losses)
    plan.names = _names(request, sent, losses)
    if request.parallel_tools is False and plan.tools:
        plan.one_at_a_time = takes.one_at_a_time
        if not takes.one_at_a_time:
            losses.dropped("parallel_tools", "this model cannot be kept from calling several tools at once")
    return plan


def _name_one(plan: ToolPlan, name: str | None, takes: Takes, traits: Traits, losses: Losses) -> None:
    one = tuple(tool for tool in plan.tools if tool.name == name)
    if not one:
        losses.impossible("tool_choice", "the tool that must be called is not among those offered")
    elif traits.forced_tools is False or not (takes.one_tool or takes.any_tool):
        _cannot_force(losses)
    elif takes.one_tool:
        plan.mode, plan.named = "tool", name
    else:
        losses.emulated("tool_choice", "this model cannot be told which tool to call; only this one is offered")
        plan.tools, plan.mode = one, "any"


def _require(plan: ToolPlan, takes: Takes, traits: Traits, losses: Losses) -> None:
    if traits.forced_tools is False or not takes.any_tool:
        _cannot_force(losses)
    else:
        plan.mode = "any"


def _cannot_force(losses: Losses) -> None:
    losses.changed("tool_choice", "this model cannot be forced to call a tool; it is free to")


def offer_output(plan: ToolPlan, output: OutputFormat, takes: Takes, traits: Traits, sent: Sent) -> bool:
    """
    Let a tool stand for the output schema: whoever calls it answers. False where the model cannot be made to call one.
    """
    schema = output.schema
    if schema is None or not (takes.tools and takes.any_tool) or traits.tools is False or traits.forced_tools is False:
        return False
    if schema.get("type", "object") != "object":
        return False  # the arguments of a tool are an object
    names = Distinct({plan.names.get(tool.name, tool.name) for tool in plan.tools}, longest=_LONGEST_NAME)
    name = names.take(_NOT_OF_NAME.sub("_", output.name or "answer") or "tool")
    sent.unwrap_tool = name
    made = Tool(name, output.description or _FOR_OUTPUT, schema)
    plan.mode, plan.named = ("any", None) if plan.tools or not takes.one_tool else ("tool", name)
    plan.tools = (*plan.tools, made)
    return True


def write_tools(plan: ToolPlan, takes: Takes, losses: Losses, fields: Block, *, own: bool) -> Block | None:
    """
    `toolConfig`, or `None` where no tool is offered. What only the model's own fields can say goes into `fields`.

    Args:
        own: The tools were read from this dialect, and keep their writing.
    """
    if not plan.tools:
        return None
    tools: list[Block] = []
    for tool in plan.tools:
        tools.append(tool.raw if own and tool.raw is not None else {"toolSpec": _spec(tool, plan, takes, losses)})
        if tool.cache is None:
            continue
        if takes.caches == "text":
            losses.dropped("cache", "this model caches text only, no tools")
        elif (point := cache_point(tool.cache, takes, losses)) is not None:
            tools.append(point)
    config: Block = {"tools": tools}
    if plan.mode == "any":
        config["toolChoice"] = {"any": {}}
    elif plan.mode == "tool" and plan.named is not None:
        config["toolChoice"] = {"tool": {"name": plan.names.get(plan.named, plan.named)}}
    if plan.one_at_a_time:
        fields["tool_choice"] = {"disable_parallel_tool_use": True} if plan.forced else {"type": "auto", "disable_parallel_tool_use": True}
    return config


def _spec(tool: Tool, plan: ToolPlan, takes: Takes, losses: Losses) -> Block:
    spec: Block = {"name": plan.names.get(tool.name, tool.name)}
    if tool.description and tool.description.strip():
        spec["description"] = tool.description
    strict = tool.strict is True and takes.schema is not False
    if tool.strict is True and not strict:
        losses.dropped("tools.strict", "this model does not keep strictly to a tool's schema")
    schema = _schema(tool.schema, strict, losses)
    spec["inputSchema"] = {"json": _plain(schema, losses) if takes.plain_schemas else schema}
    if strict:
        spec["strict"] = True
    return spec


def _schema(schema: Any, strict: bool, losses: Losses) -> Block:
    if not schema:
        return {"type": "object", "properties": {}, **({"additionalProperties": False} if strict else {})}
    if strict:
        schema = for_anthropic_output(schema, losses, "tools.schema")
    if schema.get("type") not in (None, "object"):
        losses.changed("tools.schema", "the arguments of a tool are an object; its schema was said to be one")
    return {**schema, "type": "object"}


def _plain(schema: Block, losses: Losses) -> Block:
    """
    For Nova 1, which ignores tools whose schema says more at its top than type, properties and required.
    """
    schema = inlined(schema, losses, "tools.schema")
    if schema.keys() - _PLAIN - _ANNOTATIONS:
        losses.changed("tools.schema", "this model knows properties and which are required; what else the schema demands is left out")
    return {name: value for name, value in schema.items() if name in _PLAIN}


# -- names -----------------------------------------------------------------------------------------------------------------------------


def _names(request: Request, sent: Sent, losses: Losses) -> dict[str, str]:
    """
    Names that break the rule, of tools offered and of tools in the history, with what they are at the target.
    """
    used = [tool.name for tool in request.tools]
    used += [part.name for turn in request.turns for part in turn.parts if isinstance(part, ToolCall | ToolResult) and part.name]
    broken = [name for name in dict.fromkeys(used) if _NAME.fullmatch(name) is None]
    if not broken:
        return {}
    losses.changed("tools.name", "bedrock's names of tools are letters, digits, _ and -, up to 64; they are changed back in the answer")
    distinct = Distinct(used, longest=_LONGEST_NAME)
    names = {name: distinct.take(_NOT_OF_NAME.sub("_", name) or "tool") for name in broken}
    sent.tool_names.update((new, old) for old, new in names.items())
    return names
