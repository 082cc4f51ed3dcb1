"""
Pictures between OpenAI's words, Imagen's, and Gemini models that draw.
"""

from __future__ import annotations

from typing import Any

import pytest
from operation_calls import NOW, cross, send

from excise.wire.loss import Verdict
from excise.wire.operations import images
from excise.wire.usage import Usage

PIXEL = "iVBORw0KGgo="
ASKED = {"model": "m", "prompt": "seven lanterns"}
IMAGEN = {"predictions": [{"mimeType": "image/jpeg", "bytesBase64Encoded": PIXEL}]}
GEMINI = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Here."}, {"inlineData": {"mimeType": "image/png", "data": PIXEL}}]}}]
}


def test_openais_clients_get_imagens_pictures() -> None:
    """
    Number, format and quality of compression go along; the picture comes back as OpenAI's does.
    """
    body = {**ASKED, "n": 2, "size": "1024x1024", "output_format": "jpeg", "output_compression": 80}

    done = cross(images.OPENAI, images.IMAGEN, body, IMAGEN)

    assert done.sent == {
        "instances": [{"prompt": "seven lanterns"}],
        "parameters": {"sampleCount": 2, "aspectRatio": "1:1", "outputOptions": {"mimeType": "image/jpeg", "compressionQuality": 80}},
    }
    assert done.losses == ()
    assert done.answer == {"created": NOW, "data": [{"b64_json": PIXEL}], "output_format": "jpeg"}


def test_openais_clients_get_geminis_pictures() -> None:
    """
    The model is asked for a picture beside its words; what it says is left out, what it used is told.
    """
    usage = Usage(uncached_input_tokens=5, image_output_tokens=1290)

    done = cross(images.OPENAI, images.GEMINI, {**ASKED, "size": "1536x1024"}, GEMINI, usage=usage)

    assert done.sent["generationConfig"] == {"responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "3:2"}}
    assert done.lost == {"size": "changed"}
    assert done.answer["data"] == [{"b64_json": PIXEL}] and done.answer["output_format"] == "png"
    assert done.answer["usage"]["input_tokens"] == 5 and done.answer["usage"]["output_tokens"] == 1290


def test_imagens_clients_get_openais_pictures() -> None:
    """
    A ratio becomes the size that has it, or the nearest one.
    """
    body = {"instances": [{"prompt": "seven lanterns"}], "parameters": {"sampleCount": 1, "aspectRatio": "16:9"}}
    answer = {"created": 1, "data": [{"b64_json": PIXEL}], "output_format": "webp"}

    done = cross(images.IMAGEN, images.OPENAI, body, answer, model="gpt-image-1")

    assert done.sent == {"model": "gpt-image-1", "prompt": "seven lanterns", "n": 1, "size": "1536x1024"}
    assert done.lost == {"size": "changed"}
    assert done.answer == {"predictions": [{"mimeType": "image/webp", "bytesBase64Encoded": PIXEL}]}


def test_older_models_are_asked_for_the_picture() -> None:
    """
    DALL·E answers with links unless told; newer models refuse to be told.
    """
    body = {"instances": [{"prompt": "x"}]}

    assert send(images.IMAGEN, images.OPENAI, body, model="dall-e-3").sent["response_format"] == "b64_json"
    assert "response_format" not in send(images.IMAGEN, images.OPENAI, body, model="gpt-image-1").sent


@pytest.mark.parametrize(
    ("more", "lost"),
    [
        ({"n": 5}, "n"),
        ({"stream": True}, "stream"),
        ({"response_format": "url"}, "response_format"),
        ({"background": "transparent"}, "background"),
        ({"output_format": "webp"}, "output_format"),
    ],
)
def test_what_imagen_cannot_do_makes_it_no_target(more: dict[str, Any], lost: str) -> None:
    """
    A link, a stream, transparency: leaving them out would give the client something else.
    """
    done = send(images.OPENAI, images.IMAGEN, {**ASKED, **more})

    assert done.lost[lost] == "impossible" and done.verdict is Verdict.IMPOSSIBLE
    assert send(images.OPENAI, images.OPENAI, {**ASKED, **more}).verdict is Verdict.EXACT


def test_a_filter_only_google_has_is_not_left_out() -> None:
    """
    Who says that no people may be drawn, or what must not be, is not served by someone who cannot be told.
    """
    for name, value in (("personGeneration", "dont_allow"), ("negativePrompt", "people"), ("storageUri", "gs://b/c")):
        body = {"instances": [{"prompt": "x"}], "parameters": {name: value}}
        assert send(images.IMAGEN, images.OPENAI, body).lost == {name: "impossible"}


def test_minor_wishes_are_noted() -> None:
    """
    Quality, style, end user: the picture is a picture without them.
    """
    body = {**ASKED, "quality": "high", "style": "vivid", "user": "u"}

    assert send(images.OPENAI, images.IMAGEN, body).lost == {"style": "dropped", "quality": "dropped", "user": "dropped"}


@pytest.mark.parametrize(
    ("form", "answer", "status"),
    [
        (images.IMAGEN, {"predictions": [{"raiFilteredReason": "words"}]}, 400),
        (images.IMAGEN, {}, 400),
        (images.IMAGEN, {"predictions": [{"gcsUri": "gs://x"}]}, 502),
        (images.GEMINI, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]}, 400),
        (images.GEMINI, {"promptFeedback": {"blockReason": "SAFETY"}}, 400),
    ],
)
def test_no_picture_is_an_error(form: Any, answer: Any, status: int) -> None:
    """
    A withheld picture is the request's fault, an unreadable answer the provider's. An empty list is neither.
    """
    done = cross(images.OPENAI, form, ASKED, answer)

    assert done.status == status or (status >= 500 and done.status >= 500)
    assert done.answer["error"]["message"]


def test_links_are_no_pictures() -> None:
    """
    An answer of links cannot be given to a client that wants pictures.
    """
    done = cross(images.IMAGEN, images.OPENAI, {"instances": [{"prompt": "x"}]}, {"data": [{"url": "https://example.com/a.png"}]})

    assert done.status >= 500
