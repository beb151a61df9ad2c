"""A board that lives on a virtual clock, with its sensor, behind the plug-ins."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.runners.protocol import IsolatingRunner, Runner, StatefulRunner
from edgeprofiler.measurement.runners.sim import SimulatedRunner
from edgeprofiler.measurement.sensors.protocol import TraceSensor
from edgeprofiler.measurement.sensors.sim import SimulatedSensor
from edgeprofiler.testing.contracts import RunnerContract, TraceSensorContract

NETWORK = Network(
    "pair",
    tuple(
        make_layer(
            name=name, kind="convolutional", op="convolution",
            input_shapes=[(1, 256, 28, 28)], output_shapes=[(1, 256, 28, 28)], dtype="fp16",
            weight_elements=589824, kernel=(3, 3), stride=(1, 1),
        )
        for name in ("first", "second")
    ),
    Source("test", "test"),
)  # fmt: skip


def runner_and_sensor(**options: float) -> tuple[SimulatedRunner, SimulatedSensor]:
    runner = SimulatedRunner(seed=3)
    runner.load("pair", NETWORK)
    sensor = SimulatedSensor(seed=3, **options)  # type: ignore[arg-type]
    sensor.attach(runner)
    return runner, sensor


def test_they_are_what_the_protocols_ask_for() -> None:
    runner, sensor = runner_and_sensor()
    assert isinstance(runner, Runner)
    assert isinstance(runner, IsolatingRunner)
    assert isinstance(runner, StatefulRunner)
    assert isinstance(sensor, TraceSensor)
    runner.probe()
    sensor.probe()
    assert SimulatedRunner(**runner.options).options == runner.options
    assert SimulatedSensor(**sensor.options).options == sensor.options
    assert runner.network() == NETWORK
    assert runner.describe()["runtime"] == "simulated"
    assert sensor.settings()["samples"] == 1


def test_time_passes_only_in_runs_pauses_and_sleep() -> None:
    runner, _ = runner_and_sensor()
    before = runner.clock.now_s()
    runner.clock.sleep(2.0)
    assert runner.clock.now_s() == pytest.approx(before + 2.0)
    timeline = runner.run(10, np.full(10, 5e-3))
    assert timeline.runs == 10
    assert timeline.run_start_s is not None
    assert timeline.run_start_s[0] >= before + 2.0
    assert timeline.run_end_s[-1] <= runner.clock.now_s()
    assert (np.diff(timeline.run_start_s) > 5e-3).all()


def test_the_past_comes_out_the_same_again_in_any_piece() -> None:
    runner, sensor = runner_and_sensor(rail_time_constant_s=1e-3)
    start = runner.clock.now_s()
    runner.clock.sleep(0.5)
    runner.run(100, np.full(100, 2e-3))
    runner.clock.sleep(0.5)
    stop = runner.clock.now_s()
    whole = sensor.trace(start, stop)
    again = sensor.trace(start, stop)
    np.testing.assert_array_equal(whole.total_w, again.total_w)
    late = sensor.trace(start + 0.4, stop - 0.2)
    inside = np.isin(whole.time_s, late.time_s)
    assert inside.sum() > 0.95 * len(late)
    np.testing.assert_allclose(
        whole.total_w[inside], late.total_w[np.isin(late.time_s, whole.time_s)], atol=0.041
    )


def test_running_draws_more_than_resting_and_warms_the_board() -> None:
    runner, sensor = runner_and_sensor()
    runner.clock.sleep(1.0)
    start = runner.clock.now_s()
    cold = runner.state().temperatures_c["gpu"]
    runner.run(3000)
    busy = sensor.trace(start, runner.clock.now_s()).total_w.mean()
    rest = sensor.trace(start - 1.0, start).total_w.mean()
    assert busy > rest + 1.0
    assert runner.state().temperatures_c["gpu"] > cold


def test_a_layer_runs_alone() -> None:
    runner, _ = runner_and_sensor()
    alone = runner.isolated(NETWORK.layers[1])
    assert alone.run(3).layer_names == ("second",)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="no simulated board"):
        SimulatedRunner(device="toaster")
    with pytest.raises(UsageError, match="structure"):
        SimulatedRunner(structure="odd")
    with pytest.raises(UsageError, match="needs the network"):
        SimulatedRunner().load("x.onnx")
    with pytest.raises(UsageError, match="no network"):
        SimulatedRunner().run(1)
    with pytest.raises(UsageError, match="window_s"):
        SimulatedSensor(window_s=1.0)
    with pytest.raises(UsageError, match="only the simulated runner"):
        SimulatedSensor().attach(object())
    runner, sensor = runner_and_sensor()
    runner.close()
    with pytest.raises(Unavailable, match="attached to no loaded"):
        sensor.trace(0.0, 1.0)


class TestSimulatedRunnerContract(RunnerContract):
    def make(self) -> Runner:
        return SimulatedRunner()

    def loaded(self) -> Runner:
        runner = SimulatedRunner()
        runner.load("pair", NETWORK)
        return runner


class TestSimulatedSensorContract(TraceSensorContract):
    span_s = (1000.0, 1001.0)

    def make(self) -> TraceSensor:
        return runner_and_sensor()[1]
