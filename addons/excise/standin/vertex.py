"""
Vertex: Gemini's own paths, and Claude at `publishers/anthropic` with the version in the body and the model in the path.

Source: docs.claude.com, "Claude on Vertex AI", and Anthropic's client for it, read 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from excise.standin import anthropic, gemini
from excise.standin.anthropic.errors import refuse as refuse_claude
from excise.standin.call import Reply, Request, dumps, parsed
from excise.standin.gemini.errors import refuse

VERSION = "vertex-2023-10-16"
CLAUDE = re.compile(r"/v1/projects/[^/]+/locations/[^/]+/publishers/anthropic/models/([^/:]+):(rawPredict|streamRawPredict)")


def answer(request: Request) -> Reply:
    """
    Answer one call to <region>-aiplatform.googleapis.com.

    Raises:
        Refusal: What Google, or Anthropic behind it, would refuse.
    """
    found = CLAUDE.fullmatch(request.path)
    if found is None:
        return gemini.answer(request)
    if not (request.bearer() or "").startswith("standin-"):
        text = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid"
        raise refuse(401, f"{text} authentication credential.")
    try:
        body = parsed(request.body)
    except ValueError as error:
        raise refuse(400, "Invalid JSON payload received. Unexpected token.") from error
    if not isinstance(body, dict) or body.pop("anthropic_version", None) != VERSION:
        raise refuse_claude(400, "anthropic_version: Field required")
    if "model" in body:
        raise refuse_claude(400, "model: Extra inputs are not permitted")
    if bool(body.get("stream")) != (found[2] == "streamRawPredict"):
        raise refuse_claude(400, f"stream: does not go with {found[2]}")
    return anthropic.answer(_inner(request, body, found[1]))


def _inner(request: Request, body: dict[str, Any], model: str) -> Request:
    betas = tuple((name, value) for name, value in request.headers if name.lower() == "anthropic-beta")
    headers = (("x-api-key", "standin-vertex"), ("content-type", "application/json"), ("anthropic-version", "2023-06-01"), *betas)
    whole = dumps({"model": model.replace("@", "-"), **body}).encode()
    return replace(request, target="/v1/messages", headers=headers, body=whole)


failure = gemini.failure
