"""
JSON as text, whole.
"""

from __future__ import annotations

import json
from typing import Any

import orjson


def json_text(value: Any) -> str:
    """
    A JSON value as compact text. Nothing of it is lost: what orjson does not write (deeper than 254 levels, whole numbers beyond 64 bits,
    halves of characters, which stay escapes) the standard library does.
    """
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return json.dumps(value, separators=(",", ":"))
