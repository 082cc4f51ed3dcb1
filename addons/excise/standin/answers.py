"""
What the stand-in says: text, tool calls and token counts. All follow from the request alone: the same request always gets the same bytes.

Words in the prompt steer it: `use tool` calls the first tool, `think hard` adds reasoning tokens where the model reasons,
`from cache` bills half the input as a cache read, and `echo: …` is answered with what follows it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LOREM = """
the quick harbour keeps a quiet ledger of every ship that leaves before dawn and counts each lantern twice so that
no cargo sails unnamed while the tide writes its own account in salt along the stone
"""
REASONING_TOKENS = 64
EPOCH = 1_760_000_000  # every answer was "created" then


@dataclass(frozen=True, slots=True)
class ToolCall:
    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One composed answer. `words` are the pieces a stream sends; token counts are inclusive totals.
    """

    id: str  # 32 hexadecimal digits
    words: tuple[str, ...]
    tool: ToolCall | None
    cut: bool  # ended by the output limit
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    reasoning_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.words)


def strings(value: Any) -> Iterator[str]:
    """
    Every string inside a JSON value, in order, keys left out.
    """
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from strings(part)


def count_tokens(value: Any) -> int:
    """
    Four bytes a token, at least one; the JSON text of what is not a string already.
    """
    text = value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return max(1, (len(text.encode()) + 3) // 4)


def compose(
    content: Any, *, tools: Any = (), schemas: tuple[tuple[str, Any], ...] = (), limit: int | None = None, reasons: bool = False
) -> Answer:
    """
    Answer `content` (the prompt with its system text, as JSON).

    Args:
        tools: The declarations as sent; billed as input.
        schemas: (name, JSON schema) of each tool.
        limit: Most output tokens, reasoning apart; `None`: no limit.
    """
    prompt = " ".join(strings(content))
    name = hashlib.sha256(json.dumps([content, tools], sort_keys=True).encode()).hexdigest()[:32]
    echoed = prompt.partition("echo: ")[2]
    tool = ToolCall(schemas[0][0], _arguments(schemas[0][1], echoed or "harbour")) if schemas and "use tool" in prompt else None
    words = () if tool else tuple(re.findall(r"\s*\S+", echoed or _lorem(name)))
    cut = limit is not None and len(words) > limit
    words = words[:limit] if cut else words
    tokens = count_tokens(content) + (count_tokens(tools) if tools else 0)
    reasoning = REASONING_TOKENS if reasons and "think hard" in prompt else 0
    output = (count_tokens(tool.arguments) + 5 if tool else len(words)) + reasoning
    return Answer(name, words, tool, cut, tokens, output, tokens // 2 if "from cache" in prompt else 0, reasoning)


def _lorem(name: str) -> str:
    words = LOREM.split()
    start, length = int(name[:2], 16), 8 + int(name[2:4], 16) % 17
    return f"Stand-in {name[:6]}: " + " ".join(words[(start + i) % len(words)] for i in range(length))


def _arguments(schema: Any, text: str) -> dict[str, Any]:
    properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
    values: dict[str, Any] = {"string": text, "integer": 7, "number": 7.5, "boolean": True, "array": [], "object": {}}
    return {key: values.get(str(part.get("type", "string")).lower(), text) for key, part in properties.items() if isinstance(part, dict)}
