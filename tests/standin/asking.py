"""
Ask the stand-in's dialects straight, without a network: eight ways to say the same, and how to read what comes back.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from excise.standin import Bill, Request
from excise.standin.call import Refusal
from excise.standin.server import DIALECTS

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
TOOLS = {"get_weather": "Weather now.", "get_time": "Local time."}
_HEADERS = {
    "content-type": "application/json",
    "authorization": "Bearer standin-k",
    "x-api-key": "standin-k",
    "x-goog-api-key": "standin-k",
    "anthropic-version": "2023-06-01",
}


@dataclass(frozen=True, slots=True)
class Got:
    """
    What came back. `data` is every byte; `json` reads it where it is one JSON value.
    """

    status: int
    data: bytes = field(repr=False)
    pieces: tuple[bytes, ...] = field(repr=False)
    bill: Bill | None

    @property
    def json(self) -> Any:
        return json.loads(self.data)

    @property
    def events(self) -> list[Any]:
        """
        The JSON of every server-sent event or line.
        """
        lines = [line.removeprefix(b"data: ") for line in self.data.replace(b"\r", b"").split(b"\n")]
        return [json.loads(line) for line in lines if line.startswith(b"{")]


def ask(host: str, path: str, body: Any, *, method: str = "POST", **headers: str) -> Got:
    """
    One request to one dialect.
    """
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {**_HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}
    request = Request(method, host, path, tuple(named.items()), data)
    try:
        reply = DIALECTS[host].answer(request)
    except Refusal as refusal:
        reply = refusal.reply
    return Got(reply.status, b"".join(reply.pieces), reply.pieces, reply.bill)


@dataclass(frozen=True, slots=True)
class Way:
    """
    One provider's way to ask and to answer.

    Attributes:
        ask: The least body of a prompt.
        go_on: Puts the answer and the tools' results behind the conversation of a body.
        text: What an answer says.
        calls: (id, name, arguments) of the calls in it.
        tools: Puts the tools into a body.
    """

    name: str
    host: str
    model: str
    ask: Callable[[str], dict[str, Any]]
    text: Callable[[Any], str]
    calls: Callable[[Any], list[tuple[str, str, dict[str, Any]]]]
    go_on: Callable[[dict[str, Any], Any, list[tuple[str, str, str]]], None]
    tools: Callable[[dict[str, Any]], None]

    def path(self, stream: bool = False) -> str:
        match self.name:
            case "gemini" | "gemini-3":
                return f"/v1beta/models/{self.model}:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
            case "bedrock-nova" | "bedrock-claude":
                return f"/model/{quote(self.model, safe='')}/converse{'-stream' if stream else ''}"
        return {
            "openai-responses": "/v1/responses",
            "anthropic": "/v1/messages",
            "cohere": "/v2/chat",
            "ollama": "/api/chat",
            "deepseek": "/chat/completions",
            "groq": "/openai/v1/chat/completions",
        }.get(self.name, "/v1/chat/completions")

    def body(self, prompt: str, *, tools: bool = False, **more: Any) -> dict[str, Any]:
        """
        A request with this prompt.
        """
        body = self.ask(prompt)
        if "gemini" not in self.name and "bedrock" not in self.name:
            body = {"model": self.model, **body}
        if self.name == "ollama":
            body["stream"] = False
        if tools:
            self.tools(body)
        return {**copy.deepcopy(body), **more}

    def turns(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """
        The conversation of a body.
        """
        found: list[dict[str, Any]] = body.get("messages") or body.get("input") or body["contents"]
        return found

    def say(self, body: dict[str, Any], prompt: str) -> None:
        """
        Let the user say something more.
        """
        self.turns(body).extend(self.turns(self.ask(prompt)))

    def send(self, body: dict[str, Any], stream: bool = False) -> Got:
        """
        Ask; a stream where wanted.
        """
        if stream and "gemini" not in self.name and "bedrock" not in self.name:
            body = {**body, "stream": True}
        return ask(self.host, self.path(stream), body)


def _messages(prompt: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": prompt}]}


def _functions(body: dict[str, Any]) -> None:
    body["tools"] = [
        {"type": "function", "function": {"name": name, "description": text, "parameters": CITY}} for name, text in TOOLS.items()
    ]


def _chat_text(answer: Any) -> str:
    message = answer["choices"][0]["message"]
    content = message.get("content") or ""
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _chat_calls(answer: Any) -> list[tuple[str, str, dict[str, Any]]]:
    calls = answer["choices"][0]["message"].get("tool_calls") or []
    return [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def _chat_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["messages"].append(answer["choices"][0]["message"])
    body["messages"] += [{"role": "tool", "tool_call_id": id_, "content": text} for id_, _, text in results]


def _responses_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["input"] += answer["output"]
    body["input"] += [{"type": "function_call_output", "call_id": id_, "output": text} for id_, _, text in results]


def _responses_tools(body: dict[str, Any]) -> None:
    body["tools"] = [{"type": "function", "name": name, "parameters": CITY, "strict": True} for name in TOOLS]


def _anthropic_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["messages"].append({"role": "assistant", "content": answer["content"]})
    given = [{"type": "tool_result", "tool_use_id": id_, "content": text} for id_, _, text in results]
    body["messages"] += [{"role": "user", "content": given}] if given else []


def _anthropic_tools(body: dict[str, Any]) -> None:
    body["tools"] = [{"name": name, "description": text, "input_schema": CITY} for name, text in TOOLS.items()]


def _gemini_parts(answer: Any) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = answer["candidates"][0].get("content", {}).get("parts", [])
    return parts


def _gemini_calls(answer: Any) -> list[tuple[str, str, dict[str, Any]]]:
    calls = [part["functionCall"] for part in _gemini_parts(answer) if "functionCall" in part]
    return [(call.get("id", ""), call["name"], call["args"]) for call in calls]


def _gemini_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["contents"].append(answer["candidates"][0]["content"])
    given = [
        {"functionResponse": {"name": name, "response": {"output": text}, **({"id": id_} if id_ else {})}} for id_, name, text in results
    ]
    body["contents"] += [{"role": "user", "parts": given}] if given else []


def _gemini_tools(body: dict[str, Any]) -> None:
    declared = [{"name": name, "description": text, "parametersJsonSchema": CITY} for name, text in TOOLS.items()]
    body["tools"] = [{"functionDeclarations": declared}]


def _bedrock_blocks(answer: Any) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = answer["output"]["message"]["content"]
    return blocks


def _bedrock_calls(answer: Any) -> list[tuple[str, str, dict[str, Any]]]:
    uses = [block["toolUse"] for block in _bedrock_blocks(answer) if "toolUse" in block]
    return [(use["toolUseId"], use["name"], use["input"]) for use in uses]


def _bedrock_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["messages"].append(answer["output"]["message"])
    given = [{"toolResult": {"toolUseId": id_, "content": [{"text": text}]}} for id_, _, text in results]
    body["messages"] += [{"role": "user", "content": given}] if given else []


def _bedrock_tools(body: dict[str, Any]) -> None:
    specs = [{"toolSpec": {"name": name, "description": text, "inputSchema": {"json": CITY}}} for name, text in TOOLS.items()]
    body["toolConfig"] = {"tools": specs}


def _cohere_calls(answer: Any) -> list[tuple[str, str, dict[str, Any]]]:
    calls = answer["message"].get("tool_calls", [])
    return [(call["id"], call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls]


def _cohere_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["messages"].append(answer["message"])
    body["messages"] += [{"role": "tool", "tool_call_id": id_, "content": text} for id_, _, text in results]


def _ollama_calls(answer: Any) -> list[tuple[str, str, dict[str, Any]]]:
    calls = answer["message"].get("tool_calls", [])
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls]


def _ollama_on(body: dict[str, Any], answer: Any, results: list[tuple[str, str, str]]) -> None:
    body["messages"].append(answer["message"])
    body["messages"] += [{"role": "tool", "tool_name": name, "content": text} for _, name, text in results]


_CHAT = (_messages, _chat_text, _chat_calls, _chat_on, _functions)
_GEMINI = (
    lambda prompt: {"contents": [{"role": "user", "parts": [{"text": prompt}]}]},
    lambda answer: "".join(part["text"] for part in _gemini_parts(answer) if "text" in part and not part.get("thought")),
    _gemini_calls,
    _gemini_on,
    _gemini_tools,
)
_BEDROCK = (
    lambda prompt: {"messages": [{"role": "user", "content": [{"text": prompt}]}]},
    lambda answer: "".join(block.get("text", "") for block in _bedrock_blocks(answer)),
    _bedrock_calls,
    _bedrock_on,
    _bedrock_tools,
)
_GOOGLE, _AWS = "generativelanguage.googleapis.com", "bedrock-runtime.us-east-1.amazonaws.com"
WAYS = {
    way.name: way
    for way in (
        Way("openai-chat", "api.openai.com", "gpt-4o-mini", *_CHAT),
        Way(
            "openai-responses",
            "api.openai.com",
            "gpt-5-mini",
            lambda prompt: {"input": [{"role": "user", "content": prompt}]},
            lambda answer: "".join(
                part.get("text", part.get("refusal", ""))
                for item in answer["output"]
                if item["type"] == "message"
                for part in item["content"]
            ),
            lambda answer: [
                (item["call_id"], item["name"], json.loads(item["arguments"]))
                for item in answer["output"]
                if item["type"] == "function_call"
            ],
            _responses_on,
            _responses_tools,
        ),
        Way(
            "anthropic",
            "api.anthropic.com",
            "claude-haiku-4-5",
            lambda prompt: {"max_tokens": 2000, **_messages(prompt)},
            lambda answer: "".join(block["text"] for block in answer["content"] if block["type"] == "text"),
            lambda answer: [(block["id"], block["name"], block["input"]) for block in answer["content"] if block["type"] == "tool_use"],
            _anthropic_on,
            _anthropic_tools,
        ),
        Way("gemini", _GOOGLE, "gemini-2.5-flash", *_GEMINI),
        Way("gemini-3", _GOOGLE, "gemini-3.5-flash", *_GEMINI),
        Way("bedrock-nova", _AWS, "amazon.nova-lite-v1:0", *_BEDROCK),
        Way("bedrock-claude", _AWS, "us.anthropic.claude-haiku-4-5-20251001-v1:0", *_BEDROCK),
        Way(
            "cohere",
            "api.cohere.com",
            "command-a-03-2025",
            _messages,
            lambda answer: "".join(part.get("text", "") for part in answer["message"].get("content", ())),
            _cohere_calls,
            _cohere_on,
            _functions,
        ),
        Way("mistral", "api.mistral.ai", "mistral-small-latest", _messages, _chat_text, _chat_calls, _chat_on, _functions),
        Way(
            "ollama", "localhost", "llama3.2", _messages, lambda answer: answer["message"]["content"], _ollama_calls, _ollama_on, _functions
        ),
        Way("deepseek", "api.deepseek.com", "deepseek-v4-flash", *_CHAT),
        Way("groq", "api.groq.com", "openai/gpt-oss-120b", *_CHAT),
    )
}
