"""
The stage that keeps providers from keeping.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from excise.catalog.providers import Catalog
from excise.catalog.retention import load_retention
from excise.errors import Refused, WireError
from excise.exchange import Capture, ClientInfo, Exchange, HttpRequest, Prompt
from excise.stages.retain import Retain, RetentionChoice
from excise.wire.frame import Frame

CATALOG = Catalog.load()
BOOK = load_retention()
ZERO = RetentionChoice(mode="zero", rule="nothing kept")


def exchange(host: str, path: str, body: bytes, *, method: str = "POST", headers: tuple[tuple[bytes, bytes], ...] = ()) -> Exchange:
    call = CATALOG.recognise(host=host, method=method, path=path)
    assert call is not None
    json = orjson.loads(body) if body else None
    return Exchange(
        id="0",
        started_at_us=0,
        started=0.0,
        client=ClientInfo(ip="192.0.2.1", port=1, capture=Capture.PROXY),
        http=HttpRequest(method, "https", host, 443, path, headers, body),
        call=call,
        prompt=Prompt(body=body, json=json, model=call.model or (json or {}).get("model"), stream=False),
    )


def retain(choice: RetentionChoice = ZERO, **options: Any) -> Retain:
    options.setdefault("today", lambda: date(2026, 11, 22))
    return Retain(BOOK, lambda _: choice, hashed=lambda name: f"u_{len(name)}", **options)


async def test_where_policy_does_not_ask_nothing_happens() -> None:
    """
    Neither to the bytes nor on the row.
    """
    one = exchange("api.openai.com", "/v1/files", b"")
    await retain(RetentionChoice()).on_request(one)

    assert (one.retention, one.retention_receipt, one.send_body, one.send_headers, one.send_path) == (None, (), None, None, None)


async def test_the_switch_is_spliced_into_the_clients_own_bytes() -> None:
    """
    What leaves is what came, but for the switches; later stages see the same as the provider.
    """
    body = b'{"model": "gpt-5.5",\n  "input": "a \\u0040 b", "store": true}'
    one = exchange("api.openai.com", "/v1/responses", body)
    await retain().on_request(one)

    assert one.send_body == b'{"model": "gpt-5.5",\n  "input": "a \\u0040 b", "store": false,"include":["reasoning.encrypted_content"]}'
    assert one.prompt is not None and one.prompt.body == one.send_body
    assert one.prompt.json == orjson.loads(one.send_body)
    assert (one.retention, dict(one.retention_receipt)["set store"]) == ("unknown", "applied")


async def test_a_request_that_is_right_leaves_as_it_came() -> None:
    """
    Byte for byte, with nothing to send in its place.
    """
    one = exchange("api.anthropic.com", "/v1/messages", b'{ "model": "claude-opus-4-6", "messages": [] }')
    prompt = one.prompt
    await retain(RetentionChoice(mode="zero", attested=frozenset({"anthropic"}))).on_request(one)

    assert one.prompt is prompt
    assert (one.send_body, one.send_headers, one.send_path) == (None, None, None)
    assert one.retention == "asserted"


async def test_headers_and_path_leave_changed() -> None:
    """
    A switch that is a header takes the place of the client's own; a key moves out of the query.
    """
    sent = ((b"Host", b"gateway.ai.cloudflare.com"), (b"CF-AIG-Collect-Log-Payload", b"true"))
    one = exchange("gateway.ai.cloudflare.com", "/v1/a/g/openai/chat/completions", b'{"messages":[]}', headers=sent)
    await retain().on_request(one)
    other = exchange("generativelanguage.googleapis.com", "/v1beta/models/g:generateContent?key=k1", b'{"contents":[]}')
    await retain().on_request(other)

    assert one.send_headers == ((b"Host", b"gateway.ai.cloudflare.com"), (b"cf-aig-collect-log-payload", b"false"))
    assert (other.send_path, other.send_headers) == ("/v1beta/models/g:generateContent", ((b"x-goog-api-key", b"k1"),))


async def test_what_an_earlier_stage_changed_is_kept() -> None:
    """
    Headers and path are changed further, not from the start.
    """
    one = exchange("generativelanguage.googleapis.com", "/v1beta/models/g:generateContent?key=k1&u=jane", b'{"contents":[]}')
    one.send_path = "/v1beta/models/g:generateContent?key=k1&u=NAME"
    one.send_headers = ((b"x-a", b"b"),)
    await retain().on_request(one)

    assert (one.send_path, one.send_headers) == ("/v1beta/models/g:generateContent?u=NAME", ((b"x-a", b"b"), (b"x-goog-api-key", b"k1")))


@pytest.mark.parametrize(
    ("host", "path", "body", "says"),
    [
        ("api.openai.com", "/v1/files", b"", "files are kept"),
        ("api.openai.com", "/v1/responses", b'{"previous_response_id":"resp_hidden"}', "previous_response_id"),
        ("api.openai.com", "/v1/nowhere", b"{}", "attested: [openai/unknown]"),
        ("api.cohere.com", "/v2/chat", b"{}", "attested: [cohere]"),
        ("api.z.ai", "/api/paas/v4/chat/completions", b"{}", "attested: [zai]"),
        ("api.deepseek.com", "/chat/completions", b"{}", "training"),
    ],
)
async def test_a_call_that_would_be_kept_is_refused(host: str, path: str, body: bytes, says: str) -> None:
    """
    With what to do about it, the rule that wants it so, and a receipt for the row; nothing of the call in the text.
    """
    one = exchange(host, path, body)
    with pytest.raises(Refused) as refused:
        await retain().on_request(one)

    assert says in refused.value.message and "'nothing kept'" in refused.value.message
    assert (refused.value.kind, refused.value.status) == ("retention_refused", 403)
    assert "hidden" not in refused.value.message
    assert "forbidden" in dict(one.retention_receipt).values()
    assert one.send_body is None


async def test_a_stranger_may_pass_once_attested_but_never_nobody() -> None:
    """
    Also a provider of the operator's own catalogue overlay; a host without an id stays out.
    """
    choice = RetentionChoice(mode="zero", attested=frozenset({"zai", "unknown"}))
    one = exchange("api.z.ai", "/api/paas/v4/chat/completions", b'{"messages":[]}')
    await retain(choice).on_request(one)
    nobody = exchange("api.openai.com", "/v1/chat/completions", b"{}")
    assert nobody.call is not None
    nobody.call = type(nobody.call)("unknown", "chat", "openai-chat", "body")

    assert one.retention == "asserted"
    with pytest.raises(Refused):
        await retain(choice).on_request(nobody)


async def test_an_expired_entry_refuses() -> None:
    """
    The clock is asked at every call.
    """
    one = exchange("api.openai.com", "/v1/chat/completions", b'{"messages":[]}')
    with pytest.raises(Refused, match="expired"):
        await retain(today=lambda: date(2028, 1, 1)).on_request(one)


async def test_the_table_of_models_says_who_reasons() -> None:
    """
    Encrypted reasoning is asked for where it exists: a model without would refuse the request.
    """
    bodies = {}
    for model in ("gpt-4o", "o3", "a model nobody knows"):
        one = exchange("api.openai.com", "/v1/responses", orjson.dumps({"model": model, "input": "x"}))
        await retain().on_request(one)
        assert one.prompt is not None
        bodies[model] = "include" in one.prompt.json

    assert bodies == {"gpt-4o": False, "o3": True, "a model nobody knows": False}


async def test_a_body_in_the_way_is_an_error_not_a_guess() -> None:
    """
    Two spellings of a key inside the path to a switch, or a body the splice cannot reproduce, never leave.
    """
    one = exchange("api.openai.com", "/v1/responses", b'{"input":"x","store":true}')
    assert one.prompt is not None
    one.prompt = Prompt(body=b'{"store":true,"store":true}', json={"store": True}, model=None, stream=False)
    with pytest.raises(WireError):
        await retain().on_request(one)


async def test_a_large_body_is_edited_off_the_loop_and_comes_out_whole() -> None:
    """
    Megabytes take the thread, and the same path.
    """
    body = b'{"input":"' + b"x \\n" * 300_000 + b'","model":"o3"}'
    one = exchange("api.openai.com", "/v1/responses", body)
    await retain().on_request(one)

    assert one.send_body == body[:-1] + b',"store":false,"include":["reasoning.encrypted_content"]}'


def answered(one: Exchange, status: int, *headers: tuple[bytes, bytes]) -> Exchange:
    one.answer_status, one.answer_headers = status, headers
    return one


async def test_the_answer_verifies_or_is_withheld() -> None:
    """
    `require` withholds what says it is kept, and what says nothing though it should; `record` writes it down.
    """
    strict = retain(RetentionChoice(mode="zero", verify="require", rule="nothing kept"))
    calls = [exchange("api.x.ai", "/v1/responses", b'{"input":"x"}') for _ in range(5)]
    lenient = retain()
    for one, stage in zip(calls, (strict, strict, strict, strict, lenient), strict=True):
        await stage.on_request(one)
    proven, kept, silent, failed, noted = calls

    strict.on_answer(answered(proven, 200, (b"x-zero-data-retention", b"true")))
    with pytest.raises(Refused, match="withheld") as withheld:
        strict.on_answer(answered(kept, 200, (b"x-zero-data-retention", b"false")))
    with pytest.raises(Refused):
        strict.on_answer(answered(silent, 200))
    strict.on_answer(answered(failed, 500))
    lenient.on_answer(answered(noted, 200, (b"x-zero-data-retention", b"false")))

    assert withheld.value.kind == "retention_unproven"
    assert [one.retention for one in calls] == ["verified", "unknown", "unknown", "unknown", "unknown"]
    assert [dict(one.retention_receipt).get("verify x-zero-data-retention") for one in calls] == [
        "verified",
        "failed",
        "failed",
        None,
        "failed",
    ]


async def test_a_signal_inside_the_answer_is_read_once_and_changes_no_frame() -> None:
    """
    From the first event that has it.
    """
    one = answered(exchange("api.anthropic.com", "/v1/messages", b'{"messages":[],"inference_geo":"us"}'), 200)
    stage = retain()
    await stage.on_request(one)
    stage.on_answer(one)
    frames = [
        Frame(raw=b": hi\n\n"),
        Frame(raw=b"1", data=b'{"type":"message_start","message":{"usage":{"inference_geo":"eu"}}}'),
        Frame(raw=b"2", data=b'{"usage":{"inference_geo":"us"}}'),
    ]
    out = [*stage.on_events(one, frames[:1]), *stage.on_events(one, frames[1:2]), *stage.on_events(one, frames[2:])]

    assert out == frames
    assert [outcome for rule, outcome in one.retention_receipt if "inference_geo" in rule] == ["failed"]


async def test_routing_can_ask_before_it_chooses() -> None:
    """
    The plan of the same call at another provider: one with refusals is no candidate, and asking changes nothing.
    """
    one = exchange("api.openai.com", "/v1/chat/completions", b'{"messages":[]}')
    stage = retain()
    there = CATALOG.recognise(host="api.deepseek.com", method="POST", path="/chat/completions")
    here = CATALOG.recognise(host="api.cerebras.ai", method="POST", path="/v1/chat/completions")
    assert there is not None and here is not None

    assert stage.plan(one, there, ZERO, body={"messages": []}, model="deepseek-chat", host="api.deepseek.com").refusals
    assert not stage.plan(one, here, ZERO, body={"messages": []}, model="llama", host="api.cerebras.ai").refusals
    assert (one.send_body, one.retention) == (None, None)
