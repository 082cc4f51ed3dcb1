"""
Redaction against codings, charsets and malformed bodies: whatever a body claims to be, it is scanned, or it does not leave.
"""

from __future__ import annotations

import asyncio
import base64
import codecs
import gzip
import json
import secrets
import urllib.parse
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard

from e2e.proxy import Proxy, running_proxy
from e2e.test_redaction import BEARER, OPENAI
from e2e.tunnel import Answer, fetch, request
from e2e.ways import Way
from excise.prove.canaries import forms
from excise.prove.search import contents
from excise.standin import StandIn

POLICY = "version: 1\nredact: [{name: all, profile: [secrets, pii]}]\ndefault: allow\n"
JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True)
class Sent:
    """
    A body that holds the secret, and the headers it comes with. `passes`: it can be read, so it leaves redacted.
    """

    body: Callable[[str], bytes]
    headers: dict[str, str] = field(default_factory=dict)
    passes: bool = False


def chat(secret: str) -> bytes:
    return json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"my address is {secret}, ok?"}]}).encode()


def escaped(secret: str) -> str:
    return "".join(f"\\u{ord(char):04x}" for char in secret)


def coded(name: str) -> dict[str, str]:
    return {"content-encoding": name}


def typed(name: str) -> dict[str, str]:
    return {"content-type": name}


def form(secret: str) -> bytes:
    return b'--b\r\ncontent-disposition: form-data; name="messages"\r\n\r\n' + secret.encode() + b"\r\n--b--\r\n"


CASES: dict[str, Sent] = {
    "plain": Sent(chat, passes=True),
    "gzip": Sent(lambda s: gzip.compress(chat(s)), coded("gzip"), passes=True),
    "two gzip members": Sent(lambda s: gzip.compress(chat(s)[:40]) + gzip.compress(chat(s)[40:]), coded("gzip"), passes=True),
    "deflate": Sent(lambda s: zlib.compress(chat(s)), coded("deflate"), passes=True),
    "raw deflate": Sent(lambda s: zlib.compress(chat(s), wbits=-15), coded("deflate"), passes=True),
    "brotli": Sent(lambda s: brotli.compress(chat(s)), coded("br"), passes=True),
    "zstd": Sent(lambda s: zstandard.compress(chat(s)), coded("zstd"), passes=True),
    "x-gzip": Sent(lambda s: gzip.compress(chat(s)), coded("x-gzip")),
    "gzip twice": Sent(lambda s: gzip.compress(gzip.compress(chat(s))), coded("gzip, gzip")),
    "gzip called once": Sent(lambda s: gzip.compress(gzip.compress(chat(s))), coded("gzip")),
    "plain called gzip": Sent(chat, coded("gzip")),
    "gzip not called so": Sent(lambda s: gzip.compress(chat(s))),
    "gzip with a tail": Sent(lambda s: gzip.compress(chat(s)) + chat(s), coded("gzip")),
    "gzip cut": Sent(lambda s: gzip.compress(chat(s))[:-4], coded("gzip")),
    "coding foo": Sent(chat, coded("foo")),
    "coding rot13": Sent(lambda s: codecs.encode(chat(s).decode(), "rot13").encode(), coded("rot13")),
    "coding utf-8": Sent(chat, coded("utf-8")),
    "coding hex": Sent(lambda s: chat(s).hex().encode(), coded("hex")),
    "coding bz2": Sent(lambda s: codecs.encode(chat(s), "bz2"), coded("bz2")),
    "unknown charset": Sent(chat, typed("application/json; charset=klingon")),
    "charset rot13": Sent(chat, typed("application/json; charset=rot13")),
    "charset utf-16 on utf-8": Sent(chat, typed("application/json; charset=utf-16")),
    "utf-16": Sent(lambda s: chat(s).decode().encode("utf-16"), typed("application/json; charset=utf-16")),
    "utf-16 not called so": Sent(lambda s: chat(s).decode().encode("utf-16-le")),
    "utf-7": Sent(lambda s: chat(s).decode().encode("utf-7"), typed("application/json; charset=utf-7")),
    "byte order mark": Sent(lambda s: b"\xef\xbb\xbf" + chat(s)),
    "one bad byte": Sent(lambda s: chat(s).replace(b"my", b"m\xff")),
    "escapes": Sent(lambda s: chat("@@").replace(b"@@", escaped(s).encode()), passes=True),
    "escapes twice": Sent(lambda s: chat("@@").replace(b"@@", escaped(s).replace("\\", "\\\\").encode()), passes=True),
    "a key twice": Sent(lambda s: chat(s)[:-1] + b', "messages": []}'),
    "a key twice, escaped": Sent(lambda s: chat(s)[:-1] + b', "messag\\u0065s": []}'),
    "cut": Sent(lambda s: chat(s)[:-5]),
    "a tail": Sent(lambda s: chat(s) + chat(s)),
    "not a number": Sent(lambda s: chat(s)[:-1] + b', "temperature": NaN}'),
    "too deep": Sent(lambda s: b'{"a":' * 200 + json.dumps(s).encode() + b"}" * 200),
    "an array": Sent(lambda s: b"[" + chat(s) + b"]"),
    "a bare string": Sent(lambda s: json.dumps(s).encode()),
    "called text": Sent(chat, typed("text/plain"), passes=True),
    "called nothing": Sent(chat, typed(""), passes=True),
    "called an image": Sent(chat, typed("image/png"), passes=True),
    "a form": Sent(form, typed("multipart/form-data; boundary=b")),
    "a form, encoded": Sent(lambda s: b"messages=" + urllib.parse.quote(s).encode(), typed("application/x-www-form-urlencoded")),
    "base64": Sent(lambda s: chat(base64.b64encode(f"to {s} please".encode()).decode()), passes=True),
    "percent": Sent(lambda s: chat("".join(f"%{byte:02X}" for byte in s.encode())), passes=True),
    "html": Sent(lambda s: chat("".join(f"&#{ord(char)};" for char in s)), passes=True),
    "full width": Sent(lambda s: chat("".join(chr(ord(char) + 0xFEE0) for char in s)), passes=True),
    "zero width": Sent(lambda s: chat("\u200b".join(s)), passes=True),
    "json in a string": Sent(lambda s: chat(json.dumps({"to": s, "quote": '"'})), passes=True),
    "json in json in a string": Sent(lambda s: chat(json.dumps({"a": json.dumps({"to": s})})), passes=True),
    "a key": Sent(lambda s: json.dumps({"model": "gpt-4o-mini", "messages": [], "metadata": {s: "x"}}).encode()),
    "a bomb": Sent(lambda s: gzip.compress(chat(s)[:-1] + b" " * (64 << 20) + b"}"), coded("gzip")),
}


