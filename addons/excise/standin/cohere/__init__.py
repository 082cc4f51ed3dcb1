"""
api.cohere.com: chat, embed, rerank (all v2), and the list of models.

Source: the Cohere API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from excise.standin import models
from excise.standin.answers import compose
from excise.standin.ask import Ask, Said, Tool, count_tokens, digest, strings, vector
from excise.standin.call import Bill, Refusal, Reply, Request, dumps, json_reply, parsed
from excise.standin.cohere.answer import written
from excise.standin.cohere.shapes import CHAT, EMBED, RERANK
from excise.standin.media import PICTURES, data_url, sniffed
from excise.standin.models import Model
from excise.standin.rerank import ranked
from excise.standin.schemas import malformed
from excise.standin.shapes import Shape, Wrong, bracketed, json_type

NAME = "5f0c2a1e-0000-4000-8000-000000000000"


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"id": NAME, "message": "invalid api token" if status == 401 else f"Scripted error {status}."}


def refuse(status: int, message: str) -> Refusal:
    """
    An error in Cohere's shape.
    """
    return Refusal(status, {"id": NAME, "message": message})


def answer(request: Request) -> Reply:
    """
    Answer one call to api.cohere.com.

    Raises:
        Refusal: What Cohere would refuse.
    """
    key = request.bearer()
    if not key or not key.startswith("standin-"):
        raise refuse(401, "no api key supplied" if not key else "invalid api token")
    if request.path == "/v1/models" and request.method == "GET":
        return json_reply({"models": [{"name": name, "endpoints": ["chat"]} for name in models.MODELS["cohere"]]})
    route = ROUTES.get(request.path)
    if route is None:
        raise refuse(404, f"Endpoint {request.path} not found")
    if request.method != "POST":
        raise refuse(405, "method not allowed")
    shape, handler, kind = route
    try:
        given = parsed(request.body)
    except ValueError as error:
        raise refuse(400, "invalid json syntax: expected value") from error
    if not isinstance(given, dict) or not given.get("model"):
        raise refuse(400, "model is required")
    try:
        body = shape.read(given)
    except Wrong as wrong:
        raise _worded(wrong) from wrong
    model = models.find("cohere", body["model"], kind)
    if model is None:
        text = f"model '{body['model']}' not found, make sure the correct model ID was used and that you have access to the model."
        raise refuse(404, text)
    return handler(body, model)


def _worded(wrong: Wrong) -> Refusal:
    at, got = bracketed(wrong.place), wrong.got
    match wrong.kind:
        case "unknown":
            return refuse(422, f"unknown field: parameter '{at}' is not a valid field")
        case "missing":
            return refuse(400, f"invalid request: {at} is required")
        case "type":
            wanted = {"boolean": "bool", "integer": "int", "number": "float", "array": "list"}.get(wrong.wanted[0], wrong.wanted[0])
            return refuse(400, f"invalid type: parameter {at} is of type {json_type(got)} but should be of type {wanted}.")
        case "tag" if at.endswith("role"):
            return refuse(400, "invalid request: the message must have a valid role")
        case "choice" | "tag":
            return refuse(400, f"invalid request: {at} must be one of {', '.join(wrong.wanted)}")
        case "low" | "high":
            return refuse(400, f"invalid request: {at} must be {'at least' if wrong.kind == 'low' else 'at most'} {wrong.wanted}")
        case "few":
            return refuse(400, f"invalid request: {at} must be at least {wrong.wanted} element long")
        case "many":
            return refuse(400, f"invalid request: {at} must be at most {wrong.wanted} elements long")
        case _:
            return refuse(400, f"invalid request: {at} is invalid")


def _chat(body: dict[str, Any], model: Model) -> Reply:
    _check(body, model)
    return written(body, model, compose(_ask(body, model)))


def _check(body: dict[str, Any], model: Model) -> None:
    tools = body.get("tools", [])
    if tools and "tools" in model.lacks:
        raise refuse(400, f"tools are not supported for model {model.name}")
    if "tool_choice" in body and not tools:
        raise refuse(400, "invalid request: tool_choice requires tools to be specified")
    if "strict_tools" in body and not tools:
        raise refuse(400, "invalid request: strict_tools requires tools to be specified")
    for at, tool in enumerate(tools):
        parameters = tool["function"]["parameters"]
        if parameters.get("type") != "object" or malformed(parameters) is not None:
            raise refuse(400, f"invalid request: tools[{at}].function.parameters must be a JSON schema of type object")
    if body.get("response_format", {}).get("type") == "json_object" and (tools or "documents" in body):
        raise refuse(400, "invalid request: response_format of type json_object is not supported together with tools or documents")
    if body.get("thinking", {}).get("type") == "enabled" and not model.reasons:
        raise refuse(400, f"thinking is not supported for model {model.name}")
    if body.get("max_tokens", 0) > model.most:
        raise refuse(400, f"too many tokens: max_tokens must be less than or equal to {model.most}")
    waiting: list[str] = []
    for at, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                raise refuse(400, f"invalid request: tool call id {message['tool_call_id']} not found in previous tool calls")
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            raise refuse(400, f"invalid request: tool call ids {', '.join(waiting)} must be followed by tool messages")
        if message["role"] == "assistant":
            if not any(message.get(name) for name in ("content", "tool_calls", "tool_plan")):
                raise refuse(400, f"invalid request: messages[{at}] must have content or tool_calls")
            waiting = [call["id"] for call in message.get("tool_calls", ())]
        elif not any(strings(message["content"])):
            raise refuse(400, f"invalid request: messages[{at}] must have non-empty content")
    if waiting:
        raise refuse(400, f"invalid request: tool call ids {', '.join(waiting)} must be followed by tool messages")


def _ask(body: dict[str, Any], model: Model) -> Ask:
    tools = body.get("tools", [])
    choices: dict[str, Literal["none", "required"]] = {"REQUIRED": "required", "NONE": "none"}
    wanted = body.get("response_format", {"type": "text"})
    told = body.get("thinking", {}).get("type")
    return Ask(
        content=body["messages"],
        said=tuple(_spoken(body["messages"], model)),
        tools=tuple(Tool(tool["function"]["name"], tool["function"].get("parameters")) for tool in tools),
        declared=tools,
        choice=choices.get(body.get("tool_choice", ""), "auto"),
        limit=body.get("max_tokens") or None,
        stop=tuple(body.get("stop_sequences", ())),
        schema=wanted.get("json_schema") or wanted.get("schema") or {} if wanted["type"] == "json_object" else None,
        thinks=model.reasons,
        must_think=False if told == "disabled" else None,
    )


def _spoken(messages: list[dict[str, Any]], model: Model) -> list[Said]:
    said: list[Said] = []
    for message in messages:
        role, content = message["role"], message.get("content", "")
        parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = " ".join(part["text"] for part in parts if part.get("text"))
        if role in ("system", "developer"):
            said.append(Said("system", text))
        elif role == "user":
            said.append(Said("user", text, media=_media(parts, model)))
        elif role == "tool":
            given = [part["document"]["data"] for part in parts if part["type"] == "document"]
            documents = [one if isinstance(one, str) else dumps(one) for one in given]
            said.append(Said("result", " ".join(filter(None, [text, *documents])), id=message["tool_call_id"]))
        else:
            said += [Said("assistant", text)] if text else []
            for call in message.get("tool_calls", ()):
                said.append(Said("call", call["function"]["arguments"], call["function"]["name"], call["id"]))
    return said


def _media(parts: list[dict[str, Any]], model: Model) -> tuple[str, ...]:
    seen = []
    for part in parts:
        if part["type"] != "image_url":
            continue
        if "vision" in model.lacks:
            raise refuse(400, f"image content is not supported for model {model.name}")
        url = part["image_url"]["url"]
        media = data_url(url)
        if media is None and not url.startswith("https://"):
            raise refuse(400, "invalid request: image_url must be a base64 data url or an https url")
        if media is not None and (media.kind not in PICTURES or sniffed(media.data) is None):
            raise refuse(400, "invalid request: unsupported image format")
        seen.append(media.seen if media else "a picture by URL")
    return tuple(seen)


def _embed(body: dict[str, Any], model: Model) -> Reply:
    given = [name for name in ("texts", "images", "inputs") if name in body]
    if len(given) != 1:
        raise refuse(400, "invalid request: exactly one of texts, images and inputs must be given")
    texts = body[given[0]]
    kinds = body.get("embedding_types", ["float"])
    numbers = [vector(text, body.get("output_dimension", 8)) for text in texts]
    vectors = {kind: numbers if kind == "float" else [[int(one * 16) for one in row] for row in numbers] for kind in kinds}
    tokens = sum(count_tokens(text) for text in texts)
    meta = {"api_version": {"version": "2"}, "billed_units": {"input_tokens": tokens}}
    whole = {"id": digest(texts), "embeddings": vectors, "texts": texts if given == ["texts"] else [], "meta": meta}
    return json_reply({**whole, "response_type": "embeddings_by_type"}, models.bill("cohere", model, tokens, 0))


def _rerank(body: dict[str, Any], model: Model) -> Reply:
    results = [{"index": at, "relevance_score": score} for at, score in ranked(body["query"], body["documents"], body.get("top_n"))]
    meta = {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}
    # Charged by the search; there are no tokens to state.
    return json_reply({"id": digest(body["query"]), "results": results, "meta": meta}, Bill("cohere", model.served, 0, 0, stated=False))


ROUTES: dict[str, tuple[Shape, Callable[[dict[str, Any], Model], Reply], str]] = {
    "/v2/chat": (CHAT, _chat, "chat"),
    "/v2/embed": (EMBED, _embed, "embeddings"),
    "/v2/rerank": (RERANK, _rerank, "rerank"),
}
__all__ = ["answer", "failure"]
