"""From the energy of one inference to a battery's life and a fleet's year."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.doubt import doubt_document
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.decision.impact.quantities import (
    parse_battery,
    parse_duty,
    parse_intensity,
    parse_price,
)
from edgeprofiler.prediction.predict import answer
from edgeprofiler.prediction.question import Question, asks

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import Asked
    from edgeprofiler.prediction.question.question import DeviceSpec, Subject

DAY_S = 86400.0
YEAR_S = 365.25 * DAY_S


@dataclass(frozen=True)
class Assumptions:
    """How the devices are used. All of it is printed beside the result."""

    duty: float = 1.0
    """Share of the time that a device works."""
    off_duty_power_w: float = 0.0
    """Power of a device while it does not work: 0 where it is switched off."""
    battery_j: float | None = None
    fleet: int = 1
    intensity_g_per_j: float | None = None
    price_per_j: float | None = None
    currency: str = ""

    def __post_init__(self) -> None:
        if self.fleet < 1:
            raise UsageError(f"`fleet` is {self.fleet}; a fleet has at least one device")
        if not 0 <= self.off_duty_power_w < math.inf:
            raise UsageError(f"`off_power_w` is {self.off_duty_power_w:g}; it is from 0 watts up")


@dataclass(frozen=True)
class Impact:
    """What the use of a network costs; intervals come from the profile's."""

    profile: Profile
    assumptions: Assumptions
    rate_hz: float
    """Images a second while a device works."""
    power_w: Estimate
    """Mean power of one device over its whole day."""
    battery_life_s: Estimate | None
    fleet_energy_j_per_year: Estimate
    fleet_co2e_g_per_year: Estimate | None
    fleet_cost_per_year: Estimate | None

    def document(self) -> dict[str, Any]:
        """Return it as a JSON document `edgeprofiler.impact/1`."""
        profile = self.profile
        estimates = {k: found for k, found in vars(self).items() if isinstance(found, Estimate)}
        return {
            "schema": "edgeprofiler.impact/1",
            "network": profile.network.name,
            "device": attributes(profile.device, "name mode"),
            "origin": profile.origin.kind,
            "assumptions": asdict(self.assumptions)
            | {"rate_hz": self.rate_hz, "idle_power_w": profile.idle_power_w},
            **{k: v for name, found in estimates.items() for k, v in found.document(name).items()},
            **doubt_document(profile),
        }


@asks
def impact(
    model: Subject | Question,
    device: DeviceSpec | None = None,
    *,
    duty: str = "24h/day",
    off_power_w: float = 0.0,
    battery: str | None = None,
    fleet: int = 1,
    intensity: str | None = None,
    price: str | None = None,
    **asked: Unpack[Asked],
) -> Impact:
    """Return what a network's energy means: battery life, and a fleet's energy, CO2e and cost.

    Args:
        model: a model, or a profile (saved or not).
        device: as of `predict`.
        duty: time at work: `12h/day`, `20min/h` or `50%`.
        off_power_w: power while not at work.
        battery: `50Wh`, or `5000mAh@3.7V`.
        fleet: number of devices.
        intensity: CO2e of energy: `220 g/kWh`.
        price: of energy: `0.30 EUR/kWh`.
        asked: as of `predict`; a `rate` is that of the time at work.

    Raises:
        UsageError: a quantity that is none, or a rate that the device surely does not reach.
        InsufficientData: the profile has no energy.

    >>> import edgeprofiler
    >>> use = edgeprofiler.impact("zoo:resnet18", "jetson-nano", battery="50Wh", duty="12h/day")
    >>> 3600 < use.battery_life_s.low < use.battery_life_s.high  # seconds
    True
    """
    per_joule, currency = (None, "") if price is None else parse_price(price)
    assumptions = Assumptions(
        duty=parse_duty(duty),
        off_duty_power_w=off_power_w,
        battery_j=None if battery is None else parse_battery(battery),
        fleet=fleet,
        intensity_g_per_j=None if intensity is None else parse_intensity(intensity),
        price_per_j=per_joule,
        currency=currency,
    )
    return assess(answer(Question.of(model, device, **asked)).profile, assumptions)


def assess(profile: Profile, assumptions: Assumptions) -> Impact:
    """Return what running `profile`'s network costs under `assumptions`.

    A device works at the profile's rate, back to back where it has none.

    Raises:
        InsufficientData: the profile has no energy.
        UsageError: the rate is surely more than the device can do.
    """
    totals, there = profile.totals, profile.at_rate
    mean = mean_power(profile, assumptions)
    fastest = totals.end_to_end_s.inverse(profile.network.batch).value
    if there is not None and there.keeps_up == "no":
        raise UsageError(
            f"`rate` {there.rate_hz:.4g}/s is more than {profile.network.name} reaches on "
            f"{profile.device.name} ({fastest:.4g}/s)"
        )
    energy = mean.scaled(YEAR_S * assumptions.fleet)
    battery, intensity, price = (
        assumptions.battery_j, assumptions.intensity_g_per_j, assumptions.price_per_j,
    )  # fmt: skip
    return Impact(
        profile=profile,
        assumptions=assumptions,
        rate_hz=fastest if there is None else there.rate_hz,
        power_w=mean,
        battery_life_s=None if battery is None else mean.inverse(battery),
        fleet_energy_j_per_year=energy,
        fleet_co2e_g_per_year=None if intensity is None else energy.scaled(intensity),
        fleet_cost_per_year=None if price is None else energy.scaled(price),
    )


def mean_power(profile: Profile, use: Assumptions) -> Estimate:
    """Return the mean power of a device over its whole day; at work as the profile's rate has it.

    Raises:
        InsufficientData: the profile has no energy.
    """
    totals = profile.totals
    known = totals.energy_j.value > 0 and totals.end_to_end_s.value > 0
    if not (known and math.isfinite(profile.idle_power_w)):
        raise InsufficientData(f"{profile.network.name}: the profile has no energy")
    at_work = totals.power_w if profile.at_rate is None else profile.at_rate.power_w
    return at_work.scaled(use.duty, use.off_duty_power_w * (1 - use.duty))
