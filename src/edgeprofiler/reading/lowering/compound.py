"""Operators that are many kernels, written out: recurrent layers and attention.

A graph keeps them as its model states them, so that it can be changed; what they become is
decided here, where layers are made. A recurrent layer is one product of its whole input, and in
each step a product of its state and the point-wise gates: TensorRT's ONNX parser makes a loop of
it (`importLSTM` in github.com/onnx/onnx-tensorrt), whose steps wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from edgeprofiler.core.graph import AttributeValue, End, Graph, Node, Shape, Tensor
from edgeprofiler.reading.operators.attention import Heads, heads_of
from edgeprofiler.reading.operators.recurrent import GATES, recurrence_of


def written_out(graph: Graph, end: End = "assumed") -> tuple[Graph, Mapping[str, str]]:
    """Return the graph with one number of runs for each node, and compound operators in parts.

    Args:
        graph: any graph.
        end: which end of what is known only at run time to take; what runs never is left out.

    Returns:
        The graph, and the name of the node that each part came from.
    """
    if is_plain(graph):
        return graph, {}
    out = _Out(graph)
    dropped: set[str] = set()
    for node in graph.nodes:
        times = graph.times(node, end)
        if times == 0:
            dropped.update(node.outputs)
            continue
        node = replace(node, repeats=() if times in (None, 1) else (times,))
        if node.op == "Branch":
            taken = next(name for name in node.inputs[:2] if name not in dropped)
            node = replace(node, op="Identity", inputs=(taken, *node.inputs[2:]))
        elif node.op == "Carry" and node.inputs[0] in dropped:  # the state of a loop without runs
            node = replace(node, op="Identity", inputs=(str(node.attributes["begins"]),))
        out.current = node
        parts = _PARTS.get(node.op)
        if parts is None:
            out.nodes.append(node)
        else:
            parts(out)
    return replace(graph, nodes=tuple(out.nodes), tensors=out.tensors), out.part_of


def is_plain(graph: Graph) -> bool:
    """Say whether each node is a kernel or less, and runs once: nothing is to be written out."""
    return not any(node.op in _PARTS or node.op == "Branch" or node.repeats for node in graph.nodes)


class _Out:
    """The nodes and tensors so far, and the compound node that is being written out."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = dict(graph.tensors)
        self.current = Node("", "", (), ())
        self.used = {name for node in graph.nodes for name in node.inputs} | set(graph.outputs)
        self.used.discard("")
        self.part_of: dict[str, str] = {}

    def shape(self, name: str) -> Shape:
        return self.tensors[name].shape

    def given(self, place: int) -> str:
        """The name of an input; empty where it is left out."""
        return self.current.inputs[place] if place < len(self.current.inputs) else ""

    def add(
        self,
        op: str,
        inputs: Sequence[str],
        what: str,
        shape: Shape,
        attributes: Mapping[str, AttributeValue] | None = None,
        *,
        steps: int = 1,
        outputs: Sequence[str] = (),
    ) -> str:
        """Add a node; its result is of the compound node's type, and is named after it."""
        node = self.current
        names = tuple(outputs) or (f"{node.name}/{what}",)
        dtype = self.tensors[next(n for n in node.inputs if n)].dtype
        for name in names:
            self.tensors.setdefault(name, Tensor(name, shape, dtype))
        (count,) = node.repeats or (1,)
        times = steps * (count if isinstance(count, int) else 1)
        part = f"{node.name}/{what}"
        self.part_of[part] = node.name
        self.nodes.append(
            Node(part, op, tuple(inputs), names, attributes or {}, (times,) if times > 1 else ())
        )
        return names[0]

    def weight(self, source: str, what: str, shape: Shape) -> str:
        """Return a part of a constant as a constant of its own, or as a view where it is none."""
        tensor = self.tensors[source]
        if not tensor.constant:
            return self.add("Reshape", (source,), what, shape)
        name = f"{self.current.name}/{what}"
        self.tensors[name] = replace(tensor, name=name, shape=shape, value=None)
        return name


def _recurrent(out: _Out) -> None:
    node = out.current
    source, weight, state_weight = node.inputs[:3]
    shapes = [out.shape(name) if name else None for name in node.inputs]
    r = recurrence_of(node.op, shapes, node.attributes)
    wide = r.gates * r.hidden
    axis = 1 if r.batch_first else 0
    lead = (r.batch, r.steps) if r.batch_first else (r.steps, r.batch)
    part = (r.batch, 1) if r.batch_first else (1, r.batch)
    states, cells = [], []
    for d in range(r.directions):
        w = out.weight(weight, f"W{d}", (r.features, wide))
        u = out.weight(state_weight, f"R{d}", (r.hidden, wide))
        whole = out.add("MatMul", (source, w), f"input{d}", (*lead, wide))
        if out.given(3):
            bias = out.weight(node.inputs[3], f"B{d}", (wide,))
            whole = out.add("Add", (whole, bias), f"bias{d}", (*lead, wide))
        before = out.add("State", (source,), f"state{d}", (r.batch, r.hidden), steps=r.steps)
        product = out.add("MatMul", (before, u), f"step{d}", (r.batch, wide), steps=r.steps)
        bounds: dict[str, AttributeValue] = {"starts": (0,), "ends": (1,), "axes": (axis,)}
        here = out.add("Slice", (whole,), f"now{d}", (*part, wide), bounds, steps=r.steps)
        names = [f"{node.name}/hidden{d}"]
        inputs = [here, product]
        if node.op == "LSTM":
            inputs.append(
                out.add("State", (source,), f"cell{d}", (r.batch, r.hidden), steps=r.steps)
            )
            names.append(f"{node.name}/cells{d}")
        out.add("Gates", inputs, f"gates{d}", (r.batch, r.hidden), outputs=names, steps=r.steps)
        states.append(names[0])
        cells.append(names[-1])
    _results(out, states, cells, r.steps, axis)


