"""
Calls through the data path, byte by byte: what leaves, what comes back, what is written down.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import time

import pytest
from house import CHAT, house, post, read_answer

from excise.proxy import door

STREAM = CHAT | {"stream": True}
NO_MINI = """version: 1
rules:
  - name: no mini
    when: {model: gpt-4o-mini*}
    then: deny
    reason: use the large one
default: allow
"""
ASKED = STREAM | {"stream_options": {"include_usage": True}}


async def test_an_untouched_body_leaves_byte_for_byte(tmp_path):
    """
    Spacing, key order, escapes and unknown fields are the client's own.
    """
    body = b'{ "model":"gpt-4o-mini",\t"messages" : [{"content":"\\u00e9 \\/","role":"user"}] , "temperature":1.0}'
    async with house(tmp_path) as at:
        assert (await at.call(body)).status == 200
        assert at.standin.seen[0].request.body == body


async def test_a_stream_is_asked_for_its_usage_and_the_client_does_not_see_it(tmp_path):
    """
    `include_usage` is added where it was left open; the extra chunk is metered and taken out again.
    """
    async with house(tmp_path) as at:
        answer = await at.call(STREAM)
        sent = at.standin.seen[0].request
        direct = at.standin.seen[0]
        assert json.loads(sent.body)["stream_options"] == {"include_usage": True}
        assert b'"usage"' not in answer.body
        assert answer.body.endswith(b"data: [DONE]\n\n")
        await asyncio.sleep(0)
        row = at.rows()[0]
        assert row["usage_source"] == "provider"
        assert (row["input_tokens"], row["output_tokens"]) == (direct.billed.input_tokens, direct.billed.output_tokens)


async def test_a_client_that_asked_itself_gets_every_byte(tmp_path):
    """
    Nothing is added and nothing taken out.
    """
    async with house(tmp_path) as at:
        answer = await at.call(ASKED)
        assert b'"choices":[],"usage":{' in answer.body.replace(b" ", b"")
        assert json.loads(at.standin.seen[0].request.body) == ASKED


async def test_hop_by_hop_and_proxy_headers_stay_with_us(tmp_path):
    """
    A provider learns nothing of our clients, our credentials, or our hop.
    """
    head = (
        "Proxy-Authorization: Basic YTpi\r\nProxy-Connection: keep-alive\r\nX-Forwarded-For: 10.0.0.1\r\nVia: 1.1 x\r\n"
        "X-Excise-Team: a\r\nConnection: keep-alive, X-Secret\r\nX-Secret: 1\r\nTE: trailers\r\nX-Kept: yes\r\n"
        "Accept-Encoding: gzip, sdch, br\r\n"
    )
    async with house(tmp_path) as at:
        assert (await at.call(head=head)).status == 200
        names = {name.lower(): value for name, value in at.standin.seen[0].request.headers}
        assert not {"proxy-authorization", "proxy-connection", "x-forwarded-for", "via", "x-excise-team", "x-secret", "te"} & set(names)
        assert names["x-kept"] == "yes"
        assert "sdch" not in names["accept-encoding"]
        assert "gzip" in names["accept-encoding"]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("Host: api.anthropic.com\r\n", 400),
        ("Upgrade: websocket\r\nConnection: upgrade\r\n", 403),
        ("Trailer: x\r\n", 400),
        ("Content-Type: application/json\r\n", 400),
    ],
)
async def test_what_two_parsers_read_differently_is_refused(head, status, tmp_path):
    """
    Doubled headers, upgrades and trailers: refused in the client's dialect, with a row.
    """
    async with house(tmp_path) as at:
        answer = await at.call(head=head)
        assert answer.status == status
        assert answer.json["error"]["message"].startswith("excise:")
        assert at.standin.seen == []
        assert [row["status"] for row in at.rows()] == ["refused"]


async def test_the_host_header_must_be_the_connection_s(tmp_path):
    """
    Policy judges the host that is connected to; a Host header for another is refused.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        writer.write(post(CHAT, host="api.anthropic.com"))
        assert (await read_answer(reader)).status == 400
        writer.close()
        assert at.standin.seen == []


async def test_connect_and_sni_must_agree(tmp_path):
    """
    Fronting one host by another's name is refused, both ways.
    """
    async with house(tmp_path) as at:
        for connect, sni in (("api.openai.com", "api.anthropic.com"), ("api.openai.com", "example.com")):
            with pytest.raises((ssl.SSLError, ConnectionError, OSError)):
                await at.tunnel(connect, sni=sni)
        assert at.standin.traffic.connections == 0
        assert [row["reason"] for row in at.rows("tunnel")] == ["sni_mismatch", "sni_mismatch"]


