"""`edgeprofiler devices`: which boards are known, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.core.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.device import Device


app = typer.Typer(help="List the boards that are known, or show one.", invoke_without_command=True)


@app.callback()
def list_devices(context: typer.Context, json: common.JsonOption = None) -> None:
    """List the boards that are known, with their power modes."""
    if context.invoked_subcommand is not None:
        if json is not None:
            raise UsageError("`json` of the list: give it after `devices show NAME`")
        return
    from edgeprofiler.core.device import device_names, load_device

    screen = common.results_console(json)
    boards = [load_device(name) for name in device_names()]
    common.write_json(json, lambda: [_facts(board) for board in boards])
    _print_list(screen, boards)


@app.command()
def show(
    name: Annotated[str, common.argument("NAME[@MODE]|FILE", "Which board.")],
    json: common.JsonOption = None,
) -> None:
    """Show a board: datasheet, power modes, rails, and what was fitted on which data."""
    from edgeprofiler.core.device import load_device

    screen = common.results_console(json, markup=False)
    board = load_device(name)
    common.write_json(json, lambda: _facts(board))
    _print_one(screen, board)


def _facts(board: Device) -> dict[str, Any]:
    import math

    from edgeprofiler.core.device import calibration_table

    sheet = board.datasheet
    return {
        "name": board.name,
        "description": board.description,
        "default_mode": board.default_mode,
        "mode": board.mode.name,
        "gpu": sheet.gpu,
        "sms": sheet.sms,
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
            {
                "name": mode.name,
                "gpu_clock_hz": mode.gpu_clock_hz,
                "bandwidth_bytes_per_s": mode.bandwidth_bytes_per_s,
                "sms": mode.sms,
                "power_budget_w": None if math.isnan(mode.power_budget_w) else mode.power_budget_w,
                "idle_power_w": mode.idle_power_w,
                "note": mode.note,
            }
            for mode in board.modes
        ],
        "calibrations": [calibration_table(c) for c in board.calibrations],
        "sources": list(sheet.sources),
    }


def _print_list(screen: Console, boards: list[Device]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "modes, default first", "TFLOP/s", "GB/s", "fitted on"):
        table.add_column(
            heading,
            justify="right" if "/s" in heading else "left",
            overflow="fold",
            no_wrap=not heading.startswith("modes"),
        )
    for board in boards:
        modes = sorted(board.modes, key=lambda mode: mode.name != board.default_mode)
        rows = sum(fitted.rows for fitted in board.calibrations)
        table.add_row(
            board.name,
            " ".join(mode.name for mode in modes),
            f"{board.peak_flops('fp16') / 1e12:.3g}",
            f"{board.bandwidth_bytes_per_s / 1e9:.4g}",
            f"{rows} rows" if rows else "data sheet",
        )
    screen.print(table)
    screen.print("TFLOP/s: dense fp16 in the default mode.", style="dim")


def _print_one(screen: Console, board: Device) -> None:
    import math

    from rich.table import Table

    sheet = board.datasheet
    screen.print(f"{board.name}  {board.description}", style="bold")
    screen.print(f"GPU         {sheet.gpu}, {sheet.sms} SMs")
    screen.print(
        f"            compute capability {sheet.compute_capability:g}, "
        f"L2 {sheet.l2_bytes / 2**20:.3g} MiB"
    )
    screen.print(
        f"mode        {board.mode.name}: "
        + ", ".join(f"{t} {board.peak_flops(t) / 1e12:.3g} TFLOP/s" for t in sheet.peak_flops)
        + f", {board.bandwidth_bytes_per_s / 1e9:.4g} GB/s"
    )
    screen.print(f"rails       {' + '.join(board.total_rails) or 'not stated'} (board input)")
    screen.print(f"idle power  {board.idle_power_w:g} W ({board.idle_power_source})")
    table = Table(box=None, pad_edge=False)
    for heading in ("mode", "GPU MHz", "GB/s", "SMs", "budget W", "idle W", "note"):
        table.add_column(heading, justify="left" if heading in ("mode", "note") else "right")
    for mode in board.modes:
        budget = "-" if math.isnan(mode.power_budget_w) else f"{mode.power_budget_w:g}"
        mark = " *" if mode.name == board.mode.name else ""
        table.add_row(
            mode.name + mark,
            f"{mode.gpu_clock_hz / 1e6:.0f}",
            f"{mode.bandwidth_bytes_per_s / 1e9:.4g}",
            str(mode.sms),
            budget,
            f"{mode.idle_power_w:g}",
            mode.note,
        )
    screen.print(table)
    for fitted in board.calibrations:
        screen.print(
            f"calibrated  {fitted.mode}, {fitted.runtime}, {fitted.software or 'software not said'}"
            f": {fitted.rows} rows. {fitted.provenance}"
        )
        if fitted.errors:
            errors = ", ".join(f"{name} {value:.3g}" for name, value in fitted.errors.items())
            screen.print(f"            {errors}")
    for origin in sheet.sources:
        screen.print(f"source      {origin}", style="dim")
