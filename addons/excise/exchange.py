"""
The typed state of one call. Every field names its one writer.

Data flows one way: a stage reads what stands above its own fields and writes its own. Nothing here holds a socket, a
file or a mitmproxy object, so an Exchange can be built in a test by hand.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from excise.errors import Refused
    from excise.policy.credential import Credential
    from excise.privacy.inspect.inspector import Inspector
    from excise.privacy.redact import Redaction
    from excise.privacy.restore.restorer import Restorer
    from excise.routing.course import Course
    from excise.routing.profile import Profile
    from excise.stages.retain import RetentionChoice
    from excise.wire.dialect import Encoded
    from excise.wire.frame import Framing
    from excise.wire.loss import Loss
    from excise.wire.meter import Meter
    from excise.wire.neutral import Request
    from excise.wire.operations.document import DocumentTranslation
    from excise.wire.translate import Translation
    from excise.wire.upstream_error import Fault
    from excise.wire.usage import Usage, UsageSource


class Capture(StrEnum):
    """
    How the call came to us.
    """

    PROXY = "proxy"  # HTTPS_PROXY, CONNECT or absolute-form
    TRANSPARENT = "transparent"  # redirected by nft, named by SNI
    ENDPOINT = "endpoint"  # our own port as an HTTP endpoint


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """
    Who is at the other end of the connection, as far as the connection itself says.
    """

    ip: str
    port: int
    capture: Capture
    proxy_user: str | None = None  # from Proxy-Authorization, Basic
    proxy_password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """
    The request as it arrived, whole. `headers` keep order, case and repeats; `body` is the bytes of the wire (de-chunked, still coded).
    `host` is the connected and verified name (CONNECT = SNI = Host, checked by the gateway), lower case, without port.
    """

    method: str
    scheme: str
    host: str
    port: int
    path: str  # with query, as sent
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    body: bytes = field(repr=False)

    def header(self, name: str) -> str | None:
        """
        First value of a header, case-insensitive; latin-1, as HTTP/1 defines it. `None` where absent.
        """
        wanted, length = name.lower().encode("ascii"), len(name)
        for key, value in self.headers:
            if len(key) == length and key.lower() == wanted:
                return value.decode("latin-1")
        return None


@dataclass(frozen=True, slots=True)
class Call:
    """
    What kind of call this is: the catalogue's answer for host, path and method.
    """

    provider: str  # id of the catalogue, or "unknown"
    operation: str  # chat, responses, messages, embeddings, models, files, …
    dialect: str  # openai-chat, anthropic-messages, gemini, bedrock-converse, …
    model_at: str  # "body", "path", "query", "frame", "form", "none": where the requested model stands
    model: str | None = None  # the model, where the path or query says it
    stream_at: str = "body"  # "body", "path", "header", "form", "always", "default-on", "none"
    streams: bool | None = None  # decided already, where the path says it
    billable: bool = True  # False: lists, files, token counts …: a row, but no usage expected


@dataclass(frozen=True, slots=True)
class Principal:
    """
    Who pays. `type` is how we know: virtual_key, proxy_credentials, source_network, header, provider_key, anonymous.
    """

    id: str
    type: str
    team: str | None = None
    app: str | None = None
    cost_centre: str | None = None
    env: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    api_key_id: str | None = (
        None  # keyed fingerprint of the provider key the client sent: fp_… ; never the key. Of a key of ours: vk_ and its id
    )
    models: tuple[str, ...] = ()  # globs of the models it may ask for; empty: all that policy allows


@dataclass(frozen=True, slots=True)
class Prompt:
    """
    What decode read from the request. `body` is decoded (content coding removed); the original stays in `HttpRequest.body`.
    """

    body: bytes = field(repr=False)
    json: Any = field(repr=False)  # the parsed body, or None where it is not JSON
    model: str | None  # requested
    stream: bool  # the client asked for a stream
    max_tokens: int | None = None
    reasoning_level: str | None = None
    consumer_id: str | None = None  # `user`, `safety_identifier`, `metadata.user_id`: keyed hash, never plain
    include_usage: bool | None = None  # OpenAI stream_options.include_usage as the client said it; None: left open


@dataclass(frozen=True, slots=True)
class Route:
    """
    Where the call goes when that is not simply where the client sent it: another provider, another model, or the same with credentials of
    ours.

    Attributes:
        call: What kind of call it is there; `call.model` is the model as that provider names it.
        deployment: The policy's name of the provider's entry.
        path: With query.
        rule: The route's name, or how the model was found: `alias NAME`, `provider/model`, `model`, `key`.
        reason: Why this target and none before it.
        credential: What authorizes the call there. Never the client's.
    """

    call: Call
    deployment: str
    scheme: str
    host: str
    port: int
    path: str
    rule: str
    reason: str
    policy_id: str
    named: str | None = None  # model the client named, when the target was chosen
    credential: Credential | None = field(default=None, repr=False)
    credential_at: int = 0  # its place among those of the provider's entry

    @property
    def model(self) -> str:
        return self.call.model or ""


@dataclass(frozen=True, slots=True)
class Decision:
    """
    What policy says of this call. `rule` is the rule's name as written, or "default".
    """

    allow: bool
    action: str  # "allow", "deny"
    policy_id: str
    rule: str
    reason: str = ""


@dataclass(slots=True)
class Attempt:
    """
    One try at one upstream. Times are seconds of a monotonic clock.
    """

    provider: str
    model: str | None
    host: str
    started: float
    first_byte: float | None = None
    ended: float | None = None
    http_status: int | None = None
    error_type: str | None = None
    deployment: str | None = None  # the policy's entry; None: it went where the client sent it
    dialect: str | None = None  # wire format spoken there
    outcome: str | None = None  # ok, failed, cancelled, hedged: lost the race against another
    why: str | None = None  # why this target now: the candidate's reason, or the step's
    wait_seconds: float = 0.0  # waited before it began
    usage: Usage | None = None
    usage_source: UsageSource | None = None
    cost: Cost | None = None
    redaction_rule: str | None = None  # what was taken out of what left, and by which entry
    redactions_total: int | None = None
    retention: str | None = None  # what was known of the provider's keeping when it left


class Status(StrEnum):
    """
    How the call ended: the ledger's `status`.
    """

    OK = "ok"
    ERROR = "error"  # the provider answered with an error
    REFUSED = "refused"  # we said no; nothing was sent
    FAILED = "failed"  # the provider could not be reached, broke off, was silent
    CANCELLED = "cancelled"  # the client left
    UNKNOWN = "unknown"  # we died; written by the loader


@dataclass(frozen=True, slots=True)
class Cost:
    """
    Money of one call. `None` everywhere: the price is not known, which is not zero.
    """

    usd: Decimal | None
    price_version: str | None = None  # dated version of the table that priced it
    price_source: str | None = None  # genai-prices, override, models-table
    price_id: str | None = None  # provider/model as the table names it


@dataclass(frozen=True, slots=True)
class Adapted:
    """
    A request as another deployment of the client's own dialect wants it; `asked` is the JSON it was made of.
    """

    asked: Any = field(repr=False)
    encoded: Encoded


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """
    A whole answer of ours to a question no provider needs to be asked.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class ReplyHead:
    """
    The head of an answer we write ourselves.
    """

    status: int
    headers: tuple[tuple[str, str], ...]


