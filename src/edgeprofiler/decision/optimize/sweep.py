"""Every combination of batch, resolution, precision and device, predicted at once.

A network is lowered once for each resolution and precision; a batch multiplies the columns of
its layers, and each device predicts all of them in a few array operations.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.files import atomic_path
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import BoolArray, Columns, FloatArray, IntArray, Network
from edgeprofiler.prediction.predict import Predictor, predictor_for
from edgeprofiler.prediction.predictors.roofline import (
    NetworkTotals,
    costs,
    network_totals,
    total_intervals,
)
from edgeprofiler.prediction.uncertainty.distance import widths_for
from edgeprofiler.prediction.uncertainty.fitted import NEAR, fitted
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import (
    DEFAULT_PRECISION,
    Model,
    builder,
    input_shapes,
    read_model,
    require_precision,
)

MAX_POINTS = 200_000
"""Most combinations of one sweep; more are refused."""
_ROWS_AT_ONCE = 500_000
_Rows = dict[str, "np.ndarray | list[str]"]


@dataclass(frozen=True)
class Axes:
    """What is combined; `None` keeps the model's own, fp16 where it has no precision."""

    devices: tuple[Device, ...]
    batches: tuple[int | None, ...] = (None,)
    resolutions: tuple[int | None, ...] = (None,)
    precisions: tuple[str | None, ...] = (None,)

    @property
    def points(self) -> int:
        """Number of combinations."""
        return len(self.devices) * len(self.batches) * len(self.resolutions) * len(self.precisions)


