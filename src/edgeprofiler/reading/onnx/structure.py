"""From protobuf messages to plain nodes in an order in which they can be read."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgeprofiler.core import limits
from edgeprofiler.core.errors import InvalidInput, Unsupported
from edgeprofiler.core.graph import Shape
from edgeprofiler.core.text import first_line
from edgeprofiler.reading.operators.call import (
    DTYPES,
    FOLD_ELEMENTS,
    NUMPY,
    BadNodeError,
    Operand,
    check_size,
)
from edgeprofiler.reading.operators.selection import SUPPRESSIONS

MAX_OPSET = 100
FIRST_OPSET = 7

DEFAULT_DOMAINS = ("", "ai.onnx")
_MICROSOFT = frozenset({
    "DequantizeLinear", "FusedMatMul", "Gelu", "GridSample", "Pad", "QGemm", "QLinearAdd",
    "QLinearAveragePool", "QLinearConcat", "QLinearConv", "QLinearGlobalAveragePool",
    "QLinearLeakyRelu", "QLinearMul", "QLinearReduceMean", "QLinearSigmoid", "QLinearSoftmax",
    "QuantizeLinear", "Range", "RotaryEmbedding", "Trilu", "Unique",
})  # fmt: skip
"""Operators of `com.microsoft` that mean what our rule of that name says."""
_TORCH_LIBRARY = "pkg.onnxscript.torch_lib"


@dataclass(frozen=True, slots=True)
class RawNode:
    """A node as the file has it, with attributes as plain values.

    Attributes that are tensors are `Value`s; those that are graphs stay protobuf messages and
    are read in `scope`, which maps names of an enclosing, renamed subgraph to their new names.
    """

    name: str
    op: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    scope: Mapping[str, str] = field(default_factory=dict)

    @property
    def qualified(self) -> str:
        """The operator's name, with its domain where that is not ONNX's own."""
        return self.op if self.domain in DEFAULT_DOMAINS else f"{self.domain}.{self.op}"

    @property
    def familiar(self) -> bool:
        """Whether the operator's bare name means what ONNX or a known extension means by it."""
        if self.domain == "com.microsoft":
            return self.op in _MICROSOFT
        if self.op in SUPPRESSIONS:
            return True  # plug-ins, whose domain depends on who exported them
        return self.domain in DEFAULT_DOMAINS or self.domain == _TORCH_LIBRARY


def parse(data: bytes, source: object) -> Any:
    """Return the ModelProto, with its own functions inlined.

    Raises:
        InvalidInput: it is no ONNX model, or a malformed one.
        Unsupported: its opset is too old.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.ModelProto.FromString(data)
    except (DecodeError, UnicodeDecodeError):
        raise InvalidInput(source, "is not an ONNX file (its fields are not ONNX's)") from None
    if not model.HasField("graph") or not (model.graph.node or model.graph.output):
        raise InvalidInput(source, "is not an ONNX file (it holds no graph)")
    try:
        readable = all(isinstance(text, str) for text in _texts(model))
    except UnicodeDecodeError:
        readable = False
    if not readable:
        raise InvalidInput(source, "is damaged (a name in it is not UTF-8 text)")
    opset_of(model, source)
    if model.functions:
        model = _inline(model, source)
    if len(model.graph.node) > limits.NODES:
        raise InvalidInput(source, f"has more than {limits.NODES} nodes")
    return model


def _texts(model: Any) -> Iterator[object]:
    """Yield every name that is used later; protobuf gives bytes where one is not UTF-8."""
    yield from (opset.domain for opset in model.opset_import)
    for function in model.functions:
        yield function.name
        yield function.domain
        yield from (*function.input, *function.output)
        yield from _node_texts(function.node)
    yield from _graph_texts(model.graph)


def _graph_texts(graph: Any) -> Iterator[object]:
    yield graph.name
    for tensor in (*graph.initializer, *(t.values for t in graph.sparse_initializer)):
        yield tensor.name
        for entry in tensor.external_data:
            yield entry.key
            yield entry.value
    for info in (*graph.input, *graph.output, *graph.value_info):
        yield info.name
        if info.type.HasField("tensor_type"):
            yield from (d.dim_param for d in info.type.tensor_type.shape.dim)
    yield from _node_texts(graph.node)


def _node_texts(nodes: Iterable[Any]) -> Iterator[object]:
    for node in nodes:
        yield node.name
        yield node.op_type
        yield node.domain
        yield from node.input
        yield from node.output
        for attribute in node.attribute:
            yield attribute.name
            if attribute.HasField("g"):
                yield from _graph_texts(attribute.g)


def _has_own(model: Any) -> bool:
    """Whether a model has nodes of ONNX's own operators, in its functions too."""
    graphs = [model.graph, *model.functions]
    return any(node.domain in DEFAULT_DOMAINS for graph in graphs for node in graph.node)


