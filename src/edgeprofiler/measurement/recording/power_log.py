"""Power logs of the reference layout: lines `YYYYmmdd-HH:MM:SS.ffffff,<mV>,<mA>`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import atomic_path, read_bytes
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.recording.stamps import Micros, format_stamps, parse_stamps

BUS_MV = 5000
_NUMBER_WIDTH = 15
_EXACT = 10.0 ** np.arange(_NUMBER_WIDTH)


def read_power_log(path: Path, warnings: list[str]) -> tuple[Micros, FloatArray]:
    """Return the stamps (whole microseconds) and the power in watts of a log.

    A last line without its end, as a killed logger leaves it, is left out and told in
    `warnings`.

    Raises:
        InvalidInput: a line is malformed (its number is said), or there is none.
    """
    data = read_bytes(path, limits.LOG_BYTES)
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw == ord("\n"))
    whole = int(ends[-1]) + 1 if len(ends) else 0
    if whole < len(raw) and raw[whole:].tobytes().strip():
        warnings.append(f"{path.name}: the last line has no end and is left out")
    starts = np.concatenate([[0], ends[:-1] + 1]) if len(ends) else np.empty(0, np.int64)
    stops = ends - (raw[np.maximum(ends - 1, 0)] == ord("\r"))
    lines = np.arange(1, len(starts) + 1)
    filled = stops > starts
    starts, stops, lines = starts[filled], stops[filled], lines[filled]
    if not len(starts):
        raise InvalidInput(path, "has no whole line", "lines are stamp,<mV>,<mA>")
    commas = np.flatnonzero(raw == ord(","))
    first = np.searchsorted(commas, starts)
    in_line = np.searchsorted(commas, stops) - first
    _refuse(in_line != 2, lines, path)
    comma1, comma2 = commas[first], commas[first + 1]
    widths = comma1 - starts
    _refuse((widths < 17) | (widths > 24), lines, path)
    width = int(widths.max())
    places = starts[:, None] + np.arange(width)
    text = raw[np.minimum(places, len(raw) - 1)]
    if (widths != width).any():
        text = np.where(np.arange(width) < widths[:, None], text, np.uint8(0))
    try:
        stamps = parse_stamps(text)
    except ValueError as error:
        row = int(str(error).split()[1]) if str(error).startswith("stamp") else 0
        raise InvalidInput(path, f"line {lines[row]}: {error}") from None
    milli_volts = _numbers(raw, comma1 + 1, comma2, lines, path)
    milli_amperes = _numbers(raw, comma2 + 1, stops, lines, path)
    return stamps, milli_volts * milli_amperes / 1e6


def write_power_log(path: Path, micros: Micros, power_w: FloatArray) -> None:
    """Write a log whose mV x mA is the power to the microwatt; NaN polls are left out."""
    known = np.isfinite(power_w)
    # at 5,000 mV a step of 0.0002 mA is one microwatt
    ten_thousandths = np.rint(power_w[known] * 1e6).astype(np.int64) * (10_000 // BUS_MV)
    lines = [
        f"{stamp},{BUS_MV},{_decimal(value)}\n"
        for stamp, value in zip(format_stamps(micros[known]), ten_thousandths.tolist(), strict=True)
    ]
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="ascii")


def _decimal(ten_thousandths: int) -> str:
    sign, (whole, rest) = "-" * (ten_thousandths < 0), divmod(abs(ten_thousandths), 10_000)
    return f"{sign}{whole}.{rest:04d}".rstrip("0") if rest else f"{sign}{whole}"


def _numbers(
    raw: npt.NDArray[np.uint8],
    starts: npt.NDArray[np.int64],
    stops: npt.NDArray[np.int64],
    lines: npt.NDArray[np.int64],
    path: Path,
) -> FloatArray:
    """Parse plain decimals (`-12.5`) that end at `stops`; exact as long as they are short."""
    widths = stops - starts
    width = int(widths.max())
    _refuse((widths < 1) | (widths > _NUMBER_WIDTH), lines, path)
    text = raw[np.maximum(stops[:, None] - np.arange(width, 0, -1), 0)]
    text = np.where(np.arange(width) >= width - widths[:, None], text, np.uint8(32))
    digit = (text - np.uint8(48)) < 10
    point = text == ord(".")
    minus = text == ord("-")
    first = np.arange(width) == width - widths[:, None]
    good = (digit | point | (text == 32) | (minus & first)).all(axis=1)
    good &= (point.sum(axis=1) <= 1) & digit.any(axis=1)
    _refuse(~good, lines, path)
    digits_after = digit[:, ::-1].cumsum(axis=1)[:, ::-1] - digit
    value = (np.where(digit, text - np.uint8(48), 0) * _EXACT[digits_after]).sum(axis=1)
    if point.any():
        decimals = np.where(point, digits_after, 0).sum(axis=1)
        value = value / _EXACT[decimals]
    signed: FloatArray = np.where(minus.any(axis=1), -value, value)
    return signed


def _refuse(bad: npt.NDArray[np.bool_], lines: npt.NDArray[np.int64], path: Path) -> None:
    if bad.any():
        line = int(lines[int(np.argmax(bad))])
        raise InvalidInput(path, f"line {line} is not stamp,<mV>,<mA>", "see the raw layout")
