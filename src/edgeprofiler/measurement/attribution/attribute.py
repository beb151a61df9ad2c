"""`attribute(recording)`: a measured profile, with powers as far as the data tell them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeprofiler._version import __version__
from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.network import FloatArray, Layer, Network
from edgeprofiler.core.profile import Origin, Profile
from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.attribution.build import Powers, build_profile, host_time, network_of
from edgeprofiler.measurement.attribution.coverage import coverage
from edgeprofiler.measurement.attribution.doubt import MOST_BLURRED, OWN
from edgeprofiler.measurement.attribution.evidence import (
    Evidence,
    gather,
    has_power,
    idle_of,
    why_no_power,
)
from edgeprofiler.measurement.attribution.powers import BoardPowers, board_powers
from edgeprofiler.measurement.attribution.report import METHODS, AttributionReport, Method
from edgeprofiler.measurement.attribution.timing import NOMINAL_WINDOW_S, Timing
from edgeprofiler.measurement.attribution.whole import whole_power
from edgeprofiler.measurement.attribution.window import WindowPowers, window_powers
from edgeprofiler.measurement.recording import Recording, chip_numbers
from edgeprofiler.measurement.recording.opening import open_recording

MIN_CONVERSIONS = 50
"""Fewer conversions than this support no power of layers."""

MOST_AVERAGED = 1024
"""More conversions to a value than any INA's register can ask for."""

TIMES_ONLY = "runtimes only, power and energy are unknown"

PUBLISHED = (
    "averages of the samples in each layer's own window, as published; such powers are off by 30 "
    "to 50 % where layers are shorter than the sensor's window"
)

UNSEEN = "the network's power and energy are unknown; collect more runs, or use another method"
"""Of the window rule, where a layer that takes time has no sample."""

LOCKED = (
    "runs are locked to the sensor: conversions saw only {seen:.0%} of a run's length, so no power "
    "is given; collect again with dithered pauses"
)

SWEEPING = (
    "runs are nearly locked to the sensor: places within a run were seen one after another, so "
    "that drift looks like layers and no power is given; collect again with dithered pauses"
)

NOTHING_TOLD = (
    "the samples tell {told:.0%} of what layers differ by, which is too little: one power for the "
    "network; {why}"
)

BLURRED = (
    "ends of runs are known to {error} only, {share:.0%} of a run: one power for the network; {why}"
)

CONTRADICTS = (
    "halves of the session differ by {halves:.1f} times their variance, so something moves power "
    "that is not known of: one power for the network; {why}"
)


@dataclass(frozen=True, eq=False)
class Attribution:
    """A measured profile and how it was found."""

    profile: Profile
    report: AttributionReport
    window: WindowPowers | None = None
    """Power of every single run, of the window rule only."""


def attribute(
    recording: Recording | str | Path,
    method: str = "layers",
    *,
    model: str | None = None,
    network: Network | None = None,
    timing: Timing | None = None,
) -> Profile:
    """Return what each layer of a recording cost.

    Args:
        recording: runs with durations and a power trace on the same clock; or its folder, or a
            folder of the reference's raw layout.
        method: `layers` (each conversion is a mixture of the layers it saw), `window` (the
            published rule, for comparison) or `network` (one power for all layers).
        model: which model of a raw layout that holds several.
        network: the layers' shapes; taken from the recording if `None`.
        timing: of the sensor, where it is known; fitted if `None`.

    Raises:
        InsufficientData: there are no complete runs.
        UsageError: no method of that name.

    >>> import edgeprofiler
    >>> edgeprofiler.attribute("recordings/lenet").origin.kind
    'measured'
    """
    opened = open_recording(recording, model)
    return attribute_with_report(opened, method, network=network, timing=timing).profile


def attribute_with_report(
    recording: Recording,
    method: str = "layers",
    *,
    network: Network | None = None,
    timing: Timing | None = None,
) -> Attribution:
    """Return the profile of `attribute` with its report and, for `window`, power of each run."""
    chosen = next((m for m in METHODS if m == method), None)
    if chosen is None:
        raise UsageError(f"no method {method!r}; choose one of: {', '.join(METHODS)}")
    if recording.timeline.runs < 1:
        raise InsufficientData(f"{recording.name}: {_no_runs(recording)}")
    network = network or network_of(recording)
    by = Origin("measured", f"edgeprofiler attribute, {chosen}", __version__)
    if not has_power(recording):
        reason = f"{why_no_power(recording)}: {TIMES_ONLY}"
        report = AttributionReport(
            chosen, "runtimes", recording.timeline.runs, 0, decisions=(reason,)
        )
        profile = build_profile(recording, network, by, Powers.unknown(recording), report)
        return Attribution(profile, report)
    if chosen == "window":
        return _by_window(recording, network, by)
    powers, report = _solve(recording, network, chosen, timing)
    return Attribution(build_profile(recording, network, by, powers, report), report)


