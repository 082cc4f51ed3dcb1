"""
A virtual key without what makes it a key, and the row it is kept as.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from excise.policy.glob import any_of

ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
ID_LENGTH = 12

_ID = re.compile(f"[{ID_LETTERS}]{{{ID_LENGTH}}}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_WORDS = ("team", "app", "user", "cost_centre", "env")
_ENDS = ("expires_at", "revoked_at")


@dataclass(frozen=True, slots=True)
class VirtualKey:
    """
    One key.

    Attributes:
        digest: SHA-256 of the whole key, hex. The key is random, so its digest says nothing of it.
        models: Globs of the names its holder may ask for; empty: all that policy allows.
        expires_at, revoked_at: UTC; `None`: never, not.
        before: Digests of the keys this one replaced, with the moment each stops to work.
    """

    id: str
    digest: str = field(repr=False)
    name: str
    created_at: datetime
    team: str | None = None
    app: str | None = None
    user: str | None = None
    cost_centre: str | None = None
    env: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    before: tuple[tuple[str, datetime], ...] = field(default=(), repr=False)

    def allows(self, model: str) -> bool:
        """
        Whether its holder may ask for a model of this name, case apart.
        """
        return not self.models or any_of(tuple(pattern.lower() for pattern in self.models))(model.lower())

    def fault(self, now: datetime) -> str | None:
        """
        Why it does not work now; `None`: it does.
        """
        if self.revoked_at is not None:
            return "it was revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "it has expired"
        return None

    def row(self) -> dict[str, Any]:
        """
        As `key_of` reads it; what is empty is left out.
        """
        said: dict[str, Any] = {"id": self.id, "digest": self.digest, "name": self.name, "created_at": self.created_at.isoformat()}
        said |= {word: value for word in _WORDS if (value := getattr(self, word)) is not None}
        said |= {name: list(value) if name == "models" else dict(value) for name in ("tags", "models") if (value := getattr(self, name))}
        said |= {name: at.isoformat() for name in _ENDS if (at := getattr(self, name)) is not None}
        if self.before:
            said["before"] = [[digest, until.isoformat()] for digest, until in self.before]
        return said


def key_of(row: Any) -> VirtualKey:
    """
    Raises:
        ValueError: It is no row of a key, in whatever way.
    """
    if not isinstance(row, dict):
        raise ValueError("a key is expected")
    written = dict(row)
    try:
        words: dict[str, Any] = {word: _text(value) for word in _WORDS if (value := written.pop(word, None)) is not None}
        ends: dict[str, Any] = {name: _moment(value) for name in _ENDS if (value := written.pop(name, None)) is not None}
        key = VirtualKey(
            id=_fitting(_ID, written.pop("id")),
            digest=_fitting(_DIGEST, written.pop("digest")),
            name=_text(written.pop("name")),
            created_at=_moment(written.pop("created_at")),
            **words,
            **ends,
            tags={_text(name): _text(value) for name, value in (written.pop("tags", None) or {}).items()},
            models=tuple(map(_text, _list(written.pop("models", None)))),
            before=tuple((_fitting(_DIGEST, digest), _moment(until)) for digest, until in _list(written.pop("before", None))),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("something is missing, or of another kind") from error
    if written:
        # Of a newer version: it might restrict the key, and writing the file again would lose it.
        raise ValueError("a field is not known")
    return key


def _fitting(pattern: re.Pattern[str], value: Any) -> str:
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise ValueError("another form is expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    return value


def _list(value: Any) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise ValueError("a list is expected")
    return value or []


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time zone is expected")  # could not be compared with the clock
    return moment
