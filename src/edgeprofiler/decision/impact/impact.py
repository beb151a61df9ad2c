"""From the energy of one inference to a battery's life and a fleet's year."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.profile import Estimate, Profile

DAY_S = 86400.0
YEAR_S = 365.25 * DAY_S


@dataclass(frozen=True)
class Assumptions:
    """How the devices are used. All of it is printed beside the result."""

    duty: float = 1.0
    """Share of the time that a device works."""
    rate_per_s: float | None = None
    """Inferences (batches) a second while it works; `None`: back to back."""
    off_duty_power_w: float = 0.0
    """Power of a device while it does not work: 0 where it is switched off."""
    battery_j: float | None = None
    fleet: int = 1
    intensity_g_per_j: float | None = None
    price_per_j: float | None = None
    currency: str = ""


@dataclass(frozen=True)
class Impact:
    """What the use of a network costs; intervals come from the profile's."""

    assumptions: Assumptions
    rate_per_s: float
    """Inferences a second while a device works."""
    power_w: Estimate
    """Mean power of one device over its whole day."""
    battery_life_s: Estimate | None
    fleet_energy_j_per_year: Estimate
    fleet_co2e_g_per_year: Estimate | None
    fleet_cost_per_year: Estimate | None


def assess(profile: Profile, assumptions: Assumptions) -> Impact:
    """Return what running `profile`'s network costs under `assumptions`.

    While a device works at a rate below its fastest, the board idles between inferences: its mean
    power is idle power plus rate times energy above idle. Idle power carries no interval of its
    own.

    Raises:
        InsufficientData: the profile has no energy.
        UsageError: the rate is more than the device can do.
    """
    totals = profile.totals
    known = totals.energy_j.value > 0 and totals.end_to_end_s.value > 0
    if not (known and math.isfinite(profile.idle_power_w)):
        raise InsufficientData(f"{profile.network.name}: the profile has no energy")
    fastest = 1 / totals.end_to_end_s.value
    rate = assumptions.rate_per_s
    if rate is None:
        on_duty, rate = totals.power_w, fastest
    elif rate > fastest:
        raise UsageError(
            f"--rate {rate:.4g}/s is more than {profile.network.name} reaches on "
            f"{profile.device.name} ({fastest:.4g}/s)"
        )
    else:
        on_duty = _affine(totals.energy_above_idle_j, rate, profile.idle_power_w)
    off_duty = assumptions.off_duty_power_w * (1 - assumptions.duty)
    mean = _affine(on_duty, assumptions.duty, off_duty)
    energy = _affine(mean, YEAR_S * assumptions.fleet, 0.0)
    battery, intensity, price = (
        assumptions.battery_j, assumptions.intensity_g_per_j, assumptions.price_per_j,
    )  # fmt: skip
    return Impact(
        assumptions=assumptions,
        rate_per_s=rate,
        power_w=mean,
        battery_life_s=None
        if battery is None
        else Estimate(battery / mean.value, battery / mean.high, battery / mean.low),
        fleet_energy_j_per_year=energy,
        fleet_co2e_g_per_year=None if intensity is None else _affine(energy, intensity, 0.0),
        fleet_cost_per_year=None if price is None else _affine(energy, price, 0.0),
    )


def _affine(estimate: Estimate, factor: float, offset: float) -> Estimate:
    return Estimate(
        estimate.value * factor + offset,
        estimate.low * factor + offset,
        estimate.high * factor + offset,
    )
