"""`edgeprofiler devices`: which boards are known, and what is known of each."""

from __future__ import annotations

from typing import Annotated

import typer

from edgeprofiler.cli import common
from edgeprofiler.core.errors import UsageError

app = typer.Typer(help="List the boards that are known, or show one.", invoke_without_command=True)


@app.callback()
def list_devices(context: typer.Context, json: common.JsonOption = None) -> None:
    """List the boards that are known, with their power modes and clocks."""
    if context.invoked_subcommand is not None:
        if json is not None:
            raise UsageError("`json` of the list: give it after `devices show NAME`")
        return
    from edgeprofiler.core.device import device_names, load_device
    from edgeprofiler.core.device.facts import board_facts
    from edgeprofiler.core.device.tables import boards_table, modes_table

    screen = common.results_console(json)
    boards = [load_device(name) for name in device_names()]
    common.write_json(json, lambda: [board_facts(board) for board in boards])
    screen.show(boards_table(boards), modes_table(boards))


@app.command()
def show(
    name: Annotated[str, common.argument("NAME[@MODE,CLOCKS]|FILE", "Which board.")],
    json: common.JsonOption = None,
) -> None:
    """Show a board: datasheet, power modes, rails, and what was fitted on which data."""
    from edgeprofiler.core.device import load_device
    from edgeprofiler.core.device.facts import board_facts
    from edgeprofiler.core.device.tables import board_table, mode_table

    screen = common.results_console(json)
    board = load_device(name)
    common.write_json(json, lambda: board_facts(board))
    screen.show(board_table(board), mode_table(board))
