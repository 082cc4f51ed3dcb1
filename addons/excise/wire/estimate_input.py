"""
How much input a request holds, in bytes by kind: what an estimate of its tokens starts from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from excise.exchange import Prompt

# Top-level keys under which the model's reading matter stands, over all dialects.
_READ = frozenset(
    (
        *("messages", "input", "contents", "content", "prompt", "inputs", "instances", "inputText", "text", "texts", "suffix", "query"),
        *("system", "systemInstruction", "system_instruction", "instructions", "preamble", "message", "chat_history", "documents"),
    )
)
# Keys below them whose strings are no reading matter: names, kinds, ids, signatures, and media, whose cost is not by length.
_NOT_TEXT = frozenset(
    (
        *(
            "type",
            "role",
            "id",
            "call_id",
            "tool_call_id",
            "tool_use_id",
            "toolUseId",
            "signature",
            "thoughtSignature",
            "encrypted_content",
        ),
        *("data", "bytes", "file_data", "image_url", "url", "file_id", "fileUri", "file_url", "uri", "format", "detail", "status"),
        *("mime_type", "mimeType", "media_type", "cache_control", "cachePoint", "b64_json", "redactedContent", "thought_signature"),
    )
)
_MEDIA = frozenset(
    (
        *("image", "image_url", "input_image", "inlineData", "inline_data", "fileData", "file_data", "file", "input_file"),
        *("document", "input_audio", "audio", "video", "video_url", "document_url"),
    )
)
_DATA_URL = "data:"


@dataclass(frozen=True, slots=True)
class InputBytes:
    """
    Bytes of UTF-8 by kind, and counts. Base64 and other media are counted as pieces, never by length.
    """

    text_bytes: int = 0
    non_ascii_bytes: int = 0  # part of `text_bytes`: bytes of strings that are not plain ASCII
    tool_bytes: int = 0  # declarations of tools, as compact JSON
    messages: int = 0
    media: int = 0


def estimate_bytes(prompt: Prompt) -> InputBytes:
    """
    Count a request's input. All zero where the body is not JSON. Costs about a quarter of a microsecond a value; call it only when an
    estimate is needed.
    """
    body = prompt.json
    if not isinstance(body, dict):
        return InputBytes()
    counter = _Counter()
    for key in _READ & body.keys():
        counter.count(body[key])
    turns = next((body[key] for key in ("messages", "contents", "input") if isinstance(body.get(key), list)), None)
    return InputBytes(
        text_bytes=counter.text_bytes,
        non_ascii_bytes=counter.non_ascii_bytes,
        tool_bytes=_tool_bytes(body),
        messages=len(turns) if turns is not None else 1,
        media=counter.media,
    )


def _tool_bytes(body: dict[str, Any]) -> int:
    config = body.get("toolConfig")
    declared = (body.get("tools"), body.get("functions"), config.get("tools") if isinstance(config, dict) else None)
    return sum(len(orjson.dumps(tools)) for tools in declared if tools)


class _Counter:
    __slots__ = ("media", "non_ascii_bytes", "text_bytes")

    def __init__(self) -> None:
        self.text_bytes = 0
        self.non_ascii_bytes = 0
        self.media = 0

    def count(self, root: Any) -> None:
        stack = [root]
        while stack:
            node = stack.pop()
            if type(node) is str:
                self._text(node)
            elif type(node) is dict:
                self._object(node, stack)
            elif type(node) is list:
                # Tokens given as numbers: each stands for about four bytes of text.
                if node and type(node[0]) is int:
                    self.text_bytes += 4 * len(node)
                else:
                    stack += node

    def _object(self, node: dict[str, Any], stack: list[Any]) -> None:
        kind = node.get("type")
        self.media += (type(kind) is str and kind in _MEDIA) or (kind is None and not _MEDIA.isdisjoint(node))
        stack += [value for key, value in node.items() if key != "images" and (type(value) is not str or key not in _NOT_TEXT)]
        if kind == "text" and type(data := node.get("data")) is str:  # Anthropic's plain text documents
            self._text(data)
        if type(images := node.get("images")) is list:  # Ollama's bare base64
            self.media += len(images)

    def _text(self, text: str) -> None:
        if text.startswith(_DATA_URL):
            self.media += 1
        elif text.isascii():
            self.text_bytes += len(text)
        else:
            size = len(text.encode("utf-8", "surrogatepass"))
            self.text_bytes += size
            self.non_ascii_bytes += size
