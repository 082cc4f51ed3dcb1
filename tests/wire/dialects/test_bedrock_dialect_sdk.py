"""
What is written for Converse clients, read by AWS's own SDK.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError
from botocore.validate import ParamValidator

from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Asked, Envelope, Target
from excise.wire.dialects.bedrock_converse import BEDROCK_CONVERSE
from excise.wire.events import Delta, Ended, Failed, PartStarted, Started
from excise.wire.eventstream import encode_message
from excise.wire.neutral import Answer, Blob, Candidate, Finish, Image, Reasoning, Request, Text, ToolCall, Turn
from excise.wire.sequence import replay
from excise.wire.upstream_error import Fault, encode_fault
from excise.wire.usage import Usage

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures/translation/bedrock-converse"
CASES = sorted(path.parent.name for path in FIXTURES.glob("*/request.json"))
MODEL = "us.anthropic.claude-sonnet-4-6"
REQUEST = Request("bedrock-converse", MODEL, (Turn("user", (Text(text="Hi."),)),))

ANSWER = Answer(
    "gemini",
    (
        Candidate(
            (
                Reasoning(text="hm", signature="proof"),
                Reasoning(signature="attached", attached=True),
                Reasoning(signature="whole", redacted=True),
                Text(text="Gr\u00fc\u00df dich."),
                Image(source=Blob("image/png", "iVBORw0K")),
                ToolCall(id="functions.f:0", name="f", arguments={"city": "Oslo"}),
            ),
            Finish.TOOL,
        ),
    ),
    usage=Usage(uncached_input_tokens=7, cache_read_tokens=2, cache_write_5m_tokens=1, text_output_tokens=3, reasoning_tokens=4),
    service_tier="flex",
)


class Body(io.BytesIO):
    """
    A body as botocore reads it: whole, or in pieces.
    """

    def stream(self, size: int = 5, decode_content: bool = False) -> Iterator[bytes]:
        while piece := self.read(5):
            yield piece


def asked() -> Asked:
    return Asked(request=REQUEST, envelope=Envelope(MODEL), model=MODEL, provider="gemini", dialect="gemini", id="0" * 32, now=1)


class Bedrock:
    """
    A client of the SDK whose answers are ours.
    """

    def __init__(self) -> None:
        self.status, self.headers, self.answer, self.sent = 200, {"content-type": "application/json"}, b"", b""
        self.client = boto3.client(
            "bedrock-runtime",
            region_name="us-east-1",
            aws_access_key_id="A" * 16,
            aws_secret_access_key="none",
            config=Config(retries={"total_max_attempts": 1}),
        )
        self.client.meta.events.register("before-send.bedrock-runtime.*", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.sent = request.body
        return AWSResponse(request.url, self.status, self.headers, Body(self.answer))

    def converse(self, answer: Any, **more: Any) -> Any:
        self.answer = json.dumps(answer).encode()
        return self.client.converse(modelId=MODEL, **({"messages": []} | more))

    def stream(self, answer: bytes) -> list[Any]:
        self.answer = answer
        self.headers = {"content-type": BEDROCK_CONVERSE.content_type}
        return list(self.client.converse_stream(modelId=MODEL, messages=[])["stream"])


@pytest.fixture
def bedrock() -> Bedrock:
    return Bedrock()


def test_a_whole_answer_is_typed(bedrock: Bedrock) -> None:
    """
    Text, thoughts, pictures as bytes, calls as objects, usage as numbers.
    """
    typed = bedrock.converse(BEDROCK_CONVERSE.encode_answer(ANSWER, asked()))
    thought, attached, redacted, text, image, call = typed["output"]["message"]["content"]

    assert thought["reasoningContent"]["reasoningText"]["text"] == "hm"
    assert attached["reasoningContent"]["reasoningText"]["text"] == ""
    assert isinstance(redacted["reasoningContent"]["redactedContent"], bytes)
    assert text == {"text": "Gr\u00fc\u00df dich."}
    assert image["image"]["source"]["bytes"] == b"\x89PNG\r\n"
    assert call["toolUse"]["input"] == {"city": "Oslo"}
    assert typed["stopReason"] == "tool_use"
    assert typed["usage"]["totalTokens"] == 17
    assert typed["serviceTier"] == {"type": "flex"}
    assert typed["metrics"] == {"latencyMs": 0}


def test_the_sdk_gives_back_what_it_got(bedrock: Bedrock) -> None:
    """
    The assistant's turn, sent back by an application, means what it meant: proofs with their origin, bytes unharmed.
    """
    got = bedrock.converse(BEDROCK_CONVERSE.encode_answer(ANSWER, asked()))["output"]["message"]
    bedrock.converse({}, messages=[{"role": "user", "content": [{"text": "Hi."}]}, got])
    turn = BEDROCK_CONVERSE.decode_request(json.loads(bedrock.sent), Envelope(MODEL)).turns[1]

    assert turn.parts[:5] == (
        Reasoning(text="hm", signature="proof", origin="gemini"),
        Reasoning(signature="attached", attached=True, origin="gemini"),
        Reasoning(signature="whole", redacted=True, origin="gemini"),
        *ANSWER.candidates[0].parts[3:5],
    )
    call = turn.parts[5]
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("f", {"city": "Oslo"})


def test_a_stream_is_typed(bedrock: Bedrock) -> None:
    """
    Every event is one the SDK knows, and together they are the answer.
    """
    encoder = BEDROCK_CONVERSE.stream_encoder(asked())
    events = bedrock.stream(b"".join(encoder.feed(event) for event in replay(ANSWER)))
    deltas = [event["contentBlockDelta"] for event in events if "contentBlockDelta" in event]

    assert [next(iter(event)) for event in (events[0], *events[-2:])] == ["messageStart", "messageStop", "metadata"]
    assert "".join(delta["delta"].get("text", "") for delta in deltas) == "Gr\u00fc\u00df dich."
    assert json.loads("".join(delta["delta"]["toolUse"]["input"] for delta in deltas if "toolUse" in delta["delta"])) == {"city": "Oslo"}
    assert [event["contentBlockStop"]["contentBlockIndex"] for event in events if "contentBlockStop" in event] == list(range(6))
    assert events[-2]["messageStop"] == {"stopReason": "tool_use"}
    assert events[-1]["metadata"]["usage"]["inputTokens"] == 7


def test_a_stream_that_fails_raises(bedrock: Bedrock) -> None:
    """
    The SDK raises what it raises when Bedrock fails.
    """
    encoder = BEDROCK_CONVERSE.stream_encoder(asked())
    said = [Started(), PartStarted(Text(text="")), Delta("Par"), Failed(Fault(status=503, sort="overload", message="Busy."))]
    with pytest.raises(EventStreamError) as failure:
        bedrock.stream(b"".join(encoder.feed(event) for event in said))

    assert failure.value.response["Error"] == {"Code": "serviceUnavailableException", "Message": "Busy."}


def test_an_error_raises(bedrock: Bedrock) -> None:
    """
    A fault of any provider is an exception of this service.
    """
    status, headers, body = encode_fault("bedrock-converse", Fault(status=429, sort="rate", message="Slow down."), "0" * 32)
    bedrock.status, bedrock.headers = status, dict(headers)
    with pytest.raises(bedrock.client.exceptions.ThrottlingException) as failure:
        bedrock.converse(json.loads(body))

    assert isinstance(failure.value, ClientError)
    assert failure.value.response["Error"]["Message"] == "Slow down."


@pytest.mark.parametrize("case", CASES)
def test_the_cases_are_what_bedrock_sends(bedrock: Bedrock, case: str) -> None:
    """
    The SDK takes each request of the cases, and reads each answer, whole and in pieces, written anew as it was.
    """
    request = json.loads((FIXTURES / case / "request.json").read_text())
    shape = bedrock.client.meta.service_model.operation_model("Converse").input_shape
    assert not ParamValidator().validate({**request, "modelId": MODEL}, shape).has_errors()

    answer = json.loads((FIXTURES / case / "answer.json").read_text())
    whole = bedrock.converse(answer)
    events = bedrock.stream(restreamed(case))
    assert events[-2]["messageStop"]["stopReason"] == whole["stopReason"]
    text = "".join(event["contentBlockDelta"]["delta"].get("text", "") for event in events if "contentBlockDelta" in event)
    assert text == "".join(block.get("text", "") for block in whole["output"]["message"]["content"])


def restreamed(case: str) -> bytes:
    """
    A stream of the cases, read and written again.
    """
    recorded = json.loads((FIXTURES / case / "stream.json").read_text())
    names = {":content-type": "application/json", ":message-type": "event"}
    body = b"".join(encode_message({":event-type": event["event"], **names}, json.dumps(event["data"]).encode()) for event in recorded)
    decoder = AnswerDecoder(content_type=BEDROCK_CONVERSE.content_type, content_encoding=None, dialect="", operation="", limit=1 << 20)
    reader = BEDROCK_CONVERSE.stream_decoder(BEDROCK_CONVERSE.encode_request(REQUEST, Target("bedrock", "bedrock-converse", MODEL)).sent)
    encoder = BEDROCK_CONVERSE.stream_encoder(asked())
    events = [event for frame in decoder.feed(body) for event in reader.feed(frame)] + reader.close()
    assert isinstance(events[-1], Ended)
    return b"".join(encoder.feed(event) for event in events)
