"""
The stand-in providers, asked in process: what they refuse, the real ones refuse.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import orjson
from matrix_cells import Aim

from excise.standin.call import Refusal, Reply, Request
from excise.standin.server import DIALECTS as PROVIDERS

_HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com",
    "bedrock": "bedrock-runtime.us-east-1.amazonaws.com",
    "cohere": "api.cohere.com",
    "mistral": "api.mistral.ai",
    "ollama": "ollama.com",
    "deepseek": "api.deepseek.com",
    "groq": "api.groq.com",
}
_PATHS = {
    "openai-chat": "/v1/chat/completions",
    "openai-responses": "/v1/responses",
    "anthropic-messages": "/v1/messages",
    "cohere-v2": "/v2/chat",
    "mistral-chat": "/v1/chat/completions",
    "ollama": "/api/chat",
}
_OWN_PATHS = {"groq": "/openai/v1/chat/completions", "deepseek": "/chat/completions"}
_HEADERS = (
    ("authorization", "Bearer standin-key"),
    ("x-goog-api-key", "standin-key"),
    ("x-api-key", "standin-key"),
    ("anthropic-version", "2023-06-01"),
    ("content-type", "application/json"),
)


def ask(aim: Aim, body: Any, *, stream: bool = False, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
    """
    The provider's reply to a request that was written for it; a refusal has its status and its reason.
    """
    match aim.dialect:
        case "gemini":
            path = f"/v1beta/models/{aim.model}:" + ("streamGenerateContent?alt=sse" if stream else "generateContent")
        case "bedrock-converse":
            path = f"/model/{quote(aim.model, safe='')}/" + ("converse-stream" if stream else "converse")
        case dialect:
            path = _OWN_PATHS.get(aim.provider) or _PATHS[dialect]
    host = _HOSTS[aim.provider]
    try:
        reply: Reply = PROVIDERS[host].answer(Request("POST", host, path, (*_HEADERS, *headers), orjson.dumps(body)))
    except Refusal as refusal:
        return refusal.reply
    return reply


def reason(reply: Reply) -> str:
    return f"{reply.status} {b''.join(reply.pieces)[:600].decode()}"
