"""Fitting one estimator a kind and quantity, and predicting what was left out."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from functools import partial
from typing import Any

import numpy as np

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.core.parallel import ALONE, Workers, mapped
from edgeprofiler.core.text import first_line
from edgeprofiler.learning.training.groups import share_out
from edgeprofiler.learning.training.options import KINDS, QUANTITIES, TrainingOptions
from edgeprofiler.learning.training.select import TrainingTable, folds_of
from edgeprofiler.prediction.features import FEATURES

Key = tuple[str, str]
"""Kind of layer and quantity."""

FLOOR = 0.25
"""No prediction falls below this share of the smallest value in training."""

POWER_ERROR = 0.05
"""Relative error of a layer's power beside its standard error, for weights."""


@contextmanager
def one_thread() -> Iterator[None]:
    """Run numeric libraries on one thread: faster for small tables, and the same each time."""
    with require("learn"):
        from threadpoolctl import threadpool_limits
    with threadpool_limits(limits=1):
        yield


def fit_one(table: TrainingTable, rows: BoolArray, key: Key, options: TrainingOptions) -> Any:
    """Return an estimator of the recipe, fitted on `rows`.

    Raises:
        UsageError: an option of the recipe has a value that it cannot have.
        InsufficientData: the recipe's estimator cannot be fitted on so few rows.
    """
    kind, quantity = key
    estimator = plugins.make(
        "recipes", options.recipe, options.options, None, kind, quantity, FEATURES, options.seed
    )
    target = table.data.number(quantity)[rows]
    extra = {}
    if quantity != "runtime_s" and "sample_weight" in inspect.signature(estimator.fit).parameters:
        error = np.nan_to_num(table.data.number("standard_error_w")[rows])
        extra["sample_weight"] = 1.0 / (POWER_ERROR**2 + (error / target) ** 2) * POWER_ERROR**2
    try:
        with warnings.catch_warnings():
            # A lasso that stops at its number of iterations is a fit like any other here: how
            # good it is shows on networks left out, not in its duality gap.
            warnings.filterwarnings("ignore", category=UserWarning, module="sklearn")
            return estimator.fit(table.features[rows], target, **extra)
    except ValueError as error:
        # scikit-learn's error for a bad parameter is in a private module.
        if type(error).__name__ == "InvalidParameterError":
            given = ", ".join(f"{name}={value}" for name, value in options.options.items())
            raise UsageError(
                f"the recipe {options.recipe!r} cannot have {given or 'its options'} "
                f"({first_line(error)})"
            ) from error
        raise InsufficientData(
            f"the recipe {options.recipe!r} cannot be fitted on {int(rows.sum())} {kind} rows "
            f"({first_line(error)})"
        ) from error


def keys_of(table: TrainingTable, options: TrainingOptions) -> Iterator[tuple[Key, BoolArray]]:
    """Yield the models that have enough rows, with those rows."""
    for quantity in QUANTITIES:
        for kind in KINDS:
            rows = table.rows(kind, quantity, options.min_samples)
            enough = int(rows.sum()) >= options.min_rows
            if enough and len(np.unique(table.network[rows])) >= 2:
                yield (kind, quantity), rows


def predicted(estimator: Any, table: TrainingTable, rows: BoolArray, least: float) -> FloatArray:
    """Return an estimator's predictions for `rows`, none below `least`."""
    return np.maximum(np.asarray(estimator.predict(table.features[rows]), np.float64), least)


def least_of(table: TrainingTable, rows: BoolArray, quantity: str) -> float:
    """Return the least that a model may answer."""
    return float(FLOOR * table.data.number(quantity)[rows].min())


def answered(
    seen: TrainingTable,
    rows: BoolArray,
    table: TrainingTable,
    asked: BoolArray,
    key: Key,
    options: TrainingOptions,
) -> FloatArray:
    """Return what a model that is fitted on `rows` of `seen` answers for the rows `asked`."""
    estimator = fit_one(seen, rows, key, options)
    return predicted(estimator, table, asked, least_of(seen, rows, key[1]))


def left_out(
    table: TrainingTable, options: TrainingOptions, workers: Workers = ALONE
) -> Mapping[Key, FloatArray]:
    """Return what models answer that never saw a row's network; NaN where there is no model.

    Args:
        options: `folds` says how many groups of networks are left out in turn.
        workers: who works on the folds.
    """
    folds = folds_of(table.network, options.folds)
    found = {key: np.full(len(table.data), np.nan) for key, _ in keys_of(table, options)}
    work = partial(_without, table, options, folds)

    def named(fold: int) -> str:
        return f"without {', '.join(np.unique(table.network[folds == fold]).tolist())}"

    outcomes = mapped(work, range(int(folds.max()) + 1), workers, stage="folds", named=named)
    with closing(outcomes):
        for outcome in outcomes:
            for key, (rows, answers) in outcome.get().items():
                found[key][rows] = answers
    return found


def _without(
    table: TrainingTable, options: TrainingOptions, folds: FloatArray, fold: int
) -> dict[Key, tuple[BoolArray, FloatArray]]:
    """Return the rows of a fold, and what models say of them that saw the others."""
    found = {}
    with one_thread():
        seen = share_out(table.take(folds != fold))
        for key, rows in keys_of(table, options):
            inside, outside = rows[folds != fold], rows & (folds == fold)
            if outside.any() and inside.any():
                found[key] = outside, answered(seen, inside, table, outside, key, options)
    return found
