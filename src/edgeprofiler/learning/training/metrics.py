"""Errors of predictions as artefacts and evaluations keep them."""

from __future__ import annotations

from edgeprofiler.core.network import FloatArray
from edgeprofiler.prediction.accuracy import figures


def errors_of(predicted: FloatArray, measured: FloatArray) -> dict[str, float | int | None]:
    """Return how many pairs are known, and their `Figures` by name; `None` where there is none."""
    found = figures(measured, predicted)
    return {"count": found.rows, **found.as_dict()}