def _results(out: _Out, states: Sequence[str], cells: Sequence[str], steps: int, axis: int) -> None:
    """What a recurrent layer gives out: every step's state, then the last state, then the cell."""
    node = out.current
    every, last, cell = (
        name if name in out.used else "" for name in (*node.outputs, "", "", "")[:3]
    )
    if not (every or last or cell):
        return
    shape = out.shape(every or last or cell)
    if not every:
        every, shape = f"{node.name}/every", (*shape[:axis], steps, *shape[axis:])
    out.add("Collect", states, "every", shape, {"axis": axis}, steps=steps, outputs=(every,))
    if last:
        bounds: dict[str, AttributeValue] = {
            "starts": (steps - 1,), "ends": (steps,), "axes": (axis,),
        }  # fmt: skip
        cut = (*shape[:axis], 1, *shape[axis + 1 :])
        end = out.add("Slice", (every,), "last", cut, bounds)
        out.add("Reshape", (end,), "final", out.shape(last), outputs=(last,))
    if cell:
        out.add("Reshape", cells[:1], "cell", out.shape(cell), outputs=(cell,))


def _attention(out: _Out) -> None:
    node = out.current
    shapes = [out.shape(name) if name else None for name in node.inputs]
    heads = heads_of(shapes, node.integer("q_num_heads"), node.integer("kv_num_heads"))
    lead, shared = (heads.batch, heads.keys), heads.queries // heads.keys
    rows = shared * heads.rows
    query = _as_heads(out, node.inputs[0], "queries", heads.queries, heads.depth)
    if shared > 1:  # heads that share keys are rows of one product
        query = out.add("Reshape", (query,), "shared", (*lead, rows, heads.depth))
    keys = _with_past(out, 1, "keys", (*lead, heads.columns, heads.depth))
    values = _with_past(out, 2, "values", (*lead, heads.columns, heads.value_depth))
    across = (*lead, heads.depth, heads.columns)
    turned = out.add("Transpose", (keys,), "turned", across, {"perm": (0, 1, 3, 2)})
    size = (*lead, rows, heads.columns)
    scores = out.add("MatMul", (query, turned), "scores", size)
    scale = f"{node.name}/factor"
    out.tensors[scale] = Tensor(scale, (), out.tensors[query].dtype, constant=True, value=(1.0,))
    scores = out.add("Mul", (scores, scale), "scale", size)
    if out.given(3):
        scores = out.add("Add", (scores, node.inputs[3]), "mask", size)
    weights = out.add("Softmax", (scores,), "softmax", size, {"axis": -1})
    result = out.add("MatMul", (weights, values), "result", (*lead, rows, heads.value_depth))
    _attended(out, heads, result)
    for name, source in zip(node.outputs[1:], (keys, values, scores), strict=False):
        if name in out.used:
            out.add("Reshape", (source,), f"given {source}", out.shape(name), outputs=(name,))


def _as_heads(out: _Out, name: str, what: str, heads: int, depth: int) -> str:
    """Return a tensor as batch, heads, rows, depth."""
    shape = out.shape(name)
    if len(shape) == 4:
        return name
    apart = out.add("Reshape", (name,), f"{what} apart", (*shape[:2], heads, depth))
    turned = (shape[0], heads, shape[1], depth)
    return out.add("Transpose", (apart,), what, turned, {"perm": (0, 2, 1, 3)})


def _with_past(out: _Out, place: int, what: str, shape: Shape) -> str:
    """Return keys or values as heads, behind those of the past where there are any."""
    made = _as_heads(out, out.current.inputs[place], what, shape[1], shape[3])
    past = out.given(place + 3)
    if not past:
        return made
    return out.add("Concat", (past, made), f"all {what}", shape, {"axis": 2})


def _attended(out: _Out, heads: Heads, result: str) -> None:
    """Give the result the shape that the operator says."""
    name = out.current.outputs[0]
    whole = (heads.batch, heads.queries, heads.rows, heads.value_depth)
    if out.shape(result) != whole:
        result = out.add("Reshape", (result,), "unshared", whole)
    if len(out.shape(name)) == 3:
        rows_first = (whole[0], whole[2], whole[1], whole[3])
        result = out.add("Transpose", (result,), "rows first", rows_first, {"perm": (0, 2, 1, 3)})
    out.add("Reshape", (result,), "joined", out.shape(name), outputs=(name,))


_PARTS: Mapping[str, Callable[[_Out], None]] = {
    **dict.fromkeys(GATES, _recurrent),
    "Attention": _attention,
}
