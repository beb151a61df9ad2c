"""Layers that compute: shapes, windows, multiply-accumulates and weights of each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

from edgeprofiler.core.graph import Node
from edgeprofiler.core.network import Layer, Shape, elements, input_bytes, make_layer, output_bytes
from edgeprofiler.reading.lowering.facts import Facts, spatial_size
from edgeprofiler.reading.lowering.units import Role, Unit
from edgeprofiler.reading.lowering.vocabulary import MAX_POOLS, TRANSPOSED
from edgeprofiler.reading.operators.macs import node_macs
from edgeprofiler.reading.operators.windows import pad_amounts, window_of

_OPS: dict[Role, str] = {
    "pointwise": "pointwise", "softmax": "softmax", "normalization": "normalization",
    "resize": "resize", "copy": "copy", "topk": "topk", "reduce": "reduce",
    "quantize": "reformat", "unknown": "unknown",
}  # fmt: skip


def _fused(unit: Unit, pad: Node | None = None) -> tuple[str, ...]:
    before = (pad.op,) if pad is not None else ()
    return (*before, *(node.op for node in unit.nodes[1:]))


def _names(unit: Unit, pad: Node | None = None) -> tuple[str, ...]:
    before = (pad.name,) if pad is not None else ()
    return (*before, *(node.name for node in unit.nodes))


def convolution(
    facts: Facts,
    unit: Unit,
    name: str,
    inputs: Sequence[str],
    pad: Node | None,
    dtype: str,
    input_types: tuple[str, ...],
    result_type: str,
) -> Layer:
    """Return the layer of a convolution; of 1x1 space it is dense."""
    node = unit.anchor
    source, result = facts.shape(inputs[0]), facts.shape(unit.unpooled or unit.output)
    weight, bias = _convolution_weights(node, facts)
    window = window_of(node, source, result, weight)
    before, after = window.before, window.after
    if pad is not None:
        extra_before, extra_after = pad_amounts(facts.graph, pad)
        before = tuple(a + b for a, b in zip(before, extra_before[2:], strict=True))
        after = tuple(a + b for a, b in zip(after, extra_after[2:], strict=True))
    groups = max(node.integer("group", 1), 1)
    dense = spatial_size(source) == 1 and spatial_size(result) == 1 and len(source) > 2
    transposed = node.op in TRANSPOSED
    as_gemm = dense and groups == 1 and set(window.kernel) <= {1} and not transposed
    channels = result[1] if len(result) > 1 else 1
    weights = elements(weight) if weight else None
    if weights is not None and (bias or unit.scaled):
        weights += channels
    if weights is not None:
        weights += 0 if unit.scaled else sum(elements(t.shape) for t in unit.parameters)
    return make_layer(
        name=name,
        kind="dense" if dense else "convolutional",
        op="gemm" if as_gemm else "transposed_convolution" if transposed else "convolution",
        input_shapes=[facts.shape(i) for i in inputs],
        output_shapes=[facts.shape(unit.output)],
        dtype=dtype,
        input_dtypes=input_types,
        output_dtypes=(result_type,),
        weight_elements=weights,
        macs=node_macs(facts.graph, node),
        fused_ops=_fused(unit, pad),
        kernel=window.kernel,
        stride=window.stride,
        padding_before=before,
        padding_after=after,
        dilation=window.dilation,
        groups=groups,
        nodes=_names(unit, pad),
        repeats=unit.repeats,
    )


def side_by_side(layers: Sequence[Layer]) -> Layer:
    """Return one layer with the filters of several convolutions of one tensor."""
    first = layers[0]
    shape = first.output_shapes[0]
    channels = sum(layer.output_shapes[0][1] for layer in layers)
    known = [layer.weight_bytes for layer in layers if layer.weight_bytes is not None]
    weights = sum(known) if len(known) == len(layers) else None
    merged = replace(
        first,
        name=" || ".join(layer.name for layer in layers),
        output_shapes=((shape[0], channels, *shape[2:]),),
        macs=sum(layer.macs or 0 for layer in layers),
        flops=sum(layer.flops or 0 for layer in layers),
        weight_bytes=weights,
        nodes=tuple(dict.fromkeys(name for layer in layers for name in layer.nodes)),
    )
    moved = math.ceil(input_bytes(merged) + output_bytes(merged)) + (weights or 0)
    return replace(merged, bytes_moved=moved * merged.repeats)


def _convolution_weights(node: Node, facts: Facts) -> tuple[Shape, bool]:
    """Return the shape of the weights (empty where unknown), and whether there is a bias."""
    place = 3 if node.op == "QLinearConv" else 1
    bias_place = {"QLinearConv": 8, "DeformConv": 3, "ConvInteger": 99}.get(node.op, 2)
    tensor = facts.graph.tensors.get(node.inputs[place]) if len(node.inputs) > place else None
    has_bias = len(node.inputs) > bias_place and bool(node.inputs[bias_place])
    return (tensor.shape if tensor is not None else ()), has_bias


def product(
    facts: Facts,
    unit: Unit,
    name: str,
    dtype: str,
    input_types: tuple[str, ...],
    result_type: str,
) -> Layer:
    """Return the layer of a fully connected node, or of a product of two activations."""
    node = unit.anchor
    result = facts.shape(unit.output)
    constants = [t for t in facts.constants(node) if elements(t.shape) > 1]
    anchors = [n for n in facts.dynamic(node) if not _is_addend(node, n, facts)]
    weights = [t for t in constants if len(t.shape) >= 2 or unit.role == "matmul"]
    by_weights = len(anchors) == 1 and bool(weights)
    columns = result[-1] if result else 1
    total = sum(elements(t.shape) for t in constants)
    added = sum(elements(t.shape) for t in unit.parameters)
    if unit.scaled and by_weights:  # a scale folds, a shift becomes the one bias
        added = min(added, columns)
    return make_layer(
        name=name,
        kind="dense",
        op="gemm" if by_weights else "matmul",
        input_shapes=[facts.shape(i) for i in unit.inputs],
        output_shapes=[result],
        dtype=dtype,
        input_dtypes=input_types,
        output_dtypes=(result_type,),
        weight_elements=total + added,
        macs=_total_macs((node, *unit.products), facts),
        fused_ops=_fused(unit),
        nodes=_names(unit),
        repeats=unit.repeats,
    )


def _is_addend(node: Node, name: str, facts: Facts) -> bool:
    return node.op == "Gemm" and len(node.inputs) > 2 and facts.real(node.inputs[2]) == name


def _total_macs(nodes: Iterable[Node], facts: Facts) -> int | None:
    counts = [node_macs(facts.graph, node) for node in nodes]
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def pooling(
    facts: Facts,
    unit: Unit,
    name: str,
    dtype: str,
    input_types: tuple[str, ...],
    result_type: str,
) -> Layer:
    """Return the layer of a pooling; one over all positions says so, with its window.

    A global pooling's result is written with its 1x1 space, as engines do, also where the model
    drops it.
    """
    node = unit.anchor
    source = facts.shape(unit.inputs[0])
    result = facts.shape(unit.output)
    space = source[2:]
    before = after = dilation = (0,) * len(space)
    if unit.role == "global_pool":
        kernel, stride = space, (1,) * len(space)
        result = (*source[:2], *(1,) * len(space))
        op, dilation = "global_pool", (1,) * len(space)
    else:
        window = window_of(node, source, result)
        kernel, stride, dilation = window.kernel, window.stride, window.dilation
        before, after = window.before, window.after
        whole = spatial_size(result) == 1 and kernel == space
        op = "max_pool" if node.op in MAX_POOLS else "average_pool"
        if whole:
            op, stride = "global_pool", (1,) * len(space)
    return make_layer(
        name=name,
        kind="pooling",
        op=op,
        input_shapes=[source],
        output_shapes=[result],
        dtype=dtype,
        input_dtypes=input_types,
        output_dtypes=(result_type,),
        fused_ops=_fused(unit),
        kernel=kernel,
        stride=stride,
        padding_before=before,
        padding_after=after,
        dilation=dilation,
        nodes=_names(unit),
        repeats=unit.repeats,
    )


def plain(
    facts: Facts,
    unit: Unit,
    name: str,
    outputs: Sequence[str],
    dtype: str,
    input_types: tuple[str, ...],
    result_types: tuple[str, ...],
) -> Layer:
    """Return the layer of an operation that is bound by the bytes it moves."""
    weights = sum(elements(t.shape) for t in unit.parameters)
    if unit.role in ("normalization", "unknown") and not unit.parameters:
        weights = sum(elements(t.shape) for t in facts.constants(unit.anchor))
    shapes = [facts.shape(i) for i in unit.inputs]
    results = [facts.shape(o) for o in outputs]
    moved = None
    if unit.role == "copy" and unit.anchor.op != "Pad":
        from edgeprofiler.core.units import dtype_bytes

        written = sum(
            elements(s) * dtype_bytes(t) for s, t in zip(results, result_types, strict=True)
        )
        moved = math.floor(2 * written)
    return make_layer(
        name=name,
        kind="other",
        op=_OPS.get(unit.role, "unknown"),
        input_shapes=shapes,
        output_shapes=results,
        dtype=dtype,
        input_dtypes=input_types,
        output_dtypes=result_types,
        weight_elements=weights,
        bytes_moved=moved,
        fused_ops=tuple(n.op for n in unit.nodes) if unit.role == "pointwise" else _fused(unit),
        nodes=_names(unit),
        repeats=unit.repeats,
    )
