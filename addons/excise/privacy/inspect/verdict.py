"""
What is found in an answer, and what is done with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from excise.errors import Refused
from excise.privacy.detect.detector import Finding
from excise.privacy.detect.own import OwnDictionary, OwnPattern
from excise.privacy.detect.scanner import settle
from excise.privacy.entities import ENTITIES
from excise.privacy.inspect.cut import WINDOW
from excise.privacy.inspect.quotes import unescaped
from excise.privacy.profiles import Action
from excise.privacy.protection import Protection
from excise.privacy.redact import Counts
from excise.privacy.restore.live import Live

Value = tuple[str, int]  # an entity, and Python's keyed hash of a value


class Blocked(Exception):
    """
    Something is in the answer that policy blocks. No fault: it ends the look at an answer, and goes no further than the inspector.
    """

    def __init__(self, refusal: Refused) -> None:
        super().__init__()
        self.refusal = refusal


class Verdict:
    """
    One answer's. Immutable but for its counts.

    Attributes:
        counts: (entity, detector, action) -> how often. What stands in deltas and again in a snapshot counts once.
        action: What policy says of answers.
        window: See `cut.safe_cut`; at least the longest value of the operator's dictionaries.
        words: As there.

    Args:
        protection: What policy wants done.
        live: Our own placeholders, which are never findings; `None`: there are none.
    """

    def __init__(self, protection: Protection, live: Live | None) -> None:
        assert protection.answers is not None
        self.action = protection.answers
        self.counts: Counts = Counter()
        self._protection = protection
        self._scanner = (protection.answer_scanner or protection.scanner)()
        self._live = live
        self._seen: Counter[Value] = Counter()
        own = [rule for rule in self._scanner.rules if isinstance(rule, (OwnPattern, OwnDictionary))]
        self.words = not own
        self.window = max((WINDOW, *(getattr(rule, "longest", 0) for rule in own)))

    def find(self, text: str, *, escapes: bool = True) -> list[Finding]:
        """
        What policy asks for in `text`, ascending, none overlapping another.

        Args:
            escapes: Look at it with the escapes of JSON undone too.
        """
        found = self.wanted(self._scanner.scan(text))
        if escapes and (view := unescaped(text)) is not None:
            seen, places = view
            shown = self.wanted(self._scanner.scan(seen))
            found = settle([*found, *(one._replace(start=places[one.start], end=places[one.end]) for one in shown)])
        return found

    def scan(self, text: str) -> list[Finding]:
        """
        What the scanner finds in a document, asked for or not.
        """
        return self._scanner.scan(text)

    def wanted(self, found: Iterable[Finding]) -> list[Finding]:
        """
        The findings policy asks for.
        """
        profile = self._protection.profile
        return [one for one in found if one.detector not in profile.leaves_out and self._protection.action(one.entity) is not Action.ALLOW]

    def action_of(self, entity: str) -> Action:
        """
        What is done with a finding: an entity that is only reported in requests is only reported in answers.
        """
        return Action.REPORT_ONLY if self._protection.action(entity) is Action.REPORT_ONLY else self.action

    def judge(self, entity: str, detector: str, value: str, *, signed: bool = False) -> Action:
        """
        Count a finding, once, and say what is done with it.

        Args:
            signed: It stands where nothing may be changed; then masking is not possible, and reporting all that is left.

        Raises:
            Blocked: Nothing may follow.
        """
        self._seen[entity, hash(value)] += 1
        return self._count(entity, detector, signed=signed)

    def judge_again(self, found: Iterable[tuple[str, str, str, bool]]) -> None:
        """
        Count what is found in a document that may repeat what was counted before: (entity, detector, value, signed) each.

        Raises:
            Blocked: Nothing may follow.
        """
        here: Counter[Value] = Counter()
        for entity, detector, value, signed in found:
            name = entity, hash(value)
            here[name] += 1
            if here[name] > self._seen[name]:
                self._seen[name] = here[name]
                self._count(entity, detector, signed=signed)

    def _count(self, entity: str, detector: str, *, signed: bool) -> Action:
        action = self.action_of(entity)
        if signed and action is Action.MASK:
            action = Action.REPORT_ONLY
        self.counts[entity, detector, str(action)] += 1
        if action is Action.BLOCK:
            raise Blocked(
                Refused(
                    f"policy blocks answers with {ENTITIES[entity].meaning}, and this one has such (detector {detector})",
                    kind="answer_blocked",
                )
            )
        return action

    def not_ours(self, text: str, start: int, end: int) -> list[tuple[int, int]]:
        """
        text[start:end] without the placeholders in it, which stand for what the client has itself.
        """
        if self._live is None:
            return [(start, end)]
        parts, at = [], start
        for match in self._live.find(text[start:end]):
            parts.append((at, start + match.start))
            at = start + match.end
        if not parts:
            return [(start, end)]
        return [(first, last) for first, last in (*parts, (at, end)) if any(map(str.isalnum, text[first:last]))]
