"""The raw layout of edge-vision-power-estimation: read other people's data, hand out ours.

`raw_data/idling_power.json`, and for each model `raw_data/<model>/<model>_power_log.log`,
`<model>_tensorrt.json` and `trt_profiling/{trt_engine_info,trt_layer_latency}.json`.
Its stamps are of the wall clock; here they become seconds since the first stamp of the run.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.errors import CannotWrite, InvalidInput
from edgeprofiler.files import atomic_path, check_readable, dump_json, read_json, write_text
from edgeprofiler.network import FloatArray
from edgeprofiler.recording.power_log import read_power_log, write_power_log
from edgeprofiler.recording.recording import PowerTrace, Recording, SamplerReport, Timeline
from edgeprofiler.recording.stamps import Micros, format_stamps, parse_stamp_strings, parse_stamps

RAIL = "VDD_IN"
"""Name of the one rail that this layout knows: the input of the whole board."""
MAX_LATENCY_BYTES = 2 * 1024**3
_KEY = re.compile(rb'[\s,{]*("(?:[^"\\]|\\.)*")\s*:\s*\[')
_ROWS_END = re.compile(rb"\]\s*\]")
_EMPTY_END = re.compile(rb"\s*\]")


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
    polls_us, power_w = read_power_log(log_path, warnings)
    layers, durations_s, stamps_us = _read_latency(_latency_path(raw / model), warnings)
    polls_us, stamps_us = _without_backward_jumps(polls_us, stamps_us, warnings)
    origin_us = int(min(polls_us[0], stamps_us.min())) if stamps_us.size else int(polls_us[0])
    ends_us = stamps_us.min(axis=1) if stamps_us.size else np.empty(0, np.int64)
    config = _optional_json(raw / model / f"{model}_tensorrt.json")
    return Recording(
        name=model,
        trace=_trace(polls_us, power_w, origin_us),
        timeline=Timeline(
            layer_names=layers,
            duration_s=_fixed(durations_s),
            run_end_s=_seconds(ends_us, origin_us),
            stamp_s=_seconds(stamps_us, origin_us),
            stamp_kind="callback-burst",
        ),
        idle_before=_read_idle(raw / "idling_power.json", origin_us),
        idle_after=None,
        sampler=_sampling(polls_us),
        state_before=None,
        state_after=None,
        device=_device_facts(config),
        network=_optional_json(raw / model / "trt_profiling" / "trt_engine_info.json"),
        started_utc=datetime.fromtimestamp(origin_us / 1e6, timezone.utc).isoformat(),
        warnings=tuple(warnings),
    )


def write_reference(recording: Recording, folder: Path) -> Path:
    """Write `recording` into `folder/raw_data` and return the model's folder there.

    Voltage is written as 5,000 mV and current so that their product is the power to the
    microwatt; stamps are rounded to the microsecond.

    Raises:
        CannotWrite: the folder cannot be made or written.
        InvalidInput: the recording's name is no folder name.
    """
    name = recording.name
    if not name or name in (".", "..") or "/" in name or "\0" in name:
        raise InvalidInput("recording", f"its name {name!r} is no folder name", "rename it")
    target = folder / "raw_data" / name
    try:
        (target / "trt_profiling").mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(target, f"cannot be made ({error.strerror or error})") from None
    base_us = _start_us(recording.started_utc)
    trace, timeline = recording.trace, recording.timeline
    write_power_log(target / f"{name}_power_log.log", _micros(trace.time_s, base_us), trace.total_w)
    _write_latency(_latency_path(target), timeline, base_us)
    if recording.network is not None:
        write_text(
            target / "trt_profiling" / "trt_engine_info.json", dump_json(dict(recording.network))
        )
    write_text(target / f"{name}_tensorrt.json", dump_json(_latency_summary(recording)))
    if recording.idle_before is not None and len(recording.idle_before):
        start = _micros(recording.idle_before.time_s[:1], base_us)
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
    return _fixed((micros - origin_us) / 1e6)


def _trace(polls_us: Micros, power_w: FloatArray, origin_us: int) -> PowerTrace:
    return PowerTrace(_seconds(polls_us, origin_us), {RAIL: _fixed(power_w)}, (RAIL,))


def _sampling(polls_us: Micros) -> SamplerReport:
    steps = np.diff(polls_us)
    period_us = float(np.median(steps)) if len(steps) else float("nan")
    missed = int((np.rint(steps / period_us) - 1).clip(0).sum()) if period_us > 0 else 0
    return SamplerReport(period_us * 1e-6, len(polls_us) + missed, missed, float("nan"))


def _device_facts(config: dict[str, Any] | None) -> dict[str, str]:
    facts = {"runner": "tensorrt", "sensor": "reference power log"}
    settings = config.get("config") if config else None
    if isinstance(settings, dict):
        facts |= {k: str(v) for k, v in settings.items() if isinstance(v, (str, int, float))}
    return facts


def _optional_json(path: Path) -> dict[str, Any] | None:
    if not path.exists():
        return None
    value = read_json(path)
    if not isinstance(value, dict):
        raise InvalidInput(path, "is not a JSON object")
    return value


def _read_idle(path: Path, origin_us: int) -> PowerTrace | None:
    value = _optional_json(path)
    if value is None:
        return None
    try:
        micro_watts = float(value["avg_idle_power"])
        stamp = datetime.strptime(str(value["timestamp"]), "%Y%m%d-%H%M%S")  # noqa: DTZ007
    except (KeyError, TypeError, ValueError):
        raise InvalidInput(
            path, "has no timestamp (YYYYmmdd-HHMMSS) and avg_idle_power (microwatts)"
        ) from None
    at_us = np.array([int(stamp.replace(tzinfo=timezone.utc).timestamp()) * 1_000_000])
    return _trace(at_us, np.array([micro_watts * 1e-6]), origin_us)


def _read_latency(path: Path, warnings: list[str]) -> tuple[tuple[str, ...], FloatArray, Micros]:
    """Return names, durations (runs, layers) in seconds and stamps (runs, layers)."""
    names: list[str] = []
    durations: list[FloatArray] = []
    stamps: list[Micros] = []
    for name, rows in _layer_blocks(path):
        milliseconds, micros = _parse_rows(rows, name, path)
        names.append(name)
        durations.append(milliseconds / 1e3)
        stamps.append(micros)
    if not names:
        return (), np.empty((0, 0)), np.empty((0, 0), np.int64)
    counts = [len(d) for d in durations]
    runs = int(np.bincount(counts).argmax())
    for index in [i for i, count in enumerate(counts) if count > runs and count % runs == 0]:
        # the layout keys by name, so two layers of one name lie in one list, in turn
        parts = counts[index] // runs
        warnings.append(f"{parts} layers share the name {names[index]!r}; told apart by order")
        for part in range(1, parts):
            names.append(f"{names[index]} ({part + 1})")
            durations.append(durations[index][part::parts])
            stamps.append(stamps[index][part::parts])
        durations[index], stamps[index] = durations[index][::parts], stamps[index][::parts]
    runs = min(len(d) for d in durations)
    if any(len(d) != runs for d in durations):
        warnings.append(f"layers have unequal numbers of runs; the first {runs} are read")
    all_durations = np.stack([d[:runs] for d in durations], axis=1)
    all_stamps = np.stack([s[:runs] for s in stamps], axis=1)
    if len(names) != len(counts) and runs:
        order = np.argsort(np.median(all_stamps - all_stamps[:, :1], axis=0), kind="stable")
        names = [names[i] for i in order]
        all_durations, all_stamps = all_durations[:, order], all_stamps[:, order]
    return tuple(names), all_durations, all_stamps


def _layer_blocks(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each layer's name and the text of its list, one at a time to spare memory."""
    size = check_readable(path, MAX_LATENCY_BYTES)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        at = 0
        while (key := _KEY.match(text, at)) is not None:
            start = key.end() - 1
            end = _EMPTY_END.match(text, start + 1) or _ROWS_END.search(text, start)
            if end is None:
                break
            try:
                name = json.loads(key.group(1))
            except ValueError:
                raise InvalidInput(path, f"has a malformed name at byte {key.start(1)}") from None
            yield str(name), text[start : end.end()]
            at = end.end()
        rest = text[at : min(size, at + 64)].strip()
        if rest not in (b"}", b"{}", b"{ }"):
            raise InvalidInput(
                path,
                f"is not a JSON object of lists of [milliseconds, stamp] (byte {at} of {size})",
                "it may have been cut off",
            )


