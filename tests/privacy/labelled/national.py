"""
National identity, social security and tax numbers with right check digits: python-stdnum says whether one is right.
"""

# ruff: noqa: E501 - tables, a row a line

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from privacy.labelled.case import Case, fill
from privacy.labelled.values import shape

NATIONAL, TAX, BOTH = ("NATIONAL_ID",), ("TAX_ID",), ("NATIONAL_ID", "TAX_ID")
MEDICAL, SSN = ("MEDICAL_ID", "NATIONAL_ID"), ("US_SSN",)


class Number(NamedTuple):
    """
    `module`: of stdnum, or empty where `make` returns right numbers. `draft`: patterns drawn until one is valid; `{date}` as strftime of
    a birthday. `labels`: what it is called where it is written. `lang`: of the prose around it.
    """

    module: str
    draft: str
    labels: tuple[str, ...]
    lang: str
    types: tuple[str, ...] = BOTH


_D = "%y%m%d"
NUMBERS = (
    Number("ar.cuit", "2<d10>", ("CUIT", "CUIL"), "es"), Number("at.vnr", "<d4>{%d%m%y}", ("SVNR", "Sozialversicherungsnummer"), "de"),
    Number("at.tin", "<d9>", ("Steuernummer", "Abgabenkontonummer"), "de"), Number("au.tfn", "<n1><d8>", ("TFN", "tax file number"), "en"),
    Number("au.abn", "<n1><d10>", ("ABN", "Australian Business Number"), "en"), Number("be.nn", "{%y%m%d}<d5>", ("rijksregisternummer", "numéro national"), "fr"),
    Number("bg.egn", "{%y%m%d}<d4>", ("ЕГН", "EGN"), "en"), Number("br.cpf", "<d11>", ("CPF",), "pt"), Number("br.cnpj", "<d8>0001<d2>", ("CNPJ",), "pt"),
    Number("ca.sin", "<n1><d8>", ("SIN", "social insurance number"), "en"), Number("ch.ssn", "756<d10>", ("AHV-Nummer", "AHV"), "de"),
    Number("cl.rut", "1<d7><d1>", ("RUT", "RUN"), "es"), Number("cn.ric", "110105{%Y%m%d}<d4>", ("身份证号", "ID card number"), "en"),
    Number("co.nit", "9<d9>", ("NIT",), "es"), Number("cz.rc", "{%y%m%d}<d4>", ("rodné číslo", "rodne cislo"), "en"),
    Number("sk.rc", "{%y%m%d}<d4>", ("rodné číslo",), "en"), Number("de.idnr", "<n1><d10>", ("Steueridentifikationsnummer", "Steuer-ID", "IdNr"), "de"),
    Number("dk.cpr", "{%d%m%y}<d4>", ("CPR-nummer", "CPR"), "en"), Number("ee.ik", "3{%y%m%d}<d4>", ("isikukood",), "en"),
    Number("es.dni", "<d8><U1>", ("DNI", "NIF"), "es"), Number("es.nie", "X<d7><U1>", ("NIE",), "es"), Number("fi.hetu", "{%d%m%y}-<d3><u1>", ("henkilötunnus", "HETU"), "en"),
    Number("fr.nir", "1{%y%m}75<d6><d2>", ("numéro de sécurité sociale", "NIR"), "fr"), Number("fr.nif", "0<d12>", ("numéro fiscal", "SPI"), "fr"),
    Number("gb.nhs", "<n1><d9>", ("NHS number", "NHS no"), "en", MEDICAL), Number("gb.utr", "<d10>", ("UTR", "unique taxpayer reference"), "en"),
    Number("gr.amka", "{%d%m%y}<d5>", ("ΑΜΚΑ", "AMKA"), "en"), Number("hr.oib", "<n1><d10>", ("OIB",), "en"), Number("hu.anum", "<n1><d7>", ("adószám",), "en"),
    Number("ie.pps", "<n1><d6><U1>A", ("PPS number", "PPSN"), "en"), Number("il.idnr", "<n1><d8>", ("teudat zehut", "מספר זהות"), "en"),
    Number("in_.aadhaar", "2<d11>", ("Aadhaar", "aadhaar number"), "en"), Number("in_.pan", "<U3>P<U1><d4><U1>", ("PAN", "permanent account number"), "en"),
    Number("is_.kennitala", "{%d%m%y}<d3>9", ("kennitala",), "en"), Number("jp.in_", "<n1><d11>", ("マイナンバー", "My Number"), "en"),
    Number("kr.rrn", "{%y%m%d}1<d6>", ("주민등록번호", "RRN"), "en"), Number("lt.asmens", "3{%y%m%d}<d4>", ("asmens kodas",), "en"),
    Number("mx.curp", "GA<U2>{%y%m%d}HDF<U3>0<d1>", ("CURP",), "es"), Number("mx.rfc", "GODE{%y%m%d}<u3>", ("RFC",), "es"),
    Number("nl.bsn", "<n1><d8>", ("BSN", "burgerservicenummer"), "nl"), Number("no.fodselsnummer", "{%d%m%y}<d5>", ("fødselsnummer", "personnummer"), "en"),
    Number("pl.pesel", "{%y%m%d}<d5>", ("PESEL",), "pl"), Number("pl.nip", "<n1><d9>", ("NIP",), "pl"), Number("pt.nif", "2<d8>", ("NIF", "contribuinte"), "pt"),
    Number("ro.cnp", "1{%y%m%d}40<d4>", ("CNP",), "en"), Number("se.personnummer", "{%y%m%d}-<d4>", ("personnummer",), "en"),
    Number("sg.uen", "<d8><U1>", ("UEN",), "en"), Number("th.pin", "<n1><d12>", ("เลขประจำตัวประชาชน", "Thai ID"), "en"),
    Number("tr.tckimlik", "<n1><d10>", ("TC Kimlik No", "TCKN"), "en"), Number("tw.ubn", "<d8>", ("統一編號", "UBN"), "en"),
    Number("za.idnr", "{%y%m%d}<d4>08<d1>", ("ID number", "South African ID"), "en"), Number("ec.ci", "17<d8>", ("cédula", "CI"), "es"),
    Number("ua.rntrc", "<d10>", ("РНОКПП", "ІПН"), "en"), Number("ru.inn", "77<d10>", ("ИНН", "INN"), "en"), Number("si.emso", "{%d%m}98850<d4>", ("EMŠO",), "en"),
    Number("do.cedula", "0<d10>", ("cédula",), "es"), Number("ve.rif", "V<d9>", ("RIF",), "es"), Number("nz.ird", "<d8>", ("IRD number", "IRD"), "en"),
    Number("my.nric", "{%y%m%d}02<d4>", ("MyKad", "NRIC"), "en"), Number("id.nik", "317101{%d%m%y}<d4>", ("NIK",), "en"),
    Number("us.ssn", "<d9>", ("SSN", "social security number"), "en", SSN), Number("us.itin", "9<d2>7<d1><d4>", ("ITIN", "taxpayer id"), "en", ("TAX_ID", "US_SSN")),
    Number("us.ein", "12<d7>", ("EIN", "employer identification number"), "en", TAX),
)  # fmt: skip