def _no_runs(recording: Recording) -> str:
    lost = recording.lost("runs")
    if not lost:
        return "holds no complete run; collect some"
    return f"no complete run is left ({lost}); record them again with `collect --resume`"


def _by_window(recording: Recording, network: Network, by: Origin) -> Attribution:
    found = window_powers(recording)
    idle = idle_of(recording)
    seen = found.samples.sum(axis=0)
    missed = int(((seen == 0) & (recording.timeline.duration_s > 0).any(axis=0)).sum())
    report = AttributionReport(
        method="window",
        level="layers",
        runs=recording.timeline.runs,
        samples=len(recording.trace),
        layers=found.samples.shape[1],
        noise_w=idle.noise_w,
        decisions=(
            PUBLISHED,
            f"{np.mean(found.samples == 0):.0%} of the layers' runs hold no sample"
            + (f"; {missed} layers never do: {UNSEEN}" if missed else ""),
        ),
    )
    power = found.layer_power_w
    powers = Powers(
        power_w=power,
        error_w=None,
        known_by=tuple("window" if math.isfinite(p) else "" for p in power),
        samples=seen.astype(np.float64),
        idle_w=idle.mean_w,
        gap_s=0.0,
        gap_w=math.nan,
        between_w=idle.mean_w,
        energy_error_j=math.nan,
    )
    return Attribution(build_profile(recording, network, by, powers, report), report, found)


def _solve(
    recording: Recording, network: Network, method: Method, timing: Timing | None
) -> tuple[Powers, AttributionReport]:
    evidence = gather(recording)
    runs = evidence.runs
    conversions = evidence.conversions[evidence.chief]
    end = conversions.time_s[evidence.during(conversions.time_s)]
    window = NOMINAL_WINDOW_S if timing is None else timing.window_s
    seen = coverage(runs, end, window)
    report = AttributionReport(
        method=method,
        level="network",
        runs=len(runs),
        samples=evidence.polls,
        conversions=int(end.size),
        clock="repeats" if conversions.clocked else "nothing",
        period_s=conversions.period_s,
        stamps=_stamps(evidence),
        noise_w=evidence.idle.noise_w,
        layers=runs.layers,
        seen=seen.seen,
    )
    cycle = float(np.median(np.diff(runs.end_s)))
    if (seen.locked or seen.sweeping) and window < 0.9 * cycle:
        text = LOCKED.format(seen=seen.seen) if seen.locked else SWEEPING
        report = replace(report, level="runtimes", decisions=(text,))
        return Powers.unknown(recording, evidence.idle.mean_w), report
    reason = "as asked, one power for the network" if method == "network" else None
    if reason is None and end.size < MIN_CONVERSIONS:
        reason = f"{end.size} conversions are too few: one power for the network; collect longer"
    if reason is None:
        kinds = [_kind(network.layers[index]) for index in runs.active]
        found = board_powers(evidence, kinds, averaged=_averaged(recording), timing=timing)
        report = _told(report, evidence, found)
        if not found.doubt.says_nothing:
            return _layer_powers(recording, evidence, found), replace(report, level="layers")
        reason = _why_nothing(evidence, found)
    report = replace(report, decisions=(reason,))
    return _network_powers(recording, evidence, window), report


def _stamps(evidence: Evidence) -> str:
    ends = evidence.ends
    if ends.kind == "none":
        return ""
    if ends.kind == "callback-burst":
        return "in a burst after each run"
    gaps = ends.gap_s[evidence.runs.active] if ends.gap_s is not None else np.zeros(1)
    pause = f", {float(gaps.mean()) * 1e6:.1f} us behind each" if float(gaps.max()) > 0 else ""
    return f"as each layer ended{pause}"


def _kind(layer: Layer) -> str:
    """Return a word by which layers are alike: as their operation loads the board."""
    if layer.kind == "other":
        return layer.op
    return f"{layer.kind}, depthwise" if layer.depthwise else layer.kind


def _averaged(recording: Recording) -> tuple[int, ...]:
    found = chip_numbers(recording.sensor_settings, "samples", recording.trace.total_rails)
    return tuple(int(min(max(n, 1.0), MOST_AVERAGED)) for n in found)


