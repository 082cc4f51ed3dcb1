"""
The shape of a request for a chat completion.

Source: the OpenAI API reference and the types of its Python SDK 3.54, read 2026-11.
"""

from __future__ import annotations

from excise.standin.shapes import Either, Flag, Free, Items, Maybe, Number, Record, Shape, Table, Text, Union, Whole, Word

NAME = Text(r"[a-zA-Z0-9_-]+", most=64)
TOOL_ID = Text(least=1, most=64)
METADATA = Table(Text(most=512), most=16, key=Text(most=64))
TIER = Word("auto", "default", "flex", "scale", "priority", "fast")
EFFORT = Word("none", "minimal", "low", "medium", "high", "xhigh", "max")
LEVEL = Word("low", "medium", "high")
OBJECT = Table(Free())
CACHE_OPTIONS = Record({}, {"mode": Word("implicit", "explicit"), "ttl": Text(), "comparison_response_id": Text(), "prewarm": Flag()})
_BREAKPOINT = Record({"mode": Word("explicit")}, {"ttl": Word("30m", "12h")})
MODERATION = Record({"model": Text()}, {"policy": OBJECT})


def part(need: dict[str, Shape]) -> Record:
    """
    A part of a message.
    """
    return Record({"type": Text(), **need}, {"prompt_cache_breakpoint": _BREAKPOINT})


