"""
Recorded traffic of real providers goes through the running proxy once more: the recorded request from a raw client, the recorded answer
from the stand-in. The ledger must say what the providers said.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections import defaultdict
from typing import Any
from urllib.parse import urlsplit

import pytest

from e2e.proxy import Proxy, running_proxy
from e2e.tunnel import Answer, Tunnel
from e2e.ways import Way
from excise.standin import Recorded, StandIn
from recordings import header, records, request_body, require_recordings, response_body, response_encoding
from wire.test_meter_recordings import truth

ROWS_SECONDS = 10.0
FRAMING = {"content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "content-encoding"}
OURS = {"host", "user-agent", "accept-encoding", "x-standin"}
COLUMNS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
    "reasoning": "reasoning_tokens",
    "audio_input": "audio_input_tokens",
    "audio_output": "audio_output_tokens",
    "image_output": "image_output_tokens",
}

# Records whose row is rightly not what `usage_raw` says: id -> why.
EXCEPTIONS = {
    "openai-chat-674907a429": "made-up counts: of 4 output tokens 3 are reasoning and 4 are audio",
    "writer-chat-e09e166948": "the recorded request is no JSON, and so is refused",
}
# The recorder left the uploaded form out; what is sent instead of it is refused.
WITHOUT_FORM = {"openai-transcription-8fe5c7c72b", "openai-transcription-f824a5ba03"}
REFUSED = {"writer-chat-e09e166948", *WITHOUT_FORM}


def host_of(record: dict[str, Any]) -> str:
    return (urlsplit(record["request"]["url"]).hostname or "").lower()


def public(record: dict[str, Any]) -> bool:
    """
    Whether a record's host is one a catalogue can know: a name of the public internet.
    """
    host = host_of(record)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host and not host.endswith(".local")
    return False


def recorded(record: dict[str, Any]) -> Recorded:
    """
    The recorded answer, with the stand-in's own framing.
    """
    response = record["response"]
    headers = [(name, value) for name, value in response["headers"] or () if name.lower() not in FRAMING]
    if coding := response_encoding(record):
        headers.append(("content-encoding", coding))
    sizes = tuple(record["meta"].get("response_chunk_sizes") or ())
    body = response_body(record)
    streamed = record["meta"]["wire"] in ("sse", "ndjson", "aws-eventstream", "json-array-stream", "json-lines")
    if streamed and not sizes:
        sizes = (700,) * (len(body) // 700)
    return Recorded(response["status"], tuple(headers), body, sizes if streamed else (), chunked=streamed)


def wire_form(record: dict[str, Any]) -> bytes:
    """
    The recorded request as bytes, marked with the record's id.
    """
    url, body = urlsplit(record["request"]["url"]), request_body(record)
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    given = [(name, value) for name, value in record["request"]["headers"] or () if name.lower() not in FRAMING | OURS]
    if coding := header(record["request"], "content-encoding"):
        given.append(("content-encoding", coding))
    ours = [("host", url.netloc), ("user-agent", record["id"]), ("x-standin", f"replay={record['id']}"), ("content-length", str(len(body)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in [*ours, *given])
    return f"{record['request']['method'].upper()} {target} HTTP/1.1\r\n{head}\r\n".encode() + body


async def send_all(way: Way, host: str, wanted: list[dict[str, Any]]) -> dict[str, Answer | Exception]:
    """
    One host's records, one after the other, on one connection as long as it lives.
    """
    answers: dict[str, Answer | Exception] = {}
    tunnel: Tunnel | None = None
    for record in wanted:
        try:
            async with asyncio.timeout(20):
                tunnel = tunnel or await Tunnel.open(way, host)
                await tunnel.send(wire_form(record))
                answer = await tunnel.answer()
            answers[record["id"]] = answer
            alive = answer.complete and (answer.header("connection") or "").lower() != "close"
        except Exception as error:
            answers[record["id"]], alive = error, False
        if not alive and tunnel is not None:
            tunnel.abort()
            tunnel = None
    if tunnel is not None:
        await tunnel.close()
    return answers


@pytest.fixture(scope="module")
def played(own_standin: StandIn, tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]:
    """
    Every public record played: the records, the answers by id, the ledger's rows by id.
    """
    wanted = [record for record in records() if public(record)]
    by_host: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for record in wanted:
        by_host[host_of(record)].append(record)
        own_standin.replay(record["id"], recorded(record))
    flags = [flag for place in own_standin.resolves(*by_host) for flag in ("--resolve", place)]
    with running_proxy(tmp_path_factory.mktemp("recordings"), own_standin, flags=flags) as proxy:
        answers = asyncio.run(play(Way(own_standin, proxy), by_host))
        rows = rows_of(proxy, len(wanted))
    return wanted, answers, rows


async def play(way: Way, by_host: dict[str, list[dict[str, Any]]]) -> dict[str, Answer | Exception]:
    """
    All hosts at once.
    """
    parts = await asyncio.gather(*(send_all(way, host, wanted) for host, wanted in by_host.items()))
    return {name: answer for part in parts for name, answer in part.items()}


def rows_of(proxy: Proxy, count: int) -> dict[str, dict[str, Any]]:
    """
    The ledger's rows by record id, each of them one row. Missing ones are for the tests to name.
    """
    with contextlib.suppress(AssertionError):
        proxy.until(lambda: len(proxy.query("select 1 from calls")) >= count, ROWS_SECONDS, f"{count} rows")
    rows = proxy.query("select *, provider_cost_usd::double as stated_cost from calls")
    assert len(rows) == len({row["user_agent"] for row in rows})
    return {row["user_agent"]: row for row in rows}


@require_recordings
def test_tokens_in_the_ledger_are_the_providers(played: tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]) -> None:
    """
    At least 99.5 % of the recorded calls with usage have exactly the provider's counts in the ledger; the rest are named above.
    """
    wanted, _, rows = played
    counted, wrong = 0, {}
    for record in wanted:
        expected, row = truth(record["meta"]), rows.get(record["id"])
        if expected is None:
            continue
        if row is None:
            wrong[record["id"]] = "no row"
            continue
        if record["request"]["method"].upper() == "GET":  # a second look at what was billed when it was made: charged once
            assert row["input_tokens"] is row["output_tokens"] is None
            continue
        counted += 1
        off = {name: (value, row[COLUMNS[name]]) for name, value in expected.items() if name in COLUMNS and row[COLUMNS[name]] != value}
        if "cost" in expected and abs((row["stated_cost"] or 0) - expected["cost"]) > 1e-9:
            off["cost"] = (expected["cost"], row["stated_cost"])
        if off:
            wrong[record["id"]] = f"{off} {row['status']} {row['http_status']} {row['error_type']}"

    assert counted > 400
    assert {name: why for name, why in wrong.items() if name not in EXCEPTIONS} == {}
    assert len(EXCEPTIONS) <= counted * 0.005


@require_recordings
def test_recorded_answers_pass_unchanged(played: tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]) -> None:
    """
    The client gets every recorded answer as the provider sent it: status and body bytes, but for the usage chunk it did not ask for.
    """
    wanted, answers, _ = played
    wrong = {}
    for record in wanted:
        if record["id"] in REFUSED:
            continue
        answer, expected = answers[record["id"]], response_body(record)
        if isinstance(answer, Exception):
            wrong[record["id"]] = repr(answer)
        elif answer.status != record["response"]["status"]:
            wrong[record["id"]] = f"{record['request']['method']} {record['request']['url']}: {answer.status} {answer.body[:200]!r}"
        elif answer.body != expected and not only_usage_left_out(record, answer.body, expected):
            wrong[record["id"]] = f"{len(answer.body)} bytes of {len(expected)}"

    assert wrong == {}


def only_usage_left_out(record: dict[str, Any], got: bytes, expected: bytes) -> bool:
    """
    Whether a stream lacks nothing but usage chunks, and its client had not asked for them.
    """
    if b"include_usage" in request_body(record):
        return False
    events = expected.replace(b"\r\n", b"\n").split(b"\n\n")
    return got == b"\n\n".join(event for event in events if not (b'"choices":[]' in event and b'"usage":{' in event))


@require_recordings
def test_every_call_is_one_row(played: tuple[list[dict[str, Any]], dict[str, Any], dict[str, Any]]) -> None:
    """
    Lists, files, counts, errors: whatever it was, it is one row with the provider's status.
    """
    wanted, _, rows = played
    missing = [record["id"] for record in wanted if record["id"] not in rows]
    other = {
        record["id"]: (record["response"]["status"], row["http_status"], row["status"], row["error_type"])
        for record in wanted
        if (row := rows.get(record["id"])) is not None
        and row["http_status"] != record["response"]["status"]
        and record["id"] not in REFUSED
    }

    assert missing == []
    assert other == {}
