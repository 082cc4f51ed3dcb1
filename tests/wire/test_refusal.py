"""
Our refusals, as the official SDKs see them.
"""

from __future__ import annotations

import json

import pytest
from botocore.eventstream import EventStreamBuffer

from excise.wire.eventstream import EventStreamDecoder
from excise.wire.frame import Framing
from excise.wire.json_array import JsonArrayDecoder
from excise.wire.ndjson import NdjsonDecoder
from excise.wire.refusal import encode_error, encode_stream_error
from excise.wire.sse import SseDecoder
from wire.streams import LIMIT, decoded, read

SAYS = "large models need approval; ask #ml-platform"
STATUSES = [400, 401, 402, 403, 404, 407, 408, 413, 418, 422, 429, 500, 502, 503, 504, 599]
DIALECTS = [
    *("openai-chat", "openai-responses", "openai-embeddings", "anthropic-messages", "gemini", "vertex-predict", "bedrock-converse"),
    *("bedrock-invoke", "sagemaker", "cohere-v1", "cohere-v2", "mistral-fim", "ollama", "xai", "voyage", "hf-inference", "unknown", ""),
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("status", STATUSES)
def test_every_error_says_who_speaks_and_that_trying_again_is_vain(dialect, status):
    """
    JSON, our name in the text, an id to ask for, no second try.
    """
    sent, headers, body = encode_error(dialect, status=status, kind="policy_denied", message=SAYS, call_id="call-1")

    assert f"excise: {SAYS}".encode() in body
    assert isinstance(json.loads(body), dict)
    fields = dict(headers)
    assert len(fields) == len(headers)
    assert fields["content-type"] == "application/json"
    assert fields["x-should-retry"] == "false"
    assert fields["x-excise-call-id"] == "call-1"
    assert "retry-after" not in fields
    assert sent == status or status in (401, 402)


@pytest.mark.parametrize(
    ("dialect", "status", "expected"),
    [
        (
            "openai-chat",
            401,
            {"error": {"message": "excise: x", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}},
        ),
        ("openai-chat", 400, {"error": {"message": "excise: x", "type": "invalid_request_error", "param": None, "code": "some_kind"}}),
        ("unknown", 503, {"error": {"message": "excise: x", "type": "server_error", "param": None, "code": "service_unavailable"}}),
        ("anthropic-messages", 503, {"type": "error", "error": {"type": "overloaded_error", "message": "excise: x"}, "request_id": None}),
        ("anthropic-messages", 402, {"type": "error", "error": {"type": "billing_error", "message": "excise: x"}, "request_id": None}),
        (
            "gemini",
            403,
            {
                "error": {
                    "code": 403,
                    "message": "excise: x",
                    "status": "PERMISSION_DENIED",
                    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SOME_KIND", "domain": "excise"}],
                }
            },
        ),
        ("bedrock-converse", 403, {"message": "excise: x"}),
        ("cohere-v2", 429, {"id": None, "message": "excise: x"}),
        (
            "mistral-fim",
            429,
            {"object": "error", "message": "excise: x", "type": "rate_limit_error", "param": None, "code": "rate_limit_exceeded"},
        ),
        ("xai", 403, {"code": "some_kind", "error": "excise: x"}),
        ("ollama", 404, {"error": "excise: x"}),
        ("voyage", 400, {"detail": "excise: x"}),
    ],
)
def test_the_shape_is_the_dialects(dialect, status, expected):
    """
    As the provider itself would write it.
    """
    _, _, body = encode_error(dialect, status=status, kind="some_kind", message="excise: x")

    assert json.loads(body) == expected


def test_when_to_come_back():
    """
    A short wait is the SDK's to keep; a long one is not worth a try.
    """
    _, soon, body = encode_error("gemini", status=429, kind="rate_limited", message="x", retry_after_seconds=7)
    _, late, _ = encode_error("openai-chat", status=429, kind="budget", message="x", retry_after_seconds=3600)

    assert ("retry-after", "7") in soon
    assert "x-should-retry" not in dict(soon)
    assert json.loads(body)["error"]["details"][1]["retryDelay"] == "7s"
    assert ("retry-after", "3600") in late
    assert ("x-should-retry", "false") in late


# What each SDK raises for our statuses.
OPENAI_LIKE = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    429: "RateLimitError",
    500: "InternalServerError",
    503: "InternalServerError",
}


def answered(dialect: str, status: int, module):
    """
    A transport that answers every request with our error, and the list of requests it saw.
    """
    seen: list[str] = []

    def handler(request):
        seen.append(str(request.url))
        sent, headers, body = encode_error(dialect, status=status, kind="policy_denied", message=SAYS, call_id="call-1")
        return module.Response(sent, headers=headers, content=body)

    return module.MockTransport(handler), seen


