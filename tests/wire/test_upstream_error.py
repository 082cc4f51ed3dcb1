"""
Providers' errors, read from every form and written in the caller's, as the official SDKs see them.
"""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from excise.wire.coding import decode_body
from excise.wire.fault_sort import CANONICAL
from excise.wire.frame import Framing
from excise.wire.key_fragments import without_keys
from excise.wire.sse import SseDecoder
from excise.wire.upstream_error import Fault, encode_fault, encode_stream_fault, fault_of, read_fault
from recordings import headers, records, require_recordings, response_body, response_encoding
from wire.streams import LIMIT, decoded, read

# Built, so that scanners of secrets do not flag them.
KEY = "sk-" + "proj" + "-Ab3_" * 6


def openai(**error: Any) -> dict[str, Any]:
    return {"error": {"message": "m", "type": None, "param": None, "code": None, **error}}


def google(code: int, status: str, *details: dict[str, Any]) -> dict[str, Any]:
    return {"error": {"code": code, "message": "m", "status": status, "details": list(details)}}


# -- reading ---------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "sort", "code"),
    [
        # OpenAI and its imitators
        (400, openai(type="invalid_request_error", code="unsupported_value"), "bad_request", "unsupported_value"),
        (400, openai(type="invalid_request_error", code="context_length_exceeded"), "too_large", "context_length_exceeded"),
        (401, openai(type="invalid_request_error", code="invalid_api_key"), "auth", "invalid_api_key"),
        (403, openai(type="invalid_request_error"), "permission", "invalid_request_error"),
        (404, openai(type="invalid_request_error", code="model_not_found"), "not_found", "model_not_found"),
        (409, openai(type="invalid_request_error"), "conflict", "invalid_request_error"),
        (429, openai(type="requests", code="rate_limit_exceeded"), "rate", "rate_limit_exceeded"),
        (429, openai(type="insufficient_quota", code="insufficient_quota"), "billing", "insufficient_quota"),
        (500, openai(type="server_error"), "internal", "server_error"),
        (503, openai(type="server_error"), "overload", "server_error"),
        (400, openai(type="invalid_request_error", code="content_policy_violation"), "filter", "content_policy_violation"),
        (401, {"error": {"code": "401", "message": "m"}}, "auth", None),  # Azure
        (400, {"error": {"code": "content_filter", "message": "m", "status": 400}}, "filter", "content_filter"),
        (400, openai(code="x", innererror={"code": "ResponsibleAIPolicyViolation"}), "filter", "x"),
        (400, openai(type="invalid_request_error", code="model_decommissioned"), "not_found", "model_decommissioned"),
        (413, openai(type="tokens", code="rate_limit_exceeded"), "too_large", "rate_limit_exceeded"),  # Groq: one request over the limit
        (498, openai(type="x"), "overload", "x"),
        (402, openai(type="unknown_error", code="invalid_request_error"), "billing", "invalid_request_error"),  # DeepSeek
        (401, openai(type="authentication_error", code="invalid_request_error"), "auth", "invalid_request_error"),
        (400, {"error": {"message": "m", "type": "too_many_prompt_tokens", "code": 400}}, "too_large", "too_many_prompt_tokens"),
        (429, {"error": {"code": 429, "message": "m", "metadata": {}}, "user_id": "u"}, "rate", None),  # OpenRouter
        # Anthropic
        (400, {"type": "error", "error": {"type": "invalid_request_error", "message": "m"}}, "bad_request", "invalid_request_error"),
        (413, {"type": "error", "error": {"type": "request_too_large", "message": "m"}}, "too_large", "request_too_large"),
        (529, {"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "overload", "overloaded_error"),
        (500, {"type": "error", "error": {"type": "api_error", "message": "m"}}, "internal", "api_error"),
        (403, {"type": "error", "error": {"type": "billing_error", "message": "m"}}, "billing", "billing_error"),
        # Google
        (400, google(400, "INVALID_ARGUMENT"), "bad_request", "INVALID_ARGUMENT"),
        (400, google(400, "INVALID_ARGUMENT", {"reason": "API_KEY_INVALID"}), "auth", "API_KEY_INVALID"),
        (429, [google(429, "RESOURCE_EXHAUSTED")], "rate", "RESOURCE_EXHAUSTED"),
        (503, google(503, "UNAVAILABLE"), "overload", "UNAVAILABLE"),
        (504, google(504, "DEADLINE_EXCEEDED"), "timeout", "DEADLINE_EXCEEDED"),
        # Others
        (400, {"error_type": "TOO_MANY_TOKENS", "id": "i", "message": "m"}, "too_large", "TOO_MANY_TOKENS"),  # Cohere
        (401, {"detail": "m"}, "auth", None),  # Mistral
        (422, {"object": "error", "message": "m", "type": "invalid_request_error"}, "bad_request", "invalid_request_error"),
        (400, {"detail": [{"loc": ["body", 0], "msg": "m"}]}, "bad_request", None),  # Voyage
        (404, {"error": "m"}, "not_found", None),  # Ollama
        (400, {"code": "Client specified an invalid argument", "error": "m"}, "bad_request", None),  # xAI
        (400, {"code": "x y", "error": "Incorrect API key m"}, "auth", None),
        (429, {"code": "Throttling.RateQuota", "message": "m", "request_id": "r"}, "rate", "Throttling.RateQuota"),  # DashScope
        (400, {"code": "Arrearage", "message": "m"}, "billing", "Arrearage"),
        (400, {"error_code": "BAD_REQUEST", "message": "m"}, "bad_request", "BAD_REQUEST"),  # Databricks
        (403, {"success": False, "errors": [{"code": 10000, "message": "m"}]}, "permission", None),  # Cloudflare
        (429, {"error": {"type": "rate_limit_error"}, "message": "m"}, "rate", "rate_limit_error"),
        (410, None, "not_found", None),
        (425, "", "conflict", None),
        (418, "m", "bad_request", None),
        (599, "m", "internal", None),
    ],
)
def test_every_provider_is_understood(status, body, sort, code):
    """
    The sort by the word that says most, else by the status; the provider's own word is kept.
    """
    fault = read_fault("any", status, {}, body)

    assert (fault.status, fault.sort, fault.code) == (status, sort, code)
    assert fault.message.endswith("m") or not body


@pytest.mark.parametrize(
    ("text", "sort"),
    [
        ("This model's maximum context length is 8192 tokens.", "too_large"),
        ("prompt is too long: 210000 tokens > 200000 maximum", "too_large"),
        ("The input token count (1250074) exceeds the maximum number of tokens allowed (1048576).", "too_large"),
        ("Input is too long for requested model.", "too_large"),
        ("Your credit balance is too low to access the API.", "billing"),
        ("API key not valid. Please pass a valid API key.", "auth"),
        ("Content violates usage guidelines.", "filter"),
        ("Extra inputs are not permitted", "bad_request"),
    ],
)
def test_some_causes_stand_in_the_text_alone(text, sort):
    """
    Of answers with 400 and a word that says nothing.
    """
    assert read_fault("any", 400, {}, openai(message=text, type="invalid_request_error")).sort == sort


@pytest.mark.parametrize(
    ("name", "status", "sort"),
    [
        ("ValidationException:http://internal.amazon.com/coral/com.amazon.bedrock/", 400, "bad_request"),
        ("ThrottlingException", 429, "rate"),
        ("AccessDeniedException", 403, "permission"),
        ("UnrecognizedClientException", 403, "auth"),
        ("ExpiredTokenException", 403, "auth"),
        ("ResourceNotFoundException", 404, "not_found"),
        ("ModelErrorException", 424, "internal"),
        ("ModelTimeoutException", 408, "timeout"),
        ("ModelNotReadyException", 429, "overload"),
        ("ServiceQuotaExceededException", 400, "billing"),
        ("InternalServerException", 500, "internal"),
        ("ServiceUnavailableException", 503, "overload"),
    ],
)
def test_amazon_says_it_in_a_header(name, status, sort):
    """
    The body is a text alone.
    """
    fault = read_fault("bedrock-converse", status, [(b"X-Amzn-Errortype", name.encode())], {"message": "m"})

    assert (fault.sort, fault.code, fault.message) == (sort, name.partition(":")[0], "m")


def test_what_a_page_for_browsers_says_is_left_out():
    """
    As is nothing at all; plain text is a text.
    """
    for body in (b"<html><body>502 Bad Gateway</body></html>", "\ufeff\n <!DOCTYPE html>", b"", None, {}, [], [[]], 7, {"message": "  "}):
        assert read_fault("any", 502, {}, body) == Fault(502, "internal", "The provider answered with an error and gave no reason.")
    assert read_fault("any", 502, {}, b"upstream \xff connect error").message == "upstream \ufffd connect error"


def test_who_stands_behind_a_broker_is_heard():
    """
    OpenRouter's own text says nothing.
    """
    error = {
        "code": 400,
        "message": "Provider returned error",
        "metadata": {"raw": '{"code":"c","error":"bad tool"}', "provider_name": "xAI"},
    }

    assert read_fault("any", 400, {}, {"error": error}).message == "Provider returned error: bad tool"


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "7"}, None, 7.0),
        ({"Retry-After": "1", "Retry-After-Ms": "0"}, None, 1.0),
        ({"retry-after-ms": "1500", "retry-after": "2"}, None, 1.5),
        ({"retry-after-ms": "0"}, None, 0.0),
        ({"retry-after": "Wed, 04 Nov 2026 10:00:30 GMT", "date": "Wed, 04 Nov 2026 10:00:00 GMT"}, None, 30.0),
        ({"retry-after": "Wed, 04 Nov 2026 10:00:00 GMT", "date": "Wed, 04 Nov 2026 10:00:30 GMT"}, None, 0.0),
        ({"retry-after": "Wed, 04 Nov 2026 10:00:30 GMT"}, None, None),
        ({"retry-after": "soon"}, None, None),
        ({"retry-after": "-1"}, None, None),
        ({"retry-after": "inf"}, None, None),
        ({"retry-after": "99999999999"}, None, 604800.0),
        ({}, google(429, "RESOURCE_EXHAUSTED", {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.07s"}), 34.07),
        ({}, google(429, "RESOURCE_EXHAUSTED", {"retryDelay": "soon"}), None),
        (
            {"date": "Tue, 07 Oct 2025 13:56:45 GMT"},
            {"error": {"code": 429, "message": "m", "metadata": {"headers": {"X-RateLimit-Reset": "1759845420000"}}}},
            15.0,
        ),
    ],
)
def test_when_to_come_back(headers, body, seconds):
    """
    In seconds, whichever way the provider says it; dates by its own clock.
    """
    assert read_fault("any", 429, headers, body).retry_after_seconds == seconds


def test_what_the_headers_say_beside():
    """
    Whether to try again, and under which id to ask the provider.
    """
    fault = read_fault("any", 500, {"x-should-retry": "false", "request-id": "req_1"}, {})
    other = read_fault(
        "any", 400, {"x-should-retry": "true", "x-request-id": "not an id"}, {"error": {"message": "m"}, "request_id": "req_2"}
    )

    assert (fault.should_retry, fault.request_id, fault.pointless) == (False, "req_1", True)
    assert (other.should_retry, other.request_id, other.pointless) == (True, "req_2", False)


@pytest.mark.parametrize(
    ("body", "status", "sort", "text"),
    [
        ({"error": {"code": 502, "message": "m", "metadata": {}}, "user_id": "u"}, 502, "internal", "m"),  # OpenRouter
        ({"id": "i", "choices": [], "error": {"code": 429, "message": "m"}}, 429, "rate", "m"),
        (
            {"error": {"message": "m", "type": "invalid_request_error", "code": "tool_use_failed", "status_code": 400}},
            400,
            "bad_request",
            "m",
        ),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, 503, "overload", "m"),  # Anthropic
        ({"type": "error", "code": "server_error", "message": "m", "param": None, "sequence_number": 3}, 500, "internal", "m"),  # Responses
        ({"type": "error", "code": "rate_limit_exceeded", "message": "m"}, 429, "rate", "m"),
        ({"type": "response.failed", "response": {"error": {"code": "server_error", "message": "m"}}}, 500, "internal", "m"),
        ({"type": "response.failed", "response": {"id": "r", "error": None}}, 500, "internal", None),
        ({"object": "response", "status": "failed", "error": {"code": "invalid_prompt", "message": "m"}}, 400, "filter", "m"),
        (google(503, "UNAVAILABLE"), 503, "overload", "m"),
        ([google(400, "INVALID_ARGUMENT")], 400, "bad_request", "m"),
        ({"type": "message-end", "delta": {"finish_reason": "ERROR", "error": "m"}}, 500, "internal", "m"),  # Cohere
        ({"error": "m"}, 500, "internal", "m"),  # Ollama
        ({"error": "m", "error_type": "overloaded"}, 503, "overload", "m"),  # Hugging Face
        ({"base_resp": {"status_code": 1008, "status_msg": "m"}}, 402, "billing", "m"),  # MiniMax
        ({"base_resp": {"status_code": 1, "status_msg": 1}}, 500, "internal", None),
        ({"error_code": 18, "error_msg": "m"}, 429, "rate", "m"),  # Baidu
        ({"Response": {"Error": {"Code": "AuthFailure.SignatureFailure", "Message": "m"}, "RequestId": "r"}}, 401, "auth", "m"),  # Tencent
        ({"code": "DataInspectionFailed", "message": "m", "request_id": "r"}, 400, "filter", "m"),  # DashScope
        ({"throttlingException": {"message": "m"}}, 429, "rate", "m"),
        ({"__type": "com.amazon.coral#ThrottlingException", "message": "m"}, 429, "rate", "m"),
    ],
)
def test_errors_inside_answers(body, status, sort, text):
    """
    Of 200, and of streams.
    """
    fault = fault_of(body)

    assert fault is not None
    assert (fault.status, fault.sort) == (status, sort)
    assert text is None or fault.message == text


