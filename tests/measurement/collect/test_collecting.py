"""A collection idles, warms up, runs and idles; what ends it early keeps what was recorded."""

import math
from dataclasses import replace

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, Unavailable, Unsupported, UsageError
from edgeprofiler.core.network import Network
from edgeprofiler.measurement.collect.collecting import record_model, recording_name
from edgeprofiler.measurement.collect.isolate import collect_isolated
from edgeprofiler.measurement.collect.plan import RecordingPlan, dither_for
from edgeprofiler.measurement.recording import PowerTrace, load_recording, network_from_json
from edgeprofiler.testing import FakeRunner, FakeSensor, VirtualClock

QUICK = RecordingPlan(runs=40, idle_s=0.1, warmup=4, dither_s=0.002, period_s=0.002)
VIRTUAL = RecordingPlan(runs=2500, idle_s=60, warmup=10, dither_s=0.005, seed=3)


class TraceOfTheClock:
    """A simulated sensor: its power in watts is the time in seconds."""

    name = "clock"
    simulated = True
    options = {}

    def __init__(self):
        self.attached = None

    def probe(self):
        pass

    def attach(self, runner):
        self.attached = runner

    def trace(self, start_s, end_s):
        times = np.arange(math.ceil(start_s * 100), math.floor(end_s * 100) + 1) / 100
        return PowerTrace(times, {"VIN": times}, ("VIN",))

    def settings(self):
        return {"update_interval": 10}


def test_a_collection_has_idle_runs_and_idle_again_on_one_clock(tmp_path):
    stages = []
    recording = record_model(
        "fake:net", FakeRunner(), FakeSensor(), tmp_path / "r", plan=QUICK,
        progress=lambda stage, done, total: stages.append((stage, done <= total)),
    )  # fmt: skip
    timeline, trace = recording.timeline, recording.trace
    assert recording.complete
    assert recording.name == "net"
    assert timeline.runs == 40
    assert trace.time_s[0] <= timeline.run_start_s[0]
    assert trace.time_s[-1] >= timeline.run_end_s[-1]
    assert recording.idle_before.time_s[-1] < trace.time_s[0]
    assert recording.idle_after.time_s[0] > trace.time_s[-1]
    assert recording.state_before is not None
    assert recording.state_after is not None
    assert recording.sampler.ticks > 50
    assert math.isfinite(recording.sampler.latency_change)
    assert recording.sensor_settings["chip"] == "fake"
    assert recording.device["runner"] == "fake"
    assert network_from_json(recording.network).layers[0].name == "conv"
    assert list(dict.fromkeys(s for s, _ in stages)) == [
        "load", "idle", "warm-up", "runs", "idle again",
    ]  # fmt: skip
    assert all(good for _, good in stages)


def test_without_a_sensor_run_times_are_recorded_and_power_is_unknown(tmp_path):
    recording = record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=QUICK)
    assert recording.timeline.runs == 40
    assert len(recording.trace) == 0
    assert recording.device["sensor"] == "none"
    assert recording.idle_before is None


def test_an_energy_counter_gives_power(tmp_path):
    sensor = FakeSensor(kind="energy", power_w=6.0, hold_s=0.004)
    recording = record_model("fake:net", FakeRunner(), sensor, tmp_path / "r", plan=QUICK)
    assert np.nanmedian(recording.trace.total_w) == pytest.approx(6.0, rel=0.3)


def simulated(folder, plan=VIRTUAL):
    return record_model(
        "fake:net", FakeRunner(clock=VirtualClock(7.0)), TraceOfTheClock(), folder, plan=plan
    )


def test_virtual_time_costs_nothing_and_is_deterministic_by_seed(tmp_path):
    one, two = simulated(tmp_path / "1"), simulated(tmp_path / "2")
    np.testing.assert_array_equal(one.timeline.run_end_s, two.timeline.run_end_s)
    assert one.simulated
    assert one.timeline.runs == 2500
    assert one.idle_before.time_s[0] == pytest.approx(7.0)
    assert one.idle_before.time_s[-1] == pytest.approx(67.0, abs=0.02)
    np.testing.assert_array_equal(one.trace.time_s, one.trace.total_w)
    assert one.trace.time_s[-1] >= one.timeline.run_end_s[-1]
    other = simulated(
        tmp_path / "3", RecordingPlan(runs=2500, idle_s=60, warmup=10, dither_s=0.005, seed=4)
    )
    assert not np.array_equal(one.timeline.run_end_s, other.timeline.run_end_s)


