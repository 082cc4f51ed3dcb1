"""
The stages of redaction with nothing round them: policy, scopes, what is refused, and the self-check that closes the gate.
"""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from excise.errors import Refused, Unavailable
from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest, Principal
from excise.policy.store import PolicyStore
from excise.privacy.detect.scanner import Scanner
from excise.privacy.vault import Vaults
from excise.scanning import scanner_maker
from excise.stages.decode import Decode
from excise.stages.redact import THREADED_BYTES, Redact
from excise.stages.restore import Restore
from excise.stages.self_check import SelfCheck
from excise.wire.frame import Frame, Framing

KEY = b"k" * 32
MAIL = "jane.doe@example.com"
CALL = Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body")


class House:
    """
    The stages under one policy.
    """

    def __init__(self, folder: Path, redact: str) -> None:
        (folder / "default.yml").write_text(f"version: 1\nredact: {redact}\ndefault: allow\n")
        self.vaults = Vaults(KEY)
        self.store = PolicyStore(folder, scanner=scanner_maker(self.vaults.placeholders, cache=None, fast=False))
        self.decode = Decode(limit=1 << 24, pseudonym=lambda name: name)
        self.redact = Redact(self.store, KEY, self.vaults)
        self.restore = Restore()
        self.check = SelfCheck(self.store, self.decode, self.redact, self.restore)

    async def send(
        self, body: Any, *, team: str | None = None, headers: tuple[tuple[bytes, bytes], ...] = (), path: str = "/v1/x"
    ) -> Exchange:
        raw = body if isinstance(body, bytes) else orjson.dumps(body)
        http = HttpRequest("POST", "https", "api.openai.com", 443, path, ((b"content-type", b"application/json"), *headers), raw)
        exchange = Exchange(id="1", started_at_us=0, started=0.0, client=ClientInfo("127.0.0.1", 1, Capture.PROXY), http=http, call=CALL)
        exchange.principal = Principal(id=team or "anonymous", type="anonymous", team=team)
        await self.decode.on_request(exchange)
        await self.redact.on_request(exchange)
        return exchange


def token(exchange: Exchange) -> str:
    """
    The one placeholder in what leaves.
    """
    assert exchange.send_body is not None
    return next(part for part in exchange.send_body.decode().replace('"', " ").split() if part.startswith("EMAIL_"))


def chat(text: str, first: str = "hello") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": first}, {"role": "user", "content": text}]}


async def test_nothing_is_touched_without_an_entry(tmp_path: Path) -> None:
    """
    No entry, or one that is off: the call is as it was, and its row says that nobody looked.
    """
    for written in ("[]", "[{name: none, profile: off}]"):
        exchange = await House(tmp_path, written).send(chat(MAIL))
        assert exchange.redaction is None
        assert exchange.send_body is None


async def test_the_prompt_that_later_stages_see_is_the_one_that_leaves(tmp_path: Path) -> None:
    """
    Body and parsed value agree, so what is spliced after redaction is spliced into the redacted bytes.
    """
    exchange = await House(tmp_path, "[{name: a, profile: pii}]").send(chat(MAIL))

    assert exchange.prompt is not None
    assert exchange.prompt.body is exchange.send_body
    assert exchange.prompt.json == orjson.loads(exchange.prompt.body)
    assert MAIL not in exchange.prompt.body.decode()
    exchange.forget()
    assert MAIL not in repr(exchange)
    assert exchange.redaction is not None
    assert exchange.redaction.live is None


async def test_scopes(tmp_path: Path) -> None:
    """
    One placeholder in a conversation, another in the next, another for the next team; with `scope: tenant` one for all of a team.
    """
    narrow = House(tmp_path, "[{name: a, profile: pii}]")
    one, same = await narrow.send(chat(MAIL), team="a"), await narrow.send(chat(f"again {MAIL}"), team="a")
    other, foreign = await narrow.send(chat(MAIL, "other"), team="a"), await narrow.send(chat(MAIL), team="b")
    assert token(one) == token(same)
    assert len({token(one), token(other), token(foreign)}) == 3

    wide = House(tmp_path, "[{name: a, profile: pii, scope: tenant}]")
    one, other, foreign = [await wide.send(chat(MAIL, first), team=team) for first, team in (("x", "a"), ("y", "a"), ("x", "b"))]
    assert token(one) == token(other) != token(foreign)


