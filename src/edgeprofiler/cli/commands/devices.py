"""`edgeprofiler devices`: which boards are known, and what is known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.core.errors import UsageError

if TYPE_CHECKING:
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
    from edgeprofiler.core.device.tables import boards_table

    screen = common.results_console(json)
    boards = [load_device(name) for name in device_names()]
    common.write_json(json, lambda: [_facts(board) for board in boards])
    screen.show(boards_table(boards))


@app.command()
def show(
    name: Annotated[str, common.argument("NAME[@MODE]|FILE", "Which board.")],
    json: common.JsonOption = None,
) -> None:
    """Show a board: datasheet, power modes, rails, and what was fitted on which data."""
    from edgeprofiler.core.device import load_device
    from edgeprofiler.core.device.tables import board_table, mode_table

    screen = common.results_console(json)
    board = load_device(name)
    common.write_json(json, lambda: _facts(board))
    screen.show(board_table(board), mode_table(board))


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
