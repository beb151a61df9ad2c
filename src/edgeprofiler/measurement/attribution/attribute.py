"""`attribute(recording)`: a measured profile, with powers only where the data support them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeprofiler._version import __version__
from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.profile import Origin, Profile
from edgeprofiler.measurement.attribution.build import Powers, build_profile, host_time, network_of
from edgeprofiler.measurement.attribution.design import design
from edgeprofiler.measurement.attribution.report import METHODS, AttributionReport, Method
from edgeprofiler.measurement.attribution.session import (
    Session,
    coverage,
    has_power,
    idle_of,
    prepare,
    why_no_power,
)
from edgeprofiler.measurement.attribution.solve import Solved, solve_layers
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.attribution.verdict import why_locked, why_not_layers
from edgeprofiler.measurement.attribution.whole import Whole, whole_power
from edgeprofiler.measurement.attribution.window import WindowPowers, window_powers
from edgeprofiler.measurement.recording import Recording, chip_numbers
from edgeprofiler.measurement.recording.opening import open_recording

MIN_CONVERSIONS = 50
MOST_AVERAGED = 1024
"""More conversions to a value than any INA's register can ask for."""
"""Fewer conversions than this support no power of layers."""

NOMINAL_WINDOW_S = 1.1e-3
"""Integration window of the INA3221 as it comes; where a search starts."""

TIMES_ONLY = "runtimes only, power and energy are unknown"

BACK_TO_BACK = (
    "runs follow each other without pauses as long as the sensor's window: the power between them "
    "was never seen alone, so errors allow for that; collect with dithered pauses for better"
)

PUBLISHED = (
    "averages of the samples in each layer's own window, as published; such powers are off by 30 "
    "to 50 % where layers are shorter than the sensor's window"
)

UNSEEN = "the network's power and energy are unknown; collect more runs, or use another method"
"""Of the window rule, where a layer that takes time has no sample."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """A measured profile and how it was found."""

    profile: Profile
    report: AttributionReport
    window: WindowPowers | None = None
    """Power of every single run, of the window rule only."""


def attribute(
    recording: Recording | str | Path,
    method: str = "nnls",
    *,
    model: str | None = None,
    network: Network | None = None,
    timing: Timing | None = None,
) -> Profile:
    """Return what each layer of a recording cost.

    Args:
        recording: runs with durations and a power trace on the same clock; or its folder, or a
            folder of the reference's raw layout.
        method: `nnls` (least squares over conversions), `window` (the published rule, for
            comparison) or `network` (one power for all layers).
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
    method: str = "nnls",
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
    session = prepare(recording)
    powers, report = _solve(recording, session, chosen, timing)
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
    recording: Recording, session: Session, method: Method, timing: Timing | None
) -> tuple[Powers, AttributionReport]:
    runs, samples, found = session.runs, session.samples, session.conversions
    base = timing or _base(recording, found.period_s)
    seen = coverage(runs, samples.end_s, base.window_s)
    report = AttributionReport(
        method=method,
        level="network",
        runs=len(runs),
        samples=found.polls,
        conversions=len(samples),
        clock_recovered=found.clocked,
        period_s=found.period_s,
        noise_w=session.idle.noise_w,
        layers=runs.layers,
        seen=seen.seen,
    )
    step = why_locked(seen)
    if step is not None and base.window_s < 0.9 * float(np.median(np.diff(runs.end_s))):
        report = replace(report, level="runtimes", decisions=(step,))
        return Powers.unknown(recording, session.idle.mean_w), report
    reason = "as asked, one power for the network" if method == "network" else None
    if reason is None and len(samples) < max(MIN_CONVERSIONS, 4 * runs.layers):
        reason = (
            f"{len(samples)} conversions are too few for {runs.layers} layers: "
            "one power for the network; collect longer"
        )
    if reason is not None:
        whole = whole_power(runs, samples, base, session.idle.noise_w, trusted=False)
        decisions = (reason,) if runs.pauses_hold(base.window_s) else (reason, BACK_TO_BACK)
        report = replace(report, decisions=decisions, groups=1, timing=base)
        return _network_powers(recording, session, base, whole), report
    solved = solve_layers(
        runs, samples, found.period_s, base, session.idle.noise_w, known=timing is not None
    )
    return _judged(recording, session, solved, report)


def _base(recording: Recording, period_s: float) -> Timing:
    """Return what the sensor's own settings say of its timing."""
    found = chip_numbers(recording.sensor_settings, "samples", recording.trace.total_rails)
    averaged = int(min(max((1.0, *found)), MOST_AVERAGED))
    if averaged < 2 or not math.isfinite(period_s):
        return Timing(NOMINAL_WINDOW_S)
    return Timing(NOMINAL_WINDOW_S, averaged=averaged, spacing_s=period_s / averaged)


