"""
OpenAI beside chat and responses: embeddings, models, images, speech and transcription; and the routing of the host.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from excise.standin import models
from excise.standin.answers import EPOCH, compose, count_tokens
from excise.standin.call import Bill, Refusal, Reply, Request, fields, json_reply
from excise.standin.openai import authorize, chat, completions, headers, known, read, refuse
from excise.standin.openai import failure as failure
from excise.standin.responses import responses

EMBEDDINGS = fields("dimensions encoding_format input model user")
IMAGES = fields(
    """
    background model moderation n output_compression output_format partial_images prompt quality response_format size stream
    style user
    """
)
SPEECH = fields("input instructions model response_format speed stream_format voice")
SPEECH_USD_PER_MILLION = Decimal(15)
PNG = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")


def answer(request: Request) -> Reply:
    """
    Answer one call to api.openai.com.

    Raises:
        Refusal: What OpenAI would refuse.
    """
    authorize(request)
    if request.path == "/v1/models" or request.path.startswith("/v1/models/"):
        return _models(request)
    handler = ROUTES.get(request.path)
    if handler is None:
        raise refuse(404, f"Invalid URL ({request.method} {request.path})")
    return handler(request)


def _embeddings(request: Request) -> Reply:
    body = read(request, EMBEDDINGS)
    model = known(body, "embeddings")
    given = body.get("input")
    if not isinstance(given, str | list) or not given:
        raise refuse(400, "'$.input' is invalid. Please check the API reference.", param="input")
    inputs = given if isinstance(given, list) and isinstance(given[0], str | list) else [given]
    data = []
    for index, text in enumerate(inputs):
        seed = compose(text).id
        vector = [(int(seed[at % 32], 16) - 7.5) / 16 for at in range(body.get("dimensions") or 8)]
        coded: Any = vector
        if body.get("encoding_format") == "base64":
            coded = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": coded})
    tokens = sum(count_tokens(text) for text in inputs)
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "data": data, "model": model.served, "usage": usage}
    return json_reply(whole, models.bill("openai", model, tokens, 0), headers(compose(given)))


def _models(request: Request) -> Reply:
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


def _images(request: Request) -> Reply:
    body = read(request, IMAGES)
    known(body, "images")
    if not body.get("prompt"):
        raise refuse(400, "Missing required parameter: 'prompt'.", param="prompt", code="missing_required_parameter")
    usage = {"input_tokens": count_tokens(body["prompt"]), "output_tokens": 272}
    usage["total_tokens"] = usage["input_tokens"] + usage["output_tokens"]
    details = {"text_tokens": usage["input_tokens"], "image_tokens": 0}
    picture = [{"b64_json": base64.b64encode(PNG).decode()}]
    return json_reply({"created": EPOCH, "data": picture, "usage": {**usage, "input_tokens_details": details}})


def _speech(request: Request) -> Reply:
    body = read(request, SPEECH)
    model = known(body, "speech")
    if not body.get("input") or not body.get("voice"):
        raise refuse(400, "Missing required parameter.", code="missing_required_parameter")
    # Billed by the characters of the input; an audio answer has no place to say so.
    bill = Bill("openai", model.served, 0, 0, usd=len(body["input"]) * SPEECH_USD_PER_MILLION / models.MILLION, stated=False)
    return Reply(200, (("content-type", "audio/mpeg"),), (b"ID3\x04\x00" + bytes(256), bytes(256)), streamed=True, bill=bill)


def _transcription(request: Request) -> Reply:
    if request.method != "POST":
        raise refuse(405, f"Not allowed to {request.method} on {request.path}.", code="method_not_supported")
    if not (request.header("content-type") or "").startswith("multipart/form-data") or b'name="model"' not in request.body:
        raise refuse(400, "you must provide a model parameter")
    return json_reply({"text": "the quick harbour", "usage": {"type": "duration", "seconds": 3}})


ROUTES: dict[str, Callable[[Request], Reply]] = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/responses": responses,
    "/v1/embeddings": _embeddings,
    "/v1/images/generations": _images,
    "/v1/audio/speech": _speech,
    "/v1/audio/transcriptions": _transcription,
}
__all__ = ["Refusal", "answer", "failure"]
