"""
What is scanned of a request's target and headers: everything but ids of the protocol's and the one credential it goes by.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from excise.privacy.walk import skip
from excise.privacy.walk.component import FORM_COMPONENT, HEADER_VALUE, PATH_COMPONENT, pairs
from excise.privacy.walk.intake import Intake
from excise.privacy.walk.layer import Layer, Place, Trail

# Headers of the protocols: scanned like all others, but their names are no context ("idempotency-key" promises no secret).
_PROTOCOL_HEADERS_WORDS = """
    accept accept-charset accept-encoding accept-language age allow cache-control connection content-digest content-encoding
    content-language content-length content-md5 content-type date digest dnt early-data expect expires forwarded host if-match
    if-modified-since if-none-match if-range if-unmodified-since keep-alive last-modified max-forwards origin pragma priority
    proxy-connection range repr-digest retry-after sec-gpc signature signature-input te trailer transfer-encoding upgrade
    upgrade-insecure-requests user-agent via
    traceparent tracestate b3 x-b3-traceid x-b3-spanid x-b3-parentspanid x-b3-sampled x-request-id x-correlation-id
    x-cloud-trace-context x-amzn-trace-id x-datadog-trace-id x-datadog-parent-id x-datadog-sampling-priority idempotency-key
    anthropic-version anthropic-beta anthropic-dangerous-direct-browser-access openai-version openai-beta
    x-goog-api-client x-goog-request-params x-client-request-id x-ms-client-request-id x-ms-useragent x-ms-version
    amz-sdk-invocation-id amz-sdk-request x-fern-language x-fern-sdk-name x-fern-sdk-version x-app x-dashscope-sse x-dashscope-async
"""
PROTOCOL_HEADERS = frozenset(_PROTOCOL_HEADERS_WORDS.split())
PROTOCOL_PREFIXES = ("x-stainless-", "x-amz-", "x-amzn-", "x-goog-", "openai-", "sec-fetch-", "sec-ch-", "sec-websocket-", ":")
# What a protocol header may hold that is not scanned: ids, digests and dates, in which a finding would be chance.
_PROTOCOL_VALUE = re.compile(
    r"(?=[0-9-]*[a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{1,8}|[0-9]{8}T[0-9]{6}Z"
    r"|[A-Z][a-z]{2}, [0-3][0-9] [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT",
    re.IGNORECASE,
)
_TRACE = r"(?=[0-9]*[a-f])[0-9a-f]{16}(?:[0-9a-f]{16})?"
_SHAPES = {
    "host": r"[0-9A-Za-z.-]{1,253}(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::[0-9]{1,5})?",
    "traceparent": r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}",
    "b3": rf"{_TRACE}-{_TRACE}(?:-[01d](?:-{_TRACE})?)?|[01d]",
    "x-b3-traceid": _TRACE,
    "x-b3-spanid": _TRACE,
    "x-b3-parentspanid": _TRACE,
    "x-cloud-trace-context": r"[0-9a-f]{32}(?:/[0-9]{1,20})?(?:;o=[0-3])?",
    "x-amzn-trace-id": r"(?:;?(?:Root|Parent|Self|Sampled)=(?:1-[0-9a-f]{8}-[0-9a-f]{24}|[0-9a-f]{16}|[01?])){1,4}",
    "x-datadog-trace-id": r"[0-9]{17,20}",
    "x-datadog-parent-id": r"[0-9]{17,20}",
    "x-amz-content-sha256": r"[0-9a-f]{64}",
    "content-type": (
        r"[0-9a-z.+-]{1,60}/[0-9a-z.+-]{1,80}(?:; ?charset=\"?(?:utf-?8|us-ascii|iso-8859-1)\"?)?(?:; ?boundary=\"?(?:[0-9a-f]{32}"
        r"|-{2,30}(?:[0-9]{12,30}|(?:WebKit|Geckof)[A-Za-z]{0,16}[0-9A-Za-z]{16}|[0-9a-f-]{16,40})|formdata-[a-z]{3,10}-[0-9]{10,14}"
        r"|={15}[0-9]{15,20}==)\"?)?"
    ),
}
_STRICT = {name: re.compile(shape, re.IGNORECASE) for name, shape in _SHAPES.items()}
# Of programs and their versions; `Chrome/120.0.0.0` is no address.
_PRODUCT = re.compile(r"(?<![^\s(;])[A-Za-z][A-Za-z_-]{1,30}/v?[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}(?![^\s);,])")
_SIGNER = re.compile(
    r"AWS4-[A-Z0-9-]{8,40} Credential=[0-9A-Za-z/_-]{16,200}, ?SignedHeaders=[0-9a-z;-]{1,2000}, ?Signature=[0-9A-Za-z-]{16,200}"
)

# The credential a provider wants: one for each request, the first of these that it has, where gateways do not take two.
_CREDENTIAL_HEADERS_WORDS = """
    authorization x-api-key api-key x-goog-api-key xi-api-key apikey ocp-apim-subscription-key x-subscription-token x-auth-token
    x-functions-key
