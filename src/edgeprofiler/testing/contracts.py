"""What every plug-in of a kind must do, as tests to inherit. They need pytest or unittest only."""

from __future__ import annotations

import json
import math
import unittest
from contextlib import closing, suppress
from typing import Any

import numpy as np

from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput, Unavailable, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.measurement.runners.protocol import Runner
from edgeprofiler.measurement.sensors.protocol import (
    RawSensor,
    Sensor,
    TraceSensor,
    opened,
    polling_of,
    registers_of,
)
from edgeprofiler.reading.front_end import FrontEnd, ReadOptions


def _usable(plugin: Any) -> Any:
    try:
        plugin.probe()
    except Unavailable as error:
        raise unittest.SkipTest(f"cannot run here: {error}") from None
    return plugin


def _check_options(plugin: Any) -> None:
    options = dict(plugin.options)
    again = type(plugin)(**json.loads(json.dumps(options)))
    assert dict(again.options) == options


class SensorContract:
    """What the sampler relies on in a live sensor."""

    def make(self) -> Sensor:
        """Return the sensor to test, not yet opened."""
        raise NotImplementedError

    def test_is_a_sensor(self) -> None:
        """It has all of the protocol's members."""
        assert isinstance(self.make(), Sensor)

    def test_options_make_an_equal_sensor_after_a_trip_through_json(self) -> None:
        """The sampler makes the sensor again in its own process."""
        _check_options(self.make())

    def test_probe_says_why_not_or_nothing(self) -> None:
        """A sensor that cannot run raises `Unavailable` with reason and remedy."""
        try:
            self.make().probe()
        except Unavailable as error:
            if not (error.reason and error.remedy):
                raise AssertionError("Unavailable without a reason or a remedy") from None

    def test_gives_one_number_a_rail(self) -> None:
        """`read` has the length and order of `rails`; the total is among them."""
        with opened(_usable(self.make())) as sensor:
            assert sensor.rails
            assert len(set(sensor.rails)) == len(sensor.rails)
            assert sensor.total_rails
            assert set(sensor.total_rails) <= set(sensor.rails)
            values = sensor.read()
            assert len(values) == len(sensor.rails)
            assert all(isinstance(float(value), float) for value in values)
            assert any(math.isfinite(value) for value in values)

    def test_polls_that_are_decoded_later_are_what_read_gives(self) -> None:
        """`polling` (where a sensor has it) has the shape, unit and order of `read`."""
        with opened(_usable(self.make())) as sensor:
            polling = polling_of(sensor)
            polls = [[next(part) for part in polling.parts] for _ in range(3)]
            values = polling.decode([*zip(*polls, strict=True)])
            rails, registers = len(sensor.rails), registers_of(sensor)
            assert set(registers) <= set(sensor.rails)
            assert values.shape == (3, rails + 2 * len(registers))
            if isinstance(sensor, RawSensor) and sensor.kind == "power":
                # half to double: another moment's power, but the same unit and order
                ratio = np.median(values[:, :rails], axis=0) / np.array(sensor.read())
                assert ((ratio > 0.5) & (ratio < 2.0) | ~np.isfinite(ratio)).all()

    def test_an_energy_counter_never_goes_back(self) -> None:
        """Wrapping is the sensor's business."""
        with opened(_usable(self.make())) as sensor:
            if sensor.kind == "energy":
                first, second = sensor.read(), sensor.read()
                assert all(not b < a for a, b in zip(first, second, strict=True))

    def test_settings_can_be_recorded(self) -> None:
        """They go into the recording as JSON."""
        with opened(_usable(self.make())) as sensor:
            json.dumps(dict(sensor.settings()), allow_nan=False)

    def test_opens_again_after_closing(self) -> None:
        """A resumed collection opens the sensor a second time; closing twice is harmless."""
        sensor = _usable(self.make())
        for _ in range(2):
            sensor.open()
            sensor.read()
            sensor.close()
            sensor.close()

    def test_reading_a_closed_sensor_is_an_os_error_or_works(self) -> None:
        """Never anything else: the sampler handles `OSError` only."""
        sensor = _usable(self.make())
        with suppress(OSError):
            sensor.read()


