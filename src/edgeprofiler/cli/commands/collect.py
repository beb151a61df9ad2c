"""`edgeprofiler collect`: record power and layer times of models on this device."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking
from edgeprofiler.cli.progress import shown_progress
from edgeprofiler.core.errors import EXIT_INTERRUPTED, EdgeProfilerError

if TYPE_CHECKING:
    from edgeprofiler.cli.screen import Screen
    from edgeprofiler.measurement.recording import Recording
    from edgeprofiler.measurement.sensors.protocol import AnySensor


@asking("device", "precision", "batch", "resolution", "shapes", says_device=False)
def collect(
    models: Annotated[
        list[str], common.argument("MODEL...", "ONNX files, engines, or zoo:NAME with sim.")
    ],
    asked: dict[str, Any],
    sensor: Annotated[
        str,
        common.option(
            "NAME|none|auto", "What measures power; none: times only.", shows_default=True
        ),
    ] = "auto",
    runner: Annotated[
        str, common.option("NAME|auto", "What runs the model.", shows_default=True)
    ] = "auto",
    runs: Annotated[int, common.option("N", "Runs to record.", shows_default=True, min=1)] = 1000,
    idle_s: Annotated[
        float | None,
        common.option("SECONDS", "Idling before and after. Default: 30, if watched.", "--idle"),
    ] = None,
    warmup: Annotated[int, common.option("N", "Runs before.", shows_default=True, min=0)] = 50,
    output: Annotated[
        Path, common.option("FOLDER", "Where recordings go.", "--output", "-o", shows_default=True)
    ] = Path("recordings"),
    dither_s: Annotated[
        float | None,
        common.option(
            "SECONDS", "Longest random pause between runs. Default: one sensor period.", "--dither"
        ),
    ] = None,
    period_s: Annotated[
        float | None,
        common.option("SECONDS", "Time between sensor polls. Default: 0.001.", "--period"),
    ] = None,
    isolate: Annotated[
        bool, typer.Option("--isolate", help="Each distinct layer alone in a loop.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where a recording broke off.")
    ] = False,
    seed: Annotated[int, common.option("N", "Seed of pauses and simulation.")] = 0,
    sensor_options: common.SensorOptions = None,
    runner_options: Annotated[
        list[str] | None, common.option("KEY=VALUE", "An option of the runner.", "--runner-option")
    ] = None,
    json: common.JsonOption = None,
) -> None:
    """Record power and layer times of models on this device, one folder for each model."""
    from edgeprofiler.core.plugins import parse_options
    from edgeprofiler.measurement.collect.journey import prepare

    chosen = prepare(
        *models, output=output, sensor=sensor, runner=runner,
        sensor_options=parse_options(sensor_options),
        runner_options=parse_options(runner_options),
        runs=runs, idle_s=idle_s, warmup=warmup, dither_s=dither_s, period_s=period_s,
        seed=seed, isolate=isolate, resume=resume, **asked,
    )  # fmt: skip
    if runner == "auto":
        common.note(f"runner: {chosen.runner.name} (choose another with --runner)")
    for line in _sensor_words(sensor, chosen.sensor):
        common.note(line)
    screen = common.results_console(json)
    found: list[tuple[Path, Recording]] = []
    stopped: EdgeProfilerError | typer.Exit | None = None
    try:
        # one by one: an interruption must not lose those before it
        found.extend(chosen.recordings(shown_progress))
    except KeyboardInterrupt:
        common.note(
            f"interrupted; what was recorded lies in {chosen.place} and can be read "
            "(the same command with --resume goes on)"
        )
        stopped = typer.Exit(EXIT_INTERRUPTED)
    except EdgeProfilerError as error:
        stopped = error
    try:
        if found or stopped is None:
            _report(found, chosen.left_out, screen, json)
    finally:
        if stopped is not None:
            raise stopped


def _sensor_words(asked: str, chosen: AnySensor | None) -> list[str]:
    """Say what measures power where the user left the choice, or that nothing does."""
    lost = "run times are recorded, power and energy are not"
    if asked == "none":
        return [f"sensor: none; {lost}"]
    if chosen is None:
        return [f"sensor: none works here (`edgeprofiler doctor` says why); {lost}"]
    return [f"sensor: {chosen.name} (choose another with --sensor)"] if asked == "auto" else []


def _report(
    found: list[tuple[Path, Recording]], left_out: list[str], screen: Screen, json: str | None
) -> None:
    from edgeprofiler.measurement.collect.summary import recording_table, summary

    for line in left_out:
        common.note(f"left out: {line}")
    facts = [summary(place, recording) for place, recording in found]
    screen.show(recording_table(facts))
    common.write_json(json, lambda: {"recordings": facts, "left_out": left_out})