"""
CREDENTIAL_HEADERS = tuple(_CREDENTIAL_HEADERS_WORDS.split())
_OF_HOSTS = (
    ("anthropic.com", "x-api-key"),
    ("googleapis.com", "x-goog-api-key"),
    ("azure.com", "api-key"),
    ("elevenlabs.io", "xi-api-key"),
)
# Source: Cloudflare "AI Gateway: authentication", Helicone "Header directory", Portkey "Headers", read 2026-11.
_GATEWAYS = (("cloudflare.com", "cf-aig-authorization"), ("helicone.ai", "helicone-auth"), ("portkey.ai", "x-portkey-api-key"))
_CREDENTIAL_VALUE = re.compile(r"(?:[A-Za-z][0-9A-Za-z-]{0,30} +)?(?![0-9]{9,24}\Z)[0-9A-Za-z._~+/=:|-]{1,8192}")
_SPOKEN_HEADERS = frozenset(("http-referer", "referer", "x-title", "cookie", "from", "x-forwarded-for", "baggage"))

# Credentials in a query, where no header has one. The shape keeps sentences and addresses from hiding there.
_CREDENTIAL_KEYS = frozenset(("key", "api_key", "api-key", "apikey", "access_token", "code", "subscription-key", "token"))
_CREDENTIAL = re.compile(r"(?![0-9]{9,24}\Z)[0-9A-Za-z._~+/=:%-]{16,4096}")
_GOOGLE_KEY = re.compile(r"AIza[0-9A-Za-z_-]{30,40}")
# Source: AWS "Authenticating requests: query parameters", Google Cloud Storage "Signed URLs", read 2026-11.
_SIGNED_QUERY = re.compile(r"x-(?:amz|goog)-(?:algorithm|credential|date|expires|signedheaders|signature|security-token|content-sha256)")
_SIGNED_VALUE = re.compile(r"(?![0-9]{9,24}\Z)(?:[0-9a-z.-]{1,100}@[0-9a-z.-]{1,100}\.gserviceaccount\.com/)?[0-9A-Za-z._~+/=:%;-]{1,4096}")


def credentials_of(headers: Iterable[tuple[bytes, bytes]]) -> frozenset[str]:
    """
    The names of the headers that hold the credential of a request; empty where none does.
    """
    values = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in headers}
    host = values.get("host", "").partition(":")[0].lower()
    wanted = [name for suffix, name in _OF_HOSTS if host.endswith(suffix)]
    found = {name for name in [*wanted, *CREDENTIAL_HEADERS] if _is_credential(values.get(name))}
    chosen = next((name for name in [*wanted, *CREDENTIAL_HEADERS] if name in found), None)
    names = {name for suffix, name in _GATEWAYS if host.endswith(suffix) and _is_credential(values.get(name))}
    if chosen is not None:
        names.add(chosen)
        if chosen == "authorization" and _SIGNER.fullmatch(values[chosen]) and _is_credential(values.get("x-amz-security-token")):
            names.add("x-amz-security-token")
    return frozenset(names)


def _is_credential(value: str | None) -> bool:
    return value is not None and (_CREDENTIAL_VALUE.fullmatch(value) or _SIGNER.fullmatch(value)) is not None


def take_target(intake: Intake, target: str, *, keyed: bool = False) -> Layer:
    """
    Take in path and query; the path can be seen but not changed, since it says what is called.

    Args:
        keyed: A header has the credential, so that the query has none.
    """
    root = Layer(target, place=Place.QUERY, trail=(None, "query"))
    path_end = target.find("?")
    path_end = len(target) if path_end < 0 else path_end
    position = 0
    for segment in target[:path_end].split("/"):
        end = position + len(segment)
        if segment and skip.is_id(segment):
            intake.coverage.skipped["id"] += len(segment)
        elif segment:
            decoded = PATH_COMPONENT.decoded(segment)
            intake.text(
                Layer(decoded, root, (position, end), codec=PATH_COMPONENT, place=Place.PATH, frozen=True, trail=(None, "path"), depth=1)
            )
        position = end + 1
    if path_end < len(target):
        take_pairs(intake, root, path_end + 1, Place.QUERY, keyed=keyed)
    return root


def take_pairs(intake: Intake, root: Layer, start: int, place: Place, *, keyed: bool = False) -> None:
    """
    Take in the keys and values of root.text[start:], percent-decoded. `keyed`: see `take_target`.
    """
    for (key_start, key_end), (value_start, value_end) in pairs(root.text[start:]):
        key = FORM_COMPONENT.decoded(root.text[start + key_start : start + key_end])
        value = FORM_COMPONENT.decoded(root.text[start + value_start : start + value_end])
        trail = (root.trail, key)
        if key:
            intake.plain(Layer(key, root, (start + key_start, start + key_end), codec=FORM_COMPONENT, place=place, trail=trail, depth=1))
        if not value:
            continue
        name = key.lower()
        if place is Place.QUERY and _is_query_credential(name, value, keyed):
            keyed = keyed or not _SIGNED_QUERY.fullmatch(name)  # one is enough
            intake.coverage.skipped["credential"] += value_end - value_start
            continue
        intake.text(
            Layer(value, root, (start + value_start, start + value_end), codec=FORM_COMPONENT, place=place, trail=trail, depth=1), key
        )


def _is_query_credential(name: str, value: str, keyed: bool) -> bool:
    if name in _CREDENTIAL_KEYS and not keyed and _CREDENTIAL.fullmatch(value):
        return True
    if name == "key" and _GOOGLE_KEY.fullmatch(value):
        return True
    return _SIGNED_QUERY.fullmatch(name) is not None and _SIGNED_VALUE.fullmatch(value) is not None


def take_header(intake: Intake, name: bytes, value: bytes, credentials: Collection[str] = ()) -> tuple[Layer, str] | None:
    """
    Take in one header: its root and the charset to write it in; `None` where its value is left out.

    Args:
        credentials: What `credentials_of` says.
    """
    called = name.decode("latin-1").lower()
    if called == "proxy-authorization":  # the proxy's own: it goes no further
        intake.coverage.skipped["credential"] += len(value)
        return None
    if called in credentials:
        intake.coverage.skipped["credential"] += len(value)
        return None
    protocol = called in PROTOCOL_HEADERS or called.startswith(PROTOCOL_PREFIXES)
    if called not in PROTOCOL_HEADERS and called not in CREDENTIAL_HEADERS:
        trail: Trail = (None, "header name")
        intake.document.put(Layer(name.decode("latin-1"), place=Place.HEADER, frozen=True, trail=trail))
    charset = "utf-8"
    try:
        text = value.decode(charset)
    except UnicodeDecodeError:
        charset = "latin-1"
        text = value.decode(charset)
    strict = _STRICT.get(called)
    if (strict is not None and strict.fullmatch(text)) or (protocol and _PROTOCOL_VALUE.fullmatch(text)):
        intake.coverage.skipped["protocol-header"] += len(value)
        return None
    trail = ((None, "header"), called if called in _SPOKEN_HEADERS else "*")
    root = Layer(text, place=Place.HEADER, trail=trail)
    # Another host, another type of body: then it would be another request.
    frozen = called in ("host", "content-type")
    inner = Layer(text, root, (0, len(text)), codec=HEADER_VALUE, place=Place.HEADER, frozen=frozen, trail=trail, depth=1)
    if called == "user-agent":
        position = 0
        for product in _PRODUCT.finditer(text):
            intake.coverage.skipped["protocol-header"] += len(product[0])
            if product.start() > position:
                intake.document.put(inner, "", position, product.start())
            position = product.end()
        if position < len(text):
            intake.document.put(inner, "", position)
    else:
        intake.text(inner, "" if protocol else called)
    return root, charset
