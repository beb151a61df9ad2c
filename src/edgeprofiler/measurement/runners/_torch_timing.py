"""Times of a module's leaves: the host's clock on a CPU, events on a GPU."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from edgeprofiler.core.errors import InsufficientData
from edgeprofiler.core.extras import require
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.runners._onnx_model import unique_name


def require_torch() -> Any:
    """Return the module `torch`, or raise `Unavailable`."""
    with require("torch"):
        import torch
    return torch


class LeafTimer:
    """Hooks on all leaf modules; the calls of a run are its layers, in order.

    A module that is called twice in a run is two layers. `names` are what the layers are called;
    after their modules where there are none.
    """

    def __init__(self, module: Any, *, cuda: bool, names: tuple[str, ...] = ()) -> None:
        self._leaves = [
            (name or "module", leaf)
            for name, leaf in module.named_modules()
            if next(iter(leaf.children()), None) is None
        ]
        self._cuda = cuda
        self._hooks: list[Any] = []
        self._calls: list[tuple[str, Any, Any]] = []
        self._open: list[Any] = []
        self.names = names

    def attach(self) -> None:
        """Put the hooks in."""
        for name, leaf in self._leaves:
            self._hooks.append(leaf.register_forward_pre_hook(self._before))
            self._hooks.append(leaf.register_forward_hook(self._after(name)))

    def detach(self) -> None:
        """Take the hooks out; later runs cost what they would without."""
        for hook in self._hooks:
            hook.remove()
        self._hooks, self._calls, self._open = [], [], []

    def _now(self) -> Any:
        if not self._cuda:
            return time.perf_counter()
        event = require_torch().cuda.Event(enable_timing=True)
        event.record()
        return event

    def _before(self, _module: Any, _inputs: Any) -> None:
        self._open.append(self._now())

    def _after(self, name: str) -> Any:
        def hook(_module: Any, _inputs: Any, _output: Any) -> None:
            self._calls.append((name, self._open.pop(), self._now()))

        return hook

    def take(self) -> FloatArray:
        """Return the durations of the last run's calls, in seconds; the device must be idle.

        Raises:
            InsufficientData: the module calls other leaves in each run.
        """
        calls, self._calls = self._calls, []
        if not self.names:
            taken: set[str] = set()
            self.names = tuple(unique_name(name, taken) for name, _, _ in calls)
        if len(calls) != len(self.names):
            raise InsufficientData(
                f"the module called {len(calls)} leaves in one run and {len(self.names)} in "
                "another; layers can be timed only where every run is the same"
            )
        if self._cuda:
            return np.array([begin.elapsed_time(end) * 1e-3 for _, begin, end in calls])
        return np.array([end - begin for _, begin, end in calls])
