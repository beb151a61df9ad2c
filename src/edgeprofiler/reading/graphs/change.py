"""Changes of a graph: other input shapes, another batch, smaller weights, other operators.

Each returns a new graph whose shapes are all inferred again by the rules that read it. What the
model calculates from its shapes is calculated again; numbers that it fixes for the shapes it was
exported at are carried over by what they meant there. A dimension that the model leaves free
needs no carrying: the model itself says what becomes of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from edgeprofiler.core.errors import EdgeProfilerError, InvalidInput, Unsupported, UsageError
from edgeprofiler.core.graph import Graph, Node, Shape, Tensor
from edgeprofiler.core.text import meant
from edgeprofiler.reading.graphs.carry import carried
from edgeprofiler.reading.operators.call import BadNodeError, lengths
from edgeprofiler.reading.operators.fold import calculate
from edgeprofiler.reading.operators.rules import infer_shapes


def with_input_shapes(graph: Graph, shapes: Mapping[str, Shape]) -> Graph:
    """Return the graph as it would run on inputs of other shapes.

    It does not matter how often a graph was changed before: a change starts from the sizes that
    the model states, so that any two ways to one shape give one graph.

    Args:
        graph: any graph; it is left as it is.
        shapes: new shapes by input name; inputs that are not named keep theirs.

    Raises:
        InvalidInput: there is no such input, or a shape is no shape.
        Unsupported: an operator cannot run on what now reaches it, or its result cannot be
            inferred; the node is named.

    >>> from edgeprofiler.reading.zoo import zoo_graph
    >>> larger = with_input_shapes(zoo_graph("resnet18"), {"input": (1, 3, 320, 320)})
    >>> larger.tensors[larger.outputs[0]].shape
    (1, 1000)
    """
    for name, shape in shapes.items():
        if name not in graph.inputs:
            raise InvalidInput(graph.name, f"it has no input {name!r}", meant(name, graph.inputs))
        _check_shape(graph, name, shape)
    start = graph.stated or graph
    own = _input_shapes(start)
    wanted = {**_input_shapes(graph), **{name: tuple(shape) for name, shape in shapes.items()}}
    if wanted == own:
        return start
    bound = _bound(start, wanted)
    try:
        changed = _inferred(start, _reshaped(start, bound), carry=False) if bound != own else start
    except InvalidInput:
        changed = start  # a free dimension that is tied to one that the model fixes
    try:
        changed = _inferred(changed, _reshaped(changed, wanted))
    except InvalidInput as error:
        raise Unsupported(
            f"{graph.name} cannot run at the changed input shapes: {error}; "
            "export the model at that shape"
        ) from None
    return _remember(changed, start)


def with_batch(graph: Graph, batch: int) -> Graph:
    """Return the graph as it would run on `batch` images at once.

    The first dimension of every input that has the graph's batch there becomes `batch`.

    Raises:
        InvalidInput: `batch` is below 1.
        Unsupported: the batch is fixed somewhere inside; the node is named.

    >>> from edgeprofiler.reading.zoo import zoo_graph
    >>> with_batch(zoo_graph("resnet18"), 8).batch
    8
    """
    if batch < 1:
        raise InvalidInput("batch", f"{batch} images", "give 1 or more")
    return with_input_shapes(
        graph,
        {
            name: (batch, *shape[1:])
            for name, shape in _input_shapes(graph).items()
            if shape and shape[0] == graph.batch
        },
    )


def named_shapes(graph: Graph, shapes: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return shapes by input, where the empty name is the only input.

    Raises:
        UsageError: a shape is given for an input that the graph lacks.
        Unsupported: the empty name is given, and there are several inputs.
    """
    return shapes_of_inputs(graph.inputs, shapes, graph.name)


def shapes_of_inputs(
    inputs: Sequence[str], shapes: Mapping[str, Shape], source: str
) -> dict[str, Shape]:
    """Return shapes by input, as `named_shapes` does of a graph; `source` is for messages."""
    if "" in shapes and len(inputs) != 1:
        raise Unsupported(f"{source} has inputs {', '.join(inputs)}; name one")
    named = {name or inputs[0]: shape for name, shape in shapes.items()}
    if len(named) < len(shapes):
        raise given_twice(inputs[0], source)
    for name in named:
        if name not in inputs:
            raise unknown_input(name, inputs, source)
    return named


