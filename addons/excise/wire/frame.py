"""
A frame: the smallest piece of an answer that is worth reading alone, with the exact bytes it came in.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson


class Framing(StrEnum):
    """
    How an answer's body is cut into frames.
    """

    SSE = "sse"
    NDJSON = "ndjson"
    JSON_ARRAY = "json-array"
    EVENTSTREAM = "aws-eventstream"
    JSON = "json"
    OPAQUE = "opaque"


_UNPARSED: Any = object()


@dataclass(slots=True)
class Frame:
    """
    One event, line, element, message or document of an answer.

    Attributes:
        raw: The exact bytes of the content-decoded body which this frame covers, separators, comments and blank lines included.
            Over all frames of a body the `raw`s joined are the body, byte for byte.
        event: Name of an SSE event; `:event-type` or `:exception-type` of an AWS event-stream message. `None` where none was given.
        data: The payload. `None` where there is nothing to read: comments, keep-alives, binary.
        headers: Headers of an AWS event-stream message (name without the colon left as sent), else `None`.
    """

    raw: bytes
    event: str | None = None
    data: bytes | None = None
    headers: dict[str, Any] | None = None
    _json: Any = field(default=_UNPARSED, init=False, repr=False, compare=False)

    @property
    def json(self) -> Any:
        """
        `data` parsed, once; `None` where it is absent or not JSON (`[DONE]`, text, cut). Never raises. Shared: do not change it.
        """
        if self._json is _UNPARSED:
            self._json = self._parse()
        return self._json

    def _parse(self) -> Any:
        if not self.data:
            return None
        try:
            return orjson.loads(self.data)
        except orjson.JSONDecodeError:
            return None
