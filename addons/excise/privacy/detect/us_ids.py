"""
Numbers of the United States: social security, taxes, health.

Source: the ranges of SSA and IRS as python-stdnum 2.2 has them; CMS for NPI and MBI.
"""

from __future__ import annotations

from excise.privacy.detect import national_ids_checks as check
from excise.privacy.detect.detector import Rule
from excise.privacy.detect.national_ids_checks import Std
from excise.privacy.detect.national_ids_rules import IdRule

_SSN = "ssn|social security number|social security no|social security #|social security|ss number|ss#|socialsec|soc sec|ssn number|ss no"
_TAX = "taxpayer id|taxpayer identification|tax id|federal tax"

# fmt: off
US_ROWS = (
    IdRule(
        "us-ssn", "US_SSN", "999[ .\u2013/-]{0,3}99[ .\u2013/-]{0,3}9999", check.possible_ssn,
        names=f"{_SSN}|número de seguro social|seguro social|numéro de sécurité sociale américain", hints=_TAX,
        strict=True, certain=75,
    ),
    IdRule("us-ssn-dashed", "US_SSN", "", check.ssn, alone="999-99-9999", certain=75),
    IdRule("us-ssn-spaced", "US_SSN", "", check.ssn, alone="999 99 9999", certain=75),
    IdRule("us-ssn-dotted", "US_SSN", "", check.ssn, alone="999.99.9999", certain=75),
    IdRule(
        "us-itin", "TAX_ID", "[9]99~99~9999", check.itin, names="itin|individual taxpayer identification number|individual taxpayer",
        hints=_TAX, alone="[9]99-99-9999",
    ),
    IdRule("us-atin", "TAX_ID", "[9]99~99~9999", None, names="atin|adoption taxpayer identification number"),
    IdRule("us-ptin", "TAX_ID", "P-?99999999", None, names="ptin|preparer tax identification number|preparer tin"),
    IdRule(
        "us-ein", "TAX_ID", "99-?9999999", Std("us", "ein"),
        names="employer identification number|employer id|employer identification|fein|federal ein|federal employer|ein number|tax ein"
        "|federal tax id", hints=f"ein|{_TAX}|irs",
    ),
    IdRule(
        "us-npi", "MEDICAL_ID", "9999999999", check.npi, names="npi number|national provider identifier|npi #", hints="npi",
    ),
    IdRule(
        "us-mbi", "MEDICAL_ID",
        "[1-9][AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]9[ -]?[AC-HJKMNP-RT-Y][0-9AC-HJKMNP-RT-Y]9[ -]?[AC-HJKMNP-RT-Y]{2}99", None,
        names="mbi|medicare beneficiary|medicare number|medicare id|medicare no|medicare|beneficiary id|beneficiary identifier",
    ),
    IdRule(
        "us-dea", "MEDICAL_ID", "[ABCDEFGHJKLMPRSTUX][A-Z9]-?9999999", check.dea,
        names="dea number|dea no|dea registration|dea #|drug enforcement", hints="dea",
    ),
)
# fmt: on

RULES: tuple[Rule, ...] = tuple(rule for rule in US_ROWS if rule.keywords)