async def test_a_client_without_sni_is_still_ours(tmp_path):
    """
    CONNECT named the provider: leaving out the SNI is no way round the policy.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.client()
        writer.write(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        context = ssl.create_default_context(cafile=str(at.ca))
        context.check_hostname = False
        await writer.start_tls(context, server_hostname="")
        writer.write(post(CHAT))
        assert (await read_answer(reader)).status == 200
        writer.close()
        assert len(at.rows()) == 1


async def test_too_large_a_body_is_refused_in_the_dialect(tmp_path):
    """
    Announced or not, the limit holds; the answer says which limit.
    """
    async with house(tmp_path, max_body_bytes=10_000) as at:
        answer = await at.call(CHAT | {"user": "x" * 20_000})
        assert answer.status == 413
        assert answer.json["error"]["message"].startswith("excise:")
        reader, writer = await at.tunnel()
        writer.write(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(20):
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
        answer = await read_answer(reader)
        assert answer.status == 413
        writer.close()
        assert at.standin.seen == []
        assert [row["error_type"] for row in at.rows()] == ["too_large", "too_large"]


async def test_request_trailers_end_the_connection_and_the_call(tmp_path):
    """
    mitmproxy's layer would crash and leave the client hanging.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        writer.write(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n\r\n"
        )
        assert (await asyncio.wait_for(reader.read(), 5)).startswith(b"HTTP/1.1 400 ")
        writer.close()
        assert at.standin.seen == []
        assert at.shared.guard.faults == 0


async def test_compressed_requests_are_read_and_leave_as_they_came(tmp_path):
    """
    Policy sees inside; the provider gets the client's own bytes.
    """
    packed = gzip.compress(json.dumps(CHAT).encode(), mtime=0)
    async with house(tmp_path) as at:
        answer = await at.call(packed, head="Content-Encoding: gzip\r\n")
        assert at.standin.seen[0].request.body == packed
        assert at.rows()[0]["model_requested"] == "gpt-4o-mini"
        assert answer.status in (200, 400)


@pytest.mark.parametrize("coding", ["x-gzip", "rot13", "bz2", "gzip, gzip", "utf-8"])
async def test_codings_we_cannot_read_are_refused(coding, tmp_path):
    """
    What cannot be read cannot be governed.
    """
    async with house(tmp_path) as at:
        answer = await at.call(head=f"Content-Encoding: {coding}\r\n")
        assert answer.status in (400, 415)
        assert at.standin.seen == []


async def test_first_byte_out_before_second_byte_in(tmp_path):
    """
    A stream is a stream: the client has the first event while the provider still holds the second.
    """
    from excise.standin.script import Gate, Script

    async with house(tmp_path) as at:
        for body in (STREAM, ASKED):
            gate = Gate()
            at.standin.script(Script(gate=gate))
            reader, writer = await at.tunnel()
            writer.write(post(body))
            await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            first = await asyncio.wait_for(reader.readuntil(b"\n\n"), 5)
            assert b'"delta"' in first
            assert at.standin.seen[-1].pieces_sent == 1
            gate.open(1000)
            rest = await asyncio.wait_for(reader.readuntil(b"[DONE]"), 5)
            assert rest
            writer.close()


@pytest.mark.parametrize(
    ("script", "kind", "status"),
    [
        ("silent_after=0", "upstream_timeout", 504),
        ("status=529", None, 529),
        ("status=429; retry_after=2", None, 429),
    ],
)
async def test_upstream_failures_before_the_first_byte(script, kind, status, tmp_path):
    """
    The client gets one clear error in its dialect; the row says what happened.
    """
    async with house(tmp_path, first_byte_timeout_seconds=0.5) as at:
        answer = await at.call(head=f"x-standin: {script}\r\n")
        assert answer.status == status
        assert answer.json["error"]
        await asyncio.sleep(0)
        row = at.rows()[0]
        assert row["http_status"] == status
        assert row["status"] == ("failed" if kind else "error")
        if kind:
            assert row["error_type"] == kind
            assert answer.json["error"]["message"].startswith("excise:")