@pytest.mark.parametrize(
    ("name", "status", "sort"),
    [("throttlingException", 429, "rate"), ("modelStreamErrorException", 500, "internal"), ("validationException", 400, "bad_request")],
)
def test_exceptions_of_amazons_streams(name, status, sort):
    """
    By the name of their frame.
    """
    fault = fault_of({"message": "m"}, name=name)

    assert fault == Fault(status, sort, "m", name)
    assert fault_of(None, name=name) == Fault(status, sort, "The provider answered with an error and gave no reason.", name)


@pytest.mark.parametrize(
    "body",
    [
        None,
        7,
        "error",
        [],
        {},
        {"error": None, "choices": []},
        {"error": "", "message": {"content": "x"}},
        {"id": "i", "message": "hello"},
        {"message": {"role": "assistant", "content": "x"}, "done": True},
        {"base_resp": {"status_code": 0, "status_msg": "success"}, "choices": []},
        {"error_code": 0, "error_msg": ""},
        {"type": "response.incomplete", "response": {"error": None}},
        {"type": "message-end", "delta": {"finish_reason": "COMPLETE"}},
        {"success": True, "errors": [], "result": {}},
    ],
)
def test_what_is_no_error(body):
    """
    Answers are not, whatever members they have.
    """
    assert fault_of(body) is None


