"""The raw layout of edge-vision-power-estimation: read other people's data, hand out ours.

`raw_data/idling_power.json`, and for each model `raw_data/<model>/<model>_power_log.log`,
`<model>_tensorrt.json` and `trt_profiling/{trt_engine_info,trt_layer_latency}.json`.
Its stamps are of the wall clock; here they become seconds since the first stamp of the run.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import dump_json, make_folder, write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.values import Value, read_json
from edgeprofiler.measurement.recording.layer_times import read_layer_times, write_layer_times
from edgeprofiler.measurement.recording.power_log import (
    RAIL,
    read_power_log,
    write_power_log,
    write_registers,
)
from edgeprofiler.measurement.recording.recording import (
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
)
from edgeprofiler.measurement.recording.stamp_kind import stamp_kind
from edgeprofiler.measurement.recording.stamps import Micros, format_stamps, micros_of


def is_reference(folder: Path) -> bool:
    """Say whether a folder is one of this layout, or a model's folder in it."""
    return _latency_path(folder).is_file() or bool(reference_models(folder))


def reference_models(folder: Path) -> list[str]:
    """Return the models in a folder of this layout, `raw_data` itself or its parent; sorted."""
    raw = _raw_folder(folder)
    return sorted(p.name for p in raw.glob("*") if _latency_path(p).is_file())


def read_reference(folder: Path, model: str | None = None) -> Recording:
    """Return the recording of one model.

    Args:
        folder: the folder that holds `raw_data`, `raw_data` itself, or a model's folder in it.
        model: name of the model; may be left out where there is only one.

    Raises:
        InvalidInput: a file is missing or malformed; file, line and remedy are said.
    """
    if model is None and _latency_path(folder).is_file():
        folder, model = folder.parent, folder.name
    models = reference_models(folder)
    if model is None and len(models) == 1:
        model = models[0]
    if model is None or model not in models:
        names = ", ".join(models) or "none"
        raise InvalidInput(folder, f"holds no raw data of {model or 'one model'}", f"has: {names}")
    raw = _raw_folder(folder)
    warnings: list[str] = []
    log_path = raw / model / f"{model}_power_log.log"
    log = read_power_log(log_path, warnings)
    layers, durations_s, stamps_us = read_layer_times(_latency_path(raw / model), warnings)
    polls_us, stamps_us = _without_backward_jumps(log.stamps_us, stamps_us, warnings)
    origin_us = int(min(polls_us[0], stamps_us.min())) if stamps_us.size else int(polls_us[0])
    kind = stamp_kind(durations_s, stamps_us / 1e6)
    # the last stamp is the run's end; a burst of stamps begins there
    last = stamps_us.max if kind == "layer-end" else stamps_us.min
    ends_us = last(axis=1) if stamps_us.size else np.empty(0, np.int64)
    config = _read_if_there(raw / model / f"{model}_tensorrt.json")
    engine = _read_if_there(raw / model / "trt_profiling" / "trt_engine_info.json")
    return Recording(
        name=model,
        trace=log.trace(_seconds(polls_us, origin_us)),
        timeline=Timeline(
            layer_names=layers,
            duration_s=read_only(durations_s),
            run_end_s=_seconds(ends_us, origin_us),
            stamp_s=_seconds(stamps_us, origin_us),
            stamp_kind=kind,
        ),
        idle_before=_read_idle(raw / "idling_power.json", origin_us),
        idle_after=None,
        sampler=_sampling(polls_us),
        state_before=None,
        state_after=None,
        device=_device_facts(config),
        network=engine.maybe(Value.mapping),
        started_utc=datetime.fromtimestamp(origin_us / 1e6, timezone.utc).isoformat(),
        warnings=tuple(warnings),
    )


def write_reference(recording: Recording, folder: Path) -> Path:
    """Write `recording` into `folder/raw_data` and return the model's folder there.

    Voltage and current are written as they were recorded. Where only power was, or of several
    rails, voltage is written as 5,000 mV and current so that their product is the power to the
    microwatt; stamps are rounded to the microsecond.

    Raises:
        CannotWrite: the folder cannot be made or written.
        InvalidInput: the recording's name is no folder name.
    """
    name = recording.name
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise InvalidInput("recording", f"its name {name!r} is no folder name", "rename it")
    target = folder / "raw_data" / name
    make_folder(target / "trt_profiling")
    base_us = _start_us(recording.started_utc)
    trace, timeline = recording.trace, recording.timeline
    log, polls_us = target / f"{name}_power_log.log", micros_of(trace.time_s, base_us)
    only = trace.total_rails[0] if len(trace.total_rails) == 1 else ""
    if only in trace.currents_a and only in trace.voltages_v:
        write_registers(log, polls_us, trace.voltages_v[only], trace.currents_a[only])
    else:
        write_power_log(log, polls_us, trace.total_w)
    write_layer_times(_latency_path(target), timeline, base_us)
    if recording.network is not None:
        write_text(
            target / "trt_profiling" / "trt_engine_info.json", dump_json(dict(recording.network))
        )
    write_text(target / f"{name}_tensorrt.json", dump_json(_latency_summary(recording)))
    if recording.idle_before is not None and len(recording.idle_before):
        start = micros_of(recording.idle_before.time_s[:1], base_us)
        stamp = format_stamps(start)[0][:17].replace(":", "")
        mean_uw = float(np.nanmean(recording.idle_before.total_w)) * 1e6
        write_text(
            folder / "raw_data" / "idling_power.json",
            dump_json({"timestamp": stamp, "avg_idle_power": mean_uw}),
        )
    return target


