"""
The product, in order: what happens to one call.

    recognise -> identify -> list_models -> decode -> profile -> plan
              -> route -> govern -> redact -> translate -> retain -> send      (again for every attempt)
              -> inspect -> restore -> meter -> watch -> learn -> reply -> record

A stage overrides the few methods it needs. A buffered answer passes the same `on_events` as a stream, as one feed and one
close. `on_finish` runs exactly once per call, however the call ended.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from excise.exchange import Exchange
from excise.routing.failure import Failure
from excise.wire.frame import Frame


class Stage:
    """
    One verb of the pipeline. What is not overridden costs nothing: the pipeline keeps only overriding methods.

    Attributes:
        each_attempt: `on_request` runs again for every attempt at a call.
    """

    each_attempt = False

    async def on_request(self, exchange: Exchange) -> None:
        """
        Read the request, write own fields of `exchange`.

        Raises:
            ExciseError: The call is refused with this error, in the caller's dialect; nothing is sent.
        """

    def on_answer(self, exchange: Exchange) -> None:
        """
        See the head of the answer, before any of it has reached the client. Synchronous, no I/O.

        Raises:
            ExciseError: The answer is withheld, and the client gets this error; what the provider did is metered all the same.
        """

    def on_events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        """
        See the answer's frames as they come; may return others in their place. Synchronous, no I/O.
        """
        return events

    def on_failure(self, exchange: Exchange, failure: Failure) -> None:
        """
        An attempt has failed. Synchronous, no I/O: what it means for other calls should be known at once.
        """

    async def on_retired(self, exchange: Exchange) -> None:
        """
        The attempt of this leg is over, and another takes over.
        """

    async def on_attempt(self, exchange: Exchange) -> None:
        """
        The attempt of this leg follows another that is over, and is about to leave.
        """

    async def on_finish(self, exchange: Exchange) -> None:
        """
        The call has ended: `exchange.status` is set.
        """


class Pipeline:
    """
    Runs stages in order; knows nothing of mitmproxy.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        self.stages = tuple(stages)
        self._requests = [stage.on_request for stage in stages if type(stage).on_request is not Stage.on_request]
        self._attempts = [stage.on_request for stage in stages if stage.each_attempt and type(stage).on_request is not Stage.on_request]
        self._failures = [stage.on_failure for stage in stages if type(stage).on_failure is not Stage.on_failure]
        self._retired = [stage.on_retired for stage in stages if type(stage).on_retired is not Stage.on_retired]
        self._followed = [stage.on_attempt for stage in stages if type(stage).on_attempt is not Stage.on_attempt]
        self._answers = [stage.on_answer for stage in stages if type(stage).on_answer is not Stage.on_answer]
        self._events = [stage.on_events for stage in stages if type(stage).on_events is not Stage.on_events]
        self._finishes = [stage.on_finish for stage in stages if type(stage).on_finish is not Stage.on_finish]

    async def request(self, exchange: Exchange) -> None:
        """
        Raises:
            ExciseError: From the stage that refused.
        """
        for on_request in self._requests:
            await on_request(exchange)
            if exchange.own_answer is not None:
                return

    async def again(self, exchange: Exchange) -> None:
        """
        Another attempt: `exchange` is its leg.

        Raises:
            ExciseError: From the stage that refused.
        """
        for on_request in self._attempts:
            await on_request(exchange)

    def failed(self, exchange: Exchange, failure: Failure) -> None:
        for on_failure in self._failures:
            on_failure(exchange, failure)

    def answer(self, exchange: Exchange) -> None:
        """
        Raises:
            ExciseError: From the stage that withholds the answer.
        """
        for on_answer in self._answers:
            on_answer(exchange)

    def events(self, exchange: Exchange, events: list[Frame]) -> list[Frame]:
        for on_events in self._events:
            events = on_events(exchange, events)
        return events

    async def finish(self, exchange: Exchange) -> list[Exception]:
        """
        Let every stage finish, whatever happens to the others: the call's row depends on the last of them. Returns what was raised.
        """
        return await _all(self._finishes, exchange)

    async def retired(self, exchange: Exchange) -> list[Exception]:
        """
        The same for an attempt after which the call goes on.
        """
        return await _all(self._retired, exchange)

    async def followed(self, exchange: Exchange) -> list[Exception]:
        """
        The same for an attempt that follows one that is over.
        """
        return await _all(self._followed, exchange)


async def _all(hooks: Sequence[Callable[[Exchange], Awaitable[None]]], exchange: Exchange) -> list[Exception]:
    faults: list[Exception] = []
    for hook in hooks:
        try:
            await hook(exchange)
        except Exception as fault:  # noqa: BLE001 - a bug in one stage must not cost the row; the gateway logs what is returned
            exchange.error_type = exchange.error_type or "internal"
            faults.append(fault)
    return faults
