"""
Hooks to stages: the one class mitmproxy's layers talk to, and the one place that catches everything and refuses.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from weakref import WeakKeyDictionary

import structlog
from mitmproxy import http
from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow

from excise.catalog.providers import Catalog
from excise.errors import BadRequest, ExciseError, InternalError, TooLarge, Unauthenticated
from excise.exchange import Capture, ClientInfo, Exchange, HttpRequest, Status
from excise.ids import uuid7
from excise.pipeline import Pipeline
from excise.proxy import headers as wire_headers
from excise.proxy.answer_tap import AnswerTap, TapEnds, become, edited, withhold
from excise.proxy.endpoint import endpoint_target, made_response, own_answer, own_response
from excise.proxy.faults import log_fault
from excise.proxy.flows import Flows
from excise.proxy.foreign import Foreign
from excise.proxy.headers import replace_head
from excise.proxy.http_stream import ORIGIN_FORM, OTHER_TARGET, TOO_LARGE
from excise.proxy.legs import Legs
from excise.proxy.readings import failure_of, with_credentials
from excise.proxy.settle import Settler
from excise.stages.recognise import is_other_business, look_closer
from excise.wire.answer import AnswerDecoder
from excise.wire.refusal import encode_error, encode_stream_error

log = structlog.get_logger("excise.gateway")

MAX_ANSWER_EVENT_BYTES = 32 * 1024 * 1024  # most of one answer or event held for metering; passing on is not bounded by it


class Gateway:
    """
    One per worker.

    Args:
        pipeline: The stages, in order.
        catalog: Whose hosts are LLM providers.
        show_headers: Whether policy wants `x-excise-…` on answers.
        settler: Ends calls.
        admit: Raises where policy wants to know who calls and does not, also for what is passed on unread.
        private_headers: Headers that tell us who calls; they do not travel on.
        fault: Why nothing is let through now; `None`: it is.
    """

    def __init__(
        self,
        *,
        pipeline: Pipeline,
        catalog: Catalog,
        settler: Settler,
        show_headers: Callable[[], bool],
        admit: Callable[[ClientInfo], None],
        private_headers: Callable[[], frozenset[bytes]] = frozenset,
        fault: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._pipeline = pipeline
        self._catalog = catalog
        self._show_headers = show_headers
        self._private_headers = private_headers
        self._fault = fault
        self._admit = admit
        self._settler = settler
        self._foreign = Foreign(settler)
        self.flows = Flows(self._foreign)
        self._clients: dict[str, ClientInfo] = {}
        self._cuts: dict[str, Callable[[], None]] = {}
        self._tails: WeakKeyDictionary[HTTPFlow, bytes] = WeakKeyDictionary()  # last bytes of answers that broke off
        self.legs = Legs(self.flows, pipeline, settler, let_out=self._let_out)
        self.mirror: Callable[[Exchange], None] = lambda exchange: None  # told of calls that are on their way; set by who sends copies

    # -- connections -------------------------------------------------------------------------------------------------

    def connected(self, client: Client, info: ClientInfo, cut: Callable[[], None] | None = None) -> None:
        """
        Tell who is at the other end; must precede the first request. `cut` ends its upstream connections at once.
        """
        self._clients[client.id] = info
        if cut is not None:
            self._cuts[client.id] = cut
        self.flows.live[client.id] = set()

    def disconnected(self, client: Client) -> None:
        """
        Sweep: whatever is still open on this connection ends now. End hooks of mitmproxy are not reliable; this is.
        """
        for flow in self.flows.live.pop(client.id, set()):
            try:
                self._end(flow, "client_disconnected")
            except Exception as fault:  # noqa: BLE001 - one call's bug must not cost the rows of the others
                log_fault("disconnected", None, fault)
        self._clients.pop(client.id, None)
        self._cuts.pop(client.id, None)

    # -- hooks, by mitmproxy's names ---------------------------------------------------------------------------------

    def requestheaders(self, flow: HTTPFlow) -> None:
        flow.request.stream = False
        self.flows.live.setdefault(flow.client_conn.id, set()).add(flow)

    async def request(self, flow: HTTPFlow) -> None:
        if flow.response is not None:
            return
        began = time.perf_counter()
        info = self._clients.get(flow.client_conn.id)
        if info is None:
            raise InternalError("no client is known for this flow")
        if flow.metadata.get(ORIGIN_FORM):
            info = ClientInfo(ip=info.ip, port=info.port, capture=Capture.ENDPOINT)
            if (answer := own_answer(flow.request, self._fault())) is not None:
                flow.response = answer
                return
        exchange = self._begin(flow, info)
        try:
            exchange.client = with_credentials(info, flow)
            if self._is_foreign(flow, exchange):
                self._pass_foreign(flow, exchange)
                return
            await self._pipeline.request(exchange)
            if exchange.own_answer is not None:
                flow.response = own_response(exchange)
                return self._settle(flow, exchange, Status.OK, whole=True)
            self._let_out(flow, exchange)
            self.mirror(exchange)
        except ExciseError as refusal:
            self._refuse(flow, exchange, refusal)
        except Exception as fault:  # noqa: BLE001 - mitmproxy would log this and send the request anyway
            # Only type and place are logged: the text may quote content.
            log_fault("request", exchange.id, fault)
            self._refuse(flow, exchange, InternalError())
        finally:
            exchange.proxy_seconds += time.perf_counter() - began

    def responseheaders(self, flow: HTTPFlow) -> None:
        response = flow.response
        assert response is not None
        if flow in self._foreign:
            response.stream = self._foreign.counter(flow)
            return
        exchange = self.flows.exchanges.get(flow)
        if exchange is None or exchange.status is not None:
            return  # our own answer
        if response.status_code < 200:
            # Nobody asked for an upgrade: Upgrade headers never leave.
            self.flows.reasons[flow] = "upstream_failed: the provider answered with an upgrade"
            flow.kill()  # type: ignore[no-untyped-call]
            return
        assert exchange.attempt is not None
        exchange.answer_status = exchange.attempt.http_status = response.status_code
        exchange.answer_headers = response.headers.fields
        call = exchange.upstream
        decoder = AnswerDecoder(
            content_type=response.headers.get("content-type"),
            content_encoding=response.headers.get("content-encoding"),
            dialect=call.dialect,
            operation=call.operation,
            limit=MAX_ANSWER_EVENT_BYTES,
        )
        edits = edited(exchange, decoder)
        refused = partial(self._answer_refused, flow, exchange)
        ends = TapEnds(self._answer_fault, refused, lambda: replace_head(response, exchange, self._show_headers()), lambda: self._cut(flow))
        tap = AnswerTap(exchange, self._pipeline, decoder, ends, edits=edits)
        self._settler.watch(exchange, tap, decoder)
        response.stream = tap
        try:
            self._pipeline.answer(exchange)
        except ExciseError as refusal:
            exchange.error_type = refusal.kind
            withhold(response, self._response(exchange, refusal), tap)
            return
        wire_headers.dress(response, exchange, edited=edits, show=self._show_headers())

    def response(self, flow: HTTPFlow) -> None:
        exchange = self.flows.exchanges.get(flow)
        if exchange is not None and flow in self.flows.reasons:
            self._end(flow, "")
        elif exchange is not None:
            status = Status.ERROR if (exchange.answer_status or 0) >= 400 or exchange.error_type else Status.OK
            self._settle(flow, exchange, status, whole=True)
        else:
            self._foreign.end(flow, "ok")
            self.flows.live.get(flow.client_conn.id, set()).discard(flow)

    def error(self, flow: HTTPFlow) -> None:
        message = flow.error.msg if flow.error else ""
        self._end(flow, message)

    # -- what the layers below the hooks ask -------------------------------------------------------------------------

    def sealed(self, flow: HTTPFlow) -> bool:
        """
        Whether this flow may leave as it is now.
        """
        return self.flows.seals.intact(flow)

    def unsealed(self, flow: HTTPFlow) -> http.Response:
        """
        The answer for a flow that may not: the pipeline did not approve it, or it was changed after it did.
        """
        exchange = self.flows.exchanges.get(flow)
        if exchange is None:
            info = self._clients.get(flow.client_conn.id) or ClientInfo(ip="", port=0, capture=Capture.PROXY)
            exchange = self._begin(flow, info)
        if exchange.status is None:
            log.error("unsealed", call_id=exchange.id)
            self._refuse(flow, exchange, InternalError())
            assert flow.response is not None
            return flow.response
        return self._response(exchange, InternalError())

    def tail(self, flow: HTTPFlow) -> bytes:
        """
        The last bytes of an answer that broke off: the dialect's own error event, or nothing where the framing has none.
        """
        return self._tails.pop(flow, b"")

    # -- inside ------------------------------------------------------------------------------------------------------

    def _let_out(self, flow: HTTPFlow, exchange: Exchange) -> None:
        wire_headers.prepare(flow.request, exchange, self._private_headers())
        self.flows.seals.put(flow)

    def _begin(self, flow: HTTPFlow, info: ClientInfo) -> Exchange:
        request = flow.request
        exchange = Exchange(
            id=uuid7(),
            started_at_us=int(request.timestamp_start * 1e6),
            started=time.monotonic() - max(0.0, time.time() - request.timestamp_start),
            client=info,
            http=HttpRequest(
                method=request.method,
                scheme=request.scheme,
                host=request.host.lower().rstrip("."),
                port=request.port,
                path=request.path,
                headers=request.headers.fields,
                body=request.raw_content or b"",
            ),
        )
        self.flows.exchanges[flow] = exchange
        return exchange

    def _is_foreign(self, flow: HTTPFlow, exchange: Exchange) -> bool:
        """
        Settle where the call goes; true for plain HTTP which is no LLM call.

        Raises:
            ExciseError: The request is not one that may leave at all.
        """
        http_ = exchange.http
        wire_headers.check(flow.request)
        if exchange.client.capture is Capture.ENDPOINT:
            host, path = endpoint_target(self._catalog, http_)
            flow.request.host, flow.request.port, flow.request.scheme = host, 443, "https"
            flow.request.path = path
            flow.request.headers["host"] = host
            exchange.http = HttpRequest(http_.method, "https", host, 443, path, flow.request.headers.fields, http_.body)
            return False
        if flow.metadata.get(OTHER_TARGET):
            raise BadRequest("the request line names another host than the connection", kind="host_mismatch")
        wire_headers.check_host(flow.request)
        if self._catalog.is_provider_host(http_.host):
            provider = self._catalog.provider_of(http_.host)
            if http_.scheme != "https" and not (provider is not None and provider.self_hosted):
                raise BadRequest("a provider's key must not travel in clear: use https", kind="plain_http")
            return is_other_business(self._catalog, http_)
        if http_.scheme == "https":
            raise InternalError("a host outside the catalogue was decrypted")
        return look_closer(self._catalog, http_) is None

    def _pass_foreign(self, flow: HTTPFlow, exchange: Exchange) -> None:
        self.flows.exchanges.pop(flow, None)
        self._admit(exchange.client)
        self._settler.admit_foreign(exchange)
        wire_headers.prepare(flow.request, exchange, self._private_headers())
        self._foreign.begin(flow, exchange)
        self.flows.seals.put(flow)

    def _refuse(self, flow: HTTPFlow, exchange: Exchange, refusal: ExciseError) -> None:
        if isinstance(refusal, Unauthenticated) and exchange.client.capture is not Capture.PROXY:
            refusal.status = 401
        exchange.error_type = refusal.kind
        exchange.http_status = refusal.status
        flow.response = self._response(exchange, refusal)
        self._settle(flow, exchange, Status.REFUSED, whole=False)

    def _response(self, exchange: Exchange, error: ExciseError) -> http.Response:
        call = exchange.call or self._catalog.recognise(
            host=exchange.http.host, method=exchange.http.method, path=exchange.http.path, upgrade=None
        )
        status, fields, body = encode_error(
            call.dialect if call else "unknown",
            status=error.status,
            kind=error.kind,
            message=error.message,
            retry_after_seconds=getattr(error, "retry_after_seconds", None),
            call_id=exchange.id,
        )
        exchange.http_status = status
        if exchange.gave_up:
            fields.append(("x-should-retry", "false"))
        return made_response(exchange, status, fields, body)

    def _end(self, flow: HTTPFlow, message: str) -> None:
        """
        A call ended without a whole answer. Sets the client's answer where none has begun.
        """
        if flow in self._foreign:
            self._foreign.broke(flow, self.flows.reasons.pop(flow, message))
            self.flows.live.get(flow.client_conn.id, set()).discard(flow)
            return
        exchange = self.flows.exchanges.get(flow)
        if message == TOO_LARGE and exchange is None:
            info = self._clients.get(flow.client_conn.id)
            if info is not None:
                limit = TooLarge("the request is larger than the proxy takes; raise --max-body-bytes or send less")
                self._refuse(flow, self._begin(flow, info), limit)
            return
        if exchange is None or exchange.status is not None:
            self.flows.live.get(flow.client_conn.id, set()).discard(flow)
            return
        failure = failure_of(self.flows.reasons.pop(flow, message))
        if failure is None:
            exchange.error_type = exchange.error_type or "client_disconnected"
            self._settle(flow, exchange, Status.CANCELLED, whole=False)
            return
        exchange.error_type = failure.kind
        if exchange.attempt is not None:
            exchange.attempt.error_type = failure.kind
        if not exchange.head_left and (exchange.answer_status is None or flow.response is None):  # or its head has not left
            flow.response = self._response(exchange, failure)
        else:
            self._tails[flow] = self._last_words(exchange, failure.kind, "the provider broke off; the answer is incomplete")
        self._settle(flow, exchange, Status.FAILED, whole=False)

    def _settle(self, flow: HTTPFlow, exchange: Exchange, status: Status, *, whole: bool) -> None:
        self.flows.live.get(flow.client_conn.id, set()).discard(flow)
        self._settler.settle(exchange, status, whole=whole)
        self.flows.seals.drop(flow)
        flow.request.data.content = None

    def _answer_fault(self, exchange: Exchange, fault: Exception) -> bytes:
        log_fault("answer", exchange.id, fault)
        return self._last_words(exchange, "internal", "internal error; the answer is incomplete")

    def _answer_refused(self, flow: HTTPFlow, exchange: Exchange, refusal: ExciseError, begun: bool) -> bytes:
        exchange.error_type = refusal.kind
        said = flow.response if not begun else None
        return become(said, self._response(exchange, refusal)) if said else self._last_words(exchange, refusal.kind, refusal.message)

    def _cut(self, flow: HTTPFlow) -> None:
        """
        End an answer that can be neither read nor passed on as it is: visibly, so that it is not taken for whole.
        """
        self.flows.reasons[flow] = "upstream_failed: the provider's answer cannot be decoded"
        cut = self._cuts.get(flow.client_conn.id)
        if cut is not None:
            cut()

    def _last_words(self, exchange: Exchange, kind: str, text: str) -> bytes:
        framing = self._settler.framing(exchange)
        dialect = exchange.call.dialect if exchange.call is not None else "unknown"
        return encode_stream_error(dialect, framing, kind=kind, message=text) if framing is not None else b""
