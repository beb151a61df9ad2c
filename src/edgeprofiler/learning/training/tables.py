"""Errors of trained models, and what a search found, as tables."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from edgeprofiler.core.quantity import Estimate, Quantity
from edgeprofiler.core.table import Column, Content, Field, Table, tabulate
from edgeprofiler.learning.training.evaluation import SHOWN, Answered, Evaluation, Metrics
from edgeprofiler.learning.training.options import KINDS
from edgeprofiler.learning.training.tuning import Tuning
from edgeprofiler.prediction.predictors.artifact import Artifact

_Judged = tuple[str, Answered, Metrics, str]
"""What was predicted, by what, with which errors, and the unit of their mean."""

_MODELS = {"runtime_s": "runtime", "power_above_idle_w": "power above idle"}
_MAE = {"runtime_s": "µs", "power_above_idle_w": "W", "power_w": "W"}
_TOTALS = {
    "runtime_s": "runtime",
    "energy_j": "energy",
    "power_above_idle_w": "mean power above idle",
}


def model_table(artifact: Artifact) -> Table:
    """Return the models of a predictor with their errors on networks left out in turn."""
    about = "errors on networks left out in turn"
    models: Sequence[Mapping[str, Any]] = artifact.header["models"]
    return tabulate("", models, (
        (Column("model"), lambda model: _MODELS[model["quantity"]]),
        (Column("layers"), lambda model: model["kind"]),
        (Column("rows", kind="count"), lambda model: model["rows"]),
        (Column("networks", kind="count"), lambda model: model["networks"]),
        *_errors(lambda model: model["metrics"]),
    ), (about, *artifact.header["notes"]))  # fmt: skip


def error_table(metrics: Mapping[str, float]) -> Table:
    """Return the errors that were logged with a training, by model."""
    models: dict[str, dict[str, float]] = {}
    for name, value in sorted(metrics.items()):
        model, _, error = name.rpartition(".")
        if model:
            models.setdefault(model, {})[error] = value
    return tabulate("", models.items(), (
        (Column("errors on left-out networks"), lambda model: model[0]),
        *_errors(lambda model: model[1]),
    ))  # fmt: skip


def evaluation_tables(result: Evaluation) -> tuple[Table, Table]:
    """Return the errors of single layers, and those of whole networks."""
    layers: list[_Judged] = []
    for quantity, title in SHOWN.items():
        unit = _MAE[quantity]
        layers += [(title, w, result.errors(w, "all", quantity), unit) for w in result.ways]
        recipe = result.ways[0]
        layers += [(f"  {k}", recipe, result.errors(recipe, k, quantity), unit) for k in KINDS]
    networks: list[_Judged] = [
        (title, way, way.totals.metrics[name], "")
        for name, title in _TOTALS.items()
        for way in result.ways
    ]
    coverage = (
        f"layers inside the 90 % interval of {SHOWN[name]}: {held}"
        for name, held in result.coverage.items()
    )

    def fields(label: str) -> list[Field[_Judged]]:
        return [
            (Column(label), lambda line: line[0]),
            (Column("by"), lambda line: line[1].name),
            (Column("n", kind="count"), lambda line: line[2]["count"]),
            *_errors(lambda line: line[2]),
        ]

    return (
        tabulate(
            f"{len(result.table.data)} layers, {result.scheme}",
            [line for line in layers if line[2]["count"]],
            (
                *fields("layers"),
                (Column("MAE", kind="quantity"), _mae),
                (Column("R2", kind="number"), lambda line: line[2]["r2"]),
            ),
        ),
        tabulate(
            "",
            [line for line in networks if line[2]["count"]],
            fields("networks"),
            (*coverage, *result.notes),
        ),
    )


def tuning_table(found: Tuning) -> Table:
    """Return the best options and how much each matters; the notes tell score and trials."""
    default = ""
    if found.default_score is not None:
        default = f"; defaults: {100 * found.default_score:.2f} %"
    stopped = sum(1 for trial in found.trials if trial.score is None)
    seconds = statistics.median(trial.seconds for trial in found.trials)
    notes = (
        f"RMSPE on left-out networks {100 * found.score:.2f} %{default}",
        f"{len(found.trials)} trials, {stopped} stopped early, median {seconds:.2f} s",
        f"study {found.study} in {found.storage}",
    )
    return tabulate("", found.options.options.items(), (
        (Column("option"), lambda option: option[0]),
        (Column("best", kind="number", digits=4), lambda option: _option(option[1])),
        (Column("importance", "%", "number"), lambda option: found.importance.get(option[0])),
    ), notes)  # fmt: skip


def _errors(read: Callable[[Any], Mapping[str, Any]]) -> list[Field[Any]]:
    """Columns of relative errors, and where they stand in what `read` returns."""
    return [
        (Column("RMSPE", "%", "number"), lambda item: read(item)["rmspe"]),
        (Column("MAPE", "%", "number"), lambda item: read(item)["mape"]),
        (Column("within 10 %", "%", "number"), lambda item: read(item)["within_10"]),
    ]


def _mae(line: _Judged) -> Quantity:
    mae = line[2]["mae"]
    return Quantity(Estimate(math.nan if mae is None else float(mae)), line[3])


def _option(value: object) -> Content:
    return value if isinstance(value, float) else str(value)
