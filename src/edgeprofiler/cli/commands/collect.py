"""`edgeprofiler collect`: record power and layer times of models on this device."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.core.errors import EXIT_INTERRUPTED, EdgeProfilerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edgeprofiler.core.network import Network
    from edgeprofiler.measurement.collect import Progress
    from edgeprofiler.measurement.recording import PowerTrace, Recording
    from edgeprofiler.measurement.runners.protocol import Runner
    from edgeprofiler.measurement.sensors.protocol import AnySensor


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def collect(
        models: Annotated[
            list[str],
            typer.Argument(metavar="MODEL...", help="ONNX files, engines, or zoo:NAME with sim."),
        ],
        sensor: Annotated[
            str,
            typer.Option(
                "--sensor", metavar="NAME|none|auto", help="What measures power; none: times only."
            ),
        ] = "auto",
        runner: Annotated[
            str, typer.Option("--runner", metavar="NAME|auto", help="What runs the model.")
        ] = "auto",
        runs: Annotated[int, typer.Option("--runs", min=1, help="Runs to record.")] = 1000,
        idle: Annotated[
            float, typer.Option("--idle", help="Seconds of idling before and after.")
        ] = 30.0,
        warmup: Annotated[int, typer.Option("--warmup", min=0, help="Runs before.")] = 50,
        output: Annotated[
            Path, typer.Option("--output", "-o", metavar="FOLDER", help="Where recordings go.")
        ] = Path("recordings"),
        dither: Annotated[
            float | None,
            typer.Option(
                "--dither", metavar="SECONDS", show_default=False,
                help="Longest random pause between runs. Default: one sensor period.",
            ),
        ] = None,
        period: Annotated[
            float | None,
            typer.Option(
                "--period", metavar="SECONDS", show_default=False,
                help="Time between sensor polls. Default: 0.001.",
            ),
        ] = None,
        isolate: Annotated[
            bool, typer.Option("--isolate", help="Each distinct layer alone in a loop.")
        ] = False,
        resume: Annotated[
            bool, typer.Option("--resume", help="Go on where a recording broke off.")
        ] = False,
        seed: Annotated[int, typer.Option("--seed", help="Seed of pauses and simulation.")] = 0,
        device: Annotated[
            str | None,
            typer.Option(
                "--device", "-d", metavar="NAME", show_default=False,
                help="Board that the runner simulates.",
            ),
        ] = None,
        precision: common.PrecisionOption = None,
        batch: common.BatchOption = None,
        sensor_option: common.SensorOptions = None,
        runner_option: Annotated[
            list[str] | None,
            typer.Option(
                "--runner-option", metavar="KEY=VALUE", help="An option of the runner.",
                show_default=False,
            ),
        ] = None,
        json: common.JsonOption = None,
    ) -> None:  # fmt: skip
        """Record power and layer times of models on this device, one folder for each model."""
        from edgeprofiler.cli.targets import check_folder, check_target
        from edgeprofiler.measurement.collect import Plan, collect_isolated, recording_name
        from edgeprofiler.measurement.collect import collect as collect_one
        from edgeprofiler.measurement.collect.collecting import header_of, require_same
        from edgeprofiler.measurement.recording import is_recording

        every_s = Plan.period_s if period is None else period
        plan = Plan(runs, idle, warmup, dither, seed, every_s)
        names = [recording_name(model) for model in models]
        if len(set(names)) < len(names):
            raise UsageError("two of the models have one name; call once for each, with its own -o")
        offered = {"device": device, "precision": precision, "batch": batch, "seed": seed}
        chosen_runner = _runner(runner, runner_option, offered)
        chosen_sensor = _sensor(sensor, sensor_option, offered)
        _refuse_unused(offered, chosen_runner, chosen_sensor)
        if period is not None and sensor != "auto":
            _require_polled(chosen_sensor)
        # before the first model: what is wrong with the last must not wait for the others
        folders = [output / (f"{name}.layers" if isolate else name) for name in names]
        if not resume:
            _refuse_recorded(folders, isolate=isolate)
        elif not isolate:
            for model, name, folder in zip(models, names, folders, strict=True):
                if is_recording(folder):
                    now = header_of(name, model, chosen_runner, chosen_sensor, plan)
                    require_same(folder, now)
        networks = [_layers(model, chosen_runner) for model in models]
        for folder in folders:
            check_folder(folder)
        check_target(json)
        found: list[tuple[Path, Recording]] = []
        left_out: list[str] = []
        stopped: EdgeProfilerError | typer.Exit | None = None
        try:
            for model, name, folder, network in zip(models, names, folders, networks, strict=True):
                with _bars(name) as progress:
                    if isolate:
                        recordings, missing = collect_isolated(
                            model, chosen_runner, chosen_sensor, folder, plan=plan,
                            network=network, resume=resume, progress=progress,
                        )  # fmt: skip
                        found += [(folder, recording) for recording in recordings]
                        left_out += missing
                    else:
                        recording = collect_one(
                            model, chosen_runner, chosen_sensor, folder, plan=plan,
                            network=network, resume=resume, progress=progress,
                        )  # fmt: skip
                        found.append((folder, recording))
                chosen_runner.close()
        except KeyboardInterrupt:
            common.note(
                f"interrupted; what was recorded lies in {folder} and can be read "
                "(the same command with --resume goes on)"
            )
            stopped = typer.Exit(EXIT_INTERRUPTED)
        except EdgeProfilerError as error:
            stopped = error
        finally:
            chosen_runner.close()
        try:
            if found or stopped is None:
                _report(found, left_out, json)
        finally:
            if stopped is not None:
                raise stopped


def _refuse_recorded(folders: list[Path], *, isolate: bool) -> None:
    from edgeprofiler.measurement.collect.collecting import require_free

    for folder in folders:
        for place in sorted(folder.glob("*")) if isolate else [folder]:
            require_free(place)


def _layers(model: str, runner: Runner) -> Network | None:
    """Return the layers that a runner is to be given, if any; look only whether a model is there.

    Raises:
        InvalidInput: there is no such file, or no such network in the zoo.
    """
    from edgeprofiler.core.files import check_readable
    from edgeprofiler.measurement.collect.layers import layers_for
    from edgeprofiler.reading.read import read_model

    network = layers_for(model, runner)
    if network is None and model.startswith("zoo:"):
        read_model(model)
    elif network is None and ":" not in model and not Path(model).is_dir():
        check_readable(Path(model), sys.maxsize)
    return network


def _require_polled(sensor: AnySensor | None) -> None:
    """Raise `UsageError` where a time between polls was given, and nothing is polled."""
    from edgeprofiler.measurement.sensors.protocol import TraceSensor

    if sensor is None:
        raise UsageError("--period means nothing without a sensor")
    if isinstance(sensor, TraceSensor):
        raise UsageError(
            f"--period means nothing to the sensor {sensor.name}, whose trace has its own times"
        )


def _report(found: list[tuple[Path, Recording]], left_out: list[str], json: str | None) -> None:
    for line in left_out:
        common.note(f"left out: {line}")
    _print(found, to_stderr=json == "-")
    if json is not None:
        from edgeprofiler.core.files import dump_json

        rows = [_summary(place, recording) for place, recording in found]
        common.emit_json(dump_json({"recordings": rows, "left_out": left_out}), json)


def _runner(name: str, texts: list[str] | None, offered: dict[str, Any]) -> Any:
    from edgeprofiler.measurement.collect.choose import auto_runner, parse_options, runner_named

    if name != "auto":
        return runner_named(name, parse_options(texts), offered)
    if texts:
        raise UsageError("--runner-option needs --runner NAME")
    chosen = auto_runner(offered)
    common.note(f"runner: {chosen.name} (choose another with --runner)")
    return chosen


def _sensor(name: str, texts: list[str] | None, offered: dict[str, Any]) -> Any:
    from edgeprofiler.measurement.collect.choose import auto_sensor, parse_options, sensor_named

    if name not in ("auto", "none"):
        return sensor_named(name, parse_options(texts), offered)
    if texts:
        raise UsageError("--sensor-option needs --sensor NAME")
    if name == "none":
        common.note("sensor: none; run times are recorded, power and energy are not")
        return None
    chosen, _ = auto_sensor()
    if chosen is None:
        common.note(
            "sensor: none works here (`edgeprofiler doctor` says why); run times are recorded, "
            "power and energy are not"
        )
    else:
        common.note(f"sensor: {chosen.name} (choose another with --sensor)")
    return chosen


def _refuse_unused(offered: dict[str, Any], runner: Any, sensor: Any) -> None:
    from edgeprofiler.measurement.collect.choose import unused

    made = [runner] if sensor is None else [runner, sensor]
    for key in unused({k: v for k, v in offered.items() if k != "seed"}, made):
        raise UsageError(f"--{key} means nothing to the runner {runner.name}")


@contextmanager
def _bars(name: str) -> Iterator[Progress]:
    """Draw a bar for each stage on standard error, with the time left."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}"),
        TimeRemainingColumn(),
        console=common.console(to_stderr=True),
    )
    tasks: dict[str, Any] = {}

    def tell(stage: str, done: float, total: float) -> None:
        if stage not in tasks:
            tasks[stage] = bars.add_task(f"{name}: {stage}", total=total)
        bars.update(tasks[stage], completed=done, total=total)

    with bars:
        yield tell


