"""The supply's voltage, which sags under load: from currents to powers.

A chip that converts current and voltage in turn gives a product that belongs to no moment. Layers'
currents are found first, at the usual voltage. The voltage register then says how far the supply
sags for each ampere: its conversions are compared with the currents of their own windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.clock import find_clock
from edgeprofiler.measurement.attribution.conversions import converted
from edgeprofiler.measurement.attribution.evidence import Register
from edgeprofiler.measurement.attribution.fit import Fit
from edgeprofiler.measurement.attribution.problem import Mixture, Samples
from edgeprofiler.measurement.attribution.schedule import Energy

SURE = 5.0
"""A sag of fewer standard errors than this is none."""

MIN_CONVERSIONS = 100

DELAYS = np.linspace(-2.0, 2.0, 17)
"""Windows by which the voltage's may lie before where its readable moment says. Chips convert one
after the other, and may show both at once or each when it is done: the closest fit tells."""


@dataclass(frozen=True)
class Supply:
    """A source behind a resistance."""

    usual_v: float
    """Voltage at which currents were taken for powers."""
    open_v: float
    """Voltage without load."""
    sag_ohm: float

    def power_w(self, usual_w: FloatArray) -> FloatArray:
        """Return powers for currents times the usual voltage."""
        current = usual_w / self.usual_v
        return np.asarray(current * (self.open_v - self.sag_ohm * current))


def supply_of(
    register: Register, problem: Mixture, found: Fit, floor_w: float, period_s: float | None
) -> Supply | None:
    """Return how the supply of a register sags; `None` where nothing shows that it does.

    Args:
        register: polls with voltages.
        problem: the conversions of its current.
        found: powers and timing of those.
        floor_w: power that these are above.
        period_s: of the conversions of the current; `None` where it is unknown.
    """
    if register.volts is None:
        return None
    usual = float(np.median(register.volts))
    clock = find_clock(register.time_s, register.volts, period_s=period_s)
    if clock is None or not usual > 0:
        return None
    volts = converted(register.time_s, register.volts, clock)
    first, last = float(problem.samples.end_s[0]), float(problem.samples.end_s[-1])
    inside = (volts.time_s > first) & (volts.time_s < last)
    if int(inside.sum()) < MIN_CONVERSIONS:
        return None
    time, volt = volts.time_s[inside], volts.value[inside]
    delays = found.timing.window_s * DELAYS
    energy = problem.energy(found.timing, found.mean_w + floor_w)
    fits = [_sag(problem, found, energy, usual, time - d, volt) for d in delays.tolist()]
    left, open_v, sag, error = min(fits)
    if not sag > SURE * error or not left < volt.std():
        return None
    return Supply(usual, open_v, sag)


def _sag(
    problem: Mixture, found: Fit, energy: Energy, usual: float, time: FloatArray, volt: FloatArray
) -> tuple[float, float, float, float]:
    """Return what a sag leaves of the voltage, the voltage without load, the sag and its error."""
    seen = problem.with_samples(Samples(time, volt))
    current = seen.predicted(found.timing, energy, found.blur_s) / usual
    table = np.column_stack([np.ones(current.size), -current])
    gram = table.T @ table
    sag = np.linalg.solve(gram, table.T @ volt)
    left = float(np.std(volt - table @ sag))
    error = left * float(np.sqrt(np.linalg.inv(gram)[1, 1]))
    return left, float(sag[0]), float(sag[1]), error
