"""
The shape of a request for a response.

Source: the OpenAI API reference and the types of its Python SDK 3.54, read 2026-11.
"""

from __future__ import annotations

from excise.standin.openai.chat_shapes import CACHE_OPTIONS, EFFORT, GRAMMAR, LEVEL, METADATA, MODERATION, NAME, OBJECT
from excise.standin.shapes import Either, Flag, Free, Items, Number, Record, Shape, Text, Union, Whole, Word

CALL_ID = Text(least=1, most=64)
ID = Text(least=1, most=64)
_TYPE = Text()
_STATUS = Word("in_progress", "completed", "incomplete")
_BREAKPOINT = Record({"mode": Word("explicit")}, {"ttl": Word("30m", "12h")})
_DETAIL = Word("low", "high", "auto", "original")
_PHASE = Word("commentary", "final_answer")
_CALLER = Union("type", {"direct": Record({"type": _TYPE}), "program": Record({"type": _TYPE, "caller_id": Text()})})


def _part(need: dict[str, Shape], may: dict[str, Shape] | None = None) -> Record:
    return Record({"type": _TYPE, **need}, {"prompt_cache_breakpoint": _BREAKPOINT, **(may or {})})


_INPUT = Union(
    "type",
    {
        "input_text": _part({"text": Text()}),
        "input_image": _part({}, {"detail": _DETAIL, "file_id": Text(), "image_url": Text()}),
        "input_file": _part(
            {},
            {"detail": _DETAIL, "file_data": Text(), "file_id": Text(), "file_url": Text(), "filename": Text()},
        ),
    },
)
_OUTPUT = Union(
    "type",
    {
        "output_text": Record({"type": _TYPE, "text": Text()}, {"annotations": Items(Free()), "logprobs": Items(Free())}),
        "refusal": Record({"type": _TYPE, "refusal": Text()}),
    },
)


def _message(role: str, parts: Shape) -> Record:
    return Record(
        {"role": Word(role), "content": Either(Text(), Items(parts))},
        {"type": Word("message"), "id": ID, "status": _STATUS, "phase": _PHASE},
    )


MESSAGE = Union(
    "role",
    {
        "user": _message("user", _INPUT),
        "system": _message("system", _INPUT),
        "developer": _message("developer", _INPUT),
        "assistant": _message("assistant", _OUTPUT),
    },
)
_ITEMS: dict[str, Shape] = {
    "message": MESSAGE,
    "function_call": Record(
        {"type": _TYPE, "call_id": CALL_ID, "name": NAME, "arguments": Text()},
        {"id": ID, "status": _STATUS, "namespace": Text(), "caller": _CALLER, "async": Flag()},
    ),
    "function_call_output": Record(
        {"type": _TYPE, "call_id": CALL_ID, "output": Either(Text(), Items(_INPUT, least=1))},
        {"id": ID, "status": _STATUS, "name": Text(), "namespace": Text(), "caller": _CALLER},
    ),
    "custom_tool_call": Record(
        {"type": _TYPE, "call_id": CALL_ID, "name": NAME, "input": Text()},
        {"id": ID, "namespace": Text(), "caller": _CALLER, "async": Flag(), "status": _STATUS},
    ),
    "custom_tool_call_output": Record(
        {"type": _TYPE, "call_id": CALL_ID, "output": Either(Text(), Items(_INPUT))}, {"id": ID, "caller": _CALLER, "status": _STATUS}
    ),
    "reasoning": Record(
        {"type": _TYPE, "summary": Items(Record({"type": Word("summary_text"), "text": Text()}))},
        # What the model thought is not taken back in the clear.
        {
            "id": ID,
            "content": Items(Record({"type": Word("reasoning_text"), "text": Text()}), most=0),
            "encrypted_content": Text(),
            "status": _STATUS,
        },
    ),
    "item_reference": Record({"id": ID}, {"type": _TYPE}),
    "compaction": Record({"type": _TYPE, "encrypted_content": Text()}, {"id": ID}),
}
# What the tools of the provider's own leave behind; nothing here looks into it.
_SERVER_ITEMS = (
    *("file_search_call", "computer_call", "computer_call_output", "web_search_call", "image_generation_call", "code_interpreter_call"),
    *("local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output"),
    *("mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call", "tool_search_call", "tool_search_output"),
    *("additional_tools", "configuration_update", "compaction_trigger", "program", "program_output"),
)
ITEM = Union("type", {**_ITEMS, **dict.fromkeys(_SERVER_ITEMS, OBJECT)}, default="message")

