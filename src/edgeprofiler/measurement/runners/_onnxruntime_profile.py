"""ONNX Runtime's profile file: one JSON event a line, times in whole microseconds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import InsufficientData, InvalidInput
from edgeprofiler.core.network import FloatArray, IntArray, Shape
from edgeprofiler.measurement.runners._onnx_kernels import Kernel

SUFFIX = "_kernel_time"

DTYPES = {
    "float": "fp32", "float16": "fp16", "bfloat16": "bf16", "double": "fp64", "bool": "bool",
    "int8": "int8", "uint8": "uint8", "int16": "int16", "uint16": "uint16", "int32": "int32",
    "uint32": "uint32", "int64": "int64", "uint64": "uint64", "string": "string",
}  # fmt: skip


@dataclass(frozen=True)
class KernelTimes:
    """What a profile file says, aggregated: runs in order, kernels in order of execution."""

    kernels: tuple[Kernel, ...]
    """As the profile tells them: without attributes, weights among the inputs."""
    duration_s: FloatArray
    """Shape (runs, kernels); NaN where a kernel did not run; summed where it ran repeatedly."""
    end_s: FloatArray
    """End of each kernel since the start of its run; shape (runs, kernels)."""
    run_s: FloatArray
    """Duration of each run as ONNX Runtime saw it; shape (runs,)."""

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each kernel."""
        return tuple(kernel.name for kernel in self.kernels)


def read_profile(path: Path, kernels: frozenset[str]) -> KernelTimes:
    """Return the times in a profile file.

    The file is read line by line, so that one with a million events needs no gigabytes.

    Args:
        path: what `end_profiling` wrote.
        kernels: names of the nodes that count; kernels inside a loop's body are in the loop's
            own time already.

    Raises:
        InvalidInput: the file is no profile.
        InsufficientData: it holds no complete run.
    """
    found: dict[str, tuple[int, Kernel]] = {}
    columns: list[int] = []
    stamps: list[tuple[int, int]] = []
    runs: list[tuple[int, int]] = []
    for event in _events(path):
        if event.get("cat") == "Node" and event["name"].endswith(SUFFIX):
            name = event["name"][: -len(SUFFIX)]
            if name not in kernels:
                continue
            if name not in found:
                found[name] = len(found), _kernel(name, event["args"])
            columns.append(found[name][0])
            stamps.append((event["ts"], event["dur"]))
        elif event.get("name") == "model_run":
            runs.append((event["ts"], event["dur"]))
    if not runs or not stamps:
        raise InsufficientData(f"{path}: the profile holds no complete run")
    times = _aggregate(len(found), np.array(columns), np.array(stamps), np.array(sorted(runs)))
    return KernelTimes(tuple(kernel for _, kernel in found.values()), *times)


def _events(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            text = line.strip().rstrip(",")
            if not text.startswith("{"):
                continue
            try:
                event = json.loads(text)
            except json.JSONDecodeError:
                raise InvalidInput(path, f"line {number} is no event of a profile") from None
            yield event


def _aggregate(
    kernels: int, columns: IntArray, stamps: IntArray, runs: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return durations and ends by run and kernel, and the durations of runs, in seconds."""
    start, duration = stamps[:, 0], stamps[:, 1]
    row = np.searchsorted(runs[:, 0], start, side="right") - 1
    inside = (row >= 0) & (start + duration <= runs[row, 0] + runs[row, 1] + 1)
    row, columns, start, duration = (a[inside] for a in (row, columns, start, duration))
    size = (len(runs), kernels)
    total = np.zeros(size)
    np.add.at(total, (row, columns), duration * 1e-6)
    count = np.zeros(size, dtype=np.int64)
    np.add.at(count, (row, columns), 1)
    end = np.full(size, -np.inf)
    np.maximum.at(end, (row, columns), (start + duration - runs[row, 0]) * 1e-6)
    missing = count == 0
    run_s: FloatArray = runs[:, 1].astype(np.float64) * 1e-6
    total[missing] = np.nan
    end[missing] = np.nan
    return total, end, run_s


def _kernel(name: str, arguments: dict[str, Any]) -> Kernel:
    inputs, outputs = (_typed(arguments.get(f"{side}_type_shape")) for side in ("input", "output"))
    return Kernel(
        name=name,
        op=str(arguments.get("op_name", "")),
        input_shapes=tuple(shape for shape, _ in inputs),
        input_dtypes=tuple(dtype for _, dtype in inputs),
        output_shapes=tuple(shape for shape, _ in outputs),
        output_dtypes=tuple(dtype for _, dtype in outputs),
    )


def _typed(entries: Any) -> list[tuple[Shape, str]]:
    if not isinstance(entries, list):  # an empty list is written as an empty text
        return []
    return [
        (tuple(int(length) for length in shape), DTYPES.get(dtype, dtype))
        for entry in entries
        for dtype, shape in entry.items()
    ]
