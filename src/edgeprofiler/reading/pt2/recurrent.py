"""Recurrent layers of ATen, each layer of a stack as ONNX's operator of that name."""

from __future__ import annotations

from edgeprofiler.core.graph import Tensor
from edgeprofiler.reading.pt2.program import Program, ProgramCall, Unlike


def recurrent(op: str, p: Program, c: ProgramCall) -> None:
    """Write down `aten.lstm.input` or `aten.gru.input`.

    Their arguments: the sequence, the first state, weights of every layer and direction
    (input, state, and two biases), and how many layers and directions there are.
    """
    x, weights = c["input"], list(c["params"])
    result, *states = c.results
    directions = 2 if c.get("bidirectional", False) else 1
    each = 4 if c["has_biases"] else 2
    layers = c["num_layers"]
    if len(weights) != each * directions * layers or len(p.shape(x)) != 3:
        raise Unlike(f"{c.target} with {len(weights)} weights")
    if c.get("batch_first", False):
        x = p.add("Transpose", [x], [f"{result}.steps"], {"perm": (1, 0, 2)})
    ends: list[list[str]] = [[] for _ in states]
    for layer in range(layers):
        mine = weights[layer * each * directions : (layer + 1) * each * directions]
        name = f"{result}.{layer}"
        parts = _weights(p, name, [mine[each * d : each * (d + 1)] for d in range(directions)])
        hidden = p.shape(parts[1])[-1]
        made = [f"{name}.y", *(f"{name}.state{i}" for i in range(len(states)))]
        direction = "bidirectional" if directions == 2 else "forward"
        p.add(op, [x, *parts], made, {"hidden_size": hidden, "direction": direction})
        for end, state in zip(ends, made[1:], strict=True):
            end.append(state)
        y = p.add("Transpose", made[:1], [f"{name}.turned"], {"perm": (0, 2, 1, 3)})
        shape = p.number([0, 0, directions * hidden], "shape")
        last = layer == layers - 1 and not c.get("batch_first", False)
        x = p.add("Reshape", [y, shape], [result if last else f"{name}.joined"])
    if c.get("batch_first", False):
        p.add("Transpose", [x], [result], {"perm": (1, 0, 2)})
    for state, end in zip(states, ends, strict=True):
        p.add("Concat", end, [state], {"axis": 0})


def _weights(p: Program, name: str, directions: list[list[str]]) -> list[str]:
    """Declare a layer's weights as ONNX stacks them: input, state, and all biases in one."""
    found = []
    for place, label in enumerate(("W", "R")):
        shapes = {p.shape(weights[place]) for weights in directions}
        if len(shapes) != 1 or len(directions[0]) not in (2, 4):
            raise Unlike("directions of other sizes, or a projection")
        found.append(f"{name}.{label}")
        shape = (len(directions), *shapes.pop())
        p.tensors[found[-1]] = Tensor(found[-1], shape, constant=True)
    if len(directions[0]) == 4:
        found.append(f"{name}.B")
        length = 2 * p.shape(directions[0][2])[0]
        p.tensors[found[-1]] = Tensor(found[-1], (len(directions), length), constant=True)
    return found