# -- keys ------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"Incorrect API key provided: {KEY}. You can find it", "Incorrect API key provided: [redacted] You can find it"),
        ("Incorrect API key provided: sk-abc***xyz.", "Incorrect API key provided: [redacted]"),
        ("Your api key: ****-key is invalid", "Your api key: [redacted] is invalid"),
        ("key sk-ab*****yz is bad", "key [redacted] is bad"),
        ("token <not-a-r****key>!", "token <[redacted]>!"),
        ("Authorization: Bearer " + "abc.def" * 3, "Authorization: Bearer [redacted]"),
        ("at https://x.example/v1?key=" + "AIza" + "Sy" * 18 + "&alt=sse", "at https://x.example/v1?key=[redacted]&alt=sse"),
        ("key " + "AIza" + "Sy" * 18 + " expired", "key [redacted] expired"),
        ("API key ID: 5bfd0532-8fa8-4e41, Model: m", "API key ID: [redacted], Model: m"),
        ("limit for m in organization org-" + "Ab1" * 8 + " on tokens", "limit for m in organization [redacted] on tokens"),
        ("User: arn:aws:sts::" + "1" * 12 + ":assumed-role/r is not authorized", "User: [redacted] is not authorized"),
        ("jwt " + "eyJ" + "hbGciOiJ." * 2 + "x is bad", "jwt [redacted] is bad"),
        ("You can find your API key at https://platform.openai.com/account/api-keys.",) * 2,
        ("API key not valid. Please pass a valid API key.",) * 2,
        ("Invalid 'max_tokens': integer below minimum value.",) * 2,
        ("2 ** 3 is *bold*, sketch-like, task-1234567",) * 2,
    ],
)
def test_keys_do_not_come_through(text, left):
    """
    Nor names of accounts; what only speaks of keys stays.
    """
    assert without_keys(text) == left
    assert read_fault("any", 401, {}, openai(message=text)).message == left


