"""
Our own translation of one job, from the bytes that come to the bytes that leave.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import orjson

from bench.translation_jobs import Aim, Job, about
from excise.wire.answer import AnswerDecoder
from excise.wire.dialect import Encoded, Envelope, Sent
from excise.wire.dialects.registry import DIALECTS
from excise.wire.frame import Frame
from excise.wire.loss import Losses
from excise.wire.meter import Meter
from excise.wire.translate import Translation

LIMIT_BYTES = 32 << 20


def request(client: str, aim: Aim, body: bytes) -> bytes:
    """
    The request in the target's words.
    """
    asked = DIALECTS[client].decode_request(orjson.loads(body), Envelope())
    return orjson.dumps(DIALECTS[aim.dialect].encode_request(asked, aim.target).body)


def answer(client: str, aim: Aim, pieces: Sequence[bytes], content_type: str, *, stream: bool) -> bytes:
    """
    The answer in the client's words: cut into frames, metered, translated, as the stages do.
    """
    asked = replace(about(client, aim, stream=stream), losses=Losses())
    made = Translation(DIALECTS[client], DIALECTS[aim.dialect], asked, Encoded({}, (), Sent(aim.target)))
    decoder = AnswerDecoder(content_type=content_type, content_encoding=None, dialect=aim.dialect, operation="chat", limit=LIMIT_BYTES)
    meter = Meter(aim.call, None)
    made.answer(200, (), lambda: meter.usage, lambda: meter.service_tier)
    out: list[bytes] = []

    def pass_on(frames: list[Frame]) -> None:
        for frame in frames:
            meter.observe(frame)
        out.append(made.feed(frames, decoder.framing))

    for piece in pieces:
        pass_on(decoder.feed(piece))
    pass_on(decoder.close())
    out.append(made.close())
    return b"".join(out)


def translated(job: Job) -> bytes:
    if job.kind == "call":
        sent = request(job.client, job.aim, job.pieces[0])
        return sent + answer(job.client, job.aim, job.pieces[1:], job.content_type, stream=False)
    if job.kind == "request":
        return request(job.client, job.aim, job.pieces[0])
    return answer(job.client, job.aim, job.pieces, job.content_type, stream=job.kind == "stream")


def cost(work: Callable[[], object], seconds: float) -> float:
    """
    CPU seconds of this thread for one `work`, over at least that long.
    """
    done = 0
    started = time.thread_time()
    while (spent := time.thread_time() - started) < seconds or done < 3:
        work()
        done += 1
    return spent / done