def _parse_rows(rows: bytes, name: str, path: Path) -> tuple[FloatArray, Micros]:
    fast = _parse_rows_fast(rows)
    if fast is not None:
        return fast
    try:
        pairs = json.loads(rows)
        if pairs and not isinstance(pairs[0], list):
            raise TypeError("not pairs")
        milliseconds = np.array([float(pair[0]) for pair in pairs], np.float64)
        micros = parse_stamp_strings([str(pair[1]) for pair in pairs])
    except (ValueError, TypeError, IndexError, RecursionError) as error:
        raise InvalidInput(
            path, f"layer {name!r} is not a list of [milliseconds, stamp] ({error})"
        ) from None
    return milliseconds, micros


def _parse_rows_fast(rows: bytes) -> tuple[FloatArray, Micros] | None:
    """Parse rows whose stamps all have one length; `None` where they are not so regular."""
    raw = np.frombuffer(rows, np.uint8)
    quotes = np.flatnonzero(raw == ord('"'))
    if not len(quotes) or len(quotes) % 2:
        return None
    opening, closing = quotes[::2], quotes[1::2]
    widths = closing - opening - 1
    width = int(widths[0])
    if not 17 <= width <= 24 or (widths != width).any():
        return None
    try:
        micros = parse_stamps(raw[opening[:, None] + np.arange(1, width + 1)])
        # what is left between the stamps is numbers, brackets, commas and blanks
        numbers = json.loads(b"[" + _numbers_only(raw, opening, closing) + b"]")
    except ValueError:
        return None
    if len(numbers) != len(micros):
        return None
    return np.array(numbers, np.float64), micros


