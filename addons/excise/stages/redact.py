"""
What must not leave is taken out.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import orjson

from excise.errors import Refused, Unavailable
from excise.exchange import Exchange, Principal
from excise.pipeline import Stage
from excise.policy.decide import facts_of
from excise.policy.store import PolicyStore
from excise.privacy.conversation import opening
from excise.privacy.instruction import telling
from excise.privacy.protection import Protection
from excise.privacy.redact import Plan, Redaction, look
from excise.privacy.retention.signed import is_signed
from excise.privacy.schema_forms import demanded_forms
from excise.privacy.vault import Vaults
from excise.privacy.walk.source import Rewritten, Source, of_request
from excise.wire.json_edit import apply

THREADED_BYTES = 128 * 1024  # from here on requests are scanned in a thread: about 5 ms with the fast gate, 40 without


class Redact(Stage):
    """
    Scan the request as policy says and replace what is found. Everything that could be content is read: what cannot be is refused.

    Args:
        store: The policy in force.
        key: Of the placeholders; the installation's.
        vaults: Of this worker.
        extract: Gives the text of a document that is no text (media type, bytes), or `None`.
    """

    def __init__(
        self,
        store: PolicyStore,
        key: bytes,
        vaults: Vaults,
        *,
        extract: Callable[[str, bytes], str | None] | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._scope_key = hmac.digest(key, b"excise conversation 1", "sha256")
        self._placeholders = vaults.placeholders
        self._vaults = vaults
        self._extract = extract
        self._now = now
        self.closed: str | None = None  # why no call may pass: the self-check's word

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            Refused: Policy blocks what stands in the request, or a part of it that nobody can read; a signature would break.
            Unavailable: There is no room for another value; or redaction did not work when it was last tried.
        """
        if self.closed is not None:
            raise Unavailable(
                f"redaction does not work now ({self.closed}), so nothing is let through; whoever runs the proxy finds more in its log",
                kind="self_check_failed",
                retry_after_seconds=60,
            )
        protection = self._store.current.protection(facts_of(exchange))
        if protection is not None:
            await self.protect(exchange, protection)

    async def protect(self, exchange: Exchange, protection: Protection) -> None:
        """
        The same with a protection of the caller's choice.
        """
        assert exchange.call is not None and exchange.prompt is not None
        prompt = exchange.prompt
        extract = self._extract if protection.extracts else None
        scanner = protection.scanner()
        run = _threaded if len(prompt.body) > THREADED_BYTES or extract is not None or scanner.slow else _inline
        vault = self._vaults.of(self._scope(exchange, protection), now=self._now())
        source: Source = await run(partial(_source, exchange, extract))
        self._refuse_unread(source, protection)
        looked = await run(partial(look, source, scanner, protection.profile.leaves_out, vault.known(self._now())))
        forms = demanded_forms(prompt.json)
        plan = Plan(looked, protection, vault, self._placeholders, forms, self._now())
        if plan.needs_second_look:
            known = vault.known(self._now())
            await run(partial(plan.again, known))
        if plan.replacements:
            rewritten: Rewritten = await run(plan.carry_out)
            self._apply(exchange, rewritten)
            if protection.tells_model:
                await run(partial(_tell, exchange))
        exchange.redaction = Redaction(
            rule=protection.name,
            counts=plan.counts,
            scanned_bytes=source.coverage.scanned,
            unscanned_bytes=source.coverage.binary_bytes + source.coverage.unknown_bytes,
            live=vault.live if len(vault) else None,
            answers=protection.answers,
            protection=protection if protection.answers is not None else None,
        )

    def _refuse_unread(self, source: Source, protection: Protection) -> None:
        coverage = source.coverage
        if protection.refuses_unreadable and coverage.unknown:
            part = coverage.unknown[0]
            raise Refused(
                f"{part.where} cannot be read ({part.why}), so it cannot be shown to hold nothing secret; send it as text, "
                f"or have policy set `unreadable: allow` in {protection.name!r}",
                kind="unreadable",
                status=422,
            )
        if protection.blocks_binary and coverage.binary:
            binary = coverage.binary[0]
            raise Refused(
                f"{binary.where} holds {binary.bytes_count} bytes of {binary.media_type}, which cannot be scanned; send text, "
                f"or have policy set `binary: allow` in {protection.name!r}",
                kind="binary_refused",
            )

    def _apply(self, exchange: Exchange, rewritten: Rewritten) -> None:
        http, prompt = exchange.http, exchange.prompt
        assert prompt is not None
        if is_signed(http.path, http.headers):
            raise Refused(
                "something in this request must be taken out, which would break its signature; use an API key in place of signed requests, "
                "or send nothing secret",
                kind="signed_request",
            )
        if rewritten.body is not prompt.body:
            json = orjson.loads(rewritten.body) if prompt.json is not None else None
            exchange.prompt = replace(prompt, body=rewritten.body, json=json)
            exchange.send_body = rewritten.body
        if rewritten.path != http.path:
            exchange.send_path = rewritten.path
        if rewritten.headers != http.headers:
            exchange.send_headers = rewritten.headers

    def _scope(self, exchange: Exchange, protection: Protection) -> str:
        """
        How far placeholders agree; never a byte of content, for scopes are kept.
        """
        tenant = _tenant(exchange.principal)
        if protection.wide_scope or (first := opening(exchange.prompt.json if exchange.prompt else None)) is None:
            return tenant
        return f"{tenant}\0{hmac.digest(self._scope_key, first, 'sha256').hex()}"


def _tell(exchange: Exchange) -> None:
    prompt, call = exchange.prompt, exchange.call
    assert prompt is not None and call is not None
    body, json = apply(prompt.body, prompt.json, telling(call.dialect, prompt.json))
    if body is not prompt.body:
        exchange.prompt = replace(prompt, body=body, json=json)
        exchange.send_body = body


def _source(exchange: Exchange, extract: Callable[[str, bytes], str | None] | None) -> Source:
    http, prompt = exchange.http, exchange.prompt
    assert prompt is not None
    headers = exchange.send_headers or http.headers
    content_type = http.header("content-type") or ""
    return of_request(http.method, exchange.send_path or http.path, headers, content_type, prompt.body, prompt.json, extract=extract)


def _tenant(principal: Principal | None) -> str:
    if principal is None:
        return "anonymous"
    return f"team {principal.team}" if principal.team else f"principal {principal.id}"


async def _inline[Value](work: Callable[[], Value]) -> Value:
    return work()


async def _threaded[Value](work: Callable[[], Value]) -> Value:
    return await asyncio.to_thread(work)