def test_a_simulation_larger_than_memory_is_refused_before_it_writes(tmp_path):
    with pytest.raises(UsageError, match="ask for 10,000,000 or fewer"):
        simulated(tmp_path / "r", RecordingPlan(runs=10**9))
    assert not (tmp_path / "r").exists()


def test_pauses_are_dithered_over_one_period(tmp_path):
    """Sampling phases spread: pauses are even between 0 and the longest."""
    timeline = simulated(tmp_path / "r").timeline
    pauses = timeline.run_start_s[1:] - timeline.run_end_s[:-1]
    assert pauses.min() >= -1e-9
    assert pauses.max() <= 0.005 + 1e-9
    assert pauses.mean() == pytest.approx(0.0025, rel=0.05)
    back_to_back = simulated(tmp_path / "b", RecordingPlan(runs=50, idle_s=0, warmup=0, dither_s=0))
    gaps = back_to_back.timeline.run_start_s[1:] - back_to_back.timeline.run_end_s[:-1]
    assert np.abs(gaps).max() < 1e-9


def test_the_longest_pause_is_the_sensor_s_round_where_it_tells():
    plan = RecordingPlan()
    assert dither_for(plan, {}) == 0.007
    assert dither_for(plan, {"chips": {"1-0040": {"update_interval": 26}}}) == pytest.approx(0.026)
    assert dither_for(RecordingPlan(dither_s=0.001), {"update_interval": 26}) == 0.001


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"idle_s": math.inf},
     {"runs": 0}, {"warmup": -1}, {"idle_s": -1}, {"idle_s": math.nan}, {"dither_s": 11},
     {"period_s": 0}],
)  # fmt: skip
def test_a_plan_that_cannot_be_is_refused(wrong):
    with pytest.raises(UsageError):
        RecordingPlan(**wrong)


def test_a_live_sensor_cannot_watch_a_simulated_runner(tmp_path):
    with pytest.raises(UsageError, match="`sensor` sim"):
        record_model("fake:n", FakeRunner(clock=VirtualClock()), FakeSensor(), tmp_path / "r")


def test_what_is_unavailable_is_said_before_anything_is_written(tmp_path):
    with pytest.raises(Unavailable, match="made missing"):
        record_model("fake:net", FakeRunner(), FakeSensor(missing=True), tmp_path / "r")
    with pytest.raises(InvalidInput, match="no fake model"):
        record_model("other.onnx", FakeRunner(), FakeSensor(), tmp_path / "r")
    assert not (tmp_path / "r").exists()


def test_a_recording_is_not_overwritten_without_a_word(tmp_path):
    record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=QUICK)
    with pytest.raises(UsageError, match="`resume`"):
        record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=QUICK)
    again = record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=QUICK, resume=True)
    assert again.timeline.runs == 40


def test_a_complete_recording_goes_on_where_more_runs_are_asked_for(tmp_path):
    def more(runs, resume):
        plan = RecordingPlan(runs=runs, idle_s=0, warmup=0, dither_s=0)
        return record_model(
            "fake:net", FakeRunner(), None, tmp_path / "r", plan=plan, resume=resume
        )

    more(5, False)
    recording = more(12, True)
    assert recording.timeline.runs == 12
    assert recording.complete
    (tmp_path / "r/events-002.bin").unlink()
    assert not load_recording(tmp_path / "r").complete, "the last session did not reach its end"


def test_a_recording_goes_on_only_with_the_options_that_it_began_with(tmp_path, monkeypatch):
    plan = RecordingPlan(runs=5, idle_s=0, warmup=0, dither_s=0)
    options = {"batch": 1, "shapes": {"x": (1, 3)}, "program": "here"}
    monkeypatch.setattr(FakeRunner, "options", options)
    record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=plan)
    options["program"] = "there"
    record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=plan, resume=True)
    options["batch"] = 8
    with pytest.raises(UsageError, match="runner option batch 1, not 8"):
        record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=plan, resume=True)


