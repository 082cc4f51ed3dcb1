"""
From what was found in a request to what leaves: each finding gets its action, and the replacements are spliced in.

In three steps, so that the long ones can run in a thread while vaults are only touched between them: `look`, `Plan`, `Plan.carry_out`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from excise.errors import Refused
from excise.privacy.detect.detector import Finding, Rule
from excise.privacy.detect.scanner import Scanner, settle
from excise.privacy.entities import ENTITIES, Kind
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
_SURE = 70  # weight of a finding that its own shape or checksum proves

Counts = Counter[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Redaction:
    """
    What was done with one request: for the row, and for the way back.

    Attributes:
        rule: Entry of the policy's `redact`.
        counts: (entity, detector, action) -> how often.
        scanned_bytes, unscanned_bytes: Of the request, as the walk accounts for them.
        live: Placeholders that may come back in the answer, and what they stand for; `None`: there are none.
        answers: What is done with things the model itself produced; `None`: answers are not scanned.
        protection: What answers are scanned by; `None`: they are not.
    """

    rule: str
    counts: Counts
    scanned_bytes: int
    unscanned_bytes: int
    live: Live | None = field(default=None, repr=False)
    answers: Action | None = None
    protection: Protection | None = field(default=None, repr=False)

    def forgotten(self) -> Redaction:
        """
        The same without any value.
        """
        return replace(self, live=None)


@dataclass(frozen=True, slots=True)
class Looked:
    """
    A request and what is in it.
    """

    source: Source = field(repr=False)
    findings: list[Finding] = field(repr=False)


def look(source: Source, scanner: Scanner, leaves_out: frozenset[str], known: Rule) -> Looked:
    """
    Scan once: with all detectors, and for every value met before. Pure, and the longest step.
    """
    findings = scanner.scan(source.text)
    if leaves_out:
        findings = [finding for finding in findings if finding.detector not in leaves_out]
    return Looked(source, _with_known(findings, source.text, known))


def _with_known(findings: list[Finding], text: str, known: Rule) -> list[Finding]:
    # Where a detector speaks too, it names the place: what is in a vault was named once, by whichever came first.
    return settle([*findings, *(one._replace(weight=0) for one in known.find(text, ()))])


class Plan:
    """
    What will be done with each place. Making it puts values into the vault.

    Args:
        looked: What `look` gave.
        protection: What policy wants done.
        vault: Of the conversation or tenant.
        placeholders: For digests that are never turned back.
        forms: Entity -> form its stand-ins must have in this request (`schema_forms`).
        now: Monotonic seconds.

    Raises:
        Refused: Something policy blocks is in the request, or cannot be taken out of where it stands.
        Unavailable: The vault is full.
    """

    def __init__(
        self, looked: Looked, protection: Protection, vault: Vault, placeholders: Placeholders, forms: Mapping[str, str], now: float
    ) -> None:
        self._looked = looked
        self._protection = protection
        self._vault = vault
        self._placeholders = placeholders
        self._forms = forms
        self._now = now
        self.counts: Counts = Counter()
        self.replacements: list[tuple[Spot, str]] = []
        before = len(vault)
        self._decide()
        # A value found by its context in one place stands in others without it.
        self.needs_second_look = len(vault) > before

    def again(self, known: Rule) -> None:
        """
        The second look: for the values the first one found. Raises as the constructor.
        """
        findings = _with_known(self._looked.findings, self._looked.source.text, known)
        if findings != self._looked.findings:
            self._looked = Looked(self._looked.source, findings)
            self._decide()

    def carry_out(self) -> Rewritten:
        """
        The request with everything replaced; its own objects where nothing is.
        """
        return self._looked.source.rewrite(self.replacements)

    @property
    def spots(self) -> list[Spot]:
        return self._looked.source.spots(self._looked.findings)

    def _decide(self) -> None:
        self.counts = Counter()
        self.replacements = []
        for spot in self.spots:
            action = self._action(spot)
            if action is Action.ALLOW:
                continue
            self.counts[spot.entity, spot.detector, str(action)] += 1
            if action is Action.BLOCK:
                raise Refused(
                    f"policy blocks {ENTITIES[spot.entity].meaning}, and {spot.path} has one (detector {spot.detector}): take it out",
                    kind="redaction_blocked",
                )
            if action is not Action.REPORT_ONLY:
                self.replacements.append((spot, self._replacement(spot, action)))

    def _action(self, spot: Spot) -> Action:
        action = self._protection.action(spot.entity)
        if not spot.frozen or action in (Action.ALLOW, Action.REPORT_ONLY, Action.BLOCK):
            return action
        if not spot.signed:
            return Action.BLOCK  # extracted from a document, or part of a path: it came from the client and would leave
        # A signed block cannot be changed. It came from the model, which had placeholders: what stands there in clear is its own
        # invention, or the client's under a forged signature.
        clients_own = spot.value in self._vault or (spot.weight >= _SURE and ENTITIES[spot.entity].kind is Kind.SECRET)
        return Action.BLOCK if clients_own or self._protection.profile.blocks_signed else Action.REPORT_ONLY

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
