"""A recording's folder gives back what was recorded, and says what was lost."""

import json
import math
from dataclasses import fields

import numpy as np
import pytest

from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.core.network import Network, Source, make_layer
from edgeprofiler.measurement.recording import (
    PowerTrace,
    Recording,
    Timeline,
    is_recording,
    load_recording,
    network_from_json,
    network_to_json,
    save_recording,
)
from edgeprofiler.measurement.recording.chunks import ChunkKind, ChunkWriter, Phase, read_chunks
from edgeprofiler.measurement.recording.session import (
    EventsWriter,
    PowerWriter,
    RunsWriter,
    SessionClock,
    session_numbers,
    stream_path,
    write_header,
)
from edgeprofiler.measurement.recording.streams import power_from_energy


def same(left, right):
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right, equal_nan=True)
    if isinstance(left, (PowerTrace, Timeline)):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    return left == right


def test_a_saved_recording_comes_back_equal(tmp_path, recording):
    save_recording(recording, tmp_path / "r")
    again = load_recording(tmp_path / "r")
    for field in fields(Recording):
        assert same(getattr(again, field.name), getattr(recording, field.name)), field.name
    assert is_recording(tmp_path / "r")
    assert not again.trace.time_s.flags.writeable


def test_a_recording_without_power_has_none_rather_than_zero(tmp_path, recording_of):
    source = recording_of(stamps=False)
    bare = Recording(
        **{
            **{f.name: getattr(source, f.name) for f in fields(Recording)},
            "trace": PowerTrace(np.empty(0), {}, ()),
            "idle_before": None,
        }
    )
    save_recording(bare, tmp_path / "r")
    again = load_recording(tmp_path / "r")
    assert len(again.trace) == 0
    assert again.trace.total_w.shape == (0,)
    assert again.timeline.stamp_s is None
    assert again.timeline.runs == source.timeline.runs


def test_an_existing_recording_is_not_overwritten(tmp_path, recording):
    save_recording(recording, tmp_path / "r")
    with pytest.raises(CannotWrite, match="already holds"):
        save_recording(recording, tmp_path / "r")


def test_a_folder_that_cannot_be_made_is_said(tmp_path, recording):
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite, match="cannot be made"):
        save_recording(recording, tmp_path / "file" / "r")


@pytest.mark.parametrize("stream", ["power", "runs", "events"])
def test_a_recording_opens_wherever_a_stream_breaks_off(tmp_path, recording, stream):
    save_recording(recording, tmp_path / "r")
    path = stream_path(tmp_path / "r", stream, 1)
    whole = path.read_bytes()
    for cut in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:cut])
        again = load_recording(tmp_path / "r")
        _, lost = read_chunks(path)
        assert any(stream in text for text in again.warnings) == bool(lost)
        if stream == "events":
            assert again.timeline.runs == 20


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", r"is \[\], where an object"),
        ('{"schema": "edgeprofiler.recording/9"}', "expected edgeprofiler.recording/1"),
    ],
)
def test_a_header_of_another_kind_is_refused(tmp_path, text, problem):
    (tmp_path / "recording.json").write_text(text)
    with pytest.raises(InvalidInput, match=problem):
        load_recording(tmp_path)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="is no folder"):
        load_recording(tmp_path / "none")


@pytest.mark.parametrize(
    ("stream", "about"),
    [
        ("power", {"rails": ["a", "a"], "total_rails": [], "settings": {}, "period_s": 1}),
        ("power", {"rails": ["a"], "total_rails": ["b"], "settings": {}, "period_s": 1}),
        ("power", {}),
        ("runs", {"layer_names": [], "stamp_kind": "guess"}),
        ("runs", {"layer_names": 3, "stamp_kind": "none"}),
    ],
)
def test_a_stranger_s_stream_with_a_right_checksum_is_still_checked(tmp_path, stream, about):
    write_header(tmp_path, {"name": "x"})
    clock = {"session": 1, "boot_id": "", "monotonic_s": 0, "utc_s": 0}
    writer = ChunkWriter(stream_path(tmp_path, stream, 1))
    writer.write_json({"kind": "power", "clock": clock, **about})
    writer.close()
    with pytest.raises(InvalidInput, match=f"{stream}-001.bin: "):
        load_recording(tmp_path)


def test_a_payload_that_is_no_table_is_refused(tmp_path):
    write_header(tmp_path, {"name": "x"})
    power = power_writer(tmp_path, SessionClock(1, "", 0, 0))
    power.write(ChunkKind.POWER, b"123", Phase.RUN)
    power.close()
    with pytest.raises(InvalidInput, match="not a power stream"):
        load_recording(tmp_path)


def power_writer(folder, clock, kind="power", rails=("VDD_IN",), settings=None):
    return PowerWriter(
        stream_path(folder, "power", clock.session),
        kind=kind,
        rails=rails,
        total_rails=rails[:1],
        period_s=0.001,
        clock=clock,
        settings=settings or {},
    )


