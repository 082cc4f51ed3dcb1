"""
Telephone numbers: international ones and the North American form anywhere, national ones beside a word that says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from excise.privacy.detect.detector import Finding
from excise.privacy.detect.digits import digits_of, plain, shape
from excise.privacy.detect.labelled import Labelled, other_scripts
from excise.privacy.detect.numbering import area, international, is_country_code, national

_SIGNS = r"[ .()\-/\u00a0]"
_REST = rf"(?:{_SIGNS}{{0,3}}[0-9]){{6,17}}"
_EXTENSION = re.compile(r"(?:,? ?(?i:ext|extn|extension|durchwahl|poste)\.?:? ?|,? ?[x#])[0-9]{1,6}(?![0-9A-Za-z])")
_GROUP = re.compile(r"[0-9]+")


def _longest(text: str, start: int, end: int, holds: Callable[[str], bool]) -> int:
    """
    Where the number that begins at `start` ends at the latest: groups are left off behind until it holds; 0: it never does.
    """
    ends = [group.end() for group in _GROUP.finditer(text, start, end)]
    for stop in ends[:-5:-1]:
        if holds(text[start:stop]):
            return stop
    return 0


def _with_extension(text: str, end: int) -> int:
    return found.end() if (found := _EXTENSION.match(text, end)) is not None else end


class InternationalPhones:
    """
    A plus sign, or `00` and groups, a country code, a number of that country.
    """

    name = "phone-international"
    entities = ("PHONE",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        "+14155552671",
        ("ring +44 20 7946 0958 now", "+44 20 7946 0958"),
        ("+49 (0)30 901820,", "+49 (0)30 901820"),
        ("tel:+33-1-42-68-53-00", "+33-1-42-68-53-00"),
        ("to\x02+81 3-3580-3311\x03", "+81 3-3580-3311"),
        ("0049 30 901820 or", "0049 30 901820"),
        ("+1 (415) 555-0132 x12", "+1 (415) 555-0132 x12"),
        ("+44 7911 123456 12:30", "+44 7911 123456"),
        ("(+61 2 9374 4000)", "+61 2 9374 4000"),
    )
    misses: tuple[str, ...] = (
        "a+14155552671",
        "+1.2345678",
        "+1234567",
        "x = y +1000000000",
        "+999 123 456 789",
        "00 11 22 33 44",
        "1e+4155552671",
    )

    _PLUS = re.compile(rf"\+(?<![0-9A-Za-z_+].) ?\(?[1-9]{_REST}(?![0-9A-Za-z_])")
    _ZEROS = re.compile(rf"00(?<![0-9A-Za-z_.,:+/-]..)[1-9][0-9]{{0,2}}[ \-/(]{_REST}(?![0-9A-Za-z_])")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        looked = plain(text)
        for found in self._PLUS.finditer(looked):
            start, end = found.span()
            if looked[start + 1] == " " and looked[max(0, start - 4) : start].rstrip(" ")[-1:] in _OPERANDS:
                continue  # a sum
            if (stop := _longest(looked, start, end, _international)) and not (
                looked[stop : stop + 1] == "." and looked[stop + 1 : stop + 2].isdigit()
            ):
                yield Finding(start, _with_extension(text, stop), "PHONE", self.name, 80)
        for found in self._ZEROS.finditer(looked):
            start, end = found.span()
            if stop := _longest(looked, start + 2, end, _strictly_international):
                yield Finding(start, _with_extension(text, stop), "PHONE", self.name, 80)


_OPERANDS = frozenset("0123456789)]")
_DECIMAL = re.compile(r"\+[0-9]{4,}\.[0-9]+")  # `+1.4155550132` is how registries write numbers


def _international(value: str) -> bool:
    digits = digits_of(value)
    if not 7 <= len(digits) <= 15 or _DECIMAL.fullmatch(value):
        return False
    verdict = international(digits)
    # Numbers of films and documents (555 01xx) are no valid ones; groups show that one is meant.
    return verdict is True or (verdict is False and len(digits) >= 10 and (len(_GROUP.findall(value)) >= 3) and len(set(digits)) > 3)


def _strictly_international(value: str) -> bool:
    digits = digits_of(value)
    code = _GROUP.match(value)
    if code is None or "." in value or not is_country_code(code[0]):
        return False
    return 8 <= len(digits) <= 15 and international(digits) is True


class NorthAmericanPhones:
    """
    `(415) 555-0132`, `415-555-0132`, `415.555.0132`, with or without a 1 in front.
    """

    name = "phone-north-american"
    entities = ("PHONE",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        ("call (415) 555-0132.", "(415) 555-0132"),
        ("or 415-555-0132 ext. 7", "415-555-0132 ext. 7"),
        ("1-800-356-9377", "1-800-356-9377"),
        ("212.736.5000", "212.736.5000"),
        ("001-415-555-0132x123", "001-415-555-0132x123"),
        ("(212)736-5000", "(212)736-5000"),
    )
    misses: tuple[str, ...] = (
        "115-555-0132",
        "415-055-0132",
        "2415-555-0132",
        "415-555-0132-9",
        "0.415.555.0132",
        "a415-555-0132",
        "911.736.5000",
    )
    _FORMS = (
        re.compile(rb"\(000\)[ -]?000[- .]0000(?!0|[-.][0A])"),
        re.compile(rb"000[-/]000-0000(?!0|[-.][0A])"),
        re.compile(rb"000\.000\.0000(?!0|[-.][0A])"),
    )
    _COUNTRY = re.compile(r"(?<![0-9A-Za-z_.+-])(?:001|1)[-. ]$")

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        shaped = shape(text)
        for form in self._FORMS:
            for found in form.finditer(shaped):
                start, end = found.span()
                digits = digits_of(text[start:end])
                if digits[0] in "01" or digits[3] in "01" or (shaped[start + 3] in b"." and not area(digits[:3])):
                    continue
                if (country := self._COUNTRY.search(text, max(0, start - 5), start)) is not None:
                    start = country.start()
                elif start and (shaped[start - 1] in b"0A" or (shaped[start - 1] in b"-.+/" and start > 1 and shaped[start - 2] in b"0A")):
                    continue
                stop = _with_extension(text, end)
                if stop == end and shaped[end : end + 1] == b"A":
                    continue
                yield Finding(start, stop, "PHONE", self.name, 80)


_DAY, _MONTH, _YEAR = r"(?:0?[1-9]|[12][0-9]|3[01])", r"(?:0?[1-9]|1[0-2])", r"(?:19|20)[0-9]{2}"
_DATE = re.compile(
    rf"{_YEAR}[-./ ]{_MONTH}[-./ ]{_DAY}(?![0-9])|{_DAY}[-./ ]{_MONTH}[-./ ]{_YEAR}(?![0-9])"
    rf"|{_MONTH}[-./]{_DAY}[-./]{_YEAR}(?![0-9])|{_YEAR}(?:0[1-9]|1[0-2])[0-3][0-9]"
)
_FRACTION = re.compile(r"[0-9]{1,3}\.[0-9]{4,}|(?!..\...\...$)[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}")  # or a version
_YEARS = re.compile(r"(?:19|20)[0-9]{2} ?- ?(?:19|20)[0-9]{2}$")
_IPV4 = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")


def _is_number(value: str) -> bool:
    """
    Called a telephone number, and written like one.
    """
    digits = digits_of(value)
    return (
        (7 if value.isdigit() else 6) <= len(digits) <= 15
        and len(set(digits)) > 1
        and not (_DATE.fullmatch(value) or _IPV4.fullmatch(value) or _FRACTION.fullmatch(value))
    )


def _is_national(value: str) -> bool:
    digits = digits_of(value)
    return 8 <= len(digits) <= 13 and not (_DATE.match(value) or _YEARS.match(value) or _IPV4.match(value)) and national(digits)


_NUMBER = r"(?i:[ _-]?(?:numbers?|nummer|numero|número|numéro|num|no|nr|n°|#))?"
_VALUE = (
    r"(?<![0-9A-Za-z_.])(?P<value>(?:\+ ?)?(?:\((?=[0-9 -]{1,6}\)))?[0-9](?:[ .()\-/\u00a0\u202f\u2009\u2011\u2013]{0,3}[0-9]){5,16}"
    r"(?: ?(?i:ext|extn|extension|x)\.? ?[0-9]{1,6})?)(?![0-9A-Za-z_]|[.,-][0-9])"
)
_NEAR = (
    r"(?<![0-9A-Za-z_.,+*$€£#/:-])(?P<value>(?:(?:[1-9][ -]?)?\(0?[0-9]{1,5}\)|0[0-9]{1,5}|[1-9][0-9]{1,4}(?=[ .\-][0-9]{2,4}["
    r" .\-]))(?:[ ./\u00a0\u202f\u2011-]{1,3}[0-9]{2,8}){1,5}"
    r"|0[0-9]{8,11}|[2-9][0-9]{9})(?![0-9A-Za-z_]|[.,:-][0-9]|[%€$])"
)

_NAMED = Labelled(
    name="phone-named",
    entity="PHONE",
    keywords=(
        "phone",
        "tel.",
        "tel:",
        "tel ",
        "tel\x02",
        'tel"',
        "tel,",
        "tel;",
        "tel\t",
        "tel|",
        "_tel",
        "mobil",
        "mobiel",
        "cell",
        "celul",
        "cel.",
        "cel:",
        "fax",
        "whatsapp",
        "telef",
        "telep",
        "movil",
        "handy",
        "portable",
        "puhelin",
        "gsm",
        "msisdn",
        "hotline",
        "rufnummer",
        "mob:",
        "mob.",
        "ph:",
        "ph.",
        "ph#",
        "contact n",
        "contact_n",
        "sms",
        "viber",
        "signal:",
        "call me ",
        "call us ",
        "reach me ",
        "reach us ",
        "puh.",
        "tlf",
        "kontaktnum",
        "contactnum",
        "dialing",
        "dialled",
        "dialed",
    ),
    label=r"(?i:(?<![a-z])(?:(?:home|work|office|cell|mobile|contact|daytime|evening|business|emergency|customer|sms|user|my|your)[ _-]?)?"
    r"(?:tele|smart|cell)?(?:phone|fax)(?:[ _-]?(?:home|work|mobile|cell|fax))?"
    r"|(?<![a-z])tel|(?<=_)tel|(?<![a-z])mob|mobi(?:le|lnummer|ltelefon|ltel|el|l)|(?<![a-z])cell?(?:ul\w{2,5})?|(?<![a-z])whatsapp"
    r"|tel[eé]f[oó]n[eoiy]?|telefoon(?:nummer)?|telefonnummer|telephone|(?<![a-z])m[oó]vil|(?<![a-zA-Z_])handy|(?<![a-zA-Z_])portable|puhelin(?:numero)?|(?<![a-z])gsm"
    r"|msisdn|hotline|rufnummer|(?<![a-z])ph|(?<![a-z])contact(?=[ _]?n)|contact(?=num)|kontakt(?=num)|(?<![a-z])sms"
    r"|(?<![a-z])viber|(?<![a-zA-Z_])signal|(?<![a-z])puh|(?<![a-z])tlf"
    r"|(?<![a-z])(?:call|reach) (?:me|us) (?:at|on)|dialing|dialled|dialed)" + _NUMBER + r"(?![a-zA-Z])",
    value=_VALUE,
    validate=_is_number,
    hits=(
        ("Phone: 555-0132", "555-0132"),
        ("phone_number\x024155550132\x03", "4155550132"),
        ("Tel.: 030 901820", "030 901820"),
        ("my mobile is 07911 123456.", "07911 123456"),
        ("name,phone,city\nAnn,123-456-7890,Rome\n", "123-456-7890"),
        ("Telefonnummer 08-123 456 78", "08-123 456 78"),
        ("Handynummer: 0171 1234567", "0171 1234567"),
        ("call me at 5551234567", "5551234567"),
        ("mobilePhone = '0612345678'", "0612345678"),
    ),
    misses=(
        "hotel 1234567",
        "cell 12 of 30",
        "telemetry: 1234567",
        "phone on 2024-10-22",
        "tel 10.0.0.12",
        "iPhone 15, 2024",
        "phone 0000000",
    ),
)
_NEARBY = Labelled(
    name="phone-near",
    entity="PHONE",
    keywords=(
        "phone",
        "call",
        "reach",
        "contact",
        "ring ",
        "dial",
        "text ",
        "mobil",
        "cell",
        "whatsapp",
        "telef",
        "telep",
        "appel",
        "llam",
        "chiam",
        "anruf",
        "kontakt",
        "bel ",
        "ligue",
        "zadzwo",
        "soit",
        "message",
        "fax",
    ),
    label=r"(?i:(?<![a-z_])(?:phone|call(?:ed|ing)?|reach(?:ed)?|contact(?:ed)?|ring|dial(?:l?ed)?|text|mobile?|cell|whatsapp|fax|messaged?"
    r"|t[eé]l[eé](?:f|ph)\w{0,8}|appele[zr]|llam\w{0,6}|chiam\w{0,6}|anruf\w{0,3}|kontakt\w{0,8}|bel|ligue|zadzwo\w{1,4}|soita))(?![a-zA-Z_])",
    value=_NEAR,
    reach=50,
    before=24,
    columns=False,
    validate=_is_national,
    hits=(
        ("Please contact the desk on 020 7946 0958", "020 7946 0958"),
        ("You can reach Ann under 030/901820", "030/901820"),
        ("Appelez le service au 01 42 68 53 00", "01 42 68 53 00"),
        ("0171 1234567 (mobile)", "0171 1234567"),
    ),
    misses=("call 12 34 56", "contact on 2024-10-22", "number 123456789012", "text 3.14159 and 10,000", "call_0123456789"),
)

_CALLED = Labelled(
    name="phone-called",
    entity="PHONE",
    keywords=(
        "call ",
        "text ",
        "ring ",
        "dial ",
        "reach ",
        "whatsapp ",
        "message ",
        " unter ",
        "bel ",
        "ligue ",
        "llama",
        "chiam",
        "appel",
        "zadzwo",
        "sms ",
    ),
    label=r"(?i:(?<![a-z_])(?:call|text|ring|dial|reach|whatsapp|message|sms|bel|ligue|appele[zr](?:[ -]\w{2,4})?|llam\w{0,6}"
    r"|chiam\w{0,6}|zadzwo\w{1,4}|(?<= )unter))"
    r"(?= (?!\())(?i: (?:me|us|him|her|them|back|mij|ons|pod|para|al|au|el))?",
    value=_VALUE,
    columns=False,
    validate=_is_national,
    hits=(("ring 61234666 and ask", "61234666"), ("text 800 123810", "800 123810"), ("bel mij op 06 12345678", "06 12345678")),
    misses=("call 12345", "call (12345678)", "text 2024-10-22", "dial_0612345678"),
)

RULES = (
    InternationalPhones(),
    NorthAmericanPhones(),
    _NAMED,
    _NEARBY,
    _CALLED,
    other_scripts(_CALLED, "llám Llám", ("Llámame al 800 123 711", "800 123 711")),
    other_scripts(
        _NAMED,
        "телефон Телефон ТЕЛЕФОН тел. Тел. тел: Тел: мобильн Мобильн моб. Моб. τηλέφων Τηλέφων τηλ. Τηλ. κινητό Κινητό 电话 電話 手机 手機"
        " 联系方式 携帯"
        " 전화 휴대폰 연락처 טלפון נייד هاتف جوال تلفون موبايل โทร फ़ोन फोन मोबाइल điện_thoại Điện_thoại tél Tél TÉL teléf Teléf TELÉF"
        " móvil Móvil MÓVIL"
        " telefón Telefón numéro número Número",
        ("телефон: 8 (495) 123-45-67", "8 (495) 123-45-67"),
        ("电话：010-12345678", "010-12345678"),
        ("Tél. 01 42 68 53 00", "01 42 68 53 00"),
        ("teléfono 91 123 45 67", "91 123 45 67"),
    ),
)
