"""
The shapes of Mistral's requests.

Source: the Mistral API reference and the types of its Python SDK 3.7, read 2026-11.
"""

from __future__ import annotations

from excise.standin.shapes import Either, Flag, Free, Items, Maybe, Number, Record, Shape, Table, Text, Union, Whole, Word

OBJECT = Table(Free())
_TEXT = Record({"type": Text(), "text": Text()}, nulls=False)
_CHUNKS: dict[str, Shape] = {
    "text": _TEXT,
    "image_url": Record(
        {"type": Text(), "image_url": Either(Text(), Record({"url": Text()}, {"detail": Maybe(Text())}, nulls=False))}, nulls=False
    ),
    "document_url": Record({"type": Text(), "document_url": Text()}, {"document_name": Maybe(Text())}, nulls=False),
    "reference": Record({"type": Text(), "reference_ids": Items(Free())}, nulls=False),
    "file": Record({"type": Text(), "file_id": Text()}, nulls=False),
    "thinking": Record(
        {"type": Text(), "thinking": Items(Union("type", {"text": _TEXT, "reference": OBJECT}))},
        {"closed": Flag(), "signature": Maybe(Text())},
        nulls=False,
    ),
    "input_audio": Record({"type": Text(), "input_audio": Free()}, nulls=False),
}
_CONTENT = Either(Text(), Items(Union("type", _CHUNKS, default="text")))
_CALL = Record(
    {"function": Record({"name": Text(), "arguments": Either(Text(), OBJECT)}, nulls=False)},
    {"id": Text(), "type": Text(), "index": Whole()},
    nulls=False,
)
_ROLE = Text()
MESSAGE = Union(
    "role",
    {
        "system": Record({"role": _ROLE, "content": _CONTENT}, nulls=False),
        "user": Record({"role": _ROLE, "content": Maybe(_CONTENT)}, nulls=False),
        "assistant": Record(
            {"role": _ROLE}, {"content": Maybe(_CONTENT), "tool_calls": Maybe(Items(_CALL)), "prefix": Flag()}, nulls=False
        ),
        "tool": Record({"role": _ROLE, "content": Maybe(_CONTENT)}, {"tool_call_id": Maybe(Text()), "name": Maybe(Text())}, nulls=False),
    },
    tagged=True,
)
_FUNCTION = Record({"name": Text(r"[a-zA-Z0-9_-]{1,64}"), "parameters": OBJECT}, {"description": Text(), "strict": Flag()}, nulls=False)
_TOOL = Union(
    "type",
    {
        "function": Record({"function": _FUNCTION}, {"type": Text()}, nulls=False),
        **dict.fromkeys(("image_generation", "document_library", "connector", "web_search", "code_interpreter"), OBJECT),
    },
    default="function",
)
_FORMAT = Record(
    {},
    {
        "type": Word("text", "json_object", "json_schema"),
        "json_schema": Maybe(
            Record({"name": Text(least=1), "schema": OBJECT}, {"description": Maybe(Text()), "strict": Flag()}, nulls=False)
        ),
    },
    nulls=False,
)
_CHOICE = Either(
    Word("auto", "none", "any", "required"),
    Record({"function": Record({"name": Text()}, nulls=False)}, {"type": Word("function")}, nulls=False),
)
CHAT = Record(
    {"model": Text(), "messages": Items(MESSAGE)},
    {
        "temperature": Maybe(Number(0, 1.5)),
        "top_p": Maybe(Number(0, 1)),
        "max_tokens": Maybe(Whole(0)),
        "stream": Flag(),
        "stop": Maybe(Either(Text(), Items(Text()))),
        "random_seed": Maybe(Whole(0)),
        "metadata": Maybe(OBJECT),
        "response_format": Maybe(_FORMAT),
        "tools": Maybe(Items(_TOOL)),
        "tool_choice": Maybe(_CHOICE),
        "presence_penalty": Maybe(Number(-2, 2)),
        "frequency_penalty": Maybe(Number(-2, 2)),
        "n": Maybe(Whole(1)),
        "prediction": Maybe(Record({}, {"type": Word("content"), "content": Text()}, nulls=False)),
        "parallel_tool_calls": Flag(),
        "prompt_mode": Maybe(Word("reasoning")),
        "reasoning_effort": Maybe(Word("none", "minimal", "low", "medium", "high", "xhigh", "max")),
        "safe_prompt": Flag(),
        "guardrails": Maybe(Items(OBJECT)),
        "prompt_cache_key": Maybe(Text()),
        "service_tier": Maybe(Word("auto", "standard_only")),
        "logprobs": Maybe(Flag()),
        "top_logprobs": Maybe(Whole(0)),
    },
    nulls=False,
)
EMBED = Record(
    {"model": Text(), "input": Either(Text(), Items(Text(), least=1))},
    {
        "metadata": Maybe(OBJECT),
        "output_dimension": Maybe(Whole(1)),
        "output_dtype": Word("float", "int8", "uint8", "binary", "ubinary"),
        "encoding_format": Word("float", "base64"),
    },
    nulls=False,
)
MODERATE = Record({"model": Text(), "input": Either(Text(), Items(Free(), least=1))}, {"metadata": Maybe(OBJECT)}, nulls=False)
