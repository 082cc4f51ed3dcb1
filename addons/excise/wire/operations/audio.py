"""
Speech and transcription. They pass, with another model, between deployments that speak OpenAI's words; nobody else has an equal of them.

Voices are names of each provider's own: a voice the target does not have is the target's to refuse. Mistral's speech looks alike and is
another thing (`voice_id`, sound as base64 in JSON), so it is a form of its own. Transcriptions are forms (`multipart/form-data`) with the
model as a field; `multipart.with_field` puts another there.

Source: platform.openai.com/docs/api-reference/audio, console.groq.com/docs/speech-to-text, docs.mistral.ai/api (audio), read 2026-11.
"""

from __future__ import annotations

from excise.wire.operations.form import Form

NAME = "openai-audio"

SPEECH = Form(NAME, "speech openai")
SPEECH_MISTRAL = Form(NAME, "speech mistral")
TRANSCRIPTION = Form(NAME, "transcription openai")
TRANSLATION = Form(NAME, "translation openai")
