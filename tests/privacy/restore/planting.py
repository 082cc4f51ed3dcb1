"""
Placeholders and values to plant.
"""

from __future__ import annotations

import json
from typing import Any

from excise.privacy.entities import ENTITIES
from excise.privacy.placeholder import Placeholders
from excise.privacy.restore import Restorer
from excise.wire.frame import Frame, Framing

PLACEHOLDERS = Placeholders(b"a key of the tests, 32 bytes long")

# Harmless, and everything that JSON, HTML and terminals stumble over.
VALUES = {
    "EMAIL": "ann.bexley@corp.example",
    "PASSWORD": 'p"w\\d\n\t{"a": "b"} \x01</script> \U0001f600 é\u2028 \\u0041 end\\',
    "CARD": "4111 1111 1111 1111",
    "PERSON": 'Zoë O\'Brien "Zo" 王小明',
    "PRIVATE_KEY": "-----BEGIN X-----\nAAAA\r\nBBBB\n-----END X-----\n",
}
TOKENS = {PLACEHOLDERS.make("scope", ENTITIES[name], value): value for name, value in VALUES.items()}
TOKEN = dict(zip(VALUES, TOKENS, strict=True))
PLAIN = {TOKEN["EMAIL"]: VALUES["EMAIL"]}


def with_values(text: str) -> str:
    for token, value in TOKENS.items():
        text = text.replace(token, value)
    return text


def with_values_in(document: Any) -> Any:
    """
    A JSON value with every string restored, JSON inside strings at its own depth.
    """
    if isinstance(document, str):
        if document[:1] in ("{", "["):
            try:
                return json.dumps(with_values_in(json.loads(document)), ensure_ascii=False)
            except ValueError:
                pass
        return with_values(document)
    if isinstance(document, list):
        return [with_values_in(one) for one in document]
    if isinstance(document, dict):
        return {with_values(key): with_values_in(value) for key, value in document.items()}
    return document


def restored(frames: list[Frame], dialect: str, framing: Framing, tokens: dict[str, str] = TOKENS) -> bytes:
    restorer = Restorer(dialect, "chat", framing, tokens)
    out = [frame for one in frames for frame in restorer.feed([one])] + restorer.close()
    return b"".join(frame.raw for frame in out)
