"""Networks run for real beside another tool's power log, learnt from, and predicted elsewhere."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

pytest.importorskip("onnxruntime")
pytest.importorskip("sklearn")
pytest.importorskip("pyarrow")
pytest.importorskip("onnx")

import onnx

from edgeprofiler.core.profile.document import write_profile
from edgeprofiler.learning.journeys import build_dataset, train
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.collect.journey import collect

pytestmark = pytest.mark.slow
NETWORKS = 12
STEP_S = 2e-3

ELSEWHERE = """
import json, sys
for name in ("sklearn", "onnxruntime", "pyarrow"):
    sys.modules[name] = None
import edgeprofiler
profile = edgeprofiler.predict(sys.argv[1], predictor=sys.argv[2])
t = profile.totals
print(json.dumps({
    "precision": profile.network.precision, "runtime": profile.device.runtime,
    "runtime_s": t.runtime_s.value, "power_above_idle_w": t.power_above_idle_w.value,
}))
"""


def network(path, width, depth):
    """A chain of convolutions of its own width and depth, and a dense layer."""
    rng = np.random.default_rng(width * depth)
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    nodes, weights, source, channels = [], [], "x", 3
    for i in range(depth):
        values = rng.normal(size=(width, channels, 3, 3)).astype(np.float32) / channels
        weights.append(numpy_helper.from_array(values, f"w{i}"))
        nodes.append(
            helper.make_node("Conv", [source, f"w{i}"], [f"c{i}"], f"conv{i}", pads=[1] * 4)
        )
        nodes.append(helper.make_node("MaxPool", [f"c{i}"], [f"p{i}"], f"pool{i}",
                                      kernel_shape=[2, 2], strides=[1, 1]))  # fmt: skip
        source, channels = f"p{i}", width
    shape = [1, width, 32 - depth, 32 - depth]
    graph = helper.make_graph(
        nodes, path.stem,
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [1, 3, 32, 32])],
        [helper.make_tensor_value_info(source, onnx.TensorProto.FLOAT, shape)], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def test_precision_host_and_units_are_right_without_a_flag(tmp_path):
    sizes = [(8 + 4 * (i % 6), 2 + i // 4) for i in range(NETWORKS)]
    models = [network(tmp_path / f"n{i}.onnx", *size) for i, size in enumerate(sizes)]
    power = np.random.default_rng(1).uniform(24_000, 26_000, 60_000)
    start = time.time() - 2
    log = tmp_path / "meter.csv"
    log.write_text(
        "Time;Power [mW]\n"
        + "".join(f"{start + i * STEP_S:.3f};{p:.0f}\n" for i, p in enumerate(power.tolist()))
    )
    recordings = collect(
        *models, output=tmp_path / "r", runner="onnxruntime", sensor="replay",
        sensor_options={"path": str(log)}, runs=60, warmup=1, idle_s=0.1, dither_s=0.0,
    )  # fmt: skip
    assert all(24 <= r.trace.total_w.min() <= r.trace.total_w.max() <= 26 for r in recordings)
    profiles = []
    for recording in recordings:
        path = tmp_path / f"{recording.name}.json"
        write_profile(attribute(recording), path)
        profiles.append(path)
    built = build_dataset(*profiles[:-1], output=tmp_path / "data")
    assert set(built.data.text("precision").tolist()) == {"fp32"}
    (host,) = set(built.data.text("runtime").tolist())
    assert host.startswith("onnxruntime")
    train(tmp_path / "data", output=tmp_path / "p", options={"trees": 4})
    ran = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(models[-1]), str(tmp_path / "p")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(ran.stdout)
    assert (found["precision"], found["runtime"]) == ("fp32", "onnxruntime")
    measured = float(np.nansum(recordings[-1].timeline.duration_s, axis=1).mean())
    assert 0.1 < found["runtime_s"] / measured < 10  # seconds, and not milliseconds
