"""
What has to become of a request, and why one cannot be sent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.privacy.retention.receipt import Outcome
from excise.privacy.retention.where import Facts
from excise.wire.json_edit import apply
from privacy.retention.shipped import BOOK, ENTRIES, facts, planned, sent

ENCRYPTED = "reasoning.encrypted_content"
OPENAI = facts("api.openai.com", "/v1/responses", model="gpt-5.5", reasons=True)
CHAT = facts("api.openai.com", "/v1/chat/completions", model="gpt-4o")
SIGNED = (
    b"Authorization",
    b"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=00",
)


# -- single providers ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("about", "body", "leaves"),
    [
        (OPENAI, {"model": "gpt-5.5", "input": "hi"}, {"store": False, "include": [ENCRYPTED]}),
        (OPENAI, {"input": "hi", "store": True, "include": ["usage"]}, {"store": False, "include": ["usage", ENCRYPTED]}),
        (replace(OPENAI, reasons=False), {"input": "hi"}, {"store": False}),
        (replace(OPENAI, reasons=None), {"input": "hi", "reasoning": {"effort": "low"}}, {"store": False, "include": [ENCRYPTED]}),
        (CHAT, {"messages": [], "metadata": {"user_id": "u"}, "store": True}, {"store": False, "metadata": None}),
        (replace(CHAT, model="gpt-5.1"), {"prompt_cache_retention": "24h"}, {"store": False, "prompt_cache_retention": "in_memory"}),
        (replace(CHAT, model="gpt-5.5"), {"prompt_cache_retention": "24h"}, {"store": False}),
        (facts("x.openai.azure.com", "/openai/deployments/d/chat/completions?api-version=2023-05-15"), {"messages": []}, {}),
        (facts("x.openai.azure.com", "/openai/v1/responses"), {"input": "x"}, {"store": False}),
        (facts("api.anthropic.com", "/v1/messages"), {"metadata": {"user_id": "jane"}}, {"metadata": {"user_id": "u_4"}}),
        (facts("generativelanguage.googleapis.com", "/v1beta/interactions"), {"input": "x"}, {"store": False}),
        (facts("generativelanguage.googleapis.com", "/v1beta/models/gemini-3:generateContent"), {"contents": []}, {}),
        (facts("api.x.ai", "/v1/responses", reasons=True), {"input": "x"}, {"store": False, "include": [ENCRYPTED]}),
        (facts("api.x.ai", "/v1/responses", model="grok-4"), {"input": "x"}, {"store": False, "include": [ENCRYPTED]}),
        (facts("api.x.ai", "/v1/responses", model="grok-4-fast-non-reasoning"), {"input": "x"}, {"store": False}),
        (replace(OPENAI, model="gpt-5-chat-latest"), {"input": "hi"}, {"store": False}),
        (facts("api.fireworks.ai", "/inference/v1/responses"), {"input": "x", "store": None}, {"store": False}),
        (facts("api.groq.com", "/openai/v1/responses"), {"input": "x"}, {}),
        (facts("api.groq.com", "/openai/v1/responses"), {"input": "x", "store": True}, {"store": False}),
        (
            facts("openrouter.ai", "/api/v1/chat/completions"),
            {"provider": {"only": ["groq"], "zdr": False}, "user": "jane"},
            {"provider": {"only": ["groq"], "zdr": True, "data_collection": "deny"}, "user": "u_4"},
        ),
        (facts("openrouter.ai", "/api/v1/messages"), {}, {"provider": {"zdr": True, "data_collection": "deny"}}),
        (
            facts("ai-gateway.vercel.sh", "/v1/chat/completions"),
            {"providerOptions": {"gateway": {"order": ["azure"]}}},
            {"providerOptions": {"gateway": {"order": ["azure"], "zeroDataRetention": True, "disallowPromptTraining": True}}},
        ),
    ],
)
def test_the_switches_of_a_provider(about: Facts, body: dict[str, Any], leaves: dict[str, Any]) -> None:
    """
    What the client sent leaves with the provider's switches set, merged with what the client itself said; the rest is as it was.
    """
    wanted = {key: value for key, value in {**body, **leaves}.items() if value is not None}

    assert sent(about, body) == wanted


def test_what_is_right_already_is_not_touched() -> None:
    """
    No edit, no header, no path; the receipt says that the client had it so.
    """
    made = planned(OPENAI, {"input": "hi", "store": False, "include": [ENCRYPTED]})

    assert (made.edits, made.headers, made.target, made.refusals) == ((), {}, None, ())
    assert {outcome for rule, outcome in made.receipt if not rule.startswith("verify")} == {Outcome.ALREADY}


def test_a_client_that_asks_for_storage_can_be_refused() -> None:
    """
    By policy's `on_store: refuse`; who said nothing is still helped.
    """
    assert "store" in planned(OPENAI, {"store": True}, on_store="refuse").refusals[0]
    assert not planned(OPENAI, {"store": None}, on_store="refuse").refusals
    assert not planned(OPENAI, {}, on_store="refuse").refusals


@pytest.mark.parametrize(
    ("about", "body"),
    [
        (OPENAI, {"Store": True}),
        (OPENAI, {"store": False, "STORE": True}),
        (facts("openrouter.ai", "/api/v1/chat/completions"), {"provider": {"ZDR": False}}),
        (facts("openrouter.ai", "/api/v1/chat/completions"), {"provider": "groq"}),
        (OPENAI, {"include": "usage"}),
        (OPENAI, None),
        (OPENAI, [1]),
    ],
)
def test_what_cannot_be_set_for_certain_is_refused(about: Facts, body: Any) -> None:
    """
    Another spelling of the key, another form of the body, no JSON at all.
    """
    assert planned(about, body).refusals


@pytest.mark.parametrize(
    "body", [{"Previous_Response_Id": "r"}, {"BACKGROUND": True}, {"background": "true"}, {"Tools": [{"type": "MCP"}]}]
)
def test_forbidden_members_are_found_in_any_case(body: dict[str, Any]) -> None:
    """
    Servers that ignore the case of keys must not be reached past the rules.
    """
    assert planned(OPENAI, body).refusals


@pytest.mark.parametrize(
    "body",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f", "input_schema": {}}]},
        {"tools": [{"type": "bash_20250124", "name": "bash"}], "context_management": {"edits": []}},
        {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64", "data": "AA=="}}]}], "mcp_servers": []},
        {"inference_geo": "us", "messages": [{"role": "user", "content": "hi"}], "system": "s"},
    ],
)
def test_what_is_eligible_at_anthropic_passes_untouched(body: dict[str, Any]) -> None:
    """
    Basic tools, tools of the client's own, pictures in the body.
    """
    made = planned(facts("api.anthropic.com", "/v1/messages", model="claude-opus-4-6"), body)

    assert (made.refusals, made.edits) == ((), ())


def test_a_local_shell_is_no_container() -> None:
    """
    The same tool type is refused where the provider runs it.
    """
    hosted, local = ({"tools": [{"type": "shell", "environment": {"type": kind}}]} for kind in ("container_auto", "local"))

    assert planned(OPENAI, hosted).refusals
    assert not planned(OPENAI, local).refusals


# -- standing --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "attested", "standing"),
    [
        ("openai", (), "unknown"),
        ("openai", ("openai",), "asserted"),
        ("cerebras", (), "asserted"),
        ("openrouter", (), "asserted"),
        ("vllm", (), "asserted"),
        ("sglang", (), "asserted"),
        ("cohere", ("cohere",), "asserted"),
        ("perplexity", ("perplexity",), "asserted"),
        ("zai", ("zai",), "asserted"),
        ("made-up", ("made-up",), "asserted"),
    ],
)
def test_where_a_call_stands_before_its_answer(provider: str, attested: tuple[str, ...], standing: str) -> None:
    """
    Asserted by the provider's own documentation or by the operator; unknown where the request alone cannot settle it.
    """
    made = planned(Facts(provider=provider, operation="chat", dialect="openai-chat"), {}, *attested)

    assert (made.refusals, made.standing) == ((), standing)


@pytest.mark.parametrize("provider", ["cohere", "together", "dashscope", "perplexity", "portkey", "litellm-proxy", "made-up", *BOOK.unread])
def test_who_must_be_attested_is_refused_until_he_is(provider: str) -> None:
    """
    The refusal says what to put into policy.
    """
    about = Facts(provider=provider, operation="chat", dialect="openai-chat")
    (refusal,) = planned(about, {}).refusals

    assert provider in refusal and f"`attested: [{provider}]`" in refusal
    assert not planned(about, {}, provider).refusals
    assert planned(about, {}, "some other").refusals


def test_nobody_can_vouch_for_who_trains_or_for_a_host_without_a_name() -> None:
    """
    DeepSeek publishes no switch; a host outside the catalogue could be anybody's.
    """
    for provider in ("deepseek", "unknown"):
        about = Facts(provider=provider, operation="chat", dialect="openai-chat")
        assert planned(about, {}).refusals
    assert planned(Facts(provider="deepseek", operation="chat", dialect="openai-chat"), {}, "deepseek").refusals
    assert "overlay" in planned(Facts(provider="unknown", operation="chat", dialect="openai-chat"), {}).refusals[0]


def test_nobody_is_told_to_attest_what_stays_forbidden() -> None:
    """
    Where the call itself is forbidden, the refusal says that and no more.
    """
    (refusal,) = planned(facts("api.openai.com", "/v1/batches"), {}).refusals

    assert "batch" in refusal and "attested" not in refusal


def test_an_attested_stranger_is_still_asked_to_keep_nothing() -> None:
    """
    What is stateful everywhere is refused there, too, and `store` is switched off where the client switched it on.
    """
    about = Facts(provider="made-up", operation="chat", dialect="openai-chat", path="/v1/chat/completions")

    assert planned(replace(about, operation="files", path="/v1/files"), {}, "made-up", "made-up/files").refusals
    assert planned(about, {"previous_response_id": "r"}, "made-up").refusals
    assert sent(about, {"store": True, "user": "jane"}, "made-up") == {"store": False, "user": "u_4"}


def test_an_expired_entry_counts_no_more() -> None:
    """
    From the day after; unless the operator vouches for that very edition, which a renewed entry ends.
    """
    entry = ENTRIES["openai"]
    assert entry.expires_on is not None
    late = date.fromordinal(entry.expires_on.toordinal() + 1)
    (refusal,) = planned(CHAT, {}, "openai", today=late).refusals

    assert not planned(CHAT, {}, today=entry.expires_on).refusals
    assert f"`attested: [openai@{entry.checked_on}]`" in refusal
    assert not planned(CHAT, {}, f"openai@{entry.checked_on}", today=late).refusals
    assert planned(CHAT, {}, "openai@2025-01-01", today=late).refusals


def test_the_receipt_names_rules_and_outcomes_only() -> None:
    """
    Also what rests on a word, and what nobody can check from here.
    """
    receipt = dict(planned(OPENAI, {"input": "secret stuff", "user": "jane"}, "openai").receipt)

    assert receipt["set store"] == "applied"
    assert receipt["hash user"] == "applied"
    assert receipt["attest openai"] == "attested"
    assert receipt["verify GET https://api.openai.com/v1/organization/data_retention"] == "unverifiable"
    assert "jane" not in str(receipt) and "secret" not in str(receipt)


# -- end users, query keys, signatures -------------------------------------------------------------------------------------------------


def test_names_of_end_users_are_hashed() -> None:
    """
    Texts and numbers; anything else in their place is taken out.
    """
    body = {"user": "jane", "safety_identifier": 12345, "metadata": {"user_id": "jane@example.com", "k": "v"}, "messages": []}

    assert sent(facts("api.cerebras.ai", "/v1/chat/completions"), body) == {
        "user": "u_4",
        "safety_identifier": "u_5",
        "metadata": {"user_id": "u_16", "k": "v"},
        "messages": [],
    }
    assert sent(facts("api.cerebras.ai", "/v1/chat/completions"), {"user": {"name": "jane"}}) == {}


@pytest.mark.parametrize(
    ("target", "headers", "leaves", "header"),
    [
        ("/v1beta/models/g:generateContent?key=k1", (), "/v1beta/models/g:generateContent", b"k1"),
        ("/v1beta/models/g:streamGenerateContent?alt=sse&key=k%2D1", (), "/v1beta/models/g:streamGenerateContent?alt=sse", b"k-1"),
        ("/v1beta/models/g:generateContent?%6Bey=k1&x=%20", (), "/v1beta/models/g:generateContent?x=%20", b"k1"),
        ("/v1beta/models/g:generateContent?key=k1", ((b"X-Goog-Api-Key", b"k1"),), "/v1beta/models/g:generateContent", None),
        ("/v1beta/models/g:generateContent", ((b"X-Goog-Api-Key", b"k1"),), None, None),
    ],
)
def test_a_key_in_the_query_moves_into_its_header(
    target: str, headers: tuple[tuple[bytes, bytes], ...], leaves: str | None, header: bytes | None
) -> None:
    """
    The query is logged on the way, the header is not; the rest of the query stays, byte for byte.
    """
    made = planned(facts("generativelanguage.googleapis.com", target), {"contents": []}, headers=headers)

    assert not made.refusals
    assert made.target == leaves
    assert made.headers.get(b"x-goog-api-key") == header


@pytest.mark.parametrize(
    "target",
    [
        "/v1beta/models/g:generateContent?key=a&key=b",
        "/v1beta/models/g:generateContent?key=",
        "/v1beta/models/g:generateContent?key=%0d%0aX:y",
    ],
)
def test_keys_that_do_not_agree_are_refused(target: str) -> None:
    """
    Two keys, none, or one that is no header value.
    """
    made = planned(facts("generativelanguage.googleapis.com", target), {"contents": []}, headers=((b"x-goog-api-key", b"other"),))

    assert made.refusals


BEDROCK = facts("bedrock-runtime.us-east-1.amazonaws.com", "/openai/v1/responses")


@pytest.mark.parametrize(
    ("target", "headers"),
    [
        ("/openai/v1/responses", (SIGNED,)),
        ("/openai/v1/responses", ((b"authorization", b"aws4-ecdsa-p256-sha256 Credential=x"),)),
        ("/openai/v1/responses", ((b"x-amz-content-sha256", b"00"),)),
        ("/openai/v1/responses", ((b"Content-MD5", b"00"),)),
        ("/openai/v1/responses", ((b"Content-Digest", b"sha-256=:00:"),)),
        ("/openai/v1/responses", ((b"signature-input", b"sig1=()"), (b"signature", b"sig1=::"))),
        ("/openai/v1/responses?X-Amz-Signature=00", ()),
        ("/openai/v1/responses?a=b&x-amz-signature=00", ()),
    ],
)
def test_a_signed_request_is_changed_by_nobody(target: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """
    Where the body would have to change it is refused, with the way out; where it is right already it passes.
    """
    about = replace(BEDROCK, target=target)
    (refusal,) = planned(about, {"input": "x"}, headers=headers).refusals

    assert "sign" in refusal and "bearer" in refusal
    assert not planned(about, {"input": "x", "store": False}, headers=headers).refusals


def test_a_bearer_key_signs_nothing() -> None:
    """
    Whatever it looks like.
    """
    assert not planned(BEDROCK, {"input": "x"}, headers=((b"authorization", b"Bearer AWS4-HMAC-SHA256"),)).refusals


def test_a_header_cannot_be_added_to_a_signed_request() -> None:
    """
    Digests cover the body alone, signatures the headers, too.
    """
    about = facts("gateway.ai.cloudflare.com", "/v1/a/g/openai/chat/completions")

    assert planned(about, {}, headers=(SIGNED,)).refusals
    assert not planned(about, {}, headers=((b"content-md5", b"00"),)).refusals


# -- the whole -------------------------------------------------------------------------------------------------------------------------

VALUES = st.recursive(st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5), lambda b: st.lists(b, max_size=2), max_leaves=4)
MEMBERS = [
    "store",
    "include",
    "metadata",
    "provider",
    "providerOptions",
    "reasoning",
    "background",
    "tools",
    "model",
    "input",
    "messages",
    "prompt_cache_retention",
]
BODIES = st.dictionaries(
    st.sampled_from(MEMBERS), VALUES | st.dictionaries(st.sampled_from(["zdr", "gateway", "k"]), VALUES, max_size=2), max_size=6
)


@given(st.sampled_from(sorted(ENTRIES)), st.data(), BODIES)
def test_what_leaves_passes_its_own_rules(provider: str, data: st.DataObject, body: dict[str, Any]) -> None:
    """
    For every provider, operation and body: refused with a reason, or changed so that a second look finds nothing left to change.
    """
    operation = data.draw(st.sampled_from(sorted(ENTRIES[provider].covers) or ["chat"]))
    about = Facts(
        provider=provider, operation=operation, dialect="openai-chat", model=data.draw(st.sampled_from(["gpt-5.1", "x:y"])), reasons=True
    )
    made = planned(about, body, provider)
    if made.refusals:
        assert all(made.refusals)
        return
    changed, read = apply(orjson.dumps(body), body, made.edits)
    again = planned(replace(about, target=made.target or about.target), read, provider, headers=tuple(made.headers.items()))

    assert (again.edits, again.headers, again.target, again.refusals) == ((), {}, None, ())
    assert orjson.loads(changed) == read
    assert read.get("store", False) in (False, None)