PROSE = {
    "en": ("My {label} is \x00, is that enough?", "Customer called about {label} \x00 again."),
    "de": ("Meine {label} lautet \x00.", "Bitte prüfen Sie die {label} \x00 noch einmal."),
    "fr": ("Mon {label} est le \x00.", "Voici le {label} du client : \x00."),
    "es": ("Mi {label} es \x00.", "El {label} del cliente: \x00."),
    "pt": ("O meu {label} é \x00.", "Segue o {label} do cliente: \x00."),
    "nl": ("Mijn {label} is \x00.", "Graag {label} \x00 controleren."),
    "it": ("Il mio {label} è \x00.", "Ecco il {label} del cliente: \x00."),
    "pl": ("Mój {label} to \x00.", "Proszę sprawdzić {label} \x00."),
}
WRITTEN = (
    '{{"{key}": "\x00"}}',
    "{label}: \x00\n",
    "name,{key}\nAnn,\x00\n",
    "{key}: \x00\n",
    "{key}\x02\x00\x03name\x02Ann\x03",
    "{label} \x00",
    "| {label} | \x00 |\n",
)


def birthday(random: Random, written: str) -> str:
    """
    A date of 1950 to 1999, in strftime's `written`.
    """
    year, month, day = random.randint(1950, 1999), random.randint(1, 12), random.randint(1, 28)
    fields = {"%Y": f"{year}", "%y": f"{year % 100:02d}", "%m": f"{month:02d}", "%d": f"{day:02d}"}
    for field, value in fields.items():
        written = written.replace(field, value)
    return written


