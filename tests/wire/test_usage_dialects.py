"""
Documents, headers and envelopes of the other dialects, one rule a test.
"""

from __future__ import annotations

import json
from dataclasses import fields
from decimal import Decimal
from typing import Any

import pytest

from excise.exchange import Call, Prompt
from excise.wire.frame import Frame
from excise.wire.meter import Meter, Metering
from excise.wire.usage import UsageSource


def meter(
    dialect: str,
    *bodies: Any,
    provider: str = "p",
    operation: str = "chat",
    headers: tuple[tuple[bytes, bytes], ...] = (),
    status: int = 200,
    complete: bool = True,
    request: Any = None,
    event: str | None = None,
) -> Metering:
    """
    Meter bodies given as JSON values, text or bytes, one frame each; (event, body) names the frame's event.
    """
    prompt = None if request is None else Prompt(body=b"", json=request, model=request.get("model"), stream=False)
    reader = Meter(Call(provider=provider, operation=operation, dialect=dialect, model_at="body"), prompt)
    for body in bodies:
        name, value = body if type(body) is tuple else (event, body)
        data = value if type(value) is bytes else json.dumps(value).encode()
        reader.observe(Frame(data, name, data))
    return reader.finish(status=status, headers=headers, complete=complete)


def known(metering: Metering) -> dict[str, Any]:
    usage = metering.usage
    return {field.name: value for field in fields(usage) if (value := getattr(usage, field.name)) is not None}


# --- Anthropic ------------------------------------------------------------------------------------------------------------------------


def test_a_fallback_message_leaves_the_totals_alone():
    """
    With a fallback the top level already is the answer that was served.
    """
    message = {"type": "message", "input_tokens": 50, "output_tokens": 5}
    usage = {"input_tokens": 70, "output_tokens": 7, "iterations": [message, {**message, "type": "fallback_message"}]}

    assert known(meter("anthropic-messages", {"type": "message", "content": [], "usage": usage, "stop_reason": "end_turn"})) == {
        "uncached_input_tokens": 70,
        "text_output_tokens": 7,
    }


def test_fast_mode_is_a_tier():
    """
    `speed: fast` has its own price.
    """
    body = {"type": "message", "content": [], "usage": {"input_tokens": 1, "output_tokens": 1, "speed": "fast", "service_tier": "standard"}}

    assert meter("anthropic-messages", body).service_tier == "fast"


def test_the_old_complete_is_estimated():
    """
    `/v1/complete` states no usage, whole or streamed.
    """
    got = meter(
        "anthropic-complete",
        {"type": "completion", "id": "compl_1", "completion": " Light", "stop_reason": None, "model": "claude-2.1"},
        {"type": "completion", "id": "compl_1", "completion": "", "stop_reason": "stop_sequence", "model": "claude-2.1"},
        operation="completions",
        request={"model": "claude-2.1", "prompt": "x" * 100},
    )

    assert (got.source, known(got)) == (UsageSource.ESTIMATED, {"uncached_input_tokens": 27, "text_output_tokens": 1})


def test_writes_of_a_stale_split_follow_its_proportion():
    """
    A delta that states only the total of writes keeps their lifetime, if all were of one.
    """
    start = {"cache_creation_input_tokens": 10, "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 10}}
    got = meter(
        "anthropic-messages",
        {"type": "message_start", "message": {"usage": start}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"cache_creation_input_tokens": 30, "output_tokens": 1}},
        {"type": "message_stop"},
    )

    assert (got.usage.cache_write_5m_tokens, got.usage.cache_write_1h_tokens) == (0, 30)


# --- Bedrock --------------------------------------------------------------------------------------------------------------------------


def test_converse_excludes_the_cache_and_tells_lifetimes():
    """
    `inputTokens` is uncached; `cacheDetails` splits the writes; both spellings say the same once.
    """
    usage = {
        "inputTokens": 3,
        "outputTokens": 121,
        "totalTokens": 2072,
        "cacheReadInputTokens": 1712,
        "cacheReadInputTokenCount": 1712,
        "cacheWriteInputTokens": 236,
        "cacheDetails": [{"inputTokens": 200, "ttl": "1h"}, {"inputTokens": 36, "ttl": "5m"}],
    }
    got = meter("bedrock-converse", {"output": {"message": {"content": [{"text": "x"}]}}, "stopReason": "end_turn", "usage": usage})

    assert got.usage.input_tokens == 2072 - 121
    assert known(got) == {
        "uncached_input_tokens": 3,
        "cache_read_tokens": 1712,
        "cache_write_5m_tokens": 36,
        "cache_write_1h_tokens": 200,
        "text_output_tokens": 121,
    }


