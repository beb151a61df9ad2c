"""Changes of a graph: other input shapes, another batch, smaller weights.

Each returns a new graph whose shapes are all inferred again. Numbers that an export wrote
down for the old shapes (targets of reshapes, sizes of resizes, ends of slices, sizes of
splits) are carried over by what they meant there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph._carry import carried_attributes, carried_values
from edgeprofiler.core.graph.graph import Graph, Node, Shape, Tensor
from edgeprofiler.core.graph.shapes import infer_shapes


def with_input_shapes(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """Return the graph as it would run on inputs of other shapes.

    Args:
        graph: any graph; it is left as it is.
        shapes: new shapes by input name; inputs that are not named keep theirs.

    Raises:
        InvalidInput: there is no such input, or a shape is no shape.
        Unsupported: an operator cannot run on what now reaches it, or its result cannot be
            inferred; the node is named.
    """
    changed: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        if name not in graph.inputs:
            known = ", ".join(graph.inputs) or "none"
            raise InvalidInput(graph.name, f"it has no input {name!r}", f"its inputs: {known}")
        _check_shape(graph, name, shape)
        changed[name] = replace(graph.tensors[name], shape=tuple(shape))
    try:
        return _inferred(graph, changed)
    except InvalidInput as error:
        raise Unsupported(
            f"{graph.name} cannot run at the changed input shapes: {error}; "
            "export the model at that shape"
        ) from None


def with_batch(graph: Graph, batch: int) -> Graph:
    """Return the graph as it would run on `batch` images at once.

    The first dimension of every input that has the graph's batch there becomes `batch`.

    Raises:
        InvalidInput: `batch` is below 1.
        Unsupported: the batch is fixed somewhere inside; the node is named.
    """
    if batch < 1:
        raise InvalidInput("batch", f"{batch} images", "give 1 or more")
    shapes = {name: graph.tensors[name].shape for name in graph.inputs}
    return with_input_shapes(
        graph,
        {
            name: (batch, *shape[1:])
            for name, shape in shapes.items()
            if shape and shape[0] == graph.batch
        },
    )


def with_constant_shapes(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """Return the graph with weights of other shapes, as pruning makes them.

    Args:
        graph: any graph; it is left as it is.
        shapes: new shapes by name of constant; all that depend on one another must be given
            (a convolution's filter, its bias, the normalisation behind it, the next filter).
            Depthwise and grouped convolutions keep the channels of each group.

    Raises:
        InvalidInput: there is no such constant, or channels do not fit; the node is named.
        Unsupported: an operator's result cannot be inferred; the node is named.
    """
    changed: dict[str, Tensor] = {}
    for name, shape in shapes.items():
        tensor = graph.tensors.get(name)
        if tensor is None or not tensor.constant:
            raise InvalidInput(graph.name, f"it has no constant {name!r}")
        if len(shape) != len(tensor.shape):
            raise InvalidInput(
                graph.name, f"constant {name!r} of shape {tensor.shape} cannot become {shape}"
            )
        _check_shape(graph, name, shape)
        value = tensor.value if tuple(shape) == tensor.shape else None
        changed[name] = replace(tensor, shape=tuple(shape), value=value)
    return _inferred(graph, changed)


def _check_shape(graph: Graph, name: str, shape: Shape) -> None:
    if any(length < 1 for length in shape):
        raise InvalidInput(graph.name, f"{name!r} of shape {shape}", "dimensions are 1 or more")


def _inferred(graph: Graph, changed: Mapping[str, Tensor]) -> Graph:
    """Infer everything that depends on changed tensors; leave the rest untouched."""
    tensors: dict[str, Tensor] = dict(graph.tensors)
    tensors.update(changed)
    dirty = {name for name, tensor in changed.items() if tensor != graph.tensors[name]}
    nodes: list[Node] = []
    for old in graph.nodes:
        node = old
        if not dirty.isdisjoint(old.inputs):
            node = _carried(old, graph.tensors, tensors, len(nodes))
            for made in infer_shapes(node, tensors):
                before = graph.tensors.get(made.name)
                if before is not None and before.shape == made.shape:
                    continue
                # a folded value belongs to the old shape
                tensors[made.name] = (
                    replace(before, shape=made.shape, value=None) if before else made
                )
                dirty.add(made.name)
        nodes.append(node)
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _carried(node: Node, before: Mapping[str, Tensor], now: dict[str, Tensor], index: int) -> Node:
    """Return the node with its baked-in numbers carried over; adds new constants to `now`."""
    old_in = tuple(before[name].shape if name else () for name in node.inputs)
    new_in = tuple(now[name].shape if name else () for name in node.inputs)
    old_out = tuple(before[name].shape if name else () for name in node.outputs)
    attributes = carried_attributes(node, old_in, new_in, old_out)
    if attributes is not None:
        node = replace(node, attributes=attributes)
    values = tuple(now[name].value if name else None for name in node.inputs)
    renewed = carried_values(node, values, old_in, new_in, old_out)
    if not renewed:
        return node
    inputs = list(node.inputs)
    for place, value in renewed.items():
        constant = now[inputs[place]]
        # constants may be shared with nodes for which they mean something else
        name = f"{constant.name}@{node.name or index}"
        now[name] = replace(constant, name=name, value=value, constant=True)
        inputs[place] = name
    return replace(node, inputs=tuple(inputs))
