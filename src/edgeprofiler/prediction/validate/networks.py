"""From a row of measured totals to the layers of its network and its board."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from edgeprofiler.core.choices import DEFAULT_DEVICE, PRECISIONS
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.rows import Sample
from edgeprofiler.reading.lowering import BuildTarget, lower
from edgeprofiler.reading.read import builder, front_end_for, read_model


def network_of(
    row: Measured, folder: Path | None = None, target: BuildTarget | None = None
) -> Network:
    """Return the layers that a row's network runs, as its software built them.

    Args:
        row: what was measured.
        folder: where a relative path of a model starts; the current folder where `None`.
        target: what its engine was built on; the row's board where `None`.
    """
    if row.layers is not None:
        return row.layers
    try:
        model = _model_of(row, folder)
    except (InvalidInput, Unsupported, UsageError) as error:
        raise InvalidInput(f"line {row.line} ({row.network})", str(error)) from None
    if not isinstance(model, Graph):
        return model
    if row.precision not in PRECISIONS:
        raise InvalidInput(
            f"line {row.line} ({row.network})",
            f"no precision {row.precision!r}",
            f"choose one of: {', '.join(PRECISIONS)}",
        )
    if target is None:
        target = BuildTarget.of(board_of(row))
    return lower(model, row.precision, builder=builder(row.runtime), target=target)


@dataclass(frozen=True)
class Networks:
    """Networks of many rows; what several rows share is read and lowered once."""

    folder: Path | None = None
    """Where a relative path of a model starts; the current folder where `None`."""
    _found: dict[tuple[object, ...], Network] = field(default_factory=dict)

    def of(self, row: Measured, board: Device) -> Network:
        """Return the layers that a row's network runs on a board."""
        if row.layers is not None:  # of that row alone, whatever others are called
            return row.layers
        target = BuildTarget.of(board)
        key = (
            *(row.model, row.batch, row.shape, row.classes, row.precision),
            *(builder(row.runtime), replace(target, name="")),
        )
        if key not in self._found:
            self._found[key] = network_of(row, self.folder, target)
        return self._found[key]


def board_of(row: Measured, device: str | None = None, runtime: str | None = None) -> Device:
    """Return the board that a row was measured on, or `device` in its place.

    Raises:
        InvalidInput: the row names a board, mode or host that is not known.
        UsageError: `device` is not known.
    """
    try:
        board = load_device(device or row.spec or DEFAULT_DEVICE, runtime)
        return board.with_tensorrt(row.tensorrt) if row.tensorrt else board
    except UsageError as error:
        if device is not None:
            raise
        raise InvalidInput(f"line {row.line} ({row.network})", str(error)) from None


def _model_of(row: Measured, folder: Path | None) -> Graph | Network:
    """Return a row's model at the row's batch and shape; an engine has its own."""
    source = _address(row.model, folder)
    if source.startswith("zoo:"):
        source += f"?classes={row.classes}" if row.classes else ""
    elif folder is not None:
        source = str(folder / source)
    if source.endswith(".json") and is_profile(source):
        return read_profile(source).network
    if front_end_for(source).name == "tensorrt":
        return read_model(source)
    if row.shape:
        return read_model(source, shapes={"": row.shape})
    if row.batch > 1:
        return read_model(source, batch=row.batch)
    try:
        return read_model(source)
    except UsageError:  # its batch is free
        return read_model(source, batch=row.batch)


def _address(model: str, folder: Path | None) -> str:
    """Return `zoo:NAME` for a bare name, such as `resnet18`, unless a file is called so."""
    bare = not any(mark in model for mark in "./\\:")
    there = os.path.exists((folder or Path()) / model)  # noqa: PTH110, no error for a long name
    return f"zoo:{model}" if bare and not there else model


def samples_of(
    rows: Sequence[Measured], folder: Path | None = None, device: str | None = None
) -> list[Sample]:
    """Return the rows that can be computed, with boards and layers.

    Args:
        rows: measured rows; those without a model are left out.
        folder: where a relative path of a model starts.
        device: board to use in place of the rows' own.
    """
    networks = Networks(folder)
    found = []
    for row in rows:
        if row.model:
            board = board_of(row, device)
            found.append(Sample.of(row, board, networks.of(row, board)))
    return found
