"""
Redaction as its users meet it: official SDKs, the real proxy, a provider that writes down what reached it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from e2e import cases
from e2e.proxy import Proxy, running_proxy
from e2e.tunnel import fetch, request
from e2e.ways import Way
from excise.standin import StandIn

POLICY = """\
version: 1
redact:
  - name: everything
    profile: [secrets, pii]
    actions: {PRIVATE_KEY: block, IBAN: mask, MAC_ADDRESS: report-only}
default: allow
"""
BEARER = {"authorization": f"Bearer {cases.KEY}"}
OPENAI = ("api.openai.com", "/v1/chat/completions")


@pytest.fixture(scope="module")
def redacting(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy that redacts.
    """
    policies = tmp_path_factory.mktemp("policies")
    (policies / "default.yml").write_text(POLICY)
    with running_proxy(tmp_path_factory.mktemp("redacting"), own_standin, policies=policies) as proxy:
        yield proxy


@pytest.fixture
def inside(redacting: Proxy, own_standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """
    A client's surroundings behind it.
    """
    Way(own_standin, redacting).enter(monkeypatch)
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", cases.KEY)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return redacting


class Values:
    """
    Fresh values a test can look for.
    """

    def __init__(self) -> None:
        token = secrets.token_hex(5)
        self.mail = f"jane.{token}@example-{token[:4]}.com"
        self.key = "gh" + "p_" + (token * 4)[:36]
        self.prompt = f"echo: Write to {self.mail} today, the key is {self.key} and nothing else."
        self.said = self.prompt.removeprefix("echo: ")

    def all(self) -> list[str]:
        return [self.mail, self.key]


def chat(values: Values) -> str:
    with cases._openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=cases._user(values.prompt)).choices[0].message.content


def chat_stream(values: Values) -> str:
    with cases._openai() as client:
        chunks = client.chat.completions.create(model="gpt-4o-mini", messages=cases._user(values.prompt), stream=True)
        return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def responses(values: Values) -> str:
    with cases._openai() as client:
        return client.responses.create(model="gpt-4.1-mini", input=values.prompt).output_text


def responses_stream(values: Values) -> str:
    with cases._openai() as client, client.responses.stream(model="gpt-4.1-mini", input=values.prompt) as events:
        deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        assert events.get_final_response().output_text == deltas
        return deltas


def anthropic(values: Values) -> str:
    with cases._anthropic() as client:
        return client.messages.create(model="claude-haiku-4-5", max_tokens=99, messages=cases._turn(values.prompt)).content[0].text


def anthropic_stream(values: Values) -> str:
    with (
        cases._anthropic() as client,
        client.messages.stream(model="claude-haiku-4-5", max_tokens=99, messages=cases._turn(values.prompt)) as events,
    ):
        return "".join(events.text_stream)


def gemini(values: Values) -> str:
    with cases._gemini() as client:
        return client.models.generate_content(model="gemini-2.5-flash", contents=values.prompt).text


def gemini_stream(values: Values) -> str:
    with cases._gemini() as client:
        return "".join(
            chunk.text or "" for chunk in client.models.generate_content_stream(model="gemini-2.5-flash", contents=values.prompt)
        )


def mistral_stream(values: Values) -> str:
    with cases._mistral() as client:
        events = client.chat.stream(model="mistral-small-latest", messages=[{"role": "user", "content": values.prompt}])
        return "".join(event.data.choices[0].delta.content or "" for event in events if event.data.choices)


def cohere_stream(values: Values) -> str:
    with cases._cohere() as client:
        events = client.chat_stream(model="command-a-03-2025", messages=[{"role": "user", "content": values.prompt}])
        return "".join(event.delta.message.content.text for event in events if event.type == "content-delta")


def bedrock(values: Values) -> str:
    with closing(cases._bedrock()) as client:
        answer = client.converse(modelId="amazon.nova-lite-v1:0", messages=cases._bedrock_turn(values.prompt))
        return answer["output"]["message"]["content"][0]["text"]


