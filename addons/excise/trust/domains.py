"""
DNS subtrees: which names a name-constrained authority may sign for.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from functools import lru_cache

from excise.errors import CertificateError

# One label, as hosts use them; the underscore is no host character by RFC 1123, but names with one exist (Azure, internal DNS).
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


@lru_cache(maxsize=4096)  # a few hosts make all the traffic, and each connection asks several times
def host_name(name: str) -> str:
    """
    One DNS name in the form certificates use: lower case, A-labels, no trailing dot.

    Raises:
        CertificateError: It is no DNS name (an address, a wildcard, empty or over-long labels).
    """
    try:
        text = name.strip().removesuffix(".").encode("idna").decode("ascii").lower()
    except UnicodeError as error:
        raise CertificateError(f"{name!r} is not a DNS name") from error
    if not text or len(text) > 253 or not all(_LABEL.fullmatch(label) for label in text.split(".")):
        raise CertificateError(f"{name!r} is not a DNS name")
    if text.rsplit(".", 1)[-1].isdigit() or _is_address(text):
        raise CertificateError(f"{name!r} is an address; certificates are signed for DNS names only")
    return text


def subtree(name: str) -> str:
    """
    One permitted subtree: `example.com`, `.example.com` and `*.example.com` all mean that name and everything below it.

    Raises:
        CertificateError: No DNS name, or a single label: `com` would permit half the internet. `localhost` may stand alone.
    """
    text = host_name(name.strip().removeprefix("*").removeprefix("."))
    if "." not in text and text != "localhost":
        raise CertificateError(f"{name!r} is a whole top-level domain; permit the provider's own domain instead")
    return text


class Domains:
    """
    A set of DNS subtrees, smallest form (a subtree below another one of the set is dropped), sorted.
    """

    __slots__ = ("_set", "names")

    def __init__(self, names: Iterable[str]) -> None:
        asked = {subtree(name) for name in names}
        self.names: tuple[str, ...] = tuple(sorted(name for name in asked if not _below(name, asked)))
        self._set = frozenset(self.names)

    def covers(self, name: str) -> bool:
        """
        Whether `name` (lower case, A-labels) is one of the subtrees or below one. Labels are compared whole: `evilexample.com` is
        not below `example.com`.
        """
        return name in self._set or _below(name, self._set)

    def missing(self, names: Iterable[str]) -> tuple[str, ...]:
        """
        Those of `names`, given as subtrees, which this set does not permit whole.
        """
        return tuple(sorted({text for text in map(subtree, names) if not self.covers(text)}))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Domains) and other.names == self.names

    def __hash__(self) -> int:
        return hash(self.names)

    def __repr__(self) -> str:
        return f"Domains({list(self.names)!r})"


def _below(name: str, names: Iterable[str]) -> bool:
    while "." in name:
        name = name.partition(".")[2]
        if name in names:
            return True
    return False


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
