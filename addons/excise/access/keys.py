"""
Virtual keys: keys of ours that stand where a provider's key would stand. Made and shown once; kept as digests.

    exk_<12 letters: the key's id>_<43 letters: 256 bits>

The file is one JSON document, replaced whole; workers look at it once a second.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from excise.errors import SettingsError, Unauthenticated
from excise.policy.glob import any_of

PREFIX = "exk_"
MAX_KEYS = 100_000

_FORM = re.compile(r"exk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
_ID_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_VERSION = 1


@dataclass(frozen=True, slots=True)
class VirtualKey:
    """
    One key, without what makes it a key.

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


class KeyStore:
    """
    The keys of an installation.

    Args:
        path: The file; it need not exist.
        now: The clock, UTC.

    Raises:
        SettingsError: The file is there and is no key file.
    """

    def __init__(self, path: Path, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._path = path
        self._now = now
        self._seen: tuple[int, ...] | None = None
        self._keys: dict[str, VirtualKey] = {}
        self.poll()

    def poll(self) -> None:
        """
        Read the file again if it has changed. What cannot be read leaves the keys as they are and is told.

        Raises:
            SettingsError: It cannot be read, or is no key file.
        """
        signature = _signature(self._path)
        if signature != self._seen:
            self._keys = _read(self._path)
            self._seen = signature

    def all(self) -> tuple[VirtualKey, ...]:
        return tuple(sorted(self._keys.values(), key=lambda key: (key.created_at, key.id)))

    def find(self, secret: str) -> VirtualKey:
        """
        Whose key this is.

        Raises:
            Unauthenticated: Nobody's, or it does not work any more.
        """
        found = _FORM.fullmatch(secret)
        key = self._keys.get(found[1]) if found is not None else None
        given = _digest(secret)
        now = self._now()
        valid = key is not None and hmac.compare_digest(key.digest, given)
        if key is not None and not valid:
            for digest, until in key.before:
                valid = valid or (hmac.compare_digest(digest, given) and now < until)
        if key is None or not valid:
            raise Unauthenticated("this key is not known here; ask whoever runs the proxy for one (`excise keys create`)", status=401)
        if (fault := key.fault(now)) is not None:
            raise Unauthenticated(f"this key does not work any more: {fault}; ask whoever runs the proxy for another", status=401)
        return key

    def create(self, **about: Any) -> tuple[VirtualKey, str]:
        """
        Make a key. Returns it and the secret, which is nowhere else.

        Args:
            about: The other fields of `VirtualKey`.

        Raises:
            SettingsError: There are too many, or the file cannot be written.
        """
        with self._writing() as keys:
            if len(keys) >= MAX_KEYS:
                raise SettingsError(f"there are {MAX_KEYS} keys already; revoke some and remove them from {self._path}")
            id_ = "".join(secrets.choice(_ID_LETTERS) for _ in range(12))
            secret = _made(id_)
            key = keys[id_] = VirtualKey(id=id_, digest=_digest(secret), created_at=self._now(), **about)
        return key, secret

    def rotate(self, id_: str, *, until: datetime) -> tuple[VirtualKey, str]:
        """
        Give a key another secret; the old one works `until` then.

        Raises:
            SettingsError: There is no such key, or it was revoked.
        """
        with self._writing() as keys:
            key = _known(keys, id_)
            if key.revoked_at is not None:
                raise SettingsError(f"key {id_} was revoked; make another")
            secret = _made(id_)
            kept = tuple((digest, end) for digest, end in key.before if end > self._now())
            key = keys[id_] = replace(key, digest=_digest(secret), before=(*kept, (key.digest, until)))
        return key, secret

    def revoke(self, id_: str) -> VirtualKey:
        """
        End a key, within a second in every worker.

        Raises:
            SettingsError: There is no such key.
        """
        with self._writing() as keys:
            key = _known(keys, id_)
            if key.revoked_at is None:
                key = keys[id_] = replace(key, revoked_at=self._now(), before=())
        return key

    @contextmanager
    def _writing(self) -> Iterator[dict[str, VirtualKey]]:
        """
        The keys, to be changed and written; one writer at a time.
        """
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(f"{self._path}: the keys cannot be written: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            keys = _read(self._path)
            yield keys
            _write(self._path, keys)
            self._keys, self._seen = keys, _signature(self._path)
        finally:
            os.close(lock)


def is_virtual(credential: str | None) -> bool:
    """
    Whether a credential is meant as a key of ours; it may still be a wrong one.
    """
    return credential is not None and credential.startswith(PREFIX)


def _made(id_: str) -> str:
    return f"{PREFIX}{id_}_{secrets.token_urlsafe(32)}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _known(keys: Mapping[str, VirtualKey], id_: str) -> VirtualKey:
    key = keys.get(id_)
    if key is None:
        raise SettingsError(f"there is no key {id_!r}; `excise keys list` shows what there is")
    return key


def _signature(path: Path) -> tuple[int, ...] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> dict[str, VirtualKey]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: the keys cannot be read: {error.strerror}") from error
    try:
        document = json.loads(content)
        if document["version"] != _VERSION:
            raise ValueError
        return {row["id"]: _key(row) for row in document["keys"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SettingsError(
            f"{path}: this is no key file of this version; restore it from a backup, or remove it and make new keys"
        ) from None


def _key(row: dict[str, Any]) -> VirtualKey:
    times = {name: datetime.fromisoformat(row[name]) if row.get(name) else None for name in ("created_at", "expires_at", "revoked_at")}
    before = tuple((digest, datetime.fromisoformat(until)) for digest, until in row.get("before", ()))
    return VirtualKey(**{**row, **times, "models": tuple(row.get("models", ())), "before": before})


def _write(path: Path, keys: Mapping[str, VirtualKey]) -> None:
    rows = [asdict(key) for key in keys.values()]
    content = json.dumps({"version": _VERSION, "keys": rows}, default=lambda value: value.isoformat(), indent=1).encode()
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise SettingsError(f"{path}: the keys cannot be written: {error.strerror}") from error
