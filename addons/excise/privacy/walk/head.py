"""
What is scanned of a request's target and headers: everything but the protocol's own and the credentials it goes by.
"""

from __future__ import annotations

import re

from excise.privacy.walk import skip
from excise.privacy.walk.component import FORM_COMPONENT, HEADER_VALUE, PATH_COMPONENT, pairs
from excise.privacy.walk.intake import Intake
from excise.privacy.walk.layer import Layer, Place

# Headers that carry how a request travels, who signed it and what it is measured by; and the credentials the provider wants, which are the
# proxy's to replace. Everything else may carry content: `x-title`, `http-referer`, gateways' metadata headers, an application's own.
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
PROTOCOL_PREFIXES = ("x-stainless-", "x-amz-", "sec-fetch-", "sec-ch-", "sec-websocket-", ":")
_CREDENTIAL_HEADERS_WORDS = """
    authorization proxy-authorization x-api-key api-key apikey x-goog-api-key x-goog-user-project openai-organization openai-project
    xi-api-key x-auth-token ocp-apim-subscription-key x-subscription-token cf-aig-authorization helicone-auth x-functions-key
    x-dashscope-workspace x-portkey-api-key
"""
CREDENTIAL_HEADERS = frozenset(_CREDENTIAL_HEADERS_WORDS.split())
_SPOKEN_HEADERS = frozenset(("http-referer", "referer", "x-title", "cookie", "from", "x-forwarded-for", "baggage"))
# Where these have no line of words in them, they are what they are called; `x-request-id: call john@x.com` is scanned.
_PROTOCOL_VALUE = re.compile(rb"[\x21-\x7e]{0,512}|[0-9A-Za-z ,;:=+*/.()\"'_-]{0,1024}")
_ADDRESS = re.compile(rb"[0-9A-Za-z]@[0-9A-Za-z]|[0-9]{9}")
_FREE_HEADERS = frozenset(
    ("x-request-id", "x-correlation-id", "x-client-request-id", "idempotency-key", "x-app", "user-agent", "x-goog-request-params")
)

# Credentials in a query, where the provider wants them. The shape keeps sentences and addresses from hiding there.
_CREDENTIAL_KEYS = frozenset(("key", "api_key", "api-key", "apikey", "access_token", "code", "subscription-key", "token"))
_CREDENTIAL_PREFIXES = ("x-amz-", "x-goog-")
_CREDENTIAL = re.compile(r"[0-9A-Za-z._~+/=:%-]{16,4096}")
_DIGITS = re.compile(r"[0-9]{9,19}")


def take_target(intake: Intake, target: str) -> Layer:
    """
    Take in path and query; the path can be seen but not changed, since it says what is called.
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
        take_pairs(intake, root, path_end + 1, Place.QUERY)
    return root


def take_pairs(intake: Intake, root: Layer, start: int, place: Place) -> None:
    """
    Take in the keys and values of root.text[start:], percent-decoded.
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
        if place is Place.QUERY and (
            (name in _CREDENTIAL_KEYS and _CREDENTIAL.fullmatch(value) and not _DIGITS.fullmatch(value))
            or name.startswith(_CREDENTIAL_PREFIXES)
        ):
            intake.coverage.skipped["credential"] += value_end - value_start
            continue
        intake.text(
            Layer(value, root, (start + value_start, start + value_end), codec=FORM_COMPONENT, place=place, trail=trail, depth=1), key
        )


def take_header(intake: Intake, name: bytes, value: bytes) -> tuple[Layer, str] | None:
    """
    Take in one header: its root and the charset to write it in; `None` where it is left out.
    """
    called = name.decode("latin-1").lower()
    if called in CREDENTIAL_HEADERS:
        intake.coverage.skipped["credential"] += len(value)
        return None
    protocol = called in PROTOCOL_HEADERS or called.startswith(PROTOCOL_PREFIXES)
    if protocol and _PROTOCOL_VALUE.fullmatch(value) and not (called in _FREE_HEADERS and _ADDRESS.search(value)):
        intake.coverage.skipped["protocol-header"] += len(value)
        return None
    charset = "utf-8"
    try:
        text = value.decode(charset)
    except UnicodeDecodeError:
        charset = "latin-1"
        text = value.decode(charset)
    trail = ((None, "header"), called if called in _SPOKEN_HEADERS else "*")
    root = Layer(text, place=Place.HEADER, trail=trail)
    inner = Layer(text, root, (0, len(text)), codec=HEADER_VALUE, place=Place.HEADER, trail=trail, depth=1)
    intake.text(inner, called)
    return root, charset
