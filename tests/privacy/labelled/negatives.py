"""
What looks like a secret or a person and is none: hashes, identifiers, versions, placeholders, code.
"""

# ruff: noqa: E501 - tables, a row a line

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from random import Random

from privacy.labelled.assignments import PLACEHOLDERS
from privacy.labelled.case import Case, blank
from privacy.labelled.values import ALNUM, shape, url64

_PATTERNS = {
    "git": ("commit <h40>", "index <h7>..<h7> 100644", "From <h40> Mon Sep 17 00:00:00 2001", "uses: actions/checkout@<h40>", "merge <h40> into main", "rev = \"<h40>\""),
    "hash": ("sha256:<h64>", "md5 <h32>  file.tar.gz", '"digest": "sha256:<h64>"', "<h64>  dist/app.whl", '{"sha1": "<h40>"}', 'ETag: "<h32>"', "hash = \"sha256:<h64>\"",
             "--hash=sha256:<h64> \\", 'checksum = "<h64>"', "image: app@sha256:<h64>", 'ETag: W/"<h8>-<a27>"'),
    "sri": ('"integrity": "sha512-<b86>=="', 'integrity="sha384-<b64>"', "resolution: {integrity: sha512-<b86>==}"),
    "trace": ("traceparent: 00-<h32>-<h16>-01", "trace_id=<h32> span_id=<h16>", "x-request-id: req_<a24>", "cf-ray: <h16>-FRA", "x-amzn-requestid: <h8>-<h4>-<h4>-<h4>-<h12>",
              "X-Amzn-Trace-Id: Root=1-<h8>-<h24>"),
    "llm-id": ('"id": "chatcmpl-<a29>"', '"id": "call_<a24>"', '"id": "toolu_01<a22>"', '"id": "msg_01<a22>"', '"id": "resp_<h48>"', '"id": "rs_<h48>"', '"id": "gen-<d10>-<a20>"',
               '"system_fingerprint": "fp_<h10>"', '"response_id": "resp_<h48>"', 'tool_use_id: toolu_01<a22>', '"id": "fc_<h48>"', "run_<a24>", "thread_<a24>", "file-<a22>", "asst_<a24>"),
    "signed": ('"signature": "<b300>=="', '"encrypted_content": "gAAAAA<w400>=="', '"thoughtSignature": "<b240>="', '"signature": "EqQB<b150>"'),
    "version": ("pip install thing==1.2.3.4", "v10.0.19041.1", "numpy 2.1.3, pandas 2.2.3", "Chrome/126.0.6478.127 Safari/537.36", "OpenSSL 3.0.13 30 Jan 2024", "1.0.0-rc.<d3>+build.<d5>"),
    "time": ('"created": 17<d8>', '"created_at": 17<d11>', "ts=17<d14>", "1<d18>", "2026-03-04T09:12:44.120Z", "20260304091244", "date: Tue, 04 Mar 2026 09:12:44 GMT", "uptime 16<d8> ns"),
    "number": ("total: 1<d6>.<d2>", "<d3> <d4> <d3>", "order 10<d5>", "bytes=0-1048575", "line <d4>, column <d2>", "0x<h8>", "2<d2>.<d6>, 3<d2>.<d4>", "#<h6>", "16<d14> rows", "port 5432",
               "id: <n1><d15>", "zip+4 <d5>-<d4> parts", "ISBN 978-3-16-148410-0", "AS<d5>", "RFC 2119, section <d1>.<d1>.<d1>", "part no. <d4>-<d4>-<d2>"),
    "network": ("listen 127.0.0.1:8080", "bind 0.0.0.0", "ping ::1", "192.0.2.17 is documentation", "2001:db8::1", "198.51.100.7", "255.255.255.0", "std::vector::push_back", "a::b::c"),
    "email-like": ("git@github.com:team/repo.git", "@app.route('/')", "user@localhost", "foo@bar", "@media (min-width: 10px)", "logo@2x.png", "x @ y", "@types/node@20.1.2", "ssh://git@host/x"),
    "code": ("self.assertEqual(response.status_code, 200)", "class AuthenticationTokenSerializerFactoryProvider:", "def test_password_reset_token_generator_invalid(self):",
             "getElementsByClassNameAndAttributeSelector", "X_CONTENT_TYPE_OPTIONS_NOSNIFF = True", "import com.example.security.oauth2.client.registration", "[[nodiscard]] auto key() const;",
             "/usr/lib/python3/dist-packages/cryptography/hazmat", "https://docs.test/api/v1/tokens/create", "aria-label=\"Password\"", "ACCESS_TOKEN_EXPIRE_MINUTES = 60 * 24 * 8"),
}  # fmt: skip


def negatives(random: Random, rounds: int = 8) -> Iterator[Case]:
    for _ in range(rounds):
        for sub, patterns in _PATTERNS.items():
            for pattern in patterns:
                yield blank(shape(random, pattern), "negative", sub)
        for made in (uuid.UUID(int=random.getrandbits(128), version=4), uuid.UUID(int=random.getrandbits(128), version=5)):
            for template in ("id: {}", '{{"request_id": "{}"}}', "GET /v1/items/{}", "urn:uuid:{}", "session {} closed"):
                yield blank(template.format(made), "negative", "uuid")
        yield blank(base64.b64encode(random.randbytes(4000)).decode(), "negative", "base64")
        yield blank(
            "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + random.randbytes(3000)).decode(), "negative", "image"
        )
        yield blank(url64(random.randbytes(3000)), "negative", "base64url")
        yield blank(random.randbytes(2000).hex(), "negative", "hex")
        yield blank(", ".join(f"{random.gauss(0, 0.05):.{random.randint(6, 18)}f}" for _ in range(200)), "negative", "embedding")
        yield blank("".join(random.choices(ALNUM, k=2000)), "negative", "alphanumeric")
        yield blank(",".join(str(random.randrange(10**6)) for _ in range(300)), "negative", "digits")
    for text in PLACEHOLDERS:
        yield blank(text, "negative", "placeholder")