def _judged(
    recording: Recording, session: Session, solved: Solved, report: AttributionReport
) -> tuple[Powers, AttributionReport]:
    runs, samples = session.runs, session.samples
    timing = solved.fit.timing
    posterior = solved.posterior
    held = runs.pauses_hold(timing.window_s)
    pause_w = float(posterior.mean[-1])
    last = np.zeros(len(posterior.mean))
    last[-1] = 1.0
    # stamps and gaps that are a little off blend pauses that no window sees alone with runs, so
    # that theirs may be any power from idle to what was found
    pause_error = float(np.hypot(posterior.error(last), 0.0 if held else 0.5 * pause_w))
    whole = whole_power(
        runs, samples, timing, session.idle.noise_w, trusted=True, pause=(pause_w, pause_error)
    )
    noise = session.idle.noise_w if math.isfinite(session.idle.noise_w) else whole.noise_w
    seconds = runs.duration_s.mean(axis=0)
    gap_s = timing.gap_s * runs.layers
    weights = np.concatenate([seconds, [gap_s, 0.0]])
    host_s = host_time(recording, float(seconds.sum()) + gap_s) or 0.0
    called = np.concatenate([seconds, [gap_s, host_s]])
    pause_s = float(np.diff(runs.end_s).mean()) - float(seconds.sum()) - gap_s
    total_s = float(seconds.sum()) + gap_s
    layered = solved.posterior.value(weights) + samples.floor_w * total_s
    mean = (whole.run_w + samples.floor_w) * total_s
    closure = layered / mean - 1
    error = solved.posterior.error(weights)
    open_by = float(np.hypot(error, whole.run_error_w * total_s)) / mean
    report = replace(
        report,
        timing=timing,
        fitted=solved.fitted,
        noise_w=noise,
        residual_w=solved.fit.residual_w,
        within_layer_w=solved.within_layer_w,
        drift_w=solved.drift.added_range_w,
        drift_factor=solved.drift.factor_range,
        closure=closure,
        widened=solved.posterior.inflation,
        rivals=solved.rivals,
        groups=len(solved.groups),
    )
    energy_error = float(np.hypot(posterior.error(called), 0.5 * (layered - mean)))
    if not held:
        energy_error = float(np.hypot(energy_error, 0.5 * pause_w * max(pause_s, 0.0)))
    unseen = () if held else (BACK_TO_BACK,)
    reason = why_not_layers(solved, noise, closure, open_by, held=held)
    if reason is not None:
        reasons = (f"{reason}; one power for the network", *unseen)
        report = replace(report, groups=1, decisions=reasons)
        whole = whole_power(runs, samples, timing, noise, trusted=False)
        return _network_powers(recording, session, timing, whole), report
    groups = solved.groups
    merged = len(groups.label) - len(groups)
    decisions = (
        (f"neighbours merged where layers alone are too uncertain: {merged} fewer powers",)
        if merged
        else ()
    )
    report = replace(report, level="layers", decisions=(*decisions, *unseen))
    size = len(recording.timeline.layer_names)
    power, wrong, known = np.full(size, np.nan), np.full(size, np.nan), [""] * size
    power[runs.active] = groups.power_w[groups.label] + samples.floor_w
    wrong[runs.active] = groups.error_w[groups.label]
    counts = np.bincount(groups.label)
    for layer, label in zip(runs.active.tolist(), groups.label.tolist(), strict=True):
        known[layer] = f"group:{label}" if counts[label] > 1 else "samples"
    return (
        Powers(
            power_w=power,
            error_w=wrong,
            known_by=tuple(known),
            samples=_seen(session, timing, size),
            idle_w=_idle_w(session),
            gap_s=gap_s,
            gap_w=float(solved.posterior.mean[-2]) + samples.floor_w,
            between_w=float(solved.posterior.mean[-1]) + samples.floor_w,
            energy_error_j=energy_error,
        ),
        report,
    )


def _idle_w(session: Session) -> float:
    return session.idle.mean_w


def _seen(session: Session, timing: Timing, size: int) -> FloatArray:
    """Return how many conversions overlap each layer."""
    result = np.zeros(size)
    some = session.samples.thinned(10_000)
    share = (design(session.runs, some.end_s, timing)[:, :-2] > 1e-9).mean(axis=0)
    result[session.runs.active] = np.rint(share * len(session.samples))
    return result


def _network_powers(recording: Recording, session: Session, timing: Timing, whole: Whole) -> Powers:
    runs, floor = session.runs, session.samples.floor_w
    size = len(recording.timeline.layer_names)
    power, wrong, known = np.full(size, np.nan), np.full(size, np.nan), [""] * size
    power[runs.active] = whole.run_w + floor
    wrong[runs.active] = whole.run_error_w
    for layer in runs.active.tolist():
        known[layer] = "network"
    gap_s = timing.gap_s * runs.layers
    total_s = float(runs.total_s.mean()) + gap_s
    return Powers(
        power_w=power,
        error_w=wrong,
        known_by=tuple(known),
        samples=None,
        idle_w=_idle_w(session),
        gap_s=gap_s,
        gap_w=whole.run_w + floor,
        between_w=whole.between_w + floor,
        energy_error_j=whole.run_error_w * total_s,
    )
