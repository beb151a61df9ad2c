"""Our runners keep what `collect` relies on."""

from __future__ import annotations

import sys

import pytest
from fake_tensorrt import FakeCuda, FakeTensorRT, StepClock

from edgeprofiler.core import plugins
from edgeprofiler.measurement.runners.onnxruntime import OnnxRuntimeRunner
from edgeprofiler.measurement.runners.tensorrt import TensorRTRunner
from edgeprofiler.measurement.runners.torch import TorchRunner
from edgeprofiler.testing import RunnerContract


class TestOnnxRuntime(RunnerContract):
    source = "zoo:lenet"

    def make(self) -> OnnxRuntimeRunner:
        pytest.importorskip("onnxruntime")
        return OnnxRuntimeRunner(threads=1)


class TestTorch(RunnerContract):
    source = "zoo:lenet"

    def make(self) -> TorchRunner:
        pytest.importorskip("torch")
        return TorchRunner(threads=1)


class TestTensorRT(RunnerContract):
    source = "zoo:lenet"

    @pytest.fixture(autouse=True)
    def _fake(self, monkeypatch) -> None:
        self.fake = FakeTensorRT([("a", 1.0), ("b", 2.0)], {"Layers": []}, StepClock())
        monkeypatch.setitem(sys.modules, "tensorrt", self.fake.module())

    def make(self) -> TensorRTRunner:
        runner = TensorRTRunner()
        runner.cuda = FakeCuda()
        runner.clock = self.fake.clock
        return runner


@pytest.mark.parametrize("name", ["onnxruntime", "tensorrt", "torch", "torch-tensorrt", "trtexec"])
def test_no_runner_takes_the_board_for_an_option_of_its_own(name: str):
    """`collect --device` names a board; only a simulation is made for one."""
    assert "device" not in plugins.load("runners", name)().options
