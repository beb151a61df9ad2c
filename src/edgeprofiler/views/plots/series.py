"""What the pictures of a profile show, as numbers: drawn once for paper and once for a browser."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgeprofiler.core.device import Device, device_names, load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import FloatArray, IntArray
from edgeprofiler.core.profile import DeviceLabel, Profile
from edgeprofiler.core.profile.words import FIXED, HOST_GAP, outside
from edgeprofiler.views.plots.stages import stages

COLOURS: dict[str, str] = {
    "convolutional": "#3d7cc9",
    "pooling": "#2f9e77",
    "dense": "#d1605e",
    "other": "#a07cc5",
    FIXED: "#8a9099",
    HOST_GAP: "#b9bec6",
}
"""Colour of each kind of layer and of time outside layers; readable on white and on black."""

MULTIPLYING = ("convolutional", "dense")
IDLE_COLOUR = "#e39a1f"


@dataclass(frozen=True)
class Bars:
    """One inference as bars, in order of execution; arrays of one length.

    Width is time, height is power, so a bar's area is its energy. Layers come first, each of
    `index` in the network; then the fixed part and the host's gap with index -1.
    """

    index: IntArray
    label: tuple[str, ...]
    kind: tuple[str, ...]
    start_s: FloatArray
    width_s: FloatArray
    power_w: FloatArray

    def __len__(self) -> int:
        return len(self.index)


def timeline(profile: Profile) -> Bars:
    """Return the bars of one inference; layers that take no time or are unknown have none."""
    costs = profile.costs
    drawn = np.flatnonzero(costs.covered & (costs.runtime_s > 0))
    index, width = list(drawn), list(costs.runtime_s[drawn])
    power = list(costs.power_w[drawn])
    layers = profile.network.layers
    label = [layers[i].name for i in index]
    kind: list[str] = [layers[i].kind for i in index]
    for name, part in outside(profile):
        index.append(np.int64(-1))
        width.append(part.runtime_s)
        power.append(part.power_w)
        label.append(name)
        kind.append(name)
    widths = np.array(width, dtype=np.float64)
    return Bars(
        index=np.array(index, dtype=np.int64),
        label=tuple(label),
        kind=tuple(kind),
        start_s=np.cumsum(widths) - widths,
        width_s=widths,
        power_w=np.array(power, dtype=np.float64),
    )


@dataclass(frozen=True)
class Share:
    """What a group of layers costs together; unknown layers are counted, not summed."""

    label: str
    kind: str
    layers: int
    runtime_s: float
    energy_j: float


def by_kind(profile: Profile) -> tuple[Share, ...]:
    """Return the cost of each type of layer, `other` by its operations, largest energy first.

    The fixed part and the host's gap come last, so that energies and times add up to the totals.
    """

    def label(index: int) -> tuple[str, str]:
        layer = profile.network.layers[index]
        return (layer.op if layer.kind == "other" else layer.kind), layer.kind

    groups = _grouped(profile, label)
    groups.sort(key=_by_energy)
    return (*groups, *_outside(profile))


def _by_energy(share: Share) -> tuple[bool, float]:
    """Largest energy first; behind them those of unknown energy, longest time first."""
    known = math.isfinite(share.energy_j)
    return not known, -(share.energy_j if known else share.runtime_s)


def drawn_shares(shares: tuple[Share, ...]) -> tuple[list[Share], float, str]:
    """Return the groups that have a bar, the energy that they are shares of, and what is left out.

    The energy is NaN where a group's is unknown: the others' shares are then unknown too.
    """
    drawn = [share for share in shares if share.energy_j > 0]
    unknown = sum(math.isnan(share.energy_j) for share in shares)
    if unknown:
        return drawn, math.nan, f"energy of {unknown} of {len(shares)} unknown"
    return drawn, sum(share.energy_j for share in drawn) or 1.0, ""


def percent(part: float, total: float, digits: int = 0) -> str:
    """Return a share of a total for a person; empty where it is unknown."""
    return f"{part / total:.{digits}%}" if math.isfinite(part / total) else ""


def by_stage(profile: Profile) -> tuple[Share, ...]:
    """Return the cost of each stage of the network, in order of execution.

    What a stage is, `edgeprofiler.views.plots.stages` says. Energies add up as in `by_kind`.
    """
    names = stages(profile.network)
    groups = _grouped(profile, lambda index: (names[index], ""))
    return (*groups, *_outside(profile))


def _grouped(profile: Profile, label: Callable[[int], tuple[str, str]]) -> list[Share]:
    members: dict[tuple[str, str], list[int]] = {}
    for index in range(len(profile)):
        members.setdefault(label(index), []).append(index)
    costs, shares = profile.costs, []
    for (name, kind), indices in members.items():
        at = np.array(indices, dtype=np.int64)
        known = at[costs.covered[at]]
        runtime = float(costs.runtime_s[known].sum())
        shares.append(Share(name, kind, len(at), runtime, float(costs.energy_j[known].sum())))
    return shares


def _outside(profile: Profile) -> tuple[Share, ...]:
    return tuple(
        Share(name, name, 0, part.runtime_s, part.energy_j) for name, part in outside(profile)
    )


@dataclass(frozen=True)
class Roof:
    """A limit of the device: `min(peak, bandwidth * intensity)`."""

    label: str
    flops: float


@dataclass(frozen=True)
class Roofline:
    """Layers by arithmetic intensity and achieved speed; arrays of one length."""

    index: IntArray
    intensity: FloatArray
    """FLOP per byte moved."""
    flops: FloatArray
    """FLOP/s achieved."""
    energy_share: FloatArray
    """Energy as a share of the largest; 0 where it is unknown."""
    roofs: tuple[Roof, ...]
    """Highest first; empty where the device is not known."""
    bandwidth_bytes_per_s: float
    """Of DRAM in the device's power mode; NaN where the device is not known."""


