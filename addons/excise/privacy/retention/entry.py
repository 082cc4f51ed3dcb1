"""
What is known of one provider's retention, ready to be asked: made of the plain data of catalog/retention.yml.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Literal

from excise.privacy.retention.where import Facts, Steps, Where, fits, steps, values

_NOTHING_SAID: tuple[Any, ...] = (None, "", [], {})


class Standing(StrEnum):
    """
    How well it is known that nothing is kept: the ledger's `retention`.
    """

    UNKNOWN = "unknown"  # what a request can do was done; nobody says that it is enough
    ASSERTED = "asserted"  # the provider's documentation says so for such a call, or the operator for his account
    VERIFIED = "verified"  # the answer itself said so


@dataclass(frozen=True, slots=True)
class Switch:
    """
    Something set in every request it speaks of.

    Attributes:
        rule: Its name on the receipt.
        kind: Where it stands.
        name: Of the header or query parameter; the path of a JSON member as written.
        action: `set` to a value, `append` to a list, `hash` what is there, `remove` it, or `move` a query parameter into a header.
        value: The value; for `move` the header's name.
        only_present: Where the client said nothing, nothing is done.
        only_reasoning: Only where the model reasons: others refuse it.
    """

    rule: str
    where: Where
    kind: Literal["json", "header", "query"]
    name: str
    steps: Steps
    action: Literal["set", "append", "hash", "remove", "move"]
    value: Any
    only_present: bool
    only_reasoning: bool


@dataclass(frozen=True, slots=True)
class Ban:
    """
    Something no request may have.

    Attributes:
        why: Half a sentence for the refusal: what would be kept, by whom.
        steps: Paths into the body; one is enough. Empty, and no tools: the call itself is banned.
        is_: Values that are banned, strings as patterns; empty: whatever says something.
        is_not: Values that are not; all others are.
        tools: Patterns of tool types. `tool_keys`: members by which a tool is known where it has no type (Gemini).
        tools_unless: A path within the tool and a value there, which make it harmless.
    """

    rule: str
    where: Where
    why: str
    steps: tuple[Steps, ...] = ()
    is_: tuple[Any, ...] = ()
    is_not: tuple[Any, ...] = ()
    tools: tuple[str, ...] = ()
    tool_keys: frozenset[str] = frozenset()
    tools_unless: tuple[Steps, Any] | None = None

    @property
    def of_calls(self) -> bool:
        """
        Whether calls themselves are banned, whatever is in their bodies.
        """
        return not self.steps and not self.tools and not self.tool_keys

    def hits(self, facts: Facts, body: Any) -> bool:
        """
        Whether a call has what is banned.
        """
        if not self.where.holds(facts):
            return False
        if self.of_calls:
            return True
        if any(self._banned(value) for path in self.steps for value in values(body, path)):
            return True
        return bool(self.tools or self.tool_keys) and any(self._bans_tool(tool) for tool in _tools(body))

    def _banned(self, value: Any) -> bool:
        if any(type(value) is type(nothing) and value == nothing for nothing in _NOTHING_SAID):
            return False
        if self.is_not:
            return not _among(value, self.is_not)
        return not self.is_ or _among(value, self.is_)

    def _bans_tool(self, tool: dict[str, Any]) -> bool:
        type_ = tool.get("type")
        known = isinstance(type_, str) and fits(type_.lower(), self.tools)
        if not known and not any(key.lower() in self.tool_keys for key in tool):
            return False
        return self.tools_unless is None or not any(value == self.tools_unless[1] for value in values(tool, self.tools_unless[0]))


def _among(value: Any, listed: Iterable[Any]) -> bool:
    if isinstance(value, str):
        return fits(value.lower(), [one.lower() for one in listed if isinstance(one, str)])
    return any(type(value) is type(one) and value == one for one in listed)


def _tools(body: Any, depth: int = 4) -> Iterable[dict[str, Any]]:
    # Tools may be grouped: {"type": "namespace", "tools": […]}.
    if depth:
        for tool in values(body, ("tools", "[*]")):
            if isinstance(tool, dict):
                yield tool
                yield from _tools(tool, depth - 1)


@dataclass(frozen=True, slots=True)
class Signal:
    """
    Something by which an answer says what becomes of it.

    Attributes:
        header: Name, lower case; or
        answers: paths in the answer's first JSON.
        expected: The value that proves it; `None` with `asked`: what stands there in the request.
        proves: `retention`: makes the call verified. `region`: a mismatch is a fault, a match proves nothing about retention.
    """

    rule: str
    header: bytes
    answers: tuple[Steps, ...]
    expected: str | None
    asked: Steps
    proves: Literal["retention", "region"]


@dataclass(frozen=True, slots=True)
class Entry:
    """
    One provider.

    Attributes:
        says: What happens where nobody does anything, in a sentence.
        promised: The provider's own documentation says that nothing is kept of a call that passes these rules.
        refuse_unattested: Without the operator's word the provider is not used.
        attest: What that word means; `None`: there is nothing he could state.
        covers: Operations the entry was checked for.
        admin: Rules that only an administrator's call could check; never called from here.
        checked_on: `None` for what stands in for providers without an entry.
    """

    id: str
    says: str
    promised: bool
    refuse_unattested: bool
    attest: str | None
    covers: frozenset[str]
    switches: tuple[Switch, ...]
    bans: tuple[Ban, ...]
    signals: tuple[Signal, ...]
    admin: tuple[str, ...]
    checked_on: date | None
    expires_on: date | None
    everywhere: tuple[Switch, ...] = field(default=())


def entry_of(data: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]], everywhere: Iterable[Mapping[str, Any]] = ()) -> Entry:
    """
    Make an entry of checked data (see catalog/retention.py).

    Args:
        data: A provider.
        groups: Rules several providers share, by name; those in `data["use"]` come after the provider's own.
        everywhere: Switches every provider has, last.
    """
    parts = [data, *(groups[name] for name in data.get("use") or ())]
    verify = data.get("verify") or ()
    return Entry(
        id=data["id"],
        says=data["default"]["says"],
        promised=data["promised"],
        refuse_unattested=data["unattested"] == "refuse",
        attest=data["attest"],
        covers=frozenset(data["covers"]),
        switches=tuple(_switch(rule) for part in parts for rule in part.get("set") or ()),
        bans=tuple(_ban(rule) for part in parts for rule in part.get("forbid") or ()),
        signals=tuple(_signal(rule) for rule in verify if not rule.get("admin")),
        admin=tuple(f"verify {rule['admin']['method']} {rule['admin']['url']}" for rule in verify if rule.get("admin")),
        checked_on=data.get("checked_on"),
        expires_on=data.get("expires_on"),
        everywhere=tuple(_switch(rule) for rule in everywhere),
    )


def _switch(data: Mapping[str, Any]) -> Switch:
    kind: Literal["json", "header", "query"] = "json" if data.get("json") else "header" if data.get("header") else "query"
    name = data[kind]
    action: Literal["set", "append", "hash", "remove", "move"] = "set"
    value = data.get("value")
    if data.get("append") is not None:
        action, value = "append", data["append"]
    elif data.get("hash"):
        action = "hash"
    elif data.get("remove"):
        action = "remove"
    elif data.get("to_header"):
        action, value = "move", data["to_header"]
    return Switch(
        rule=f"{action} {name}",
        where=Where.of(data),
        kind=kind,
        name=name,
        steps=steps(name) if kind == "json" else (),
        action=action,
        value=value,
        only_present=bool(data.get("if_present")) or action in ("hash", "remove", "move"),
        only_reasoning=bool(data.get("if_reasoning")),
    )


def _ban(data: Mapping[str, Any]) -> Ban:
    paths = tuple(steps(path) for path in data.get("json") or ())
    unless = data.get("tools_unless")
    named = ("json", "tools", "tool_keys", "operations", "unless_models", "paths", "models", "dialects", "hosts")
    key = next(name for name in named if data.get(name))
    what = "a model without provider" if key == "unless_models" else ", ".join(data[key])
    return Ban(
        rule=f"forbid {what}",
        where=Where.of(data),
        why=data["why"],
        steps=paths,
        is_=tuple(data.get("is") or ()),
        is_not=tuple(data.get("is_not") or ()),
        tools=tuple(name.lower() for name in data.get("tools") or ()),
        tool_keys=frozenset(name.lower() for name in data.get("tool_keys") or ()),
        tools_unless=(steps(unless["json"]), unless["value"]) if unless else None,
    )


def _signal(data: Mapping[str, Any]) -> Signal:
    header, answers = data.get("header"), data.get("answer") or ()
    return Signal(
        rule=f"verify {header or ', '.join(answers)}",
        header=(header or "").lower().encode("ascii"),
        answers=tuple(steps(path) for path in answers),
        expected=data.get("expected"),
        asked=steps(data["asked"]) if data.get("asked") else (),
        proves=data["proves"],
    )
