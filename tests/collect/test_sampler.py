"""The sampler brings every poll to the disk, whatever happens to sensor, disk or parent."""

import gc
import io
import json
import math
import os
import signal
import sys
import threading
import time
from contextlib import suppress

import numpy as np
import pytest

from edgeprofiler.collect import sampler, sampling
from edgeprofiler.collect.power import LivePower
from edgeprofiler.collect.sampler import sample
from edgeprofiler.collect.sampling import SamplerProcess
from edgeprofiler.errors import CannotWrite, Unavailable, UsageError
from edgeprofiler.recording import load_recording
from edgeprofiler.recording.chunks import Phase
from edgeprofiler.recording.session import PowerWriter, SessionClock, write_header
from edgeprofiler.sensors.ina3221 import Ina3221Sensor
from edgeprofiler.testing import FakeSensor, write_ina3221_tree


class Control:
    def __init__(self, stop_after_s=0.3):
        self.phase = int(Phase.RUN)
        self.stop = False
        threading.Timer(stop_after_s, self.end).start()

    def end(self):
        self.stop = True


@pytest.fixture
def writer(tmp_path):
    write_header(tmp_path, {"name": "x"})
    made = PowerWriter(
        tmp_path / "power-001.bin",
        kind="power",
        rails=("VDD_IN", "VDD_SOC"),
        total_rails=("VDD_IN",),
        period_s=0.002,
        clock=SessionClock.now(1),
        settings={},
    )
    yield made
    made.close()


def opened_fake(**options):
    sensor = FakeSensor(**options)
    sensor.open()
    return sensor


def test_every_tick_is_a_poll_or_counted_as_missed(tmp_path, writer):
    ticks, missed, cpu_s, elapsed_s = sample(opened_fake(), writer, 0.002, Control())
    recording = load_recording(tmp_path)
    assert len(recording.trace) == ticks - missed
    assert recording.sampler.missed_ticks <= missed
    assert 0 < cpu_s < elapsed_s
    assert (np.diff(recording.trace.time_s) > 0).all()


def test_phases_part_the_polls(tmp_path, writer):
    control = Control(0.4)
    control.phase = int(Phase.IDLE_BEFORE)
    threading.Timer(0.2, lambda: setattr(control, "phase", int(Phase.RUN))).start()
    sample(opened_fake(), writer, 0.002, control)
    recording = load_recording(tmp_path)
    assert recording.idle_before.time_s[-1] < recording.trace.time_s[0]


def test_a_vanished_sensor_says_when_and_keeps_its_polls(tmp_path, writer):
    with pytest.raises(Unavailable, match=r"fake vanished 0\.[12] s .*No such device.*--resume"):
        sample(opened_fake(vanish_after_s=0.15), writer, 0.002, Control(5))
    assert len(load_recording(tmp_path).trace) > 20


def test_a_sensor_that_gives_only_errors_counts_as_vanished(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(sampler, "SILENCE_S", 0.1)
    with pytest.raises(Unavailable, match="nothing but errors"):
        sample(opened_fake(silent_after_s=0.1), writer, 0.002, Control(5))
    power = load_recording(tmp_path).trace.total_w
    assert math.isnan(power[-1])
    assert np.isfinite(power).sum() > 10


def test_a_full_disk_ends_sampling_with_its_reason(tmp_path, writer, monkeypatch):
    monkeypatch.setattr(sampler, "FLUSH_S", 0.05)
    real, calls = writer.append, []

    def append(*arguments):
        calls.append(1)
        if len(calls) > 3:
            raise CannotWrite(tmp_path, "cannot be written (No space left on device)")
        real(*arguments)

    monkeypatch.setattr(writer, "append", append)
    with pytest.raises(CannotWrite, match="No space left"):
        sample(opened_fake(), writer, 0.002, Control(5))
    assert len(load_recording(tmp_path).trace) > 30


def start(tmp_path, sensor, session=1):
    if not (tmp_path / "recording.json").exists():
        write_header(tmp_path, {"name": "x"})
    return SamplerProcess(sensor, tmp_path, SessionClock.now(session), 0.002)


def test_a_sampler_of_its_own_process_samples_until_it_is_stopped(tmp_path):
    process = start(tmp_path, FakeSensor())
    process.enter(Phase.IDLE_BEFORE)
    time.sleep(0.1)
    process.enter(Phase.RUN)
    time.sleep(0.2)
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
    time.sleep(0.1)
    process._process.stdin.close()
    assert process._process.wait(5) == 0
    assert len(load_recording(tmp_path).trace) > 10


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_sampler_that_is_ended_from_outside_is_noticed(tmp_path, number):
    process = start(tmp_path, FakeSensor())
    process.enter(Phase.RUN)
    time.sleep(0.6)
    os.kill(process.pid, number)
    process._process.wait(5)
    with pytest.raises(Unavailable, match="was ended"):
        process.check()
    assert process.stop() is None or number == signal.SIGTERM
    assert len(load_recording(tmp_path).trace) > 10


def test_a_sensor_lost_in_the_other_process_is_told_here(tmp_path):
    process = start(tmp_path, FakeSensor(vanish_after_s=0.2))
    process._process.wait(5)
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
    """`main` in this process, as `python -m edgeprofiler.collect.sampler` runs it."""
    job = {
        "module": "edgeprofiler.testing",
        "class": "FakeSensor",
        "options": {"vanish_after_s": 0.1},
        "sys_path": [],
        "path": str(tmp_path / "power-001.bin"),
        "period_s": 0.002,
        "clock": vars(SessionClock.now(1)),
    }

    class Stdin(io.StringIO):
        """The job, a phase, nonsense, and then silence until the test ends."""

        def __iter__(self):
            yield "3\n"
            yield "what?\n"
            time.sleep(1)
            yield "stop\n"

    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    monkeypatch.setattr(sys, "stdin", Stdin(json.dumps(job) + "\n"))
    try:
        assert sampler.main() == 1
        job["options"] = {"missing": True}
        monkeypatch.setattr(sys, "stdin", Stdin(json.dumps(job) + "\n"))
        assert sampler.main() == 1
    finally:
        signal.signal(signal.SIGINT, handlers[0])
        signal.signal(signal.SIGTERM, handlers[1])
        gc.enable()
        with suppress(OSError, AttributeError):
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["rails"] == ["VDD_IN", "VDD_SOC"]
    assert "vanished" in lines[-2]["text"]
    assert "made missing" in lines[-1]["text"]


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
