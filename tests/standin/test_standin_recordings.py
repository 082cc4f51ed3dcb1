"""
What real providers took, the stand-in takes: recorded requests that were answered, at the nearest model it plays.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from excise.standin import models, signing
from excise.standin.call import Refusal, Request
from excise.standin.models import Model
from excise.standin.server import DIALECTS
from recordings import records, request_body, require_recordings

HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com",
    "vertex": "us-central1-aiplatform.googleapis.com",
    "bedrock": "bedrock-runtime.us-east-1.amazonaws.com",
    "mistral": "api.mistral.ai",
    "cohere": "api.cohere.com",
    "ollama": "localhost",
    "groq": "api.groq.com",
    "deepseek": "api.deepseek.com",
}
# Of a provider, models whose names look like this, and who stands in for them.
NEAREST = [
    ("openai", r"o\d|gpt-5", "gpt-5-mini"),
    ("openai", "", "gpt-4o"),
    ("anthropic", r"opus-5|sonnet-5|fable|mythos", "claude-opus-5"),
    ("anthropic", r"opus-4-[78]", "claude-opus-4-7"),
    ("anthropic", r"4-6", "claude-sonnet-4-6"),
    ("anthropic", "", "claude-haiku-4-5"),
    ("gemini", r"gemini-3", "gemini-3.5-flash"),
    ("gemini", "", "gemini-2.5-flash"),
    ("vertex", r"embedding", "text-embedding-005"),
    ("vertex", r"gemini-3", "gemini-3.1-pro-preview"),
    ("vertex", "", "gemini-2.5-flash"),
    ("bedrock", r"opus-4-[78]|sonnet-5", "us.anthropic.claude-opus-4-7-v1:0"),
    ("bedrock", r"claude", "us.anthropic.claude-haiku-4-5-20251001-v1:0"),
    ("bedrock", "", "amazon.nova-lite-v1:0"),
    ("mistral", "", "mistral-small-latest"),
    ("cohere", "", "command-a-reasoning-08-2025"),
    ("ollama", "", "qwen3"),
    ("groq", "", "openai/gpt-oss-120b"),
    ("deepseek", "", "deepseek-v4-flash"),
]
# Refused for a reason.
EXPECTED = {
    "openai-chat-0fd9f9664c": "audio, which nobody here hears or speaks",
    "openai-chat-47c829fa79": "audio",
    "openai-chat-a536dfd8c4": "audio",
    "openai-images-1fcae794a9": "a field of a picture model that is gone",
    "openai-responses-3b9c896fdf": "goes on with a response that is not stored here",
    "openai-responses-e33d0cff4f": "its model stands in a stored prompt",
    "openai-transcription-f824a5ba03": "the recording lacks the body",
    "anthropic-messages-4b6bded6c8": "a beta whose header was not recorded",
    "anthropic-messages-d2dd3b33b8": "a beta whose header was not recorded",
    "anthropic-messages-f8441414a0": "an older model, which took temperature beside top_p",
    "bedrock-chat-9692afb7d1": "an older model, which took temperature beside top_p",
    "bedrock-chat-c55a3a5381": "an older model, which took temperature beside top_p",
    "bedrock-chat-4f2ce631a0": "an older model, to which schemas were words",
    "bedrock-chat-9663e9bcb5": "a tool of the provider's own",
    "bedrock-chat-b4b99916e0": "Titan, which took turns that do not alternate",
    "bedrock-chat-c96738592f": "Titan, which took turns that do not alternate",
}


def nearest(provider: str, name: object, kind: str = "chat") -> Model | None:
    """
    The model that stands in for the recorded one, as able as that was.
    """
    found = next(stand for owner, looks, stand in NEAREST if owner == provider and re.search(looks, str(name)))
    if "embedding" in found and kind != "embeddings":
        return None
    able = models.MODELS[provider][found]
    levels = ("none", "minimal", "low", "medium", "high", "xhigh", "max", *able.efforts)
    return replace(able, kinds=(kind,), lacks=able.lacks - {"vision", "stop", "off"}, efforts=levels)


@pytest.fixture
def everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Every name is a model's, and real proofs are good enough.
    """
    monkeypatch.setattr(models, "find", nearest)
    monkeypatch.setattr(signing, "genuine", lambda *_: True)


def sent(record: dict[str, Any]) -> Request:
    """
    A recorded request, with a key the stand-in takes.
    """
    url = urlsplit(record["request"]["url"])
    given = {name.lower(): value for name, value in record["request"]["headers"]}
    keys = dict.fromkeys(("x-api-key", "x-goog-api-key"), "standin-k")
    headers = {"content-type": "application/json", "anthropic-version": "2023-06-01", **given, **keys, "authorization": "Bearer standin-k"}
    query = f"?{url.query.replace('key=', 'k=')}" if url.query else ""
    return Request(
        record["request"]["method"], HOSTS[record["meta"]["provider"]], url.path + query, tuple(headers.items()), request_body(record)
    )


@require_recordings
@pytest.mark.usefixtures("everybody")
@pytest.mark.parametrize("provider", HOSTS)
def test_what_was_taken_is_taken(provider: str) -> None:
    """
    Of every recorded request that was answered with 200: taken, or refused for a reason that is written down.
    """
    taken, refused = 0, {}
    for record in records(provider=provider):
        request = sent(record)
        if record["response"]["status"] != 200 or not request.body:
            continue
        try:
            DIALECTS[request.host].answer(request)
            taken += 1
        except Refusal as refusal:
            # Operations it does not play are another matter.
            if refusal.reply.status not in (404, 405) and record["meta"]["protocol"] != "bedrock-invoke":
                refused[record["id"]] = refusal.reply.pieces[0][:300]

    assert {name: why for name, why in refused.items() if name not in EXPECTED} == {}
    assert taken > 9
