"""torch-tensorrt: a graph compiled by Torch-TensorRT, its engines timed by TensorRT's profiler.

Compiled with the Python runtime, whose modules show their engine and context; a network that
falls into several engines and PyTorch between them is the sum of what its engines tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.measurement.runners._engine_layers import network_in_order
from edgeprofiler.measurement.runners._onnx_model import inputs_of, weights_of
from edgeprofiler.measurement.runners._source import Model
from edgeprofiler.measurement.runners._tensorrt_engine import (
    Calls,
    attach_profiler,
    described,
    require_tensorrt,
)
from edgeprofiler.measurement.runners._torch_graph import module_of
from edgeprofiler.measurement.runners._torch_timing import require_torch
from edgeprofiler.measurement.runners.base import Call, ModelRunner
from edgeprofiler.measurement.runners.torch import LoadedModule


@dataclass(kw_only=True, eq=False)
class CompiledModule(LoadedModule):
    """A compiled module; each run's calls are those of all engines, one after another."""

    stamp_kind = "callback-burst"
    remedy = "use the tensorrt runner with the ONNX model"

    def __post_init__(self) -> None:
        self._engines = [
            part
            for part in self.forward.modules()  # type: ignore[attr-defined] # it is a module
            if getattr(part, "engine", None) is not None and hasattr(part, "context")
        ]
        if not self._engines:
            raise Unsupported(
                f"{self.model.source}: Torch-TensorRT built no engine that shows its layers"
            )
        self._profilers: list[Calls] = []
        self._counts: list[int] = []
        super().__post_init__()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Attach TensorRT's profiler to every engine, for good."""
        if not self._profilers:
            self._profilers = [attach_profiler(e.context, self.clock) for e in self._engines]
            self.execute()
            self._counts = [len(profiler.take()) for profiler in self._profilers]
        yield

    def watched(self) -> tuple[Sequence[Call], float]:
        """Run once and return what the profilers told."""
        self.execute()
        calls = [call for profiler in self._profilers for call in profiler.take()]
        # With several engines the last one's burst is the one after the end of the run.
        return calls, calls[-(self._counts[-1] or 1)][2] if calls else self.clock.now_s()

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs; call before `run`, which attaches the profiler.

        Raises:
            UsageError: the profiler is attached, which TensorRT cannot undo.
        """
        if self._profilers:
            raise UsageError("ask for latencies before run: the profiler stays attached")
        return super().latencies(runs)

    def network(self) -> Network | None:
        """Return the layers of all engines in order; known after the first `run`."""
        if not self.names:
            return None
        parts, first = [], 0
        for part, count in zip(self._engines, self._counts, strict=True):
            names = self.names[first : first + count]
            parts.append(network_in_order(described(part.engine), self.model.source, names))
            first += count
        layers = tuple(layer for part in parts for layer in part.layers)
        warnings = dict.fromkeys(w for part in parts for w in part.warnings)
        reads = parts[0].reads if len(parts) == 1 else None  # engines do not name each other's
        return replace(
            parts[0], layers=layers, reads=reads, warnings=(*warnings, *self.model.warnings)
        )

    def describe(self) -> Mapping[str, str]:
        """Return how many engines the network fell into."""
        return {"engines": str(len(self._engines))}


@dataclass(kw_only=True, eq=False)
class TorchTensorRTRunner(ModelRunner):
    """Runs a graph by Torch-TensorRT on an NVIDIA GPU.

    Args:
        precision: `fp32` or `fp16`.
    """

    precision: str = "fp16"

    name = "torch-tensorrt"
    precisions = ("fp32", "fp16")
    own_weights = False

    def probe(self) -> None:
        """Return if Torch-TensorRT, TensorRT and a GPU are there."""
        torch = require_torch()
        _compiler()
        require_tensorrt()
        if not torch.cuda.is_available():
            raise Unavailable("PyTorch finds no CUDA device", "run on a machine with an NVIDIA GPU")

    def open(self, model: Model) -> CompiledModule:
        """Compile a model's graph, with random weights."""
        assert model.graph is not None  # `own_weights` says so
        torch = require_torch()
        dtype = torch.float16 if self.precision == "fp16" else torch.float32
        module = module_of(model.graph, weights_of(model.graph)).to("cuda", dtype)
        inputs = [
            torch.from_numpy(value).to("cuda", dtype) for value in inputs_of(model.graph).values()
        ]
        try:
            compiled = _compiler().compile(
                module,
                ir="dynamo",
                inputs=inputs,
                enabled_precisions={dtype},
                use_python_runtime=True,
                min_block_size=1,
            )
        except RuntimeError as error:
            raise Unsupported(
                f"{model.source}: Torch-TensorRT cannot compile it ({error})"
            ) from None
        return CompiledModule(
            model=model, clock=self.clock, forward=compiled, inputs=inputs, cuda=True
        )

    def version(self) -> str:
        """Return Torch-TensorRT's version."""
        return str(_compiler().__version__)


def _compiler() -> Any:
    remedy = "install torch-tensorrt for your CUDA (on a Jetson NVIDIA's wheel)"
    with require("", f"{remedy}, or use the tensorrt runner"):
        import torch_tensorrt
    return torch_tensorrt
