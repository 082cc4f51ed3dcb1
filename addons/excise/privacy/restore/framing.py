"""
Frames with other content, in the framing they came in.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from excise.privacy.restore.places import Path
from excise.wire.frame import Frame, Framing

Overwrite = tuple[int, int, bytes]  # start and end in a frame's data, and what is to stand there

_LINE = re.compile(rb"(?P<name>[^\r\n:]*)(?::(?P<value>[^\r\n]*))?(?:\r\n|\r|\n|\Z)")
_INNER = re.compile(rb'"bytes"[ \t\r\n]*:[ \t\r\n]*"([^"\\]*)"')
_BOM = b"\xef\xbb\xbf"


def overwritten(frame: Frame, framing: Framing, writes: Sequence[Overwrite]) -> Frame:
    """
    `frame` with parts of its data written over; all other bytes of it stay, checksums and lengths aside.

    Args:
        frame: Has `data`.
        framing: Of the answer.
        writes: Ascending, none overlapping another; what is written must keep to one line.
    """
    data = frame.data
    assert data is not None
    parts, at = list[bytes](), 0
    for start, end, written in writes:
        parts += (data[at:start], written)
        at = end
    changed = b"".join((*parts, data[at:]))
    if framing is Framing.EVENTSTREAM:
        raw = _message(frame.raw, _wrapped(frame, changed) if frame.event == "chunk" else changed)
    elif framing is Framing.SSE:
        raw = _spliced(frame.raw, _lines(frame.raw), writes)
    else:
        # The data is all of the frame but blanks, commas and brackets around it.
        raw = _spliced(frame.raw, [(0, frame.raw.rindex(data), len(data))], writes)
    return replace(frame, raw=raw, data=changed)


def with_data(frame: Frame, framing: Framing, data: bytes, *, event: str | None) -> Frame:
    """
    A frame of the same sort as `frame` with other data, to be put into the stream behind it.

    Args:
        frame: Gives event name, line ends and headers.
        framing: Of the answer.
        data: JSON in one line; in other framings than JSON's own also text.
        event: Name of the event; `None` for none.
    """
    end = b"\r\n" if b"\r\n" in frame.raw else b"\n"
    match framing:
        case Framing.SSE:
            name = b"event: %b%b" % (event.encode(), end) if event is not None else b""
            lines = b"".join(b"data: %b%b" % (line, end) for line in re.split(rb"\r\n|\r|\n", data))
            raw = name + lines + end
        case Framing.EVENTSTREAM:
            payload = b'{"bytes":"%b"}' % base64.b64encode(data) if frame.event == "chunk" else data
            raw = _message(frame.raw, payload)
        case Framing.JSON_ARRAY:
            raw = b",%b%b" % (end, data)
        case Framing.NDJSON:
            raw = data + end
        case _:
            raw = data
    return Frame(raw, event, data, frame.headers)


def line_end_missing(raw: bytes, framing: Framing) -> bytes:
    """
    What must stand between the last bytes of a body and a frame put behind them: its last frame may lack its end.
    """
    if framing is Framing.SSE:
        return b"" if raw.endswith((b"\n\n", b"\n\r\n", b"\r\r", b"\n\r")) else b"\n" if raw.endswith((b"\n", b"\r")) else b"\n\n"
    return b"\n" if framing is Framing.NDJSON and not raw.endswith(b"\n") else b""


def _spliced(raw: bytes, lines: Sequence[tuple[int, int, int]], writes: Sequence[Overwrite]) -> bytes:
    """
    Args:
        lines: (place in the data, place in `raw`, length) of every run of data in `raw`.
    """
    parts: list[bytes] = []
    at, line = 0, 0
    for start, end, written in writes:
        while start > lines[line][0] + lines[line][2]:
            line += 1
        move = lines[line][1] - lines[line][0]
        parts += (raw[at : start + move], written)
        at = end + move
    return b"".join((*parts, raw[at:]))


def _lines(raw: bytes) -> list[tuple[int, int, int]]:
    if raw.startswith(b"data: ") and (end := raw.find(b"\n")) >= 0 and b"\ndata" not in raw and b"\r" not in raw:
        return [(0, 6, end - 6)]
    lines: list[tuple[int, int, int]] = []
    at = len(_BOM) if raw.startswith(_BOM) else 0
    place = 0
    while at < len(raw) and (line := _LINE.match(raw, at)) is not None:
        at = line.end()
        if line["name"] == b"data":
            value = line["value"] or b""
            start = line.start("value") if line["value"] is not None else line.end("name")
            if value.startswith(b" "):
                start, value = start + 1, value[1:]
            lines.append((place, start, len(value)))
            place += len(value) + 1
    return lines


def _wrapped(frame: Frame, inner: bytes) -> bytes:
    """
    The payload of a Bedrock `chunk` with another event inside, its other bytes as they were.
    """
    start = 12 + int.from_bytes(frame.raw[4:8], "big")
    payload = frame.raw[start:-4]
    found = _INNER.search(payload)
    if found is not None and found[1] == base64.b64encode(frame.data or b""):
        return b"%b%b%b" % (payload[: found.start(1)], base64.b64encode(inner), payload[found.end(1) :])
    return b'{"bytes":"%b"}' % base64.b64encode(inner) if frame.data != payload else inner


def _message(raw: bytes, payload: bytes) -> bytes:
    """
    An event-stream message with the headers of `raw`, byte for byte, and another payload; both checksums anew.
    """
    headers = raw[12 : 12 + int.from_bytes(raw[4:8], "big")]
    lengths = struct.pack("!II", 16 + len(headers) + len(payload), len(headers))
    message = b"%b%b%b%b" % (lengths, struct.pack("!I", zlib.crc32(lengths)), headers, payload)
    return message + struct.pack("!I", zlib.crc32(message))


# Members that say which channel an object belongs to. Everything else beside the path is left out of a clone: names, ids and roles would
# be joined to themselves by clients that add deltas up, usage and finish reasons counted twice.
_KEPT = frozenset(("index", "type", "contentBlockIndex", "jsonPath", "thought"))
_KEPT_NAMES = frozenset(("role",))  # where deltas are not added up member by member
_DROPPED = frozenset(("usage", "p", "obfuscation", "finish_reason", "stop_reason", "completionReason", "generated_text"))
_BEGINS = {"content_block_start": "content_block_delta", "content-start": "content-delta", "tool-call-start": "tool-call-delta"}
_MARK = "\x00"


def clone(body: dict[str, Any], path: Path, text: bytes, event: str | None) -> tuple[bytes, str | None]:
    """
    A delta frame's document with `text` as its only text, and the event's name for it.

    Args:
        body: Of the channel's last frame.
        path: Where the channel's text stands in it.
        text: As it stands inside a JSON string.
        event: Name of that frame's event.
    """
    kind = body.get("type")
    if kind == "content_block_start":
        made: Any = {"type": "content_block_delta", "index": body.get("index"), "delta": {"type": "text_delta", "text": _MARK}}
    else:
        made = _reduced(body, path, top=True)
    if kind in _BEGINS:
        made["type"] = _BEGINS[kind]
        event = _BEGINS[kind] if event == kind else event
    try:
        written = orjson.dumps(made)
    except (TypeError, ValueError):  # half a surrogate pair somewhere
        written = json.dumps(made, separators=(",", ":")).encode()
    return written.replace(b'"\\u0000"', b'"%b"' % text), event


def _reduced(node: Any, path: Path, *, top: bool = False, added_up: bool = False) -> Any:
    if not path:
        return _MARK
    step, rest = path[0], path[1:]
    if type(node) is list:
        return [_reduced(node[step], rest, added_up=added_up)]
    reduced: dict[str, Any] = {}
    for key, value in node.items():
        if key == step:
            reduced[key] = _reduced(value, rest, added_up=added_up or key == "delta")
        elif key == "logprobs":
            reduced[key] = [] if type(value) is list else None  # Responses' events must have them
        elif key == "finish_reason" and not top:
            reduced[key] = None
        elif type(value) not in (dict, list) and ((top and key not in _DROPPED) or key in _KEPT or (key in _KEPT_NAMES and not added_up)):
            reduced[key] = value
    return reduced