def roofline(profile: Profile, device: Device | None = None) -> Roofline:
    """Return the layers that compute, and the roofs of their device.

    Args:
        device: whose roofs to draw; the shipped device that the profile names where `None`.
    """
    columns, costs = profile.network.columns, profile.costs
    with np.errstate(divide="ignore", invalid="ignore"):
        intensity = columns.flops / columns.bytes_moved
        speed = columns.flops / costs.runtime_s
    drawn = np.isfinite(intensity) & np.isfinite(speed) & (intensity > 0) & (speed > 0)
    at = np.flatnonzero(drawn & costs.covered)
    energy = np.nan_to_num(costs.energy_j[at], nan=0.0)
    board = device or known_device(profile.device)
    return Roofline(
        index=at,
        intensity=intensity[at],
        flops=speed[at],
        energy_share=energy / max(float(energy.max(initial=0.0)), 1e-30),
        roofs=() if board is None else _roofs(profile, board),
        bandwidth_bytes_per_s=math.nan if board is None else board.bandwidth_bytes_per_s,
    )


def known_device(label: DeviceLabel) -> Device | None:
    """Return the shipped device that a profile names, or `None`.

    Names in a profile come from whoever wrote it, so none is ever taken for a path.
    """
    if label.name not in device_names():
        return None
    try:
        return load_device(label.name).with_mode(label.mode)
    except UsageError:
        return None


def _roofs(profile: Profile, device: Device) -> tuple[Roof, ...]:
    dtypes = [layer.dtype for layer in profile.network.layers if layer.kind in MULTIPLYING]
    found: dict[float, str] = {}
    for dtype in dict.fromkeys(dtypes or ["fp16"]):
        units = "tensor cores" if device.datasheet.tensor_cores else "CUDA cores"
        found.setdefault(device.peak_flops(dtype), f"{dtype}, {units}")
        vector = dtype if dtype in device.datasheet.vector_flops else "fp32"
        found.setdefault(device.vector_flops(dtype), f"{vector}, CUDA cores")
    return tuple(Roof(found[flops], flops) for flops in sorted(found, reverse=True))
