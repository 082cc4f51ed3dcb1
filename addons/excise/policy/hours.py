"""
Hours of the week, by the clock on somebody's wall.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from excise.policy.words import Written, fits, listed, wrong

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60  # minutes
WEEK = 7 * DAY

_CLOCK = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00")


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):  # not there; a path; a folder
        raise wrong("no time zone is called so; a name of the IANA database is expected, for example Europe/Berlin") from None
    return value


Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Days = Annotated[tuple[Day, ...], BeforeValidator(listed, json_schema_input_type=Day | list[Day]), Field(min_length=1, max_length=7)]
ClockTime = Annotated[str, fits(_CLOCK, 'a time is expected, for example "20:00"')]


class Hours(Written):
    """
    Hours of the week by the clocks of a zone, which are put forward and back as they are there.
    """

    days: (
        Annotated[tuple[Day, ...], BeforeValidator(listed, json_schema_input_type=Day | list[Day]), Field(min_length=1, max_length=7)]
        | None
    ) = Field(default=None, description="The days they begin on. Left out: every day.")
    from_: ClockTime = Field(default="00:00", alias="from", description="When they begin.")
    until: ClockTime = Field(default="24:00", description="When they are over, on the next day if that is not after `from`.")
    zone: Annotated[str, Field(max_length=64), AfterValidator(_zone)] = Field(description="Whose clocks: a name of the IANA database.")

    @model_validator(mode="after")
    def _some(self) -> Self:
        if self.from_ == "24:00":
            raise wrong("a day begins at 00:00")
        if self.from_ == self.until:
            raise wrong("from and until are equal, so this is always or never; leave both out for whole days")
        return self

    @property
    def minutes(self) -> int:
        """
        The minutes of the week, from Monday's first, as bits.
        """
        begin, end = _minute(self.from_), _minute(self.until)
        length = end - begin if end > begin else end - begin + DAY
        bits = 0
        for day in self.days or DAYS:
            bits |= ((1 << length) - 1) << (DAYS.index(day) * DAY + begin)
        return bits & ((1 << WEEK) - 1) | bits >> WEEK  # the night of Sunday ends on Monday

    @property
    def said(self) -> str:
        """
        As people say it.
        """
        return f"{', '.join(self.days or ('any day',))} from {self.from_} until {self.until} in {self.zone}"

    def holds(self) -> Callable[[datetime], bool]:
        """
        Whether a moment (aware) lies within.
        """
        # A character a minute: a shift of ten thousand bits costs more than all the rest.
        within = bytes(bit == "1" for bit in reversed(f"{self.minutes:0{WEEK}b}"))
        zone = _known(self.zone)

        def test(moment: datetime) -> bool:
            local = moment.astimezone(zone)
            return bool(within[local.weekday() * DAY + local.hour * 60 + local.minute])

        return test


@lru_cache(64)
def _known(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _minute(clock: str) -> int:
    hour, _, minute = clock.partition(":")
    return int(hour) * 60 + int(minute)
