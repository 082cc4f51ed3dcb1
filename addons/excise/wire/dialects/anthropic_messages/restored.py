"""
The family's own requests, written back: as they came, without thoughts of foreign origin, and for another model in that model's terms.
"""

from __future__ import annotations

from typing import Any

from excise.wire.dialects.anthropic_messages.settle import Settled, limit_of, settle
from excise.wire.dialects.anthropic_messages.written import Page, write_block
from excise.wire.neutral import Part, Reasoning, Request, Turn

_VERTEX_ONLY = frozenset({"anthropic_version", "anthropic_beta"})

type Headers = tuple[tuple[str, str], ...]


def restored(request: Request, page: Page) -> tuple[dict[str, Any], Headers]:
    """
    The body, and headers for what stood in the body and is a header there.
    """
    raw = request.raw if type(request.raw) is dict else {}
    body = {key: value for key, value in raw.items() if page.vertex or key not in _VERTEX_ONLY}
    body["model"] = page.target.model
    heads = 0
    while heads < len(request.turns) and request.turns[heads].role == "system" and type(request.turns[heads].raw) is not dict:
        heads += 1
    _system(body, request.turns[:heads], page)
    foreign = any(_foreign(part, page) for turn in request.turns for part in turn.parts)
    body["messages"] = [message for turn in request.turns[heads:] if (message := _message(turn, page)) is not None]
    _tools(body, request, page)
    if request.stream:
        body["stream"] = True
    if request.model != page.target.model:
        _fit_model(body, request, page)
    if foreign:
        _stop_thinking(body, page)
    betas = raw.get("anthropic_beta")
    headers: Headers = ()
    if not page.vertex and type(betas) is list and betas and all(type(beta) is str for beta in betas):
        headers = (("anthropic-beta", ",".join(betas)),)
    return body, headers


def _system(body: dict[str, Any], heads: tuple[Turn, ...], page: Page) -> None:
    if not heads:
        if body.get("system"):
            del body["system"]
    elif len(heads) == 1 and heads[0].raw is not None:
        body["system"] = heads[0].raw
    else:
        body["system"] = [block for turn in heads for part in turn.parts if (block := _block(part, page)) is not None]


def _block(part: Part, page: Page) -> Any:
    return part.raw if part.raw is not None else write_block(part, page)


def _foreign(part: Part, page: Page) -> bool:
    if type(part) is not Reasoning:
        return False
    # Claude signs whatever it thinks; a thought without a proof came through us from a provider that proves nothing.
    return part.origin is not None or (not part.signature and _is_claude(page))


def _is_claude(page: Page) -> bool:
    return page.target.origin in ("anthropic", "vertex:claude")


def _message(turn: Turn, page: Page) -> dict[str, Any] | None:
    raw = turn.raw if type(turn.raw) is dict else None
    if raw is not None and not any(_foreign(part, page) for part in turn.parts):
        return raw
    content = []
    for part in turn.parts:
        if not _foreign(part, page):
            block = _block(part, page)
        elif isinstance(part, Reasoning) and part.origin == page.target.origin and not part.attached:
            block = write_block(part, page)
        else:
            page.losses.dropped("reasoning.history", "thoughts of another provider's model mean nothing to the target")
            continue
        if block is not None:
            content.append(block)
    return {**(raw or {}), "role": turn.role, "content": content} if content else None


def _tools(body: dict[str, Any], request: Request, page: Page) -> None:
    """
    The client's list, the provider's own tools included, unless tools were added or taken away since.
    """
    given = body.get("tools") or []
    functions = [tool for tool in given if tool.get("type") in (None, "custom")]
    if len(functions) == len(request.tools) and all(tool.raw is raw for tool, raw in zip(request.tools, functions, strict=True)):
        return
    own = [tool for tool in given if tool.get("type") not in (None, "custom")]
    body["tools"] = [*(tool.raw if tool.raw is not None else _tool(tool, page) for tool in request.tools), *own]


def _tool(tool: Any, page: Page) -> dict[str, Any]:
    written = {"name": tool.name, "input_schema": dict(tool.schema or {"type": "object", "properties": {}})}
    if tool.description:
        written["description"] = tool.description
    return page.marked(written, tool.cache)


def _fit_model(body: dict[str, Any], request: Request, page: Page) -> None:
    """
    Another model than the client meant may take less, as far as its traits are known: shorter answers, no sampling, the other kind of
    thinking, no prefilled answer.
    """
    traits, losses = page.target.traits, page.losses
    prefilled = bool(body["messages"]) and body["messages"][-1].get("role") == "assistant"
    if prefilled and traits.prefill is False:
        losses.impossible("prefill", "the target's model does not continue an answer; let the conversation end with the user")
    forced = request.tool_choice is not None and request.tool_choice.mode in ("required", "named")
    if forced and traits.forced_tools is False:
        losses.impossible("tool_choice", "the target's model cannot be made to call a tool")
    if traits.reasoning is not None and request.reasoning is not None and request.max_tokens:
        settled = settle(request, page.target, losses, forced=forced, prefilled=prefilled, unthought=_unthought(body))
        body["max_tokens"] = settled.max_tokens
        _say_thinking(body, settled)
    elif request.max_tokens:
        body["max_tokens"] = limit_of(request, page.target, losses)
    if traits.sampling is False:
        for name in ("temperature", "top_p", "top_k"):
            if body.pop(name, None) is not None:
                losses.dropped(name, "the target's model takes no sampling settings")


def _say_thinking(body: dict[str, Any], settled: Settled) -> None:
    body.pop("thinking", None)
    if settled.thinking is not None:
        body["thinking"] = settled.thinking
    config = {key: value for key, value in (body.pop("output_config", None) or {}).items() if key != "effort"}
    if settled.effort is not None:
        config["effort"] = settled.effort
    if config:
        body["output_config"] = config


def _unthought(body: dict[str, Any]) -> bool:
    """
    Whether the last answer calls a tool and does not begin with thoughts.
    """
    last = next((message for message in reversed(body["messages"]) if message.get("role") == "assistant"), None)
    if last is None or type(last.get("content")) is not list or not last["content"]:
        return False
    kinds = [block.get("type") for block in last["content"]]
    return "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")


def _stop_thinking(body: dict[str, Any], page: Page) -> None:
    """
    Thinking with a budget goes on only behind the model's own thoughts: without them the provider refuses the tool loop.
    """
    thinking = body.get("thinking")
    if type(thinking) is not dict or thinking.get("type") != "enabled":
        return
    if _unthought(body):
        body["thinking"] = {"type": "disabled"}
        page.losses.dropped("reasoning", "the target goes on thinking only behind its own thoughts, and the last answer is not its own")
