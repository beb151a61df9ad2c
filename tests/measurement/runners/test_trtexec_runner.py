"""trtexec: its files, real ones, and a script that plays the program."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest

from edgeprofiler.core.errors import (
    InvalidInput,
    Unavailable,
    Unsupported,
    UsageError,
)
from edgeprofiler.measurement.runners._trtexec_files import (
    read_layer_times,
    read_run_times,
)
from edgeprofiler.measurement.runners.protocol import Runner
from edgeprofiler.measurement.runners.trtexec import TrtexecRunner, profile_from_trtexec

PROFILE = [
    {"count": 4},
    {"name": "a", "timeMs": 4.0, "averageMs": 1.0, "medianMs": 0.9, "percentage": 66.7},
    {"name": "b", "timeMs": 2.0, "averageMs": 0.5, "medianMs": 0.5, "percentage": 33.3},
]


def times(runs: int, h2d: bool = True) -> list[dict]:
    rows = []
    for i in range(runs):
        start = 10.0 + 2.0 * i
        row = {"startComputeMs": start, "endComputeMs": start + 1.6, "computeMs": 1.6}
        rows.append({**row, "latencyMs": 1.8} if h2d else row)
    return rows


@pytest.fixture
def files(tmp_path: Path):
    def write(name: str, value: object) -> Path:
        path = tmp_path / name
        path.write_text(json.dumps(value))
        return path

    return write


def test_the_files_are_read_in_seconds(files):
    layers = read_layer_times(files("p.json", PROFILE))
    assert layers.count == 4
    assert layers.names == ("a", "b")
    np.testing.assert_allclose(layers.average_s, [1e-3, 0.5e-3])
    runs = read_run_times(files("t.json", times(3)))
    np.testing.assert_allclose(runs.start_s, [0.010, 0.012, 0.014])
    np.testing.assert_allclose(runs.latency_s, 1.8e-3)


def test_releases_without_averages_give_the_sum_over_their_count(files):
    old = [{"count": 4}, {"name": "a", "timeMs": 4.0}]
    layers = read_layer_times(files("p.json", old))
    np.testing.assert_allclose(layers.average_s, [1e-3])


def test_runs_of_a_gpu_without_copies_have_their_gpu_time_as_latency(files):
    runs = read_run_times(files("t.json", times(2, h2d=False)))
    np.testing.assert_allclose(runs.latency_s, 1.6e-3)


@pytest.mark.parametrize(
    "bad",
    [
        {}, [], [1], [{"count": 2}], [{"count": 0}, {"name": "a"}],
        [{"name": "a", "averageMs": -1}], [{"name": "a", "averageMs": "1"}],
        [{"name": "a", "averageMs": True}],
    ],
)  # fmt: skip
def test_files_that_are_no_profile_are_refused(files, bad: object):
    with pytest.raises(InvalidInput):
        read_layer_times(files("p.json", bad))


@pytest.mark.parametrize("bad", [{}, [], [1], [{"latencyMs": 1.0}], [{"startComputeMs": "x"}]])
def test_files_that_are_no_times_are_refused(files, bad: object):
    with pytest.raises(InvalidInput):
        read_run_times(files("t.json", bad))


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    [
        "a100_resnet18_fp16", "a100_resnet18_fp32", "a100_resnet18_qat", "rtx3060m_alexnet_fp16",
        "rtx3060m_mobilenet_v2_fp16", "rtx3060m_resnet18_fp16",
    ],
)  # fmt: skip
def test_real_files_give_a_measured_profile_of_runtimes(shared: Path, name: str):
    """Every timed layer is in its engine's description, and no power is made up."""
    path = f"{name}_trtexec.json"
    engine, profile = shared / "inputs/engine_info" / path, shared / "inputs/profile" / path
    measured = profile_from_trtexec(engine, profile)
    layers = json.loads(profile.read_text())[1:]
    total_ms = sum(layer["averageMs"] for layer in layers)
    assert measured.totals.runtime_s.value == pytest.approx(total_ms * 1e-3, rel=1e-9)
    assert [cost.layer.name for cost in measured] == [layer["name"] for layer in layers]
    assert not any(cost.layer.op == "unknown" for cost in measured)
    assert measured.origin.kind == "measured"
    assert not measured.totals.energy_j.known
    assert any("no power" in warning for warning in measured.warnings)