_FUNCTION = Record(
    {"type": _TYPE, "name": NAME},
    {
        "parameters": OBJECT,
        "strict": Flag(),
        "description": Text(),
        "allowed_callers": Items(Word("direct", "programmatic")),
        "defer_loading": Flag(),
        "output_schema": OBJECT,
        "async": Flag(),
    },
)
_CUSTOM = Record(
    {"type": _TYPE, "name": NAME},
    {"description": Text(), "format": GRAMMAR, "allowed_callers": Items(Text()), "defer_loading": Flag(), "async": Flag()},
)
_SERVER_TOOLS = (
    *("file_search", "computer", "computer_use_preview", "web_search", "web_search_2025_08_26", "mcp", "code_interpreter"),
    *("programmatic_tool_calling", "image_generation", "local_shell", "shell", "namespace", "tool_search", "apply_patch"),
    *("web_search_preview", "web_search_preview_2025_03_11"),
)
TOOL = Union("type", {"function": _FUNCTION, "custom": _CUSTOM, **dict.fromkeys(_SERVER_TOOLS, OBJECT)})
_NAMED = Record({"type": _TYPE, "name": NAME})
_CHOICE = Either(
    Word("none", "auto", "required"),
    Union(
        "type",
        {
            "function": _NAMED,
            "custom": _NAMED,
            "allowed_tools": Record({"type": _TYPE, "mode": Word("auto", "required"), "tools": Items(OBJECT, least=1)}),
            **dict.fromkeys(_SERVER_TOOLS, OBJECT),
        },
    ),
)
_FORMAT = Union(
    "type",
    {
        "text": Record({"type": _TYPE}),
        "json_object": Record({"type": _TYPE}),
        "json_schema": Record({"type": _TYPE, "name": NAME, "schema": OBJECT}, {"description": Text(), "strict": Flag()}),
    },
)
_INCLUDE = Word(
    *("file_search_call.results", "web_search_call.results", "web_search_call.action.sources", "message.input_image.image_url"),
    *("computer_call_output.output.image_url", "code_interpreter_call.outputs", "reasoning.encrypted_content"),
    "message.output_text.logprobs",
)
_COUNTED: dict[str, Shape] = {
    "conversation": Either(Text(), Record({"id": Text()})),
    "input": Either(Text(), Items(ITEM)),
    "instructions": Text(),
    "model": Text(),
    "parallel_tool_calls": Flag(),
    "previous_response_id": Text(),
    "reasoning": Record(
        {},
        {
            "context": Word("auto", "current_turn", "all_turns"),
            "effort": EFFORT,
            "generate_summary": Word("auto", "concise", "detailed"),
            "mode": Text(),
            "summary": Word("auto", "concise", "detailed"),
        },
    ),
    "text": Record({}, {"format": _FORMAT, "verbosity": LEVEL}),
    "tool_choice": _CHOICE,
    "tools": Items(TOOL, most=128),
    "truncation": Word("auto", "disabled"),
}
COUNT = Record({}, _COUNTED)
CREATE = Record(
    {},
    {
        **_COUNTED,
        "access_programs": OBJECT,
        "background": Flag(),
        "background_options": OBJECT,
        "context_management": Items(OBJECT),
        "image": OBJECT,
        "include": Items(_INCLUDE),
        "max_output_tokens": Whole(16),
        "max_tool_calls": Whole(1),
        "metadata": METADATA,
        "moderation": MODERATION,
        "prompt": OBJECT,
        "prompt_cache_key": Text(most=64),
        "prompt_cache_options": CACHE_OPTIONS,
        "prompt_cache_retention": Word("in_memory", "in-memory", "24h"),
        "safety_identifier": Text(most=64),
        "service_tier": Word("auto", "default", "flex", "scale", "priority", "fast", "ultrafast"),
        "store": Flag(),
        "stream": Flag(),
        "stream_options": Record({}, {"include_obfuscation": Flag()}),
        "temperature": Number(0, 2),
        "top_logprobs": Whole(0, 20),
        "top_p": Number(0, 1),
        "user": Text(),
    },
)
# Names of the older API, and what became of them.
MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
