"""How good is a recipe on networks that it never saw, and against what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.core.parallel import ALONE, Workers
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.training.fit import answered, keys_of, left_out, one_thread
from edgeprofiler.learning.training.groups import share_out, unjudged
from edgeprofiler.learning.training.metrics import errors_of
from edgeprofiler.learning.training.networks import Answers, NetworkSums, network_rows
from edgeprofiler.learning.training.options import KINDS, QUANTITIES, TrainingOptions
from edgeprofiler.learning.training.select import TrainingTable, missing_kinds, split, table_of
from edgeprofiler.prediction.accuracy import Coverage
from edgeprofiler.prediction.features import Ratings
from edgeprofiler.prediction.predictors.roofline import costs
from edgeprofiler.prediction.uncertainty.conformal import half_width

BASELINES = ("mean", "analytic", "neuralpower")
SHOWN = {"runtime_s": "runtime", "power_above_idle_w": "power above idle", "power_w": "board power"}

Metrics = Mapping[str, float | int | None]


@dataclass(frozen=True, eq=False)
class Answered:
    """What one way of predicting says of every evaluated row."""

    name: str
    answers: Answers
    """By kind and quantity; NaN where it does not answer."""
    totals: NetworkSums


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Rows of networks that were left out, and what each way of predicting says of them."""

    table: TrainingTable
    scheme: str
    """`leave one network out`, or the names of the test networks."""
    ways: tuple[Answered, ...]
    """The recipe first, then what it is compared with."""
    notes: tuple[str, ...] = ()
    coverage: Mapping[str, Coverage] = field(default_factory=dict)
    """By quantity, rows inside the 90 % interval whose width comes from other networks."""
    learning_curve: tuple[tuple[int, float], ...] = ()
    """Networks trained on, and RMSPE of runtime on the others."""
    test_networks: tuple[str, ...] = ()
    """Networks that were set aside beforehand; none where each was left out in turn."""

    def errors(self, way: Answered, kind: str, quantity: str) -> Metrics:
        """Return the errors of layers of `kind`; `all` for the three kinds together."""
        kinds = KINDS if kind == "all" else (kind,)
        name = "power_above_idle_w" if quantity == "power_w" else quantity
        guess = np.full(len(self.table.data), np.nan)
        for one in kinds:
            values = way.answers.get((one, name))
            if values is not None:
                guess = np.where(np.isfinite(values), values, guess)
        truth = self.table.data.number(name)
        guess = self.judged(guess, name)
        if quantity == "power_w":
            idle = self.table.data.number("idle_power_w")
            guess, truth = guess + idle, truth + idle
        return errors_of(guess, np.asarray(truth))

    def judged(self, guess: FloatArray, quantity: str) -> FloatArray:
        """Return predictions, NaN where the measured power is no truth to compare them with."""
        doubtful = unjudged(self.table)
        if quantity == "runtime_s" or doubtful[np.isfinite(guess)].all():
            return guess
        return np.where(doubtful, np.nan, guess)

    def document(self) -> dict[str, Any]:
        """Return all errors as JSON holds them."""
        return {
            "schema": "edgeprofiler.evaluation/1",
            "scheme": self.scheme,
            "rows": len(self.table.data),
            "networks": list(self.table.data.networks),
            "ways": [
                {
                    "name": way.name,
                    "layers": {
                        q: {k: dict(self.errors(way, k, q)) for k in ("all", *KINDS)} for q in SHOWN
                    },
                    "networks": way.totals.metrics,
                }
                for way in self.ways
            ],
            "coverage": {k: [v.inside, v.count] for k, v in self.coverage.items()},
            "learning_curve": [list(point) for point in self.learning_curve],
            "notes": list(self.notes),
        }


def evaluate(
    data: Dataset,
    device: Device,
    options: TrainingOptions | None = None,
    *,
    baselines: tuple[str, ...] = BASELINES,
    curve: bool = False,
    workers: Workers = ALONE,
) -> Evaluation:
    """Return the errors of a recipe on networks left out of training.

    Args:
        data: measured layers of one device.
        device: the board whose datasheet stands behind the features.
        options: recipe and, in `test_networks`, what to test on; every network in turn where it
            is empty.
        baselines: other ways to compare with: `mean`, `analytic`, or names of recipes.
        curve: whether to train on growing numbers of networks too.
        workers: who works on the networks left out.

    Raises:
        InvalidInput: a row cannot be; row and column are named.
        InsufficientData: too few networks.
    """
    options = options or TrainingOptions()
    training, test = split(data, options)
    board = Ratings.of(device)
    names = [options.recipe, *(name for name in baselines if name != options.recipe)]
    with one_thread():
        if options.test_networks:
            seen, table = table_of(training, board), table_of(test, board)
            how = options
            scheme = "test networks " + ", ".join(sorted(options.test_networks))
        else:
            table = table_of(training, board)
            seen, how = table, replace(options, folds=len(training.networks))
            scheme = "leave one network out"
        found = {name: _answers(name, seen, table, device, how, workers) for name in names}
        points = _curve(table_of(data, board), options) if curve else ()
    notes = missing_kinds(seen, options)
    source = None if seen is table else seen
    ways = tuple(
        Answered(name, answers, network_rows(table, answers, device, source))
        for name, answers in found.items()
    )
    return Evaluation(
        table, scheme, ways, tuple(notes), _coverage(table, ways[0]), points, options.test_networks
    )


