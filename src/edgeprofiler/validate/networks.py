"""From a row of measured totals to the layers of its network and its board."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeprofiler.calibration.measured import Measured
from edgeprofiler.calibration.recipe import Sample
from edgeprofiler.device import DEFAULT_DEVICE, load_device
from edgeprofiler.errors import InvalidInput
from edgeprofiler.graph import Graph
from edgeprofiler.lowering import lower
from edgeprofiler.network import Network
from edgeprofiler.prediction import read_model
from edgeprofiler.predictors.costmodel import Work


def network_of(row: Measured, folder: Path | None = None) -> Network:
    """Return the layers that a row's network runs, as its software built them.

    Args:
        row: what was measured.
        folder: where a relative path of a model starts; the current folder where `None`.
    """
    source = _address(row.model, folder)
    if source.startswith("zoo:"):
        if row.classes:
            source += f"?classes={row.classes}"
    elif folder is not None:
        source = str(folder / source)
    shapes = {"": row.shape} if row.shape and source.startswith("zoo:") else {}
    model = read_model(source, shapes=shapes)
    if not isinstance(model, Graph):
        return model
    builder = "torch-tensorrt" if row.runtime == "torch-tensorrt" else "trtexec"
    return lower(model, row.precision, builder=builder)


def _address(model: str, folder: Path | None) -> str:
    """Return `zoo:NAME` for a bare name, such as `resnet18`, unless a file is called so."""
    bare = not any(mark in model for mark in "./\\:")
    return f"zoo:{model}" if bare and not ((folder or Path()) / model).exists() else model


def samples_of(
    rows: Sequence[Measured], folder: Path | None = None, device: str | None = None
) -> list[Sample]:
    """Return the rows that can be computed, with boards and layers; each network is read once.

    Args:
        rows: measured rows; those without a model are left out.
        folder: where a relative path of a model starts.
        device: board to use in place of the rows' own.
    """
    seen: dict[tuple[object, ...], Work] = {}
    found = []
    for row in rows:
        if not row.model:
            continue
        key = (row.model, row.shape, row.classes, row.precision, row.runtime == "torch-tensorrt")
        if key not in seen:
            try:
                seen[key] = Work.of(network_of(row, folder).columns)
            except InvalidInput as error:
                raise InvalidInput(f"line {row.line} ({row.network})", str(error)) from None
        found.append(Sample(row, load_device(device or row.spec or DEFAULT_DEVICE), seen[key]))
    return found
