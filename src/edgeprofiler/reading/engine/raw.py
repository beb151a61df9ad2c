"""One layer of an engine description, before it is known what it is."""

from __future__ import annotations

import math
from collections.abc import Collection, Container, Mapping, Sequence
from typing import Any, NamedTuple

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Kind, Layer, Shape, make_layer
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.core.values import Value, clean, plain_shape
from edgeprofiler.reading.engine.tensors import EngineTensor, dtype_of, read_tensors, tensor_bytes

_FLOATING = frozenset({"fp16", "fp32", "bf16", "tf32", "fp64", "fp8", "int8"})


class Constant(NamedTuple):
    """Weights or biases as a layer states them: `{"Type": "Half", "Count": 9408}`."""

    elements: int
    dtype: str | None

    def bytes_as(self, default: str) -> int:
        """Return their bytes; `default` is the data type where none is said."""
        return int(self.elements * dtype_bytes(self.dtype or default))


Moves = tuple[Shape, Shape, Shape, Shape]
"""Stride, padding before, padding after and dilation of a kernel, each one number a spatial
dimension and empty where it is not said."""

_STILL: Moves = ((), (), (), ())


class RawLayer:
    """A layer's entry in `Layers`, its tensors read and told apart.

    What it holds is checked where it stands; a `Value`, which knows its place, is made only to
    say what is wrong.
    """

    def __init__(
        self,
        stands: Value,
        index: int = 0,
        produced: Container[str] | None = None,
        constant_names: Collection[str] = (),
    ) -> None:
        """Read an entry of `Layers`.

        Args:
            stands: the entry, an object.
            index: its position, for messages where it has no name.
            produced: names of all tensors that a layer or the caller gives; `None` where no
                constants are among the inputs.
            constant_names: names of tensors that `Constant` layers give.
        """
        self._stands = stands
        self.entry: Mapping[str, Any] = stands.mapping()
        stated = self.entry.get("Name")
        if not isinstance(stated, str):
            stated = stands["Name"].default("").text()
        self._stated = clean(stated)
        self.name = self._stated or f"layer {index}"
        inputs = read_tensors(self.entry, "Inputs", self.told)
        given: tuple[EngineTensor, ...] = inputs
        others: tuple[EngineTensor, ...] = ()
        if produced is not None or constant_names:
            given, others = _told_apart(inputs, produced, constant_names)
        self.inputs = given
        """Tensors that other layers or the caller give."""
        self.constants = others
        """Inputs that nobody gives: weights, biases and scalars that Myelin lists as inputs."""
        self.outputs = read_tensors(self.entry, "Outputs", self.told)
        self.engine_type = self.text("LayerType")
        """The runner that the engine chose, such as `CaskConvolution`."""
        self.operation = self.text("ParameterType")
        """What it computes, such as `Convolution`; empty in Myelin's layers."""
        self.input_shapes = tuple([s for _, s, _ in self.inputs if s is not None])
        self.output_shapes = tuple([s for _, s, _ in self.outputs if s is not None])
        self.dtype = _main_dtype((*given, *self.outputs, *self.constants))
        """Data type that it most likely computes in: that of its first numeric tensor."""
        self.nodes = _nodes(self.text("Metadata"), self.name)
        """Names of the graph's nodes that it came from, as far as the engine says."""

    def told(self) -> Value:
        """Return the entry, with the layer's name as its place."""
        place = f"layer {self._stated!r}" if self._stated else self.name
        return self._stands.at(place if len(place) < 120 else place[:117] + "...'")

    def field(self, key: str) -> Value:
        """Return a value of the entry; null where it is missing."""
        return self.told().under(key)

    def text(self, key: str) -> str:
        """Return a text, empty where it is missing or null."""
        raw = self.entry.get(key)
        if raw is None:
            return ""
        return clean(raw) if isinstance(raw, str) else self.field(key).text()

    def numbers(self, key: str) -> Shape:
        """Return a list of sizes such as `Kernel`, empty where it is missing or null."""
        raw = self.entry.get(key)
        if raw is None:
            return ()
        found = plain_shape(raw)
        return self.field(key).shape() if found is None else found

    def moves(self) -> Moves:
        """Return how the kernel of a convolution or pooling moves."""
        return (
            self.numbers("Stride"),
            self.numbers("PrePadding"),
            self.numbers("PostPadding"),
            self.numbers("Dilation"),
        )

    def number(self, key: str) -> int | None:
        """Return a count such as `Groups`, `None` where it is missing or null."""
        raw = self.entry.get(key)
        if raw is None or (type(raw) is int and 0 <= raw <= limits.ELEMENTS):
            return raw
        return self.field(key).integer(0, limits.ELEMENTS)

    def flag(self, key: str) -> bool | None:
        """Return a yes or no, which TensorRT writes as 1 or 0."""
        number = self.entry.get(key)
        return bool(number) if isinstance(number, (int, float)) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where it is missing or null."""
        return () if self.entry.get(key) is None else self.field(key).texts()

    def constant(self, key: str) -> Constant | None:
        """Return its `Weights` or `Bias`; `None` where it states none."""
        stated = self.entry.get(key)
        if stated is None:
            return None
        if not isinstance(stated, dict):
            raise self.field(key).wrong("an object")
        count, kind = stated.get("Count"), stated.get("Type")
        if count is not None and not (type(count) is int and 0 <= count <= limits.ELEMENTS):
            count = self.field(key)["Count"].integer(0, limits.ELEMENTS)
        if kind is not None and not isinstance(kind, str):
            kind = self.field(key)["Type"].text()
        return Constant(count, None if kind is None else dtype_of(kind)) if count else None

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constants that are listed as inputs."""
        if not self.constants:
            return 0
        default = self.dtype
        return int(
            sum([tensor_bytes(s, t or default) for _, s, t in self.constants if s is not None])
        )

    def fail(self, problem: str, remedy: str = "") -> InvalidInput:
        """Return the error that says what is wrong with this layer."""
        return self.told().fail(problem, remedy)

    def build(
        self,
        kind: Kind,
        op: str,
        *,
        weight_bytes: int | None = None,
        input_shapes: Sequence[Shape] = (),
        output_shapes: Sequence[Shape] = (),
        dtype: str = "",
        input_dtypes: tuple[str, ...] = (),
        macs: int | None = None,
        fused_ops: tuple[str, ...] = (),
        kernel: Shape = (),
        moves: Moves = _STILL,
        groups: int = 1,
    ) -> Layer:
        """Return the layer, with tensors, types and names as the engine says.

        Args:
            kind: kind of the layer.
            op: its operation.
            weight_bytes: bytes of weights and biases; those of the listed constants if `None`.
            input_shapes: shapes of the inputs where they differ from what the engine says.
            output_shapes: the same of the outputs.
            dtype: data type that it computes in, where it differs from that of its tensors.
            input_dtypes: data types of `input_shapes`.
            macs: as `make_layer` takes them; the same of `fused_ops`, `kernel` and `groups`.
            moves: how its kernel moves.
        """
        stride, before, after, dilation = moves
        sources, results = input_shapes or self.input_shapes, output_shapes or self.output_shapes
        input_dtypes = input_dtypes or _dtypes(self.inputs, self.dtype)
        output_dtypes = _dtypes(self.outputs, self.dtype)
        # Weights and biases may differ in type: their bytes are counted, not their number.
        held = self.constant_bytes if weight_bytes is None else weight_bytes
        moved = sum(map(tensor_bytes, sources, input_dtypes)) + held
        moved += sum(map(tensor_bytes, results, output_dtypes))
        return make_layer(
            name=self.name,
            kind=kind,
            op=op,
            input_shapes=sources,
            output_shapes=results,
            dtype=dtype or self.dtype,
            input_dtypes=input_dtypes,
            output_dtypes=output_dtypes,
            weight_elements=held,
            weight_dtype="uint8",
            bytes_moved=0 if op == "noop" else math.ceil(moved),
            engine_type=self.engine_type or None,
            nodes=self.nodes,
            macs=macs,
            fused_ops=fused_ops,
            kernel=kernel,
            stride=stride,
            padding_before=before,
            padding_after=after,
            dilation=dilation,
            groups=groups,
        )