def _numbers_only(
    raw: npt.NDArray[np.uint8], opening: npt.NDArray[np.intp], closing: npt.NDArray[np.intp]
) -> bytes:
    inside = np.zeros(len(raw) + 1, np.int8)
    inside[opening] = 1
    inside[closing + 1] = -1
    text = raw[np.cumsum(inside[:-1], dtype=np.int8) == 0]
    blank = (text == ord("[")) | (text == ord("]")) | (text <= 32)
    # "[0.1, ], [0.2, ]" becomes "0.1,,0.2,": every second comma goes
    kept: bytes = text[~blank].tobytes()
    return kept.replace(b",,", b",").rstrip(b",")


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


def _micros(time_s: FloatArray, base_us: int) -> Micros:
    return np.rint(np.asarray(time_s) * 1e6).astype(np.int64) + base_us


def _write_latency(path: Path, timeline: Timeline, base_us: int) -> None:
    if timeline.stamp_s is not None:
        stamps_s = timeline.stamp_s
    else:
        # without stamps every layer gets its run's end, as a burst of callbacks would give
        stamps_s = np.repeat(timeline.run_end_s[:, None], len(timeline.layer_names), axis=1)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("{")
        for index, name in enumerate(timeline.layer_names):
            stamps = format_stamps(_micros(stamps_s[:, index], base_us))
            values = (timeline.duration_s[:, index] * 1e3).tolist()
            pairs = zip(values, stamps, strict=True)
            rows = [f'[{ms!r}, "{stamp}"]' for ms, stamp in pairs if ms == ms]  # NaN: none
            file.write(f"{',' if index else ''}\n{json.dumps(name)}: [")
            file.write(",\n".join(rows))
            file.write("]")
        file.write("\n}\n")


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


def _fixed(values: FloatArray) -> FloatArray:
    result = np.ascontiguousarray(values, np.float64)
    result.setflags(write=False)
    return result
