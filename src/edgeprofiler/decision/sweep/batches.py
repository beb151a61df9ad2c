"""A network at many batches, predicted at once: a batch multiplies the columns of its layers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.network import BoolArray, Columns, FloatArray, IntArray, Network
from edgeprofiler.core.profile.memory import EngineMemory
from edgeprofiler.core.profile.rate import power_at
from edgeprofiler.core.quantity import Estimate
from edgeprofiler.decision.sweep.rows import Numbers
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.prediction.predictors.roofline import (
    RooflinePredictor,
    costs,
    network_totals,
    total_widths,
)
from edgeprofiler.prediction.predictors.totals import NetworkTotals, total_intervals
from edgeprofiler.prediction.uncertainty.distance import widths_for
from edgeprofiler.prediction.uncertainty.fitted import NEAR, fitted

_ROWS_AT_ONCE = 500_000
Ends = tuple[FloatArray, FloatArray, FloatArray]
"""Value, low and high."""


def scaled_to_batch(columns: Columns, factor: float) -> Columns:
    """Return the columns of layers whose batch is `factor` times as large; weights stay."""
    moved = columns.bytes_moved - np.minimum(columns.weight_bytes, columns.bytes_moved)
    return replace(
        columns,
        macs=columns.macs * factor,
        flops=columns.flops * factor,
        input_bytes=columns.input_bytes * factor,
        output_bytes=columns.output_bytes * factor,
        bytes_moved=columns.bytes_moved + moved * (factor - 1),
        spatial=columns.spatial * factor,
    )


def predict_batches(
    network: Network,
    answers: Predictor,
    batches: Sequence[int | None],
    rate_hz: float | None = None,
) -> Numbers:
    """Return the rows of a network at each of `batches`; `None` is its own.

    The analytic model takes the columns of all batches at once; another predictor is given a
    network for each.
    """
    if isinstance(answers, RooflinePredictor):
        return _by_columns(network, answers, batches, rate_hz)
    return _by_networks(network, answers, batches, rate_hz)


def _by_columns(
    network: Network,
    answers: RooflinePredictor,
    batches: Sequence[int | None],
    rate_hz: float | None,
) -> Numbers:
    device = answers.device
    count = max(1, _ROWS_AT_ONCE // max(len(network), 1))
    pieces = []
    for start in range(0, len(batches), count):
        asked = [batch or network.batch for batch in batches[start : start + count]]
        chosen = np.array(asked, dtype=np.int64)
        columns = Columns.concatenate(
            [scaled_to_batch(network.columns, batch / network.batch) for batch in asked]
        )
        offsets = np.arange(len(chosen) + 1, dtype=np.int64) * len(network)
        totals = network_totals(
            costs(columns, device, answers.numbers), offsets, device, answers.numbers
        )
        near = fitted().gaps(columns, offsets) <= NEAR
        bounds = _intervals(network, chosen, near, totals, answers)
        above = np.maximum(totals.power_above_idle_w, 0.0)
        values = {
            "end_to_end_s": totals.end_to_end_s,
            "energy_j": totals.energy_j,
            "power_w": totals.power_w,
            "energy_above_idle_j": above * totals.end_to_end_s,
            "power_above_idle_w": above,
        }
        ends = {name: (value, *bounds[name]) for name, value in values.items()}
        pieces.append(Pace(rate_hz, device.idle_power_w).rows(chosen, ends))
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _by_networks(
    network: Network, answers: Predictor, batches: Sequence[int | None], rate_hz: float | None
) -> Numbers:
    chosen = np.array([batch or network.batch for batch in batches], dtype=np.int64)
    profiles = answers.predict_many([_at_batch(network, int(batch)) for batch in chosen])
    totals = [profile.totals for profile in profiles]
    ends = {
        name: _ends([getattr(total, name) for total in totals])
        for name in (
            "end_to_end_s", "energy_j", "power_w", "energy_above_idle_j", "power_above_idle_w",
        )
    }  # fmt: skip
    return {**Pace(rate_hz, answers.device.idle_power_w).rows(chosen, ends)}


def _ends(found: Sequence[Estimate]) -> Ends:
    value, low, high = np.array([(e.value, e.low, e.high) for e in found]).T
    return value, low, high


@dataclass(frozen=True)
class Pace:
    """How often images arrive, and what the board draws in between."""

    rate_hz: float | None
    """Images a second; `None`: back to back."""
    idle_power_w: float

    def rows(self, batches: IntArray, found: Mapping[str, Ends]) -> dict[str, FloatArray]:
        """Return the columns of a sweep from value, low and high of totals, one number a batch."""
        wall = found["end_to_end_s"]
        speeds = (batches / wall[0], batches / wall[2], batches / wall[1])
        columns = {"end_to_end_s": wall, "energy_j": found["energy_j"], "power_w": found["power_w"]}
        rows = {"batch": batches, **_columns(columns), **_columns({"images_hz": speeds})}
        rows["energy_per_image_j"] = found["energy_j"][0] / batches
        if self.rate_hz is not None:
            pairs = zip(found["energy_above_idle_j"], found["power_above_idle_w"], strict=True)
            powers = [
                power_at(self.rate_hz / batches, energy, power, self.idle_power_w)
                for energy, power in pairs
            ]
            rows |= _columns({"power_at_rate_w": (powers[0], powers[1], powers[2])})
        return rows


def lacks(network: Network) -> bool:
    """Say whether some layers of a network have no cost."""
    return not bool(network.columns.covered.all())


def share_covered(network: Network) -> float:
    """Return the share of the bytes moved by the layers that have a cost."""
    moved, covered = network.columns.bytes_moved, network.columns.covered
    total = float(moved.sum())
    return float(moved[covered].sum()) / total if total else 1.0


def memory_of(network: Network, batches: IntArray) -> Numbers:
    """Return what a network's engine takes of the memory at each batch; weights stay."""
    found = EngineMemory.of(network, math.nan)
    total, weights, factor = found.total, found.weight_bytes, batches / network.batch
    value, low, high = (
        weights + (size - weights) * factor for size in (total.value, total.low, total.high)
    )
    return _columns({"memory_bytes": (value, low, high)})