def test_texts_are_bounded():
    """
    Whatever a provider sends, and however its text is made to be slow to read.
    """
    for text in ("x" * 10**6, "api key" * 10**5, "*" * 10**6, "x*" * 10**5, "?key=" * 10**5, "sk-" * 10**5):
        assert len(read_fault("any", 400, {}, text).message) <= 4000


# -- writing ---------------------------------------------------------------------------------------------------------------------------

SORTS = sorted(CANONICAL)
DIALECTS = [
    *("openai-chat", "openai-responses", "anthropic-messages", "gemini", "bedrock-converse", "cohere-v2", "mistral-chat", "ollama"),
    *("xai", "voyage", "unknown"),
]

# Sort -> status and word of the error, by dialect.
TABLE = {
    "bad_request": ((400, None), (400, "invalid_request_error"), (400, "INVALID_ARGUMENT")),
    "auth": ((401, "invalid_api_key"), (401, "authentication_error"), (401, "UNAUTHENTICATED")),
    "permission": ((403, "insufficient_permissions"), (403, "permission_error"), (403, "PERMISSION_DENIED")),
    "not_found": ((404, "model_not_found"), (404, "not_found_error"), (404, "NOT_FOUND")),
    "too_large": ((400, "context_length_exceeded"), (400, "invalid_request_error"), (400, "INVALID_ARGUMENT")),
    "rate": ((429, "rate_limit_exceeded"), (429, "rate_limit_error"), (429, "RESOURCE_EXHAUSTED")),
    "billing": ((429, "insufficient_quota"), (402, "billing_error"), (429, "RESOURCE_EXHAUSTED")),
    "overload": ((503, "service_unavailable"), (529, "overloaded_error"), (503, "UNAVAILABLE")),
    "timeout": ((504, "timeout"), (504, "timeout_error"), (504, "DEADLINE_EXCEEDED")),
    "internal": ((500, None), (500, "api_error"), (500, "INTERNAL")),
    "filter": ((400, "content_filter"), (400, "invalid_request_error"), (400, "INVALID_ARGUMENT")),
    "conflict": ((409, "conflict"), (409, "invalid_request_error"), (409, "ABORTED")),
}


