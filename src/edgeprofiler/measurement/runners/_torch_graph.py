"""A `Graph` as a PyTorch module: one leaf module for each operator, so that each can be timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import Unsupported
from edgeprofiler.core.graph import Graph, Node
from edgeprofiler.measurement.runners._onnx_kernels import Kernel
from edgeprofiler.reading.operators.windows import Window, window_of


@dataclass(frozen=True)
class _Operator:
    torch: Any
    node: Node
    graph: Graph

    def number(self, name: str, default: float) -> float:
        value = self.node.attributes.get(name, default)
        return float(value) if isinstance(value, (int, float)) else default


Maker = Callable[[_Operator], Callable[..., Any]]


def module_of(graph: Graph, weights: Mapping[str, Any]) -> Any:
    """Return a `torch.nn.Module` that computes `graph`; its leaves are its operators in order.

    Args:
        graph: any graph whose operators are those of `OPERATORS`.
        weights: NumPy value of each constant tensor.

    Raises:
        Unsupported: an operator that this translation lacks; it is named.
    """
    import torch

    leaves = [_leaf(torch, node, graph, weights) for node in graph.nodes]

    class GraphModule(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            self.leaves = torch.nn.ModuleList(leaves)

        def forward(self, *inputs: Any) -> Any:
            values = dict(zip(graph.inputs, inputs, strict=True))
            for node, leaf in zip(graph.nodes, self.leaves, strict=True):
                given = [values[n] for n in _variable(node, graph)]
                result = leaf(*given)
                results = result if isinstance(result, (tuple, list)) else (result,)
                values.update(zip(node.outputs, results, strict=False))
            found = tuple(values[name] for name in graph.outputs)
            return found[0] if len(found) == 1 else found

    return GraphModule().eval()


def kernels_of(graph: Graph) -> tuple[Kernel, ...]:
    """Return what each leaf of `module_of(graph)` computes."""
    kernels = []
    for node in graph.nodes:
        given = [graph.tensors[name] for name in node.inputs if name]
        made = [graph.tensors[name] for name in node.outputs if name in graph.tensors]
        kernels.append(
            Kernel(
                name=node.name,
                op=node.op,
                input_shapes=tuple(t.shape for t in given),
                output_shapes=tuple(t.shape for t in made),
                weight_shapes=tuple(t.shape for t in given if t.constant),
                input_dtypes=tuple(t.dtype for t in given if not t.constant),
                output_dtypes=tuple(t.dtype for t in made),
                attributes=dict(node.attributes),
            )
        )
    return tuple(kernels)


def _variable(node: Node, graph: Graph) -> list[str]:
    return [name for name in node.inputs if name and not graph.tensors[name].constant]


def _leaf(torch: Any, node: Node, graph: Graph, weights: Mapping[str, Any]) -> Any:
    maker = OPERATORS.get(node.op)
    if maker is None:
        raise Unsupported(
            f"{node.name}: {node.op} is not translated to PyTorch; use the onnxruntime runner"
        )
    constants = {
        place: torch.from_numpy(weights[name].copy())
        for place, name in enumerate(node.inputs)
        if name and graph.tensors[name].constant
    }
    compute = maker(_Operator(torch, node, graph))

    class Leaf(torch.nn.Module):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            super().__init__()
            for place, value in constants.items():
                self.register_buffer(f"input{place}", value)

        def forward(self, *given: Any) -> Any:
            variable = iter(given)
            return compute(
                *(
                    None if not name else self.get_buffer(f"input{place}")
                    if place in constants else next(variable)
                    for place, name in enumerate(node.inputs)
                )
            )  # fmt: skip

    return Leaf()


def _window(op: _Operator) -> Window:
    """The operator's window with its padding in numbers, whatever way the model states it."""
    shapes = [op.graph.tensors[name].shape for name in (*op.node.inputs[:2], op.node.outputs[0])]
    weight = shapes[1] if len(shapes) > 2 else ()
    return window_of(op.node, shapes[0], shapes[-1], weight)


