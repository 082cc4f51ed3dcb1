"""
National identity, social security, tax and health numbers: one rule a number, tables by region.

Source: python-stdnum 2.2 for most check digits; `national_ids_checks` names the others.
"""

from __future__ import annotations

from excise.privacy.detect.detector import Rule
from excise.privacy.detect.national_ids_alone import AtTheEnd, Unmistakable
from excise.privacy.detect.national_ids_americas import AMERICAS
from excise.privacy.detect.national_ids_asia import ASIA
from excise.privacy.detect.national_ids_europe_east import EAST
from excise.privacy.detect.national_ids_europe_west import WEST
from excise.privacy.detect.national_ids_generic import GENERIC
from excise.privacy.detect.national_ids_south import SOUTH
from excise.privacy.detect.us_ids import US_ROWS

ROWS = (*AMERICAS, *WEST, *EAST, *ASIA, *SOUTH)

RULES: tuple[Rule, ...] = (*ROWS, *GENERIC, Unmistakable((*US_ROWS, *ROWS)), AtTheEnd((*US_ROWS, *ROWS, *GENERIC)))
