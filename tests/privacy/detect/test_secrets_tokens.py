"""
Tokens with a published shape: where they stand, what stands round them, what chance writes.
"""

from __future__ import annotations

import base64
import random

import pytest

from excise.privacy.detect import (
    secrets_chat,
    secrets_cloud,
    secrets_code,
    secrets_data,
    secrets_llm,
    secrets_named,
    secrets_other,
    secrets_pay,
)
from excise.privacy.detect.scanner import Scanner
from excise.privacy.detect.secrets_shape import scrambled, varied

FAMILIES = (
    *(secrets_chat, secrets_cloud, secrets_code, secrets_data, secrets_llm),
    *(secrets_named, secrets_other, secrets_pay),
)
RULES = tuple(rule for family in FAMILIES for rule in family.RULES)
SCANNER = Scanner(RULES)

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
HEX = "0123456789abcdef"
WORD = ALNUM + "_-"
BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

# Written a second time, apart from the rules: head, characters, how many, tail.
TOKENS = {
    "aws": ("AK" + "IA", BASE32, 16, ""),
    "aws-temporary": ("AS" + "IA", BASE32, 16, ""),
    "anthropic": ("sk-" + "ant-api03-", WORD, 93, "AA"),
    "openai": ("sk-" + "proj-", WORD, 74, "T3Blbk" + "FJ" + "q7" * 37),
    "openrouter": ("sk-" + "or-v1-", HEX, 64, ""),
    "deepseek": ("sk" + "-", HEX, 32, ""),
    "google": ("AI" + "za", WORD, 35, ""),
    "google-oauth": ("GOCS" + "PX-", WORD, 28, ""),
    "github": ("gh" + "p_", ALNUM, 36, ""),
    "gitlab": ("gl" + "pat-", WORD, 20, ""),
    "groq": ("gs" + "k_", ALNUM, 52, ""),
    "xai": ("xa" + "i-", ALNUM, 80, ""),
    "huggingface": ("h" + "f_", ALNUM, 34, ""),
    "npm": ("np" + "m_", ALNUM, 36, ""),
    "pypi": ("pypi-" + "AgEIcHlwaS5vcmc", WORD, 130, ""),
    "stripe": ("sk" + "_live_", ALNUM, 24, ""),
    "slack": ("xo" + "xb-123456789012-123456789012-", ALNUM, 24, ""),
    "sendgrid": ("S" + "G.", WORD, 22, "." + "v8M3tW1pH-dS2rJ4b_5fG6nLk7Qz9Xv8M3tW1pH-dS2"),
    "digitalocean": ("do" + "p_v1_", HEX, 64, ""),
    "databricks": ("da" + "pi", HEX, 32, ""),
    "shopify": ("shp" + "at_", HEX, 32, ""),
    "twilio": ("S" + "K", HEX, 32, ""),
    "vault": ("hv" + "s.", WORD, 95, ""),
    "linear": ("lin" + "_api_", ALNUM, 40, ""),
    "square": ("EA" + "AA", WORD, 60, ""),
    "telegram": ("123456789" + ":AA", WORD, 33, ""),
    "age": ("AGE-SECRET" + "-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58, ""),
}

SURROUNDINGS = (
    "{}",
    'client = Client("{}")\n',
    "KEY={}\nNEXT=1",
    '{{"key": "{}"}}',
    "key: {}\n",
    "please use {}, thanks",
    "the key is {}.",
    "https://api.example.com/v1?key={}&page=2",
    "curl -H 'X-Key: {}' https://example.com",
    "line one\\n{}\\nline two",  # a line feed escaped, as two characters
    '{{\\"key\\": \\"{}\\"}}',
    "key\x02{}\x03other",
    "callback%3Fkey%3D{}%26page%3D2",
    "<key>{}</key>",
    "`{}`",
    "\x1b[32m{}\x1b[0m",
    "({})",
    "export KEY={};",
)


@pytest.mark.parametrize("name", TOKENS)
def test_a_token_is_found_wherever_it_stands(name: str) -> None:
    """
    In source code, configuration, JSON, prose, a URL, a shell, a terminal's colours, escaped or not, at either end of a text.
    """
    rng = random.Random(name)
    head, characters, count, tail = TOKENS[name]
    for surrounding in SURROUNDINGS:
        # The last of a token's own characters is no dash here: whether one belongs to it nobody can tell.
        token = head + "".join(rng.choices(characters, k=count - 1)) + "7" + tail
        text = surrounding.format(token)
        found = [text[one.start : one.end] for one in SCANNER.scan(text)]

        assert token in found, surrounding


@pytest.mark.parametrize("name", [name for name in TOKENS if name not in ("telegram", "slack")])
def test_a_token_inside_a_word_is_none(name: str) -> None:
    """
    What begins in the middle of letters is part of them.
    """
    rng = random.Random(name)
    head, characters, count, tail = TOKENS[name]
    text = "Qx" + head + "".join(rng.choices(characters, k=count)) + tail

    assert not [one for one in SCANNER.scan(text) if one.start == 2]


@pytest.mark.parametrize("name", ["github", "gitlab", "groq", "npm", "stripe", "deepseek", "openrouter", "digitalocean"])
def test_stand_ins_are_left(name: str) -> None:
    """
    `xxxxxxxx` is nobody's key.
    """
    head, _, count, _ = TOKENS[name]

    assert not SCANNER.scan(head + "x" * count)


@pytest.mark.parametrize(
    "text",
    [
        "call_" + "Ab3dEf6hIj9kLm2nOp5qRs8t",
        "toolu_01" + "A09q90qw90lq917835lq9abc",
        "msg_01" + "XFDUDYJgAACzvnptvVoYELab",
        "chatcmpl-" + "B9MBs8CjcvOU2jLn4n570S5qMJKcT",
        "resp_" + "67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
        "fc_" + "67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b",
        "rs_" + "67ccd2bf17f0819081ff3bb2cf6508e60bb6a6b452d3795b",
        "req_" + "011CSHoEeqs5C35K2UUqR7Fy",
        "file-" + "Xb3dEf6hIj9kLm2nOp5qRs8t",
        "call_" + "0" * 24,
        "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad",
        "sha512-" + "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "3f9a0c7e-1b8d-4a2f-9c4e-9b0d7a1c5e2f",
        "numpy/typing/ufunc.pyi,sha256=" + "sk_" + "HDVLeOoNeF4VOGHDI0iUT8YHeeOJjxyZTO4q0ddE,1346",
        "sk-fading-circle sk-chase-dot-before sk_buff_headroom_reserve hf_hub_download",
        "KEY_7KQ2M9ZP4RT0XWYAB3CD EMAIL_7KQ2M9ZP4RT0XWYAB3 JWT_7KQ2M9ZP4RT0XWYAB3CD",
    ],
    ids=lambda text: text.split("_")[0][:12],
)
def test_ids_and_hashes_are_no_keys(text: str) -> None:
    """
    Neither the ids of model APIs nor hashes, alone or as a value.
    """
    assert not SCANNER.scan(text)
    assert not SCANNER.scan(f'{{"id": "{text}", "next": 1}}')
    assert not SCANNER.scan(f"id\x02{text}\x03signature\x02{text}\x03")


@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["base64", "base64url"])
@pytest.mark.parametrize("length", [76, 200, 1_500_000])
def test_chance_writes_no_key_into_base64(encode, length: int) -> None:
    """
    Two megabytes of it, in lines, in strings, in one piece.
    """
    text = encode(random.Random(length).randbytes(1_500_000)).decode()
    lines = [text[place : place + length] for place in range(0, len(text), length)]

    assert not SCANNER.scan("\n".join(lines))
    assert not SCANNER.scan('["' + '", "'.join(lines) + '"]')


