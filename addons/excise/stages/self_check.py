"""
Does redaction work, now, in this process? A made-up secret goes the way of every request and answer; if it comes out at the wrong end,
nothing is let through any more.
"""

from __future__ import annotations

import secrets
import string
import time
from typing import Any

import orjson
import structlog

from excise.errors import Refused
from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest, Principal
from excise.ids import uuid7
from excise.policy.compile import Policy
from excise.policy.store import PolicyStore
from excise.privacy.profiles import Action
from excise.privacy.protection import Protection
from excise.stages.decode import Decode
from excise.stages.redact import Redact
from excise.stages.restore import Restore
from excise.wire.frame import Framing
from excise.wire.sse import SseDecoder

_log = structlog.get_logger("excise.self_check")

_ALNUM = string.ascii_letters + string.digits
_CALL = Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body")
_EVENT_LIMIT_BYTES = 1 << 20


class SelfCheck:
    """
    Tries every entry of the policy's `redact` with fresh canaries.

    Args:
        store: The policy in force.
        decode, redact, restore: The very stages calls pass through.
    """

    def __init__(self, store: PolicyStore, decode: Decode, redact: Redact, restore: Restore) -> None:
        self._store = store
        self._decode = decode
        self._redact = redact
        self._restore = restore

    @property
    def fault(self) -> str | None:
        """
        What went wrong the last time; `None`: nothing.
        """
        return self._redact.closed

    async def run(self) -> str | None:
        """
        Try, and close or open the gate accordingly. Never raises. Returns the fault.
        """
        policy = self._store.current
        try:
            fault = await self._try(policy)
        except Exception as error:  # noqa: BLE001 - whatever it is, redaction cannot be shown to work
            fault = f"{type(error).__name__} while trying it"
        if fault != self._redact.closed:
            if fault is None:
                _log.info("self-check passes again", policy_id=policy.id)
            else:
                _log.error("self-check failed: every call is refused", fault=fault, policy_id=policy.id)
        self._redact.closed = fault
        return fault

    async def _try(self, policy: Policy) -> str | None:
        for entry in policy.protections:
            if entry.said is not None and (fault := await self._try_one(entry.said)) is not None:
                return f"{fault}, under {entry.name!r}"
        return None

    async def _try_one(self, protection: Protection) -> str | None:
        taken = [canary for canary in _canaries().items() if protection.action(canary[0]) not in (Action.ALLOW, Action.REPORT_ONLY)]
        exchange = _exchange({"model": "canary", "stream": True, "messages": [{"role": "user", "content": _prose(dict(taken))}]})
        await self._decode.on_request(exchange)
        try:
            await self._redact.protect(exchange, protection)
        except Refused:
            # Policy blocks one of them: then nothing left, which is all that is asked.
            return None if any(protection.action(entity) is Action.BLOCK for entity, _ in taken) else "a canary was refused"
        left = exchange.send_body or exchange.http.body
        for entity, value in taken:
            if value.encode() in left:
                return f"a canary of kind {entity} was not taken out"
        return self._answer(exchange, [value for entity, value in taken if protection.action(entity) is Action.PSEUDONYMISE], left)

    def _answer(self, exchange: Exchange, values: list[str], left: bytes) -> str | None:
        """
        The model says back what it got, three characters at a time.
        """
        said: str = orjson.loads(left)["messages"][-1]["content"]
        chunks = [{"choices": [{"index": 0, "delta": {"content": said[at : at + 3]}}]} for at in range(0, len(said), 3)]
        body = b"".join(b"data: %b\n\n" % orjson.dumps(chunk) for chunk in chunks) + b"data: [DONE]\n\n"
        exchange.answer_framing = Framing.SSE
        frames = self._restore.on_events(exchange, SseDecoder(_EVENT_LIMIT_BYTES).feed(body))
        exchange.answer_ended = True
        frames += self._restore.on_events(exchange, [])
        decoder = SseDecoder(_EVENT_LIMIT_BYTES)
        texts = [_delta(frame.json) for frame in decoder.feed(b"".join(frame.raw for frame in frames))]
        heard = "".join(texts)
        return None if all(value in heard for value in values) else "a canary was not put back into the answer"


def _canaries() -> dict[str, str]:
    """
    Entity -> a value nobody has.
    """
    letters = "".join(secrets.choice(_ALNUM) for _ in range(36))
    return {
        "API_KEY": "gh" + "p_" + letters,
        "EMAIL": f"canary.{letters[:10].lower()}@mail-{letters[10:16].lower()}.com",
        "CARD": _card(),
    }


def _card() -> str:
    digits = "453201" + "".join(secrets.choice(string.digits) for _ in range(9))
    total = sum(int("0246813579"[int(digit)]) if at % 2 == 0 else int(digit) for at, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def _prose(canaries: dict[str, str]) -> str:
    return "Please remember: " + "; ".join(f"the next one is {value} indeed" for value in canaries.values()) + "."


def _exchange(body: dict[str, Any]) -> Exchange:
    headers = ((b"content-type", b"application/json"),)
    http = HttpRequest("POST", "https", "api.openai.com", 443, "/v1/chat/completions", headers, orjson.dumps(body))
    client = ClientInfo(ip="127.0.0.1", port=0, capture=Capture.PROXY)
    exchange = Exchange(id=uuid7(), started_at_us=time.time_ns() // 1000, started=time.monotonic(), client=client, http=http, call=_CALL)
    exchange.principal = Principal(id="excise self-check", type="self_check")  # a tenant of its own: nobody's vault fills with canaries
    return exchange


def _delta(chunk: Any) -> str:
    if not isinstance(chunk, dict) or not chunk.get("choices"):
        return ""
    content = chunk["choices"][0].get("delta", {}).get("content")
    return content if isinstance(content, str) else ""
