"""
What is no model call on a host that serves much else: only what cannot be one in anybody's reading.
"""

from __future__ import annotations

import json

import pytest

from excise.catalog.providers import Catalog
from excise.errors import Refused
from excise.exchange import Capture, ClientInfo, Exchange, HttpRequest
from excise.stages.recognise import Recognise, is_plainly_other

JSON = (b"Content-Type", b"application/json")
FORM = (b"content-type", b"application/x-www-form-urlencoded")
CALL = b'{"model":"gpt-4o","messages":[{"role":"user","content":"secret"}]}'
SQL = b'{"statement":"select 1","warehouse_id":"x","parameters":[{"name":"a","value":"[1]"}]}'


def request(body: bytes = b"", *headers: tuple[bytes, bytes], path: str = "/api/other/business", method: str = "POST") -> HttpRequest:
    return HttpRequest(method, "https", "openrouter.ai", 443, path, headers, body)


@pytest.mark.parametrize(
    "http",
    [
        request(),
        request(method="GET", path="/api/v1/jobs?page=2&filter=a%20b&expand="),
        request(method="GET", path="/a%20b/c.d/~e"),
        request(SQL, JSON),
        request(SQL, (b"content-type", b"application/json; charset=UTF-8"), (b"Transfer-Encoding", b"Chunked")),
        request(SQL, (b"content-type", b'Application/JSON;charset="utf-8"')),
        request(b'{"job":{"settings":{"text":"a","deep":[{"model":"car"}]}}}', JSON),
        request(b'{"ids":"[1,2]","tags":["{}"]}', JSON),
        request(b"grant_type=client_credentials&scope=all&state=%7B%7D&ids=[1]", FORM),
    ],
    ids=lambda http: http.path + http.body.decode()[:40],
)
def test_other_business_is_let_be(http):
    """
    No body, forms and JSON of other things, in the usual spellings.
    """
    assert is_plainly_other(http)


@pytest.mark.parametrize(
    "body",
    [
        CALL,
        CALL.replace(b"model", b"Model").replace(b"messages", b"MESSAGES"),
        CALL.replace(b"model", b"x").replace(b"messages", "meſſages".encode()),
        CALL.replace(b"model", b"\\u006dodel"),
        b'{"data":' + CALL + b"}",
        b'{"data":[{"prompt":"secret"}]}',
        b'{"data":{"model_id":"x"}}',
        b'{"a":{"b":[{"c":' + CALL + b"}]}}",
        b'{"body":' + json.dumps(CALL.decode()).encode() + b"}",
        b'{"body":"{broken"}',
        b'{"inputText":"secret"}',
        b"[" + CALL + b"]",
        b'"secret"',
        b'{"a":1,"a":2}',
        b'{"a":' * 200 + b"1" + b"}" * 200,
        b'{"a":NaN}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b"secret",
        b" ",
    ],
    ids=lambda body: body.decode("latin-1")[:50],
)
def test_json_that_could_hold_a_prompt_stays_with_us(body):
    """
    Keys in any case, one level down, inside a string, deeper where a model stands beside an input; and whatever readers disagree about.
    """
    assert not is_plainly_other(request(body, JSON))


@pytest.mark.parametrize(
    "body",
    [
        CALL,
        b" \r\n" + CALL,
        b"\xef\xbb\xbf" + CALL,
        b"[1]",
        b"%7B%22model%22:1}",
        b"prompt=secret",
        b"a=1&Prompt=secret",
        b"a=1;prompt=secret",
        b"a=1&pro%6Dpt=secret",
        b"messages[0][content]=secret",
        b"data.messages=secret",
        b"payload=" + CALL,
        b"payload=%20%7B%22model%22%3A1%7D",
        b"payload={broken",
        b"a=\xff",
        b"a=1&" * 2000,
    ],
    ids=lambda body: body.decode("latin-1")[:40],
)
def test_a_form_that_could_hold_a_prompt_stays_with_us(body):
    """
    JSON that only says it is a form, and forms with a model's fields, however written.
    """
    assert not is_plainly_other(request(body, FORM))


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1%2fchat%2Fcompletions",
        "/api/v1/chat/completions;x",
        "/api/v1/chat/completions#x",
        "/api/v1/chat/completions%3bx",
        "/api/v1/chat/completions%23x",
        "/api/v1/chat%252fcompletions",
        "/api\\v1\\chat",
        "/api%5cv1",
        "/x?prompt=secret",
        "/x?a=1&Input=secret",
        "/x?a=%7B%22messages%22%3A1%7D",
        "/x?a=1#prompt",
    ],
)
@pytest.mark.parametrize("body", [b"", SQL])
def test_a_path_with_two_readings_stays_with_us(path, body):
    """
    What a server in front may cut or decode, and a prompt in the query; with a body and without.
    """
    assert not is_plainly_other(request(body, JSON, path=path))


@pytest.mark.parametrize(
    "headers",
    [
        [JSON, (b"Transfer-Encoding", b"gzip, chunked")],
        [JSON, (b"Transfer-Encoding", b"chunked"), (b"Transfer-Encoding", b"identity")],
        [JSON, (b"Content-Encoding", b"gzip")],
        [JSON, (b"CONTENT-ENCODING", b"identity")],
        [JSON, (b"Content-Encoding", b"")],
        [(b"Content-Type", b"application/json; charset=utf-16")],
        [(b"Content-Type", b"application/json; a=b; Charset='UTF-7'")],
        [(b"Content-Type", b"application/json; charset=utf-8; charset=utf-16")],
        [JSON, FORM],
        [(b"Content-Type", b"text/plain")],
        [(b"Content-Type", b"application/x-protobuf")],
        [(b"Content-Type", b"multipart/form-data; boundary=x")],
        [],
    ],
    ids=str,
)
def test_a_coding_we_do_not_read_stays_with_us(headers):
    """
    Compressed, in another charset, of two types or none.
    """
    assert not is_plainly_other(request(SQL, *headers))


async def test_a_known_call_is_named_and_an_unknown_host_is_refused():
    """
    The stage writes what the catalogue says; hosts it does not have are shown the way to it.
    """
    stage = Recognise(Catalog.load())
    client = ClientInfo(ip="192.0.2.1", port=1, capture=Capture.PROXY)

    def exchange(host: str) -> Exchange:
        http = HttpRequest("POST", "https", host, 443, "/v1/chat/completions", (JSON,), CALL)
        return Exchange(id="0", started_at_us=0, started=0.0, client=client, http=http)

    known, shaped = exchange("api.openai.com"), exchange("llm.example")
    await stage.on_request(known)
    await stage.on_request(shaped)
    assert known.call is not None and (known.call.provider, known.call.operation) == ("openai", "chat")
    assert shaped.call is not None and shaped.call.provider == "unknown"
    other = exchange("llm.example")
    other.http = HttpRequest("GET", "https", "llm.example", 443, "/", (), b"")
    with pytest.raises(Refused, match="--providers"):
        await stage.on_request(other)