def opened(rows: Numbers, device: Device) -> Numbers:
    """Return rows of a network that lacks some layers: nobody knows how far up they go."""
    unknown = np.full(len(rows["batch"]), np.nan)
    idle = np.full(len(rows["batch"]), device.idle_power_w)
    found = dict(rows)
    for name in rows:
        if name.endswith("_high") and name != "images_hz_high":
            found[name] = unknown
    found["images_hz_low"] = unknown
    for name in ("power_w_low", "power_at_rate_w_low"):
        if name in found:
            found[name] = idle
    return found


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
    there = replace(network, batch=batch, activation_bytes=activations)
    # Where the cached property keeps them.
    vars(there)["columns"] = scaled_to_batch(network.columns, batch / network.batch)
    return there


def _intervals(
    network: Network,
    batches: IntArray,
    near: BoolArray,
    totals: NetworkTotals,
    answers: RooflinePredictor,
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Intervals of the totals at each batch, as `predict` gives them at that batch alone.

    Widths tell two batches of a network apart by two facts alone, whether it is more than one
    image and whether the network then is near one that was fitted, so each pair is asked for once.
    """
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    facts = 2 * (batches > 1) + near
    for fact in np.unique(facts):
        chosen = facts == fact
        there = _at_batch(network, int(batches[chosen][0]))
        widths = widths_for(there, answers.device, answers.confidence)
        bounds = total_intervals(totals, total_widths(totals, widths), answers.device.idle_power_w)
        for name, ends in bounds.items():
            low, high = found.setdefault(name, (np.empty(len(facts)), np.empty(len(facts))))
            low[chosen], high[chosen] = ends[0][chosen], ends[1][chosen]
    return found
