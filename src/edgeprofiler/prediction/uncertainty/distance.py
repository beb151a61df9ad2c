"""Which kind of interval a question deserves: the further from the calibration, the wider."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgeprofiler.core.device import Calibration, Device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import BoolArray, FloatArray, Network
from edgeprofiler.prediction.costmodel.parameters import calibration_of
from edgeprofiler.prediction.uncertainty.distributions import normal_quantile
from edgeprofiler.prediction.uncertainty.fitted import (
    KNOWN_DTYPES,
    NEAR,
    describe,
    fitted,
    intervals_table,
)

POWER_BOARD = "jetson-orin-nano"
"""The one board whose power was measured over many networks."""

GUESSED_POWER = math.log(1.6)
"""90 % half width of power above idle on other boards: scaled by silicon, clock and width. The
one network measured on a Nano lies 25 % from it."""

OTHER_POWER_MODE = 0.1
"""Added in squares in modes of which no power was measured."""

ODD_NETWORK = 0.2
"""Added in squares for data types and batches that no measured row has. Assumed."""

FAR, FAR_NETWORK = 0.5, 0.2
"""Distance up to which networks were left out together with their sources and families, and what
twice that adds in squares. Within it errors do not grow with the distance; beyond it nobody knows.
"""

CALIBRATED_NETWORKS = 5
"""So many networks of a user's own make a calibration that speaks for itself."""

NARROWED_BY = {
    "source": "calibrating on five or more networks measured on your board (`calibrate`)",
    "family": "calibrating on five or more networks, one like this among them",
    "network": "calibrating on five or more networks",
    "board-calibrated": "",
}
"""What would make an interval of each kind narrower."""


@dataclass(frozen=True)
class Widths:
    """Half widths of intervals in log space, and why they are what they are."""

    kind: str
    """One of `core.profile.words.INTERVAL_KINDS`."""
    runtime: float
    """Of the GPU's time."""
    wall: float
    """Of the time with the host's gap."""
    layer_runtime: float
    """Of one layer that multiplies: convolutions and matrix products."""
    simple_runtime: float
    """Of one layer that does not: element-wise, pooling, moves of data."""
    power: float
    layer_power: float
    provenance: str
    warnings: tuple[str, ...] = ()

    @property
    def narrowed_by(self) -> str:
        """What would make them narrower; empty where nothing would."""
        return NARROWED_BY[self.kind]


@lru_cache(maxsize=256)
def shipped_width(quantity: str, kind: str, confidence: float) -> float:
    """Return the half width for a quantity and kind, interpolated between shipped levels.

    Args:
        quantity: `runtime`, `power` or `layer_runtime`.
        kind: one of `core.profile.words.INTERVAL_KINDS`; for `layer_runtime` what the layer
            does, `products` or `others`.
            Of kind `source`, `runtime` is a factor on the standard deviation (see `doubt`).
        confidence: share of truths that the interval is to hold. Beyond the shipped levels a
            width grows as a normal error's.
    """
    if not 0 < confidence < 1 - 1e-12:  # nearer to 1, quantiles end in rounding
        raise UsageError(f"confidence {confidence:g} is out of range; choose between 0 and 1")
    table = intervals_table()
    levels = table["levels"]
    inner = min(max(confidence, levels[0]), levels[-1])
    # Widths grow about linearly with the logarithm of what they leave out.
    at, ends = -math.log1p(-inner), -np.log1p(-np.array(levels))
    width = float(np.interp(at, ends, table[quantity][kind]))
    return width * normal_quantile(confidence) / normal_quantile(inner)


def scaled(width: float, confidence: float) -> float:
    """Return a 90 % half width at another confidence, as a normal error would have it."""
    return width * normal_quantile(confidence) / normal_quantile(0.9)


def runtime_widths(
    device: Device,
    deviation: FloatArray,
    gaps: FloatArray,
    odd: bool | BoolArray,
    confidence: float,
) -> FloatArray:
    """Return half widths of the time of networks, without a network's own oddities.

    Args:
        device: board, mode, host and calibrations.
        deviation: standard deviation of each time's logarithm, for a source never seen.
        gaps: distance of each network to the nearest that was fitted.
        odd: whether the networks, or each of them, have a batch or data type that no row has.
        confidence: share of truths that the intervals are to hold.
    """
    source = shipped_width("runtime", "source", confidence) * deviation
    beyond = FAR_NETWORK * np.maximum(gaps / FAR - 1.0, 0.0)
    extra = scaled(1.0, confidence) * np.hypot(beyond, np.where(odd, ODD_NETWORK, 0.0))
    calibration = own_calibration(device)
    if calibration is None:
        return np.hypot(source, extra)
    family = shipped_width("runtime", "family", confidence)
    network = shipped_width("runtime", "network", confidence)
    if len(calibration.networks) >= CALIBRATED_NETWORKS:
        near = scaled(calibration.errors["loo_q90"], confidence)
        far = math.hypot(near, family)
    else:
        near, far = network, family
    # A calibration never makes a question less sure than it was without.
    own = np.minimum(np.where(gaps <= NEAR, near, far), np.maximum(source, near))
    return np.hypot(own, extra)


