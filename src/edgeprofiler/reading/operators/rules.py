"""The way in: what an operator's outputs are, by our rule or by onnx's own inference."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import AttributeValue, Node, Shape, Tensor
from edgeprofiler.reading.operators import (
    attention,
    inference,
    layout,
    pointwise,
    products,
    recurrent,
    sampling,
    selection,
    windows,
)
from edgeprofiler.reading.operators.call import (
    BadNodeError,
    Call,
    Operand,
    Rule,
    Spec,
    UnknownShapeError,
    check_size,
)

RULES: Mapping[str, Rule] = {
    **windows.RULES,
    **products.RULES,
    **attention.RULES,
    **recurrent.RULES,
    **sampling.RULES,
    **layout.RULES,
    **selection.RULES,
    **pointwise.RULES,
}
"""The rule of each operator that has one of ours."""


def outputs_of(call: Call, opset: int = 0) -> list[Spec] | None:
    """Return shape and type of each output; `None` where shapes and constants do not tell.

    Args:
        call: the operator, with ONNX's names.
        opset: version of the operators, for onnx's inference; 0 for the newest.

    Raises:
        BadNodeError: inputs and attributes do not fit together.
    """
    specs = by_rule(call)
    if specs is None and call.op not in RULES:
        specs = inference.infer(call, opset)
        for shape, _ in specs or ():
            check_size(shape)
    return specs


def by_rule(call: Call) -> list[Spec] | None:
    """Return shape and type of each output by a rule of ours; `None` where none can tell.

    Raises:
        BadNodeError: inputs and attributes do not fit together.
    """
    rule = RULES.get(call.op)
    if rule is None:
        return None
    try:
        specs = rule(call)
    except UnknownShapeError:
        return None
    if len(specs) < call.outputs:
        return None
    for shape, _ in specs:
        check_size(shape)
    return specs


Known = tuple[Shape, str, bool, tuple[int, ...] | tuple[float, ...] | None]
"""Of an input: shape, type, whether it is constant, and its elements where they are known."""


def infer_again(node: Node, tensors: Mapping[str, Tensor]) -> tuple[Tensor, ...]:
    """Return the tensors that a node computes, as `infer_shapes` does; equal calls are kept.

    For nodes that are written in Python, over and over with the same attributes: networks of a
    search have most of their operators in common.
    """
    inputs = tuple(
        [
            (t.shape, t.dtype, t.constant, t.value)
            if (t := tensors.get(name)) is not None
            else None
            for name in node.inputs
        ]
    )
    try:
        specs = _specs_of(node.op, tuple(node.attributes.items()), inputs, len(node.outputs))
    except BadNodeError:
        specs = None
    if specs is None:
        return infer_shapes(node, tensors)[0]
    pairs = zip(node.outputs, specs, strict=False)
    return tuple([Tensor(output, shape, dtype) for output, (shape, dtype) in pairs if output])


@lru_cache(maxsize=2**15)
def _specs_of(
    op: str,
    attributes: tuple[tuple[str, AttributeValue], ...],
    inputs: tuple[Known | None, ...],
    outputs: int,
) -> list[Spec] | None:
    tensors = [None if known is None else Tensor("", *known) for known in inputs]
    operands = [None if tensor is None else Operand.of_tensor(tensor) for tensor in tensors]
    return outputs_of(Call(op, operands, dict(attributes), outputs))


def infer_shapes(
    node: Node, tensors: Mapping[str, Tensor], opset: int = 0
) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
    """Return the tensors that a node computes, and what had to be assumed of them.

    Args:
        node: the operator, with ONNX's names.
        tensors: at least the node's inputs, by name.
        opset: version of the operators; 0 for the newest.

    Returns:
        One tensor for each of the node's named outputs, and doubts in words.

    Raises:
        InvalidInput: inputs and attributes do not fit together; the node is named.
        Unsupported: there is no rule for the operator, or a size is known only while it runs.
    """
    call = Call.of(node, tensors)
    name = f"node {node.name or node.outputs[0]!r} ({node.op})"
    try:
        specs = outputs_of(call, opset)
    except BadNodeError as error:
        raise InvalidInput(name, str(error)) from None
    if specs is None:
        known = "depends on values known only while the model runs" if node.op in RULES else (
            "cannot be inferred"
        )  # fmt: skip
        raise Unsupported(
            f"{name}: the shape of its result {known}; export the model at the shape that you want"
        )
    made = tuple(
        Tensor(output, shape, dtype)
        for output, (shape, dtype) in zip(node.outputs, specs, strict=False)
        if output
    )
    return made, tuple(call.doubts)
