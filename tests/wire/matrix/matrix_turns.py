"""
The next turn: a client that got an answer and goes on from it, in its dialect's words.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from matrix_cells import request_of

GO_ON = "Go on."
_TALK = ("messages", "input", "contents")


def next_turn(client: str, body: Any, answer: Any) -> Any:
    """
    The client's next request: its last one, the answer as it came, and what follows it: a result for each call, else a word.
    """
    body = copy.deepcopy(body)
    _NEXT[client](body, answer)
    return body


def agents_task(client: str) -> Any:
    """
    A request with tools that asks for thoughts, and leads the stand-in to two calls, one after the other, and then to a sum of them.
    """
    thinking = request_of(client, "reasoning")
    (talk,) = (name for name in _TALK if name in thinking)
    with_tools = request_of(client, "parallel_tools")
    first = json.loads(json.dumps(with_tools[talk][:1]).replace("Weather in Paris and Rome?", "Please think hard. steps: 2"))
    settings = {name: value for name, value in thinking.items() if name not in (talk, "model")}
    return {**with_tools, **settings, talk: first}


def _chat(body: Any, answer: Any) -> None:
    message = answer["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "18 C"} for call in message.get("tool_calls") or ()]
    body["messages"] += [message, *(results or [{"role": "user", "content": GO_ON}])]


def _responses(body: Any, answer: Any) -> None:
    said = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "18 C"} for call in calls]
    body["input"] = [*said, *answer["output"], *(results or [{"role": "user", "content": GO_ON}])]


def _anthropic(body: Any, answer: Any) -> None:
    calls = [block for block in answer["content"] if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "18 C"} for call in calls]
    body["messages"] += [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results or GO_ON}]


def _gemini(body: Any, answer: Any) -> None:
    content = answer["candidates"][0]["content"]
    results = [
        {"functionResponse": {"id": call.get("id"), "name": call["name"], "response": {"result": "18 C"}}}
        for part in content["parts"]
        if (call := part.get("functionCall"))
    ]
    body["contents"] += [content, {"role": "user", "parts": results or [{"text": GO_ON}]}]


def _bedrock(body: Any, answer: Any) -> None:
    message = answer["output"]["message"]
    results = [
        {"toolResult": {"toolUseId": block["toolUse"]["toolUseId"], "content": [{"text": "18 C"}]}}
        for block in message["content"]
        if "toolUse" in block
    ]
    body["messages"] += [message, {"role": "user", "content": results or [{"text": GO_ON}]}]


def _cohere(body: Any, answer: Any) -> None:
    message = answer["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "18 C"} for call in message.get("tool_calls") or ()]
    body["messages"] += [message, *(results or [{"role": "user", "content": GO_ON}])]


def _ollama(body: Any, answer: Any) -> None:
    message = answer["message"]
    results = [{"role": "tool", "tool_name": call["function"]["name"], "content": "18 C"} for call in message.get("tool_calls") or ()]
    body["messages"] += [message, *(results or [{"role": "user", "content": GO_ON}])]


_NEXT: dict[str, Callable[[Any, Any], None]] = {
    "openai-chat": _chat,
    "openai-responses": _responses,
    "anthropic-messages": _anthropic,
    "gemini": _gemini,
    "bedrock-converse": _bedrock,
    "cohere-v2": _cohere,
    "mistral-chat": _chat,
    "ollama": _ollama,
}
