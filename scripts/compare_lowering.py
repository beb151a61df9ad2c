"""Compare lowered models with the engines that TensorRT built of the same networks.

    python scripts/compare_lowering.py [--shared FOLDER] [--write docs/accuracy.md]

Prints two Markdown tables: how far the multisets of compute layers agree, with a reason for each
difference, and how far the predicted total runtimes do. `--write` replaces the block between
`<!-- lowering:begin -->` and `<!-- lowering:end -->`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from edgeprofiler.device import load_device
from edgeprofiler.errors import EdgeProfilerError
from edgeprofiler.files import read_text, write_text
from edgeprofiler.frontends.protocol import ReadOptions
from edgeprofiler.frontends.tensorrt import TensorRTFrontEnd
from edgeprofiler.frontends.zoo import zoo_graph
from edgeprofiler.graph import Graph, Node, Tensor
from edgeprofiler.lowering import lower
from edgeprofiler.network import Layer, Network, elements
from edgeprofiler.predictors.roofline import RooflinePredictor

BEGIN, END = "<!-- lowering:begin -->", "<!-- lowering:end -->"
DEVICE = "jetson-orin-nano"
NETWORKS = ("alexnet", "vgg16", "resnet18", "mobilenet_v2")
Signature = tuple[object, ...]


@dataclass(frozen=True)
class Row:
    engine: str
    network: str
    front_end: str
    built: Network
    lowered: Network

    @property
    def agreeing(self) -> int:
        return sum((signatures(self.built) & signatures(self.lowered)).values())

    @property
    def total(self) -> int:
        return max(sum(signatures(n).values()) for n in (self.built, self.lowered))


def signature(layer: Layer) -> Signature:
    """What must agree of a compute layer. A dense one is told by its features alone: engines
    write one layer as 1x9216, 1x9216x1x1 or 1x256x6x6, as a GEMM or as a 1x1 convolution."""
    if layer.kind == "dense":
        source, result = layer.input_shapes[0], layer.output_shapes[0]
        batch = source[0]
        return ("dense", batch, elements(source) // batch, elements(result) // batch)
    return (
        layer.kind, layer.input_shapes[0], layer.output_shapes[0], layer.kernel, layer.stride,
        layer.groups,
    )  # fmt: skip


def signatures(network: Network) -> Counter[Signature]:
    return Counter(signature(layer) for layer in network.layers if layer.kind != "other")


def differences(row: Row) -> list[str]:
    """Name the reason for each layer of the engine that has no equal, or show both sides."""
    built, lowered = signatures(row.built), signatures(row.lowered)
    missing = list((built - lowered).elements())
    spare = list((lowered - built).elements())
    reasons: list[str] = []
    for own in missing:
        if own[0] == "pooling" and own[3] == () and any(s[:3] == own[:3] for s in spare):
            spare.remove(next(s for s in spare if s[:3] == own[:3]))
            reasons.append("the engine's mean is a generated kernel that states no window")
        else:
            reasons.append(f"no reason known: only in the engine {own}")
    return reasons + [f"no reason known: only lowered {s}" for s in spare]


def network_of(path: Path) -> str | None:
    return next((name for name in NETWORKS if f"_{name}_" in path.name), None)


def target_precision(built: Network) -> str:
    """What to lower for, so that the same engine is meant: its name can say FP16 and be TF32."""
    types = {layer.dtype for layer in built.layers if layer.kind != "other"}
    if "int8" in types:
        return "int8"
    return "fp16" if "fp16" in types else "fp32"


def builder_of(path: Path) -> str:
    return "torch-tensorrt" if path.stem.endswith("torch-trt") else "trtexec"


def quantized(graph: Graph) -> Graph:
    """Put QuantizeLinear and DequantizeLinear before the input and weights of each convolution
    and fully connected node, as quantisation-aware training exports them."""
    tensors, nodes, done = dict(graph.tensors), [], dict[str, str]()
    for node in graph.nodes:
        inputs = list(node.inputs)
        for place in (0, 1) if node.op in ("Conv", "Gemm") else ():
            name = inputs[place]
            if name not in done:
                scale, low, real = f"{name}.scale", f"{name}.int8", f"{name}.real"
                tensors[scale] = Tensor(scale, (), constant=True, value=(1.0,))
                tensors[low] = replace(tensors[name], name=low, dtype="int8")
                tensors[real] = replace(tensors[name], name=real)
                if tensors[name].constant:  # what is computed from weights is no weight
                    tensors[low] = replace(tensors[low], constant=False)
                    tensors[real] = replace(tensors[real], constant=False)
                nodes.append(Node(f"q.{name}", "QuantizeLinear", (name, scale), (low,)))
                nodes.append(Node(f"dq.{name}", "DequantizeLinear", (low, scale), (real,)))
                done[name] = real
            inputs[place] = done[name]
        nodes.append(replace(node, inputs=tuple(inputs)))
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def as_onnx(graph: Graph, folder: Path) -> Graph | None:
    """Write a graph as an ONNX file and read that; `None` where ONNX cannot be read here."""
    try:
        from onnx import TensorProto, helper, save

        from edgeprofiler.frontends.onnx import OnnxFrontEnd
    except ImportError:
        return None
    floats, integers = TensorProto.FLOAT, TensorProto.INT64
    numbers, weights = [], []
    for tensor in graph.tensors.values():
        if tensor.constant and tensor.value is not None:
            kind = floats if tensor.dtype.startswith("fp") else integers
            numbers.append(helper.make_tensor(tensor.name, kind, tensor.shape, tensor.value))
        elif tensor.constant:
            weights.append(helper.make_tensor_value_info(tensor.name, floats, tensor.shape))
    nodes = []
    for node in graph.nodes:
        made = helper.make_node(node.op, node.inputs, node.outputs, name=node.name)
        for key, value in node.attributes.items():
            made.attribute.append(helper.make_attribute(key, value))
        nodes.append(made)
    inputs = [
        helper.make_tensor_value_info(name, floats, graph.tensors[name].shape)
        for name in graph.inputs
    ]
    outputs = [
        helper.make_tensor_value_info(name, floats, graph.tensors[name].shape)
        for name in graph.outputs
    ]
    content = helper.make_graph(nodes, graph.name, [*inputs, *weights], outputs, numbers)
    path = folder / f"{graph.name}.onnx"
    save(helper.make_model(content, opset_imports=[helper.make_opsetid("", 13)]), path)
    return OnnxFrontEnd().read(str(path), ReadOptions())


def compare(shared: Path, front_ends: Sequence[str]) -> list[Row]:
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((shared / "inputs/engine_info").glob("*.json")):
            name = network_of(path)
            if name is None:
                continue
            built = TensorRTFrontEnd().read(str(path), ReadOptions())
            assert isinstance(built, Network)
            for front_end in front_ends:
                own = zoo_graph(name, batch=built.batch)
                graph = as_onnx(own, Path(folder)) if front_end == "onnx" else own
                if graph is not None:
                    precision = target_precision(built)
                    if precision == "int8":
                        graph, precision = quantized(graph), "fp16"
                    lowered = lower(graph, precision, builder=builder_of(path))
                    rows.append(Row(path.stem, name, front_end, built, lowered))
    return rows


def runtime_ratios(rows: Sequence[Row]) -> list[tuple[float, float]]:
    predictor = RooflinePredictor(load_device(DEVICE))
    built = predictor.predict_many([row.built for row in rows])
    lowered = predictor.predict_many([row.lowered for row in rows])
    return [
        (a.totals.runtime_s.value, b.totals.runtime_s.value)
        for a, b in zip(built, lowered, strict=True)
    ]


def extra_layers(built: Network, lowered: Network) -> str:
    """What else the two have, which explains a difference in runtime."""
    ops = [
        Counter(la.op for la in network.layers if la.kind == "other" and la.op != "noop")
        for network in (built, lowered)
    ]
    only = [f"{n} {op} in the engine" for op, n in (ops[0] - ops[1]).items()]
    only += [f"{n} {op} lowered" for op, n in (ops[1] - ops[0]).items()]
    types = [Counter(la.dtype for la in n.layers if la.kind != "other") for n in (built, lowered)]
    if types[0] != types[1]:
        told = [", ".join(f"{n} {t}" for t, n in sorted(c.items())) for c in types]
        only.append(f"compute layers are {told[0]} in the engine, {told[1]} lowered")
    return "; ".join(only) or "none"


def markdown(rows: Sequence[Row]) -> str:
    lines = [
        "Compute layers (convolution, pooling, dense) as a multiset of kind, shapes of input and",
        "output, kernel, stride and groups.",
        "",
        "| engine | lowered from | for | layers | agree | differences |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = 100 * row.agreeing / row.total
        lines.append(
            f"| {row.engine} | {row.front_end} | {row.lowered.precision} | {row.total} | "
            f"{share:.1f} % | {'; '.join(differences(row)) or 'none'} |"
        )
    agreeing, total = sum(r.agreeing for r in rows), sum(r.total for r in rows)
    lines += [
        "",
        f"All together {agreeing} of {total} ({100 * agreeing / total:.1f} %).",
        "",
        f"Predicted runtime of one inference on {DEVICE}, ms, and in what else the two differ. For",
        "FP32, TensorRT times FP32 against TF32 kernels layer by layer, and chose differently on",
        "different GPUs; lowering says TF32 for all. The quantised engine keeps its first layer",
        "and tensors between layers in FP32.",
        "",
        "| engine | lowered from | engine | lowered | difference | what differs |",
        "|---|---|---|---|---|---|",
    ]
    for row, (built, lowered) in zip(rows, runtime_ratios(rows), strict=True):
        lines.append(
            f"| {row.engine} | {row.front_end} | {1e3 * built:.3f} | {1e3 * lowered:.3f} | "
            f"{100 * (lowered / built - 1):+.1f} % | {extra_layers(row.built, row.lowered)} |"
        )
    return "\n".join(lines)


def replaced(text: str, block: str, path: Path) -> str:
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise SystemExit(f"{path}: has no block between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{block}\n{END}{after}"


def main() -> None:
    default = os.environ.get("EDGEPROFILER_SHARED", Path(__file__).parents[2] / "shared")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--shared", type=Path, default=Path(default))
    parser.add_argument("--write", type=Path, metavar="FILE")
    arguments = parser.parse_args()
    if not (arguments.shared / "inputs/engine_info").is_dir():
        raise SystemExit(f"{arguments.shared}: no inputs/engine_info; name the folder by --shared")
    try:
        block = markdown(compare(arguments.shared, ("zoo", "onnx")))
        if arguments.write:
            text = read_text(arguments.write)
            write_text(arguments.write, replaced(text, block, arguments.write))
            print(f"wrote {arguments.write}", file=sys.stderr)
        else:
            print(block)
    except EdgeProfilerError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
