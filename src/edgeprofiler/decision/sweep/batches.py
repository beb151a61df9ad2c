"""A network at many batches, predicted at once: a batch multiplies the columns of its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from edgeprofiler.core.network import Columns, FloatArray, IntArray, Network
from edgeprofiler.core.profile.memory import EngineMemory
from edgeprofiler.core.profile.rate import power_at
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.decision.sweep.rows import Numbers
from edgeprofiler.prediction.costmodel.work import Work, network_sums
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.prediction.predictors.roofline import NetworkCosts, RooflinePredictor
from edgeprofiler.prediction.predictors.totals import (
    TotalWidths,
    open_upward,
    total_intervals,
)
from edgeprofiler.prediction.uncertainty.distance import odd_facts, power_width, runtime_widths
from edgeprofiler.prediction.uncertainty.fitted import fitted

LAYERS_AT_ONCE = 100_000
"""Layers of all batches together; twenty-odd columns of them fit into a processor's cache."""
Ends = tuple[FloatArray, FloatArray, FloatArray]
"""Value, low and high."""


def scaled_to_batch(columns: Columns, factor: float) -> Columns:
    """Return the columns of layers whose batch is `factor` times as large; weights stay."""
    return _scaled(columns, np.array([factor]))


def _scaled(columns: Columns, factors: FloatArray) -> Columns:
    """Return the columns of layers at batches so many times as large, one after another."""
    moved = columns.bytes_moved - np.minimum(columns.weight_bytes, columns.bytes_moved)
    grow = factors[:, None]
    found = {name: np.tile(values, len(factors)) for name, values in vars(columns).items()}
    for name in ("macs", "flops", "input_bytes", "output_bytes", "spatial"):
        found[name] = (getattr(columns, name) * grow).reshape(-1)
    found["bytes_moved"] = (columns.bytes_moved + moved * (grow - 1)).reshape(-1)
    return Columns(**found)


@dataclass(frozen=True, eq=False)
class Batched:
    """A network at some batches: all that is the same whichever board runs it, made once."""

    network: Network
    batches: IntArray
    _networks: dict[int, Network] = field(default_factory=dict)

    @classmethod
    def of(cls, network: Network, batches: Sequence[int | None]) -> Batched:
        """Return a network at `batches`; `None` is its own."""
        return cls(network, np.array([batch or network.batch for batch in batches], np.int64))

    @cached_property
    def columns(self) -> Columns:
        """Layers of all batches, one after another."""
        return _scaled(self.network.columns, self.batches / self.network.batch)

    @cached_property
    def offsets(self) -> IntArray:
        """Where the layers of each batch start, and the end."""
        return np.arange(len(self.batches) + 1, dtype=np.int64) * len(self.network)

    @cached_property
    def work(self) -> Work:
        """What the cost model takes of the layers."""
        return Work.of(self.columns)

    @cached_property
    def gaps(self) -> FloatArray:
        """Distance of the network at each batch to the nearest that was fitted."""
        return fitted().gaps(self.columns, self.offsets)

    @cached_property
    def about(self) -> Numbers:
        """Columns of a sweep that no board changes."""
        covered = np.full(len(self.batches), share_covered(self.network))
        return {**_memory_of(self.network, self.batches), "covered_bytes": covered}

    def at(self, batch: int) -> Network:
        """Return the network at one batch, without lowering it again; the same each time."""
        if batch not in self._networks:
            self._networks[batch] = _at_batch(self.network, batch)
        return self._networks[batch]

    def predict(self, answers: Predictor, rate_hz: float | None = None) -> Numbers:
        """Return the rows of the network at each batch.

        The analytic model takes the columns of all batches at once; another predictor is given a
        network for each.
        """
        if isinstance(answers, RooflinePredictor) and self.network.least is None:
            found = _by_columns(self, answers)
        else:
            found = _by_networks(self, answers)
        rows = _rows(self.batches, found, rate_hz, answers.device.idle_power_w)
        return {**rows, **self.about}


def _by_columns(there: Batched, answers: RooflinePredictor) -> dict[str, Ends]:
    device = answers.device
    copied = there.batches / there.network.batch * (there.network.io_bytes or 0)
    found = NetworkCosts.of(there.work, there.offsets, copied, device, answers.parameters)
    totals = found.totals
    bounds = _intervals(there, found, answers)
    above = np.maximum(totals.power_above_idle_w, 0.0)
    values = {
        "end_to_end_s": totals.end_to_end_s,
        "energy_j": totals.energy_j,
        "power_w": totals.power_w,
        "energy_above_idle_j": above * totals.end_to_end_s,
        "power_above_idle_w": above,
    }
    return {name: (value, *bounds[name]) for name, value in values.items()}


