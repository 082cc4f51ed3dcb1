"""
Placeholders back to values in the events of a streamed answer.
"""

from __future__ import annotations

import json
import time
from random import Random
from typing import Any

from excise.privacy.entities import ENTITIES
from excise.privacy.placeholder import Placeholders
from excise.privacy.restore.restorer import Restorer
from excise.wire.frame import Frame, Framing
from excise.wire.sse import SseDecoder
from privacy.labelled.values import shape

EVENTS = 20_000
_WORDS = "what leaves the harbour before dawn and who counts the lanterns on the stone".split()  # noqa: SIM905


def _stream(random: Random, tokens: list[str], every: int) -> list[Frame]:
    """
    A chat answer, a few characters an event; a placeholder in about one word of `every` (0: none), cut wherever the pieces end.
    """
    words = [random.choice(tokens) if every and random.randrange(every) == 0 else random.choice(_WORDS) for _ in range(EVENTS)]
    text = " ".join(words)
    head = {"id": shape(random, "chatcmpl-<a29>"), "object": "chat.completion.chunk", "created": 1_760_000_000, "model": "gpt-5.2"}
    size = len(text) // EVENTS
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    chunks = [{**head, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces]
    decoder = SseDecoder(limit=1 << 30)
    return decoder.feed("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()) + decoder.close()


def restore() -> list[dict[str, Any]]:
    """
    Events a CPU second, with ever more of them carrying placeholders.
    """
    random = Random(6)
    placeholders = Placeholders(b"k" * 32)
    values = {f"{shape(random, '<L6>')}@example.com": "EMAIL" for _ in range(200)} | {
        shape(random, "<d3>-<d2>-<d4>"): "US_SSN" for _ in range(200)
    }
    tokens = {placeholders.make("bench", ENTITIES[entity], value): value for value, entity in values.items()}
    rows = []
    for name, every in (("none", 0), ("one in 200 words", 200), ("one in 10 words", 10)):
        stream = _stream(random, list(tokens), every)
        took = []
        for _ in range(3):
            frames = [Frame(frame.raw, frame.event, frame.data) for frame in stream]
            before = time.process_time()
            restorer = Restorer("openai-chat", "chat", Framing.SSE, tokens)
            for frame in frames:
                restorer.feed([frame])
            restorer.close()
            took.append(time.process_time() - before)
        rows.append(
            {"placeholders": name, "events": len(stream), "restored": restorer.counts.restored, "events/s": round(len(stream) / min(took))}
        )
    return rows
