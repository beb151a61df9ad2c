"""Power logs of the reference layout: lines `YYYYmmdd-HH:MM:SS.ffffff,<mV>,<mA>`."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import atomic_path, check_readable
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.recording.recording import PowerTrace
from edgeprofiler.measurement.recording.stamps import WIDTH, Micros, format_stamps, parse_stamps

BUS_MV = 5000
RAIL = "VDD_IN"
"""Name of the one rail that these logs know: the input of the whole board."""
_BLOCK_BYTES = limits.MIB
"""What is parsed at once, and searched for a line that is none."""
_ROW = np.dtype([("stamp", f"S{WIDTH + 1}"), ("mv", "f8"), ("ma", "f8")])


@dataclass(frozen=True, eq=False)
class PowerLog:
    """What a log holds; arrays of shape (lines,)."""

    stamps_us: Micros
    milli_volts: FloatArray
    milli_amperes: FloatArray

    def trace(self, time_s: FloatArray) -> PowerTrace:
        """Return the log as a trace of the whole board, with other times for its stamps."""
        amperes, volts = self.milli_amperes / 1e3, self.milli_volts / 1e3
        table = np.column_stack([time_s, self.power_w, amperes, volts])
        return PowerTrace.of_table(table, (RAIL,), (RAIL,), (RAIL,))

    @property
    def power_w(self) -> FloatArray:
        """Product of each line's two values, in watts."""
        return np.asarray(self.milli_volts * self.milli_amperes / 1e6)


def read_power_log(path: Path, warnings: list[str]) -> PowerLog:
    """Return the stamps (whole microseconds) and the two registers of a log.

    A last line without its end, as a killed logger leaves it, is left out and told in
    `warnings`.

    Raises:
        InvalidInput: a line is malformed (its number is said), or there is none.
    """
    check_readable(path, limits.LOG_BYTES)
    parts: list[PowerLog] = []
    lines = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            block += file.readline()
            if not block.endswith(b"\n"):
                block, _, torn = block.rpartition(b"\n")
                if torn.strip():
                    warnings.append(f"{path.name}: the last line has no end and is left out")
            if block.strip():
                parts.append(_parsed(block, path, lines))
            lines += block.count(b"\n")
    if not parts:
        raise InvalidInput(path, "has no whole line", "lines are stamp,<mV>,<mA>")
    columns = ("stamps_us", "milli_volts", "milli_amperes")
    return PowerLog(*(np.concatenate([getattr(p, name) for p in parts]) for name in columns))


def _parsed(block: bytes, path: Path, before: int) -> PowerLog:
    """Return what some lines hold, so many before them; `InvalidInput` says which line is none."""
    try:
        return _parse(block)
    except ValueError:
        for number, line in enumerate(block.splitlines(), before + 1):
            try:
                if line.strip():
                    _parse(line)
            except ValueError:
                problem = f"line {number} is not stamp,<mV>,<mA>"
                raise InvalidInput(path, problem, "see the raw layout") from None
        raise


def _parse(lines: bytes) -> PowerLog:
    table = np.loadtxt(io.BytesIO(lines), _ROW, comments=None, delimiter=",", ndmin=1)
    found = PowerLog(parse_stamps(table["stamp"]), table["mv"].copy(), table["ma"].copy())
    if not np.isfinite(found.power_w).all():
        raise ValueError("a number is not finite")
    return found


def write_registers(path: Path, micros: Micros, volts: FloatArray, amperes: FloatArray) -> None:
    """Write a log of the two registers as they were read, in mV and mA; NaN polls are left out."""
    known = np.isfinite(volts) & np.isfinite(amperes)
    lines = [
        f"{stamp},{round(volt * 1e3, 6)!r},{round(ampere * 1e3, 6)!r}\n"
        for stamp, volt, ampere in zip(
            format_stamps(micros[known]), volts[known].tolist(), amperes[known].tolist(),
            strict=True,
        )
    ]  # fmt: skip
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="ascii")


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
