"""
Traffic of LLM calls as each dialect writes it, full of what looks like a secret and is none: identifiers, signatures, encrypted blocks.
"""

# ruff: noqa: E501 - tables, a row a line

from __future__ import annotations

import base64
import json
import pydoc_data.topics
from collections.abc import Callable
from random import Random
from typing import Any

from privacy.labelled.values import shape

_PARAGRAPHS = [part for text in pydoc_data.topics.topics.values() for part in text.split("\n\n") if 80 < len(part) < 1500]


def _say(random: Random) -> str:
    return random.choice(_PARAGRAPHS)


def _tool(random: Random) -> dict[str, Any]:
    properties = {
        "file_path": {"type": "string", "description": "The absolute path to the file to read"},
        "offset": {"type": "number", "description": "The line number to start reading from", "default": 0},
        "auth_token_name": {"type": "string", "enum": ["primary", "secondary"]},
        "max_tokens": {"type": "integer", "minimum": 1, "maximum": 65536},
    }
    schema = {"type": "object", "properties": properties, "required": ["file_path"], "additionalProperties": False}
    return {"name": f"read_{shape(random, '<L6>')}", "description": _say(random), "schema": schema}


def _png(random: Random) -> str:
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.randbytes(random.randint(2_000, 30_000))).decode()


def _usage(random: Random) -> dict[str, Any]:
    return {
        "prompt_tokens": random.randrange(90_000),
        "completion_tokens": random.randrange(4000),
        "prompt_tokens_details": {"cached_tokens": 1024},
    }


def _chat_request(random: Random) -> dict[str, Any]:
    call = shape(random, "call_<a24>")
    arguments = json.dumps({"file_path": "/srv/app/main.py", "offset": random.randrange(900)})
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_png(random)}"}}
    return {
        "model": "gpt-5.2-2026-01-20",
        "messages": [
            {"role": "system", "content": _say(random)},
            {"role": "user", "content": [{"type": "text", "text": _say(random)}, image]},
            {"role": "assistant", "tool_calls": [{"id": call, "type": "function", "function": {"name": "read", "arguments": arguments}}]},
            {"role": "tool", "tool_call_id": call, "content": _say(random)},
        ],
        "tools": [{"type": "function", "function": {**(tool := _tool(random)), "parameters": tool["schema"]}} for _ in range(3)],
        "max_completion_tokens": 4096, "seed": random.getrandbits(31), "prompt_cache_key": shape(random, "conversation-<h8>"), "stream": True,
    }  # fmt: skip


def _responses_request(random: Random) -> dict[str, Any]:
    reasoning = {"type": "reasoning", "id": shape(random, "rs_<h48>"), "summary": [], "encrypted_content": shape(random, "gAAAAAB<w800>==")}
    call = {
        "type": "function_call",
        "id": shape(random, "fc_<h48>"),
        "call_id": shape(random, "call_<a24>"),
        "name": "read",
        "arguments": "{}",
    }
    return {
        "model": "gpt-5.2", "instructions": _say(random), "store": False, "include": ["reasoning.encrypted_content"],
        "input": [{"role": "user", "content": _say(random)}, reasoning, call, {"type": "function_call_output", "call_id": call["call_id"], "output": _say(random)}],
        "previous_response_id": shape(random, "resp_<h48>"), "tools": [{"type": "function", **_tool(random)}], "safety_identifier": shape(random, "<h64>"),
    }  # fmt: skip


def _messages_request(random: Random) -> dict[str, Any]:
    use = shape(random, "toolu_01<a22>")
    thinking = {"type": "thinking", "thinking": _say(random), "signature": shape(random, "EqQB<b600>==")}
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": _png(random)}}
    return {
        "model": "claude-opus-4-8", "max_tokens": 32000, "system": [{"type": "text", "text": _say(random), "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": _say(random)}, image]},
            {"role": "assistant", "content": [thinking, {"type": "tool_use", "id": use, "name": "read", "input": {"file_path": "/srv/a.py"}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use, "content": _say(random)}]},
            {"role": "assistant", "content": [{"type": "redacted_thinking", "data": shape(random, "EmwK<b400>==")}]},
        ],
        "metadata": {"user_id": shape(random, "user_<h64>_account__session_<h8>-<h4>-4<h3>-a<h3>-<h12>")},
        "tools": [{"input_schema": (tool := _tool(random)).pop("schema"), **tool} for _ in range(3)],
    }  # fmt: skip


