"""From powers to a measured profile: times of all layers, their shapes, totals and warnings."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.network import FloatArray, Layer, Network, Source
from edgeprofiler.core.profile import Costs, DeviceLabel, Origin, Part, Profile
from edgeprofiler.core.profile.possible import require_possible
from edgeprofiler.core.reads import chosen
from edgeprofiler.measurement.attribution.report import AttributionReport
from edgeprofiler.measurement.recording import Recording, network_from_json
from edgeprofiler.reading.engine import network_from_engine

Z_90 = 1.6449
"""Half-width of a 90 % interval in standard errors."""

STRETCHES = 50


@dataclass(frozen=True, eq=False)
class Powers:
    """Board powers as found, in the timeline's order; arrays of shape (layers,)."""

    power_w: FloatArray
    error_w: FloatArray | None
    known_by: tuple[str, ...]
    samples: FloatArray | None
    idle_w: float
    gap_s: float
    """Gaps of one run together."""
    gap_w: float
    between_w: float
    energy_error_j: float
    """Standard error of the energy of one run."""

    @staticmethod
    def unknown(recording: Recording, idle_w: float = math.nan) -> Powers:
        """Return that no power is known."""
        count = len(recording.timeline.layer_names)
        nan = np.full(count, np.nan)
        return Powers(nan, None, ("",) * count, None, idle_w, 0.0, math.nan, math.nan, math.nan)


def network_of(recording: Recording) -> Network:
    """Return the network that a recording describes, its layers in the timeline's order.

    Layers that it does not describe are of unknown operation and shape.
    """
    names = recording.timeline.layer_names
    found, warnings = _described(recording)
    if found is not None and tuple(layer.name for layer in found.layers) == names:
        return found
    described = found.layers if found is not None else ()
    place_of = {layer.name: place for place, layer in enumerate(described)}
    places = [place_of.get(name) for name in names]
    layers = tuple(
        _bare(name) if place is None else described[place]
        for name, place in zip(names, places, strict=True)
    )
    bare = places.count(None)
    if bare and found is not None:
        warnings = (*warnings, f"{bare} recorded layers are not in the network's description")
    source = found.source if found is not None else Source(recording.name, "recording")
    return Network(
        name=recording.name,
        layers=layers,
        source=source,
        batch=found.batch if found is not None else 1,
        precision=found.precision if found is not None else "mixed",
        warnings=(*(found.warnings if found is not None else ()), *warnings),
        reads=chosen(found.reads, places) if found is not None else None,
    )


def _described(recording: Recording) -> tuple[Network | None, tuple[str, ...]]:
    if recording.network is None:
        return None, ("shapes of layers are unknown: the recording holds no description",)
    try:
        found = network_from_json(recording.network, recording.name)
        if found is None:
            found = network_from_engine(dict(recording.network), Source(recording.name, "tensorrt"))
    except EdgeProfilerError as error:
        return None, (f"shapes of layers are unknown ({error})",)
    return found, ()


def _bare(name: str) -> Layer:
    return Layer(name, "other", "unknown", (), (), "fp32")


