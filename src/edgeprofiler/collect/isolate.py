"""Each distinct layer alone in a loop: slow, clean, and right for training data."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

from edgeprofiler.collect.collecting import record, recording_name
from edgeprofiler.collect.plan import DEFAULT_DITHER_S, Plan, Progress, silent
from edgeprofiler.errors import Unsupported, UsageError
from edgeprofiler.network import Layer, Network
from edgeprofiler.recording import Recording, is_recording, load_recording
from edgeprofiler.runners.protocol import IsolatingRunner, Runner
from edgeprofiler.sensors.protocol import AnySensor

LOOP_S = 1.0
"""Each layer runs at least this long,"""
CONVERSIONS = 50
"""and at least for so many conversions of the sensor."""
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
    plan: Plan | None = None,
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
        plan: how much to record; more runs where a layer needs them to fill a second.
        network: the lowered network, for runners that need it.
        resume: leave out the layers that are recorded already.
        progress: is told how far it is.
        root: root of the file system for facts of the device; another one in tests.

    Returns:
        The recordings, and a line for each layer that cannot run alone.

    Raises:
        Unsupported: the runner cannot isolate layers, or does not tell them.
    """
    plan = plan or Plan()
    runner.probe()
    if sensor is not None:
        sensor.probe()
    if not isinstance(runner, IsolatingRunner):
        raise Unsupported(f"the runner {runner.name} cannot run layers alone")
    runner.load(source, network)
    whole = runner.network()
    if whole is None:
        runner.run(1)
        whole = runner.network()
    if whole is None:
        raise Unsupported(f"the runner {runner.name} does not tell the layers of {source}")
    layers = distinct_layers(whole)
    recordings: list[Recording] = []
    left_out: list[str] = []
    for index, layer in enumerate(layers):
        progress("layers", index, len(layers))
        target = folder / f"{index:04d}-{recording_name(layer.name)[:60]}"
        if is_recording(target):
            there = load_recording(target)
            if not resume:
                raise UsageError(f"{target} already holds a recording; go on with --resume")
            if there.complete:
                recordings.append(there)
                continue
            target = _next_free(target)
        try:
            alone = runner.isolated(layer)
        except Unsupported as error:
            left_out.append(f"{layer.name}: {error}")
            continue
        try:
            header = {
                "name": layer.name,
                "source": source,
                "runner": runner.name,
                "sensor": "none" if sensor is None else sensor.name,
                "isolated": True,
            }
            # the first layer idles as long as asked; for the others a short look is enough
            idle_s = min(plan.idle_s, LATER_IDLE_S) if recordings else plan.idle_s
            wanted = replace(plan, runs=_runs_for(alone, plan), idle_s=idle_s)
            recordings.append(record(alone, sensor, target, wanted, header, root=root))
        finally:
            alone.close()
    progress("layers", len(layers), len(layers))
    return recordings, left_out


def _runs_for(runner: Runner, plan: Plan) -> int:
    """Return how many runs last a second and fifty conversions."""
    runner.run(3)
    start_s = runner.clock.now_s()
    runner.run(10)
    each_s = max((runner.clock.now_s() - start_s) / 10, 1e-6)
    conversion_s = plan.dither_s or DEFAULT_DITHER_S
    return max(plan.runs, math.ceil(max(LOOP_S, CONVERSIONS * conversion_s) / each_s))


def _next_free(folder: Path) -> Path:
    """Return a folder beside one that broke off, which is kept."""
    number = 2
    while is_recording(folder.with_name(f"{folder.name}.{number}")):
        number += 1
    return folder.with_name(f"{folder.name}.{number}")
