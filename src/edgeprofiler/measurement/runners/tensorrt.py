"""TensorRT 8.6 to 10: build an engine from ONNX or load one, and time its layers.

An engine file is compiled code for the GPU, made to be run; it is loaded only where the caller
says that it comes from a trusted place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from edgeprofiler.core import limits
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.files import read_bytes
from edgeprofiler.measurement.runners._cuda import CudaRuntime
from edgeprofiler.measurement.runners._source import Model
from edgeprofiler.measurement.runners._tensorrt_engine import (
    LoadedEngine,
    build_engine,
    require_tensorrt,
)
from edgeprofiler.measurement.runners.base import ModelRunner

ENGINE_SUFFIXES = (".engine", ".plan", ".trt")


@dataclass(kw_only=True, eq=False)
class TensorRTRunner(ModelRunner):
    """Runs a network by TensorRT.

    Args:
        precision: `fp32`, `fp16`, or `int8` for a model that holds its own scales (Q/DQ nodes).
        workspace_mb: memory that tactics may use while building; 0 leaves TensorRT's default.
        trust_engine: whether an engine file may be loaded; it is code that runs on the GPU.
    """

    precision: str = "fp16"
    workspace_mb: int = 0
    trust_engine: bool = False
    cuda: CudaRuntime | None = field(default=None, init=False)
    """Device memory; the CUDA runtime's where `None`."""

    name = "tensorrt"
    precisions = ("fp32", "fp16", "int8")

    def probe(self) -> None:
        """Return if TensorRT and the CUDA runtime are installed and a GPU answers."""
        require_tensorrt()
        cuda = self._memory()
        cuda.free(cuda.allocate(1))

    def _memory(self) -> CudaRuntime:
        self.cuda = self.cuda or CudaRuntime()
        return self.cuda

    def read(self, source: str) -> Model:
        """Return a model, or an engine file that is trusted."""
        if not source.lower().endswith(ENGINE_SUFFIXES):
            return super().read(source)
        if not self.trust_engine:
            raise UsageError(
                f"{source}: an engine file is code that runs on the GPU; set trust_engine "
                "if you built it yourself, or give the ONNX model"
            )
        path = Path(source)
        return Model(source, path.stem, data=read_bytes(path, limits.ENGINE_BYTES))

    def open(self, model: Model) -> LoadedEngine:
        """Build or load the engine, and give it memory and random inputs."""
        if model.source.lower().endswith(ENGINE_SUFFIXES):
            plan = model.data
        else:
            plan = build_engine(model.onnx(), model.source, self.precision, self.workspace_mb)
        return LoadedEngine(
            model=model, clock=self.clock, plan=plan, shapes=self.shapes, cuda=self._memory()
        )

    def version(self) -> str:
        """Return TensorRT's version."""
        return str(require_tensorrt().__version__)