def test_silence_in_base64_is_no_key() -> None:
    """
    Zeros are runs of `A`, as in the sound and pictures of a request.
    """
    audio = base64.b64encode(bytes(1000) + random.Random(1).randbytes(300) + bytes(3000)).decode()

    assert not SCANNER.scan(f'{{"data": "{audio}"}}')


@pytest.mark.parametrize("head", ["sk" + "-", "sk" + "_live_", "gs" + "k_", "xa" + "i-", "r" + "8_", "pa" + "t_"])
def test_made_up_keys_count(head: str) -> None:
    """
    Documentation and tests fill keys with the alphabet; to whoever reads them they are keys.
    """
    bodies = ("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd"[:size] for size in (24, 32, 37, 48, 52, 64, 66))

    assert any(SCANNER.scan(f"key = '{head}{body}'") for body in bodies)


def test_random_is_told_from_words() -> None:
    """
    Words, camel case and names with numbers change their kind of character seldom; random text does at every other one.
    """
    rng = random.Random(4)
    drawn = ["".join(rng.choices(ALNUM, k=24)) for _ in range(2000)]
    names = ["getElementsByClassNameEverywhere", "spinnerDoubleBounceDark", "manager_access_policy_v2", "sandbox2_user_profile"]

    assert sum(map(scrambled, drawn)) > 1980
    assert not [name for name in names if scrambled(name)]
    assert (varied("xxxxxxxx"), varied("x0x0x0x0"), varied("x0y1")) == (False, False, True)
