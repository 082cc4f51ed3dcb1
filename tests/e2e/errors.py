"""
What clients do when the provider says no: the exception an SDK raises, its status and its text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from e2e import cases

Headers = dict[str, str]
OURS = re.compile(r", 'x-excise-[a-z-]+': '[^']*'")  # headers the proxy adds, where an SDK prints them all


def _openai(extra: Headers) -> Any:
    with cases._openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=cases._user(), extra_headers=extra)


def _openai_stream(extra: Headers) -> Any:
    with cases._openai() as client:
        return client.chat.completions.create(model="gpt-4o-mini", messages=cases._user(), stream=True, extra_headers=extra)


def _openai_responses(extra: Headers) -> Any:
    with cases._openai() as client:
        return client.responses.create(model="gpt-4.1-mini", input="hello", extra_headers=extra)


def _anthropic(extra: Headers) -> Any:
    with cases._anthropic() as client:
        return client.messages.create(model="claude-haiku-4-5", max_tokens=9, messages=cases._turn(), extra_headers=extra)


def _gemini(extra: Headers) -> Any:
    with cases._gemini() as client:
        config = {"http_options": {"headers": extra}}
        return client.models.generate_content(model="gemini-2.5-flash", contents="hello", config=config)


def _mistral(extra: Headers) -> Any:
    with cases._mistral() as client:
        return client.chat.complete(model="mistral-small-latest", messages=cases._turn(), http_headers=extra)


def _cohere(extra: Headers) -> Any:
    with cases._cohere() as client:
        return client.chat(model="command-a-03-2025", messages=cases._turn(), request_options={"additional_headers": extra})


CALLS: dict[str, Callable[[Headers], Any]] = {
    "openai": _openai,
    "openai-stream": _openai_stream,
    "openai-responses": _openai_responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "mistral": _mistral,
    "cohere": _cohere,
}


def raised(call: Callable[[], Any]) -> dict[str, Any]:
    """
    Run a call that must fail and describe how it did.
    """
    try:
        got = call()
    except Exception as error:
        status = getattr(error, "status_code", getattr(error, "code", None))
        return {"class": type(error).__name__, "status": status, "text": OURS.sub("", str(error))}
    raise AssertionError(f"no error, but {got!r}")
