"""
The shapes of Ollama's requests. It is written in Go: fields nobody knows are ignored, wrong types are not.

Source: docs/api.md and api/types.go of ollama/ollama, read 2026-11.
"""

from __future__ import annotations

from excise.standin.shapes import Either, Flag, Free, Items, Number, Record, Shape, Table, Text, Whole, Word

OBJECT = Table(Free())


def struct(fields: dict[str, Shape]) -> Record:
    """
    A Go struct.
    """
    return Record({}, fields, lax=True)


_OPTIONS = struct(
    {
        **dict.fromkeys(("num_predict", "num_ctx", "num_keep", "seed", "top_k", "repeat_last_n", "num_batch", "num_thread"), Number()),
        **dict.fromkeys(
            ("temperature", "top_p", "min_p", "typical_p", "repeat_penalty", "presence_penalty", "frequency_penalty"), Number()
        ),
        "stop": Items(Text()),
    }
)
_CALL = struct({"id": Text(), "function": struct({"index": Whole(), "name": Text(), "arguments": OBJECT})})
_MESSAGE = struct(
    {
        "role": Text(),
        "content": Text(),
        "thinking": Text(),
        "images": Items(Text()),
        "tool_calls": Items(_CALL),
        "tool_name": Text(),
        "tool_call_id": Text(),
    }
)
_TOOL = struct({"type": Text(), "function": struct({"name": Text(), "description": Text(), "parameters": OBJECT})})
_SHARED: dict[str, Shape] = {
    "model": Text(),
    "stream": Flag(),
    "format": Either(Text(), OBJECT),
    "keep_alive": Either(Text(), Number()),
    "options": _OPTIONS,
    "think": Either(Flag(), Text()),
    "logprobs": Flag(),
    "top_logprobs": Whole(),
}
CHAT = struct({**_SHARED, "messages": Items(_MESSAGE), "tools": Items(_TOOL)})
GENERATE = struct(
    {
        **_SHARED,
        "prompt": Text(),
        "suffix": Text(),
        "system": Text(),
        "template": Text(),
        "context": Items(Whole()),
        "raw": Flag(),
        "images": Items(Text()),
    }
)
EMBED = struct({"model": Text(), "input": Either(Text(), Items(Text())), "truncate": Flag(), "dimensions": Whole(), "options": _OPTIONS})
LEVELS = Word("high", "medium", "low", "max")
