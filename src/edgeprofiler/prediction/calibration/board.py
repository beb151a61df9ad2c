"""Calibrate one board on a few measured totals: a handful of factors around the shared numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.device import Calibration, Device
from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.network import BoolArray, FloatArray
from edgeprofiler.prediction.calibration.board_power import fit_power
from edgeprofiler.prediction.calibration.power import power_above_idle
from edgeprofiler.prediction.calibration.problem import Problem, Unknown
from edgeprofiler.prediction.calibration.rows import Rows, Sample
from edgeprofiler.prediction.calibration.solve import left_out
from edgeprofiler.prediction.costmodel.parameters import (
    DEVIATIONS,
    Parameters,
    calibration_of,
    parameters_of,
)
from edgeprofiler.prediction.uncertainty.conformal import half_width
from edgeprofiler.prediction.uncertainty.distance import shipped_width
from edgeprofiler.prediction.uncertainty.distributions import normal_quantile

SPREAD: Mapping[str, float] = {
    "speed": 0.12, "launch_s": 0.25, "efficiency_memory": 0.15, "efficiency_depthwise": 0.2,
    "efficiency_tensor": 0.12, "efficiency_lanes": 0.12,
}  # fmt: skip
"""How far a board may lie from where its fit starts, as deviations of a factor's logarithm."""

HOST_SPREAD = 0.7

NOISE = 0.06
"""Standard deviation of the logarithm of a measured time that no factor explains."""

KNEE = 2.5
"""Of Huber's loss: rows further out are weighted down."""

LEAST_ROWS = 3
FEW_ROWS = 5
IDENTIFIED = 0.95
"""A number counts as determined when its deviation falls below this share of the belief's."""

BELIEF = 5.0
"""Groups that the shipped networks' spread counts as, beside the user's own few."""

FLOOR = 0.03
"""Least 90 % half width in log space that is claimed: measurements repeat no better."""


@dataclass(frozen=True)
class BoardFit:
    """A calibration with what a person should see of it."""

    calibration: Calibration
    samples: tuple[Sample, ...]
    predicted_s: FloatArray
    """Seconds of each sample, fitted."""
    left_out_s: FloatArray
    """The same with its network left out."""
    start_s: FloatArray
    """The same before calibrating."""
    factors: Mapping[str, tuple[float, float, bool]]
    """Factor on the shared number, its standard deviation in log space, and whether the rows
    determined it at all."""
    predicted_w: FloatArray
    """Power above idle, fitted; NaN where it was not measured."""
    left_out_w: FloatArray
    warnings: tuple[str, ...]
    numbers: Parameters
    """The calibrated numbers."""

    def predict(self, samples: Sequence[Sample]) -> FloatArray:
        """Return the seconds of other samples of the same board, mode and host."""
        return np.exp(Rows.of(samples).log_seconds(self.numbers))

    @property
    def residuals(self) -> FloatArray:
        """Relative error of each row's time, fitted."""
        return self.predicted_s / self.measured_s - 1

    @property
    def measured_s(self) -> FloatArray:
        """Measured seconds of each row."""
        return np.array([sample.row.runtime_s for sample in self.samples])


def calibrate(
    device: Device, samples: Sequence[Sample], start: Parameters | None = None
) -> BoardFit:
    """Return the calibration of one board, mode and host from measured totals.

    Args:
        device: the board in the mode and with the host that the rows are of.
        samples: rows with time and, where known, power above idle.
        start: numbers to start from; what the device uses now where `None`.

    Raises:
        InsufficientData: too few rows, or rows that determine nothing.
    """
    timed = [s for s in samples if math.isfinite(s.row.runtime_s)]
    distinct = {(s.row.canonical, s.row.shape, s.row.batch) for s in timed}
    if len(distinct) < LEAST_ROWS:
        raise InsufficientData(
            f"{len(distinct)} different networks or sizes cannot calibrate {device.name}; "
            f"measure at least {LEAST_ROWS}, best {FEW_ROWS} or more from small to large"
        )
    problem, warnings = _problem(device, timed, start)
    solution = problem.fit(knee=KNEE)
    deviation = np.sqrt(np.diag(solution.covariance))
    determined = deviation < IDENTIFIED * problem.prior.deviation
    if not determined.any():
        raise InsufficientData(
            f"these rows determine none of {', '.join(u.name for u in problem.unknowns)}; "
            "measure networks that differ more, from small to large"
        )
    if len(distinct) < FEW_ROWS:
        warnings.append(f"only {len(distinct)} networks or sizes: measure {FEW_ROWS} or more")

    def residuals(out: BoolArray) -> FloatArray:
        values = problem.fit(~out, solution.values, max_iterations=8, knee=KNEE).values
        return problem.predict(values) - problem.observed

    labels = np.array(groups_of(timed))
    unseen = left_out(labels, residuals)
    factors = {
        u.name: (_factor(device, problem, solution.values, u.name), float(s), bool(d))
        for u, s, d in zip(problem.unknowns, deviation, determined, strict=True)
    }
    outliers = [
        s.row.network for s, r in zip(timed, solution.residuals, strict=True) if abs(r) > 5 * NOISE
    ]
    if outliers:
        warnings.append(f"far from the fit, weighted down: {', '.join(dict.fromkeys(outliers))}")
    numbers = problem.parameters(solution.values)
    power, fitted_w, left_w, notes = fit_power(device, numbers, timed, labels.tolist())
    calibration = _calibration(device, timed, factors, labels.tolist(), unseen, power)
    if np.isfinite(left_w).any():
        watts = np.array([power_above_idle(s) for s in timed])
        known = np.isfinite(left_w)
        calibration = replace(
            calibration,
            errors={
                **calibration.errors,
                "power_loo_mape": float(np.mean(np.abs(left_w[known] / watts[known] - 1))),
                "power_loo_q90": _width(
                    np.log(left_w[known] / watts[known]), labels[known].tolist(), "power"
                ),
            },
        )
    return BoardFit(
        calibration,
        tuple(timed),
        np.exp(problem.predict(solution.values)),
        np.exp(unseen + problem.observed),
        np.exp(problem.predict(np.zeros(len(problem.unknowns)))),
        factors,
        fitted_w,
        left_w,
        (*warnings, *notes),
        numbers,
    )


