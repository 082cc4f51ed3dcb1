"""
Accounts: IBAN anywhere; routing numbers, BICs and national account numbers where they are called so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from excise.privacy.detect.detector import Detector, Finding
from excise.privacy.detect.digits import digits_of, shape
from excise.privacy.detect.labelled import Labelled

# Country -> length of its IBANs. Source: SWIFT, IBAN Registry; and those who give out IBANs without an entry in it, as their banks
# publish them, and what belongs to another country's system. As known 2026-11.
_REGISTERED = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18"
    " FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27"
    " MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27"
    " SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_UNREGISTERED = (
    "AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 SN28 TD27 TG28"
    " AX18 GF27 GP27 MQ27 RE27 PF27 TF27 YT27 NC27 BL27 MF27 PM27 WF27 GG22 IM22 JE22"
)
IBAN_LENGTHS = {entry[:2]: int(entry[2:]) for entry in (_REGISTERED + " " + _UNREGISTERED).split()}

# Blanks and dashes stand between groups; but a group is never a single character in front of more groups.
_BEGIN = re.compile(rb"AA00(?=[ -]?[A0]{2})")
_REST = re.compile(rb"[A0]+(?:[ -][A0]+){0,9}")
_CALLED = re.compile(r"(?i:iban)[^\n\x03]{0,24}$")


class Ibans:
    """
    IBANs of all countries, set in groups or not, in either case; with a wrong check sum only next to the word.
    """

    name = "iban"
    entities = ("IBAN",)
    keywords: tuple[str, ...] = ()
    hits: tuple[str | tuple[str, str], ...] = (
        "GB82WEST12345698765432",
        ("Konto DE89 3704 0044 0532 0130 00, danke", "DE89 3704 0044 0532 0130 00"),
        ("iban\x02no9386011117947\x03", "no9386011117947"),
        "MT84MALT011000012345MTLCAST001S",
        ("IBAN: DE88 3704 0044 0532 0130 00", "DE88 3704 0044 0532 0130 00"),
        ("FR14-2004-1010-0505-0001-3M02-606 BIC", "FR14-2004-1010-0505-0001-3M02-606"),
        ("pay NL91ABNA0417164300 now", "NL91ABNA0417164300"),
    )
    misses: tuple[str, ...] = (
        "GB82WEST12345698765431",
        "DE88 3704 0044 0532 0130 00",
        "XX82WEST12345698765432",
        "aGB82WEST12345698765432",
        "GB82WEST123456987654320",
        "DE89370400440532013000ABCDEF0123456789",
    )

    def find(self, text: str, places: Sequence[int]) -> Iterator[Finding]:
        done = 0
        for begin in _BEGIN.finditer(shaped := shape(text)):
            start = begin.start()
            if start < done or (start and shaped[start - 1] in b"A0"):
                continue
            length = IBAN_LENGTHS.get(text[start : start + 2].upper())
            if length is None or (rest := _REST.match(shaped, start)) is None:
                continue
            end = _end(shaped, start, rest.end(), length)
            compact = "".join(sign for sign in text[start:end] if sign.isalnum()).upper()
            if compact.isascii() and end and (mod97(compact) or _CALLED.search(text, max(0, start - 40), start)):
                done = end
                yield Finding(start, end, "IBAN", self.name, 80)


def _end(shaped: bytes, start: int, limit: int, length: int) -> int:
    """
    Where `length` letters and digits from `start` end; 0: in the middle of a word or of a UUID, or there are too few.
    """
    at = start
    while at < limit and length:
        length -= shaped[at] in b"A0"
        at += 1
    if length or shaped[at : at + 1] in (b"A", b"0"):
        return 0
    if b"-" in shaped[start:at]:
        # Dashes are set after every four; and nothing with a dash goes on in front or behind.
        groups = shaped[start:at].split(b"-")
        glued = (start > 1 and shaped[start - 1] in b"-" and shaped[start - 2] in b"A0") or re.match(rb"-[A0]", shaped[at : at + 2])
        return 0 if glued or any(len(group) != 4 for group in groups[:-1]) else at
    return 0 if start > 1 and shaped[start - 2 : start] in (b"A-", b"0-") else at


def mod97(iban: str) -> bool:
    """
    Whether the check digits are right. Source: ISO 13616-1, ISO/IEC 7064 (MOD 97-10).

    Args:
        iban: ASCII letters, upper case, and digits.
    """
    return int("".join(str(int(sign, 36)) for sign in iban[4:] + iban[:4])) % 97 == 1


def aba(number: str) -> bool:
    """
    Whether nine digits are a routing number: a Federal Reserve prefix, weights 3 7 1. Source: ABA routing number policy.
    """
    if len(number) != 9 or not (
        1 <= int(number[:2]) <= 12 or 21 <= int(number[:2]) <= 32 or 61 <= int(number[:2]) <= 72 or number[:2] == "80"
    ):
        return False
    return sum(int(digit) * weight for digit, weight in zip(number, (3, 7, 1) * 3, strict=True)) % 10 == 0


def clabe(number: str) -> bool:
    """
    Whether eighteen digits are a Mexican CLABE. Source: Banco de México, weights 3 7 1.
    """
    if len(number) != 18:
        return False
    total = sum(int(digit) * weight % 10 for digit, weight in zip(number[:17], (3, 7, 1) * 6, strict=False))
    return (10 - total % 10) % 10 == int(number[17])


_COUNTRY_CODES = (
    "AD AE AF AG AI AL AM AO AR AT AU AW AZ BA BB BD BE BF BG BH BI BJ BM BN BO BR BS BT BW BY BZ CA CD CF CG CH CI CK CL CM CN CO"
    " CR CU CV CW CY"
    " CZ DE DJ DK DM DO DZ EC EE EG ER ES ET FI FJ FK FM FO FR GA GB GD GE GG GH GI GL GM GN GP GQ GR GT GU GW GY HK HN HR HT HU"
    " ID IE IL IM IN IQ"
    " IR IS IT JE JM JO JP KE KG KH KI KM KN KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MG MK ML MM MN MO MR MS MT"
    " MU MV MW MX MY MZ"
    " NA NC NE NG NI NL NO NP NR NZ OM PA PE PF PG PH PK PL PM PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SI SK SL SM SN"
    " SO SR SS ST SV SY"
    " SZ TC TD TG TH TJ TL TM TN TO TR TT TV TW TZ UA UG US UY UZ VA VC VE VG VI VN VU WF WS XK YE ZA ZM ZW"
)
_COUNTRIES = frozenset(_COUNTRY_CODES.split())


_NO_BICS = frozenset({"LANGUAGE", "language"})  # what is called Swift, too


def _is_bic(value: str) -> bool:
    return value[4:6].upper() in _COUNTRIES and (value.isupper() or value.islower()) and value not in _NO_BICS


def _is_account(value: str) -> bool:
    digits = digits_of(value)
    return 6 <= len(digits) <= 17 and len(set(digits)) > 1


_BIC = (
    r"(?<![0-9A-Za-z])(?P<value>[A-Z]{4}[A-Z]{2}[0-9A-Z]{2}(?:[0-9A-Z]{3})?"
    r"|(?<=[:=\x02\x22'])[a-z]{6}[0-9a-z]{2}(?:[0-9a-z]{3})?)(?![0-9A-Za-z])"
)
_ACCOUNT = r"(?<![0-9A-Za-z.])(?P<value>[0-9](?:[ -]?[0-9]){5,16}|[0-9]{1,6}/[0-9]{6,10}(?:-[0-9])?)(?![0-9A-Za-z]|[.,:/-][0-9])"

RULES = (
    Ibans(),
    Labelled(
        name="aba-routing",
        entity="BANK_ACCOUNT",
        keywords=("routing", "aba", "rtn", "transit"),
        label=r"(?i:(?<![a-z])(?:routing|aba|rtn|transit)(?:[ _-]?(?:transit|routing))?(?:[ _-]?(?:number|num|no|nr|code|#))?)(?![a-z])",
        value=r"(?<![0-9A-Za-z.-])[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9](?![0-9A-Za-z]|[.-][0-9])",
        reach=40,
        validate=lambda value: aba(digits_of(value)),
        hits=(
            ("Routing number: 021000021", "021000021"),
            ("aba_routing\x02011401533\x03", "011401533"),
            ("ABA # 0910-0001-9", "0910-0001-9"),
        ),
        misses=("routing number 021000022", "alabama 021000021", "routing key 123456789"),
    ),
    Labelled(
        name="bic",
        entity="BANK_ACCOUNT",
        keywords=("bic", "swift"),
        label=r"(?<![A-Z]_)(?i:(?<![a-z])(?:bic|swift)(?:[ _/-]{0,3}(?:bic|swift))?(?:[ _-]?(?:code|number|no))?)(?![a-z])",
        value=_BIC,
        digits=False,
        validate=_is_bic,
        hits=(
            ("BIC: DEUTDEFF", "DEUTDEFF"),
            ("SWIFT/BIC code COBADEFFXXX", "COBADEFFXXX"),
            ("swift\x02NEDSZAJJ\x03", "NEDSZAJJ"),
            ("name,bic,x\nAnn,BNPAFRPP,1\n", "BNPAFRPP"),
        ),
        misses=("swift programming", "bicycle DEUTDEFF", "SWIFT: RESPONSE", "Swift is a LANGUAGE", "NS_SWIFT_UNAVAILABLE"),
    ),
    Labelled(
        name="bank-account",
        entity="BANK_ACCOUNT",
        keywords=(
            "account",
            "acct",
            "a/c",
            "konto",
            "kontonr",
            "compte",
            "cuenta",
            "conto",
            "conta ",
            "conta:",
            "rekening",
            "rachun",
            "num_cta",
            "bankkonto",
            "tilinumero",
            "hesap",
        ),
        label=r"(?i:(?<![a-z])(?:bank[ _-]?|checking[ _-]?|savings[ _-]?|current[ _-]?)?(?:account|acct|a/c)[ _.-]{0,2}(?:number"
        r"|num|no|nr|nbr|#)|(?<=bank )account|(?<= to )account|(?<= my )account|(?<= from )account|(?<=into )account"
        r"|(?<=bank_)account|(?<=bank-)account|(?<=checking )account|(?<=savings )account|kontonummer|kontonr|konto-?nr|(?<=bank)konto"
        r"|(?:num[eé]ro de )?compte(?: bancaire)?(?: n°)?|cuenta(?: bancaria| corriente)?|conto(?: corrente)|conta(?: corrente|"
        r" bancária| poupança)"
        r"|rekeningnummer|rachun(?:ek|ku)(?: bankowy)?|tilinumero|hesap no)(?![a-z])",
        value=_ACCOUNT,
        validate=_is_account,
        hits=(
            ("Account number: 12345678", "12345678"),
            ("account_number\x02000123456789\x03", "000123456789"),
            ("Acct # 4532-9981-22", "4532-9981-22"),
            ("Kontonummer 1234567890", "1234567890"),
            ("name;account_no;x\nAnn;98765432;1\n", "98765432"),
        ),
        misses=("account 12", "accounting number 123456", "accountNumber of rows", "AWS account 123"),
    ),
    Labelled(
        name="uk-sort-code",
        entity="BANK_ACCOUNT",
        keywords=("sort code", "sort-code", "sort_code", "sortcode"),
        label=r"(?i:(?<![a-z])sort[ _-]?code)(?![a-z])",
        value=r"(?<![0-9A-Za-z])(?P<value>[0-9]{2}[- ]?[0-9]{2}[- ]?[0-9]{2}(?:[,;/ ]{1,3}(?:(?i:account|acc|a/c)["
        r" .:]{0,3}(?:(?i:number|no)[ .:]{0,3})?)?[0-9]{8})?)(?![0-9A-Za-z])",
        hits=(
            ("Sort code 12-34-56", "12-34-56"),
            ("sort_code\x02123456\x03", "123456"),
            ("sort code: 20-00-00 55779911", "20-00-00 55779911"),
        ),
        misses=("sort code by name", "the sort code 1234"),
    ),
    Labelled(
        name="bsb",
        entity="BANK_ACCOUNT",
        keywords=("bsb",),
        label=r"(?i:(?<![a-z])bsb)(?![a-z])",
        value=r"(?<![0-9A-Za-z])[0-9]{3}[- ]?[0-9]{3}(?![0-9A-Za-z])",
        hits=(("BSB 062-000", "062-000"), ("bsb\x02733001\x03", "733001")),
        misses=("BSB 12-3456", "absb 062-000"),
    ),
    Labelled(
        name="clabe",
        entity="BANK_ACCOUNT",
        keywords=("clabe",),
        label=r"(?i:(?<![a-z])clabe)(?![a-z])",
        value=r"(?<![0-9A-Za-z])[0-9](?:[ -]?[0-9]){17}(?![0-9A-Za-z])",
        reach=40,
        validate=lambda value: clabe(digits_of(value)),
        hits=(("CLABE interbancaria: 032180000118359719", "032180000118359719"),),
        misses=("CLABE 032180000118359718",),
    ),
    Labelled(
        name="ifsc",
        entity="BANK_ACCOUNT",
        keywords=("ifsc",),
        label=r"(?i:(?<![a-z])ifsc(?:[ _-]?code)?)(?![a-z])",
        value=r"(?<![0-9A-Za-z])[A-Za-z]{4}0[0-9A-Za-z]{6}(?![0-9A-Za-z])",
        hits=(("IFSC: HDFC0000123", "HDFC0000123"), ("ifsc_code\x02SBIN0005943\x03", "SBIN0005943")),
        misses=("IFSC code HDFC1000123",),
    ),
    Detector(
        name="iban-labelled-short",
        entity="IBAN",
        pattern=r"(?i:(?<![a-z])iban)[\s\"'=:\x02]{1,6}(?P<value>[A-Z]{2}[0-9]{2}(?:[ -]?[0-9A-Z]{2,4}){3,8})(?![0-9A-Za-z])",
        keywords=("iban",),
        weight=50,
        hits=(("IBAN: ZZ12 3456 7890 1234", "ZZ12 3456 7890 1234"),),
        misses=("iban check", "urban AB12 3456"),
    ),
)
