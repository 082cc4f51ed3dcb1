"""
Usage of pictures, speech, transcription and video, each priced in its own unit.

Pictures: tokens where the model counts them, else pictures. Speech: characters of the request (binary answers state nothing), tokens with
SSE, a header with Deepgram and ElevenLabs. Transcription: tokens, or seconds of audio. Vertex `:predict`: characters, tokens or pictures.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from excise.wire.frame import Frame
from excise.wire.usage import Usage
from excise.wire.usage_openai import read_usage, stated_cost
from excise.wire.usage_reading import Reading
from excise.wire.usage_values import amount, count, items, part

_SPEECH_TEXT = ("input", "text", "transcript")


def characters_of(request: Any) -> int | None:
    """
    Characters of text that a speech request asks to be spoken.
    """
    if type(request) is not dict:
        return None
    return next((len(text) for name in _SPEECH_TEXT if type(text := request.get(name)) is str), None)


class MediaReading(Reading):
    """
    `openai-images`, `openai-audio`, `openai-videos`, `vertex-predict`, `deepgram`, `elevenlabs` and their kin.
    """

    __slots__ = ("_pieces", "_seconds")
    expects_end = False
    generates = False

    def __init__(self, call: Any, requested: str | None) -> None:
        super().__init__(call, requested)
        self._pieces = 0
        self._seconds: Decimal | None = None

    def observe(self, frame: Frame) -> bool:
        if not frame.data:
            # Sound, or a transcript as plain text: nothing to read, but something was made.
            found = bool(frame.raw.strip()) and frame.raw[:1] != b":"
            self.content = self.content or found
            return found
        body = frame.json
        if type(body) is not dict:
            found = body is None and frame.data != b"[DONE]"
            self.content = self.content or found
            return found
        return self._body(body)

    def _body(self, body: dict[str, Any]) -> bool:
        self.head(body)
        if self.failed_with(body):
            return False
        if usage := part(body, "usage"):
            self.stated["usage"] = usage
            self.final = True
        for place in ("metadata", "usageMetadata"):
            if found := part(body, place):
                self.stated[place] = {name: found[name] for name in found if name in _METADATA}
        if tokens := _embedded_tokens(body):
            self.stated["statistics"] = {"token_count": tokens}
        self._count(body)
        kind = body.get("type")
        made = type(kind) is str and kind.endswith((".delta", ".segment", ".partial_image"))
        made = made or any(name in body for name in ("data", "text", "b64_json", "video", "predictions", "results", "words", "audio"))
        self.content = self.content or made
        return made

    def _count(self, body: dict[str, Any]) -> None:
        """
        Pictures and seconds, where the answer shows them.
        """
        kind = body.get("type")
        if type(kind) is str and kind.endswith(".completed") and "b64_json" in body:
            self._pieces += 1
        elif self.call.operation in ("images", "image", "predict"):
            pictures = items(body.get("data")) or items(body.get("predictions"))
            self._pieces += sum(1 for picture in pictures if type(picture) is dict and picture.keys() & _PICTURES)
        seconds = amount(part(body, "usage").get("seconds"))  # as billed: rounded up
        if seconds is None:
            seconds = amount(body.get("duration"))
        if seconds is None:
            seconds = amount(part(body, "metadata", "video").get("duration"))
        if seconds is not None:
            self._seconds = seconds

    def usage(self) -> Usage:
        usage = part(self.stated, "usage")
        read = read_usage(usage, self.call, self.billed_model) if usage else Usage()
        if tokens := count(part(self.stated, "statistics").get("token_count")):
            read = replace(read, uncached_input_tokens=tokens)
        if (characters := count(part(self.stated, "metadata").get("billableCharacterCount"))) is not None:
            read = replace(read, characters=characters)
        if read.input_tokens is None and read.output_tokens is None:
            # Priced by the piece or by the second only where no tokens were counted.
            read = replace(read, images=self._pieces or None, seconds=self._seconds)
        if self.call.operation == "speech" and read.text_output_tokens is not None and read.audio_output_tokens is None:
            read = replace(read, text_output_tokens=None, audio_output_tokens=read.text_output_tokens)
        if read.provider_cost_usd is None and usage:
            read = replace(read, provider_cost_usd=stated_cost(usage, self.call))
        return read


_METADATA = frozenset(("billableCharacterCount", "duration", "channels", "totalTokenCount", "promptTokenCount"))
_PICTURES = frozenset(("url", "b64_json", "bytesBase64Encoded", "gcsUri"))


def _embedded_tokens(body: dict[str, Any]) -> int | None:
    """
    Vertex embeddings count tokens per text.
    """
    counts = [
        tokens
        for prediction in items(body.get("predictions"))
        if type(prediction) is dict and (tokens := count(part(part(prediction, "embeddings"), "statistics").get("token_count"))) is not None
    ]
    return sum(counts) if counts else None
