"""The way in: what an operator's outputs are, by our rule or by onnx's own inference."""

from __future__ import annotations

from collections.abc import Mapping

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Node, Tensor
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
