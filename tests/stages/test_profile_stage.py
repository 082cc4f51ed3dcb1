"""
The stage that profiles a call, with a classifier of the operator's and without.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson
import pytest

from excise.exchange import Call, Capture, ClientInfo, Exchange, HttpRequest
from excise.routing.profile import Profile, Task
from excise.routing.profiling.classifier import Classifier
from excise.stages.decode import Decode
from excise.stages.profile import Profiling
from excise.stages.route import TRANSLATED_INLINE_BYTES

CALL = Call(provider="openai", operation="chat", dialect="openai-chat", model_at="body")


class Letters:
    """
    Texts lie where their letters do.
    """

    def embed(self, text: str) -> Sequence[float]:
        return [float(text.count("q")), float(text.count("x"))]


async def profiled(stage: Profiling, text: str) -> Profile:
    raw = orjson.dumps({"model": "gpt-5", "messages": [{"role": "user", "content": text}]})
    http = HttpRequest("POST", "https", "api.openai.com", 443, "/v1/chat/completions", ((b"content-type", b"application/json"),), raw)
    exchange = Exchange(id="1", started_at_us=0, started=0.0, client=ClientInfo("127.0.0.1", 1, Capture.PROXY), http=http, call=CALL)
    await Decode(limit=1 << 24, pseudonym=lambda name: name).on_request(exchange)
    await stage.on_request(exchange)
    assert exchange.profile is not None
    return exchange.profile


@pytest.mark.parametrize("more", [0, TRANSLATED_INLINE_BYTES])
async def test_the_classifier_is_asked_where_there_is_one(more: int) -> None:
    """
    On the loop, and in the thread that long calls are read in.
    """
    classifier = Classifier(Letters(), {Task.CODE: ["q", "qq"], Task.ANALYSIS: ["x", "xx"]})
    text = "qxq" + " zzz" * (more // 4)

    assert (await profiled(Profiling(), text)).task is Task.UNKNOWN
    assert (await profiled(Profiling(classifier), "qqq" + text[3:])).task is Task.CODE
    assert (await profiled(Profiling(classifier), "xxx" + text[3:])).task is Task.ANALYSIS
