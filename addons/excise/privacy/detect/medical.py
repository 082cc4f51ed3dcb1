"""
Numbers of patients and insured people. Those of prescribers stand in `us_ids`, national health numbers with the identity numbers.
"""

from __future__ import annotations

import re

from excise.privacy.detect.labelled import Labelled


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