def _answers(
    name: str,
    seen: TrainingTable,
    table: TrainingTable,
    device: Device,
    options: TrainingOptions,
    workers: Workers,
) -> Answers:
    """Return what a way of predicting says of `table`, fitted on `seen`.

    Where the two are one, on the other networks of each row.
    """
    if name == "analytic":
        return _analytic(table, device)
    if name == "mean":
        return _means(seen, table)
    chosen = options if name == options.recipe else replace(options, recipe=name, options={})
    if seen is table:
        return left_out(table, chosen, workers)
    found = {}
    seen = share_out(seen)
    for key, rows in keys_of(seen, chosen):
        asked = _asked(table, *key)
        found[key] = np.full(len(table.data), np.nan)
        if asked.any():
            found[key][asked] = answered(seen, rows, table, asked, key, chosen)
    return found


def _asked(table: TrainingTable, kind: str, quantity: str) -> BoolArray:
    return np.asarray(
        table.usable & (table.data.text("kind") == kind) & np.isfinite(table.data.number(quantity))
    )


def _analytic(table: TrainingTable, device: Device) -> Answers:
    found = costs(table.columns, device)
    values = {
        "runtime_s": found.runtime_s,
        "power_above_idle_w": found.power_w - device.idle_power_w,
    }
    return {
        (kind, quantity): np.where(_asked(table, kind, quantity), values[quantity], np.nan)
        for kind in KINDS
        for quantity in QUANTITIES
    }


def _means(seen: TrainingTable, table: TrainingTable) -> Answers:
    """The mean of the other networks' layers of the same kind."""
    found = {}
    for kind in KINDS:
        for quantity in QUANTITIES:
            answers = np.full(len(table.data), np.nan)
            asked = _asked(table, kind, quantity)
            source = _asked(seen, kind, quantity)
            values = seen.data.number(quantity)
            for network in np.unique(table.network[asked]).tolist():
                others = source & (seen.network != network)
                if others.any():
                    answers[asked & (table.network == network)] = values[others].mean()
            found[(kind, quantity)] = answers
    return found


def _coverage(table: TrainingTable, way: Answered) -> dict[str, Coverage]:
    """Count rows inside an interval whose width comes from other networks' residuals."""
    found = {}
    for quantity in QUANTITIES:
        residuals, widths = [], []
        for kind in KINDS:
            answers = way.answers.get((kind, quantity))
            if answers is None:
                continue
            residual: FloatArray = np.log(answers / table.data.number(quantity))
            known = np.isfinite(residual)
            for network in np.unique(table.network[known]).tolist():
                own = known & (table.network == network)
                others = residual[known & (table.network != network)]
                if len(others):
                    residuals.append(residual[own])
                    widths.append(np.full(int(own.sum()), half_width(others, 0.9)))
        if widths:
            found[quantity] = Coverage.of(np.concatenate(residuals), np.concatenate(widths))
    return found


def _curve(table: TrainingTable, options: TrainingOptions) -> tuple[tuple[int, float], ...]:
    """RMSPE of runtime on the networks left over, for growing numbers to train on."""
    networks = np.array(table.data.networks)
    points = []
    sizes = sorted({n for n in (2, 3, 5, 8, 12, 16, 20, 30) if n < len(networks)})
    for size in sizes:
        errors = []
        for draw in range(3):
            order = np.random.default_rng([options.seed, size, draw]).permutation(len(networks))
            inside = np.isin(table.network, networks[order[:size]])
            for kind in KINDS:
                rows = table.rows(kind, "runtime_s", options.min_samples)
                seen, asked = rows & inside, rows & ~inside
                if int(seen.sum()) < options.min_rows or not asked.any():
                    continue
                answers = answered(table, seen, table, asked, (kind, "runtime_s"), options)
                errors.append(answers / table.data.number("runtime_s")[asked] - 1)
        if errors:
            points.append((size, float(np.sqrt(np.mean(np.concatenate(errors) ** 2)))))
    return tuple(points)
