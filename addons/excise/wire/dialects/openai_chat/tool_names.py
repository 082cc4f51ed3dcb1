"""
Names of tools and formats as this dialect takes them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection

LONGEST = 64
_GOOD = re.compile(r"[A-Za-z0-9_-]{1,64}")
_BAD = re.compile(r"[^A-Za-z0-9_-]")


def is_name(name: str) -> bool:
    """
    Whether OpenAI takes it as a name.
    """
    return _GOOD.fullmatch(name) is not None


def fit_name(name: str, taken: Collection[str]) -> str:
    """
    A name of letters, digits, `_` and `-`, 64 at most: itself where it is one. A function of the name alone, unless that is taken.
    """
    if is_name(name) and name not in taken:
        return name
    fitted = _BAD.sub("_", name)[:LONGEST] or "tool"
    if fitted not in taken:
        return fitted
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{fitted[: LONGEST - 9]}_{digest}"
