"""
Ollama's own API: chat and generate (streaming unless switched off), embed, tags.

Source: docs/api.md of ollama/ollama and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer, compose
from excise.standin.ask import Ask, Said, Tool, count_tokens, vector
from excise.standin.call import Refusal, Reply, Request, dumps, json_reply, parsed
from excise.standin.media import Media, decoded, sniffed
from excise.standin.models import Model
from excise.standin.ollama.shapes import CHAT, EMBED, GENERATE, LEVELS
from excise.standin.shapes import Wrong, bracketed, json_type

CREATED = "2025-10-09T08:53:20.000000Z"
JSON = "application/json; charset=utf-8"
ROLES = ("system", "user", "assistant", "tool")
_SHAPES = {"/api/chat": CHAT, "/api/generate": GENERATE, "/api/embed": EMBED}


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
    shape = _SHAPES.get(request.path)
    if shape is None:
        raise Refusal(404, "404 page not found")
    if request.method != "POST":
        raise Refusal(405, "405 method not allowed")
    try:
        body = shape.read(parsed(request.body))
    except Wrong as wrong:
        field = bracketed(tuple(step for step in wrong.place if isinstance(step, str)))
        text = f"json: cannot unmarshal {json_type(wrong.got)} into Go struct field ChatRequest.{field} of type {wrong.wanted[0]}"
        raise Refusal(400, {"error": text}) from wrong
    except ValueError as error:
        raise Refusal(400, {"error": "invalid character looking for beginning of value"}) from error
    if not body.get("model"):
        raise Refusal(400, {"error": "model is required"})
    name = body["model"].removesuffix(":latest")
    model = models.find("ollama", name, "embeddings" if shape is EMBED else "chat")
    if model is None:
        raise Refusal(404, {"error": f"model '{body['model']}' not found"})
    return _embed(body, model) if shape is EMBED else _speak(body, model, "message" if shape is CHAT else "response")


def _speak(body: dict[str, Any], model: Model, field: str) -> Reply:
    _check(body, model)
    answer = compose(_ask(body, model, field))
    bill = models.bill("ollama", model, answer.input_tokens, answer.output_tokens)
    if body.get("stream", True):
        pieces = tuple(_lines(model, answer, field))
        broken = dumps(failure(500)).encode() + b"\n"
        return Reply(200, (("content-type", "application/x-ndjson"),), pieces, streamed=True, bill=bill, broken=broken)
    thought = answer.thoughts if answer.thought and not answer.secret else ""
    return json_reply(_line(model, answer, field, answer.text, thought, answer.calls, True), bill, kind=JSON)


def _check(body: dict[str, Any], model: Model) -> None:
    for message in body.get("messages", ()):
        if message.get("role") not in ROLES:
            raise Refusal(400, {"error": "invalid role"})
    think = body.get("think")
    if isinstance(think, str) and think not in LEVELS.words:
        text = f'invalid think value: "{think}" (must be "high", "medium", "low", true, or false)'
        raise Refusal(400, {"error": text})
    if think and not model.reasons:
        raise Refusal(400, {"error": f'"{model.name}" does not support thinking'})
    if body.get("tools") and "tools" in model.lacks:
        raise Refusal(400, {"error": f"registry.ollama.ai/library/{model.name}:latest does not support tools"})
    form = body.get("format")
    if isinstance(form, str) and form not in ("", "json"):
        raise Refusal(400, {"error": f'invalid format: "{form}"; expected "json" or a valid JSON Schema object'})


def _ask(body: dict[str, Any], model: Model, field: str) -> Ask:
    options, form, think = body.get("options", {}), body.get("format"), body.get("think")
    functions = [tool.get("function", {}) for tool in body.get("tools", ())]
    limit = options.get("num_predict")
    if field == "message":
        content, said = body.get("messages", []), _spoken(body.get("messages", []))
    else:
        content = body.get("prompt", "")
        said = [Said("system", body["system"])] if body.get("system") else []
        said.append(Said("user", content, media=_media(body.get("images", ()))))
    return Ask(
        content=content or "",
        said=tuple(said),
        tools=tuple(Tool(one["name"], one.get("parameters")) for one in functions if one.get("name")),
        declared=body.get("tools", []),
        limit=int(limit) if limit and limit > 0 else None,
        stop=tuple(options.get("stop", ())),
        schema={} if form == "json" else form or None,
        thinks=model.reasons,
        must_think=False if think is False else None,
    )


def _spoken(messages: list[dict[str, Any]]) -> list[Said]:
    said: list[Said] = []
    asked: list[tuple[str, str]] = []  # (id, name) of the calls that wait: results say the name, or nothing
    for at, message in enumerate(messages):
        role, text = message["role"], message.get("content", "")
        if role in ("system", "user"):
            said.append(Said(role, text, media=_media(message.get("images", ()))))
        elif role == "tool":
            name, id_ = message.get("tool_name", ""), message.get("tool_call_id", "")
            match = next((one for one in asked if id_ == one[0] or (not id_ and name in ("", one[1]))), None)
            if match:
                asked.remove(match)
            said.append(Said("result", text, name, match[0] if match else ""))
        else:
            said += [Said("assistant", text)] if text else []
            for place, call in enumerate(message.get("tool_calls", ())):
                function = call.get("function", {})
                asked.append((call.get("id") or f"{at}.{place}", function.get("name", "")))
                said.append(Said("call", dumps(function.get("arguments", {})), asked[-1][1], asked[-1][0]))
    return said


def _media(images: Any) -> tuple[str, ...]:
    seen = []
    for image in images:
        data = decoded(image)
        if data is None:
            raise Refusal(400, {"error": "illegal base64 data at input byte 0"})
        if (kind := sniffed(data)) is None:
            raise Refusal(500, {"error": "Failed to load image or audio file"})
        seen.append(Media(kind, data).seen)
    return tuple(seen)


def _line(model: Model, answer: Answer, field: str, text: str, thought: str, calls: Any, done: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"model": model.served, "created_at": CREATED}
    if field == "message":
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thought:
            message["thinking"] = thought
        if calls:
            message["tool_calls"] = [
                {"id": f"call_{call.id[:8]}", "function": {"index": at, "name": call.name, "arguments": call.arguments}}
                for at, call in enumerate(answer.calls)
                if call in calls
            ]
        line["message"] = message
    else:
        line |= {"response": text, **({"thinking": thought} if thought else {})}
    line["done"] = done
    if done:
        line |= {"done_reason": "length" if answer.finish == "length" else "stop", "total_duration": 1_000_000, "load_duration": 1_000}
        line |= {"prompt_eval_count": answer.input_tokens, "prompt_eval_duration": 1_000}
        line |= {"eval_count": answer.output_tokens, "eval_duration": 1_000}
    return line


def _lines(model: Model, answer: Answer, field: str) -> Iterator[bytes]:
    def line(text: str, thought: str = "", calls: Any = (), *, done: bool = False) -> bytes:
        return dumps(_line(model, answer, field, text, thought, calls, done)).encode() + b"\n"

    for word in answer.thought if not answer.secret else ():
        yield line("", word)
    for word in answer.words:
        yield line(word)
    for call in answer.calls:  # each on a line of its own, whole
        yield line("", calls=(call,))
    yield line("", done=True)


def _embed(body: dict[str, Any], model: Model) -> Reply:
    given = body.get("input")
    texts = given if isinstance(given, list) else [given or ""]
    vectors = [vector(text, body.get("dimensions", 8)) for text in texts]
    tokens = sum(count_tokens(text) for text in texts)
    whole = {"model": model.served, "embeddings": vectors, "total_duration": 1_000_000, "prompt_eval_count": tokens}
    return json_reply(whole, models.bill("ollama", model, tokens, 0), kind=JSON)


__all__ = ["answer", "failure"]