def _raw_folder(folder: Path) -> Path:
    return folder / "raw_data" if (folder / "raw_data").is_dir() else folder


def _latency_path(model_folder: Path) -> Path:
    return model_folder / "trt_profiling" / "trt_layer_latency.json"


def _seconds(micros: Micros, origin_us: int) -> FloatArray:
    # whole microseconds below 2**53, then one division: equal stamps stay equal
    return read_only((micros - origin_us) / 1e6)


def _trace(polls_us: Micros, power_w: FloatArray, origin_us: int) -> PowerTrace:
    return PowerTrace(_seconds(polls_us, origin_us), {RAIL: read_only(power_w)}, (RAIL,))


def _sampling(polls_us: Micros) -> SamplerReport:
    steps = np.diff(polls_us)
    period_us = float(np.median(steps)) if len(steps) else float("nan")
    missed = int((np.rint(steps / period_us) - 1).clip(0).sum()) if period_us > 0 else 0
    return SamplerReport(period_us * 1e-6, len(polls_us) + missed, missed, float("nan"))


def _device_facts(config: Value) -> dict[str, str]:
    settings = config.default({})["config"].default({})
    facts = {
        key: value.words()
        for key, value in settings.entries()
        if isinstance(value.raw, (str, int, float))
    }
    return {"runner": "tensorrt", "sensor": "reference power log", **facts}


def _read_if_there(path: Path) -> Value:
    return read_json(path) if path.exists() else Value(None, path)


def _read_idle(path: Path, origin_us: int) -> PowerTrace | None:
    value = _read_if_there(path)
    if value.null:
        return None
    power_w, stamp = value["avg_idle_power"].number() * 1e-6, value["timestamp"]
    try:
        start = datetime.strptime(stamp.text(), "%Y%m%d-%H%M%S")  # noqa: DTZ007
    except ValueError:
        raise stamp.wrong("a time YYYYmmdd-HHMMSS") from None
    at_us = np.array([int(start.replace(tzinfo=timezone.utc).timestamp()) * 1_000_000])
    return _trace(at_us, np.array([power_w]), origin_us)


def _without_backward_jumps(
    polls_us: Micros, stamps_us: Micros, warnings: list[str]
) -> tuple[Micros, Micros]:
    """Undo steps of the wall clock to the past, which the log shows, in both streams."""
    back = np.flatnonzero(np.diff(polls_us) < 0)
    if not len(back):
        return polls_us, stamps_us
    usual = int(np.median(np.diff(polls_us)))
    steps = polls_us[back] + usual - polls_us[back + 1]
    polls = polls_us.copy()
    for at, step in zip(back, steps, strict=True):
        polls[at + 1 :] += step
    stamps = stamps_us.copy()
    runs = stamps.min(axis=1) if stamps.size else np.empty(0, np.int64)
    # the same jumps show in the runs; each is as long as the log says
    for at, step in zip(np.flatnonzero(np.diff(runs) < 0), steps, strict=False):
        stamps[at + 1 :] += step
    warnings.append(
        f"the wall clock was set back {len(back)} times while recording "
        f"(by {steps.sum() / 1e6:.1f} s); later stamps were moved accordingly"
    )
    return polls, stamps


def _start_us(started_utc: str) -> int:
    try:
        start = datetime.fromisoformat(started_utc)
    except ValueError:
        start = datetime(2000, 1, 1, tzinfo=timezone.utc)
    zoned = start if start.tzinfo else start.replace(tzinfo=timezone.utc)
    return int(zoned.timestamp() * 1e6)


def _latency_summary(recording: Recording) -> dict[str, Any]:
    timeline = recording.timeline
    starts, ends = timeline.run_start_s, timeline.run_end_s
    if starts is not None and np.isfinite(starts).all():
        latencies = ends - starts
    else:
        latencies = np.nansum(timeline.duration_s, axis=1)
    total = float(latencies.sum())
    mean = total / timeline.runs if timeline.runs else 0.0
    return {
        "config": {
            "model": recording.name,
            "runs": timeline.runs,
            "simulated": recording.simulated,
            **dict(recording.device),
        },
        "total_time": total,
        "latencies": latencies.tolist(),
        "avg_latency": mean,
        "avg_throughput": 1.0 / mean if mean > 0 else 0.0,
    }
