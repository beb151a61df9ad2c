"""What a network costs at a rate: so many images arrive a second, and the board idles between.

An inference of a batch begins when its images are there. A board that keeps up draws its idle power
and, as often as inferences happen, their energy above idle; one that does not works back to back.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.quantity import Estimate

KeepsUp = Literal["yes", "no", "undecided"]


@dataclass(frozen=True)
class AtRate:
    """What a network costs at a rate."""

    rate_hz: float
    """Images a second that arrive."""
    keeps_up: KeepsUp
    """Whether inferences end as fast as images arrive; undecided where that is inside the
    interval."""
    power_w: Estimate
    """The board's mean power, idle between inferences included."""
    busy_share: Estimate
    """Share of the time in which an inference runs; 1 where the board does not keep up."""

    def document(self) -> dict[str, object]:
        """Return it as values of JSON."""
        return {
            **attributes(self, "rate_hz keeps_up"),
            **self.power_w.document("power_w"),
            **self.busy_share.document("busy_share"),
        }


def power_at(
    inferences_hz: npt.ArrayLike,
    energy_above_idle_j: npt.ArrayLike,
    power_above_idle_w: npt.ArrayLike,
    idle_power_w: float,
) -> FloatArray:
    """Return mean board power at a rate, of any shape.

    Args:
        inferences_hz: inferences a second that are asked for.
        energy_above_idle_j: of one of them.
        power_above_idle_w: back to back, which no rate exceeds.
        idle_power_w: of the board.

    >>> float(power_at(10.0, 0.04, 6.0, idle_power_w=4.0)), float(power_at(1e3, 0.04, 6.0, 4.0))
    (4.4, 10.0)
    """
    asked = np.asarray(inferences_hz) * np.asarray(energy_above_idle_j)
    return np.asarray(idle_power_w + np.fmin(asked, power_above_idle_w), dtype=np.float64)


def at_rate(
    rate_hz: float,
    batch: int,
    end_to_end_s: Estimate,
    energy_above_idle_j: Estimate,
    power_above_idle_w: Estimate,
    idle_power_w: float,
    *,
    whole: bool = True,
) -> AtRate:
    """Return what a network costs at a rate.

    Args:
        rate_hz: images a second.
        batch: images of one inference.
        end_to_end_s: of one inference, back to back.
        energy_above_idle_j: of one inference.
        power_above_idle_w: back to back.
        idle_power_w: of the board, taken as known.
        whole: whether the time is of all layers; more comes on top otherwise.
    """
    rate = rate_hz / batch
    energy, above = energy_above_idle_j, power_above_idle_w
    power = power_at(
        rate,
        (energy.value, energy.low, energy.high),
        (above.value, above.low, above.high),
        idle_power_w,
    )
    needed = end_to_end_s.scaled(rate)
    busy = np.minimum((needed.value, needed.low, needed.high), 1.0)
    return AtRate(
        rate_hz,
        keeping_up(needed, whole=whole),
        Estimate(*power.tolist()),
        Estimate(*busy.tolist()),
    )


def keeping_up(needed: Estimate, *, whole: bool = True) -> KeepsUp:
    """Say whether a board keeps up with a rate.

    Args:
        needed: time that inferences need, in a second.
        whole: whether that is of all layers.

    >>> keeping_up(Estimate(0.5, 0.4, 0.7)), keeping_up(Estimate(0.5, 0.4, 1.2))
    ('yes', 'undecided')
    """
    low = needed.value if math.isnan(needed.low) else needed.low
    alone = math.isnan(needed.low) and math.isnan(needed.high)
    high = needed.value if alone and whole else needed.high
    return "no" if low > 1 else "yes" if high <= 1 else "undecided"
