"""
The kinds of things that are taken out: names as policies, the ledger and `excise redact` write them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """
    Why a thing must not leave.
    """

    SECRET = "secret"  # noqa: S105 - a kind: whoever holds it can act
    PERSONAL = "personal"  # it is about somebody


@dataclass(frozen=True, slots=True)
class Entity:
    """
    One kind of thing.

    Attributes:
        name: As written in policies, for example `EMAIL`.
        code: Head of its placeholders: at most 8 upper-case letters.
        kind: Secret or personal.
        meaning: For people, one line.
    """

    name: str
    code: str
    kind: Kind
    meaning: str


def _entities(kind: Kind, *rows: tuple[str, str, str]) -> list[Entity]:
    return [Entity(name, code, kind, meaning) for name, code, meaning in rows]


_ALL = [
    *_entities(
        Kind.SECRET,
        ("API_KEY", "KEY", "keys and tokens of services, known by their published shape or by the name they are assigned to"),
        ("PASSWORD", "PASSWORD", "passwords, also those inside connection strings and URLs"),
        ("PRIVATE_KEY", "PRIVKEY", "private keys: PEM, PuTTY, JWK, age, hex and WIF keys"),
        ("JWT", "JWT", "signed or unsigned JSON web tokens"),
        ("AUTH_HEADER", "AUTH", "credentials of HTTP headers: Authorization, cookies, curl -u"),
        ("URL_SECRET", "URLKEY", "secrets in the query of a URL: token, sig, X-Amz-Signature"),
        ("PASSWORD_HASH", "PWHASH", "bcrypt, argon2, crypt, PBKDF2"),
        ("SEED_PHRASE", "SEED", "mnemonics of wallets (BIP-39)"),
        ("OWN_SECRET", "OWNKEY", "secrets the operator listed"),
    ),
    *_entities(
        Kind.PERSONAL,
        ("EMAIL", "EMAIL", "e-mail addresses"),
        ("PHONE", "PHONE", "telephone numbers"),
        ("CARD", "CARD", "payment card numbers"),
        ("IBAN", "IBAN", "international bank account numbers"),
        ("BANK_ACCOUNT", "BANK", "routing numbers, BICs, account numbers"),
        ("US_SSN", "SSN", "US social security numbers"),
        ("TAX_ID", "TAXID", "tax numbers of persons and companies"),
        ("NATIONAL_ID", "NATID", "national identity and social security numbers"),
        ("PASSPORT", "PASSPORT", "passport numbers and machine readable zones"),
        ("DRIVING_LICENCE", "LICENCE", "driving licences"),
        ("IP_ADDRESS", "IPADDR", "IP addresses"),
        ("MAC_ADDRESS", "MACADDR", "hardware addresses"),
        ("CRYPTO_ADDRESS", "WALLET", "addresses of crypto wallets"),
        ("BIRTH_DATE", "BIRTH", "dates of birth"),
        ("MEDICAL_ID", "MEDICAL", "patient, prescriber and health insurance numbers"),
        ("VEHICLE_ID", "VEHICLE", "vehicle identification numbers and plates"),
        ("DEVICE_ID", "DEVICE", "IMEI, ICCID"),
        ("LOCATION", "LOCATION", "coordinates and postcodes"),
        ("PERSON", "PERSON", "names of people"),
        ("ADDRESS", "ADDRESS", "postal addresses"),
        ("ORGANISATION", "ORG", "names of organisations"),
        ("CUSTOM", "CUSTOM", "what the operator's own patterns and dictionaries find"),
    ),
]

ENTITIES: dict[str, Entity] = {entity.name: entity for entity in _ALL}
