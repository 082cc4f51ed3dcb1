"""
What the keys around a string say of it: that it is data of a type, that it is sealed, that it may not be changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from excise.privacy.walk import runs, skip
from excise.privacy.walk.document import SIGNED
from excise.privacy.walk.layer import Trail

_TYPE_KEYS = ("media_type", "mimeType", "mime_type", "mediaType", "content_type", "contentType")
_DATA_KEYS = frozenset(("data", "bytes", "file_data", "fileData", "b64_json", "image_bytes", "imageBytes", "audio_bytes", "videoBytes"))
_FORMATS = {"wav": "audio/wav", "mp3": "audio/mpeg", "pcm16": "audio/l16", "flac": "audio/flac", "opus": "audio/opus", "aac": "audio/aac"}
_MARKS = frozenset((*_TYPE_KEYS, *_DATA_KEYS, *skip.SEALED_KEYS))
_DECLARED_LEAST = 16
# What a signature beside them signs.
# Source: Anthropic "Extended thinking", Bedrock "ReasoningTextBlock", OpenRouter "reasoning_details", read 2026-11.
_SIGNED_KEYS = frozenset(("thinking", "text", "reasoning", "summary"))
_SIGNED_TYPES = ("thinking", "redacted_thinking", "reasoning")
_BLOCKS = ("content", "reasoning_details", "thinking_blocks")
_TURNS = ("messages", "contents", "input")


@dataclass(frozen=True, slots=True)
class Signs:
    """
    Of one object.

    Attributes:
        signed: Keys whose strings a signature in the object signs.
        declared: Media type of its data, lower case; "" where it is data of no named type; `None`: it has none.
        sealed: Keys whose values are sealed, if they have the shape.
    """

    signed: frozenset[str] = frozenset()
    declared: str | None = None
    sealed: frozenset[str] = frozenset()

    def marks(self, key: str) -> int:
        return SIGNED if key in self.signed else 0

    def unseal(self, key: str, value: str) -> bytes | None:
        return skip.unseal(value) if key in self.sealed else None

    def least(self, key: str) -> int:
        """
        From how many characters on a string is looked at as data.
        """
        return _DECLARED_LEAST if self.declared is not None and key in _DATA_KEYS else runs.LONG


NO_SIGNS = Signs()


def signs_of(node: dict[str, Any]) -> Signs:
    """
    The signs in an object of JSON.
    """
    if _MARKS.isdisjoint(node):  # nearly always
        return NO_SIGNS
    sealed = skip.SEALED_KEYS.intersection(node)
    kind = node.get("type")
    if isinstance(kind, str) and kind in skip.SEALED_DATA_TYPES:
        sealed |= {"data"}
    signed: frozenset[str] = frozenset()
    signature = node.get("signature")
    # A bogus signature signs nothing, or text under it could not be taken out.
    if (
        isinstance(signature, str)
        and skip.unseal(signature) is not None
        and (kind is None or (isinstance(kind, str) and kind.startswith(_SIGNED_TYPES)))
    ):
        signed = _SIGNED_KEYS
    declared: str | None = None
    if not _DATA_KEYS.isdisjoint(node):
        said = next((node[key] for key in _TYPE_KEYS if isinstance(node.get(key), str)), None)
        form = node.get("format")
        if said is not None and kind != "text":
            declared = said.partition(";")[0].strip().lower()
        elif isinstance(form, str) and form in _FORMATS:
            declared = _FORMATS[form]
        elif kind == "base64":
            declared = ""
    return Signs(signed, declared, sealed)


def is_turn(node: dict[str, Any], trail: Trail, root: Trail) -> bool:
    """
    Whether an object is a turn of the model's, of the conversation or of one in a batch.

    Args:
        trail: Of the object.
        root: Of the request's own JSON.
    """
    if node.get("role") not in ("assistant", "model") or trail is None or trail[0] is None or trail[0][1] not in _TURNS:
        return False
    above = trail[0][0]
    if above is root:
        return True
    # requests[0].params.messages[0]
    if above is None or above[1] != "params" or above[0] is None or above[0][0] is None:
        return False
    return above[0][0][1] == "requests" and above[0][0][0] is root


def is_block(node: dict[str, Any], trail: Trail, turn: Trail) -> bool:
    """
    Whether an object is a block of a turn, where signatures of the provider stand; and no content that only looks like one.
    """
    if turn is not None and trail is not None and trail[1] == "reasoningText" and trail[0] is not None:
        trail = trail[0][0]  # content[0].reasoningContent.reasoningText
    elif "type" not in node:
        return False
    if turn is None or trail is None or trail[0] is None:
        return False
    return trail[0][1] in _BLOCKS and trail[0][0] is turn
