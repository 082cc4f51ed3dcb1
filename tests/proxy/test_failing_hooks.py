"""
Whatever a hook does, nothing unsealed leaves and nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import pytest
from house import CHAT, house, post, read_answer
from mitmproxy.proxy.layers.http import _hooks

from excise.proxy import driver

HOOKS = {
    "requestheaders": _hooks.HttpRequestHeadersHook,
    "request": _hooks.HttpRequestHook,
    "responseheaders": _hooks.HttpResponseHeadersHook,
    "response": _hooks.HttpResponseHook,
    "error": _hooks.HttpErrorHook,
}
BEFORE_LEAVING = ("requestheaders", "request")


async def _raise(flow: Any) -> None:
    raise RuntimeError("a bug")


async def _hang(flow: Any) -> None:
    await asyncio.Event().wait()


async def _cancel(flow: Any) -> None:
    raise asyncio.CancelledError


async def _exit(flow: Any) -> None:
    await asyncio.sleep(0)
    sys.exit(3)


def _raise_at_once(flow: Any) -> None:
    raise RecursionError


def _exit_at_once(flow: Any) -> None:
    raise SystemExit(3)


FAULTS = {"raise": _raise, "hang": _hang, "cancel": _cancel, "exit": _exit, "raise-sync": _raise_at_once, "exit-sync": _exit_at_once}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("hook", HOOKS)
async def test_a_failing_hook_refuses_and_never_hangs(hook, fault, tmp_path, monkeypatch):
    """
    Each hook that raises, hangs, is cancelled or exits: the provider sees only sealed requests, the client is answered or cut off within
    the deadline, the call has one row, and the next call is served.
    """
    monkeypatch.setattr(driver, "HOOK_SECONDS", 0.3)
    async with house(tmp_path) as at:
        kept = at.shared.hooks[HOOKS[hook]]
        at.shared.hooks[HOOKS[hook]] = FAULTS[fault]
        head = "x-standin: cut_after=0\r\n" if hook == "error" else ""
        reader, writer = await at.tunnel()
        began = time.monotonic()
        writer.write(post(CHAT | {"stream": True}, head=head))
        try:
            answer = await read_answer(reader, 5.0)
        except (asyncio.IncompleteReadError, ConnectionError):
            answer = None
        writer.close()
        assert time.monotonic() - began < 3.0
        if hook in BEFORE_LEAVING:
            assert at.standin.seen == []
            assert answer is not None and answer.status == 500
            assert answer.json["error"]["message"].startswith("excise:")
        at.shared.hooks[HOOKS[hook]] = kept
        assert at.shared.guard.faults >= 1
        assert (await at.call()).status == 200
        await asyncio.sleep(0)
        assert len({row["call_id"] for row in at.rows()}) == len(at.rows()) == 2


@pytest.mark.parametrize("change", ["body", "host", "path", "header", "trailers"])
async def test_a_flow_changed_after_it_was_sealed_does_not_leave(change, tmp_path):
    """
    What was approved is byte for byte what is sent: a later change breaks the seal.
    """
    async with house(tmp_path) as at:
        request = at.shared.hooks[_hooks.HttpRequestHook]

        async def meddle(flow: Any) -> None:
            await request(flow)
            if change == "body":
                flow.request.data.content = flow.request.raw_content + b" "
            elif change == "host":
                flow.request.host = "api.anthropic.com"
            elif change == "path":
                flow.request.path = "/v1/models"
            elif change == "header":
                flow.request.headers["x-more"] = "1"
            else:
                flow.request.trailers = flow.request.headers.copy()

        at.shared.hooks[_hooks.HttpRequestHook] = meddle
        answer = await at.call()
        assert answer.status == 500
        assert at.standin.seen == []


async def test_without_any_hook_nothing_leaves(tmp_path):
    """
    The guard stands below the hooks: with all of them gone every call is refused.
    """
    async with house(tmp_path) as at:
        for hook in HOOKS.values():
            del at.shared.hooks[hook]
        answer = await at.call()
        assert answer.status == 500
        assert at.standin.seen == []


async def test_a_crashing_layer_cuts_the_connection(tmp_path, monkeypatch):
    """
    A bug in a layer ends its connection; mitmproxy would log it and leave the client hanging.
    """
    async with house(tmp_path) as at:
        from excise.proxy.http_stream import SealedStream

        monkeypatch.setattr(SealedStream, "make_server_connection", lambda self: 1 / 0)
        reader, writer = await at.tunnel()
        writer.write(post(CHAT))
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert at.standin.seen == []
        await asyncio.sleep(0.05)
        assert len(at.rows()) == 1


@pytest.mark.parametrize("hook", ["none", "meddling"])
async def test_the_stream_itself_asks_for_the_seal(hook, tmp_path, monkeypatch):
    """
    Two checks stand below the hooks, each by itself enough: with the guard after hooks gone, the stream lets nothing unsealed out.
    """
    from excise.proxy.guard import Guard

    async with house(tmp_path) as at:
        monkeypatch.setattr(Guard, "after", lambda *_: None)
        request = at.shared.hooks.pop(_hooks.HttpRequestHook)

        async def meddle(flow: Any) -> None:
            await request(flow)
            flow.request.data.content = flow.request.raw_content + b" "

        if hook == "meddling":
            at.shared.hooks[_hooks.HttpRequestHook] = meddle
        answer = await at.call()
        assert answer.status == 500
        assert at.standin.seen == []