def test_converse_stream_states_usage_in_metadata():
    """
    The metadata event comes last; without it the answer is broken and estimated.
    """
    events = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"delta": {"text": "x" * 100}, "contentBlockIndex": 0}),
        ("contentBlockStop", {"contentBlockIndex": 0}),
        ("messageStop", {"stopReason": "end_turn"}),
        ("metadata", {"usage": {"inputTokens": 12, "outputTokens": 25}, "metrics": {"latencyMs": 1}}),
    ]

    assert known(meter("bedrock-converse", *events, complete=False)) == {"uncached_input_tokens": 12, "text_output_tokens": 25}
    cut = meter("bedrock-converse", *events[:2], complete=False)
    assert (cut.source, cut.broken_reason, known(cut)) == (UsageSource.ESTIMATED, "cut", {"text_output_tokens": 22})


def test_an_exception_frame_is_an_error():
    """
    Bedrock ends a failing stream with an exception, named by its event.
    """
    got = meter("bedrock-invoke", ("throttlingException", {"message": "Too many"}), provider="bedrock", operation="invoke")

    assert (got.error_type, got.broken_reason, got.source) == ("throttlingException", "error", UsageSource.UNKNOWN)


METRICS = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 23, "outputTokenCount": 120, "cacheReadInputTokenCount": 4}}


@pytest.mark.parametrize(
    "events",
    [
        [{"generation": "Hi", "prompt_token_count": 23}, {"generation": "", "generation_token_count": 120, "stop_reason": "stop"}],  # Llama
        [{"outputText": "Hi", "index": 0, "totalOutputTextTokenCount": 120, "inputTextTokenCount": 23}],  # Titan
        [{"completion": "Hi", "stop_reason": None}, {"completion": "", "stop_reason": "stop_sequence", **METRICS}],  # old Claude
        [{"index": 0, "is_finished": False, "text": "Hi"}, {"finish_reason": "MAX_TOKENS", "is_finished": True, **METRICS}],  # Cohere
        [{"messageStart": {"role": "assistant"}}, {"contentBlockDelta": {"delta": {"text": "Hi"}}}, {"messageStop": {}, **METRICS}],  # Nova
        [{"choices": [{"delta": {"content": "Hi"}}]}, {"choices": [], **METRICS}],  # gpt-oss, DeepSeek
    ],
)
def test_invoke_speaks_each_models_own_tongue(events):
    """
    What the model states counts; where it states nothing, Bedrock's metrics do.
    """
    got = meter("bedrock-invoke", *events, provider="bedrock", operation="invoke", event="chunk")

    assert got.source is UsageSource.PROVIDER
    assert (got.usage.uncached_input_tokens, got.usage.output_tokens) == (23, 120)


def test_titan_documents_and_embeddings_count_beside_the_text():
    """
    Titan names its counts unlike everybody else, per result.
    """
    document = {"inputTextTokenCount": 5, "results": [{"tokenCount": 10, "outputText": "Hi", "completionReason": "FINISH"}]}

    assert known(meter("bedrock-invoke", document, provider="bedrock", operation="invoke")) == {
        "uncached_input_tokens": 5,
        "text_output_tokens": 10,
    }
    assert known(meter("bedrock-invoke", {"embedding": [0.1], "inputTextTokenCount": 5}, provider="bedrock", operation="embeddings")) == {
        "uncached_input_tokens": 5
    }


