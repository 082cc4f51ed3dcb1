"""
Whether what comes is an answer: judged before the client sees a byte of it, where somebody else could be asked instead.
"""

from __future__ import annotations

from excise.exchange import Exchange
from excise.pipeline import Stage
from excise.routing.answer_faults import fault_in
from excise.routing.failure import Failure
from excise.routing.judge import TELLING
from excise.routing.targets import GENERATES
from excise.wire.dialects.registry import dialect_of
from excise.wire.fault_sort import plain_word
from excise.wire.frame import Frame, Framing
from excise.wire.translate import Translation
from excise.wire.upstream_error import Fault, fault_of, read_fault

# More than this is not held back, whatever it is: an error's text is short, and a stream that says nothing for so long is not one of ours.
MOST_OF_AN_ERROR = 256 * 1024
MOST_BEFORE_CONTENT = 1024 * 1024
MOST_OF_AN_ANSWER = 32 * 1024 * 1024

_TO_COME = frozenset({"queued", "in_progress"})  # of calls in the background: the client comes back for the answer


class Watch(Stage):
    """
    Keep what `verdict` asks for: the document of a buffered answer, the first error of a stream.
    """

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        if exchange.course is None or exchange.answer_fault is not None:
            return events
        status = exchange.answer_status or 0
        if status < 400 and exchange.first_event is not None and _streamed(exchange):
            return events  # content has come and gone
        for frame in events:
            if status >= 400:
                exchange.answer_fault = read_fault(exchange.upstream.dialect, status, exchange.answer_headers, frame.json)
                break
            exception = (frame.headers or {}).get(":exception-type")
            if frame.json is not None and (fault := fault_of(frame.json, name=exception)) is not None:
                exchange.answer_fault = fault
                break
            if isinstance(frame.json, dict):
                exchange.answer_document = frame.json
        return events


def _framed(exchange: Exchange) -> bool:
    return exchange.answer_framing not in (None, Framing.JSON, Framing.OPAQUE)


def _streamed(exchange: Exchange) -> bool:
    """
    Whether the client sees pieces of the answer as they come.
    """
    return _framed(exchange) and exchange.prompt is not None and exchange.prompt.stream


def verdict(exchange: Exchange, ended: bool) -> Failure | bool:
    """
    What an answer is, of which this much has come.

    Returns:
        True: the client may have it, and nobody else is asked. False: that cannot be told yet. Or why it is no answer.
    """
    course = exchange.course
    status = exchange.answer_status or 0
    if course is None:
        return True
    if exchange.head_left and exchange.translation is None and status < 300 and (fits := _goes_on(exchange, ended)) is not True:
        return fits
    if not course.more:
        return True
    if 300 <= status < 400:
        return Failure("upstream_redirect", "answer", status)
    if exchange.answer_refusal is not None or (exchange.error_type is not None and not _translation_failed(exchange)):
        return True  # it is we who withhold it, which no other answer would change
    if status >= 400:
        return refused(exchange, status) if ended or exchange.answer_bytes > MOST_OF_AN_ERROR else False
    if exchange.answer_fault is not None:
        return _failure(exchange.answer_fault, "upstream_error")
    if _streamed(exchange):
        if exchange.first_event is not None:
            return True
        return _nothing(exchange) if ended else exchange.answer_bytes > MOST_BEFORE_CONTENT
    if not ended:
        return exchange.answer_bytes > MOST_OF_AN_ANSWER
    return _looked_at(exchange)


def _goes_on(exchange: Exchange, ended: bool) -> Failure | bool:
    """
    Whether an answer that passes as it comes can go on under the head of an earlier attempt's stream: as a stream. (It leaves decoded.)
    """
    if _framed(exchange):
        return True
    if not ended and exchange.answer_framing is None:
        return False
    return Failure("answer_unreadable", "head")  # of the head, for nothing of it is of use to the client


def refused(exchange: Exchange, status: int) -> Failure:
    """
    An answer with an error status, as far as its body has been read.
    """
    fault = exchange.answer_fault or read_fault(exchange.upstream.dialect, status, exchange.answer_headers, None)
    return _failure(fault, f"http_{status}")


def _failure(fault: Fault, kind: str) -> Failure:
    if (said := plain_word(fault.code or "")) in TELLING:
        kind = said
    return Failure(kind, "answer", fault.status, fault.sort, fault.retry_after_seconds, fault.should_retry)


def _translation_failed(exchange: Exchange) -> bool:
    return exchange.translation is not None and exchange.translation.fault is not None


def _nothing(exchange: Exchange) -> Failure | bool:
    """
    A stream that ended before it said anything.
    """
    assert exchange.course is not None
    generates = exchange.upstream.operation in GENERATES
    return Failure("answer_empty", "content") if generates and "empty" in exchange.course.plan.failover.answers else True


def _looked_at(exchange: Exchange) -> Failure | bool:
    """
    An answer that is whole, and of which the client has seen nothing.
    """
    translation, sent = exchange.translation, None
    if translation is not None and translation.fault is not None:
        return _failure(translation.fault, "upstream_broken_answer")
    if exchange.answer_broken or (not _framed(exchange) and exchange.answer_document is None):
        return Failure("answer_unreadable", "content") if exchange.upstream.operation in GENERATES else True
    dialect = dialect_of(exchange.upstream.provider, exchange.upstream.dialect)
    if _framed(exchange) or dialect is None or exchange.request is None or exchange.course is None:
        return True
    if isinstance(translation, Translation):
        sent = translation.encoded.sent
    elif exchange.adapted is not None:
        sent = exchange.adapted.encoded.sent
    if sent is None:
        return True
    if dialect.name == "openai-responses" and (exchange.answer_document or {}).get("status") in _TO_COME:
        return True
    answer = dialect.decode_answer(exchange.answer_document, sent)
    found = fault_in(answer, exchange.request, exchange.course.plan.failover.answers)
    return True if found is None else Failure(f"answer_{found}", "content")
