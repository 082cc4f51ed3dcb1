"""
Where values stand in requests when redaction is tried: every dialect, and in one of them every place and disguise a text can hide in.
"""

from __future__ import annotations

import base64
import gzip
import json
import urllib.parse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from excise.prove.canaries import DISGUISES, Canary, prose, values
from excise.prove.client import Call
from excise.prove.dialects import CHAT, DIALECTS, OPENAI, bearer, chat, tool, user

_HEADER_KINDS: Final = ("e-mail", "API key", "card", "IBAN", "own dictionary", "own pattern")
_BOUNDARY = "prove-boundary-7a1c"


@dataclass(frozen=True, slots=True)
class Carrier:
    """
    One request with values in one place.

    Attributes:
        group: Line of the report it counts under.
        speaks: The answer repeats the text, so the client must get its own values back.
    """

    name: str
    group: str
    planted: tuple[Canary, ...]
    call: Call = field(repr=False)
    speaks: bool = False


def carriers(key: str) -> Iterator[Carrier]:
    """
    All of them, with fresh values.

    Args:
        key: A provider key the stand-in accepts.
    """
    for dialect in DIALECTS:
        planted = values(dialect.name)
        yield Carrier(dialect.name, dialect.name, (*planted.values(),), dialect.ask("echo: " + prose(planted), key), dialect.speaks)
    for name, make in _places(key):
        planted = values(name)
        yield Carrier(name, "places in a request", (*planted.values(),), make(prose(planted)))
    for name, disguise in DISGUISES.items():
        yield from _disguised(name, disguise, key)
    yield from _single_values(key)
    yield from _bodies(key)


def _places(key: str) -> Iterator[tuple[str, Callable[[str], Call]]]:
    for role in ("system", "developer", "user", "assistant"):
        yield f"a message of the {role}", partial(_as_role, role, key)
    yield "a part of a message", lambda text: chat("", key, messages=[{"role": "user", "content": [{"type": "text", "text": text}]}])
    yield "a tool's result", lambda text: chat("", key, messages=_turn_with_tool("{}", text))
    yield "arguments of an earlier tool call", lambda text: chat("", key, messages=_turn_with_tool(json.dumps({"ship": text}), "done"))
    yield "a tool's description", lambda text: chat("hello", key, tools=[tool(text)])
    yield "a tool's schema", lambda text: chat("hello", key, tools=[tool(parameters=_schema(text))])
    yield "metadata", lambda text: chat("hello", key, metadata={"note": text}, store=True)
    yield "a stop sequence", lambda text: chat("hello", key, stop=[text])
    yield "a predicted answer", lambda text: chat("hello", key, prediction={"type": "content", "content": text})
    yield "a field nobody knows", lambda text: chat("hello", key, x_note={"deep": [[{"er": text}]]})
    yield "JSON inside a text", lambda text: chat(json.dumps({"inner": json.dumps({"note": text})}), key)
    yield "a text file as data URL", lambda text: chat("", key, messages=_with_file(text))


def _as_role(role: str, key: str, text: str) -> Call:
    return chat("", key, messages=[{"role": role, "content": text}, *user("go on")])


def _turn_with_tool(arguments: str, result: str) -> list[dict[str, Any]]:
    calls = [{"id": "call_1", "type": "function", "function": {"name": "count_ships", "arguments": arguments}}]
    return [*user("count"), {"role": "assistant", "tool_calls": calls}, {"role": "tool", "tool_call_id": "call_1", "content": result}]


def _schema(text: str) -> dict[str, Any]:
    ship = {"type": "string", "description": text, "default": text, "examples": [text]}
    return {"type": "object", "properties": {"ship": ship}}


def _with_file(text: str) -> list[dict[str, Any]]:
    data = base64.b64encode(text.encode()).decode()
    file = {"filename": "note.txt", "file_data": f"data:text/plain;base64,{data}"}
    return [{"role": "user", "content": [{"type": "file", "file": file}]}]


def _disguised(name: str, disguise: Callable[[str], str], key: str) -> Iterator[Carrier]:
    """
    Each value alone, so that what is known of one does not help to find the next.
    """
    label = f"disguise: {name}"
    for kind, canary in values(label).items():
        hidden = disguise(canary.value)
        body = json.dumps({"model": "gpt-4o-mini", "messages": user(prose({kind: Canary(label, kind, "@@")}))})
        if name == "every character \\u":
            data = body.replace("@@", hidden).encode()
        else:
            data = body.replace("@@", json.dumps(hidden)[1:-1]).encode()
        yield Carrier(f"{kind}, {label}", "disguises", (canary,), Call(OPENAI, CHAT, data, bearer(key)))


