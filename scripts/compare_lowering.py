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

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import EdgeProfilerError
from edgeprofiler.core.files import read_text, write_text
from edgeprofiler.core.graph import Graph, Node, Tensor
from edgeprofiler.core.network import Layer, Network, elements
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.front_end import ReadOptions
from edgeprofiler.reading.lowering import (
    A100_TENSORRT_8,
    GEFORCE_AMPERE,
    JETSON_ORIN,
    BuildTarget,
    lower,
)
from edgeprofiler.reading.tensorrt import TensorRTFrontEnd
from edgeprofiler.reading.zoo import zoo_graph

BEGIN, END = "<!-- lowering:begin -->", "<!-- lowering:end -->"
DEVICE = "jetson-orin-nano"
NETWORKS = ("alexnet", "vgg16", "resnet18", "mobilenet_v2")
Signature = tuple[object, ...]


@dataclass(frozen=True)
class Build:
    """How an engine was made: facts of its builder, not read from its layers."""

    target: BuildTarget
    precision: str = "fp16"
    half_model: bool = True
    """Whether the model was cast to FP16 first, so that its inputs and outputs are FP16."""
    quantized: bool = False
    """Whether the model has quantisers (quantisation-aware training)."""
    builder: str = "trtexec"


def build_of(engine: str) -> Build:
    """Return how an engine was built, by its name as the folder's README explains it."""
    if engine.startswith("a100"):  # NVIDIA's TREx examples: FP32 models
        quantized = "_qat_" in engine
        precision = "fp32" if "_fp32_" in engine else "fp16"
        return Build(A100_TENSORRT_8, precision, half_model=False, quantized=quantized)
    target = JETSON_ORIN if engine.startswith("orin") else GEFORCE_AMPERE
    if engine.endswith("onnx-trt"):  # built by a parser script without the flag for FP16
        return Build(target, "fp32")
    return Build(target, builder="torch-tensorrt" if engine.endswith("torch-trt") else "trtexec")


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
    def agreeing_typed(self) -> int:
        """How many compute layers agree in their data types too."""
        return sum((typed(self.built) & typed(self.lowered)).values())

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


def typed(network: Network) -> Counter[Signature]:
    return Counter(
        (*signature(layer), layer.dtype, layer.input_dtypes, layer.output_dtypes)
        for layer in network.layers
        if layer.kind != "other"
    )


def sum_moved(row: Row) -> bool:
    """Whether all that differs in types is which of two convolutions takes a residual sum."""
    missing, spare = typed(row.built) - typed(row.lowered), typed(row.lowered) - typed(row.built)
    sides = [Counter((*s[:-2], s[-1]) for s in side.elements()) for side in (missing, spare)]
    inputs = [Counter(s[-2] for s in side.elements()) for side in (missing, spare)]
    return sides[0] == sides[1] and inputs[0] == inputs[1]


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
    if not missing and typed(row.built) != typed(row.lowered):
        moved = "Torch-TensorRT runs the shortcut's convolution first, so the other takes the sum"
        reasons.append(moved if sum_moved(row) else "no reason known: data types")
    return reasons + [f"no reason known: only lowered {s}" for s in spare]


def network_of(path: Path) -> str | None:
    return next((name for name in NETWORKS if f"_{name}_" in path.name), None)


def halved(graph: Graph) -> Graph:
    """Return a graph as casting the model to FP16 makes it."""
    tensors = {
        name: replace(tensor, dtype="fp16") if tensor.dtype == "fp32" else tensor
        for name, tensor in graph.tensors.items()
    }
    return replace(graph, tensors=tensors)


