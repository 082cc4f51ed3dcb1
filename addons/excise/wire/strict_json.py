"""
JSON that every reader reads alike.

Policy judges one reading of a request, the provider acts on another: where two readers may differ, the request is refused. They differ
over repeated keys (first or last wins), NaN and Infinity, byte order marks and broken UTF-8, and very deep nesting (some give up).
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from excise.errors import BadRequest, WireError

DEPTH_LIMIT = 128

# Every key ends like this; so do, now and then, other things: `"a\": 1"` inside a string, and the head of the string `": 1"`.
# No look-behind: a pattern that begins with a plain byte is searched ten times faster, and the count may be too high, never too low.
_KEY_END = re.compile(rb'"[ \t\r\n]*:')

# Error texts hold nothing of a request. These words are the protocols', not the client's, so a path may name them.
_SPOKEN_WORDS = """
    additionalModelRequestFields arguments cache_control content contents data documents file frequency_penalty function
    functionCall functionDeclarations functionResponse functions generationConfig image_url include_usage inferenceConfig
    inlineData input input_schema instructions json json_schema max_completion_tokens max_output_tokens max_tokens maxOutputTokens
    maxTokens messages metadata modalities model modelId n name options output output_config parameters parts presence_penalty
    prompt properties reasoning reasoning_effort required response_format role safety_identifier schema seed source stop store
    stream stream_options system systemInstruction temperature text thinking tool_calls tool_choice toolConfig tools toolSpec
    top_k top_p topP type user
"""
SPOKEN = frozenset(_SPOKEN_WORDS.split())


def load(body: bytes) -> Any:
    """
    Parse a JSON document strictly.

    Guaranteed of what is returned: the bytes are UTF-8 without byte order mark, one document and nothing after it; no NaN or Infinity;
    no object at any depth has a key twice (compared after unescaping); nesting of at most `DEPTH_LIMIT`. Not promised: that large or
    long numbers keep their digits.

    The fast path parses once with orjson and then proves by counting that no key was repeated: a repeated key is in the bytes but not
    in the parsed value. Where the count does not settle it (JSON inside strings, strings that begin with a colon), the document is
    parsed again with every object's keys compared: about 1.5 µs an object and 3 ms a megabyte of text.

    Raises:
        WireError: Not JSON, or nested too deeply.
        BadRequest: A repeated key; the text names where.

    Source: RFC 8259 section 4 and 9; RFC 7493 (I-JSON), read 2026-11.
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        # Without the cause: orjson's error carries the document.
        raise WireError("the body is not valid JSON (UTF-8, no NaN or Infinity, no byte order mark)") from None
    if len(_KEY_END.findall(body)) != _keys(value):
        _compare_keys(body)
    return value


def _keys(value: Any) -> int:
    """
    How many keys the objects of `value` have, all together.
    """
    keys = 0
    level = [value]
    for _ in range(DEPTH_LIMIT):
        below: list[Any] = []
        for node in level:
            if type(node) is dict:
                keys += len(node)
                below += [child for child in node.values() if type(child) is dict or type(child) is list]
            elif type(node) is list:
                below += [child for child in node if type(child) is dict or type(child) is list]
        if not below:
            return keys
        level = below
    raise WireError(f"the body is nested deeper than {DEPTH_LIMIT} levels")


class _Repeated(dict[str, Any]):
    """
    An object with a key twice.
    """

    key: str


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    repeated = _Repeated(made)
    seen: set[str] = set()
    repeated.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
    return repeated


def _compare_keys(body: bytes) -> None:
    value = json.loads(body, object_pairs_hook=_object)
    if path := _find(value, "$"):
        raise BadRequest(f"a key is given twice, at {path}; readers would disagree on which one holds", kind="duplicate_key")


def _find(node: Any, path: str) -> str | None:
    # An object lost to a repeated key of its parent need not be found: the parent will be.
    if isinstance(node, _Repeated):
        return f"{path}.{spoken(node.key)}"
    if isinstance(node, dict):
        return next((found for key, child in node.items() if (found := _find(child, f"{path}.{spoken(key)}"))), None)
    if isinstance(node, list):
        return next((found for at, child in enumerate(node) if (found := _find(child, f"{path}[{at}]"))), None)
    return None


def spoken(key: str) -> str:
    return key if key in SPOKEN else "*"
