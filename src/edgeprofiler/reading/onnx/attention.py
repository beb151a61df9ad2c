"""ONNX Runtime's fused attentions, written as products, splits and ONNX's `Attention`.

https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md; those that pack
several sequences into one tensor, or keep a sparse pattern, have no rule and stay unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from edgeprofiler.core.graph import Shape
from edgeprofiler.reading.onnx.structure import RawNode
from edgeprofiler.reading.onnx.writer import Writer
from edgeprofiler.reading.operators.call import BadNodeError


def _input(node: RawNode, place: int) -> str:
    return node.inputs[place] if place < len(node.inputs) else ""


def _heads(node: RawNode, name: str) -> int:
    heads = node.attributes.get(name)
    if not isinstance(heads, int) or heads < 1:
        raise BadNodeError(f"does not say {name}")
    return heads


def _core(
    writer: Writer, parts: Sequence[str], heads: tuple[int, int], past: Sequence[str] = ()
) -> None:
    """Add ONNX's attention; what the node gives out beside its result are keys and values."""
    node = writer.node
    mask = ("",) if any(past) else ()
    attributes = {"q_num_heads": heads[0], "kv_num_heads": heads[1]}
    inputs = (*parts, *mask, *(past if any(past) else ()))
    writer.add("Attention", inputs, "", attributes, node.outputs[:3])


def _projected(writer: Writer) -> None:
    """`Attention`, `QAttention`: one product makes queries, keys and values."""
    node = writer.node
    heads = _heads(node, "num_heads")
    source, weight, bias = node.inputs[:3]
    quantised = node.op == "QAttention"
    made = writer.add("MatMulInteger" if quantised else "MatMul", (source, weight), "project")
    if quantised:
        made = writer.add("Cast", (made,), "floats", {"to": 1})
    if bias:
        made = writer.add("Add", (made, bias), "bias")
    total = writer.values[weight].shape[-1]
    given = node.attributes.get("qkv_hidden_sizes")
    sizes = given if isinstance(given, tuple) and given else (total // 3,) * 3
    names = [f"{node.outputs[0]}/{part}" for part in ("queries", "keys", "values")]
    writer.add("Split", (made,), "split", {"axis": 2, "split": sizes}, names)
    attributes = {"q_num_heads": heads, "kv_num_heads": heads}
    writer.add("Attention", names, "", attributes, node.outputs[:1])


def _multi_head(writer: Writer) -> None:
    """`MultiHeadAttention`: queries, keys and values apart, with a bias over all three."""
    node = writer.node
    heads = _heads(node, "num_heads")
    if not (_input(node, 1) and _input(node, 2)):
        raise BadNodeError("packs queries, keys and values into one tensor")
    parts = list(node.inputs[:3])
    bias = _input(node, 3)
    if bias:
        parts = _with_bias(writer, parts, bias)
    _core(writer, parts, (heads, heads), (_input(node, 6), _input(node, 7)))


def _with_bias(writer: Writer, parts: list[str], bias: str) -> list[str]:
    shapes: list[Shape] = [writer.values[name].shape for name in parts]
    sizes = tuple(shape[2] if len(shape) == 3 else 0 for shape in shapes)
    if not all(sizes):
        return parts  # keys that were projected elsewhere have their bias already
    names = [f"{writer.node.outputs[0]}/bias{i}" for i in range(3)]
    writer.add("Split", (bias,), "biases", {"axis": 0, "split": sizes}, names)
    return [
        writer.add("Add", (part, name), f"biased{i}")
        for i, (part, name) in enumerate(zip(parts, names, strict=True))
    ]


def _grouped(writer: Writer) -> None:
    """`GroupQueryAttention`: several heads of queries share one of keys and values."""
    node = writer.node
    queries, keys = _heads(node, "num_heads"), _heads(node, "kv_num_heads")
    parts = node.inputs[:3]
    if not parts[1]:
        width = writer.values[parts[0]].shape[2] // (queries + 2 * keys)
        sizes = (queries * width, keys * width, keys * width)
        names = [f"{node.outputs[0]}/{part}" for part in ("queries", "keys", "values")]
        writer.add("Split", parts[:1], "split", {"axis": 2, "split": sizes}, names)
        parts = tuple(names)
    _core(writer, parts, (queries, keys), (_input(node, 3), _input(node, 4)))


ATTENTIONS: Mapping[str, Callable[[Writer], None]] = {
    "Attention": _projected,
    "QAttention": _projected,
    "MultiHeadAttention": _multi_head,
    "GroupQueryAttention": _grouped,
}
