"""
Where a provider's key stands in a request.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from excise.catalog.request import auth_header_names, credential_of

KEY = "k" * 8
SIGV4 = f"AWS4-HMAC-SHA256 Credential={KEY}/20260101/us-east-1/bedrock/aws4_request, Signature=f".encode()


@pytest.mark.parametrize(
    ("headers", "path"),
    [
        ([(b"Authorization", b"Bearer " + KEY.encode())], "/"),
        ([(b"authorization", b"Token " + KEY.encode())], "/"),
        ([(b"authorization", b"Api-Key " + KEY.encode())], "/"),
        ([(b"authorization", KEY.encode())], "/"),
        ([(b"X-Api-Key", KEY.encode())], "/"),
        ([(b"api-key", KEY.encode())], "/"),
        ([(b"x-goog-api-key", KEY.encode())], "/"),
        ([(b"xi-api-key", KEY.encode())], "/"),
        ([(b"cf-aig-authorization", b"Bearer " + KEY.encode())], "/"),
        ([(b"authorization", b'Snowflake Token="' + KEY.encode() + b'"')], "/"),
        (
            [(b"authorization", SIGV4)],
            "/",
        ),
        ([(b"authorization", b"TC3-HMAC-SHA256 Credential=" + KEY.encode() + b"/2026-01-01/hunyuan/tc3_request, Signature=f")], "/"),
        ([(b"authorization", b'Signature version="1",keyId="' + KEY.encode() + b'",signature="f"')], "/"),
        ([(b"authorization", b"bce-auth-v1/" + KEY.encode() + b"/2026-01-01T00:00:00Z/1800/host/f")], "/"),
        ([(b"sec-websocket-protocol", b"realtime, openai-insecure-api-key." + KEY.encode() + b", openai-beta.realtime-v1")], "/"),
        ([], f"/v1beta/models/g:generateContent?alt=sse&key={KEY}"),
        ([(b"x-api-key", KEY.encode()), (b"authorization", b"Bearer other")], "/?key=third"),
    ],
)
def test_the_key_is_found_wherever_a_provider_takes_it(headers: list[tuple[bytes, bytes]], path: str) -> None:
    """
    Header, scheme, query or subprotocol: the same key is the same key. Of a signed request it is the key's id,
    which stays when the signature changes.
    """
    assert credential_of(headers, path) == KEY


@pytest.mark.parametrize(
    ("headers", "path"), [([], "/"), ([(b"authorization", b"Bearer ")], "/?x=1"), ([(b"x-api-key", b"")], "/?monkey=1")]
)
def test_no_key_is_none(headers: list[tuple[bytes, bytes]], path: str) -> None:
    """
    Nothing there is `None`, not an empty key that all would share.
    """
    assert credential_of(headers, path) is None


@given(value=st.binary(max_size=300), path=st.text(max_size=100))
def test_any_header_is_harmless(value: bytes, path: str) -> None:
    """
    Whatever a client sends as its key, reading it never raises.
    """
    credential_of([(b"authorization", value), (b"sec-websocket-protocol", value)], path)


def test_names_of_key_headers_are_lower_case() -> None:
    """
    They are compared with lower-case names.
    """
    assert {"authorization", "x-api-key", "api-key", "x-goog-api-key"} <= auth_header_names
    assert all(name == name.lower() for name in auth_header_names)
