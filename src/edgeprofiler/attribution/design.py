"""The share of each conversion's integration window that each layer ran in.

Column k of a design is layer k; two more are the gaps within a run and the time between runs.
Rows sum to one. Behind a rail that smooths power with a time constant, shares are smoothed too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.attribution.intervals import Runs
from edgeprofiler.network import FloatArray, IntArray


@dataclass(frozen=True)
class Timing:
    """How the sensor's conversions lie against the profiler's clock."""

    window_s: float
    """How long one conversion integrates."""
    lag_s: float = 0.0
    """From the end of that window to the moment when the value can be read."""
    gap_s: float = 0.0
    """Unseen pause after each layer."""
    time_constant_s: float = 0.0
    """Of the rail."""
    blur_s: float = 0.0
    """Standard deviation of the error of a run's time stamps."""
    averaged: int = 1
    """Conversions averaged into one value."""
    spacing_s: float = 0.0
    """Distance of the averaged conversions."""

    def moved(self, name: str, step: float) -> Timing:
        """Return this timing with one field moved by `step`."""
        return replace(self, **{name: getattr(self, name) + step})


_BLUR_PLACES = (-1.6, -0.8, 0.0, 0.8, 1.6)
_BLUR_WEIGHTS = np.exp(-0.5 * np.array(_BLUR_PLACES) ** 2)
_BLUR_WEIGHTS = _BLUR_WEIGHTS / _BLUR_WEIGHTS.sum()
_BLUR_SCALE = 1 / float(np.sqrt((_BLUR_WEIGHTS * np.array(_BLUR_PLACES) ** 2).sum()))


def design(runs: Runs, ends_s: FloatArray, timing: Timing) -> FloatArray:
    """Return the shares of every conversion, shape (conversions, layers + 2).

    Args:
        runs: when what ran.
        ends_s: when each conversion's value became readable, in the runs' clock.
        timing: of the sensor against that clock.
    """
    if timing.blur_s > 0:
        sharp = replace(timing, blur_s=0.0)
        return np.asarray(
            sum(
                weight
                * design(runs, ends_s, sharp.moved("lag_s", place * _BLUR_SCALE * timing.blur_s))
                for place, weight in zip(_BLUR_PLACES, _BLUR_WEIGHTS, strict=True)
            )
        )
    if timing.averaged > 1:
        single = replace(timing, averaged=1)
        parts = (
            design(runs, ends_s - step * timing.spacing_s, single)
            for step in range(timing.averaged)
        )
        return np.asarray(sum(parts) / timing.averaged)
    last = ends_s - timing.lag_s
    both = np.concatenate([last, last - timing.window_s])
    time = occupied(runs, both, timing)
    half = ends_s.size
    shares = time[:half]
    shares -= time[half:]
    shares /= timing.window_s
    return shares


def occupied(runs: Runs, times_s: FloatArray, timing: Timing) -> FloatArray:
    """Return how long each state had lasted up to each time, behind the rail.

    Columns: layers, gaps within runs, time between runs; shape (times, layers + 2).
    """
    count = runs.layers
    length = runs.total_s + count * timing.gap_s
    start = runs.end_s - length
    run = np.searchsorted(start, times_s, side="right") - 1
    run = np.maximum(run, 0)
    since = times_s - start[run]
    offset = runs.before_s[run] + timing.gap_s * np.arange(count)
    duration = runs.duration_s[run]
    result = np.empty((times_s.size, count + 2))
    inside = since[:, None] - offset
    layers = result[:, :count]
    np.clip(inside, 0.0, duration, out=layers)
    layers += runs.past_s[run]
    in_run = np.clip(since, 0.0, length[run])
    in_run += np.concatenate([[0.0], np.cumsum(length)])[run]
    if timing.time_constant_s > 0:
        tau = timing.time_constant_s
        levels, busy = _levels(runs, start, length, timing, run, since, inside, duration)
        layers -= tau * levels
        in_run -= tau * busy
    result[:, count] = in_run - layers.sum(axis=1)
    result[:, count + 1] = times_s - in_run
    return result


def _levels(
    runs: Runs,
    start: FloatArray,
    length: FloatArray,
    timing: Timing,
    run: IntArray,
    since: FloatArray,
    inside: FloatArray,
    duration: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Return the smoothed indicators of each layer and of the run at each time."""
    tau, count = timing.time_constant_s, runs.layers
    distance = np.diff(start)
    offset = runs.before_s[:-1] + timing.gap_s * np.arange(count)
    left = np.empty((len(start), count + 1))
    left[0] = 0.0
    left[1:, :count] = np.exp((offset + runs.duration_s[:-1] - distance[:, None]) / tau)
    left[1:, :count] -= np.exp((offset - distance[:, None]) / tau)
    left[1:, count] = np.exp((np.minimum(length[:-1], distance) - distance) / tau)
    left[1:, count] -= np.exp(-distance / tau)
    keep = np.concatenate([[0.0], np.exp(-distance / tau)])
    reach = 1
    while reach < len(start) and float(keep.max()) > 1e-9:
        left[reach:] = left[reach:] + keep[reach:, None] * left[:-reach]
        keep[reach:] = keep[reach:] * keep[:-reach]
        keep[:reach] = 0.0
        reach *= 2
    fade = np.exp(-np.maximum(since, 0.0) / tau)
    here = left[run] * fade[:, None]
    here[:, :count] += np.exp(-np.maximum(inside - duration, 0.0) / tau)
    here[:, :count] -= np.exp(-np.maximum(inside, 0.0) / tau)
    here[:, count] += np.exp(-np.maximum(since - length[run], 0.0) / tau)
    here[:, count] -= fade
    return here[:, :count], here[:, count]
