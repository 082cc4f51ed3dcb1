"""
What clients do when the provider says no: the exception an SDK raises, its status and its text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from e2e import cases

# (name, client's call, keyword that carries extra headers)
CALLS: dict[str, Callable[[dict[str, str]], Any]] = {
    "openai": lambda extra: cases._openai().chat.completions.create(model="gpt-4o-mini", messages=cases._user(), extra_headers=extra),
    "openai-responses": lambda extra: cases._openai().responses.create(model="gpt-4.1-mini", input="hello", extra_headers=extra),
    "anthropic": lambda extra: cases._anthropic().messages.create(
        model="claude-haiku-4-5", max_tokens=9, messages=cases._turn(), extra_headers=extra
    ),
    "gemini": lambda extra: cases._gemini().models.generate_content(
        model="gemini-2.5-flash", contents="hello", config={"http_options": {"headers": extra}}
    ),
    "mistral": lambda extra: cases._mistral().chat.complete(model="mistral-small-latest", messages=cases._turn(), http_headers=extra),
    "cohere": lambda extra: cases._cohere().chat(
        model="command-a-03-2025", messages=cases._turn(), request_options={"additional_headers": extra}
    ),
}


def raised(call: Callable[[], Any]) -> dict[str, Any]:
    """
    Run a call that must fail and describe how it did.
    """
    try:
        got = call()
    except Exception as error:
        status = getattr(error, "status_code", getattr(error, "code", None))
        return {"class": type(error).__name__, "status": status, "text": str(error)}
    raise AssertionError(f"no error, but {got!r}")