def _told_apart(
    tensors: tuple[EngineTensor, ...], produced: Container[str] | None, constants: Container[str]
) -> tuple[tuple[EngineTensor, ...], tuple[EngineTensor, ...]]:
    """Return the tensors that layers or the caller give, and those that nobody gives."""
    given: list[EngineTensor] = []
    others: list[EngineTensor] = []
    for tensor in tensors:
        name = tensor[0]
        known = produced is None or not name or name in produced
        (given if known and name not in constants else others).append(tensor)
    if not given and others:  # the caller's tensor where the bindings are not listed
        largest = max(range(len(others)), key=lambda place: others[place].size)
        given.append(others.pop(largest))
    return tuple(given), tuple(others)


def _dtypes(tensors: tuple[EngineTensor, ...], default: str) -> tuple[str, ...]:
    return tuple([dtype or default for _, shape, dtype in tensors if shape is not None])


def _main_dtype(tensors: Sequence[EngineTensor]) -> str:
    known = None
    for tensor in tensors:
        if tensor.dtype in _FLOATING:
            return tensor.dtype
        known = known or tensor.dtype
    return known or "fp32"


def _nodes(metadata: str, name: str) -> tuple[str, ...]:
    if metadata:
        nodes: list[str] = []
        for part in metadata.replace("\x1e", "\x1f").split("\x1f"):
            stated = part.strip()
            if stated[:1] == "[" and stated[-1] == "]":
                _, colon, node = stated[1:-1].partition(": ")
                if colon:
                    nodes.append(node)
        return tuple(nodes)
    if name.startswith(("Reformatting CopyNode", "__my")):
        return ()
    return tuple([part for part in name.split(" + ") if part])