def test_headers_are_the_last_resort():
    """
    A body that states nothing is metered by Bedrock's headers; a body that does is not overruled by them.
    """
    headers = (
        (b"X-Amzn-Bedrock-Input-Token-Count", b"20"),
        (b"x-amzn-bedrock-output-token-count", b"10"),
        (b"x-amzn-bedrock-cache-read-input-token-count", b"4"),
    )
    bare = meter("bedrock-invoke", {"generations": [{"text": "Hi"}]}, provider="bedrock", operation="invoke", headers=headers)
    said = meter(
        "bedrock-invoke",
        {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 6, "completion_tokens": 100}},
        provider="bedrock",
        operation="invoke",
        headers=headers,
    )

    assert known(bare) == {"uncached_input_tokens": 20, "cache_read_tokens": 4, "text_output_tokens": 10}
    assert bare.raw is not None
    assert bare.raw["headers"]["x-amzn-bedrock-input-token-count"] == 20
    assert known(said) == {"uncached_input_tokens": 6, "text_output_tokens": 100}


def test_agents_state_usage_in_traces():
    """
    A Bedrock agent sums what its traces state of each model call; its text comes in bare chunks.
    """
    trace = {"trace": {"orchestrationTrace": {"modelInvocationOutput": {"metadata": {"usage": {"inputTokens": 896, "outputTokens": 165}}}}}}
    got = meter(
        "bedrock-agent", ("trace", trace), ("chunk", b"The sum is 55."), ("trace", trace), provider="bedrock-agent", operation="agent"
    )

    assert known(got) == {"uncached_input_tokens": 1792, "text_output_tokens": 330}


# --- the answer tells the dialect -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "body"),
    [
        (
            "vertex-rawpredict",
            {"type": "message", "content": [{"type": "text", "text": "x"}], "usage": {"input_tokens": 4, "output_tokens": 2}},
        ),
        ("vertex-rawpredict", {"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}),
        (
            "passthrough",
            {
                "candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}],
                "usageMetadata": {"promptTokenCount": 4, "candidatesTokenCount": 2},
            },
        ),
        ("passthrough", {"object": "response", "output": [], "status": "completed", "usage": {"input_tokens": 4, "output_tokens": 2}}),
        ("?", {"model": "m", "message": {"content": "x"}, "done": True, "prompt_eval_count": 4, "eval_count": 2}),
        ("?", {"text": "x", "meta": {"billed_units": {"input_tokens": 4, "output_tokens": 2}}}),
        ("cloudflare-run", {"result": {"response": "x", "usage": {"prompt_tokens": 4, "completion_tokens": 2}}, "success": True}),
        ("tencent-cloud-api", {"Response": {"Usage": {"PromptTokens": 4, "CompletionTokens": 2, "TotalTokens": 6}}}),
        ("oci-native", {"chatResponse": {"usage": {"promptTokens": 4, "completionTokens": 2, "totalTokens": 6}}}),
        ("watsonx", {"results": [{"generated_text": "x", "input_token_count": 4, "generated_token_count": 2}]}),
        ("tgi", {"generated_text": "x", "details": {"generated_tokens": 2}, "prompt_token_count": 4}),
        ("llamacpp", {"content": "x", "tokens_evaluated": 4, "tokens_predicted": 2}),
        ("deepinfra-native", {"results": [{"generated_text": "x"}], "inference_status": {"tokens_input": 4, "tokens_generated": 2}}),
        ("aleph-alpha", {"completions": [{"completion": "x"}], "num_tokens_prompt_total": 4, "num_tokens_generated": 2}),
        ("dashscope-native", {"output": {"text": "x"}, "usage": {"input_tokens": 4, "output_tokens": 2, "total_tokens": 6}}),
        ("reka-native", {"responses": [{"message": {"content": "x"}}], "usage": {"input_tokens": 4, "output_tokens": 2}}),
        ("wenxin-native", {"result": "x", "usage": {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}}),
        ("snowflake-native", {"choices": [{"messages": "x"}], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}),
        ("replicate", {"output": "x", "status": "succeeded", "metrics": {"input_token_count": 4, "output_token_count": 2}}),
    ],
)
def test_rare_and_wrapped_dialects_state_the_same(dialect, body):
    """
    Wherever a provider puts its counts and whatever it calls them, they are found.
    """
    got = meter(dialect, body)

    assert known(got) == {"uncached_input_tokens": 4, "text_output_tokens": 2}
    assert got.source is UsageSource.PROVIDER


def test_generation_servers_state_usage_in_headers():
    """
    text-generation-inference: `x-prompt-tokens`, `x-generated-tokens`.
    """
    got = meter("tgi", [{"generated_text": "Hi"}], headers=((b"x-prompt-tokens", b"4"), (b"x-generated-tokens", b"2")))

    assert known(got) == {"uncached_input_tokens": 4, "text_output_tokens": 2}


def test_a_gateway_states_its_cost_in_a_header():
    """
    LiteLLM: `x-litellm-response-cost`.
    """
    body = {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 4, "completion_tokens": 2}}
    got = meter("openai-chat", body, headers=((b"x-litellm-response-cost", b"1.2e-05"),))

    assert got.usage.provider_cost_usd == Decimal("0.000012")


