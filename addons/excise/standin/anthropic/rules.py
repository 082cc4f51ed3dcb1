"""
What Claude refuses beyond the shape of a request: the order of turns, pairs of calls and results, thoughts, sampling, schemas.

Bedrock puts the same rules behind another shape, so they are told of a body in Anthropic's words and raise `Refused` with a bare sentence.

Source: the Anthropic API reference and errors as people report them, read 2026-11.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from excise.standin import schemas, signing
from excise.standin.media import decoded, sniffed
from excise.standin.models import Model

MAKER = "claude"
SECRET = "claude, redacted"  # noqa: S105  # the maker's name of proofs without a text
_KEY = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_THINKS = ("enabled", "adaptive", "between_tools")
_LAST_TURN = (
    "When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of"
    " `tool_use` and `tool_result` blocks). We recommend you include thinking blocks from previous turns. To avoid this requirement,"
    " disable `thinking`."
)


class Refused(Exception):
    """
    The sentence with which Claude refuses.
    """


def check(body: dict[str, Any], model: Model) -> None:
    """
    All of it.

    Raises:
        Refused: With the sentence.
    """
    _check_sampling(body, model)
    _check_thinking(body, model)
    _check_tools(body)
    _check_output(body, model)
    _check_text(body, model)
    turns = merged(body["messages"])
    _check_pairs(turns)
    _check_thoughts(body, turns)
    _check_cache_marks(body)


def merged(messages: list[dict[str, Any]]) -> list[tuple[int, str, list[dict[str, Any]]]]:
    """
    Turns as the model sees them: (place of the first message, role, blocks), neighbours of one role joined.
    """
    turns: list[tuple[int, str, list[dict[str, Any]]]] = []
    for at, message in enumerate(messages):
        if message["role"] == "system":
            continue
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        if turns and turns[-1][1] == message["role"]:
            turns[-1][2].extend(blocks)
        else:
            turns.append((at, message["role"], list(blocks)))
    return turns


def _check_sampling(body: dict[str, Any], model: Model) -> None:
    for name in ("temperature", "top_p", "top_k"):
        if name in body and "sampling" in model.lacks:
            raise Refused(f"`{name}` is deprecated for this model.")
    if "temperature" in body and "top_p" in body:
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")
    if body.get("max_tokens", 1) > model.most:
        text = f"max_tokens: {body['max_tokens']} > {model.most}, which is the maximum allowed number of output tokens for {model.served}"
        raise Refused(text)
    if any(not stop.strip() for stop in body.get("stop_sequences", ())):
        raise Refused("stop_sequences: each stop sequence must contain non-whitespace")


def _check_thinking(body: dict[str, Any], model: Model) -> None:
    thinking = body.get("thinking", {"type": "disabled"})
    kind = thinking["type"]
    if kind == "enabled" and "budget" in model.lacks:
        text = '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort"'
        raise Refused(f"{text} to control thinking behavior.")
    if kind in ("adaptive", "between_tools") and "adaptive" in model.lacks:
        raise Refused("adaptive thinking is not supported on this model")
    if kind == "enabled" and thinking["budget_tokens"] >= body.get("max_tokens", 1 << 30):
        raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
    if kind == "disabled":
        return
    if body.get("temperature", 1) != 1:
        raise Refused("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_p", 1) < 0.95:
        raise Refused("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    if "top_k" in body:
        raise Refused("`top_k` must be unset when thinking is enabled.")
    if body.get("tool_choice", {}).get("type") in ("any", "tool"):
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")


def _check_tools(body: dict[str, Any]) -> None:
    tools = body.get("tools", [])
    names = [tool.get("name") for tool in tools]
    if len(set(names)) != len(names):
        raise Refused("tools: Tool names must be unique.")
    for at, tool in enumerate(tools):
        schema = tool.get("input_schema")
        if schema is None:
            continue
        where = f"tools.{at}.custom.input_schema"
        if "type" not in schema:
            raise Refused(f"{where}.type: Field required")
        if schema["type"] != "object":
            raise Refused(f"{where}.type: Input should be 'object'")
        if any(name in schema for name in ("oneOf", "allOf", "anyOf")):
            raise Refused(f"{where}: input_schema does not support oneOf, allOf, or anyOf at the top level")
        if schemas.malformed(schema) is not None:
            text = "JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12)."
            raise Refused(f"{where}: {text}")
        for _, node in schemas.nodes(schema):
            if any(not _KEY.fullmatch(name) for name in node.get("properties") or ()):
                raise Refused(f"{where}.properties: Property keys should match pattern '^[a-zA-Z0-9_.-]{{1,64}}$'")
        if tool.get("strict") and (fault := schemas.anthropic_fault(schema)):
            raise Refused(f"{where}: {fault}")
    choice = body.get("tool_choice")
    if choice is not None and not tools:
        raise Refused("tool_choice: tool_choice may only be specified while providing tools")
    if choice is not None and choice["type"] == "tool" and choice["name"] not in names:
        raise Refused(f"Tool '{choice['name']}' not found in provided tools")


def _check_output(body: dict[str, Any], model: Model) -> None:
    config = body.get("output_config", {})
    effort = config.get("effort")
    if effort is not None and not model.efforts:
        raise Refused("This model does not support the effort parameter.")
    if effort is not None and effort not in model.efforts:
        levels = ", ".join(sorted(model.efforts))
        raise Refused(f"This model does not support effort level '{effort}'. Supported levels: {levels}.")
    for name, wanted in (("output_config.format", config.get("format")), ("output_format", body.get("output_format"))):
        if wanted is not None and (fault := schemas.anthropic_fault(wanted["schema"])):
            raise Refused(f"{name}.schema: {fault}")


def _check_text(body: dict[str, Any], model: Model) -> None:
    messages = body["messages"]
    if not messages:
        raise Refused("messages: at least one message is required")
    if isinstance(system := body.get("system"), list) and any(not block["text"] for block in system):
        raise Refused("system: text content blocks must be non-empty")
    for at, message in enumerate(messages):
        if message["role"] == "system":
            if "system" in model.lacks or not at:
                raise Refused(f"messages.{at}.role: Input should be 'user' or 'assistant'")
            continue
        if not message["content"]:
            if at + 1 < len(messages) or message["role"] == "user":
                raise Refused(f"messages.{at}: all messages must have non-empty content except for the optional final assistant message")
            continue
        for block in _texts(message["content"]):
            if not block["text"]:
                raise Refused("messages: text content blocks must be non-empty")
            if not block["text"].strip():
                raise Refused("messages: text content blocks must contain non-whitespace text")
        for place, block in enumerate(message["content"] if isinstance(message["content"], list) else ()):
            _check_block(block, message["role"], f"messages.{at}.content.{place}")
    if messages[-1]["role"] == "assistant":
        if "prefill" in model.lacks:
            raise Refused("This model does not support assistant message prefill. The conversation must end with a user message.")
        last = list(_texts(messages[-1]["content"]))
        if last and last[-1]["text"] != last[-1]["text"].rstrip():
            raise Refused("messages: final assistant content cannot end with trailing whitespace")


def _texts(content: str | list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    if isinstance(content, str):
        yield {"type": "text", "text": content}
    else:
        yield from (block for block in content if block["type"] == "text")


def _check_block(block: dict[str, Any], role: str, place: str) -> None:
    kind = block["type"]
    if kind in ("tool_use", "thinking", "redacted_thinking") and role != "assistant":
        raise Refused(f"{place}: `{kind}` blocks can only be in `assistant` messages")
    if kind in ("tool_result", "image", "document") and role != "user":
        raise Refused(f"{place}: `{kind}` blocks can only be in `user` messages")
    if "cache_control" in block and block.get("text", "x") == "":
        raise Refused(f"{place}.text: cache_control cannot be set for empty text blocks")
    if kind in ("image", "document"):
        _check_source(block, place)
    if kind == "tool_result" and isinstance(block.get("content"), list):
        for at, part in enumerate(block["content"]):
            if part["type"] == "text" and not part["text"]:
                raise Refused("messages: text content blocks must be non-empty")
            if part["type"] in ("image", "document"):
                _check_source(part, f"{place}.tool_result.content.{at}")


def _check_source(block: dict[str, Any], place: str) -> None:
    source, where = block["source"], f"{place}.{block['type']}.source"
    if source["type"] == "file":
        raise Refused(f"File not found: {source['file_id']}")
    if source["type"] == "url" and not source["url"].startswith("https://"):
        raise Refused(f"{where}.url.url: Only HTTPS URLs are supported.")
    if source["type"] != "base64":
        return
    data = decoded(source["data"])
    if data is None:
        raise Refused(f"{where}.base64.data: Invalid base64 data")
    if block["type"] == "document":
        if not data.startswith(b"%PDF"):
            raise Refused(f"{where}.base64.data: The PDF specified was not valid.")
    elif (real := sniffed(data)) is None:
        raise Refused(f"{where}.base64.data: Could not process image")
    elif real != source["media_type"]:
        text = f"The image was specified using the {source['media_type']} media type, but the image appears to be a {real} image"
        raise Refused(f"{where}.base64: {text}")


def _check_pairs(turns: list[tuple[int, str, list[dict[str, Any]]]]) -> None:
    asked: list[str] = []
    seen: set[str] = set()
    for at, role, blocks in turns:
        given = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for place, block in enumerate(blocks):
            if block["type"] == "tool_result" and block["tool_use_id"] not in asked:
                text = f"unexpected `tool_use_id` found in `tool_result` blocks: {block['tool_use_id']}."
                rule = "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                raise Refused(f"messages.{at}.content.{place}: {text} {rule}")
        if len(set(given)) != len(given):
            raise Refused(
                f"messages.{at}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {given[0]}"
            )
        first = [block["type"] == "tool_result" for block in blocks[: len(given)]]
        missing = [name for name in asked if name not in given]
        if missing or not all(first):
            _unanswered(at - 1 if at else 0, missing or asked)
        asked = [block["id"] for block in blocks if block["type"] == "tool_use"] if role == "assistant" else []
        if len(set(asked)) != len(asked) or seen.intersection(asked):
            raise Refused("messages: `tool_use` ids must be unique")
        seen.update(asked)
    if asked:
        _unanswered(turns[-1][0], asked)


def _unanswered(at: int, names: list[str]) -> None:
    text = f"`tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(names)}."
    raise Refused(f"messages.{at}: {text} Each `tool_use` block must have a corresponding `tool_result` block in the next message.")


def _check_thoughts(body: dict[str, Any], turns: list[tuple[int, str, list[dict[str, Any]]]]) -> None:
    for at, _, blocks in turns:
        for place, block in enumerate(blocks):
            if block["type"] == "thinking" and not signing.genuine(MAKER, block["thinking"], block["signature"]):
                raise Refused(f"messages.{at}.content.{place}: Invalid `signature` in `thinking` block")
            if block["type"] == "redacted_thinking" and not signing.genuine(SECRET, "", block["data"]):
                raise Refused(f"messages.{at}.content.{place}: Invalid `data` in `redacted_thinking` block")
    if body.get("thinking", {}).get("type") != "enabled":
        return
    last = next((turn for turn in reversed(turns) if turn[1] == "assistant"), None)
    if last is None or not (turns[-1] is last or any(block["type"] == "tool_result" for block in turns[-1][2])):
        return
    kind = last[2][0]["type"] if last[2] else "text"
    if kind not in ("thinking", "redacted_thinking"):
        raise Refused(f"messages.{last[0]}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{kind}`. {_LAST_TURN}")


def _check_cache_marks(body: dict[str, Any]) -> None:
    marks = list(_marks([body.get("tools"), body.get("system"), body["messages"]]))
    if body.get("cache_control"):
        marks.append(body["cache_control"])
    if len(marks) > 4:
        raise Refused(f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}.")
    lives = [mark.get("ttl", "5m") for mark in marks]
    if any(early == "5m" and late == "1h" for early, late in pairwise(lives)):
        raise Refused("cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")


def _marks(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        for part in value:
            yield from _marks(part)
    elif isinstance(value, dict):
        if isinstance(mark := value.get("cache_control"), dict):
            yield mark
        yield from _marks(value.get("content"))


def thinking(body: dict[str, Any]) -> bool | None:
    """
    Whether Claude thinks whatever the prompt says; `None`: the prompt decides.
    """
    kind = body.get("thinking", {}).get("type")
    if kind == "between_tools":
        turns = merged(body["messages"])
        return bool(turns) and any(block["type"] == "tool_result" for block in turns[-1][2])
    return {"enabled": True, "disabled": False}.get(kind)
