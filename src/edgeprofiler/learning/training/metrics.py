"""Errors of predictions against measurements."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.network import FloatArray

NAMES = ("rmspe", "mape", "within_10", "rmse", "mse", "mae", "r2")
"""Errors in the order in which they are shown; the first three are shares, not per cent."""


def errors_of(predicted: FloatArray, measured: FloatArray) -> dict[str, float | int | None]:
    """Return the errors of `predicted` against `measured`, pairs with a NaN left out.

    RMSPE, MAPE and the share within 10 % are relative to the measured value; RMSE and MAE are in
    its unit. R2 is `None` where the measured values do not vary; all are where nothing is left.
    """
    both = np.isfinite(predicted) & np.isfinite(measured)
    guess, truth = predicted[both], measured[both]
    if not len(truth):
        return {"count": 0, **dict.fromkeys(NAMES)}
    error = guess - truth
    relative = error / truth
    variance = float(np.mean((truth - truth.mean()) ** 2))
    mse = float(np.mean(error**2))
    return {
        "count": len(truth),
        "rmspe": float(np.sqrt(np.mean(relative**2))),
        "mape": float(np.mean(np.abs(relative))),
        "within_10": float(np.mean(np.abs(relative) <= 0.1)),
        "rmse": float(np.sqrt(mse)),
        "mse": mse,
        "mae": float(np.mean(np.abs(error))),
        "r2": 1.0 - mse / variance if variance > 0 else None,
    }
