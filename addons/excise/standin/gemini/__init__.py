"""
Gemini, at generativelanguage.googleapis.com and at Vertex: generateContent, streamGenerateContent (SSE and JSON array), countTokens,
embedContent, batchEmbedContents, predict (pictures), models.

Source: the Gemini API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, Literal

from excise.standin import models
from excise.standin.answers import Answer, compose
from excise.standin.ask import Ask, Said, Tool, count_tokens, vector
from excise.standin.call import Refusal, Reply, Request, dumps, json_reply, parsed
from excise.standin.gemini.answer import JSON, Writer
from excise.standin.gemini.errors import NOT_FOUND, failure, refuse, worded
from excise.standin.gemini.rules import check
from excise.standin.gemini.shapes import COUNT, EMBED, EMBED_ALL, GENERATE, PREDICT
from excise.standin.gemini.shapes import VERTEX as VERTEX_SHAPE
from excise.standin.media import PNG, Media, decoded
from excise.standin.models import Model
from excise.standin.shapes import Shape, Wrong

PATH = re.compile(r"/(v1|v1beta)/models/([^/:]+):(\w+)")
VERTEX = re.compile(r"/(v1|v1beta1)(?:/projects/[^/]+/locations/[^/]+)?/publishers/google/models/([^/:]+):(\w+)")
DIMENSIONS = 8
type Handler = Callable[[Request, str, dict[str, Any], Model], Reply]


def answer(request: Request) -> Reply:
    """
    Answer one call to generativelanguage.googleapis.com or aiplatform.googleapis.com.

    Raises:
        Refusal: What Google would refuse.
    """
    provider = "vertex" if request.host.endswith("aiplatform.googleapis.com") else "gemini"
    found = (VERTEX if provider == "vertex" else PATH).fullmatch(request.path)
    listing = provider == "gemini" and request.path in ("/v1/models", "/v1beta/models")
    known = HANDLERS.get(found[3]) if found else None
    if known is None and not listing:
        raise Refusal(404, NOT_FOUND)
    if request.method != ("GET" if listing else "POST"):
        raise Refusal(404, NOT_FOUND)
    _authorize(request, provider)
    if listing:
        cards = [{"name": f"models/{name}", "version": "001", "displayName": name} for name in models.MODELS["gemini"]]
        return json_reply({"models": cards}, kind=JSON)
    assert found is not None and known is not None
    shape, handler, kind = known
    body = _read(request, VERTEX_SHAPE if provider == "vertex" and shape is GENERATE else shape)
    model = models.find(provider, found[2], kind)
    if model is None and provider == "vertex" and kind == "images":
        model = models.find(provider, found[2], "embeddings")
    if model is None:
        text = f"models/{found[2]} is not found for API version {found[1]}, or is not supported for {found[3]}."
        raise refuse(404, f"{text} Call ListModels to see the list of available models and their supported methods.")
    return handler(request, provider, body, model)


def _authorize(request: Request, provider: str) -> None:
    key = request.header("x-goog-api-key") or request.query.get("key") or request.bearer()
    if not key:
        text = "Method doesn't allow unregistered callers (callers without established identity)."
        raise refuse(403, f"{text} Please use API Key or other form of API consumer identity to call this API.")
    if not key.startswith("standin-"):
        if provider == "vertex":
            text = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
            raise refuse(401, f"{text} authentication credential.")
        reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID", "domain": "googleapis.com"}
        raise refuse(400, "API key not valid. Please pass a valid API key.", [reason])


def _read(request: Request, shape: Shape) -> dict[str, Any]:
    try:
        given = parsed(request.body)
    except ValueError as error:
        raise refuse(400, "Invalid JSON payload received. Unexpected token.") from error
    if not isinstance(given, dict):
        raise refuse(400, 'Invalid JSON payload received. Unknown name "": Root element must be a message.')
    try:
        body: dict[str, Any] = shape.read(given)
    except Wrong as wrong:
        raise worded(wrong) from wrong
    return body


def _answered(body: dict[str, Any], model: Model) -> Answer:
    if not body.get("contents"):
        raise refuse(400, "* GenerateContentRequest.contents: contents is not specified\n")
    check(body, model)
    return compose(_ask(body, model))


def _ask(body: dict[str, Any], model: Model) -> Ask:
    config = body.get("generationConfig", {})
    system = body.get("systemInstruction")
    declared = [part for tool in body.get("tools", ()) for part in tool.get("functionDeclarations", ())]
    calling = body.get("toolConfig", {}).get("functionCallingConfig", {})
    choice: Literal["auto", "none", "required"] = {"ANY": "required", "NONE": "none"}.get(calling.get("mode", ""), "auto")  # type: ignore[assignment]
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    return Ask(
        content=[system, body["contents"]] if system else [body["contents"]],
        said=tuple(_spoken(system, body["contents"])),
        tools=tuple(Tool(part["name"], part.get("parametersJsonSchema") or part.get("parameters")) for part in declared),
        declared=declared,
        choice=choice,
        allowed=tuple(calling.get("allowedFunctionNames", ())),
        limit=config.get("maxOutputTokens"),
        stop=tuple(config.get("stopSequences", ())),
        schema=(schema or {}) if config.get("responseMimeType") == "application/json" else None,
        thinks=model.reasons,
        must_think=False if config.get("thinkingConfig", {}).get("thinkingBudget") == 0 else None,
        count=config.get("candidateCount", 1),
    )


def _spoken(system: dict[str, Any] | None, contents: list[dict[str, Any]]) -> list[Said]:
    said = [Said("system", _text(system["parts"]))] if system and system.get("parts") else []
    asked: list[tuple[str, str]] = []  # (id, name) of the calls that wait, in order
    for at, turn in enumerate(contents):
        parts = turn["parts"]
        if turn.get("role") == "model":
            if text := _text(parts):
                said.append(Said("assistant", text))
            for place, part in enumerate(parts):
                if (call := part.get("functionCall")) is not None:
                    asked.append((call.get("id") or f"{at}.{place}", call["name"]))
                    said.append(Said("call", dumps(call.get("args", {})), call["name"], asked[-1][0]))
            continue
        said += [_result(given, asked) for part in parts if (given := part.get("functionResponse")) is not None]
        text, media = _text(parts), _media(parts)
        if text or media:
            said.append(Said("user", text, media=media))
    return said


def _result(given: dict[str, Any], asked: list[tuple[str, str]]) -> Said:
    # By its id, else by name and order.
    match = next((one for one in asked if one[0] == given.get("id")), None)
    match = match or next((one for one in asked if one[1] == given["name"]), None) or (given["name"], given["name"])
    if match in asked:
        asked.remove(match)
    response = given["response"]
    value = next(iter(response.values())) if len(response) == 1 else response
    text = value if isinstance(value, str) else dumps(value)
    return Said("result", text, given["name"], match[0], _media(given.get("parts", ())), "error" in response)


def _text(parts: list[dict[str, Any]]) -> str:
    return " ".join(part["text"] for part in parts if part.get("text") and not part.get("thought"))


def _media(parts: Any) -> tuple[str, ...]:
    seen = [
        Media(part["inlineData"]["mimeType"], decoded(part["inlineData"]["data"]) or b"").seen for part in parts if "inlineData" in part
    ]
    return (*seen, *("a file by URI" for part in parts if "fileData" in part))


def _generate(request: Request, provider: str, body: dict[str, Any], model: Model) -> Reply:
    return Writer(provider, body, model, _answered(body, model)).whole()


def _stream(request: Request, provider: str, body: dict[str, Any], model: Model) -> Reply:
    return Writer(provider, body, model, _answered(body, model)).stream(request.query.get("alt") == "sse")


def _count(request: Request, provider: str, body: dict[str, Any], model: Model) -> Reply:
    contents = body.get("contents") or body.get("generateContentRequest", {}).get("contents")
    if not contents:
        raise refuse(400, "* CountTokensRequest.contents: contents is not specified\n")
    tokens = count_tokens(contents)
    return json_reply({"totalTokens": tokens, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": tokens}]})


def _embed(request: Request, provider: str, body: dict[str, Any], model: Model) -> Reply:
    asked = body.get("requests", [body])
    if not all(part.get("content", {}).get("parts") for part in asked):
        raise refuse(400, "* EmbedContentRequest.content: content is not specified\n")
    name = request.path.partition("/models/")[2].partition(":")[0]
    if any(part.get("model", f"models/{name}") != f"models/{name}" for part in asked):
        raise refuse(400, "* BatchEmbedContentsRequest.requests[0].model: must be the model of the request.\n")
    vectors = [{"values": vector(part["content"], part.get("outputDimensionality", DIMENSIONS))} for part in asked]
    return json_reply({"embeddings": vectors} if "requests" in body else {"embedding": vectors[0]})


def _predict(request: Request, provider: str, body: dict[str, Any], model: Model) -> Reply:
    instances = body.get("instances", [])
    wanted = "content" if "embeddings" in model.kinds else "prompt"
    if not instances or not all(wanted in one for one in instances):
        raise refuse(400, f"* PredictRequest.instances[0].{wanted}: {wanted} is not specified\n")
    if wanted == "content":
        counts = [count_tokens(one["content"]) for one in instances]
        asked = body.get("parameters", {}).get("outputDimensionality")
        size = asked if isinstance(asked, int) else DIMENSIONS
        vectors = [
            {"values": vector(one["content"], size), "statistics": {"token_count": count, "truncated": False}}
            for one, count in zip(instances, counts, strict=True)
        ]
        whole = {"predictions": [{"embeddings": one} for one in vectors]}
        return json_reply(whole, models.bill(provider, model, sum(counts), 0), kind=JSON)
    count = body.get("parameters", {}).get("sampleCount", 4)
    if not isinstance(count, int) or not 1 <= count <= 4:
        raise refuse(400, f"sampleCount must be between 1 and 4, got {count}.")
    picture = {"mimeType": "image/png", "bytesBase64Encoded": base64.b64encode(PNG).decode()}
    return json_reply({"predictions": [picture] * count}, kind=JSON)


HANDLERS: dict[str, tuple[Shape, Handler, str]] = {
    "generateContent": (GENERATE, _generate, "chat"),
    "streamGenerateContent": (GENERATE, _stream, "chat"),
    "countTokens": (COUNT, _count, "chat"),
    "embedContent": (EMBED, _embed, "embeddings"),
    "batchEmbedContents": (EMBED_ALL, _embed, "embeddings"),
    "predict": (PREDICT, _predict, "images"),
}
__all__ = ["answer", "failure"]
