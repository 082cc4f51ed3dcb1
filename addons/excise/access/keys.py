"""
Virtual keys: keys of ours that stand where a provider's key would stand. Made and shown once; kept as digests.

    exk_<12 letters: the key's id>_<43 letters: 256 bits>

Workers look at the file once a second.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from excise.access.key_file import changes, read, stamp
from excise.access.virtual_key import ID_LENGTH, ID_LETTERS, VirtualKey
from excise.errors import SettingsError, Unauthenticated

PREFIX = "exk_"
MAX_KEYS = 20_000  # every worker reads them all again when one changes

_FORM = re.compile(r"exk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})")
# Enough of one to be no accident, also where its end is cut off.
_SHOWN = re.compile(rb"exk_[a-z0-9]{12}_[A-Za-z0-9_-]{8}")
_BASIC = re.compile(rb"\s*Basic\s+([A-Za-z0-9+/=_-]+)", re.IGNORECASE)
_PREFIX_BYTES = PREFIX.encode()
_MOST_OF_A_LINE = 64 * 1024  # of paths and headers, whose disguises are looked through; bodies may be larger


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
        seen = stamp(self._path)
        if seen != self._seen:
            self._keys = read(self._path)
            self._seen = seen

    def all(self) -> tuple[VirtualKey, ...]:
        """
        Every key, revoked and expired ones too, oldest first.
        """
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
                valid |= hmac.compare_digest(digest, given) and now < until
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
        with self._changes() as keys:
            if len(keys) >= MAX_KEYS:
                raise SettingsError(f"there are {MAX_KEYS} keys already; remove revoked ones from {self._path}")
            id_ = _new_id(keys)
            secret = _made(id_)
            key = keys[id_] = VirtualKey(id=id_, digest=_digest(secret), created_at=self._now(), **about)
        return key, secret

    def rotate(self, id_: str, *, until: datetime) -> tuple[VirtualKey, str]:
        """
        Give a key another secret; the old one works `until` then.

        Raises:
            SettingsError: There is no such key, or it does not work any more.
        """
        with self._changes() as keys:
            key = _known(keys, id_)
            now = self._now()
            if (fault := key.fault(now)) is not None:
                raise SettingsError(f"key {id_} does not work any more: {fault}; make another")
            secret = _made(id_)
            kept = tuple((digest, end) for digest, end in (*key.before, (key.digest, until)) if end > now)
            key = keys[id_] = replace(key, digest=_digest(secret), before=kept)
        return key, secret

    def revoke(self, id_: str) -> VirtualKey:
        """
        End a key, within a second in every worker.

        Raises:
            SettingsError: There is no such key.
        """
        with self._changes() as keys:
            key = _known(keys, id_)
            if key.revoked_at is None:
                key = keys[id_] = replace(key, revoked_at=self._now(), before=())
        return key

    @contextmanager
    def _changes(self) -> Iterator[dict[str, VirtualKey]]:
        with changes(self._path) as keys:
            yield keys
        self.poll()


def is_virtual(credential: str | None) -> bool:
    """
    Whether a credential is meant as a key of ours; it may still be a wrong one.
    """
    return credential is not None and credential.startswith(PREFIX)


def shows_key(data: bytes) -> bool:
    """
    Whether a key of ours, or most of one, stands in a header's value, a path or a body: as it is, percent-encoded, or as a Basic
    credential. Not promised: every other disguise.
    """
    if _PREFIX_BYTES in data and _SHOWN.search(data) is not None:
        return True
    if len(data) > _MOST_OF_A_LINE:
        return False
    if b"%" in data and _SHOWN.search(unquote_to_bytes(data)) is not None:
        return True
    if (basic := _BASIC.match(data)) is not None:
        try:
            return _SHOWN.search(base64.b64decode(basic[1] + b"==")) is not None
        except binascii.Error:
            return False
    return False


def _new_id(keys: Mapping[str, VirtualKey]) -> str:
    while (id_ := "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))) in keys:
        pass
    return id_


def _made(id_: str) -> str:
    return f"{PREFIX}{id_}_{secrets.token_urlsafe(32)}"


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _known(keys: Mapping[str, VirtualKey], id_: str) -> VirtualKey:
    key = keys.get(id_)
    if key is None:
        raise SettingsError(f"there is no key {id_!r}; `excise keys list` shows what there is")
    return key