def _problem(
    device: Device, samples: Sequence[Sample], chosen: Parameters | None
) -> tuple[Problem, list[str]]:
    warnings = []
    software = samples[0].row.software
    start = parameters_of(device) if chosen is None else chosen
    before = calibration_of(device)
    same = before is not None and (before.mode.clocks, before.runtime) == (
        device.mode.clocks,
        device.runtime,
    )
    if before is not None and not same:
        warnings.append(
            f"starts from this board's calibration with {before.runtime} in mode "
            f"{before.mode.name}, which is another than {device.runtime} in {device.mode.name}"
        )
    if before is not None and same and software and before.software != software:
        warnings.append(
            f"the calibration it starts from is of other software ({before.software}); "
            "this one takes its place"
        )
    names = [name for name in SPREAD if name not in _useless(device)]
    unknowns = [Unknown(name, SPREAD[name]) for name in names]
    if device.runtime != "trtexec":  # its fixed part is assumed: what two events add
        unknowns.append(Unknown("host_fixed_s", HOST_SPREAD))
    covariance = np.diag(np.full(len(samples), NOISE**2))
    return Problem(Rows.of(samples), start, tuple(unknowns), covariance), warnings


def _useless(device: Device) -> tuple[str, ...]:
    """Return factors that no layer of the device feels."""
    return () if device.datasheet.tensor_cores else ("efficiency_tensor",)


def _factor(device: Device, problem: Problem, values: FloatArray, name: str) -> float:
    """Return a parameter as it is stored: a factor on the board's number, or the number itself."""
    fitted = float(getattr(problem.parameters(values), name))
    if name not in DEVIATIONS:
        return fitted
    return fitted / float(getattr(parameters_of(replace(device, calibrations=())), name))


def groups_of(samples: Sequence[Sample]) -> list[str]:
    """Return what to leave out together: networks where there are three, else single rows."""
    names = [sample.row.canonical for sample in samples]
    if len(set(names)) >= 3:
        return names
    return [f"{name}/{i}" for i, name in enumerate(names)]


def _width(residuals: FloatArray, groups: Sequence[object], quantity: str) -> float:
    """Return a 90 % half width from left-out residuals; never less than `FLOOR`.

    A few residuals say little of their own spread: they are weighed against that of the networks
    that the shipped numbers were fitted on.
    """
    belief = shipped_width(quantity, "network", 0.9) / normal_quantile(0.9)
    return max(half_width(residuals, 0.9, groups, belief=belief, weight=BELIEF), FLOOR)


def _calibration(
    device: Device,
    samples: Sequence[Sample],
    factors: Mapping[str, tuple[float, float, bool]],
    labels: Sequence[str],
    unseen: FloatArray,
    power: Mapping[str, float],
) -> Calibration:
    width = _width(unseen, labels, "runtime")
    parameters = {name: factor for name, (factor, _, _) in factors.items()}
    count = len(set(labels))
    simulated = sum(s.row.simulated for s in samples)
    doubt = f", {simulated} of them simulated" if simulated else ""
    return Calibration(
        mode=device.mode,
        runtime=device.runtime,
        software="; ".join(dict.fromkeys(s.row.software for s in samples if s.row.software)),
        parameters={**parameters, **power},
        provenance=f"calibrated on {len(samples)} rows of {count} groups by this user{doubt}",
        rows=len(samples),
        networks=tuple(dict.fromkeys(s.row.canonical for s in samples)),
        errors={
            "loo_mape": float(np.mean(np.abs(np.exp(unseen) - 1))),
            "loo_q90": width,
        },
    )