def _single_values(key: str) -> Iterator[Carrier]:
    """
    Places for one value, not for prose.
    """
    for kind, canary in values("a JSON key").items():
        if kind != "password":  # without its name it is a word like others
            yield Carrier(
                f"{kind} as a JSON key",
                "keys, numbers, queries, headers",
                (canary,),
                chat("hello", key, metadata={canary.value: "x"}, store=True),
            )
    card = values("a JSON number")["card"]
    yield Carrier(
        "card as a JSON number",
        "keys, numbers, queries, headers",
        (card,),
        chat("hello", key, tools=[tool(parameters={"type": "object", "properties": {"card": {"default": int(card.value)}}})]),
    )
    for kind in _HEADER_KINDS:
        canary = values("a query string")[kind]
        path = f"{CHAT}?note={urllib.parse.quote(canary.value)}"
        yield Carrier(f"{kind} in a query string", "keys, numbers, queries, headers", (canary,), chat("hello", key, path=path))
        canary = values("a header")[kind]
        call = chat("hello", key, headers={"x-note": f"of {canary.value} again"})
        yield Carrier(f"{kind} in a header", "keys, numbers, queries, headers", (canary,), call)


def _bodies(key: str) -> Iterator[Carrier]:
    group = "files, multipart, coded bodies"
    planted = values("a batch file")
    lines = [
        {"custom_id": str(at), "url": CHAT, "body": {"messages": user(prose({kind: planted[kind]}))}} for at, kind in enumerate(planted)
    ]
    file = "\n".join(map(json.dumps, lines)).encode()
    yield Carrier("a batch file (JSONL, multipart)", group, (*planted.values(),), _upload(key, "batch.jsonl", "application/jsonl", file))
    planted = values("a text file")
    file = prose(planted).encode()
    yield Carrier("a text file (multipart)", group, (*planted.values(),), _upload(key, "note.txt", "text/plain", file))
    planted = values("a multipart field")
    yield Carrier("a multipart field", group, (*planted.values(),), _upload(key, "a.txt", "text/plain", b"nothing", note=prose(planted)))
    mail = values("a file's name")["e-mail"]
    yield Carrier("a file's name", group, (mail,), _upload(key, f"{mail.value}.txt", "text/plain", b"nothing"))
    planted = values("a gzip body")
    body = gzip.compress(json.dumps({"model": "gpt-4o-mini", "messages": user(prose(planted))}).encode())
    headers = {**bearer(key), "content-encoding": "gzip"}
    yield Carrier("a gzip body", group, (*planted.values(),), Call(OPENAI, CHAT, body, headers))


def _upload(key: str, name: str, media_type: str, file: bytes, note: str = "batch") -> Call:
    parts = [
        f'content-disposition: form-data; name="purpose"\r\n\r\n{note}'.encode(),
        f'content-disposition: form-data; name="file"; filename="{name}"\r\ncontent-type: {media_type}\r\n\r\n'.encode() + file,
    ]
    mark = f"--{_BOUNDARY}".encode()
    body = b"".join(mark + b"\r\n" + part + b"\r\n" for part in parts) + mark + b"--\r\n"
    return Call(OPENAI, "/v1/files", body, {**bearer(key), "content-type": f"multipart/form-data; boundary={_BOUNDARY}"})


def unreadable(key: str) -> Iterator[Carrier]:
    """
    What cannot be shown to hold nothing: it must be refused, with nothing of it sent.
    """
    made: list[tuple[str, Callable[[str], Call]]] = [
        ("JSON that is cut off", lambda text: Call(OPENAI, CHAT, json.dumps({"messages": user(text)}).encode()[:-3], bearer(key))),
        (
            "a key that stands twice",
            lambda text: Call(OPENAI, CHAT, b'{"model": "gpt-4o-mini", "a": %b, "a": 1}' % _quoted(text), bearer(key)),
        ),
        ("another charset", lambda text: Call(OPENAI, CHAT, text.encode("utf-16"), bearer(key))),
        ("a coding that is a lie", lambda text: chat(text, key, headers={"content-encoding": "br"})),
        (
            "an unknown content type",
            lambda text: Call(OPENAI, CHAT, b"\0\x80\xff" + text.encode(), {**bearer(key), "content-type": "application/grpc"}),
        ),
        ("an unknown path", lambda text: chat(text, key, path="/v1/unheard/of")),
        ("a body over the limit", lambda text: chat(text + " harbour" * 150_000, key)),
        ("a multipart body without its end", lambda text: _cut(_upload(key, "a.txt", "text/plain", text.encode()))),
        ("a picture", lambda text: chat("", key, messages=_picture(text))),
        ("a PDF", lambda text: _upload(key, "a.pdf", "application/pdf", b"%PDF-1.7\n" + gzip.compress(text.encode()))),
        ("audio", lambda text: _upload(key, "a.mp3", "audio/mpeg", b"ID3\x04\x00" + bytes(64) + text.encode())),
    ]
    for name, make in made:
        planted = values(name)
        yield Carrier(name, "refused: what nobody can read", (*planted.values(),), make(prose(planted)))


def _quoted(text: str) -> bytes:
    return json.dumps(text).encode()


def _cut(call: Call) -> Call:
    return Call(call.host, call.path, call.body[: -len(_BOUNDARY) - 6], call.headers)


def _picture(text: str) -> list[dict[str, Any]]:
    data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(300) + text.encode()).decode()
    return [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}]}]