async def test_a_stream_cut_in_the_middle_ends_with_the_dialect_s_error(tmp_path):
    """
    The client sees that its answer is incomplete: an error event, and a connection that was not ended cleanly.
    """
    async with house(tmp_path) as at:
        answer = await at.call(ASKED, head="x-standin: cut_after=3\r\n")
        assert answer.status == 200
        assert not answer.whole
        last = answer.body.strip().split(b"\n\n")[-1]
        assert json.loads(last.removeprefix(b"data: "))["error"]["message"].startswith("excise:")
        await asyncio.sleep(0)
        row = at.rows()[0]
        assert (row["status"], row["usage_source"]) == ("failed", "estimated")
        assert row["output_tokens"] > 0


async def test_a_client_that_leaves_cancels_upstream_and_leaves_one_row(tmp_path):
    """
    Within half a second the provider is told; what was generated so far is estimated and marked.
    """
    from excise.standin.script import Gate, Script

    async with house(tmp_path) as at:
        gate = Gate()
        gate.open(3)
        at.standin.script(Script(gate=gate))
        reader, writer = await at.tunnel()
        writer.write(post(ASKED))
        for _ in range(4):
            await asyncio.wait_for(reader.readuntil(b"\n\n"), 5)
        began = time.monotonic()
        writer.transport.abort()
        while not at.standin.seen[0].client_left:
            await asyncio.sleep(0.01)
            assert time.monotonic() - began < 2
        assert time.monotonic() - began < 0.5
        rows = at.rows()
        assert [row["status"] for row in rows] == ["cancelled"]
        assert rows[0]["usage_source"] == "estimated"


async def test_calls_keep_their_connection_and_each_has_a_row(tmp_path):
    """
    Ten calls on one connection: one connection upstream, ten rows, chained in one journal.
    """
    async with house(tmp_path) as at:
        reader, writer = await at.tunnel()
        for _ in range(10):
            writer.write(post(CHAT))
            assert (await read_answer(reader)).status == 200
        writer.close()
        assert len({seen.connection for seen in at.standin.seen}) == 1
        assert len({row["call_id"] for row in at.rows()}) == 10


async def test_the_endpoint_takes_the_client_s_key_to_the_provider_of_the_path(tmp_path):
    """
    Without HTTPS_PROXY: our own port as base URL, by dialect or by the provider's name.
    """
    async with house(tmp_path) as at:
        for path, host in (("/v1/chat/completions", "api.openai.com"), ("/mistral/v1/chat/completions", "api.mistral.ai")):
            model = "mistral-small-latest" if "mistral" in path else "gpt-4o-mini"
            reader, writer = await at.client()
            writer.write(post(CHAT | {"model": model}, path=path, host=f"127.0.0.1:{at.port}"))
            answer = await read_answer(reader)
            writer.close()
            assert answer.status == 200, answer.body
            assert at.standin.seen[-1].server_name == host
        assert [row["capture"] for row in at.rows()] == ["endpoint", "endpoint"]
        reader, writer = await at.client()
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await read_answer(reader)).json["status"] == "ok"
        writer.close()


