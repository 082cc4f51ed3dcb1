"""
The answer in the client's words.
"""

from __future__ import annotations

from excise.exchange import Exchange, ReplyHead
from excise.pipeline import Stage
from excise.wire.frame import Frame, Framing
from excise.wire.usage import Usage

# Of the provider's headers these mean the same whoever answers.
_KEPT = ("x-request-id", "request-id", "x-amzn-requestid", "apim-request-id", "x-goog-request-id")


class Reply(Stage):
    """
    Turn the frames of a translated call's answer into the client's. Answers that came in the client's dialect pass as they are.
    """

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        translation = exchange.translation
        if translation is None:
            return events
        if exchange.reply_head is None:
            translation.answer(exchange.answer_status or 0, exchange.answer_headers, lambda: usage_of(exchange), lambda: tier_of(exchange))
        before = translation.head
        out = translation.feed(events, exchange.answer_framing or Framing.JSON)
        if exchange.answer_ended:
            out += translation.close()
            exchange.losses = translation.losses
            if translation.fault is not None and (exchange.answer_status or 0) < 400:
                told = exchange.meter.error_type if exchange.meter is not None else None
                exchange.error_type = exchange.error_type or told or "upstream_broken_answer"
        if exchange.reply_head is None or translation.head is not before:
            exchange.reply_head = _with_ids(exchange, translation.head)
        return [Frame(out)] if out else []


def usage_of(exchange: Exchange) -> Usage:
    """
    What the provider has said so far of what the call used.
    """
    return exchange.meter.usage if exchange.meter is not None else Usage()


def tier_of(exchange: Exchange) -> str | None:
    return exchange.meter.service_tier if exchange.meter is not None else None


def _with_ids(exchange: Exchange, head: ReplyHead) -> ReplyHead:
    for name, value in exchange.answer_headers:
        if name.decode("latin-1").lower() in _KEPT:
            return ReplyHead(head.status, (*head.headers, ("x-excise-upstream-request-id", value.decode("latin-1"))))
    return head
