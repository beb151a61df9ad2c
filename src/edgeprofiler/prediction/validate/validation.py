"""Predict every measured row, as shipped or with its group left out, and compare."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import InsufficientData, InvalidInput, UsageError
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.parallel import ALONE, Workers
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.prediction.accuracy import Coverage, Figures, figures
from edgeprofiler.prediction.calibration import recipe
from edgeprofiler.prediction.calibration.folds import KEYS, Folds
from edgeprofiler.prediction.calibration.measured import UNCOSTED, Measured, lacking
from edgeprofiler.prediction.calibration.power import power_above_idle
from edgeprofiler.prediction.calibration.power_folds import PowerFolds
from edgeprofiler.prediction.calibration.profiles import rows_of
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.costmodel.parameters import parameters_of, prior_table
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.question.question import normal_of
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.uncertainty.distance import own_calibration
from edgeprofiler.prediction.validate.calibrating import not_used
from edgeprofiler.prediction.validate.networks import Networks, board_of

LEFT_OUT = tuple(KEYS)
"""What can be left out, one group at a time."""

NOT_ABOVE_IDLE = "a power above the board's idle power"


@dataclass(frozen=True)
class Compared:
    """One measured number beside its prediction, in seconds or watts."""

    row: Measured
    quantity: str
    """`runtime` (of an inference with its host, as numbers are fitted on it) or `power` (above
    idle)."""
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
    notes: tuple[str, ...] = ()
    """What was not compared although rows have it, and why."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What must be known of the rows that were compared."""
        rows = {id(c.row): c.row for c in self.compared}.values()
        simulated = sum(row.simulated for row in rows)
        if not simulated:
            return self.notes
        said = f"{simulated} of {len(rows)} rows are simulated: no board was measured"
        return (said, *self.notes)

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
    notes: list[str] = []
    if spec is not None:
        board = load_device(spec)
        mine = [r for r in rows if r.device in ("", *board.names) and board.runs_in(r.mode)]
        notes += [not_used(len(rows) - len(mine))] if 0 < len(mine) < len(rows) else []
        rows = mine or rows
    lacks = {id(row): lacking(row) for row in rows}
    networks, asked = Networks(folder), []
    for row in [row for row in rows if not lacks[id(row)]]:
        board = board_of(row, spec, row.runtime)
        one = _Asked(row, board, networks.of(row, board))
        lacks[id(row)] = one.lacks
        if one.comparable:
            asked.append(one)
    if not asked:
        what = " or ".join(dict.fromkeys(lacks.values()))
        raise InvalidInput("measured rows", f"every one lacks {what}", "fill that column")
    if leave_out:
        compared, unmet = _left_out(asked, leave_out, confidence, workers)
        notes += unmet
    else:
        compared = [found for each in asked for found in _as_shipped(each, confidence)]
    skipped = tuple((row, lacks[id(row)]) for row in rows if lacks[id(row)])
    return Validation(tuple(compared), skipped, leave_out or "", confidence, tuple(notes))


@dataclass(frozen=True)
class _Asked:
    """A row with its board and the layers of its network."""

    row: Measured
    board: Device
    network: Network

    @property
    def watts(self) -> float:
        """Measured power above idle; NaN where there is none."""
        return self.row.above_idle_w(self.board.idle_power_w)

    @property
    def comparable(self) -> bool:
        """Whether something of it can be compared: no total of a part is one of the whole."""
        known = math.isfinite(self.row.runtime_s) or math.isfinite(self.watts)
        return known and self.network.whole

    @property
    def lacks(self) -> str:
        """What it lacks to be compared, in all that was measured; empty where nothing."""
        if not self.network.whole:
            return UNCOSTED
        idles = math.isfinite(self.row.power_w) and math.isnan(self.watts)
        return NOT_ABOVE_IDLE if idles else ""


def _as_shipped(asked: _Asked, confidence: float) -> Iterator[Compared]:
    row, board = asked.row, asked.board
    predictor = RooflinePredictor(board, confidence)
    if math.isfinite(row.runtime_s):
        estimate = predictor.predict(asked.network)
        yield _compared(row, "runtime", row.runtime_s, estimate.totals.end_to_end_s, estimate)
    if math.isfinite(asked.watts):
        if row.runtime == "torch-tensorrt" and own_calibration(board) is None:
            # what the shipped numbers of power were fitted on ran under a profiler
            gap = prior_table()["hosts"]["power-experiment"]
            numbers = replace(parameters_of(board), **gap)
            predictor = RooflinePredictor(board, confidence, numbers)
        estimate = predictor.predict(asked.network)
        yield _compared(row, "power", asked.watts, estimate.totals.power_above_idle_w, estimate)


def _compared(
    row: Measured, quantity: str, measured: float, estimate: Estimate, profile: Profile
) -> Compared:
    bounds = estimate.value, estimate.low, estimate.high
    return Compared(row, quantity, measured, *bounds, profile.interval_kind.split(":")[0])


def _left_out(
    asked: Sequence[_Asked], kind: str, confidence: float, workers: Workers
) -> tuple[list[Compared], list[str]]:
    """Return what refits say without each row's group, and why power is not among it."""
    samples = [Sample.of(each.row, each.board, each.network) for each in asked]
    timed = [s for s in samples if math.isfinite(s.row.runtime_s)]
    powered = [s for s in samples if math.isfinite(power_above_idle(s))]
    kept = [s for s in timed if not s.row.set_aside]
    if not kept:
        raise InsufficientData("no row with a time counts, so nothing can be fitted without one")
    too_few = _too_few(kept, kind)
    if too_few:
        raise InsufficientData(too_few)
    notes = []
    if powered and (too_few := _too_few([s for s in powered if not s.row.set_aside], kind)):
        notes.append(f"power is not compared: {too_few}")
        powered = []
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
        watts = [power_above_idle(s) for s in powered]
        residuals = PowerFolds.of(folds, powered, confidence).residuals
        found += _compare(powered, residuals, kind, confidence, "power", watts)
    return found, notes


def _too_few(samples: Sequence[Sample], kind: str) -> str:
    """Return why no group of a kind can be left out; empty where one can."""
    groups = {KEYS[kind](sample) for sample in samples}
    if len(groups) >= 2:
        return ""
    return (
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
