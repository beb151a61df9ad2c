"""From the JSON that TensorRT writes of an engine to a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import PurePath
from typing import Any

from edgeprofiler.core.arrays import peak
from edgeprofiler.core.network import UNCOVERED_OPS, Layer, Network, Source
from edgeprofiler.core.network_document import LAYER_FIELDS, network_from_document
from edgeprofiler.core.reads import Reads, merged
from edgeprofiler.reading.engine import operations
from edgeprofiler.reading.engine.classify import operation_of
from edgeprofiler.reading.engine.convolution import read_convolution
from edgeprofiler.reading.engine.document import STATED, EngineDocument, open_document
from edgeprofiler.reading.engine.generated import read_generated
from edgeprofiler.reading.engine.pooling import read_pooling, read_reduce
from edgeprofiler.reading.engine.products import read_product
from edgeprofiler.reading.engine.raw import RawLayer
from edgeprofiler.reading.engine.tensors import tensor_bytes

_OPAQUE = frozenset({"plugin", "unknown", "generated"})


def network_from_engine(document: object, source: Source) -> Network:
    """Return the network that an engine description holds, every layer in order.

    Args:
        document: JSON of `IEngineInspector` or of `trtexec --exportLayerInfo`, TensorRT 8 to
            10: an object with `Layers`, or a list of layers.
        source: where it came from; the network is called as the file without its ending.

    Raises:
        InvalidInput: it is no engine description, was exported without detailed verbosity, or
            a layer has dimensions that no tensor can have; the layer is named.
    """
    opened = open_document(document, source.name)
    produced, constants = opened.produced, opened.constants
    raws = [RawLayer(v, i, produced, constants) for i, v in enumerate(opened.layers)]
    layers = tuple([read_layer(raw) for raw in raws])
    if not opened.stated.null:
        return replace(network_from_document(opened.stated, layers), source=source)
    taken = {name for raw in raws for name, _, _ in raw.inputs}
    made = {name for raw in raws for name, _, _ in raw.outputs}
    named = "" not in taken and "" not in made
    return Network(
        name=PurePath(source.name).stem or "engine",
        layers=layers,
        source=source,
        batch=_batch(raws, opened),
        precision=_precision(layers),
        warnings=tuple(_warnings(layers, opened)),
        activation_bytes=_activation_bytes(raws, layers, taken & made) if named else None,
        reads=_reads(raws) if named else None,
    )


def _reads(raws: Sequence[RawLayer]) -> Reads | None:
    """Return which layers each layer reads; `None` where none is read.

    Several layers may write parts of one tensor: what is concatenated in place.
    """
    writers: dict[str, list[int]] = {}
    reads: list[tuple[int, ...]] = []
    for place, raw in enumerate(raws):
        reads.append(merged([writers[name] for name, _, _ in raw.inputs if name in writers]))
        for name, _, _ in raw.outputs:
            if name in writers:
                writers[name].append(place)
            else:
                writers[name] = [place]
    return tuple(reads) if any(reads) else None


def _activation_bytes(
    raws: Sequence[RawLayer], layers: Sequence[Layer], passed: Container[str]
) -> int | None:
    """Return the most bytes of tensors alive at once; `None` where one has no shape.

    Args:
        raws: the layers' entries.
        layers: the layers.
        passed: names of tensors that one layer gives and one takes; others are the caller's,
            and alive throughout.
    """
    first: dict[str, int] = {}
    last: dict[str, int] = {}
    sizes: dict[str, float] = {}
    callers: set[str] = set()
    within: dict[str, str] = {}
    for step, (raw, layer) in enumerate(zip(raws, layers, strict=True)):
        if layer.op == "noop" and raw.inputs:  # what it gives lies where what it takes does
            source = within.get(raw.inputs[0].name, raw.inputs[0].name)
            within |= {tensor.name: source for tensor in raw.outputs if tensor.name != source}
        for name, shape, dtype in raw.inputs + raw.outputs:
            if shape is None:
                return None
            size = tensor_bytes(shape, dtype or layer.dtype)
            place = within.get(name, name)
            first.setdefault(place, step)
            last[place] = step
            if size > sizes.get(place, -1):
                sizes[place] = size
            if name not in passed:
                callers.add(place)
    end = len(raws) - 1
    spans = [
        (0, end, size) if place in callers else (first[place], last[place], size)
        for place, size in sizes.items()
    ]
    return round(peak(spans))


def read_layer(raw: RawLayer) -> Layer:
    """Return the layer that an entry describes; facts stated by `engine_document` win."""
    layer = _computed(raw, operation_of(raw.name, raw.engine_type, raw.operation))
    if raw.entry.get(STATED) is None:
        return layer
    facts = raw.field(STATED)
    changed: dict[str, Any] = {
        name: read(facts[name]) for name, read in LAYER_FIELDS.items() if name in facts
    }
    return replace(layer, **changed)


def _computed(raw: RawLayer, op: str) -> Layer:
    if op in ("convolution", "transposed_convolution"):
        return read_convolution(raw, op)
    if op == "pool":
        return read_pooling(raw)
    if op in ("gemm", "matmul"):
        return read_product(raw, op)
    if op == "noop":
        return raw.build("other", op)
    _check_dimensions(raw, op)
    if op == "generated":
        return read_generated(raw)
    if op == "reduce":
        return read_reduce(raw)
    if op == "pointwise":
        return _pointwise(raw)
    if op in _OPAQUE:
        layer = replace(raw.build("other", op), weight_bytes=None)
        return layer if raw.inputs or raw.outputs else replace(layer, bytes_moved=None)
    return raw.build("other", op)


def _check_dimensions(raw: RawLayer, op: str) -> None:
    tensors = (*raw.inputs, *raw.constants, *raw.outputs)
    for tensor in tensors:
        if tensor.shape is None:
            raise raw.fail(f"has a tensor {tensor.name!r} without Dimensions")
    if not tensors and op not in _OPAQUE:
        raise raw.fail(f"({raw.engine_type or 'no type'}) has no tensors with Dimensions")


def _pointwise(raw: RawLayer) -> Layer:
    names = operations.expressions(raw.texts("Operations")) or operations.named(raw.name)
    count = raw.number("NbOperations") or raw.number("NbInstructions") or 0
    names = (*names, *["Pointwise"] * min(count - len(names), 1000))
    return raw.build("other", "pointwise", fused_ops=names[1:])


def _batch(raws: Sequence[RawLayer], document: EngineDocument) -> int:
    first = next(iter(document.bindings), None)
    tensors = (tensor for raw in raws for tensor in raw.inputs)
    named = (tensor for raw in raws for tensor in raw.inputs if tensor.name == first)
    for tensor in chain(named, tensors):
        if tensor.shape and len(tensor.shape) > 1:
            return max(tensor.shape[0], 1)
    return 1


def _precision(layers: Sequence[Layer]) -> str:
    computing = [layer for layer in layers if layer.kind in ("convolutional", "dense")]
    used = {"fp32" if layer.dtype == "tf32" else layer.dtype for layer in computing or layers[:1]}
    return used.pop() if len(used) == 1 else "mixed"


def _warnings(layers: Sequence[Layer], document: EngineDocument) -> Iterator[str]:
    if document.profiles > 1:
        yield (
            f"the engine has {document.profiles} optimisation profiles; "
            "the layers of the first are read"
        )
    uncovered = {layer.op for layer in layers} & UNCOVERED_OPS
    for op, meaning in (
        ("unknown", "of a type that no rule knows"),
        ("plugin", "that are plug-ins"),
    ):
        if op in uncovered:
            types = Counter(layer.engine_type or "no type" for layer in layers if layer.op == op)
            listed = ", ".join(f"{name} ({count})" for name, count in types.most_common(5))
            yield f"layers {meaning}, whose cost is unknown: {listed}"
    computing = [layer for layer in layers if layer.kind in ("convolutional", "dense")]
    unclear = [layer.name for layer in computing if layer.macs is None]
    if unclear:
        first = unclear[0] if len(unclear[0]) <= 80 else unclear[0][:77] + "..."
        yield f"the MACs of {len(unclear)} layers cannot be counted, the first is {first!r}"
