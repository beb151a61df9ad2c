"""Per-cycle tables of the reference layout: `preprocessed_data/MODEL/power_runtime_mapping...`."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import files
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Network, Source
from edgeprofiler.core.units import seconds_from_ms, watts_from_microwatts
from edgeprofiler.learning.dataset.reference import Facts
from edgeprofiler.learning.dataset.rows import layer_facts
from edgeprofiler.learning.dataset.table import Dataset
from edgeprofiler.reading.engine import network_from_engine

TABLE = "power_runtime_mapping_layerwise.csv"
ENGINE = "trt_engine_info.json"
MAX_TABLE_BYTES = 2 << 30

_POWER = ("layer_power_including_idle_power_micro_watt", "layer_power_including_idle_micro_watt")
_ABOVE = ("layer_power_excluding_idle_power_micro_watt", "layer_power_excluding_idle_micro_watt")
_TIME = "layer_run_time"
_NOT_ABOVE = "power-not-above-idle"


def find_engine(folder: Path) -> Network | None:
    """Return the engine's layers where its description lies in a model's folder or below it."""
    for path in (folder / ENGINE, folder / "trt_profiling" / ENGINE):
        if path.is_file():
            document = files.read_json(path)
            return network_from_engine(document, Source(str(path), "tensorrt"))
    return None


def read_preprocessed(folder: Path, facts: Facts) -> Dataset:
    """Return the rows of one model: means over all cycles, with their standard errors.

    Raises:
        InvalidInput: the table or the engine's description beside it is missing or malformed.
    """
    path = folder / TABLE
    network = find_engine(folder)
    if network is None:
        raise InvalidInput(
            folder, f"has no {ENGINE} beside {TABLE}",
            "without it nothing says what the layers are; copy it from raw_data",
        )  # fmt: skip
    layers = {layer.name: (index, layer) for index, layer in enumerate(network.layers)}
    rows: list[dict[str, Any]] = []
    for name, values in _by_layer(path).items():
        if name not in layers:
            raise InvalidInput(path, f"has a layer {name[:60]!r} that {ENGINE} does not know")
        index, layer = layers[name]
        table = np.array(values)
        if layer.op == "noop":
            continue
        power_w, above_w, runtime_s = table.mean(axis=0).tolist()
        error = float(table[:, 1].std() / math.sqrt(len(table)))
        marks = "" if above_w > 0 else _NOT_ABOVE
        rows.append(
            {
                **layer_facts(layer),
                "network": folder.name,
                "device": facts.device,
                "runtime": facts.runtime,
                "precision": network.precision,
                "batch": network.batch,
                "layer": index,
                "runtime_s": runtime_s,
                "power_w": power_w if above_w > 0 else math.nan,
                "power_above_idle_w": above_w if above_w > 0 else math.nan,
                "idle_power_w": power_w - above_w,
                "standard_error_w": error,
                "known_by": "network",
                "network_layers": sum(1 for item in network.layers if item.op != "noop"),
                "source": facts.source or folder.name,
                "marks": marks,
            }
        )
    if not rows:
        raise InvalidInput(path, "has a header but no rows")
    return Dataset.of(rows)


def _by_layer(path: Path) -> dict[str, list[tuple[float, float, float]]]:
    reader = csv.DictReader(io.StringIO(files.read_text(path, MAX_TABLE_BYTES)))
    names = tuple(reader.fieldnames or ())
    power, above = (_present(path, names, *choices) for choices in (_POWER, _ABOVE))
    time, key = _present(path, names, _TIME), _present(path, names, "layer_name")
    found: dict[str, list[tuple[float, float, float]]] = {}
    for number, row in enumerate(reader, start=1):
        if not (row[time] or "").strip() or not (row[power] or "").strip():
            continue  # a cycle in which no sample fell into the layer
        try:
            value = (
                watts_from_microwatts(float(row[power])),
                watts_from_microwatts(float(row[above])),
                seconds_from_ms(float(row[time])),
            )
        except (TypeError, ValueError):
            raise InvalidInput(path, f"row {number}: power or time is no number") from None
        if not all(math.isfinite(part) for part in value) or value[2] <= 0:
            raise InvalidInput(path, f"row {number}, column {time!r}: is not a time above zero")
        found.setdefault(row[key], []).append(value)
    return found


def _present(path: Path, names: tuple[str, ...], *choices: str) -> str:
    for name in choices:
        if name in names:
            return name
    raise InvalidInput(path, f"has no column {choices[0]!r}", f"it has {', '.join(names)}")