def opset_of(model: Any, source: object) -> int:
    """Return the version of ONNX's own operators that the model uses."""
    versions = [o.version for o in model.opset_import if o.domain in DEFAULT_DOMAINS]
    if not versions and model.opset_import and not _has_own(model):
        return 0  # of other domains alone
    if not versions:
        raise InvalidInput(source, "does not say which opset it uses", "export it again")
    version = int(max(versions))
    if not 1 <= version <= MAX_OPSET:
        raise InvalidInput(source, f"claims opset {version}, which does not exist")
    if version < FIRST_OPSET:
        raise Unsupported(
            f"{source}: opset {version} is too old; convert it to {FIRST_OPSET} or later "
            "with onnx.version_converter"
        )
    return version


def _inline(model: Any, source: object) -> Any:
    """Return the model with its local functions expanded, unless that would never end."""
    from onnx import inliner

    functions = {(f.domain, f.name): f for f in model.functions}
    sizes: dict[tuple[str, str], int] = {}

    def size(nodes: Iterable[Any], active: frozenset[tuple[str, str]]) -> int:
        total = 0
        for node in nodes:
            key = (node.domain, node.op_type)
            if key in active:
                raise InvalidInput(source, f"the function {node.op_type} calls itself")
            if key in functions:
                if key not in sizes:
                    sizes[key] = size(functions[key].node, active | {key})
                total += sizes[key]
            total += 1
            for attribute in node.attribute:
                if attribute.HasField("g"):
                    total += size(attribute.g.node, active)
            if total > limits.NODES:
                raise InvalidInput(source, f"has more than {limits.NODES} nodes")
        return total

    try:
        size(model.graph.node, frozenset())
        return inliner.inline_local_functions(model)
    except (RuntimeError, ValueError, RecursionError) as error:
        problem = f"its functions cannot be expanded ({first_line(error)})"
        raise InvalidInput(source, problem) from None


def raw_nodes(graph: Any, reader: TensorReader) -> list[RawNode]:
    """Return the nodes of a GraphProto."""
    return [
        RawNode(
            name=node.name,
            op=node.op_type,
            domain=node.domain,
            inputs=tuple(node.input),
            outputs=tuple(node.output),
            attributes={a.name: attribute_value(a, reader) for a in node.attribute},
        )
        for node in graph.node
    ]


def attribute_value(attribute: Any, reader: TensorReader) -> Any:
    """Return an attribute as int, float, str, tuple, `Value` or GraphProto."""
    kind = attribute.type
    if kind == 1:
        return float(attribute.f)
    if kind == 2:
        return int(attribute.i)
    if kind == 3:
        return attribute.s.decode("utf-8", "replace")
    if kind == 4:
        return reader.value(attribute.t)
    if kind == 5:
        return attribute.g
    if kind == 6:
        return tuple(map(float, attribute.floats))
    if kind == 7:
        return tuple(map(int, attribute.ints))
    if kind == 8:
        return tuple(s.decode("utf-8", "replace") for s in attribute.strings)
    if kind == 11:
        return reader.sparse(attribute.sparse_tensor)
    return None


