"""A network as a device runs it: layers in execution order, and where they came from.

`Layer` and `Network` are for people; `Columns` holds the same facts as arrays, one row a
layer, and is what the cost model computes with.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt

from edgeprofiler.core.arrays import read_only
from edgeprofiler.core.plugins import load
from edgeprofiler.core.reads import Reads
from edgeprofiler.core.units import dtype_bytes

Shape = tuple[int, ...]
Kind = Literal["convolutional", "pooling", "dense", "other"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

OPS: dict[str, str] = {
    "convolution": "convolution of any number of spatial dimensions, grouped and depthwise too",
    "transposed_convolution": "transposed convolution",
    "gemm": "fully connected layer: activations by weights",
    "matmul": "product of two activations, or of activations by weights in more dimensions",
    "max_pool": "maximum over windows",
    "average_pool": "mean over windows",
    "global_pool": "mean or maximum over all spatial positions",
    "pointwise": "one or more element-wise operations as one kernel",
    "softmax": "softmax or log-softmax",
    "normalization": "layer, group, instance or local response normalisation",
    "reduce": "reduction other than a mean over space",
    "resize": "up- or down-sampling, pixel shuffle, grid sampling",
    "concat": "concatenation that must copy",
    "copy": "slice, gather, transpose, pad: moves data, computes nothing",
    "reformat": "change of memory layout or data type",
    "topk": "top-k, sort, non-maximum suppression, arg-max",
    "generated": "generated kernel (kgen, Myelin) whose content is not said",
    "noop": "takes no time: a view, an alias, a shape computation",
    "plugin": "a plug-in's own kernel",
    "unknown": "an operation that no rule knows",
}
"""Every `Layer.op` with its meaning."""

UNCOVERED_OPS = frozenset({"plugin", "unknown"})
"""Operations whose cost nobody can tell from their shapes."""

_MACS_UNKNOWN = UNCOVERED_OPS | {"gemm", "matmul", "generated"}
"""Operations whose multiply-accumulates shapes alone do not say."""


_MOVES = frozenset({"noop", "copy", "concat", "reformat"})
_READS_ALL = frozenset({"global_pool", "reduce", "softmax", "normalization", "topk"})


def elements(shape: Shape) -> int:
    """Return the number of elements of a tensor; a scalar has one."""
    return math.prod(shape)


@dataclass(frozen=True)
class Layer:
    """One unit of work as the device runs it.

    Shapes include the batch (`(1, 64, 112, 112)`). `kernel`, `stride`, `padding_before`,
    `padding_after` and `dilation` have one number a spatial dimension and are empty where they
    mean nothing. `macs`, `flops`, `weight_bytes` and `bytes_moved` are `None` where unknown,
    never 0 for want of knowledge. Use `make_layer` to have them derived from the shapes.
    """

    name: str
    kind: Kind
    op: str
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    dtype: str
    """Data type that the layer computes in: fp32, tf32, fp16, bf16, int8, ..."""
    input_dtypes: tuple[str, ...] = ()
    output_dtypes: tuple[str, ...] = ()
    kernel: Shape = ()
    stride: Shape = ()
    padding_before: Shape = ()
    padding_after: Shape = ()
    dilation: Shape = ()
    groups: int = 1
    macs: int | None = None
    flops: int | None = None
    weight_bytes: int | None = None
    bytes_moved: int | None = None
    """Bytes read and written in DRAM if nothing is cached: inputs, outputs and weights."""
    fused_ops: tuple[str, ...] = ()
    """Operations that run inside this layer's kernel: `("BatchNormalization", "Relu")`."""
    engine_type: str | None = None
    """The engine's own name of the tactic or type (`CaskGemmConvolution`), if it came from one."""
    nodes: tuple[str, ...] = ()
    """Names of the graph nodes that this layer came from."""
    repeats: int = 1
    """How often its kernel runs in one inference, each run after the last: the steps of a
    recurrent layer, the runs of a loop. Shapes are those of one run; `macs`, `flops` and
    `bytes_moved` those of all."""
    unbounded: bool = False
    """Whether it may run more often than that, without a known end."""

    @property
    def depthwise(self) -> bool:
        """Whether each input channel has filters of its own."""
        if self.op not in ("convolution", "transposed_convolution") or not self.input_shapes:
            return False
        shape = self.input_shapes[0]
        return self.groups > 1 and len(shape) > 1 and self.groups == shape[1]

    @property
    def arithmetic_intensity(self) -> float | None:
        """FLOP per byte moved, or `None` where one of the two is unknown."""
        if self.flops is None or not self.bytes_moved:
            return None
        return self.flops / self.bytes_moved

    @property
    def output_elements(self) -> int:
        """Number of elements of all outputs."""
        return sum(elements(shape) for shape in self.output_shapes)


