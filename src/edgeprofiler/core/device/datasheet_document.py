"""A board's datasheet as it stands in its TOML file."""

from __future__ import annotations

from dataclasses import replace

from edgeprofiler.core.device.clocks import Clocks
from edgeprofiler.core.device.datasheet import Datasheet
from edgeprofiler.core.device.numbers import DTYPES, number, optional, whole, words
from edgeprofiler.core.values import Value

_LANE_FLOPS = 256
"""FP32 operations a clock and multiprocessor: 128 lanes, as on the shipped boards but Volta's."""
_DATASHEET = ("gpu", "sms", "gpu_clock_hz", "gpu_clock_min_hz", "emc_clock_hz", "emc_clock_min_hz",
              "cpu_clock_hz", "cpu_clock_min_hz", "cpu_cores", "cpu_work", "memory_bytes",
              "bandwidth_bytes_per_s", "l2_bytes", "tensor_cores", "compute_capability", "sources",
              "peak_flops", "vector_flops")  # fmt: skip
_MEMORY = ("memory_bytes", "bandwidth_bytes_per_s", "sources")


def datasheet_of(sheet: Value) -> Datasheet:
    """Return the datasheet of a `[datasheet]` table."""
    sheet.allow(_DATASHEET)
    peaks, vector = _rates(sheet["peak_flops"]), _rates(sheet["vector_flops"])
    if "fp16" not in peaks and "fp32" not in peaks:
        raise sheet["peak_flops"].fail("has neither fp16 nor fp32", "give at least one of them")
    tensor_cores = sheet["tensor_cores"].default(raw=False).boolean()
    clocks = Clocks(
        gpu_hz=number(sheet, "gpu_clock_hz"),
        emc_hz=optional(sheet, "emc_clock_hz"),
        cpu_hz=optional(sheet, "cpu_clock_hz"),
        cpu_cores=None if sheet["cpu_cores"].null else whole(sheet, "cpu_cores"),
        sms=whole(sheet, "sms"),
    )
    lowest = {}
    for axis, most in clocks.items():
        key = f"{axis}_clock_min_hz"
        if key in sheet:
            lowest[axis] = number(sheet, key)
            if most is None or lowest[axis] > most:
                raise sheet[key].fail(f"is above {axis}_clock_hz, or without it")
    if not vector:  # a peak of tensor cores is not one of the lanes beside them
        lanes = peaks.get("fp32", _LANE_FLOPS * clocks.sms * clocks.gpu_hz)
        vector = {"fp32": lanes, "fp16": 2 * lanes} if tensor_cores else peaks
    return Datasheet(
        gpu=words(sheet, "gpu"),
        clocks=clocks,
        lowest=lowest,
        peak_flops=peaks,
        vector_flops=vector,
        bandwidth_bytes_per_s=number(sheet, "bandwidth_bytes_per_s"),
        l2_bytes=whole(sheet, "l2_bytes", 1 << 20),
        tensor_cores=tensor_cores,
        compute_capability=number(sheet, "compute_capability", 8.0 if tensor_cores else 6.0),
        memory_bytes=optional(sheet, "memory_bytes"),
        sources=sheet["sources"].default([]).texts(),
        cpu_work=number(sheet, "cpu_work", Datasheet.cpu_work),
    )


def with_memory(table: Value, base: Datasheet) -> Datasheet:
    """Return a datasheet with the memory that the `[datasheet]` of a file on a base states."""
    sheet = table.default({})
    sheet.allow(_MEMORY)
    return replace(
        base,
        memory_bytes=optional(sheet, "memory_bytes", base.memory_bytes),
        bandwidth_bytes_per_s=number(sheet, "bandwidth_bytes_per_s", base.bandwidth_bytes_per_s),
        sources=base.sources + sheet["sources"].default([]).texts(),
    )


def _rates(table: Value) -> dict[str, float]:
    rates = table.default({})
    rates.allow(DTYPES)
    return {dtype: number(rates, dtype) for dtype in rates.mapping()}