def test_a_recording_goes_on_only_with_the_sensor_s_options(tmp_path):
    plan = RecordingPlan(runs=5, idle_s=0, warmup=0, dither_s=0)
    record_model("fake:net", FakeRunner(), FakeSensor(), tmp_path / "r", plan=plan)
    with pytest.raises(UsageError, match=r"sensor option power_w 5\.0, not 7\.0"):
        record_model("fake:net", FakeRunner(), FakeSensor(power_w=7.0), tmp_path / "r", resume=True)


def test_an_option_that_a_newer_version_added_does_not_stop_a_recording(tmp_path, monkeypatch):
    folder, options = tmp_path / "r", FakeRunner().options
    record_model("fake:net", FakeRunner(), None, folder, plan=RecordingPlan(runs=5, idle_s=0))
    monkeypatch.setattr(FakeRunner, "options", {**options, "later": None})
    more = RecordingPlan(runs=8, idle_s=0)
    whole = record_model("fake:net", FakeRunner(), None, folder, plan=more, resume=True)
    assert whole.timeline.runs == 8
    monkeypatch.setattr(FakeRunner, "options", {**options, "later": 1})
    with pytest.raises(UsageError, match="runner option later None, not 1"):
        record_model("fake:net", FakeRunner(), None, folder, plan=more, resume=True)


@pytest.mark.parametrize("run", [record_model, collect_isolated])
def test_a_recording_does_not_go_on_with_another_content_of_the_model(tmp_path, monkeypatch, run):
    model, runner, folder = tmp_path / "fake.onnx", FakeRunner(), tmp_path / "r"
    real = runner.load
    monkeypatch.setattr(runner, "load", lambda source, network=None: real("fake:net", network))
    plan = RecordingPlan(runs=5, idle_s=0, warmup=0, dither_s=0)
    model.write_bytes(b"one")
    run(str(model), runner, None, folder, plan=plan)
    run(str(model), runner, None, folder, plan=plan, resume=True)
    model.write_bytes(b"two")
    with pytest.raises(UsageError, match=r"fake\.onnx has changed since .*SHA-256") as caught:
        run(str(model), runner, None, folder, plan=plan, resume=True)
    assert "\n" not in str(caught.value)


def test_a_runner_that_dies_keeps_its_runs_and_resume_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(FakeRunner, "options", {})  # it dies once, and is the same runner
    folder = tmp_path / "r"
    with pytest.raises(Unavailable, match=r"runner fake failed .*device was lost.*`resume`"):
        record_model("fake:net", FakeRunner(die_after=30), FakeSensor(), folder, plan=QUICK)
    broken = load_recording(folder)
    assert not broken.complete
    assert 0 < broken.timeline.runs <= 30
    assert any("device was lost" in text for text in broken.warnings)
    assert len(broken.trace) > 0
    whole = record_model("fake:net", FakeRunner(), FakeSensor(), folder, plan=QUICK, resume=True)
    assert whole.complete
    assert whole.timeline.runs == 40
    assert (np.diff(whole.trace.time_s) > 0).all()
    assert (np.diff(whole.timeline.run_end_s) > 0).all()


def test_a_sensor_that_vanishes_ends_the_collection_and_keeps_all(tmp_path):
    sensor = FakeSensor(vanish_after=2000)
    with pytest.raises(Unavailable, match="vanished"):
        record_model(
            "fake:net", FakeRunner(), sensor, tmp_path / "r", plan=RecordingPlan(10**6, 0.1, 2)
        )
    recording = load_recording(tmp_path / "r")
    assert not recording.complete
    assert len(recording.trace) > 50
    assert recording.timeline.runs > 0
    assert any("vanished" in text for text in recording.warnings)


