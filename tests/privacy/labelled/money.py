"""
Payment cards, IBANs, bank routing and crypto wallets, with right check digits.
"""

# ruff: noqa: E501, SIM905 - tables, a row a line

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from privacy.labelled.case import Case, fill
from privacy.labelled.values import RIPPLE58, base58, base58check, bech32, eip55, luhn, mod97_10, shape

# Scheme -> (first digits, lengths). Source: ISO/IEC 7812 ranges as the schemes publish them, read 2026-11.
CARDS: dict[str, tuple[tuple[str, ...], tuple[int, ...]]] = {
    "visa": (("4",), (16, 16, 13, 19)), "mastercard": (("51", "53", "55", "2221", "2500", "2720"), (16,)), "amex": (("34", "37"), (15,)),
    "discover": (("6011", "65", "644", "649"), (16,)), "diners": (("300", "305", "36", "38"), (14,)), "jcb": (("3528", "3560", "3589"), (16,)),
    "unionpay": (("62",), (16, 17, 18, 19)), "maestro": (("5018", "5020", "5038", "6304", "6759", "6761", "6763"), (16, 12, 13, 18, 19)),
    "mir": (("2200", "2204"), (16,)), "rupay": (("6521", "6522", "60"), (16,)), "elo": (("636368", "504175"), (16,)),
    "hipercard": (("606282",), (16,)), "troy": (("9792",), (16,)), "verve": (("5061",), (16, 19)), "dankort": (("5019",), (16,)),
}  # fmt: skip
_CARD_PLACES = (
    ("prose-en", "Please charge my card \x00, expiry 09/27."), ("prose-de", "Meine Kartennummer ist \x00, gültig bis 09/27."),
    ("prose-fr", "Ma carte bancaire : \x00, merci."), ("prose-es", "Mi tarjeta es \x00 y no funciona."), ("json", '{"customer": "c-1", "card_number": "\x00"}'),
    ("csv", "name,card,amount\nAnn,\x00,12.50\n"), ("yaml", "payment:\n  pan: \x00\n"), ("bare", "\x00"), ("log", "INFO payment \x00 declined\n"),
    ("document", "card_number\x02\x00\x03amount\x0212\x03"), ("chat", "it says \x00 is not valid??"), ("form", "Card number: \x00\nName: A. B.\n"),
)  # fmt: skip


def _grouped(random: Random, number: str) -> str:
    mark = random.choice(["", "", " ", "-"])
    if not mark:
        return number
    if len(number) in (14, 15):
        return mark.join((number[:4], number[4:10], number[10:]))
    return mark.join(number[at : at + 4] for at in range(0, len(number), 4))


def cards(random: Random) -> Iterator[Case]:
    """
    Every scheme in every place.
    """
    for scheme, (heads, lengths) in CARDS.items():
        for number, (place, template) in enumerate(_CARD_PLACES * 2):
            head = heads[number % len(heads)]
            body = head + shape(random, f"<d{lengths[number % len(lengths)] - 1 - len(head)}>")
            yield fill(template, _grouped(random, luhn(body)), "card", ("CARD",), scheme, place, "pii")


# Structure of what follows the check digits: a letters, n digits, c both. Source: SWIFT IBAN registry, release 101; the second table are
# countries that issue IBANs without being in it. Read 2026-11.
_IBANS = (
    "AD8n12c AE19n AL8n16c AT16n AZ4a20c BA16n BE12n BG4a6n8c BH4a14c BI23n BR23n1a1c BY4c4n16c CH5n12c CR18n CY8n16c CZ20n "
    "DE18n DJ23n DK14n DO4c20n EE16n EG25n ES20n FI14n FK2a12n FO14n FR10n11c2n GB4a14n GE2a16n GI4a15c GL14n GR7n16c GT24c "
    "HN4a20n HR17n HU24n IE4a14n IL19n IQ4a15n IS22n IT1a10n12c JO4a4n18c KW4a22c KZ3n13c LB4n20c LC4a24c LI5n12c LT16n "
    "LU3n13c LV4a13c LY21n MC10n11c2n MD20c ME18n MK3n10c2n MN16n MR23n MT4a5n18c MU4a19n3a NI4a20n NL4a10n NO11n OM3n16c "
    "PK4a16c PL24n PS4a21c PT21n QA4a21c RO4a16c RS18n RU14n15c SA2n18c SC4a20n3a SD14n SE20n SI15n SK20n SM1a10n12c SO19n "
    "ST21n SV4a20n TL19n TN20n TR6n16c UA6n19c VA18n VG4a16n XK16n YE4a4n18c AO21n BF2c22n BJ2c22n CF23n CG23n CI2a22n CM23n "
    "CV21n DZ22n GA23n GQ23n GW2c19n IR22n KM23n MA24n MG23n ML2c22n MZ21n NE2a22n SN2a22n TD23n TG2a22n"
).split()
_IBAN_PLACES = (
    ("prose-en", "Wire it to \x00 before Friday."), ("prose-de", "Bitte auf \x00 überweisen, danke."), ("prose-fr", "Mon compte est \x00 à la banque."),
    ("json", '{"iban": "\x00", "bic": null}'), ("csv", "name;iban\nAnn;\x00\n"), ("form", "IBAN: \x00\n"), ("bare", "\x00"), ("document", "account\x02\x00\x03"),
)  # fmt: skip


