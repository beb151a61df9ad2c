"""A trained predictor from where it is kept: a folder, or a registry's address."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import limits, plugins
from edgeprofiler.core.choices import DEFAULT_RUNTIME, PRECISIONS, RUNTIMES
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.device.loading import REGISTRY
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.network import DTYPE_CODES, KINDS, FloatArray, Kind
from edgeprofiler.core.values import Value
from edgeprofiler.prediction.features import FEATURES, Ratings
from edgeprofiler.prediction.predictors.arrays import parse_model
from edgeprofiler.prediction.predictors.artifact import Artifact, digest_of
from edgeprofiler.prediction.predictors.trained import (
    Correction,
    Extent,
    LayerModel,
    Overhead,
    Regressor,
    TrainedPredictor,
)

TRUST_VARIABLE = "EDGEPROFILER_TRUSTED_TYPES"
"""Names of types, separated by commas, that a user's own estimator may load."""

QUANTITIES = ("runtime_s", "power_above_idle_w")
"""What models are trained for, one for each kind of layer."""

_DTYPES = len({*DTYPE_CODES.values()})
_WRONG = 1e6
"""No model is wrong by more than this factor, and no correction is larger."""
_FAR = 700.0
"""No feature, a logarithm, lies farther from zero: its exponential would not be a number."""


def load_artifact(spec: str | Path) -> Artifact:
    """Return the artifact that `spec` names: a folder, or `models:/NAME@ALIAS`.

    Raises:
        InvalidInput: there is none, or it was altered or cut off.
    """
    text = str(spec)
    store = plugins.load("stores", "mlflow" if text.startswith(REGISTRY) else "folder")()
    kept = store.get(text)
    if not isinstance(kept, Artifact):
        raise InvalidInput(text, "is a board and no predictor", "name it as `device`")
    return kept


def load_predictor(
    spec: str | Path,
    device: Device | None = None,
    confidence: float = 0.9,
    trusted: Sequence[str] = (),
    *,
    runtime: str | None = None,
) -> TrainedPredictor:
    """Return the trained predictor that `spec` names.

    Args:
        spec: a predictor's folder, or `models:/NAME@ALIAS`.
        device: the board asked about; the one that it was trained for where `None`.
        confidence: share of true values that the intervals are to cover.
        trusted: types that a user's own estimator may load, beside those named in the
            environment variable EDGEPROFILER_TRUSTED_TYPES.
        runtime: host runtime asked about; where `None`, the one that was measured.

    Raises:
        InvalidInput: there is none there, it was altered or cut off, its features are others.
        UsageError: it was trained for another board, or in another power mode.
    """
    artifact = load_artifact(spec)
    return predictor_of(artifact, device, confidence, trusted, source=spec, runtime=runtime)


def predictor_of(
    artifact: Artifact,
    device: Device | None = None,
    confidence: float = 0.9,
    trusted: Sequence[str] = (),
    *,
    source: object = "predictor",
    runtime: str | None = None,
) -> TrainedPredictor:
    """Return the predictor that an artifact holds; the arguments are those of `load_predictor`."""
    header = Value({**artifact.header}, source)
    precisions = header["provenance"]["precisions"].default([]).texts()
    if header["features"].texts() != FEATURES:
        raise header.fail(
            "was trained with other features than this version computes",
            "train it again, or use the version named in its header",
        )
    wanted = header["device"]
    device = _device(wanted, device, runtime)
    measured = wanted["runtime"].text()
    if len(precisions) == 1 and precisions[0] in PRECISIONS:
        device = replace(device, precision=precisions[0])
    return TrainedPredictor(
        device=device,
        board=_board(header["board"]),
        models=tuple(_model(entry, artifact, trusted) for entry in header["models"].items()),
        overhead=_overhead(header["overhead"]),
        correction=_correction(header["correction"]),
        network_residuals={
            name.removeprefix("network."): _residuals(values, f"{source}: {name}")
            for name, values in artifact.arrays.items()
            if name.startswith("network.") and values.size
        },
        confidence=confidence,
        recipe=header["recipe"]["name"].text(),
        trained_on=_trained_on(header),
        host=measured,
        precisions=precisions,
        other_runtime=measured if runtime not in (None, measured) else "",
        digest=digest_of(artifact),
    )