TEXT_PART = part({"text": Text()})
_TEXTS = Either(Text(), Items(Union("type", {"text": TEXT_PART}), least=1))
_USER = Union(
    "type",
    {
        "text": TEXT_PART,
        "image_url": part({"image_url": Record({"url": Text(least=1)}, {"detail": Word("auto", "low", "high", "original")})}),
        "input_audio": part({"input_audio": Record({"data": Text(least=1), "format": Word("wav", "mp3")})}),
        "file": part({"file": Record({}, {"file_data": Text(), "file_id": Text(), "filename": Text()})}),
    },
)
_ASSISTANT = Union("type", {"text": TEXT_PART, "refusal": Record({"type": Text(), "refusal": Text()})})
_CALL = Union(
    "type",
    {
        # The SDK's own helper for streams leaves the index in what it puts together, and clients send that back.
        "function": Record({"id": TOOL_ID, "type": Text(), "function": Record({"name": NAME, "arguments": Text()})}, {"index": Whole(0)}),
        "custom": Record({"id": TOOL_ID, "type": Text(), "custom": Record({"name": NAME, "input": Text()})}, {"index": Whole(0)}),
    },
)
_SPEAKER = Text(r"[^\s<|\\/>]+", most=64)
_ROLE = Text()
MESSAGE = Union(
    "role",
    {
        "system": Record({"role": _ROLE, "content": _TEXTS}, {"name": _SPEAKER}),
        "assistant": Record(
            {"role": _ROLE},
            {
                "content": Either(Text(), Items(_ASSISTANT, least=1)),
                "refusal": Text(),
                "name": _SPEAKER,
                "audio": Record({"id": Text()}),
                "annotations": Items(Free()),
                "function_call": Record({"name": NAME, "arguments": Text()}),
                "tool_calls": Items(_CALL, least=1),
            },
        ),
        "user": Record({"role": _ROLE, "content": Either(Text(), Items(_USER, least=1))}, {"name": _SPEAKER}),
        "function": Record({"role": _ROLE, "name": NAME}, {"content": Text()}),
        "tool": Record({"role": _ROLE, "content": _TEXTS, "tool_call_id": TOOL_ID}, {"name": Text()}),
        "developer": Record({"role": _ROLE, "content": _TEXTS}, {"name": _SPEAKER}),
    },
)
_FUNCTION = Record({"name": NAME}, {"description": Text(most=1024), "parameters": OBJECT, "strict": Flag()})
GRAMMAR = Union(
    "type",
    {
        "text": Record({"type": Text()}),
        "grammar": Record({"type": Text(), "grammar": Record({"definition": Text(), "syntax": Word("lark", "regex")})}),
    },
)
_TOOL = Union(
    "type",
    {
        "function": Record({"type": Text(), "function": _FUNCTION}),
        "custom": Record({"type": Text(), "custom": Record({"name": NAME}, {"description": Text(), "format": GRAMMAR})}),
    },
)
_NAMED = Record({"name": NAME})
_CHOICE = Either(
    Word("none", "auto", "required"),
    Union(
        "type",
        {
            "function": Record({"type": Text(), "function": _NAMED}),
            "custom": Record({"type": Text(), "custom": _NAMED}),
            "allowed_tools": Record(
                {"type": Text(), "allowed_tools": Record({"mode": Word("auto", "required"), "tools": Items(OBJECT, least=1)})}
            ),
        },
    ),
)
_FORMAT = Union(
    "type",
    {
        "text": Record({"type": Text()}),
        "json_object": Record({"type": Text()}),
        "json_schema": Record(
            {"type": Text(), "json_schema": Record({"name": NAME}, {"description": Text(), "schema": OBJECT, "strict": Flag()})}
        ),
    },
)
STREAM_OPTIONS = Record({}, {"include_usage": Flag(), "include_obfuscation": Flag()})
CHAT = Record(
    {"messages": Items(MESSAGE, least=1)},
    {
        "model": Text(),
        "audio": OBJECT,
        "frequency_penalty": Number(-2, 2),
        "function_call": Either(Word("none", "auto"), _NAMED),
        "functions": Items(Record({"name": NAME}, {"description": Text(), "parameters": OBJECT}), least=1, most=128),
        "logit_bias": Table(Number(-100, 100)),
        "logprobs": Flag(),
        "max_completion_tokens": Whole(1),
        "max_tokens": Whole(1),
        "metadata": METADATA,
        "modalities": Items(Word("text", "audio"), least=1),
        "moderation": MODERATION,
        "n": Whole(1, 128),
        "parallel_tool_calls": Flag(),
        "prediction": Record({"type": Word("content"), "content": _TEXTS}),
        "presence_penalty": Number(-2, 2),
        "prompt_cache_key": Text(most=64),
        "prompt_cache_options": CACHE_OPTIONS,
        "prompt_cache_retention": Word("in_memory", "in-memory", "24h"),
        "reasoning_effort": EFFORT,
        "response_format": _FORMAT,
        "safety_identifier": Text(most=64),
        "seed": Whole(-(2**63), 2**63 - 1),
        "service_tier": TIER,
        "stop": Either(Text(), Items(Text(least=1), most=4)),
        "store": Flag(),
        "stream": Flag(),
        "stream_options": STREAM_OPTIONS,
        "temperature": Number(0, 2),
        "tool_choice": _CHOICE,
        "tools": Items(_TOOL, least=1, most=128),
        "top_logprobs": Whole(0, 20),
        "top_p": Number(0, 1),
        "user": Text(),
        "verbosity": LEVEL,
        "web_search_options": Record({}, {"search_context_size": LEVEL, "user_location": Maybe(OBJECT)}),
    },
)
COMPLETION = Record(
    {"prompt": Either(Text(), Items(Free(), least=1))},
    {
        "model": Text(),
        "best_of": Whole(0, 20),
        "echo": Flag(),
        "frequency_penalty": Number(-2, 2),
        "logit_bias": Table(Number(-100, 100)),
        "logprobs": Whole(0, 5),
        "max_tokens": Whole(0),
        "n": Whole(1, 128),
        "presence_penalty": Number(-2, 2),
        "seed": Whole(),
        "stop": Either(Text(), Items(Text(least=1), most=4)),
        "stream": Flag(),
        "stream_options": STREAM_OPTIONS,
        "suffix": Text(),
        "temperature": Number(0, 2),
        "top_p": Number(0, 1),
        "user": Text(),
    },
)
