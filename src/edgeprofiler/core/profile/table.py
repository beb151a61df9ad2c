"""Profiles as CSV: the reference's four columns first, then ours with units in their names.

Empty cells are unknown, never 0. Names are kept exactly, only quoted as CSV asks.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgeprofiler.core import files
from edgeprofiler.core.network import Layer, Shape
from edgeprofiler.core.table import csv_text
from edgeprofiler.core.units import ms_from_seconds

if TYPE_CHECKING:
    from edgeprofiler.core.profile.profile import Costs, Profile

_LAYER: dict[str, Callable[[Layer], object]] = {
    "op": lambda layer: layer.op,
    "engine_type": lambda layer: layer.engine_type,
    "input_shapes": lambda layer: _shapes(layer.input_shapes),
    "output_shapes": lambda layer: _shapes(layer.output_shapes),
    "kernel": lambda layer: _shape(layer.kernel),
    "stride": lambda layer: _shape(layer.stride),
    "padding_before": lambda layer: _shape(layer.padding_before),
    "padding_after": lambda layer: _shape(layer.padding_after),
    "dilation": lambda layer: _shape(layer.dilation),
    "groups": lambda layer: layer.groups,
    "dtype": lambda layer: layer.dtype,
    "macs": lambda layer: layer.macs,
    "flops": lambda layer: layer.flops,
    "weight_bytes": lambda layer: layer.weight_bytes,
    "bytes_moved": lambda layer: layer.bytes_moved,
    "fused_ops": lambda layer: " ".join(layer.fused_ops),
}
_COSTS = tuple(
    f"{name}{end}" for name in ("runtime_s", "power_w", "energy_j") for end in ("", "_low", "_high")
)
_MEASURED = ("standard_error_w", "samples")

REFERENCE = ("layer_name", "layer_type", "power_prediction", "runtime_prediction")
"""Columns of the reference: name, kind, power above idle in W, runtime in ms."""

COLUMNS = (*REFERENCE, "index", *_LAYER, "bound", "covered", "known_by", *_COSTS, *_MEASURED)
"""All columns, in order."""


def layer_columns(profile: Profile) -> dict[str, list[Any]]:
    """Return the layers as columns of one length, by the names of `COLUMNS`; unknown is `None`."""
    costs, layers = profile.costs, profile.network.layers
    covered = costs.covered.tolist()

    def known(values: list[Any]) -> list[Any]:
        return [v if c else None for v, c in zip(values, covered, strict=True)]

    above_idle = (costs.power_w - profile.idle_power_w).tolist()
    return {
        "layer_name": [layer.name for layer in layers],
        "layer_type": [layer.kind for layer in layers],
        "power_prediction": known(above_idle),
        "runtime_prediction": known([ms_from_seconds(t) for t in costs.runtime_s.tolist()]),
        "index": list(range(len(layers))),
        **{name: [read(layer) for layer in layers] for name, read in _LAYER.items()},
        "bound": list(costs.bound),
        "covered": covered,
        "known_by": list(costs.known_by),
        **{name: known(_cells(costs, name)) for name in _COSTS},
        **{name: _cells(costs, name) for name in _MEASURED},
    }


def to_csv(profile: Profile) -> str:
    """Return a profile as CSV, one row a layer."""
    columns = layer_columns(profile)
    columns["covered"] = ["yes" if covered else "no" for covered in columns["covered"]]
    return csv_text(COLUMNS, list(zip(*columns.values(), strict=True)))


def write_csv(profile: Profile, path: Path | str) -> None:
    """Write a profile as CSV, whole or not at all.

    Raises:
        CannotWrite: the folder is missing, not writable or full.
    """
    files.write_text(Path(path), to_csv(profile))


def _cells(costs: Costs, name: str) -> list[float | None]:
    column = getattr(costs, name)
    return [None] * len(costs) if column is None else column.tolist()


def _shape(shape: Shape) -> str:
    return "x".join(map(str, shape))


def _shapes(shapes: tuple[Shape, ...]) -> str:
    return " ".join(_shape(shape) or "scalar" for shape in shapes)
