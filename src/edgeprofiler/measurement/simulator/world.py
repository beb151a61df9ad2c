"""What truly happens: runs, layers, gaps and pauses as steps of power over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.simulator.device import TrueCosts
from edgeprofiler.measurement.simulator.model import Structure

CHUNK_RUNS = 2000
"""Runs whose steps are in memory at once."""

LEAD_S = 0.02
"""Quiet time before the first run and after the last."""


@dataclass(frozen=True, eq=False)
class World:
    """All runs of one simulated session. Arrays over runs have shape (runs,)."""

    costs: TrueCosts
    structure: Structure
    duration_s: FloatArray
    """Shape (runs, layers)."""
    gap_s: FloatArray
    """Gap after each layer that launches a kernel; shape (runs,)."""
    start_s: FloatArray
    """When the host called; the first layer starts `launch_s` later."""
    end_s: FloatArray
    """When the host was told that the run is complete."""
    scale: FloatArray
    """Factor on power above idle, from the clock's wander."""
    drift_w: FloatArray
    """Leakage above idle at each run."""
    factor: FloatArray
    """Factor on all power of each run, and of the pause behind it."""
    tail_s: float = LEAD_S
    """Time after the last run that still belongs to the session."""

    @property
    def gap_power_w(self) -> float:
        """Power above idle in the gaps."""
        total = float(self.costs.runtime_s.sum())
        if total == 0:
            return 0.0
        mean = float((self.costs.above_idle_w * self.costs.runtime_s).sum()) / total
        return self.structure.gap_power_share * mean

    def steps(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Yield chunks of power steps: boundaries of shape (n + 1,), powers of shape (n,).

        Chunks follow each other without holes, from 0 to `tail_s` after the last run.
        """
        costs, structure = self.costs, self.structure
        layers = self.duration_s.shape[1]
        phases = 1 if structure.within_layer == 0 else costs.phase_share.shape[1]
        share = np.ones((layers, 1)) if phases == 1 else costs.phase_share
        factor = 1 + structure.within_layer * ((costs.phase_factor if phases > 1 else 1.0) - 1)
        level = (costs.above_idle_w[:, None] * factor).reshape(layers, phases)
        per_run = np.concatenate(
            [
                [structure.between_power_w],
                np.column_stack([level, np.full(layers, self.gap_power_w)]).ravel(),
                [structure.between_power_w, structure.between_power_w],
            ]
        )
        idle = costs.idle_power_w
        launched = costs.runtime_s > 0
        clock = 0.0
        runs = len(self.start_s)
        for first in range(0, runs, CHUNK_RUNS):
            part = slice(first, min(first + CHUNK_RUNS, runs))
            duration = self.duration_s[part]
            count = len(duration)
            inner = np.empty((count, layers, phases + 1))
            inner[:, :, :phases] = duration[:, :, None] * share
            inner[:, :, phases] = self.gap_s[part][:, None] * launched
            following = np.append(self.start_s[part][1:], 0.0)
            last = part.stop == runs
            following[-1] = self.end_s[-1] + self.tail_s if last else self.start_s[part.stop]
            lengths = np.empty((count, per_run.size))
            lengths[:, 0] = structure.launch_s
            lengths[:, 1:-2] = inner.reshape(count, -1)
            lengths[:, -2] = structure.sync_s
            lengths[:, -1] = following - self.end_s[part]
            power = idle + self.drift_w[part][:, None] + per_run * self.scale[part][:, None]
            power *= self.factor[part][:, None]
            edges = np.empty(lengths.size + 2)
            edges[0] = clock
            edges[1] = self.start_s[first]
            np.cumsum(lengths.ravel(), out=edges[2:])
            edges[2:] += self.start_s[first]
            clock = float(edges[-1])
            yield edges, np.append(idle + structure.between_power_w, power.ravel())

    def timeline(
        self, names: tuple[str, ...], origin_s: float, rng: np.random.Generator
    ) -> Timeline:
        """Return what a profiler would have seen; the world begins at `origin_s` of its clock."""
        structure, (runs, layers) = self.structure, self.duration_s.shape
        error = rng.normal(0.0, 1.0, runs) * structure.stamp_jitter_s
        end = self.end_s + origin_s + error
        if structure.stamps == "sequence":
            gaps = np.outer(self.gap_s, self.costs.runtime_s > 0)
            inside = np.cumsum(self.duration_s + gaps, axis=1) - gaps
            stamps = (self.start_s + structure.launch_s + origin_s + error)[:, None] + inside
        else:
            # half of a callback is its own work, the rest comes as it comes
            steps = 0.5 * structure.callback_s * (1 + rng.exponential(1.0, (runs, layers)))
            stamps = end[:, None] + np.cumsum(steps, axis=1)
        return Timeline(
            layer_names=names,
            duration_s=self.duration_s,
            run_end_s=np.maximum.accumulate(end),
            run_start_s=np.maximum.accumulate(self.start_s + origin_s + error),
            stamp_s=stamps,
            stamp_kind="layer-end" if structure.stamps == "sequence" else "callback-burst",
        )


def _governor(structure: Structure, runs: int, rng: np.random.Generator) -> FloatArray:
    """Return the logarithm of the clock at each run, as a governor that is not pinned sets it."""
    if not structure.governor_steps:
        return np.zeros(runs)
    steps = np.zeros(runs)
    places = rng.integers(runs // 20, max(runs, 1), structure.governor_steps)
    sizes = rng.choice([-1.0, 1.0], structure.governor_steps) * structure.governor_share
    np.add.at(steps, places, sizes * rng.uniform(0.5, 1.0, structure.governor_steps))
    return np.clip(np.cumsum(steps), -0.3, 0.3)


def make_world(
    costs: TrueCosts,
    structure: Structure,
    runs: int,
    seed: int,
    *,
    block: int = 0,
    pauses_s: FloatArray | None = None,
) -> World:
    """Return the runs of a session, drawn by seed.

    Args:
        costs: what the layers truly cost.
        structure: what else happens.
        block: number of this block of runs, where a session is made block by block.
        pauses_s: waits before each run instead of the structure's schedule; shape (runs,).
    """
    rng = np.random.default_rng([seed, 21, block] if block else [seed, 21])
    layers = len(costs.runtime_s)
    half = structure.duration_jitter / np.sqrt(2)
    common = rng.normal(0.0, half, runs)
    noise = rng.normal(0.0, half, (runs, layers))
    progress = np.arange(runs) / max(runs - 1, 1)
    wander = structure.clock_drift * (
        np.sin(2 * np.pi * (rng.uniform(1.5, 4) * progress + rng.uniform()))
        + 0.5 * np.sign(np.sin(2 * np.pi * (rng.uniform(4, 9) * progress + rng.uniform())))
    )
    wander = wander + _governor(structure, runs, rng)
    duration = costs.runtime_s * np.exp(noise + (common - wander)[:, None] - half**2)
    if structure.hiccups:
        slow = rng.random((runs, layers)) < structure.hiccups
        duration = np.where(slow, duration * rng.uniform(1.5, 4.0, (runs, layers)), duration)
    launched = int((costs.runtime_s > 0).sum())
    gap = structure.gap_s * np.exp(
        rng.normal(0.0, structure.gap_jitter, runs) - structure.gap_jitter**2 / 2
    )
    busy = structure.launch_s + duration.sum(axis=1) + launched * gap + structure.sync_s
    rest = layers * structure.callback_s + structure.host_gap_s
    lead = LEAD_S
    if pauses_s is not None:
        lead = float(pauses_s[0])
        distance = busy + rest + np.append(pauses_s[1:], 0.0)
    elif structure.schedule == "dithered":
        distance = busy + rest + rng.uniform(0.0, structure.pause_s, runs)
    elif structure.schedule == "back-to-back":
        distance = busy + rest
    else:
        distance = np.maximum(structure.pause_s, busy + rest)
    start = lead + np.concatenate([[0.0], np.cumsum(distance[:-1])])
    return World(
        costs=costs,
        structure=structure,
        duration_s=duration,
        gap_s=gap,
        start_s=start,
        end_s=start + busy,
        scale=1.0 + 1.5 * wander,
        drift_w=structure.thermal_drift_w * (1 - np.exp(-3 * progress)),
        factor=1.0 + structure.power_jitter * rng.normal(0.0, 1.0, runs),
        tail_s=LEAD_S if pauses_s is None else rest,
    )
