"""
The ways content takes through the proxy: asked and answered, refused, broken off, failed. Words that no detector looks for go along every
one of them, and afterwards must be in no file.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from excise.prove.canaries import Canary, content, key, values
from excise.prove.client import Answer, Call, Door, fetch, head, opened
from excise.prove.dialects import ANTHROPIC, CHAT, DIALECTS, FLASH, GOOGLE, OPENAI, bearer, chat, tool, user

SLOW_TIMES: Final = 30  # so often a slow answer says its words
UNREACHABLE: Final = "api.groq.com"  # led to a closed port of this machine
KEY_FILE: Final = "provider.key"
ROUTED: Final = {  # a model that is asked of OpenAI, and who answers
    "gpt-4.1": "anthropic/claude-haiku-4-5",
    "gpt-4.1-nano": "gemini/gemini-2.5-flash",
    "gpt-5-nano": "bedrock/amazon.nova-lite-v1:0",
    "gpt-5": "cohere/command-a-03-2025",
}
_ROUTES: Final = "\n".join(f'  - {{name: to {to.partition("/")[0]}, when: {{model: {model}}}, to: "{to}"}}' for model, to in ROUTED.items())
POLICY: Final = f"""\
version: 1
providers:
  - {{provider: anthropic, key: "file:{KEY_FILE}"}}
  - {{provider: gemini, key: "file:{KEY_FILE}"}}
  - {{provider: bedrock, region: us-east-1, key: "file:{KEY_FILE}"}}
  - {{provider: cohere, key: "file:{KEY_FILE}"}}
routes:
{_ROUTES}
rules:
  - name: no large models
    when: {{model: "gpt-4o"}}
    then: deny
    reason: the proof wants a refused call
redact:
  - name: keys are refused
    when: {{model: "gpt-5-mini"}}
    profile: pci
    actions: {{API_KEY: block}}
  - name: the rest is not looked at
    profile: "off"
