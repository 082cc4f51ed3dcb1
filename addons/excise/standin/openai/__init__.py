"""
api.openai.com: which operation a request is for.
"""

from __future__ import annotations

from collections.abc import Callable

from excise.standin.call import Reply, Request
from excise.standin.openai import more
from excise.standin.openai.chat import chat
from excise.standin.openai.completions import completions
from excise.standin.openai.errors import authorize, failure, refuse
from excise.standin.openai.responses import input_tokens, responses, stored

ROUTES: dict[str, Callable[[Request], Reply]] = {
    "/v1/chat/completions": chat,
    "/v1/completions": completions,
    "/v1/responses": responses,
    "/v1/responses/input_tokens": input_tokens,
    "/v1/embeddings": more.embeddings,
    "/v1/moderations": more.moderations,
    "/v1/images/generations": more.images,
    "/v1/audio/speech": more.speech,
    "/v1/audio/transcriptions": more.transcription,
}


def answer(request: Request) -> Reply:
    """
    Answer one call to api.openai.com.

    Raises:
        Refusal: What OpenAI would refuse.
    """
    authorize(request)
    if request.path == "/v1/models" or request.path.startswith("/v1/models/"):
        return more.listing(request)
    handler = ROUTES.get(request.path)
    if handler is None and request.path.startswith("/v1/responses/resp_"):
        handler = stored
    if handler is None:
        raise refuse(404, f"Invalid URL ({request.method} {request.path})")
    return handler(request)


__all__ = ["answer", "failure"]