def quantized(graph: Graph) -> Graph:
    """Put QuantizeLinear and DequantizeLinear before the input and weights of each convolution
    and fully connected node, as quantisation-aware training exports them: every layer has
    quantisers of its own, whose scales agree where they read one tensor."""
    tensors, nodes = dict(graph.tensors), []
    for node in graph.nodes:
        inputs = list(node.inputs)
        for place in (0, 1) if node.op in ("Conv", "Gemm") else ():
            name, own = inputs[place], f"{node.name}.{place}"
            scale, low, real = f"{own}.scale", f"{own}.int8", f"{own}.real"
            tensors[scale] = Tensor(scale, (), constant=True, value=(1.0,))
            tensors[low] = replace(tensors[name], name=low, dtype="int8", constant=False)
            tensors[real] = replace(tensors[name], name=real, constant=False)
            nodes.append(Node(f"q.{own}", "QuantizeLinear", (name, scale), (low,)))
            nodes.append(Node(f"dq.{own}", "DequantizeLinear", (low, scale), (real,)))
            inputs[place] = real
        nodes.append(replace(node, inputs=tuple(inputs)))
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def as_onnx(graph: Graph, folder: Path) -> Graph | None:
    """Write a graph as an ONNX file and read that; `None` where ONNX cannot be read here."""
    try:
        from onnx import TensorProto, helper, save

        from edgeprofiler.reading.onnx.front_end import OnnxFrontEnd
    except ImportError:
        return None
    types = {"fp32": TensorProto.FLOAT, "fp16": TensorProto.FLOAT16, "int64": TensorProto.INT64}
    numbers, weights = [], []
    for tensor in graph.tensors.values():
        if tensor.constant and tensor.value is not None:
            kind = types[tensor.dtype]
            numbers.append(helper.make_tensor(tensor.name, kind, tensor.shape, tensor.value))
        elif tensor.constant:
            kind = types[tensor.dtype]
            weights.append(helper.make_tensor_value_info(tensor.name, kind, tensor.shape))
    nodes = []
    for node in graph.nodes:
        made = helper.make_node(node.op, node.inputs, node.outputs, name=node.name)
        for key, value in node.attributes.items():
            made.attribute.append(helper.make_attribute(key, value))
        nodes.append(made)
    inputs = [
        helper.make_tensor_value_info(
            name, types[graph.tensors[name].dtype], graph.tensors[name].shape
        )
        for name in graph.inputs
    ]
    outputs = [
        helper.make_tensor_value_info(
            name, types[graph.tensors[name].dtype], graph.tensors[name].shape
        )
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
                build = build_of(path.stem)
                own = zoo_graph(name, batch=built.batch)
                own = quantized(own) if build.quantized else own
                own = halved(own) if build.half_model else own
                graph = as_onnx(own, Path(folder)) if front_end == "onnx" else own
                if graph is not None:
                    lowered = lower(
                        graph, build.precision, builder=build.builder, target=build.target
                    )
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
        "output, kernel, stride and groups; and how many agree also in the data types that they",
        "compute in, read and write.",
        "",
        "| engine | lowered from | for | layers | agree | in types too | differences |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        share = 100 * row.agreeing / row.total
        lines.append(
            f"| {row.engine} | {row.front_end} | {row.lowered.precision} | {row.total} | "
            f"{share:.1f} % | {row.agreeing_typed} | {'; '.join(differences(row)) or 'none'} |"
        )
    agreeing, total = sum(r.agreeing for r in rows), sum(r.total for r in rows)
    in_types = sum(r.agreeing_typed for r in rows)
    lines += [
        "",
        f"All together {agreeing} of {total} ({100 * agreeing / total:.1f} %), in types too",
        f"{in_types} ({100 * in_types / total:.1f} %).",
        "",
        "Each network is lowered for what its engine was built on, of which lowering knows three",
        "numbers: the ratio of TF32's peak to FP32's (A100 8, RTX 3060 1; a Jetson Orin, the",
        "default, 4), TensorRT's major version, and whether Torch-TensorRT's sums without",
        "activation are kernels of their own. The rtx3060m onnx-trt engines are FP32 engines of",
        "FP16 models; the qat one is of a model with a quantiser on each convolution's input and",
        "weights. Where both peaks promise the same (RTX 3060), TensorRT's timing decides, and",
        "rules follow the layout in which a tensor lies; one convolution of resnet18, between two",
        "reformats, escapes them. The rules for FP32 and INT8 were found on these very engines and",
        "no others are public, so that for those five the agreement is a fit, not a test.",
        "",
        f"Predicted runtime of one inference on {DEVICE}, ms, and in what else the two differ.",
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
