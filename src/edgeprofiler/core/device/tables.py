"""What is known of boards, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from edgeprofiler.core.device.clocks import AXES, print_clock
from edgeprofiler.core.device.device import Calibration, Device
from edgeprofiler.core.device.facts import fitted_rows
from edgeprofiler.core.device.modes import PowerMode
from edgeprofiler.core.table import Column, Field, Table, fact_table, tabulate
from edgeprofiler.core.units import in_unit

T = TypeVar("T")

CLOCK_COLUMNS: Mapping[str, Column] = {
    "gpu": Column("GPU", "MHz", "number", digits=4),
    "emc": Column("memory", "MHz", "number", digits=4),
    "cpu": Column("CPU", "MHz", "number", digits=4),
    "cores": Column("cores", kind="count"),
    "sms": Column("SMs", kind="count"),
}
"""How each clock is shown, by the words of `clocks.AXES`."""


def boards_table(boards: Sequence[Device]) -> Table:
    """Return the boards: what each is, runs and was fitted on."""
    return tabulate("", boards, (
        (Column("board"), lambda board: board.name),
        (Column("memory", "GiB", "number"), lambda board: board.datasheet.memory_bytes),
        (Column("peak", "TFLOP/s", "number"), lambda board: board.peak_flops("fp16")),
        (Column("bandwidth", "GB/s", "number", 4), lambda board: board.bandwidth_bytes_per_s),
        (Column("JetPack"), lambda board: board.jetpack or "-"),
        (Column("TensorRT", rank=1), lambda board: board.tensorrt),
        (Column("fitted"), _fitted),
    ), (
        "Peak: dense fp16 in the default mode. JetPack: the one that is assumed.",
        "Fitted on measured rows; stand-in: on those of a board of the same chip.",
    ))  # fmt: skip


def modes_table(boards: Sequence[Device]) -> Table:
    """Return the power modes of boards: clocks, what is on, budget; the default ones marked."""
    modes = [(board, mode) for board in boards for mode in board.modes]

    def mode_of(item: tuple[Device, PowerMode]) -> PowerMode:
        return item[1]

    def name(item: tuple[Device, PowerMode]) -> str:
        board, mode = item
        return f"{board.name}@{mode.name}" + (" *" if mode.name == board.default_mode else "")

    return tabulate("", modes, (
        (Column("mode"), name),
        *_of_modes(mode_of),
    ), (
        "* its default mode. Any clocks: jetson-agx-orin@30w,gpu=510MHz (docs/devices.md).",
    ))  # fmt: skip


def board_table(board: Device) -> Table:
    """Return what the data sheet says of a board in its mode, and what was fitted to it."""
    sheet = board.datasheet
    peaks = (f"{t} {in_unit(board.peak_flops(t), 'TFLOP/s')}" for t in sheet.peak_flops)
    bandwidth = in_unit(board.bandwidth_bytes_per_s, "GB/s")
    ranges = (
        f"{axis} {print_clock(axis, found.least)} to {print_clock(axis, found.most)}"
        for axis, found in sheet.ranges.items()
    )
    memory = in_unit(sheet.memory_bytes, "GiB") if sheet.memory_bytes else "not stated"
    carrier = f" on {board.carrier}" if board.carrier else ""
    facts = [
        ("GPU", f"{sheet.gpu}, {sheet.clocks.sms} SMs"),
        ("capability", f"{sheet.compute_capability:g}, L2 {in_unit(sheet.l2_bytes, 'MiB')}"),
        ("memory", memory),
        ("mode", f"{board.mode.name}: {', '.join(peaks)}, {bandwidth}"),
        ("clocks", ", ".join(ranges)),
        ("software", _software(board)),
        ("rails", f"{' + '.join(board.total_rails) or 'not stated'} (board input)"),
        ("idle power", f"{board.idle_power_w:g} W{carrier} ({board.idle_power_source})"),
        ("fitted on", _fitted(board) + (f": {board.like}" if board.like else "")),
    ]
    for fitted in board.calibrations:
        facts += _calibrated(fitted)
    facts += [("source", origin) for origin in sheet.sources]
    return fact_table(f"{board.name}  {board.description}", facts)


def mode_table(board: Device) -> Table:
    """Return a board's power modes, the chosen one marked."""
    mark = {board.mode.name: " *"}
    return tabulate("", board.modes, (
        (Column("mode"), lambda mode: mode.name + mark.get(mode.name, "")),
        *_of_modes(lambda mode: mode),
        (Column("note"), lambda mode: mode.note),
    ))  # fmt: skip


def _of_modes(mode: Callable[[T], PowerMode]) -> tuple[Field[T], ...]:
    """Return the columns of a power mode, of items that `mode` finds it in."""

    def clock(axis: str) -> Field[T]:
        return CLOCK_COLUMNS[axis], lambda item: mode(item).clocks.value(axis)

    return (
        *(clock(axis) for axis in AXES),
        (Column("bandwidth", "GB/s", "number", 4, rank=2), lambda i: mode(i).bandwidth_bytes_per_s),
        (Column("budget", "W", "number"), lambda item: mode(item).power_budget_w),
    )


def _software(board: Device) -> str:
    others = [name for name in board.jetpacks if name != board.jetpack]
    if not board.jetpack:
        return f"TensorRT {board.tensorrt}"
    also = f" (also runs {', '.join(others)})" if others else ""
    return f"JetPack {board.jetpack}{also}, TensorRT {board.tensorrt}"


def _fitted(board: Device) -> str:
    rows = fitted_rows(board)
    if rows:
        return f"{rows} rows"
    return "stand-in" if board.like else "nothing"


def _calibrated(fitted: Calibration) -> list[tuple[str, str]]:
    software = fitted.software or "software not said"
    made = f"{fitted.mode.name}, {fitted.runtime}, {software}: {fitted.rows} rows"
    facts = [("calibrated", f"{made}. {fitted.provenance}")]
    if fitted.errors:
        errors = (f"{name} {value:.3g}" for name, value in fitted.errors.items())
        facts.append(("", ", ".join(errors)))
    return facts
