"""
Addresses of crypto wallets, known by their check sums where they have one.
"""

from __future__ import annotations

import re
from base64 import b32decode, urlsafe_b64decode
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b, sha256

from excise.privacy.detect.detector import Detector, Finding
from excise.privacy.detect.digits import words_of
from excise.privacy.detect.labelled import Labelled

_B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_RIPPLE = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"
_B58_VALUES = {sign: value for value, sign in enumerate(_B58)}
_RIPPLE_VALUES = {sign: value for value, sign in enumerate(_RIPPLE)}

# Version bytes of base58check addresses (20 bytes of hash behind them). Source: the coins' chain parameters.
_VERSIONS1 = frozenset(
    b"\x00\x05\x6f\xc4"  # Bitcoin (and Bitcoin Cash, old form), its test network
    b"\x30\x32\x3a"  # Litecoin
    b"\x1e\x16\x71"  # Dogecoin
    b"\x41"  # Tron
    b"\x4c\x10\x8c\x13"  # Dash
    b"\x24\x37\x3c\x17"  # Groestlcoin, Peercoin, Ravencoin, Qtum, Neo
)
_VERSIONS2 = frozenset((0x1CB8, 0x1CBD, 0x1D25, 0x1CBA, 0x073F, 0x071A))  # Zcash, its test network, Decred


def _base58(text: str, values: dict[str, int]) -> bytes:
    number = 0
    for sign in text:
        number = number * 58 + values[sign]
    zeros = len(text) - len(text.lstrip(next(iter(values))))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8)


def _checked(raw: bytes) -> bytes | None:
    """
    What base58check carries; `None`: the check sum is wrong.
    """
    return raw[:-4] if sha256(sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:] else None


def is_base58_address(text: str) -> bool:
    """
    Whether 25 to 36 base58 signs are an address of a coin that uses Bitcoin's scheme, Tezos or XRP included.
    """
    if text[0] == "r":
        raw = _base58(text, _RIPPLE_VALUES)
        return len(raw) == 25 and raw[0] == 0 and _checked(raw) is not None
    raw = _base58(text, _B58_VALUES)
    if len(raw) == 25:
        return raw[0] in _VERSIONS1 and _checked(raw) is not None
    if len(raw) == 26:
        return int.from_bytes(raw[:2]) in _VERSIONS2 and _checked(raw) is not None
    return len(raw) == 27 and text[:2] in ("tz", "KT") and _checked(raw) is not None


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _remainders(terms: Sequence[int]) -> tuple[int, ...]:
    """
    What the five bits shifted out of a check sum add to it.
    """
    table = [0] * 32
    for bit, term in enumerate(terms):
        for top in range(32):
            table[top] ^= term if top >> bit & 1 else 0
    return tuple(table)


_BECH32_REMAINDERS = _remainders((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3))
_BECH32_VALUES = {sign: value for value, sign in enumerate(_BECH32)}


def is_bech32(text: str) -> bool:
    """
    Whether the check sum of `head1data` is right, as bech32 or bech32m. Source: BIP 173, BIP 350.
    """
    if text.lower() != text and text.upper() != text:
        return False
    head, _, data = text.lower().rpartition("1")
    if len(data) < 6 or not head or any(sign not in _BECH32 for sign in data):
        return False
    check, remainders = 1, _BECH32_REMAINDERS
    for value in (*(ord(sign) >> 5 for sign in head), 0, *(ord(sign) & 31 for sign in head), *map(_BECH32_VALUES.__getitem__, data)):
        check = (check & 0x1FFFFFF) << 5 ^ value ^ remainders[check >> 25]
    return check in (1, 0x2BC830A3)


_CASH_REMAINDERS = _remainders((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470))


def is_cashaddr(text: str) -> bool:
    """
    Whether the check sum of `bitcoincash:data` is right; the prefix may be left off. Source: Bitcoin Cash, CashAddr specification.
    """
    head, _, data = text.lower().rpartition(":")
    if any(sign not in _BECH32 for sign in data):
        return False
    check, remainders = 1, _CASH_REMAINDERS
    for value in (*(ord(sign) & 31 for sign in head or "bitcoincash"), 0, *map(_BECH32_VALUES.__getitem__, data)):
        check = (check & 0x07FFFFFFFF) << 5 ^ value ^ remainders[check >> 35]
    return check == 1


def crc16(data: bytes) -> int:
    """
    CRC-16/XMODEM, of Stellar's and TON's addresses.
    """
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def _is_stellar(found: re.Match[str]) -> bool:
    raw = b32decode(found[0])
    return crc16(raw[:-2]) == int.from_bytes(raw[-2:], "little")


def _is_ton(found: re.Match[str]) -> bool:
    start = found.start() - 1
    raw = urlsafe_b64decode(found.string[start : found.end()].replace("+", "-").replace("/", "_"))
    return raw[0] in (0x11, 0x51, 0x91, 0xD1) and raw[1] in (0x00, 0xFF) and crc16(raw[:-2]) == int.from_bytes(raw[-2:])