def _tensor_bytes(shapes: Sequence[Shape], dtypes: Sequence[str], default: str) -> float:
    if len(dtypes) < len(shapes):
        dtypes = [*dtypes, *[default] * (len(shapes) - len(dtypes))]
    total = 0.0
    for shape, dtype in zip(shapes, dtypes, strict=False):
        total += math.prod(shape) * dtype_bytes(dtype)
    return total


def input_bytes(layer: Layer) -> float:
    """Return the bytes of all activation inputs of a layer."""
    return _tensor_bytes(layer.input_shapes, layer.input_dtypes, layer.dtype)


def output_bytes(layer: Layer) -> float:
    """Return the bytes of all outputs of a layer."""
    return _tensor_bytes(layer.output_shapes, layer.output_dtypes, layer.dtype)


def _convolution_macs(
    op: str, inputs: Sequence[Shape], outputs: Sequence[Shape], kernel: Shape, groups: int
) -> int | None:
    """Return multiply-accumulates of a convolution, from its shapes, kernel and groups."""
    if not inputs or not outputs:
        return None
    source, result = inputs[0], outputs[0]
    if op == "transposed_convolution":  # each input element meets a whole kernel
        source, result = result, source
    if len(source) < 2:
        return None
    return math.prod(result) * math.prod(kernel) * source[1] // max(groups, 1)


def make_layer(
    *,
    name: str,
    kind: Kind,
    op: str,
    input_shapes: Sequence[Shape],
    output_shapes: Sequence[Shape],
    dtype: str,
    weight_elements: int | None = 0,
    weight_dtype: str | None = None,
    fused_ops: tuple[str, ...] = (),
    macs: int | None = None,
    flops: int | None = None,
    bytes_moved: int | None = None,
    input_dtypes: tuple[str, ...] = (),
    output_dtypes: tuple[str, ...] = (),
    kernel: Shape = (),
    stride: Shape = (),
    padding_before: Shape = (),
    padding_after: Shape = (),
    dilation: Shape = (),
    groups: int = 1,
    engine_type: str | None = None,
    nodes: tuple[str, ...] = (),
    repeats: int = 1,
    unbounded: bool = False,
) -> Layer:
    """Return a layer with its MACs, FLOPs and bytes derived where they are not given.

    Args:
        weight_elements: number of weights and biases; `None` where unknown.
        macs: needed for `gemm` and `matmul` (the shared dimension is not in the shapes alone);
            derived for convolutions; 0 for operations without multiplication.
        bytes_moved: given where less than all inputs and outputs is moved (a `concat` that
            copies one input of four); derived otherwise, 0 for a `noop`.
        repeats: runs in one inference; all counts that are given are those of one run.
        unbounded: whether there may be more runs.
    """
    sources, results = tuple(input_shapes), tuple(output_shapes)
    weight_bytes = (
        None
        if weight_elements is None
        else math.ceil(weight_elements * dtype_bytes(weight_dtype or dtype))
    )
    if macs is None:
        if op in ("convolution", "transposed_convolution"):
            macs = _convolution_macs(op, sources, results, kernel, groups)
        elif op not in _MACS_UNKNOWN:
            macs = 0
    if flops is None and macs is not None:
        flops = 2 * macs + _elementwise_flops(op, sources, results, kernel, len(fused_ops))
    if bytes_moved is None and op == "noop":
        bytes_moved = 0
    elif bytes_moved is None:
        moved = _tensor_bytes(sources, input_dtypes, dtype)
        moved += _tensor_bytes(results, output_dtypes, dtype) + (weight_bytes or 0)
        bytes_moved = math.ceil(moved)
    layer: Any = _Open()
    layer.name = name
    layer.kind = kind
    layer.op = op
    layer.input_shapes = sources
    layer.output_shapes = results
    layer.dtype = dtype
    layer.input_dtypes = input_dtypes
    layer.output_dtypes = output_dtypes
    layer.kernel = kernel
    layer.stride = stride
    layer.padding_before = padding_before
    layer.padding_after = padding_after
    layer.dilation = dilation
    layer.groups = groups
    layer.macs = None if macs is None else macs * repeats
    layer.flops = None if flops is None else flops * repeats
    layer.weight_bytes = weight_bytes
    layer.bytes_moved = bytes_moved * repeats
    layer.fused_ops = fused_ops
    layer.engine_type = engine_type
    layer.nodes = nodes
    layer.repeats = repeats
    layer.unbounded = unbounded
    layer.__class__ = Layer
    return cast("Layer", layer)


class _Open:
    """A layer until all its fields are in place.

    A frozen dataclass puts each in place by a call of its own, which takes a fifth of the time of
    reading an engine's description.
    """