# --- priced otherwise -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "operation", "body", "expected"),
    [
        ("cohere", "rerank", {"results": [{"index": 0}], "meta": {"billed_units": {"search_units": 1}}}, {"searches": 1}),
        ("rerank", "rerank", {"results": [{"index": 0}], "meta": {"billed_units": {"search_units": 1}}}, {"searches": 1}),
        ("rerank", "rerank", {"object": "list", "data": [], "usage": {"total_tokens": 57}}, {"uncached_input_tokens": 57}),
        (
            "cohere",
            "embeddings",
            {"embeddings": [], "meta": {"billed_units": {"input_tokens": 7, "image_tokens": 2}}},
            {"uncached_input_tokens": 7, "image_input_tokens": 2},
        ),
        (
            "openai-audio",
            "transcription",
            {"text": "x", "usage": {"type": "duration", "seconds": 7}, "duration": 6.4},
            {"seconds": Decimal(7)},
        ),
        ("openai-audio", "transcription", {"text": "x", "duration": 8.47}, {"seconds": Decimal("8.47")}),
        ("xai-audio", "audio", {"text": "x", "duration": 3.7}, {"seconds": Decimal("3.7")}),
        ("deepgram", "transcription", {"metadata": {"duration": 25.9, "channels": 1}, "results": {}}, {"seconds": Decimal("25.9")}),
        ("openai-images", "images", {"data": [{"url": "u"}, {"url": "u"}]}, {"images": 2}),
        (
            "openai-images",
            "images",
            {"data": [{"url": "u"}], "usage": {"cost_in_usd_ticks": 700000000}},
            {"images": 1, "provider_cost_usd": Decimal("0.07")},
        ),
        ("vertex-predict", "predict", {"predictions": [{"bytesBase64Encoded": "AA"}]}, {"images": 1}),
        (
            "vertex-predict",
            "predict",
            {"predictions": [{"embeddings": {"statistics": {"token_count": 3}}}] * 2, "metadata": {"billableCharacterCount": 20}},
            {"uncached_input_tokens": 6, "characters": 20},
        ),
        ("mistral-ocr", "ocr", {"pages": [], "usage_info": {"pages_processed": 4, "doc_size_bytes": 1}}, {"requests": 4}),
        ("replicate", "predictions", {"output": ["u"], "metrics": {"predict_time": 2.811363}}, {"seconds": Decimal("2.811363")}),
    ],
)
def test_pieces_seconds_and_characters(dialect, operation, body, expected):
    """
    What is not priced by the token is counted in its own unit.
    """
    assert known(meter(dialect, body, operation=operation)) == expected


def test_spoken_characters_come_from_the_request_or_a_header():
    """
    Sound states nothing: the characters asked for are counted by us; Deepgram counts them itself.
    """
    sound = b"\xff\xfb\x90" * 10
    by_us = meter("openai-audio", sound, operation="speech", request={"model": "tts-1", "input": "Grüße!"})
    by_them = meter("deepgram", sound, operation="speech", headers=((b"dg-char-count", b"42"),), request={"text": "Hi"})

    assert (known(by_us), by_us.source) == ({"characters": 6}, UsageSource.ESTIMATED)
    assert (known(by_them), by_them.source) == ({"characters": 42}, UsageSource.PROVIDER)


