"""What runners of models share, by a runtime that only waits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.runners._source import Model
from edgeprofiler.measurement.runners.base import Call, ModelRunner, WatchedModel, aligned
from edgeprofiler.measurement.runners.protocol import FreeRunner, IsolatingRunner, Runner
from edgeprofiler.testing import VirtualClock


@dataclass(kw_only=True, eq=False)
class Waiting(WatchedModel):
    """Two layers, of 1 and 2 ms."""

    silent: bool = False
    closed: bool = False

    def execute(self) -> None:
        self.clock.sleep(3e-3)

    def watched(self) -> tuple[Sequence[Call], float]:
        self.execute()
        end_s = self.clock.now_s()
        return ([] if self.silent else [("a", 1e-3, end_s), ("b", 2e-3, end_s)]), end_s

    def network(self) -> Network:
        return Network(self.model.name, (), Source(self.model.source, "waiting"))

    def close(self) -> None:
        self.closed = True


@dataclass(kw_only=True, eq=False)
class WaitingRunner(ModelRunner):
    precision: str = "fp16"
    silent: bool = False

    name = "waiting"
    precisions = ("fp32", "fp16")
    own_weights = False

    def probe(self) -> None:
        pass

    def open(self, model: Model) -> Waiting:
        return Waiting(model=model, clock=self.clock, silent=self.silent)

    def version(self) -> str:
        return "1"


def loaded(**options) -> WaitingRunner:
    runner = WaitingRunner(**options)
    runner.clock = VirtualClock()
    runner.load("zoo:lenet")
    return runner


def test_it_is_a_runner_that_runs_free_and_isolates_layers() -> None:
    for kind in (Runner, FreeRunner, IsolatingRunner):
        assert isinstance(WaitingRunner(), kind)


def test_its_fields_are_its_options() -> None:
    runner = WaitingRunner(batch=2, shapes={"x": [2, 3]}, silent=True)
    assert runner.options == {
        "batch": 2, "shapes": {"x": [2, 3]}, "precision": "fp16", "silent": True,
    }  # fmt: skip
    assert WaitingRunner(**json.loads(json.dumps(runner.options))).options == runner.options
    with pytest.raises(UsageError, match="choose one of: fp32, fp16"):
        WaitingRunner(precision="int8")


def test_runs_are_stamped_before_and_after_and_pauses_lie_between() -> None:
    timeline = loaded().run(2, np.array([0.0, 0.5]))
    assert timeline.layer_names == ("a", "b")
    np.testing.assert_allclose(timeline.duration_s, [[1e-3, 2e-3]] * 2)
    np.testing.assert_allclose(timeline.run_end_s - timeline.run_start_s, 3e-3)
    assert timeline.run_start_s[1] - timeline.run_end_s[0] == pytest.approx(0.5)
    assert timeline.stamp_s is None


def test_a_profiler_that_tells_nothing_of_a_run_is_noticed() -> None:
    with pytest.raises(Unavailable, match="told nothing of a run"):
        loaded(silent=True).run(1)


def test_latencies_are_wall_times_without_the_profiler() -> None:
    np.testing.assert_allclose(loaded().latencies(4), 3e-3)


def test_what_was_loaded_is_given_back_before_the_next() -> None:
    runner = loaded()
    first = runner.loaded()
    runner.load("zoo:lenet")
    assert first.closed
    second = runner.loaded()
    runner.close()
    assert second.closed
    assert runner.network() is None
    with pytest.raises(UsageError, match="load a model"):
        runner.run(1)


def test_a_layer_alone_has_a_runner_of_its_own() -> None:
    runner = loaded(batch=4)
    layer = make_layer(name="s", kind="other", op="softmax", input_shapes=[(1, 4)],
                       output_shapes=[(1, 4)], dtype="fp16")  # fmt: skip
    alone = runner.isolated(layer)
    assert alone.network().source.name == "layer s"
    assert alone.options["batch"] is None
    assert runner.options["batch"] == 4
    assert runner.loaded() is not alone.loaded()


def test_the_record_says_what_ran() -> None:
    assert loaded().describe() == {
        "runtime": "waiting 1", "precision": "fp16", "weights": "random",
    }  # fmt: skip


def test_layers_of_one_name_are_told_apart_by_their_order() -> None:
    told = [[("a", 1.0, 0), ("b", 2.0, 0), ("a", 3.0, 0)], [("a", 4.0, 0), ("a", 5.0, 0)]]
    durations, _ = aligned(told, ("a", "b", "a"))
    np.testing.assert_array_equal(durations, [[1, 2, 3], [4, np.nan, 5]])