def write_session(
    folder, clock, start_s, layers=("conv",), rails=("VDD_IN",), end=None, settings=None
):
    power = power_writer(folder, clock, rails=rails, settings=settings)
    times = start_s + np.arange(5) * 0.001
    power.append(
        Phase.RUN, np.column_stack([times] + [np.full(5, 5.0)] * len(rails)), (5, 1, 0.1, 2.0)
    )
    power.close()
    runs = RunsWriter(stream_path(folder, "runs", clock.session), clock)
    runs.append(
        Timeline(layers, np.full((2, len(layers)), 1e-3), start_s + np.array([0.002, 0.004]))
    )
    runs.close()
    events = EventsWriter(stream_path(folder, "events", clock.session), clock)
    if end:
        events.write_json({"event": "end", **end})
    events.close()


def test_two_sessions_of_one_boot_follow_each_other(tmp_path):
    write_header(tmp_path, {"name": "x"})
    write_session(tmp_path, SessionClock(1, "b", 100.0, 5000.0), 100.0)
    write_session(tmp_path, SessionClock(2, "b", 200.0, 5100.0), 200.0)
    recording = load_recording(tmp_path)
    assert session_numbers(tmp_path) == [1, 2]
    assert recording.timeline.runs == 4
    assert recording.trace.time_s[[0, -1]] == pytest.approx([100.0, 200.004])
    assert recording.sampler.ticks == 10
    assert recording.sampler.missed_ticks == 2
    assert recording.sampler.cpu_share == pytest.approx(0.05)
    assert not recording.complete
    assert recording.warnings == ()


def test_a_session_without_a_poll_hides_nothing_of_the_others(tmp_path):
    write_header(tmp_path, {"name": "x"})
    power_writer(tmp_path, SessionClock(1, "b", 90.0, 4990.0)).close()
    write_session(tmp_path, SessionClock(2, "b", 100.0, 5000.0), 100.0, settings={"samples": 4})
    recording = load_recording(tmp_path)
    assert recording.sampler.cpu_share == pytest.approx(0.05)
    assert recording.sensor_settings == {"samples": 4}


@pytest.mark.parametrize(("utc_s", "second_start"), [(5500.0, 600.0), (100.0, 101.004)])
def test_a_session_after_a_restart_is_moved_behind_the_first(tmp_path, utc_s, second_start):
    """By the wall clock; where that went back (no battery), right behind."""
    write_header(tmp_path, {"name": "x"})
    write_session(tmp_path, SessionClock(1, "b", 100.0, 5000.0), 100.0)
    write_session(tmp_path, SessionClock(2, "c", 3.0, utc_s), 3.0)
    recording = load_recording(tmp_path)
    assert recording.trace.time_s[5] == pytest.approx(second_start)
    assert recording.timeline.run_end_s[2] == pytest.approx(second_start + 0.002)
    assert (np.diff(recording.trace.time_s) > 0).all()
    assert any("restarted" in text for text in recording.warnings)


def test_a_jump_of_the_wall_clock_is_told_and_changes_no_time(tmp_path):
    """Times are monotonic; the date may be set meanwhile."""
    write_header(tmp_path, {"name": "x"})
    end = {"time_s": 110.0, "utc_s": 8610.0}
    write_session(tmp_path, SessionClock(1, "b", 100.0, 5000.0), 100.0, end=end)
    recording = load_recording(tmp_path)
    assert any("jumped by +3600.0 s" in text for text in recording.warnings)
    assert recording.trace.time_s[0] == 100.0


def test_sessions_of_other_layers_or_rails_are_left_out_and_told(tmp_path):
    write_header(tmp_path, {"name": "x"})
    write_session(tmp_path, SessionClock(1, "b", 100.0, 5000.0), 100.0)
    write_session(
        tmp_path, SessionClock(2, "b", 200.0, 5100.0), 200.0, layers=("a", "b"), rails=("A", "B")
    )
    recording = load_recording(tmp_path)
    assert recording.timeline.runs == 2
    assert len(recording.trace) == 5
    assert {"session 2 ran other layers and is left out"} < set(recording.warnings)


def test_a_runner_that_changes_its_layers_is_refused(tmp_path):
    runs = RunsWriter(tmp_path / "runs-001.bin", SessionClock(1, "", 0, 0))
    runs.append(Timeline(("a",), np.ones((1, 1)), np.ones(1)))
    with pytest.raises(InvalidInput, match="other layers"):
        runs.append(Timeline(("b",), np.ones((1, 1)), np.ones(1)))
    runs.close()


