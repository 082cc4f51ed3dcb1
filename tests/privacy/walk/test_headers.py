"""
Headers and queries: one credential is left out, and ids in the shapes of the protocols; nothing else.
"""

from __future__ import annotations

import pytest

from excise.privacy.walk.layer import Place
from excise.privacy.walk.source import of_request
from privacy.walk.marker import MARKER, TOKEN, replaced, spots

_SK = "sk-" + "proj-" + "a1B2c3D4" * 5
_FREE = [
    "x-stainless-note",
    "x-amz-meta-note",
    "if-none-match",
    "accept-language",
    "openai-beta",
    "openai-organization",
    "x-goog-user-project",
]
_FREE += [
    "x-request-id",
    "traceparent",
    "origin",
    "x-api-key",
    "cf-aig-authorization",
    "idempotency-key",
    "content-md5",
    "user-agent",
    "x-own",
]


@pytest.mark.parametrize("name", _FREE)
def test_no_header_is_a_free_channel(name: str) -> None:
    """
    One credential is the provider's; what stands under any other name is read.
    """
    headers = ((b"host", b"api.openai.com"), (b"authorization", f"Bearer {_SK}".encode()), (name.encode(), MARKER.encode()))
    source = of_request("POST", "/", headers, "", b"", None)

    assert _SK not in source.text
    assert [spot.value for spot in spots(source)] == [MARKER]
    assert dict(replaced(source).headers)[name.encode()] == TOKEN.encode()


@pytest.mark.parametrize(
    "header",
    [(f"x-{MARKER}", "1"), ("content-type", f"text/plain; x={MARKER}"), ("content-type", f"multipart/form-data; boundary={MARKER}")],
)
def test_names_of_headers_can_only_be_blocked(header: tuple[str, str]) -> None:
    """
    As can parameters of the type: the body is read by them.
    """
    (spot,) = spots(of_request("POST", "/", ((header[0].encode(), header[1].encode()),), "", b"", None))

    assert (spot.frozen, spot.signed, spot.place) == (True, False, Place.HEADER)


@pytest.mark.parametrize(
    ("host", "name", "value"),
    [
        ("api.openai.com", "authorization", f"Bearer {_SK}"),
        ("api.anthropic.com", "x-api-key", _SK),
        ("generativelanguage.googleapis.com", "x-goog-api-key", "AIza" + "b7" * 17),
        ("x.openai.azure.com", "api-key", "0f" * 16),
        ("gateway.ai.cloudflare.com", "cf-aig-authorization", f"Bearer {_SK}"),
        (
            "x",
            "authorization",
            f"AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261101/x/bedrock/aws4_request, SignedHeaders=host, Signature={'0a' * 32}",
        ),
        ("x", "traceparent", "00-3b751724494d706cee7ab0146868ded5-c75e2c7466e5fcec-01"),
        ("x", "idempotency-key", "2644d75b-1e28-4c24-8a8e-dc72438d5840"),
        ("x", "content-type", "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW1"),
        ("x", "date", "Tue, 14 Nov 2023 21:49:30 GMT"),
    ],
)
def test_what_the_protocols_need_is_no_text(host: str, name: str, value: str) -> None:
    """
    Only in its own shape: with a sentence in it, it is read.
    """

    def text(value: str) -> str:
        return of_request("POST", "/", ((b"host", host.encode()), (name.encode(), value.encode())), "", b"", None).text

    assert value not in text(value)
    assert "I am" in text(f"I am {value}")


def test_a_query_has_a_credential_where_no_header_has_one() -> None:
    """
    And signed queries have the parameters of signatures, no others.
    """
    keyed = ((b"authorization", b"Bearer " + _SK.encode()),)
    key = "k" + "a1" * 12

    assert key not in of_request("GET", f"/?api_key={key}", (), "", b"", None).text
    assert key in of_request("GET", f"/?api_key={key}", keyed, "", b"", None).text
    assert key in of_request("GET", f"/?x-amz-note={key}&x-goog-note={key}", (), "", b"", None).text
    assert key not in of_request("GET", f"/?X-Amz-Signature={key}", keyed, "", b"", None).text
