"""
OpenAI beside text: embeddings, moderation, models, images, speech and transcription.

Source: the OpenAI API reference and recorded answers, read 2026-11.
"""

from __future__ import annotations

import base64
import re
import struct
from decimal import Decimal
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH
from excise.standin.ask import count_tokens, digest, vector
from excise.standin.call import Bill, Reply, Request, json_reply
from excise.standin.media import PNG
from excise.standin.openai.errors import headers, known, read, refuse
from excise.standin.shapes import Either, Flag, Free, Items, Number, Record, Text, Union, Whole, Word

EMBEDDINGS = Record(
    {"input": Either(Text(least=1), Items(Either(Text(least=1), Whole(0), Items(Whole(0), least=1)), least=1, most=2048))},
    {"model": Text(), "dimensions": Whole(), "encoding_format": Word("float", "base64"), "user": Text()},
)
IMAGES = Record(
    {"prompt": Text(least=1, most=32_000)},
    {
        "background": Word("transparent", "opaque", "auto"),
        "model": Text(),
        "moderation": Word("low", "auto"),
        "n": Whole(1, 10),
        "output_compression": Whole(0, 100),
        "output_format": Word("png", "jpeg", "webp"),
        "partial_images": Whole(0, 3),
        "quality": Word("auto", "low", "medium", "high"),
        "size": Text(r"auto|\d+x\d+"),
        "stream": Flag(),
        "user": Text(),
    },
)
SPEECH = Record(
    {"input": Text(least=1, most=4096), "voice": Either(Text(least=1), Record({"id": Text()}))},
    {
        "model": Text(),
        "instructions": Text(),
        "response_format": Word("mp3", "opus", "aac", "flac", "wav", "pcm"),
        "speed": Number(0.25, 4),
        "stream_format": Word("sse", "audio"),
    },
)
MODERATIONS = Record(
    {
        "input": Either(
            Text(), Items(Either(Text(), Union("type", {"text": Record({"type": Text(), "text": Text()}), "image_url": Free()})))
        )
    },
    {"model": Text()},
)
SPEECH_USD_PER_MILLION = Decimal(15)
_CATEGORIES = (
    *("harassment", "harassment/threatening", "hate", "hate/threatening", "illicit", "illicit/violent", "self-harm"),
    *("self-harm/instructions", "self-harm/intent", "sexual", "sexual/minors", "violence", "violence/graphic"),
)


def embeddings(request: Request) -> Reply:
    """
    POST /v1/embeddings.
    """
    body = read(request, EMBEDDINGS)
    model = known(body, "embeddings")
    if body.get("dimensions", 1) < 1:
        raise refuse(400, f"{body['dimensions']} is less than the minimum of 1 - 'dimensions'")
    given = body["input"]
    inputs = given if isinstance(given, list) and isinstance(given[0], str | list) else [given]
    data = []
    for index, text in enumerate(inputs):
        numbers = vector(text, body.get("dimensions") or 8)
        coded: Any = numbers
        if body.get("encoding_format") == "base64":
            coded = base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
        data.append({"object": "embedding", "index": index, "embedding": coded})
    tokens = sum(count_tokens(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "data": data, "model": model.served, "usage": usage}
    return json_reply(whole, models.bill("openai", model, tokens, 0), headers(digest(given)))


def moderations(request: Request) -> Reply:
    """
    POST /v1/moderations. Flags what holds the word `violence`.
    """
    body = read(request, MODERATIONS)
    model = known({"model": "omni-moderation-latest", **body}, "moderation")
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    results = []
    for one in given:
        flagged = "violence" in str(one)
        results.append(
            {
                "flagged": flagged,
                "categories": {name: flagged and name == "violence" for name in _CATEGORIES},
                "category_scores": {name: 0.99 if flagged and name == "violence" else 0.01 for name in _CATEGORIES},
                "category_applied_input_types": {name: ["text"] for name in _CATEGORIES},
            }
        )
    return json_reply({"id": f"modr-{digest(given)[:24]}", "model": model.served, "results": results})


def listing(request: Request) -> Reply:
    """
    GET /v1/models, and one of them.
    """
    if request.method != "GET":
        raise refuse(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    cards = [{"id": name, "object": "model", "created": EPOCH, "owned_by": "standin"} for name in models.MODELS["openai"]]
    name = request.path.removeprefix("/v1/models").strip("/")
    if not name:
        return json_reply({"object": "list", "data": cards})
    card = next((card for card in cards if card["id"] == name), None)
    if card is None:
        raise refuse(404, f"The model '{name}' does not exist", param="model", code="model_not_found")
    return json_reply(card)


def images(request: Request) -> Reply:
    """
    POST /v1/images/generations.
    """
    body = read(request, IMAGES)
    known(body, "images")
    usage = {"input_tokens": count_tokens(body["prompt"]), "output_tokens": 272 * body.get("n", 1)}
    usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]
    details = {"text_tokens": usage["input_tokens"], "image_tokens": 0}
    pictures = [{"b64_json": base64.b64encode(PNG).decode()}] * body.get("n", 1)
    return json_reply({"created": EPOCH, "data": pictures, "usage": {**usage, "input_tokens_details": details}})


def speech(request: Request) -> Reply:
    """
    POST /v1/audio/speech.
    """
    body = read(request, SPEECH)
    model = known(body, "speech")
    # Billed by the characters of the input; an audio answer has no place to say so.
    bill = Bill("openai", model.served, 0, 0, usd=len(body["input"]) * SPEECH_USD_PER_MILLION / models.MILLION, stated=False)
    return Reply(200, (("content-type", "audio/mpeg"),), (b"ID3\x04\x00" + bytes(256), bytes(256)), streamed=True, bill=bill)


def transcription(request: Request) -> Reply:
    """
    POST /v1/audio/transcriptions.
    """
    if request.method != "POST":
        raise refuse(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    if not (request.header("content-type") or "").startswith("multipart/form-data") or not re.search(rb'name="?model\b', request.body):
        raise refuse(400, "you must provide a model parameter")
    if not re.search(rb'name="?file\b', request.body):
        raise refuse(400, "Missing required parameter: 'file'.", param="file", code="missing_required_parameter")
    return json_reply({"text": "the quick harbour", "usage": {"type": "duration", "seconds": 3}})
