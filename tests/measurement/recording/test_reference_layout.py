"""The reference's raw layout is read exactly and written so that others can read it."""

import json
import shutil

import numpy as np
import pytest

from edgeprofiler.core.errors import CannotWrite, InvalidInput
from edgeprofiler.measurement.recording import read_reference, reference_models, write_reference
from edgeprofiler.measurement.recording.recording import Recording


@pytest.fixture
def raw(tmp_path, recording):
    write_reference(recording, tmp_path)
    return tmp_path


def latency_path(raw):
    return raw / "raw_data/resnet18/trt_profiling/trt_layer_latency.json"


def test_a_written_recording_reads_back_to_the_microsecond(raw, recording):
    again = read_reference(raw)
    base = again.timeline.stamp_s[0, 0] - recording.timeline.stamp_s[0, 0]
    assert again.timeline.layer_names == recording.timeline.layer_names
    np.testing.assert_allclose(again.timeline.duration_s, recording.timeline.duration_s, rtol=1e-15)
    np.testing.assert_allclose(
        again.timeline.stamp_s - base, recording.timeline.stamp_s, atol=1e-9, rtol=0
    )
    np.testing.assert_allclose(again.trace.time_s - base, recording.trace.time_s, atol=1e-9, rtol=0)
    np.testing.assert_allclose(again.trace.total_w, recording.trace.total_w, rtol=1e-12)
    assert again.idle_before.total_w.tolist() == [4.0]
    assert again.timeline.stamp_kind == "callback-burst"
    assert again.network == {"Layers": [], "Bindings": []}
    assert again.started_utc.startswith("2024-10-30T15:06:45")


def test_a_run_ends_where_its_first_callback_was_stamped(raw):
    timeline = read_reference(raw).timeline
    np.testing.assert_array_equal(timeline.run_end_s, timeline.stamp_s.min(axis=1))


def test_the_model_is_found_from_any_folder_of_the_layout(raw):
    assert reference_models(raw) == ["resnet18"]
    assert reference_models(raw / "raw_data") == ["resnet18"]
    for place in (raw, raw / "raw_data", raw / "raw_data/resnet18"):
        assert read_reference(place).name == "resnet18"
    with pytest.raises(InvalidInput, match="has: resnet18"):
        read_reference(raw, "vgg16")
    with pytest.raises(InvalidInput, match="has: none"):
        read_reference(raw / "nowhere")


def test_two_models_need_a_name(raw):
    shutil.copytree(raw / "raw_data/resnet18", raw / "raw_data/other")
    with pytest.raises(InvalidInput, match="other, resnet18"):
        read_reference(raw)


@pytest.mark.parametrize("indent", [None, 4])
def test_any_spacing_of_the_json_gives_the_same(raw, recording, indent):
    path = latency_path(raw)
    path.write_text(json.dumps(json.loads(path.read_text()), indent=indent))
    again = read_reference(raw)
    np.testing.assert_allclose(again.timeline.duration_s, recording.timeline.duration_s, rtol=1e-15)


def test_stamps_with_fewer_decimals_are_accepted(raw):
    """Python's own isoformat leaves out microseconds that are zero."""
    path = latency_path(raw)
    rows = {"conv": [[0.5, "20241030-15:06:45"], [0.25, "20241030-15:06:45.5"]]}
    path.write_text(json.dumps(rows))
    timeline = read_reference(raw).timeline
    assert np.diff(timeline.run_end_s).tolist() == [0.5]
    assert timeline.duration_s.tolist() == [[0.0005], [0.00025]]


def test_names_with_brackets_quotes_and_escapes_are_kept(raw):
    names = ['a "quoted" [x] ]], [[', "tab\tä", "back\\slash"]
    row = [[0.1, "20241030-15:06:45.910735"]]
    latency_path(raw).write_text(json.dumps(dict.fromkeys(names, row)))
    assert read_reference(raw).timeline.layer_names == tuple(names)


def test_layers_of_unequal_length_are_cut_and_told(raw):
    row = [0.1, "20241030-15:06:45.910735"]
    latency_path(raw).write_text(json.dumps({"a": [row] * 4, "b": [row] * 4, "c": [row] * 3}))
    recording = read_reference(raw)
    assert recording.timeline.runs == 3
    assert any("unequal" in text for text in recording.warnings)


def test_two_layers_of_one_name_are_told_apart_by_order(raw):
    def row(ms, micro):
        return [ms, f"20241030-15:06:45.{micro:06d}"]

    first, middle, last = (0.1, 0.2, 0.3)
    rows = {
        "same": [row(first, 10), row(last, 30), row(first, 1010), row(last, 1030)],
        "middle": [row(middle, 20), row(middle, 1020)],
        "end": [row(0.4, 40), row(0.4, 1040)],
    }
    latency_path(raw).write_text(json.dumps(rows))
    timeline = read_reference(raw).timeline
    assert timeline.layer_names == ("same", "middle", "same (2)", "end")
    np.testing.assert_allclose(timeline.duration_s[0], [1e-4, 2e-4, 3e-4, 4e-4])


def test_a_profile_without_layers_has_no_runs(raw):
    latency_path(raw).write_text("{}")
    timeline = read_reference(raw).timeline
    assert timeline.layer_names == ()
    assert timeline.runs == 0


