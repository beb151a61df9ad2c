"""How much time and memory it takes to read an ONNX file.

Usage: python benchmarks/onnx_reading.py [FOLDER]

Writes a 500 MB convolutional network (weights inline, then in a file beside it) and one of 10,000
nodes into a temporary folder, and reads each in a process of its own. The reference is
`onnx.load`, in a process of its own too. Prints Markdown.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from onnx import ModelProto

LAYERS = 125
"""Each layer's weights are 1000 x 1000 single-precision numbers: 4 MB."""

# ru_maxrss would carry over what this process held when it forked; VmHWM starts anew.
PEAK = """
from pathlib import Path
def peak_mib():
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
"""
READ = """
import sys, time
from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
from edgeprofiler.reading.front_end import ReadOptions
start = time.perf_counter()
graph = OnnxFrontEnd().read(sys.argv[1], ReadOptions())
read = time.perf_counter()
lowered = read
if len(sys.argv) > 2:
    from edgeprofiler.reading.lowering import lower
    lower(graph, "fp16")
    lowered = time.perf_counter()
print(read - start, lowered - read, peak_mib(), len(graph.nodes))
"""
REFERENCE = """
import sys, time
import onnx
start = time.perf_counter()
model = onnx.load(sys.argv[1])
print(time.perf_counter() - start, 0, peak_mib(), 0)
"""


def large_model() -> ModelProto:
    """Return 125 convolutions of 1000 channels, 500 MB of weights."""
    from onnx import TensorProto, helper, numpy_helper

    weight = np.zeros((1000, 1000, 1, 1), np.float32)
    nodes, weights = [], []
    for index in range(LAYERS):
        inputs = [f"x{index}", f"w{index}"]
        nodes.append(helper.make_node("Conv", inputs, [f"x{index + 1}"], name=f"conv{index}"))
        weights.append(numpy_helper.from_array(weight, f"w{index}"))
    shape = [1, 1000, 14, 14]
    graph = helper.make_graph(
        nodes,
        "large",
        [helper.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"x{LAYERS}", TensorProto.FLOAT, shape)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def long_model(nodes: int = 10_000) -> ModelProto:
    """Return a graph of convolutions, activations, additions and calculated reshapes."""
    from onnx import TensorProto, helper, numpy_helper

    weight = numpy_helper.from_array(np.zeros((8, 8, 3, 3), np.float32), "w")
    zero = numpy_helper.from_array(np.array(0), "zero")
    rest = numpy_helper.from_array(np.array([8, 8, 8]), "rest")
    axes = numpy_helper.from_array(np.array([0]), "axes")
    made, last = [], "x"
    for index in range(nodes // 10):
        p = f"b{index}_"
        for op, inputs, output, attributes in (
            ("Conv", [last, "w"], "c", {"pads": [1, 1, 1, 1]}),
            ("Sigmoid", [p + "c"], "s", {}),
            ("Mul", [p + "c", p + "s"], "m", {}),
            ("Shape", [p + "m"], "shape", {}),
            ("Gather", [p + "shape", "zero"], "n", {}),
            ("Unsqueeze", [p + "n", "axes"], "n1", {}),
            ("Concat", [p + "n1", "rest"], "target", {"axis": 0}),
            ("Reshape", [p + "m", p + "target"], "r", {}),
            ("Add", [p + "r", last], "a", {}),
            ("Relu", [p + "a"], "out", {}),
        ):
            made.append(helper.make_node(op, inputs, [p + output], name=p + output, **attributes))
        last = p + "out"
    shape = [1, 8, 8, 8]
    graph = helper.make_graph(
        made,
        "long",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, shape)],
        [weight, zero, rest, axes],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def measure(program: str, *arguments: str) -> tuple[float, float, float, int]:
    """Run a program in a process of its own; return seconds, seconds, MiB and nodes (best of 3)."""
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", PEAK + program, *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        first, second, peak, nodes = done.stdout.split()
        runs.append((float(first), float(second), float(peak), int(nodes)))
    return min(runs)


def write(folder: Path) -> dict[str, Path]:
    """Write the three files; return their paths by what they are."""
    import onnx

    model = large_model()
    inline, beside, long = folder / "inline.onnx", folder / "beside.onnx", folder / "long.onnx"
    inline.write_bytes(model.SerializeToString())
    onnx.save(model, beside, save_as_external_data=True, location="beside.bin")
    onnx.save(long_model(), long)
    return {
        "500 MB, weights inline": inline,
        "500 MB, weights beside": beside,
        "10,000 nodes": long,
    }


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as name:
        head = "file | read, s | lower, s | peak, MiB | onnx.load, s | its peak, MiB | ratio"
        print(f"| {head} |")
        print("|---|---|---|---|---|---|---|")
        for title, path in write(Path(name)).items():
            read, lowered, peak, _ = measure(READ, str(path), "lower")
            loaded, _, loaded_peak, _ = measure(REFERENCE, str(path))
            print(
                f"| {title} | {read:.3f} | {lowered:.3f} | {peak:.0f} | {loaded:.3f} | "
                f"{loaded_peak:.0f} | {read / loaded:.2f} |"
            )
    import onnx

    print(
        f"\nPython {platform.python_version()}, onnx {onnx.__version__}, {platform.machine()}, "
        "best of 3; imports of onnx and numpy are within the peaks, and that of onnx within the "
        "front end's time."
    )


if __name__ == "__main__":
    main()
