"""
How every match of an expression begins, as strings of byte classes of fixed length: what Hyperscan can look for in place of a keyword.

Always too much, never too little: where the expression says more than a class for each byte can, it is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, NamedTuple

try:
    # Not documented, and so not promised to stay: what reads expressions is used where it is as it was, else keywords alone are looked for.
    import re._constants as sre  # type: ignore[import-not-found]
    import re._parser as parser  # type: ignore[import-not-found]
except ImportError:
    sre = parser = None

Class = int  # of bytes: bit n set where byte n belongs to it
Head = tuple[Class, ...]


class Way(NamedTuple):
    """
    A way a match can begin.

    Attributes:
        head: Classes of its first bytes; the last of them may be of the byte behind the match.
        before: Class of the byte in front of it.
    """

    head: Head
    before: Class


_ASCII: Class = (1 << 128) - 1
ANY: Class = (1 << 256) - 1
_HIGH: Class = ANY ^ _ASCII  # any byte of a character outside ASCII
EDGE_SIGN = b"\x03"  # what stands around a text where heads are looked for, so that there is a byte in front and behind
_EDGE: Class = 1 << EDGE_SIGN[0]
_FOLDING, _NARROW = int(re.IGNORECASE), int(re.ASCII)
_MOST = 24  # bytes of a head: enough to be rare, and few states for Hyperscan
_VARIANTS = 32
_COPIES = 4  # repeats that are written out, as `-?` or `{2,4}` of single characters


def heads(pattern: str, ascii_characters: int = 0) -> tuple[Way, ...]:
    """
    The ways in which a match of `pattern` (of `re`, on text as UTF-8) can begin; at least one, which is empty where nothing is known.

    Args:
        pattern: As compiled by `re` without flags.
        ascii_characters: So many characters of the match are known to be ASCII.
    """
    try:
        tree = parser.parse(pattern)
        found = _Reader(ascii_characters).sequence(tree, tree.state.flags, 0)
    except (AttributeError, TypeError, ValueError, LookupError):
        # Trees are made of other things than they were. That costs time and finds the same.
        return (Way((), ANY),)
    ways = ((*one.head, one.behind) if one.behind != ANY else one.head for one in found)
    return tuple(dict.fromkeys(Way(head[:_MOST], one.before) for head, one in zip(ways, found, strict=True)))


def letters(text: str) -> Head:
    """
    The classes of a text, its ASCII letters in either case.
    """
    return tuple(_either_case(byte) for byte in text.encode())


def both(first: Head, second: Head) -> Head | None:
    """
    What begins as both; `None`: nothing does.
    """
    longer, shorter = (first, second) if len(first) >= len(second) else (second, first)
    joined = (*(one & other for one, other in zip(longer, shorter, strict=False)), *longer[len(shorter) :])
    return joined if all(joined) else None


def expression(head: Head) -> bytes:
    """
    As an expression for Hyperscan.
    """
    written, at = b"", 0
    while at < len(head):
        count = 1
        while at + count < len(head) and head[at + count] == head[at]:
            count += 1
        written += _written(head[at]) + (b"{%d}" % count if count > 1 else b"")
        at += count
    return written


def _written(members: Class) -> bytes:
    runs, at = b"", 0
    while at < 256:
        if members >> at & 1:
            end = at
            while end < 255 and members >> end + 1 & 1:
                end += 1
            runs += b"\\x%02x" % at if end == at else b"\\x%02x-\\x%02x" % (at, end)
            at = end
        at += 1
    return b"[" + runs + b"]"


class _Begun(NamedTuple):
    """
    A way to begin, as far as it is read.

    Attributes:
        ended: Nothing can be said of what follows, but for the next byte.
        behind: Class of the next byte.
        before: Class of the byte in front.
    """

    head: Head = ()
    ended: bool = False
    behind: Class = ANY
    before: Class = ANY

    def then(self, more: _Begun) -> _Begun:
        if not more.head:
            before = self.before if self.head else self.before & more.before
            return _Begun(self.head, more.ended, self.behind & more.behind, before)
        head = (more.head[0] & self.behind, *more.head[1:]) if self.behind != ANY else more.head
        before = self.before if self.head else self.before & more.before
        return _Begun(self.head + head, more.ended, more.behind, before)


_NOTHING = _Begun(ended=True)


class _Reader:
    """
    Walks the tree of a parsed expression.
    """

    def __init__(self, ascii_characters: int) -> None:
        self._ascii = ascii_characters

    def sequence(self, nodes: Iterable[tuple[Any, Any]], flags: int, at: int) -> list[_Begun]:
        ways = [_Begun()]
        for operator, argument in nodes:
            longer: list[_Begun] = []
            for way in ways:
                if way.ended or at + len(way.head) >= _MOST:
                    longer.append(way._replace(ended=True))
                    continue
                longer += [way.then(more) for more in self._node(operator, argument, flags, at + len(way.head))]
            longer = [way for way in dict.fromkeys(longer) if all(way.head)]
            if len(longer) > _VARIANTS:
                return [way._replace(ended=True) for way in ways]
            ways = longer
            if all(way.ended for way in ways):
                break
        return ways

    def _node(self, operator: Any, argument: Any, flags: int, at: int) -> list[_Begun]:
        if (members := _class(operator, argument, flags)) is not None:
            return [self._one(members, at)]
        if operator is sre.LITERAL:  # outside ASCII
            if flags & _FOLDING or 0xD800 <= argument < 0xE000:
                return [_Begun((_HIGH,), ended=True)]
            return [_Begun(tuple(1 << byte for byte in chr(argument).encode()))]
        if operator is sre.SUBPATTERN:
            _, added, removed, inner = argument
            return self.sequence(inner, (flags | added) & ~removed, at)
        if operator is sre.ATOMIC_GROUP:
            return self.sequence(argument, flags, at)
        if operator is sre.BRANCH:
            return [way for branch in argument[1] for way in self.sequence(branch, flags, at)]
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            least, most, inner = argument
            return self._repeat(least, most, inner, flags, at)
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            return [self._beside(operator, argument, flags)]
        return [_Begun()] if operator is sre.AT else [_NOTHING]  # as wide as nothing; what it asks is left to the expression itself

    def _one(self, members: Class, at: int) -> _Begun:
        if at < self._ascii:
            members &= _ASCII
        # A character outside ASCII has two bytes or more: from there on it is unknown which byte is which.
        return _Begun((members,), ended=bool(members & _HIGH))

    def _beside(self, operator: Any, argument: Any, flags: int) -> _Begun:
        """
        What stands, or does not stand, around a place: a class for the byte there, where one character is asked for.
        """
        direction, inner = argument
        if operator is sre.ASSERT_NOT:
            allowed = ANY & ~_certain(inner[0][0], inner[0][1], flags) | _EDGE if len(inner) == 1 else ANY
        else:
            # Of several characters the one that is nearest.
            nearest = inner[-1 if direction < 0 else 0] if len(inner) else None
            allowed = ANY if nearest is None else _class(nearest[0], nearest[1], flags) or ANY
        return _Begun(before=allowed) if direction < 0 else _Begun(behind=allowed)

    def _repeat(self, least: int, most: int, inner: Any, flags: int, at: int) -> list[_Begun]:
        members = _class(inner[0][0], inner[0][1], flags) if len(inner) == 1 else None
        if members is not None and members & _HIGH and at >= self._ascii:
            # Whatever mix of characters: that many bytes at least, all of the class.
            return [_Begun((members,) * min(least, _MOST), ended=True)]
        written = [item for _ in range(min(least, _MOST)) for item in inner]
        ways = self.sequence(written, flags, at)
        if most == least:
            return ways
        if most is sre.MAXREPEAT or most - least > _COPIES:
            return [way._replace(ended=True) for way in ways]
        for _ in range(most - least):
            written += inner
            ways += self.sequence(written, flags, at)
        if len(ways) <= _VARIANTS:
            return ways
        return [way._replace(ended=True) for way in self.sequence(written[: least * len(inner)], flags, at)]


def _certain(operator: Any, argument: Any, flags: int) -> Class:
    """
    The ASCII characters that surely are of a class of single characters, perhaps not all of them.
    """
    members = _class(operator, argument, flags)
    if members is None or operator is sre.ANY:
        return 0
    if operator is sre.IN and argument[0][0] is sre.NEGATE and flags & _FOLDING:
        members = _ASCII & ~(_class(operator, argument[1:], flags) or ANY)
    elif flags & _FOLDING and (operator is sre.NOT_LITERAL or _beyond_ascii(operator, argument)):
        return 0
    return members & _ASCII


def _beyond_ascii(operator: Any, argument: Sequence[tuple[Any, Any]]) -> bool:
    """
    Whether characters outside ASCII are in a class by name, so that folding may lead from them into it.
    """
    return operator is sre.IN and any(
        (kind is sre.LITERAL and what > 127) or (kind is sre.RANGE and what[1] > 127) for kind, what in argument
    )


def _class(operator: Any, argument: Any, flags: int) -> Class | None:
    """
    The bytes one character of a class may begin with; `None`: it is no class of single characters.
    """
    if operator is sre.LITERAL:
        return (_folded(argument) if flags & _FOLDING else 1 << argument) if argument < 128 else None
    if operator is sre.NOT_LITERAL:
        return (_ASCII & ~(1 << argument) if argument < 128 and not flags & _FOLDING else _ASCII) | _HIGH
    if operator is sre.ANY:
        return _ASCII | _HIGH
    if operator is not sre.IN:
        return None
    negated = argument[0][0] is sre.NEGATE
    members: Class = 0
    for kind, what in argument[1:] if negated else argument:
        if kind is sre.LITERAL:
            members |= _range(what, what, flags)
        elif kind is sre.RANGE:
            first, last = what
            members |= _range(first, last, flags)
        else:
            members |= _category(what, flags)
    # Of what a class leaves out only ASCII is certain, and with folding not even that.
    return (_ASCII if flags & _FOLDING else _ASCII & ~members) | _HIGH if negated else members


def _range(first: int, last: int, flags: int) -> Class:
    members: Class = (1 << min(last, 127) + 1) - (1 << first) if first < 128 else 0
    if flags & _FOLDING:
        for code in range(first, min(last, 127) + 1):
            members |= _folded(code)
    if last < 128:
        return members
    # Folding may lead from outside ASCII into it: the Kelvin sign is a k.
    return members | _HIGH | (_ASCII if flags & _FOLDING else 0)


def _either_case(code: int) -> Class:
    return 1 << code | (1 << (code ^ 32) if code < 128 and chr(code).isalpha() else 0)


def _folded(code: int) -> Class:
    # ſ and the Kelvin sign fold to s and k; i has Turkish relatives.
    return _either_case(code) | (_HIGH if chr(code) in "sSkKiI" else 0)


@cache
def _category(category: Any, flags: int) -> Class:
    test = {
        sre.CATEGORY_DIGIT: r"\d", sre.CATEGORY_NOT_DIGIT: r"\D", sre.CATEGORY_SPACE: r"\s", sre.CATEGORY_NOT_SPACE: r"\S",
        sre.CATEGORY_WORD: r"\w", sre.CATEGORY_NOT_WORD: r"\W",
    }[category]  # fmt: skip
    members: Class = sum(1 << code for code in range(128) if re.match(test, chr(code)))
    return members if flags & _NARROW and test.islower() else members | _HIGH
