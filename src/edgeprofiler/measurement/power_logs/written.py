"""A moment as tools and people write it, in words: dates, times of day, zones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from functools import lru_cache
from itertools import groupby

_DATE = (
    r"(?P<ymd>\d{4}[-/.]\d{1,2}[-/.]\d{1,2})|(?P<compact>\d{8})"
    r"|(?P<dmy>\d{1,2}[-/.]\d{1,2}[-/.]\d{4})"
    r"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\w*,?\s+)?"
    r"(?:(?P<month>[A-Z][a-z]{2})[a-z]*\s+(?P<day>\d{1,2})"
    r"|(?P<day2>\d{1,2})[-/\s]+(?P<month2>[A-Z][a-z]{2})[a-z]*)"
    r"(?:[-/,]?\s*(?P<year>\d{4}))?"
)
_TIME = (
    r"(?P<hms>\d{1,2}:\d{2}:\d{2}|(?<=[T_])\d{2}-?\d{2}-?\d{2})"
    r"(?:[.,:](?P<fraction>\d{1,9}))?(?:\s?(?P<half>[AaPp][Mm]))?"
)
_ZONE = r"(?:\s?(?P<zone>Z|UTC|GMT|[+-]\d{2}:?\d{2})(?![\w:]))?"
_YEAR_BEHIND = r"(?:(?:\s[A-Z]{2,5})?\s(?P<lateyear>(?:19|20)\d\d)(?!\S))?"
"""As `date` writes it: `Sat Jul 25 09:08:00 CEST 2026`."""
WORDS = re.compile(rf"(?:(?:{_DATE})(?:[T_:-]|,?\s+))?{_TIME}{_ZONE}{_YEAR_BEHIND}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Moment:
    """A moment, as far as its words say it."""

    second: float
    """Whole seconds since 1970, as if clocks showed UTC where no zone is named; since midnight
    without a date; since the same day of 1970 as of the year 2000 without a year."""
    dated: bool
    zoned: bool
    has_year: bool = True


def fraction_of(found: re.Match[str]) -> float:
    """Return what a stamp says behind its seconds."""
    return float("0." + (found["fraction"] or "0"))


def moment_of(found: re.Match[str], *, day_first: bool) -> Moment:
    """Return the moment of a match of `WORDS`.

    Raises:
        ValueError: there is no such day or time.
    """
    part = found.groupdict(default="")
    date = (
        part["ymd"] or part["compact"], part["dmy"], part["month"] or part["month2"],
        part["day"] or part["day2"], part["year"] or part["lateyear"],
    )  # fmt: skip
    midnight = _midnight(*date, day_first)
    second = midnight + _time_of_day(part["hms"], part["half"].lower())
    zone = part["zone"]
    if zone[:1] in ("+", "-"):
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        second -= (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)
    return Moment(second, any(date), bool(zone), bool(date[4]) or not date[2])


@lru_cache(maxsize=256)
def _midnight(ymd: str, dmy: str, month: str, day: str, year: str, day_first: bool) -> float:
    """Return seconds since 1970 of a date's beginning; 0 where nothing says it."""
    if month:
        if month.lower() not in _MONTHS:
            raise ValueError(month)
        numbers = int(year or 2000), _MONTHS.index(month.lower()) + 1, int(day)
    elif ymd:
        text = f"{ymd[:4]}-{ymd[4:6]}-{ymd[6:]}" if ymd.isdigit() else ymd
        first, second, third = (int(number) for number in re.split(r"[-/.]", text))
        numbers = first, second, third
    elif dmy:
        first, second, third = (int(number) for number in re.split(r"[-/.]", dmy))
        numbers = (third, second, first) if day_first or "." in dmy else (third, first, second)
    else:
        return 0.0
    return datetime(*numbers, tzinfo=timezone.utc).timestamp()


@lru_cache(maxsize=4096)
def _time_of_day(text: str, half: str) -> int:
    digits = text.replace("-", "")
    parts = text.split(":") if ":" in text else (digits[:2], digits[2:4], digits[4:])
    hours, minutes, seconds = (int(part) for part in parts)
    if half:
        hours = hours % 12 + 12 * (half == "pm")
    if hours > 23 or minutes > 59 or seconds > 60:
        raise ValueError(text)
    return hours * 3600 + minutes * 60 + seconds


def day_first(texts: Sequence[str]) -> bool:
    """Return whether the day stands before the month in dates such as 03/04/2026.

    A number above 12 tells; tegrastats and American programs put the month first.
    """
    found = (WORDS.match(text.strip()) for text in texts)
    dates = groupby(match["dmy"] for match in found if match is not None and match["dmy"])
    return any(int(re.split(r"[-/.]", date)[0]) > 12 for date, _ in dates)


@lru_cache(maxsize=4096)
def in_year_near(in_2000_s: float, near_s: float) -> float:
    """Return a moment of the year 2000 in the year that brings it nearest to `near_s`."""
    moment = datetime.fromtimestamp(in_2000_s, timezone.utc)
    about = datetime.fromtimestamp(near_s, timezone.utc).year
    found = []
    for year in (about - 1, about, about + 1):
        try:
            found.append(moment.replace(year=year).timestamp())
        except ValueError:  # the 29th of February
            continue
    return min(found, key=lambda second: abs(second - near_s), default=in_2000_s)