@pytest.mark.parametrize("sort", SORTS)
def test_each_sort_in_the_callers_words(sort):
    """
    Status and word as that family's SDKs know them; the text is the provider's alone.
    """
    fault = Fault(CANONICAL[sort], sort, "m")

    chat, messages, gemini = (
        (status, json.loads(body)["error"])
        for status, _, body in (encode_fault(dialect, fault, "c") for dialect in ("openai-chat", "anthropic-messages", "gemini"))
    )

    assert ((chat[0], chat[1]["code"]), (messages[0], messages[1]["type"]), (gemini[0], gemini[1]["status"])) == TABLE[sort]
    assert chat[1]["message"] == messages[1]["message"] == gemini[1]["message"] == "m"
    assert gemini[1]["code"] == gemini[0]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sort", SORTS)
def test_every_dialect_writes_what_it_reads(dialect, sort):
    """
    An error that crosses to a dialect is of the same sort when it is read there, or of one that is treated alike.
    """
    fault = Fault(CANONICAL[sort], sort, "m", retry_after_seconds=6.2)

    status, headers, body = encode_fault(dialect, fault, "c")
    again = read_fault(dialect, status, headers, body)

    assert again.message == "m"
    assert again.retry_after_seconds == 7.0
    assert again.pointless == fault.pointless
    assert again.sort == sort or (sort, again.sort) in {
        ("auth", "permission"),  # Amazon has one word for both
        ("too_large", "bad_request"),
        ("filter", "bad_request"),
        ("billing", "rate"),  # Google, too
    }


@pytest.mark.parametrize(
    ("fault", "dialect", "status"),
    [
        (Fault(422, "bad_request"), "openai-chat", 422),
        (Fault(422, "bad_request"), "gemini", 400),
        (Fault(418, "bad_request"), "openai-chat", 400),
        (Fault(413, "too_large"), "anthropic-messages", 413),
        (Fault(408, "timeout"), "openai-chat", 408),
        (Fault(524, "timeout"), "openai-chat", 504),
        (Fault(520, "internal"), "openai-chat", 500),
        (Fault(502, "internal"), "anthropic-messages", 502),
        (Fault(424, "internal"), "openai-chat", 500),
        (Fault(400, "auth"), "openai-chat", 401),
        (Fault(403, "auth"), "bedrock-converse", 403),
        (Fault(529, "overload"), "openai-chat", 503),
        (Fault(410, "not_found"), "openai-chat", 404),
        (Fault(400, "not_found"), "openai-chat", 404),
        (Fault(403, "filter"), "openai-chat", 400),
        (Fault(500, "overload"), "anthropic-messages", 529),
    ],
)
def test_the_status_is_kept_where_it_means_something(fault, dialect, status):
    """
    To the caller's SDK; else it is that of the sort.
    """
    assert encode_fault(dialect, fault, None)[0] == status


