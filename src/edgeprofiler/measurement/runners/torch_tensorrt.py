"""torch-tensorrt: a graph compiled by Torch-TensorRT, its engines timed by TensorRT's profiler.

Compiled with the Python runtime, whose modules show their engine and context; a network that
falls into several engines and PyTorch between them is the sum of what its engines tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._engine_layers import network_in_order
from edgeprofiler.measurement.runners._onnx_model import inputs_of, weights_of
from edgeprofiler.measurement.runners._shared import Asked, paced, wall_times
from edgeprofiler.measurement.runners._source import graph_of
from edgeprofiler.measurement.runners._tensorrt_engine import (
    Call,
    Calls,
    attach_profiler,
    require_tensorrt,
)
from edgeprofiler.measurement.runners._torch_graph import module_of
from edgeprofiler.measurement.runners._torch_timing import require_torch
from edgeprofiler.measurement.runners.protocol import Clock, MonotonicClock
from edgeprofiler.measurement.runners.tensorrt import aligned
from edgeprofiler.reading.front_end import ReadOptions


class TorchTensorRTRunner:
    """Runs a graph by Torch-TensorRT on an NVIDIA GPU.

    Args:
        precision: `fp32` or `fp16`.
        batch: images at once; `None` keeps the model's own.
        shapes: input shapes by input name.
    """

    name = "torch-tensorrt"
    simulated = False
    needs_network = False

    def __init__(
        self,
        *,
        precision: str = "fp16",
        batch: int | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
    ) -> None:
        self._asked = Asked.of(precision, batch, shapes, ("fp32", "fp16"))
        self._module: Any = None
        self._engines: tuple[Any, ...] = ()
        self._profilers: tuple[Calls, ...] = ()
        self._inputs: tuple[Any, ...] = ()
        self._counts: tuple[int, ...] = ()
        self._names: tuple[str, ...] = ()
        self._source = ""
        self.clock: Clock = MonotonicClock()

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        return self._asked.options

    def probe(self) -> None:
        """Return if Torch-TensorRT, TensorRT and a GPU are there."""
        torch = require_torch()
        _compiler()
        require_tensorrt()
        if not torch.cuda.is_available():
            raise Unavailable("PyTorch finds no CUDA device", "run on a machine with an NVIDIA GPU")

    def load(self, source: str, network: Network | None = None) -> None:  # noqa: ARG002
        """Compile a model's graph, with random weights."""
        self.probe()
        self.close()
        torch = require_torch()
        graph = graph_of(source, ReadOptions(batch=self._asked.batch, shapes=self._asked.shapes))
        dtype = torch.float16 if self._asked.precision == "fp16" else torch.float32
        module = module_of(graph, weights_of(graph)).to("cuda", dtype)
        self._inputs = tuple(
            torch.from_numpy(value).to("cuda", dtype) for value in inputs_of(graph).values()
        )
        try:
            self._module = _compiler().compile(
                module,
                ir="dynamo",
                inputs=list(self._inputs),
                enabled_precisions={dtype},
                use_python_runtime=True,
                min_block_size=1,
            )
        except RuntimeError as error:
            raise Unsupported(f"{source}: Torch-TensorRT cannot compile it ({error})") from None
        self._source = source
        self._engines = tuple(
            part
            for part in self._module.modules()
            if getattr(part, "engine", None) is not None and hasattr(part, "context")
        )
        if not self._engines:
            self.close()
            raise Unsupported(f"{source}: Torch-TensorRT built no engine that shows its layers")
        self._execute()

    def _execute(self) -> None:
        if self._module is None:
            raise UsageError("load a model before running it")
        torch = require_torch()
        with torch.inference_mode():
            self._module(*self._inputs)
        torch.cuda.synchronize()

    def network(self) -> Network | None:
        """Return the layers of all engines in order; known after the first `run`."""
        if not self._names:
            return None
        import tensorrt as trt

        parts, first = [], 0
        for part, count in zip(self._engines, self._counts, strict=True):
            text = part.engine.create_engine_inspector().get_engine_information(
                trt.LayerInformationFormat.JSON
            )
            names = self._names[first : first + count]
            parts.append(network_in_order(str(text), self._source, names))
            first += count
        layers = tuple(layer for part in parts for layer in part.layers)
        warnings = dict.fromkeys(w for part in parts for w in part.warnings)
        return replace(parts[0], layers=layers, warnings=(*warnings, "weights are random"))

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run with TensorRT's profiler on every engine."""
        if not self._profilers:
            self._profilers = tuple(
                attach_profiler(part.context, self.clock) for part in self._engines
            )
            self._execute()
            self._counts = tuple(len(profiler.take()) for profiler in self._profilers)
        starts, bursts = np.empty(runs), list[list[Call]]()
        for index in paced(self.clock, runs, pauses_s):
            starts[index] = self.clock.now_s()
            self._execute()
            bursts.append([call for profiler in self._profilers for call in profiler.take()])
        if not all(bursts):
            raise Unavailable(
                f"{self._source}: TensorRT's profiler told nothing of a run",
                "use the tensorrt runner with the ONNX model",
            )
        self._names = self._names or tuple(name for name, _, _ in bursts[0])
        duration, stamp = aligned(bursts, self._names)
        return Timeline(
            layer_names=self._names,
            duration_s=duration,
            # With several engines the last one's burst is the one after the end of the run.
            run_end_s=np.array([burst[-(self._counts[-1] or 1)][2] for burst in bursts]),
            run_start_s=starts,
            stamp_s=stamp,
            stamp_kind="callback-burst",
        )

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs; call before `run`, which attaches the profiler.

        Raises:
            UsageError: the profiler is attached, which TensorRT cannot undo.
        """
        if self._profilers:
            raise UsageError("ask for latencies before run: the profiler stays attached")
        return wall_times(self.clock, runs, self._execute)

    def describe(self) -> Mapping[str, str]:
        """Return versions and what was compiled."""
        return {
            "runtime": f"torch-tensorrt {_compiler().__version__}",
            "precision": self._asked.precision,
            "engines": str(len(self._engines)),
            "weights": "random",
        }

    def close(self) -> None:
        """Drop the compiled module."""
        self._module = None
        self._engines, self._profilers, self._inputs = (), (), ()
        self._counts, self._names = (), ()


def _compiler() -> Any:
    remedy = "install torch-tensorrt for your CUDA (on a Jetson NVIDIA's wheel)"
    with require("", f"{remedy}, or use the tensorrt runner"):
        import torch_tensorrt
    return torch_tensorrt
