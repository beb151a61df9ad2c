"""The difference of two profiles, with an interval and a verdict only where there is one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.quantity import Difference, Estimate
from edgeprofiler.decision.compare.align import LayerPair, align


@dataclass(frozen=True)
class LayerChange:
    """What one aligned pair of layers adds to the difference, second minus first."""

    pair: LayerPair
    name: str
    runtime_s: float
    energy_j: float


@dataclass(frozen=True)
class Comparison:
    """Second profile minus first, for one inference each."""

    a: Profile
    b: Profile
    paired: bool
    """Whether both come from one source for one device, so that errors of equal layers cancel."""
    runtime_s: Estimate
    """Difference of end-to-end times."""
    energy_j: Estimate
    """Difference of energies, idle included."""
    changes: tuple[LayerChange, ...]
    """Every aligned pair, in the order of the networks."""

    @property
    def energy(self) -> Difference:
        """Difference of energies, for a person, and whether it is sure."""
        return Difference(self.energy_j, self.a.totals.energy_j.value, "J")

    @property
    def runtime(self) -> Difference:
        """Difference of end-to-end times, for a person, and whether it is sure."""
        return Difference(self.runtime_s, self.a.totals.end_to_end_s.value, "s")

    def largest(self, count: int = 10) -> tuple[LayerChange, ...]:
        """Return the pairs that change energy most, largest first; equal layers are left out."""
        moved = [c for c in self.changes if c.energy_j != 0 and math.isfinite(c.energy_j)]
        return tuple(sorted(moved, key=lambda c: -abs(c.energy_j))[:count])


def difference(a: Profile, b: Profile) -> Comparison:
    """Return the difference `b - a`, its interval, and where in the layers it comes from.

    Two predictions of one predictor for one device share their errors: a layer that both have
    costs the same in both, whatever its true cost, and a layer that grew or shrank is the same
    kind of work, off by the same factor before and after. So only layers that differ contribute
    to the interval, each by its own factor. For anything else - another device, precision or
    batch, a measured profile - the intervals of both totals do.

    Raises:
        UsageError: their intervals are to cover different shares, so that they say nothing of
            each other.
    """
    if a.confidence != b.confidence:
        raise UsageError(
            f"the intervals of {a.network.name} cover {a.confidence:.4g} and those of "
            f"{b.network.name} {b.confidence:.4g}; predict both with one `confidence`"
        )
    paired = (
        a.device == b.device
        and a.origin == b.origin
        and a.network.precision == b.network.precision
        and a.network.batch == b.network.batch
    )
    changes = tuple(_change(a, b, pair) for pair in align(a.network.layers, b.network.layers))
    if paired:
        energy, runtime = _paired(a, b, changes, "energy_j"), _paired(a, b, changes, "runtime_s")
    else:
        energy = _unpaired(a.totals.energy_j, b.totals.energy_j)
        runtime = _unpaired(a.totals.end_to_end_s, b.totals.end_to_end_s)
    return Comparison(a, b, paired, runtime, energy, changes)


def _change(a: Profile, b: Profile, pair: LayerPair) -> LayerChange:
    name = b.network.layers[pair.b].name if pair.b is not None else ""
    if pair.a is not None and not name:
        name = a.network.layers[pair.a].name
    values = []
    for field in ("runtime_s", "energy_j"):
        before = 0.0 if pair.a is None else float(getattr(a.costs, field)[pair.a])
        after = 0.0 if pair.b is None else float(getattr(b.costs, field)[pair.b])
        values.append(0.0 if before == after else after - before)
    return LayerChange(pair, name, *values)


def _paired(a: Profile, b: Profile, changes: tuple[LayerChange, ...], field: str) -> Estimate:
    total = "end_to_end_s" if field == "runtime_s" else field
    value = getattr(b.totals, total).value - getattr(a.totals, total).value
    low = high = sum(
        getattr(getattr(b, part), field) - getattr(getattr(a, part), field)
        for part in ("fixed", "host_gap")
    )
    for change in changes:
        moved = getattr(change, field)
        if moved == 0:
            continue
        # The larger of the two layers says by what factor the model may be off there.
        profile, index = (b, change.pair.b) if moved > 0 else (a, change.pair.a)
        if index is None:
            profile, index = (b, change.pair.b) if profile is a else (a, change.pair.a)
        factors = [_factor(profile, field, index, end) for end in ("low", "high")]
        low += min(moved * factor for factor in factors)
        high += max(moved * factor for factor in factors)
    # Rounding in the sums must not leave the value outside its own interval.
    return Estimate(value, min(low, value), max(high, value))


def _factor(profile: Profile, field: str, index: int | None, end: str) -> float:
    """An end of a layer's interval as a multiple of its value."""
    ends = getattr(profile.costs, f"{field}_{end}")
    value = getattr(profile.costs, field)[index]
    return math.nan if ends is None or not value else float(ends[index] / value)


def _unpaired(a: Estimate, b: Estimate) -> Estimate:
    return Estimate(b.value - a.value, b.low - a.high, b.high - a.low)