def test_times_of_runs_give_the_fixed_part_and_the_hosts_gap(files):
    """GPU time beyond the layers is fixed; what lies between runs is the host's gap."""
    engine = files("e.json", {"Layers": []})
    profile = profile_from_trtexec(engine, files("p.json", PROFILE), files("t.json", times(5)))
    assert profile.fixed.runtime_s == pytest.approx(0.1e-3)
    assert profile.host_gap.runtime_s == pytest.approx(0.4e-3)
    assert profile.totals.end_to_end_s.value == pytest.approx(2e-3)
    assert math.isnan(profile.fixed.power_w)


def test_a_profiler_that_slows_the_layers_is_told(files):
    slow = [{"count": 1}, {"name": "a", "averageMs": 2.0}]
    profile = profile_from_trtexec(
        files("e.json", {"Layers": []}), files("p.json", slow), files("t.json", times(1))
    )
    assert profile.fixed.runtime_s == 0
    assert any("above the unprofiled" in warning for warning in profile.warnings)


PROGRAM = f"""#!{sys.executable}
import json, sys
options = dict(a.lstrip("-").partition("=")[::2] for a in sys.argv[1:])
print("[I] TensorRT version: 10.3.0")
if "onnx" in options:
    if b"FAIL" in open(options["onnx"], "rb").read():
        print("[E] Error[4]: no tactic", flush=True); sys.exit(1)
    open(options["saveEngine"], "w").write(" ".join(sys.argv[1:]))
    sys.exit(0)
print("[I] Starting inference", flush=True)
n = int(options["iterations"]) + 3  # warm-up runs, which old releases export too
rows = [dict(startComputeMs=i, endComputeMs=i + .5, computeMs=.5, latencyMs=.6) for i in range(n)]
json.dump(rows, open(options["exportTimes"], "w"))
if "exportProfile" in options:
    json.dump([dict(count=n), dict(name="a", averageMs=.3), dict(name="b", averageMs=.2)],
              open(options["exportProfile"], "w"))
    json.dump(dict(Layers=["a", "b"]), open(options["exportLayerInfo"], "w"))
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "trtexec"
    path.write_text(PROGRAM)
    path.chmod(0o755)
    return path


def test_trtexec_builds_once_and_runs_as_often_as_asked(program: Path, small_onnx: Path):
    runner = TrtexecRunner(program=str(program))
    assert isinstance(runner, Runner)
    runner.load(str(small_onnx))
    assert runner.network() is None
    built = runner.loaded().file("model.engine").read_text()
    assert "--fp16" in built
    assert "--profilingVerbosity=detailed" in built
    timeline = runner.run(6)
    assert timeline.layer_names == ("a", "b")
    assert timeline.runs == 6
    np.testing.assert_allclose(timeline.duration_s[5], [0.3e-3, 0.2e-3])
    assert timeline.stamp_kind == "none"
    assert [layer.op for layer in runner.network().layers] == ["unknown", "unknown"]
    np.testing.assert_allclose(runner.latencies(3), 0.6e-3)
    assert runner.describe()["runtime"] == "trtexec 10.3.0"
    runner.run(2, np.array([0.001, 0.003]))
    runner.close()
    with pytest.raises(UsageError, match="load"):
        runner.run(1)


def test_a_failure_quotes_trtexecs_error(program: Path, small_onnx: Path):
    program.write_text(PROGRAM.replace('if b"FAIL" in', 'if b"" in'))
    with pytest.raises(Unsupported, match="no tactic"):
        TrtexecRunner(program=str(program)).load(str(small_onnx))


def test_trtexec_that_does_not_end_is_stopped(program: Path, small_onnx: Path):
    program.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(60)\n")
    runner = TrtexecRunner(program=str(program), build_timeout_s=0.2)
    with pytest.raises(Unavailable, match="did not end"):
        runner.load(str(small_onnx))


def test_without_the_program_the_remedy_says_where_it_is_and_how_to_do_without():
    with pytest.raises(Unavailable, match=r"not found.*--exportProfile"):
        TrtexecRunner(program="no-such-trtexec").probe()
    with pytest.raises(UsageError, match="bf16"):
        TrtexecRunner(precision="bf16")
    runner = TrtexecRunner(warm_up_ms=5)
    assert TrtexecRunner(**json.loads(json.dumps(runner.options))).options == runner.options
