"""Power of a whole run, from the session's mean power: right even where stamps are not.

Errors of stamps and lag move power between runs and pauses, but not the mean of all samples.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.measurement.attribution.design import design
from edgeprofiler.measurement.attribution.fit import Samples
from edgeprofiler.measurement.attribution.intervals import Runs
from edgeprofiler.measurement.attribution.timing import Timing

MARGIN_S = 0.4e-3
"""A pause counts as one where no run is this near to the window."""

MIN_QUIET = 30
STRETCHES = 100


@dataclass(frozen=True)
class Whole:
    """Mean powers above the floor of runs (layers and gaps) and of the time between them."""

    run_w: float
    run_error_w: float
    between_w: float
    noise_w: float
    """Standard deviation of conversions that lie in pauses; NaN where there are too few."""


def whole_power(
    runs: Runs,
    samples: Samples,
    timing: Timing,
    noise_w: float,
    *,
    trusted: bool,
    pause: tuple[float, float] | None = None,
) -> Whole:
    """Return the mean power of runs and pauses, with the standard error of the first.

    Args:
        runs: when what ran.
        samples: distinct conversions.
        timing: of the sensor.
        noise_w: standard deviation of one conversion; NaN where unknown.
        trusted: whether the timing is right. If not, pauses are the lowest cluster of values,
            and may have any power from the floor to that.
        pause: power above the floor between runs and its error, as layers' own fit has it; used
            where no window lies in a pause.
    """
    one = runs.grouped(np.zeros(runs.layers, dtype=np.int64))
    # gaps lie inside the one block, so that its length is that of the whole run
    inner = replace(timing, gap_s=timing.gap_s * runs.layers, slack_share=0.0)
    busy = 1 - design(one, samples.end_s, inner)[:, -1]
    above = samples.above_w
    quiet = _quiet(one, samples, inner)
    if not trusted:
        between = _lowest(above, noise_w)
        # All of the pauses' power: a timing that is not trusted misjudges their share as well.
        noise, doubt = float("nan"), between + 0.02
        if not runs.pauses_hold(timing.window_s):  # the lowest values hold runs too
            between, doubt = 0.5 * between, 0.5 * between + 0.02
    elif int(quiet.sum()) >= MIN_QUIET:
        between = float(above[quiet].mean())
        noise = float(np.sqrt(0.5 * np.mean(np.diff(above[quiet]) ** 2)))
        doubt = noise / float(np.sqrt(quiet.sum()))
    elif pause is not None:
        between, doubt = pause
        noise = float("nan")
    else:
        pair = np.column_stack([busy, 1 - busy])
        between = max(float(np.linalg.lstsq(pair, above, rcond=None)[0][1]), 0.0)
        noise, doubt = float("nan"), 0.5 * between + 0.1
    share = float(busy.mean())
    run = (float(above.mean()) - between * (1 - share)) / share
    left = above - run * busy - between * (1 - busy)
    stretches = min(STRETCHES if trusted else STRETCHES // 5, len(left))
    blocks = np.array([b.mean() for b in np.array_split(left, stretches)])
    scatter = float(blocks.std(ddof=1)) / np.sqrt(len(blocks)) if len(blocks) > 1 else np.inf
    error = float(np.hypot(scatter, doubt * (1 - share))) / share
    return Whole(run, error, between, noise)


def _lowest(above_w: FloatArray, noise_w: float) -> float:
    """Return the mean of the lowest cluster of values, as wide as the sensor's noise."""
    width = noise_w if np.isfinite(noise_w) else 0.05 * float(np.ptp(above_w))
    centre = float(np.quantile(above_w, 0.01)) + 1.5 * width
    for _ in range(5):
        near = above_w[np.abs(above_w - centre) < 2.5 * width]
        centre = float(near.mean()) if near.size else centre
    return max(centre, 0.0)


def _quiet(one: Runs, samples: Samples, timing: Timing) -> BoolArray:
    """Return which windows lie in pauses, with a margin on both sides."""
    wide = replace(
        timing,
        window_s=timing.window_s + 2 * MARGIN_S,
        lag_s=timing.lag_s - MARGIN_S,
        time_constant_s=0.0,
        blur_s=0.0,
    )
    if timing.time_constant_s > 0:  # the rail still falls for a while after a run
        wide = replace(wide, window_s=wide.window_s + 5 * timing.time_constant_s)
    return np.asarray(design(one, samples.end_s, wide)[:, -1] > 1 - 1e-9)