def test_the_head_of_an_error():
    """
    Both ids, when to come back, whether to.
    """
    fault = Fault(429, "rate", "m", retry_after_seconds=6.2, request_id="req_1")
    head = dict(encode_fault("anthropic-messages", fault, "c")[1])

    assert head == {
        "content-type": "application/json",
        "x-excise-call-id": "c",
        "request-id": "c",
        "x-excise-upstream-request-id": "req_1",
        "retry-after": "7",
    }


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (Fault(500, "internal"), None),
        (Fault(500, "internal", should_retry=True), "true"),
        (Fault(500, "internal", should_retry=False), "false"),
        (Fault(400, "bad_request"), "false"),
        (Fault(400, "bad_request", should_retry=True), "true"),
        (Fault(429, "billing"), "false"),
        (Fault(429, "rate", retry_after_seconds=61.0), "false"),
        (Fault(429, "rate", retry_after_seconds=60.0), None),
    ],
)
def test_whether_to_try_again(fault, says):
    """
    The provider's own word first; else not where it is vain.
    """
    assert dict(encode_fault("openai-chat", fault, None)[1]).get("x-should-retry") == says


def test_the_providers_own_code_where_ours_says_nothing():
    """
    And the field at fault.
    """
    _, _, body = encode_fault("openai-chat", Fault(400, "bad_request", "m", "unsupported_value", "temperature"), None)

    assert json.loads(body)["error"] == {
        "message": "m",
        "type": "invalid_request_error",
        "param": "temperature",
        "code": "unsupported_value",
    }


def test_texts_no_json_can_hold_are_mended():
    """
    Lone surrogates, which a provider may escape.
    """
    fault = read_fault("any", 400, {}, {"error": {"message": "a\ud800b", "code": "c"}})

    for dialect in DIALECTS:
        assert json.loads(encode_fault(dialect, fault, None)[2])
        assert encode_stream_fault(dialect, Framing.SSE, fault)


# -- through the SDKs ------------------------------------------------------------------------------------------------------------------

OPENAI_RAISES = {
    "bad_request": "BadRequestError",
    "auth": "AuthenticationError",
    "permission": "PermissionDeniedError",
    "not_found": "NotFoundError",
    "rate": "RateLimitError",
    "billing": "RateLimitError",
    "overload": "InternalServerError",
    "conflict": "ConflictError",
    "filter": "BadRequestError",
}


@pytest.mark.parametrize(("sort", "name"), OPENAI_RAISES.items())
def test_openai_raises_what_it_raises(sort, name):
    """
    Once, where trying again is vain.
    """
    import httpx2
    import openai as sdk

    fault = Fault(CANONICAL[sort], sort, "m", should_retry=False)
    transport, seen = _answering("openai-chat", fault, httpx2)
    client = sdk.OpenAI(api_key="k", base_url="http://api.example/v1", http_client=httpx2.Client(transport=transport))

    with pytest.raises(getattr(sdk, name)) as raised:
        client.chat.completions.create(model="m", messages=[])

    assert raised.value.body["message"] == "m"
    assert len(seen) == 1


@pytest.mark.parametrize(
    ("sort", "name"),
    [("rate", "RateLimitError"), ("overload", "OverloadedError"), ("auth", "AuthenticationError"), ("not_found", "NotFoundError")],
)
def test_anthropic_raises_what_it_raises(sort, name):
    """
    529 for an overload, as its own service says it.
    """
    import anthropic
    import httpx2

    fault = Fault(CANONICAL[sort], sort, "m", should_retry=False)
    transport, seen = _answering("anthropic-messages", fault, httpx2)
    client = anthropic.Anthropic(api_key="k", base_url="http://api.example", http_client=httpx2.Client(transport=transport))

    with pytest.raises(getattr(anthropic, name, anthropic.APIStatusError)) as raised:
        client.messages.create(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}])

    assert raised.value.body["error"]["message"] == "m"
    assert raised.value.status_code == (529 if sort == "overload" else CANONICAL[sort])
    assert len(seen) == 1