def test_a_layer_without_runs_gives_no_runs(raw):
    latency_path(raw).write_text('{"a": [], "b": []}')
    assert read_reference(raw).timeline.runs == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [[0.1, "20241030-15:06:45.9"], [0.1',
        '{"a": [[0.1, "20241030-15:06:45.9"]], "b": 3}',
        '{"a": [[0.1]]}',
        '{"a": [["x", "20241030-15:06:45.9"]]}',
        '{"a": [[0.1, "then"]]}',
        '{"\\x": [[0.1, "20241030-15:06:45.9"]]}',
        "[1, 2]",
        "no json",
        '{"a": [[0.1, 0.2], [0.3, 0.4]]}',
    ],
)
def test_a_malformed_latency_file_is_refused_with_its_place(raw, text):
    latency_path(raw).write_text(text)
    with pytest.raises(InvalidInput, match=r"trt_layer_latency.json"):
        read_reference(raw)


def test_plain_milliseconds_without_stamps_are_refused(raw):
    """Latencies of desktop experiments have no stamps; power cannot be attributed to them."""
    latency_path(raw).write_text('{"a": [[0.1, null], [0.2, null]]}')
    with pytest.raises(InvalidInput, match="milliseconds, stamp"):
        read_reference(raw)


def test_times_of_one_layer_that_are_too_many_are_refused(raw, monkeypatch):
    monkeypatch.setattr("edgeprofiler.core.limits.LAYER_TIMES_BYTES", 30)
    with pytest.raises(InvalidInput, match="too many times of one layer"):
        read_reference(raw)


def test_a_missing_power_log_is_named(raw):
    (raw / "raw_data/resnet18/resnet18_power_log.log").unlink()
    with pytest.raises(InvalidInput, match="no such file"):
        read_reference(raw)


def test_idle_power_may_be_missing_but_not_malformed(raw):
    idle = raw / "raw_data/idling_power.json"
    idle.write_text('{"timestamp": "20241030-150000", "avg_idle_power": 4250000.0}')
    assert read_reference(raw).idle_before.total_w.tolist() == [4.25]
    idle.write_text('{"timestamp": "noon", "avg_idle_power": 1}')
    with pytest.raises(InvalidInput, match="timestamp is 'noon', where a time"):
        read_reference(raw)
    idle.write_text("[]")
    with pytest.raises(InvalidInput, match=r"is \[\], where an object"):
        read_reference(raw)
    idle.unlink()
    assert read_reference(raw).idle_before is None


def test_a_wall_clock_set_back_is_undone_in_both_streams(raw, recording):
    """The same jump shows in the log and in the callbacks."""
    whole = read_reference(raw)
    log = raw / "raw_data/resnet18/resnet18_power_log.log"
    lines = log.read_text().splitlines()
    cut_s = 0.13
    half = next(i for i, line in enumerate(lines) if float(line[15:24]) - 45 > cut_s)
    log.write_text(
        "".join(f"{back(line) if i >= half else line}\n" for i, line in enumerate(lines))
    )
    path = latency_path(raw)
    rows = json.loads(path.read_text())
    turn = float(lines[half][15:24])
    for row in rows.values():
        for entry in row:
            if float(entry[1][15:]) >= turn:
                entry[1] = back(entry[1])
    path.write_text(json.dumps(rows))
    again = read_reference(raw)
    assert "set back 1 times" in again.warnings[0]
    assert (np.diff(again.trace.time_s) > 0).all()
    np.testing.assert_allclose(
        again.timeline.run_end_s, whole.timeline.run_end_s, atol=2e-6, rtol=0
    )


def back(text):
    return text.replace("-15:", "-14:", 1)


def test_missed_polls_are_counted_from_the_gaps_of_the_log(raw):
    log = raw / "raw_data/resnet18/resnet18_power_log.log"
    lines = log.read_text().splitlines(keepends=True)
    log.write_text("".join(lines[:50] + lines[53:]))
    assert read_reference(raw).sampler.missed_ticks == 3


def test_a_recording_without_stamps_is_written_with_its_run_ends(tmp_path, recording_of):
    recording = recording_of(stamps=False)
    write_reference(recording, tmp_path)
    again = read_reference(tmp_path)
    assert again.timeline.runs == recording.timeline.runs
    summary = json.loads((tmp_path / "raw_data/resnet18/resnet18_tensorrt.json").read_text())
    assert summary["avg_latency"] == pytest.approx(0.005)
    assert summary["avg_throughput"] == pytest.approx(200)
    assert len(summary["latencies"]) == recording.timeline.runs


def test_a_name_that_is_no_folder_is_refused(tmp_path, recording):
    bad = Recording(**{**vars(recording), "name": "../up"})
    with pytest.raises(InvalidInput, match="no folder name"):
        write_reference(bad, tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite, match="cannot be made"):
        write_reference(recording, tmp_path / "file")


@pytest.mark.shared
def test_stamps_of_a_real_profile_of_an_orin_nano_are_read(shared, raw):
    """Its first layer is a reformat whose five runs are 5 to 7 ms apart."""
    real = shared / "inputs/iprofiler_latency/orin-nano_mobilenet_v2_fp16_torch-trt_5cycles.json"
    shutil.copy(real, latency_path(raw))
    timeline = read_reference(raw).timeline
    assert timeline.runs == 5
    assert timeline.duration_s[0, 0] == pytest.approx(0.17475199701895855e-3, rel=1e-9)
    assert ((np.diff(timeline.run_end_s) > 0.005) & (np.diff(timeline.run_end_s) < 0.007)).all()
