"""
Usage at the end of a document too large to hold.

An embeddings answer may be tens of megabytes; past the decoder's limit its bytes pass unread. Nearly all providers write the usage last, so
the last few kilobytes are enough, if the rest of the document need not be known.
"""

from __future__ import annotations

import json

KEPT_BYTES = 8192

_NAMES = ("usage", "usageMetadata", "meta")


def usage_at_end(tail: bytes) -> bytes | None:
    """
    The last usage object in `tail` as a JSON member, `"usage": {...}`; `None` where there is none whole.

    A quoted `"usage"` inside an answer's text has escaped quotes and is not mistaken for one.
    """
    text = tail.decode("utf-8", "replace")
    for name in _NAMES:
        at = text.rfind(f'"{name}"')
        start = text.find("{", at)
        if at < 0 or start < 0 or text[at + len(name) + 2 : start].strip() != ":":
            continue
        try:
            found, end = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        if found:
            return f'"{name}": {text[start:end]}'.encode()
    return None
