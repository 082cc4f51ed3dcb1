"""
Addresses of machines, and four numbers that are none.
"""

from __future__ import annotations

import ipaddress
import random

import pytest

from excise.privacy.detect.network import RULES
from excise.privacy.detect.scanner import Scanner

SCANNER = Scanner(RULES)


@pytest.mark.parametrize(
    ("address", "detector"),
    [
        ("8.8.8.8", "ipv4"),
        ("10.1.2.3", "ipv4-private"),
        ("192.168.0.1", "ipv4-private"),
        ("169.254.169.254", "ipv4-private"),
        ("2606:4700:4700::1111", "ipv6"),
        ("fe80::1ff:fe23:4567:890a", "ipv6-private"),
        ("fd00:1:2::3", "ipv6-private"),
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "from {}.", "ip:{}", "value:{}", "[{}]", "ip\x02{}\x03", "{}/24", "http://host/{}:80", "中文{}。"]
)
def test_private_addresses_have_a_detector_of_their_own(address, detector, around):
    """
    So that a profile can leave them.
    """
    text = around.format(address) if ":" not in address else around.replace(":80", "").format(address)

    assert [(text[one.start : one.end], one.detector) for one in SCANNER.scan(text)] == [(address, detector)]


def test_every_spelling_of_ipv6_is_found_whole():
    """
    Short, long, upper case.
    """
    rng = random.Random(5)
    for _ in range(300):
        address = ipaddress.IPv6Address(0x2A00 << 112 | rng.getrandbits(rng.choice([112, 64, 16])))
        for value in (str(address), address.exploded, str(address).upper()):
            text = f"peer {value} left"

            assert [text[one.start : one.end] for one in SCANNER.scan(text)] == [value]


@pytest.mark.parametrize(
    "text",
    [
        "version 1.2.3.4",
        '"version": "10.0.19041.1"',
        "v1.2.3.4",
        "numpy==1.2.3.4",
        "upgraded openssl from 1.1.1.7 to 1.1.1.8",
        "libfoo-1.2.3.4.so",
        "Chrome/120.0.6099.71",
        "OID 1.2.840.113549",
        "## 5.3.1.1 Addresses",
        "RFC 4291 §2.5.5.2",
        'ObjectIdentifier("2.5.29.17")',
        "127.0.0.1",
        "255.255.255.0",
        "198.51.100.7",
        "2001:db8::1",
        "std::dead::beef",
        "at 12:30:45",
        "aa::bb",
    ],
)
def test_versions_masks_and_examples_are_nobodys(text):
    """
    Nor are headings, scopes and times of day.
    """
    assert not SCANNER.scan(text)
