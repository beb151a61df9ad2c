"""A simulating runner gets the layers of the device that it plays; others read the model."""

import pytest

from edgeprofiler.core.device import device_names
from edgeprofiler.core.errors import UsageError
from edgeprofiler.measurement.collect.layers import layers_for
from edgeprofiler.measurement.runners.sim import SimulatedRunner
from edgeprofiler.measurement.simulator.device import BOARDS
from edgeprofiler.reading.read import read
from edgeprofiler.testing import FakeRunner


def test_every_simulated_board_is_one_whose_layers_are_known():
    assert set(BOARDS) <= set(device_names())


@pytest.mark.parametrize("board", ["jetson-nano", "jetson-xavier-nx", "jetson-agx-orin"])
def test_layers_are_those_of_the_simulated_board(board):
    runner = SimulatedRunner(device=f"{board}@some-mode", precision="fp32", batch=2)
    network = layers_for("zoo:lenet", runner)
    assert network == read("zoo:lenet", precision="fp32", batch=2, device=board)
    tf32 = any(layer.dtype == "tf32" for layer in network.layers)
    assert tf32 is ("orin" in board), "TF32 came with Ampere"


def test_shapes_of_a_runner_s_options_are_the_inputs():
    runner = SimulatedRunner(shapes={"": [1, 3, 64, 96]})
    assert SimulatedRunner(**runner.options).options == runner.options
    network = layers_for("zoo:resnet18", runner)
    assert network == read("zoo:resnet18", shapes={"": (1, 3, 64, 96)})


def test_without_options_it_is_the_default_board_in_fp16():
    class Playing(FakeRunner):
        needs_network = True

    assert layers_for("zoo:lenet", Playing()) == read("zoo:lenet")


def test_a_runner_that_reads_models_itself_is_given_none():
    assert layers_for("/nowhere/at/all.onnx", FakeRunner()) is None


def test_a_precision_that_is_none_is_refused():
    with pytest.raises(UsageError, match="choose one of: fp32, fp16, int8"):
        layers_for("zoo:lenet", SimulatedRunner(precision="fp4"))
