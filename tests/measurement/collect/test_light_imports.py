"""A Jetson collects with the core install: the collecting side imports numpy and nothing heavy."""

import subprocess
import sys

import pytest

HEAVY = {
    "onnx", "torch", "onnxruntime", "tensorrt", "scipy", "sklearn", "pyarrow", "matplotlib",
    "pandas", "rich", "typer", "pynvml", "fastapi", "mlflow",
}  # fmt: skip


@pytest.mark.parametrize(
    "module",
    [
        "edgeprofiler.measurement.collect.sampler",
        "edgeprofiler.measurement.collect.collecting",
        "edgeprofiler.measurement.monitor",
        "edgeprofiler.testing",
    ],
)
def test_collecting_imports_no_heavy_library(module):
    code = f"import {module}, sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not HEAVY & set(done.stdout.split())
