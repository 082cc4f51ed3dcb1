"""
What opens a crypto wallet: seed phrases, raw private keys, extended private keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from excise.privacy.detect.bip39_words import WORDS
from excise.privacy.detect.detector import Detector, Finding, Rule, window
from excise.privacy.detect.digits import words_of

_COUNTS = (24, 21, 18, 15, 12)
_ANY_WORD = re.compile(r"[^\W\d_]+")
_BETWEEN = re.compile(r"[\s,;0-9.)|\"'\\-]{1,12}|\\n[0-9.) ]{0,5}|[\"']?\x03")  # an array of words has no keys
_MOST_BESIDE = 2
_TWELVE = bytes([True]) * 12
_REACH = (600, 600)
_PHRASE = "legal winner thank year wave sausage worth useful legal winner thank yellow"  # BIP-39, test vectors
_WIF = "5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1j" + "vhTVqvbTLvyTJ"  # Bitcoin wiki
_SCALAR = "4c0883a69102937d6231471b5dbb6204" + "fe5129617082792ae468d01a3f362318"


@dataclass(frozen=True, slots=True)
class SeedPhrase:
    """
    12, 15, 18, 21 or 24 words of BIP-39's English list whose checksum is right, near a word that says so.

    Source: BIP-39, "Generating the mnemonic", read 2026-11.
    """

    name: str = "seed-phrase"
    entities: tuple[str, ...] = ("SEED_PHRASE",)
    keywords: tuple[str, ...] = (
        "seed",
        "mnemo",
        "recovery",
        "phrase",
        "wallet",
        "bip39",
        "bip-39",
        "metamask",
        "ledger",
        "trezor",
        "secret",
        "semilla",
        "wiederherstell",
        "parole",
        "palavras",
        "palabras",
        "backup",
        "12 word",
        "24 word",
        "words",
    )
    hits: tuple[str | tuple[str, str], ...] = (
        (
            "my seed phrase: legal winner thank year wave sausage worth useful legal winner thank yellow.",
            _PHRASE,
        ),
        ("mnemonic\x02" + "zoo " * 11 + "wrong\x03", "zoo " * 11 + "wrong"),
    )
    misses: tuple[str, ...] = (
        _PHRASE,
        "my seed phrase: legal winner thank year wave sausage worth useful legal winner thank thank",
        "recovery is a long road that every person must walk alone with some help from the people around them",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        searched = 0
        for place in places:
            if place + _REACH[1] // 2 < searched:
                continue
            start, end = window(text, place, *_REACH, across_key=True)
            for words in _runs(text, max(start, searched), end):
                yield from self._phrases(words)
            searched = max(searched, end)

    def _phrases(self, words: list[re.Match[str]]) -> Iterator[Finding]:
        # Its checksum is 4 bits of twelve words: every window of a longer run would be right one time in sixteen, so only those that begin
        # or end where the run does, with at most a few words of a sentence at the other side.
        indexes = [WORDS[word[0].lower()] for word in words]
        for count in _COUNTS:
            beside = len(words) - count
            if 0 <= beside <= _MOST_BESIDE:
                for at in (0, beside) if beside else (0,):
                    if _is_right(indexes[at : at + count]):
                        yield Finding(words[at].start(), words[at + count - 1].end(), "SEED_PHRASE", self.name, 70)
                        return


class LonePhrase:
    """
    A seed phrase that is a whole line or string, words and single spaces alone: nobody writes such a sentence by chance.
    """

    name = "seed-phrase-alone"
    entities = ("SEED_PHRASE",)
    keywords: tuple[str, ...] = ()
    sketch = rb"(?:^|[\n\x02\x03\"'`])[a-z]{3,8}(?: [a-z]{3,8}){11}"
    hits: tuple[str | tuple[str, str], ...] = (
        _PHRASE,
        (f"these:\n{_PHRASE}\n", _PHRASE),
        (f'["{_PHRASE}"]', _PHRASE),
    )
    misses: tuple[str, ...] = (
        f"they said {_PHRASE}",
        _PHRASE.replace("yellow", "thank"),
        "this whole line has twelve small words and not all are listed",
    )
    _WORDS = r"[a-z]{3,8}(?: [a-z]{3,8}){11,23}(?=[\r\n\x02\x03\"'`]|\Z)"
    _FIRST = re.compile(_WORDS)
    _LINE = re.compile(rf"[\n\x02\x03\"'`]{_WORDS}")  # begins with few signs: much faster than looking behind at every place

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        if first := self._FIRST.match(text):
            yield from self._phrase(first.start(), first[0])
        for line in self._LINE.finditer(text):
            yield from self._phrase(line.start() + 1, line[0][1:])

    def _phrase(self, start: int, line: str) -> Iterator[Finding]:
        words = line.split(" ")
        if len(words) in _COUNTS and all(word in WORDS for word in words) and _is_right([WORDS[word] for word in words]):
            yield Finding(start, start + len(line), "SEED_PHRASE", self.name, 70)


class LoneImportKey:
    """
    A private key in Wallet Import Format whose check sum is right: four bytes, so chance makes none.
    """

    name = "wallet-import-format-alone"
    entities = ("PRIVATE_KEY",)
    keywords: tuple[str, ...] = ()
    sketch = rb"(?:^|[^0-9A-Za-z_])[5KLcTQ69][1-9A-HJ-NP-Za-km-z]{50}"
    hits: tuple[str | tuple[str, str], ...] = (_WIF, (f"import {_WIF}, please", _WIF))
    misses: tuple[str, ...] = ("5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK", f"a{_WIF}")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for start, end in words_of(text, "".join(_BASE58), 51):
            if end - start <= 52 and text[start] in "5KLcTQ69" and _has_check_sum(text[start:end]):
                yield Finding(start, end, "PRIVATE_KEY", self.name, 70)


def _runs(text: str, start: int, end: int) -> Iterator[list[re.Match[str]]]:
    """
    At least twelve words of the list, one after the other, with nothing but spaces, numbers, commas and quotes between them.
    """
    # Of most texts no twelve words in a row are of the list: seen at a fraction of what it takes to look at each.
    if _TWELVE not in bytes(map(WORDS.__contains__, _ANY_WORD.findall(text[start:end].lower()))):
        return
    run: list[re.Match[str]] = []
    for word in _ANY_WORD.finditer(text, start, end):
        if word[0].lower() in WORDS and (not run or _BETWEEN.fullmatch(text, run[-1].end(), word.start())):
            run.append(word)
            continue
        if len(run) >= 12:
            yield run
        run = [word] if word[0].lower() in WORDS else []
    if len(run) >= 12:
        yield run


def _is_right(indexes: list[int]) -> bool:
    bits = len(indexes) * 11
    number = 0
    for index in indexes:
        number = number << 11 | index
    check = bits // 33
    entropy = (number >> check).to_bytes((bits - check) // 8)
    return sha256(entropy).digest()[0] >> (8 - check) == number & ((1 << check) - 1)


_BASE58 = {sign: value for value, sign in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")}
_ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141  # of secp256k1 (SEC 2, 2.4.1): keys are below it


def is_base58check(match: re.Match[str]) -> bool:
    """
    Whether the last four bytes of the base58 value are the double SHA-256 of what stands before them.
    """
    return _has_check_sum(match["value"])


def _has_check_sum(value: str) -> bool:
    number = 0
    for sign in value:
        number = number * 58 + _BASE58[sign]
    raw = number.to_bytes((number.bit_length() + 7) // 8)
    return len(raw) > 4 and sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


def _is_scalar(match: re.Match[str]) -> bool:
    digits = match["value"]
    return 1 < int(digits, 16) < _ORDER and len(set(digits.lower())) >= 6


RULES: tuple[Rule, ...] = (
    SeedPhrase(),
    LonePhrase(),
    LoneImportKey(),
    Detector(
        name="wallet-extended-key",  # BIP-32 and SLIP-132 (y, z, t, u, v), read 2026-11
        entity="PRIVATE_KEY",
        keywords=("xprv", "yprv", "zprv", "tprv", "uprv", "vprv"),
        pattern=r"(?<![1-9A-HJ-NP-Za-km-z])(?P<value>[xyztuv]prv[1-9A-HJ-NP-Za-km-z]{107,108})(?![1-9A-HJ-NP-Za-km-z])",
        validate=is_base58check,
        weight=80,
        hits=(  # BIP-32, test vector 1
            "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPP" + "qjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
        ),
        misses=("xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHj",),
    ),
    Detector(
        name="wallet-import-format",  # Bitcoin wiki, "Wallet import format", read 2026-11
        entity="PRIVATE_KEY",
        keywords=("wif", "privat", "priv_key", "privkey", "bitcoin", "btc", "wallet", "secret", "litecoin", "doge"),
        reach=(80, 160),
        pattern=r"(?<![1-9A-HJ-NP-Za-km-z])(?P<value>5[HJK][1-9A-HJ-NP-Za-km-z]{49}|[KLcTQ6][1-9A-HJ-NP-Za-km-z]{50,51})(?![1-9A-HJ-NP-Za-km-z])",
        validate=is_base58check,
        weight=70,
        hits=((f"private key (WIF): {_WIF}", _WIF),),
        misses=("private key (WIF): 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK",),
    ),
    Detector(
        name="wallet-raw-key",  # 32 bytes in hexadecimal, as Ethereum's and Bitcoin's tools print them
        entity="PRIVATE_KEY",
        keywords=(
            "private key",
            "private_key",
            "private-key",
            "privatekey",
            "priv_key",
            "privkey",
            "signing key",
            "signer key",
            "deployer_key",
        ),
        reach=(0, 120),
        # The id of something else may stand beside a key.
        pattern=r"(?<![\w+/-])(?<![iI]d[\"']: [\"'])(?<![iI]d\x02)(?:0x)?(?P<value>[0-9a-fA-F]{64})(?![\w+/=-])",
        validate=_is_scalar,
        weight=50,
        hits=((f"the private key is 0x{_SCALAR}", _SCALAR),),
        misses=("block 0x4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318", "private key " + "0" * 64),
    ),
)
