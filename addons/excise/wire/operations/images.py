"""
Pictures made of text: OpenAI's `POST /images/generations`, Google's Imagen (`:predict`) and its Gemini models that draw
(`:generateContent`), which answer where the client speaks OpenAI's words or Imagen's.

What is made is a picture in the answer, never a link: a client that wants a link is refused.

Source: platform.openai.com/docs/api-reference/images, ai.google.dev/gemini-api/docs/imagen and image-generation, google-genai 3.4,
read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from excise.wire.dialect import Encoded, Envelope, Sent, Target
from excise.wire.dialects.given import fields, flag, listed, text, whole, wrong
from excise.wire.loss import Losses
from excise.wire.neutral import UNKNOWN_USAGE, Extra, Json
from excise.wire.operations.document import unreadable
from excise.wire.operations.form import Asked, Form, Verbs, extras_of, leave_out, own_words
from excise.wire.upstream_error import Fault
from excise.wire.usage import Usage
from excise.wire.usage_values import items, part

_MEDIA = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
_FORMATS = {media: name for name, media in _MEDIA.items()}


@dataclass(frozen=True, slots=True)
class ImageRequest:
    """
    Pictures to be made. `None`: the client does not say.

    Attributes:
        size: Width and height in pixels.
        ratio: "16:9", where the client says no pixels.
        format: png, jpeg, webp.
        compression: 0 to 100.
        link: A link is wanted in place of the picture.
    """

    form: str
    model: str | None
    prompt: str = field(repr=False)
    count: int | None = None
    size: tuple[int, int] | None = None
    ratio: str | None = None
    format: str | None = None
    compression: int | None = None
    link: bool = False
    transparent: bool = False
    stream: bool = False
    quality: str | None = None
    user: str | None = field(default=None, repr=False)
    extras: tuple[Extra, ...] = ()
    raw: Json = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Picture:
    data: str = field(repr=False)  # base64
    media_type: str = "image/png"


@dataclass(frozen=True, slots=True)
class ImageAnswer:
    pictures: tuple[Picture, ...]
    usage: Usage = UNKNOWN_USAGE


# -- sizes -----------------------------------------------------------------------------------------------------------------------------

_IMAGEN_RATIOS = ("1:1", "3:4", "4:3", "9:16", "16:9")
_GEMINI_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_OPENAI_SIZES = {"1:1": "1024x1024", "2:3": "1024x1536", "3:2": "1536x1024"}


def _value(ratio: str) -> float:
    width, _, height = ratio.partition(":")
    return int(width) / int(height)


def _ratio_for(request: ImageRequest, ratios: tuple[str, ...], losses: Losses) -> str | None:
    """
    The ratio nearest to what is asked for. Only a square of 1024 is the same to everybody.
    """
    if request.ratio is not None:
        wanted = _value(request.ratio)
    elif request.size is not None:
        wanted = request.size[0] / request.size[1]
    else:
        return None
    best = min(ratios, key=lambda ratio: abs(_value(ratio) / wanted - 1))
    if (request.size is not None and request.size != (1024, 1024)) or _value(best) != wanted:
        losses.changed("size", "the target is told the nearest ratio of width and height; how many pixels it makes, it decides")
    return best


def _size(given: Json) -> tuple[int, int] | None:
    said = text(given, "size")
    if said is None or said == "auto":
        return None
    width, cross, height = said.partition("x")
    if not (cross and width.isascii() and width.isdigit() and height.isascii() and height.isdigit() and len(said) < 12):
        raise wrong(("size",), "is no size, such as 1024x1024")
    if not (int(width) and int(height)):
        raise wrong(("size",), "is no size, such as 1024x1024")
    return int(width), int(height)


def _is_ratio(said: str) -> bool:
    width, colon, height = said.partition(":")
    return bool(colon) and all(one.isascii() and one.isdigit() and 0 < len(one) < 4 and int(one) > 0 for one in (width, height))


def _check(request: ImageRequest, most: int, formats: frozenset[str], losses: Losses) -> None:
    leave_out(request.extras, losses)
    if request.count is not None and request.count > most:
        losses.impossible("n", f"the target makes at most {most} pictures a call")
    if request.stream:
        losses.impossible("stream", "the target does not stream pictures; ask without `stream`")
    if request.link:
        losses.impossible("response_format", "the target returns pictures, not links; ask for b64_json")
    if request.transparent:
        losses.impossible("background", "the target makes no transparent pictures")
    if request.format is not None and request.format not in formats:
        losses.impossible("output_format", "the target does not write this format of pictures")
    if request.quality is not None:
        losses.dropped("quality", "the target cannot be told how well to draw")
    if request.user is not None:
        losses.dropped("user", "the target is not told who the end user is")


# -- OpenAI ----------------------------------------------------------------------------------------------------------------------------

_OPENAI_READ_NAMES = "model prompt n size output_format output_compression response_format background stream quality user safety_identifier"
_OPENAI_READ = frozenset(_OPENAI_READ_NAMES.split())
_OPENAI_KNOWN = {
    "moderation": Extra("moderation", False, "only OpenAI can be told how strictly to filter"),
    "style": Extra("style", False, "the target cannot be told a style apart from the prompt"),
    "partial_images": Extra("partial_images", False, "the target shows no pictures before they are done"),
}


def _decode_openai(given: Json, envelope: Envelope) -> ImageRequest:
    body = fields(given, "body")
    prompt = text(body.get("prompt"), "prompt")
    if not prompt:
        raise wrong(("prompt",), "is missing")
    quality = text(body.get("quality"), "quality")
    return ImageRequest(
        form="openai",
        model=text(body.get("model"), "model") or envelope.model,
        prompt=prompt,
        count=whole(body.get("n"), "n"),
        size=_size(body.get("size")),
        format=text(body.get("output_format"), "output_format"),
        compression=whole(body.get("output_compression"), "output_compression"),
        link=text(body.get("response_format"), "response_format") == "url",
        transparent=body.get("background") == "transparent",
        stream=bool(flag(body.get("stream"), "stream")) or envelope.stream,
        quality=None if quality == "auto" else quality,
        user=text(body.get("user"), "user") or text(body.get("safety_identifier"), "safety_identifier"),
        extras=extras_of(body, _OPENAI_READ, _OPENAI_KNOWN),
        raw=given,
    )


def _encode_openai(request: ImageRequest, target: Target) -> Encoded:
    if request.form == "openai":
        return own_words(request, target)
    losses = Losses()
    older = target.model.startswith("dall-e")
    _check(replace(request, transparent=False), 1 if target.model.startswith("dall-e-3") else 10, frozenset(_MEDIA), losses)
    body: dict[str, Json] = {"model": target.model, "prompt": request.prompt}
    if request.count is not None:
        body["n"] = request.count
    if (ratio := _ratio_for(request, tuple(_OPENAI_SIZES) if not older else ("1:1",), losses)) is not None:
        body["size"] = _OPENAI_SIZES[ratio]
    if request.format is not None and not older:
        body["output_format"] = request.format
    if request.compression is not None and not older:
        body["output_compression"] = request.compression
    if older:
        body["response_format"] = "b64_json"
    return Encoded(body, losses.all(), Sent(target))


def _decode_openai_answer(given: Json, sent: Sent) -> ImageAnswer | Fault:
    del sent
    rows = items(given.get("data")) if type(given) is dict else []
    said = given.get("output_format") if type(given) is dict else None
    media = _MEDIA.get(said, "image/png") if type(said) is str else "image/png"
    found = [row.get("b64_json") if type(row) is dict else None for row in rows]
    if not found or not all(type(one) is str for one in found):
        return unreadable()
    return ImageAnswer(tuple(Picture(one, media) for one in found if type(one) is str))


def _encode_openai_answer(answer: ImageAnswer, asked: Asked) -> Json:
    formats = {_FORMATS.get(one.media_type) for one in answer.pictures}
    body: dict[str, Json] = {"created": asked.now, "data": [{"b64_json": one.data} for one in answer.pictures]}
    if len(formats) == 1 and None not in formats:
        body["output_format"] = formats.pop()
    usage = answer.usage
    if usage.input_tokens is not None or usage.output_tokens is not None:
        given, made = usage.input_tokens or 0, usage.output_tokens or 0
        pictures = usage.image_input_tokens or 0
        body["usage"] = {
            "input_tokens": given,
            "output_tokens": made,
            "total_tokens": given + made,
            "input_tokens_details": {"text_tokens": given - pictures, "image_tokens": pictures},
        }
    return body


# -- Imagen ----------------------------------------------------------------------------------------------------------------------------

_IMAGEN_READ = frozenset({"sampleCount", "aspectRatio", "outputOptions"})
_FILTERS = "the target filters by rules of its own"
_IMAGEN_KNOWN = {
    "includeRaiReason": Extra("includeRaiReason", False, _FILTERS),
    "includeSafetyAttributes": Extra("includeSafetyAttributes", False, _FILTERS),
    "safetySetting": Extra("safetySetting", False, _FILTERS),
    "personGeneration": Extra("personGeneration", True, "whether people may be drawn can be told to Google's models alone"),
    "storageUri": Extra("storageUri", True, "pictures are stored in the client's own account at Google"),
    "negativePrompt": Extra("negativePrompt", True, "what must not be drawn cannot be told to the target; say it in the prompt"),
    "seed": Extra("seed", False, "the target takes no seed"),
    "addWatermark": Extra("addWatermark", False, "the target marks its pictures as it likes"),
    "guidanceScale": Extra("guidanceScale", False, "the target cannot be told how closely to follow the prompt"),
    "enhancePrompt": Extra("enhancePrompt", False, "the target cannot be told whether to rewrite the prompt"),
    "sampleImageSize": Extra("sampleImageSize", False, "the target decides how many pixels it makes"),
    "language": Extra("language", False, "the target finds out the language by itself"),
}


def _decode_imagen(given: Json, envelope: Envelope) -> ImageRequest:
    body = fields(given, "body")
    rows = listed(body.get("instances"), "instances")
    if len(rows) != 1:
        raise wrong(("instances",), "must hold one prompt")
    row = fields(rows[0], "instances", 0)
    prompt = text(row.get("prompt"), "instances", 0, "prompt")
    if not prompt:
        raise wrong(("instances", 0, "prompt"), "is missing")
    parameters = fields(body.get("parameters"), "parameters")
    options = fields(parameters.get("outputOptions"), "parameters", "outputOptions")
    ratio = text(parameters.get("aspectRatio"), "parameters", "aspectRatio")
    if ratio is not None and not _is_ratio(ratio):
        raise wrong(("parameters", "aspectRatio"), "is no ratio, such as 16:9")
    media = text(options.get("mimeType"), "parameters", "outputOptions", "mimeType")
    beside = (Extra("instances", True, "pictures and masks to be edited are not translated"),) if row.keys() - {"prompt"} else ()
    return ImageRequest(
        form="imagen",
        model=envelope.model,
        prompt=prompt,
        count=whole(parameters.get("sampleCount"), "parameters", "sampleCount"),
        ratio=ratio,
        format=_FORMATS.get(media, "unknown") if media is not None else None,
        compression=whole(options.get("compressionQuality"), "parameters", "outputOptions", "compressionQuality"),
        extras=(*beside, *extras_of(parameters, _IMAGEN_READ, _IMAGEN_KNOWN)),
        raw=given,
    )


def _encode_imagen(request: ImageRequest, target: Target) -> Encoded:
    if request.form == "imagen":
        return Encoded(dict(request.raw), (), Sent(target))
    losses = Losses()
    _check(request, 4, frozenset({"png", "jpeg"}), losses)
    parameters: dict[str, Json] = {"sampleCount": request.count or 1}
    if (ratio := _ratio_for(request, _IMAGEN_RATIOS, losses)) is not None:
        parameters["aspectRatio"] = ratio
    options: dict[str, Json] = {}
    if request.format is not None:
        options["mimeType"] = _MEDIA.get(request.format, "image/png")
    if request.compression is not None and request.format == "jpeg":
        options["compressionQuality"] = request.compression
    if options:
        parameters["outputOptions"] = options
    return Encoded({"instances": [{"prompt": request.prompt}], "parameters": parameters}, losses.all(), Sent(target))


def _decode_imagen_answer(given: Json, sent: Sent) -> ImageAnswer | Fault:
    del sent
    if type(given) is not dict:
        return unreadable()
    rows = [row for row in items(given.get("predictions")) if type(row) is dict]
    found = [Picture(row["bytesBase64Encoded"], _media(row.get("mimeType"))) for row in rows if type(row.get("bytesBase64Encoded")) is str]
    if not found:
        filtered = "predictions" not in given or any("raiFilteredReason" in row for row in rows)
        return _withheld() if filtered else unreadable()
    return ImageAnswer(tuple(found))


def _encode_imagen_answer(answer: ImageAnswer, asked: Asked) -> Json:
    del asked
    return {"predictions": [{"mimeType": one.media_type, "bytesBase64Encoded": one.data} for one in answer.pictures]}


# -- Gemini ----------------------------------------------------------------------------------------------------------------------------


def _encode_gemini(request: ImageRequest, target: Target) -> Encoded:
    losses = Losses()
    _check(request, 1, frozenset(_MEDIA), losses)
    if request.format is not None:
        losses.dropped("output_format", "the target writes the format it likes; the answer says which")
    if request.compression is not None:
        losses.dropped("output_compression", "the target cannot be told how much to compress")
    config: dict[str, Json] = {"responseModalities": ["TEXT", "IMAGE"]}
    if (ratio := _ratio_for(request, _GEMINI_RATIOS, losses)) is not None:
        config["imageConfig"] = {"aspectRatio": ratio}
    contents = [{"role": "user", "parts": [{"text": request.prompt}]}]
    return Encoded({"contents": contents, "generationConfig": config}, losses.all(), Sent(target))


def _decode_gemini_answer(given: Json, sent: Sent) -> ImageAnswer | Fault:
    del sent
    if type(given) is not dict:
        return unreadable()
    found = [
        Picture(data["data"], _media(data.get("mimeType")))
        for candidate in items(given.get("candidates"))
        for piece in items(part(candidate, "content").get("parts"))
        if type(piece) is dict and not piece.get("thought") and type((data := part(piece, "inlineData")).get("data")) is str
    ]
    return ImageAnswer(tuple(found)) if found else _withheld()


def _media(given: Any) -> str:
    return given.lower() if type(given) is str else "image/png"


def _withheld() -> Fault:
    return Fault(
        status=400,
        sort="filter",
        message="excise: the provider made no picture of this prompt; its filter withheld it, or the model answered in words",
        code="moderation_blocked",
    )


OPENAI = Form("openai-images", "images openai", Verbs(_encode_openai, _decode_openai_answer, _decode_openai, _encode_openai_answer))
IMAGEN = Form("vertex-predict", "images imagen", Verbs(_encode_imagen, _decode_imagen_answer, _decode_imagen, _encode_imagen_answer))
GEMINI = Form("gemini", "images gemini", Verbs(_encode_gemini, _decode_gemini_answer))