def _by_networks(there: Batched, answers: Predictor) -> dict[str, Ends]:
    profiles = answers.predict_many([there.at(batch) for batch in there.batches.tolist()])
    totals = [profile.totals for profile in profiles]
    return {
        name: _ends([getattr(total, name) for total in totals])
        for name in (
            "end_to_end_s", "energy_j", "power_w", "energy_above_idle_j", "power_above_idle_w",
        )
    }  # fmt: skip


def _ends(found: Sequence[Estimate]) -> Ends:
    value, low, high = np.array([(e.value, e.low, e.high) for e in found]).T
    return value, low, high


def _rows(
    batches: IntArray, found: Mapping[str, Ends], rate_hz: float | None, idle_power_w: float
) -> Numbers:
    """Return the columns of a sweep from totals, one number a batch.

    Args:
        batches: images of an inference.
        found: value, low and high of totals by name.
        rate_hz: images a second that arrive; `None`: back to back.
        idle_power_w: what the board draws in between.
    """
    wall = found["end_to_end_s"]
    speeds = (batches / wall[0], batches / wall[2], batches / wall[1])
    columns = {"end_to_end_s": wall, "energy_j": found["energy_j"], "power_w": found["power_w"]}
    rows = {"batch": batches, **_columns(columns), **_columns({"images_hz": speeds})}
    rows["energy_per_image_j"] = found["energy_j"][0] / batches
    if rate_hz is not None:
        pairs = zip(found["energy_above_idle_j"], found["power_above_idle_w"], strict=True)
        powers = [
            power_at(rate_hz / batches, energy, power, idle_power_w) for energy, power in pairs
        ]
        rows |= _columns({"power_at_rate_w": (powers[0], powers[1], powers[2])})
    return rows


def share_covered(network: Network) -> float:
    """Return the share of the bytes moved by the layers that have a cost."""
    moved, covered = network.columns.bytes_moved, network.columns.covered
    total = float(moved.sum())
    return float(moved[covered].sum()) / total if total else 1.0


def _memory_of(network: Network, batches: IntArray) -> Numbers:
    """Return what a network's engine takes of the memory at each batch; weights stay."""
    found = EngineMemory.of(network, math.nan)
    total, weights, factor = found.total, found.weight_bytes, batches / network.batch
    value, low, high = (
        weights + (size - weights) * factor for size in (total.value, total.low, total.high)
    )
    return _columns({"memory_bytes": (value, low, high)})


def _columns(found: Mapping[str, Ends]) -> dict[str, Any]:
    return {
        f"{name}{end}": values
        for name, ends in found.items()
        for end, values in zip(("", "_low", "_high"), ends, strict=True)
    }


def _at_batch(network: Network, batch: int) -> Network:
    """Return a network with the columns of another batch, without lowering it again."""
    alive, factor = network.activation_bytes, batch / network.batch
    activations = None if alive is None else round(alive * factor)
    least, most = (
        None if end is None else _at_batch(end, batch) for end in (network.least, network.most)
    )
    there = replace(network, batch=batch, activation_bytes=activations, least=least, most=most)
    # Where the cached property keeps them.
    vars(there)["columns"] = scaled_to_batch(network.columns, batch / network.batch)
    return there


def _intervals(
    there: Batched, found: NetworkCosts, answers: RooflinePredictor
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Intervals of the totals at each batch, as `predict` gives them at that batch alone."""
    device, confidence = answers.device, answers.confidence
    many = there.batches > 1
    wide = np.zeros((2, len(many)))
    for chosen in (many, ~many):  # a batch that no row has makes them wider
        if chosen.any():
            odd = bool(odd_facts(there.at(int(there.batches[chosen][0]))))
            for row, deviation in zip(wide, found.deviations, strict=True):
                row[chosen] = runtime_widths(
                    device, deviation[chosen], there.gaps[chosen], odd, confidence
                )
    power, _ = power_width(device, confidence)
    idle_power_w = device.idle_power_w
    bounds = total_intervals(found.totals, TotalWidths(wide[0], wide[1], power), idle_power_w)
    if there.network.whole:
        return bounds
    hidden = network_sums(np.where(there.work.covered, 0.0, there.work.bytes_moved), there.offsets)
    return open_upward(bounds, hidden / device.bandwidth_bytes_per_s, idle_power_w)
