"""
What the model itself produced is looked at before it reaches the client.
"""

from __future__ import annotations

from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.privacy.inspect import Inspector
from excise.stages.restore import has_begun
from excise.wire.frame import Frame

_BINARY = ("audio/", "image/", "video/", "font/", "application/octet-stream", "application/pdf", "application/zip")


class Inspect(Stage):
    """
    Scan answers where policy says so. Stands in front of Restore: what is put back is the client's own and is not scanned.

    Where policy blocks what is found, `exchange.answer_refusal` says so, and frames go on as they came, for metering: whoever passes the
    answer on must let none of them through.
    """

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        redaction = exchange.redaction
        if redaction is None or redaction.protection is None or exchange.answer_framing is None:
            return events
        inspector = exchange.inspector
        if inspector is None:
            if not has_begun(events):
                return events
            inspector = exchange.inspector = Inspector(
                exchange.answer_framing,
                redaction.protection,
                redaction.live,
                text=not _media_type(exchange).startswith(_BINARY),
                plain=exchange.upstream.dialect == "bedrock-agent",
            )
            exchange.answer_findings = inspector.counts
        frames = inspector.feed(events)
        if exchange.answer_ended:
            frames = [*frames, *inspector.close()]
        exchange.answer_refusal = inspector.refusal
        return frames


def _media_type(exchange: Exchange) -> str:
    named = next((value for name, value in exchange.answer_headers if name.lower() == b"content-type"), b"")
    return named.decode("latin-1").strip().lower()
