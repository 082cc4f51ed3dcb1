"""
The guard below the hooks: whatever a hook did, what it left behind must be safe.

Used by our own connection driver and, for debugging, inside a stock mitmproxy.
"""

from __future__ import annotations

from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.layers.http._hooks import (
    HttpErrorHook,
    HttpRequestHeadersHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
    HttpResponseHook,
)

from excise.proxy.faults import log_fault
from excise.proxy.gateway import Gateway

HOOK_SECONDS = 30.0  # deadline of one hook; ours take microseconds, those that wait (auth stores) a few seconds


class Guard:
    """
    Called after every hook, with the fault it ended in, if any: an exception, a cancellation, an exit, or the deadline.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self.faults = 0  # hooks that failed since start; any at all is an alarm

    def after(self, hook: StartHook, fault: BaseException | None) -> None:
        """
        Make what the hook left behind safe.
        """
        if fault is not None:
            self.faults += 1
            log_fault(hook.name, None, fault)
        if isinstance(hook, HttpRequestHeadersHook):
            # A streamed request would leave before it is read.
            hook.flow.request.stream = False
            if fault is not None and hook.flow.response is None:
                hook.flow.response = self._gateway.unsealed(hook.flow)
        elif isinstance(hook, HttpRequestHook):
            if fault is not None or (hook.flow.response is None and not self._gateway.sealed(hook.flow)):
                hook.flow.response = self._gateway.unsealed(hook.flow)
        elif fault is None:
            return
        elif isinstance(hook, HttpResponseHeadersHook | HttpResponseHook):
            # The answer cannot be metered or restored any more: end it visibly, and end the call's row.
            if isinstance(hook, HttpResponseHeadersHook):
                hook.flow.kill()  # type: ignore[no-untyped-call]
            self._gateway.flows.reasons[hook.flow] = "internal: a hook failed on the answer"
            self._gateway.error(hook.flow)
        elif isinstance(hook, HttpErrorHook):
            self._gateway.error(hook.flow)
