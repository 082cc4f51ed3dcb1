"""
The forms errors take, over all providers, read into one.

Half of them are recordings, half the providers' own pages. A form that is not known is still read by the members most of them share.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from excise.wire.fault_sort import Sort
from excise.wire.usage_values import id_of, items, name_of, part


@dataclass(slots=True)
class Found:
    """
    What an error body says, before it is understood.
    """

    text: str = ""
    words: list[str] = field(default_factory=list)
    status: int | None = None
    param: str | None = None
    details: list[Any] = field(default_factory=list)
    sort: Sort | None = None
    request_id: str | None = None
    headers: Mapping[str, Any] = field(default_factory=dict)


def parsed(body: Any) -> Any:
    if not isinstance(body, str | bytes | bytearray):
        return body
    try:
        return orjson.loads(body)
    except (orjson.JSONDecodeError, UnicodeEncodeError):
        return body if isinstance(body, str) else bytes(body).decode("utf-8", "replace")


def found_in(body: Any) -> Found | None:
    """
    An error that names itself as one; `None` for any other body.
    """
    if type(body) is list:  # Gemini without SSE wraps it
        body = body[0] if body else None
    if type(body) is not dict:
        return None
    error = body.get("error")
    if error:
        if type(error) is dict:
            return _from_object(error, body)
        if type(error) is str:
            return _from_text(error, body)
        if type(error) is list or error is True:
            return _from_members(body)
    if body.get("type") == "response.failed":
        inner = part(body, "response")
        return found_in(inner) or Found(words=["server_error"], request_id=id_of(inner.get("id")))
    if body.get("type") == "error" or body.get("object") == "error":
        return _from_members({key: value for key, value in body.items() if value != "error"})
    return _from_elsewhere(body)


def _from_elsewhere(body: dict[str, Any]) -> Found | None:
    """
    Errors without the word: those of providers that answer 200 to everything, and AWS's.
    """
    delta = part(body, "delta")
    if body.get("type") == "message-end" and type(delta.get("error")) is str and delta["error"]:  # Cohere
        return Found(text=delta["error"], words=[name_of(delta.get("error_type")) or "server_error"])
    code = part(body, "base_resp").get("status_code")
    if type(code) is int and code:
        message = body["base_resp"].get("status_msg")
        return Found(message if type(message) is str else "", [str(code)], sort=_MINIMAX.get(code))
    inner = part(part(body, "Response"), "Error")
    if inner:  # Tencent
        found = _from_members(inner)
        found.request_id = id_of(body["Response"].get("RequestId"))
        return found
    number = body.get("error_code")
    if type(number) is int and number and "error_msg" in body:
        found = _from_members(body)
        found.sort = _BAIDU.get(number)
        return found
    for name in ("error_code", "error_type", "err_code", "__type", "errorType"):
        if type(word := body.get(name)) is str and name_of(word.rpartition("#")[2]):
            return _from_members(body)
    if body.get("success") is False and items(body.get("errors")):  # Cloudflare
        return _from_members(body)
    for name, inner in body.items() if len(body) == 1 else ():
        if name.endswith("Exception") and type(inner) is dict:  # an AWS stream's, as its SDKs show it
            return _from_members({"code": name, **inner})
    if type(body.get("message")) is str and body.get("code") and "choices" not in body:  # DashScope and others: bare
        return _from_members(body)
    return None


def bare_in(body: Any) -> Found | None:
    """
    A body that is an error because the status says so.
    """
    if type(body) is list:
        body = body[0] if body else None
    if type(body) is dict:
        return _from_members(body)
    if type(body) is str and body.strip() and not body.lstrip("\ufeff \t\r\n").startswith("<"):
        return Found(text=body)
    return None  # a page for browsers says nothing to a program


def _from_object(error: dict[str, Any], body: dict[str, Any]) -> Found:
    found = _from_members(error)
    if not found.text and type(body.get("message")) is str:
        found.text = body["message"]
    if found.request_id is None:
        found.request_id = id_of(body.get("request_id"))
    metadata = part(error, "metadata")
    if raw := metadata.get("raw"):  # OpenRouter: the provider behind it
        inner = found_in(parsed(raw)) or bare_in(parsed(raw))
        if inner is not None and inner.text and inner.text != found.text:
            found.text = f"{found.text}: {inner.text}"
    found.headers = part(metadata, "headers")
    return found


def _from_text(error: str, body: dict[str, Any]) -> Found:
    """
    `error` is the text itself (Ollama, Hugging Face), or with xAI beside a code in prose.
    """
    rest = {key: value for key, value in body.items() if key not in ("error", "type", "message")}
    found = _from_members(rest)
    found.text = error
    return found


_WORD_MEMBERS = ("code", "Code", "type", "status", "error_code", "error_type", "err_code", "__type", "errorType", "reason")
_TEXT_MEMBERS = ("message", "Message", "msg", "error_msg", "error_message", "detail", "title", "error_description")


def _from_members(error: dict[str, Any]) -> Found:
    found = Found()
    for name in _WORD_MEMBERS:
        value = error.get(name)
        number = value if type(value) is int else int(value) if type(value) is str and len(value) == 3 and value.isdecimal() else None
        if number is not None and 400 <= number < 600:
            found.status = found.status or number
        elif word := name_of(value.rpartition("#")[2] if name == "__type" and type(value) is str else value):
            found.words.append(word)
    said = error.get("status_code")
    if type(said) is int and 400 <= said < 600:
        found.status = said
    inner = part(error, "innererror", "inner_error")
    if word := name_of(inner.get("code")):
        found.words.append(word)
    found.text = next((text for name in _TEXT_MEMBERS if (text := _prose(error.get(name)))), "") or _prose(error.get("errors"))
    found.param = param if type(param := error.get("param")) is str and len(param) <= 200 else None
    found.details = items(error.get("details"))
    for detail in found.details[:20]:
        if word := name_of(part({"detail": detail}, "detail").get("reason")):
            found.words.insert(0, word)
    found.request_id = id_of(error.get("request_id")) or id_of(error.get("requestId"))
    return found


def _prose(value: Any) -> str:
    """
    A text, or the texts of a list of complaints (`[{"loc": …, "msg": …}]`), which are joined.
    """
    if type(value) is str:
        return value
    if type(value) is dict:
        return next((value[name] for name in ("message", "msg", "detail") if type(value.get(name)) is str), "")
    said = []
    for item in items(value)[:20]:
        text = item if type(item) is str else _prose(item) if type(item) is dict else ""
        place = ".".join(str(step) for step in items(item.get("loc"))[:8] if type(step) in (str, int)) if type(item) is dict else ""
        if text:
            said.append(f"{place}: {text}" if place else text)
    return "; ".join(said)


# Source: the providers' lists of codes, read 2026-11.
_MINIMAX: dict[int, Sort] = {
    1000: "internal",
    1001: "timeout",
    1002: "rate",
    1004: "auth",
    1008: "billing",
    1013: "internal",
    1024: "internal",
    1026: "filter",
    1027: "filter",
    1033: "internal",
    1039: "rate",
    1042: "bad_request",
    2013: "bad_request",
    2049: "auth",
}
_BAIDU: dict[int, Sort] = {
    2: "overload",
    4: "rate",
    6: "permission",
    13: "auth",
    14: "auth",
    17: "rate",
    18: "rate",
    100: "auth",
    110: "auth",
    111: "auth",
    336000: "internal",
    336003: "bad_request",
    336100: "overload",
    336103: "too_large",
    336501: "rate",
    336502: "rate",
}
