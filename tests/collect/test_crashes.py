"""Killing either process, or filling the disk, loses at most the last second."""

import math
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.collect import Plan, collect
from edgeprofiler.errors import CannotWrite
from edgeprofiler.recording import load_recording
from edgeprofiler.recording.chunks import read_chunks
from edgeprofiler.testing import FakeRunner, FakeSensor

SCRIPT = """
import sys
from pathlib import Path
from edgeprofiler.collect import Plan, collect
from edgeprofiler.testing import FakeRunner, FakeSensor
collect("fake:net", FakeRunner(layer_s=2e-4), FakeSensor(), Path(sys.argv[1]),
        plan=Plan(runs=10**7, idle_s=0.1, warmup=1, dither_s=0.002, period_s=0.002))
"""
LOST_S = 1.5
"""A second, and half of one for a machine that is busy with other things."""


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
    killed: dict[int, float] = {}
    limit_s = time.monotonic() + 30
    while len(killed) < len(folders) and time.monotonic() < limit_s:
        time.sleep(0.01)
        for index, (folder, process) in enumerate(zip(folders, processes, strict=True)):
            if index not in begun and (folder / "recording.json").exists():
                begun[index] = time.monotonic()
            due_s = begun.get(index, math.inf) + waits[index]
            if index not in killed and time.monotonic() > due_s:
                pids = children(process.pid) if victim == "sampler" else []
                killed[index] = time.monotonic()
                for pid in pids or [process.pid]:  # no sampler yet: the collector then
                    os.kill(pid, signal.SIGKILL)
    messages = [process.communicate(timeout=20)[1] for process in processes]
    return [killed[index] for index in range(len(folders))], messages


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["runner", "sampler"])
@pytest.mark.parametrize("seed", range(5))
def test_every_recording_opens_after_kill_9_at_a_random_moment(tmp_path, victim, seed):
    """Ten batches of five: fifty moments."""
    folders = [tmp_path / str(n) for n in range(5)]
    killed, messages = collect_and_kill(folders, victim, seed)
    time.sleep(0.3)  # a sampler whose parent died writes its last polls
    for folder, moment, message in zip(folders, killed, messages, strict=True):
        recording = load_recording(folder)
        assert not recording.complete
        trace, timeline = recording.trace, recording.timeline
        if victim == "sampler" and "sampler" in message:
            assert "was ended by signal 9" in message
            assert any("signal 9" in text for text in recording.warnings)
        if timeline.runs and moment - timeline.run_end_s[0] > LOST_S:
            assert moment - timeline.run_end_s[-1] < LOST_S
            assert moment - trace.time_s[-1] < LOST_S
        assert np.isfinite(timeline.duration_s).all()
        assert (np.diff(trace.time_s) > 0).all()
        assert (np.diff(timeline.run_end_s) > 0).all()


def test_a_killed_collection_goes_on_with_resume(tmp_path):
    folder = tmp_path / "r"
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(folder)])
    deadline = time.monotonic() + 20
    runs = folder / "runs-001.bin"
    while time.monotonic() < deadline and not (runs.exists() and len(read_chunks(runs)[0]) > 1):
        time.sleep(0.05)
    process.kill()
    process.wait()
    time.sleep(0.3)
    before = load_recording(folder).timeline.runs
    assert before > 0
    plan = Plan(before + 50, 0.0, 1, 0.002, period_s=0.002)
    runner = FakeRunner(layer_s=2e-4)
    whole = collect("fake:net", runner, FakeSensor(), folder, plan=plan, resume=True)
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
    subprocess.run(["umount", str(place)], check=False)


def test_a_full_disk_ends_the_collection_and_keeps_what_fits(small_disk):
    folder = small_disk / "r"
    plan = Plan(runs=10**7, idle_s=0.1, warmup=1, dither_s=0.0, period_s=0.0005)
    with pytest.raises(CannotWrite, match="No space left on device"):
        collect("fake:net", FakeRunner(layer_s=3e-5), FakeSensor(), folder, plan=plan)
    recording = load_recording(folder)
    assert not recording.complete
    assert recording.timeline.runs > 0
    assert len(recording.trace) > 0
    for stream in ("power", "runs", "events"):
        assert read_chunks(folder / f"{stream}-001.bin")[1] == ""


def test_a_disk_that_is_full_from_the_start_is_said_at_once(small_disk):
    (small_disk / "filler").write_bytes(bytes(128 * 1024))
    with pytest.raises(CannotWrite, match=r"No space left|cannot be made"):
        collect("fake:net", FakeRunner(), FakeSensor(), small_disk / "r")