def _many_signs(found: re.Match[str]) -> bool:
    # Forty zeros, `0xdeadbeef…`: no wallet. A checksum in the case of letters (EIP-55) is not asked for: most tools write lower case.
    return len(set(found[0][2:].lower())) > 6


_XMR_BLOCK, _XMR_LAST = 11, {7: 5, 2: 1, 11: 8}


def is_monero(text: str) -> bool:
    """
    Whether 95 or 106 base58 signs are blocks of eight bytes each, as Monero writes them, with a version byte of its networks. Its check
    sum is Keccak-256, which the standard library has not; so many signs in a right form are seldom chance.
    """
    raw = b""
    for at in range(0, len(text), _XMR_BLOCK):
        block = text[at : at + _XMR_BLOCK]
        size = _XMR_LAST.get(len(block))
        number = 0
        for sign in block:
            number = number * 58 + _B58_VALUES[sign]
        if size is None or number >> (8 * size):
            return False
        raw += number.to_bytes(size)
    return raw[0] in (18, 19, 42, 53, 54, 63, 24, 25, 36)


def is_ss58(text: str) -> bool:
    """
    Whether 46 to 49 base58 signs are an account of Polkadot's family. Source: Substrate, SS58 address format.
    """
    raw = _base58(text, _B58_VALUES)
    return len(raw) in (35, 36) and blake2b(b"SS58PRE" + raw[:-2]).digest()[:2] == raw[-2:]