@pytest.mark.parametrize("sensor", [FakeSensor(), None])
def test_where_only_the_end_is_missing_resume_adds_it(tmp_path, sensor):
    def stop(stage, done, total):
        if stage == "idle again" or (sensor is None and stage == "runs" and done == total):
            raise KeyboardInterrupt

    folder = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        record_model("fake:net", FakeRunner(), sensor, folder, plan=QUICK, progress=stop)
    broken = load_recording(folder)
    assert broken.timeline.runs == 40
    assert not broken.complete
    whole = record_model("fake:net", FakeRunner(), sensor, folder, plan=QUICK, resume=True)
    assert whole.complete
    assert whole.timeline.runs == 40
    assert whole.state_after is not None
    assert (whole.idle_after is not None) == (sensor is not None)
    assert not whole.lost("runs")
    sessions = len(list(folder.glob("events-*.bin")))
    record_model("fake:net", FakeRunner(), sensor, folder, plan=QUICK, resume=True)
    assert len(list(folder.glob("events-*.bin"))) == sessions == 2


def test_a_recording_goes_on_only_with_the_period_that_it_began_with(tmp_path):
    folder = tmp_path / "r"
    record_model("fake:net", FakeRunner(), FakeSensor(), folder, plan=QUICK)
    slower = replace(QUICK, runs=80, period_s=0.01)
    with pytest.raises(UsageError, match=r"with period 0\.002, not 0\.01"):
        record_model("fake:net", FakeRunner(), FakeSensor(), folder, plan=slower, resume=True)


def test_an_interrupted_collection_is_readable_and_goes_on(tmp_path):
    def stop(stage, done, total):
        if stage == "runs":
            raise KeyboardInterrupt

    folder = tmp_path / "r"
    with pytest.raises(KeyboardInterrupt):
        record_model("fake:net", FakeRunner(), FakeSensor(), folder, plan=QUICK, progress=stop)
    recording = load_recording(folder)
    assert recording.timeline.runs > 0
    assert "interrupted before its end" in recording.warnings
    assert record_model("fake:net", FakeRunner(), None, tmp_path / "o", plan=QUICK).complete
    whole = record_model("fake:net", FakeRunner(), FakeSensor(), folder, plan=QUICK, resume=True)
    assert whole.timeline.runs == 40


def test_resuming_with_another_model_or_sensor_is_refused(tmp_path):
    record_model("fake:net", FakeRunner(), None, tmp_path / "r", plan=QUICK)
    with pytest.raises(UsageError, match="name 'net', not 'other'"):
        record_model("fake:other", FakeRunner(), None, tmp_path / "r", resume=True)
    with pytest.raises(UsageError, match="sensor 'none'"):
        record_model("fake:net", FakeRunner(), FakeSensor(), tmp_path / "r", resume=True)


def test_streams_without_a_header_are_not_taken_for_a_free_folder(tmp_path):
    (tmp_path / "power-001.bin").write_bytes(b"x")
    with pytest.raises(InvalidInput, match=r"no recording\.json"):
        record_model("fake:net", FakeRunner(), None, tmp_path)


@pytest.mark.parametrize(
    ("source", "name"),
    [("zoo:resnet18", "resnet18"), ("a/b/Net v1.onnx", "Net_v1"), ("..", "recording"),
     (".hidden", "hidden"), ("x/engine.plan", "engine")],
)  # fmt: skip
def test_a_recording_is_named_for_its_model(source, name):
    assert recording_name(source) == name


