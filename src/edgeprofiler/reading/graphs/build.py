"""A compact way to write a network down as a graph: shapes of weights only, no values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, wraps
from itertools import islice
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.graph import AttributeValue, Graph, Node, Shape, Tensor
from edgeprofiler.reading.operators.fold import calculate
from edgeprofiler.reading.operators.rules import infer_again

Size = int | tuple[int, int]
_Told = ParamSpec("_Told")
_Made = TypeVar("_Made", bound=str | tuple[str, ...])
"""Names of what a part of a network makes."""

_ACTIVATIONS: dict[str, tuple[str, dict[str, AttributeValue]]] = {
    "relu": ("Relu", {}),
    "hardswish": ("HardSwish", {}),
    "hardsigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "sigmoid": ("Sigmoid", {}),
    "gelu": ("Gelu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.1}),
    "tanh": ("Tanh", {}),
}


def _pair(size: Size) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size


class GraphBuilder:
    """Collects nodes in execution order; every method takes and returns names of tensors.

    Names are hierarchical: inside `with builder.scope("layer1.0"):` a node named `conv1`
    becomes `layer1.0.conv1`, and so does its result; its weights are
    `layer1.0.conv1.weight` and so on. A name used twice gets a number.

    Raises:
        InvalidInput: (every method) shapes do not fit together; the node is named.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._nodes: list[Node] = []
        self._tensors: dict[str, Tensor] = {}
        self._inputs: list[str] = []
        self._calculations: dict[str, Node] = {}
        self._prefix = ""
        self._taken: list[str] = []
        """Names that were asked for and not to be had."""

    @contextmanager
    def scope(self, name: str) -> Iterator[None]:
        """Prefix the names of all nodes made inside; an empty name adds nothing."""
        outer = self._prefix
        self._prefix = f"{outer}{name}." if name else outer
        try:
            yield
        finally:
            self._prefix = outer

    def shape(self, x: str) -> Shape:
        """Return the shape of a tensor."""
        return self._tensors[x].shape

    def channels(self, x: str) -> int:
        """Return the number of channels: the second dimension."""
        return self.shape(x)[1]

    def input(self, shape: Shape, name: str = "input") -> str:
        """Declare a tensor that a caller supplies."""
        if not shape or min(shape) < 1:
            raise InvalidInput(
                f"input {name!r} of {self.name}", f"shape {shape}", "dimensions are 1 or more"
            )
        self._tensors[name] = Tensor(name, shape)
        self._inputs.append(name)
        return name

    def node(
        self,
        op: str,
        inputs: tuple[str, ...],
        name: str,
        attributes: Mapping[str, AttributeValue] | None = None,
        outputs: int = 1,
    ) -> str:
        """Add any operator; return its (first) result."""
        return self.nodes(op, inputs, name, attributes, outputs)[0]

    def nodes(
        self,
        op: str,
        inputs: tuple[str, ...],
        name: str,
        attributes: Mapping[str, AttributeValue] | None = None,
        outputs: int = 1,
    ) -> tuple[str, ...]:
        """Add any operator; return all its results."""
        return self._add(op, inputs, self._unique(name), attributes, outputs)

    def constant(self, name: str, shape: Shape) -> str:
        """Declare a weight by its whole name."""
        self._tensors[name] = Tensor(name, shape, constant=True)
        return name

    def number(self, name: str, value: tuple[int, ...] | tuple[float, ...]) -> str:
        """Declare a small constant that is known by value and is no parameter."""
        dtype = "int64" if all(isinstance(v, int) for v in value) else "fp32"
        self._tensors[name] = Tensor(name, (len(value),), dtype, constant=True, value=value)
        return name

    def like(self, x: str, *, name: str, axis: int = 1) -> str:
        """Declare a constant of the sizes of `x` from `axis` on, as grids of positions are.

        It is no parameter, and follows where a change of the input changes `x`.
        """
        name = self._unique(name)
        sizes = self._calculated("Shape", (x,), f"{name}.sizes", {"start": axis})
        return self._calculated("ConstantOfShape", (sizes,), name, {})

    def conv(
        self,
        x: str,
        channels: int,
        kernel: Size,
        *,
        name: str,
        stride: Size = 1,
        padding: Size | None = None,
        groups: int = 1,
        dilation: int = 1,
        bias: bool = False,
        same: bool = False,
        weights: str = "",
    ) -> str:
        """Add a 2-d convolution.

        Args:
            padding: on each side; `None` keeps the size at stride 1 (half the kernel).
            same: pad as TensorFlow does, so that sizes are divided by the stride and rounded up.
            weights: name of the weights, which all convolutions that name them share.
        """
        height, width = _pair(kernel)
        if padding is None:
            padding = (dilation * (height - 1) // 2, dilation * (width - 1) // 2)
        name = self._unique(name)
        whose = self._prefix + weights if weights else name
        inputs = [x, self.constant(f"{whose}.weight", self._filter(x, channels, kernel, groups))]
        if bias:
            inputs.append(self.constant(f"{whose}.bias", (channels,)))
        attributes: dict[str, AttributeValue] = {
            "kernel_shape": (height, width),
            "strides": _pair(stride),
            "pads": _pair(padding) * 2,
            "dilations": (dilation, dilation),
            "group": groups,
        }
        if same:
            del attributes["pads"]
            attributes["auto_pad"] = "SAME_UPPER"
        return self._add("Conv", tuple(inputs), name, attributes)[0]

    def deconv(self, x: str, channels: int, kernel: int, *, name: str, stride: int) -> str:
        """Add a transposed convolution with bias that multiplies the size by its stride.

        Its kernel is no smaller than the stride, and exceeds it by an even number.
        """
        name = self._unique(name)
        weight = self.constant(f"{name}.weight", (self.channels(x), channels, kernel, kernel))
        inputs = (x, weight, self.constant(f"{name}.bias", (channels,)))
        attributes: dict[str, AttributeValue] = {
            "kernel_shape": (kernel, kernel),
            "strides": (stride, stride),
            "pads": ((kernel - stride) // 2,) * 4,
        }
        return self._add("ConvTranspose", inputs, name, attributes)[0]

    def bn(self, x: str, *, name: str) -> str:
        """Add a batch normalisation: scale and shift, and running statistics."""
        name = self._unique(name)
        vectors = ("weight", "bias", "running_mean", "running_var")
        made = [self.constant(f"{name}.{part}", (self.channels(x),)) for part in vectors]
        return self._add("BatchNormalization", (x, *made), name, {})[0]

    def act(self, x: str, kind: str, *, name: str | None = None) -> str:
        """Add an activation; `silu` is a sigmoid and a product, `relu6` a clip."""
        name = name or kind
        if kind == "silu":
            return self.mul(x, self.node("Sigmoid", (x,), f"{name}.sigmoid"), name=name)
        if kind == "relu6":
            name = self._unique(name)
            bounds = tuple(
                self.number(f"{name}.{what}", (v,)) for what, v in (("min", 0.0), ("max", 6.0))
            )
            return self._add("Clip", (x, *bounds), name, {})[0]
        op, attributes = _ACTIVATIONS[kind]
        return self.node(op, (x,), name, attributes)

    def relu(self, x: str, *, name: str = "relu") -> str:
        """Add a rectifier."""
        return self.act(x, "relu", name=name)

    def max_pool(
        self,
        x: str,
        kernel: Size,
        *,
        name: str,
        stride: Size | None = None,
        padding: Size = 0,
        ceil: bool = False,
    ) -> str:
        """Add a max pooling; the stride is the kernel's size where not given."""
        return self._pool("MaxPool", x, kernel, name, stride, padding, ceil)

    def avg_pool(
        self,
        x: str,
        kernel: Size,
        *,
        name: str,
        stride: Size | None = None,
        padding: Size = 0,
        ceil: bool = False,
    ) -> str:
        """Add an average pooling that counts padding; the stride defaults to the kernel's size."""
        return self._pool("AveragePool", x, kernel, name, stride, padding, ceil)

    def adaptive_avg_pool(self, x: str, size: Size, *, name: str) -> str:
        """Add an average pooling to a fixed output size.

        The attribute `output_size`, which is not ONNX's, says the size, so that a change of
        resolution can choose the window anew.
        """
        window = adaptive_window(self.shape(x)[2:], _pair(size))
        return self.node("AveragePool", (x,), name, window)

    def global_avg_pool(self, x: str, *, name: str) -> str:
        """Add a mean over all spatial positions."""
        return self.node("GlobalAveragePool", (x,), name)

    def linear(self, x: str, features: int, *, name: str, bias: bool = True) -> str:
        """Add a fully connected layer on the last dimension.

        Two-dimensional inputs become a `Gemm`, others a `MatMul` and an `Add`, as exported.
        """
        shape = self.shape(x)
        name = self._unique(name)
        if len(shape) == 2:
            inputs = [x, self.constant(f"{name}.weight", (features, shape[-1]))]
            if bias:
                inputs.append(self.constant(f"{name}.bias", (features,)))
            return self._add("Gemm", tuple(inputs), name, {"transB": 1})[0]
        weight = self.constant(f"{name}.weight", (shape[-1], features))
        result = self._add("MatMul", (x, weight), name, {})[0]
        if not bias:
            return result
        return self.add(
            result, self.constant(f"{name}.bias", (features,)), name=f"{name}.add", whole=True
        )

    def add(self, x: str, y: str, *, name: str = "add", whole: bool = False) -> str:
        """Add a sum; `whole` takes the name without the scope's prefix."""
        return self._add("Add", (x, y), name if whole else self._unique(name), {})[0]

    def mul(self, x: str, y: str, *, name: str = "mul") -> str:
        """Add an element-wise product."""
        return self.node("Mul", (x, y), name)

    def scale(self, x: str, shape: Shape, *, name: str) -> str:
        """Add a product with a learned constant of a shape that broadcasts."""
        name = self._unique(name)
        return self._add("Mul", (x, self.constant(f"{name}.weight", shape)), name, {})[0]

    def concat(self, *parts: str, name: str = "concat", axis: int = 1) -> str:
        """Add a concatenation, along the channels unless asked otherwise."""
        return self.node("Concat", parts, name, {"axis": axis})

    def split(
        self, x: str, sizes: tuple[int, ...], *, name: str = "split", axis: int = 1
    ) -> tuple[str, ...]:
        """Cut into parts of given sizes, along the channels unless asked otherwise."""
        name = self._unique(name)
        inputs = (x, self.number(f"{name}.sizes", sizes))
        return self._add("Split", inputs, name, {"axis": axis}, outputs=len(sizes))

    def chunk(self, x: str, parts: int, *, name: str = "chunk") -> tuple[str, ...]:
        """Cut the channels into equal parts."""
        return self.split(x, (self.channels(x) // parts,) * parts, name=name)

    def size(self, x: str, axis: int, *, divided: int = 1) -> str:
        """Declare the length of a dimension, which follows where a change of the input changes it.

        Args:
            divided: what it is divided by, rounded down.
        """
        name = f"{x}.size{axis}"
        if name not in self._tensors:
            self._calculated("Shape", (x,), name, {"start": axis, "end": axis + 1})
        if divided == 1:
            return name
        part = f"{name}/{divided}"
        if part not in self._tensors:
            by = self.number(f"{part}.by", (divided,))
            self._calculated("Div", (name, by), part, {})
        return part

    def reshape(self, x: str, shape: tuple[int | str, ...], *, name: str = "reshape") -> str:
        """Change the shape.

        Args:
            shape: lengths; 0 copies a dimension, -1 is worked out, as in ONNX; a name is one of
                `size`.
        """
        name = self._unique(name)
        return self._add("Reshape", (x, self._lengths(f"{name}.shape", shape)), name, {})[0]

    def permute(self, x: str, order: tuple[int, ...], *, name: str = "permute") -> str:
        """Change the order of the dimensions."""
        return self.node("Transpose", (x,), name, {"perm": order})

    def channel_shuffle(self, x: str, groups: int, *, name: str = "shuffle") -> str:
        """Interleave the channels of `groups` groups: reshape, transpose, reshape."""
        _, channels, height, width = self.shape(x)
        with self.scope(name):
            x = self.reshape(x, (0, groups, channels // groups, height, width), name="split")
            x = self.permute(x, (0, 2, 1, 3, 4), name="transpose")
            return self.reshape(x, (0, channels, height, width), name="merge")

    def flatten(self, x: str, *, name: str = "flatten") -> str:
        """Join all dimensions behind the batch."""
        return self.node("Flatten", (x,), name, {"axis": 1})

    def lrn(self, x: str, size: int, *, name: str = "lrn") -> str:
        """Add a local response normalisation over `size` channels."""
        return self.node("LRN", (x,), name, {"size": size})

    def layer_norm(self, x: str, *, name: str) -> str:
        """Add a layer normalisation over the last dimension."""
        name = self._unique(name)
        length = (self.shape(x)[-1],)
        made = [self.constant(f"{name}.{part}", length) for part in ("weight", "bias")]
        return self._add("LayerNormalization", (x, *made), name, {"axis": -1})[0]

    def softmax(self, x: str, *, name: str = "softmax", axis: int = -1) -> str:
        """Add a softmax."""
        return self.node("Softmax", (x,), name, {"axis": axis})

    def resize(self, x: str, factor: float, *, name: str = "resize", mode: str = "nearest") -> str:
        """Add an up-sampling of both spatial dimensions."""
        name = self._unique(name)
        scales = self.number(f"{name}.scales", (1.0, 1.0, float(factor), float(factor)))
        return self._add("Resize", (x, "", scales), name, {"mode": mode})[0]

    def resize_to(self, x: str, image: str, *, name: str = "resize", mode: str = "nearest") -> str:
        """Add a resampling to the height and width of another tensor."""
        name = self._unique(name)
        lengths = (self.size(x, 0), self.channels(x), self.size(image, 2), self.size(image, 3))
        sizes = self._lengths(f"{name}.sizes", lengths)
        return self._add("Resize", (x, "", "", sizes), name, {"mode": mode})[0]

    def graph(self, *outputs: str, warnings: tuple[str, ...] = ()) -> Graph:
        """Return the graph with the given results."""
        return Graph(
            self.name,
            tuple(self._nodes),
            self._tensors,
            tuple(self._inputs),
            outputs,
            warnings,
            calculated=self._calculations,
        )

    def add_part(
        self, build: Callable[..., _Made], args: tuple[Any, ...], named: Mapping[str, Any]
    ) -> _Made:
        """Call a function that is a `part`, or add what it added when it was called so before."""
        told = [
            self._tensors.get(value, value) if isinstance(value, str) else value
            for value in (*args, *named.values())
        ]
        kept = _kept(build, self._prefix, tuple(named), tuple(told))
        if kept and self._tensors.keys().isdisjoint(kept[0].tensors):
            self._nodes += kept[0].nodes
            self._tensors.update(kept[0].tensors)
            return cast("_Made", kept[0].result)
        nodes, tensors, taken = len(self._nodes), len(self._tensors), len(self._taken)
        calculations = len(self._calculations)
        result = build(self, *args, **named)
        made = dict(islice(self._tensors.items(), tensors, None))
        # A name that another part of this graph has taken may be free in the next.
        if made.keys() >= set(self._taken[taken:]) and len(self._calculations) == calculations:
            kept[:] = [_Part(self._nodes[nodes:], made, result)]
        return result

    def _lengths(self, name: str, lengths: tuple[int | str, ...]) -> str:
        """Declare a list of lengths, calculated where some of them are."""
        numbers = tuple(length for length in lengths if isinstance(length, int))
        if len(numbers) == len(lengths):
            return self.number(name, numbers)
        parts = tuple(
            self.number(f"{name}.{place}", (length,)) if isinstance(length, int) else length
            for place, length in enumerate(lengths)
        )
        return self._calculated("Concat", parts, name, {"axis": 0})

    def _calculated(
        self, op: str, inputs: tuple[str, ...], name: str, attributes: Mapping[str, AttributeValue]
    ) -> str:
        node = Node(name, op, inputs, (name,), attributes)
        (made,) = calculate(node, self._tensors)
        self._tensors[name] = made
        self._calculations[name] = node
        return name

    def _filter(self, x: str, channels: int, kernel: Size, groups: int) -> Shape:
        return (channels, self.channels(x) // groups, *_pair(kernel))

    def _pool(
        self,
        op: str,
        x: str,
        kernel: Size,
        name: str,
        stride: Size | None,
        padding: Size,
        ceil: bool,
    ) -> str:
        attributes: dict[str, AttributeValue] = {
            "kernel_shape": _pair(kernel),
            "strides": _pair(kernel if stride is None else stride),
            "pads": _pair(padding) * 2,
            "ceil_mode": int(ceil),
        }
        if op == "AveragePool":
            attributes["count_include_pad"] = 1
        return self.node(op, (x,), name, attributes)

    def _unique(self, name: str) -> str:
        whole = self._prefix + name
        if whole not in self._tensors:
            return whole
        self._taken.append(whole)
        number = 1
        while f"{whole}_{number}" in self._tensors:
            number += 1
        return f"{whole}_{number}"

    def _add(
        self,
        op: str,
        inputs: tuple[str, ...],
        name: str,
        attributes: Mapping[str, AttributeValue] | None,
        outputs: int = 1,
    ) -> tuple[str, ...]:
        names = (name,) if outputs == 1 else tuple(f"{name}.{i}" for i in range(outputs))
        node = _node(name, op, inputs, names, tuple((attributes or {}).items()))
        for tensor in infer_again(node, self._tensors):
            self._tensors[tensor.name] = tensor
        self._nodes.append(node)
        return names


@dataclass(frozen=True)
class _Part:
    """What a part of a network added to a graph."""

    nodes: list[Node]
    tensors: dict[str, Tensor]
    result: Any


def part(
    build: Callable[Concatenate[GraphBuilder, _Told], _Made],
) -> Callable[Concatenate[GraphBuilder, _Told], _Made]:
    """Let a function that adds nodes to a builder add the same ones again from memory.

    For blocks that networks of a search have in common. What the function adds must follow from
    its arguments, the scope and the tensors that its arguments name: it reads no other tensors,
    and calculates no sizes.

    >>> @part
    ... def block(g: GraphBuilder, x: str, channels: int) -> str:
    ...     return g.relu(g.conv(x, channels, 3, name="conv"))
    >>> def network(channels: int) -> Graph:
    ...     g = GraphBuilder("n")
    ...     return g.graph(block(g, g.input((1, 3, 8, 8)), channels))
    >>> network(4) == network(4)
    True
    """

    @wraps(build)
    def added(g: GraphBuilder, /, *args: _Told.args, **named: _Told.kwargs) -> _Made:
        return g.add_part(build, args, named)

    return added


@lru_cache(maxsize=2**13)
def _kept(*_key: object) -> list[_Part]:
    """Return the place of a part in memory, which is empty at first.

    A part is some four kilobytes; a family of networks at some hundred widths has so many.
    """
    return []


def forget_parts() -> None:
    """Forget parts that were added before, so that building can be timed."""
    _kept.cache_clear()


@lru_cache(maxsize=2**14)
def _node(
    name: str,
    op: str,
    inputs: tuple[str, ...],
    outputs: tuple[str, ...],
    attributes: tuple[tuple[str, AttributeValue], ...],
) -> Node:
    """Return a node, the same one for all networks that have it: they are quick to compare."""
    return Node(name, op, inputs, outputs, dict(attributes))


def adaptive_window(size: Shape, target: Shape) -> dict[str, AttributeValue]:
    """Return the attributes of the pooling that turns `size` into `target`.

    Exact where `target` divides `size`; otherwise the regular windows nearest to the adaptive
    ones, which have the same number of outputs and cover all of the input. Where `target` is
    larger, inputs are repeated, as adaptive pooling does.
    """
    strides = tuple(max(length // wanted, 1) for length, wanted in zip(size, target, strict=True))
    kernel = tuple(
        max(length - (wanted - 1) * stride, 1)
        for length, wanted, stride in zip(size, target, strides, strict=True)
    )
    return {
        "kernel_shape": kernel,
        "strides": strides,
        "pads": (0,) * (2 * len(size)),
        "output_size": target,
    }
