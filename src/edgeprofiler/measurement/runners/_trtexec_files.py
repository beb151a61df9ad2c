"""The files that trtexec writes: `--exportProfile` and `--exportTimes`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.core.values import Value, read_json
from edgeprofiler.measurement.recording import Timeline


@dataclass(frozen=True)
class LayerAverages:
    """What `--exportProfile` says: times of all runs together, by layer, in execution order."""

    count: int
    """Number of profiled runs."""
    names: tuple[str, ...]
    average_s: FloatArray


@dataclass(frozen=True)
class ExportedTimes:
    """What `--exportTimes` says of each run, in seconds since trtexec began to run."""

    start_s: FloatArray
    """Start of the GPU's computing; shape (runs,)."""
    end_s: FloatArray
    compute_s: FloatArray
    """GPU time between the two."""
    latency_s: FloatArray
    """Computing and the copies of inputs and outputs."""

    def last(self, count: int) -> ExportedTimes:
        """Return the last `count` runs; releases before 8.6 export the warm-up too."""
        return ExportedTimes(
            self.start_s[-count:],
            self.end_s[-count:],
            self.compute_s[-count:],
            self.latency_s[-count:],
        )


def read_layer_times(path: Path) -> LayerAverages:
    """Read what `--exportProfile` wrote.

    Raises:
        InvalidInput: the file is none, or a time is no number.
    """
    rows = read_json(path).items()
    layers = [row for row in rows if "name" in row]
    if not layers:
        raise InvalidInput(path, "names no layer", "expected trtexec --exportProfile")
    count = 1 if "name" in rows[0] else rows[0]["count"].default(1).integer(1)
    average = np.array([_milliseconds(row, "averageMs", "timeMs") for row in layers])
    if not all("averageMs" in row for row in layers):
        average = average / count
    names = tuple(row["name"].text() for row in layers)
    return LayerAverages(count, names, average * 1e-3)


def read_run_times(path: Path) -> ExportedTimes:
    """Read what `--exportTimes` wrote.

    Raises:
        InvalidInput: the file is none, or a time is no number.
    """
    rows = read_json(path).items()
    if not rows:
        raise InvalidInput(path, "lists no runs", "expected trtexec --exportTimes")
    keys = ("startComputeMs", "endComputeMs", "computeMs", "latencyMs")
    columns = np.array([[_milliseconds(row, key) for key in keys] for row in rows]).T * 1e-3
    start, end, compute, latency = columns
    if np.isnan(columns[:2]).any():
        raise InvalidInput(path, "a run has no startComputeMs or endComputeMs")
    order = np.argsort(end, kind="stable")
    compute = np.where(np.isnan(compute), end - start, compute)
    return ExportedTimes(
        start[order],
        end[order],
        compute[order],
        np.where(np.isnan(latency), compute, latency)[order],
    )


def timeline_of(layers: LayerAverages, runs: ExportedTimes, begin_s: float) -> Timeline:
    """Return runs with the average duration of each layer in every run.

    trtexec keeps no duration of a single run, so all runs are alike, which is said by
    `stamp_kind="none"`. `begin_s` is the moment of the timeline's clock at which it began to run.
    """
    durations = np.broadcast_to(layers.average_s, (len(runs.end_s), len(layers.names)))
    return Timeline(
        layer_names=layers.names,
        duration_s=durations,
        run_end_s=begin_s + runs.end_s,
        run_start_s=begin_s + runs.start_s,
    )


def _milliseconds(row: Value, *keys: str) -> float:
    """Return the first of several times that a row has; NaN where it has none."""
    return next((row[key].number(0) for key in keys if not row[key].null), math.nan)


def profile_of(network: Network, layers: LayerAverages, runs: ExportedTimes | None) -> Profile:
    """Return a measured profile with the times that trtexec tells; power stays unknown.

    GPU time outside all layers is `fixed`, and what lies between two runs is the host's gap,
    where `runs` tells of them.
    """
    times = layers.average_s
    covered = np.isfinite(times)
    fixed_s = gap_s = 0.0
    warnings = [f"trtexec, {layers.count} profiled runs: runtimes only, no power was measured"]
    if runs is not None:
        compute_s = float(np.mean(runs.compute_s))
        fixed_s = compute_s - float(np.nansum(times))
        if fixed_s < 0:
            warnings.append(
                f"the layers' sum is {-fixed_s / compute_s:.1%} above the unprofiled GPU time"
            )
            fixed_s = 0.0
        if len(runs.end_s) > 1:
            gap_s = max(float(np.mean(np.diff(runs.end_s))) - compute_s, 0.0)
    return Profile(
        network=network,
        device=DeviceLabel("unknown", "", "trtexec", "trtexec's files"),
        origin=Origin("measured", "trtexec", ""),
        idle_power_w=math.nan,
        costs=Costs(
            runtime_s=read_only(times),
            power_w=read_only(np.full(len(times), np.nan)),
            covered=read_only(covered),
            bound=("",) * len(times),
            known_by=tuple("samples" if known else "" for known in covered),
        ),
        fixed=Part(fixed_s, math.nan),
        host_gap=Part(gap_s, math.nan),
        warnings=(*network.warnings, *warnings),
    )
