"""
From what was found in a request to what leaves: each finding gets its action, and the replacements are spliced in.

In three steps, so that the long ones can run in a thread while vaults are only touched between them: `look`, `Plan.decide`,
`Plan.carry_out`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from excise.errors import Refused
from excise.privacy.detect.detector import Finding, Rule
from excise.privacy.detect.scanner import Scanner
from excise.privacy.entities import ENTITIES, Kind
from excise.privacy.known_values import KnownValues
from excise.privacy.placeholder import Placeholders
from excise.privacy.profiles import Action
from excise.privacy.protection import Protection
from excise.privacy.restore.live import Live
from excise.privacy.surrogate import Form, surrogate
from excise.privacy.vault import Vault
from excise.privacy.walk.layer import Place
from excise.privacy.walk.source import Rewritten, Source
from excise.privacy.walk.spots import Spot

# Of these the last four characters stay when masked: people recognise their own card by them.
_TAIL_KEPT = frozenset({"CARD", "IBAN", "BANK_ACCOUNT", "PHONE"})
_TAIL = 4
_STARS = "********"
_STRICTER = 1000  # above every weight
_REPLACES = 1
_AT_A_TIME = 256  # places decided before others may run: some milliseconds
_SURE = 70  # weight of a finding that its own shape or checksum proves

Counts = Counter[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Redaction:
    """
    What was done with one request: for the row, and for the way back.

    Attributes:
        rule: Entry of the policy's `redact`.
        counts: (entity, detector, action) -> how often.
        scanned_bytes, skipped_bytes, unscanned_bytes: Of the request, as the walk accounts for them.
        live: Placeholders that may come back in the answer, and what they stand for; `None`: there are none.
        answers: What is done with things the model itself produced; `None`: answers are not scanned.
        protection: What answers are scanned by; `None`: they are not.
    """

    rule: str
    counts: Counts
    scanned_bytes: int
    skipped_bytes: int
    unscanned_bytes: int
    live: Live | None = field(default=None, repr=False)
    answers: Action | None = None
    protection: Protection | None = field(default=None, repr=False)

    @property
    def taken(self) -> int:
        """
        Spans that are not in what leaves.
        """
        return sum(count for (_, _, action), count in self.counts.items() if action not in ("report-only", "block"))

    def forgotten(self) -> Redaction:
        """
        The same without any value.
        """
        return replace(self, live=None)


def look(source: Source, scanner: Scanner, protection: Protection, known: Rule) -> list[Spot]:
    """
    Where something is that policy asks about: found by a detector, met in an earlier turn (`known`), or the same as something found
    elsewhere in this request, also where nothing round it says what it is. Pure, and the longest step.

    Where findings overlap, the strictest action that one of them asks for holds for all of it.
    """
    findings = _asked_for(scanner.scan(source.text, settled=False), protection)
    findings += _asked_for((one._replace(weight=0) for one in known.find(source.text, ())), protection)
    spots = source.spots(findings)
    # Values of this request, whatever is done with them. Not the vault's: other calls put values there meanwhile.
    replaced = {spot.value: spot.entity for spot in spots if _strictness(protection.action(spot.entity)) >= _REPLACES}
    if not replaced:
        return spots
    again = [one._replace(weight=0) for one in KnownValues(replaced).find(source.text, ())]
    return source.spots([*findings, *_asked_for(again, protection)]) if again else spots


def _asked_for(findings: Iterable[Finding], protection: Protection) -> list[Finding]:
    left_out = protection.profile.leaves_out
    asked: list[Finding] = []
    for finding in findings:
        action = protection.action(finding.entity)
        if action is not Action.ALLOW and finding.detector not in left_out:
            # The heaviest of those that overlap names the place: so the strictest does.
            asked.append(finding._replace(weight=_strictness(action) * _STRICTER + finding.weight))
    return asked


def _strictness(action: Action) -> int:
    return 0 if action is Action.REPORT_ONLY else 2 if action is Action.BLOCK else _REPLACES


class Plan:
    """
    What will be done with each place. Carried out in two steps, for vaults are only touched on the event loop: `decide`, `carry_out`.

    Args:
        source: What `look` is given.
        protection: What policy wants done.
        vault: Of the conversation or tenant.
        placeholders: For digests that are never turned back.
        forms: Entity -> form its stand-ins must have in this request (`schema_forms`).
        now: Monotonic seconds.
    """

    def __init__(
        self,
        source: Source,
        protection: Protection,
        vault: Vault,
        placeholders: Placeholders,
        forms: Mapping[str, str],
        now: float,
    ) -> None:
        self._spots: list[Spot] = []
        self.counts: Counts = Counter()
        self.replacements: list[tuple[Spot, str]] = []
        self._source = source
        self._protection = protection
        self._vault = vault
        self._placeholders = placeholders
        self._forms = forms
        self._now = now

    def decide(self, spots: list[Spot]) -> Iterator[None]:
        """
        Give each place that `look` found its action and its replacement; values go into the vault. Stops every so often, to let others run.

        Raises:
            Refused: Something policy blocks is in the request, or cannot be taken out of where it stands.
            Unavailable: The vault is full.
        """
        self._spots = spots
        for number, spot in enumerate(spots, 1):
            action = self._action(spot)
            self.counts[spot.entity, spot.detector, str(action)] += 1
            if action is Action.BLOCK:
                raise Refused(
                    f"policy blocks {ENTITIES[spot.entity].meaning}, and {spot.path} has one (detector {spot.detector}): take it out",
                    kind="redaction_blocked",
                )
            if action is not Action.REPORT_ONLY:
                self.replacements.append((spot, self._replacement(spot, action)))
            if number % _AT_A_TIME == 0:
                yield

    def carry_out(self) -> Rewritten:
        """
        The request with everything replaced; its own objects where nothing is.
        """
        return self._source.rewrite(self.replacements)

    def _action(self, spot: Spot) -> Action:
        action = self._protection.action(spot.entity)
        if not spot.frozen or action in (Action.REPORT_ONLY, Action.BLOCK):
            return action
        if not spot.signed:
            return Action.BLOCK  # extracted from a document, or part of a path: it came from the client and would leave
        # A signed block cannot be changed. It came from the model, which had placeholders: what stands there in clear is its own
        # invention, or the client's under a forged signature.
        sure = spot.weight % _STRICTER >= _SURE and ENTITIES[spot.entity].kind is Kind.SECRET
        clients_own = spot.value in self._vault or sure or self._stands_elsewhere(spot)
        return Action.BLOCK if clients_own or self._protection.profile.blocks_signed else Action.REPORT_ONLY

    def _stands_elsewhere(self, spot: Spot) -> bool:
        return any(other.value == spot.value and not other.signed for other in self._spots)

    def _replacement(self, spot: Spot, action: Action) -> str:
        entity = ENTITIES[spot.entity]
        number = spot.place is Place.BODY_NUMBER
        if action is Action.PSEUDONYMISE:
            demanded = self._forms.get(spot.entity)
            form = Form.NUMBER if number else Form(demanded) if demanded is not None else None
            return self._vault.put(entity, spot.value, now=self._now, form=form)
        scope = f"{self._vault.scope}\0final"
        if number:  # in a number's place only a number can stand
            return surrogate(Form.NUMBER, self._placeholders, scope, entity, spot.value)
        if action is Action.HASH:
            return self._placeholders.make(scope, entity, spot.value)
        if action is Action.REMOVE:
            return ""
        return masked(spot.entity, spot.value)


def masked(entity: str, value: str) -> str:
    """
    Asterisks; of long numbers in groups the last four characters stay.
    """
    return _STARS + (value[-_TAIL:] if entity in _TAIL_KEPT and len(value) >= 3 * _TAIL else "")