def _gemini_request(random: Random) -> dict[str, Any]:
    call = {"functionCall": {"name": "read", "args": {"path": "/srv"}}, "thoughtSignature": shape(random, "<b500>==")}
    inline = {"inlineData": {"mimeType": "image/png", "data": _png(random)}}
    return {
        "contents": [{"role": "user", "parts": [{"text": _say(random)}, inline]}, {"role": "model", "parts": [call]}],
        "systemInstruction": {"parts": [{"text": _say(random)}]}, "cachedContent": shape(random, "cachedContents/<l40>"),
        "generationConfig": {"temperature": random.random(), "maxOutputTokens": 8192, "responseSchema": {"type": "OBJECT"}},
    }  # fmt: skip


def _embedding_request(random: Random) -> dict[str, Any]:
    return {"model": "text-embedding-3-large", "input": [_say(random) for _ in range(20)], "encoding_format": "base64", "dimensions": 1024}


def _chat_answer(random: Random) -> str:
    head = {
        "id": shape(random, "chatcmpl-<a29>"),
        "object": "chat.completion.chunk",
        "created": random.randint(1_700_000_000, 1_790_000_000),
    }
    head |= {"model": "gpt-5.2-2026-01-20", "service_tier": "default", "system_fingerprint": shape(random, "fp_<h10>")}
    words = _say(random).split(" ")
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"content": word + " "}, "finish_reason": None}], "obfuscation": shape(random, "<a12>")}
        for word in words
    ]
    chunks.append({**head, "choices": [], "usage": _usage(random)})
    return "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"


def _messages_answer(random: Random) -> str:
    start = {
        "type": "message_start",
        "message": {"id": shape(random, "msg_01<a22>"), "role": "assistant", "usage": {"input_tokens": random.randrange(9000)}},
    }
    signature = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "signature_delta", "signature": shape(random, "EqQB<b600>==")},
    }
    use = {
        "type": "content_block_start",
        "index": 1,
        "content_block": {"type": "tool_use", "id": shape(random, "toolu_01<a22>"), "name": "read", "input": {}},
    }
    texts = [
        {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": part}} for part in _say(random).split(". ")
    ]
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in (start, signature, use, *texts))


def _responses_answer(random: Random) -> str:
    reasoning = {"type": "reasoning", "id": shape(random, "rs_<h48>"), "encrypted_content": shape(random, "gAAAAAB<w1200>==")}
    message = {
        "type": "message",
        "id": shape(random, "msg_<h48>"),
        "content": [{"type": "output_text", "text": _say(random), "annotations": []}],
    }
    return json.dumps(
        {"id": shape(random, "resp_<h48>"), "created_at": 1_760_000_000, "output": [reasoning, message], "usage": _usage(random)}
    )


def _gemini_answer(random: Random) -> str:
    part = {"text": _say(random), "thoughtSignature": shape(random, "<b700>==")}
    return json.dumps(
        {"candidates": [{"content": {"parts": [part]}, "avgLogprobs": -random.random()}], "responseId": shape(random, "<w22>")}
    )


def _embedding_answer(random: Random) -> str:
    if random.random() < 0.5:
        vector: object = base64.b64encode(random.randbytes(4096)).decode()
    else:
        vector = [random.gauss(0, 0.03) for _ in range(512)]
    return json.dumps({"object": "list", "data": [{"object": "embedding", "index": 0, "embedding": vector}], "usage": {"prompt_tokens": 9}})


_REQUESTS: tuple[Callable[[Random], dict[str, Any]], ...] = (
    _chat_request,
    _responses_request,
    _messages_request,
    _gemini_request,
    _embedding_request,
)
_ANSWERS = (_chat_answer, _messages_answer, _responses_answer, _gemini_answer, _embedding_answer)


def requests(random: Random) -> str:
    """
    One request body.
    """
    return json.dumps(random.choice(_REQUESTS)(random), ensure_ascii=random.random() < 0.5)


def answers(random: Random) -> str:
    """
    One answer: JSON or a stream of events.
    """
    return random.choice(_ANSWERS)(random)
