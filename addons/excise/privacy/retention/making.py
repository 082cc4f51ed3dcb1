"""
A plan in the making: switches are looked up in the request, one after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from excise.privacy.retention.entry import Standing, Switch
from excise.privacy.retention.receipt import Outcome, Receipt
from excise.privacy.retention.signed import signed_by
from excise.privacy.retention.target import taken, with_value
from excise.privacy.retention.where import Facts, other_spelling, values
from excise.wire.json_edit import Edit


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """
    What to do with a request. With `refusals` it must not leave; then the rest is of no use.

    Attributes:
        edits: Of the body, for `json_edit.apply`.
        headers: Set, by lower-case name.
        target: Path with query to send; `None` where it stays.
        refusals: Sentences, without anything of the request; empty where the call may leave.
        standing: How well it is known that nothing is kept, before the answer: never `verified`.
    """

    edits: tuple[Edit, ...] = field(repr=False)
    headers: dict[bytes, bytes] = field(repr=False)
    target: str | None = field(repr=False)
    refusals: tuple[str, ...]
    standing: Standing
    receipt: tuple[Receipt, ...]


class Making:
    """
    A plan in the making.
    """

    def __init__(
        self,
        facts: Facts,
        body: Any,
        headers: Sequence[tuple[bytes, bytes]],
        hashed: Callable[[str], str],
        on_store: Literal["set", "refuse"],
    ) -> None:
        self.facts = facts
        self.reasons = facts.reasons is True or any(value not in (None, {}) for value in values(body, ("reasoning",)))
        self._body = body
        self._headers = headers
        self._hashed = hashed
        self._on_store = on_store
        self._edits: dict[tuple[str, ...], Edit] = {}
        self._set_headers: dict[bytes, bytes] = {}
        self._target = facts.target
        self._refusals: list[str] = []
        self._receipt: list[Receipt] = []

    def refuse(self, rule: str, why: str) -> None:
        self.note(rule, Outcome.FORBIDDEN)
        self._refusals.append(why)

    def note(self, rule: str, outcome: Outcome) -> None:
        self._receipt.append(Receipt(rule, outcome))

    def plan(self, standing: Standing) -> RetentionPlan:
        return RetentionPlan(
            edits=tuple(self._edits.values()),
            headers=self._set_headers,
            target=self._target if self._target != self.facts.target else None,
            refusals=tuple(self._refusals),
            standing=standing,
            receipt=tuple(self._receipt),
        )

    def turn(self, switch: Switch) -> None:
        """
        Set one switch.
        """
        match switch.kind:
            case "json":
                self._turn_json(switch)
            case "header":
                self._put_header(switch.rule, switch.name, switch.value)
            case _:
                self._turn_query(switch)

    def check_signature(self) -> None:
        """
        What is signed is not changed: the provider would refuse it, and only its sender can sign it again.
        """
        if not self._edits and not self._set_headers and self._target == self.facts.target:
            return
        if (how := signed_by(self.facts.target, self._headers, body=bool(self._edits))) is not None:
            self.refuse(
                "leave signed requests alone",
                f"the request would have to be changed, and {how}. Let the client send it as zero retention wants it, or use a bearer key",
            )

    # -- body ------------------------------------------------------------------------------------------------------------------------

    def _turn_json(self, switch: Switch) -> None:
        path = switch.steps if switch.action != "append" else (*switch.steps, str(switch.value))
        if any(path[:length] in self._edits for length in range(1, len(path) + 1)):
            return  # an earlier rule has settled it, or taken away what it stands in
        if not isinstance(self._body, dict):
            if not switch.only_present:
                self.refuse(switch.rule, f"{switch.name} has to be set, and the body is no JSON object")
            return
        if other_spelling(self._body, switch.steps):
            self.refuse(switch.rule, f"{switch.name} is given in another case of letters; readers would disagree on which one holds")
            return
        said, misplaced = _look(self._body, switch.steps)
        if misplaced:
            if not switch.only_present:
                self.refuse(switch.rule, f"{switch.name} has to be set, and what stands in its place is no object")
            return
        if switch.only_present and said is None:
            return
        edit = self._edit(switch, said)
        if edit is None:
            return
        self._edits[path] = edit
        self.note(switch.rule, Outcome.APPLIED)

    def _edit(self, switch: Switch, said: Any) -> Edit | None:
        match switch.action:
            case "remove":
                return Edit(switch.steps, "delete")
            case "hash":
                if isinstance(said, bool | dict | list):
                    return Edit(switch.steps, "delete")
                return Edit(switch.steps, "set", self._hashed(str(said))) if said != "" else None
            case "append":
                if said is not None and not isinstance(said, list):
                    self.refuse(switch.rule, f"{switch.name} has to be added to, and is no list")
                    return None
                if said is None or switch.value not in said:
                    return Edit(switch.steps, "append", switch.value)
            case _:
                if type(said) is not type(switch.value) or said != switch.value:
                    if self._on_store == "refuse" and switch.steps[-1] == "store" and said not in (None, False):
                        self.refuse(switch.rule, "the client asks the provider to store the call, and policy refuses that")
                        return None
                    return Edit(switch.steps, "set", switch.value)
        self.note(switch.rule, Outcome.ALREADY)
        return None

    # -- headers and query -----------------------------------------------------------------------------------------------------------

    def _put_header(self, rule: str, name: str, value: str) -> None:
        low, wanted = name.lower().encode("ascii"), value.encode("latin-1")
        there = [sent for sent_name, sent in self._headers if sent_name.lower() == low]
        if there == [wanted]:
            self.note(rule, Outcome.ALREADY)
            return
        self._set_headers[low] = wanted
        self.note(rule, Outcome.APPLIED)

    def _turn_query(self, switch: Switch) -> None:
        if switch.action == "move":
            self._move(switch)
            return
        before = self._target
        self._target = with_value(before, switch.name, switch.value)
        self.note(switch.rule, Outcome.ALREADY if self._target == before else Outcome.APPLIED)

    def _move(self, switch: Switch) -> None:
        rest, found = taken(self._target, switch.name)
        if not found:
            return
        low = switch.value.lower().encode("ascii")
        there = {sent.decode("latin-1").strip() for name, sent in self._headers if name.lower() == low}
        if len({*found, *there}) != 1 or not found[0].isascii() or not found[0].isprintable():
            self.refuse(switch.rule, f"the query gives {switch.name}, which belongs into the header {switch.value}, and they do not agree")
            return
        self._target = rest
        if not there:
            self._set_headers[low] = found[0].encode("ascii")
        self.note(switch.rule, Outcome.APPLIED)


def _look(body: Any, path: tuple[str, ...]) -> tuple[Any, bool]:
    """
    What stands at a path, `None` where nothing does; and whether something stands in the way of putting anything there.
    """
    node = body
    for step in path:
        if node is None:
            return None, False
        if not isinstance(node, dict):
            return None, True
        node = node.get(step)
    return node, False
