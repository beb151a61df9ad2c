"""`edgeprofiler collect` as a person calls it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from waiting import PATIENCE_S, until

from edgeprofiler.cli import common
from edgeprofiler.cli.screen import Screen
from edgeprofiler.core.errors import CannotWrite
from edgeprofiler.measurement.benchmark.result import BackendResult, Benchmark, LayerLatency
from edgeprofiler.measurement.benchmark.tables import benchmark_table, slowest_table
from edgeprofiler.measurement.collect.isolate import distinct_layers
from edgeprofiler.measurement.collect.summary import recording_table, summary
from edgeprofiler.measurement.recording import (
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
    load_recording,
    network_from_json,
)
from edgeprofiler.measurement.recording.chunks import read_chunks
from edgeprofiler.reading.read import read
from edgeprofiler.testing import write_ina3221_tree

pytest.importorskip("onnxruntime")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    onnx = pytest.importorskip("onnx")
    helper, proto = onnx.helper, onnx.TensorProto
    weight = helper.make_tensor("w", proto.FLOAT, [4, 3, 3, 3], [0.1] * 108)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], name="conv", pads=[1, 1, 1, 1])],
        "tiny",
        [helper.make_tensor_value_info("x", proto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("y", proto.FLOAT, [1, 4, 16, 16])],
        [weight],
    )
    opset = helper.make_opsetid("", 17)
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


@pytest.fixture
def sensor(tmp_path):
    write_ina3221_tree(tmp_path / "root", {"VDD_IN": (5000, 1100)})
    return ["--sensor", "ina3221", "--sensor-option", f"root={tmp_path / 'root'}"]


def command(*arguments):
    return [sys.executable, "-m", "edgeprofiler", "collect", *map(str, arguments)]


@pytest.fixture
def collect(cli):
    return lambda *arguments: cli("collect", *arguments)


QUICK = ("--runner", "onnxruntime", "--runs", "60", "--idle", "0.1", "--warmup", "2")


@pytest.mark.slow
def test_onnx_runtime_is_recorded_for_real(collect, tmp_path, model, sensor):
    done = collect(model, *sensor, *QUICK, "-o", tmp_path / "out", "--json", "-")
    assert done.code == 0, done.err
    (summary,) = json.loads(done.out)["recordings"]
    assert summary["runs"] == 60
    assert summary["power_w"] == pytest.approx(5.5)
    recording = load_recording(tmp_path / "out/tiny")
    assert recording.complete
    assert (recording.timeline.duration_s > 0).all()
    again = collect(model, *sensor, *QUICK, "-o", tmp_path / "out")
    assert again.code == 2
    assert "--resume" in again.err


@pytest.mark.slow
def test_without_a_sensor_it_says_that_power_is_not_recorded(collect, tmp_path, model):
    done = collect(model, "--sensor", "none", *QUICK, "-o", tmp_path / "out")
    assert done.code == 0, done.err
    assert "power and energy are not" in done.err
    assert max(map(len, done.out.splitlines()[:6])) <= 80


@pytest.mark.slow
def test_ctrl_c_ends_cleanly_and_resume_goes_on(tmp_path, model, sensor):
    folder = tmp_path / "out/tiny"
    endless = [*QUICK[:2], "--runs", "10000000", *QUICK[4:]]
    process = subprocess.Popen(
        command(model, *sensor, *endless, "-o", tmp_path / "out"),
        stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        # A test runner in the background ignores Ctrl-C, and its children would inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    runs = folder / "runs-001.bin"
    until(lambda: runs.exists() and len(read_chunks(runs)[0]) > 1, "writing runs")
    os.kill(process.pid, signal.SIGINT)
    _, message = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130
    assert "--resume goes on" in message
    assert "Traceback" not in message
    recording = load_recording(folder)
    assert recording.timeline.runs > 0
    assert not recording.complete


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--sensor", "ina3221", "--sensor-option", "root=/nowhere"), 4, "INA3221"),
        (("--sensor", "nothing"), 2, "no sensor named"),
        (("--sensor", "none", "--sensor-option", "a=1"), 2, "needs --sensor"),
        (("--sensor", "none", "--runner-option", "speed=1"), 2, "no option 'speed'"),
        (("--sensor", "none", "--dither", "100"), 2, "between 0 and 10"),
        (("--sensor", "none", "--precision", "int8"), 2, "--precision means nothing"),
        (("--sensor", "none", "--period", "0.01"), 2, "--period means nothing without"),
        (("--sensor", "sim", "--period", "0.01"), 2, "--period means nothing to the sensor sim"),
    ],
)
def test_mistakes_are_one_line_with_a_documented_exit_code(
    collect, tmp_path, model, arguments, code, words
):
    done = collect(model, *arguments, "--runner", "onnxruntime", "-o", tmp_path / "out")
    assert done.code == code
    assert words in done.err.replace("\n", " ")
    assert "Traceback" not in done.err


def test_isolated_layers_get_a_folder_each(collect, tmp_path, monkeypatch):
    from edgeprofiler.measurement.collect import choose
    from edgeprofiler.testing import FakeRunner, VirtualClock

    made = FakeRunner(layer_s=0.01, clock=VirtualClock())
    monkeypatch.setattr(choose, "auto_runner", lambda offered: made)
    done = collect("fake:net", "--sensor", "none", "--isolate", "--idle", "0", "-o", tmp_path)
    assert done.code == 0, done.err
    assert "runner: fake" in done.err
    assert len(list((tmp_path / "net.layers").iterdir())) == 3


def test_names_of_layers_with_brackets_are_printed_as_they_are(capsys):
    """TensorRT fuses layers to `{ForeignNode[...]}`, which must not be taken for a style."""
    name = "{ForeignNode[/a...b]}"
    layer = LayerLatency(0, name, "other", "unknown", np.array([1e-3]))
    ran = BackendResult("tensorrt", layers=(layer,), latency_s=np.array([1e-3]))
    Screen().show(benchmark_table(Benchmark("x[/b].onnx", 1, {}, (ran,))), slowest_table(ran, 5))
    said = capsys.readouterr().out
    assert name in said
    assert "x[/b].onnx" in said
    empty = PowerTrace(np.empty(0), {}, ())
    timeline = Timeline((), np.empty((0, 0)), np.empty(0))
    recording = Recording(
        "[/a]", empty, timeline, None, None, SamplerReport(1e-3, 0, 0, 0.0), None, None
    )
    Screen().show(recording_table([summary(Path("[/a]"), recording)]))
    assert "[/a]" in capsys.readouterr().out


def test_an_interrupt_in_this_process_says_where_the_recording_lies(collect, tmp_path, monkeypatch):
    from edgeprofiler.measurement.collect import choose
    from edgeprofiler.testing import FakeRunner

    def interrupted(self, runs, pauses_s=None):
        raise KeyboardInterrupt

    monkeypatch.setattr(FakeRunner, "run", interrupted)
    monkeypatch.setattr(choose, "auto_runner", lambda offered: FakeRunner())
    monkeypatch.setattr(choose, "auto_sensor", lambda: (None, []))
    done = collect("fake:net", "--idle", "0", "-o", tmp_path)
    assert done.code == 130
    assert f"lies in {tmp_path / 'net'}" in done.err
    assert "sensor: none works here" in done.err


@pytest.mark.parametrize("more", [(), ("--isolate",)])
def test_an_fp32_model_is_recorded_with_the_layers_of_the_simulated_board(
    collect, tmp_path, model, more
):
    """Orin's engine computes in TF32; the Nano's GPU has none, so its layers are FP32."""
    types = {}
    for board in ("jetson-nano", "jetson-orin-nano"):
        done = collect(
            model, "--runner", "sim", "--sensor", "sim", "--device", board, "--precision", "fp32",
            "--batch", "2", "--runs", "5", "--idle", "0", *more, "-o", tmp_path / board,
        )  # fmt: skip
        assert done.code == 0, done.err
        folders = [file.parent for file in sorted((tmp_path / board).rglob("recording.json"))]
        found = [network_from_json(load_recording(folder).network) for folder in folders]
        layers = [layer for network in found for layer in network.layers]
        expected = read(model, precision="fp32", batch=2, device=board)
        assert layers == (distinct_layers(expected) if more else list(expected.layers))
        types[board] = {layer.dtype for layer in layers if layer.op == "convolution"}
    assert types == {"jetson-nano": {"fp32"}, "jetson-orin-nano": {"tf32"}}


def test_a_simulation_goes_on_only_at_the_precision_it_began_with(collect, tmp_path, model):
    simulated = (model, "--runner", "sim", "--sensor", "none", "--runs", "5", "-o", tmp_path)
    assert collect(*simulated, "--precision", "fp32").code == 0
    done = collect(*simulated, "--precision", "fp16", "--resume")
    assert done.code == 2
    assert "precision 'fp32', not 'fp16'" in done.err.replace("\n", " ")
    assert "choose one of: fp32" in collect(*simulated[:-1], tmp_path / "o", "--precision", "x").err


SIMULATED = ("--runner", "sim", "--sensor", "sim", "--runs", "5", "--idle", "0")


@pytest.fixture
def fake_runner(monkeypatch):
    """Have a runner on a virtual clock chosen; it takes models named `fake:...` alone."""
    from edgeprofiler.measurement.collect import choose
    from edgeprofiler.testing import FakeRunner, VirtualClock

    made = FakeRunner(clock=VirtualClock())
    monkeypatch.setattr(choose, "auto_runner", lambda offered: made)
    return made


@pytest.mark.parametrize("second", ["zoo:nothere", "/nowhere/net.onnx"])
def test_a_missing_model_is_told_before_another_is_simulated(collect, tmp_path, second):
    done = collect("zoo:lenet", second, *SIMULATED, "-o", tmp_path / "out")
    assert done.code == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("second", ["zoo:nothere", "/nowhere/net.onnx", "nothere"])
@pytest.mark.usefixtures("fake_runner")
def test_a_missing_model_is_told_before_another_is_run(collect, tmp_path, second):
    done = collect("fake:first", second, "--sensor", "none", "-o", tmp_path / "out")
    assert done.code == 3
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("more", [(), ("--isolate",)])
@pytest.mark.usefixtures("fake_runner")
def test_a_folder_that_is_taken_is_told_before_another_model_is_run(collect, tmp_path, more):
    call = ("--sensor", "none", "--runs", "5", "-o", tmp_path, *more)
    assert collect("fake:second", *call).code == 0
    done = collect("fake:first", "fake:second", *call)
    assert done.code == 2
    assert "already holds a recording; go on with --resume" in done.err
    assert not list(tmp_path.glob("first*"))
    assert collect("fake:first", "fake:second", *call, "--resume").code == 0


@pytest.mark.usefixtures("fake_runner")
def test_another_model_s_recording_is_told_before_the_first_model_goes_on(collect, tmp_path):
    call = ("--sensor", "none", "--runs", "5", "-o", tmp_path)
    assert collect("fake:old/second", *call).code == 0
    done = collect("fake:first", "fake:new/second", *call, "--resume")
    assert done.code == 2
    assert "was recorded with source 'fake:old/second'" in done.err
    assert not (tmp_path / "first").exists()


@pytest.mark.parametrize("target", ["-o", "--json"])
def test_a_target_that_cannot_be_written_is_told_before_a_model_is_loaded(
    collect, tmp_path, fake_runner, monkeypatch, target
):
    def load(*_):
        raise AssertionError("built an engine for nothing")

    monkeypatch.setattr(fake_runner, "load", load)
    (tmp_path / "file").write_text("")
    call = {"-o": tmp_path / "out", "--json": "-"} | {target: tmp_path / "file/x"}
    done = collect("fake:net", "--sensor", "none", *(w for pair in call.items() for w in pair))
    assert done.code == 7
    assert "file/x" in done.err
    assert not (tmp_path / "out").exists()


@pytest.mark.usefixtures("fake_runner")
def test_what_was_finished_is_reported_where_a_later_model_fails(collect, tmp_path):
    out = tmp_path / "all.json"
    done = collect(
        "fake:first", "other:second", "--sensor", "none", "--runs", "5", "-o", tmp_path,
        "--json", out,
    )  # fmt: skip
    assert done.code == 3
    assert "is no fake model" in done.err
    assert "first" in done.out
    assert [row["name"] for row in json.loads(out.read_text())["recordings"]] == ["first"]


@pytest.mark.usefixtures("fake_runner")
def test_a_report_that_fails_does_not_hide_why_a_model_did(collect, tmp_path, monkeypatch):
    def full(target, document):
        raise CannotWrite(target, "cannot be written", "free space on that disk")

    monkeypatch.setattr(common, "write_json", full)
    call = ("--sensor", "none", "--runs", "5", "-o", tmp_path, "--json", "-")
    assert "is no fake model" in collect("fake:first", "other:second", *call).err


def test_two_models_of_one_name_would_share_a_folder(collect, tmp_path, model):
    done = collect(model, model, "--sensor", "none", "-o", tmp_path / "out")
    assert done.code == 2
    assert "one name" in done.err


def test_a_missing_model_is_invalid_input(collect, tmp_path):
    done = collect("/nowhere/net.onnx", "--sensor", "none", *QUICK, "-o", tmp_path / "out")
    assert done.code == 3
    assert "no such file" in done.err
