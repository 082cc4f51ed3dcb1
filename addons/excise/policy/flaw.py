"""
A flaw of a policy, and what the catalogue is asked to find it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from excise.catalog.capability import Capability

if TYPE_CHECKING:
    from excise.policy.yaml import KeyPath


def anything(_name: str) -> bool:
    """
    Knows every name.
    """
    return True


def anywhere(_provider: str, _host: str) -> bool:
    """
    Knows every host.
    """
    return True


@dataclass(frozen=True, slots=True)
class Known:
    """
    The catalogue, as far as policy asks: whether an id of a provider or an operation exists, whether a host is a provider's, whether a
    provider takes requests signed for AWS, whether its hosts have a region in them, whether a model pattern (`*` is a wildcard, lower
    case) matches at least one known model, and what a model at a provider can do. By default every name is known, and of models
    nothing else.
    """

    provider: Callable[[str], bool] = anything
    place: Callable[[str, str], bool] = anywhere
    signed: Callable[[str], bool] = anything
    regional: Callable[[str], bool] = anything
    operation: Callable[[str], bool] = anything
    model: Callable[[str], bool] = anything
    capability: Callable[[str, str], Capability] = Capability


class Flaw(NamedTuple):
    """
    A fault before it has a place: the path of the value, or of the key, that is wrong.
    """

    path: KeyPath
    text: str
