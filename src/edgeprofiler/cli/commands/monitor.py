"""`edgeprofiler monitor`: energy and power of any program."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.core.errors import UsageError

SETTINGS = {"ignore_unknown_options": True}
"""What follows is another program's."""


def monitor(
    command: Annotated[
        list[str] | None,
        common.argument("-- COMMAND...", "The program and its arguments."),
    ] = None,
    watching: Annotated[
        bool, typer.Option("--watch", help="Show what the board draws now, until Ctrl-C.")
    ] = False,
    sensor: Annotated[
        str,
        common.option("NAME|auto", "What measures power; sim needs no device.", shows_default=True),
    ] = "auto",
    sensor_options: common.SensorOptions = None,
    period_s: Annotated[
        float,
        common.option(
            "SECONDS", "Time between sensor polls.", "--period", shows_default=True
        ),
    ] = 1e-3,
    json: common.JsonOption = None,
) -> None:  # fmt: skip
    """Run a program and tell its energy, mean and peak power; exits with its exit code.

    Ctrl-C, SIGTERM and SIGHUP go to the program; what it drew until its end is told.

    Energy is that of the sensor's rails from start to end: the whole machine's, not the
    program's share of it. A program too short to measure keeps its exit code too; if the
    sensor is lost, this ends with 4 and the message tells the program's.
    """
    import signal

    from edgeprofiler.core.interrupts import ENDING
    from edgeprofiler.core.plugins import parse_options
    from edgeprofiler.core.targets import check_target
    from edgeprofiler.core.units import engineering
    from edgeprofiler.measurement.monitor import run_program
    from edgeprofiler.measurement.monitor.program import shell_code

    if not 1e-4 <= period_s <= 10:
        raise UsageError(f"`period_s` {period_s} must lie between 0.0001 and 10 seconds")
    options = parse_options(sensor_options)
    if sensor == "auto" and options:
        raise UsageError("`sensor_options` needs `sensor`, by its name")
    if watching == bool(command):
        raise UsageError("give a program behind `--`, or `--watch` without one")
    check_target(json)
    if watching or command is None:
        _watch(None if sensor == "auto" else sensor, options, period_s, json)
        return
    code, found = run_program(
        command,
        None if sensor == "auto" else sensor,
        options=options,
        period_s=period_s,
        # JSON must stand alone on standard output
        stdout=2 if json == "-" else None,
        pass_on=(signal.SIGINT, *ENDING),
    )
    common.note(
        f"{' + '.join(found.rails)} ({found.sensor}) for "
        f"{engineering(found.duration_s, 's')}: "
        f"energy {engineering(found.energy_j, 'J')}, mean {engineering(found.mean_w, 'W')}, "
        f"peak {engineering(found.peak_w, 'W')}"
    )
    common.note(
        f"{found.polls:,} polls, {found.distinct_values:,} distinct values, "
        f"{found.missed_ticks:,} missed ticks, sampler {found.sampler_cpu_share:.1%} of a core"
    )
    common.warn(found.warnings)
    if code and json is not None:
        # told here too: where writing fails, the command ends with another code
        common.note(f"the program has ended with exit code {shell_code(code)}")
    common.write_json(json, lambda: {"command": command, "exit_code": code, **found.to_json()})
    raise typer.Exit(shell_code(code))


def _watch(sensor: str | None, options: dict[str, Any], period_s: float, json: str | None) -> None:
    """Say each second what is drawn, and at the end what it was in all."""
    from edgeprofiler.core.units import engineering, known
    from edgeprofiler.measurement.monitor import Look, watch

    last: Look | None = None
    try:
        for look in watch(sensor, options=options, period_s=max(period_s, 1e-2)):
            last = look
            rails = ", ".join(f"{k} {engineering(v, 'W')}" for k, v in look.rails_w.items())
            common.note(
                f"{look.time_s:6.0f} s  {engineering(look.total_w, 'W')}, "
                f"peak {engineering(look.peak_w, 'W')}; {rails}"
            )
            common.warn(look.warnings)
    except KeyboardInterrupt:
        pass  # the way in which it ends
    if last is None:
        return
    mean_w = last.energy_j / last.time_s
    common.note(
        f"{engineering(last.time_s, 's')}: energy {engineering(last.energy_j, 'J')}, "
        f"mean {engineering(mean_w, 'W')}"
    )
    document = {
        "duration_s": last.time_s, "energy_j": last.energy_j, "mean_w": known(mean_w),
        "rails_w": {name: known(value) for name, value in last.rails_w.items()},
    }  # fmt: skip
    common.write_json(json, lambda: document)
