"""Measured totals of networks: the CSV that `calibrate` and `validate` read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeprofiler.core import limits
from edgeprofiler.core.choices import DEFAULT_PRECISION, PRECISIONS, RUNTIMES
from edgeprofiler.core.device import JETPACKS
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Network
from edgeprofiler.core.table import csv_text
from edgeprofiler.core.units import positive, seconds_from_ms
from edgeprofiler.core.values import Row, shown, sizes_of
from edgeprofiler.prediction.calibration.sheet import measured_sheet

REQUIRED = ("device", "network", "model", "runtime_ms")
OPTIONAL = (
    "mode", "software", "batch", "input", "precision", "power_above_idle_w", "power_w"
)  # fmt: skip
EXTRA = (
    "runtime", "tensorrt", "classes", "canonical", "family", "source", "lab", "set_aside"
)  # fmt: skip
"""Columns that are used where they are there: the host runtime, the version of TensorRT, how many
classes the head has, and by which name, family, publication and laboratory a row is grouped in an
evaluation, or why it is set aside."""

UNCOSTED = "a cost of every layer"
"""What a row lacks whose network has layers of which nobody knows the cost: its total is open."""


@dataclass(frozen=True)
class Measured:
    """One measured network."""

    device: str
    mode: str
    """Power mode; empty where the board's default is meant."""
    software: str
    runtime: str
    """Host runtime, told from `software` where no column says it."""
    network: str
    model: str
    """Zoo name or path; empty where the network's layers are not described."""
    batch: int
    shape: tuple[int, ...]
    """Input with batch, `(1, 3, 224, 224)`; empty where the model's own is meant."""
    precision: str
    runtime_s: float
    """NaN where only power was measured."""
    power_above_idle_w: float
    """NaN where it was not measured; see `power_w`."""
    canonical: str
    family: str
    set_aside: str
    """Why the row takes no part in an evaluation; empty where it does."""
    power_w: float = math.nan
    """Power of the board, idle included; NaN where it was not measured."""
    tensorrt: str = ""
    """Version of TensorRT that built the engine; empty where the board's own is meant."""
    source: str = ""
    """Whose publication it is from: rows of one share its clocks, host and builder."""
    lab: str = ""
    """Who measured: the group that is left out first."""
    classes: int | None = None
    simulated: bool = False
    """Whether no board was measured."""
    layers: Network | None = None
    """The network's layers, where they came with the row; else they are those of `model`."""
    line: int = 0
    """Line in the file, for messages."""
    other: Mapping[str, str] = field(default_factory=dict)

    @property
    def spec(self) -> str:
        """Board and mode as `--device` takes them."""
        return f"{self.device}@{self.mode}" if self.mode else self.device

    def above_idle_w(self, idle_power_w: float) -> float:
        """Return the measured power above idle in W; NaN where there is none.

        Args:
            idle_power_w: what is taken off where the board's whole power was measured. A power
                that is not above it tells nothing of the network.
        """
        own = self.power_above_idle_w
        return positive(own if math.isfinite(own) else self.power_w - idle_power_w)


def runtime_of(software: str) -> str:
    """Return the host runtime that a description of software means; `trtexec` by default.

    A Python or C++ program that copies inputs and outputs around each inference (trtutils among
    them) counts as `cpp`; the profiler of the power measurements as `torch-tensorrt`; any other
    call through PyTorch as `torch2trt`. What has kernels of its own, ONNX Runtime and `torch` as
    recordings name it, is none of `RUNTIMES`.
    """
    text = software.lower()
    if "ultralytics" in text:
        return "ultralytics"
    if "torch-tensorrt" in text or "torch_tensorrt" in text:
        return "torch-tensorrt"
    if "torch2trt" in text or "pytorch" in text:
        return "torch2trt"
    if re.search(r"onnx ?runtime", text):
        return "onnxruntime"
    if re.match(r"torch\b", text):
        return "torch"
    if "trtutils" in text or "c++" in text or "cpp" in text:
        return "cpp"
    return "trtexec"


def tensorrt_of(software: str) -> str:
    """Return the version of TensorRT that a description of software means; empty where none.

    Example:
        >>> tensorrt_of("JetPack 6.0, TensorRT"), tensorrt_of("TensorRT 10.1 via Torch-TensorRT")
        ('8.6', '10.1')
    """
    named = re.search(r"TensorRT[ -]?v?(\d{1,2}(?:\.\d{1,2})?)\b", software, re.IGNORECASE)
    if named is not None:
        return named[1]
    carried = re.search(r"JetPack[ -]?v?(\d(?:\.\d){0,2})\b", software, re.IGNORECASE)
    if carried is None:
        return ""
    text = carried[1]
    while text:  # the newest of a series, or the series that a repair belongs to
        found = [name for name in JETPACKS if name == text or name.startswith(f"{text}.")]
        if text in JETPACKS or found:
            return JETPACKS[text if text in JETPACKS else found[-1]]
        text = text.rpartition(".")[0]
    return ""


