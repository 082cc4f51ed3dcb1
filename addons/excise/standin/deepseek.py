"""
DeepSeek: OpenAI's chat as others speak it. Thoughts stand in `reasoning_content` and must come back inside a loop of tools, pictures and
schemas are unknown, usage ends every stream.

Source: the DeepSeek API reference, recorded answers, and errors as people report them, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models, schemas
from excise.standin.answers import EPOCH, Answer, compose
from excise.standin.ask import Ask
from excise.standin.call import Refusal, Reply, Request, json_reply, parsed, sse
from excise.standin.models import Model
from excise.standin.openai.chat import check_order, chosen, offered, spoken, stops
from excise.standin.openai.chat_answer import slices
from excise.standin.openai.chat_shapes import NAME, OBJECT, STREAM_OPTIONS
from excise.standin.shapes import Either, Flag, Items, Number, Record, Text, Union, Whole, Word, Wrong, bracketed

PATHS = ("/chat/completions", "/v1/chat/completions", "/beta/chat/completions")
_ROLE = Text()
_TEXT = Record({"type": _ROLE, "text": Text()}, lax=True)
_TEXTS = Either(Text(), Items(Union("type", {"text": _TEXT})))
_IMAGE = Record({"type": _ROLE, "image_url": Record({"url": Text(least=1)}, lax=True)}, lax=True)
_PARTS = Either(Text(), Items(Union("type", {"text": _TEXT, "image_url": _IMAGE})))
_CALL = Record({"id": Text(), "function": Record({"name": Text(), "arguments": Text()}, lax=True)}, {"type": Word("function")}, lax=True)
_MESSAGE = Union(
    "role",
    {
        "system": Record({"role": _ROLE, "content": _TEXTS}, {"name": Text()}, lax=True),
        "user": Record({"role": _ROLE, "content": _PARTS}, {"name": Text()}, lax=True),
        "assistant": Record(
            {"role": _ROLE},
            {"content": _TEXTS, "name": Text(), "prefix": Flag(), "reasoning_content": Text(), "tool_calls": Items(_CALL)},
            lax=True,
        ),
        "tool": Record({"role": _ROLE, "content": _TEXTS, "tool_call_id": Text()}, lax=True),
    },
)
_FUNCTION = Record({"name": NAME}, {"description": Text(), "parameters": OBJECT, "strict": Flag()}, lax=True)
_CHAT = Record(
    {"messages": Items(_MESSAGE, least=1), "model": Text()},
    {
        "frequency_penalty": Number(-2, 2),
        "max_tokens": Whole(1),
        "presence_penalty": Number(-2, 2),
        "response_format": Record({}, {"type": Word("text", "json_object")}, lax=True),
        "stop": Either(Text(), Items(Text(), most=16)),
        "stream": Flag(),
        "stream_options": STREAM_OPTIONS,
        "temperature": Number(0, 2),
        "top_p": Number(0, 1),
        "tools": Items(Record({"type": Word("function"), "function": _FUNCTION}, lax=True), most=128),
        "tool_choice": Either(Word("none", "auto", "required"), Record({"function": Record({"name": Text()})}, {"type": Text()}, lax=True)),
        "logprobs": Flag(),
        "top_logprobs": Whole(0, 20),
        "thinking": Record({"type": Word("enabled", "disabled")}, lax=True),
        "reasoning_effort": Word("low", "medium", "high", "max"),
    },
    lax=True,
)
_THOUGHT = "r"  # ends the id of a call that was thought about


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"error": {"message": f"Scripted error {status}.", "type": "scripted_error", "param": None, "code": None}}


def _refuse(status: int, message: str) -> Refusal:
    kind = "authentication_error" if status == 401 else "invalid_request_error"
    return Refusal(status, {"error": {"message": message, "type": kind, "param": None, "code": "invalid_request_error"}})


def answer(request: Request) -> Reply:
    """
    Answer one call to api.deepseek.com.

    Raises:
        Refusal: What DeepSeek would refuse.
    """
    if not (request.bearer() or "").startswith("standin-"):
        raise _refuse(401, "Authentication Fails, Your api key is invalid")
    if request.path not in PATHS or request.method != "POST":
        raise _refuse(404, "Not Found")
    try:
        body = _CHAT.read(parsed(request.body))
    except Wrong as wrong:
        raise _worded(wrong) from wrong
    except ValueError as error:
        raise _refuse(400, "Failed to parse the request body as JSON") from error
    model = models.find("deepseek", body["model"])
    if model is None:
        raise _refuse(400, "Model Not Exist")
    _check(body, model)
    check_order(body["messages"])
    said = spoken(body["messages"])
    if "vision" in model.lacks and any(one.media for one in said):
        raise _refuse(422, "Failed to deserialize the JSON body: messages: unknown variant `image_url`, expected `text`")
    thinks = body.get("thinking", {}).get("type")
    answer = compose(
        Ask(
            content=body["messages"],
            said=tuple(said),
            tools=offered(body),
            declared=body.get("tools", ()),
            choice=chosen(body.get("tool_choice"))[0],
            allowed=chosen(body.get("tool_choice"))[1],
            limit=body.get("max_tokens"),
            stop=stops(body.get("stop")),
            schema={} if body.get("response_format", {}).get("type") == "json_object" else None,
            thinks=model.reasons,
            must_think=False if thinks == "disabled" else None,
        )
    )
    return _written(body, model, answer)


def _worded(wrong: Wrong) -> Refusal:
    at = bracketed(wrong.place)
    if wrong.kind in ("choice", "tag"):
        if at == "response_format.type":
            return _refuse(400, "This response_format type is unavailable now")
        known = ", ".join(f"`{word}`" for word in wrong.wanted)
        text = f"{at}: unknown variant `{wrong.got}`, expected one of {known}"
    elif wrong.kind == "missing":
        text = f"missing field `{wrong.place[-1]}`"
    else:
        text = f"{at}: invalid value"
    return _refuse(400 if wrong.kind in ("low", "high", "few", "many") else 422, f"Failed to deserialize the JSON body: {text}")


def _check(body: dict[str, Any], model: Model) -> None:
    for tool in body.get("tools", ()):
        if (fault := schemas.openai_fault(tool["function"].get("parameters", {"type": "object"}))) is not None:
            raise _refuse(400, f"Invalid schema for function '{tool['function']['name']}': {fault}")
    if body.get("max_tokens", 1) > model.most:
        raise _refuse(400, f"Invalid max_tokens value, the valid range of max_tokens is [1, {model.most}]")
    if body.get("thinking", {}).get("type") == "disabled":
        return
    start = max((at for at, message in enumerate(body["messages"]) if message["role"] == "user"), default=-1)
    for at, message in enumerate(body["messages"]):
        thought = any(call["id"].endswith(_THOUGHT) for call in message.get("tool_calls", ()))
        if at > start and thought and "reasoning_content" not in message:
            raise _refuse(400, f"Missing `reasoning_content` field in the assistant message at message index {at}.")


def _written(body: dict[str, Any], model: Model, answer: Answer) -> Reply:
    bill = models.bill(
        "deepseek", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens, reasoning=answer.reasoning_tokens
    )
    if body.get("stream"):
        pieces = tuple(_chunks(body, model, answer))
        kind = (("content-type", "text/event-stream; charset=utf-8"),)
        return Reply(200, kind, pieces, streamed=True, bill=bill, broken=sse(failure(500)))
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.thought:
        message["reasoning_content"] = answer.thoughts
    if answer.calls:
        message["tool_calls"] = [{"index": at, **call} for at, call in enumerate(_calls(answer))]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(answer)}
    head = {"id": answer.id, "object": "chat.completion", "created": EPOCH, "model": model.served, "choices": [choice]}
    return json_reply({**head, "usage": _usage(answer), "system_fingerprint": "fp_standin"}, bill)


def _chunks(body: dict[str, Any], model: Model, answer: Answer) -> Iterator[bytes]:
    head = {"id": answer.id, "object": "chat.completion.chunk", "created": EPOCH, "model": model.served, "system_fingerprint": "fp_standin"}
    open_usage = {"usage": None} if body.get("stream_options", {}).get("include_usage") else {}

    def chunk(delta: dict[str, Any], reason: str | None = None, **tail: Any) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}], **(tail or open_usage)})

    first: dict[str, Any] = {"role": "assistant", "content": None, "reasoning_content": ""}
    yield chunk(first if answer.thought else {"role": "assistant", "content": ""})
    for word in answer.thought:
        yield chunk({"content": None, "reasoning_content": word})
    for word in answer.words:
        yield chunk({"content": word, **({"reasoning_content": None} if answer.thought else {})})
    for index, call in enumerate(_calls(answer)):
        yield chunk({"tool_calls": [{"index": index, **call, "function": {**call["function"], "arguments": ""}}]})
        for piece in slices(call["function"]["arguments"]):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    # Usage ends every stream, asked for or not.
    yield chunk({"content": ""}, _finish(answer), usage=_usage(answer))
    yield sse("[DONE]")


def _calls(answer: Answer) -> list[dict[str, Any]]:
    mark = _THOUGHT if answer.thought else ""
    return [
        {"id": f"call_{at:02}_{call.id[:20]}{mark}", "type": "function", "function": {"name": call.name, "arguments": call.json}}
        for at, call in enumerate(answer.calls)
    ]


def _finish(answer: Answer) -> str:
    return {"tool": "tool_calls", "length": "length", "filter": "content_filter"}.get(answer.finish, "stop")


def _usage(answer: Answer) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens},
        "prompt_cache_hit_tokens": answer.cached_tokens,
        "prompt_cache_miss_tokens": answer.input_tokens - answer.cached_tokens,
    }
    return {**usage, **({"completion_tokens_details": {"reasoning_tokens": answer.reasoning_tokens}} if answer.reasoning_tokens else {})}


__all__ = ["answer", "failure"]