@pytest.mark.parametrize(("status", "name"), [*OPENAI_LIKE.items(), (402, "RateLimitError")])
def test_openai(status, name):
    """
    The exception of that status, once; 402 is this family's 429 `insufficient_quota`.
    """
    import httpx2
    import openai

    transport, seen = answered("openai-chat", status, httpx2)
    client = openai.OpenAI(api_key="k", base_url="http://api.example/v1", http_client=httpx2.Client(transport=transport))

    with pytest.raises(getattr(openai, name)) as raised:
        client.chat.completions.create(model="m", messages=[])

    assert SAYS in raised.value.message
    assert raised.value.request_id == "call-1"
    assert (raised.value.code == "insufficient_quota") is (status == 402)
    assert len(seen) == 1


@pytest.mark.parametrize(("status", "name"), [*OPENAI_LIKE.items(), (402, "APIStatusError"), (413, "RequestTooLargeError")])
def test_anthropic(status, name):
    """
    The exception of that status, once.
    """
    import anthropic
    import httpx2

    transport, seen = answered("anthropic-messages", status, httpx2)
    client = anthropic.Anthropic(api_key="k", base_url="http://api.example", http_client=httpx2.Client(transport=transport))

    with pytest.raises(getattr(anthropic, name, anthropic.APIStatusError)) as raised:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])

    assert SAYS in raised.value.message
    assert raised.value.request_id == "call-1"
    assert len(seen) == 1


@pytest.mark.parametrize(("status", "name"), [(403, "ClientError"), (429, "ClientError"), (503, "ServerError")])
def test_google_genai(status, name):
    """
    Client or server error, with Google's own status name.
    """
    import httpx
    from google import genai
    from google.genai import errors, types

    transport, _ = answered("gemini", status, httpx)
    options = types.HttpOptions(base_url="http://api.example", httpx_client=httpx.Client(transport=transport))
    client = genai.Client(api_key="k", http_options=options)

    with pytest.raises(getattr(errors, name)) as raised:
        client.models.generate_content(model="m", contents="x")

    assert raised.value.code == status
    assert SAYS in raised.value.message
    assert raised.value.status in ("PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "UNAVAILABLE")


@pytest.mark.parametrize("status", [403, 429, 503])
def test_mistral(status):
    """
    Its one error, with the status.
    """
    import httpx
    from mistralai.client import Mistral
    from mistralai.client.errors import SDKError

    transport, _ = answered("openai-chat", status, httpx)
    client = Mistral(api_key="k", server_url="http://api.example", client=httpx.Client(transport=transport))

    with pytest.raises(SDKError) as raised:
        client.chat.complete(model="m", messages=[{"role": "user", "content": "x"}])

    assert raised.value.status_code == status
    assert SAYS in raised.value.body


@pytest.mark.parametrize(("status", "name"), [(400, "BadRequestError"), (403, "ForbiddenError"), (503, "ServiceUnavailableError")])
def test_cohere(status, name):
    """
    The exception of that status, the text in its body.
    """
    import cohere
    import httpx

    transport, _ = answered("cohere-v2", status, httpx)
    client = cohere.ClientV2("k", base_url="http://api.example", max_retries=0, httpx_client=httpx.Client(transport=transport))

    with pytest.raises(getattr(cohere, name)) as raised:
        client.chat(model="m", messages=[{"role": "user", "content": "x"}])

    assert raised.value.status_code == status
    assert SAYS in raised.value.body["message"]


@pytest.mark.parametrize(
    ("status", "name"),
    [(400, "ValidationException"), (403, "AccessDeniedException"), (402, "ServiceQuotaExceededException"), (429, "ThrottlingException")],
)
def test_bedrock(status, name):
    """
    The modelled exception of the Bedrock runtime.
    """
    import boto3
    from botocore.awsrequest import AWSResponse
    from botocore.config import Config

    class Raw:
        def __init__(self, body: bytes) -> None:
            self.body = body

        def stream(self, *_args, **_more):
            yield self.body

    def answer(request, **_):
        sent, headers, body = encode_error("bedrock-converse", status=status, kind="policy_denied", message=SAYS, call_id="call-1")
        return AWSResponse(request.url, sent, dict(headers), Raw(body))

    config = Config(retries={"total_max_attempts": 1}, region_name="us-east-1")
    client = boto3.client("bedrock-runtime", aws_access_key_id="a", aws_secret_access_key="b", config=config)
    client.meta.events.register("before-send.bedrock-runtime.*", answer)

    with pytest.raises(getattr(client.exceptions, name)) as raised:
        client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}])

    assert SAYS in str(raised.value)
    assert raised.value.response["ResponseMetadata"]["RequestId"] == "call-1"


