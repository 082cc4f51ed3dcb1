"""
Ask an OpenAI-style stream for its usage where the client did not, and keep the extra from the client.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs

import orjson

from excise.exchange import Call, Prompt
from excise.wire.frame import Frame

_DIALECTS = ("openai-chat", "openai-completions")

# Providers by id of the catalogue which are not asked.
NOT_ASKED = frozenset(
    (
        "mistral",  # 422 extra_forbidden for the field (openai-agents-python #442, 2025-04); sends usage unasked
        "bytez",  # rejects it (litellm #35290, 2026-07)
        "oci",  # its own format rejects it (litellm #35290, 2026-07)
        "databricks",  # 400 where it serves Bedrock models (opencode #4698, 2025-11); sends usage unasked
        "together",  # sends usage unasked, as do the next two
        "writer",
        "perplexity",
    )
)

# Azure knows the field from this API version on (azure-sdk-for-java #40998, 2024-11), and never beside `data_sources`
# (azure-sdk-for-js #30751, 2024-08).
_AZURE = frozenset(("azure", "azure-openai"))
_AZURE_SINCE = "2024-09-01"

_ASKED = b'"stream_options":{"include_usage":true}'
_OPTIONS = re.compile(rb'"stream_options"[ \t\r\n]*:[ \t\r\n]*(?:(null)|\{)')
_LEFT_NULL = re.compile(rb'"include_usage"[ \t\r\n]*:[ \t\r\n]*(null)')
_PLACES = 8  # a key of that name may also stand deeper down, in a tool's schema; more than this is no real request
_NULL_USAGE = b',"usage":null'


def ask_for_usage(call: Call, prompt: Prompt, *, path: str = "", not_asked: frozenset[str] = NOT_ASKED) -> bytes | None:
    """
    The request's body with `stream_options.include_usage` set, every other byte as it was; `None` where it is not to be changed.

    Not changed: other dialects, calls without a stream, clients that said `true` or `false` themselves, providers in `not_asked`,
    Azure versions that do not know the field, and bodies where the place to write to cannot be told for certain.

    Args:
        call: What kind of call it is.
        prompt: What was read from it; `body` and `json` belong together.
        path: With query: Azure's `api-version` stands there.
        not_asked: Ids of providers that reject the field, or send usage anyway.
    """
    body, parsed = prompt.body, prompt.json
    if call.dialect not in _DIALECTS or call.operation not in ("chat", "completions") or call.provider in not_asked:
        return None
    if not prompt.stream or prompt.include_usage is not None or not isinstance(parsed, dict) or parsed.get("stream") is not True:
        return None
    if call.provider in _AZURE and not _azure_knows(path, parsed):
        return None
    if "stream_options" not in parsed:
        end = body.rindex(b"}")
        return _verified(b"%b,%b%b" % (body[:end], _ASKED, body[end:]), parsed, {})
    options = parsed["stream_options"]
    if options is not None and not isinstance(options, dict):
        return None
    return _spliced(body, parsed, options)


def _azure_knows(path: str, parsed: dict[str, Any]) -> bool:
    version = parse_qs(path.partition("?")[2]).get("api-version", [""])[0]
    # The newer paths under /openai/v1 need no version, and name it in words where they do.
    too_old = version[:1].isdigit() and version[: len(_AZURE_SINCE)] < _AZURE_SINCE
    return not too_old and "data_sources" not in parsed


def _spliced(body: bytes, parsed: dict[str, Any], options: dict[str, Any] | None) -> bytes | None:
    if options and "include_usage" in options:
        places = [(found.start(1), found.end(1), b"true") for found in _LEFT_NULL.finditer(body)]
    elif options is None:
        places = [(found.start(1), found.end(1), b'{"include_usage":true}') for found in _OPTIONS.finditer(body) if found[1]]
    else:
        inserted = b'"include_usage":true,' if options else b'"include_usage":true'
        places = [(found.end(), found.end(), inserted) for found in _OPTIONS.finditer(body) if not found[1]]
    for start, end, text in places[:_PLACES]:
        if (changed := _verified(body[:start] + text + body[end:], parsed, options or {})) is not None:
            return changed
    return None


def _verified(changed: bytes, parsed: dict[str, Any], options: dict[str, Any]) -> bytes | None:
    """
    `changed`, if it reads as `parsed` with nothing but `include_usage` set; else `None`.
    """
    try:
        read = orjson.loads(changed)
    except orjson.JSONDecodeError:
        return None
    return changed if read == {**parsed, "stream_options": {**options, "include_usage": True}} else None


def strip_usage(frame: Frame, *, null_added: bool = True) -> bytes:
    """
    The bytes of a frame to forward where we asked for usage and the client did not.

    Nothing for the extra chunk: `choices` empty, `usage` given, no error. A chunk with choices and usage is kept whole: that provider
    sends usage there anyway. `,"usage":null`, which OpenAI and Azure add to every other chunk when asked, is cut out where it can
    only be the chunk's own. Everything else is `frame.raw` itself.

    Args:
        frame: Of a chat or completions stream.
        null_added: Whether this provider adds the `null`s because it was asked. Together and vLLM send them always.
    """
    raw, data = frame.raw, frame.data
    if data is None or b'"usage"' not in data:
        return raw
    chunk = frame.json
    if not isinstance(chunk, dict) or "usage" not in chunk:
        return raw
    if chunk["usage"] is not None:
        return b"" if chunk.get("choices") == [] and "error" not in chunk else raw
    # `"usage"` once in all of the data is the chunk's own key: quotes inside strings are escaped.
    if null_added and data.count(b'"usage"') == 1 and raw.count(_NULL_USAGE) == 1:
        return raw.replace(_NULL_USAGE, b"")
    return raw