async def test_what_was_sent_now_comes_back_now(tmp_path: Path) -> None:
    """
    A placeholder of an earlier turn that is no longer in the request stays what it is, unless the provider keeps the conversation.
    """
    house = House(tmp_path, "[{name: a, profile: pii}]")
    early = await house.send(chat(MAIL))
    late = await house.send(chat("and bob@example.org"))
    assert restored(house, late, token(early)) == token(early)
    assert restored(house, late, token(late)) == "bob@example.org"

    first = await house.send({"input": f"mail {MAIL}"})
    second = await house.send({"input": "go on", "previous_response_id": "resp_1"})
    assert restored(house, second, token(first)) == MAIL


def restored(house: House, exchange: Exchange, text: str) -> str:
    """
    What the client sees where the model says `text`.
    """
    exchange.answer_framing, exchange.answer_ended, exchange.restorer = Framing.SSE, True, None
    data = orjson.dumps({"choices": [{"index": 0, "delta": {"content": text}}]})
    frames = house.restore.on_events(exchange, [Frame(b"data: " + data + b"\n\n", None, data)])
    return "".join(frame.json["choices"][0]["delta"]["content"] for frame in frames)


async def test_an_address_for_a_model_is_not_in_the_row(tmp_path: Path) -> None:
    """
    The column holds names of models.
    """
    exchange = await House(tmp_path, "[{name: a, profile: pii}]").send({"model": MAIL, "messages": []})

    assert exchange.prompt is not None
    assert exchange.prompt.model is None


async def test_a_call_restores_its_own_values_only(tmp_path: Path) -> None:
    """
    A placeholder of another conversation that a provider sends stays what it is.
    """
    house = House(tmp_path, "[{name: a, profile: pii}]")
    one, other = await house.send(chat(MAIL), team="a"), await house.send(chat("bob@example.org", "x"), team="b")
    stolen = token(one)
    other.answer_framing, other.answer_ended = Framing.SSE, True
    data = orjson.dumps({"choices": [{"index": 0, "delta": {"content": f"{stolen} and {token(other)}"}}]})
    frames = house.restore.on_events(other, [Frame(b"data: " + data + b"\n\n", None, data)])
    said = b"".join(frame.raw for frame in frames)

    assert stolen.encode() in said
    assert b"bob@example.org" in said
    assert MAIL.encode() not in said


