"""Recordings of strangers: right checksums around wrong content end as invalid input."""

import json
import math

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.measurement.recording import load_recording
from edgeprofiler.measurement.recording.chunks import ChunkKind, ChunkWriter, Phase
from edgeprofiler.measurement.recording.session import POWER_STATS, SCHEMA

CLOCK = {"session": 1, "boot_id": "b", "monotonic_s": 1.0, "utc_s": 2.0}
POWER = {
    "stream": "power", "kind": "power", "rails": ["A"], "total_rails": ["A"], "period_s": 1e-3,
    "clock": CLOCK, "settings": {},
}  # fmt: skip
RUNS = {"stream": "runs", "layer_names": ["a"], "stamp_kind": "none", "clock": CLOCK}
STATE = {"time_s": 1.0}
NAN = math.nan


def write(folder, stream, *chunks):
    writer = ChunkWriter(folder / f"{stream}-001.bin")
    for kind, payload in chunks:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        writer.write(kind, data, Phase.RUN)
    writer.close()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "recording.json").write_text(json.dumps({"schema": SCHEMA, "name": "net"}))
    return tmp_path


def polls(rows, **about):
    payload = POWER_STATS.pack(1, 0, 0.0, 0.0) + np.array(rows, "<f8").tobytes()
    return (ChunkKind.JSON, {**POWER, **about}), (ChunkKind.POWER, payload)


def runs(rows, **about):
    return (ChunkKind.JSON, {**RUNS, **about}), (ChunkKind.RUNS, np.array(rows, "<f8").tobytes())


@pytest.mark.parametrize(
    "event",
    [
        {"event": "end", "utc_s": 1},
        {"event": "end", "utc_s": "soon", "time_s": 1},
        {"event": "network"},
        {"event": "network", "network": "layers"},
        {"event": "state_before"},
        {"event": "state_before", "state": "warm"},
        {"event": "state_before", "state": {**STATE, "temperatures_c": {"cpu": "warm"}}},
        {"event": "state_after", "state": {**STATE, "clocks_hz": 3}},
        {"event": "state_after", "state": {**STATE, "throttled": "perhaps"}},
        {"event": "state_after", "state": {**STATE, "colour": "red"}},
        {"event": "sampler"},
        {"event": "overhead", "latency_change": "much"},
    ],
)
def test_an_event_that_is_none_is_invalid(folder, event):
    start = (ChunkKind.JSON, {"event": "start", "clock": CLOCK})
    write(folder, "events", start, (ChunkKind.JSON, event))
    with pytest.raises(InvalidInput, match=r"(events-001.bin|recording.json): .*(is|has)"):
        load_recording(folder)


@pytest.mark.parametrize(
    "facts", [{"device": [1]}, {"device": "abc"}, {"sensor_settings": "abc"}, {"network": "abc"}]
)
def test_a_header_of_other_types_is_invalid(folder, facts):
    (folder / "recording.json").write_text(json.dumps({"schema": SCHEMA, "name": "net", **facts}))
    with pytest.raises(InvalidInput, match=r"(events-001.bin|recording.json): .*(is|has)"):
        load_recording(folder)


@pytest.mark.parametrize(
    "chunks",
    [
        polls([[NAN, 2], [2, 3]]),
        polls([[3, 2], [2, 3]]),
        polls([[1, 2]], kind="voltage"),
        polls([[1, 2]], clock={**CLOCK, "monotonic_s": NAN}),
        polls([[1, 2]], rails=["A", "A"]),
        polls([[1, 2]], total_rails=["B"]),
    ],
)
def test_polls_that_cannot_be_are_invalid(folder, chunks):
    write(folder, "power", *chunks)
    with pytest.raises(InvalidInput, match=r"power-001\.bin: "):
        load_recording(folder)


@pytest.mark.parametrize(
    "chunks",
    [runs([[NAN, 1, 0.5, NAN]]), runs([[2, 1, -0.5, NAN]]), runs([[2, 1, math.inf, NAN]]),
     runs([[2, 1, 0.5, NAN]], stamp_kind="later")],
)  # fmt: skip
def test_runs_that_cannot_be_are_invalid(folder, chunks):
    write(folder, "runs", *chunks)
    with pytest.raises(InvalidInput, match=r"runs-001\.bin: "):
        load_recording(folder)


def test_runs_out_of_order_are_sorted_and_told(folder):
    write(folder, "runs", *runs([[2, 1, 0.5, NAN], [1, 0, 0.25, NAN]]))
    recording = load_recording(folder)
    assert recording.timeline.duration_s[:, 0].tolist() == [0.25, 0.5]
    assert "now sorted" in recording.warnings[0]


def test_an_energy_counter_that_moves_in_no_time_says_nothing(folder):
    write(folder, "power", *polls([[1, 2], [1, 3], [2, 5]], kind="energy"))
    power = load_recording(folder).trace.rails_w["A"]
    assert not np.isinf(power).any()
    assert power[-1] == pytest.approx(2.0)
