"""What a budget can limit, and where a profile says it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.rate import AtRate
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.decision.impact import Assumptions, mean_power


@dataclass(frozen=True)
class Limited:
    """A quantity that a budget can limit."""

    of: Callable[[Profile, Assumptions], Estimate]
    """What it is of a profile and its use, in SI."""
    unit: str
    """What its limit is written in."""
    at_least: bool = False
    """Whether the limit is the least that is allowed; the most otherwise."""


def _total(name: str, unit: str) -> Limited:
    return Limited(lambda profile, _: getattr(profile.totals, name), unit)


def images_hz(profile: Profile) -> Estimate:
    """Return how many images a second a network takes at most, back to back."""
    return profile.totals.end_to_end_s.inverse(profile.network.batch)


def _energy_per_image(profile: Profile, _: Assumptions) -> Estimate:
    return profile.totals.energy_j.scaled(1 / profile.network.batch)


def _power_at_rate(profile: Profile, _: Assumptions) -> Estimate:
    return _at_rate(profile).power_w


def _busy_share(profile: Profile, _: Assumptions) -> Estimate:
    return _at_rate(profile).busy_share


def _at_rate(profile: Profile) -> AtRate:
    if profile.at_rate is None:
        raise UsageError("a limit at a rate needs one: give `rate`, or the budget a rate = '30/s'")
    return profile.at_rate


def _battery_life(profile: Profile, use: Assumptions) -> Estimate:
    if use.battery_j is None:
        raise UsageError("a limit of battery life needs a battery = '50Wh' in the budget")
    return mean_power(profile, use).inverse(use.battery_j)


LIMITS: Mapping[str, Limited] = {
    "energy_mj": _total("energy_j", "mJ"),
    "energy_above_idle_mj": _total("energy_above_idle_j", "mJ"),
    "energy_per_image_mj": Limited(_energy_per_image, "mJ"),
    "latency_ms": _total("end_to_end_s", "ms"),
    "gpu_time_ms": _total("runtime_s", "ms"),
    "fps": Limited(lambda profile, _: images_hz(profile), "fps", at_least=True),
    "power_w": _total("power_w", "W"),
    "power_above_idle_w": _total("power_above_idle_w", "W"),
    "power_at_rate_w": Limited(_power_at_rate, "W"),
    "busy_percent": Limited(_busy_share, "%"),
    "memory_mib": Limited(lambda profile, _: profile.memory.total, "MiB"),
    "mean_power_w": Limited(mean_power, "W"),
    "battery_life_h": Limited(_battery_life, "h", at_least=True),
}
"""By the name in the file, which ends with the unit; all of one inference back to back, unless the
name says otherwise."""