class TensorReader:
    """Reads tensors of a file; of those stored beside it only what shapes may depend on."""

    def __init__(
        self,
        source: str,
        folder: Path | None,
        again: Callable[[frozenset[str]], bytes] | None = None,
    ) -> None:
        self.source = source
        self.folder = folder
        self._again = again
        self.unread: dict[str, str] = {}
        """Why the values of a tensor that is stored beside the model cannot be read."""
        self._files: dict[str, Path | str] = {}
        """Files beside the model by location, or why there is none."""

    def value(self, tensor: Any) -> Operand:
        """Return a TensorProto's shape and type, and its elements if it is small."""
        shape = tuple(int(n) for n in tensor.dims)
        dtype = DTYPES.get(tensor.data_type, "fp32")
        self._check(tensor.name, shape)
        return Operand(shape, dtype, constant=True, data=self._elements(tensor, shape, dtype))

    def payloads(self, names: Iterable[str]) -> dict[str, npt.NDArray[Any]]:
        """Return the elements of floating-point weights, which costs another look at the file."""
        import onnx
        from onnx import numpy_helper

        wanted = frozenset(names)
        if self._again is None:
            return {}
        model = onnx.ModelProto.FromString(self._again(wanted))
        return {
            tensor.name: numpy_helper.to_array(tensor)
            for tensor in model.graph.initializer
            if tensor.name in wanted and tensor.data_location == 0
        }

    def sparse(self, tensor: Any) -> Operand:
        """Return a SparseTensorProto's dense shape."""
        shape = tuple(int(n) for n in tensor.dims)
        self._check(tensor.values.name, shape)
        return Operand(shape, DTYPES.get(tensor.values.data_type, "fp32"), constant=True)

    def _check(self, name: str, shape: Shape) -> None:
        try:
            check_size(shape)
        except BadNodeError as error:
            raise InvalidInput(self.source, f"the weights {name!r}: it {error}") from None

    def _elements(self, tensor: Any, shape: Shape, dtype: str) -> npt.NDArray[Any] | None:
        kind = NUMPY.get(dtype)
        count = int(np.prod(shape, dtype=np.int64))
        beside = self._file(tensor) if tensor.data_location == 1 else None
        # A node of many results is told their sizes by as many numbers.
        most = limits.NODES // 2 if len(shape) == 1 and dtype == "int64" else FOLD_ELEMENTS
        if kind is None or count > most:
            return None
        raw: bytes = tensor.raw_data
        if beside is not None:
            raw = self._beside(beside, tensor, count * np.dtype(kind).itemsize)
        if len(raw) == count * np.dtype(kind).itemsize:
            return np.frombuffer(raw, np.dtype(kind).newbyteorder("<")).astype(kind).reshape(shape)
        fields = (
            tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data,
            tensor.uint64_data,
        )  # fmt: skip
        for listed in fields:
            if len(listed) == count:
                values = np.array(listed)
                if kind is np.float16:  # stored as bits
                    return values.astype(np.uint16).view(np.float16).reshape(shape)
                return values.astype(kind).reshape(shape)
        return None

    def _file(self, tensor: Any) -> Path | None:
        """Return the file beside the model that holds a tensor, or note why there is none."""
        if self.folder is None:
            return None
        location = next((e.value for e in tensor.external_data if e.key == "location"), "")
        if location not in self._files:
            self._files[location] = self._found(self.folder, location)
        found = self._files[location]
        if isinstance(found, str):
            self.unread[tensor.name] = f"its data file {location!r} {found}"
            return None
        return found

    @staticmethod
    def _found(folder: Path, location: str) -> Path | str:
        try:
            path = (folder / location).resolve()
            # A stranger's model must not make us read outside its own folder.
            if folder.resolve() not in path.parents:
                return "lies outside its folder"
            return path if path.is_file() else "is missing"
        except (OSError, ValueError) as error:
            return f"cannot be found ({error})"

    def _beside(self, path: Path, tensor: Any, size: int) -> bytes:
        """Return what is stored in a file beside the model, or as much of it as there is."""
        offset = next((e.value for e in tensor.external_data if e.key == "offset"), "0")
        found = b""
        try:
            with path.open("rb") as file:
                file.seek(int(offset))
                found = file.read(size)
        except (ValueError, OSError, OverflowError):
            pass  # which the next line says: nothing was read
        if len(found) < size:
            self.unread[tensor.name] = f"its data file {path.name!r} ends before its values"
        return found