def _elementwise_flops(
    op: str, inputs: Sequence[Shape], outputs: Sequence[Shape], kernel: Shape, fused: int
) -> int:
    """Operations beside the MACs: one an element and fused step, a window's for a pooling."""
    if op in _MOVES:
        return 0
    if op in _READS_ALL:
        return sum(map(math.prod, inputs))
    made = sum(map(math.prod, outputs))
    if op in ("max_pool", "average_pool"):
        return made * max(math.prod(kernel), 1)
    return made * (fused + (1 if op in ("pointwise", "resize") else 0))


@dataclass(frozen=True)
class Source:
    """Where a network came from."""

    name: str
    """Path or address as the user gave it: `zoo:resnet18`, `engine_info.json`."""
    front_end: str
    """Name of the front end that read it: `tensorrt`, `zoo`, `onnx`, ..."""
    version: str = ""
    """Version of the format or of the tool that wrote it, where known."""


@dataclass(frozen=True)
class Network:
    """Layers in execution order, and where they came from."""

    name: str
    layers: tuple[Layer, ...]
    source: Source
    batch: int = 1
    precision: str = "fp16"
    """What the network was built for: fp32, fp16 or int8, or `mixed`."""
    warnings: tuple[str, ...] = ()
    """What a reader should know of how the network was read."""
    activation_bytes: int | None = None
    """The most bytes of activations that are alive at once, inputs and outputs among them; `None`
    where unknown."""
    least: Network | None = None
    """The network with the smaller branches and the fewest runs, where that is known only at run
    time."""
    most: Network | None = None
    """The same with the most runs; `None` also where there is no bound (`unbounded` layers)."""
    io_bytes: int | None = None
    """Bytes of the inputs and outputs as a caller holds them; `None` where unknown."""
    wider: Network | None = None
    """The same for the next wider type, which a builder keeps where that is faster; `None` where
    nothing lets expect it."""
    reads: Reads | None = None
    """The layers that each layer reads, by index; `None` where unknown."""

    def __len__(self) -> int:
        return len(self.layers)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all layers where they are known."""
        return sum(layer.macs or 0 for layer in self.layers)

    @cached_property
    def columns(self) -> Columns:
        """The layers as arrays, gathered once."""
        return Columns.of(self.layers)

    def given(self, columns: Columns) -> Network:
        """Return this network, which has its columns from now on without gathering them."""
        vars(self)["columns"] = columns  # where the cached property keeps them
        return self

    def with_wider(self, wider: Network | None, *warnings: str) -> Network:
        """Return the same with another network for the next wider type, and more warnings."""
        found = replace(self, wider=wider, warnings=(*self.warnings, *warnings))
        return found.given(self.columns) if "columns" in vars(self) else found

    @cached_property
    def whole(self) -> bool:
        """Whether all that runs can have a cost: no layer is uncovered, or runs without an end."""
        endless = any(layer.unbounded for layer in self.layers)
        return not endless and bool(self.columns.covered.all())

    def _repr_html_(self) -> str:
        return str(load("renderers", "html")(self))


DTYPE_CODES: Mapping[str, int] = {
    "fp32": 0, "tf32": 1, "fp16": 2, "bf16": 2, "int8": 3, "uint8": 3, "fp8": 3, "int4": 3,
    "fp64": 4,
}  # fmt: skip
"""Code of each data type in `Columns.dtype_code`; others (integers, booleans) count as fp32."""

OP_CODES: Mapping[str, int] = {op: code for code, op in enumerate(OPS)}
"""Code of each operation in `Columns.op_code`."""


@dataclass(frozen=True)
class Columns:
    """The facts of many layers as read-only arrays of one length.

    Unknown MACs and FLOPs are NaN. `spatial` counts output positions (batch times height times
    width), so that `spatial x out_channels` is the size of a convolution's GEMM.
    """

    op_code: IntArray
    kind_code: IntArray
    dtype_code: IntArray
    macs: FloatArray
    flops: FloatArray
    weight_bytes: FloatArray
    input_bytes: FloatArray
    output_bytes: FloatArray
    bytes_moved: FloatArray
    in_channels: FloatArray
    out_channels: FloatArray
    spatial: FloatArray
    kernel_size: FloatArray
    """Product of the kernel's dimensions; 1 where there is no kernel."""
    kernel_max: FloatArray
    stride_max: FloatArray
    groups: FloatArray
    fused: FloatArray
    """Number of fused element-wise operations."""
    width: FloatArray
    """Columns of a product's result: output channels a group, or the last dimension of a matrix;
    infinite where nothing is multiplied."""
    winograd: BoolArray
    """Whether Winograd's algorithm applies: 3x3, stride 1, dilation 1, one group."""
    depthwise: BoolArray
    covered: BoolArray
    """False for plug-ins and unknown operations, and where MACs would be needed but are unknown."""
    repeats: FloatArray
    """Runs in one inference, one after another; MACs, FLOPs and `bytes_moved` are those of all."""

    def __len__(self) -> int:
        return len(self.op_code)

    def is_op(self, *ops: str) -> BoolArray:
        """Return which layers have one of `ops`."""
        return _chosen(ops)[self.op_code]

    def is_kind(self, kind: Kind) -> BoolArray:
        """Return which layers are of `kind`."""
        return np.asarray(self.kind_code == KINDS.index(kind))

    @staticmethod
    def of(layers: Sequence[Layer]) -> Columns:
        """Return the columns of `layers`."""
        return Columns.of_numbers([number for layer in layers for number in numbers_of(layer)])

    @staticmethod
    def of_numbers(numbers: Sequence[float] | FloatArray) -> Columns:
        """Return the columns of layers from the `numbers_of` each, one layer after another."""
        rows = np.array(numbers, dtype=np.float64).reshape(-1, len(_NUMERIC))
        return Columns(
            **{
                name: read_only(row, _CASTS.get(name))
                for name, row in zip(_NUMERIC, rows.T, strict=True)
            }
        )

    @staticmethod
    def concatenate(parts: Sequence[Columns]) -> Columns:
        """Return the columns of several networks, one after another."""
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return Columns.of(())
        return Columns(
            **{name: np.concatenate([getattr(p, name) for p in parts]) for name in _NUMERIC}
        )

    @property
    def once(self) -> Columns:
        """The columns of one run of each layer."""
        if (self.repeats == 1).all():
            return self
        shares = {
            name: getattr(self, name) / self.repeats for name in ("macs", "flops", "bytes_moved")
        }
        return replace(self, **shares, repeats=np.ones(len(self)))

    def take(self, index: npt.NDArray[np.integer] | BoolArray | slice) -> Columns:
        """Return the rows that `index` selects."""
        return Columns(**{name: getattr(self, name)[index] for name in _NUMERIC})


