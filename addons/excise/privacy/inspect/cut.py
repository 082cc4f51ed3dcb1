"""
Up to where a text that is still coming may leave: nothing in front of that place can become part of a match any more.

Most of what a model writes is prose, and no detector begins in a run of ordinary words; so prose leaves a word or two behind the model.
Words that could be a part of something (digits, signs, capitals) are held, with the word before them, until a window's length has
followed, which is more than any detector looks ahead.
"""

from __future__ import annotations

import re

from excise.privacy.detect.bip39_words import WORDS

WINDOW = 256  # characters: context words are looked for up to 130 behind a value, and values with blanks in them are shorter than that
LONGEST_TOKEN = 8_192  # characters without a blank or quote that are held as one: tokens that are recognised by their end
OPEN_BLOCK = 2_048  # characters behind the first line of a key block by which its detectors know it, end or no end
SOFT_REACH = 4  # words behind a short number, or a label, in which it may still go on

_IN_TOKENS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=_.~%:@&-\\"
_TOKENS = frozenset(_IN_TOKENS)
# Scripts that set no blanks between words; each sign is a word by itself.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u9fff\uff01-\uff0f\uff1a-\uff65"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")
_EDGES = "*#,.;!?()\u2026\u2013\u2014\u201c\u201d\u201e\u00ab\u00bb"
_ORDINARY = re.compile(rf"(?:[^\W\d_]{{1,24}}(?:['\u2019-][^\W\d_]{{1,24}}){{0,3}}+|[-{_UNSPACED}])?")
_SHORT_NUMBER = re.compile(r"[$\u20ac\u00a3]?[0-9]{1,4}(?:[.,][0-9]{1,3})?%?")
_SPELT = frozenset(("at", "dot", "punkt", "punto", "point"))  # ann at example dot com
_BLOCK = re.compile(r"(?i)-{4,5} ?BEGIN [A-Z0-9 ]{0,40}(?:PRIVATE|STATIC) KEY(?![^\x00]{0,2040}-{4,5} ?END )")
_NORMAL, _SOFT, _LOUD = range(3)


def safe_cut(text: str, base: int, *, window: int = WINDOW, words: bool = True) -> int:
    """
    Args:
        text: What has left, as context, and what is held.
        base: Where in it that begins which is held.
        window: Most characters a match may go on for behind a blank in it.
        words: Whether ordinary words are known to be no part of anything. Not so for expressions and dictionaries of the operator.
    """
    start = _before_token(text, base, max(base, len(text) - window))
    if "---" in text and (block := _BLOCK.search(text, max(base, len(text) - OPEN_BLOCK))) is not None and block.start() < start:
        return block.start()
    if not words:
        return start
    found = [(word.start(), word[0]) for word in _WORD.finditer(text, start)]
    if not found:
        return len(text)
    last = len(found) - 1  # may go on, or be followed by one that it belongs to
    kinds = [_kind(word) for _, word in found]
    if _LOUD in kinds:
        last = min(last, max(0, kinds.index(_LOUD) - 1))
    while (soft := next((at for at in range(max(0, last - SOFT_REACH), last) if kinds[at] == _SOFT), None)) is not None:
        last = soft - 1 if soft and found[soft][1].lower() in _SPELT else soft
    while last and _may_be_seed(found[last - 1][1]):
        last -= 1
    return found[last][0]


def _before_token(text: str, base: int, cut: int) -> int:
    """
    `cut`, or the beginning of the token it falls into.
    """
    if cut <= base or cut >= len(text) or text[cut] not in _TOKENS or text[cut - 1] not in _TOKENS:
        return cut
    floor = max(base, cut - LONGEST_TOKEN)
    start = floor + len(text[floor:cut].rstrip(_IN_TOKENS))
    return cut if start == floor > base else start


def _kind(word: str) -> int:
    if word.isalpha() and word.isascii() and len(word) <= 24 and (word.islower() or word.istitle()):
        return _SOFT if word.lower() in _SPELT else _NORMAL
    core = word.strip(_EDGES)
    if _ORDINARY.fullmatch(core):
        if all(not part.isupper() or len(part) <= 3 or not part.isascii() for part in re.split("['\u2019-]", core)) and not _mixed(core):
            return _SOFT if core.lower() in _SPELT else _NORMAL
        return _LOUD
    if _SHORT_NUMBER.fullmatch(core):
        return _SOFT
    return _SOFT if core[-1:] in ":=" and _kind(core[:-1]) == _NORMAL else _LOUD


def _mixed(core: str) -> bool:
    return any(not (part.islower() or part[1:].islower() or part.isupper()) for part in re.split("['\u2019-]", core) if part.isascii())


def _may_be_seed(word: str) -> bool:
    """
    One of a row of words that are secret only together: mnemonics, app passwords in groups of four.
    """
    core = word.strip(_EDGES).lower()
    return (len(core) == 4 and core.isalpha()) or core in WORDS
