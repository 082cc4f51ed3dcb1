"""
api.mistral.ai: chat completions, embeddings, moderations, models.

Source: the Mistral API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from excise.standin import models
from excise.standin.answers import EPOCH, compose
from excise.standin.ask import Ask, Said, Tool, count_tokens, digest, vector
from excise.standin.call import Refusal, Reply, Request, dumps, json_reply, parsed
from excise.standin.mistral.answer import written
from excise.standin.mistral.errors import failure, invalid, refuse, worded
from excise.standin.mistral.rules import check, picture
from excise.standin.mistral.shapes import CHAT, EMBED, MODERATE
from excise.standin.models import Model
from excise.standin.shapes import Shape, Wrong

_CATEGORIES = (
    *("sexual", "hate_and_discrimination", "violence_and_threats", "dangerous_and_criminal_content", "selfharm"),
    *("health", "financial", "law", "pii"),
)


def answer(request: Request) -> Reply:
    """
    Answer one call to api.mistral.ai.

    Raises:
        Refusal: What Mistral would refuse.
    """
    key = request.bearer()
    if not key or not key.startswith("standin-"):
        raise Refusal(401, {"detail": "Unauthorized" if not key else "Invalid API Key"})
    if request.path == "/v1/models" and request.method == "GET":
        cards = [{"id": name, "object": "model", "created": EPOCH, "owned_by": "mistralai"} for name in models.MODELS["mistral"]]
        return json_reply({"object": "list", "data": cards})
    route = ROUTES.get(request.path)
    if route is None:
        raise Refusal(404, {"message": "no Route matched with those values"})
    if request.method != "POST":
        raise Refusal(405, {"detail": "Method Not Allowed"})
    shape, handler, kind = route
    try:
        given = parsed(request.body)
    except ValueError as error:
        raise invalid([0], "json_invalid", "JSON decode error") from error
    if not isinstance(given, dict):
        raise invalid([], "model_attributes_type", "Input should be a valid dictionary or object to extract fields from")
    try:
        body = shape.read(given)
    except Wrong as wrong:
        raise worded(wrong) from wrong
    model = models.find("mistral", body["model"], kind)
    if model is None:
        raise refuse(f"Invalid model: {body['model']}", "invalid_model", "1500")
    return handler(body, model)


def _chat(body: dict[str, Any], model: Model) -> Reply:
    check(body, model)
    return written(body, model, compose(_ask(body, model)))


def _ask(body: dict[str, Any], model: Model) -> Ask:
    tools = [tool["function"] for tool in body.get("tools") or () if "function" in tool]
    choice = body.get("tool_choice") or "auto"
    named = isinstance(choice, dict)
    mode: Literal["auto", "none", "required"] = "required" if named or choice in ("any", "required") else choice  # type: ignore[assignment]
    wanted = body.get("response_format") or {}
    stop = body.get("stop") or ()
    effort = body.get("reasoning_effort")
    return Ask(
        content=body["messages"],
        said=tuple(_spoken(body["messages"])),
        tools=tuple(Tool(tool["name"], tool["parameters"]) for tool in tools),
        declared=body.get("tools") or (),
        choice=mode,
        allowed=() if isinstance(choice, str) else (choice["function"]["name"],),
        parallel=body.get("parallel_tool_calls", True),
        limit=body.get("max_tokens") or None,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        schema={"json_object": {}, "json_schema": (wanted.get("json_schema") or {}).get("schema")}.get(wanted.get("type", "text")),
        thinks=model.reasons,
        # Nobody thinks here who was not told to.
        must_think=None if (effort and effort != "none") or body.get("prompt_mode") else False,
        count=body.get("n") or 1,
    )


def _spoken(messages: list[dict[str, Any]]) -> list[Said]:
    said: list[Said] = []
    for message in messages:
        role, content = message["role"], message.get("content") or ""
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
        text = " ".join(part["text"] for part in parts if part.get("text"))
        if role == "system":
            said.append(Said("system", text))
        elif role == "user":
            media = tuple(picture(part["image_url"]) for part in parts if part.get("type") == "image_url")
            said.append(Said("user", text, media=media))
        elif role == "tool":
            said.append(Said("result", text, message.get("name") or "", message["tool_call_id"]))
        else:
            said += [Said("assistant", text)] if text else []
            for call in message.get("tool_calls") or ():
                function = call["function"]
                given = function["arguments"]
                said.append(Said("call", given if isinstance(given, str) else dumps(given), function["name"], call["id"]))
    return said


def _embed(body: dict[str, Any], model: Model) -> Reply:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    size = body.get("output_dimension") or 8
    data = [{"object": "embedding", "embedding": vector(text, size), "index": at} for at, text in enumerate(texts)]
    tokens = sum(count_tokens(text) for text in texts)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens, "completion_tokens": 0}
    whole = {"id": digest(texts), "object": "list", "data": data, "model": model.served, "usage": usage}
    return json_reply(whole, models.bill("mistral", model, tokens, 0))


def _moderate(body: dict[str, Any], model: Model) -> Reply:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    results = []
    for text in texts:
        flagged = "violence" in str(text)
        results.append(
            {
                "categories": {name: flagged and name == "violence_and_threats" for name in _CATEGORIES},
                "category_scores": {name: 0.99 if flagged and name == "violence_and_threats" else 0.01 for name in _CATEGORIES},
            }
        )
    return json_reply({"id": digest(texts), "model": model.served, "results": results})


ROUTES: dict[str, tuple[Shape, Callable[[dict[str, Any], Model], Reply], str]] = {
    "/v1/chat/completions": (CHAT, _chat, "chat"),
    "/v1/embeddings": (EMBED, _embed, "embeddings"),
    "/v1/moderations": (MODERATE, _moderate, "moderation"),
    "/v1/chat/moderations": (MODERATE, _moderate, "moderation"),
}
__all__ = ["answer", "failure"]
