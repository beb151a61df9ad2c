"""A TensorRT that behaves as documented, as far as our adapter uses it, and no further.

The profiler's calls come in a burst after the whole execution; `execute_v2` is synchronous;
a builder that fails gives `None`; the inspector gives names only unless the engine was built
with detailed verbosity; a shape is a `Dims`, not a tuple.
"""

from __future__ import annotations

import json
import math
import types
from collections.abc import Sequence
from enum import IntEnum
from typing import Any


class Dims:
    def __init__(self, shape: Sequence[int]) -> None:
        self._shape = list(shape)

    def __len__(self) -> int:
        return len(self._shape)

    def __getitem__(self, index: int) -> int:
        return self._shape[index]


class DataType:
    def __init__(self, name: str, itemsize: int) -> None:
        self.name, self.itemsize = name, itemsize


class Logger:
    ERROR = 1

    def __init__(self, severity: int) -> None:
        self.severity = severity


class IProfiler:
    def __init__(self) -> None:
        self.base_was_initialised = True

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        raise NotImplementedError


class TensorIOMode(IntEnum):
    NONE = 0
    INPUT = 1
    OUTPUT = 2


class ProfilingVerbosity(IntEnum):
    LAYER_NAMES_ONLY = 0
    NONE = 1
    DETAILED = 2


class BuilderFlag(IntEnum):
    FP16 = 0
    INT8 = 1


class LayerInformationFormat(IntEnum):
    ONELINE = 0
    JSON = 1


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


class FakeTensorRT:
    """Makes a module, and keeps what was asked of it.

    Args:
        layers: the engine's layers as (name, milliseconds), in order; the profiler tells them.
        description: what the inspector gives when the engine was built in detail.
        clock: advanced by the run and by each call of the profiler.
        version: decides whether the explicit-batch flag is still there.
    """

    def __init__(
        self,
        layers: Sequence[tuple[str, float]],
        description: dict[str, Any],
        clock: Any,
        version: str = "10.3.0",
        input_shape: Sequence[int] = (1, 3, 8, 8),
        parses: bool = True,
        builds: bool = True,
    ) -> None:
        self.layers, self.description, self.clock = list(layers), description, clock
        self.version, self.input_shape = version, list(input_shape)
        self.parses, self.builds = parses, builds
        self.flags: list[int] = []
        self.network_flags: int | None = None
        self.verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
        self.workspace: int | None = None
        self.executions = 0
        self.fails_while_running = False
        self.silent_profiler = False

    def module(self) -> types.ModuleType:
        fake = self
        module = types.ModuleType("tensorrt")

        class Config:
            @property
            def profiling_verbosity(self) -> ProfilingVerbosity:
                return fake.verbosity

            @profiling_verbosity.setter
            def profiling_verbosity(self, value: ProfilingVerbosity) -> None:
                fake.verbosity = value

            def set_flag(self, flag: int) -> None:
                fake.flags.append(flag)

            def set_memory_pool_limit(self, pool: int, size: int) -> None:
                fake.workspace = size

        class Builder:
            def __init__(self, logger: Logger) -> None:
                assert isinstance(logger, Logger)

            def create_network(self, flags: int = 0) -> object:
                fake.network_flags = flags
                return object()

            def create_builder_config(self) -> Config:
                return Config()

            def build_serialized_network(self, network: object, config: Config) -> Any:
                return b"plan" if fake.builds else None

        class OnnxParser:
            num_errors = 1

            def __init__(self, network: object, logger: Logger) -> None:
                pass

            def parse(self, model: bytes) -> bool:
                assert isinstance(model, bytes)
                return fake.parses

            def get_error(self, index: int) -> str:
                return "no importer for operator NonZero"

        class Context:
            profiler: Any = None

            def __init__(self) -> None:
                self.shape = list(fake.input_shape)

            def set_input_shape(self, name: str, shape: Sequence[int]) -> bool:
                if any(wanted > 64 for wanted in shape):
                    return False
                self.shape = list(shape)
                return True

            def get_tensor_shape(self, name: str) -> Dims:
                return Dims(self.shape if name == "input" else [1, 10])

            def execute_v2(self, bindings: list[int]) -> bool:
                if fake.fails_while_running:
                    return False
                assert len(bindings) == 2
                fake.executions += 1
                fake.clock.sleep(sum(ms for _, ms in fake.layers) * 1e-3)
                if self.profiler is not None and not fake.silent_profiler:
                    assert self.profiler.base_was_initialised
                    for name, ms in fake.layers:
                        self.profiler.report_layer_time(name, ms)
                        fake.clock.sleep(2e-6)
                return True

        class Inspector:
            execution_context: Any = None

            def get_engine_information(self, form: int) -> str:
                assert form == LayerInformationFormat.JSON
                if fake.verbosity is not ProfilingVerbosity.DETAILED:
                    return json.dumps({"Layers": [name for name, _ in fake.layers]})
                return json.dumps(fake.description)

        class Engine:
            num_io_tensors = 2

            def get_tensor_name(self, index: int) -> str:
                return ("input", "output")[index]

            def get_tensor_mode(self, name: str) -> TensorIOMode:
                return TensorIOMode.INPUT if name == "input" else TensorIOMode.OUTPUT

            def get_tensor_shape(self, name: str) -> Dims:
                return Dims(fake.input_shape if name == "input" else [1, 10])

            def get_tensor_dtype(self, name: str) -> DataType:
                return DataType("FLOAT", 4)

            def create_execution_context(self) -> Context:
                return Context()

            def create_engine_inspector(self) -> Inspector:
                return Inspector()

        class Runtime:
            def __init__(self, logger: Logger) -> None:
                pass

            def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
                return Engine() if plan == b"plan" else None

        flags = IntEnum("NetworkDefinitionCreationFlag", {"STRONGLY_TYPED": 1})
        if int(self.version.split(".")[0]) < 10:
            flags = IntEnum("NetworkDefinitionCreationFlag", {"EXPLICIT_BATCH": 0})
        for made in (
            Logger, IProfiler, TensorIOMode, ProfilingVerbosity, BuilderFlag, Builder, OnnxParser,
            LayerInformationFormat, MemoryPoolType, Runtime,
        ):  # fmt: skip
            setattr(module, made.__name__, made)
        module.NetworkDefinitionCreationFlag = flags  # type: ignore[attr-defined]
        module.__version__ = self.version  # type: ignore[attr-defined]
        return module


class FakeCuda:
    """Device memory that knows what is still taken."""

    def __init__(self) -> None:
        self.taken: dict[int, int] = {}
        self.uploaded: dict[int, Any] = {}
        self._next = 4096

    def allocate(self, size_bytes: int) -> int:
        self._next += 4096
        self.taken[self._next] = size_bytes
        return self._next

    def upload(self, address: int, data: Any) -> None:
        assert data.nbytes <= self.taken[address]
        self.uploaded[address] = data

    def free(self, address: int) -> None:
        del self.taken[address]


class StepClock:
    """A clock that moves only when somebody sleeps, in steps whose differences are exact."""

    virtual = True

    def __init__(self) -> None:
        self.time_s = 100.0

    def now_s(self) -> float:
        return self.time_s

    def sleep(self, duration_s: float) -> None:
        self.time_s += math.ceil(duration_s * 2**40) / 2**40