# --- errors, free calls, background ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("dialect", "body", "kind"),
    [
        (
            "openai-chat",
            {"error": {"message": "m", "type": "invalid_request_error", "code": "context_length_exceeded"}},
            "context_length_exceeded",
        ),
        ("openai-chat", {"error": {"message": "m", "type": "invalid_request_error", "code": None}}, "invalid_request_error"),
        ("openai-chat", {"error": {"message": "m", "code": 429}}, "429"),
        ("openai-chat", {"error": {"message": "m", "code": "401"}}, "401"),
        ("openai-chat", {"code": "Client specified an invalid argument", "error": "some text"}, "error"),
        ("openai-chat", {"error_code": "BAD_REQUEST", "message": "m"}, "BAD_REQUEST"),
        ("openai-chat", {"object": "error", "message": "m", "type": "invalid_model", "code": 1500}, "invalid_model"),
        ("anthropic-messages", {"type": "error", "error": {"type": "rate_limit_error", "message": "m"}}, "rate_limit_error"),
        ("gemini", {"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}, "INVALID_ARGUMENT"),
        ("gemini", [{"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}], "RESOURCE_EXHAUSTED"),
        ("cohere-v2", {"error_type": "TOO_MANY_TOKENS", "message": "m"}, "TOO_MANY_TOKENS"),
        ("ollama", {"error": "model not found"}, "error"),
        ("dashscope-native", {"code": "InvalidApiKey", "message": "m", "request_id": "r"}, "InvalidApiKey"),
        ("openai-chat", {"detail": "Invalid API Key"}, None),
    ],
)
def test_errors_are_named_and_not_billed(dialect, body, kind):
    """
    An error's type or code is kept, its message never; nothing is billed.
    """
    got = meter(dialect, body, status=400)

    assert (got.error_type, known(got), got.source) == (kind, {}, UsageSource.UNKNOWN)


def test_bedrock_names_errors_in_a_header():
    """
    `x-amzn-errortype: Name:http://…`.
    """
    got = meter("bedrock-converse", {"message": "m"}, status=403, headers=((b"x-amzn-ErrorType", b"AccessDeniedException:http://x/"),))

    assert got.error_type == "AccessDeniedException"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": 502, "message": "m"}},
        {"base_resp": {"status_code": 1008, "status_msg": "no balance"}},
        {"Response": {"Error": {"Code": "AuthFailure", "Message": "m"}}},
    ],
)
def test_an_error_under_200_is_an_error(body):
    """
    OpenRouter, MiniMax and Tencent report failures with status 200.
    """
    got = meter("openai-chat", body, provider="minimax")

    assert (got.broken_reason, got.source) == ("error", UsageSource.UNKNOWN)
    assert got.error_type in ("502", "1008", "AuthFailure")


@pytest.mark.parametrize(("operation", "billable"), [("chat", False), ("count_tokens", True), ("moderation", True), ("stored_chat", True)])
def test_free_calls_have_no_usage(operation, billable):
    """
    What is free, or was billed when it was made, has no usage here.
    """
    call = Call(provider="openai", operation=operation, dialect="openai-chat", model_at="body", billable=billable)
    reader = Meter(call, None)
    data = b'{"choices":[{"message":{"content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}'
    reader.observe(Frame(data, None, data))

    got = reader.finish(status=200, headers=(), complete=True)

    assert (known(got), got.source) == ({}, UsageSource.UNKNOWN)


def test_a_background_response_is_billed_when_it_is_polled():
    """
    At first nobody knows; the poll carries the bill; reading another stored response is no second bill.
    """
    usage = {"input_tokens": 15, "output_tokens": 9}
    queued = {"object": "response", "id": "resp_1", "status": "queued", "background": True, "output": [], "usage": None}
    polled = {**queued, "status": "completed", "usage": usage}

    assert known(meter("openai-responses", queued, operation="responses")) == {}
    assert meter("openai-responses", queued, operation="responses").finish_reasons == ()
    assert known(meter("openai-responses", polled, operation="responses_manage")) == {"uncached_input_tokens": 15, "text_output_tokens": 9}
    assert known(meter("openai-responses", {**polled, "background": False}, operation="responses_manage")) == {}


def test_only_numbers_and_enumerations_are_kept():
    """
    The raw usage keeps keys, numbers and enumeration words; anything that could be text is dropped.
    """
    usage = {
        "prompt_tokens": 3,
        "completion_tokens": 1,
        "note": "call me Ishmael",
        "service_tier": "flex",
        "deep": {"x": "sk-abc123", "y": [1.5, "5m"]},
    }
    got = meter("openai-chat", {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage})

    assert got.raw == {
        "usage": {"prompt_tokens": 3, "completion_tokens": 1, "note": None, "service_tier": "flex", "deep": {"x": None, "y": [1.5, "5m"]}}
    }


def test_usage_at_the_end_of_an_oversize_document_is_found():
    """
    A document past the decoder's limit comes unread; its last bytes still say what it cost.
    """
    reader = Meter(Call(provider="openai", operation="embeddings", dialect="openai-embeddings", model_at="body"), None)
    reader.observe(Frame(b'{"object":"list","data":[{"embedding":[' + b"0.1," * 5000))
    reader.observe(Frame(b'0.1]}],"model":"m","usa'))
    reader.observe(Frame(b'ge": {"prompt_tokens": 8, "total_tokens": 8}}'))

    got = reader.finish(status=200, headers=(), complete=True)

    assert (known(got), got.source) == ({"uncached_input_tokens": 8}, UsageSource.PROVIDER)


def test_a_document_cut_short_is_estimated_from_its_bytes():
    """
    A JSON document that broke off states nothing: what passed is an upper bound of the output.
    """
    got = meter(
        "openai-chat", b'{"choices":[{"message":{"content":"' + b"x" * 65, complete=False, request={"messages": [{"content": "x" * 40}]}
    )

    assert (known(got), got.source, got.broken_reason) == (
        {"uncached_input_tokens": 13, "text_output_tokens": 22},
        UsageSource.ESTIMATED,
        "cut",
    )


@pytest.mark.parametrize(
    ("dialect", "event", "body", "content"),
    [
        ("openai-chat", None, {"choices": [{"delta": {"role": "assistant", "content": ""}}]}, False),
        ("openai-chat", None, {"choices": [], "usage": {"prompt_tokens": 1}}, False),
        ("openai-chat", None, {"choices": [{"delta": {"content": "x"}}]}, True),
        ("openai-chat", None, {"choices": [{"delta": {"content": None, "reasoning_content": "x"}}]}, True),
        ("openai-chat", None, {"choices": [{"delta": {"tool_calls": [{"function": {"name": "f", "arguments": ""}}]}}]}, True),
        (
            "openai-chat",
            None,
            {"choices": [{"delta": {"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "x"}]}]}}]},
            True,
        ),
        ("openai-chat", None, {"error": {"code": 502}}, False),
        ("anthropic-messages", None, {"type": "message_start", "message": {"usage": {}}}, False),
        ("anthropic-messages", None, {"type": "ping"}, False),
        ("anthropic-messages", None, {"type": "content_block_start", "content_block": {"type": "text", "text": ""}}, False),
        ("anthropic-messages", None, {"type": "content_block_start", "content_block": {"type": "tool_use", "name": "f"}}, True),
        ("anthropic-messages", None, {"type": "content_block_delta", "delta": {"type": "thinking_delta", "thinking": "x"}}, True),
        ("openai-responses", "response.created", {"type": "response.created", "response": {}}, False),
        ("openai-responses", None, {"type": "response.output_item.added", "item": {"type": "message"}}, False),
        ("openai-responses", None, {"type": "response.output_item.added", "item": {"type": "function_call"}}, True),
        ("openai-responses", None, {"type": "response.function_call_arguments.delta", "delta": "{"}, True),
        ("gemini", None, {"candidates": [{"content": {"parts": [{"text": "", "thoughtSignature": "s"}]}}]}, False),
        ("gemini", None, {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {}}}]}}]}, True),
        ("gemini", None, {"usageMetadata": {"promptTokenCount": 1}}, False),
        ("bedrock-converse", "messageStart", {"role": "assistant"}, False),
        ("bedrock-converse", "contentBlockDelta", {"delta": {"toolUse": {"input": "{"}}}, True),
        ("cohere-v2", "message-start", {"type": "message-start"}, False),
        ("cohere-v2", "tool-plan-delta", {"type": "tool-plan-delta", "delta": {"message": {"tool_plan": "x"}}}, True),
        ("ollama", None, {"message": {"content": ""}, "done": True}, False),
        ("ollama", None, {"message": {"thinking": "x", "content": ""}, "done": False}, True),
    ],
)
def test_content_is_told_from_life_cycle(dialect, event, body, content):
    """
    Only what the model made stops the clock for the first token.
    """
    data = json.dumps(body).encode()

    assert Meter(Call(provider="p", operation="chat", dialect=dialect, model_at="body"), None).observe(Frame(data, event, data)) is content
