"""
`excise retention check`: ask a provider, as its administrator, what it keeps.
"""

from __future__ import annotations

import json
import os
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final

from excise.catalog.retention import AdminCall
from excise.errors import SettingsError
from excise.privacy.retention.where import steps, values

SECONDS: Final = 15.0
MAX_ANSWER_BYTES: Final = 1 << 20
MAX_SHOWN: Final = 100  # characters of a value
_HOLE = re.compile(r"\{(\w+)\}")
_FILLING = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")


class Outcome(StrEnum):
    """
    What became of one call.
    """

    VERIFIED = "verified"
    NOT_SO = "not so"
    NOT_REACHABLE = "not reachable"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Verification:
    """
    One call of an administrator. `said`: the value of the field that was asked for, or why there is none; nothing else of the answer.
    """

    url: str
    field: str
    expected: tuple[str, ...]
    outcome: Outcome
    said: str


class _NotRead(Exception):
    """
    An answer without the field in it; the text says why, and nothing of the answer.
    """


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """
    A redirect would carry the key to where nobody decided to send it.
    """

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def verify(call: AdminCall, key: str, given: Mapping[str, str]) -> Verification:
    """
    Make one call and compare. Straight to the provider: no proxy of the environment is asked. TLS is verified, redirects are not followed.

    Args:
        key: The administrator's; sent as a bearer token.
        given: What stands in the holes of the URL; a call with a hole left is skipped.
    """
    missing = [name for name in _HOLE.findall(call.url) if name not in given]
    if missing:
        return _said(call, call.url, Outcome.SKIPPED, f"give {' '.join(f'--with {name}=…' for name in missing)}")
    url = _HOLE.sub(lambda hole: given[hole[1]], call.url)
    try:
        answer = _get(url, key)
    except urllib.error.HTTPError as error:
        with error:
            why = "the key is refused" if error.code in (401, 403) else "it redirects" if error.code // 100 == 3 else "an error"
            return _said(call, url, Outcome.NOT_REACHABLE, f"{why} (HTTP {error.code})")
    except (OSError, HTTPException, _NotRead) as error:
        return _said(call, url, Outcome.NOT_REACHABLE, _why(error))
    found = [text for value in values(answer, steps(call.json_)) for text in _texts(value)]
    if not found:
        return _said(call, url, Outcome.NOT_SO, "the answer does not have it")
    proving = [text for text in found if text in call.expected]
    return _said(call, url, Outcome.VERIFIED if proving else Outcome.NOT_SO, _shown(proving or found))


def read_key(reference: str) -> str:
    """
    Raises:
        SettingsError: It is not `env:NAME` or `file:PATH`, or there is no usable key.
    """
    kind, _, where = reference.partition(":")
    if kind == "env" and where:
        key = os.environ.get(where, "")
    elif kind == "file" and where:
        try:
            key = Path(where).read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            raise SettingsError(f"cannot read a key from {reference}") from None
    else:
        # The text is not repeated: somebody may have typed the key itself.
        raise SettingsError("a key is named as env:NAME or file:PATH")
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise SettingsError(f"the key at {reference} is empty, not set, or not a key")
    return key


def fillings(pairs: Iterable[str]) -> dict[str, str]:
    """
    `NAME=VALUE` as written on the command line.

    Raises:
        SettingsError: Another form, or a value that could lead elsewhere.
    """
    given = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not _FILLING.fullmatch(value):
            raise SettingsError(f"--with {name}: expected NAME=VALUE, VALUE of letters, digits, dots, hyphens and underscores")
        given[name] = value
    return given


def _get(url: str, key: str) -> Any:
    # HTTPS alone, and no proxy: a handler for anything else is not there.
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.HTTPSHandler(context=ssl.create_default_context()),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _NoRedirects(),
    ):
        opener.add_handler(handler)
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {key}", "accept": "application/json", "user-agent": "excise"})  # noqa: S310 - https
    with opener.open(request, timeout=SECONDS) as answer:
        body = answer.read(MAX_ANSWER_BYTES + 1)
    if len(body) > MAX_ANSWER_BYTES:
        raise _NotRead("the answer is too long")
    try:
        return json.loads(body)
    except ValueError:  # its text would show where in the body, and a piece of it
        raise _NotRead("the answer is no JSON") from None


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate does not hold: {reason.verify_message}"
    if isinstance(reason, TimeoutError):
        return f"no answer in {SECONDS:.0f} s"
    if isinstance(reason, OSError):
        return reason.strerror or type(reason).__name__
    return str(reason) if isinstance(reason, _NotRead) else type(reason).__name__


def _texts(value: Any) -> Iterator[str]:
    """
    A value as `expected` writes it: booleans as in JSON, pairs of name and value as NAME=VALUE.
    """
    if isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        if isinstance(value.get("name"), str) and "value" in value:
            yield from (f"{value['name']}={text}" for text in _texts(value["value"]))
    elif isinstance(value, str):
        yield value
    elif isinstance(value, bool | int | float):
        yield json.dumps(value)


def _shown(texts: list[str]) -> str:
    text = ", ".join("".join(char if char.isprintable() else "?" for char in text) for text in texts)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 1] + "…"


def _said(call: AdminCall, url: str, outcome: Outcome, said: str) -> Verification:
    return Verification(url, call.json_, tuple(call.expected), outcome, said)
