"""
Single calls to the proxy's own port, as bytes, and what the ledger has of them.
"""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass
from typing import Any

from e2e.faulty import Faulty, prompt
from e2e.proxy import Proxy
from e2e.tunnel import Answer, Tunnel


@dataclass
class Here:
    """
    A running proxy, the providers behind it, and a key to it.
    """

    proxy: Proxy
    group: Faulty
    key: str


def get(path: str, key: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer {key}\r\n\r\n".encode()


def post(here: Here, model: str, text: str, *, stream: bool = False, **more: Any) -> bytes:
    body = json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": text}], **more}).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: proxy\r\nAuthorization: Bearer {here.key}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


async def send(proxy: Proxy, *requests: bytes) -> list[Answer]:
    """
    Several requests on one connection, one after the other.
    """
    answers = []
    async with asyncio.timeout(60), Tunnel(*await asyncio.open_connection("127.0.0.1", proxy.port)) as tunnel:
        for request in requests:
            await tunnel.send(request)
            answers.append(await tunnel.answer())
    return answers


def ask(here: Here, model: str, call: str, orders: dict[str, str] | None = None, *, stream: bool = False, **more: Any) -> Answer:
    """
    One call on a connection of its own.
    """
    (got,) = asyncio.run(send(here.proxy, post(here, model, prompt(call, orders or {}), stream=stream, **more)))
    return got


def said(got: Answer) -> str:
    """
    The text of an answer to `_post`, streamed or not.
    """
    if "event-stream" in (got.header("content-type") or ""):
        pieces = [json.loads(data) for data in re.findall(rb"^data: (\{.*)$", got.body, re.M)]
        return "".join(choice["delta"].get("content") or "" for piece in pieces for choice in piece.get("choices", ()))
    text: str = json.loads(got.body)["choices"][0]["message"]["content"]
    return text


def rows_of(here: Here, model: str, count: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """
    The ledger's rows of calls for a model, and of their attempts.
    """
    calls = here.proxy.calls(count, where=f"model_requested = '{model}'", seconds=10)
    ids = ", ".join(f"'{row['call_id']}'" for row in calls)
    return calls, here.proxy.query(f"select * from attempts where call_id in ({ids}) order by call_id, attempt")
