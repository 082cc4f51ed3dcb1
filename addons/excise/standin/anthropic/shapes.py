"""
The shape of a request for a message.

Source: the Anthropic API reference and the types of its Python SDK 2.12, read 2026-11.
"""

from __future__ import annotations

from typing import Any

from excise.standin.media import PICTURES
from excise.standin.shapes import Either, Flag, Free, Items, Later, Maybe, Number, Place, Record, Shape, Table, Text, Union, Whole, Word

OBJECT = Table(Free())
NAME = Text(r"[a-zA-Z0-9_-]{1,128}")
TOOL_ID = Text(r"[a-zA-Z0-9_-]+", most=64)
_TYPE = Text()
_CACHE = Maybe(Record({"type": Word("ephemeral")}, {"ttl": Word("5m", "1h")}, nulls=False))
_SWITCH = Record({}, {"enabled": Flag()}, nulls=False)
_CALLER = Maybe(OBJECT)


def block(need: dict[str, Shape], may: dict[str, Shape] | None = None) -> Record:
    """
    A content block; all but thoughts may be marked for the cache.
    """
    return Record({"type": _TYPE, **need}, {"cache_control": _CACHE, **(may or {})}, nulls=False)


TEXT = block({"text": Text()}, {"citations": Maybe(Items(OBJECT))})
_IMAGE = block(
    {
        "source": Union(
            "type",
            {
                "base64": Record({"type": _TYPE, "media_type": Word(*PICTURES), "data": Text(least=1)}, nulls=False),
                "url": Record({"type": _TYPE, "url": Text(least=1)}, nulls=False),
                "file": Record({"type": _TYPE, "file_id": Text(least=1)}, nulls=False),
            },
            tagged=True,
        )
    },
    {"transformations": Maybe(OBJECT)},
)
_DOCUMENT = block(
    {
        "source": Union(
            "type",
            {
                "base64": Record({"type": _TYPE, "media_type": Word("application/pdf"), "data": Text(least=1)}, nulls=False),
                "text": Record({"type": _TYPE, "media_type": Word("text/plain"), "data": Text(least=1)}, nulls=False),
                "content": Record(
                    {"type": _TYPE, "content": Either(Text(), Items(Union("type", {"text": TEXT, "image": _IMAGE}, tagged=True)))},
                    nulls=False,
                ),
                "url": Record({"type": _TYPE, "url": Text(least=1)}, nulls=False),
                "file": Record({"type": _TYPE, "file_id": Text(least=1)}, nulls=False),
            },
            tagged=True,
        )
    },
    {"citations": Maybe(_SWITCH), "context": Maybe(Text()), "title": Maybe(Text())},
)
_SEARCH_RESULT = block({"content": Items(TEXT), "source": Text(), "title": Text()}, {"citations": _SWITCH})
_RESULT_PARTS = Union(
    "type",
    {
        "text": TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "tool_reference": block({"tool_name": Text()}),
        "browser_state": OBJECT,
    },
    tagged=True,
)
# Written by the provider's own tools; nothing here looks into them.
_SERVER_BLOCKS = (
    *("server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result"),
    *("bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result", "container_upload"),
    *("mcp_tool_use", "mcp_tool_result", "compaction", "fallback"),
)
BLOCK = Union(
    "type",
    {
        "text": TEXT,
        "image": _IMAGE,
        "document": _DOCUMENT,
        "search_result": _SEARCH_RESULT,
        "thinking": Record({"type": _TYPE, "thinking": Text(), "signature": Text()}, nulls=False),
        "redacted_thinking": Record({"type": _TYPE, "data": Text()}, nulls=False),
        "tool_use": block({"id": TOOL_ID, "name": NAME, "input": OBJECT}, {"caller": _CALLER, "toolset_name": Maybe(Text())}),
        "tool_result": block(
            {"tool_use_id": TOOL_ID},
            {"content": Either(Text(), Items(_RESULT_PARTS)), "is_error": Flag(), "toolset_name": Maybe(Text())},
        ),
        **dict.fromkeys(_SERVER_BLOCKS, OBJECT),
    },
    tagged=True,
)
MESSAGE = Record({"role": Word("user", "assistant", "system"), "content": Either(Text(), Items(BLOCK))}, nulls=False)
_TOOL = Record(
    {"name": NAME, "input_schema": OBJECT},
    {
        "type": Maybe(Word("custom")),
        "description": Text(),
        "strict": Flag(),
        "cache_control": _CACHE,
        "allowed_callers": Items(Text()),
        "defer_loading": Flag(),
        "eager_input_streaming": Maybe(Flag()),
        "input_examples": Items(OBJECT),
    },
    nulls=False,
)
_SERVER_TOOLS = (
    *("bash_20250124", "code_execution_20250522", "code_execution_20250825", "code_execution_20260120", "code_execution_20260521"),
    *("browser_toolset_20260801", "memory_20250818", "computer_toolset_20260801", "text_editor_20250124", "text_editor_20250429"),
    *("text_editor_20250728", "web_search_20250305", "web_fetch_20250910", "web_search_20260209", "web_fetch_20260209"),
    *("web_fetch_20260309", "web_search_20260318", "web_fetch_20260318", "tool_search_tool_bm25_20251119", "tool_search_tool_bm25"),
    *("tool_search_tool_regex_20251119", "tool_search_tool_regex", "advisor_20260301", "mcp_toolset", "computer_20251124"),
)