def drawn(random: Random, number: Number) -> str:
    """
    A right number, as a rule written compactly, every third as its country writes it.
    """
    module = importlib.import_module(f"stdnum.{number.module}")
    check: Callable[[str], bool] = module.is_valid
    for _ in range(20_000):
        draft = number.draft
        if "{" in draft:
            head, rest = draft.split("{", 1)
            written, tail = rest.split("}", 1)
            draft = head + birthday(random, written) + tail
        value = shape(random, draft)
        if check(value):
            return str(module.format(value)) if hasattr(module, "format") and random.random() < 0.34 else value
    raise AssertionError(number.module)


def _codice(random: Random) -> str:
    from stdnum.it import codicefiscale

    body = shape(random, "<U6>") + birthday(random, "%y") + random.choice("ABCDEHLMPRST") + f"{random.randint(1, 28):02d}H501"
    return body + str(codicefiscale.calc_check_digit(body))


def _nric(random: Random) -> str:
    digits = shape(random, "<d7>")
    total = sum(int(digit) * weight for digit, weight in zip(digits, (2, 7, 6, 5, 4, 3, 2), strict=True))
    return f"S{digits}{'JZIHGFEDCBA'[total % 11]}"


def _nino(random: Random) -> str:
    head = random.choice("ABCEGHJKLMNOPRSTWXYZ") + random.choice("ABCEGHJKLMNPRSTWXYZ")
    digits = shape(random, "<d6>")
    value = f"{'AB' if head in ('BG', 'GB', 'KN', 'NK', 'NT', 'TN', 'ZZ') else head}{digits}{random.choice('ABCD')}"
    return " ".join((value[:2], value[2:4], value[4:6], value[6:8], value[8])) if random.random() < 0.3 else value


def _twid(random: Random) -> str:
    letter, digits = random.choice("ABCDEFGH"), random.choice("12") + shape(random, "<d7>")
    code = str(ord(letter) - ord("A") + 10)
    total = sum(int(digit) * weight for digit, weight in zip(code + digits, (1, 9, 8, 7, 6, 5, 4, 3, 2, 1), strict=True))
    return f"{letter}{digits}{-total % 10}"


def _formatted_ssn(random: Random) -> str:
    return f"{random.randint(1, 665):03d}-{random.randint(1, 99):02d}-{random.randint(1, 9999):04d}"


MADE: tuple[tuple[str, Callable[[Random], str], tuple[str, ...], str, tuple[str, ...]], ...] = (
    ("it.codicefiscale", _codice, ("codice fiscale", "CF"), "it", BOTH),
    ("sg.nric", _nric, ("NRIC", "FIN"), "en", BOTH),
    ("gb.nino", _nino, ("National Insurance number", "NINO"), "en", BOTH),
    ("tw.id", _twid, ("身分證字號", "national ID"), "en", BOTH),
    ("us.ssn-dashed", _formatted_ssn, ("SSN", "social security number", "ssn"), "en", SSN),
)


def numbers(random: Random) -> Iterator[Case]:
    """
    Every number in prose of its country, JSON, CSV, YAML, forms and as a document.
    """
    rows = [(row.module, lambda one, row=row: drawn(one, row), row.labels, row.lang, row.types) for row in NUMBERS]
    for sub, make, labels, lang, types in itertools.chain(rows, MADE):
        for number, template in enumerate((*PROSE[lang], *WRITTEN, *PROSE[lang], *WRITTEN)):
            label = labels[number % len(labels)]
            written = template.format(label=label, key=label.lower().replace(" ", "_").replace("-", "_"))
            family = "us-ssn" if sub.startswith("us.ssn") else "national"
            yield fill(written, make(random), family, types, sub, template, "pii")
