"""TensorRT's own objects behind a few calls: build, load, give memory, execute, inspect.

Checked against TensorRT's type stubs; the runners see only what is defined here. The profiler
calls back for every layer after the whole execution is complete, in a burst: durations are good,
the moments of the calls are not when layers ended. The first call is the best sign of the end of
the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from edgeprofiler.core.errors import InvalidInput, Unavailable, Unsupported
from edgeprofiler.core.extras import require
from edgeprofiler.core.network import Network, Shape, elements
from edgeprofiler.measurement.runners._cuda import CudaRuntime
from edgeprofiler.measurement.runners._engine_layers import network_in_order
from edgeprofiler.measurement.runners._onnx_model import random_input
from edgeprofiler.measurement.runners.base import Call, WatchedModel
from edgeprofiler.measurement.runners.protocol import Clock

if TYPE_CHECKING:
    import tensorrt as trt

_NUMPY_TYPES = {
    "FLOAT": "f4", "HALF": "f2", "INT8": "i1", "UINT8": "u1", "INT32": "i4", "INT64": "i8",
    "BOOL": "?",
}  # fmt: skip


def require_tensorrt() -> Any:
    """Return the module `tensorrt`.

    Raises:
        Unavailable: it is not there. Type stubs, or leftovers of an old package, import as an
            empty namespace, so the import alone proves nothing.
    """
    with require(
        "",
        "on a Jetson with JetPack 6 use a virtual environment with --system-site-packages; "
        "elsewhere pip install tensorrt; for older boards run trtexec and read its files",
    ):
        import tensorrt
        from tensorrt import IProfiler  # noqa: F401 - an empty namespace has none
    return tensorrt


class Calls(Protocol):
    """What our profiler adds to TensorRT's."""

    def take(self) -> list[Call]:
        """Return the calls since the last time, in order."""
        ...


def build_engine(model: bytes, source: str, precision: str, workspace_mb: int) -> trt.IHostMemory:
    """Return a serialised engine of an ONNX model, with all layers described in full.

    Raises:
        Unsupported: TensorRT cannot parse or build it, or int8 was asked of a model without
            scales.
    """
    import tensorrt as trt

    logger = trt.Logger(trt.Logger.ERROR)
    builder = trt.Builder(logger)
    explicit = getattr(trt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    flags = 0 if explicit is None else 1 << int(explicit)  # later releases know no other way
    network = builder.create_network(flags)
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(model):
        reasons = "; ".join(str(parser.get_error(i)) for i in range(parser.num_errors))
        raise Unsupported(f"{source}: TensorRT cannot parse it ({reasons})")
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if workspace_mb:
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, workspace_mb * 1024 * 1024)
    if precision != "fp32":
        config.set_flag(trt.BuilderFlag.FP16)
    if precision == "int8":
        if b"QuantizeLinear" not in model:
            raise Unsupported(
                f"{source}: int8 needs a model that holds its scales (Q/DQ nodes); "
                "quantise it first, or choose fp16"
            )
        config.set_flag(trt.BuilderFlag.INT8)
    plan: trt.IHostMemory | None = builder.build_serialized_network(network, config)
    if plan is None:
        raise Unsupported(f"{source}: TensorRT could not build an engine; see its log")
    return plan


