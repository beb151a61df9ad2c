"""A simulated board that draws power now: to try out what watches a machine without a sensor."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from edgeprofiler.core.plugins import Between, Optioned
from edgeprofiler.measurement.sensors.protocol import SensorKind

_IDLE_W = 4.5
_BUSY_W = 6.0
"""A Jetson Orin Nano at rest, and what a network adds."""
_CYCLE_S = 4.0
"""It rests for a half and works for a half of this."""
_SOC_SHARE = 0.3


@dataclass(kw_only=True, eq=False)
class LiveSimulation(Optioned):
    """Watches a simulated board that rests and works in turn by this machine's clock.

    Args:
        seed: decides the noise.
        period_s: time between two conversions, whose value is held.
        noise_w: standard deviation of a conversion.
    """

    seed: Annotated[int, Between(0)] = 0
    period_s: Annotated[float, Between(1e-4, 60)] = 6.6e-3
    noise_w: Annotated[float, Between(0, 1000)] = 0.02

    name = "sim"
    kind: SensorKind = "power"
    simulated = True
    rails = ("VDD_IN", "VDD_SOC")
    total_rails = ("VDD_IN",)

    def probe(self) -> None:
        """It can always be read."""

    def open(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""

    def read(self) -> Sequence[float]:
        """Return watts of each rail at the last conversion."""
        conversion = math.floor(time.monotonic() / self.period_s)
        busy = (conversion * self.period_s) % _CYCLE_S > _CYCLE_S / 2
        random = np.random.default_rng([self.seed, conversion])
        board = _IDLE_W + busy * _BUSY_W + float(random.normal(0, self.noise_w))
        return board, _SOC_SHARE * board

    def settings(self) -> Mapping[str, Any]:
        """Return what is simulated, and that it is."""
        return {"simulated": dict(self.options), "warnings": ["the power is simulated"]}
