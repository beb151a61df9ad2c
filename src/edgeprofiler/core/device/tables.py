"""What is known of boards: for programs, and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edgeprofiler.core.device.device import Device
from edgeprofiler.core.device.document import calibration_table
from edgeprofiler.core.table import Column, Table, fact_table, tabulate
from edgeprofiler.core.units import in_unit, known

CLOCK_COLUMNS: Mapping[str, Column] = {
    "gpu": Column("GPU", "MHz", "number", digits=4),
    "emc": Column("memory", "MHz", "number", digits=4),
    "cpu": Column("CPU", "MHz", "number", digits=4),
    "cores": Column("cores", kind="count"),
    "sms": Column("SMs", kind="count"),
}
"""How each clock is shown, by the words of `clocks.AXES`."""


def board_facts(board: Device) -> dict[str, Any]:
    """Return what is known of a board as JSON values, SI units in the names."""
    sheet = board.datasheet
    return {
        "name": board.name,
        "description": board.description,
        "default_mode": board.default_mode,
        "mode": board.mode.name,
        "gpu": sheet.gpu,
        "sms": sheet.clocks.sms,
        "tensor_cores": sheet.tensor_cores,
        "compute_capability": sheet.compute_capability,
        "peak_flops": {t: board.peak_flops(t) for t in sheet.peak_flops},
        "vector_flops": {t: board.vector_flops(t) for t in sheet.vector_flops},
        "bandwidth_bytes_per_s": board.bandwidth_bytes_per_s,
        "l2_bytes": sheet.l2_bytes,
        "idle_power_w": board.idle_power_w,
        "idle_power_source": board.idle_power_source,
        "total_rails": list(board.total_rails),
        "other_rails": list(board.other_rails),
        "modes": [
            asdict(mode) | {"power_budget_w": known(mode.power_budget_w)} for mode in board.modes
        ],
        "calibrations": [calibration_table(c) for c in board.calibrations],
        "sources": list(sheet.sources),
    }


def boards_table(boards: Sequence[Device]) -> Table:
    """Return the boards with their power modes, the default first."""

    def modes(board: Device) -> str:
        ordered = sorted(board.modes, key=lambda mode: mode.name != board.default_mode)
        return " ".join(mode.name for mode in ordered)

    def fitted(board: Device) -> str:
        rows = sum(found.rows for found in board.calibrations)
        return f"{rows} rows" if rows else "data sheet"

    return tabulate("", boards, (
        (Column("name"), lambda board: board.name),
        (Column("modes, default first", file_name="modes"), modes),
        (Column("peak", "TFLOP/s", "number"), lambda board: board.peak_flops("fp16")),
        (Column("bandwidth", "GB/s", "number", 4), lambda board: board.bandwidth_bytes_per_s),
        (Column("fitted on"), fitted),
    ), ("Peak: dense fp16 in the default mode.",))  # fmt: skip


def board_table(board: Device) -> Table:
    """Return what the data sheet says of a board in its mode, and what was fitted to it."""
    sheet = board.datasheet
    peaks = (f"{t} {in_unit(board.peak_flops(t), 'TFLOP/s')}" for t in sheet.peak_flops)
    bandwidth = in_unit(board.bandwidth_bytes_per_s, "GB/s")
    facts = [
        ("GPU", f"{sheet.gpu}, {sheet.clocks.sms} SMs"),
        ("capability", f"{sheet.compute_capability:g}, L2 {in_unit(sheet.l2_bytes, 'MiB')}"),
        ("mode", f"{board.mode.name}: {', '.join(peaks)}, {bandwidth}"),
        ("rails", f"{' + '.join(board.total_rails) or 'not stated'} (board input)"),
        ("idle power", f"{board.idle_power_w:g} W ({board.idle_power_source})"),
    ]
    for fitted in board.calibrations:
        software = fitted.software or "software not said"
        made = f"{fitted.mode.name}, {fitted.runtime}, {software}: {fitted.rows} rows"
        facts.append(("calibrated", f"{made}. {fitted.provenance}"))
        if fitted.errors:
            errors = (f"{name} {value:.3g}" for name, value in fitted.errors.items())
            facts.append(("", ", ".join(errors)))
    facts += [("source", origin) for origin in sheet.sources]
    return fact_table(f"{board.name}  {board.description}", facts)


def mode_table(board: Device) -> Table:
    """Return a board's power modes, the chosen one marked."""
    mark = {board.mode.name: " *"}
    return tabulate("", board.modes, (
        (Column("mode"), lambda mode: mode.name + mark.get(mode.name, "")),
        (Column("GPU", "MHz", "number", digits=4), lambda mode: mode.clocks.gpu_hz),
        (Column("bandwidth", "GB/s", "number", 4), lambda mode: mode.bandwidth_bytes_per_s),
        (Column("SMs", kind="count"), lambda mode: mode.clocks.sms),
        (Column("budget", "W", "number"), lambda mode: mode.power_budget_w),
        (Column("note"), lambda mode: mode.note),
    ))  # fmt: skip