@pytest.mark.parametrize(("sort", "name"), [("rate", "ClientError"), ("overload", "ServerError"), ("billing", "ClientError")])
def test_google_raises_what_it_raises(sort, name):
    """
    With its own status name and when to come back.
    """
    import httpx
    from google import genai
    from google.genai import errors, types

    transport, _ = _answering("gemini", Fault(CANONICAL[sort], sort, "m", retry_after_seconds=7), httpx)
    options = types.HttpOptions(base_url="http://api.example", httpx_client=httpx.Client(transport=transport))

    with pytest.raises(getattr(errors, name)) as raised:
        genai.Client(api_key="k", http_options=options).models.generate_content(model="m", contents="x")

    assert raised.value.message == "m"
    assert raised.value.details["error"]["details"][0]["retryDelay"] == "7s"


@pytest.mark.parametrize(
    ("sort", "name"), [("bad_request", "BadRequestError"), ("rate", "TooManyRequestsError"), ("auth", "UnauthorizedError")]
)
def test_cohere_raises_what_it_raises(sort, name):
    """
    With the text in its body.
    """
    import cohere
    import httpx

    transport, _ = _answering("cohere-v2", Fault(CANONICAL[sort], sort, "m"), httpx)
    client = cohere.ClientV2("k", base_url="http://api.example", max_retries=0, httpx_client=httpx.Client(transport=transport))

    with pytest.raises(getattr(cohere, name)) as raised:
        client.chat(model="m", messages=[{"role": "user", "content": "x"}])

    assert raised.value.body["message"] == "m"


@pytest.mark.parametrize("sort", SORTS)
def test_mistral_raises_its_one_error(sort):
    """
    For every sort.
    """
    import httpx
    from mistralai.client import Mistral
    from mistralai.client.errors import SDKError

    transport, _ = _answering("mistral-chat", Fault(422 if sort == "bad_request" else CANONICAL[sort], sort, "m"), httpx)
    client = Mistral(api_key="k", server_url="http://api.example", client=httpx.Client(transport=transport))

    with pytest.raises(SDKError) as raised:
        client.chat.complete(model="m", messages=[{"role": "user", "content": "x"}])

    assert json.loads(raised.value.body)["message"] == "m"


