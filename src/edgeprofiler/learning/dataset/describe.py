"""What is in a data set, and what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from edgeprofiler.core.network import KINDS, FloatArray
from edgeprofiler.core.units import known
from edgeprofiler.learning.dataset.table import Dataset

CONSTANT = 0.005
"""Power that varies less than this, relatively, within a network is one figure, not many."""

RANGES = ("macs", "bytes_moved", "weight_bytes", "runtime_s", "power_above_idle_w", "samples")
_CONFIGURATION = (
    "kind", "op", "dtype", "input_shapes", "output_shapes", "kernel", "stride", "padding_before",
    "padding_after", "dilation", "groups", "fused_ops",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Description:
    """Counts, ranges and doubts about a data set."""

    rows: int
    counts: dict[str, dict[str, int]]
    """By network, then by kind."""
    ranges: dict[str, dict[str, tuple[float, float, float]]]
    """By kind, then by quantity: least, median, largest."""
    repeated: int
    """Rows whose configuration an earlier row of the same network has."""
    twins: int
    """Rows whose configuration another network has: a random split would leak them."""
    few_samples: int
    min_samples: int
    samples_unknown: int
    constant_power: tuple[str, ...]
    """Networks in which one power stands for all layers."""
    without_power: tuple[str, ...]
    unknown_macs: int
    marks: dict[str, int]
    devices: tuple[str, ...]
    simulated: int

    def document(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return {
            "schema": "edgeprofiler.dataset-description/1",
            **{k: v for k, v in self.__dict__.items() if k != "ranges"},
            "ranges": {
                kind: {name: [known(v) for v in values] for name, values in found.items()}
                for kind, found in self.ranges.items()
            },
        }


def describe(data: Dataset, min_samples: int = 10) -> Description:
    """Return what `dataset describe` shows.

    Args:
        min_samples: sensor conversions that a layer's power should rest on.
    """
    network, kind = data.text("network"), data.text("kind")
    counts: dict[str, dict[str, int]] = {
        name: {str(k): int(((network == name) & (kind == k)).sum()) for k in KINDS}
        for name in data.networks
    }
    keys = np.array(
        ["\t".join(map(str, row)) for row in zip(*_configurations(data), strict=True)], np.str_
    )
    own = np.char.add(np.char.add(keys, "\n"), network)
    pairs = {tuple(pair.rsplit("\n", 1)) for pair in own.tolist()}
    owners: dict[str, int] = {}
    for key, _ in pairs:
        owners[key] = owners.get(key, 0) + 1
    samples = data.number("samples")
    marks = [mark for text in data.text("marks").tolist() for mark in text.split(";") if mark]
    return Description(
        rows=len(data),
        counts=counts,
        ranges={
            k: {name: _range(data.number(name)[kind == k]) for name in RANGES}
            for k in KINDS
            if bool((kind == k).any())
        },
        repeated=len(own) - len(pairs),
        twins=sum(1 for key in keys.tolist() if owners[key] > 1),
        few_samples=int((samples < min_samples).sum()),
        min_samples=min_samples,
        samples_unknown=int(np.isnan(samples).sum()),
        constant_power=tuple(n for n in data.networks if _constant(data, n)),
        without_power=tuple(
            n
            for n in data.networks
            if bool(np.isnan(data.number("power_above_idle_w")[network == n]).all())
        ),
        unknown_macs=int(np.isnan(data.number("macs")).sum()),
        marks={mark: marks.count(mark) for mark in sorted(set(marks))},
        devices=tuple(np.unique(data.text("device")).tolist()),
        simulated=int(data.integer("simulated").sum()),
    )


def _configurations(data: Dataset) -> list[list[Any]]:
    return [data.columns[name].tolist() for name in _CONFIGURATION]


def _constant(data: Dataset, network: str) -> bool:
    power = data.number("power_above_idle_w")[data.text("network") == network]
    power = power[np.isfinite(power)]
    return len(power) > 2 and float(power.std() / power.mean()) < CONSTANT


def _range(values: FloatArray) -> tuple[float, float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return (float("nan"),) * 3
    return float(known.min()), float(np.median(known)), float(known.max())