def _mean_w(trace: PowerTrace | None) -> float | None:
    import numpy as np

    if trace is None or not len(trace) or not np.isfinite(trace.total_w).any():
        return None
    return float(np.nanmean(trace.total_w))


def _summary(folder: Path, recording: Recording) -> dict[str, Any]:
    import math

    import numpy as np

    timeline, sampler = recording.timeline, recording.sampler
    starts = timeline.run_start_s
    latency = None
    if starts is not None and timeline.runs:
        latency = float(np.median(timeline.run_end_s - starts))

    def known(value: float) -> float | None:
        return value if math.isfinite(value) else None

    return {
        "name": recording.name,
        "folder": str(folder),
        "complete": recording.complete,
        "simulated": recording.simulated,
        "runs": timeline.runs,
        "layers": len(timeline.layer_names),
        "latency_s": latency,
        "polls": len(recording.trace),
        "ticks": sampler.ticks,
        "missed_ticks": sampler.missed_ticks,
        "sampler_cpu_share": known(sampler.cpu_share),
        "sampler_latency_change": known(sampler.latency_change),
        "idle_before_w": _mean_w(recording.idle_before),
        "power_w": _mean_w(recording.trace),
        "idle_after_w": _mean_w(recording.idle_after),
        "warnings": list(recording.warnings),
    }


def _print(found: list[tuple[Path, Recording]], *, to_stderr: bool) -> None:
    from rich.table import Table

    from edgeprofiler.core.units import engineering

    console = common.console(to_stderr=to_stderr, markup=False)
    table = Table(title="Recordings")
    for column in ("recording", "runs", "layers", "latency", "polls", "missed", "idle", "power"):
        table.add_column(column, justify="left" if column == "recording" else "right")
    for folder, recording in found:
        facts = _summary(folder, recording)
        ticks = facts["ticks"]
        table.add_row(
            recording.name + (" (simulated)" if recording.simulated else ""),
            f"{facts['runs']:,}",
            str(facts["layers"]),
            engineering(facts["latency_s"], "s"),
            f"{facts['polls']:,}",
            f"{facts['missed_ticks'] / ticks:.2%}" if ticks else "-",
            engineering(facts["idle_before_w"], "W"),
            engineering(facts["power_w"], "W"),
        )
    console.print(table)
    for folder in dict.fromkeys(folder for folder, _ in found):
        console.print(f"wrote {folder}", soft_wrap=True, markup=False)
    for _, recording in found:
        for warning in recording.warnings:
            text = f"warning: {recording.name}: {warning}"
            console.print(text, soft_wrap=True, markup=False)
