"""
Keys known by the name of their service only: every way an assignment is written.
"""

from __future__ import annotations

import random

import pytest

from excise.privacy.detect.scanner import Scanner
from excise.privacy.detect.secrets_named import RULES
from excise.privacy.detect.secrets_services import SERVICES

SCANNER = Scanner(RULES)
KEY = "k7q2z9x4v8m3t6w1p5h0d7s2r9j4b8k1"

WRITTEN = (
    'FASTLY_API_KEY = "{}"',
    "fastlyToken: '{}'",
    '"fastly_key": "{}"',
    '{{"config.ini": "FASTLY_KEY={}\\nBACKUP=true"}}',
    "fastly_token: {}\n",
    "export FASTLY_TOKEN={}",
    "<fastlyKey>\n  {}\n</fastlyKey>",
    "fastly_key => {}\n",
    "fastly.key={}",
    'System.setProperty("fastly.key", "{}")',
    "fastly_key := {}",
    'var fastlyKey = "{}"',
    'string fastlyKey = "{}";',
    'fastly_key ?= "{}"',
    "$ purge --fastly-key {} --all",
    "$ purge --fastly-key={}",
    "curl -H 'Fastly-Key: {}' https://example.com",
    "fastly-key\x02{}\x03",
    "- name: FASTLY_KEY\n  value: {}\n",
    "FASTLY_KEY\x03value\x02{}\x03",
    '<add key="FASTLY_KEY" value="{}" />',
    "fastly:\n  token: {}\n",
    "[fastly]\ntoken = {}\n",
    'config["fastly"]["key"] = "{}"',
    'os.environ["FASTLY_KEY"] = "{}"',
    'fastly_key: str = "{}"',
    '{{\\"fastly_key\\": \\"{}\\"}}',
    "My Fastly API key is {}.",
    "Fastly key: {}, and more",
    "https://example.com/?fastly_key={}&x=1",
)


@pytest.mark.parametrize("written", WRITTEN, ids=range(len(WRITTEN)))
def test_an_assignment_is_read_in_every_hand(written: str) -> None:
    """
    Source code of many languages, configuration, shell, HTTP, prose; the key alone is taken out.
    """
    text = written.format(KEY)

    assert [text[one.start : one.end] for one in SCANNER.scan(text)] == [KEY]


@pytest.mark.parametrize(
    "text",
    [
        "FASTLY_COMMIT = " + KEY,
        "fastlySha256: " + KEY,
        "breakfastly_key = " + KEY[:31],
        "fastly_key = " + KEY + "k1",
        "fastly_key = " + KEY + "()",
        "fastly_key = x" * 100,
        "fastly_key = " + "x" * 32,
        "sandbox_key = " + KEY,
        "boxes: " + KEY,
        "from fastly import AsyncStreamingChannelHandlerFacade",
    ],
)
def test_what_is_no_key_of_the_service(text: str) -> None:
    """
    A hash by its name, another length, a call, a stand-in, a name that only contains the service's.
    """
    assert not SCANNER.scan(text)


def test_names_are_written_one_way() -> None:
    """
    The table holds small letters, and no service twice in a row.
    """
    for names, shapes in SERVICES:
        listed = names.split("|")
        assert names == names.lower()
        assert len(set(listed)) == len(listed)
        assert shapes.split()


def test_most_random_keys_are_taken_for_keys() -> None:
    """
    A key without a digit, or with its digits in one heap, is rare.
    """
    rng = random.Random(3)
    texts = ["TRAVIS_TOKEN=" + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=22)) for _ in range(500)]

    assert sum(bool(SCANNER.scan(text)) for text in texts) >= 490