def read_measured(path: Path) -> list[Measured]:
    """Return the rows of a CSV of measured totals.

    Raises:
        InvalidInput: the file is missing, lacks a column, or a number in it is none. A row without
            a number is read: what needs one passes it over.
    """
    sheet = measured_sheet(path, REQUIRED, (*REQUIRED, *OPTIONAL, *EXTRA))
    rows = [_row(row) for row in sheet.rows]
    if not rows:
        raise InvalidInput(path, "has no rows", "one line for each measured network")
    return rows


def _row(row: Row) -> Measured:
    texts = {column: cell.strip() for column, cell in row.cells.items()}
    software, network = texts.get("software", ""), texts["network"]
    if not network:
        raise row["network"].fail("is empty")
    shape = input_shape(row)
    batch = row["batch"].default(shape[0] if shape else 1).whole(1, limits.IMAGE_SIDE)
    if shape and shape[0] != batch:
        raise row["batch"].fail(f"is {batch}, and the input's is {shape[0]}", "say one of them")
    runtime_ms, above_idle, power = (
        math.nan if row[column].null else row[column].number(above=0)
        for column in ("runtime_ms", "power_above_idle_w", "power_w")
    )
    canonical = texts.get("canonical") or canonical_name(network)
    return Measured(
        device=texts.get("device", ""),
        mode=texts.get("mode", "").lower(),
        software=software,
        runtime=texts.get("runtime", "").lower() or runtime_of(software),
        network=network,
        model=texts.get("model", ""),
        batch=batch,
        shape=shape,
        precision=texts.get("precision", "").lower() or DEFAULT_PRECISION,
        runtime_s=seconds_from_ms(runtime_ms),
        power_above_idle_w=above_idle,
        canonical=canonical,
        family=texts.get("family") or canonical,
        set_aside=texts.get("set_aside", ""),
        power_w=power,
        tensorrt=texts.get("tensorrt") or tensorrt_of(software),
        source=texts.get("source") or software,
        lab=texts.get("lab") or texts.get("source") or software,
        classes=row["classes"].maybe(lambda cell: cell.whole(1, limits.IMAGE_SIDE)),
        line=row.line,
        other={k: v for k, v in texts.items() if k not in (*REQUIRED, *OPTIONAL, *EXTRA)},
    )


def lacking(row: Measured, *, power: bool = True) -> str:
    """Return what a row lacks to be compared with a prediction; empty where nothing.

    Args:
        row: as it was read.
        power: whether a power alone is enough.
    """
    if not row.model:
        return "a model"
    if row.precision not in PRECISIONS:
        return f"a precision of {', '.join(PRECISIONS)}"
    if row.runtime not in RUNTIMES:
        return f"a host runtime of {', '.join(RUNTIMES)}"
    if math.isfinite(row.runtime_s):
        return ""
    if power and (math.isfinite(row.power_above_idle_w) or math.isfinite(row.power_w)):
        return ""
    return "a time or power" if power else "a time"


def canonical_name(network: str) -> str:
    """Return the name by which one network is known in all files: `ResNet18` is `resnet18`."""
    return re.sub(r"[-\s]+", "_", network.strip().lower())


def input_shape(row: Row) -> tuple[int, ...]:
    """Return the input's shape from `224`, `224x224`, `3x224x224` or `1x3x224x224`.

    Raises:
        InvalidInput: it is no size.
    """
    text = row.cells.get("input", "")
    try:
        sizes = sizes_of(text)
    except ValueError:
        raise row["input"].fail(
            f"is {shown(text)}, no size", "write 224x224 or 3x224x224"
        ) from None
    if len(sizes) == 2:
        sizes = (3, *sizes)
    if len(sizes) == 3:
        sizes = (row["batch"].default(1).whole(1, limits.IMAGE_SIDE), *sizes)
    return sizes


def write_rows(rows: Sequence[Mapping[str, object]]) -> str:
    """Return rows as the text of a CSV, columns in the order of the first row."""
    return csv_text(list(rows[0]), (list(row.values()) for row in rows))
