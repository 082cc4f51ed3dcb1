"""
Whether a request is signed by its sender, so that not a byte of it can change on the way.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# AWS Signature Version 4 (and its multi-region form), Tencent's TC3, Volcengine's, OCI's and draft-cavage HTTP signatures, Baidu's BCE.
# Source: the vendors' signing guides, read 2026-11.
_SCHEME = re.compile(rb"\s*(?:AWS4-|TC3-HMAC-|HMAC-SHA256\s|Signature\s|bce-auth-v1/)", re.IGNORECASE)
_QUERY = re.compile(r"[?&]x-(?:amz|goog)-signature=", re.IGNORECASE)

# RFC 9421 and RFC 9530 (and the older Digest of RFC 3230, Content-MD5 of RFC 1864): over the body, where they are sent.
_SIGNING = frozenset({b"signature", b"signature-input"})
_DIGESTS = frozenset({b"content-md5", b"digest", b"content-digest", b"repr-digest", b"x-amz-content-sha256"})


def is_signed(target: str, headers: Sequence[tuple[bytes, bytes]]) -> bool:
    """
    Whether a signature or digest covers the body of a request. `target`: its path with query; `headers`: as sent.
    """
    return signed_by(target, headers, body=True) is not None


def signed_by(target: str, headers: Sequence[tuple[bytes, bytes]], *, body: bool) -> str | None:
    """
    What signs a request, in words for an error; `None` where nothing does.

    Args:
        body: Whether the body is to change. Digests cover nothing else.
    """
    for name, value in headers:
        low = name.lower()
        if low == b"authorization" and _SCHEME.match(value):
            return "its Authorization header signs it"
        if low in _SIGNING or (body and low in _DIGESTS):
            return f"its {low.decode('ascii')} header signs it"
    return "its query signs it" if _QUERY.search(target) else None
