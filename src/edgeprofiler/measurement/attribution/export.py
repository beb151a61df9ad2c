"""The reference's `preprocessed_data` layout: one row for every layer of every run."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np

from edgeprofiler.core.files import atomic_path, dump_json, make_folder, write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.attribute import Attribution
from edgeprofiler.measurement.recording import Recording

COLUMNS = (
    "cycle",
    "layer_name",
    "layer_type",
    "layer_power_including_idle_power_micro_watt",
    "layer_power_excluding_idle_power_micro_watt",
    "layer_run_time",
)
FILE = "power_runtime_mapping_layerwise.csv"


def write_preprocessed(recording: Recording, found: Attribution, folder: Path) -> Path:
    """Write `folder/preprocessed_data/<model>/...` and return the CSV's path.

    Power is in microwatts, run time in milliseconds, cycles count from 1; cells without power
    are empty. The window rule gives each run its own power, the other methods one for all.

    Raises:
        CannotWrite: the folder cannot be made or written.
    """
    target = folder / "preprocessed_data" / recording.name
    make_folder(target)
    if recording.network is not None:
        write_text(target / "trt_engine_info.json", dump_json(dict(recording.network)))
    path = target / FILE
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        file.write(",".join(COLUMNS) + "\r\n")
        for layer in range(len(recording.timeline.layer_names)):
            file.write(_rows(recording, found, layer))
    return path


def _rows(recording: Recording, found: Attribution, layer: int) -> str:
    profile = found.profile
    duration = recording.timeline.duration_s[:, layer]
    if found.window is not None:
        power = found.window.power_w[:, layer]
    else:
        power = np.full(len(duration), profile.costs.power_w[layer])
    shape = profile.network.layers[layer]
    label = _quoted(recording.timeline.layer_names[layer])
    kind = _quoted(shape.engine_type or shape.kind)
    above = power - profile.idle_power_w
    rows = zip(_micro(power), _micro(above), _milli(duration), strict=True)
    return "".join(
        f"{cycle},{label},{kind},{total},{own},{time}\r\n"
        for cycle, (total, own, time) in enumerate(rows, 1)
        if time
    )


def _micro(power_w: FloatArray) -> list[str]:
    # to the thousandth of a microwatt, which drops only the noise of binary fractions
    values = np.round(power_w * 1e6, 3).tolist()
    return ["" if math.isnan(value) else repr(value) for value in values]


def _milli(seconds: FloatArray) -> list[str]:
    values = np.round(seconds * 1e3, 9).tolist()
    return ["" if math.isnan(value) else repr(value) for value in values]


def _quoted(text: str) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([text])
    return buffer.getvalue()
