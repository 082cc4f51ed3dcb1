"""
Vaults: which value stands behind which placeholder. In memory only.

Python keeps strings where it likes and cannot promise to overwrite them: `wipe` drops every reference we hold, and the memory is free for
other use; that nothing of it is swapped out or dumped is for the process to see to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

import ahocorasick_rs

from excise.errors import Unavailable
from excise.privacy.detect.detector import BOUNDS, Finding, Rule
from excise.privacy.entities import Entity
from excise.privacy.placeholder import Placeholders
from excise.privacy.restore.live import Live
from excise.privacy.surrogate import Form, surrogate

_ENTRY_BYTES = 600  # of one entry beside its value: two dictionaries, two strings, what the search needs
_WEIGHT = 100  # nothing knows better than who has seen the value before
_LONG = 8


@dataclass(frozen=True, slots=True)
class Limits:
    """
    How much is kept, and how long.

    Attributes:
        entries: Most values of one scope.
        bytes: Most bytes of one scope, our own overhead included (estimated).
        ttl_seconds: A value that was not seen for so long may be dropped to make room; a scope that was not asked for is.
        scopes: Most scopes.
        total_bytes: Most bytes of all scopes; looked at when a scope is asked for, so that it may be exceeded by what running calls add.
    """

    entries: int = 20_000
    bytes: int = 16 << 20
    ttl_seconds: float = 3600.0
    scopes: int = 10_000
    total_bytes: int = 256 << 20


@dataclass(slots=True)
class _Entry:
    entity: str
    value: str = field(repr=False)
    size_bytes: int
    used: float


@dataclass(slots=True)
class Total:
    """
    Bytes of all vaults that are still held.
    """

    bytes: int = 0


class Vault:
    """
    The values of one scope. Not safe for several threads.

    A value has one placeholder, made for the entity it was first seen as; and, where a form was demanded, one surrogate of each form.

    Args:
        placeholders: Whose key is used.
        scope: Tenant or conversation, as it goes into the placeholders.
        limits: Of this vault.
        total: Counts the bytes of several vaults.
    """

    __slots__ = (
        "_by_token",
        "_known",
        "_limits",
        "_live",
        "_placeholders",
        "_scope",
        "_tokens",
        "_total",
        "_values",
        "bytes",
        "generation",
    )

    def __init__(self, placeholders: Placeholders, scope: str, limits: Limits | None = None, *, total: Total | None = None) -> None:
        self._placeholders = placeholders
        self._scope = scope
        self._total = total
        self._limits = limits or Limits()
        self._tokens: dict[tuple[Form | None, str], str] = {}
        self._by_token: OrderedDict[str, _Entry] = OrderedDict()  # least recently used first
        self._values: dict[str, str] = {}  # token -> value: what is handed out
        self._known: Rule | None = None
        self._live: Live | None = None
        self.generation = 0  # grows with every change of what is in here
        self.bytes = 0

    def __repr__(self) -> str:
        return f"<Vault of {len(self._values)} values>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a vault is not serialised")

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, value: object) -> bool:
        return (None, value) in self._tokens

    @property
    def scope(self) -> str:
        """
        Tenant or conversation, as it goes into the placeholders.
        """
        return self._scope

    def put(self, entity: Entity, value: str, *, now: float, form: Form | None = None) -> str:
        """
        The stand-in of a value, which is kept from now on.

        Args:
            entity: What the value is. A value known already keeps the placeholder of what it was first.
            value: As found, exactly.
            now: Monotonic seconds.
            form: Where a placeholder would not be valid.

        Raises:
            Unavailable: The vault is full, and nothing in it is old enough to be dropped. Nothing was kept.
            Refused: No surrogate of this form can stand for the value.
        """
        token = self._tokens.get((form, value))
        if token is not None:
            self._by_token[token].used = now
            self._by_token.move_to_end(token)
            return token
        size = len(value) * (1 if value.isascii() else 4) + _ENTRY_BYTES
        self._make_room(size, now)
        token = self._free(entity, value, form)
        # Known by another form, it keeps the type it had first.
        first = next((self._by_token[known].entity for known in self._known_as(value)), entity.name)
        self._tokens[form, value] = token
        self._by_token[token] = _Entry(first, value, size, now)
        self._values[token] = value
        self._charge(size)
        self._changed()
        return token

    @property
    def tokens(self) -> Mapping[str, str]:
        """
        Placeholder (or surrogate) -> value; a live view.
        """
        return MappingProxyType(self._values)

    @property
    def live(self) -> Live:
        """
        The tokens as restoring searches for them; made once per generation. Later values are not in it.
        """
        if self._live is None:
            self._live = Live(self._values, own=self._placeholders.is_own)
        return self._live

    def known(self, now: float) -> Rule:
        """
        A rule that finds every value in here, so that what was restored in one turn is replaced again in the next, wherever it stands.
        Made once per generation; a value found by it counts as used when `put`.

        Values older than the TTL are dropped first, so that what is forgotten is forgotten at once everywhere.
        """
        self._expire(now)
        if self._known is None:
            self._known = KnownValues({entry.value: entry.entity for entry in self._by_token.values()})
        return self._known

    def wipe(self) -> None:
        """
        Let go of every value. The vault may be used again, empty.
        """
        self._tokens.clear()
        self._by_token.clear()
        self._values.clear()
        self._charge(-self.bytes)
        self._changed()

    def leave(self) -> None:
        """
        Be counted no longer with the others.
        """
        if self._total is not None:
            self._total.bytes -= self.bytes
            self._total = None

    def _changed(self) -> None:
        self.generation += 1
        self._known = self._live = None

    def _known_as(self, value: str) -> Iterator[str]:
        for form in (None, *Form):
            if (token := self._tokens.get((form, value))) is not None:
                yield token

    def _free(self, entity: Entity, value: str, form: Form | None) -> str:
        turn = 0
        while True:
            if form is None:
                token = self._placeholders.make(self._scope, entity, value, turn=turn)
            else:
                token = surrogate(form, self._placeholders, self._scope, entity, value, turn=turn)
            if token not in self._values:
                return token
            turn += 1
            if turn > 10_000:
                raise Unavailable(
                    "no stand-in of this form is left in the vault; end the conversation or let policy block", kind="vault_full"
                )

    def _make_room(self, size: int, now: float) -> None:
        limits = self._limits
        if len(self._values) < limits.entries and self.bytes + size <= limits.bytes:
            return
        self._expire(now)
        if len(self._values) >= limits.entries or self.bytes + size > limits.bytes:
            raise Unavailable(
                "the vault of this scope is full: the request holds too many values to replace, or the limits are too small",
                kind="vault_full",
            )

    def _expire(self, now: float) -> None:
        oldest = now - self._limits.ttl_seconds
        before = len(self._values)
        while self._by_token:
            token, entry = next(iter(self._by_token.items()))
            if entry.used >= oldest:
                break
            del self._by_token[token], self._values[token]
            self._charge(-entry.size_bytes)
        if len(self._values) < before:
            self._tokens = {about: token for about, token in self._tokens.items() if token in self._values}
            self._changed()

    def _charge(self, size_bytes: int) -> None:
        self.bytes += size_bytes
        if self._total is not None:
            self._total.bytes += size_bytes


class KnownValues:
    """
    Finds given values exactly, wherever they stand: in linear time, all at once.

    Not inside a longer number, nor a short value inside a longer word: `Ann` is not found in `Annex`, nor 555123456 in 15551234567. A
    value of 8 characters or more is found inside words too: a model writes `PERSON_…s` for a genitive, and what came back as `Alexanders`
    must be found again. Scripts that put no space between words have no such bounds.

    Args:
        values: Value -> name of its entity.
    """

    name = "known-value"
    keywords: tuple[str, ...] = ()

    __slots__ = ("_automaton", "_found", "entities")

    def __init__(self, values: Mapping[str, str]) -> None:
        # A value cannot reach over the bounds of a document's strings; one with such a character inside was none of a document.
        self._found = [(value, entity) for value, entity in values.items() if value and not any(bound in value for bound in BOUNDS)]
        self._automaton = (
            ahocorasick_rs.AhoCorasick([_searchable(value) for value, _ in self._found], store_patterns=False) if self._found else None
        )
        self.entities = tuple(sorted({entity for _, entity in self._found}))

    def __repr__(self) -> str:
        return f"<KnownValues: {len(self._found)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("known values are not serialised")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        if self._automaton is None:
            return
        for index, start, end in self._automaton.find_matches_as_indexes(_searchable(text), overlapping=True):
            value, entity = self._found[index]
            if _stands_alone(text, start, end, len(value) < _LONG):
                yield Finding(start, end, entity, self.name, _WEIGHT)


_SURROGATES = dict.fromkeys(range(55296, 57344), 65533)


def _searchable(text: str) -> str:
    # The search takes UTF-8, which has no lone surrogates; JSON escapes may have made some. Length stays.
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.translate(_SURROGATES)
    return text


def _stands_alone(text: str, start: int, end: int, short: bool) -> bool:
    before = text[start - 1] if start else ""
    after = text[end] if end < len(text) else ""
    return not (_glued(text[start], before, short) or _glued(text[end - 1], after, short))


def _glued(edge: str, neighbour: str, short: bool) -> bool:
    if not neighbour or not _spaced(neighbour):
        return False
    if edge.isdigit():
        return True
    return short and _spaced(edge)


def _spaced(sign: str) -> bool:
    """
    A digit, or a letter of a script that puts spaces between its words (those before Thai in Unicode's order, and Latin's additions).
    """
    code = ord(sign)
    return sign.isalnum() and (code < 0x0E00 or 0x1E00 <= code < 0x2000)


class Vaults:
    """
    The vaults of all scopes: the least recently used one goes when there are too many, each when nobody asked for it in `ttl_seconds`.

    A call that still holds a vault which went keeps it until it lets go of it; the next call of that scope begins an empty one. Since
    placeholders are deterministic, it gets the same ones.

    Args:
        key: Of the installation.
        limits: Of each vault and of all.
    """

    __slots__ = ("_limits", "_total", "_vaults", "placeholders")

    def __init__(self, key: bytes, limits: Limits | None = None) -> None:
        self.placeholders = Placeholders(key)
        self._limits = limits or Limits()
        self._total = Total()
        self._vaults: OrderedDict[str, tuple[Vault, float]] = OrderedDict()  # least recently used first

    def __repr__(self) -> str:
        return f"<Vaults: {len(self._vaults)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("vaults are not serialised")

    def __len__(self) -> int:
        return len(self._vaults)

    def of(self, scope: str, now: float) -> Vault:
        """
        The vault of a scope, a new one where there is none.

        Args:
            scope: Tenant or conversation.
            now: Monotonic seconds.
        """
        held = self._vaults.pop(scope, None)
        self._expire(now)
        if held is not None and now - held[1] > self._limits.ttl_seconds:
            held[0].leave()
            held = None
        vault = held[0] if held is not None else Vault(self.placeholders, scope, self._limits, total=self._total)
        self._vaults[scope] = (vault, now)
        while len(self._vaults) > 1 and (len(self._vaults) > self._limits.scopes or self._total.bytes > self._limits.total_bytes):
            self._drop(next(iter(self._vaults)))
        return vault

    def wipe(self, scope: str | None = None) -> None:
        """
        End a scope, or all: their values are let go of, also for calls that still hold the vault.
        """
        gone = [scope] if scope is not None else list(self._vaults)
        for name in gone:
            if (held := self._vaults.pop(name, None)) is not None:
                held[0].wipe()

    def _expire(self, now: float) -> None:
        while self._vaults:
            scope, (_, used) = next(iter(self._vaults.items()))
            if now - used <= self._limits.ttl_seconds:
                return
            self._drop(scope)

    def _drop(self, scope: str) -> None:
        # Not wiped: a running call may still need it. Its bytes are no longer ours to count.
        vault, _ = self._vaults.pop(scope)
        vault.leave()
