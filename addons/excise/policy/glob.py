"""
Patterns of policies: `*` stands for any run of characters, everything else for itself.

No user expression reaches `re`: matching is a few `str.find`, linear in the text whatever the pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

MAX_PATTERN = 200  # characters
# No loaded file can hold it, so it can stand for "whatever a star may be".
_ANY_RUN = "\x00"


def check_pattern(pattern: str) -> str:
    """
    Raises:
        ValueError: Empty, too long, or written in another pattern language, which would then silently never match.
    """
    if not pattern or len(pattern) > MAX_PATTERN:
        raise ValueError(f"a pattern has 1 to {MAX_PATTERN} characters")
    if any(character in pattern for character in "?[]{}^$|\\"):
        raise ValueError("only * is a wildcard in patterns; ? [ ] { } ^ $ | \\ are not allowed")
    if _ANY_RUN in pattern:
        raise ValueError("control characters are not allowed in patterns")
    return pattern


def matcher(pattern: str) -> Callable[[str], bool]:
    """
    Compile one pattern. Case counts.
    """
    head, *rest = pattern.split("*")
    if not rest:
        return lambda text: text == pattern
    *between, tail = rest
    middle = [part for part in between if part]
    shortest = len(head) + len(tail)
    if not middle and not tail:
        return lambda text: text.startswith(head)

    def match(text: str) -> bool:
        if len(text) < shortest or not text.startswith(head) or not text.endswith(tail):
            return False
        at, end = len(head), len(text) - len(tail)
        for part in middle:  # leftmost is enough: a later start could only leave less room for the rest
            found = text.find(part, at, end)
            if found < 0:
                return False
            at = found + len(part)
        return True

    return match


def any_of(patterns: Iterable[str]) -> Callable[[str | None], bool]:
    """
    Whether one of the patterns matches. `None` (nobody said) matches no pattern, `*` neither.

    Plain names, beginnings and endings, which is what most patterns are, are each tested together in one call.
    """
    patterns = tuple(patterns)
    exact = frozenset(pattern for pattern in patterns if "*" not in pattern)
    once = [pattern for pattern in patterns if pattern.count("*") == 1]
    heads = tuple(pattern[:-1] for pattern in once if pattern.endswith("*"))
    tails = tuple(pattern[1:] for pattern in once if pattern.startswith("*") and pattern != "*")
    others = tuple(matcher(pattern) for pattern in patterns if "*" in pattern[1:-1] or pattern.count("*") > 1)
    if not heads and not tails and not others:
        return lambda text: text in exact
    if not others:
        return lambda text: text is not None and (text in exact or text.startswith(heads) or text.endswith(tails))

    def match(text: str | None) -> bool:
        if text is None:
            return False
        if text in exact or text.startswith(heads) or text.endswith(tails):
            return True
        for other in others:  # noqa: SIM110  (a generator costs more than the matching)
            if other(text):
                return True
        return False

    return match


def covers(wide: str, narrow: str) -> bool:
    """
    Whether everything `narrow` matches is matched by `wide` too. Exact, not a guess.

    Replace each star of `narrow` by a character that stands in no pattern: `wide` can only swallow it with a star of its own, which
    then swallows any other run there as well.
    """
    return matcher(wide)(narrow.replace("*", _ANY_RUN))
