"""Go through the whole zoo on every board and look for what no prediction may do.

    python scripts/check_invariants.py              # a few minutes on one core

What `tests/prediction/predictors/test_invariants.py` tries on samples: a narrower type is no slower
(to 3 %), no layer beats its board's peak, power stays within a mode's budget, and a faster clock
costs no time. Prints what breaks, and exits with 1 then.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from edgeprofiler.core.choices import PRECISIONS
from edgeprofiler.core.device import Device, device_names, load_device
from edgeprofiler.core.network import BoolArray, Columns, FloatArray, Network
from edgeprofiler.prediction.costmodel.hardware import Hardware
from edgeprofiler.prediction.costmodel.work import DEPTHWISE, WINOGRAD, Work
from edgeprofiler.prediction.predictors.roofline import NetworkCosts
from edgeprofiler.reading.lowering import BuildTarget, Plans
from edgeprofiler.reading.zoo import names, zoo_graph

BATCHES = (1, 16)
ORDER = 1.03
"""By how much a narrower type may be slower: what reformats of inputs and outputs cost."""
SLACK = 1 + 1e-9
WINOGRAD_SAVING = 36 / 16
STEPS = 7
"""Clocks that are tried between a board's lowest and highest."""


@dataclass(frozen=True)
class Zoo:
    """All networks of the zoo, lowered for one board, precision and batch."""

    names: Sequence[str]
    work: Work
    offsets: np.ndarray
    io_bytes: FloatArray
    has_wider: BoolArray
    """Whose builder may keep a wider type (`Network.wider`)."""

    @staticmethod
    def of(networks: Sequence[Network]) -> Zoo:
        return Zoo(
            [network.name for network in networks],
            Work.of(Columns.concatenate([network.columns for network in networks])),
            np.cumsum([0, *(len(network) for network in networks)]),
            np.array([float(network.io_bytes or 0) for network in networks]),
            np.array([network.wider is not None for network in networks]),
        )

    def costs(self, device: Device) -> NetworkCosts:
        return NetworkCosts.of(self.work, self.offsets, self.io_bytes, device)


class Zoos:
    """Lowers the zoo once for all boards that build alike."""

    def __init__(self, networks: Sequence[str], resolution: int | None = None) -> None:
        self.names = networks
        self.graphs = {
            batch: [zoo_graph(n, batch=batch, resolution=resolution) for n in networks]
            for batch in BATCHES
        }
        self.found: dict[object, Zoo] = {}

    def on(self, device: Device, precision: str, batch: int) -> Zoo:
        target = BuildTarget.of(device)
        key = (replace(target, name=""), precision, batch)
        if key not in self.found:
            plans = Plans()
            self.found[key] = Zoo.of(
                [plans.lower(graph, precision, "trtexec", target) for graph in self.graphs[batch]]
            )
        return self.found[key]


def order(zoos: Zoos, device: Device) -> Iterator[str]:
    """Where a narrower type takes longer."""
    for batch in BATCHES:
        wide: FloatArray | None = None
        for precision in PRECISIONS:
            found = zoos.on(device, precision, batch)
            seconds = found.costs(device).wall.gpu_s
            if wide is not None:
                seconds = np.where(found.has_wider, np.minimum(seconds, wide), seconds)
                for i in np.flatnonzero(seconds > ORDER * wide).tolist():
                    yield (f"{device.spec}: {zoos.names[i]} batch {batch}: {precision} takes "
                           f"{seconds[i] / wide[i]:.3f} of the wider type's time")  # fmt: skip
            wide = seconds


def bounds(zoos: Zoos, device: Device) -> Iterator[str]:
    """Where a layer beats the peak, or draws more than the mode may."""
    for batch in BATCHES:
        for precision in PRECISIONS:
            found = zoos.on(device, precision, batch)
            costs = found.costs(device)
            work, seen = found.work, Hardware.seen_by(found.work, device)
            peak = np.maximum(seen.tensor_flops, seen.lane_flops)
            peak = np.where(work.class_code >= DEPTHWISE, seen.depthwise_flops, peak)
            peak = peak * np.where(work.class_code == WINOGRAD, WINOGRAD_SAVING, 1.0)
            fast = np.flatnonzero(work.flops > peak * costs.layers.runtime_s)
            moved = work.bytes_moved * (work.activation_bytes > 64 * 2**20)
            rate = np.flatnonzero(moved > device.bandwidth_bytes_per_s * costs.layers.runtime_s)
            for what, layers in (("beats the peak", fast), ("beats the memory", rate)):
                for i in layers.tolist():
                    name = zoos.names[int(np.searchsorted(found.offsets, i, "right")) - 1]
                    yield f"{device.spec}: {name} {precision} batch {batch}: a layer {what}"
            budget = device.mode.power_budget_w
            if np.isfinite(budget):
                watts = np.fmax.reduceat(costs.layers.power_w, found.offsets[:-1])
                watts = np.maximum(watts, costs.totals.power_w)
                for i in np.flatnonzero(watts > budget * SLACK).tolist():
                    yield f"{device.spec}: {zoos.names[i]} {precision} {batch}: {watts[i]:.2f} W"


def clocks(zoos: Zoos, board: Device) -> Iterator[str]:
    """Where a faster clock of one part, or more of it, costs time."""
    for axis, allowed in board.datasheet.ranges.items():
        steps = np.geomspace(allowed.least, allowed.most, STEPS).tolist()
        texts = [f"{step / 1e6:.6g}MHz" for step in steps]
        if axis in ("cores", "sms"):
            texts = [str(count) for count in range(1, round(allowed.most) + 1)]
        devices = [load_device(f"{board.spec},{axis}={text}") for text in texts]
        for precision in PRECISIONS:
            found = zoos.on(board, precision, 1)
            seconds = [found.costs(device).totals.end_to_end_s for device in devices]
            for device, more, less in zip(devices[1:], seconds[1:], seconds, strict=False):
                for i in np.flatnonzero(more > less * SLACK).tolist():
                    yield f"{device.spec}: {zoos.names[i]} {precision}: {more[i] / less[i]:.4f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--boards", nargs="*", default=device_names())
    parser.add_argument("--networks", nargs="*", default=list(names()))
    parser.add_argument("--resolution", type=int)
    args = parser.parse_args()
    zoos = Zoos(args.networks, args.resolution)
    broken = 0
    for name in args.boards:
        board = load_device(name)
        devices = [load_device(f"{name}@{mode.name}") for mode in board.modes]
        checks = [check(zoos, device) for device in devices for check in (order, bounds)]
        for line in chain(*checks, clocks(zoos, board)):
            print(line, flush=True)
            broken += 1
    print(f"{broken} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
