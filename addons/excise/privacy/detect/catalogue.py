"""
Every built-in detector.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Rule
from excise.privacy.profiles import PROFILES, Action

RULES: tuple[Rule, ...] = ()


def rules_of(profile: str) -> tuple[Rule, ...]:
    """
    The detectors a profile asks for.

    Raises:
        KeyError: There is no such profile.
    """
    actions = PROFILES[profile].actions
    return tuple(rule for rule in RULES if any(actions.get(entity, Action.ALLOW) is not Action.ALLOW for entity in rule.entities))
