"""
The stand-in's check of AWS signatures, against what AWS itself has published.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from excise.standin.call import Request
from excise.standin.sigv4 import SECRET, Unsigned, check, is_signed, signature_of

PUBLISHED = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
MOMENT = "20150830T123600Z"
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC)
HOST = ("Host", "example.amazonaws.com")
DATE = ("X-Amz-Date", MOMENT)
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")


def request(target: str = "/model/m%3A0/converse", *headers: tuple[str, str], method: str = "POST", body: bytes = b"{}") -> Request:
    return Request(method, "example.amazonaws.com", target, headers, body)


@pytest.mark.parametrize(
    ("method", "target", "headers", "names", "service", "signature"),
    [
        ("GET", "/", (HOST, DATE), ["host", "x-amz-date"], "service", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "/", (HOST, DATE), ["host", "x-amz-date"], "service", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            "/?Action=ListUsers&Version=2010-05-08",
            (FORM, ("Host", "iam.amazonaws.com"), DATE),
            ["content-type", "host", "x-amz-date"],
            "iam",
            "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7",
        ),
    ],
    ids=["get-vanilla", "post-vanilla", "iam-list-users"],
)
def test_published_signatures(method: str, target: str, headers: Any, names: list[str], service: str, signature: str) -> None:
    """
    Of AWS's test suite and of its guide.
    """
    one = request(target, *headers, method=method, body=b"")

    assert signature_of(one, names, PUBLISHED, f"20150830/us-east-1/{service}/aws4_request", MOMENT) == signature


def signed(target: str = "/model/m%3A0/converse", body: bytes = b"{}", **changed: str) -> Request:
    """
    A request with a good signature, then changed.
    """
    headers = {"host": "example.amazonaws.com", "content-type": "application/json", "x-amz-date": MOMENT}
    access, token = changed.pop("access", "standin-access"), changed.pop("token", None)
    extra = {"x-amz-security-token": token} if token else {}
    listed = changed.pop("listed", None)
    names = sorted({**headers, **extra}) if listed is None else listed.split(";")
    bare = request(target, *{**headers, **extra}.items(), body=body)
    signature = signature_of(bare, names, SECRET, "20150830/us-east-1/bedrock/aws4_request", MOMENT)
    claim = (
        f"AWS4-HMAC-SHA256 Credential={access}/20150830/us-east-1/bedrock/aws4_request, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    sent = {**headers, **extra, "authorization": claim, **changed}
    return request(target, *sent.items(), body=body)


def test_what_is_signed_well_passes() -> None:
    """
    With lasting keys and with temporary ones.
    """
    for one in (signed(), signed(access="standin-temporary-1", token="standin-token")):
        assert is_signed(one)
        check(one, region="us-east-1", service="bedrock", now=lambda: NOW + timedelta(minutes=4))


@pytest.mark.parametrize(
    ("one", "kind"),
    [
        (request("/model/m%3A1/converse", *signed().headers), "InvalidSignatureException"),
        (request("/model/m:0/converse", *signed().headers), "InvalidSignatureException"),
        (request("/model/m%3A0/converse?a=1", *signed().headers), "InvalidSignatureException"),
        (request("/model/m%3A0/converse", *signed().headers, body=b"{ }"), "InvalidSignatureException"),
        (signed(host="other.amazonaws.com"), "InvalidSignatureException"),
        (signed(**{"content-type": "text/plain"}), "InvalidSignatureException"),
        (signed(**{"x-amz-meta": "not signed"}), "InvalidSignatureException"),
        (signed(**{"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}), "InvalidSignatureException"),
        (signed(listed="content-type;x-amz-date"), "InvalidSignatureException"),
        (signed(listed="host;x-amz-date;content-type"), "InvalidSignatureException"),
        (signed(access="AKIDELSEWHERE"), "UnrecognizedClientException"),
        (signed(access="standin-temporary-1"), "UnrecognizedClientException"),
        (signed(**{"x-amz-date": "20150830T123601Z"}), "InvalidSignatureException"),
        (signed(authorization="AWS4-HMAC-SHA256 Credential=standin-a"), "IncompleteSignatureException"),
    ],
)
def test_what_was_changed_does_not_pass(one: Request, kind: str) -> None:
    """
    Path, query, body, host, content type, date, key: one byte of any is enough.
    """
    with pytest.raises(Unsigned) as refused:
        check(one, region="us-east-1", service="bedrock", now=lambda: NOW)
    assert refused.value.kind == kind


@pytest.mark.parametrize(
    ("region", "service", "minutes"),
    [("eu-central-1", "bedrock", 0), ("us-east-1", "s3", 0), ("us-east-1", "bedrock", 6), ("us-east-1", "bedrock", -6)],
)
def test_a_signature_is_for_one_region_service_and_time(region: str, service: str, minutes: int) -> None:
    """
    Elsewhere, and five minutes later, it is worth nothing.
    """
    with pytest.raises(Unsigned):
        check(signed(), region=region, service=service, now=lambda: NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("target", ["/model//converse", "/model/../converse", "/./converse", "model"])
def test_a_path_that_can_be_read_in_two_ways_is_refused(target: str) -> None:
    """
    Whoever signs it and whoever routes it must mean the same.
    """
    with pytest.raises(Unsigned, match="not normal"):
        signed(target=target)
