"""Which rows of a data set train which model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.network import BoolArray, Columns, FloatArray
from edgeprofiler.learning.dataset import Dataset, check
from edgeprofiler.learning.dataset.rows import columns_of
from edgeprofiler.learning.training.options import KINDS, QUANTITIES, TrainingOptions
from edgeprofiler.prediction.features import Ratings, features


@dataclass(frozen=True, eq=False)
class TrainingTable:
    """A data set ready to train on: rows in canonical order with their features."""

    data: Dataset
    columns: Columns
    features: FloatArray
    usable: BoolArray
    """Rows whose features are all known."""

    @property
    def network(self) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
        """Name of each row's network."""
        return self.data.text("network")

    def rows(self, kind: str, quantity: str, min_samples: int) -> BoolArray:
        """Return which rows train the model of `quantity` for layers of `kind`."""
        values = self.data.number(quantity)
        chosen = self.usable & (self.data.text("kind") == kind) & np.isfinite(values)
        if quantity != "runtime_s":
            samples = self.data.number("samples")
            chosen &= ~(samples < min_samples)  # unknown is not few
        return np.asarray(chosen)

    def take(self, rows: BoolArray) -> TrainingTable:
        """Return some of the rows."""
        return TrainingTable(
            self.data.take(rows), self.columns.take(rows), self.features[rows], self.usable[rows]
        )


def table_of(data: Dataset, board: Ratings, source: object = "data set") -> TrainingTable:
    """Return a data set with its features, checked and in canonical order.

    Raises:
        InvalidInput: a row cannot be; row and column are named.
    """
    ordered = check(data, source).sorted()
    columns = columns_of(ordered)
    values = features(columns, board)
    known = columns.covered & np.isfinite(values).all(axis=1)
    return TrainingTable(ordered, columns, values, known)


def split(data: Dataset, options: TrainingOptions) -> tuple[Dataset, Dataset]:
    """Return rows to train on and rows of the test networks.

    Raises:
        UsageError: a test network is not in the data set.
        InsufficientData: fewer than two networks are left to train on.
    """
    networks = data.text("network")
    unknown = sorted(set(options.test_networks) - set(data.networks))
    if unknown:
        raise UsageError(
            f"no network {unknown[0]!r} in the data set; it has {', '.join(data.networks)}"
        )
    test = np.isin(networks, list(options.test_networks))
    training = data.take(~test)
    if len(training.networks) < 2:
        raise InsufficientData(
            f"the data set has {len(training.networks)} network to train on; at least 2 are "
            "needed, because errors are known only for networks that training did not see"
        )
    return training, data.take(test)


def folds_of(networks: np.ndarray[tuple[int], np.dtype[np.str_]], folds: int) -> FloatArray:
    """Return a fold for each row; a network's rows share one, and sizes are balanced.

    It depends on names and sizes of the networks alone, never on the order of files.
    """
    names, counts = np.unique(networks, return_counts=True)
    number = min(max(folds, 2), len(names))
    filled = [0] * number
    place: dict[str, int] = {}
    for index in np.lexsort((names, -counts)).tolist():
        smallest = filled.index(min(filled))
        place[str(names[index])] = smallest
        filled[smallest] += int(counts[index])
    return np.array([place[name] for name in networks.tolist()])


def missing_kinds(table: TrainingTable, options: TrainingOptions) -> list[str]:
    """Return a line for each model that has too few rows to be trained."""
    lines = []
    for quantity in QUANTITIES:
        for kind in KINDS:
            rows = table.rows(kind, quantity, options.min_samples)
            count, groups = int(rows.sum()), len(np.unique(table.network[rows]))
            if count < options.min_rows or groups < 2:
                name = "runtime" if quantity == "runtime_s" else "power"
                lines.append(
                    f"no {name} model for {kind} layers ({count} usable rows of {groups} "
                    "networks): the analytic model answers for them"
                )
    return lines