def _told(report: AttributionReport, evidence: Evidence, found: BoardPowers) -> AttributionReport:
    solved, doubt = found.solved, found.doubt
    fit, layers = solved.fit, solved.runs.layers
    above = found.mean_w[:layers] - evidence.floor_w
    seconds = solved.runs.mean_s
    mean = float(seconds @ above / seconds.sum())
    # a layer that draws next to nothing has no relative error to speak of
    square = seconds * found.error_w[:layers] ** 2 / np.maximum(above, 0.1 * abs(mean))
    expected = float(np.sqrt(square.sum() / max(float(seconds @ above), 1e-12)))
    return replace(
        report,
        conversions=len(solved.samples),
        clock=solved.told_by,
        period_s=solved.conversions.period_s,
        timing=fit.timing,
        timing_error=fit.timing_error,
        residual_w=float(np.std(fit.residual)),
        sensor_noise_w=fit.noise.sensor_w,
        run_factor=float(np.hypot(fit.noise.common, fit.noise.running)),
        end_error_s=fit.noise.shift_s,
        blurred=doubt.blurred,
        within_layer_w=fit.texture_w,
        drift_w=fit.drift_w,
        sag_ohm=math.nan if found.supply is None else found.supply.sag_ohm,
        told=doubt.told,
        expected_error=expected,
        halves=doubt.halves,
        widened=doubt.widened,
    )


def _why_nothing(evidence: Evidence, found: BoardPowers) -> str:
    """Return why layers cannot be told apart, and what would help."""
    doubt, fit = found.doubt, found.solved.fit
    step = evidence.ends.resolution_s
    if doubt.blurred > MOST_BLURRED:
        coarse = step > 0.1 * float(evidence.runs.total_s.mean())
        why = (
            f"stamps move in steps of {engineering(step, 's')}"
            if coarse
            else "stamp with a steadier clock"
        )
        error = engineering(doubt.blurred * float(evidence.runs.total_s.mean()), "s")
        return BLURRED.format(error=error, share=doubt.blurred, why=why)
    if doubt.contradicts:
        rail = fit.timing.time_constant_s > 0
        why = (
            "read a rail nearer to the chip" if rail else "pin the clocks and let the board warm up"
        )
        return CONTRADICTS.format(halves=doubt.halves, why=why)
    if fit.timing.averaged > 1:
        why = "each value is the mean of several conversions: let the chip average one"
    else:
        why = "collect more runs, or convert faster (`--sensor-option fast=true`)"
    return NOTHING_TOLD.format(told=doubt.told, why=why)


def _layer_powers(recording: Recording, evidence: Evidence, found: BoardPowers) -> Powers:
    runs, layers = found.solved.runs, found.solved.runs.layers
    size = len(recording.timeline.layer_names)
    power, wrong, known = np.full(size, np.nan), np.full(size, np.nan), [""] * size
    power[runs.active] = found.mean_w[:layers]
    wrong[runs.active] = found.error_w[:layers]
    for place, index in enumerate(runs.active.tolist()):
        known[index] = "samples" if found.doubt.own[place] > OWN else "alike"
    gap = evidence.ends.gap_s
    timing = found.solved.fit.timing
    gap_s = float(gap[runs.active].sum()) if gap is not None else timing.gap_s * layers
    host_s = host_time(recording, float(runs.mean_s.sum()) + gap_s) or 0.0
    called = np.concatenate([runs.mean_s, [gap_s, host_s]])
    return Powers(
        power_w=power,
        error_w=wrong,
        known_by=tuple(known),
        samples=_seen(found, size),
        idle_w=evidence.idle.mean_w,
        gap_s=gap_s,
        gap_w=float(found.mean_w[-2]),
        between_w=float(found.mean_w[-1]),
        energy_error_j=found.error(called),
    )


def _seen(found: BoardPowers, size: int) -> FloatArray:
    """Return how many conversions overlap each layer."""
    problem, fit = found.solved.problem, found.solved.fit
    some = problem.with_samples(problem.samples.some(5000))
    share = (some.shares(fit.timing, 0.0)[:, :-2] > 1e-9).mean(axis=0)
    result = np.zeros(size)
    result[found.solved.runs.active] = np.rint(share * len(problem.samples))
    return result


def _network_powers(recording: Recording, evidence: Evidence, window_s: float) -> Powers:
    runs, floor = evidence.runs, evidence.floor_w
    time, total = recording.trace.time_s - runs.origin_s, recording.trace.total_w
    inside = evidence.during(time) & np.isfinite(total)
    whole = whole_power(runs, total[inside] - floor, window_s, evidence.idle.noise_w)
    size = len(recording.timeline.layer_names)
    power, wrong, known = np.full(size, np.nan), np.full(size, np.nan), [""] * size
    power[runs.active] = whole.run_w + floor
    wrong[runs.active] = whole.run_error_w
    for layer in runs.active.tolist():
        known[layer] = "network"
    return Powers(
        power_w=power,
        error_w=wrong,
        known_by=tuple(known),
        samples=None,
        idle_w=evidence.idle.mean_w,
        gap_s=0.0,
        gap_w=whole.run_w + floor,
        between_w=whole.between_w + floor,
        energy_error_j=whole.run_error_w * float(runs.total_s.mean()),
    )
