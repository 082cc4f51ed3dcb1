"""
How an output format is asked for: by the API's own means where the model takes them, else imitated.

Before generation 3, schemas and JSON mode are refused together with functions ("Function calling with a response mime type:
'application/json' is unsupported"). The answer is then made a function among the others, one of which must be called; its call is turned
back into text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from excise.wire.dialect import Sent, Target
from excise.wire.dialects.foreign import output_instruction
from excise.wire.dialects.gemini.models import generation
from excise.wire.json_schema import inlined
from excise.wire.loss import Losses
from excise.wire.neutral import Json, OutputFormat, Request, Tool, ToolChoice

_ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Attributes:
        tools: The request's, and the one that stands for the answer.
        choice: Among them.
        config: Members for `generationConfig`.
        instruction: For the system text.
    """

    tools: tuple[Tool, ...]
    choice: ToolChoice | None
    config: Mapping[str, Json]
    instruction: str | None = None


def plan_output(request: Request, target: Target, sent: Sent, losses: Losses) -> Plan:
    """
    Tools, choice and settings for what the client wants the answer to be.
    """
    output, tools, choice = request.output, request.tools, request.tool_choice
    if tools and target.traits.tools is False:
        losses.impossible("tools", "the target's model calls no functions")
    if output is None:
        return Plan(tools, choice, {})
    together = generation(target.model) >= (3, 0)
    if tools and not together and choice is not None and choice.mode == "none":
        losses.dropped("tools", "the target's model takes no functions beside an output format; as none may be called, they are left out")
        tools, choice = (), None
    native = together or not tools
    if output.schema is None:
        if native:
            return Plan(tools, choice, {"responseMimeType": "application/json"})
        losses.emulated("output.json_object", "the target's model has no JSON mode beside functions; it is told to write JSON")
        return Plan(tools, choice, {}, output_instruction(output))
    if native and target.traits.json_schema is not False:
        schema = schema_for(output.schema, "output.schema", losses)
        return Plan(tools, choice, {"responseMimeType": "application/json", "responseJsonSchema": schema})
    if choice is not None and choice.mode in ("required", "named"):
        losses.dropped("output.schema", "a function must be called, and the target's model takes no output format beside functions")
        return Plan(tools, choice, {})
    callable_ = target.traits.tools is not False and target.traits.forced_tools is not False
    if not callable_ or output.schema.get("type") != "object":
        losses.emulated("output.schema", "the target's model takes no schema here; it is told what to write")
        return Plan(tools, choice, {}, output_instruction(output))
    return _as_function(output, output.schema, tools, sent, losses)


def _as_function(output: OutputFormat, schema: Mapping[str, Json], tools: tuple[Tool, ...], sent: Sent, losses: Losses) -> Plan:
    losses.emulated("output.schema", "the target's model takes no schema here; the answer is asked for as the call of a function")
    taken = {tool.name for tool in tools}
    name = next(name for name in (_ANSWER, *(f"{_ANSWER}_{n}" for n in range(len(tools) + 1))) if name not in taken)
    sent.unwrap_tool = name
    told = output.description or output.name
    description = "Gives the final answer. Call it, alone, when no other function is needed any more."
    answer = Tool(name=name, description=f"{description} The answer: {told}." if told else description, schema=schema)
    return Plan((*tools, answer), ToolChoice("required"), {})


def schema_for(schema: Mapping[str, Json], field: str, losses: Losses) -> Any:
    """
    A JSON Schema as the API takes it: as it is, except that a reference may have nothing beside it.
    """
    return inlined(schema, losses, field) if _has_crowded_reference(schema) else schema


def _has_crowded_reference(schema: Json) -> bool:
    stack: list[Json] = [schema]
    while stack:
        node = stack.pop()
        if type(node) is dict:
            if "$ref" in node and any(not key.startswith("$") for key in node):
                return True
            stack.extend(value for value in node.values() if type(value) in (dict, list))
        elif type(node) is list:
            stack.extend(value for value in node if type(value) in (dict, list))
    return False
