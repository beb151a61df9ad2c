"""Per-cycle tables of the reference layout: `preprocessed_data/MODEL/power_runtime_mapping...`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Network, Source
from edgeprofiler.core.plain import attributes
from edgeprofiler.core.units import seconds_from_ms, watts_from_microwatts
from edgeprofiler.core.values import read_csv, read_json
from edgeprofiler.learning.dataset.reference import Circumstances
from edgeprofiler.learning.dataset.rows import NO_POWER, layer_facts
from edgeprofiler.learning.dataset.table import Dataset
from edgeprofiler.reading.engine import network_from_engine

TABLE = "power_runtime_mapping_layerwise.csv"
ENGINE = "trt_engine_info.json"

_POWER = ("layer_power_including_idle_power_micro_watt", "layer_power_including_idle_micro_watt")
_ABOVE = ("layer_power_excluding_idle_power_micro_watt", "layer_power_excluding_idle_micro_watt")
_TIME = "layer_run_time"


def find_engine(folder: Path) -> Network | None:
    """Return the engine's layers where its description lies in a model's folder or below it."""
    for path in (folder / ENGINE, folder / "trt_profiling" / ENGINE):
        if path.is_file():
            return network_from_engine(read_json(path).raw, Source(str(path), "tensorrt"))
    return None


def read_preprocessed(folder: Path, facts: Circumstances) -> Dataset:
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
        marks = "" if above_w > 0 else NO_POWER
        rows.append(
            {
                **layer_facts(layer),
                "network": folder.name,
                **attributes(facts, "device runtime mode"),
                **attributes(network, "precision batch"),
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
    sheet = read_csv(path)
    power, above, time = (sheet.column(*names) for names in (_POWER, _ABOVE, (_TIME,)))
    key = sheet.column("layer_name")
    found: dict[str, list[tuple[float, float, float]]] = {}
    for row in sheet.rows:
        if row[time].null or row[power].null:
            continue  # a cycle in which no sample fell into the layer
        value = (
            watts_from_microwatts(row[power].number()),
            watts_from_microwatts(row[above].number()),
            seconds_from_ms(row[time].number(above=0)),
        )
        found.setdefault(row[key].text(), []).append(value)
    return found
