"""
The shapes of Cohere's requests.

Source: the Cohere API reference and the types of its Python SDK 7.3, read 2026-11.
"""

from __future__ import annotations

from excise.standin.shapes import Either, Flag, Free, Items, Number, Record, Shape, Table, Text, Union, Whole, Word

OBJECT = Table(Free())
_ROLE = Text()
_DOCUMENT = Record({"data": Either(OBJECT, Text())}, {"id": Text()})
_TEXT = Record({"type": Text(), "text": Text()})
_TEXTS = Either(Text(), Items(Union("type", {"text": _TEXT})))
_CALL = Record({"id": Text(least=1), "function": Record({"name": Text(least=1), "arguments": Text()})}, {"type": Word("function")})
MESSAGE = Union(
    "role",
    {
        "system": Record({"role": _ROLE, "content": _TEXTS}),
        "developer": Record({"role": _ROLE, "content": _TEXTS}),
        "user": Record(
            {
                "role": _ROLE,
                "content": Either(
                    Text(),
                    Items(
                        Union(
                            "type",
                            {
                                "text": _TEXT,
                                "image_url": Record(
                                    {"type": Text(), "image_url": Record({"url": Text()}, {"detail": Word("auto", "low", "high")})}
                                ),
                            },
                        ),
                        least=1,
                    ),
                ),
            },
            {"documents": Items(OBJECT)},
        ),
        "assistant": Record(
            {"role": _ROLE},
            {
                "content": Either(Text(), Items(Union("type", {"text": _TEXT, "thinking": Record({"type": Text(), "thinking": Text()})}))),
                "tool_calls": Items(_CALL),
                "tool_plan": Text(),
                "citations": Items(OBJECT),
            },
        ),
        "tool": Record(
            {
                "role": _ROLE,
                "tool_call_id": Text(least=1),
                "content": Either(
                    Text(), Items(Union("type", {"text": _TEXT, "document": Record({"type": Text(), "document": _DOCUMENT})}))
                ),
            }
        ),
    },
)
_FUNCTION = Record({"name": Text(r"[a-zA-Z0-9_-]+"), "parameters": OBJECT}, {"description": Text()})
CHAT = Record(
    {"model": Text(least=1), "messages": Items(MESSAGE, least=1)},
    {
        "tools": Items(Record({"type": Word("function"), "function": _FUNCTION})),
        "strict_tools": Flag(),
        "documents": Items(Either(Text(), _DOCUMENT)),
        "citation_options": Record({}, {"mode": Word("ENABLED", "DISABLED", "FAST", "ACCURATE", "OFF", "enabled", "disabled")}),
        "response_format": Union(
            "type",
            {
                "text": Record({"type": Text()}),
                "json_object": Record({"type": Text()}, {"json_schema": OBJECT, "schema": OBJECT}),
            },
        ),
        "safety_mode": Word("CONTEXTUAL", "STRICT", "OFF", "NONE"),
        "max_tokens": Whole(0),
        "stop_sequences": Items(Text(least=1), most=5),
        "temperature": Number(0, 1),
        "seed": Whole(0),
        "frequency_penalty": Number(0, 1),
        "presence_penalty": Number(0, 1),
        "k": Whole(0, 500),
        "p": Number(0, 0.99),
        "logprobs": Flag(),
        "tool_choice": Word("REQUIRED", "NONE"),
        "thinking": Record({"type": Word("enabled", "disabled")}, {"token_budget": Whole(1)}),
        "priority": Whole(0, 999),
        "stream": Flag(),
        "raw_prompting": Flag(),
    },
)
_INPUTS: dict[str, Shape] = {
    "texts": Items(Text(), least=1, most=96),
    "images": Items(Text(), least=1, most=1),
    "inputs": Items(Record({"content": Items(OBJECT, least=1)}), least=1, most=96),
}
EMBED = Record(
    {"model": Text(least=1), "input_type": Word("search_document", "search_query", "classification", "clustering", "image")},
    {
        **_INPUTS,
        "max_tokens": Whole(1),
        "output_dimension": Whole(1),
        "embedding_types": Items(Word("float", "int8", "uint8", "binary", "ubinary", "base64"), least=1),
        "truncate": Word("NONE", "START", "END"),
        "priority": Whole(0, 999),
    },
)
RERANK = Record(
    {"model": Text(least=1), "query": Text(least=1), "documents": Items(Text(), least=1)},
    {
        "top_n": Whole(1),
        "max_tokens_per_doc": Whole(1),
        "max_chunks_per_doc": Whole(1),
        "relevant_spans": OBJECT,
        "priority": Whole(0, 999),
    },
)