class TestIsolated:
    plan = RecordingPlan(runs=5, idle_s=0, warmup=0, dither_s=0.001)

    def run(self, folder, **more):
        runner = FakeRunner(layer_s=0.01, clock=VirtualClock())
        return collect_isolated(
            "fake:net", runner, TraceOfTheClock(), folder, plan=self.plan, **more
        )

    def test_each_distinct_layer_runs_alone_for_at_least_a_second(self, tmp_path):
        recordings, left_out = self.run(tmp_path)
        assert [r.name for r in recordings] == ["conv", "pool", "dense"]
        assert left_out == []
        for recording in recordings:
            ends = recording.timeline.run_end_s
            assert ends[-1] - ends[0] >= 0.95
            assert recording.timeline.duration_s.shape[1] == 1

    def test_what_is_recorded_is_left_out_on_resume(self, tmp_path):
        self.run(tmp_path)
        with pytest.raises(UsageError, match="`resume`"):
            self.run(tmp_path)
        recordings, _ = self.run(tmp_path, resume=True)
        assert len(recordings) == 3

    def test_a_layer_that_broke_off_is_recorded_again_beside(self, tmp_path):
        self.run(tmp_path)
        (tmp_path / "0001-pool/events-001.bin").unlink()
        recordings, _ = self.run(tmp_path, resume=True)
        assert len(recordings) == 3
        assert (tmp_path / "0001-pool.2").is_dir()
        self.run(tmp_path, resume=True)
        assert not (tmp_path / "0001-pool.3").exists()  # the second one is whole

    def test_layers_of_another_model_are_not_taken_for_this_one_s(self, tmp_path):
        self.run(tmp_path)
        runner = FakeRunner(layer_s=0.01, clock=VirtualClock())
        with pytest.raises(UsageError, match="source 'fake:net', not 'fake:other'"):
            collect_isolated(
                "fake:other", runner, TraceOfTheClock(), tmp_path, plan=self.plan, resume=True
            )

    def test_a_layer_alone_runs_back_to_back_unless_pauses_are_asked_for(self, tmp_path):
        runner = FakeRunner(layer_s=0.01, clock=VirtualClock())
        plan = RecordingPlan(runs=5, idle_s=0, warmup=0)
        recordings, _ = collect_isolated("fake:net", runner, TraceOfTheClock(), tmp_path, plan=plan)
        steps = np.diff(recordings[0].timeline.run_end_s)
        assert np.allclose(steps, recordings[0].timeline.duration_s.sum(axis=1)[1:])

    def test_time_around_the_runs_does_not_count_as_the_layer_s(self, tmp_path, monkeypatch):
        """ONNX Runtime starts a session for each block of runs, which takes its time."""
        real = FakeRunner.run

        def run(self, runs, pauses_s=None):
            self.clock.sleep(0.5)
            return real(self, runs, pauses_s)

        monkeypatch.setattr(FakeRunner, "run", run)
        for recording in self.run(tmp_path)[0]:
            timeline = recording.timeline
            assert (timeline.run_end_s - timeline.run_start_s).sum() >= 0.95

    def test_a_slow_sensor_gets_its_fifty_conversions(self, tmp_path):
        runner = FakeRunner(layer_s=0.01, clock=VirtualClock())
        sensor = TraceOfTheClock()
        sensor.name = "nvml"
        recordings, _ = collect_isolated("fake:net", runner, sensor, tmp_path, plan=self.plan)
        ends = recordings[0].timeline.run_end_s
        assert ends[-1] - ends[0] >= 4.9

    def test_layers_that_cannot_run_alone_are_named(self, tmp_path, monkeypatch):
        real = FakeRunner.isolated

        def isolated(self, layer):
            if layer.name == "pool":
                raise Unsupported("no pooling alone")
            return real(self, layer)

        monkeypatch.setattr(FakeRunner, "isolated", isolated)
        recordings, left_out = self.run(tmp_path)
        assert len(recordings) == 2
        assert left_out == ["pool: no pooling alone"]

    def test_equal_layers_are_recorded_once(self, tmp_path, monkeypatch):
        real = FakeRunner.network

        def twice(self):
            network = real(self)
            return Network(network.name, network.layers * 2, network.source)

        monkeypatch.setattr(FakeRunner, "network", twice)
        assert len(self.run(tmp_path)[0]) == 3

    def test_a_runner_without_the_means_says_so(self, tmp_path, monkeypatch):
        with monkeypatch.context() as patch:
            patch.setattr(FakeRunner, "network", lambda self: None)
            with pytest.raises(Unsupported, match="does not tell the layers"):
                self.run(tmp_path)

        class Plain(FakeRunner):
            isolated = None

        with pytest.raises(Unsupported, match="cannot run layers alone"):
            collect_isolated("fake:net", Plain(), None, tmp_path)