def _pads(window: Window) -> list[int]:
    """A window's padding as `torch.nn.functional.pad` wants it: last dimension first."""
    both = zip(reversed(window.before), reversed(window.after), strict=True)
    return [pad for pair in both for pad in pair]


def _conv(op: _Operator) -> Callable[..., Any]:
    functional = op.torch.nn.functional
    rank = len(op.graph.tensors[op.node.inputs[1]].shape) - 2
    compute = (functional.conv1d, functional.conv2d, functional.conv3d)[rank - 1]
    window, groups = _window(op), op.node.integer("group", 1)
    even = window.before == window.after
    padding = window.before if even else 0

    def run(x: Any, weight: Any, bias: Any = None) -> Any:
        if not even:
            x = functional.pad(x, _pads(window))
        return compute(x, weight, bias, window.stride, padding, window.dilation, groups)

    return run


def _conv_transpose(op: _Operator) -> Callable[..., Any]:
    rank = len(op.graph.tensors[op.node.inputs[1]].shape) - 2
    window = _window(op)
    if rank != 2 or window.before != window.after:
        raise Unsupported(f"{op.node.name}: such a ConvTranspose is not translated to PyTorch")
    extra, groups = op.node.ints("output_padding", (0, 0)), op.node.integer("group", 1)
    return lambda x, w, b=None: op.torch.nn.functional.conv_transpose2d(
        x, w, b, window.stride, window.before, extra, groups, window.dilation
    )


def _max_pool(op: _Operator) -> Callable[..., Any]:
    functional = op.torch.nn.functional
    window, ceil = _window(op), bool(op.node.integer("ceil_mode"))
    kernel, stride, before = window.kernel, window.stride, window.before
    if len(kernel) != 2:
        raise Unsupported(f"{op.node.name}: such a MaxPool is not translated to PyTorch")
    if before == window.after and all(2 * p <= k for p, k in zip(before, kernel, strict=True)):
        return lambda x: functional.max_pool2d(x, kernel, stride, before, ceil_mode=ceil)
    # PyTorch pads both sides alike; otherwise a padding of its own must come first
    return lambda x: functional.max_pool2d(
        functional.pad(x, _pads(window), value=float("-inf")), kernel, stride, ceil_mode=ceil
    )


def _average_pool(op: _Operator) -> Callable[..., Any]:
    functional = op.torch.nn.functional
    target = op.graph.tensors[op.node.outputs[0]].shape[2:]
    if op.node.ints("output_size"):
        return lambda x: functional.adaptive_avg_pool2d(x, target)
    window = _window(op)
    if len(window.kernel) != 2 or window.before != window.after:
        raise Unsupported(f"{op.node.name}: such an AveragePool is not translated to PyTorch")
    ceil, counted = bool(op.node.integer("ceil_mode")), bool(op.node.integer("count_include_pad"))
    return lambda x: functional.avg_pool2d(
        x, window.kernel, window.stride, window.before, ceil, counted
    )


def _gemm(op: _Operator) -> Callable[..., Any]:
    turn_a, turn_b = op.node.integer("transA"), op.node.integer("transB")
    alpha, beta = op.number("alpha", 1.0), op.number("beta", 1.0)

    def run(a: Any, b: Any, c: Any = None) -> Any:
        a, b = (a.t() if turn_a else a), (b.t() if turn_b else b)
        if c is None:
            return alpha * (a @ b)
        return op.torch.addmm(c, a, b, alpha=alpha, beta=beta)

    return run


def _norm(op: _Operator) -> Callable[..., Any]:
    epsilon = op.number("epsilon", 1e-5)
    return lambda x, scale, bias, mean, var: op.torch.nn.functional.batch_norm(
        x, mean, var, scale, bias, eps=epsilon
    )


def _layer_norm(op: _Operator) -> Callable[..., Any]:
    shape = op.graph.tensors[op.node.inputs[0]].shape
    epsilon = op.number("epsilon", 1e-5)
    return lambda x, scale, bias=None: op.torch.nn.functional.layer_norm(
        x, shape[op.node.integer("axis", -1) :], scale, bias, eps=epsilon
    )