@dataclass(frozen=True, eq=False)
class Sweep:
    """One row a combination; arrays of one length."""

    network: str
    device: tuple[str, ...]
    batch: IntArray
    resolution: tuple[str, ...]
    """`HxW` of the first input; empty for a built engine."""
    precision: tuple[str, ...]
    end_to_end_s: FloatArray
    end_to_end_s_low: FloatArray
    end_to_end_s_high: FloatArray
    energy_j: FloatArray
    energy_j_low: FloatArray
    energy_j_high: FloatArray
    power_w: FloatArray
    energy_per_image_j: FloatArray
    pareto: BoolArray
    """Whether no other combination has both less energy an image and less latency."""

    def __len__(self) -> int:
        return len(self.device)

    def columns(self) -> Mapping[str, Sequence[object]]:
        """Return the rows as columns of plain values, in the order of the fields."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else list(value)
            for name, value in vars(self).items()
            if name != "network"
        }


def sweep(
    model: Model,
    axes: Axes,
    confidence: float = 0.9,
    *,
    predictor: str | Path | Predictor | None = None,
    front_end: str | None = None,
) -> Sweep:
    """Predict a model at every combination of the axes.

    Args:
        model: what `read_model` takes; a built engine has one batch, resolution and precision.
        axes: what to combine.
        confidence: of the intervals.
        predictor: a trained predictor's folder or address; the analytic model where `None`.
        front_end: name of the front end; found from the model where `None`.

    Raises:
        UsageError: an axis is empty, there are more than `MAX_POINTS` combinations, or several
            devices or modes are asked of a predictor that was trained for one.
        Unsupported: a built engine is asked for what it was not built for.
    """
    if axes.points == 0:
        raise UsageError("the sweep is empty: every axis needs at least one value")
    if axes.points > MAX_POINTS:
        raise UsageError(
            f"the sweep has {axes.points:,} combinations; at most {MAX_POINTS:,} are predicted "
            "at once: widen the steps, or split an axis over several calls"
        )
    if predictor is not None and len(axes.devices) > 1:
        raise UsageError(
            "a trained predictor knows one device in one power mode; sweep that one alone, or "
            "leave the predictor out"
        )
    parts: list[_Rows] = []
    built: dict[tuple[str, float], list[tuple[Network, str, str]]] = {}
    for device in axes.devices:
        target = BuildTarget.of(device)
        made_by = (builder(device.runtime), target.tf32_ratio)
        if made_by not in built:
            built[made_by] = list(_variants(model, axes, made_by[0], target, front_end))
        chosen = None
        if predictor is not None:
            chosen = predictor_for(device, confidence=confidence, predictor=predictor)
        for network, size, precision in built[made_by]:
            labels: _Rows = {
                "device": [device.spec] * len(axes.batches),
                "resolution": [size] * len(axes.batches),
                "precision": [precision] * len(axes.batches),
            }
            if chosen is None:
                found = _predict(network, device, axes.batches, confidence)
            else:
                found = _predict_by(chosen, network, axes.batches)
            parts.append(labels | found)
    merged = {
        name: np.concatenate([np.asarray(part[name]) for part in parts])
        if isinstance(parts[0][name], np.ndarray)
        else tuple(value for part in parts for value in part[name])
        for name in parts[0]
    }
    front = pareto_front(merged["energy_per_image_j"], merged["end_to_end_s"])  # type: ignore[arg-type]
    return Sweep(network=next(iter(built.values()))[0][0].name, pareto=front, **merged)  # type: ignore[arg-type]


def pareto_front(a: FloatArray, b: FloatArray) -> BoolArray:
    """Return which points no other point beats in both `a` and `b` (less is better).

    Equal points are kept together; a point with NaN is never in front.
    """
    front = np.zeros(len(a), dtype=np.bool_)
    order = np.lexsort((b, a))
    order = order[np.isfinite(a[order]) & np.isfinite(b[order])]
    if not len(order):
        return front
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], b[order][:-1]]))
    kept = b[order] < best_before
    front[order[kept]] = True
    # A twin of a kept point is as good as it.
    twins = {(a[i], b[i]) for i in order[kept]}
    for i in order[~kept]:
        front[i] = (a[i], b[i]) in twins
    return front


def scaled_to_batch(columns: Columns, factor: float) -> Columns:
    """Return the columns of layers whose batch is `factor` times as large; weights stay."""
    moved = columns.bytes_moved - np.minimum(columns.weight_bytes, columns.bytes_moved)
    return replace(
        columns,
        macs=columns.macs * factor,
        flops=columns.flops * factor,
        input_bytes=columns.input_bytes * factor,
        output_bytes=columns.output_bytes * factor,
        bytes_moved=columns.bytes_moved + moved * (factor - 1),
        spatial=columns.spatial * factor,
    )


def _variants(
    model: Model, axes: Axes, made_by: str, target: BuildTarget, front_end: str | None
) -> Iterator[tuple[Network, str, str]]:
    """The networks to predict, one for each resolution and precision, at the first batch."""
    for resolution in axes.resolutions:
        shapes = {} if resolution is None else input_shapes(model, resolution, front_end)
        found = read_model(model, batch=axes.batches[0], shapes=shapes, front_end=front_end)
        for precision in axes.precisions:
            if isinstance(found, Network):
                require_precision(found, precision)
                yield found, "", found.precision
                continue
            chosen = precision or DEFAULT_PRECISION
            network = lower(found, chosen, builder=made_by, target=target)
            yield network, _size(found), chosen


def _size(graph: Graph) -> str:
    shape = graph.tensors[graph.inputs[0]].shape if graph.inputs else ()
    return "x".join(map(str, shape[2:]))


def _predict(
    network: Network, device: Device, batches: Sequence[int | None], confidence: float
) -> _Rows:
    count = max(1, _ROWS_AT_ONCE // max(len(network), 1))
    pieces = []
    for start in range(0, len(batches), count):
        asked = [batch or network.batch for batch in batches[start : start + count]]
        chosen = np.array(asked, dtype=np.int64)
        columns = Columns.concatenate(
            [scaled_to_batch(network.columns, batch / network.batch) for batch in asked]
        )
        offsets = np.arange(len(chosen) + 1, dtype=np.int64) * len(network)
        totals = network_totals(costs(columns, device), offsets, device)
        near = fitted().gaps(columns, offsets) <= NEAR
        bounds = _intervals(network, chosen, near, totals, device, confidence)
        pieces.append(
            {
                "batch": chosen,
                "end_to_end_s": totals.end_to_end_s,
                "end_to_end_s_low": bounds["end_to_end_s"][0],
                "end_to_end_s_high": bounds["end_to_end_s"][1],
                "energy_j": totals.energy_j,
                "energy_j_low": bounds["energy_j"][0],
                "energy_j_high": bounds["energy_j"][1],
                "power_w": totals.power_w,
                "energy_per_image_j": totals.energy_j / chosen,
            }
        )
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}


def _predict_by(predictor: Predictor, network: Network, batches: Sequence[int | None]) -> _Rows:
    """Predict each batch as a network of its own, by a predictor that has no path for columns."""
    chosen = np.array([batch or network.batch for batch in batches], dtype=np.int64)
    profiles = predictor.predict_many([_at_batch(network, int(batch)) for batch in chosen])
    totals = [profile.totals for profile in profiles]
    rows: _Rows = {"batch": chosen}
    for name in ("end_to_end_s", "energy_j"):
        found = [getattr(total, name) for total in totals]
        rows[name] = np.array([estimate.value for estimate in found])
        rows[f"{name}_low"] = np.array([estimate.low for estimate in found])
        rows[f"{name}_high"] = np.array([estimate.high for estimate in found])
    rows["power_w"] = np.array([total.power_w.value for total in totals])
    rows["energy_per_image_j"] = np.asarray(rows["energy_j"]) / chosen
    return rows


def _at_batch(network: Network, batch: int) -> Network:
    """Return a network with the columns of another batch, without lowering it again."""
    there = replace(network, batch=batch)
    # Where the cached property keeps them.
    vars(there)["columns"] = scaled_to_batch(network.columns, batch / network.batch)
    return there


def _intervals(
    network: Network,
    batches: IntArray,
    near: BoolArray,
    totals: NetworkTotals,
    device: Device,
    confidence: float,
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Intervals of the totals at each batch, as `predict` gives them at that batch alone.

    Widths tell two batches of a network apart by two facts alone, whether it is more than one
    image and whether the network then is near one that was fitted, so each pair is asked for once.
    """
    found: dict[str, tuple[FloatArray, FloatArray]] = {}
    facts = 2 * (batches > 1) + near
    for fact in np.unique(facts):
        chosen = facts == fact
        there = _at_batch(network, int(batches[chosen][0]))
        bounds = total_intervals(totals, widths_for(there, device, confidence), device.idle_power_w)
        for name, ends in bounds.items():
            low, high = found.setdefault(name, (np.empty(len(facts)), np.empty(len(facts))))
            low[chosen], high[chosen] = ends[0][chosen], ends[1][chosen]
    return found


