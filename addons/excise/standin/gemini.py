"""
Gemini: generateContent, streamGenerateContent (SSE and JSON array), countTokens, embedContent, models.

Source: the Gemini API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
import re
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, compose, count_tokens
from excise.standin.call import Bill, Refusal, Reply, Request, fields, json_reply, sse
from excise.standin.models import Model

FIELDS = fields(
    """
    contents tools toolConfig tool_config safetySettings safety_settings systemInstruction system_instruction
    generationConfig generation_config cachedContent cached_content model serviceTier store
    """
)
PATH = re.compile(r"/(v1|v1beta)/models/([^/:]+):(\w+)")
KINDS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
# The pieces of an error page that Google's front end answers unknown paths with.
NOT_FOUND = "<!DOCTYPE html><html lang=en><title>Error 404 (Not Found)!!1</title><p>The requested URL was not found on this server."


def refuse(status: int, message: str, details: list[Any] | None = None) -> Refusal:
    """
    An error in Google's shape.
    """
    return Refusal(status, _error(status, message, details))


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return _error(status, f"Scripted error {status}.", None)


def _error(status: int, message: str, details: list[Any] | None) -> dict[str, Any]:
    error: dict[str, Any] = {"code": status, "message": message, "status": KINDS.get(status, "UNKNOWN")}
    return {"error": {**error, "details": details} if details else error}


def answer(request: Request) -> Reply:
    """
    Answer one call to generativelanguage.googleapis.com.

    Raises:
        Refusal: What Google would refuse.
    """
    found = PATH.fullmatch(request.path)
    listing = request.path in ("/v1/models", "/v1beta/models")
    handler = HANDLERS.get(found[3]) if found else None
    if handler is None and not listing:
        raise Refusal(404, NOT_FOUND)
    if request.method != ("GET" if listing else "POST"):
        raise Refusal(404, NOT_FOUND)
    _authorize(request)
    if listing:
        cards = [{"name": f"models/{name}", "version": "001", "displayName": name} for name in models.MODELS["gemini"]]
        return json_reply({"models": cards}, kind="application/json; charset=UTF-8")
    assert found is not None and handler is not None
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise refuse(400, "Invalid JSON payload received. Unexpected token.") from error
    if not isinstance(body, dict):
        raise refuse(400, "Invalid JSON payload received. Unknown name.")
    kind = "embeddings" if "mbed" in found[3] else "chat"
    model = models.find("gemini", found[2], kind)
    if model is None:
        text = f"models/{found[2]} is not found for API version {found[1]}, or is not supported for {found[3]}."
        raise refuse(404, f"{text} Call ListModels to see the list of available models and their supported methods.")
    return handler(request, body, model)


def _authorize(request: Request) -> None:
    key = request.header("x-goog-api-key") or request.query.get("key") or request.bearer()
    if not key:
        text = "Method doesn't allow unregistered callers (callers without established identity)."
        raise refuse(403, f"{text} Please use API Key or other form of API consumer identity to call this API.")
    if not key.startswith("standin-"):
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        raise refuse(400, "API key not valid. Please pass a valid API key.", [reason])


def _compose(body: dict[str, Any], model: Model) -> Answer:
    for name in body:
        if name not in FIELDS:
            raise refuse(400, f'Invalid JSON payload received. Unknown name "{name}": Cannot find field.')
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents:
        raise refuse(400, "* GenerateContentRequest.contents: contents is not specified\n")
    for turn in contents:
        if turn.get("role", "user") not in ("user", "model", "function"):
            raise refuse(400, "Please use a valid role: user, model.")
        if not turn.get("parts"):
            raise refuse(400, "* GenerateContentRequest.contents.parts: contents.parts must not be empty.\n")
    system = body.get("systemInstruction") or body.get("system_instruction")
    config = body.get("generationConfig") or body.get("generation_config") or {}
    declared = [
        part for tool in body.get("tools") or [] for part in tool.get("functionDeclarations") or tool.get("function_declarations") or []
    ]
    schemas = tuple((part["name"], part.get("parametersJsonSchema") or part.get("parameters") or {}) for part in declared)
    content = [system, contents] if system else [contents]
    return compose(content, tools=declared, schemas=schemas, limit=config.get("maxOutputTokens"), reasons=model.reasons)


def _bill(model: Model, answer: Answer) -> Bill:
    return models.bill(
        "gemini", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens, reasoning=answer.reasoning_tokens
    )


def _chunk(model: Model, answer: Answer, parts: list[Any], shown: int, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}}
    if last:
        candidate["finishReason"] = "MAX_TOKENS" if answer.cut else "STOP"
    # candidatesTokenCount leaves thoughts out; a chunk in mid-stream counts what it has shown so far.
    usage: dict[str, Any] = {"promptTokenCount": answer.input_tokens, "candidatesTokenCount": shown}
    if answer.cached_tokens:
        usage["cachedContentTokenCount"] = answer.cached_tokens
    if answer.reasoning_tokens:
        usage["thoughtsTokenCount"] = answer.reasoning_tokens
    usage["totalTokenCount"] = answer.input_tokens + shown + answer.reasoning_tokens
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": answer.input_tokens}]
    return {
        "candidates": [{**candidate, "index": 0}],
        "usageMetadata": usage,
        "modelVersion": model.served,
        "responseId": answer.id[:22],
    }


def _parts(answer: Answer) -> list[Any]:
    if answer.tool:
        return [{"functionCall": {"name": answer.tool.name, "args": answer.tool.arguments}}]
    return [{"text": answer.text}]


def _generate(request: Request, body: dict[str, Any], model: Model) -> Reply:
    answer = _compose(body, model)
    shown = answer.output_tokens - answer.reasoning_tokens
    whole = _chunk(model, answer, _parts(answer), shown, True)
    return json_reply(whole, _bill(model, answer), (("vary", "Origin"),), "application/json; charset=UTF-8")


def _stream(request: Request, body: dict[str, Any], model: Model) -> Reply:
    answer = _compose(body, model)
    shown = answer.output_tokens - answer.reasoning_tokens
    if answer.tool:
        chunks = [_chunk(model, answer, _parts(answer), shown, True)]
    else:
        last = len(answer.words) - 1
        chunks = [_chunk(model, answer, [{"text": word}], at + 1, at == last) for at, word in enumerate(answer.words)]
    error = failure(503)
    if request.query.get("alt") == "sse":
        pieces = tuple(sse(chunk, end="\r\n") for chunk in chunks)
        kind, broken = "text/event-stream", sse(error, end="\r\n")
    else:
        texts = [json.dumps(chunk, indent=2, ensure_ascii=False).encode() for chunk in chunks]
        pieces = (b"[" + texts[0], *(b"\n,\n" + text for text in texts[1:]), b"\n]\n")
        kind, broken = "application/json; charset=UTF-8", b"\n,\n" + json.dumps(error, indent=2).encode() + b"\n]\n"
    return Reply(200, (("content-type", kind), ("vary", "Origin")), pieces, streamed=True, bill=_bill(model, answer), broken=broken)


def _count(request: Request, body: dict[str, Any], model: Model) -> Reply:
    contents = body.get("contents") or (body.get("generateContentRequest") or {}).get("contents")
    if not contents:
        raise refuse(400, "* CountTokensRequest.contents: contents is not specified\n")
    tokens = count_tokens(contents)
    return json_reply({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})


def _embed(request: Request, body: dict[str, Any], model: Model) -> Reply:
    asked = body.get("requests") or [body]
    if not all(part.get("content") for part in asked):
        raise refuse(400, "* EmbedContentRequest.content: content is not specified\n")
    vectors = [{"values": [(int(digit, 16) - 7.5) / 16 for digit in compose(part["content"]).id[:8]]} for part in asked]
    return json_reply({"embeddings": vectors} if "requests" in body else {"embedding": vectors[0]})


HANDLERS = {
    "generateContent": _generate,
    "streamGenerateContent": _stream,
    "countTokens": _count,
    "embedContent": _embed,
    "batchEmbedContents": _embed,
}
