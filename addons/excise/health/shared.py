"""
Records of health in memory that all workers of a host share, so that what one of them learns the others know.

Readers take no lock. A slot holds its record twice, each copy with a version and a checksum; a writer overwrites the older copy, so that
the newer one stays whole whatever happens to the writer, and a torn copy is seen to be none. Writers of one slot exclude each other by a
lock on its byte range, which the kernel takes back from the dead. Nobody waits: who does not get the lock at once gives up the update,
since a sample less does no harm and a loop that stands still does.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import random
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from zlib import crc32

from excise.health.health_file import HEADER_BYTES, SLOT_BYTES, open_health_file
from excise.health.keys import KEY_BYTES
from excise.routing import health
from excise.routing.health import NOTHING, Record
from excise.routing.rate_limits import limited_until
from excise.routing.standing import Standing

_BODY = struct.Struct(f"={len(NOTHING)}d")
_COPY = struct.Struct(f"=QI4x{len(NOTHING)}d")  # version (0: none), checksum of key, version and record, the record
_VERSION = struct.Struct("=Q")
_PLACES = (KEY_BYTES, KEY_BYTES + _COPY.size)  # of the copies in a slot
_NO_KEY = bytes(KEY_BYTES)

_PROBES = 16  # slots a key may stand in; when all are taken, the one unused longest is given away
_LOOKS = 3
_TRIES = 40  # some 50 µs
_CLOCK_SLACK_SECONDS = 5.0  # a record from further ahead is of another boot


class SharedHealth:
    """
    Health by key, shared by all processes that open the same file. Reads take some 5 µs and writes some 20, and neither ever waits.

    Keys are 16 bytes, see `key_of`. All methods may be called from any thread.

    Args:
        path: Of the file, made where there is none.
        slots: How many keys it holds; keys unused for longest make room.
        clock: Monotonic, the same in all processes of a host.
        wall: Epoch seconds, for limits that end on a date.
        dice: Evenly from [0, 1).

    Raises:
        OSError: The file cannot be made.
    """

    def __init__(
        self,
        path: Path,
        *,
        slots: int = 4096,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self.dropped = 0  # updates given up
        self._slots, self._clock, self._wall, self._dice = slots, clock, wall, dice
        self._fd = open_health_file(path, slots)
        self._map = mmap.mmap(self._fd, HEADER_BYTES + slots * SLOT_BYTES)
        self._known: dict[bytes, int] = {}
        self._threads = Lock()  # record locks exclude processes only

    def close(self) -> None:
        """
        Give up the file; what is in it stays for the others.
        """
        self._map.close()
        os.close(self._fd)

    def now(self) -> float:
        """
        On the clock all times here are on.
        """
        return self._clock()

    # -- asking ------------------------------------------------------------------------------------------------------------------------

    def standing(self, key: bytes) -> Standing:
        """
        What is known at this moment.
        """
        now = self._clock()
        return health.standing(self._read(key, now), now)

    def may_try(self, key: bytes) -> bool:
        """
        Whether a call may be sent: of a breaker that may be probed to one caller at a time, who reports, or calls `released`.
        """
        now = self._clock()
        record = self._read(key, now)
        if not record.open_until or now < record.open_until:
            return not record.open_until
        return self._change(key, lambda record: health.probe(record, now), now)

    def may_retry(self, key: bytes) -> bool:
        """
        Whether the retry budget has one left; it is spent.
        """
        now = self._clock()
        return self._change(key, lambda record: health.retry(record, now), now)

    # -- telling -----------------------------------------------------------------------------------------------------------------------

    def succeeded(self, key: bytes, first_byte_seconds: float | None = None, tokens_per_second: float | None = None) -> None:
        """
        A call was answered.
        """
        now = self._clock()
        self._change(
            key,
            lambda record: (
                health.succeeded(record, now, first_byte_seconds=first_byte_seconds, tokens_per_second=tokens_per_second),
                True,
            ),
            now,
        )

    def failed(self, key: bytes, *, hard: bool) -> None:
        """
        A call failed, and it counts against this key.

        Args:
            hard: The host did not answer, or refused the key.
        """
        now, dice = self._clock(), self._dice()
        self._change(key, lambda record: (health.failed(record, now, hard=hard, dice=dice), True), now)

    def released(self, key: bytes) -> None:
        """
        A call ended that says nothing about this key; if it was a probe, another may follow.
        """
        now = self._clock()
        if self._read(key, now).probe_until:
            self._change(key, lambda record: (health.released(record, now), True), now)

    def limited(self, key: bytes, until: float) -> None:
        """
        Not to be asked before `until`, on the clock of this object.
        """
        now = self._clock()
        self._change(key, lambda record: (health.limited(record, now, until), True), now)

    def learned(self, key: bytes, headers: Iterable[tuple[bytes, bytes]], status: int) -> None:
        """
        Take the limits an answer's headers speak of.
        """
        until = limited_until(headers, status, now=self._clock(), now_wall=self._wall())
        if until is not None:
            self.limited(key, until)

    # -- slots -------------------------------------------------------------------------------------------------------------------------

    def _read(self, key: bytes, now: float) -> Record:
        offset = self._offset(key)
        if offset is None:
            return NOTHING
        for _ in range(_LOOKS):
            slot = self._map[offset : offset + SLOT_BYTES]
            newest, _, record = _newest(key, slot)
            if newest:
                return record if record.updated <= now + _CLOCK_SLACK_SECONDS else NOTHING
        return NOTHING

    def _change(self, key: bytes, change: Callable[[Record], tuple[Record, bool]], now: float) -> bool:
        """
        Replace a record by what `change` makes of it; its word, or `False` where the record could not be had.
        """
        with self._threads:
            offset = self._offset(key)
            if offset is None:
                offset = self._claimed(key)
            if offset is None:
                self.dropped += 1
                return False
            with self._locked(offset) as locked:
                slot = self._map[offset : offset + SLOT_BYTES]
                if not locked or slot[:KEY_BYTES] != key:  # given away meanwhile
                    self.dropped += 1
                    return False
                version, place, record = _newest(key, slot)
                if record.updated > now + _CLOCK_SLACK_SECONDS:
                    record = NOTHING
                changed, word = change(record)
                if changed is not record:
                    other = offset + _PLACES[1 - place]
                    self._map[other : other + _COPY.size] = _copy(key, version + 1, changed)
                return word

    def _offset(self, key: bytes) -> int | None:
        known = self._known.get(key)
        if known is not None and self._map[known : known + KEY_BYTES] == key:
            return known
        for offset in self._window(key):
            found = self._map[offset : offset + KEY_BYTES]
            if found == key:
                if len(self._known) >= self._slots:
                    self._known.clear()
                self._known[key] = offset
                return offset
            if found == _NO_KEY:
                return None
        return None

    def _window(self, key: bytes) -> Iterator[int]:
        """
        Where a key may stand. Slots are given away, never emptied, so that no search ends too early.
        """
        first = int.from_bytes(key[:8], "little")
        for step in range(min(_PROBES, self._slots)):
            yield HEADER_BYTES + (first + step) % self._slots * SLOT_BYTES

    def _claimed(self, key: bytes) -> int | None:
        """
        A slot for a key that has none; `None`: too much is going on.
        """
        with self._locked(0) as alone:
            offset = self._offset(key)
            if not alone or offset is not None:
                return offset
            offset = min(self._window(key), key=self._last_used)
            with self._locked(offset) as locked:
                if not locked:
                    return None
                # The copies' checksums are with the old key: whatever of this arrives, none of them is taken for the new one's.
                self._map[offset : offset + SLOT_BYTES] = key.ljust(SLOT_BYTES, b"\0")
                return offset

    def _last_used(self, offset: int) -> float:
        slot = self._map[offset : offset + SLOT_BYTES]
        key = slot[:KEY_BYTES]
        return -1.0 if key == _NO_KEY else _newest(key, slot)[2].updated

    @contextmanager
    def _locked(self, offset: int) -> Iterator[bool]:
        for _ in range(_TRIES):
            try:
                fcntl.lockf(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, offset)
                break
            except OSError:  # held by another; or the file system has no locks, and nothing is learned
                os.sched_yield()
        else:
            yield False
            return
        try:
            yield True
        finally:
            fcntl.lockf(self._fd, fcntl.LOCK_UN, 1, offset)


def _copy(key: bytes, version: int, record: Record) -> bytes:
    return _COPY.pack(version, _checksum(key, version, _BODY.pack(*record)), *record)


def _checksum(key: bytes, version: int, body: bytes) -> int:
    return crc32(body, crc32(key + _VERSION.pack(version)))


def _newest(key: bytes, slot: bytes) -> tuple[int, int, Record]:
    """
    Version, number and record of the newest whole copy; version 0 where there is none.
    """
    newer = int(_version(slot, _PLACES[1]) > _version(slot, _PLACES[0]))
    for number in (newer, 1 - newer):
        place = _PLACES[number]
        version, checksum, *values = _COPY.unpack_from(slot, place)
        if version and checksum == _checksum(key, version, slot[place + _COPY.size - _BODY.size : place + _COPY.size]):
            return version, number, Record._make(values)
    return 0, 1, NOTHING


def _version(slot: bytes, place: int) -> int:
    version: int = _VERSION.unpack_from(slot, place)[0]
    return version
