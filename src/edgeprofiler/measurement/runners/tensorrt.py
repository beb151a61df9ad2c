"""TensorRT 8.6 to 10: build an engine from ONNX or load one, and time its layers.

The profiler calls back for every layer after the whole execution is complete, in a burst:
durations are good, the moments of the calls are not when layers ended. The first call is the
best sign of the end of the run.

An engine file is compiled code for the GPU, made to be run; it is loaded only where the caller
says that it comes from a trusted place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.files import read_bytes
from edgeprofiler.core.network import FloatArray, Layer, Network
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._cuda import Cuda, CudaRuntime
from edgeprofiler.measurement.runners._engine_layers import network_in_order
from edgeprofiler.measurement.runners._onnx_model import model_of
from edgeprofiler.measurement.runners._shared import Asked, paced, wall_times
from edgeprofiler.measurement.runners._single import single_layer_graph
from edgeprofiler.measurement.runners._source import onnx_model
from edgeprofiler.measurement.runners._tensorrt_engine import (
    Call,
    LoadedEngine,
    build_engine,
    require_tensorrt,
)
from edgeprofiler.measurement.runners.protocol import Clock, MonotonicClock

ENGINE_SUFFIXES = (".engine", ".plan", ".trt")


class TensorRTRunner:
    """Runs a network by TensorRT.

    Args:
        precision: `fp32`, `fp16`, or `int8` for a model that holds its own scales (Q/DQ nodes).
        batch: images at once; `None` keeps the model's own.
        shapes: input shapes by input name.
        workspace_mb: memory that tactics may use while building; 0 leaves TensorRT's default.
        trust_engine: whether an engine file may be loaded; it is code that runs on the GPU.
        cuda: device memory; the CUDA runtime where `None`.
    """

    name = "tensorrt"
    simulated = False
    needs_network = False

    def __init__(
        self,
        *,
        precision: str = "fp16",
        batch: int | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
        workspace_mb: int = 0,
        trust_engine: bool = False,
        cuda: Cuda | None = None,
    ) -> None:
        self._asked = Asked.of(precision, batch, shapes, ("fp32", "fp16", "int8"))
        self._workspace_mb = workspace_mb
        self._trust_engine, self._cuda = trust_engine, cuda
        self._engine: LoadedEngine | None = None
        self._source = ""
        self._names: tuple[str, ...] = ()
        self._random_weights = False
        self.clock: Clock = MonotonicClock()

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        return {
            **self._asked.options,
            "workspace_mb": self._workspace_mb,
            "trust_engine": self._trust_engine,
        }

    def probe(self) -> None:
        """Return if TensorRT and the CUDA runtime are installed and a GPU answers."""
        require_tensorrt()
        cuda = self._memory()
        cuda.free(cuda.allocate(1))

    def _memory(self) -> Cuda:
        if self._cuda is None:
            self._cuda = CudaRuntime()
        return self._cuda

    def load(self, source: str, network: Network | None = None) -> None:  # noqa: ARG002
        """Build or load the engine, and give it memory and random inputs."""
        self.probe()
        self.close()
        if source.lower().endswith(ENGINE_SUFFIXES):
            if not self._trust_engine:
                raise UsageError(
                    f"{source}: an engine file is code that runs on the GPU; set trust_engine "
                    "if you built it yourself, or give the ONNX model"
                )
            self._open(read_bytes(Path(source), limits.ENGINE_BYTES), source)
            return
        model = onnx_model(source, self._asked.batch, self._asked.shapes)
        self._random_weights = model.random_weights
        self._open(
            build_engine(model.data, source, self._asked.precision, self._workspace_mb), source
        )

    def _open(self, plan: Any, source: str) -> None:
        self._source = source
        self._engine = LoadedEngine(plan, source, self._asked.shapes, self.clock, self._memory())

    def _loaded(self) -> LoadedEngine:
        if self._engine is None:
            raise UsageError("load a model before running it")
        return self._engine

    def network(self) -> Network | None:
        """Return the engine's layers, in the order of the profiler's calls where that is known."""
        if self._engine is None:
            return None
        warnings = ("weights are random",) if self._random_weights else ()
        return network_in_order(self._engine.describe_layers(), self._source, self._names, warnings)

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run with the profiler and return durations with the stamps of its calls."""
        engine = self._loaded()
        starts = np.empty(runs)
        bursts: list[list[Call]] = []
        for index in paced(self.clock, runs, pauses_s):
            starts[index] = self.clock.now_s()
            bursts.append(engine.execute_watched())
        if not all(bursts):
            raise Unavailable(
                f"{self._source}: TensorRT's profiler told nothing of a run",
                "build the engine with profiling verbosity DETAILED",
            )
        if not self._names:
            self._names = tuple(name for name, _, _ in bursts[0])
        duration, stamp = aligned(bursts, self._names)
        return Timeline(
            layer_names=self._names,
            duration_s=duration,
            run_end_s=np.array([burst[0][2] for burst in bursts]),
            run_start_s=starts,
            stamp_s=stamp,
            stamp_kind="callback-burst",
        )

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs without the profiler; shape (runs,)."""
        engine = self._loaded()
        engine.execute()
        return wall_times(self.clock, runs, engine.execute)

    def isolated(self, layer: Layer) -> TensorRTRunner:
        """Return a loaded runner of this layer alone, with random weights."""
        graph = single_layer_graph(layer)
        runner = TensorRTRunner(
            precision=self._asked.precision, workspace_mb=self._workspace_mb, cuda=self._memory()
        )
        source = f"layer {layer.name}"
        plan = build_engine(
            model_of(graph).SerializeToString(), source, self._asked.precision, self._workspace_mb
        )
        runner._random_weights = True
        runner._open(plan, source)
        return runner

    def describe(self) -> Mapping[str, str]:
        """Return TensorRT's version and what the engine was built for."""
        require_tensorrt()
        import tensorrt as trt

        return {
            "runtime": f"tensorrt {trt.__version__}",
            "precision": self._asked.precision,
            "weights": "random" if self._random_weights else "the model's",
        }

    def close(self) -> None:
        """Give engine and device memory back."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None
        self._names, self._random_weights = (), False


def aligned(
    bursts: Sequence[Sequence[Call]], names: Sequence[str]
) -> tuple[FloatArray, FloatArray]:
    """Return durations and stamps, shape (runs, layers); NaN where a layer was not told.

    Two layers of one name are told in the engine's order in each run.
    """
    duration = np.full((len(bursts), len(names)), np.nan)
    stamp = np.full_like(duration, np.nan)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    for row, burst in enumerate(bursts):
        seen: dict[str, int] = {}
        for name, duration_s, stamp_s in burst:
            nth = seen.get(name, 0)
            seen[name] = nth + 1
            known = places.get(name, [])
            if nth < len(known):
                duration[row, known[nth]] = duration_s
                stamp[row, known[nth]] = stamp_s
    return duration, stamp