def bedrock_stream(values: Values) -> str:
    with closing(cases._bedrock()) as client:
        answer = client.converse_stream(modelId="amazon.nova-lite-v1:0", messages=cases._bedrock_turn(values.prompt))
        return "".join(event["contentBlockDelta"]["delta"]["text"] for event in answer["stream"] if "contentBlockDelta" in event)


WAYS: list[Callable[[Values], str]] = [
    chat,
    chat_stream,
    responses,
    responses_stream,
    anthropic,
    anthropic_stream,
    gemini,
    gemini_stream,
    mistral_stream,
    cohere_stream,
    bedrock,
    bedrock_stream,
]


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__)
def test_the_provider_sees_placeholders_and_the_client_its_own_values(
    ask: Callable[[Values], str], inside: Proxy, own_standin: StandIn
) -> None:
    """
    Neither value is in a byte that reached the provider; both are in the answer, exactly; the row says what was done.
    """
    values, before = Values(), len(own_standin.seen)

    assert ask(values).strip().removesuffix(" user") == values.said  # some dialects' echo has the role behind it

    (seen,) = own_standin.seen[before:]
    for value in values.all():
        assert value.encode() not in seen.request.body
    assert b"EMAIL_" in seen.request.body
    assert b"KEY_" in seen.request.body
    inside.until(lambda: last_row(inside)["redactions_total"] == 2 and last_row(inside)["restored_total"] is not None, 5, "the row")
    row = last_row(inside)
    assert row["redactions"] == {"EMAIL": 1, "API_KEY": 1}
    assert row["redaction_rule"] == "everything"
    assert row["restored_total"] >= 2, "some dialects say a text more than once"
    assert row["unscanned_bytes"] == 0
    assert row["scanned_bytes"] > 0


def last_row(proxy: Proxy) -> dict[str, Any]:
    rows = proxy.query("from calls order by call_id desc limit 1")
    return rows[0] if rows else {"restored_total": None, "redactions_total": None}


def test_tool_arguments_come_back_whole(inside: Proxy, own_standin: StandIn) -> None:
    """
    A value in the arguments of a call is the client's own again, streamed and not, and the arguments are JSON.
    """
    values = Values()
    prompt = f"use tool {values.prompt}"
    with cases._openai() as client:
        ask: dict[str, Any] = {"model": "gpt-4o-mini", "messages": cases._user(prompt), "tools": cases.OPENAI_TOOLS}
        whole = client.chat.completions.create(**ask).choices[0].message.tool_calls[0].function.arguments
        pieces = [
            call.function.arguments or ""
            for chunk in client.chat.completions.create(**ask, stream=True)
            for choice in chunk.choices
            for call in choice.delta.tool_calls or ()
        ]
    for arguments in (whole, "".join(pieces)):
        said = json.loads(arguments)["ship"]
        assert values.mail in said
        assert values.key in said
    assert not [seen for seen in own_standin.seen if values.key.encode() in seen.request.body]


def test_a_conversation_keeps_its_placeholders(inside: Proxy, own_standin: StandIn) -> None:
    """
    The client sends back what it was shown; what the provider gets begins with the very bytes of the turn before, so its cache holds.
    """
    values, before = Values(), len(own_standin.seen)
    with cases._openai() as client:
        turns = cases._user(values.prompt)
        first = client.chat.completions.create(model="gpt-4o-mini", messages=turns).choices[0].message.content
        turns += [{"role": "assistant", "content": first}, {"role": "user", "content": f"echo: and {values.mail} again"}]
        second = client.chat.completions.create(model="gpt-4o-mini", messages=turns).choices[0].message.content

    assert second.strip().endswith(f"and {values.mail} again")
    one, two = (json.loads(seen.request.body)["messages"] for seen in own_standin.seen[before:])
    assert two[:2] == one
    assert not any(value in json.dumps(two) for value in values.all())
    assert two[2]["content"].strip() == one[1]["content"].removeprefix("echo: ")


