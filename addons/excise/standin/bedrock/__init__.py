"""
Bedrock: converse and converse-stream, count-tokens, invoke for embeddings; with a bearer key or signed.

Source: the Bedrock Runtime service model in botocore and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
import re
from typing import Any, Literal
from urllib.parse import unquote

from excise.standin import models, sigv4
from excise.standin.answers import Answer, compose
from excise.standin.anthropic import rules as claude
from excise.standin.ask import Ask, Said, Tool, count_tokens, digest, vector
from excise.standin.bedrock.answer import written
from excise.standin.bedrock.errors import error_headers, failure, refuse, worded
from excise.standin.bedrock.rules import as_anthropic, check, is_claude, thinking, tool_specs
from excise.standin.bedrock.shapes import COHERE, CONVERSE, COUNT, TITAN
from excise.standin.call import Refusal, Reply, Request, dumps, json_reply, parsed
from excise.standin.media import Media, decoded
from excise.standin.models import Model
from excise.standin.shapes import Shape, Wrong

PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|count-tokens|invoke)")


def answer(request: Request) -> Reply:
    """
    Answer one call to bedrock-runtime.<region>.amazonaws.com.

    Raises:
        Refusal: What Bedrock would refuse.
    """
    found = PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        raise Refusal(404, "<UnknownOperationException/>", error_headers(404, "UnknownOperationException"))
    _authorize(request)
    name = unquote(found[1])
    match found[2]:
        case "invoke":
            return _invoke(name, request)
        case "count-tokens":
            return _count(name, _read(request, COUNT))
        case how:
            body = _read(request, CONVERSE)
            model = _known(name)
            shown = thinking(body).get("type", "disabled") != "disabled"
            return written(body, model, _answered(body, model), shown, how == "converse-stream")


def _authorize(request: Request) -> None:
    if sigv4.is_signed(request):
        try:
            sigv4.check(request, region=request.host.split(".")[1], service="bedrock")
        except sigv4.Unsigned as wrong:
            raise refuse(403, wrong.text, wrong.kind) from wrong
        return
    key = request.bearer()
    if not key:
        raise refuse(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
    if not key.startswith("standin-"):
        raise refuse(403, "The security token included in the request is invalid.", "UnrecognizedClientException")


def _read(request: Request, shape: Shape) -> dict[str, Any]:
    try:
        given = parsed(request.body)
    except ValueError as error:
        raise refuse(400, "Unable to parse request body.", "SerializationException") from error
    if not isinstance(given, dict):
        raise refuse(400, "Unable to parse request body.", "SerializationException")
    try:
        body: dict[str, Any] = shape.read(given)
    except Wrong as wrong:
        raise worded(wrong) from wrong
    return body


def _known(name: str, kind: str = "chat") -> Model:
    model = models.find("bedrock", name, kind)
    if model is None:
        raise refuse(400, "The provided model identifier is invalid.")
    return model


def _answered(body: dict[str, Any], model: Model) -> Answer:
    check(body, model)
    return compose(_ask(body, model))


def _ask(body: dict[str, Any], model: Model) -> Ask:
    config = body.get("toolConfig", {})
    choice = config.get("toolChoice", {"auto": {}})
    mode: Literal["auto", "required"] = "auto" if "auto" in choice else "required"
    inference = body.get("inferenceConfig", {})
    output = body.get("outputConfig", {})
    schema = json.loads(output["textFormat"]["structure"]["jsonSchema"]["schema"]) if "textFormat" in output else None
    extra = body.get("additionalModelRequestFields", {})
    parallel = not (isinstance(extra.get("tool_choice"), dict) and extra["tool_choice"].get("disable_parallel_tool_use"))
    return Ask(
        content=[body["system"], body["messages"]] if body.get("system") else [body["messages"]],
        said=tuple(_spoken(body)),
        tools=tuple(Tool(tool["name"], tool["inputSchema"]["json"]) for tool in tool_specs(body)),
        declared=config.get("tools", []),
        choice=mode,
        allowed=(choice["tool"]["name"],) if "tool" in choice else (),
        parallel=parallel,
        limit=inference.get("maxTokens"),
        stop=tuple(inference.get("stopSequences", ())),
        schema=schema,
        thinks=model.reasons,
        # Nobody thinks here who was not told to.
        must_think=_must_think(body) if is_claude(model) else False,
    )


def _must_think(body: dict[str, Any]) -> bool | None:
    return claude.thinking(as_anthropic(body)) if thinking(body) else False


def _spoken(body: dict[str, Any]) -> list[Said]:
    system = " ".join(block["text"] for block in body.get("system", ()) if "text" in block)
    said = [Said("system", system)] if system else []
    for message in body["messages"]:
        blocks = message["content"]
        text, media = " ".join(block["text"] for block in blocks if "text" in block), _media(blocks)
        if message["role"] == "user":
            said += [_result(block["toolResult"]) for block in blocks if "toolResult" in block]
            if text or media:
                said.append(Said("user", text, media=media))
            continue
        if text:
            said.append(Said("assistant", text))
        for block in blocks:
            if (use := block.get("toolUse")) is not None:
                said.append(Said("call", dumps(use["input"]), use["name"], use["toolUseId"]))
    return said


def _result(result: dict[str, Any]) -> Said:
    texts = [part["text"] if "text" in part else dumps(part["json"]) for part in result["content"] if "text" in part or "json" in part]
    return Said("result", " ".join(texts), "", result["toolUseId"], _media(result["content"]), result.get("status") == "error")


def _media(blocks: list[dict[str, Any]]) -> tuple[str, ...]:
    seen = []
    for block in blocks:
        for kind in ("image", "document", "video"):
            if kind in block:
                family = "image" if kind == "image" else "application" if kind == "document" else "video"
                data = decoded(block[kind]["source"].get("bytes", "")) or b""
                seen.append(Media(f"{family}/{block[kind].get('format', 'plain')}", data).seen)
    return tuple(seen)


def _count(name: str, body: dict[str, Any]) -> Reply:
    model = _known(name)
    if not is_claude(model):
        raise refuse(400, "The provided model doesn't support counting tokens.")
    asked = body["input"].get("converse")
    if asked is None:
        return json_reply({"inputTokens": count_tokens(body["input"]["invokeModel"]["body"])})
    return json_reply({"inputTokens": _answered(asked, model).input_tokens})


def _invoke(name: str, request: Request) -> Reply:
    model = _known(name, "embeddings")
    body = _read(request, TITAN if model.name.startswith("amazon.") else COHERE)
    texts = [body["inputText"]] if "inputText" in body else body["texts"]
    tokens = sum(count_tokens(text) for text in texts)
    headers = (("x-amzn-requestid", digest(texts)), ("x-amzn-bedrock-input-token-count", str(tokens)))
    vectors = [vector(text, body.get("dimensions", 8)) for text in texts]
    whole: dict[str, Any]
    if "inputText" in body:
        whole = {"embedding": vectors[0], "embeddingsByType": {"float": vectors[0]}, "inputTextTokenCount": tokens}
    else:
        whole = {"id": digest(texts), "texts": texts, "embeddings": vectors, "response_type": "embeddings_floats"}
    return json_reply(whole, models.bill("bedrock", model, tokens, 0), headers)


__all__ = ["answer", "error_headers", "failure"]
