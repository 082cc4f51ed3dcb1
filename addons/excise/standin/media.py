"""
Pictures and files in requests: is it really base64, is it really what it says, and how to speak of it.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

_DATA_URL = re.compile(r"data:([a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*)((?:;[^,;]+)*);base64,(.*)", re.DOTALL | re.IGNORECASE)
_HEADS = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF87a", "image/gif"), (b"GIF89a", "image/gif"))
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


class Media(NamedTuple):
    """
    Decoded bytes under the type they were sent as.
    """

    kind: str
    data: bytes

    @property
    def seen(self) -> str:
        """
        How an answer speaks of it.
        """
        return f"{self.kind}, {len(self.data)} bytes"


def decoded(text: str) -> bytes | None:
    """
    Base64 with padding, decoded; `None` where it is none.
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return None


def data_url(url: str) -> Media | None:
    """
    The content of a `data:` URL in base64; `None` where it is none.
    """
    found = _DATA_URL.fullmatch(url)
    data = decoded(found[3]) if found else None
    return Media(found[1].lower(), data) if found and data is not None else None


def sniffed(data: bytes) -> str | None:
    """
    The kind of picture these bytes are by their first ones; `None`: no kind a model looks at.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for head, kind in _HEADS if data.startswith(head)), None)
