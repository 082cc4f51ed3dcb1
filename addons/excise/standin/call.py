"""
What the stand-in gets, gives and charges: a request, a reply, a bill.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

_HALF = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Request:
    """
    One whole HTTP request. `headers` keep order, case and repeats; `host` is lower case and without port.
    """

    method: str
    host: str
    target: str  # path and query, as sent
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))

    def header(self, name: str) -> str | None:
        """
        First value of a header, case-insensitive; `None` where absent.
        """
        return next((value for key, value in self.headers if key.lower() == name), None)

    def bearer(self) -> str | None:
        """
        The key of `Authorization: Bearer …`; `None` where there is none, "" where it is blank.
        """
        scheme, _, key = (self.header("authorization") or "").partition(" ")
        return key.strip() if scheme.lower() == "bearer" else None


@dataclass(frozen=True, slots=True)
class Bill:
    """
    What the stand-in charges for one call. Totals are inclusive: cached input counts as input, reasoning as output.
    `usd` is `None` for a model without a price; `stated`: the answer itself carries these counts.
    """

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    usd: Decimal | None = None
    stated: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """
    An answer as the pieces that go out one network write each. `broken` is what this dialect writes into a stream that fails half-way.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    pieces: tuple[bytes, ...] = field(repr=False)
    streamed: bool = False
    bill: Bill | None = None
    broken: bytes = b""


class Refusal(Exception):
    """
    The provider says no, in its own words. Nothing is billed.
    """

    def __init__(self, status: int, body: Mapping[str, Any] | str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status}")
        kind = "text/html; charset=UTF-8" if isinstance(body, str) else "application/json"
        text = body if isinstance(body, str) else dumps(body)
        self.reply = Reply(status, (("content-type", kind), *headers), (text.encode(),))


def parsed(body: bytes) -> Any:
    """
    The JSON of a body.

    Raises:
        ValueError: It is none, or holds what Python alone takes for it (NaN, Infinity).
    """
    return json.loads(body, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def fields(text: str) -> frozenset[str]:
    """
    The names in a list set apart by blanks: the parameters a strict provider knows.
    """
    return frozenset(text.split())


def dumps(value: Any) -> str:
    """
    JSON as providers write it: compact, UTF-8 left as it is, half a surrogate pair escaped.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text if text.isascii() or not _HALF.search(text) else json.dumps(value, separators=(",", ":"))


def sse(value: Any, event: str | None = None, end: str = "\n") -> bytes:
    """
    One server-sent event; `value` is JSON, or a text that goes out as it is.
    """
    data = value if isinstance(value, str) else dumps(value)
    head = f"event: {event}{end}" if event else ""
    return f"{head}data: {data}{end}{end}".encode()


def json_reply(value: Any, bill: Bill | None = None, headers: tuple[tuple[str, str], ...] = (), kind: str = "application/json") -> Reply:
    """
    A plain JSON answer.
    """
    return Reply(200, (("content-type", kind), *headers), (dumps(value).encode(),), bill=bill)
