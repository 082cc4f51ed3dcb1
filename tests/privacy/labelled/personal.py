"""
Telephone numbers, e-mail and network addresses, dates of birth, documents, devices, health.
"""

# ruff: noqa: E501 - tables, a row a line

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from random import Random

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from privacy.labelled.case import Case, fill
from privacy.labelled.values import luhn, shape

PII = "pii"

_PHONE_WORDS = {
    "DE": "Telefon", "AT": "Tel.", "CH": "Telefon", "FR": "téléphone", "BE": "tél.", "ES": "teléfono", "MX": "teléfono", "AR": "celular", "IT": "telefono",
    "PT": "telefone", "BR": "telefone", "NL": "telefoon", "PL": "telefon", "SE": "telefon", "DK": "telefon", "NO": "telefon", "RU": "телефон",
}  # fmt: skip


def phones(random: Random) -> Iterator[Case]:
    """
    Two numbers of every region: international and E.164 anywhere, national ones with a word.
    """
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(region, kind)
            if number is None:
                continue
            number = _other(random, number, region)
            wide = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
            e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
            own = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
            word = _PHONE_WORDS.get(region, "phone")
            for place, template, value in (
                ("prose", "You can reach me at \x00 after six.", wide),
                ("json", '{"name": "Ann", "contact": "\x00"}', e164),
                ("form", f"{word}: \x00\n", wide),
            ):
                yield fill(template, value, "phone", ("PHONE",), f"{region} international", place, PII)
            if len(own) >= 7:
                yield fill(f"{word}: \x00\n", own, "phone-national", ("PHONE",), region, "form", PII)
                yield fill('{"phone": "\x00"}', own, "phone-national", ("PHONE",), region, "json", PII)
                yield fill("mobile\x02\x00\x03", own, "phone-national", ("PHONE",), region, "document", PII)


def _other(random: Random, number: phonenumbers.PhoneNumber, region: str) -> phonenumbers.PhoneNumber:
    """
    Another valid number beside an example: its last digits changed.
    """
    text = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    for _ in range(20):
        tried = phonenumbers.parse(text[:-4] + shape(random, "<d4>"))
        if phonenumbers.is_valid_number_for_region(tried, region):
            return tried
    return number


_EMAILS = (
    "<L6>.<L7>@example.com", "<L5>@mail.<L6>.co.uk", "<L4>+<L3><d2>@<L7>.io", "<L6>_<L4>@<L5>.museum", "<U1><L5>.<U1><L6>@<U1><L6>.COM", "<d6>@<L4>.de",
    "<L3>-<L4>@<L5>-<L3>.org", "<L1>@<L2>.fr", "o'<L5>@<L6>.ie", "<L12>.<L14>.<L10>@<L8>.<L6>.<L4>.technology", "info@<L9>.info", "<L5>@<L4>.xn--p1ai",
    "<L5>%<L3>@<L6>.net", "<L4>.<L5>@<L5>.gov.br", "jürgen.<L6>@<L5>.de", "<L5>@bücher-<L3>.de", "<L5>@<L5>.online",
)  # fmt: skip
_EMAIL_PLACES = (
    "Write to \x00, please.", "Ann <\x00>", "mailto:\x00", '{"email": "\x00"}', "user,\x00,active\n", "From: Ann <\x00>\nTo: x\n", "Meine Adresse ist \x00.",
    "[write](mailto:\x00)", "author = \"\x00\"", "(\x00)", "contact\x02\x00\x03", "\x00", "https://x.test/?email=\x00&x=1", "login \x00 failed", "a\t\x00\tb",
)  # fmt: skip


def emails(random: Random) -> Iterator[Case]:
    for number, make in enumerate(_EMAILS):
        for place, template in enumerate(_EMAIL_PLACES):
            yield fill(template, shape(random, make), "email", ("EMAIL",), make, f"{number}.{place}", PII)


def _public_v4(random: Random) -> str:
    while True:
        address = ipaddress.IPv4Address(random.getrandbits(32))
        if address.is_global and not address.is_multicast and int(address) >> 24 < 224:
            return str(address)


def _public_v6(random: Random, short: bool) -> str:
    head = random.choice([0x2A00, 0x2001_0470 >> 16, 0x2400, 0x2600, 0x2A02]) << 112 | random.getrandbits(16) << 96
    # 2001:0db8::/32 and the other registries' blocks under 2001: are not of interest.
    head = head if head >> 112 != 0x2001 else 0x2001_0470 << 96
    tail = random.getrandbits(16) if short else random.getrandbits(96)
    return str(ipaddress.IPv6Address(head | tail))


