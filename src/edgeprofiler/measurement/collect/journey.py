"""From names of models, a sensor and a runner to recordings: one folder for each model."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.files import check_readable
from edgeprofiler.core.network import Network, Shape
from edgeprofiler.core.progress import Progress, silent
from edgeprofiler.core.targets import check_folder
from edgeprofiler.measurement.collect import choose
from edgeprofiler.measurement.collect.collecting import (
    header_of,
    record_model,
    recording_name,
    require_free,
    require_same,
)
from edgeprofiler.measurement.collect.isolate import collect_isolated
from edgeprofiler.measurement.collect.layers import layers_for
from edgeprofiler.measurement.collect.plan import RecordingPlan
from edgeprofiler.measurement.recording import Recording, is_recording
from edgeprofiler.measurement.runners.protocol import Runner
from edgeprofiler.measurement.sensors.protocol import AnySensor, TraceSensor
from edgeprofiler.reading.read import input_shapes, read_model

Bars = Callable[[str], AbstractContextManager[Progress]]
"""Shows how far the recording of a name is, while its block lasts."""


@dataclass(frozen=True)
class Job:
    """One model to record."""

    model: str
    name: str
    folder: Path
    network: Network | None
    """The layers that the runner is to be given, if any."""


@dataclass
class Collection:
    """What is to be recorded; all of it was looked at before the first model runs."""

    runner: Runner
    sensor: AnySensor | None
    plan: RecordingPlan
    jobs: tuple[Job, ...]
    isolate: bool = False
    resume: bool = False
    left_out: list[str] = field(default_factory=list)
    """A line for each layer that cannot run alone."""
    place: Path | None = None
    """The folder that is being written."""

    def recordings(
        self, bars: Bars = lambda _name: nullcontext(silent)
    ) -> Iterator[tuple[Path, Recording]]:
        """Record model by model; yield each recording and its folder when it is done.

        Raises:
            Unavailable: sensor or runner cannot run, or were lost; what was recorded is kept.
            CannotWrite: the disk is full or not writable; what was recorded is kept.
            KeyboardInterrupt: the user stopped it; what was recorded is kept.
        """
        try:
            for job in self.jobs:
                self.place = job.folder
                with bars(job.name) as progress:
                    found = self._record(job, progress)
                self.runner.close()
                for recording in found:
                    yield job.folder, recording
        finally:
            self.runner.close()

    def _record(self, job: Job, progress: Progress) -> list[Recording]:
        how: dict[str, Any] = {
            "plan": self.plan, "network": job.network, "resume": self.resume, "progress": progress,
        }  # fmt: skip
        if not self.isolate:
            return [record_model(job.model, self.runner, self.sensor, job.folder, **how)]
        found, missing = collect_isolated(job.model, self.runner, self.sensor, job.folder, **how)
        self.left_out += missing
        return found


def collect(
    *models: str | Path,
    output: str | Path = "recordings",
    sensor: str | AnySensor = "auto",
    runner: str | Runner = "auto",
    bars: Bars = lambda _name: nullcontext(silent),
    **options: Any,
) -> list[Recording]:
    """Record power and layer times of models on this device, and return the recordings.

    Args:
        models: ONNX files or engines, as the runner takes them; zoo:NAME where it simulates.
        output: folder of the recordings; each has a folder in it.
        sensor: what measures power: a sensor or its name, `auto`, or `none` for times alone.
        runner: what runs the models: a runner or its name, or `auto`.
        bars: shows how far each recording is.
        options: as of `prepare`.

    Raises:
        UsageError: something makes no sense together, or lies in `output` already.
        Unavailable: sensor or runner cannot run, or were lost; what was recorded is kept.

    >>> import edgeprofiler
    >>> (recording,) = edgeprofiler.collect("zoo:alexnet", sensor="sim", runner="sim", runs=50)
    >>> recording.timeline.runs, recording.simulated
    (50, True)
    """
    chosen = prepare(*models, output=output, sensor=sensor, runner=runner, **options)
    return [recording for _, recording in chosen.recordings(bars)]


def prepare(
    *models: str | Path,
    output: str | Path = "recordings",
    sensor: str | AnySensor = "auto",
    runner: str | Runner = "auto",
    sensor_options: Mapping[str, Any] | None = None,
    runner_options: Mapping[str, Any] | None = None,
    runs: int = RecordingPlan.runs,
    idle_s: float | None = None,
    warmup: int = RecordingPlan.warmup,
    dither_s: float | None = None,
    period_s: float | None = None,
    seed: int = RecordingPlan.seed,
    isolate: bool = False,
    resume: bool = False,
    device: str | None = None,
    precision: str | None = None,
    batch: int | None = None,
    resolution: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
) -> Collection:
    """Return a collection, ready to be recorded. What is wrong with the last model is said now.

    Args:
        models: as of `collect`.
        output: as of `collect`.
        sensor: as of `collect`.
        runner: as of `collect`.
        sensor_options: options of the sensor that is named.
        runner_options: options of the runner that is named.
        runs: runs to record.
        idle_s: seconds of idling before and after; where `None`, 30 if a sensor watches.
        warmup: runs before.
        dither_s: longest random pause between runs; one sensor period where `None`.
        period_s: time between polls of the sensor; 1 ms where `None`.
        seed: of pauses and of a simulation.
        isolate: each distinct layer alone in a loop.
        resume: go on where a recording broke off.
        device: board that the runner simulates.
        precision: what the runner builds for.
        batch: images at once.
        resolution: height and width of image inputs.
        shapes: input shapes by name.
    """
    polled_s = RecordingPlan.period_s if period_s is None else period_s
    plan = RecordingPlan(runs, idle_s, warmup, dither_s, seed, polled_s)
    sources = [str(model) for model in models]
    names = [recording_name(source) for source in sources]
    if len(set(names)) < len(names):
        raise UsageError(
            "two of the models have one name; call once for each, with its own `output`"
        )
    if resolution is not None:
        shapes = _shapes(sources, resolution, batch, shapes)
    offered = {
        "device": device, "precision": precision, "batch": batch, "shapes": shapes, "seed": seed,
    }  # fmt: skip
    runs_it = _runner(runner, runner_options, offered)
    measures = _sensor(sensor, sensor_options, offered)
    made = [runs_it] if measures is None else [runs_it, measures]
    for key in choose.unused({k: v for k, v in offered.items() if k != "seed"}, made):
        raise UsageError(f"`{key}` means nothing to the runner {runs_it.name}")
    if period_s is not None and sensor != "auto":
        _require_polled(measures)
    folders = [Path(output) / (f"{name}.layers" if isolate else name) for name in names]
    for source, name, folder in zip(sources, names, folders, strict=True):
        if not resume:
            for place in sorted(folder.glob("*")) if isolate else [folder]:
                require_free(place)
        elif not isolate and is_recording(folder):
            require_same(folder, header_of(name, source, runs_it, measures, plan))
    jobs = [
        Job(source, name, folder, _layers(source, runs_it))
        for source, name, folder in zip(sources, names, folders, strict=True)
    ]
    for folder in folders:
        check_folder(folder)
    return Collection(runs_it, measures, plan, tuple(jobs), isolate, resume)


def _shapes(
    sources: Sequence[str], resolution: int, batch: int | None, shapes: Mapping[str, Shape] | None
) -> Mapping[str, Shape]:
    if shapes:
        raise UsageError("give `resolution` or `shapes`, not both")
    found = [input_shapes(source, resolution, batch=batch) for source in sources]
    if any(other != found[0] for other in found):
        raise UsageError("`resolution` gives these models different inputs; call once for each")
    return found[0]


def _layers(model: str, runner: Runner) -> Network | None:
    """Return the layers that a runner is to be given, if any; look only whether a model is there.

    Raises:
        InvalidInput: there is no such file, or no such network in the zoo.
    """
    network = layers_for(model, runner)
    if network is None and model.startswith("zoo:"):
        read_model(model)
    elif network is None and ":" not in model and not Path(model).is_dir():
        check_readable(Path(model), sys.maxsize)
    return network


def _runner(
    runner: str | Runner, options: Mapping[str, Any] | None, offered: Mapping[str, Any]
) -> Runner:
    if isinstance(runner, str) and runner != "auto":
        return choose.runner_named(runner, options or {}, offered)
    if options:
        raise UsageError("`runner_options` needs `runner`, by its name")
    return choose.auto_runner(offered) if isinstance(runner, str) else runner


def _sensor(
    sensor: str | AnySensor, options: Mapping[str, Any] | None, offered: Mapping[str, Any]
) -> AnySensor | None:
    if isinstance(sensor, str) and sensor not in ("auto", "none"):
        return choose.sensor_named(sensor, options or {}, offered)
    if options:
        raise UsageError("`sensor_options` needs `sensor`, by its name")
    if not isinstance(sensor, str):
        return sensor
    return None if sensor == "none" else choose.auto_sensor()[0]


def _require_polled(sensor: AnySensor | None) -> None:
    """Raise `UsageError` where a time between polls was given, and nothing is polled."""
    if sensor is None:
        raise UsageError("`period_s` means nothing without a sensor")
    if isinstance(sensor, TraceSensor):
        raise UsageError(
            f"`period_s` means nothing to the sensor {sensor.name}, whose trace has its own times"
        )
