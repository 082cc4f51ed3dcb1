"""
What the provider may keep of a call.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Literal

from excise.catalog.models import Models
from excise.catalog.request import cut
from excise.catalog.retention import RetentionBook, Stance
from excise.errors import Refused
from excise.exchange import Call, Exchange
from excise.pipeline import Stage
from excise.privacy.retention.answer import Verdict, verify_answer
from excise.privacy.retention.entry import Entry, Standing, entry_of
from excise.privacy.retention.making import RetentionPlan
from excise.privacy.retention.plan import UNKNOWN, plan
from excise.privacy.retention.where import Facts
from excise.stages.off_loop import run
from excise.wire.frame import Frame
from excise.wire.json_edit import apply

THREADED_BYTES = 512 * 1024  # from here on bodies are looked through in a thread: some 30 ms a megabyte of many small messages


@dataclass(frozen=True, slots=True)
class RetentionChoice:
    """
    What policy wants of one call.

    Attributes:
        mode: `default`: as the client asks.
        on_store: A client that asks for storage in so many words: switched off, or refused.
        attested: Providers the operator vouches for; also `provider/operation`, and `provider@checked_on` of an expired entry.
        verify: `require`: an answer that says it is kept, or does not say what it should, is withheld.
        rule: Named in refusals.
    """

    mode: Literal["default", "zero"] = "default"
    on_store: Literal["set", "refuse"] = "set"
    attested: frozenset[str] = frozenset()
    verify: Literal["record", "require"] = "record"
    rule: str = ""


class Retain(Stage):
    """
    Under `mode: zero`, set the provider's switches in the request, refuse what he would keep, and read what his answer says of it. Comes
    before redaction, which must have the last word on every byte.

    Args:
        book: What is known of the providers.
        settings: What policy wants of a call.
        hashed: Keyed hash for names of end users.
        today: For entries that expire.
        reasons: Whether a model (provider, name) reasons; `None`: not known.
    """

    each_attempt = True

    def __init__(
        self,
        book: RetentionBook,
        settings: Callable[[Exchange], RetentionChoice],
        *,
        hashed: Callable[[str], str],
        today: Callable[[], date] = lambda: datetime.now(UTC).date(),
        reasons: Callable[[str, str], bool | None] | None = None,
    ) -> None:
        self._settings = settings
        self._hashed = hashed
        self._today = today
        self._reasons = reasons or _in_the_table
        self._entries, self._unlisted = entries_of(book)

    async def on_request(self, exchange: Exchange) -> None:
        """
        Raises:
            Refused: The call cannot be sent so that nothing of it is kept, as far as is known.
            WireError: The body has another form than its protocol says, where something must be set.
        """
        choice = self._settings(exchange)
        if choice.mode != "zero":
            return
        prompt = exchange.leaving
        assert prompt is not None
        small = len(prompt.body) <= THREADED_BYTES
        look = partial(self.plan, exchange, exchange.upstream, choice, body=prompt.json, model=prompt.model)
        made = await run(look, long=not small)
        exchange.retention_choice = choice  # a reload must not change what is asked of the answer
        exchange.retention = str(made.standing)
        exchange.retention_receipt = tuple((rule, str(outcome)) for rule, outcome in made.receipt)
        if made.refusals:
            raise Refused(_text(choice, made.refusals), kind="retention_refused")
        if made.edits:
            edit = partial(apply, prompt.body, prompt.json, made.edits)
            body, json = await run(edit, long=not small)
            left = replace(prompt, body=body, json=json)
            if exchange.sent_prompt is not None:
                exchange.sent_prompt = left
            else:
                exchange.prompt = left
            exchange.send_body = body
        if made.headers:
            exchange.send_headers = _with(exchange.send_headers or exchange.http.headers, made.headers)
        if made.target is not None:
            exchange.send_path = made.target

    def plan(
        self, exchange: Exchange, call: Call, choice: RetentionChoice, *, body: Any, model: str | None, host: str | None = None
    ) -> RetentionPlan:
        """
        The plan of a call, also to another provider than the client's: one with refusals is no candidate for it.

        Args:
            call: What kind of call it would be there.
            body: As it would be sent there, parsed.
            host: Where it would be sent; `None`: where the client sent it.
        """
        target = exchange.send_path or (exchange.route.path if exchange.route is not None else exchange.http.path)
        facts = Facts(
            provider=call.provider,
            operation=call.operation,
            dialect=call.dialect,
            method=exchange.http.method.upper(),
            path="/" + "/".join(cut(target).folded),
            target=target,
            host=host or exchange.upstream_host,
            model=model,
            reasons=self._reasons(call.provider, model) if model is not None else None,
        )
        return plan(
            self._entry(call.provider, choice),
            facts,
            body,
            exchange.send_headers or exchange.http.headers,
            attested=choice.attested,
            today=self._today(),
            hashed=self._hashed,
            on_store=choice.on_store,
        )

    def on_answer(self, exchange: Exchange) -> None:
        """
        The head of the answer is there; nothing of it has reached the client.

        Raises:
            Refused: It says that the call is kept, or does not say what it should, and policy requires that: withhold it.
        """
        if exchange.retention is None or exchange.answer_status is None:
            return
        entry, choice = self._known(exchange)
        before = Standing(exchange.retention)
        verdict = verify_answer(entry, before, status=exchange.answer_status, headers=exchange.answer_headers)
        self._record(exchange, verdict)
        if verdict.fault is not None and choice.verify == "require":
            text = f"the answer is withheld, because {verdict.fault}, and retention rule {choice.rule!r} requires that nothing is kept"
            raise Refused(f"{text}. The request had been sent already.", kind="retention_unproven")

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        if exchange.retention is None:
            return events
        entry, _ = self._known(exchange)
        pending = {signal.rule for signal in entry.signals if signal.answers} - {rule for rule, _ in exchange.retention_receipt}
        for frame in events if pending else ():
            if isinstance(frame.json, dict) and exchange.leaving is not None:
                status = exchange.answer_status or 0
                verdict = verify_answer(entry, Standing(exchange.retention), status=status, first=frame.json, asked=exchange.leaving.json)
                if verdict.receipt:
                    self._record(exchange, verdict)
                    break
        return events

    def _known(self, exchange: Exchange) -> tuple[Entry, RetentionChoice]:
        assert exchange.retention_choice is not None
        choice = exchange.retention_choice
        return self._entry(exchange.upstream.provider, choice) or self._unlisted, choice

    def _entry(self, provider: str, choice: RetentionChoice) -> Entry | None:
        return self._entries.get(provider) or (self._unlisted if provider in choice.attested and provider != UNKNOWN else None)

    def _record(self, exchange: Exchange, verdict: Verdict) -> None:
        exchange.retention = str(verdict.standing)
        exchange.retention_receipt += tuple((rule, str(outcome)) for rule, outcome in verdict.receipt)


def entries_of(book: RetentionBook) -> tuple[dict[str, Entry], Entry]:
    """
    The entries of a book, ready to be asked, by provider; and the one that stands for attested providers without an entry.
    """
    groups = {name: group.model_dump(by_alias=True) for name, group in book.groups.items()}
    everywhere = [rule.model_dump(by_alias=True) for rule in book.everywhere]

    def made(id_: str, stance: Stance) -> Entry:
        return entry_of({**stance.model_dump(by_alias=True), "id": id_}, groups, everywhere)

    return {id_: made(id_, spec) for id_, spec in book.providers.items()}, made("unlisted", book.unlisted)


def _in_the_table(provider: str, model: str) -> bool | None:
    found = Models.load().find(provider, model)
    return None if found is None else found.reasoning


def _with(headers: Sequence[tuple[bytes, bytes]], wanted: dict[bytes, bytes]) -> tuple[tuple[bytes, bytes], ...]:
    kept = tuple((name, value) for name, value in headers if name.lower() not in wanted)
    return (*kept, *wanted.items())


def _text(choice: RetentionChoice, refusals: Sequence[str]) -> str:
    return f"retention rule {choice.rule!r} wants nothing kept of this call. " + "; ".join(refusals) + ". Nothing was sent."
