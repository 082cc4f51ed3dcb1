"""
Random strings of a shape, and the checksums that formats carry.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
import string
import zlib
from random import Random

ALNUM = string.digits + string.ascii_uppercase + string.ascii_lowercase
CLASSES = {
    "a": ALNUM,
    "w": ALNUM + "_-",
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": string.digits,
    "n": "123456789",
    "u": string.ascii_uppercase + string.digits,
    "U": string.ascii_uppercase,
    "l": string.ascii_lowercase + string.digits,
    "L": string.ascii_lowercase,
    "b": ALNUM + "+/",
    "2": string.ascii_uppercase + "234567",
    "t": ALNUM + "._~-",
    "g": "CFGHJKLMNPRTVWXYZ0123456789",  # what German documents are numbered with
}
_FIELD = re.compile(r"<(\w)(\d+)(?:-(\d+))?>")


def shape(random: Random, pattern: str) -> str:
    """
    `pattern` with `<w20>` or `<w20-30>` replaced by so many random characters of that class.
    """

    def one(found: re.Match[str]) -> str:
        count = int(found[2]) if not found[3] else random.randint(int(found[2]), int(found[3]))
        return "".join(random.choices(CLASSES[found[1]], k=count))

    return _FIELD.sub(one, pattern)


def crc32_base62(body: str) -> str:
    """
    The last six characters of GitHub's and npm's tokens.
    """
    number, text = zlib.crc32(body.encode()), ""
    while number:
        number, digit = divmod(number, 62)
        text = ALNUM[digit] + text
    return text.rjust(6, "0")


def luhn(body: str) -> str:
    """
    `body` with its Luhn digit.
    """
    total = 0
    for at, digit in enumerate(reversed(body)):
        value = int(digit) * (2 - at % 2)
        total += value - 9 if value > 9 else value
    return body + str(-total % 10)


def mod97_10(text: str) -> int:
    """
    ISO 7064 MOD 97-10 of letters and digits.
    """
    return int("".join(str(int(one, 36)) for one in text)) % 97


BITCOIN58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
RIPPLE58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz"


def base58(data: bytes, alphabet: str = BITCOIN58) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = alphabet[digit] + text
    return alphabet[0] * (len(data) - len(data.lstrip(b"\0"))) + text


def base58check(data: bytes, alphabet: str = BITCOIN58) -> str:
    return base58(data + hashlib.sha256(hashlib.sha256(data).digest()).digest()[:4], alphabet)


BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(prefix: str, data: bytes, version: int | None = None) -> str:
    """
    BIP-173, and BIP-350 for witness versions from 1.
    """
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[at : at + 5], 2) for at in range(0, len(bits), 5)]
    if version is not None:
        words = [version, *words]
    constant = 0x2BC830A3 if version else 1
    expanded = [ord(one) >> 5 for one in prefix] + [0] + [ord(one) & 31 for one in prefix]
    check = 1
    for word in expanded + words + [0] * 6:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> bit & 1 else 0
    check ^= constant
    words += [check >> 5 * (5 - at) & 31 for at in range(6)]
    return prefix + "1" + "".join(BECH32[word] for word in words)


def keccak256(data: bytes) -> bytes:
    """
    Keccak with the padding before SHA-3, as Ethereum uses it.
    """
    mask, rate = (1 << 64) - 1, 136
    state = [[0] * 5 for _ in range(5)]
    padded = data + b"\x01" + b"\0" * (-(len(data) + 2) % rate) + b"\x80" if len(data) % rate != rate - 1 else data + b"\x81"

    def turned(value: int, by: int) -> int:
        return (value << by | value >> 64 - by) & mask if by else value

    for start in range(0, len(padded), rate):
        for lane in range(rate // 8):
            state[lane % 5][lane // 5] ^= int.from_bytes(padded[start + 8 * lane : start + 8 * lane + 8], "little")
        register = 1
        for _ in range(24):
            columns = [state[x][0] ^ state[x][1] ^ state[x][2] ^ state[x][3] ^ state[x][4] for x in range(5)]
            for x, y in itertools.product(range(5), range(5)):
                state[x][y] ^= columns[(x - 1) % 5] ^ turned(columns[(x + 1) % 5], 1)
            x, y, current = 1, 0, state[1][0]
            for step in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                current, state[x][y] = state[x][y], turned(current, (step + 1) * (step + 2) // 2 % 64)
            for y in range(5):
                row = [state[x][y] for x in range(5)]
                for x in range(5):
                    state[x][y] = row[x] ^ (~row[(x + 1) % 5] & mask & row[(x + 2) % 5])
            for power in range(7):
                register = (register << 1 ^ (register >> 7) * 0x71) % 256
                if register & 2:
                    state[0][0] ^= 1 << (1 << power) - 1
    return b"".join(state[lane % 5][lane // 5].to_bytes(8, "little") for lane in range(4))


def eip55(data: bytes) -> str:
    """
    An Ethereum address with the capitals of its checksum.
    """
    plain = data.hex()
    digest = keccak256(plain.encode()).hex()
    return "0x" + "".join(one.upper() if int(bit, 16) > 7 else one for one, bit in zip(plain, digest, strict=False))


def url64(data: bytes | dict[str, object]) -> str:
    """
    Base64 for URLs, unpadded; of the JSON where `data` is no bytes.
    """
    raw = data if isinstance(data, bytes) else json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def jwt(random: Random, signed: bool = True) -> str:
    header = {"alg": random.choice(["HS256", "RS256", "ES256", "EdDSA"]) if signed else "none", "typ": "JWT"}
    claims: dict[str, object] = {"sub": shape(random, "<d10>"), "iat": random.randint(1_600_000_000, 1_800_000_000), "scope": "read"}
    return f"{url64(dict(header))}.{url64(claims)}.{url64(random.randbytes(32)) if signed else ''}"


def der_like(random: Random, count: int) -> str:
    """
    Base64 that begins as a DER sequence does.
    """
    return base64.b64encode(b"\x30\x82" + count.to_bytes(2, "big") + b"\x02\x01\x00" + random.randbytes(count)).decode()


def pem(random: Random, label: str, count: int = 300, end: str = "\n") -> str:
    body = der_like(random, count)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    return end.join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----"])