def _device(wanted: Value, asked: Device | None, runtime: str | None) -> Device:
    """Return the device that is asked about; the one that was trained for where `None`."""
    name, mode = wanted["name"].name(), wanted["mode"].name()
    measured = wanted["runtime"].name()
    # the analytic model knows no host but these; it answers for what was not measured alone
    host = runtime or (measured if measured in RUNTIMES else DEFAULT_RUNTIME)
    if asked is None:
        return load_device(f"{name}@{mode}", host)
    if asked.name != name:
        raise UsageError(
            f"{wanted.source} was trained for {name}, not {asked.name}; "
            f"name it with `device` {name}@{mode}"
        )
    # Rows of one mode say nothing of what other clocks do to a layer's time and power.
    if not asked.runs_in(mode):
        raise UsageError(
            f"{wanted.source} was trained for {name} in mode {mode}, not {asked.mode.name}; "
            f"name it with `device` {name}@{mode}, or train on rows of that mode"
        )
    return asked.with_runtime(host)


def _correction(value: Value) -> Correction:
    value.allow([part.name for part in fields(Correction)])
    return Correction(
        **{
            quantity: {op: factor.number(1 / _WRONG, _WRONG) for op, factor in table.entries()}
            for quantity, table in value.entries()
        }
    )


def _board(entry: Value) -> Ratings:
    return Ratings(
        peak_flops=tuple(value.number(above=0) for value in entry["peak_flops"].items(_DTYPES)),
        vector_flops=tuple(value.number(above=0) for value in entry["vector_flops"].items(_DTYPES)),
        bandwidth_bytes_per_s=entry["bandwidth_bytes_per_s"].number(above=0),
        sms=entry["sms"].integer(1),
    )


def _overhead(entry: Value) -> Overhead:
    entry.allow((*Overhead.__dataclass_fields__,))
    return Overhead(
        **{
            name: value.number_or_nan(
                0, limits.BOARD_WATTS if name.endswith("_w") else limits.LAYER_SECONDS
            )
            for name, value in entry.entries()
        }
    )


def _model(entry: Value, artifact: Artifact, trusted: Sequence[str]) -> LayerModel:
    regressor: Regressor
    if entry["form"].choice(("arrays", "skops")) == "arrays":
        regressor = parse_model(entry["model"], artifact.arrays, len(FEATURES))
    else:
        from edgeprofiler.prediction.user_estimators import load_estimator

        named = [t for t in os.environ.get(TRUST_VARIABLE, "").split(",") if t]
        data = artifact.extra[entry["file"].choice((*artifact.extra,))]
        regressor = load_estimator(data, [*trusted, *named], entry.source)
    extents = entry["extents"]
    extents.allow(FEATURES)
    return LayerModel(
        kind=cast("Kind", entry["kind"].choice(KINDS)),
        quantity=entry["quantity"].choice(QUANTITIES),
        regressor=regressor,
        least=entry["least"].number(above=0),
        residuals=_residuals(
            artifact.arrays[entry["residuals"].choice((*artifact.arrays,))],
            f"{entry.source}: {entry['residuals'].raw}",
        ),
        extents={name: _extent(value) for name, value in extents.entries()},
    )


def _residuals(values: npt.NDArray[Any], source: str) -> FloatArray:
    """Return logarithms of predicted over measured; refuse others than numbers that can be."""
    found = values.astype(np.float64, copy=False)
    if found.ndim != 1 or not (np.abs(found) <= math.log(_WRONG)).all():
        raise InvalidInput(source, "holds residuals that are no list of numbers near zero")
    return found


def _extent(entry: Value) -> Extent:
    low = entry["low"].number(-_FAR, _FAR)
    high = entry["high"].number(low, _FAR)
    return Extent(low, high, entry["smallest"].text(), entry["largest"].text())


def _trained_on(header: Value) -> str:
    facts = header["provenance"]
    what = "simulated layers" if facts["simulated"].raw else "layers"
    return (
        f"{header['recipe']['name'].text()}, trained on {facts['rows'].integer(0)} {what} of "
        f"{len(facts['networks'].items())} networks on {', '.join(facts['devices'].texts())} "
        f"({', '.join(facts['runtimes'].texts())})"
    )
