"""
The strings of a body that are not scanned: by name and by shape, for under a name alone anything could hide.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

from excise.wire import strict_json

# Ids are made by providers and SDKs; what is found in one is chance, and a changed one no longer refers to anything.
_ID_KEYS_WORDS = """
    id call_id tool_call_id tool_use_id toolUseId toolCallId item_id itemId response_id responseId previous_response_id
    previous_interaction_id request_id requestId message_id messageId session_id sessionId conversation thread_id run_id assistant_id
    file_id fileId container_id vector_store_id batch_id parent_id prompt_cache_key trace_id span_id etag Etag ETag
    system_fingerprint uuid parentUuid sha256 sha1 sha512 sha digest hash
"""
ID_KEYS = frozenset(_ID_KEYS_WORDS.split())
# Each in the lengths its provider makes; a secret of forty characters behind `call_` is scanned. So is `{"id": "john@x.com"}`.
# Source: ids in the API references of OpenAI, Anthropic, Bedrock and Mistral, and in recorded answers, read 2026-11.
_ID = re.compile(
    r"(?=[a-z-]*[_-][0-9A-Za-z]*[0-9])(?=[a-z-]*[_-][0-9A-Za-z]*[a-z])(?:"
    r"call_(?:[0-9A-Za-z]{22}|[0-9A-Za-z]{24})|(?:toolu|srvtoolu|mcptoolu|msg|req|msgbatch|container)_0[0-9A-Za-z]{21,25}|tooluse_[0-9A-Za-z]{22}"
    r"|(?:chatcmpl|cmpl)-(?:[0-9A-Za-z]{29}|[0-9a-f]{32})|chatcmpl-tool-[0-9a-f]{32}"
    r"|(?:msg|rs|fc|fco|resp|ws|ig|ci|cu|lsh|mcp|mcpr|mcpl|cmp|fs|cntr|conv|item)_(?:[0-9a-f]{48}|[0-9a-f]{50})"
    r"|(?:asst|run|thread|step|msg|vs|ftjob)_[0-9A-Za-z]{24}|file-(?:[0-9A-Za-z]{22}|[0-9A-Za-z]{24})|batch_(?:[0-9A-Za-z]{24}|[0-9a-f]{32}))"
)
_NUMBER_INSIDE = re.compile(r"[0-9]{9}")
_UUID = re.compile(r"(?=(?:[0-9-]*[a-fA-F]){3})[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
DIGEST_KEYS = frozenset(("sha", "sha1", "sha256", "sha512", "digest", "etag", "Etag", "ETag", "hash"))
_DIGEST = re.compile(r"(?=(?:[0-9]*[a-f]){3})(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9a-f]{128})|sha(?:1|256|512)[:-][0-9a-f]{40,128}")


def is_id(value: str, key: str = "id") -> bool:
    """
    Whether the value of a key of `ID_KEYS` has the shape of an id: `call_…`, `toolu_01…`, `chatcmpl-…`, a UUID; or of a digest, under a
    key of `DIGEST_KEYS`.
    """
    if _ID.fullmatch(value) is not None:
        return not _NUMBER_INSIDE.search(value)
    return _UUID.fullmatch(value) is not None or (key in DIGEST_KEYS and _DIGEST.fullmatch(value) is not None)


# Ciphertext and signatures the provider made and wants back unchanged.
# Source: Anthropic "Extended thinking", Gemini "Thought signatures", OpenAI "Reasoning", Bedrock "ReasoningContentBlock", read 2026-11.
SEALED_KEYS = frozenset(
    (
        "signature",
        "thoughtSignature",
        "thought_signature",
        "encrypted_content",
        "encrypted_index",
        "encrypted_stdout",
        "redactedContent",
    )
)
# `data` is one only in these blocks.
SEALED_DATA_TYPES = frozenset(("redacted_thinking", "reasoning.encrypted"))
_SEALED_LEAST = 64  # characters; real ones have hundreds
_DISTINCT = 24
_MIXED = re.compile(r"(?=[^0-9]*[0-9])(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])")
_BASE64 = re.compile(r"[0-9A-Za-z+/_-]+={0,2}")
# In random bytes a run of twelve printable characters comes once in 150 KB; model names are there, written plainly.
_READABLE = re.compile(rb"[\x20-\x7e]{12,}")
_PRINTABLE = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def unseal(value: str) -> bytes | None:
    """
    The bytes of a signature or ciphertext; `None` where the value has not the shape of one, or is text in disguise.
    """
    if len(value) < _SEALED_LEAST or len(value.rstrip("=")) % 4 == 1 or not _BASE64.fullmatch(value):
        return None
    # So many random characters have all of these; and a run of nine digits comes once in twenty million.
    head = value[:_SEALED_LEAST]
    if not (_MIXED.match(head) and len(set(head)) >= _DISTINCT) or _NUMBER_INSIDE.search(value):
        return None
    data = binascii.a2b_base64(value.rstrip("=").translate(_URLSAFE) + "===")
    printable = len(data) - len(data.translate(None, _PRINTABLE))
    # 38 % of random bytes are printable.
    return data if printable < 0.75 * len(data) else None


def readable(data: bytes) -> Iterator[str]:
    """
    What stands in a signature in plain letters; it is scanned, though it cannot be changed.
    """
    for found in _READABLE.finditer(data):
        yield found[0].decode("ascii")


_URLSAFE = {ord("-"): "+", ord("_"): "/"}

# Keys and values that are words of the protocols: equal to one of them means nothing else is in it.
_QUIET_KEYS_WORDS = "role type object format detail mode stop_reason finish_reason"
QUIET_KEYS = frozenset(_QUIET_KEYS_WORDS.split())
_QUIET_VALUES_WORDS = """
    user assistant system developer tool model function text string object array integer number boolean null ephemeral auto none
    required any input_text output_text input_image image_url tool_use tool_result tool_calls function_call function_call_output
    message reasoning thinking completed in_progress json_object json_schema enabled disabled low medium high stop end_turn
"""
QUIET_VALUES = frozenset(_QUIET_VALUES_WORDS.split())
# Keys that have nothing in them, where what they stand before is no string.
_SPOKEN_WORDS = """
    additionalProperties anyOf default description enum items maxItems maximum maxLength minimum minItems minLength oneOf pattern strict
    tool_use_id title cache_control ephemeral index indices logprobs top_logprobs parallel_tool_calls service_tier summary effort
    verbosity include truncation annotations refusal audio is_error budget_tokens citations
"""
SPOKEN_KEYS = strict_json.SPOKEN.union(_SPOKEN_WORDS.split())
