"""PyTorch, eager or as TorchScript; leaf modules are timed by hooks, on a GPU by events."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network, Source
from edgeprofiler.measurement.runners._onnx_kernels import layer_of
from edgeprofiler.measurement.runners._onnx_model import inputs_of, weights_of
from edgeprofiler.measurement.runners._source import Model
from edgeprofiler.measurement.runners._torch_graph import kernels_of, module_of
from edgeprofiler.measurement.runners._torch_timing import LeafTimer, require_torch
from edgeprofiler.measurement.runners.base import Call, ModelRunner, WatchedModel

WHOLE = "whole network"
"""The only layer of a timeline where the runtime tells of no layers (TorchScript)."""


@dataclass(kw_only=True, eq=False)
class LoadedModule(WatchedModel):
    """A module on its processor, with its inputs."""

    forward: Callable[..., Any]
    inputs: Sequence[Any]
    cuda: bool
    """Whether a GPU computes, which has to be waited for."""
    timer: LeafTimer | None = None
    """Times the leaves; `None` where there are none."""
    layers: Network | None = None

    def __post_init__(self) -> None:
        for _ in range(2):
            self.execute()

    def execute(self) -> None:
        """Run once and wait for the end."""
        torch = require_torch()
        with torch.inference_mode():
            self.forward(*self.inputs)
        if self.cuda:
            torch.cuda.synchronize()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Hang hooks on the leaves, and take them off again."""
        if self.timer is None:
            yield
            return
        self.timer.attach()
        try:
            yield
        finally:
            self.timer.detach()

    def watched(self) -> tuple[Sequence[Call], float]:
        """Run once; the whole network is one layer where no leaf is timed."""
        started_s = self.clock.now_s()
        self.execute()
        ended_s = self.clock.now_s()
        if self.timer is None:
            return [(WHOLE, ended_s - started_s, ended_s)], ended_s
        durations = self.timer.take().tolist()
        names = self.timer.names
        return [(n, d, ended_s) for n, d in zip(names, durations, strict=True)], ended_s

    def network(self) -> Network | None:
        """Return the graph's operators, each a kernel of its own; `None` for other modules."""
        return self.layers


@dataclass(kw_only=True, eq=False)
class TorchRunner(ModelRunner):
    """Runs a graph, or a module of your own, by PyTorch.

    Operators that lie in no leaf module are part of a run and of no layer, so the layers' sum
    can be below the run's time; a graph from a front end has none of these.

    Args:
        processor: `cpu`, `cuda` or `cuda:1`.
        mode: `eager`, or `script` for TorchScript, which tells no layers.
        precision: `fp32`, or `fp16` on a GPU.
        threads: threads of a CPU; 0 leaves the choice to PyTorch.
    """

    processor: str = "cpu"
    mode: str = "eager"
    precision: str = "fp32"
    threads: int = 0

    name = "torch"
    precisions = ("fp32", "fp16")
    own_weights = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.mode not in ("eager", "script"):
            raise UsageError(f"no mode {self.mode!r}; choose eager or script")

    def probe(self) -> None:
        """Return if PyTorch is installed and the device is there."""
        torch = require_torch()
        if self._cuda and not torch.cuda.is_available():
            raise Unavailable(
                "PyTorch finds no CUDA device", "choose the processor cpu, or install a CUDA build"
            )

    @property
    def _cuda(self) -> bool:
        return self.processor.startswith("cuda")

    def open(self, model: Model) -> LoadedModule:
        """Translate a model's graph to PyTorch, with random weights."""
        assert model.graph is not None  # `own_weights` says so
        torch = require_torch()
        module = module_of(model.graph, weights_of(model.graph))
        inputs = [torch.from_numpy(value) for value in inputs_of(model.graph).values()]
        return self._placed(module, inputs, model)

    def load_module(self, module: Any, inputs: Sequence[Any], name: str = "module") -> None:
        """Make a `torch.nn.Module` of your own ready to run on example inputs.

        Raises:
            Unsupported: TorchScript cannot trace it.
        """
        self.close()
        self.held = self._placed(module, inputs, Model(name, name))

    def _placed(self, module: Any, inputs: Sequence[Any], model: Model) -> LoadedModule:
        torch = require_torch()
        if self.threads:
            torch.set_num_threads(self.threads)
        half = self.precision == "fp16"
        module = module.to(self.processor).eval()
        module = module.half() if half else module
        inputs = tuple(
            x.to(self.processor, torch.float16 if half and x.is_floating_point() else x.dtype)
            for x in inputs
        )
        timer = network = None
        if self.mode == "script":
            module = _traced(module, inputs, model.name)
        else:
            network = None if model.graph is None else self._network(model.graph, model)
            names = () if network is None else tuple(layer.name for layer in network.layers)
            timer = LeafTimer(module, cuda=self._cuda, names=names)
        return LoadedModule(
            model=model, clock=self.clock, forward=module, inputs=inputs, cuda=self._cuda,
            timer=timer, layers=network,
        )  # fmt: skip

    def _network(self, graph: Graph, model: Model) -> Network:
        layers = tuple(layer_of(kernel) for kernel in kernels_of(graph))
        source = Source(model.source, "torch", self.version())
        return Network(graph.name, layers, source, graph.batch, self.precision, model.warnings)

    def version(self) -> str:
        """Return PyTorch's version."""
        return str(require_torch().__version__)

    def describe(self) -> Mapping[str, str]:
        """Return PyTorch's version, device and mode."""
        device = require_torch().cuda.get_device_name(self.processor) if self._cuda else "cpu"
        return {**super().describe(), "execution": self.mode, "processor": device}


def _traced(module: Any, inputs: Sequence[Any], name: str) -> Callable[..., Any]:
    torch = require_torch()
    try:
        with torch.inference_mode():
            traced: Callable[..., Any] = torch.jit.freeze(
                torch.jit.trace(module, tuple(inputs), check_trace=False)
            )
    except RuntimeError as error:
        raise Unsupported(f"{name}: TorchScript cannot trace it ({error})") from None
    return traced
