"""Each distinct layer alone in a loop: slow, clean, and right for training data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.network import Layer, Network
from edgeprofiler.core.progress import Progress, silent
from edgeprofiler.measurement.collect.choose import probe
from edgeprofiler.measurement.collect.collecting import (
    header_of,
    record,
    recording_name,
    require_free,
    require_same,
)
from edgeprofiler.measurement.collect.layers import layers_for
from edgeprofiler.measurement.collect.plan import RecordingPlan, dither_for
from edgeprofiler.measurement.recording import Recording, is_recording, load_recording
from edgeprofiler.measurement.runners.protocol import IsolatingRunner, Runner
from edgeprofiler.measurement.sensors.protocol import AnySensor

TRIAL_RUNS = 20
LOOP_S = 1.0
"""Each layer runs at least this long,"""
CONVERSIONS = 50
"""and at least for so many conversions of the sensor."""
SLOW_SENSORS = ("nvml",)
SLOW_CONVERSION_S = 0.1
"""NVML's driver renews its values every 10 to 100 ms and does not say when."""
LATER_IDLE_S = 2.0
"""Idle time around all layers but the first."""


def distinct_layers(network: Network) -> list[Layer]:
    """Return the first layer of each configuration; names, nodes and tactics do not count."""
    found: dict[Layer, Layer] = {}
    for layer in network.layers:
        key = replace(layer, name="", nodes=(), engine_type=None)
        if layer.op != "noop":
            found.setdefault(key, layer)
    return list(found.values())


def collect_isolated(
    source: str,
    runner: Runner,
    sensor: AnySensor | None,
    folder: Path,
    *,
    plan: RecordingPlan | None = None,
    network: Network | None = None,
    resume: bool = False,
    progress: Progress = silent,
    root: Path = Path("/"),
) -> tuple[list[Recording], list[str]]:
    """Record every distinct layer of a model alone; a folder for each.

    Args:
        source: the model, as `runner` takes it.
        runner: what runs it; it must be able to isolate layers.
        sensor: what measures power; `None` records run times only.
        folder: where the layers' folders go.
        plan: how much to record; more runs where a layer needs them to fill a second. Without
            `dither_s` there are no pauses between runs.
        network: the layers to run, for a runner that needs them; those of `source` on its device
            where `None`.
        resume: leave out the layers that are recorded already.
        progress: is told how far it is.
        root: root of the file system for facts of the device; another one in tests.

    Returns:
        The recordings, and a line for each layer that cannot run alone.

    Raises:
        Unsupported: the runner cannot isolate layers, or does not tell them.
    """
    plan = plan or RecordingPlan()
    if plan.dither_s is None:
        # one layer alone is all that a conversion can hold: a pause would only dilute it
        plan = replace(plan, dither_s=0.0)
    probe(runner, sensor)
    if not isinstance(runner, IsolatingRunner):
        raise Unsupported(f"the runner {runner.name} cannot run layers alone")
    runner.load(source, layers_for(source, runner) if network is None else network)
    whole = runner.network()
    if whole is None:
        runner.run(1)
        whole = runner.network()
    if whole is None:
        raise Unsupported(f"the runner {runner.name} does not tell the layers of {source}")
    layers = distinct_layers(whole)
    same = {**header_of("", source, runner, sensor, plan), "isolated": True}
    recordings: list[Recording] = []
    left_out: list[str] = []
    for index, layer in enumerate(layers):
        progress("layers", index, len(layers))
        target = folder / f"{index:04d}-{recording_name(layer.name)[:60]}"
        header = {**same, "name": layer.name}
        if not resume:
            require_free(target)
        there, target = _already_there(target, header)
        if there is not None:
            recordings.append(there)
            continue
        try:
            alone = runner.isolated(layer)
        except Unsupported as error:
            left_out.append(f"{layer.name}: {error}")
            continue
        try:
            # the first layer idles as long as asked; for the others a short look is enough
            idle_s = plan.idling_s(watched=sensor is not None)
            idle_s = min(idle_s, LATER_IDLE_S) if recordings else idle_s
            wanted = replace(plan, runs=_runs_for(alone, sensor, plan), idle_s=idle_s)
            recordings.append(record(alone, sensor, target, wanted, header, root=root))
        finally:
            alone.close()
    progress("layers", len(layers), len(layers))
    return recordings, left_out


def _runs_for(runner: Runner, sensor: AnySensor | None, plan: RecordingPlan) -> int:
    """Return how many runs last a second and fifty conversions."""
    runner.run(3)
    start_s = runner.clock.now_s()
    timeline = runner.run(TRIAL_RUNS)
    each_s = (runner.clock.now_s() - start_s) / TRIAL_RUNS
    if timeline.run_start_s is not None:
        # not what a runner does around its runs: ONNX Runtime starts a session for each block
        each_s = float(np.median(timeline.run_end_s - timeline.run_start_s))
    each_s = max(each_s, 1e-6)
    conversion_s = 0.0
    if sensor is not None:
        slow = SLOW_CONVERSION_S if sensor.name in SLOW_SENSORS else 0.0
        conversion_s = max(dither_for(replace(plan, dither_s=None), sensor.settings()), slow)
    return max(plan.runs, math.ceil(max(LOOP_S, CONVERSIONS * conversion_s) / each_s))


def _already_there(folder: Path, header: Mapping[str, Any]) -> tuple[Recording | None, Path]:
    """Return a layer's complete recording, or `None` and a folder beside those that broke off."""
    target, number = folder, 1
    while is_recording(target):
        require_same(target, header)
        there = load_recording(target)
        if there.complete:
            return there, target
        number += 1
        target = folder.with_name(f"{folder.name}.{number}")
    return None, target