@lru_cache(maxsize=64)
def _chosen(ops: tuple[str, ...]) -> BoolArray:
    """Return for every code of an operation whether it is one of `ops`."""
    return np.isin(np.arange(len(OPS)), [OP_CODES[op] for op in ops])


_NUMERIC = tuple(field.name for field in fields(Columns))
_CASTS: Mapping[str, type] = {
    **dict.fromkeys(("op_code", "kind_code", "dtype_code"), np.int64),
    **dict.fromkeys(("winograd", "depthwise", "covered"), np.bool_),
}


def is_winograd(layer: Layer) -> bool:
    """Say whether Winograd's algorithm can run a layer.

    Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016: its transforms are
    for dense filters of 3x3 that move by one.
    """
    plain = layer.op == "convolution" and layer.kernel == (3, 3) and layer.groups == 1
    return plain and {*layer.stride, *layer.dilation} <= {1}


def _width(layer: Layer, out_channels: int) -> float:
    if layer.op in ("gemm", "matmul"):
        shape = layer.output_shapes[0] if layer.output_shapes else ()
        if layer.op == "gemm" and shape[2:] and {*shape[2:]} == {1}:
            return max(out_channels, 1)  # as engines write it: a convolution of one pixel
        return max(shape[-1], 1) if shape else 1.0
    if layer.op in ("convolution", "transposed_convolution"):
        return max(out_channels / max(layer.groups, 1), 1.0)
    return math.inf


def numbers_of(layer: Layer) -> tuple[float, ...]:
    """Return a layer's row of `Columns`, in the order of its fields."""
    nan = math.nan
    source = layer.input_shapes[0] if layer.input_shapes else ()
    result = layer.output_shapes[0] if layer.output_shapes else ()
    in_channels = source[1] if len(source) > 1 else (source[0] if source else 1)
    out_channels = result[1] if len(result) > 1 else (result[0] if result else 1)
    spatial = elements(result) / out_channels if out_channels else 0
    needs_macs = layer.kind in ("convolutional", "dense")
    covered = layer.op not in UNCOVERED_OPS and not (needs_macs and layer.macs is None)
    return (
        OP_CODES[layer.op],
        KINDS.index(layer.kind),
        DTYPE_CODES.get(layer.dtype, 0),
        nan if layer.macs is None else layer.macs,
        nan if layer.flops is None else layer.flops,
        layer.weight_bytes or 0,
        input_bytes(layer),
        output_bytes(layer),
        layer.bytes_moved or 0,
        in_channels,
        out_channels,
        spatial,
        math.prod(layer.kernel),
        max(layer.kernel, default=1),
        max(layer.stride, default=1),
        layer.groups,
        len(layer.fused_ops),
        _width(layer, out_channels),
        is_winograd(layer),
        layer.depthwise,
        covered,
        layer.repeats,
    )
