"""
How an attempt failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from excise.wire.fault_sort import Sort

type Phase = Literal["connect", "head", "answer", "content"]


@dataclass(frozen=True, slots=True)
class Failure:
    """
    One attempt's end, before anything of its answer has reached the client.

    Attributes:
        kind: Stable, lower case: the ledger's `error_type` of the attempt. `connect_failed`, `connect_timeout`, `upstream_tls`,
            `upstream_timeout`, `upstream_closed`, `upstream_failed` of the transport; `http_503` … of a status; the provider's own type of
            an error in a stream; `answer_empty`, `answer_schema` … of an answer that came whole.
        phase: How far it got: `connect` (the request has not left), `head` (it has; no answer), `answer` (it answered: an error),
            `content` (what it answered is no good).
        status: Of HTTP, or what the error says it would have been.
        sort: What is the matter, where an answer says so.
        retry_after_seconds: When to try again, where the provider says so.
        should_retry: The provider's own word (`x-should-retry`).
    """

    kind: str
    phase: Phase
    status: int | None = None
    sort: Sort | None = None
    retry_after_seconds: float | None = None
    should_retry: bool | None = None
