"""Which kind of interval a question deserves: the further from the calibration, the wider."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from edgeprofiler.core.device import Calibration, Device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import Network
from edgeprofiler.prediction.costmodel.parameters import calibration_of, power_measured
from edgeprofiler.prediction.uncertainty.distributions import normal_quantile
from edgeprofiler.prediction.uncertainty.fitted import (
    KNOWN_DTYPES,
    NEAR,
    describe,
    fitted,
    intervals_table,
)

GUESSED_POWER = math.log(2.0)
"""90 % half width of power on boards and modes where none was measured: a factor of two."""

OTHER_POWER_STACK = 0.2
"""Added in squares where power was measured with other software than is asked about."""

OTHER_DTYPE = 0.3
"""Added in squares for data types and batches that no measured row has. Assumed."""

HOST_GAP = math.log(2.0)
"""90 % half width of the host's gap: it depends on the CPU and on what else runs."""

KINDS = {
    "matching rows": "board, mode and software calibrated by you",
    "network": "board, mode and software calibrated; network like those fitted",
    "family": "board, mode and software calibrated; network unlike those fitted",
    "stack": "board calibrated with other software or in another power mode",
    "board": "board not calibrated",
}


@dataclass(frozen=True)
class Widths:
    """Half widths of intervals in log space, and why they are what they are."""

    kind: str
    runtime: float
    layer_runtime: float
    """Of one layer that multiplies: convolutions and matrix products."""
    simple_runtime: float
    """Of one layer that does not: element-wise, pooling, moves of data."""
    power: float
    layer_power: float
    host_gap: float
    provenance: str
    warnings: tuple[str, ...] = ()


@lru_cache(maxsize=256)
def shipped_width(quantity: str, kind: str, confidence: float) -> float:
    """Return the half width for a quantity and kind, interpolated between shipped levels.

    Args:
        quantity: `runtime`, `power` or `layer_runtime`.
        kind: one of `KINDS`, of which power knows fewer; for `layer_runtime` what the layer
            does, `products` or `others`.
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


def widths_for(network: Network, device: Device, confidence: float = 0.9) -> Widths:
    """Return the widths that apply to `network` on `device`.

    Args:
        network: what is asked about.
        device: board, mode, host and calibrations.
        confidence: share of truths that the intervals are to hold.

    Raises:
        UsageError: the confidence is not between 0 and 1.
    """
    known, gap = fitted().nearest_network(network.columns)
    calibration = calibration_of(device)
    kind, runtime, warnings = _kind(device, calibration, gap, confidence)
    if gap > NEAR:
        warnings.append(
            f"unlike the networks that were fitted (the nearest is {known}); intervals are wider"
        )
    power, note = _power_width(device, calibration, gap, confidence)
    if note:
        warnings.append(note)
    odd = _unlike_network(network)
    if network.precision == "int8" and device.peak_flops("int8") <= device.peak_flops("fp16"):
        odd.append(f"{device.name} multiplies no faster in int8 than in fp16")
    if odd:
        runtime = math.hypot(runtime, scaled(OTHER_DTYPE, confidence))
    warnings += [*odd, *_unlike_layers(network)]
    layer, simple = (
        math.hypot(shipped_width("layer_runtime", what, confidence), runtime)
        for what in ("products", "others")
    )
    return Widths(
        kind=f"{kind}: {KINDS[kind]}",
        runtime=runtime,
        layer_runtime=layer,
        simple_runtime=simple,
        power=power,
        layer_power=math.hypot(power, scaled(GUESSED_POWER / 2, confidence)),
        host_gap=scaled(HOST_GAP, confidence),
        provenance=calibration.provenance if calibration else "shared numbers of all boards",
        warnings=(*warnings, "power and energy of single layers: not validated on a device"),
    )


def _kind(
    device: Device, calibration: Calibration | None, gap: float, confidence: float
) -> tuple[str, float, list[str]]:
    family = shipped_width("runtime", "family", confidence)
    if calibration is None:
        width = shipped_width("runtime", "board", confidence)
        return (
            "board",
            math.hypot(width, family) if gap > NEAR else width,
            [f"{device.name} is not calibrated: numbers {_lent(device)} are used"],
        )
    stack = shipped_width("runtime", "stack", confidence)
    if calibration.mode.clocks != device.mode.clocks:
        text = f"calibrated in mode {calibration.mode.name}, asked about {device.mode.name}"
    elif calibration.runtime != device.runtime:
        text = f"calibrated with {calibration.runtime}, asked about {device.runtime}"
    else:
        own = calibration.errors.get("loo_q90")
        if own is not None:
            width = scaled(own, confidence)
            return "matching rows", math.hypot(width, family) if gap > NEAR else width, []
        kind = "family" if gap > NEAR else "network"
        return kind, shipped_width("runtime", kind, confidence), []
    width = math.hypot(stack, family) if gap > NEAR else stack
    return "stack", width, [f"{device.name} was {text}: intervals are wider"]


def _lent(device: Device) -> str:
    return f"of {device.like} (the same chip)" if device.stand_ins else "shared by other boards"


def _power_width(
    device: Device, calibration: Calibration | None, gap: float, confidence: float
) -> tuple[float, str]:
    kind = "family" if gap > NEAR else "network"
    width = shipped_width("power", kind, confidence)
    if calibration is None or not power_measured(calibration):
        note = f"power of {device.name} was never measured: scaled from another board, a guess"
        return math.hypot(width, scaled(GUESSED_POWER, confidence)), note
    if calibration.mode.clocks != device.mode.clocks:
        note = (
            f"power was measured in mode {calibration.mode.name} only: scaled with the clock, "
            "a guess"
        )
        return math.hypot(width, scaled(GUESSED_POWER, confidence)), note
    own = calibration.errors.get("power_loo_q90")
    if own is not None:
        return scaled(own, confidence), ""
    if device.runtime == "torch-tensorrt":
        return width, ""
    return math.hypot(width, scaled(OTHER_POWER_STACK, confidence)), (
        "power was measured through Torch-TensorRT with a profiler: intervals are wider"
    )


def _unlike_network(network: Network) -> list[str]:
    texts = []
    odd = sorted({layer.dtype for layer in network.layers if layer.macs} - KNOWN_DTYPES)
    if odd:
        texts.append(f"only fp16 layers were fitted: {', '.join(odd)} is scaled by the datasheet")
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
