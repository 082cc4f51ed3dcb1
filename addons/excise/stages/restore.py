"""
What was taken out of the request is put back in the answer.
"""

from __future__ import annotations

from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.privacy.restore.restorer import Restorer
from excise.wire.frame import Frame

_BLANK = b" \t\r\n\xef\xbb\xbf"  # as `wire.answer` skips them


class Restore(Stage):
    """
    Turn placeholders back into their values as the answer's frames go by. Answers to requests in which nothing was replaced pass as they
    are, and cost nothing.
    """

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        redaction = exchange.redaction
        if redaction is None or redaction.live is None or exchange.answer_framing is None:
            return events
        restorer = exchange.restorer
        if restorer is None:
            if not has_begun(events):
                return events
            call = exchange.upstream
            restorer = exchange.restorer = Restorer(call.dialect, call.operation, exchange.answer_framing, redaction.live)
        frames = restorer.feed(events)
        return [*frames, *restorer.close()] if exchange.answer_ended else frames


def has_begun(events: list[Frame]) -> bool:
    """
    Whether more has come than blanks: until then an answer's framing is a guess.
    """
    return any(frame.data is not None or frame.raw.strip(_BLANK) for frame in events)
