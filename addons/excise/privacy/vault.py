"""
Vaults: which value stands behind which placeholder. In memory only.

Python keeps strings where it likes and cannot promise to overwrite them: `wipe` drops every reference we hold, and the memory is free for
other use; that nothing of it is swapped out or dumped is for the process to see to.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NoReturn

from excise.errors import Unavailable
from excise.privacy.entities import Entity
from excise.privacy.known_values import KnownValues
from excise.privacy.placeholder import Placeholders
from excise.privacy.restore.live import Live
from excise.privacy.surrogate import Form, surrogate

__all__ = ["KnownValues", "Limits", "Vault", "Vaults"]

_ENTRY_BYTES = 600  # of one entry beside its value: two dictionaries, two strings, what the search needs


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

    Attributes:
        generation: Grows with every change of what is in here, and only then, after the change. What was made of the vault under the same
            number (`known`, `live`) holds all of it.
        bytes: What it holds, our own overhead included (estimated).

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
        "_order",
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
        self._order: list[tuple[str, str]] = []  # value, entity; only appended to, another list once something is dropped
        self._known: tuple[list[tuple[str, str]], int, KnownValues] | None = None  # made of how much of which list
        self._live: tuple[int, Live] | None = None
        self.generation = 0
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
        first = next((self._by_token[known].entity for known in self._known_as(value)), None)
        if first is None:
            first = entity.name
            self._order.append((value, first))
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
        generation = self.generation
        if self._live is None or self._live[0] != generation:
            self._live = (generation, Live(self._values.copy(), own=self._placeholders.is_own))
        return self._live[1]

    def tokens_in(self, stand_ins: Iterable[str]) -> Live:
        """
        As `live`, but of these tokens only: those that stand in one request. What is no token of this vault is left out.
        """
        values = ((token, self._values.get(token)) for token in stand_ins)
        return Live({token: value for token, value in values if value is not None}, own=self._placeholders.is_own)

    def known(self, now: float) -> KnownValues:
        """
        A rule that finds every value in here, so that what was restored in one turn is replaced again in the next, wherever it stands.
        Made once per generation, which is its `generation`; a value found by it counts as used when `put`.

        Values older than the TTL are dropped first, so that what is forgotten is forgotten at once everywhere.
        """
        self._expire(now)
        # Noted before it is made: a value that comes meanwhile makes it stale, and the next one is made anew.
        generation, order = self.generation, self._order
        made, count, rule = self._known if self._known is not None else (None, 0, None)
        if rule is None or rule.generation != generation:
            if made is not order:
                count, rule = 0, None
            new = order[count:]
            rule = KnownValues(new, generation=generation, before=rule)
            self._known = (order, count + len(new), rule)
        return rule

    def wipe(self) -> None:
        """
        Let go of every value. The vault may be used again, empty.
        """
        self._tokens.clear()
        self._by_token.clear()
        self._values.clear()
        self._order, self._known, self._live = [], None, None
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
            self._order = list({entry.value: entry.entity for entry in self._by_token.values()}.items())
            self._known = self._live = None
            self._changed()

    def _charge(self, size_bytes: int) -> None:
        self.bytes += size_bytes
        if self._total is not None:
            self._total.bytes += size_bytes


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
