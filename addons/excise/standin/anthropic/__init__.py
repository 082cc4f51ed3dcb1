"""
api.anthropic.com: messages, plain and streamed, count_tokens, and the list of models.

Source: the Anthropic API reference and recorded streams, read 2026-11.
"""

from __future__ import annotations

import re
from typing import Any, Literal

from excise.standin import models
from excise.standin.answers import compose
from excise.standin.anthropic.answer import written
from excise.standin.anthropic.errors import failure, refuse, sentence
from excise.standin.anthropic.rules import Refused, check, thinking
from excise.standin.anthropic.shapes import BETA, COUNT, CREATE
from excise.standin.ask import Ask, Said, Tool
from excise.standin.call import Refusal, Reply, Request, dumps, json_reply, parsed
from excise.standin.media import Media, decoded
from excise.standin.models import Model
from excise.standin.shapes import Shape, Wrong

_BETA_NAME = re.compile(r"[a-z0-9-]+-20\d\d-\d\d-\d\d")
CREATED = "2025-10-09T00:00:00Z"


def answer(request: Request) -> Reply:
    """
    Answer one call to api.anthropic.com.

    Raises:
        Refusal: What Anthropic would refuse.
    """
    listing = request.path == "/v1/models"
    shape = {"/v1/messages": CREATE, "/v1/messages/count_tokens": COUNT}.get(request.path)
    if shape is None and not listing:
        raise refuse(404, "Not Found")
    if request.method != ("GET" if listing else "POST"):
        raise Refusal(405, {"type": "error", "error": {"type": "invalid_request_error", "message": "Method Not Allowed"}})
    betas = _authorize(request)
    if shape is None:
        cards = [{"type": "model", "id": name, "display_name": name, "created_at": CREATED} for name in models.MODELS["anthropic"]]
        return json_reply({"data": cards, "has_more": False, "first_id": cards[0]["id"], "last_id": cards[-1]["id"]})
    body = _read(request, shape, betas)
    model = models.find("anthropic", body["model"])
    if model is None:
        raise refuse(404, f"model: {body['model']}")
    try:
        check(body, model)
    except Refused as refused:
        raise refuse(400, str(refused)) from refused
    composed = compose(asked(body, model))
    return written(body, model, composed) if shape is CREATE else json_reply({"input_tokens": composed.input_tokens})


def _authorize(request: Request) -> tuple[str, ...]:
    key = request.header("x-api-key") or request.bearer()
    if not key:
        raise refuse(401, "x-api-key header is required")
    if not key.startswith("standin-"):
        raise refuse(401, "invalid x-api-key")
    if not request.header("anthropic-version"):
        raise refuse(400, "anthropic-version: header is required")
    given = [value for name, value in request.headers if name.lower() == "anthropic-beta"]
    betas = tuple(beta.strip() for value in given for beta in value.split(",") if beta.strip())
    for beta in betas:
        if not _BETA_NAME.fullmatch(beta):
            raise refuse(400, f"Unexpected value(s) `{beta}` for the `anthropic-beta` header.")
    return betas


def _read(request: Request, shape: Shape, betas: tuple[str, ...]) -> dict[str, Any]:
    try:
        given = parsed(request.body)
    except ValueError as error:
        raise refuse(400, "The request body is not valid JSON: expected value at line 1 column 1") from error
    if not isinstance(given, dict):
        raise refuse(400, "Input should be a valid dictionary or object to extract fields from")
    try:
        body: dict[str, Any] = shape.read(given)
    except Wrong as wrong:
        raise refuse(400, sentence(wrong)) from wrong
    for name, beta in BETA.items():
        if name in body and not any(given.startswith(beta) for given in betas):
            raise refuse(400, f"{name}: Extra inputs are not permitted")
    return body


def asked(body: dict[str, Any], model: Model) -> Ask:
    """
    What a request in Anthropic's words asks.
    """
    tools = body.get("tools", [])
    choice = body.get("tool_choice", {"type": "auto"})
    mode: Literal["auto", "none", "required"] = {"auto": "auto", "none": "none"}.get(choice["type"], "required")  # type: ignore[assignment]
    wanted = body.get("output_config", {}).get("format") or body.get("output_format")
    return Ask(
        content=[body["system"], body["messages"]] if body.get("system") else [body["messages"]],
        said=tuple(_spoken(body)),
        tools=tuple(Tool(tool["name"], tool["input_schema"]) for tool in tools if "input_schema" in tool),
        declared=tools,
        choice=mode,
        allowed=(choice["name"],) if choice["type"] == "tool" else (),
        parallel=not choice.get("disable_parallel_tool_use", False),
        limit=body.get("max_tokens"),
        stop=tuple(body.get("stop_sequences", ())),
        schema=wanted["schema"] if wanted else None,
        thinks=model.reasons,
        must_think=thinking(body),
    )


def _spoken(body: dict[str, Any]) -> list[Said]:
    system = body.get("system", "")
    said = [Said("system", text)] if (text := _text(system)) else []
    for message in body["messages"]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text, media = _text(blocks), _media(blocks)
        if message["role"] in ("system", "user"):
            for block in blocks:
                if block["type"] == "tool_result":
                    given = block.get("content", "")
                    inner = given if isinstance(given, list) else []
                    said.append(Said("result", _text(given), "", block["tool_use_id"], _media(inner), bool(block.get("is_error"))))
            if text or media:
                said.append(Said(message["role"], text, media=media))
            continue
        if text:
            said.append(Said("assistant", text))
        said += [Said("call", dumps(block["input"]), block["name"], block["id"]) for block in blocks if block["type"] == "tool_use"]
    return said


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    return " ".join(block["text"] for block in content if block["type"] == "text")


def _media(blocks: list[dict[str, Any]]) -> tuple[str, ...]:
    seen = []
    for block in blocks:
        if block["type"] not in ("image", "document"):
            continue
        source = block["source"]
        if source["type"] == "base64":
            seen.append(Media(source["media_type"], decoded(source["data"]) or b"").seen)
        else:
            seen.append(f"{'a picture' if block['type'] == 'image' else 'a document'} by {source['type']}")
    return tuple(seen)


__all__ = ["answer", "asked", "failure", "refuse"]
