"""The sampler brings every poll to the disk, whatever happens to sensor, disk or parent."""

import errno
import gc
import io
import json
import math
import os
import signal
import sys
import threading
import time
import weakref
from contextlib import nullcontext, suppress

import numpy as np
import pytest
from waiting import PATIENCE_S, until

from edgeprofiler.core.errors import CannotWrite, EdgeProfilerError, Unavailable, UsageError
from edgeprofiler.measurement.collect import sampler, sampling
from edgeprofiler.measurement.collect.power import LivePower
from edgeprofiler.measurement.collect.sampler import sample
from edgeprofiler.measurement.collect.sampling import SamplerProcess
from edgeprofiler.measurement.recording import load_recording
from edgeprofiler.measurement.recording.chunks import ChunkKind, Phase, read_chunks
from edgeprofiler.measurement.recording.session import (
    POWER_STATS,
    PowerWriter,
    SessionClock,
    write_header,
)
from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor
from edgeprofiler.testing import FakeSensor, write_ina3221_tree


class Control:
    """Ends sampling after so many looks; the first of them may belong to another phase."""

    def __init__(self, looks=10, before=0):
        self._left = looks
        self._idle = before - 1

    @property
    def stop(self):
        self._left -= 1
        self._idle -= 1
        return self._left < 0

    @property
    def phase(self):
        return int(Phase.RUN if self._idle < 0 else Phase.IDLE_BEFORE)


class Failing(FakeSensor):
    """Gives so many readings and then fails in one way."""

    error: Exception = OSError(errno.ENODEV, "No such device")

    def __init__(self, good, rails=None):
        super().__init__()
        self._good = good
        self._rails = rails

    def read(self):
        self._good -= 1
        if self._good >= 0:
            return super().read()
        if self._rails is None:
            raise self.error
        return self._rails


def power_writer(folder, registers=()):
    write_header(folder, {"name": "x"})
    return PowerWriter(
        folder / "power-001.bin",
        kind="power",
        rails=("VDD_IN", "VDD_SOC"),
        total_rails=("VDD_IN",),
        period_s=0.002,
        clock=SessionClock.now(1),
        settings={},
        registers=registers,
    )


@pytest.fixture
def writer(tmp_path):
    made = power_writer(tmp_path)
    yield made
    made.close()


def opened(sensor=None):
    sensor = sensor or FakeSensor()
    sensor.open()
    return sensor


def test_every_tick_is_a_poll_or_counted_as_missed(tmp_path, writer):
    ticks, missed, cpu_s, elapsed_s = sample(opened(), writer, 0.002, Control(4))
    recording = load_recording(tmp_path)
    assert len(recording.trace) == ticks - missed > 4
    assert recording.sampler.missed_ticks == missed
    assert 0 < cpu_s < elapsed_s
    assert (np.diff(recording.trace.time_s) > 0).all()


class Slow(FakeSensor):
    """Takes ten ticks for a reading, and gives the same list each time."""

    def __init__(self):
        super().__init__()
        self._values = [0.0, 0.0]

    def read(self):
        time.sleep(0.02)
        self._values[:] = super().read()
        return self._values


def test_a_sensor_slower_than_its_ticks_misses_them_and_holds_nothing_back(tmp_path, writer):
    ticks, missed, _, _ = sample(opened(Slow()), writer, 0.002, Control(20))
    assert 0.85 < missed / ticks < 1
    chunks, _ = read_chunks(tmp_path / "power-001.bin")
    blocks = [chunk for chunk in chunks if chunk.kind == ChunkKind.POWER]
    assert len(blocks) >= 2
    assert len(set(load_recording(tmp_path).trace.total_w)) > 1


def test_phases_part_the_polls(tmp_path, writer):
    ticks, missed, _, _ = sample(opened(), writer, 0.002, Control(12, before=4))
    recording = load_recording(tmp_path)
    assert len(recording.idle_before) + len(recording.trace) == ticks - missed
    assert recording.idle_before.time_s[-1] < recording.trace.time_s[0]