# Fields that hold for every attempt at a call.
_OF_THE_CALL = ("call", "principal", "original", "request", "profile", "course", "attempts", "opened", "proxy_seconds", "head_left")


@dataclass(slots=True)
class Exchange:
    """
    One call from first byte in to last line written.
    """

    id: str  # gateway: UUIDv7
    started_at_us: int  # gateway: wall clock, microseconds since the epoch, UTC
    started: float  # gateway: monotonic seconds
    client: ClientInfo  # gateway
    http: HttpRequest  # gateway
    call: Call | None = None  # recognise
    principal: Principal | None = None  # identify
    own_answer: OwnAnswer | None = None  # list_models; set: nothing is sent
    prompt: Prompt | None = None  # decode, then redact, and retain where nothing is translated
    original: Prompt | None = field(default=None, repr=False)  # profile: `prompt` as decode left it, for another attempt
    request: Request | None = field(default=None, repr=False)  # profile: `original` in the neutral form; None: it has none
    profile: Profile | None = None  # profile; None: not a call that generates text
    course: Course | None = field(default=None, repr=False)  # plan; None: it goes where the client sent it, and nowhere else
    next_why: str = ""  # gateway: why another attempt follows the last, for `attempt`
    next_wait: float = 0.0  # gateway: seconds waited for it
    route: Route | None = None  # route; None: it goes where the client sent it
    translation: Translation | DocumentTranslation | None = field(
        default=None, repr=False
    )  # route; None: the target speaks the client's dialect
    adapted: Adapted | None = field(default=None, repr=False)  # route: what a target of the client's dialect wants written otherwise
    sent_prompt: Prompt | None = field(default=None, repr=False)  # translate, then retain: what leaves, where that is not `prompt`
    losses: tuple[Loss, ...] = ()  # route, translate, and reply at the end
    decision: Decision | None = None  # govern
    retention: str | None = None  # retain: what is known of the provider's keeping: asserted, verified, unknown; None: policy does not ask
    retention_choice: RetentionChoice | None = None  # retain
    retention_receipt: tuple[tuple[str, str], ...] = ()  # retain: rule of the provider's entry, and what came of it
    redaction: Redaction | None = field(default=None, repr=False)  # redact
    send_path: str | None = field(
        default=None, repr=False
    )  # redact, translate, retain: the path that leaves, when it differs from http.path
    send_headers: tuple[tuple[bytes, bytes], ...] | None = field(
        default=None, repr=False
    )  # redact, translate, retain, send: for http.headers
    send_body: bytes | None = field(default=None, repr=False)  # redact, translate, retain, send: the bytes that leave, for http.body
    strip_usage_chunk: bool = False  # send: we asked for include_usage, the client did not
    attempt: Attempt | None = None  # send: this leg's own
    attempts: list[Attempt] = field(default_factory=list)  # send: of all legs, shared between them
    shadow_of: str | None = None  # gateway: the call this is a copy of; nobody sees its answer
    opened: bool = False  # record: an `open` line is in the journal
    answer_status: int | None = None  # gateway: upstream's status
    answer_headers: tuple[tuple[bytes, bytes], ...] = field(default=(), repr=False)  # gateway
    answer_bytes: int = 0  # gateway: body bytes received from upstream
    answer_whole: bool = False  # gateway: the answer ended as its framing says
    answer_framing: Framing | None = None  # gateway: known with the first frame
    head_left: bool = False  # gateway: the client has the head of an answer, be it an earlier attempt's
    reply_head: ReplyHead | None = None  # reply: what the client's head becomes; set before the first bytes of a translated answer
    answer_ended: bool = False  # gateway: the last frames are being read
    answer_findings: Counter[tuple[str, str, str]] = field(default_factory=Counter)  # inspect: (entity, detector, action) -> how often
    answer_refusal: Refused | None = None  # inspect: why no more of the answer may reach the client
    inspector: Inspector | None = field(default=None, repr=False)  # inspect
    restorer: Restorer | None = field(default=None, repr=False)  # restore
    answer_document: Any = field(default=None, repr=False)  # watch: a buffered answer's JSON
    answer_fault: Fault | None = field(default=None, repr=False)  # watch: what the provider says is the matter, in place of an answer
    learned: bool = False  # learn: the outlook knows how this attempt went
    gave_up: bool = False  # gateway: several attempts were made, and this is the answer all the same
    answer_broken: bool = False  # gateway: the answer's bytes could not be decoded for metering
    meter: Meter | None = field(default=None, repr=False)  # meter
    first_event: float | None = None  # meter: monotonic time of the first content event
    usage: Usage | None = None  # meter
    usage_source: UsageSource | None = None  # meter
    usage_raw: dict[str, Any] | None = None  # meter: the provider's usage object, numbers only
    model_served: str | None = None  # meter
    response_id: str | None = None  # meter
    finish_reasons: tuple[str, ...] = ()  # meter
    service_tier: str | None = None  # meter
    cost: Cost | None = None  # meter
    status: Status | None = None  # gateway: set once, when the call has ended
    http_status: int | None = None  # gateway: what the client got
    error_type: str | None = None  # gateway or a refusing stage
    ended_at_us: int | None = None  # gateway
    ended: float | None = None  # gateway: monotonic
    proxy_seconds: float = 0.0  # gateway: time spent in our own stages

    @property
    def upstream(self) -> Call:
        """
        What kind of call it is at the provider that answers.

        Raises:
            AssertionError: Not recognised yet.
        """
        if self.route is not None:
            return self.route.call
        assert self.call is not None
        return self.call

    @property
    def leaving(self) -> Prompt | None:
        """
        The request as it leaves, where it has been read.
        """
        return self.sent_prompt or self.prompt

    @property
    def upstream_host(self) -> str:
        return self.route.host if self.route is not None else self.http.host

    def leg(self) -> Exchange:
        """
        Another attempt at the same call: what was known before a target was chosen, and nothing of this one's.
        """
        leg = Exchange(self.id, self.started_at_us, self.started, self.client, self.http)
        for name in _OF_THE_CALL:
            setattr(leg, name, getattr(self, name))
        leg.prompt = self.original
        return leg

    def forget(self) -> None:
        """
        Let go of everything the client sent and the provider answered: the call is over, and what is left is a row.
        """
        self.http = replace(self.http, headers=(), body=b"")
        self.original = self.request = self.answer_document = self.answer_fault = None
        self.prompt = self.sent_prompt = self.send_path = self.send_headers = self.send_body = self.meter = self.translation = (
            self.adapted
        ) = None
        if self.redaction is not None:
            self.redaction = self.redaction.forgotten()
        self.answer_headers = ()
        self.inspector = self.restorer = None
