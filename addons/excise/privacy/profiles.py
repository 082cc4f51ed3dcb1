"""
Profiles: named sets of entities and what is done with each, for people who do not want to list forty kinds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from excise.privacy.entities import ENTITIES, Kind


class Action(StrEnum):
    """
    What is done with something found.
    """

    PSEUDONYMISE = "pseudonymise"  # a placeholder, turned back in the answer
    MASK = "mask"  # asterisks, the last characters of long numbers kept
    HASH = "hash"  # a keyed digest, the same for the same value; never turned back
    REMOVE = "remove"  # taken out
    BLOCK = "block"  # the call is refused
    ALLOW = "allow"  # left as it is, not counted
    REPORT_ONLY = "report-only"  # left as it is, counted


ProfileName = Literal["secrets", "pii", "strict", "hipaa", "pci"]


@dataclass(frozen=True, slots=True)
class Profile:
    """
    Attributes:
        actions: Entity -> action. An entity that is not named is not looked for.
        leaves_out: Detectors whose findings are too ordinary for this profile.
        blocks_signed: Whether anything found in a signed block, which cannot be changed, refuses the call. Else only what is surely the
            client's own does: such blocks come from the model, which writes example addresses of its own.
        blocks_binary: Whether parts nobody can read (pictures, audio, archives) are refused unless policy says otherwise.
    """

    name: str
    actions: Mapping[str, Action]
    leaves_out: frozenset[str] = frozenset()
    blocks_binary: bool = False
    blocks_signed: bool = False


def _of(kind: Kind) -> dict[str, Action]:
    return {name: Action.PSEUDONYMISE for name, entity in ENTITIES.items() if entity.kind is kind}


def _these(*names: str) -> dict[str, Action]:
    return dict.fromkeys(names, Action.PSEUDONYMISE)


# Of personal data `pii` leaves out LOCATION: coordinates and postcodes alone are of nobody, and tools for weather and maps work with them.
# Private addresses say nothing of a person, and configuration files are full of them.
_ORDINARY = frozenset({"ipv4-private", "ipv6-private"})

# The identifiers of 45 CFR 164.514(b)(2), as far as they have a structure or a dictionary knows them. Read 2026-11.
_HIPAA = """
    PERSON ADDRESS LOCATION BIRTH_DATE PHONE EMAIL US_SSN MEDICAL_ID BANK_ACCOUNT IBAN CARD DRIVING_LICENCE PASSPORT NATIONAL_ID TAX_ID
    VEHICLE_ID DEVICE_ID MAC_ADDRESS IP_ADDRESS CUSTOM
"""

PROFILES: dict[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile("secrets", _of(Kind.SECRET)),
        Profile("pii", {name: action for name, action in _of(Kind.PERSONAL).items() if name != "LOCATION"}, leaves_out=_ORDINARY),
        Profile("strict", _of(Kind.SECRET) | _of(Kind.PERSONAL), blocks_binary=True, blocks_signed=True),
        Profile("hipaa", _these(*_HIPAA.split()), leaves_out=_ORDINARY, blocks_binary=True),
        Profile("pci", _these("CARD", "IBAN", "BANK_ACCOUNT")),
    )
}


def combined(names: Iterable[str], changes: Mapping[str, Action]) -> Profile:
    """
    Several profiles as one, with single entities changed. What one of them looks for is looked for; what only one leaves out is not left
    out.

    Raises:
        KeyError: There is no such profile.
    """
    profiles = [PROFILES[name] for name in names]
    actions: dict[str, Action] = {}
    for profile in profiles:
        actions |= profile.actions
    left_out = frozenset.intersection(*(profile.leaves_out for profile in profiles)) if profiles else frozenset()
    return Profile(
        "+".join(profile.name for profile in profiles),
        actions | dict(changes),
        left_out,
        any(profile.blocks_binary for profile in profiles),
        any(profile.blocks_signed for profile in profiles),
    )
