"""
Signature Version 4, checked as AWS checks it: over the bytes that arrived, and nobody's word is taken for anything.

Source: docs.aws.amazon.com/IAM/latest/UserGuide, "Elements of an AWS API request signature" and "Create a signed AWS API request",
read 2026-11.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from excise.standin.call import Request

PREFIX = "standin-"
SECRET = "standin-secret"  # noqa: S105 - of every access key here
TEMPORARY = "standin-temporary"  # such an access key is nothing without its session token

_ALGORITHM = "AWS4-HMAC-SHA256"
_FORM = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=(\S+)"
)
_SKEW = timedelta(minutes=5)
_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)


class Unsigned(Exception):
    """
    Not signed as it should be. `kind` is AWS's word.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
        self.text = text


def is_signed(request: Request) -> bool:
    """
    Whether the request claims to be signed.
    """
    return (request.header("authorization") or "").startswith(_ALGORITHM)


def check(request: Request, *, region: str, service: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
    """
    Raises:
        Unsigned: For another service, region or time, by nobody we know, or over another request than this one.
    """
    found = _FORM.fullmatch(request.header("authorization") or "")
    moment = request.header("x-amz-date") or ""
    if found is None or not re.fullmatch(r"\d{8}T\d{6}Z", moment):
        raise Unsigned("IncompleteSignatureException", "Authorization header requires a Credential, SignedHeaders, Signature and a date.")
    access, day, signed_region, signed_service, listed, signature = found.groups()
    token = request.header("x-amz-security-token") or ""
    if not access.startswith(PREFIX) or (access.startswith(TEMPORARY) and not token.startswith(PREFIX)):
        raise Unsigned("UnrecognizedClientException", "The security token included in the request is invalid.")
    if (signed_region, signed_service, day) != (region, service, moment[:8]):
        raise Unsigned(
            "InvalidSignatureException", f"Credential should be scoped to a valid region, service and date: {region}, {service}."
        )
    if abs(now() - datetime.strptime(moment, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)) > _SKEW:
        raise Unsigned("InvalidSignatureException", f"Signature expired: {moment} is more than five minutes away.")
    names = listed.split(";")
    must = {name.lower() for name, _ in request.headers if name.lower() in ("host", "content-type") or name.lower().startswith("x-amz-")}
    if names != sorted(set(names)) or listed != listed.lower() or not must <= set(names):
        raise Unsigned("InvalidSignatureException", "Host, content type and every x-amz header must be signed, in order, each once.")
    if not hmac.compare_digest(signature_of(request, names, SECRET, f"{day}/{region}/{service}/aws4_request", moment), signature):
        raise Unsigned("InvalidSignatureException", _MISMATCH)


def signature_of(request: Request, names: list[str], secret: str, scope: str, moment: str) -> str:
    """
    The signature such a request must have.

    Args:
        names: Of the signed headers, in lower case and sorted.
        scope: `day/region/service/aws4_request`.
        moment: As `x-amz-date` has it.

    Raises:
        Unsigned: A header is not there, or the path could be read in two ways.
    """
    canonical = "\n".join(
        [
            request.method,
            _path(request.path),
            _query(request.target.partition("?")[2]),
            *(f"{name}:{_values(request, name)}" for name in names),
            "",
            ";".join(names),
            _payload(request),
        ]
    )
    text = "\n".join([_ALGORITHM, moment, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _path(path: str) -> str:
    # Every service but S3 encodes the path as sent once more, so `%3A` is `%253A` here.
    segments = path.split("/")
    if segments[0] or any(segment in (".", "..") for segment in segments) or "" in segments[1:-1]:
        raise Unsigned("InvalidSignatureException", "The path is not normal.")
    return "/".join(quote(segment, safe="-_.~") for segment in segments)


def _query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(f"{name}={value}" for name, _, value in sorted(pairs))


def _values(request: Request, name: str) -> str:
    found = [" ".join(value.split()) for key, value in request.headers if key.lower() == name]
    if not found:
        raise Unsigned("InvalidSignatureException", f"The signed header {name} is not there.")
    return ",".join(found)


def _payload(request: Request) -> str:
    digest = hashlib.sha256(request.body).hexdigest()
    if (said := request.header("x-amz-content-sha256")) is not None and said != digest:
        raise Unsigned("InvalidSignatureException", "The provided 'x-amz-content-sha256' header does not match what was computed.")
    return digest
