"""Networks at many batches, predicted at once: a batch multiplies the columns of their layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.network import BoolArray, Columns, FloatArray, IntArray, Network
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
from edgeprofiler.prediction.uncertainty.distance import odd_types, power_width, runtime_widths
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
    if factors.tolist() == [1.0]:
        return columns
    moved = columns.bytes_moved - np.minimum(columns.weight_bytes, columns.bytes_moved)
    grow = factors[:, None]
    found = {name: np.tile(values, len(factors)) for name, values in vars(columns).items()}
    for name in ("macs", "flops", "input_bytes", "output_bytes", "spatial"):
        found[name] = (getattr(columns, name) * grow).reshape(-1)
    found["bytes_moved"] = (columns.bytes_moved + moved * (grow - 1)).reshape(-1)
    return Columns(**found)


@dataclass(frozen=True, eq=False)
class Batched:
    """Networks at some batches: all that is the same whichever board runs them, made once."""

    networks: tuple[Network, ...]
    owner: IntArray
    """Whose row it is, by place in `networks`; the rows of one lie together."""
    batches: IntArray
    """Of each row."""

    @classmethod
    def of(cls, asked: Sequence[tuple[Network, Sequence[int | None]]]) -> Batched:
        """Return networks at batches; `None` is a network's own."""
        lengths = [len(batches) for _, batches in asked]
        return cls(
            tuple([network for network, _ in asked]),
            np.repeat(np.arange(len(asked)), lengths),
            np.array([b or network.batch for network, batches in asked for b in batches], np.int64),
        )

    @cached_property
    def factors(self) -> FloatArray:
        """How many times as large each row's batch is as its network's own."""
        own = self.of_network([network.batch for network in self.networks])
        return np.asarray(self.batches / own, dtype=np.float64)

    @cached_property
    def columns(self) -> Columns:
        """Layers of all rows, one after another."""
        ends = np.cumsum(np.bincount(self.owner, minlength=len(self.networks)))
        factors = np.split(self.factors, ends[:-1])
        pairs = zip(self.networks, factors, strict=True)
        return Columns.concatenate([_scaled(network.columns, grow) for network, grow in pairs])

    @cached_property
    def offsets(self) -> IntArray:
        """Where the layers of each row start, and the end."""
        lengths = self.of_network([len(network) for network in self.networks])
        return np.concatenate([[0], np.cumsum(lengths)])

    @cached_property
    def work(self) -> Work:
        """What the cost model takes of the layers."""
        return Work.of(self.columns)

    @cached_property
    def gaps(self) -> FloatArray:
        """Distance of each row's network to the nearest that was fitted."""
        return fitted().gaps(self.columns, self.offsets)

    @cached_property
    def odd(self) -> BoolArray:
        """Whether each row has a batch or a data type that no measured row has."""
        types = self.of_network([bool(odd_types(network)) for network in self.networks])
        return np.asarray((self.batches > 1) | types)

    @cached_property
    def whole(self) -> BoolArray:
        """Whether all that runs in a row can have a cost."""
        return self.of_network([network.whole for network in self.networks])

    @cached_property
    def about(self) -> Numbers:
        """Columns of a sweep that no board changes."""
        covered = self.of_network([share_covered(network) for network in self.networks])
        return {**_memory_of(self), "covered_bytes": covered}

    def of_network(self, values: Sequence[Any]) -> npt.NDArray[Any]:
        """Return for each row what its network has."""
        return np.array(values)[self.owner]

    def predict(self, answers: Predictor, rate_hz: float | None = None) -> Numbers:
        """Return the rows of the networks at each batch.

        The analytic model takes the columns of all rows at once; another predictor is given a
        network for each.
        """
        found = (
            _by_columns(self, answers)
            if isinstance(answers, RooflinePredictor) and by_columns(answers, *self.networks)
            else _by_networks(self, answers)
        )
        rows = _rows(self.batches, found, rate_hz, answers.device.idle_power_w)
        return {**rows, **self.about}


def by_columns(answers: Predictor, *networks: Network) -> bool:
    """Say whether a predictor takes the columns of networks, so that many are as fast as one."""
    return isinstance(answers, RooflinePredictor) and all(
        n.least is None and n.wider is None for n in networks
    )


def _by_columns(there: Batched, answers: RooflinePredictor) -> dict[str, Ends]:
    device = answers.device
    copied = there.factors * there.of_network([n.io_bytes or 0 for n in there.networks])
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
    rows = zip(there.owner.tolist(), there.batches.tolist(), strict=True)
    profiles = answers.predict_many([_at_batch(there.networks[i], batch) for i, batch in rows])
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


def _memory_of(there: Batched) -> Numbers:
    """Return what the engine of each row takes of the memory; weights stay."""
    found = [EngineMemory.of(network, math.nan) for network in there.networks]
    weights = there.of_network([memory.weight_bytes for memory in found])
    sizes = [(memory.total.value, memory.total.low, memory.total.high) for memory in found]
    value, low, high = (
        weights + (size - weights) * there.factors for size in there.of_network(sizes).T
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
    least, most, wider = (
        None if other is None else _at_batch(other, batch)
        for other in (network.least, network.most, network.wider)
    )
    there = replace(
        network, batch=batch, activation_bytes=activations, least=least, most=most, wider=wider
    )
    return there.given(scaled_to_batch(network.columns, factor))


def _intervals(
    there: Batched, found: NetworkCosts, answers: RooflinePredictor
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Intervals of the totals at each batch, as `predict` gives them at that batch alone."""
    device, confidence = answers.device, answers.confidence
    gpu, wall = (
        runtime_widths(device, deviation, there.gaps, there.odd, confidence)
        for deviation in found.deviations
    )
    power, _ = power_width(device, confidence)
    idle_power_w = device.idle_power_w
    bounds = total_intervals(found.totals, TotalWidths(gpu, wall, power), idle_power_w)
    if there.whole.all():
        return bounds
    hidden = network_sums(np.where(there.work.covered, 0.0, there.work.bytes_moved), there.offsets)
    opened = open_upward(bounds, hidden / device.bandwidth_bytes_per_s, idle_power_w)
    return {
        name: (
            np.where(there.whole, low, opened[name][0]),
            np.where(there.whole, high, opened[name][1]),
        )
        for name, (low, high) in bounds.items()
    }