def unknown_input(name: str, inputs: Sequence[str], source: str) -> UsageError:
    """Return the error for a shape that is given of what is no input."""
    return UsageError(f"`shapes`: {source} has no input {name!r}; {meant(name, inputs)}")


def given_twice(name: str, source: str) -> UsageError:
    """Return the error for an input whose shape is given with its name and without."""
    return UsageError(f"`shapes`: the input {name!r} of {source} is given twice")


def resized(graph: Graph, shapes: Mapping[str, Shape], batch: int | None) -> Graph:
    """Return the graph at shapes by input, then at a batch; at its own where none are given.

    Raises:
        InvalidInput: there is no such input, a shape is no shape, or the batch is below 1.
        Unsupported: the graph cannot run so; the node is named.
    """
    if shapes:
        graph = with_input_shapes(graph, shapes)
    return graph if batch is None or batch == graph.batch else with_batch(graph, batch)


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
            constants = (t.name for t in graph.tensors.values() if t.constant)
            raise InvalidInput(graph.name, f"it has no constant {name!r}", meant(name, constants))
        if len(shape) != len(tensor.shape):
            raise InvalidInput(
                graph.name, f"constant {name!r} of shape {tensor.shape} cannot become {shape}"
            )
        _check_shape(graph, name, shape)
        value = tensor.value if tuple(shape) == tensor.shape else None
        changed[name] = replace(tensor, shape=tuple(shape), value=value)
    pruned = _inferred(graph, changed)
    if graph.stated is None or pruned is graph:
        return pruned
    try:
        return _remember(pruned, _inferred(graph.stated, changed))
    except EdgeProfilerError:
        return pruned


def with_values(graph: Graph, constants: Mapping[str, Tensor]) -> Graph:
    """Return the graph with other values of constants, and all shapes that follow from them.

    Raises:
        Unsupported: an operator's result cannot be inferred; the node is named.
    """
    return _inferred(graph, constants, carry=False)


def with_nodes(
    graph: Graph, nodes: Mapping[str, Sequence[Node]], constants: Iterable[Tensor] = ()
) -> Graph:
    """Return the graph with other nodes in place of some, and all shapes behind them anew.

    Args:
        graph: any graph; it is left as it is.
        nodes: what stands in place of a node, by its name; the last makes what it made.
        constants: weights that are new, or of another shape than before.

    Raises:
        InvalidInput: there is no such node, or the new ones do not fit what they read, or what
            reads them.
        Unsupported: an operator's result cannot be inferred; the node is named.
    """
    names = {node.name for node in graph.nodes}
    for name in nodes.keys() - names:
        raise InvalidInput(graph.name, f"it has no node {name!r}", meant(name, names))
    kept = [nodes.get(node.name, (node,)) for node in graph.nodes]
    new = [node for made in nodes.values() for node in made]
    replaced = replace(graph, nodes=tuple(node for made in kept for node in made))
    return _inferred(replaced, {t.name: t for t in constants}, anew=[id(node) for node in new])


def _input_shapes(graph: Graph) -> dict[str, Shape]:
    return {name: graph.tensors[name].shape for name in graph.inputs}


def _bound(graph: Graph, wanted: Mapping[str, Shape]) -> dict[str, Shape]:
    """Input shapes with the free dimensions that are wanted, and the model's own beside them."""
    found = {}
    for name, own in _input_shapes(graph).items():
        free = graph.free.get(name, ())
        lengths = enumerate(zip(own, wanted[name], strict=False))
        found[name] = tuple(new if axis in free else old for axis, (old, new) in lengths)
    return found


def _reshaped(graph: Graph, shapes: Mapping[str, Shape]) -> dict[str, Tensor]:
    return {name: replace(graph.tensors[name], shape=shape) for name, shape in shapes.items()}


def _check_shape(graph: Graph, name: str, shape: Shape) -> None:
    if any(length < 1 for length in shape):
        raise InvalidInput(graph.name, f"{name!r} of shape {shape}", "dimensions are 1 or more")


def _remember(graph: Graph, stated: Graph) -> Graph:
    object.__setattr__(graph, "stated", stated)  # of a graph that nobody else has seen yet
    return graph


