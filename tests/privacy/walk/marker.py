"""
A detector for planted markers, and the requests they are planted in.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from excise.privacy.detect.detector import Finding
from excise.privacy.walk.source import Rewritten, Source, of_request
from excise.privacy.walk.spots import Spot

MARKER = "zq12345678qz"
TOKEN = "EMAIL_7KQ2M9ZP4RT0XWYA"
_MARKER = re.compile(r"zq[0-9]{8}qz")


def findings(text: str) -> list[Finding]:
    """
    What a scanner of one rule would say.
    """
    return [Finding(found.start(), found.end(), "CUSTOM", "marker", 80) for found in _MARKER.finditer(text)]


def spots(source: Source) -> list[Spot]:
    return source.spots(findings(source.text))


def of_json(value: Any, body: bytes | None = None, **more: Any) -> Source:
    """
    A request with a JSON body.
    """
    body = orjson.dumps(value) if body is None else body
    return of_request("POST", "/v1/messages", (), "application/json", body, orjson.loads(body), **more)


def replaced(source: Source, text: str = TOKEN) -> Rewritten:
    return source.rewrite([(spot, text) for spot in spots(source)])
