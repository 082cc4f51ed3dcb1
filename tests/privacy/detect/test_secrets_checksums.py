"""
Checksums in tokens: a right one proves, a wrong one says nothing.
"""

from __future__ import annotations

import random
import time
from zlib import crc32

import pytest

from excise.privacy.detect import secrets_code, secrets_hosting
from excise.privacy.detect.checksums_secret import crc32_base62, crc32_hex
from excise.privacy.detect.scanner import Scanner

BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def base62(number: int) -> str:
    return "".join(BASE62[number // 62**place % 62] for place in range(5, -1, -1))


def test_github_and_npm_end_in_a_crc() -> None:
    """
    Base62 with the digits first, padded to six.
    """
    rng = random.Random(1)
    bodies = ["".join(rng.choices(BASE62, k=30)) for _ in range(50)]

    assert all(crc32_base62(body + base62(crc32(body.encode()))) for body in bodies)
    assert not any(crc32_base62(body + base62(crc32(body.encode()) ^ 1)) for body in bodies)
    assert not crc32_base62("short")
    assert not crc32_base62("é" * 36)


def test_cloudflare_ends_in_a_crc() -> None:
    """
    Eight hexadecimal digits.
    """
    body = "".join(random.Random(2).choices(BASE62, k=40))

    assert crc32_hex(body + f"{crc32(body.encode()):08x}")
    assert not crc32_hex(body + "00000000")
    assert not crc32_hex("1234567")


@pytest.mark.parametrize("rules", [secrets_code.RULES, secrets_hosting.RULES], ids=["github", "cloudflare"])
def test_a_wrong_checksum_lets_nothing_pass(rules) -> None:
    """
    By their shape alone they are found: documentation and tests have made-up ones.
    """
    made_up = {secrets_code.RULES: "gh" + "p_" + "q7Z" * 12, secrets_hosting.RULES: "cfut" + "_" + "q7Z9" * 10 + "00000000"}[rules]

    assert [(one.start, one.end) for one in Scanner(rules).scan(f"token {made_up} end")] == [(6, 6 + len(made_up))]


def test_a_right_checksum_needs_no_boundary() -> None:
    """
    Glued to other text it is found all the same; with a wrong one it is not told from that text.
    """
    body = "".join(random.Random(5).choices(BASE62, k=30))
    right, wrong = ("np" + "m_" + body + base62(crc32(body.encode()) ^ flaw) for flaw in (0, 1))

    assert [one.end - one.start for one in Scanner(secrets_code.RULES).scan(f"abc{right}def")] == [40]
    assert not Scanner(secrets_code.RULES).scan(f"abc{wrong}def")


@pytest.mark.parametrize("rules", [secrets_code.RULES, secrets_hosting.RULES], ids=["code", "hosting"])
@pytest.mark.parametrize(
    "piece", ["sk-", "gh" + "p_", "key=", "AAAA", "token-", "1/", "s.", ":a", "https://", "\\n", "=" * 8, "pat", "v1."]
)
def test_the_cost_is_linear(rules, piece: str) -> None:
    """
    Ten times the text takes not much more than ten times the time, whatever is repeated in it.
    """
    scanner = Scanner(rules)
    spent = []
    for size in (30_000, 300_000):
        text = piece * (size // len(piece))
        started = time.process_time()
        scanner.scan(text)
        spent.append(time.process_time() - started)

    assert spent[1] < 30 * spent[0] + 0.05