def iban(random: Random, structure: str) -> str:
    """
    An IBAN of a country, with check digits of ISO 7064.
    """
    country, rest = structure[:2], structure[2:]
    body = ""
    while rest:
        count = rest[: next(at for at, one in enumerate(rest) if one.isalpha())]
        body += shape(random, {"a": "<U%s>", "n": "<d%s>", "c": "<u%s>"}[rest[len(count)]] % count)
        rest = rest[len(count) + 1 :]
    return f"{country}{98 - mod97_10(body + country + '00'):02d}{body}"


def ibans(random: Random) -> Iterator[Case]:
    for structure in _IBANS:
        for number, (place, template) in enumerate(_IBAN_PLACES):
            value = iban(random, structure)
            if number % 2:
                value = " ".join(value[at : at + 4] for at in range(0, len(value), 4))
            yield fill(template, value, "iban", ("IBAN",), structure[:2], place, "pii")


def _aba(random: Random) -> str:
    while True:
        number = f"{random.choice([1, 2, 3, 6, 7, 11, 12, 21, 26, 31]):02d}{shape(random, '<d7>')}"
        if sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0:
            return number


def banking(random: Random) -> Iterator[Case]:
    """
    Routing numbers and BICs, always with their names.
    """
    for _ in range(8):
        for template in (
            "routing number: \x00",
            '{"routing_number": "\x00"}',
            "ABA \x00, account to follow",
            "The routing number is \x00.",
            "aba\x02\x00\x03",
        ):
            yield fill(template, _aba(random), "routing", ("BANK_ACCOUNT",), "aba", "", "pii")
        for template in ("SWIFT: \x00", '{"bic": "\x00"}', "BIC \x00", "Der BIC lautet \x00.", "swift_code\x02\x00\x03"):
            country = random.choice(["DE", "FR", "GB", "US", "CH", "ES", "NL", "BR"])
            value = shape(random, "<U4>") + country + shape(random, random.choice(["<u2>", "<u2><u3>", "<u2>XXX"]))
            yield fill(template, value, "bic", ("BANK_ACCOUNT",), "bic", "", "pii")


def _cashaddr(random: Random) -> str:
    words = "".join(f"{byte:08b}" for byte in b"\0" + random.randbytes(20))
    words += "0" * (-len(words) % 5)
    values = [int(words[at : at + 5], 2) for at in range(0, len(words), 5)]
    check = 1
    for value in [ord(one) & 31 for one in "bitcoincash"] + [0] + values + [0] * 8:
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ value
        for bit, generator in enumerate((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)):
            check ^= generator if top >> bit & 1 else 0
    check ^= 1
    values += [check >> 5 * (7 - at) & 31 for at in range(8)]
    return "bitcoincash:" + "".join("qpzry9x8gf2tvdw0s3jn54khce6mua7l"[value] for value in values)


WALLETS: dict[str, Callable[[Random], str]] = {
    "btc-p2pkh": lambda random: base58check(b"\x00" + random.randbytes(20)),
    "btc-p2sh": lambda random: base58check(b"\x05" + random.randbytes(20)),
    "btc-bech32": lambda random: bech32("bc", random.randbytes(20), 0),
    "btc-bech32-script": lambda random: bech32("bc", random.randbytes(32), 0),
    "btc-taproot": lambda random: bech32("bc", random.randbytes(32), 1),
    "eth": lambda random: eip55(random.randbytes(20)),
    "eth-lower": lambda random: "0x" + random.randbytes(20).hex(),
    "tron": lambda random: base58check(b"\x41" + random.randbytes(20)),
    "xrp": lambda random: base58check(b"\x00" + random.randbytes(20), RIPPLE58),
    "ltc": lambda random: base58check(b"\x30" + random.randbytes(20)),
    "ltc-bech32": lambda random: bech32("ltc", random.randbytes(20), 0),
    "doge": lambda random: base58check(b"\x1e" + random.randbytes(20)),
    "bch": _cashaddr,
    "cardano": lambda random: bech32("addr", b"\x01" + random.randbytes(56)),
    "cosmos": lambda random: bech32("cosmos", random.randbytes(20)),
    "solana": lambda random: base58(random.randbytes(32)),
}
_WALLET_PLACES = (
    "Send it to my wallet \x00 please.", '{"wallet_address": "\x00"}', "address: \x00\n", "Meine Wallet-Adresse: \x00", "wallet\x02\x00\x03",
    "\x00", "paid to \x00 yesterday", "addr,amount\n\x00,0.5\n",
)  # fmt: skip


def wallets(random: Random) -> Iterator[Case]:
    """
    Addresses; Solana's, which have no checksum, and Ethereum's without capitals only where a word says what they are.
    """
    for sub, make in WALLETS.items():
        weak = sub in ("solana", "eth-lower")
        for template in _WALLET_PLACES[: 5 if weak else None] * (3 if weak else 2):
            yield fill(template, make(random), "wallet", ("CRYPTO_ADDRESS",), sub, template, "pii")