@dataclass(kw_only=True, eq=False)
class LoadedEngine(WatchedModel):
    """An engine on the GPU with two contexts: one that a profiler watches, one that runs free.

    Raises:
        InvalidInput: this TensorRT or GPU cannot load it, or an input's shape stays open.
    """

    plan: trt.IHostMemory | bytes
    """The serialised engine."""
    shapes: Mapping[str, Shape]
    """Shapes of inputs that the engine leaves open, by name."""
    cuda: CudaRuntime

    stamp_kind = "callback-burst"
    remedy = "build the engine with profiling verbosity DETAILED"

    def __post_init__(self) -> None:
        import tensorrt as trt

        self._addresses: list[int] = []
        self._runtime = trt.Runtime(trt.Logger(trt.Logger.ERROR))
        engine: trt.ICudaEngine | None = self._runtime.deserialize_cuda_engine(self.plan)
        if engine is None:
            raise InvalidInput(
                self.model.source,
                "is no engine that this TensorRT and this GPU can load",
                "build it again here, from the ONNX model",
            )
        self._engine = engine
        self._free = engine.create_execution_context()
        self._watched = engine.create_execution_context()
        self._calls = attach_profiler(self._watched, self.clock)
        for context in (self._free, self._watched):
            self._set_shapes(context)
        try:
            for index in range(engine.num_io_tensors):
                self._fill(engine.get_tensor_name(index))
            self.execute()
            self.watched()
        except BaseException:
            self.close()
            raise

    def _inputs(self) -> list[str]:
        import tensorrt as trt

        names = [self._engine.get_tensor_name(i) for i in range(self._engine.num_io_tensors)]
        return [n for n in names if self._engine.get_tensor_mode(n) == trt.TensorIOMode.INPUT]

    def _set_shapes(self, context: trt.IExecutionContext) -> None:
        for name in self._inputs():
            shape = _shape(self._engine.get_tensor_shape(name))
            if min(shape, default=0) >= 0:
                continue
            wanted = self.shapes.get(name, self.shapes.get("", ()))
            if len(wanted) != len(shape) or not context.set_input_shape(name, wanted):
                raise InvalidInput(
                    self.model.source,
                    f"input {name} is open: {'x'.join(map(str, shape))}",
                    "give its shape within the engine's profile",
                )

    def _fill(self, name: str) -> None:
        shape = _shape(self._free.get_tensor_shape(name))
        dtype = self._engine.get_tensor_dtype(name)
        self._addresses.append(self.cuda.allocate(int(elements(shape) * max(dtype.itemsize, 1))))
        if name in self._inputs():
            kind = _NUMPY_TYPES.get(dtype.name)
            if kind is None:
                raise Unsupported(f"{self.model.source}: input {name} is {dtype.name}")
            self.cuda.upload(self._addresses[-1], random_input(shape, kind))

    def execute(self) -> None:
        """Run once, without the profiler, and wait for the end."""
        self._run(self._free)

    def watched(self) -> tuple[Sequence[Call], float]:
        """Run once and return what the profiler told after the end."""
        self._run(self._watched)
        calls = self._calls.take()
        return calls, calls[0][2] if calls else self.clock.now_s()

    def _run(self, context: trt.IExecutionContext) -> None:
        if not context.execute_v2(self._addresses):
            raise Unavailable(
                f"{self.model.source}: TensorRT failed while running",
                "see its log; check free memory",
            )

    def network(self) -> Network:
        """Return the engine's layers, in the order of the profiler's calls where that is known."""
        text = described(self._engine, self._watched)
        return network_in_order(text, self.model.source, self.names, self.model.warnings)

    def close(self) -> None:
        """Give device memory back."""
        for address in self._addresses:
            self.cuda.free(address)
        self._addresses = []


def described(engine: trt.ICudaEngine, context: trt.IExecutionContext | None = None) -> str:
    """Return the inspector's JSON of all layers, with shapes where a context binds them."""
    import tensorrt as trt

    inspector = engine.create_engine_inspector()
    if context is not None:
        inspector.execution_context = context
    return str(inspector.get_engine_information(trt.LayerInformationFormat.JSON))


def _shape(dimensions: trt.Dims) -> Shape:
    return tuple(int(dimensions[i]) for i in range(len(dimensions)))


def attach_profiler(context: trt.IExecutionContext, clock: Clock) -> Calls:
    """Give a context a profiler that keeps every call with its moment on `clock`."""
    import tensorrt as trt

    class LayerCalls(trt.IProfiler):  # type: ignore[misc,unused-ignore]
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)  # the binding wants the base named, not super()
            self._calls: list[Call] = []

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self._calls.append((layer_name, ms * 1e-3, clock.now_s()))

        def take(self) -> list[Call]:
            calls, self._calls = self._calls, []
            return calls

    profiler = LayerCalls()
    context.profiler = profiler
    return profiler
