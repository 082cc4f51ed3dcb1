"""
Bedrock: converse and converse-stream, with a bearer key.

Source: the Bedrock Runtime service model in botocore and recorded answers, read 2026-11.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from excise.standin import models
from excise.standin.answers import Answer, compose
from excise.standin.call import Refusal, Reply, Request, dumps, fields, json_reply
from excise.standin.eventstream import event, exception

FIELDS = fields(
    """
    messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields promptVariables
    additionalModelResponseFieldPaths requestMetadata performanceConfig serviceTier outputConfig
    """
)
PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream)")
KINDS = {
    400: "ValidationException",
    401: "UnrecognizedClientException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    424: "ModelErrorException",
    429: "ThrottlingException",
    500: "InternalServerException",
    503: "ServiceUnavailableException",
}
SUFFIX = "http://internal.amazon.com/coral/com.amazon.bedrock/"


def refuse(status: int, message: str, kind: str | None = None) -> Refusal:
    """
    An error in the AWS shape: the type stands in a header.
    """
    return Refusal(status, {"message": message}, error_headers(status, kind))


def error_headers(status: int, kind: str | None = None) -> tuple[tuple[str, str], ...]:
    """
    The header that names the exception.
    """
    return (("x-amzn-errortype", f"{kind or KINDS.get(status, 'InternalServerException')}:{SUFFIX}"),)


def failure(status: int) -> dict[str, Any]:
    """
    The error body of a scripted status.
    """
    return {"message": f"Scripted error {status}."}


def answer(request: Request) -> Reply:
    """
    Answer one call to bedrock-runtime.<region>.amazonaws.com.

    Raises:
        Refusal: What Bedrock would refuse.
    """
    found = PATH.fullmatch(request.path)
    if found is None or request.method != "POST":
        raise Refusal(404, "<UnknownOperationException/>", error_headers(404, "UnknownOperationException"))
    key = request.bearer()
    if not key:
        raise refuse(403, "Missing Authentication Token", "MissingAuthenticationTokenException")
    if not key.startswith("standin-"):
        raise refuse(403, "The security token included in the request is invalid.", "UnrecognizedClientException")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise refuse(400, "Unable to parse request body.", "SerializationException") from error
    if not isinstance(body, dict):
        raise refuse(400, "Unable to parse request body.", "SerializationException")
    for name in body:
        if name not in FIELDS:
            raise refuse(
                400, f"Malformed input request: extraneous key [{name}] is not permitted, please reformat your input and try again."
            )
    return _converse(unquote(found[1]), body, found[2] == "converse-stream")


def _converse(name: str, body: dict[str, Any], streamed: bool) -> Reply:
    model = models.find("bedrock", name)
    if model is None:
        raise refuse(400, "The provided model identifier is invalid.")
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise refuse(400, "The messages field is empty: a conversation must have at least one message.")
    for at, message in enumerate(messages):
        if message.get("role") != ("user", "assistant")[at % 2]:
            text = "A conversation must alternate between user and assistant roles and start with a user message."
            raise refuse(400, f"{text} Make sure the conversation does so and try again.")
        if not message.get("content"):
            raise refuse(400, f"The content field in the Message object at messages.{at} is empty.")
    tools = (body.get("toolConfig") or {}).get("tools") or []
    schemas = tuple((tool["toolSpec"]["name"], tool["toolSpec"]["inputSchema"]["json"]) for tool in tools if "toolSpec" in tool)
    content = [body["system"], messages] if body.get("system") else [messages]
    answer = compose(content, tools=tools, schemas=schemas, limit=(body.get("inferenceConfig") or {}).get("maxTokens"))
    bill = models.bill("bedrock", model, answer.input_tokens, answer.output_tokens, cached=answer.cached_tokens)
    ident = (("x-amzn-requestid", answer.id),)
    if streamed:
        kind = (("content-type", "application/vnd.amazon.eventstream"),)
        broken = exception("modelStreamErrorException", dumps({"message": "Scripted failure."}).encode())
        return Reply(200, (*kind, *ident), tuple(_events(answer)), streamed=True, bill=bill, broken=broken)
    whole = {
        "metrics": {"latencyMs": 12},
        "output": {"message": {"content": [_block(answer)], "role": "assistant"}},
        "stopReason": _stop(answer),
        "usage": _usage(answer),
    }
    return json_reply(whole, bill, ident)


def _events(answer: Answer) -> Iterator[bytes]:
    def one(name: str, **parts: Any) -> bytes:
        return event(name, dumps(parts).encode())

    yield one("messageStart", role="assistant")
    if answer.tool:
        start = {"toolUse": {"toolUseId": _tool_id(answer), "name": answer.tool.name}}
        yield one("contentBlockStart", contentBlockIndex=0, start=start)
        text = dumps(answer.tool.arguments)
        for at in range(0, len(text), 8):
            yield one("contentBlockDelta", contentBlockIndex=0, delta={"toolUse": {"input": text[at : at + 8]}})
    else:  # a text block has no start event
        for word in answer.words:
            yield one("contentBlockDelta", contentBlockIndex=0, delta={"text": word})
    yield one("contentBlockStop", contentBlockIndex=0)
    yield one("messageStop", stopReason=_stop(answer))
    yield one("metadata", usage=_usage(answer), metrics={"latencyMs": 12})


def _tool_id(answer: Answer) -> str:
    return f"tooluse_{answer.id[:22]}"


def _block(answer: Answer) -> dict[str, Any]:
    if answer.tool:
        return {"toolUse": {"toolUseId": _tool_id(answer), "name": answer.tool.name, "input": answer.tool.arguments}}
    return {"text": answer.text}


def _stop(answer: Answer) -> str:
    return "tool_use" if answer.tool else "max_tokens" if answer.cut else "end_turn"


def _usage(answer: Answer) -> dict[str, Any]:
    # inputTokens leave out what was read from a cache; the total has it.
    usage = {
        "inputTokens": answer.input_tokens - answer.cached_tokens,
        "outputTokens": answer.output_tokens,
        "totalTokens": answer.input_tokens + answer.output_tokens,
    }
    if answer.cached_tokens:
        usage["cacheReadInputTokens"] = answer.cached_tokens
    return usage
