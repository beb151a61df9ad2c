"""`train(data, device)`: six models, their errors, and the artifact that holds them."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from edgeprofiler._version import __version__
from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InsufficientData, Unsupported
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.core.parallel import ALONE, Workers
from edgeprofiler.core.values import Value
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.training.export import ArrayWriter, array_form
from edgeprofiler.learning.training.fit import (
    Key,
    fit_one,
    keys_of,
    least_of,
    left_out,
    one_thread,
    predicted,
)
from edgeprofiler.learning.training.groups import share_out, unjudged
from edgeprofiler.learning.training.metrics import errors_of
from edgeprofiler.learning.training.networks import correction_of, network_rows, overhead_of
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.learning.training.select import TrainingTable, missing_kinds, split, table_of
from edgeprofiler.prediction.features import FEATURES, Ratings
from edgeprofiler.prediction.predictors.arrays import parse_model
from edgeprofiler.prediction.predictors.artifact import SCHEMA, Artifact

EXTENTS = ("log_macs", "log_bytes", "log_in_channels", "log_out_channels", "log_positions")
"""Features whose range in training is kept, to say how far a layer lies outside."""

LIBRARIES = ("numpy", "scikit-learn")


def train(
    data: Dataset,
    device: Device,
    options: TrainingOptions | None = None,
    workers: Workers = ALONE,
) -> Artifact:
    """Return a trained predictor: one runtime and one power model a kind of layer.

    Equal rows, options and library versions give an artifact of equal bytes, in whatever order
    the rows are listed.

    Args:
        data: measured layers of one device, of at least two networks.
        device: the board whose datasheet stands behind the features.
        options: recipe, seed, folds and limits.
        workers: who works on the folds that judge it.

    Raises:
        InvalidInput: a row cannot be; row and column are named.
        InsufficientData: too few rows or networks for any model.
        Unavailable: scikit-learn is not installed.
    """
    options = options or TrainingOptions()
    training, _ = split(data, options)
    board = Ratings.of(device)
    table = table_of(training, board)
    with one_thread():
        answers = left_out(table, options, workers)
        if not answers:
            raise InsufficientData(
                "no kind of layer has enough usable rows: "
                + "; ".join(missing_kinds(table, options))
            )
        models, arrays, extra = _models(table, answers, options)
    totals = network_rows(table, answers, device)
    arrays.update({f"network.{name}": np.sort(values) for name, values in totals.residuals.items()})
    header = {
        "schema": SCHEMA,
        "recipe": {"name": options.recipe, "options": dict(options.options), "seed": options.seed},
        "features": list(FEATURES),
        "device": {
            "name": device.name,
            "mode": device.mode.name,
            "runtime": _host(training) or device.runtime,
        },
        "board": asdict(board),
        "provenance": _provenance(training, options),
        "models": models,
        "overhead": overhead_of(training),
        "correction": correction_of(table, device),
        "metrics": {"networks": totals.metrics},
        "notes": missing_kinds(table, options),
        "versions": _versions(),
    }
    return Artifact(header, arrays, extra)


def _models(
    table: TrainingTable, answers: Mapping[Key, FloatArray], options: TrainingOptions
) -> tuple[list[dict[str, Any]], dict[str, Any], dict[str, bytes]]:
    models: list[dict[str, Any]] = []
    arrays: dict[str, Any] = {}
    extra: dict[str, bytes] = {}
    shared, together = share_out(table), unjudged(table)
    for key, rows in keys_of(table, options):
        kind, quantity = key
        name = f"{kind}-{quantity}"
        estimator = fit_one(shared, rows, key, options)
        least = least_of(shared, rows, quantity)
        judged = rows & ~together if quantity != "runtime_s" else rows
        judged = judged if int(judged.sum()) >= options.min_rows else rows
        target = table.data.number(quantity)[judged]
        known = answers[key][judged]
        residuals = np.log(known / target)
        residuals = np.sort(residuals[np.isfinite(residuals)])
        writer = ArrayWriter(name)
        form = _form(estimator, writer, table, rows, least, name, extra)
        arrays.update(writer.arrays)
        arrays[f"{name}.residuals"] = residuals
        models.append(
            {
                "kind": kind,
                "quantity": quantity,
                "rows": int(rows.sum()),
                "networks": len(np.unique(table.network[rows])),
                "least": least,
                **form,
                "residuals": f"{name}.residuals",
                "extents": _extents(table, rows),
                "metrics": errors_of(known, target),
            }
        )
    return models, arrays, extra


def _form(
    estimator: Any,
    writer: ArrayWriter,
    table: TrainingTable,
    rows: BoolArray,
    least: float,
    name: str,
    extra: dict[str, bytes],
) -> dict[str, Any]:
    try:
        spec = array_form(estimator, writer, len(FEATURES))
    except Unsupported as error:
        from edgeprofiler.prediction.user_estimators import dump_estimator

        writer.arrays.clear()
        file = f"{name}.skops"
        extra[file], trusted = dump_estimator(estimator)
        return {"form": "skops", "file": file, "trusted": trusted, "because": str(error)}
    plain = parse_model(Value(spec, "the trained model"), writer.arrays, len(FEATURES))
    wanted = predicted(estimator, table, rows, least)
    got = np.maximum(plain.predict(table.features[rows]), least)
    if not np.allclose(got, wanted, rtol=1e-6, atol=0):
        raise Unsupported(
            f"the {name} model as plain arrays differs from its estimator by "
            f"{np.max(np.abs(got / wanted - 1)):.2g}"
        )
    return {"form": "arrays", "model": spec}


def _extents(table: TrainingTable, rows: BoolArray) -> dict[str, dict[str, Any]]:
    index = np.flatnonzero(rows)
    networks, names = table.network, table.data.text("name")
    found = {}
    for feature in EXTENTS:
        values = table.features[index, FEATURES.index(feature)]
        low, high = int(np.argmin(values)), int(np.argmax(values))
        found[feature] = {
            "low": float(values[low]),
            "high": float(values[high]),
            "smallest": f"{networks[index[low]]}: {names[index[low]]}"[:120],
            "largest": f"{networks[index[high]]}: {names[index[high]]}"[:120],
        }
    return found


def _host(data: Dataset) -> str:
    """Return what called all networks of a data set, without its version; else nothing."""
    found = {text.split()[0] if text else "" for text in data.text("runtime").tolist()}
    return str(found.pop()) if len(found) == 1 else ""


def _provenance(data: Dataset, options: TrainingOptions) -> dict[str, Any]:
    return {
        "rows": len(data),
        "networks": list(data.networks),
        "left_out": sorted(options.test_networks),
        "devices": sorted(set(data.text("device").tolist())),
        "modes": sorted(set(data.text("mode").tolist())),
        "precisions": sorted(set(data.text("precision").tolist()) - {""}),
        "runtimes": sorted(set(data.text("runtime").tolist())),
        "simulated": bool(data.integer("simulated").any()),
        "dataset_sha256": data.sha256,
        "folds": options.folds,
    }


def _versions() -> dict[str, str]:
    found = {"edgeprofiler": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
