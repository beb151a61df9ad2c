"""Predict every measured row, as shipped or with its group left out, and compare."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InsufficientData, InvalidInput, UsageError
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.parallel import ALONE, Workers
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.prediction.accuracy import Coverage, Figures, figures
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Folds
from edgeprofiler.prediction.calibration.measured import Measured, lacking
from edgeprofiler.prediction.calibration.power import power_above_idle
from edgeprofiler.prediction.calibration.power_folds import PowerFolds
from edgeprofiler.prediction.calibration.profiles import rows_of
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.costmodel.parameters import parameters_of, prior_table
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.question.question import normal_of
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.validate.networks import Networks, board_of, samples_of

LEFT_OUT = tuple(KEYS)
"""What can be left out, one group at a time."""


@dataclass(frozen=True)
class Compared:
    """One measured number beside its prediction, in seconds or watts."""

    row: Measured
    quantity: str
    """`runtime` (GPU time, or wall time where the software's includes the host) or `power`
    (above idle)."""
    measured: float
    predicted: float
    low: float
    high: float
    kind: str
    """Which kind of interval."""

    @property
    def error(self) -> float:
        """Relative error of the prediction."""
        return self.predicted / self.measured - 1

    @property
    def inside(self) -> bool:
        """Whether the interval holds the measured number."""
        return self.low <= self.measured <= self.high


@dataclass(frozen=True)
class Validation:
    """Everything that was compared, and what could not be."""

    compared: tuple[Compared, ...]
    skipped: tuple[tuple[Measured, str], ...]
    """Rows that could not be compared, and what each lacks."""
    left_out: str
    """What was left out of the fit for each row; empty where the shipped numbers were used."""
    confidence: float

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known of the rows that were compared."""
        rows = {id(c.row): c.row for c in self.compared}.values()
        simulated = sum(row.simulated for row in rows)
        if not simulated:
            return ()
        return (f"{simulated} of {len(rows)} rows are simulated: no board was measured",)

    def chosen(self, quantity: str, *, every: bool = False) -> list[Compared]:
        """Return the rows of a quantity that count; with `every`, those set aside too."""
        return [
            c for c in self.compared if c.quantity == quantity and (every or not c.row.set_aside)
        ]

    def figures(self, quantity: str, *, every: bool = False) -> Figures:
        """Return the figures of accuracy of a quantity."""
        rows = self.chosen(quantity, every=every)
        return figures([c.measured for c in rows], [c.predicted for c in rows])

    def coverage(self, quantity: str) -> Coverage:
        """Return how many intervals of a quantity hold the measured number."""
        rows = self.chosen(quantity)
        widths = [math.log(c.high / c.low) / 2 for c in rows]
        inside = sum(c.inside for c in rows)
        return Coverage(inside, len(rows), float(np.median(widths)) if rows else math.nan)


def validate(
    measured: str | Path | Sequence[Measured],
    device: str | Path | None = None,
    *,
    leave_out: str | None = None,
    confidence: float = DEFAULT_CONFIDENCE,
    folder: Path | None = None,
    workers: Workers = ALONE,
) -> Validation:
    """Return predictions beside measured rows, as `learning.owner.validate` says."""
    if leave_out is not None and leave_out not in LEFT_OUT:
        raise UsageError(f"`leave_out` {leave_out!r}; choose one of: {', '.join(LEFT_OUT)}")
    confidence = normal_of("confidence", confidence)
    rows, folder = rows_of(measured, folder)
    spec = None if device is None else str(device)
    if spec is not None:
        board = load_device(spec)
        mine = [r for r in rows if r.device in ("", *board.names) and board.runs_in(r.mode)]
        rows = mine or rows
    lacks = {id(row): lacking(row) for row in rows}
    known = [row for row in rows if not lacks[id(row)]]
    if not known:
        what = " or ".join(dict.fromkeys(lacks.values()))
        raise InvalidInput("measured rows", f"every one lacks {what}", "fill that column")
    skipped = tuple((row, lacks[id(row)]) for row in rows if lacks[id(row)])
    if leave_out:
        compared = _left_out(samples_of(known, folder, spec), leave_out, confidence, workers)
    else:
        compared = _as_shipped(known, folder, spec, confidence)
    return Validation(tuple(compared), skipped, leave_out or "", confidence)


def _as_shipped(
    rows: Sequence[Measured], folder: Path | None, device: str | None, confidence: float
) -> list[Compared]:
    networks = Networks(folder)
    found = []
    for row in rows:
        board = board_of(row, device, row.runtime)
        network = networks.of(row, board)
        predictor = RooflinePredictor(board, confidence)
        if math.isfinite(row.runtime_s):
            found.append(_runtime(row, predictor.predict(network)))
        if math.isfinite(row.power_above_idle_w) or math.isfinite(row.power_w):
            if row.runtime == "torch-tensorrt":
                gap = prior_table()["hosts"]["power-experiment"]
                numbers = replace(parameters_of(board), **gap)
                predictor = RooflinePredictor(board, confidence, numbers)
            found.append(_power(row, predictor.predict(network)))
    return found


def _runtime(row: Measured, profile: Profile) -> Compared:
    totals = profile.totals
    # What trtexec reports is the GPU's time; other hosts time the call.
    estimate = totals.runtime_s if row.runtime == "trtexec" else totals.end_to_end_s
    return _compared(row, "runtime", row.runtime_s, estimate, profile)


def _power(row: Measured, profile: Profile) -> Compared:
    estimate = profile.totals.power_above_idle_w
    above = row.power_above_idle_w
    measured = above if math.isfinite(above) else row.power_w - profile.idle_power_w
    return _compared(row, "power", measured, estimate, profile)


def _compared(
    row: Measured, quantity: str, measured: float, estimate: Estimate, profile: Profile
) -> Compared:
    bounds = estimate.value, estimate.low, estimate.high
    return Compared(row, quantity, measured, *bounds, profile.interval_kind.split(":")[0])


def _left_out(
    samples: list[Sample], kind: str, confidence: float, workers: Workers
) -> list[Compared]:
    timed = [s for s in samples if math.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if math.isfinite(power_above_idle(s))]
    kept = [s for s in timed if not s.row.set_aside]
    if not kept:
        raise InsufficientData("no row with a time counts, so nothing can be fitted without one")
    _enough(kept, kind)
    # Rows set aside take no part in a fit, but are predicted beside the rest.
    problem = recipe.assemble(timed)
    taking_part = np.array([not s.row.set_aside for s in timed])
    full = problem.fit(taking_part).values
    extra = [KEYS[kind](sample) for sample in powered]
    folds = Folds.of(
        problem, timed, kind, full, extra=extra, taking_part=taking_part, workers=workers
    )
    seconds = [s.row.runtime_s for s in timed]
    found = _compare(timed, folds.residuals(), kind, confidence, "runtime", seconds)
    if powered:
        _enough([s for s in powered if not s.row.set_aside], kind)
        watts = [power_above_idle(s) for s in powered]
        residuals = PowerFolds.of(folds, powered, confidence).residuals
        found += _compare(powered, residuals, kind, confidence, "power", watts)
    return found


def _enough(samples: Sequence[Sample], kind: str) -> None:
    groups = {KEYS[kind](sample) for sample in samples}
    if len(groups) < 2:
        raise InsufficientData(
            f"leaving out one {kind} needs rows of at least two; these are all of "
            f"{', '.join(groups) or 'none'}"
        )


def _compare(
    samples: Sequence[Sample],
    residuals: FloatArray,
    kind: str,
    confidence: float,
    quantity: str,
    measured: Sequence[float],
) -> list[Compared]:
    labels = np.array([KEYS[kind](sample) for sample in samples])
    kept = np.array([not sample.row.set_aside for sample in samples])
    found = []
    for index, sample in enumerate(samples):
        others = kept & (labels != labels[index])
        width = half_width(residuals[others], confidence, labels[others].tolist())
        value = measured[index] * math.exp(residuals[index])
        bounds = value * math.exp(-width), value * math.exp(width)
        found.append(
            Compared(sample.row, quantity, measured[index], value, *bounds, f"{kind} left out")
        )
    return found
