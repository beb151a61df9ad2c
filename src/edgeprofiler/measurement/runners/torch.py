"""PyTorch, eager or as TorchScript; leaf modules are timed by hooks, on a GPU by events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.network import FloatArray, Layer, Network, Source
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._onnx_kernels import layer_of
from edgeprofiler.measurement.runners._onnx_model import inputs_of, unique_name, weights_of
from edgeprofiler.measurement.runners._shared import Asked, paced, wall_times
from edgeprofiler.measurement.runners._single import single_layer_graph
from edgeprofiler.measurement.runners._source import graph_of
from edgeprofiler.measurement.runners._torch_graph import kernels_of, module_of
from edgeprofiler.measurement.runners._torch_timing import LeafTimer, require_torch
from edgeprofiler.measurement.runners.protocol import Clock, MonotonicClock
from edgeprofiler.reading.front_end import ReadOptions

WHOLE = "whole network"
"""The only layer of a timeline where the runtime tells of no layers (TorchScript)."""


class TorchRunner:
    """Runs a graph, or a module of your own, by PyTorch.

    Operators that lie in no leaf module are part of a run and of no layer, so the layers' sum
    can be below the run's time; a graph from a front end has none of these.

    Args:
        processor: `cpu`, `cuda` or `cuda:1`.
        mode: `eager`, or `script` for TorchScript, which tells no layers.
        precision: `fp32`, or `fp16` on a GPU.
        batch: images at once; `None` keeps the model's own.
        shapes: input shapes by input name.
        threads: threads of a CPU; 0 leaves the choice to PyTorch.
    """

    name = "torch"
    simulated = False
    needs_network = False

    def __init__(
        self,
        *,
        processor: str = "cpu",
        mode: str = "eager",
        precision: str = "fp32",
        batch: int | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
        threads: int = 0,
    ) -> None:
        if mode not in ("eager", "script"):
            raise UsageError(f"no mode {mode!r}; choose eager or script")
        self._asked = Asked.of(precision, batch, shapes, ("fp32", "fp16"))
        self._processor, self._mode, self._threads = processor, mode, threads
        self._network: Network | None = None
        self._forward: Callable[..., Any] | None = None
        self._inputs: tuple[Any, ...] = ()
        self._timer: LeafTimer | None = None
        self._names: tuple[str, ...] = ()
        self.clock: Clock = MonotonicClock()

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        return {
            "processor": self._processor,
            "mode": self._mode,
            **self._asked.options,
            "threads": self._threads,
        }

    def probe(self) -> None:
        """Return if PyTorch is installed and the device is there."""
        torch = require_torch()
        if self._processor.startswith("cuda") and not torch.cuda.is_available():
            raise Unavailable(
                "PyTorch finds no CUDA device", "choose the processor cpu, or install a CUDA build"
            )

    def load(self, source: str, network: Network | None = None) -> None:  # noqa: ARG002
        """Translate a model's graph to PyTorch, with random weights."""
        self.probe()
        graph = graph_of(source, ReadOptions(batch=self._asked.batch, shapes=self._asked.shapes))
        self._open_graph(graph, source)

    def _open_graph(self, graph: Any, source: str) -> None:
        torch = require_torch()
        module = module_of(graph, weights_of(graph))
        inputs = tuple(torch.from_numpy(value) for value in inputs_of(graph).values())
        layers = tuple(layer_of(kernel) for kernel in kernels_of(graph))
        self.load_module(module, inputs, graph.name)
        taken: set[str] = set()
        names = tuple(unique_name(layer.name, taken) for layer in layers)
        if self._timer is not None:
            self._timer.rename(names)
        self._network = Network(
            graph.name, layers, Source(source, "torch", str(torch.__version__)), graph.batch,
            self._asked.precision, ("weights are random",),
        )  # fmt: skip
        if self._mode == "script":
            self._network = None

    def load_module(self, module: Any, inputs: Sequence[Any], name: str = "module") -> None:
        """Make a `torch.nn.Module` of your own ready to run on example inputs.

        Raises:
            Unsupported: TorchScript cannot trace it.
        """
        torch = require_torch()
        self.close()
        if self._threads:
            torch.set_num_threads(self._threads)
        half = self._asked.precision == "fp16"
        module = module.to(self._processor).eval()
        module = module.half() if half else module
        self._inputs = tuple(
            x.to(self._processor, torch.float16 if half and x.is_floating_point() else x.dtype)
            for x in inputs
        )
        if self._mode == "script":
            self._forward = self._traced(module, name)
            self._names = (WHOLE,)
        else:
            self._forward = module
            self._timer = LeafTimer(module, cuda=self._processor.startswith("cuda"))
        for _ in range(2):
            self._execute()

    def _traced(self, module: Any, name: str) -> Callable[..., Any]:
        torch = require_torch()
        try:
            with torch.inference_mode():
                traced: Callable[..., Any] = torch.jit.freeze(
                    torch.jit.trace(module, self._inputs, check_trace=False)
                )
        except RuntimeError as error:
            raise Unsupported(f"{name}: TorchScript cannot trace it ({error})") from None
        return traced

    def _execute(self) -> None:
        if self._forward is None:
            raise UsageError("load a model before running it")
        torch = require_torch()
        with torch.inference_mode():
            self._forward(*self._inputs)
        if self._processor.startswith("cuda"):
            torch.cuda.synchronize()

    def network(self) -> Network | None:
        """Return the graph's operators, each a kernel of its own; `None` for other modules."""
        return self._network

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run with hooks on the leaf modules; a TorchScript module is one layer."""
        starts, ends = np.empty(runs), np.empty(runs)
        rows: list[FloatArray] = []
        timer = self._timer
        if timer is not None:
            timer.attach()
        try:
            for index in paced(self.clock, runs, pauses_s):
                starts[index] = self.clock.now_s()
                self._execute()
                ends[index] = self.clock.now_s()
                rows.append(
                    np.array([ends[index] - starts[index]]) if timer is None else timer.take()
                )
        finally:
            if timer is not None:
                timer.detach()
        if timer is not None and not self._names:
            self._names = timer.names
        return Timeline(
            layer_names=self._names,
            duration_s=np.array(rows),
            run_end_s=ends,
            run_start_s=starts,
        )

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs without hooks; shape (runs,)."""
        return wall_times(self.clock, runs, self._execute)

    def isolated(self, layer: Layer) -> TorchRunner:
        """Return a loaded runner of this layer alone, with random weights."""
        options = {**self.options, "batch": None, "shapes": None}
        runner = TorchRunner(**options)
        runner._open_graph(single_layer_graph(layer), f"layer {layer.name}")
        return runner

    def describe(self) -> Mapping[str, str]:
        """Return PyTorch's version, device and mode."""
        torch = require_torch()
        cuda = self._processor.startswith("cuda")
        return {
            "runtime": f"torch {torch.__version__}",
            "execution": self._mode,
            "processor": torch.cuda.get_device_name(self._processor) if cuda else "cpu",
            "precision": self._asked.precision,
            "weights": "random",
        }

    def close(self) -> None:
        """Drop module and inputs."""
        self._forward = self._timer = self._network = None
        self._inputs, self._names = (), ()