async def test_we_are_no_open_proxy(tmp_path):
    """
    Internal addresses are refused before a connection is made, by CONNECT and in clear.
    """
    async with house(tmp_path, listed=False) as at:
        for target in ("127.0.0.1", "169.254.169.254", "[::1]", "localhost", "10.0.0.1"):
            reader, writer = await at.client()
            writer.write(f"CONNECT {target}:{at.standin.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert b" 403 " in await asyncio.wait_for(reader.readline(), 5)
            writer.close()
            reader, writer = await at.client()
            writer.write(
                f"GET http://{target}:{at.standin.plain_port}/ HTTP/1.1\r\nHost: {target}:{at.standin.plain_port}\r\n\r\n".encode()
            )
            assert (await read_answer(reader)).status == 403
            writer.close()
        assert at.standin.traffic.connections == 0


async def test_other_hosts_are_a_blind_tunnel_with_a_row(tmp_path):
    """
    TLS to a host outside the catalogue is not decrypted: the client sees that host's own certificate; host and bytes are counted.
    """
    async with house(tmp_path, resolve="") as at:
        pass
    async with house(tmp_path, allow_private="127.0.0.0/8", listed=False) as at:
        reader, writer = await at.client()
        writer.write(f"CONNECT 127.0.0.1:{at.standin.port} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await reader.readuntil(b"\r\n\r\n")
        context = ssl.create_default_context(cafile=str(at.standin.ca_file))
        await writer.start_tls(context, server_hostname="localhost")
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b"HTTP/1.1" in await asyncio.wait_for(reader.read(), 5)
        writer.close()
        while not (rows := at.rows("tunnel")) or rows[0]["status"] == "open":
            await asyncio.sleep(0.01)
        assert rows[0]["host"] == "127.0.0.1"
        assert rows[0]["bytes_up"] > 200
        assert rows[0]["bytes_down"] > 500
        assert at.rows() == []


async def test_bytes_that_are_no_tls_do_not_pass_a_tunnel(tmp_path):
    """
    CONNECT is for TLS; anything else would be an unseen way out.
    """
    async with house(tmp_path, allow_private="127.0.0.0/8", listed=False) as at:
        for target in (f"127.0.0.1:{at.standin.plain_port}", "api.openai.com:443"):
            reader, writer = await at.client()
            writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await asyncio.wait_for(reader.read(), 5) == b""
            writer.close()
        assert at.standin.traffic.bytes_in == 0


async def test_policy_denies_by_model(tmp_path):
    """
    A refusal is a 403 in the dialect and a row; nothing is sent.
    """
    async with house(tmp_path, policy=NO_MINI) as at:
        answer = await at.call()
        assert answer.status == 403
        assert "use the large one" in answer.json["error"]["message"]
        assert at.standin.seen == []
        row = at.rows()[0]
        assert (row["status"], row["policy_rule"], row["policy_action"], row["cost_usd"]) == ("refused", "no mini", "deny", "0")
        assert at.rows("open") == []


async def test_a_client_that_refuses_our_certificate_twice_is_tunnelled_if_policy_says_so(tmp_path):
    """
    Pinned or untrusting clients: blocked by default, passed through unread where policy allows, and reported as a tunnel's row.
    """
    async with house(tmp_path, policy="version: 1\ndefaults: {untrusting_clients: tunnel}\ndefault: allow\n") as at:
        for _ in range(2):
            reader, writer = await at.client()
            writer.write(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            with pytest.raises(ssl.SSLError):
                await writer.start_tls(ssl.create_default_context(), server_hostname="api.openai.com")
            writer.close()
        await asyncio.sleep(0.05)
        reader, writer = await at.client()
        writer.write(b"CONNECT api.openai.com:443 HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await writer.start_tls(ssl.create_default_context(cafile=str(at.standin.ca_file)), server_hostname="api.openai.com")
        writer.close()
        while not (rows := [row for row in at.rows("tunnel") if row["status"] == "ok"]):
            await asyncio.sleep(0.01)
        assert rows[0]["reason"] == "client_refuses_certificate"
        assert [row["status"] for row in at.rows("tunnel")] == ["refused", "refused", "ok"]


async def test_slow_heads_are_ended(tmp_path, monkeypatch):
    """
    A client that sends a byte a second holds a connection for seconds, not for ever.
    """
    monkeypatch.setattr(door, "FRONT_SECONDS", 0.2)
    async with house(tmp_path) as at:
        reader, writer = await at.client()
        writer.write(b"CONN")
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_an_unwritable_journal_refuses_calls_and_recovers(tmp_path):
    """
    No row, no call: 503 while the journal cannot be written; when it can be, calls go on by themselves.
    """
    from excise.errors import LedgerError

    async with house(tmp_path) as at:
        record = at.worker._parts.record
        journal, record._journal = record._journal, None

        class Full:
            def append(self, kind, line):
                raise LedgerError("disk full")

        record._journal = Full()
        answer = await at.call()
        assert answer.status == 503
        assert answer.headers["retry-after"] == "5"
        assert at.standin.seen == []
        record._journal = journal
        assert (await at.call()).status == 200
        assert [row["status"] for row in at.rows()] == ["refused", "ok"]


async def test_a_host_with_other_business_keeps_it(tmp_path):
    """
    A warehouse's SQL on a host that also serves models is passed on unread and counted; what could hold a prompt is governed.
    """
    host = "openrouter.ai"
    async with house(tmp_path, resolve="") as at:
        at.shared.destinations._listed[(host, 443)] = ("127.0.0.1", at.standin.port)
        answer = await at.call({"statement": "select 1"}, path="/api/other/business", host=host)
        assert answer.status == 421  # the stand-in is no openrouter.ai, but it was asked
        assert len(at.standin.seen) == 1
        answer = await at.call({"model": "x", "messages": []}, path="/api/other/business", host=host)
        assert answer.status == 403
        assert len(at.standin.seen) == 1
        assert [row["reason"] for row in at.rows("tunnel")] == ["other_business"]
        assert [row["status"] for row in at.rows()] == ["refused"]