class TraceSensorContract:
    """What `collect` relies on in a sensor that gives a whole trace."""

    span_s = (0.0, 1.0)
    """Times that the trace must cover at least partly."""

    def make(self) -> TraceSensor:
        """Return the sensor to test, attached to a runner where it needs one."""
        raise NotImplementedError

    def test_is_a_trace_sensor(self) -> None:
        """It has all of the protocol's members."""
        assert isinstance(self.make(), TraceSensor)

    def test_options_make_an_equal_sensor_after_a_trip_through_json(self) -> None:
        """Options are what JSON can hold."""
        _check_options(self.make())

    def test_times_ascend_within_what_was_asked(self) -> None:
        """Nothing before the start or after the end."""
        start_s, end_s = self.span_s
        trace = _usable(self.make()).trace(start_s, end_s)
        assert len(trace)
        assert (np.diff(trace.time_s) >= 0).all()
        assert trace.time_s[0] >= start_s
        assert trace.time_s[-1] <= end_s
        assert set(trace.total_rails) <= set(trace.rails_w)
        assert all(len(power) == len(trace) for power in trace.rails_w.values())

    def test_the_same_part_is_the_same_again(self) -> None:
        """The past does not change by being asked for."""
        sensor = _usable(self.make())
        first, second = sensor.trace(*self.span_s), sensor.trace(*self.span_s)
        np.testing.assert_array_equal(first.time_s, second.time_s)
        np.testing.assert_array_equal(first.total_w, second.total_w)


class RunnerContract:
    """What `collect` relies on in a runner."""

    source = ""
    """A small model that the runner can load."""

    def make(self) -> Runner:
        """Return the runner to test, nothing loaded."""
        raise NotImplementedError

    def loaded(self) -> Runner:
        """Return the runner with the model loaded; override where it needs a network."""
        runner: Runner = _usable(self.make())
        runner.load(self.source)
        return runner

    def test_is_a_runner(self) -> None:
        """It has all of the protocol's members."""
        assert isinstance(self.make(), Runner)

    def test_options_make_an_equal_runner_after_a_trip_through_json(self) -> None:
        """Options are what JSON can hold."""
        _check_options(self.make())

    def test_every_run_has_an_end_and_a_duration_of_each_layer(self) -> None:
        """Shapes are (runs,) and (runs, layers); ends ascend; no duration is negative."""
        with closing(self.loaded()) as runner:
            timeline = runner.run(3)
            assert timeline.runs == 3
            assert timeline.duration_s.shape == (3, len(timeline.layer_names))
            assert (np.diff(timeline.run_end_s) >= 0).all()
            assert not (timeline.duration_s < 0).any()
            if timeline.run_start_s is not None:
                assert (timeline.run_start_s <= timeline.run_end_s).all()

    def test_layers_are_the_same_in_every_block(self) -> None:
        """Blocks are put together to one timeline."""
        with closing(self.loaded()) as runner:
            assert runner.run(1).layer_names == runner.run(2).layer_names

    def test_pauses_pass_before_each_run(self) -> None:
        """They are no part of a run."""
        with closing(self.loaded()) as runner:
            before_s = runner.clock.now_s()
            timeline = runner.run(2, np.array([0.05, 0.05]))
            assert runner.clock.now_s() - before_s >= 0.1
            if timeline.run_start_s is not None:
                assert timeline.run_start_s[0] - before_s >= 0.05

    def test_its_network_has_a_layer_for_each_column(self) -> None:
        """Where the runner tells its layers at all."""
        with closing(self.loaded()) as runner:
            timeline = runner.run(1)
            network = runner.network()
            if network is not None:
                assert tuple(layer.name for layer in network.layers) == timeline.layer_names

    def test_a_missing_model_is_an_edgeprofiler_error(self) -> None:
        """A user's mistake gives one line, no traceback."""
        with closing(_usable(self.make())) as runner, suppress(EdgeProfilerError):
            runner.load("/nowhere/at/all.onnx")

    def test_describe_is_text(self) -> None:
        """It goes into the recording."""
        with closing(self.loaded()) as runner:
            assert all(isinstance(v, str) for kv in runner.describe().items() for v in kv)


class FrontEndContract:
    """What `read` relies on in a front end."""

    source = ""
    """A small model of this front end's kind."""

    def make(self) -> FrontEnd:
        """Return the front end to test."""
        raise NotImplementedError

    def test_is_a_front_end(self) -> None:
        """It has all of the protocol's members."""
        assert isinstance(self.make(), FrontEnd)

    def test_reads_a_graph_or_a_network(self) -> None:
        """Layers or nodes, at least one."""
        model = self.make().read(self.source, ReadOptions())
        assert isinstance(model, (Graph, Network))
        assert model.nodes if isinstance(model, Graph) else model.layers

    def test_recognises_no_stranger(self) -> None:
        """Another's file is left to another front end."""
        assert not self.make().recognises("holiday.jpeg", b"\xff\xd8\xff\xe0" + bytes(4092))

    def test_a_missing_file_is_the_users_mistake(self) -> None:
        """`InvalidInput` (or `UsageError` for an unknown name), nothing else."""
        try:
            self.make().read("/nowhere/at/all", ReadOptions())
        except (InvalidInput, UsageError):
            return
        raise AssertionError("a file that does not exist was read")
