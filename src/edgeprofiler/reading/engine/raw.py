"""One layer of an engine description, before it is known what it is."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.network import Kind, Layer, Shape, make_layer
from edgeprofiler.core.units import dtype_bytes
from edgeprofiler.core.values import Value
from edgeprofiler.reading.engine.tensors import EngineTensor, dtype_of, read_tensor

_FLOATING = frozenset({"fp16", "fp32", "bf16", "tf32", "fp64", "fp8", "int8"})


@dataclass(frozen=True)
class Constant:
    """Weights or biases as a layer states them: `{"Type": "Half", "Count": 9408}`."""

    count: int
    dtype: str | None

    def bytes_as(self, default: str) -> int:
        """Return their bytes; `default` is the data type where none is said."""
        return int(self.count * dtype_bytes(self.dtype or default))


@dataclass(frozen=True)
class RawLayer:
    """A layer's entry in `Layers`, its tensors read and told apart."""

    value: Value
    name: str
    engine_type: str
    """`LayerType`: the runner that the engine chose, such as `CaskConvolution`."""
    operation: str
    """`ParameterType`: what it computes, such as `Convolution`; empty in Myelin's layers."""
    inputs: tuple[EngineTensor, ...]
    """Tensors that other layers or the caller give, those without a shape left out."""
    constants: tuple[EngineTensor, ...]
    """Inputs that nobody gives: weights, biases and scalars that Myelin lists as inputs."""
    outputs: tuple[EngineTensor, ...]

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the inputs that are no constants."""
        return tuple(t.shape for t in self.inputs if t.shape is not None)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shapes of the outputs."""
        return tuple(t.shape for t in self.outputs if t.shape is not None)

    @cached_property
    def dtype(self) -> str:
        """Data type that it most likely computes in: that of its first numeric tensor."""
        known = [t.dtype for t in (*self.inputs, *self.outputs, *self.constants) if t.dtype]
        return next((d for d in known if d in _FLOATING), known[0] if known else "fp32")

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Names of the graph's nodes that it came from, as far as the engine says."""
        return tuple(_nodes(self.text("Metadata"), self.name))

    def field(self, key: str) -> Value:
        """Return a value of the entry; null where it is missing."""
        return _field(self.value, key)

    def text(self, key: str) -> str:
        """Return a text, empty where it is missing or null."""
        return self.field(key).default("").text()

    def numbers(self, key: str) -> Shape:
        """Return a list of sizes such as `Kernel`, empty where it is missing or null."""
        return self.field(key).default([]).shape()

    def number(self, key: str) -> int | None:
        """Return a count such as `Groups`, `None` where it is missing or null."""
        return self.field(key).maybe(lambda count: count.integer(0, limits.ELEMENTS))

    def flag(self, key: str) -> bool | None:
        """Return a yes or no, which TensorRT writes as 1 or 0."""
        number = self.field(key).raw
        return bool(number) if isinstance(number, (int, float)) else None

    def texts(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, empty where it is missing or null."""
        return self.field(key).default([]).texts()

    def constant(self, key: str) -> Constant | None:
        """Return `Weights` or `Bias`; `None` where there are none."""
        field = self.field(key).default({})
        count = field["Count"].default(0).integer(0, limits.ELEMENTS)
        kind = field["Type"].maybe(Value.text)
        return Constant(count, None if kind is None else dtype_of(kind)) if count else None

    @property
    def constant_bytes(self) -> int:
        """Bytes of the constants that are listed as inputs."""
        return int(sum(t.size * dtype_bytes(t.dtype or self.dtype) for t in self.constants))

    def fail(self, problem: str, remedy: str = "") -> InvalidInput:
        """Return the error that says what is wrong with this layer."""
        return self.value.fail(problem, remedy)

    def build(self, kind: Kind, op: str, *, weight_bytes: int | None = None, **facts: Any) -> Layer:
        """Return the layer, with tensors, types and names as the engine says.

        Args:
            kind: kind of the layer.
            op: its operation.
            weight_bytes: bytes of weights and biases; those of the listed constants if `None`.
            facts: further arguments of `make_layer`; they win over what is derived here.
        """
        given: dict[str, Any] = {
            "input_shapes": self.input_shapes,
            "output_shapes": self.output_shapes,
            "dtype": self.dtype,
            "input_dtypes": _dtypes(self.inputs, self.dtype),
            "output_dtypes": _dtypes(self.outputs, self.dtype),
            # Weights and biases may differ in type: their bytes are counted, not their number.
            "weight_elements": self.constant_bytes if weight_bytes is None else weight_bytes,
            "weight_dtype": "uint8",
            "engine_type": self.engine_type or None,
            "nodes": self.nodes,
        }
        return make_layer(name=self.name, kind=kind, op=op, **{**given, **facts})


def read_raw(
    value: Value, index: int, produced: Container[str] | None, constants: Container[str]
) -> RawLayer:
    """Return the layer that an entry of `Layers` describes.

    Args:
        value: the entry, an object.
        index: its position, for messages where it has no name.
        produced: names of all tensors that a layer or the caller gives; `None` where no
            constants are among the inputs.
        constants: names of tensors that `Constant` layers give.
    """
    name = value["Name"].default("").text()
    place = f"layer {name!r}" if name else f"layer {index}"
    value = value.at(place if len(place) < 120 else place[:117] + "...'")
    inputs = _tensors(value, "Inputs")
    activations = [
        t
        for t in inputs
        if (produced is None or not t.name or t.name in produced) and t.name not in constants
    ]
    if not activations and inputs:  # the caller's tensor where the bindings are not listed
        activations = [max(inputs, key=lambda tensor: tensor.size)]
    return RawLayer(
        value=value,
        name=name or f"layer {index}",
        engine_type=_field(value, "LayerType").default("").text(),
        operation=_field(value, "ParameterType").default("").text(),
        inputs=tuple(activations),
        constants=tuple(t for t in inputs if all(t is not a for a in activations)),
        outputs=_tensors(value, "Outputs"),
    )


def _tensors(value: Value, key: str) -> tuple[EngineTensor, ...]:
    return tuple(read_tensor(t, value.place) for t in _field(value, key).default([]).items())


def _field(value: Value, key: str) -> Value:
    return value[key].at(f"{value.place}: {key}")


def _dtypes(tensors: tuple[EngineTensor, ...], default: str) -> tuple[str, ...]:
    return tuple(t.dtype or default for t in tensors if t.shape is not None)


def _nodes(metadata: str, name: str) -> Iterator[str]:
    for part in metadata.replace("\x1e", "\x1f").split("\x1f"):
        text = part.strip()
        if text.startswith("[") and text.endswith("]") and ": " in text:
            yield text[1:-1].split(": ", 1)[1]
    if not metadata and not name.startswith(("Reformatting CopyNode", "__my")):
        yield from (part for part in name.split(" + ") if part)
