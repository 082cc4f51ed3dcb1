"""
Numbers of patients, prescribers and insured people. National health numbers that are a country's identity numbers stand with those.
"""

from __future__ import annotations

import re

from excise.privacy.detect.digits import luhn
from excise.privacy.detect.labelled import Labelled

# Medicare Beneficiary Identifier: letters without S L O I B Z. Source: CMS, "Understanding the MBI format".
_C, _L = "[1-9]", "[AC-HJKMNP-RT-Y]"
_AN = "[AC-HJKMNP-RT-Y0-9]"
_MBI = rf"{_C}{_L}{_AN}[0-9]-?{_L}{_AN}[0-9]-?{_L}{{2}}[0-9]{{2}}"


def is_npi(digits: str) -> bool:
    """
    Whether ten digits have their check digit. Source: CMS, NPI check digit: Luhn with 80840 in front.
    """
    return len(digits) == 10 and digits[0] in "12" and luhn("80840" + digits)


def is_dea(number: str) -> bool:
    """
    Whether two letters and seven digits have their check digit. Source: US DEA, registration numbers.
    """
    digits = [int(digit) for digit in number[-7:]]
    return (digits[0] + digits[2] + digits[4] + 2 * (digits[1] + digits[3] + digits[5])) % 10 == digits[6]


def _is_record(value: str) -> bool:
    digits = sum(sign.isdigit() for sign in value)
    return (
        digits >= 5
        and digits * 2 >= sum(sign.isalnum() for sign in value)
        and not re.fullmatch(r"(?:19|20)[0-9]{2}[-/]?(?:0[1-9]|1[0-2])[-/]?(?:0[1-9]|[12][0-9]|3[01])", value)
    )


_RECORD = r"(?<![0-9A-Za-z])(?P<value>(?:[A-Z]{1,5}[-# ]?)?[0-9](?:-?[0-9A-Z]){4,13})(?![0-9A-Za-z]|[.,-][0-9])"

RULES = (
    Labelled(
        name="npi",
        entity="MEDICAL_ID",
        keywords=("npi", "national provider"),
        label=r"(?i:(?<![a-z])(?:npi|national provider identifier)(?:[ _-]?(?:number|no|id|#))?)(?![a-z])",
        value=r"(?<![0-9A-Za-z.-])[12][0-9]{9}(?![0-9A-Za-z])",
        reach=40,
        validate=is_npi,
        hits=(("NPI: 1234567893", "1234567893"), ("npi_number\x021245319599\x03", "1245319599")),
        misses=("NPI 1234567890", "snpi 1234567893"),
    ),
    Labelled(
        name="dea",
        entity="MEDICAL_ID",
        keywords=("dea ", "dea:", "dea#", "dea_", "dea\x02", 'dea"', "dea-"),
        label=r"(?i:(?<![a-z])dea(?:[ _-]?(?:registration|reg))?(?:[ _-]?(?:number|no|id|#))?)(?![a-z])",
        value=r"(?<![0-9A-Za-z])[ABFGMPRabfgmpr][A-Za-z9][0-9]{7}(?![0-9A-Za-z])",
        reach=40,
        validate=is_dea,
        hits=(("DEA number AB1234563", "AB1234563"), ("dea_number\x02FA1234563\x03", "FA1234563")),
        misses=("DEA AB1234564", "idea AB1234563"),
    ),
    Labelled(
        name="mbi",
        entity="MEDICAL_ID",
        keywords=("mbi", "medicare", "beneficiary"),
        label=r"(?i:(?<![a-z])(?:mbi|medicare|beneficiary)(?:[ _-]?(?:beneficiary))?(?:[ _-]?(?:identifier|number|no|id|#))?)(?![a-z])",
        value=rf"(?<![0-9A-Za-z])(?i:{_MBI})(?![0-9A-Za-z])",
        reach=40,
        hits=(("MBI 1EG4-TE5-MK73", "1EG4-TE5-MK73"), ("medicare_id\x021EG4TE5MK73\x03", "1EG4TE5MK73")),
        misses=("MBI 1SG4-TE5-MK73", "ambi 1EG4TE5MK73"),
    ),
    Labelled(
        name="medical-record",
        entity="MEDICAL_ID",
        keywords=(
            "mrn",
            "medical rec",
            "medical_rec",
            "medicalrec",
            "patient",
            "chart",
            "health rec",
            "hospital n",
            "hospital_n",
            "krankenakte",
            "dossier m",
            "historia cl",
            "cartella cl",
            "case no",
            "nhc",
            "encounter",
        ),
        label=r"(?i:(?<![a-z])mrn|medical[ _-]?record(?:s)?|health[ _-]?record|(?<![a-z])patient(?:en)?(?=[ _-]?(?:id|number|no\b"
        r"|nr|nummer|#|identifier|account))|(?<=patient )identifier"
        r"|(?<![a-z])chart(?=[ _-]?(?:id|number|no\b|#))|hospital(?=[ _-]?(?:number|no\b))|krankenakte|dossier m[eé]dical|historia"
        r" cl[ií]nica|cartella clinica|(?<![a-z])nhc|(?<![a-z])encounter(?=[ _-]?(?:id|number|no\b)))"
        r"(?:[ _-]?(?:id|identifier|account|number|nummer|no|nr|num|#))?(?![a-z])",
        value=_RECORD,
        validate=_is_record,
        hits=(
            ("MRN: 00412233", "00412233"),
            ("mrn\x02MRN-7734512\x03", "MRN-7734512"),
            ("Medical record number 448-22-1190", "448-22-1190"),
            ("patient_id\x02P8812734\x03", "P8812734"),
            ("name,mrn,x\nAnn,7734512,1\n", "7734512"),
        ),
        misses=("patient 12 of 400", "chart 2024-10-22", "patients 100000 in all", "MRN on file"),
    ),
    Labelled(
        name="health-insurance",
        entity="MEDICAL_ID",
        keywords=(
            "insurance",
            "policy n",
            "policy_n",
            "policyn",
            "member id",
            "member_id",
            "memberid",
            "member n",
            "subscriber",
            "versicherten",
            "kvnr",
            "versicherungsn",
            "krankenversicher",
            "group n",
            "mutuelle",
            "health plan",
            "health_plan",
            "healthplan",
            "beneficiary",
        ),
        label=r"(?i:(?<![a-z])(?:health[ _-]?)?insurance(?:[ _-]?(?:policy|member|card|plan))?(?=[ _-]?(?:id|number|no\b|#"
        r"|policy))|(?<![a-z])policy(?=[ _-]?(?:number|no\b|#))"
        r"|(?<![a-z])(?:member|subscriber)(?=[ _-]?(?:id|number|no\b|#))|versicherten(?=-?n)"
        r"|(?<![a-z])(?:kranken)?versicherungs(?=-?n)|krankenversicherung|(?<![a-z])kvnr|krankenversicherten|mutuelle"
        r"|health[ _-]?plan(?=[ _-]?(?:beneficiary|id|number))|(?<=plan[ _])beneficiary)"
        r"(?:[ _-]?(?:beneficiary|policy))?(?:[ _-]?(?:id|number|nummer|no|nr|num|#))?(?![a-z])",
        value=_RECORD,
        validate=_is_record,
        hits=(
            ("Insurance policy number: HX-4471920", "HX-4471920"),
            ("member_id\x02XYZ123456789\x03", "XYZ123456789"),
            ("Versichertennummer A123456780", "A123456780"),
            ("health plan beneficiary number 8841920-01", "8841920-01"),
        ),
        misses=("insurance 2024", "member 123456", "policy number of 10", "subscriber id unknown"),
    ),
)