class _Tool(Union):
    """
    Where a tool's type is null, it is custom.
    """

    def read(self, value: Any, place: Place = ()) -> Any:
        if isinstance(value, dict) and value.get("type", "") is None:
            value = {name: part for name, part in value.items() if name != "type"}
        return super().read(value, place)


TOOL = _Tool("type", {"custom": _TOOL, **dict.fromkeys(_SERVER_TOOLS, OBJECT)}, default="custom", tagged=True)
_THINKING = Union(
    "type",
    {
        "enabled": Record({"type": _TYPE, "budget_tokens": Whole(1024)}, {"display": Maybe(Word("summarized", "omitted"))}, nulls=False),
        "disabled": Record({"type": _TYPE}, nulls=False),
        "between_tools": Record({"type": _TYPE}, nulls=False),
        "adaptive": Record({"type": _TYPE}, {"display": Maybe(Word("summarized", "omitted"))}, nulls=False),
    },
    tagged=True,
)
_ONE_AT_A_TIME = {"disable_parallel_tool_use": Flag()}
_CHOICE = Union(
    "type",
    {
        "auto": Record({"type": _TYPE}, _ONE_AT_A_TIME, nulls=False),
        "any": Record({"type": _TYPE}, _ONE_AT_A_TIME, nulls=False),
        "tool": Record({"type": _TYPE, "name": Text()}, _ONE_AT_A_TIME, nulls=False),
        "none": Record({"type": _TYPE}, nulls=False),
    },
    tagged=True,
)
FORMAT = Record({"type": Word("json_schema"), "schema": OBJECT}, nulls=False)
_COUNTED: dict[str, Shape] = {
    "cache_control": _CACHE,
    "container": Maybe(Either(Text(), OBJECT)),
    "context_management": Maybe(OBJECT),
    "mcp_servers": Items(OBJECT),
    "output_config": Record({}, {"effort": Maybe(Word("low", "medium", "high", "xhigh", "max")), "format": Maybe(FORMAT)}, nulls=False),
    "output_format": Maybe(FORMAT),
    "speed": Maybe(Word("fast", "standard")),
    "system": Either(Text(), Items(Union("type", {"text": TEXT}, tagged=False))),
    "thinking": _THINKING,
    "tool_choice": _CHOICE,
    "tools": Items(TOOL),
}
_NEEDED: dict[str, Shape] = {"model": Text(least=1), "messages": Items(Later(lambda: MESSAGE))}
COUNT = Record(_NEEDED, _COUNTED, nulls=False)
CREATE = Record(
    {**_NEEDED, "max_tokens": Whole(1)},
    {
        **_COUNTED,
        "diagnostics": Maybe(OBJECT),
        "inference_geo": Maybe(Text()),
        "metadata": Record({}, {"user_id": Maybe(Text(most=256))}, nulls=False),
        "service_tier": Word("auto", "standard_only"),
        "stop_sequences": Items(Text(least=1)),
        "stream": Flag(),
        "temperature": Number(0, 1),
        "top_k": Whole(0),
        "top_p": Number(0, 1),
        "user_profile_id": Text(),
        "workspace_id": Text(),
    },
    nulls=False,
)
# What Bedrock passes through to Claude as it is.
TOLD = Record(
    {},
    {
        "thinking": _THINKING,
        "reasoning_config": _THINKING,
        "top_k": Whole(0),
        "tool_choice": _CHOICE,
        "output_config": _COUNTED["output_config"],
        "anthropic_beta": Items(Text()),
    },
)
# Fields that exist only for those who ask for the beta they belong to, by the first words of its name.
BETA = {
    "mcp_servers": "mcp-client-",
    "context_management": "context-management-",
    "output_format": "structured-outputs-",
}