_IP_PLACES = (
    "Login from \x00 at noon", "client ip: \x00\n", '{"ip": "\x00"}', "\x00 - - [12/Mar/2026:10:00:00 +0000] \"GET / HTTP/1.1\" 200 12", "ssh root@\x00",
    "Die Adresse \x00 ist gesperrt.", "remote_addr\x02\x00\x03", "ping \x00", "X-Forwarded-For: \x00\r\n", "host,\x00,up\n", "\x00",
)  # fmt: skip


def network(random: Random) -> Iterator[Case]:
    for _ in range(6):
        for template in _IP_PLACES:
            yield fill(template, _public_v4(random), "ip", ("IP_ADDRESS",), "v4", template, PII)
            yield fill(template, _public_v6(random, random.random() < 0.5), "ip", ("IP_ADDRESS",), "v6", template, PII)
        for template in ("mac: \x00\n", '{"mac": "\x00"}', "ether \x00 txqueuelen 1000", "hwaddr\x02\x00\x03"):
            raw = [f"{byte:02x}" for byte in bytes([random.randrange(0, 256, 4)]) + random.randbytes(5)]
            value = random.choice([":".join(raw), "-".join(raw).upper()])
            yield fill(template, value, "mac", ("MAC_ADDRESS",), "mac", template, PII)


_BIRTHS = (
    "Date of birth: \x00", "She was born on \x00 in Leeds.", "DOB \x00", '{"date_of_birth": "\x00"}', "dob\x02\x00\x03", "Geburtsdatum: \x00", "geboren am \x00",
    "né le \x00 à Lyon", "date de naissance : \x00", "fecha de nacimiento: \x00", "nació el \x00", "data di nascita: \x00", "data de nascimento: \x00", "birthdate: \x00\n",
)  # fmt: skip


def births(random: Random) -> Iterator[Case]:
    months = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
    for _ in range(2):
        for template in _BIRTHS:
            year, month, day = random.randint(1930, 2015), random.randint(1, 12), random.randint(1, 28)
            forms = [
                f"{year}-{month:02d}-{day:02d}",
                f"{day:02d}/{month:02d}/{year}",
                f"{day:02d}.{month:02d}.{year}",
                f"{month}/{day}/{year % 100:02d}",
            ]
            if template.isascii() and template[0] in "DSd{b":
                forms += [f"{day} {months[month - 1]} {year}", f"{months[month - 1]} {day}, {year}"]
            for value in forms:
                yield fill(template, value, "birth-date", ("BIRTH_DATE",), template, "", PII)


def _mrz_check(text: str) -> str:
    values = (0 if one == "<" else int(one, 36) for one in text)
    return str(sum(value * weight for value, weight in zip(values, (7, 3, 1) * 20, strict=False)) % 10)


def _mrz(random: Random) -> str:
    country = random.choice(["UTO", "GBR", "FRA", "ESP", "POL"])
    first = f"P<{country}{shape(random, '<U7>')}<<{shape(random, '<U5>')}<{shape(random, '<U4>')}".ljust(44, "<")
    number, birth, expiry = shape(random, "<U1><d8>"), f"{random.randint(50, 99)}0{random.randint(1, 9)}1{random.randint(0, 9)}", "300101"
    number, birth, expiry = number + _mrz_check(number), birth + _mrz_check(birth), expiry + _mrz_check(expiry)
    second = f"{number}{country}{birth}{random.choice('MF')}{expiry}{'<' * 14}<"
    return f"{first}\n{second}{_mrz_check(number + birth + expiry + '<' * 15)}"


