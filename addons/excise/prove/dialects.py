"""
How one text is asked of each provider the stand-in plays.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from excise.prove.client import Call

OPENAI: Final = "api.openai.com"
ANTHROPIC: Final = "api.anthropic.com"
GOOGLE: Final = "generativelanguage.googleapis.com"
BEDROCK: Final = "bedrock-runtime.us-east-1.amazonaws.com"
CHAT: Final = "/v1/chat/completions"
FLASH: Final = "/v1beta/models/gemini-2.5-flash"
SHIP: Final = {"type": "object", "properties": {"ship": {"type": "string"}}, "required": ["ship"]}


@dataclass(frozen=True, slots=True)
class Dialect:
    """
    One way to ask. `ask` makes a call of a text and a provider key; `speaks`: the answer repeats what follows `echo: `.
    """

    name: str
    ask: Callable[[str, str], Call]
    speaks: bool = True


def bearer(key: str) -> dict[str, str]:
    """
    The header most providers want.
    """
    return {"authorization": f"Bearer {key}"}


def chat(text: str, key: str, *, path: str = CHAT, headers: dict[str, str] | None = None, **more: Any) -> Call:
    """
    OpenAI's chat, with whatever else the body shall hold.
    """
    body = {"model": "gpt-4o-mini", "messages": user(text), **more}
    return Call(OPENAI, path, body, {**bearer(key), **(headers or {})})


def user(text: str) -> list[dict[str, Any]]:
    """
    One message.
    """
    return [{"role": "user", "content": text}]


def tool(description: str = "Count.", parameters: Any = None) -> dict[str, Any]:
    """
    A tool in OpenAI's form.
    """
    return {"type": "function", "function": {"name": "count_ships", "description": description, "parameters": parameters or SHIP}}


def _openai(path: str, body: Callable[[str], dict[str, Any]], model: str = "gpt-4.1-mini") -> Callable[[str, str], Call]:
    return lambda text, key: Call(OPENAI, path, {"model": model, **body(text)}, bearer(key))


def _anthropic(**more: Any) -> Callable[[str, str], Call]:
    headers = {"anthropic-version": "2023-06-01"}
    body = {"model": "claude-haiku-4-5", "max_tokens": 200, **more}
    return lambda text, key: Call(ANTHROPIC, "/v1/messages", {**body, "messages": user(text)}, {**headers, "x-api-key": key})


def _gemini(method: str) -> Callable[[str, str], Call]:
    return lambda text, key: Call(
        GOOGLE, f"{FLASH}:{method}", {"contents": [{"role": "user", "parts": [{"text": text}]}]}, {"x-goog-api-key": key}
    )


def _bedrock(method: str) -> Callable[[str, str], Call]:
    path = f"/model/amazon.nova-lite-v1%3A0/{method}"
    return lambda text, key: Call(BEDROCK, path, {"messages": [{"role": "user", "content": [{"text": text}]}]}, bearer(key))


def _other(host: str, path: str, model: str, **more: Any) -> Callable[[str, str], Call]:
    return lambda text, key: Call(host, path, {"model": model, "messages": user(text), **more}, bearer(key))


def _tool_call(**more: Any) -> Callable[[str, str], Call]:
    return lambda text, key: chat(f"use tool {text}", key, tools=[tool()], **more)


DIALECTS: Final = (
    Dialect("OpenAI chat", chat),
    Dialect("OpenAI chat, stream", lambda text, key: chat(text, key, stream=True)),
    Dialect("OpenAI chat, tool call", _tool_call()),
    Dialect("OpenAI chat, tool call, stream", _tool_call(stream=True)),
    Dialect("OpenAI responses", _openai("/v1/responses", lambda text: {"input": text})),
    Dialect("OpenAI responses, stream", _openai("/v1/responses", lambda text: {"input": text, "stream": True})),
    Dialect("OpenAI completions", _openai("/v1/completions", lambda text: {"prompt": text, "max_tokens": 200}, "gpt-3.5-turbo-instruct")),
    Dialect(
        "OpenAI embeddings", _openai("/v1/embeddings", lambda text: {"input": [text, "and this"]}, "text-embedding-3-small"), speaks=False
    ),
    Dialect("OpenAI images", _openai("/v1/images/generations", lambda text: {"prompt": text}, "gpt-image-1"), speaks=False),
    Dialect("OpenAI speech", _openai("/v1/audio/speech", lambda text: {"input": text, "voice": "alloy"}, "tts-1"), speaks=False),
    Dialect("Anthropic messages", _anthropic()),
    Dialect("Anthropic messages, stream", _anthropic(stream=True)),
    Dialect("Gemini", _gemini("generateContent")),
    Dialect("Gemini, stream", _gemini("streamGenerateContent?alt=sse")),
    Dialect("Bedrock", _bedrock("converse")),
    Dialect("Bedrock, event stream", _bedrock("converse-stream")),
    Dialect("Cohere", _other("api.cohere.com", "/v2/chat", "command-a-03-2025")),
    Dialect("Cohere, stream", _other("api.cohere.com", "/v2/chat", "command-a-03-2025", stream=True)),
    Dialect("Mistral", _other("api.mistral.ai", CHAT, "mistral-small-latest")),
    Dialect("Mistral, stream", _other("api.mistral.ai", CHAT, "mistral-small-latest", stream=True)),
    Dialect("Ollama", _other("ollama.com", "/api/chat", "llama3.2", stream=False)),
    Dialect("Ollama, stream", _other("ollama.com", "/api/chat", "llama3.2")),
)
