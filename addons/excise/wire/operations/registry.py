"""
Which form a call is in, and in which of its forms a provider can be asked.
"""

from __future__ import annotations

from typing import Any

from excise.exchange import Call
from excise.wire.operations import (
    audio,
    count_tokens,
    embed_cohere,
    embed_gemini,
    embed_openai,
    embed_others,
    images,
    moderation,
    rerank,
)
from excise.wire.operations.form import Form
from excise.wire.usage_values import items, part

# What is routed beside generated text.
OPERATIONS = frozenset({"embeddings", "count_tokens", "rerank", "moderation", "images", "speech", "transcription"})

# Providers whose form of OpenAI's embeddings is one of their own.
_EMBEDDINGS = {
    "mistral": embed_openai.MISTRAL,
    "voyage": embed_openai.VOYAGE,
    "jina": embed_openai.JINA,
    "nvidia": embed_openai.NVIDIA,
}
_GOOGLE = frozenset({"gemini", "vertex"})


def operation_of(call: Call, json: Any) -> str:
    """
    The operation of a client's call. Google's `:predict` is several: what it is asked for shows in the body.
    """
    if call.operation != "predict":
        return call.operation
    first = part({"first": next(iter(items(part({"body": json}, "body").get("instances"))), None)}, "first")
    if "prompt" in first and "image" not in first:
        return "images"
    return "embeddings" if "content" in first else call.operation


def form_of(operation: str, call: Call, path: str, model: str | None = None) -> Form | None:
    """
    The form of a call.

    Args:
        operation: As `operation_of` gives it.
        call: The client's, or a way to a provider.
        path: Sent, or as the catalogue writes it.
        model: That is asked for, of a way to a provider: on some paths it decides what is spoken.

    Returns:
        `None`: the call is in no form we know, not even to be passed on.
    """
    path = path.partition("?")[0].rstrip("/").lower()
    tail = path.rpartition("/")[2]
    verb = tail.rpartition(":")[2]
    match operation:
        case "embeddings":
            return _embeddings(call, path, tail, verb, model or "")
        case "count_tokens":
            return _count(call, verb)
        case "rerank":
            return _rerank(call, path, tail, model or "")
        case "moderation":
            known = moderation.MISTRAL if call.provider == "mistral" else moderation.OPENAI
            return known if tail == "moderations" else None
        case "images":
            return _images(call, tail, verb, model)
        case "speech" if tail == "speech" and call.dialect == audio.NAME:
            return audio.SPEECH_MISTRAL if call.provider == "mistral" else audio.SPEECH
        case "transcription" if call.dialect == audio.NAME:
            return {"transcriptions": audio.TRANSCRIPTION, "translations": audio.TRANSLATION}.get(tail)
    return None


def _embeddings(call: Call, path: str, tail: str, verb: str, model: str) -> Form | None:
    match call.dialect:
        case "openai-embeddings" if tail == "embeddings":
            return _EMBEDDINGS.get(call.provider, embed_openai.OPENAI)
        case "cohere" if tail == "embed":
            return embed_cohere.V1 if "/v1/" in path else embed_cohere.V2
        case "gemini":
            return {"embedcontent": embed_gemini.ONE, "batchembedcontents": embed_gemini.BATCH}.get(verb)
        case "vertex-predict" if verb == "predict":
            return embed_gemini.PREDICT
        case "ollama":
            return embed_others.OLLAMA if tail == "embed" else embed_others.OLLAMA_OLD
        case "bedrock-invoke" if tail == "invoke" and "embed" in model:
            return embed_cohere.BEDROCK if "cohere." in model else embed_others.TITAN if "titan-embed-text" in model else None
    return None


def _count(call: Call, verb: str) -> Form | None:
    match call.dialect:
        case "anthropic-messages":
            return count_tokens.ANTHROPIC_AT_VERTEX if call.provider == "vertex" else count_tokens.ANTHROPIC
        case "gemini" if verb == "counttokens":
            return count_tokens.VERTEX if call.provider == "vertex" else count_tokens.GOOGLE
        case "openai-responses":
            return count_tokens.RESPONSES
        case "bedrock":
            return count_tokens.BEDROCK
    return None


def _rerank(call: Call, path: str, tail: str, model: str) -> Form | None:
    if call.dialect == "bedrock-invoke":
        return rerank.BEDROCK if tail == "invoke" and "cohere.rerank" in model else None
    if call.dialect != rerank.NAME or tail != "rerank":
        return None
    if call.provider == "cohere":
        return rerank.COHERE_V1 if "/v1/" in path else rerank.COHERE_V2
    return rerank.VOYAGE if call.provider == "voyage" else rerank.JINA


def _images(call: Call, tail: str, verb: str, model: str | None) -> Form | None:
    if call.dialect == "openai-images":
        if tail in ("generations", "images"):
            return images.OPENAI
        return Form("openai-images", f"images {tail}") if tail in ("edits", "variations") else None
    if call.provider in _GOOGLE and verb == "predict":
        return images.IMAGEN if model is None or model.startswith("imagen") else None
    if call.provider in _GOOGLE and verb == "generatecontent" and model is not None:
        return images.GEMINI if model.startswith("gemini") and "image" in model else None
    return None


def asked_in(operation: str, call: Call, path: str, model: str) -> Form | None:
    """
    The form in which a provider can be asked for a model on one of its paths; `None`: not there.
    """
    if call.operation not in (operation, *_ELSEWHERE.get(operation, ())):
        return None
    form = form_of(operation, call, path, model)
    if form in (embed_gemini.ONE, embed_gemini.PREDICT) and call.provider == "vertex":
        # Vertex has its newer embedding models on one path, the older ones on another.
        newer = model.startswith("gemini-embedding-") and not model.startswith("gemini-embedding-001")
        return form if form is (embed_gemini.ONE if newer else embed_gemini.PREDICT) else None
    if operation == "count_tokens" and call.provider in _CLAUDE_APART:
        return form if model.startswith(_CLAUDE) == (call.dialect == "anthropic-messages") else None
    if operation == "rerank" and call.provider in _NO_RERANK:
        return None
    return form


_CLAUDE = ("claude", "anthropic.")
_CLAUDE_APART = frozenset({"vertex", "azure-openai", "bedrock-mantle"})  # have paths of its own for it
_NO_RERANK = frozenset({"openai", "azure-openai"})  # the family has it, they have not

# Operations under which some providers offer others.
_ELSEWHERE = {"embeddings": ("predict", "invoke"), "rerank": ("invoke",), "images": ("predict", "chat")}
