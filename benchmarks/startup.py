"""How long the command takes from process start to end, and how large the core install is.

Usage: python benchmarks/startup.py

The reference is an interpreter that starts and imports numpy, timed in the same run; each figure
is the best of several runs, since other work on the machine only ever adds. Prints Markdown.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from least import least_s

RUNS = 15
COMMANDS = {
    "python -c 'import numpy' (reference)": [sys.executable, "-c", "import numpy"],
    "python -c 'import edgeprofiler'": [sys.executable, "-c", "import edgeprofiler"],
    "edgeprofiler --help": [sys.executable, "-m", "edgeprofiler", "--help"],
    "edgeprofiler predict zoo:resnet18": [
        sys.executable, "-m", "edgeprofiler", "predict", "zoo:resnet18", "-d", "jetson-orin-nano",
    ],
    "edgeprofiler predict examples/tiny_cnn.onnx": [
        sys.executable, "-m", "edgeprofiler", "predict", "examples/tiny_cnn.onnx", "-q",
    ],
}  # fmt: skip


def best_s(command: list[str]) -> float:
    call = partial(subprocess.run, command, check=True, capture_output=True)
    return least_s(call, RUNS, time.perf_counter)


def core_install_mb() -> tuple[float, float]:
    """Megabytes of an empty virtual environment, and what the core install adds to it."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder) / "venv"
        subprocess.run([sys.executable, "-m", "venv", environment], check=True)
        empty = size_mb(environment)
        subprocess.run(
            [environment / "bin/pip", "install", "-q", "."], check=True, stderr=subprocess.DEVNULL
        )
        return empty, size_mb(environment) - empty


def size_mb(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files) / 1e6


def main() -> None:
    print(f"Python {platform.python_version()}, {platform.machine()}, best of {RUNS} runs.\n")
    print("| command | s | ratio |\n|---|---:|---:|")
    reference = 0.0
    for label, command in COMMANDS.items():
        seconds = best_s(command)
        reference = reference or seconds
        print(f"| `{label}` | {seconds:.3f} | {seconds / reference:.1f} |")
    empty, added = core_install_mb()
    print(
        f"\nThe core install takes {added:.0f} MB; the empty environment around it {empty:.0f} MB."
    )


if __name__ == "__main__":
    main()
