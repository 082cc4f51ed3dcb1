"""
The numbering plans of the world: which telephone numbers can be.

The plans are those of libphonenumber; its parser is not used, since a list of customers has more numbers than it can parse in a second.
"""

from __future__ import annotations

import re
from functools import cache

# Whose national numbers are known: the plan is tried in this order.
_TRIED = (
    "US GB DE FR ES IT NL BE CH AT IN AU CA BR MX PL SE NO DK FI PT IE NZ ZA CN JP KR SG HK TW TR GR CZ SK HU RO BG HR SI RS RU UA"
    " AR CL CO PE"
    " IL AE SA EG MA PK BD PH ID MY TH VN NG KE LU EE LV LT IS"
)
REGIONS = tuple(_TRIED.split())


@cache
def _plan(region: str) -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str] | None]:
    """
    Of a region, or the digits of a country code no region has: what a valid national number is like, a possible one, and what stands in
    front of it inside the country.
    """
    # Imported when the first number is looked at: 70 ms and 8 MB that most texts do not need.
    from phonenumbers.phonemetadata import PhoneMetadata

    metadata = PhoneMetadata.metadata_for_nongeo_region(int(region)) if region.isdigit() else PhoneMetadata.metadata_for_region(region)
    if metadata is None:
        return re.compile(r"(?!)"), re.compile(r"(?!)"), None
    kinds = (
        metadata.fixed_line, metadata.mobile, metadata.toll_free, metadata.premium_rate, metadata.shared_cost, metadata.personal_number,
        metadata.voip, metadata.pager, metadata.uan, metadata.voicemail,
    )  # fmt: skip
    valid = "|".join(f"(?:{kind.national_number_pattern})" for kind in kinds if kind is not None and kind.national_number_pattern)
    general = metadata.general_desc
    lengths = {length for length in (general.possible_length if general is not None else ()) if length > 0}
    possible = "|".join(f"[0-9]{{{length}}}" for length in sorted(lengths)) or r"(?!)"
    prefix = re.compile(metadata.national_prefix) if metadata.national_prefix else None
    return re.compile(valid or r"(?!)"), re.compile(possible), prefix


@cache
def _regions_of(code: int) -> tuple[str, ...]:
    from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

    regions = COUNTRY_CODE_TO_REGION_CODE.get(code, ())
    return tuple(str(code) if region == "001" else region for region in regions)


def international(digits: str) -> bool | None:
    """
    Whether `digits`, country code first, are a number of that country: `True` valid, `False` possible by their length alone, `None` no.
    """
    for size in (1, 2, 3):
        regions = _regions_of(int(digits[:size]))
        if not regions:
            continue
        # `+44 (0)20 …`: the zero is for callers inside the country. Italy keeps it.
        rest = digits[size:]
        for number in (rest, rest[1:]) if rest.startswith("0") and regions[0] != "IT" else (rest,):
            if any(_plan(region)[0].fullmatch(number) for region in regions):
                return True
        return False if _plan(regions[0])[1].fullmatch(rest) else None
    return None


def is_country_code(digits: str) -> bool:
    """
    Whether these are all the digits of a country code.
    """
    return len(digits) <= 3 and bool(_regions_of(int(digits)))


def national(digits: str) -> bool:
    """
    Whether `digits`, dialled inside one of `REGIONS`, are a valid number there.
    """
    for region in REGIONS:
        valid, _, prefix = _plan(region)
        if valid.fullmatch(digits):
            return True
        if prefix is not None and (head := prefix.match(digits)) is not None and valid.fullmatch(digits, head.end()):
            return True
    return False


@cache
def area(code: str) -> bool:
    """
    Whether three digits are an area code of North America: the plan of one of its countries takes an ordinary number behind it.
    """
    return any(_plan(region)[0].fullmatch(code + "2345678") for region in _regions_of(1))