def test_energy_counters_become_the_mean_power_between_their_changes():
    """The integral over the polls of whole intervals is the counter's difference."""
    times = np.arange(10) * 0.01
    counter = np.array([1, 1, 1.2, 1.2, 1.2, 1.5, 1.5, 1.6, 1.6, 1.6])
    power = power_from_energy(np.column_stack([times, counter]))[:, 1]
    assert math.isnan(power[0])
    np.testing.assert_allclose(power[1:3], 0.2 / 0.02)
    np.testing.assert_allclose(power[3:6], 0.3 / 0.03)
    np.testing.assert_allclose(power[6:8], 0.1 / 0.02)
    assert np.isnan(power[8:]).all()
    assert np.nansum(power) * 0.01 == pytest.approx(0.6)


def test_an_energy_counter_that_was_reset_or_silent_gives_unknown_not_negative_power():
    times = np.arange(6) * 0.01
    counter = np.array([5.0, 5.1, np.nan, 0.1, 0.2, 0.3])
    power = power_from_energy(np.column_stack([times, counter]))[:, 1]
    assert np.isnan(power[[0, 2, 3]]).all()
    np.testing.assert_allclose(power[[1, 4, 5]], 10)
    still = power_from_energy(np.column_stack([times, np.ones(6)]))[:, 1]
    assert np.isnan(still).all()


def test_an_energy_stream_is_read_as_power_across_its_chunks(tmp_path):
    write_header(tmp_path, {"name": "x"})
    power = power_writer(tmp_path, SessionClock(1, "b", 0.0, 0.0), kind="energy")
    times = np.arange(100) * 0.01
    table = np.column_stack([times, 7.5 * times])
    power.append(Phase.IDLE_BEFORE, table[:50], (50, 0, 0, 1))
    power.append(Phase.RUN, table[50:], (100, 0, 0, 1))
    power.close()
    recording = load_recording(tmp_path)
    np.testing.assert_allclose(recording.trace.total_w, 7.5)
    np.testing.assert_allclose(recording.idle_before.total_w[1:], 7.5)


def test_boot_id_is_read_where_linux_shows_it(tmp_path):
    place = tmp_path / "proc/sys/kernel/random"
    place.mkdir(parents=True)
    (place / "boot_id").write_text("abc\n")
    assert SessionClock.now(1, tmp_path).boot_id == "abc"
    assert SessionClock.now(1, tmp_path / "none").boot_id == ""
    assert SessionClock(1, "", 0.0, 0.0).utc == "1970-01-01T00:00:00+00:00"


def test_layers_survive_the_trip_through_json():
    layer = make_layer(
        name="c", kind="convolutional", op="convolution", dtype="fp16",
        input_shapes=((1, 3, 8, 8),), output_shapes=((1, 4, 8, 8),), kernel=(3, 3),
    )  # fmt: skip
    network = Network("n", (layer,), Source("f.onnx", "onnx"), warnings=("w",))
    text = json.dumps(network_to_json(network))
    again = network_from_json(json.loads(text))
    assert again is not None
    assert again.layers == network.layers
    assert again.source == network.source
    assert network_from_json({"Layers": []}) is None
    with pytest.raises(InvalidInput):
        network_from_json({"format": "edgeprofiler.layers/1", "layers": [{}]})


def test_a_state_with_unknown_facts_is_refused(tmp_path):
    write_header(tmp_path, {"name": "x"})
    events = EventsWriter(stream_path(tmp_path, "events", 1), SessionClock(1, "", 0, 0))
    events.append("state_before", state={"mood": "good"})
    events.close()
    with pytest.raises(InvalidInput, match="state has an unknown key 'mood'"):
        load_recording(tmp_path)


def test_a_stream_that_is_gone_is_told(tmp_path):
    """What the other streams and the header name was recorded, so it is lost."""
    clock = SessionClock(1, "b", 100.0, 5000.0)
    write_header(tmp_path, {"name": "x", "runner": "r", "sensor": "ina3221"})
    write_session(tmp_path, clock, 100.0)
    assert load_recording(tmp_path).warnings == ()
    (tmp_path / "power-001.bin").unlink()
    told = "power-001.bin is missing: the polls of the sensor ina3221 are lost"
    assert load_recording(tmp_path).warnings == (told,)
    assert load_recording(tmp_path).lost("power") == told
    assert load_recording(tmp_path).lost("runs") == ""


def test_runs_that_are_gone_from_a_complete_recording_are_told(tmp_path):
    write_header(tmp_path, {"name": "x", "runner": "r", "sensor": "none"})
    events = EventsWriter(stream_path(tmp_path, "events", 1), SessionClock(1, "", 0, 0))
    assert load_recording(tmp_path).warnings == ()
    events.append("complete")
    events.close()
    assert load_recording(tmp_path).lost("runs").startswith("runs-001.bin is missing")


def test_an_empty_stream_of_a_killed_process_is_told(tmp_path):
    write_header(tmp_path, {"name": "x"})
    (tmp_path / "power-001.bin").touch()
    assert "empty" in load_recording(tmp_path).warnings[0]