def subgraphs(node: RawNode) -> Iterator[Any]:
    """Yield the graphs among a node's attributes."""
    for value in node.attributes.values():
        if not isinstance(value, (int, float, str, tuple)) and hasattr(value, "initializer"):
            yield value


def captured(node: RawNode) -> list[str]:
    """Return the names that a node's subgraphs read from outside, in order."""
    graphs = [*subgraphs(node)]
    if not graphs:
        return []
    found: dict[str, None] = {}
    for graph in graphs:
        _outer_names(graph, frozenset(), found)
    return [node.scope.get(name, name) for name in found]


def _outer_names(graph: Any, known: frozenset[str], found: dict[str, None]) -> None:
    made = known | {v.name for v in graph.input} | {t.name for t in graph.initializer}
    made |= {name for node in graph.node for name in node.output}
    made |= {t.values.name for t in graph.sparse_initializer}
    for node in graph.node:
        for name in node.input:
            if name and name not in made:
                found[name] = None
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _outer_names(attribute.g, made, found)
    for output in graph.output:
        if output.name and output.name not in made:
            found[output.name] = None


def in_order(
    nodes: Sequence[RawNode], known: Container[str], source: object, place: str = ""
) -> list[RawNode]:
    """Return nodes such that each follows those that it reads from; the file's order if it does.

    Raises:
        InvalidInput: a tensor is made twice, made by nobody, or depends on itself.
    """
    producer: dict[str, int] = {}
    for index, node in enumerate(nodes):
        for name in node.outputs:
            if name and (name in producer or name in known):
                raise InvalidInput(source, f"two nodes{place} make the tensor {name!r}")
            if name:
                producer[name] = index
    waiting: list[int] = []
    readers: dict[int, list[int]] = {}
    for index, node in enumerate(nodes):
        needs = set()
        for name in (*node.inputs, *captured(node)):
            if not name or name in known:
                continue
            if name not in producer:
                raise InvalidInput(
                    source, f"{describe(node)} reads {name!r}, which is neither an input nor made"
                )
            needs.add(producer[name])
        waiting.append(len(needs))
        for need in needs:
            readers.setdefault(need, []).append(index)
    return [nodes[i] for i in _sorted(nodes, waiting, readers, source)]


def _sorted(
    nodes: Sequence[RawNode],
    waiting: list[int],
    readers: Mapping[int, list[int]],
    source: object,
) -> list[int]:
    import heapq

    ready = [index for index, count in enumerate(waiting) if count == 0]
    order: list[int] = []
    while ready:
        index = heapq.heappop(ready)  # the file's own order wherever it is possible
        order.append(index)
        for reader in readers.get(index, ()):
            waiting[reader] -= 1
            if waiting[reader] == 0:
                heapq.heappush(ready, reader)
    if len(order) < len(nodes):
        stuck = next(i for i, count in enumerate(waiting) if count > 0)
        raise InvalidInput(source, f"has a cycle through {describe(nodes[stuck])}")
    return order


def describe(node: RawNode) -> str:
    """Return how messages name a node."""
    name = node.name or (node.outputs[0] if node.outputs else "")
    return f"node {name[:80]!r} ({node.op[:80]})"
