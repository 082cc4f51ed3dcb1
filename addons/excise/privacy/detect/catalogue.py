"""
Every built-in detector.
"""

from __future__ import annotations

from excise.privacy.detect import (
    assignment,
    bank,
    birth,
    card,
    connections,
    devices,
    documents,
    email,
    hashes_password,
    http_auth,
    keys_private,
    medical,
    national_ids,
    network,
    phone,
    places,
    secrets_chat,
    secrets_cloud,
    secrets_code,
    secrets_data,
    secrets_llm,
    secrets_named,
    secrets_other,
    secrets_pay,
    tokens_jwt,
    url_query,
    us_ids,
    vehicles,
    wallet_secrets,
    wallets,
)
from excise.privacy.detect.detector import Rule, names_of
from excise.privacy.profiles import PROFILES, Action

_FAMILIES = (
    secrets_llm,
    secrets_cloud,
    secrets_code,
    secrets_chat,
    secrets_pay,
    secrets_data,
    secrets_other,
    secrets_named,
    keys_private,
    tokens_jwt,
    connections,
    http_auth,
    url_query,
    hashes_password,
    wallet_secrets,
    assignment,
    email,
    phone,
    card,
    bank,
    network,
    wallets,
    us_ids,
    national_ids,
    documents,
    birth,
    medical,
    vehicles,
    devices,
    places,
)

RULES: tuple[Rule, ...] = tuple(rule for family in _FAMILIES for rule in family.RULES)


DETECTORS = frozenset(name for rule in RULES for name in names_of(rule))  # all the ledger can hold


def rules_of(profile: str) -> tuple[Rule, ...]:
    """
    The detectors a profile asks for.

    Raises:
        KeyError: There is no such profile.
    """
    actions = PROFILES[profile].actions
    return tuple(rule for rule in RULES if any(actions.get(entity, Action.ALLOW) is not Action.ALLOW for entity in rule.entities))
