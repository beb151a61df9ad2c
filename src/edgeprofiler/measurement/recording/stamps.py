"""Time stamps `YYYYmmdd-HH:MM:SS.ffffff` by the hundred thousand, exact to the microsecond.

Stamps are whole microseconds since 1970 without a time zone: only their differences mean
something. Fewer than six decimals, or none, are accepted, as short clocks write them.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

Micros = npt.NDArray[np.int64]
Bytes2D = npt.NDArray[np.uint8]

WIDTH = 24
_WHOLE = 17
"""Characters before the decimal point."""
_DIGITS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 13, 15, 16)
_MARKS = ((8, ord("-")), (11, ord(":")), (14, ord(":")))
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  stamps have no zone
_DAY_US = 86_400_000_000
# 32-bit words so that the product stays in the processor's vector units
_TIME_WEIGHTS = np.array([36_000, 3_600, 600, 60, 10, 1], np.int32)
_FRACTION_WEIGHTS = np.array([100_000, 10_000, 1_000, 100, 10, 1], np.int32)
_DATE_WEIGHTS = np.array([10**k for k in range(7, -1, -1)], np.int32)


def parse_stamps(text: Bytes2D) -> Micros:
    """Return microseconds of stamps given as rows of ASCII codes, padded with zeros or blanks.

    Args:
        text: shape (stamps, 17 to 24).

    Raises:
        ValueError: a row is no stamp; the message has its number (from 0).
    """
    count, width = text.shape
    if count == 0:
        return np.empty(0, np.int64)
    if not _WHOLE <= width <= WIDTH:
        raise ValueError("stamp 0 is not YYYYmmdd-HH:MM:SS.ffffff")
    digits: Bytes2D = text - np.uint8(48)
    good = (digits[:, _DIGITS] < 10).all(axis=1)
    for place, mark in _MARKS:
        good &= text[:, place] == mark
    fraction = np.zeros(count, np.int32)
    if width > _WHOLE:
        point = text[:, _WHOLE]
        good &= (point == 46) | (point <= 32)
        tail = digits[:, _WHOLE + 1 :]
        written = tail < 10
        if not (written.all() and (point == 46).all()):
            padding = text[:, _WHOLE + 1 :] <= 32
            # after the first padding nothing else may come, and no decimals without a point
            good &= (written | padding).all(axis=1)
            good &= ~(padding[:, :-1] & ~padding[:, 1:]).any(axis=1)
            good &= (point == 46) | padding.all(axis=1)
            tail = np.where(written, tail, np.uint8(0))
        fraction = tail @ _FRACTION_WEIGHTS[: tail.shape[1]]
    if not good.all():
        raise ValueError(f"stamp {int(np.argmin(good))} is not YYYYmmdd-HH:MM:SS.ffffff")
    seconds = digits[:, _DIGITS[8:]] @ _TIME_WEIGHTS
    dates = digits[:, :8] @ _DATE_WEIGHTS
    days, place = np.unique(dates, return_inverse=True)
    starts = np.array([_day_start(int(day)) for day in days], np.int64)
    result: Micros = starts[place] + seconds.astype(np.int64) * 1_000_000 + fraction
    return result


def parse_stamp_strings(stamps: list[str]) -> Micros:
    """Return microseconds of a list of stamps; `ValueError` names the first that is none."""
    try:
        table = np.array(stamps, dtype="S")
    except UnicodeEncodeError:
        raise ValueError("stamp 0 is not plain ASCII") from None
    if table.ndim != 1 or not len(stamps):
        return np.empty(0, np.int64)
    return parse_stamps(table.view(np.uint8).reshape(len(stamps), -1))


def format_stamps(micros: Micros) -> list[str]:
    """Return stamps with six decimals, `20241030-15:06:45.910735`."""
    if not len(micros):
        return []
    micros = np.asarray(micros, np.int64)
    days, inside = np.divmod(micros, _DAY_US)
    text = np.empty((len(micros), WIDTH), np.uint8)
    unique, place = np.unique(days, return_inverse=True)
    names = [(_EPOCH + timedelta(days=int(day))).strftime("%Y%m%d-") for day in unique]
    text[:, :9] = np.array(names, "S9").view(np.uint8).reshape(-1, 9)[place]
    seconds, fraction = np.divmod(inside, 1_000_000)
    minutes, second = np.divmod(seconds, 60)
    hour, minute = np.divmod(minutes, 60)
    for start, value, width in ((9, hour, 2), (12, minute, 2), (15, second, 2), (18, fraction, 6)):
        for k in range(width):
            text[:, start + k] = value // 10 ** (width - 1 - k) % 10 + 48
    text[:, (11, 14)] = ord(":")
    text[:, 17] = ord(".")
    joined = text.tobytes().decode("ascii")
    return [joined[i : i + WIDTH] for i in range(0, len(joined), WIDTH)]


def micros_of(time_s: npt.NDArray[np.float64], base_us: int) -> Micros:
    """Return stamps of times in seconds after `base_us`, rounded to the microsecond."""
    result: Micros = np.rint(np.asarray(time_s) * 1e6).astype(np.int64) + base_us
    return result


def _day_start(date: int) -> int:
    try:
        day = datetime(date // 10_000, date // 100 % 100, date % 100)  # noqa: DTZ001
    except ValueError as error:
        raise ValueError(f"{date:08d} is no date ({error})") from None
    return (day - _EPOCH) // timedelta(microseconds=1)
