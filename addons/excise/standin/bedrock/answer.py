"""
How Bedrock writes an answer, whole and as an event stream.

Source: the Bedrock Runtime service model in botocore and recorded answers, read 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from excise.standin import models
from excise.standin.answers import Answer
from excise.standin.anthropic.rules import MAKER, SECRET
from excise.standin.call import Reply, dumps, json_reply
from excise.standin.eventstream import event, exception
from excise.standin.models import Model
from excise.standin.signing import sign

_PIECE = 8  # characters of arguments in one piece of a stream


def written(body: dict[str, Any], model: Model, answer: Answer, shown: bool, streamed: bool) -> Reply:
    """
    The answer as this request wants it. `shown`: with its thoughts.
    """
    cached_from = "cachePoint" in dumps(body)
    written_tokens = answer.input_tokens // 3 if cached_from else 0
    bill = models.bill(
        "bedrock",
        model,
        answer.input_tokens,
        answer.output_tokens,
        cached=answer.cached_tokens,
        written=written_tokens,
    )
    ident = (("x-amzn-requestid", answer.id),)
    usage = _usage(answer, written_tokens)
    if streamed:
        kind = (("content-type", "application/vnd.amazon.eventstream"),)
        broken = exception("modelStreamErrorException", dumps({"message": "Scripted failure."}).encode())
        return Reply(200, (*kind, *ident), tuple(_events(answer, shown, usage)), streamed=True, bill=bill, broken=broken)
    whole = {
        "metrics": {"latencyMs": 12},
        "output": {"message": {"content": _blocks(answer, shown), "role": "assistant"}},
        "stopReason": _stop(answer),
        "usage": usage,
    }
    return json_reply(whole, bill, ident)


def _blocks(answer: Answer, shown: bool) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    if shown and answer.thought:
        if answer.secret:
            blocks.append({"reasoningContent": {"redactedContent": sign(SECRET, "", answer.id)}})
        else:
            text = {"text": answer.thoughts, "signature": sign(MAKER, answer.thoughts, answer.id)}
            blocks.append({"reasoningContent": {"reasoningText": text}})
    if answer.words or not answer.calls:
        blocks.append({"text": answer.text})
    calls = ({"toolUseId": f"tooluse_{call.id[:22]}", "name": call.name, "input": call.arguments} for call in answer.calls)
    return [*blocks, *({"toolUse": call} for call in calls)]


def _events(answer: Answer, shown: bool, usage: dict[str, Any]) -> Iterator[bytes]:
    def one(name: str, **parts: Any) -> bytes:
        return event(name, dumps(parts).encode())

    yield one("messageStart", role="assistant")
    for index, block in enumerate(_blocks(answer, shown)):
        deltas: list[dict[str, Any]]
        if (use := block.get("toolUse")) is not None:
            yield one("contentBlockStart", contentBlockIndex=index, start={"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}})
            text = dumps(use["input"])
            deltas = [{"toolUse": {"input": text[at : at + _PIECE]}} for at in range(0, len(text), _PIECE)]
        elif (thought := block.get("reasoningContent")) is not None:
            if "redactedContent" in thought:
                deltas = [{"reasoningContent": thought}]
            else:
                deltas = [{"reasoningContent": {"text": word}} for word in answer.thought]
                deltas.append({"reasoningContent": {"signature": thought["reasoningText"]["signature"]}})
        else:  # a text block has no start event
            deltas = [{"text": word} for word in answer.words]
        for delta in deltas:
            yield one("contentBlockDelta", contentBlockIndex=index, delta=delta)
        yield one("contentBlockStop", contentBlockIndex=index)
    yield one("messageStop", stopReason=_stop(answer))
    yield one("metadata", usage=usage, metrics={"latencyMs": 12})


def _stop(answer: Answer) -> str:
    words = {"tool": "tool_use", "length": "max_tokens", "stop_sequence": "stop_sequence"}
    return {**words, "refusal": "content_filtered", "filter": "guardrail_intervened"}.get(answer.finish, "end_turn")


def _usage(answer: Answer, written_tokens: int) -> dict[str, Any]:
    # inputTokens leave out what was read from or written to a cache; the total has it.
    usage: dict[str, Any] = {
        "inputTokens": answer.input_tokens - answer.cached_tokens - written_tokens,
        "outputTokens": answer.output_tokens,
        "totalTokens": answer.input_tokens + answer.output_tokens,
    }
    if answer.cached_tokens:
        usage["cacheReadInputTokens"] = answer.cached_tokens
    if written_tokens:
        usage["cacheWriteInputTokens"] = written_tokens
    return usage
