"""Which kind of interval a question deserves: the further from the calibration, the wider."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edgeprofiler.device import Device
from edgeprofiler.network import Network


@dataclass(frozen=True)
class Widths:
    """Half widths of intervals in log space, and why they are what they are."""

    kind: str
    runtime: float
    layer_runtime: float
    power: float
    layer_power: float
    host_gap: float
    provenance: str
    warnings: tuple[str, ...] = ()


def widths_for(network: Network, device: Device, confidence: float = 0.9) -> Widths:
    """Return the widths that apply to `network` on `device`."""
    scale = math.log(1 - confidence) / math.log(0.1)
    return Widths(
        "new family",
        0.21 * scale,
        0.35 * scale,
        0.2 * scale,
        0.3 * scale,
        0.7 * scale,
        "preliminary",
    )
