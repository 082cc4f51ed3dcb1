"""
A request written for a provider of this family.

Of the family's own requests everything is written back as it came, but for thoughts of foreign origin. Others are arranged, and what the
provider would refuse with 400 is settled here: see `settle.py` for thinking and what hangs on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from excise.wire.dialect import Encoded, Sent, Target
from excise.wire.dialects.anthropic_messages.blocks import FAMILY, VERTEX
from excise.wire.dialects.anthropic_messages.restored import restored
from excise.wire.dialects.anthropic_messages.settle import sampling, settle
from excise.wire.dialects.anthropic_messages.written import Page, write_block
from excise.wire.dialects.foreign import output_instruction
from excise.wire.distinct import Distinct
from excise.wire.json_schema import for_anthropic_output
from excise.wire.loss import Losses
from excise.wire.neutral import Json, Reasoning, Request, Text, Tool, ToolCall, ToolChoice, Turn
from excise.wire.repair import Shape, arrange
from excise.wire.stop_sequences import EMULATED
from excise.wire.tool_ids import WORD

VERTEX_VERSION = "vertex-2023-10-16"

_SHAPE = Shape(
    system="top", merge=True, starts_with_user=True, ids=WORD, results_first=True, empty_text=False, tools_need_declaration=False
)
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_NAME = re.compile(r"[^A-Za-z0-9_-]")
_ARGUMENT = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LONGEST_NAME = 64
_MOST_MARKS = 4
_MOST_STRICT = 20
_LONGEST_USER = 512
_COMPOSED = ("anyOf", "oneOf", "allOf")


def encode_request(name: str, request: Request, target: Target) -> Encoded:
    """
    Args:
        name: Of the dialect. Vertex has its own version in the body, and the model in the path.
    """
    losses = Losses()
    sent = Sent(target)
    page = Page(target, losses, vertex=name == VERTEX)
    headers: tuple[tuple[str, str], ...] = ()
    if request.dialect in FAMILY and type(request.raw) is dict:
        body, headers = restored(request, page)
    else:
        body = _written(request, page, sent)
    if page.vertex:
        body = {"anthropic_version": VERTEX_VERSION, **body}
        body.pop("model", None)
    return Encoded(body, losses.all(), sent, headers)


def _written(request: Request, page: Page, sent: Sent) -> dict[str, Any]:
    target, losses = page.target, page.losses
    arranged = arrange(request, _SHAPE, losses, keeps=lambda thought: _keeps(thought, request, target))
    _leave_out(request, losses)
    turns = arranged.turns
    prefilled = bool(turns) and turns[-1].role == "assistant"
    if prefilled and target.traits.prefill is False:
        losses.impossible("prefill", "the target's model does not continue an answer; let the conversation end with the user")
    page.names = _names(request, turns)
    sent.tool_names = {new: old for old, new in page.names.items()}
    if page.names:
        losses.changed("tools.name", "the target takes letters, digits, _ and - in names of tools, 64 at most")

    body: dict[str, Any] = {"model": target.model, "max_tokens": 0}
    config, instruction = _output(request, page, sent, prefilled=prefilled)
    tools, choice = _tools(request, page, sent)
    if tools:
        body["tools"] = tools
    system = _system(arranged.system, instruction, page)
    if system:
        body["system"] = system
    body["messages"] = [message for turn in turns if (message := _message(turn, page)) is not None]
    _trim_end(body["messages"], losses)

    forced = choice is not None and choice["type"] in ("any", "tool")
    settled = settle(request, target, losses, forced=forced, prefilled=prefilled, unthought=_unthought(turns))
    body["max_tokens"] = settled.max_tokens
    if settled.thinking is not None:
        body["thinking"] = settled.thinking
    if settled.effort is not None:
        config["effort"] = settled.effort
    if config:
        body["output_config"] = config
    if choice is not None:
        body["tool_choice"] = choice
    body |= sampling(request, target, losses, thinks=settled.on)
    _settings(body, request, page)
    _limit_marks(page)
    return body


def _keeps(thought: Reasoning, request: Request, target: Target) -> bool:
    origin = target.origin if thought.origin is None and request.dialect in FAMILY else thought.origin
    return origin == target.origin and bool(thought.signature) and not thought.attached


# -- names of tools --------------------------------------------------------------------------------------------------------------------


def _names(request: Request, turns: Iterable[Turn]) -> dict[str, str]:
    """
    Name of a tool -> its name at the target, for those that have to change. Two never become one.
    """
    used = {tool.name: None for tool in request.tools}
    used |= {part.name: None for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    if request.tool_choice is not None:
        used |= dict.fromkeys(request.tool_choice.names)
    fitting = {name for name in used if _NAME.fullmatch(name)}
    names = Distinct(fitting, longest=_LONGEST_NAME)
    return {name: names.take(_NO_NAME.sub("_", name) or "tool") for name in used if name not in fitting}


# -- tools -----------------------------------------------------------------------------------------------------------------------------


def _tools(request: Request, page: Page, sent: Sent) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    losses, choice = page.losses, request.tool_choice
    offered = request.tools
    if offered and page.target.traits.tools is False:
        losses.impossible("tools", "the target's model calls no tools")
    if choice is not None and choice.names and choice.mode != "named":
        losses.changed("tool_choice", "the target cannot choose among some of its tools; the others were left out")
        offered = tuple(tool for tool in offered if tool.name in choice.names)
    strict_left = _MOST_STRICT
    tools = []
    for tool in offered:
        written = _tool(tool, page, strict=strict_left > 0)
        strict_left -= "strict" in written
        tools.append(written)
    said = _choice(choice, page) if tools else None
    if sent.unwrap_tool is not None and request.output is not None:
        said = _output_tool(request, sent.unwrap_tool, tools, said)
    if request.parallel_tools is False and tools:
        said = said or {"type": "auto"}
        if said["type"] != "none":
            said["disable_parallel_tool_use"] = True
    return tools, said


def _tool(tool: Tool, page: Page, *, strict: bool) -> dict[str, Any]:
    written: dict[str, Any] = {"name": page.names.get(tool.name, tool.name)}
    if tool.description:
        written["description"] = tool.description
    schema = _object_schema(tool.schema, page)
    if tool.strict:
        trial = Losses()
        closed = for_anthropic_output(schema, trial) if strict and page.target.traits.json_schema is not False else None
        if closed is not None and not trial.all():
            schema, written["strict"] = closed, True
        else:
            page.losses.dropped("tools.strict", "the target cannot keep to this schema strictly; it is asked to keep to it all the same")
    written["input_schema"] = schema
    return page.marked(written, tool.cache)


def _object_schema(schema: Mapping[str, Json] | None, page: Page) -> dict[str, Any]:
    """
    A schema of arguments: an object at the top, and nothing composed there.

    Source: the API's own errors, "input_schema does not support oneOf, allOf, or anyOf at the top level" and "Property keys should match
    pattern '^[a-zA-Z0-9_.-]{1,64}$'", read 2026-11.
    """
    if not schema:
        return {"type": "object", "properties": {}}
    written = dict(schema)
    composed = [written.pop(key) for key in _COMPOSED if key in written]
    if composed:
        page.losses.changed("tools.schema", "the target takes no alternatives at the top of a schema; their properties were put together")
        written["properties"] = {**_branch_properties(composed), **_properties(written)}
    if written.get("type") != "object":
        if written.get("type") not in (None, ["object", "null"], ["null", "object"]):
            page.losses.changed("tools.schema", "the target's tools take an object")
        written["type"] = "object"
    if "claude" in page.target.model.lower() and not all(_ARGUMENT.fullmatch(name) for name in _properties(written)):
        page.losses.impossible("tools.schema", "the target takes letters, digits, _ . and - in names of arguments, 64 at most")
    return written


def _properties(schema: Json) -> dict[str, Any]:
    found = schema.get("properties") if isinstance(schema, Mapping) else None
    return found if isinstance(found, dict) else {}


def _branch_properties(composed: Iterable[Json]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for branches in composed:
        for branch in branches if isinstance(branches, list) else ():
            found |= _properties(branch)
    return found


def _choice(choice: ToolChoice | None, page: Page) -> dict[str, Any] | None:
    if choice is None or choice.mode == "auto":
        return None  # what it does by itself
    if choice.mode == "none":
        return {"type": "none"}
    if page.target.traits.forced_tools is False:
        page.losses.impossible("tool_choice", "the target's model cannot be made to call a tool")
    if choice.mode == "named" and choice.names:
        return {"type": "tool", "name": page.names.get(choice.names[0], choice.names[0])}
    return {"type": "any"}


# -- output format ---------------------------------------------------------------------------------------------------------------------


def _output(request: Request, page: Page, sent: Sent, *, prefilled: bool) -> tuple[dict[str, Any], str | None]:
    """
    What `output_config` says of the format, and what the system text has to say instead; or the name of a tool in `sent`.
    """
    output, losses, traits = request.output, page.losses, page.target.traits
    if output is None:
        return {}, None
    if output.schema is None:
        losses.emulated("output.json_object", "the target has no mode for JSON; it is told to write a JSON object")
        return {}, output_instruction(output)
    if traits.json_schema is not False:
        if prefilled:
            losses.impossible("prefill", "the target does not continue an answer that has to keep to a schema")
        page.cites = False
        schema = for_anthropic_output(output.schema, losses)
        if output.description and "description" not in schema:
            schema = {**schema, "description": output.description}
        return {"format": {"type": "json_schema", "schema": schema}}, None
    losses.emulated("output.schema", "the target's model keeps to no schema by itself; it is made to by a tool, or told to")
    if traits.tools is False or traits.forced_tools is False or traits.always_thinks or output.schema.get("type") != "object":
        return {}, output_instruction(output)
    name = output.name if output.name and _NAME.fullmatch(output.name) else "answer"
    taken = {page.names.get(tool.name, tool.name) for tool in request.tools}
    while name in taken:
        name = f"{name[:63]}_"
    sent.unwrap_tool = name
    return {}, None


def _output_tool(request: Request, name: str, tools: list[dict[str, Any]], said: dict[str, Any] | None) -> dict[str, Any] | None:
    """
    Offer the tool that stands for the schema, and see to it that it or another one is called.
    """
    output = request.output
    assert output is not None
    if said is not None and said["type"] in ("any", "tool"):
        return said  # this answer is a call of one of the client's tools
    description = output.description or "Give the final answer with this."
    if said is not None:  # none of the client's
        tools.clear()
    tools.append({"name": name, "description": description, "input_schema": dict(output.schema or {})})
    return {"type": "any"} if len(tools) > 1 else {"type": "tool", "name": name}


# -- the conversation ------------------------------------------------------------------------------------------------------------------


def _system(parts: Iterable[Any], instruction: str | None, page: Page) -> str | list[dict[str, Any]] | None:
    texts = [part for part in parts if isinstance(part, Text)]
    if instruction is not None:
        texts.append(Text(text=instruction))
    if len(texts) == 1 and texts[0].cache is None:
        return texts[0].text
    return [block for part in texts if (block := write_block(part, page)) is not None]


def _message(turn: Turn, page: Page) -> dict[str, Any] | None:
    parts = turn.parts
    if turn.name is not None:
        page.losses.dropped("turns.name", "the target's turns have no names")
    if len(parts) == 1 and type(parts[0]) is Text and parts[0].cache is None:
        return {"role": turn.role, "content": parts[0].text}
    content = []
    for part in parts:
        block = write_block(part, page)
        if block is None:
            continue
        if turn.role == "assistant" and block["type"] in ("image", "document"):
            page.losses.impossible("image", "the target's own turns hold no pictures or documents")
        content.append(block)
    return {"role": turn.role, "content": content} if content else None


def _trim_end(messages: list[dict[str, Any]], losses: Losses) -> None:
    """
    Of an answer that is to be continued, the end: it may not be white space.
    """
    if not messages or messages[-1]["role"] != "assistant":
        return
    last = messages[-1]
    content = last["content"]
    if isinstance(content, str):
        trimmed = last["content"] = content.rstrip()
        changed = trimmed != content
    else:
        block = content[-1]
        changed = block["type"] == "text" and block["text"] != block["text"].rstrip()
        if changed:
            content[-1] = {**block, "text": block["text"].rstrip()}
    if changed:
        losses.changed("prefill", "the target continues no answer that ends with white space; it was cut off")


def _unthought(turns: tuple[Turn, ...]) -> bool:
    """
    Whether a tool loop is open whose last answer does not begin with thoughts.
    """
    last = next((turn for turn in reversed(turns) if turn.role == "assistant"), None)
    if last is None or not last.parts or turns[-1].role == "assistant":
        return False
    return any(isinstance(part, ToolCall) for part in last.parts) and not isinstance(last.parts[0], Reasoning)


# -- settings --------------------------------------------------------------------------------------------------------------------------


def _settings(body: dict[str, Any], request: Request, page: Page) -> None:
    losses = page.losses
    stop = [sequence for sequence in request.stop if sequence and not sequence.isspace()]
    if len(stop) < len(request.stop):
        losses.emulated("stop", EMULATED)
    if stop:
        body["stop_sequences"] = stop
    if request.stream:
        body["stream"] = True
    if request.user is not None:
        if 0 < len(request.user) <= _LONGEST_USER:
            body["metadata"] = {"user_id": request.user}
        else:
            losses.dropped("user", "the target takes names of users of up to 512 characters")
    _tier(body, request.service_tier, page)


def _tier(body: dict[str, Any], tier: str | None, page: Page) -> None:
    if tier in (None, "auto"):
        return
    if tier in ("default", "standard", "standard_only") and not page.vertex:
        body["service_tier"] = "standard_only"
    elif tier == "priority" and not page.vertex:
        page.losses.changed("service_tier", "the target gives priority where it was bought, and cannot be asked for more")
    elif tier not in ("default", "standard", "standard_only"):
        page.losses.dropped("service_tier", "the target has no such tier of service")


def _leave_out(request: Request, losses: Losses) -> None:
    if request.candidates is not None and request.candidates > 1:
        losses.impossible("candidates", "the target gives one answer a request; ask several times instead")
    if request.logprobs is not None:
        losses.impossible("logprobs", "the target gives no log probabilities")
    if request.metadata:
        losses.dropped("metadata", "the target takes no metadata")
    if request.cache_key is not None:
        losses.dropped("cache_key", "the target's prompt cache has marks and no keys")
    if request.verbosity is not None:
        losses.dropped("verbosity", "the target cannot be told how much to say")
    for extra in request.extras:
        if extra.vital:
            losses.impossible(extra.field, extra.why)
        else:
            losses.dropped(extra.field, extra.why)


def _limit_marks(page: Page) -> None:
    """
    Four cache marks at most, and none of an hour behind one of five minutes.

    The first is kept, which all conversations of an app share, and the last three, which this conversation needs next time.
    """
    marks = page.marks
    if len(marks) > _MOST_MARKS:
        for block in marks[1 : 1 - _MOST_MARKS]:
            del block["cache_control"]
        marks = [marks[0], *marks[1 - _MOST_MARKS :]]
        page.losses.dropped("cache", "the target takes four cache marks; the first and the last three were kept")
    short = False
    for block in marks:
        if "ttl" not in block["cache_control"]:
            short = True
        elif short:
            del block["cache_control"]["ttl"]
            page.losses.clamped("cache", "the target takes no mark of an hour behind one of five minutes")