def test_a_vanished_sensor_says_when_and_keeps_its_polls(tmp_path, writer):
    with pytest.raises(Unavailable, match=r"fake vanished \d+\.\d s .*No such device.*`resume`"):
        sample(opened(Failing(30)), writer, 0.002, Control(1000))
    assert len(load_recording(tmp_path).trace) == 30


def test_a_sensor_that_gives_only_errors_counts_as_vanished(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(sampler, "SILENCE_S", 0.1)
    with pytest.raises(Unavailable, match="nothing but errors"):
        sample(opened(Failing(30, (math.nan, math.nan))), writer, 0.002, Control(10_000))
    power = load_recording(tmp_path).trace.total_w
    assert math.isnan(power[-1])
    assert np.isfinite(power).sum() == 30


def test_a_total_that_gives_only_errors_is_gone_whatever_other_rails_give(
    tmp_path, writer, monkeypatch
):
    monkeypatch.setattr(sampler, "SILENCE_S", 0.1)
    with pytest.raises(Unavailable, match="nothing but errors of VDD_IN"):
        sample(opened(Failing(30, (math.nan, 0.5))), writer, 0.002, Control(10_000))
    assert np.isfinite(load_recording(tmp_path).trace.total_w).sum() == 30


def test_a_rail_beside_the_total_may_fall_silent(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(sampler, "SILENCE_S", 0.1)
    sample(opened(Failing(30, (5.0, math.nan))), writer, 0.002, Control(10))
    assert np.isfinite(load_recording(tmp_path).trace.total_w).all()


def test_a_full_disk_ends_sampling_with_its_reason(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(sampler, "FLUSH_S", 0.05)
    real, written = writer.append, []

    def append(phase, polls, stats):
        if len(written) >= 3:
            raise CannotWrite(tmp_path, "cannot be written (No space left on device)")
        written.append(len(polls))
        real(phase, polls, stats)

    monkeypatch.setattr(writer, "append", append)
    with pytest.raises(CannotWrite, match="No space left"):
        sample(opened(), writer, 0.002, Control(100_000))
    assert len(load_recording(tmp_path).trace) == sum(written)


@pytest.mark.parametrize("at", ["append", "sync"])
def test_whatever_ends_the_writing_of_polls_is_told(tmp_path, writer, monkeypatch, at):
    monkeypatch.setattr(sampler, "FLUSH_S", 0.05)

    def fail(*arguments):
        raise ValueError("of another shape")

    monkeypatch.setattr(writer, at, fail)
    with pytest.raises(CannotWrite, match="ValueError: of another shape"):
        sample(opened(), writer, 0.002, Control(100_000))


def test_whatever_a_sensor_raises_is_told_and_its_polls_are_kept(tmp_path, writer):
    sensor = opened(Failing(30))
    sensor.error = ValueError("no number")
    with pytest.raises(Unavailable, match=r"fake failed \d.*ValueError: no number"):
        sample(sensor, writer, 0.002, Control(1000))
    assert len(load_recording(tmp_path).trace) == 30


@pytest.mark.parametrize(("number", "kept"), [(errno.EREMOTEIO, True), (errno.ENODEV, False)])
def test_a_busy_bus_costs_one_rail_of_one_poll_and_a_lost_chip_ends_it(
    tmp_path, monkeypatch, number, kept
):
    write_ina3221_tree(tmp_path, {"VDD_IN": (5000, 1000), "VDD_SOC": (5000, 100)})
    sensor = opened(Ina3221Sensor(root=str(tmp_path)))
    writer = power_writer(tmp_path, sensor.registers)
    real, calls = os.pread, []

    def pread(*arguments):
        calls.append(arguments)
        if len(calls) in {43, 44}:  # voltage of VDD_SOC; then of VDD_IN, as all are asked again
            raise OSError(number, "trouble on the bus")
        return real(*arguments)

    monkeypatch.setattr(os, "pread", pread)
    with nullcontext() if kept else pytest.raises(Unavailable, match="trouble on the bus"):
        sample(sensor, writer, 0.002, Control(10))
    writer.close()
    power = load_recording(tmp_path).trace.rails_w
    assert list(np.flatnonzero(np.isnan(power["VDD_IN"]))) == ([10] if kept else [])
    assert np.isfinite(power["VDD_SOC"]).all()
    assert len(power["VDD_SOC"]) > 20 if kept else len(power["VDD_SOC"]) == 10
    sensor.close()


@pytest.mark.parametrize("rails", [(5.0,), (5.0, "high"), (5.0, 0.5, 0.1)])
def test_values_that_are_none_are_told_and_those_before_them_kept(tmp_path, writer, rails):
    with pytest.raises(Unavailable, match=r"fake failed \d"):
        sample(opened(Failing(30, rails)), writer, 0.002, Control(1000))
    assert len(load_recording(tmp_path).trace) == 30


class Ending(FakeSensor):
    """Reads from a generator that ends."""

    def __init__(self):
        super().__init__()
        self._readings = iter([(5.0, 0.5)] * 30)

    def read(self):
        return next(self._readings)


@pytest.mark.parametrize("period_s", [0.002, 1.2 * sampler.BATCH_S])
def test_readings_that_end_are_told(tmp_path, writer, period_s):
    with pytest.raises(Unavailable, match=r"fake failed \d.*readings ended"):
        sample(opened(Ending()), writer, period_s, Control(1000))
    assert len(load_recording(tmp_path).trace) == 30


class Gaps(FakeSensor):
    """Every third reading is lost."""

    def __init__(self):
        super().__init__()
        self._reads = 0

    def read(self):
        self._reads += 1
        return (math.nan, math.nan) if self._reads % 3 == 0 else super().read()


def test_a_lost_poll_does_not_end_a_slow_recording(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(sampler, "SILENCE_S", 0.05)
    sample(opened(Gaps()), writer, 0.1, Control(8))
    power = load_recording(tmp_path).trace.total_w
    assert len(power) >= 7
    assert np.isnan(power[2::3]).all()


def test_ticks_of_a_sensor_that_hung_before_it_vanished_are_missed(tmp_path, writer):
    class Hanging(Failing):
        def read(self):
            if self._good == 0:
                time.sleep(0.3)
            return super().read()

    with pytest.raises(Unavailable, match="vanished"):
        sample(opened(Hanging(30)), writer, 0.002, Control(1000))
    chunks, _ = read_chunks(tmp_path / "power-001.bin")
    ticks, missed, _, _ = POWER_STATS.unpack_from(chunks[-1].payload)
    assert ticks - missed == 30
    assert missed >= 140


class Cyclic(FakeSensor):
    """Leaves a cycle behind at each reading."""

    def __init__(self):
        super().__init__()
        self.left = []

    def read(self):
        class Node:
            pass

        node = Node()
        node.itself = node
        self.left.append(weakref.ref(node))
        return super().read()


def test_what_a_sensor_leaves_in_cycles_is_given_back(tmp_path, writer):
    gc.disable()
    try:
        sensor = opened(Cyclic())
        sample(sensor, writer, 0.002, Control(20))
    finally:
        gc.enable()
    assert not any(ref() for ref in sensor.left[: len(sensor.left) // 3])


class OddSensor(FakeSensor):
    """Is wrong in one way, as a plug-in may be."""

    def __init__(self, wrong=""):
        super().__init__()
        self._wrong = wrong
        if wrong == "polling":
            self.polling = 0.1

    @property
    def options(self):
        return {"wrong": self._wrong}

    def open(self):
        if self._wrong == "open":
            raise RuntimeError("no answer from the meter")
        super().open()

    @property
    def rails(self):
        return ("A", "A") if self._wrong == "rails" else super().rails

    @property
    def total_rails(self):
        return ("INPUT",) if self._wrong == "total" else super().total_rails

    def settings(self):
        return {"path": object()} if self._wrong == "settings" else super().settings()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("open", "RuntimeError: no answer from the meter"),
        ("rails", "one name each"),
        ("total", "INPUT.* are not among the rails"),
        ("settings", "not JSON serializable"),
    ],
)
def test_a_plug_in_that_cannot_be_recorded_is_told_before_anything_is(tmp_path, wrong, words):
    with pytest.raises(Unavailable, match=f"the sensor .* failed .*{words}.*author"):
        start(tmp_path, OddSensor(wrong))


def test_a_plug_in_s_attribute_named_polling_is_no_way_of_polling(tmp_path):
    process = start(tmp_path, OddSensor("polling"))
    process.enter(Phase.RUN)
    wait_for_polls(tmp_path, 10)
    assert process.stop() is not None


def test_a_sampler_that_hangs_is_noticed_while_runs_go_on(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "ANSWER_S", 3.0)
    process = start(tmp_path, FakeSensor())
    process.enter(Phase.RUN)
    wait_for_polls(tmp_path, 10)
    process.check()
    os.kill(process.pid, signal.SIGSTOP)

    def told():
        try:
            process.check()
        except Unavailable as error:
            return "no poll to the disk" in str(error)
        return False

    until(told, "noticing that the sampler hangs")
    process.stop()
    assert not process._process.alive
    assert len(load_recording(tmp_path).trace) > 10


def test_a_slow_period_is_no_silence(tmp_path, monkeypatch):
    write_header(tmp_path, {"name": "x"})
    monkeypatch.setattr(sampling, "ANSWER_S", 0.9)
    process = SamplerProcess(FakeSensor(), tmp_path, SessionClock.now(1), 1.0)
    process.enter(Phase.RUN)
    time.sleep(1.0)
    process.check()
    assert process.stop() is not None


def test_polls_of_a_phase_reach_from_before_it_to_after_it(tmp_path):
    """What the other process does in a phase is seen, be it shorter than a period."""
    write_header(tmp_path, {"name": "x"})
    process = SamplerProcess(FakeSensor(), tmp_path, SessionClock.now(1), 0.3)
    process.enter(Phase.IDLE_BEFORE)
    process.enter(Phase.RUN)
    entered_s = time.monotonic()
    time.sleep(0.1)
    left_s = time.monotonic()
    process.enter(Phase.IDLE_AFTER)
    process.stop()
    seen_s = load_recording(tmp_path).trace.time_s
    assert seen_s[0] < entered_s < left_s < seen_s[-1]


def start(tmp_path, sensor, session=1):
    if not (tmp_path / "recording.json").exists():
        write_header(tmp_path, {"name": "x"})
    return SamplerProcess(sensor, tmp_path, SessionClock.now(session), 0.002)


def wait_for_polls(folder, count):
    def there():
        with suppress(EdgeProfilerError):  # nothing is written yet
            return len(load_recording(folder).trace) > count
        return False

    until(there, f"writing {count} polls")


def test_a_sampler_of_its_own_process_samples_until_it_is_stopped(tmp_path):
    process = start(tmp_path, FakeSensor())
    process.enter(Phase.IDLE_BEFORE)
    process.enter(Phase.RUN)
    wait_for_polls(tmp_path, 20)
    process.check()
    ticks, missed, _, _ = process.stop()
    assert process.stop() is None
    recording = load_recording(tmp_path)
    assert recording.trace.total_rails == ("VDD_IN",)
    assert len(recording.trace) > 20
    assert recording.idle_before is not None
    assert ticks >= len(recording.trace) + missed
    assert recording.sampler.cpu_share > 0
    assert process.settings["chip"] == "fake"


def test_a_sampler_whose_parent_dies_ends_by_itself(tmp_path):
    """Its standard input ends; it writes what it has."""
    process = start(tmp_path, FakeSensor())
    process.enter(Phase.RUN)
    wait_for_polls(tmp_path, 10)
    assert process._process.end(PATIENCE_S) == 0
    assert len(load_recording(tmp_path).trace) > 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sampler_that_is_ended_from_outside_is_noticed(tmp_path, number):
    process = start(tmp_path, FakeSensor())
    process.enter(Phase.RUN)
    wait_for_polls(tmp_path, 10)
    os.kill(process.pid, number)
    until(lambda: not process._process.alive, "its end")
    with pytest.raises(Unavailable, match="was ended"):
        process.check()
    assert process.stop() is None or number == signal.SIGTERM
    assert len(load_recording(tmp_path).trace) > 10


def test_a_sensor_lost_in_the_other_process_is_told_here(tmp_path):
    process = start(tmp_path, FakeSensor(vanish_after=100))
    until(lambda: not process._process.alive, "its end")
    with pytest.raises(Unavailable, match="vanished"):
        process.check()
    with pytest.raises(Unavailable, match="vanished"):
        process.enter(Phase.RUN)
    process.stop()


def test_a_sensor_that_is_missing_is_told_at_the_start(tmp_path):
    with pytest.raises(Unavailable, match="made missing"):
        start(tmp_path, FakeSensor(missing=True))


def test_a_folder_that_is_taken_is_told_at_the_start(tmp_path):
    (tmp_path / "power-001.bin").write_text("x")
    with pytest.raises(CannotWrite, match="exists"):
        start(tmp_path, FakeSensor())


def test_a_sensor_class_inside_a_function_cannot_travel(tmp_path):
    class Local(FakeSensor):
        pass

    with pytest.raises(UsageError, match="top of a module"):
        start(tmp_path, Local())


def test_a_sampler_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(sampling, "START_S", 0.05)
    monkeypatch.setattr(sampling.SamplerProcess, "_listen", lambda self: None)
    monkeypatch.setattr(sampling.SamplerProcess, "stop", lambda self: self._process.kill())
    with pytest.raises(Unavailable, match="does not answer"):
        start(tmp_path, FakeSensor())


def test_the_job_is_done_from_standard_input_to_output(tmp_path, monkeypatch, capsys):
    """`main` in this process, as `python -m edgeprofiler.measurement.collect.sampler` runs it."""
    job = {
        "module": "edgeprofiler.testing",
        "class": "FakeSensor",
        "options": {"vanish_after": 50},
        "sys_path": [],
        "path": str(tmp_path / "power-001.bin"),
        "period_s": 0.002,
        "clock": vars(SessionClock.now(1)),
    }

    over = threading.Event()

    class Stdin(io.StringIO):
        """The job, a phase, nonsense, and then silence until the test ends."""

        def __iter__(self):
            yield "3\n"
            yield "what?\n"
            over.wait(PATIENCE_S)
            yield '"stop"\n'

    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(sys, "stdin", Stdin(json.dumps(job) + "\n"))
    try:
        assert sampler.main() == 1
        job["options"] = {"missing": True}
        monkeypatch.setattr(sys, "stdin", Stdin(json.dumps(job) + "\n"))
        assert sampler.main() == 1
    finally:
        over.set()
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGTERM, handlers[1])
        gc.enable()
        with suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["rails"] == ["VDD_IN", "VDD_SOC"]
    assert "vanished" in str(lines[-2]["words"])
    assert "made missing" in str(lines[-1]["words"])


def test_a_sampler_that_dies_while_it_ends_leaves_no_complete_recording(tmp_path):
    power = LivePower(FakeSensor(), tmp_path, SessionClock.now(1), 0.002)
    power.enter(Phase.RUN)
    os.kill(power.pid, signal.SIGKILL)
    power.close()
    with pytest.raises(Unavailable, match="last polls"):
        power.check()


def test_settings_that_a_killed_sampler_left_are_put_back(tmp_path):
    """A sensor is probed after its sampler was killed; that restores the chip."""
    chip = write_ina3221_tree(tmp_path, {"VDD_IN": (5000, 1000), "VDD_SOC": (5000, 100)})
    folder = tmp_path / "recording"
    folder.mkdir()
    sensor = Ina3221Sensor(root=str(tmp_path), fast=True)
    power = LivePower(sensor, folder, SessionClock.now(1), 0.002)
    assert (chip / "in2_enable").read_text() == "0"
    os.kill(power.pid, signal.SIGKILL)
    power.close()
    assert (chip / "in2_enable").read_text() == "1"