def _inferred(
    graph: Graph,
    changed: Mapping[str, Tensor],
    *,
    carry: bool = True,
    anew: Collection[int] = (),
) -> Graph:
    """Infer everything that depends on changed tensors; leave the rest untouched.

    Args:
        graph: where the change starts.
        changed: tensors in place of the graph's.
        carry: whether numbers that the model fixes follow the change.
        anew: identities of nodes that are new, whatever they read.
    """
    tensors: dict[str, Tensor] = {**graph.tensors, **changed}
    dirty = {name for name, tensor in changed.items() if tensor != graph.tensors.get(name)}
    if not dirty and not anew:
        return graph
    calculations = _Calculations(graph, tensors, dirty)
    nodes: list[Node] = []
    doubts: dict[str, None] = {}
    moved: list[str] = []
    for index, old in enumerate(graph.nodes):
        node = old
        calculations.refresh(old.inputs)
        if id(old) in anew or not dirty.isdisjoint(old.inputs):
            if carry and id(old) not in anew:
                node, constants = carried(old, index, graph, tensors)
                moved += [node.op] if node is not old else []
                tensors.update((t.name, t) for t in constants)
            made, doubt = _made(node, tensors, graph, carry=carry)
            doubts.update(dict.fromkeys(f"{text}: {node.op}" for text in doubt))
            for tensor in made:
                before = graph.tensors.get(tensor.name)
                if before is None:
                    tensors[tensor.name] = tensor
                elif before.shape != tensor.shape:
                    # a folded value belongs to the old shape
                    tensors[tensor.name] = replace(before, shape=tensor.shape, value=None)
                    dirty.add(tensor.name)
        nodes.append(node)
    calculations.refresh(graph.decided)
    calculations.refresh(f for node in nodes for f in node.repeats if isinstance(f, str))
    for name in graph.decided:
        if tensors[name].value != graph.tensors[name].value:
            raise Unsupported(
                f"{graph.name} has other branches or loops at that size ({name!r} decides it); "
                "read the model at that size"
            )
    if moved and graph.opset:  # of a graph built here, every number is known for what it means
        ops = ", ".join(dict.fromkeys(moved))
        doubts[f"{len(moved)} numbers that the model fixes for its own sizes were made to follow "
               f"the change ({ops})"] = None  # fmt: skip
    fresh = [text for text in doubts if not any(w.startswith(text) for w in graph.warnings)]
    warnings = (*graph.warnings, *fresh)
    return replace(graph, nodes=tuple(nodes), tensors=tensors, warnings=warnings)


def _made(
    node: Node, tensors: Mapping[str, Tensor], graph: Graph, *, carry: bool
) -> tuple[tuple[Tensor, ...], tuple[str, ...]]:
    """Infer what a node makes, by rule or by what the model tells of it."""
    told = {name: graph.told[name] for name in node.outputs if name in graph.told}
    try:
        return infer_shapes(node, tensors, graph.opset)
    except Unsupported:
        fixed = any(all(isinstance(d, int) for d in dimensions) for dimensions in told.values())
        if not told or (carry and fixed):
            raise
    return tuple(
        replace(graph.tensors[name], shape=lengths(dimensions, lambda n: tensors[n].shape))
        for name, dimensions in told.items()
    ), ()


class _Calculations:
    """Constants that depend on shapes, calculated again where a shape has changed."""

    def __init__(self, graph: Graph, tensors: dict[str, Tensor], dirty: set[str]) -> None:
        self.graph = graph
        self.tensors = tensors
        self.dirty = dirty
        self.done: set[str] = set()

    def refresh(self, names: Iterable[str]) -> None:
        """Bring the constants among `names` up to date, and those that they come from."""
        waiting = [name for name in names if self._due(name)]
        while waiting:
            if waiting[-1] in self.done:
                waiting.pop()
                continue
            node = self.graph.calculated[waiting[-1]]
            before = [name for name in node.inputs if self._due(name)]
            if before:
                waiting += before
                continue
            waiting.pop()
            self.done.update(node.outputs)
            if not self.dirty.isdisjoint(node.inputs):
                self._run(node)

    def _due(self, name: str) -> bool:
        return name in self.graph.calculated and name not in self.done

    def _run(self, node: Node) -> None:
        try:
            made = calculate(node, self.tensors)
        except BadNodeError as error:
            raise InvalidInput(f"node {node.name!r} ({node.op})", str(error)) from None
        for tensor in made:
            if tensor != self.tensors.get(tensor.name):
                self.tensors[tensor.name] = tensor
                self.dirty.add(tensor.name)