@pytest.mark.parametrize(
    ("sort", "name"),
    [
        *(("bad_request", "ValidationException"), ("auth", "AccessDeniedException"), ("not_found", "ResourceNotFoundException")),
        *(("rate", "ThrottlingException"), ("billing", "ServiceQuotaExceededException"), ("overload", "ServiceUnavailableException")),
        *(("timeout", "ModelTimeoutException"), ("internal", "InternalServerException"), ("conflict", "ConflictException")),
    ],
)
def test_bedrock_raises_its_modelled_exceptions(sort, name):
    """
    By the header.
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
        status, headers, body = encode_fault("bedrock-converse", Fault(CANONICAL[sort], sort, "m"), "c")
        return AWSResponse(request.url, status, dict(headers), Raw(body))

    config = Config(retries={"total_max_attempts": 1}, region_name="us-east-1")
    client = boto3.client("bedrock-runtime", aws_access_key_id="a", aws_secret_access_key="b", config=config)
    client.meta.events.register("before-send.bedrock-runtime.*", answer)

    with pytest.raises(getattr(client.exceptions, name)) as raised:
        client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}])

    assert raised.value.response["Error"]["Message"] == "m"


def _answering(dialect: str, fault: Fault, module: Any) -> tuple[Any, list[str]]:
    """
    A transport that answers every request with this failure, and the list of requests it saw.
    """
    seen: list[str] = []

    def handler(request: Any) -> Any:
        seen.append(str(request.url))
        status, headers, body = encode_fault(dialect, fault, "call-1")
        return module.Response(status, headers=headers, content=body)

    return module.MockTransport(handler), seen


# -- in streams ------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "name", "place"),
    [
        ("openai-chat", None, ("error", "message")),
        ("openai-responses", "error", ("message",)),
        ("anthropic-messages", "error", ("error", "message")),
        ("gemini", None, ("error", "message")),
        ("cohere-v2", "message-end", ("delta", "error")),
        ("mistral-chat", None, ("message",)),
    ],
)
def test_a_stream_ends_with_the_dialects_own_error(dialect, name, place):
    """
    One event, which reads back as the same sort; no empty line before it, for the stream so far is ours and whole.
    """
    body = encode_stream_fault(dialect, Framing.SSE, Fault(529, "overload", "m"), sequence_number=9)

    ((event, data),) = read(decoded(SseDecoder(LIMIT), [body]))
    value = document = json.loads(data)
    for step in place:
        value = value[step]

    assert not body.startswith(b"\n")
    assert (event, value) == (name, "m")
    assert document.get("sequence_number", 9) == 9
    assert dialect == "cohere-v2" or fault_of(document).sort == "overload"


def test_other_framings_end_in_their_own_way():
    """
    Lines, arrays, Amazon's exceptions; a document has no room for one.
    """
    fault = Fault(429, "rate", "m")
    buffer = EventStreamBuffer()
    buffer.add_data(encode_stream_fault("bedrock-converse", Framing.EVENTSTREAM, fault))
    (message,) = list(buffer)

    assert json.loads(encode_stream_fault("ollama", Framing.NDJSON, fault)) == {"error": "m"}
    assert json.loads(b"[1" + encode_stream_fault("gemini", Framing.JSON_ARRAY, fault))[1]["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert message.headers[":exception-type"] == "throttlingException"
    assert json.loads(message.payload) == {"message": "m"}
    assert encode_stream_fault("openai-chat", Framing.JSON, fault) == b""


# -- whatever comes --------------------------------------------------------------------------------------------------------------------

# fmt: off
MEMBERS = [
    "error", "message", "type", "code", "status", "status_code", "details", "param", "metadata", "raw", "headers", "detail", "loc", "msg",
    "base_resp", "status_msg", "error_code", "error_msg", "Response", "Error", "Code", "success", "errors", "delta", "object", "response",
    "retryDelay", "reason", "innererror", "request_id", "X-RateLimit-Reset", "__type", "throttlingException",
]
# fmt: on
TEXTS = st.sampled_from(["error", "500", "m", "\ud800", "{}", "1e9", "x#y"])
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS)
HOSTILE = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=5)),
    max_leaves=20,
)
HEADS = st.dictionaries(
    st.sampled_from(["retry-after", "retry-after-ms", "date", "x-should-retry", "x-amzn-errortype", "request-id"]),
    st.one_of(st.text(max_size=12), st.just("Wed, 04 Nov 2026 10:00:30 GMT"), st.just("Mon, 99 Foo 99999 99:99:99")),
)


@settings(max_examples=600)
@given(HOSTILE, st.integers(100, 999), HEADS)
def test_nothing_raises(body, status, head):
    """
    Whatever a provider answers, each dialect can say it.
    """
    faults = [read_fault("any", status, head, body), fault_of(body), fault_of(body, status, name="x.Exception")]

    for fault in faults:
        if fault is None:
            continue
        assert fault.sort in CANONICAL
        assert 400 <= encode_fault("anthropic-messages", fault, None)[0] < 600
        for dialect in DIALECTS:
            for framing in Framing:
                encode_stream_fault(dialect, framing, fault)


def test_the_text_is_in_no_representation():
    """
    It is content, and a representation may end in a log.
    """
    assert "secret" not in repr(read_fault("any", 400, {}, openai(message="secret", param="secret")))


@require_recordings
def test_recorded_errors_are_understood():
    """
    Each is read, keeps its status, says something, and crosses into every dialect.
    """
    seen = 0
    for record in records():
        status = record["response"]["status"]
        if status < 400:
            continue
        body = response_body(record)
        body = decode_body(response_encoding(record), body, LIMIT)
        seen += 1

        fault = read_fault(record["meta"]["protocol"], status, headers(record["response"]), body)

        assert fault.status == status
        assert fault.message and "****" not in fault.message
        assert status != 429 or fault.sort == "rate"
        assert status != 404 or fault.sort == "not_found"
        for dialect in DIALECTS:
            assert encode_fault(dialect, fault, "c")[0] >= 400

    assert seen > 100


@require_recordings
def test_recorded_answers_hold_the_errors_they_hold_and_no_others():
    """
    Five of some thousand documents and events are errors inside a 200.
    """
    found: dict[str, int] = {}
    for record in records():
        if record["response"]["status"] >= 400 or record["meta"]["wire"] not in ("json", "sse") or response_encoding(record) is not None:
            continue
        body = response_body(record)
        documents = [body] if record["meta"]["wire"] == "json" else [frame.data or b"" for frame in decoded(SseDecoder(1 << 26), [body])]
        for document in documents:
            try:
                fault = fault_of(orjson.loads(document))
            except orjson.JSONDecodeError:
                continue
            if fault is not None:
                provider = record["meta"]["provider"]
                found[provider] = found.get(provider, 0) + 1

    assert found == {"cohere": 1, "gemini": 1, "groq": 1, "openrouter": 2}
