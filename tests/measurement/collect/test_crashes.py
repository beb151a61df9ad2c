"""Killing either process, or filling the disk, loses at most what came since the last block."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from waiting import PATIENCE_S, ended, until

from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.measurement.collect.choose import runner_named, sensor_named
from edgeprofiler.measurement.collect.collecting import _next_block, record_model
from edgeprofiler.measurement.collect.plan import RecordingPlan
from edgeprofiler.measurement.collect.sampler import FLUSH_S
from edgeprofiler.measurement.recording import load_recording
from edgeprofiler.measurement.recording.chunks import ChunkKind, read_chunks
from edgeprofiler.measurement.recording.session import POWER_STATS
from edgeprofiler.testing import FakeRunner, FakeSensor

SCRIPT = """
import sys
from pathlib import Path
from edgeprofiler.measurement.collect.collecting import record_model
from edgeprofiler.measurement.collect.plan import RecordingPlan
from edgeprofiler.testing import FakeRunner, FakeSensor
record_model("fake:net", FakeRunner(layer_s=2e-4), FakeSensor(), Path(sys.argv[1]),
        plan=RecordingPlan(runs=10**7, idle_s=0.1, warmup=1, dither_s=0.002, period_s=0.002))
"""
RAILS, LAYERS = 2, 3


def children(pid):
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in text.split()]


def collect_and_kill(folders, victim, seed):
    """Start a collection for each folder and kill its victim at a random moment."""
    chance = random.Random(seed)
    processes = [
        subprocess.Popen([sys.executable, "-c", SCRIPT, str(f)], stderr=subprocess.PIPE, text=True)
        for f in folders
    ]
    waits = [chance.uniform(0.0, 1.8) for _ in folders]
    begun: dict[int, float] = {}
    samplers: dict[int, list[int]] = {}

    def all_killed():
        for index, (folder, process) in enumerate(zip(folders, processes, strict=True)):
            if index not in begun and (folder / "recording.json").exists():
                begun[index] = time.monotonic()
            if index in begun and index not in samplers:
                if time.monotonic() < begun[index] + waits[index]:
                    continue
                samplers[index] = children(process.pid)
                pids = samplers[index] if victim == "sampler" else []
                for pid in pids or [process.pid]:  # no sampler yet: the collector then
                    os.kill(pid, signal.SIGKILL)
        return len(samplers) == len(folders)

    until(all_killed)
    messages = [process.communicate(timeout=PATIENCE_S)[1] for process in processes]
    # A sampler whose parent died writes its last polls.
    until(lambda: all(ended(pid) for pids in samplers.values() for pid in pids))
    return messages


def tables(path, kind, width, skip=0):
    """The numbers of each chunk of a kind."""
    chunks = read_chunks(path)[0] if path.exists() else []
    payloads = [chunk.payload[skip:] for chunk in chunks if chunk.kind == kind]
    return [np.frombuffer(payload).reshape(-1, width) for payload in payloads]


def check_that_little_was_held_back(folder):
    """Polls are written when the first of them is `FLUSH_S` old; runs in blocks of `BLOCK_S`.

    Said of what lies on the disk, so that it holds on a machine of any speed.
    """
    for polls in tables(folder / "power-001.bin", ChunkKind.POWER, 1 + RAILS, POWER_STATS.size):
        assert polls[-2:, 0].min() - polls[0, 0] <= FLUSH_S
    blocks = tables(folder / "runs-001.bin", ChunkKind.RUNS, 2 + 2 * LAYERS)
    for block, following in pairwise(blocks):
        assert len(following) <= _next_block(len(block), block[-1, 0] - block[0, 1])


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["runner", "sampler"])
@pytest.mark.parametrize("seed", range(5))
def test_every_recording_opens_after_kill_9_at_a_random_moment(tmp_path, victim, seed):
    """Ten batches of five: fifty moments."""
    folders = [tmp_path / str(n) for n in range(5)]
    messages = collect_and_kill(folders, victim, seed)
    for folder, message in zip(folders, messages, strict=True):
        recording = load_recording(folder)
        assert not recording.complete
        trace, timeline = recording.trace, recording.timeline
        if victim == "sampler" and "sampler" in message:
            assert "was ended by signal 9" in message
            assert any("signal 9" in text for text in recording.warnings)
        check_that_little_was_held_back(folder)
        assert np.isfinite(timeline.duration_s).all()
        assert (np.diff(trace.time_s) > 0).all()
        assert (np.diff(timeline.run_end_s) > 0).all()


def test_a_killed_collection_goes_on_with_resume(tmp_path):
    folder = tmp_path / "r"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)])
    runs = folder / "runs-001.bin"
    until(lambda: runs.exists() and len(read_chunks(runs)[0]) > 3, "writing runs")
    until(lambda: len(load_recording(folder).trace) > 0, "writing polls")
    samplers = children(process.pid)
    process.kill()
    process.wait()
    until(lambda: all(ended(pid) for pid in samplers))
    check_that_little_was_held_back(folder)
    before = load_recording(folder).timeline.runs
    assert before > 0
    plan = RecordingPlan(before + 50, 0.0, 1, 0.002, period_s=0.002)
    runner = FakeRunner(layer_s=2e-4)
    whole = record_model("fake:net", runner, FakeSensor(), folder, plan=plan, resume=True)
    assert whole.complete
    assert whole.timeline.runs == before + 50


@pytest.fixture
def small_disk(tmp_path):
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(place)],
        capture_output=True, text=True, check=False,
    ) if shutil.which("mount") else None  # fmt: skip
    if mounted is None or mounted.returncode:
        pytest.skip("a small tmpfs cannot be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # fails where a file was left open


def test_a_full_disk_ends_the_collection_and_keeps_what_fits(small_disk):
    folder = small_disk / "r"
    plan = RecordingPlan(runs=10**7, idle_s=0.1, warmup=1, dither_s=0.0, period_s=0.0005)
    with pytest.raises(CannotWrite, match="free space on that disk; then go on with `resume`"):
        record_model("fake:net", FakeRunner(layer_s=2e-4), FakeSensor(), folder, plan=plan)
    recording = load_recording(folder)
    assert not recording.complete
    assert recording.timeline.runs > 0
    assert len(recording.trace) > 0
    for stream in ("power", "runs", "events"):
        assert read_chunks(folder / f"{stream}-001.bin")[1] == ""


def test_a_disk_that_is_full_from_the_start_is_said_at_once(small_disk):
    (small_disk / "filler").write_bytes(bytes(128 * 1024))
    with pytest.raises(CannotWrite, match=r"No space left|cannot be made"):
        record_model("fake:net", FakeRunner(), FakeSensor(), small_disk / "r")


def test_a_disk_too_small_for_a_simulation_says_how_to_go_on(small_disk):
    """Also where the runs fail first and then what the sensor saw."""
    runner = runner_named("sim", {}, {"device": "jetson-orin-nano"})
    sensor = sensor_named("sim", {}, {})
    plan = RecordingPlan(runs=3000, idle_s=30, warmup=1, dither_s=0.005)
    with pytest.raises(CannotWrite, match="free space on that disk; then go on with `resume`"):
        record_model("zoo:resnet18", runner, sensor, small_disk / "r", plan=plan)
