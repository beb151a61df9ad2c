"""A trained predictor from where it is kept: a folder, or a registry's address."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from edgeprofiler.core import plugins
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.network import Kind
from edgeprofiler.prediction.features import FEATURES, Board
from edgeprofiler.prediction.predictors.arrays import parse_model
from edgeprofiler.prediction.predictors.artifact import Artifact
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

_REGISTRY = "models:/"


def load_artifact(spec: str | Path) -> Artifact:
    """Return the artifact that `spec` names: a folder, or `models:/NAME@ALIAS`.

    Raises:
        InvalidInput: there is none, or it was altered or cut off.
    """
    text = str(spec)
    store = plugins.load("stores", "mlflow" if text.startswith(_REGISTRY) else "folder")()
    artifact: Artifact = store.get(text)
    return artifact


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
        runtime: host runtime asked about; where `None`, the device's, or the one that was
            measured where there is no device either.

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
    header = artifact.header
    try:
        if tuple(header["features"]) != FEATURES:
            raise InvalidInput(
                source, "was trained with other features than this version computes",
                "train it again, or use the version named in its header",
            )  # fmt: skip
        wanted = header["device"]
        device = _device(wanted, device, runtime, source)
        foreign = str(wanted["runtime"]) if device.runtime != wanted["runtime"] else ""
        return TrainedPredictor(
            device=device,
            board=_board(header["board"]),
            models=tuple(_model(entry, artifact, trusted, source) for entry in header["models"]),
            overhead=Overhead(**{k: _number(v) for k, v in header["overhead"].items()}),
            correction=Correction(
                **{
                    k: {op: float(f) for op, f in v.items()}
                    for k, v in header["correction"].items()
                }
            ),
            network_residuals={
                name.removeprefix("network."): values
                for name, values in artifact.arrays.items()
                if name.startswith("network.") and len(values)
            },
            confidence=confidence,
            recipe=str(header["recipe"]["name"]),
            trained_on=_trained_on(header),
            other_runtime=foreign,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise InvalidInput(
            source, f"its header is malformed ({type(error).__name__}: {error})"
        ) from error


def _device(
    wanted: Mapping[str, Any], asked: Device | None, runtime: str | None, source: object
) -> Device:
    """Return the device that is asked about; the one that was trained for where `None`."""
    name, mode = wanted["name"], wanted["mode"]
    if asked is None:
        return load_device(f"{name}@{mode}", runtime or wanted["runtime"])
    if asked.name != name:
        raise UsageError(
            f"{source} was trained for {name}, not {asked.name}; "
            f"name it with `device` {name}@{mode}"
        )
    # Rows of one mode say nothing of what other clocks do to a layer's time and power.
    if asked.mode.name != mode:
        raise UsageError(
            f"{source} was trained for {name} in mode {mode}, not {asked.mode.name}; "
            f"name it with `device` {name}@{mode}, or train on rows of that mode"
        )
    return asked if runtime is None else asked.with_runtime(runtime)


def _board(entry: Mapping[str, Any]) -> Board:
    return Board(
        peak_flops=tuple(float(v) for v in entry["peak_flops"]),
        vector_flops=tuple(float(v) for v in entry["vector_flops"]),
        bandwidth_bytes_per_s=float(entry["bandwidth_bytes_per_s"]),
        sms=int(entry["sms"]),
    )


def _model(
    entry: Mapping[str, Any], artifact: Artifact, trusted: Sequence[str], source: object
) -> LayerModel:
    regressor: Regressor
    if entry["form"] == "arrays":
        regressor = parse_model(entry["model"], artifact.arrays, len(FEATURES), source)
    else:
        from edgeprofiler.prediction.user_estimators import load_estimator

        named = [t for t in os.environ.get(TRUST_VARIABLE, "").split(",") if t]
        data = artifact.extra[entry["file"]]
        regressor = load_estimator(data, [*trusted, *named], source)
    return LayerModel(
        kind=cast("Kind", entry["kind"]),
        quantity=str(entry["quantity"]),
        regressor=regressor,
        least=float(entry["least"]),
        residuals=artifact.arrays[entry["residuals"]],
        extents={name: Extent(**values) for name, values in entry["extents"].items()},
    )


def _trained_on(header: Mapping[str, Any]) -> str:
    facts = header["provenance"]
    what = "simulated layers" if facts["simulated"] else "layers"
    return (
        f"{header['recipe']['name']}, trained on {facts['rows']} {what} of "
        f"{len(facts['networks'])} networks on {', '.join(facts['devices'])} "
        f"({', '.join(facts['runtimes'])})"
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)