def _reshaped(op: _Operator) -> Callable[..., Any]:
    target = op.graph.tensors[op.node.outputs[0]].shape
    return lambda x, *_: op.torch.reshape(x, target)


def _split(op: _Operator) -> Callable[..., Any]:
    axis = op.node.integer("axis")
    sizes = [op.graph.tensors[name].shape[axis] for name in op.node.outputs]
    return lambda x, *_: op.torch.split(x, sizes, axis)


def _resize(op: _Operator) -> Callable[..., Any]:
    size = op.graph.tensors[op.node.outputs[0]].shape[2:]
    mode = {"nearest": "nearest", "linear": "bilinear", "cubic": "bicubic"}[
        str(op.node.attributes.get("mode", "nearest"))
    ]
    return lambda x, *_: op.torch.nn.functional.interpolate(x, size, mode=mode)


def _clip(op: _Operator) -> Callable[..., Any]:
    low, high = (op.node.attributes.get(n) for n in ("min", "max"))
    return lambda x, a=None, b=None: op.torch.clamp(
        x, low if a is None else a, high if b is None else b
    )


def _mean(op: _Operator) -> Callable[..., Any]:
    axes = op.graph.integers(op.node, "axes", 1)
    kept = bool(op.node.integer("keepdims", 1))
    return lambda x, *_: op.torch.mean(x, axes, kept)


def _hard_sigmoid(op: _Operator) -> Callable[..., Any]:
    alpha, beta = op.number("alpha", 0.2), op.number("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return op.torch.nn.functional.hardsigmoid  # type: ignore[no-any-return]
    return lambda x: op.torch.clamp(alpha * x + beta, 0, 1)


def _lrn(op: _Operator) -> Callable[..., Any]:
    size = op.node.integer("size", 5)
    alpha, beta, bias = op.number("alpha", 1e-4), op.number("beta", 0.75), op.number("bias", 1.0)
    return lambda x: op.torch.nn.functional.local_response_norm(x, size, alpha, beta, bias)


def _simple(path: str) -> Maker:
    def maker(op: _Operator) -> Callable[..., Any]:
        found = op.torch
        for part in path.split("."):
            found = getattr(found, part)
        return found  # type: ignore[no-any-return]

    return maker


OPERATORS: dict[str, Maker] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "GlobalAveragePool": lambda op: lambda x: op.torch.nn.functional.adaptive_avg_pool2d(x, 1),
    "Gemm": _gemm,
    "MatMul": _simple("matmul"),
    "BatchNormalization": _norm,
    "LayerNormalization": _layer_norm,
    "LRN": _lrn,
    "Relu": _simple("nn.functional.relu"),
    "Sigmoid": _simple("sigmoid"),
    "Tanh": _simple("tanh"),
    "Gelu": _simple("nn.functional.gelu"),
    "HardSwish": _simple("nn.functional.hardswish"),
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": lambda op: (
        lambda x: op.torch.nn.functional.leaky_relu(x, op.number("alpha", 0.01))
    ),
    "Clip": _clip,
    "Add": _simple("add"),
    "Sub": _simple("sub"),
    "Mul": _simple("mul"),
    "Div": _simple("div"),
    "Concat": lambda op: lambda *x: op.torch.cat(x, op.node.integer("axis")),
    "Flatten": _reshaped,
    "Reshape": _reshaped,
    "Squeeze": _reshaped,
    "Unsqueeze": _reshaped,
    "Identity": _reshaped,
    "Dropout": _reshaped,
    "Transpose": lambda op: lambda x: op.torch.permute(x, op.node.ints("perm")),
    "Split": _split,
    "Softmax": lambda op: lambda x: op.torch.softmax(x, op.node.integer("axis", -1)),
    "ReduceMean": _mean,
    "Resize": _resize,
}
"""How each operator is computed; each maker gives a function of the operator's inputs."""