@pytest.fixture(scope="module")
def scanning(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """
    A proxy that redacts.
    """
    policies = tmp_path_factory.mktemp("policies")
    (policies / "default.yml").write_text(POLICY)
    with running_proxy(tmp_path_factory.mktemp("scanning"), own_standin, policies=policies) as proxy:
        yield proxy


def ask(scanning: Proxy, standin: StandIn, sent: Sent, secret: str, headers: dict[str, str]) -> Answer:
    wanted = {"content-type": "application/json", **BEARER, **headers, **sent.headers}
    data = request(*OPENAI, sent.body(secret), {name: value for name, value in wanted.items() if value})
    return asyncio.run(fetch(Way(standin, scanning), OPENAI[0], data))


@pytest.mark.parametrize("name", CASES)
def test_scanned_or_refused_and_never_passed(name: str, scanning: Proxy, own_standin: StandIn) -> None:
    """
    No form of the secret is in the bytes that reached the provider; what can be read arrives with a placeholder in its place.
    """
    secret = f"jane.{secrets.token_hex(6)}@mail-{secrets.token_hex(3)}.com"
    before = len(own_standin.seen)
    answer = ask(scanning, own_standin, CASES[name], secret, {"x-note": "plain"})
    seen = own_standin.seen[before:]

    for call in seen:
        arrived = call.request.body + repr(call.request.headers).encode() + call.request.path.encode()
        for where, part in contents(arrived):
            assert not [form for form, held in forms(secret).items() if held in part], where
    if CASES[name].passes:
        assert len(seen) == 1, answer.body
        assert b"EMAIL_" in b"".join(part for _, part in contents(seen[0].request.body)) or name == "base64"
    else:
        assert 400 <= answer.status < 500