def documents(random: Random) -> Iterator[Case]:
    """
    Passports, licences, vehicles, devices.
    """
    for _ in range(8):
        for template in ("\x00\n", "Scan says:\n\x00\nok?", "mrz\x02\x00\x03"):
            yield fill(template, _mrz(random), "mrz", ("PASSPORT",), "td3", template, PII)
        for template, sub, make in (
            ("Passport number: \x00", "us", "<n1><d8>"), ("passport no. \x00", "gb", "<d9>"), ("Reisepass-Nr.: \x00", "de", "C<g8>"), ("Reisepassnummer \x00", "de", "C0<d7>"),
            ("numéro de passeport : \x00", "fr", "<d2><U2><d5>"), ("pasaporte \x00", "es", "<U3><d6>"), ('{"passport_number": "\x00"}', "in", "<U1><d7>"),
            ("passaporto: \x00", "it", "<U2><d7>"), ("passport\x02\x00\x03", "us", "<U1><d8>"),
        ):  # fmt: skip
            yield fill(template, shape(random, make), "passport", ("PASSPORT",), sub, template, PII)
        for template, sub, make in (
            ("Driver's license: \x00", "us-ca", "<U1><d7>"), ("driving licence number \x00", "gb", "<U5><n1>01018<U2>9<U2>"), ('{"drivers_license": "\x00"}', "us-fl", "<U1><d12>"),
            ("Führerscheinnummer: \x00", "de", "B072<g7>"), ("driver_license\x02\x00\x03", "us-tx", "<d8>"), ("permis de conduire : \x00", "fr", "<d12>"),
        ):  # fmt: skip
            yield fill(template, shape(random, make), "licence", ("DRIVING_LICENCE",), sub, template, PII)
        for template in ("VIN: \x00", '{"vin": "\x00"}', "the VIN is \x00", "vin\x02\x00\x03", "Fahrgestellnummer \x00"):
            yield fill(template, _vin(random), "vin", ("VEHICLE_ID",), "vin", template, PII)
        for template in ("IMEI: \x00", '{"imei": "\x00"}', "the IMEI of my phone is \x00", "imei\x02\x00\x03"):
            yield fill(template, luhn("35" + shape(random, "<d12>")), "imei", ("DEVICE_ID",), "imei", template, PII)
        for template in ("ICCID: \x00", '{"iccid": "\x00"}', "SIM ICCID \x00"):
            yield fill(template, luhn("8949" + shape(random, "<d14>")), "iccid", ("DEVICE_ID",), "iccid", template, PII)
        for template in ("GPS: \x00", "we met near \x00", '{"location": "\x00"}', "coordinates\x02\x00\x03"):
            value = f"{random.uniform(35, 60):.5f}, {random.uniform(-9, 30):.5f}"
            yield fill(template, value, "coordinates", ("LOCATION",), "pair", template, "strict")


def _vin(random: Random) -> str:
    letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
    body = random.choice(["1HG", "WVW", "JTD", "5YJ", "WBA"]) + "".join(random.choices(letters, k=9)) + shape(random, "<d5>")
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    total = sum((int(one) if one.isdigit() else values[one]) * weight for one, weight in zip(body, weights, strict=True))
    return body[:8] + "0123456789X"[total % 11] + body[9:]


def _dea(random: Random) -> str:
    digits = shape(random, "<d6>")
    total = sum(map(int, digits[::2])) + 2 * sum(map(int, digits[1::2]))
    return random.choice("ABFM") + shape(random, "<U1>") + digits + str(total % 10)


def _kvnr(random: Random) -> str:
    letter, digits = shape(random, "<U1>"), shape(random, "<d8>")
    plain = f"{ord(letter) - 64:02d}{digits}"
    total = sum(sum(divmod(int(digit) * weight, 10)) for digit, weight in zip(plain, (1, 2) * 5, strict=True))
    return letter + digits + str(total % 10)


def health(random: Random) -> Iterator[Case]:
    for _ in range(8):
        for sub, value, templates in (
            ("npi", luhn("80840" + "1" + shape(random, "<d8>"))[5:], ("NPI: \x00", '{"npi": "\x00"}', "NPI number \x00", "npi\x02\x00\x03")),
            ("dea", _dea(random), ("DEA number: \x00", '{"dea": "\x00"}', "DEA \x00")),
            ("mbi", shape(random, "<n1>EG<d1>TE<d1>MK<d2>"), ("Medicare beneficiary identifier \x00", "MBI: \x00", '{"mbi": "\x00"}')),
            ("mrn", shape(random, "<n1><d7>"), ("MRN: \x00", "medical record number \x00", '{"mrn": "\x00"}', "patient_mrn\x02\x00\x03", "Patient ID: \x00")),
            ("kvnr", _kvnr(random), ("Krankenversichertennummer \x00", "KVNR: \x00", "Versichertennummer: \x00")),
        ):  # fmt: skip
            for template in templates:
                yield fill(template, value, "health", ("MEDICAL_ID",), sub, template, PII)
