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
from typing import Any

import orjson

from excise.errors import Refused, Unavailable
from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.policy.decide import facts_of
from excise.policy.store import PolicyStore
from excise.privacy.conversation import is_kept, opening
from excise.privacy.instruction import telling
from excise.privacy.protection import Protection
from excise.privacy.redact import Plan, Redaction, look
from excise.privacy.restore.live import Live
from excise.privacy.retention.signed import is_signed
from excise.privacy.schema_forms import demanded_forms
from excise.privacy.vault import Vault, Vaults
from excise.privacy.walk.source import Rewritten, Source, of_request
from excise.stages.off_loop import run
from excise.wire.json_edit import apply

THREADED_BYTES = 32 * 1024  # from here on requests are scanned in a thread: a few milliseconds of ordinary text, more of the worst
MAX_SPOTS = 20_000  # of one request: what is more is a table of people, and would fill the vault


class Redact(Stage):
    """
    Scan the request as policy says and replace what is found. Everything that could be content is read: what cannot be is refused.

    Args:
        store: The policy in force.
        key: Of the placeholders; the installation's.
        vaults: Of this worker.
        extract: Gives the text of a document that is no text (media type, bytes), or `None`.
    """

    each_attempt = True

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
        done = partial(run, long=len(prompt.body) > THREADED_BYTES or extract is not None or scanner.slow)
        vault = self._vaults.of(self._scope(exchange, protection), now=self._now())
        source: Source = await done(partial(_source, exchange, extract))
        plan = Plan(source, protection, vault, self._placeholders, demanded_forms(prompt.json), self._now())
        # Before anything can refuse: the row of a refused call says what was found, too.
        exchange.redaction = Redaction(
            rule=protection.name,
            counts=plan.counts,
            scanned_bytes=source.coverage.scanned,
            skipped_bytes=source.coverage.skipped.total(),
            unscanned_bytes=source.coverage.binary_bytes + source.coverage.unknown_bytes,
            answers=protection.answers,
            protection=protection if protection.answers is not None else None,
        )
        self._refuse_unread(source, protection)
        spots = await done(partial(look, source, scanner, protection, vault.known(self._now())))
        try:
            if len(spots) > MAX_SPOTS:
                raise Refused(
                    f"more than {MAX_SPOTS} things would have to be taken out; send less at once", kind="too_many_findings", status=422
                )
            for _ in plan.decide(spots):
                await asyncio.sleep(0)
        except Refused:
            if exchange.prompt.model is not None and any(spot.value in exchange.prompt.model for spot in spots):
                unname(exchange)
            raise
        if plan.replacements:
            rewritten: Rewritten = await done(plan.carry_out)
            self._apply(exchange, rewritten, plan)
            if protection.tells_model:
                await done(partial(_tell, exchange))
        exchange.redaction = replace(exchange.redaction, live=self._live(vault, plan, prompt.json))

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

    def _live(self, vault: Vault, plan: Plan, body: Any) -> Live | None:
        """
        What may come back: what was sent in this request. Where the provider keeps the conversation, what was sent in earlier ones too.
        """
        if is_kept(body):
            return vault.live if len(vault) else None
        sent = {token for _, token in plan.replacements}
        return vault.tokens_in(sent) if sent else None

    def _apply(self, exchange: Exchange, rewritten: Rewritten, plan: Plan) -> None:
        http, prompt = exchange.http, exchange.prompt
        assert prompt is not None
        if exchange.route is None and is_signed(http.path, http.headers):  # a routed call is signed anew
            raise Refused(
                "something in this request must be taken out, which would break its signature; use an API key in place of signed requests, "
                "or send nothing secret",
                kind="signed_request",
            )
        if rewritten.body is not prompt.body:
            json = orjson.loads(rewritten.body) if prompt.json is not None else None
            # The row has a column for the model, and somebody may have written an address there.
            model = prompt.model
            if model is not None and any(spot.value in model for spot, _ in plan.replacements):
                model = None
            exchange.prompt = replace(prompt, body=rewritten.body, json=json, model=model)
            exchange.send_body = rewritten.body
        if rewritten.path != http.path:
            exchange.send_path = rewritten.path
        if rewritten.headers != http.headers:
            exchange.send_headers = rewritten.headers

    def _scope(self, exchange: Exchange, protection: Protection) -> str:
        """
        How far placeholders agree; never a byte of content, for scopes are kept.
        """
        principal = exchange.principal
        who = f"principal {principal.id}" if principal is not None else "anonymous"
        if protection.wide_scope:
            return f"team {principal.team}" if principal is not None and principal.team else who
        first = opening(exchange.prompt.json if exchange.prompt else None)
        return who if first is None else f"{who}\0{hmac.digest(self._scope_key, first, 'sha256').hex()}"


def unname(exchange: Exchange) -> None:
    """
    Take the model's name, in which something was found, out of all that the row of a refused call is made of: it stands in targets, too.
    """
    prompt, route = exchange.prompt, exchange.route
    assert prompt is not None
    exchange.prompt = replace(prompt, model=None)
    exchange.course = exchange.translation = exchange.adapted = None
    exchange.losses = ()
    if route is not None:  # not dropped: it may hold a probe, which has to be given back
        exchange.route = replace(route, call=replace(route.call, model=None), named=None, reason="", path="")


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
