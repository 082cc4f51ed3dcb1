"""
Ollama's own API: chat and generate (streaming unless switched off), embed, tags.

Source: docs/api.md of ollama/ollama and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, compose, count_tokens
from excise.standin.call import Refusal, Reply, Request, dumps, json_reply
from excise.standin.models import Model

CREATED = "2025-10-09T08:53:20.000000Z"
JSON = "application/json; charset=utf-8"


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"error": f"scripted error {status}"}


def answer(request: Request) -> Reply:
    """
    Answer one call to ollama.com or to a local Ollama. The cloud wants a key, a local one does not.

    Raises:
        Refusal: What Ollama would refuse.
    """
    if request.host == "ollama.com" and not (request.bearer() or "").startswith("standin-"):
        raise Refusal(401, {"error": "unauthorized"})
    if request.path == "/api/tags" and request.method == "GET":
        return json_reply({"models": [{"name": name, "model": name} for name in models.MODELS["ollama"]]}, kind=JSON)
    if request.path not in ("/api/chat", "/api/generate", "/api/embed"):
        raise Refusal(404, "404 page not found")
    if request.method != "POST":
        raise Refusal(405, "405 method not allowed")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise Refusal(400, {"error": "invalid character looking for beginning of value"}) from error
    if not isinstance(body, dict) or not isinstance(body.get("stream", True), bool):
        raise Refusal(400, {"error": "json: cannot unmarshal"})
    model = models.find("ollama", body.get("model"))
    if model is None:
        raise Refusal(404, {"error": f"model '{body.get('model')}' not found"})
    if request.path == "/api/embed":
        return _embed(body, model)
    return _generate(body, model, "message" if request.path == "/api/chat" else "response")


def _generate(body: dict[str, Any], model: Model, field: str) -> Reply:
    content = body.get("messages") if field == "message" else body.get("prompt")
    for message in body.get("messages") or []:
        if message.get("role") not in ("system", "user", "assistant", "tool"):
            raise Refusal(400, {"error": "invalid role"})
    tools = body.get("tools") or []
    schemas = tuple((tool["function"]["name"], tool["function"].get("parameters", {})) for tool in tools)
    answer = compose(content or "", tools=tools, schemas=schemas, limit=(body.get("options") or {}).get("num_predict"))
    bill = models.bill("ollama", model, answer.input_tokens, answer.output_tokens)
    if body.get("stream", True):
        pieces = tuple(_lines(model, answer, field))
        broken = dumps(failure(500)).encode() + b"\n"
        return Reply(200, (("content-type", "application/x-ndjson"),), pieces, streamed=True, bill=bill, broken=broken)
    return json_reply(_line(model, answer, field, answer.text, True), bill, kind=JSON)


def _line(model: Model, answer: Answer, field: str, text: str, done: bool) -> dict[str, Any]:
    said: Any = text
    if field == "message":
        said = {"role": "assistant", "content": text}
        if done and answer.tool:
            said["tool_calls"] = [{"function": {"name": answer.tool.name, "arguments": answer.tool.arguments}}]
    line = {"model": model.served, "created_at": CREATED, field: said, "done": done}
    if done:
        line |= {"done_reason": "length" if answer.cut else "stop", "total_duration": 1_000_000, "load_duration": 1_000}
        line |= {"prompt_eval_count": answer.input_tokens, "prompt_eval_duration": 1_000}
        line |= {"eval_count": answer.output_tokens, "eval_duration": 1_000}
    return line


def _lines(model: Model, answer: Answer, field: str) -> Iterator[bytes]:
    for word in answer.words:
        yield dumps(_line(model, answer, field, word, False)).encode() + b"\n"
    yield dumps(_line(model, answer, field, "", True)).encode() + b"\n"


def _embed(body: dict[str, Any], model: Model) -> Reply:
    given = body.get("input")
    texts = given if isinstance(given, list) else [given or ""]
    vectors = [[(int(digit, 16) - 7.5) / 16 for digit in compose(text).id[:8]] for text in texts]
    tokens = sum(count_tokens(text) for text in texts)
    whole = {"model": model.served, "embeddings": vectors, "total_duration": 1_000_000, "prompt_eval_count": tokens}
    return json_reply(whole, models.bill("ollama", model, tokens, 0), kind=JSON)
