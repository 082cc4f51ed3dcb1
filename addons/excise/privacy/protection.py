"""
What one entry of a policy's `redact` comes to: what is looked for, and what is done with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from excise.privacy.detect.detector import Rule
from excise.privacy.detect.scanner import Scanner
from excise.privacy.profiles import Action, Profile


@dataclass(frozen=True, slots=True)
class Protection:
    """
    Attributes:
        name: Of the entry.
        profile: What is looked for and done; with the entry's own actions in it.
        scanner: Gives the scanner of this profile; the first time it takes long.
        answer_scanner: The same for answers, without what would hold them up; `None`: the same.
        blocks_binary: Parts nobody can read are refused; with `extracts`, those whose text can be extracted are scanned instead.
        wide_scope: Placeholders agree over all calls of a tenant, not only in one conversation.
        answers: What is done with things the model produced; `None`: answers are not scanned.
    """

    name: str
    profile: Profile
    scanner: Callable[[], Scanner] = field(repr=False)
    answer_scanner: Callable[[], Scanner] | None = field(default=None, repr=False)
    refuses_unreadable: bool = True
    blocks_binary: bool = False
    extracts: bool = False
    wide_scope: bool = False
    answers: Action | None = None
    tells_model: bool = False

    def action(self, entity: str) -> Action:
        return self.profile.actions.get(entity, Action.ALLOW)


class Scanners:
    """
    The scanners of one policy, each made once.

    Args:
        rules: Every detector there is, the operator's own among them.
        make: From rules to a scanner.
    """

    def __init__(self, rules: Sequence[Rule], make: Callable[[Sequence[Rule]], Scanner]) -> None:
        self._rules = rules
        self._make = make
        self._made: dict[frozenset[str], Scanner] = {}

    def of(self, profile: Profile, *, quick: bool = False) -> Scanner:
        """
        Args:
            quick: Without rules that take milliseconds: for answers, which are scanned while they flow.
        """
        rules = tuple(rule for rule in self._rules if _wanted(rule, profile.actions) and not (quick and getattr(rule, "slow", False)))
        key = frozenset(rule.name for rule in rules)
        if key not in self._made:
            self._made[key] = self._make(rules)
        return self._made[key]


def _wanted(rule: Rule, actions: Mapping[str, Action]) -> bool:
    return any(actions.get(entity, Action.ALLOW) is not Action.ALLOW for entity in rule.entities)