def parse_axis(text: str, option: str) -> tuple[int, ...]:
    """Return the values of `1,2,4`, `160:640:32` (both ends included) or a mix of both.

    Raises:
        UsageError: it is no such list, empty, or has more than `MAX_POINTS` values.
    """
    values: list[int] = []
    for part in text.replace(" ", "").split(","):
        match = re.fullmatch(r"(\d{1,9})(?::(\d{1,9})(?::(\d{1,9}))?)?", part)
        if match is None:
            raise UsageError(f"{option} {text!r} is no list; write 1,2,4 or 160:640:32")
        start = int(match[1])
        stop, step = int(match[2] or start), int(match[3] or 1)
        if start < 1 or step < 1 or stop < start:
            raise UsageError(f"{option} {part!r} is empty; write FROM:TO:STEP, from 1 up")
        if (stop - start) // step >= MAX_POINTS:
            raise UsageError(f"{option} {part!r} has more than {MAX_POINTS:,} values")
        values += range(start, stop + 1, step)
    return tuple(dict.fromkeys(values))


def to_csv(result: Sweep) -> str:
    """Return one row a combination, units in the column names."""
    columns = result.columns()
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["network", *columns])
    writer.writerows([result.network, *row] for row in zip(*columns.values(), strict=True))
    return buffer.getvalue()


def to_document(result: Sweep) -> dict[str, object]:
    """Return the rows as a JSON document `edgeprofiler.sweep/1`, column by column."""
    return {"schema": "edgeprofiler.sweep/1", "network": result.network, **result.columns()}


def write_parquet(result: Sweep, path: Path) -> None:
    """Write the rows as Parquet (extra `[parquet]`)."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise Unavailable(
            "pyarrow is not installed", "pip install 'edgeprofiler[parquet]', or use --csv"
        ) from None
    table = pa.table({"network": [result.network] * len(result), **result.columns()})
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary)