default: allow
"""


class Way(StrEnum):
    """
    What the client does.
    """

    WHOLE = "sends all and reads all"
    LEAVES = "leaves in the middle of the answer"
    CUTS = "leaves in the middle of its request"
    RETRIES = "gets an error and tries again"


@dataclass(frozen=True, slots=True)
class Passage:
    """
    One call, and what is planted in it. `reaches`: under the proof's own policy the provider must get to see the content.
    """

    name: str
    planted: tuple[Canary, ...]
    call: Call = field(repr=False)
    way: Way = Way.WHOLE
    reaches: bool = True


def passages() -> Iterator[Passage]:
    """
    All of them, with fresh content.
    """
    for dialect in DIALECTS:
        yield _passage(dialect.name, lambda text, name, ask=dialect.ask: ask(f"echo: {text}", name))  # type: ignore[misc]
    yield _passage("every field that holds text", _everywhere)
    for model, to in ROUTED.items():
        for form, more in (("", {}), (", stream", {"stream": True}), (", tool call", {"tools": [tool()]})):
            yield _passage(
                f"translated for {to.partition('/')[0]}{form}",
                lambda text, name, model=model, more=more: chat(f"echo: {text}", name, model=model, **more),  # type: ignore[misc]
            )
    yield _passage(
        "an error in another dialect", lambda text, name: chat(f"echo: {text}", name, model="gpt-4.1", max_tokens=0), reaches=False
    )
    yield _passage("a gzip body", lambda text, name: _raw(gzip.compress(_body(text)), name, {"content-encoding": "gzip"}))
    yield from _errors()
    yield from _failing()
    yield from _refused()
    yield _passage("the endpoint, without TLS", lambda text, name: replace(chat(text, name, path=f"/openai{CHAT}"), straight=True))
    yield _passage("the client leaves during the answer", _slow, way=Way.LEAVES)
    yield _passage("the client leaves during its request", lambda text, name: chat(text, name), way=Way.CUTS, reaches=False)
    yield _passage("an error, then a retry", lambda text, name: chat(f"echo: {text}", name), way=Way.RETRIES)


def _errors() -> Iterator[Passage]:
    """
    Providers repeat parts of a request in their errors.
    """
    yield _passage("OpenAI repeats it in an error", lambda text, name: chat("hello", name, **_named(text)))
    yield _passage("a key the provider refuses", lambda text, name: chat(text, f"wrong-{name}"))
    body = {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": user("hello")}
    headers = {"anthropic-version": "2023-06-01"}
    yield _passage(
        "Anthropic repeats it in an error",
        lambda text, name: Call(ANTHROPIC, "/v1/messages", {**body, text: 1}, {**headers, "x-api-key": name}),
    )
    yield _passage(
        "Gemini repeats it in an error, key in the query",
        lambda text, name: Call(GOOGLE, f"{FLASH}:generateContent?key={name}", {"contents": [{"parts": [{"text": "hello"}]}], text: 1}),
    )


def _failing() -> Iterator[Passage]:
    """
    Answers that go wrong, streamed and not.
    """
    for script in ("cut_after=3", "reset_after=3", "fail_after=3", "gzip; no_usage", "piece_bytes=1"):
        yield _passage(f"a stream, {script}", lambda text, name, script=script: _scripted(text, name, script, stream=True))  # type: ignore[misc]
    for script in ("length_error=9", "no_usage", "status=500", "status=429; retry_after=1"):
        yield _passage(f"an answer, {script}", lambda text, name, script=script: _scripted(text, name, script))  # type: ignore[misc]
    yield _passage(
        "a provider that cannot be reached",
        lambda text, name: replace(chat(text, name), host=UNREACHABLE, path=f"/openai{CHAT}"),
        reaches=False,
    )


def _refused() -> Iterator[Passage]:
    """
    What never gets to the provider.
    """
    secret = values("a call that redaction refuses")["API key"]
    made = (
        ("broken JSON", lambda text, name: _raw(_body(text)[:-4], name)),
        ("a key that stands twice", lambda text, name: _raw(b'{"a": %b, "a": 1}' % json.dumps(text).encode(), name)),
        ("another charset", lambda text, name: _raw(text.encode("utf-16"), name)),
        ("no HTTP at all", lambda text, name: Call(OPENAI, f"{text}\r\n\r\n{name}", b"", {}, method="\x00")),
        ("a body that is not as long as it says", lambda text, name: chat(text, name, headers={"content-length": "9"})),
        ("an unknown path", lambda text, name: chat(text, name, path=f"/v1/{urllib.parse.quote(text)}?q={urllib.parse.quote(text)}")),
        ("a call that policy refuses", lambda text, name: chat(text, name, model="gpt-4o")),
        ("a call that redaction refuses", lambda text, name: chat(f"{text} {secret.value}", name, model="gpt-5-mini")),
        ("wrong credentials for the proxy", lambda text, name: replace(chat(text, name), user=f"shop:{name}")),
        (
            "a WebSocket",
            lambda text, name: Call(OPENAI, f"/v1/realtime?note={urllib.parse.quote(text)}", b"", _upgrade(name), method="GET"),
        ),
    )
    for label, make in made:
        one = _passage(label, make, reaches=False)
        yield replace(one, planted=(*one.planted, secret)) if label == "a call that redaction refuses" else one


def _passage(name: str, make: Callable[[str, str], Call], *, way: Way = Way.WHOLE, reaches: bool = True) -> Passage:
    said, used = content(name), key(name)
    return Passage(name, (said, used), make(said.value, used.value), way, reaches)


def _everywhere(text: str, name: str) -> Call:
    tools = [
        {
            "type": "function",
            "function": {"name": "keep", "description": text, "parameters": {"type": "object", "properties": {"it": {"default": text}}}},
        }
    ]
    earlier = [{"id": "call_1", "type": "function", "function": {"name": "keep", "arguments": json.dumps({"it": text})}}]
    messages = [
        {"role": "system", "content": text},
        {"role": "user", "content": [{"type": "text", "text": text}]},
        {"role": "assistant", "tool_calls": earlier},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    ]
    headers = {"x-note": urllib.parse.quote(text), "cookie": f"note={urllib.parse.quote(text)}"}
    return chat("", name, messages=messages, tools=tools, user=text, metadata={"note": text}, store=True, stop=[text], headers=headers)


def _body(text: str) -> bytes:
    return json.dumps({"model": "gpt-4o-mini", "messages": user(f"echo: {text}")}).encode()


def _raw(data: bytes, name: str, headers: dict[str, str] | None = None) -> Call:
    return Call(OPENAI, CHAT, data, {**bearer(name), **(headers or {})})


def _scripted(text: str, name: str, script: str, *, stream: bool = False) -> Call:
    return chat(f"echo: {text} and some more words", name, headers={"x-standin": script}, stream=stream)


def _named(text: str) -> dict[str, Any]:
    """
    A field of that name, which no provider knows.
    """
    return {text: 1}


def _slow(text: str, name: str) -> Call:
    return _scripted(f"{text} " * 8, name, "pause_ms=100", stream=True)


def slow_calls(place: str) -> list[Passage]:
    """
    Streams that are under way for some seconds, in three dialects.
    """
    asked = [dialect for dialect in DIALECTS if dialect.name in ("OpenAI chat, stream", "Anthropic messages, stream", "Gemini, stream")]
    slow = []
    for dialect in asked:
        path = _passage(f"{place}: {dialect.name}", lambda text, name, ask=dialect.ask: ask("echo: " + f"{text} " * SLOW_TIMES, name))  # type: ignore[misc]
        slow.append(replace(path, call=replace(path.call, headers={**path.call.headers, "x-standin": "pause_ms=100"})))
    return slow


def _upgrade(name: str) -> dict[str, str]:
    return {
        **bearer(name),
        "connection": "upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
    }


async def take(door: Door, path: Passage) -> list[Answer]:
    """
    Go a path as its client would. What was answered, one for each request.
    """
    match path.way:
        case Way.WHOLE:
            return [await fetch(door, path.call)]
        case Way.RETRIES:
            failing = replace(path.call, headers={**path.call.headers, "x-standin": "status=503; retry_after=0"})
            return [await fetch(door, failing), await fetch(door, path.call)]
        case Way.LEAVES | Way.CUTS:
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                async with opened(door, path.call) as (reader, writer):
                    data = path.call.data()
                    writer.write(data if path.way is Way.LEAVES else data[:-10])
                    await writer.drain()
                    if path.way is Way.LEAVES:
                        status, headers = await head(reader)
                        await reader.read(64)
                        return [Answer(status, headers)]
            return []