def own_calibration(device: Device) -> Calibration | None:
    """Return the user's own calibration of this board in this mode with this host, if any."""
    found = calibration_of(device)
    if found is None or "loo_q90" not in found.errors or found.runtime != device.runtime:
        return None
    return found if found.mode.clocks == device.mode.clocks else None


def kind_of(device: Device, gap: float) -> str:
    """Return the kind of interval that a network deserves at a distance from those fitted."""
    calibration = own_calibration(device)
    if calibration is None:
        return "source"
    if len(calibration.networks) >= CALIBRATED_NETWORKS:
        return "board-calibrated"
    return "network" if gap <= NEAR else "family"


def widths_for(
    network: Network,
    device: Device,
    runtime_deviation: float,
    wall_deviation: float,
    confidence: float = 0.9,
) -> Widths:
    """Return the widths that apply to `network` on `device`.

    Args:
        network: what is asked about.
        device: board, mode, host and calibrations.
        runtime_deviation: standard deviation of the logarithm of its GPU time, see `doubt`.
        wall_deviation: the same of its wall time.
        confidence: share of truths that the intervals are to hold.

    Raises:
        UsageError: the confidence is not between 0 and 1.
    """
    _, gap = fitted().nearest_network(network.columns)
    kind = kind_of(device, gap)
    odd = odd_facts(network)
    runtime, wall = runtime_widths(
        device, np.array([runtime_deviation, wall_deviation]), np.array([gap, gap]), bool(odd),
        confidence,
    ).tolist()  # fmt: skip
    power, _ = power_width(device, confidence)
    layer, simple = (
        math.hypot(shipped_width("layer_runtime", what, confidence), runtime)
        for what in ("products", "others")
    )
    calibration = own_calibration(device)
    return Widths(
        kind=kind,
        runtime=runtime,
        wall=wall,
        layer_runtime=layer,
        simple_runtime=simple,
        power=power,
        layer_power=math.hypot(power, scaled(GUESSED_POWER / 2, confidence)),
        provenance=calibration.provenance if calibration else provenance(device),
        warnings=warnings_for(network, device, confidence),
    )


def warnings_for(network: Network, device: Device, confidence: float) -> tuple[str, ...]:
    """Return why `network` on `device` is known less well than what was fitted."""
    known, gap = fitted().nearest_network(network.columns)
    warnings = _other_calibration(device)
    if gap > NEAR:
        warnings.append(f"unlike the networks that were fitted (the nearest is {known})")
    _, note = power_width(device, confidence)
    warnings += [note] if note else []
    warnings += [*odd_facts(network), *_unlike_layers(network)]
    return (*warnings, "power and energy of single layers: not validated on a device")


def provenance(device: Device) -> str:
    """Return what the numbers of a board rest on that its user did not calibrate."""
    rows = intervals_table()["boards"]
    own = rows.get(device.base or device.name)
    if own is not None:
        return f"shared numbers, with {own} published rows of this board"
    if device.like in rows:
        return f"shared numbers and those of {device.like}, the same chip; no row of this board"
    return "shared numbers of other boards; no row of this board or chip"


def _other_calibration(device: Device) -> list[str]:
    found = calibration_of(device)
    if found is None or own_calibration(device) is not None:
        own = (device.base or device.name) in intervals_table()["boards"]
        return [] if own or found is not None else [f"{device.name}: {provenance(device)}"]
    asked = f"{device.runtime} in mode {device.mode.name}"
    return [f"calibrated with {found.runtime} in mode {found.mode.name}, asked about {asked}"]


def power_width(device: Device, confidence: float) -> tuple[float, str]:
    """Return the half width of power above idle, and what to say of it."""
    calibration = own_calibration(device)
    own = calibration.errors.get("power_loo_q90") if calibration is not None else None
    if own is not None:
        return scaled(own, confidence), ""
    width = shipped_width("power", "source", confidence)
    if (device.base or device.name) != POWER_BOARD:
        note = f"power of {device.name} was hardly measured: scaled from {POWER_BOARD}"
        return math.hypot(width, scaled(GUESSED_POWER, confidence)), note
    if device.mode.name not in intervals_table()["power_modes"]:
        note = f"no power was measured in mode {device.mode.name}: scaled with the clocks"
        return math.hypot(width, scaled(OTHER_POWER_MODE, confidence)), note
    return width, ""


def odd_types(network: Network) -> list[str]:
    """Return the data types that a network multiplies in and no measured row does."""
    return sorted({layer.dtype for layer in network.layers if layer.macs} - KNOWN_DTYPES)


def odd_facts(network: Network) -> list[str]:
    """Return what of a network no measured row has."""
    texts = []
    odd = odd_types(network)
    if odd:
        texts.append(f"no row multiplies in {', '.join(odd)}: scaled by the datasheet")
    if network.batch > 1:
        texts.append(f"only batch 1 was fitted: batch {network.batch} is scaled by its work")
    return texts


def _unlike_layers(network: Network) -> list[str]:
    texts = []
    far, nearest = fitted().unlike(network.columns)
    if len(far):
        first = int(far[0])
        more = f" and {len(far) - 1} more" if len(far) > 1 else ""
        texts.append(
            f"layer {first} ({describe(network.layers[first])}){more}: outside the sizes that "
            f"were fitted; the nearest is a {fitted().layers[int(nearest[0])]}"
        )
    return texts
