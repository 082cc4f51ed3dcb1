"""
Everything Excise raises on purpose.

    ExciseError                     carries an HTTP status, a kind, and a text that says what to do next
    ├── WireError          400      bytes that are not what they claim to be (framing, coding, JSON)
    ├── BadRequest         400      a request we can read but not govern: duplicate keys, no model, wrong coding
    ├── Unauthenticated    401/407  who calls is not known, and policy wants to know
    ├── Refused            403      policy said no; never retried
    ├── TooLarge           413      over a documented limit
    ├── RateLimited        429      a limit or budget; carries `retry_after_seconds`
    ├── Unavailable        503      we cannot do it now (journal, no candidate); carries `retry_after_seconds`
    ├── UpstreamFailed     502      the provider could not be reached or broke off
    ├── UpstreamTimeout    504      the provider was silent for longer than the limit
    ├── InternalError      500      a bug of ours; the text says nothing of the cause, the log does
    ├── PolicyError        -        a policy file is wrong: file, line, column
    ├── SettingsError      -        a setting is wrong
    ├── CertificateError   -        the CA is missing, unreadable, expired or out of scope
    └── LedgerError        -        the journal or the ledger is not what it should be

Texts never contain a byte of a request or an answer.
"""

from __future__ import annotations


class ExciseError(Exception):
    """
    Base of the tree. `kind` is the `error_type` of the ledger row: stable, lower case, no spaces.
    """

    status: int = 500
    kind: str = "excise_error"

    def __init__(self, message: str, *, kind: str | None = None, status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        if kind is not None:
            self.kind = kind
        if status is not None:
            self.status = status


class WireError(ExciseError):
    status = 400
    kind = "malformed"


class BadRequest(ExciseError):
    status = 400
    kind = "bad_request"


class Unauthenticated(ExciseError):
    """
    `status` is 407 where the caller speaks to us as a proxy, 401 where it speaks to us as an endpoint.
    """

    status = 407
    kind = "unauthenticated"


class Refused(ExciseError):
    status = 403
    kind = "policy_denied"


class TooLarge(ExciseError):
    status = 413
    kind = "too_large"


class _RetryLater(ExciseError):
    def __init__(self, message: str, *, kind: str | None = None, retry_after_seconds: int | None = None) -> None:
        super().__init__(message, kind=kind)
        self.retry_after_seconds = retry_after_seconds


class RateLimited(_RetryLater):
    status = 429
    kind = "rate_limited"


class Unavailable(_RetryLater):
    status = 503
    kind = "unavailable"


class UpstreamFailed(ExciseError):
    status = 502
    kind = "upstream_failed"


class UpstreamTimeout(ExciseError):
    status = 504
    kind = "upstream_timeout"


class InternalError(ExciseError):
    status = 500
    kind = "internal"

    def __init__(self, message: str = "internal error; the call was refused. See the proxy's log for the call id.") -> None:
        super().__init__(message)


class PolicyError(ExciseError):
    """
    One or more faults in policy files. `places` is a list of (file, line, column, text), 1-based.
    """

    kind = "policy_invalid"

    def __init__(self, places: list[tuple[str, int, int, str]]) -> None:
        super().__init__("\n".join(f"{file}:{line}:{column}: {text}" for file, line, column, text in places))
        self.places = places


class SettingsError(ExciseError):
    kind = "settings_invalid"


class CertificateError(ExciseError):
    kind = "certificate"


class LedgerError(ExciseError):
    kind = "ledger"
