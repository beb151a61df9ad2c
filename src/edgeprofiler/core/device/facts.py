"""What is known of a board, as JSON holds it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edgeprofiler.core.device.device import Device
from edgeprofiler.core.device.document import calibration_table
from edgeprofiler.core.device.modes import PowerMode
from edgeprofiler.core.plain import attributes


def board_facts(board: Device) -> dict[str, Any]:
    """Return a board's datasheet, modes, what it can be set to, and what was fitted on which rows.

    Keys are those of a board's file; peaks and bandwidth are those of the mode it is in.

    >>> from edgeprofiler.core.device import load_device
    >>> facts = board_facts(load_device("jetson-orin-nano"))
    >>> facts["jetpack"], facts["tensorrt"], facts["clocks"]["gpu"]
    ('6.2', '10.3', [306000000.0, 1020000000.0])
    """
    sheet = board.datasheet
    return {
        **attributes(board, "name description default_mode"),
        "mode": board.mode.name,
        "gpu": sheet.gpu,
        **attributes(sheet.clocks, "sms cpu_cores"),
        **attributes(sheet, "tensor_cores compute_capability"),
        "peak_flops": {dtype: board.peak_flops(dtype) for dtype in sheet.peak_flops},
        "vector_flops": {dtype: board.vector_flops(dtype) for dtype in sheet.vector_flops},
        "bandwidth_bytes_per_s": board.bandwidth_bytes_per_s,
        **attributes(sheet, "memory_bytes l2_bytes"),
        "clocks": {axis: [found.least, found.most] for axis, found in sheet.ranges.items()},
        **attributes(board, "jetpacks jetpack tensorrt idle_power_w carrier idle_power_source"),
        **attributes(board, "total_rails other_rails"),
        "modes": [_mode(board, mode) for mode in board.modes],
        "fitted_rows": fitted_rows(board),
        "like": board.like,
        "calibrations": [calibration_table(found) for found in board.calibrations],
        "sources": list(sheet.sources),
    }


def fitted_rows(board: Device) -> int:
    """Return how many measurements of the board its numbers were fitted on, a user's among them."""
    return board.fitted_rows + sum(found.rows for found in board.calibrations)


def _mode(board: Device, mode: PowerMode) -> dict[str, Any]:
    clocks = mode.clocks
    return {
        **attributes(mode, "name nvpmodel"),
        "gpu_clock_hz": clocks.gpu_hz,
        "emc_clock_hz": clocks.emc_hz,
        "cpu_clock_hz": clocks.cpu_hz,
        **attributes(clocks, "cpu_cores sms"),
        **attributes(mode, "bandwidth_bytes_per_s power_budget_w"),
        "idle_power_w": replace(board, mode=mode).idle_power_w,
        "note": mode.note,
    }
