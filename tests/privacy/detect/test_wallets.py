"""
Check sums of wallets: what is right is found, what is one sign off is not.
"""

from __future__ import annotations

import pytest

from excise.privacy.detect.scanner import Scanner
from excise.privacy.detect.wallets import RULES

SCANNER = Scanner(RULES)
CHECKED = [rule for rule in RULES if rule.name in ("wallet-base58", "wallet-bech32", "wallet-cashaddr", "wallet-stellar", "wallet-ton")]
SAMPLES = [hit if isinstance(hit, str) else hit[1] for rule in CHECKED for hit in rule.hits]


@pytest.mark.parametrize("address", [sample for sample in SAMPLES if len(sample) < 95], ids=lambda one: one[:8])
def test_one_wrong_sign_and_it_is_no_wallet(address):
    """
    Anywhere in it. (Monero's check sum is not computed.)
    """
    assert SCANNER.scan(address)
    for at in range(len(address) - 12, len(address)):
        wrong = address[:at] + ("3" if address[at] != "3" else "5") + address[at + 1 :]

        assert not SCANNER.scan(wrong), wrong


def test_ethereum_needs_no_check_sum_but_variety():
    """
    Tools write lower case, which carries none; constants repeat themselves.
    """
    assert SCANNER.scan("0x" + "5aaeb6053f3e94c9b9a0" * 2)
    assert not SCANNER.scan("0x" + "00ff" * 10)
