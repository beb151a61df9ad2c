"""Power of one board, fitted on a user's rows: the host's base, and one factor on all the rest."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.calibration.power import RATES, PowerRows, power_above_idle
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.prediction.calibration.solve import Gaussian, left_out, solve
from edgeprofiler.prediction.costmodel.parameters import Parameters, calibration_of
from edgeprofiler.prediction.costmodel.power import base_power

SPREAD: Mapping[str, float] = {"base": 0.5, "rest": 0.5}
NOISE = 0.06
LEAST_ROWS = 3


def fit_power(
    device: Device, numbers: Parameters, samples: Sequence[Sample], groups: Sequence[str]
) -> tuple[dict[str, float], FloatArray, FloatArray, list[str]]:
    """Return the numbers of power fitted on rows with power; times and host stay as they are.

    Args:
        device: the board, its mode and host.
        numbers: what its times were fitted to.
        samples: rows, of which some have power.
        groups: what to leave out together, one label a row.

    Returns:
        Numbers to keep, watts as fitted and with each row's group left out (NaN where nothing was
        measured), and what to say of it.
    """
    watts = np.array([power_above_idle(sample) for sample in samples])
    known = np.isfinite(watts)
    nothing = np.full(len(samples), np.nan)
    before = calibration_of(device)
    same = before is not None and before.mode.clocks == device.mode.clocks
    known_rates = before.parameters if before is not None and same else {}
    kept = {name: known_rates[name] for name in RATES if name in known_rates}
    notes = _not_above(device, samples, known)
    if not known.any():
        return kept, nothing, nothing, notes
    if known.sum() < LEAST_ROWS:
        note = f"{int(known.sum())} rows with power are too few (at least {LEAST_ROWS}); not used"
        return kept, nothing, nothing, [*notes, note]
    rows = PowerRows.of(samples, [numbers] * len(samples), profiled=False)
    base = base_power(device, numbers)
    rates = [float(getattr(numbers, name)) for name in RATES]
    rest = rows.power(np.array([0.0, *rates[1:], 0.0, 0.0]))
    observed = np.log(np.where(known, watts, 1.0))

    def model(logs: FloatArray) -> FloatArray:
        return np.asarray(np.log(base * np.exp(logs[0]) + rest * np.exp(logs[1])))

    prior = Gaussian(np.zeros(2), np.array(list(SPREAD.values())))
    noise = np.full(len(watts), NOISE)

    def fit(chosen: BoolArray) -> FloatArray:
        return solve(model, observed, noise, prior, weights=chosen.astype(np.float64)).values

    values = fit(known)
    left = left_out(np.array(groups), lambda out: np.exp(model(fit(known & ~out))))
    left[~known] = np.nan
    fitted = np.where(known, np.exp(model(values)), np.nan)
    gains = np.exp(values[[0, 1, 1, 1]])
    power = {name: rate * float(g) for name, rate, g in zip(RATES, rates, gains, strict=True)}
    return power, fitted, left, notes


def _not_above(device: Device, samples: Sequence[Sample], known: BoolArray) -> list[str]:
    """Return what to say of boards' powers that are not above idle."""
    count = sum(
        math.isfinite(sample.row.power_w) and not fits
        for sample, fits in zip(samples, known.tolist(), strict=True)
    )
    if not count:
        return []
    note = (
        f"power of {count} rows is not above the {device.idle_power_w:g} W of the idle board, and "
        "not used; a file of your board may have its own `idle_power_w`"
    )
    return [note]
