"""Time stamps of a log's lines, in whatever form they are written."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.power_logs.steady import whole_seconds_shared
from edgeprofiler.measurement.power_logs.written import (
    WORDS,
    day_first,
    fraction_of,
    in_year_near,
    moment_of,
)

_DAY_S = 86_400
_EPOCH = re.compile(r"1(?:\d{18}|\d{15}|\d{12}|\d{9})(?:[.,]\d+)?")
_UPTIME = re.compile(r"\s*\[\s*(\d+\.\d+)\]")
_EPOCH_UNITS = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
"""Numbers above these are nano-, micro- and milliseconds since 1970, in this century."""
NO_TIME = 1e20
"""No number of any unit since 1970 is larger: nanoseconds come to a fiftieth of it."""
_EPOCH_S = 1e9
"""A larger number of seconds is one since 1970 (September 2001), not since a machine's start."""


@dataclass(frozen=True)
class Stamps:
    """Times of a log's lines."""

    time_s: FloatArray
    """Seconds since the first line."""
    first_s: float
    """The first line: seconds since 1970 where `wall`, else on the log's own clock."""
    wall: bool

    @staticmethod
    def every(interval_s: float, lines: int) -> Stamps:
        """Return times of lines that have none, a steady interval apart."""
        return Stamps(interval_s * np.arange(lines, dtype=np.float64), 0.0, wall=False)

    @staticmethod
    def of_numbers(values: FloatArray, unit_s: float) -> Stamps:
        """Return times that a log gives as numbers of a unit."""
        first_s = float(values[0]) * unit_s
        return Stamps((values - values[0]) * unit_s, first_s, first_s > _EPOCH_S)

    def apart(self) -> Stamps:
        """Return times of which none is a whole second that lines share."""
        times = whole_seconds_shared(self.time_s)
        return Stamps(times - times[0], self.first_s + float(times[0]), self.wall)


@dataclass(frozen=True)
class Reading:
    """How stamps are to be read where they leave it open."""

    zone: tzinfo | None = None
    """Of stamps that name none; this machine's where `None`."""
    near_s: float = 0.0
    """Stamps without a year or a day are of the one nearest to this second since 1970."""


def zone_named(name: str) -> tzinfo | None:
    """Return a time zone: `UTC`, `+02:00` or `Europe/Berlin`; this machine's where empty.

    Raises:
        UsageError: there is none of that name.
    """
    if not name:
        return None
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", name)
    if offset is not None:
        away = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if away < timedelta(days=1):
            return timezone(-away if offset[1] == "-" else away)
    if name.upper() in ("UTC", "Z", "GMT"):
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise UsageError(f"zone={name!r} is no time zone; write UTC, +02:00 or a name") from None


def in_zone(shown_s: float, zone: tzinfo | None) -> float:
    """Return seconds since 1970 of a moment that a clock of `zone` shows."""
    shown = datetime.fromtimestamp(shown_s, timezone.utc).replace(tzinfo=None)
    try:
        return (shown.astimezone() if zone is None else shown.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):  # a clock that was never set: no year before the first
        return shown_s


def stamp_at_start(line: str) -> str:
    """Return the time stamp with which a line begins, brackets left out; empty where there is none.

    >>> stamp_at_start("[2026-07-25T09:08:00.100] VDD_IN 5000mW/5000mW")
    '2026-07-25T09:08:00.100'
    """
    text = line.lstrip(" \t[(")
    for pattern in (WORDS, _EPOCH):
        found = pattern.match(text)
        if found is not None and text[found.end() :][:1] in ("", *" \t]):,;"):
            return found.group()
    uptime = _UPTIME.match(line)
    return uptime.group(1) if uptime is not None else ""


def read_stamps(texts: Sequence[str], how: Reading) -> Stamps:
    """Return the times of a log's stamps.

    Args:
        texts: one stamp a line, at least one; all of one kind.
        how: what they leave open.

    Raises:
        ValueError: one is no stamp; its place (from 0) is the argument.
    """
    return _of_numbers(texts) if _number(texts[0]) is not None else _of_words(texts, how)


def _of_numbers(texts: Sequence[str]) -> Stamps:
    values = []
    for place, text in enumerate(texts):
        value = _number(text)
        if value is None:
            raise ValueError(place)
        values.append(value)
    first = values[0]
    scale = next((unit for above, unit in _EPOCH_UNITS if first > above), 1.0)
    # exact differences: seconds since 1970 leave a float only a quarter of a microsecond
    time_s = np.array([float(value - first) for value in values]) * scale
    first_s = float(first) * scale
    return Stamps(time_s, first_s, first_s > _EPOCH_S)


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < NO_TIME and "_" not in text else None


def _of_words(texts: Sequence[str], how: Reading) -> Stamps:
    moments, fractions = [], []
    days = day_first(texts)
    for place, text in enumerate(texts):
        found = WORDS.fullmatch(text.strip())
        try:
            if found is None:
                raise ValueError(text)
            moments.append(moment_of(found, day_first=days))
        except (ValueError, OverflowError):
            raise ValueError(place) from None
        fractions.append(fraction_of(found))
    whole_s = np.array([moment.second for moment in moments])
    first = moments[0]
    if not first.has_year:
        year = in_year_near(first.second, how.near_s)
        whole_s = np.array([in_year_near(second, year) for second in whole_s])
    if not first.dated:  # times of day: past midnight they begin anew
        whole_s = whole_s + _DAY_S * np.cumsum(np.diff(whole_s, prepend=whole_s[0]) < -_DAY_S / 2)
    first_s = float(whole_s[0])
    if not first.zoned:
        first_s = in_zone(first_s, how.zone)
    if not first.dated:
        first_s += _DAY_S * round((how.near_s - first_s) / _DAY_S)
    time_s = whole_s - whole_s[0] + np.array(fractions) - fractions[0]
    return Stamps(time_s, first_s + fractions[0], wall=True)