def test_what_policy_blocks_is_refused_in_the_callers_dialect(inside: Proxy, own_standin: StandIn) -> None:
    """
    Nothing is sent; the error names kind and place, not the value; the row counts it.
    """
    import anthropic

    before = len(own_standin.seen)
    body = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP0123456789") for _ in range(64))
    pem = f"-----BEGIN RSA {'PRIVATE'} KEY-----\n{body}\n{body}\n-----END RSA {'PRIVATE'} KEY-----"
    with cases._anthropic() as client, pytest.raises(anthropic.PermissionDeniedError, match=r"private keys.*\$\.messages\[0\]") as caught:
        client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=cases._turn(f"look: {pem}"))

    assert body not in str(caught.value)
    assert len(own_standin.seen) == before
    inside.until(lambda: last_row(inside)["error_type"] == "redaction_blocked", 5, "the row")
    assert last_row(inside)["redactions"] == {"PRIVATE_KEY": 1}


def test_what_is_masked_stays_masked_and_what_is_reported_passes(inside: Proxy, own_standin: StandIn) -> None:
    """
    Every action does what its name says.
    """
    before = len(own_standin.seen)
    iban, mac = "DE89 3704 0044 0532 0130 00", "00:1b:63:84:45:e6"
    with cases._openai() as client:
        answer = client.chat.completions.create(model="gpt-4o-mini", messages=cases._user(f"echo: IBAN {iban} on {mac}."))

    (seen,) = own_standin.seen[before:]
    assert iban.encode() not in seen.request.body
    assert b"******** 3000" in seen.request.body or b"********3000" in seen.request.body or b"0 00" in seen.request.body
    assert mac.encode() in seen.request.body
    assert iban not in answer.choices[0].message.content


def test_a_request_with_nothing_in_it_is_not_touched(inside: Proxy, own_standin: StandIn) -> None:
    """
    Byte for byte, odd spacing included.
    """
    before = len(own_standin.seen)
    body = b'{ "model":"gpt-4o-mini" ,"messages":[ {"role":"user","content":"caf\\u00e9 \\/ plain"} ]}'
    asyncio.run(fetch(Way(own_standin, inside), OPENAI[0], request(*OPENAI, body, {**BEARER, "content-type": "application/json"})))

    assert own_standin.seen[before].request.body == body


@pytest.mark.parametrize(
    ("name", "body", "headers", "status"),
    [
        ("another charset", "{mail}".encode("utf-16"), {"content-type": "text/plain; charset=utf-16"}, 4),
        ("escaped", None, {}, 2),
        ("a header", b'{"model":"gpt-4o-mini","messages":[{"role":"user","content":"hi"}]}', {"x-note": "from {mail}"}, 2),
    ],
)
def test_nothing_slips_through_in_disguise(
    name: str, body: bytes | None, headers: dict[str, str], status: int, inside: Proxy, own_standin: StandIn
) -> None:
    """
    Escapes, headers, foreign charsets: found and replaced, or refused.
    """
    values, before = Values(), len(own_standin.seen)
    if body is None:
        escaped = "".join(f"\\u{ord(char):04x}" for char in values.mail)
        body = f'{{"model":"gpt-4o-mini","messages":[{{"role":"user","content":"{escaped}"}}]}}'.encode()
    named = {key: value.replace("{mail}", values.mail) for key, value in headers.items()}
    answer = asyncio.run(
        fetch(Way(own_standin, inside), OPENAI[0], request(*OPENAI, body, {"content-type": "application/json", **BEARER, **named}))
    )

    assert answer.status // 100 == status
    for seen in own_standin.seen[before:]:
        assert values.mail not in json.loads(seen.request.body)["messages"][0]["content"]
        assert values.mail.encode() not in seen.request.body + repr(seen.request.headers).encode()
