"""Time stamps `YYYYmmdd-HH:MM:SS.ffffff` by the hundred thousand, exact to the microsecond.

Stamps are whole microseconds since 1970 without a time zone: only their differences mean
something. Fewer than six decimals, or none, are accepted, as short clocks write them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Micros = npt.NDArray[np.int64]

WIDTH = 24
_WHOLE = 17
"""Characters before the decimal point."""
_AFTER_THE_DATE = np.frombuffer(b"0123456789:.\0", np.uint8)
_ISO = (0, 1, 2, 3, 5, 6, 8, 9, *range(10, 26))
"""Where the characters of a stamp stand in NumPy's `YYYY-mm-ddTHH:MM:SS.ffffff`."""


def parse_stamps(stamps: Sequence[str] | npt.NDArray[np.bytes_]) -> Micros:
    """Return microseconds of stamps.

    Raises:
        ValueError: one is no stamp; the message has its number (from 0).
    """
    try:
        found = np.asarray(stamps, np.bytes_)
    except UnicodeEncodeError:
        raise ValueError("a stamp is not plain ASCII") from None
    text = found.astype(f"S{WIDTH + 1}").view(np.uint8).reshape(len(found), WIDTH + 1)
    iso = np.zeros((len(found), 26), np.uint8)
    iso[:, _ISO] = text[:, :WIDTH]
    iso[:, [4, 7]], iso[:, 10] = ord("-"), ord("T")
    good = (text[:, :8] - np.uint8(48) < 10).all(axis=1) & (text[:, 8] == ord("-"))
    # NumPy would take a time zone too
    good &= np.isin(text[:, 9:WIDTH], _AFTER_THE_DATE).all(axis=1) & (text[:, WIDTH] == 0)
    good &= text[:, _WHOLE - 1] != 0
    times = iso.view("S26").ravel()
    try:
        if good.all():
            return times.astype("M8[us]").view(np.int64)
    except ValueError:
        good = np.array([_is_time(time) for time in times.tolist()])
    raise ValueError(f"stamp {int(np.argmin(good))} is not YYYYmmdd-HH:MM:SS.ffffff")


def format_stamps(micros: Micros) -> list[str]:
    """Return stamps with six decimals, `20241030-15:06:45.910735`."""
    times = np.datetime_as_string(np.asarray(micros, np.int64).view("M8[us]"), unit="us")
    text = times.astype("U26").view(np.uint32).reshape(-1, 26).take(_ISO, axis=1)
    text[:, 8] = ord("-")
    stamps: list[str] = text.view(f"U{WIDTH}").ravel().tolist()
    return stamps


def micros_of(time_s: npt.NDArray[np.float64], base_us: int) -> Micros:
    """Return stamps of times in seconds after `base_us`, rounded to the microsecond."""
    result: Micros = np.rint(np.asarray(time_s) * 1e6).astype(np.int64) + base_us
    return result


def _is_time(time: bytes) -> bool:
    try:
        np.datetime64(time.decode(), "us")
    except ValueError:
        return False
    return True
