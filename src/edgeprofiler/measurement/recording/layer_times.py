"""Layer times of the reference layout: layer name to a list of `[milliseconds, stamp]`."""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.files import atomic_path, check_readable
from edgeprofiler.core.network import FloatArray
from edgeprofiler.core.values import parse_json
from edgeprofiler.measurement.recording.recording import Timeline
from edgeprofiler.measurement.recording.stamps import (
    Micros,
    format_stamps,
    micros_of,
    parse_stamps,
)

_KEY = re.compile(rb'[\s,{]*("(?:[^"\\]|\\.){0,4096}")\s*:\s*\[')
_ROWS_END = re.compile(rb"\]\s*\]")
_EMPTY_END = re.compile(rb"\s*\]")


def read_layer_times(path: Path, warnings: list[str]) -> tuple[tuple[str, ...], FloatArray, Micros]:
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


def write_layer_times(path: Path, timeline: Timeline, base_us: int) -> None:
    """Write the layer times of all runs; a layer without a duration in a run has no entry."""
    if timeline.stamp_s is not None:
        stamps_s = timeline.stamp_s
    else:
        # without stamps every layer gets its run's end, as a burst of callbacks would give
        stamps_s = np.repeat(timeline.run_end_s[:, None], len(timeline.layer_names), axis=1)
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("{")
        for index, name in enumerate(timeline.layer_names):
            stamps = format_stamps(micros_of(stamps_s[:, index], base_us))
            values = (timeline.duration_s[:, index] * 1e3).tolist()
            pairs = zip(values, stamps, strict=True)
            rows = [f'[{ms!r}, "{stamp}"]' for ms, stamp in pairs if ms == ms]  # NaN: none
            file.write(f"{',' if index else ''}\n{json.dumps(name)}: [")
            file.write(",\n".join(rows))
            file.write("]")
        file.write("\n}\n")


def _layer_blocks(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield each layer's name and the text of its list, one at a time to spare memory."""
    size = check_readable(path, limits.LOG_BYTES)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        at = 0
        while (key := _KEY.match(text, at)) is not None:
            start = key.end() - 1
            end = _EMPTY_END.match(text, start + 1) or _ROWS_END.search(text, start)
            if end is None:
                break
            if end.end() - start > limits.LAYER_TIMES_BYTES:
                raise InvalidInput(path, f"has too many times of one layer (byte {start})")
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
    try:
        pairs = parse_json(rows, path).raw
        if not pairs:
            return np.empty(0), np.empty(0, np.int64)
        milliseconds, stamps = zip(*pairs, strict=True)
        times = np.array(milliseconds, np.float64)
        possible = (times >= 0) & (times <= 1e3 * limits.LAYER_SECONDS)
        if not possible.all():
            raise ValueError(f"no layer takes {times[~possible][0]:g} ms")
        return times, parse_stamps(stamps)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(
            path, f"layer {name!r} is not a list of [milliseconds, stamp] ({error})"
        ) from None
