"""
Numbers of devices and SIM cards: IMEI, ICCID, IMSI, beside their names.
"""

from __future__ import annotations

from excise.privacy.detect.digits import digits_of, luhn
from excise.privacy.detect.labelled import Labelled


def _is_imei(value: str) -> bool:
    """
    15 digits with a check digit, or 16 with a software version. Source: 3GPP TS 23.003, 6.2.
    """
    digits = digits_of(value)
    return len(set(digits)) > 2 and (len(digits) == 16 or (len(digits) == 15 and luhn(digits)))


def _is_iccid(value: str) -> bool:
    """
    18 to 20 digits from 89, the check digit last where there is one. Source: ITU-T E.118.
    """
    digits = digits_of(value)
    return 18 <= len(digits) <= 20 and digits.startswith("89")


def _is_imsi(value: str) -> bool:
    return len(value) in (14, 15) and value[0] in "234567"


RULES = (
    Labelled(
        name="imei",
        entity="DEVICE_ID",
        keywords=("imei",),
        label=r"(?i:(?<![a-z])imei(?:[ _-]?(?:number|no|code|sv|[12]))?)(?![a-z])",
        value=r"(?<![0-9A-Za-z.])[0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{6}[ -]?[0-9]{1,2}(?![0-9A-Za-z])",
        reach=48,
        validate=_is_imei,
        weight=70,
        hits=(("IMEI: 490154203237518", "490154203237518"), ("imei\x0249-015420-323751-8\x03", "49-015420-323751-8")),
        misses=("IMEI 490154203237517", "timeit 490154203237518"),
    ),
    Labelled(
        name="iccid",
        entity="DEVICE_ID",
        keywords=("iccid", "sim card", "sim number", "sim serial", "sim_"),
        label=r"(?i:(?<![a-z])(?:iccid|sim[ _-]?(?:card)?[ _-]?(?:number|serial|no|id)?))(?![a-z])",
        value=r"(?<![0-9A-Za-z.])89[0-9](?:[ -]?[0-9]){15,17}[fF]?(?![0-9A-Za-z])",
        reach=40,
        validate=_is_iccid,
        weight=70,
        hits=(("ICCID 8944110068256270054", "8944110068256270054"), ("iccid\x028991101200003204510\x03", "8991101200003204510")),
        misses=("ICCID 1234567890123456789", "simulation 8944110068256270054"),
    ),
    Labelled(
        name="imsi",
        entity="DEVICE_ID",
        keywords=("imsi",),
        label=r"(?i:(?<![a-z])imsi)(?![a-z])",
        value=r"(?<![0-9A-Za-z.])[0-9]{14,15}(?![0-9A-Za-z])",
        reach=32,
        validate=_is_imsi,
        hits=(("IMSI: 310150123456789", "310150123456789"),),
        misses=("IMSI 910150123456789",),
    ),
)
