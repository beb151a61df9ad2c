"""How long it takes to count an ONNX file, against a counter of multiply-accumulates.

Usage: python benchmarks/onnx_counting.py [NETWORK ...]

Writes networks of the zoo as ONNX files with weights. In one process: reading one and lowering it
to layers, against onnx-tool's count of the same file. Then whole processes: `edgeprofiler predict`
against onnx-tool's command. Each figure is the least processor time of several runs, so that what
else the machine does counts little. Needs onnx-tool and onnxruntime's writer. Prints Markdown.
"""

from __future__ import annotations

import contextlib
import io
import os
import platform
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import onnx
from least import least_of_each_s

from edgeprofiler.measurement.runners._onnx_model import model_of
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.lowering import lower
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.zoo import zoo_graph

NETWORKS = ("yolov8n", "resnet50", "mobilenet_v2")
RUNS, PROCESSES = 25, 9


def read_and_lower(path: str) -> None:
    lower(OnnxFrontEnd().read(path, ReadOptions()))


def count(path: str) -> None:
    import onnx_tool  # type: ignore[import-not-found, import-untyped, unused-ignore]

    with contextlib.redirect_stdout(io.StringIO()):
        model = onnx_tool.Model(path)
        model.graph.shape_infer(None)
        model.graph.profile()


def processes_s(folder: str, *commands: Sequence[str]) -> list[float]:
    """Return the processor seconds of the quickest of several runs of each command, in turns.

    All modules are run as compiled to `folder`, as after an installation.
    """
    there = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    there["PYTHONPYCACHEPREFIX"] = folder
    nowhere = subprocess.DEVNULL
    least = [float("inf")] * len(commands)
    for _ in range(PROCESSES):
        for place, words in enumerate(commands):
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run(words, check=True, stdout=nowhere, stderr=nowhere, env=there)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            least[place] = min(least[place], spent)
    return least


def main(names: tuple[str, ...]) -> None:
    print(f"{platform.machine()}, Python {platform.python_version()}\n")
    columns = (
        "network", "read and lowered, ms", "onnx-tool counts, ms", "ratio",
        "`predict`, s", "onnx-tool, s", "ratio",
    )  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            path = str(Path(folder) / f"{name}.onnx")
            onnx.save(model_of(zoo_graph(name)), path)
            works = [partial(work, path) for work in (read_and_lower, count)]
            mine, theirs = (1e3 * seconds for seconds in least_of_each_s(works, RUNS))
            command = str(Path(sys.executable).with_name("edgeprofiler"))
            whole, other = processes_s(
                folder,
                (command, "predict", path, "--device", "jetson-orin-nano"),
                (sys.executable, "-m", "onnx_tool", "-i", path),
            )
            cells = (f"{mine:.1f}", f"{theirs:.1f}", f"{mine / theirs:.2f}",
                     f"{whole:.2f}", f"{other:.2f}", f"{whole / other:.2f}")  # fmt: skip
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main(tuple(sys.argv[1:]) or NETWORKS)