@pytest.mark.parametrize("large", [False, True])
async def test_large_requests_are_scanned_without_stopping_the_others(tmp_path: Path, large: bool) -> None:
    """
    In a thread from some size on, with the same result.
    """
    house = House(tmp_path, "[{name: a, profile: pii}]")
    text = ("the harbour master counts lanterns " * (THREADED_BYTES // 30 if large else 1)) + MAIL
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            beats += 1
            await asyncio.sleep(0)

    beating = asyncio.create_task(beat())
    exchange = await house.send(chat(text))
    beating.cancel()

    assert exchange.send_body is not None
    assert MAIL.encode() not in exchange.send_body
    assert (beats > 1) == large


async def test_signed_requests_are_refused_rather_than_broken(tmp_path: Path) -> None:
    """
    Only where something would have to change.
    """
    house = House(tmp_path, "[{name: a, profile: pii}]")
    signed = (
        (b"authorization", b"AWS4-HMAC-SHA256 Credential=A/20261122/us-east-1/bedrock/aws4_request, SignedHeaders=host, Signature=0"),
    )
    await house.send(chat("plain"), headers=signed)
    with pytest.raises(Refused) as caught:
        await house.send(chat(MAIL), headers=signed)

    assert caught.value.kind == "signed_request"


async def test_headers_and_query_are_redacted_too(tmp_path: Path) -> None:
    """
    In their own spelling.
    """
    exchange = await House(tmp_path, "[{name: a, profile: pii}]").send(
        chat("hi"), headers=((b"x-note", f"from {MAIL}".encode()),), path="/v1/x?to=jane.doe%40example.com"
    )

    assert exchange.send_path is not None
    assert exchange.send_headers is not None
    assert "EMAIL_" in exchange.send_path
    assert "jane" not in exchange.send_path
    assert b"EMAIL_" in dict(exchange.send_headers)[b"x-note"]


async def test_binary_parts_are_blocked_where_policy_says(tmp_path: Path) -> None:
    """
    A picture passes under `pii` and is refused under `strict`; `extract` refuses it as well, since nobody can read it.
    """
    picture = "data:image/png;base64,iVBORw0KGgo" + "A" * 400
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": picture}}]}]}
    passed = await House(tmp_path, "[{name: a, profile: pii}]").send(body)
    assert passed.redaction is not None
    assert passed.redaction.unscanned_bytes > 400
    for entry in ("{name: a, profile: strict}", "{name: a, profile: pii, binary: extract}"):
        with pytest.raises(Refused) as caught:
            await House(tmp_path, f"[{entry}]").send(body)
        assert caught.value.kind == "binary_refused"


async def test_documents_that_can_be_read_are_scanned(tmp_path: Path) -> None:
    """
    `binary: extract`: one in which nothing is found passes, one in which something is refuses the call, and the row says what it was.
    """

    def document(text: str) -> dict[str, Any]:
        data = base64.b64encode(b"%PDF-1.4\n" + bytes(range(256)) + text.encode()).decode()
        return {"messages": [{"role": "user", "content": [{"type": "file", "file": {"file_data": f"data:application/pdf;base64,{data}"}}]}]}

    house = House(tmp_path, "[{name: a, profile: pii, binary: extract}]")
    house.redact = Redact(house.store, KEY, house.vaults, extract=lambda kind, content: content[265:].decode())
    passed = await house.send(document("the harbour opens at dawn"))
    assert passed.redaction is not None
    assert passed.redaction.unscanned_bytes == 0
    assert passed.send_body is None

    exchanges: list[Exchange] = []
    house.redact.on_request = _remembering(house.redact, exchanges)  # type: ignore[method-assign]
    with pytest.raises(Refused) as caught:
        await house.send(document(f"write to {MAIL}"))
    assert caught.value.kind == "redaction_blocked"
    (refused,) = exchanges
    assert refused.redaction is not None
    assert refused.redaction.counts.total() == 1
    assert {action for _, _, action in refused.redaction.counts} == {"block"}


def _remembering(redact: Redact, exchanges: list[Exchange]) -> Any:
    real = redact.on_request

    async def on_request(exchange: Exchange) -> None:
        exchanges.append(exchange)
        await real(exchange)

    return on_request


async def test_the_self_check_passes_under_every_profile(tmp_path: Path) -> None:
    """
    Also where policy blocks, masks, or looks for little.
    """
    for entry in (
        "{name: a, profile: secrets}",
        "{name: a, profile: [secrets, pii]}",
        "{name: a, profile: strict, actions: {API_KEY: block}}",
        "{name: a, profile: pii, actions: {EMAIL: mask, CARD: remove}}",
        "{name: a, profile: pci, actions: {CARD: hash}}",
        "{name: a, profile: pii, actions: {EMAIL: report-only, CARD: allow}, scope: tenant}",
        "{name: a, profile: hipaa, tell_model: true}",
    ):
        assert await House(tmp_path, f"[{entry}]").check.run() is None, entry


async def test_the_gate_closes_when_redaction_does_not_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A scanner that finds nothing, a restore that gives nothing back, an exception: nothing passes any more, and the log says why; when it
    works again, calls pass again.
    """
    house = House(tmp_path, "[{name: everything, profile: secrets}]")
    with structlog.testing.capture_logs() as lines:
        monkeypatch.setattr(Scanner, "scan", lambda self, text, settled=True: [])
        assert await house.check.run() is not None
        with pytest.raises(Unavailable) as caught:
            await house.send(chat("hi"))
        assert caught.value.kind == "self_check_failed"
        monkeypatch.undo()
        assert await house.check.run() is None
        await house.send(chat("hi"))

        monkeypatch.setattr(Restore, "on_events", lambda self, exchange, events: events)
        assert "not put back" in str(await house.check.run())
        monkeypatch.undo()
        monkeypatch.setattr(Redact, "protect", lambda self, exchange, protection: 1 / 0)
        assert "ZeroDivisionError" in str(await house.check.run())

    assert [line["log_level"] for line in lines] == ["error", "info", "error", "error"]
    assert "everything" in lines[0]["fault"]
