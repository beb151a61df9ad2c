"""What a data set says of whole networks: totals, time outside layers, and the analytic model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import FloatArray
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.training.metrics import errors_of
from edgeprofiler.learning.training.select import TrainingTable
from edgeprofiler.prediction.predictors.roofline import costs
from edgeprofiler.prediction.predictors.trained import Correction

Answers = Mapping[tuple[str, str], FloatArray]

_CORRECTION_ROWS = 5
"""Rows of other layers that a correction of the analytic model needs."""


@dataclass(frozen=True, eq=False)
class NetworkSums:
    """Sums over the measured layers of networks that training left out."""

    names: tuple[str, ...]
    measured: Mapping[str, FloatArray]
    predicted: Mapping[str, FloatArray]

    @property
    def residuals(self) -> dict[str, FloatArray]:
        """log(predicted / measured) by quantity; where both are known."""
        found = {}
        for name, truth in self.measured.items():
            guess = self.predicted[name]
            both = np.isfinite(guess) & np.isfinite(truth) & (truth > 0) & (guess > 0)
            found[name] = np.log(guess[both] / truth[both])
        return found

    @property
    def metrics(self) -> dict[str, dict[str, float | int | None]]:
        """Errors by quantity."""
        return {n: errors_of(self.predicted[n], truth) for n, truth in self.measured.items()}


def full_answers(
    table: TrainingTable, answers: Answers, device: Device, seen: TrainingTable | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return runtime and power above idle of every row: of models, else corrected analytic.

    Args:
        answers: what models say of them.
        seen: rows that the correction is taken from; each network's others where `None`.
    """
    analytic = costs(table.columns, device)
    runtime, above = np.array(analytic.runtime_s), analytic.power_w - device.idle_power_w
    for network in table.data.networks if seen is None else ("",):
        own = table.network == network if seen is None else np.ones(len(table.data), np.bool_)
        fixed = Correction(**correction_of(table.take(~own) if seen is None else seen, device))
        columns = table.columns.take(own)
        runtime[own] *= fixed.of(fixed.runtime, columns)
        above[own] *= fixed.of(fixed.power_above_idle, columns)
    for (_, quantity), values in answers.items():
        mine = np.isfinite(values)
        target = runtime if quantity == "runtime_s" else above
        target[mine] = values[mine]
    return runtime, above


def network_rows(
    table: TrainingTable, answers: Answers, device: Device, seen: TrainingTable | None = None
) -> NetworkSums:
    """Return totals of each network: measured, and as models answer that never saw it.

    Two measurements of one network are one row of sums each, told apart by their source.
    `seen` is as in `full_answers`.
    """
    runtime, above = full_answers(table, answers, device, seen)
    data = table.data
    idle = data.number("idle_power_w")
    sessions = [
        f"{n}\0{d}\0{s}"
        for n, d, s in zip(
            data.text("network").tolist(), data.text("device").tolist(),
            data.text("source").tolist(), strict=True,
        )
    ]  # fmt: skip
    names, owner = np.unique(sessions, return_inverse=True)

    def total(values: FloatArray) -> FloatArray:
        return np.bincount(owner, values, len(names)).astype(np.float64)

    time, true_above = data.number("runtime_s"), data.number("power_above_idle_w")
    measured = {
        "runtime_s": total(time),
        "energy_j": total(time * (true_above + idle)),
        "power_above_idle_w": total(time * true_above) / total(time),
    }
    predicted = {
        "runtime_s": total(runtime),
        "energy_j": total(runtime * (above + idle)),
        "power_above_idle_w": total(runtime * above) / total(runtime),
    }
    return NetworkSums(tuple(n.split("\0")[0] for n in names.tolist()), measured, predicted)


def correction_of(table: TrainingTable, device: Device) -> dict[str, dict[str, float]]:
    """Return factors on the analytic model by operation, for what no trained model covers.

    A factor is the median of measured over analytic, each row weighing as long as it takes; the
    one under the empty name is for operations with fewer than five rows. Layers of kind `other`
    count, and all layers where there are no others.
    """
    analytic = costs(table.columns, device)
    data = table.data
    time = data.number("runtime_s")
    truths = {"runtime": time, "power_above_idle": data.number("power_above_idle_w")}
    guesses = {
        "runtime": analytic.runtime_s,
        "power_above_idle": analytic.power_w - device.idle_power_w,
    }
    ops, other = data.text("op"), data.text("kind") == "other"
    found: dict[str, dict[str, float]] = {}
    for name, truth in truths.items():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = truth / guesses[name]
        known = np.isfinite(ratio) & (ratio > 0)
        rows = known & other
        if int(rows.sum()) < _CORRECTION_ROWS:
            rows = known
        found[name] = {"": _weighted_median(ratio[rows], time[rows])} if rows.any() else {"": 1.0}
        for op in np.unique(ops[known & other]).tolist():
            own = known & other & (ops == op)
            if int(own.sum()) >= _CORRECTION_ROWS:
                found[name][op] = _weighted_median(ratio[own], time[own])
    return found


def _weighted_median(values: FloatArray, weights: FloatArray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def overhead_of(data: Dataset) -> dict[str, float | None]:
    """Return fixed part and host gap of an inference as measured; `None` where unknown.

    The gap is a line in the number of layers, with no negative part, fitted on relative error.
    """
    _, first = np.unique(data.sessions, return_index=True)
    one = data.take(first)
    idle = one.number("idle_power_w")
    gap, layers = one.number("host_gap_s"), one.integer("network_layers").astype(np.float64)
    known = np.isfinite(gap) & (gap > 0) & (layers > 0)
    start, each = None, 0.0
    if known.any():
        start, each = _line(layers[known], gap[known])
    fixed = one.number("fixed_s")
    return {
        "fixed_s": _median(fixed),
        "fixed_above_idle_w": _above(one.number("fixed_power_w") - idle),
        "host_gap_s": start,
        "host_gap_per_layer_s": each,
        "host_gap_above_idle_w": _above(one.number("host_gap_power_w") - idle),
    }


def _line(layers: FloatArray, gap: FloatArray) -> tuple[float, float]:
    candidates: list[Any] = [
        (float(np.median(gap)), 0.0),
        (0.0, float(np.median(gap / layers))),
    ]
    if len(np.unique(layers)) > 2:
        each, start = np.polyfit(layers, gap, 1, w=1.0 / gap)
        if each >= 0 and start >= 0:
            candidates.append((float(start), float(each)))

    def error(line: tuple[float, float]) -> float:
        return float(np.mean(((line[0] + line[1] * layers) / gap - 1) ** 2))

    return min(candidates, key=error)  # type: ignore[no-any-return]


def _above(power_w: FloatArray) -> float | None:
    """Return the usual power above idle; noise may put what is none below it."""
    found = _median(power_w)
    return None if found is None else max(found, 0.0)


def _median(values: FloatArray) -> float | None:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else None