def build_profile(
    recording: Recording, network: Network, by: Origin, powers: Powers, report: AttributionReport
) -> Profile:
    """Return the measured profile of powers and a recording's durations.

    A layer is covered where its time is known: the totals' times hold it. Where its power is
    not, the energy of the whole is unknown too.

    Raises:
        InvalidInput: a time or power cannot be, as of a log that holds negative powers.
    """
    mean, error = _durations(recording)
    idle_layer = mean == 0
    power = np.where(idle_layer, np.nan, powers.power_w)
    covered = np.isfinite(mean)
    known = tuple(
        "noop" if quiet else name for quiet, name in zip(idle_layer, powers.known_by, strict=True)
    )
    bounds: dict[str, FloatArray] = {
        "runtime_s_low": np.maximum(mean - Z_90 * error, 0.0),
        "runtime_s_high": mean + Z_90 * error,
    }
    if powers.error_w is not None:
        low = np.maximum(power - Z_90 * powers.error_w, 0.0)
        high = power + Z_90 * powers.error_w
        bounds |= {
            "power_w_low": low,
            "power_w_high": high,
            "energy_j_low": np.where(idle_layer, 0.0, low * mean),
            "energy_j_high": np.where(idle_layer, 0.0, high * mean),
            "standard_error_w": np.where(idle_layer, np.nan, powers.error_w),
        }
    if powers.samples is not None:
        bounds["samples"] = np.asarray(powers.samples, dtype=np.float64)
    mean, power, covered = map(read_only, (mean, power, covered))
    bounds = {name: read_only(column) for name, column in bounds.items()}
    gap_w = powers.gap_w
    host_s = host_time(recording, float(np.nansum(mean)) + powers.gap_s)
    profile = Profile(
        network=network,
        device=_label(recording),
        origin=by,
        idle_power_w=powers.idle_w,
        costs=Costs(
            runtime_s=mean,
            power_w=power,
            covered=covered,
            bound=("",) * len(mean),
            known_by=known,
            **bounds,
        ),
        fixed=Part(powers.gap_s, gap_w),
        host_gap=Part(host_s or 0.0, powers.between_w),
        interval_kind="measured: standard errors of this recording" if powers.error_w is not None
        else "",
        warnings=_warnings(recording, report, host_s),
        simulated=recording.simulated,
    )  # fmt: skip
    return require_possible(_with_totals(profile, powers.energy_error_j), recording.name)


def _with_totals(profile: Profile, error_j: float) -> Profile:
    if not math.isfinite(error_j):
        return profile
    totals = profile.totals
    half, length = Z_90 * error_j, totals.end_to_end_s.value
    around = {
        "energy_j": (totals.energy_j.value, half),
        "energy_above_idle_j": (totals.energy_above_idle_j.value, half),
        "power_w": (totals.power_w.value, half / length),
        "power_above_idle_w": (totals.power_above_idle_w.value, half / length),
    }
    return replace(
        profile,
        total_intervals={
            name: (value - width, value + width)
            for name, (value, width) in around.items()
            if math.isfinite(value)
        },
    )


def _durations(recording: Recording) -> tuple[FloatArray, FloatArray]:
    """Return each layer's mean duration, and its standard error from stretches of the session."""
    duration = recording.timeline.duration_s
    seen = np.isfinite(duration)
    count = seen.sum(axis=0)
    total = np.where(seen, duration, 0.0).sum(axis=0)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    pieces = np.array_split(np.where(seen, duration, mean), min(STRETCHES, len(duration)))
    means = np.array([piece.mean(axis=0) for piece in pieces])
    if len(means) < 2:
        return mean, np.full(mean.shape, np.nan)
    return mean, np.asarray(means.std(axis=0, ddof=1) / np.sqrt(len(means)))


def host_time(recording: Recording, gpu_s: float) -> float | None:
    """Return how long a call takes beyond layers and gaps; `None` where starts are unknown."""
    timeline = recording.timeline
    if timeline.run_start_s is None:
        return None
    call = timeline.run_end_s - timeline.run_start_s
    call = call[np.isfinite(call)]
    return max(float(call.mean()) - gpu_s, 0.0) if call.size else None


def _label(recording: Recording) -> DeviceLabel:
    device = recording.device
    return DeviceLabel(
        name=device.get("board") or device.get("device") or "unknown",
        mode=device.get("mode") or "unknown",
        runtime=device.get("runtime") or device.get("runner") or "unknown",
        provenance=f"recording of {recording.started_utc}"
        if recording.started_utc
        else "recording",
    )


def _warnings(
    recording: Recording, report: AttributionReport, host_s: float | None
) -> tuple[str, ...]:
    result = [*recording.warnings]
    if recording.simulated and not any("simulated" in warning for warning in result):
        result.append("simulated: no device was measured")
    if not recording.complete:
        result.append("collecting was interrupted; what was recorded is used")
    if host_s is None:
        result.append("starts of runs were not recorded: the host's part of a call is left out")
    if report.level != "runtimes" and not math.isfinite(report.noise_w):
        result.append("no idle power with samples was recorded: the sensor's noise is unknown")
    return (*result, *report.lines())