def test_a_stream_ends_with_an_error_openai_raises():
    """
    Chat and Responses alike.
    """
    import httpx2
    import openai

    def client(dialect: str) -> openai.OpenAI:
        tail = encode_stream_error(dialect, Framing.SSE, kind="upstream_failed", message=SAYS)
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=tail))
        return openai.OpenAI(api_key="k", base_url="http://api.example/v1", http_client=httpx2.Client(transport=transport))

    with pytest.raises(openai.APIError, match="excise: "):
        list(client("openai-chat").chat.completions.create(model="m", messages=[], stream=True))
    with pytest.raises(openai.APIError, match="excise: "):
        list(client("openai-responses").responses.create(model="m", input="x", stream=True))


def test_a_stream_ends_with_an_error_anthropic_raises():
    """
    By its event's name.
    """
    import anthropic
    import httpx2

    tail = encode_stream_error("anthropic-messages", Framing.SSE, kind="upstream_failed", message=SAYS)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=tail))
    client = anthropic.Anthropic(api_key="k", base_url="http://api.example", http_client=httpx2.Client(transport=transport))

    with pytest.raises(anthropic.APIStatusError, match="excise: "):
        list(client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}], stream=True))


def test_a_stream_ends_with_an_error_google_raises():
    """
    A chunk that begins with `error`.
    """
    import httpx
    from google import genai
    from google.genai import errors, types

    tail = encode_stream_error("gemini", Framing.SSE, kind="upstream_timeout", message=SAYS)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": "text/event-stream"}, content=tail))
    options = types.HttpOptions(base_url="http://api.example", httpx_client=httpx.Client(transport=transport))

    with pytest.raises(errors.ServerError) as raised:
        list(genai.Client(api_key="k", http_options=options).models.generate_content_stream(model="m", contents="x"))
    assert raised.value.code == 504


def test_an_error_after_half_an_event_is_an_event_of_its_own():
    """
    A stream that broke off inside an event.
    """
    tail = encode_stream_error("openai-chat", Framing.SSE, kind="upstream_failed", message=SAYS)

    events = read(decoded(SseDecoder(LIMIT), [b'data: {"choices":[{"del' + tail]))

    assert json.loads(events[-1][1])["error"]["code"] == "bad_gateway"


def test_cohere_streams_end_with_their_own_last_event():
    """
    It has a place for the error.
    """
    ((name, data),) = read(decoded(SseDecoder(LIMIT), [encode_stream_error("cohere-v2", Framing.SSE, kind="internal", message=SAYS)]))

    assert name == "message-end"
    assert json.loads(data)["delta"] == {"finish_reason": "ERROR", "error": f"excise: {SAYS}"}


def test_other_framings():
    """
    Each error is a frame of its framing; a document or opaque bytes have no room for one.
    """
    ended = [encode_stream_error("ollama", framing, kind="internal", message=SAYS) for framing in Framing]
    by = dict(zip(Framing, ended, strict=True))

    ((_, line),) = read(decoded(NdjsonDecoder(LIMIT), [by[Framing.NDJSON]]))
    assert json.loads(line) == {"error": f"excise: {SAYS}"}
    array = JsonArrayDecoder(LIMIT)
    elements = read(decoded(array, [b'[{"candidates":[]}' + by[Framing.JSON_ARRAY]]))
    assert json.loads(elements[1][1])["error"]["status"] == "INTERNAL"
    assert not array.cut
    assert by[Framing.JSON] == by[Framing.OPAQUE] == b""


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("upstream_failed", "internalServerException"),
        ("upstream_timeout", "internalServerException"),
        ("unavailable", "serviceUnavailableException"),
        ("rate_limited", "throttlingException"),
        ("internal", "internalServerException"),
    ],
)
def test_bedrock_streams_end_with_an_exception(kind, name):
    """
    One that every Bedrock stream knows, with checksums botocore accepts.
    """
    body = encode_stream_error("bedrock-converse", Framing.EVENTSTREAM, kind=kind, message=SAYS)
    buffer = EventStreamBuffer()
    buffer.add_data(body)

    (event,) = list(buffer)
    (frame,) = EventStreamDecoder(LIMIT).feed(body)

    assert event.headers[":exception-type"] == frame.event == name
    assert event.to_response_dict()["status_code"] == 400  # botocore's word for an exception message
    assert frame.json == {"message": f"excise: {SAYS}"}