class Base58Addresses:
    """
    Words of base58 signs with a right check sum: Bitcoin, Litecoin, Dogecoin, Tron, Dash, Zcash, XRP, Tezos, Polkadot; Monero by its form.
    """

    name = "wallet-base58"
    entities = ("CRYPTO_ADDRESS",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        ("pay to 3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy, now", "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy"),
        ("trx\x02TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t\x03", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"),
        "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh",
        "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn",
        "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L",
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
        "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H",
    )
    misses: tuple[str, ...] = (
        "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb",
        "x1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa",
        "TestThatNothingMuchHappensHereAtAX",
        "3" * 34,
        "111111111111111111111111111111",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for start, end in words_of(text, _B58, 25):
            if (check := _check_of(end - start, text[start])) is not None and check(text[start:end]):
                yield Finding(start, end, "CRYPTO_ADDRESS", self.name, 80)


def _check_of(length: int, first: str) -> Callable[[str], bool] | None:
    if length <= 36:
        return is_base58_address if first in "12379ALMDTXtrmnyQVSKEFR" and length >= 25 else None
    if 46 <= length <= 49:
        return is_ss58
    return is_monero if length in (95, 106) and first in "4857B9A" else None


class TonAddresses:
    """
    TON's user-friendly addresses: 48 signs of base64 with a CRC.
    """

    name = "wallet-ton"
    entities = ("CRYPTO_ADDRESS",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("to EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2!", "EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q2"),
    )
    misses: tuple[str, ...] = ("EQDtFpEwcFAEcRe5mLVh2N6C0x-_hJEM7W61_JLnSF74p4q3",)
    # From the second sign: it is one, the first is one of four.
    _PATTERN = re.compile(r"Q(?<=[EUk0]Q)(?<![0-9A-Za-z_/+-]..)[0-9A-Za-z_/+-]{46}(?![0-9A-Za-z_/+=-])")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        for found in self._PATTERN.finditer(text):
            if _is_ton(found):
                yield Finding(found.start() - 1, found.end(), "CRYPTO_ADDRESS", self.name, 80)


def _valid(check: Callable[[str], bool]) -> Callable[[re.Match[str]], bool]:
    return lambda found: check(found[0])


def _is_key(value: str) -> bool:
    if value.isupper() or value.islower():
        return False
    return not any(sign not in _B58_VALUES for sign in value) and len(_base58(value, _B58_VALUES)) == 32 and len(set(value)) > 12


_BECH32_HEADS = (
    "bc1 tb1 bcrt1 ltc1 tltc1 addr1 addr_test1 stake1 cosmos1 osmo1 terra1 juno1 inj1 kava1 celestia1 sei1 dydx1 thor1 bnb1 erd1 zil1 zs1"
    " stars1 akash1 evmos1 secret1 axelar1 dgb1 vtc1 grs1 noble1 neutron1"
)
_END = r"(?![0-9A-Za-z_])"
_BEGIN = r"(?<![0-9A-Za-z])"

RULES = (
    Base58Addresses(),
    Detector(
        name="wallet-bech32",
        entity="CRYPTO_ADDRESS",
        pattern=rf"{_BEGIN}[A-Za-z_]{{2,9}}1[02-9ac-hj-np-zAC-HJ-NP-Z]{{38,110}}{_END}",
        keywords=tuple(_BECH32_HEADS.split()),
        validate=_valid(is_bech32),
        hits=(
            "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
            (
                "to bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr.",
                "bc1p5cyxnuxmeuwuvkwfem96lqzszd02n6xdcjrs20cac6yqjjwudpxqkedrcr",
            ),
            "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx",
            "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        ),
        misses=("bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdx", "abc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
    ),
    Detector(
        name="wallet-cashaddr",
        entity="CRYPTO_ADDRESS",
        pattern=rf"{_BEGIN}(?i:bitcoincash|bchtest|ecash|simpleledger):[02-9ac-hj-np-zAC-HJ-NP-Z]{{42,64}}{_END}",
        keywords=("bitcoincash:", "bchtest:", "ecash:", "simpleledger:"),
        validate=_valid(is_cashaddr),
        hits=("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a",),
        misses=("bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6q",),
    ),
    Detector(
        name="wallet-ethereum",
        entity="CRYPTO_ADDRESS",
        # The whole family of its virtual machine: Ethereum, Polygon, BSC, Avalanche C, Arbitrum, …
        pattern=rf"0[xX](?<![0-9A-Za-z_]..)[0-9a-fA-F]{{40}}{_END}",
        validate=_many_signs,
        hits=(
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
            ("eth:0xde709f2102306220921060314715629080e2fb77,", "0xde709f2102306220921060314715629080e2fb77"),
        ),
        misses=(
            "0x" + "0" * 40,
            "0x" + "5a" * 20,
            "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed00",
            "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
        ),
    ),
    Detector(
        name="wallet-stellar",
        entity="CRYPTO_ADDRESS",
        pattern=rf"G(?<![0-9A-Za-z_].)[A-D][A-Z2-7]{{54}}{_END}",
        validate=_is_stellar,
        hits=("GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",),
        misses=("GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGA",),
    ),
    TonAddresses(),
    Detector(
        name="wallet-nano",
        entity="CRYPTO_ADDRESS",
        pattern=rf"{_BEGIN}(?:nano|xrb)_[13][13456789abcdefghijkmnopqrstuwxyz]{{59}}{_END}",
        keywords=("nano_1", "nano_3", "xrb_1", "xrb_3"),
        hits=("nano_3t6k35gi95xu6tergt6p69ck76ogmitsa8mnijtpxm9fkcm736xtoncuohr3",),
        misses=("nano_second1",),
    ),
    Detector(
        name="wallet-byron",
        entity="CRYPTO_ADDRESS",
        pattern=rf"{_BEGIN}(?:Ae2tdPwUP[1-9A-HJ-NP-Za-km-z]{{50}}|DdzFF[1-9A-HJ-NP-Za-km-z]{{99}}){_END}",
        keywords=("ae2tdpwup", "ddzff"),
        hits=("Ae2tdPwUPEZFRbyhz3cpfC2CumGzNkFBN2L42rcUc2yjQpEkxDbkPodpMAi",),
        misses=("DdzFFabc",),
    ),
    Labelled(
        name="wallet-solana",
        entity="CRYPTO_ADDRESS",
        keywords=(
            "solana",
            "phantom",
            "spl token",
            "sol address",
            "sol wallet",
            "sol_address",
            "sol_wallet",
            "sol:",
            "wallet",
            "lamport",
            "address",
        ),
        label=r"(?i:(?<![a-z])(?:solana|phantom|spl token|sol|crypto|wallet|lamports?|address)(?:[ _-]?(?:wallet|address|account"
        r"|addr))?)(?![a-z])",
        value=rf"{_BEGIN}[1-9A-HJ-NP-Za-km-z]{{32,44}}(?![0-9A-Za-z])",
        reach=60,
        before=0,
        validate=_is_key,
        hits=(("Solana wallet: 7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV", "7EcDhSYGxXyscszYEp35KHN8vvw3svAuLKTzXwCFLtV"),),
        misses=("solana program 7EcDh", "wallet: d41d8cd98f00b204e9800998ecf8427e"),
    ),
    Labelled(
        name="wallet-named",
        entity="CRYPTO_ADDRESS",
        # Addresses of 32 bytes in hex (Sui, Aptos, Starknet) look like hashes; those of Algorand like any base32.
        keywords=("sui", "aptos", "starknet", "algorand", "algo address", "wallet address", "wallet_address", "walletaddress"),
        label=r"(?i:(?<![a-z])(?:sui|aptos|starknet|algorand|algo|wallet)(?:[ _-]?(?:wallet|address|account|addr)){0,2})(?![a-z])",
        value=rf"{_BEGIN}(?:0x[0-9a-f]{{62,64}}|[A-Z2-7]{{58}}){_END}",
        hits=(("Aptos address 0x" + "1f3c9a7e5b2d4860" * 4, "0x" + "1f3c9a7e5b2d4860" * 4),),
        misses=("tx 0x" + "1f3c9a7e5b2d4860" * 4,),
    ),
)
