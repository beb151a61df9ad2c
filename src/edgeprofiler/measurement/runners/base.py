"""What runners of models share: options, loading, runs with their stamps, layers alone.

A runner says how its runtime is probed and how it opens a model; what it opens is a
`LoadedModel`, which runs and tells of its layers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.core.network import FloatArray, Layer, Network, Shape
from edgeprofiler.core.plugins import Optioned
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.recording.recording import StampKind
from edgeprofiler.measurement.runners._single import single_layer_graph
from edgeprofiler.measurement.runners._source import Model, read_to_run
from edgeprofiler.measurement.runners.protocol import Clock, MonotonicClock

Call = tuple[str, float, float]
"""A layer's name, its duration and the moment of the profiler's call, both in seconds."""


@dataclass(kw_only=True, eq=False)
class LoadedModel(ABC):
    """A model that a runtime holds ready, and the clock that its runs are stamped by."""

    model: Model
    clock: Clock

    @abstractmethod
    def execute(self) -> None:
        """Run once, without a profiler, and wait for the end."""

    @abstractmethod
    def run(self, runs: int, pauses_s: FloatArray | None) -> Timeline:
        """Run and time the layers, as `Runner.run` says."""

    @abstractmethod
    def network(self) -> Network | None:
        """Return the layers as they run, as `Runner.network` says."""

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs back to back, without a profiler; shape (runs,)."""
        self.execute()
        times = np.empty(runs + 1)
        times[0] = self.clock.now_s()
        for index in range(runs):
            self.execute()
            times[index + 1] = self.clock.now_s()
        return np.diff(times)

    def describe(self) -> Mapping[str, str]:
        """Return more facts for the record."""
        return {}

    def close(self) -> None:  # noqa: B027 - Python's own memory needs no more
        """Give all memory back."""


@dataclass(kw_only=True, eq=False)
class WatchedModel(LoadedModel):
    """One whose runtime tells after each run what its layers took."""

    names: tuple[str, ...] = field(default=(), init=False)
    """Layers of the first run, in the order in which they were told."""

    stamp_kind: ClassVar[StampKind] = "none"
    remedy: ClassVar[str] = "choose another runner"
    """What to do where the runtime told nothing."""

    @abstractmethod
    def watched(self) -> tuple[Sequence[Call], float]:
        """Run once with the profiler; return what it told, and the end of the run on the clock."""

    def watching(self) -> AbstractContextManager[None]:
        """Return what is to be in force during watched runs."""
        return nullcontext()

    def run(self, runs: int, pauses_s: FloatArray | None) -> Timeline:
        """Run with the profiler and return durations with the stamps of its calls."""
        starts, ends = np.empty(runs), np.empty(runs)
        told: list[Sequence[Call]] = []
        with self.watching():
            for index in paced(self.clock, runs, pauses_s):
                starts[index] = self.clock.now_s()
                calls, ends[index] = self.watched()
                told.append(calls)
        if not all(told):
            raise Unavailable(
                f"{self.model.source}: the profiler told nothing of a run", self.remedy
            )
        self.names = self.names or tuple(name for name, _, _ in told[0])
        duration, stamp = aligned(told, self.names)
        return Timeline(
            layer_names=self.names,
            duration_s=duration,
            run_end_s=ends,
            run_start_s=starts,
            stamp_s=None if self.stamp_kind == "none" else stamp,
            stamp_kind=self.stamp_kind,
        )


@dataclass(kw_only=True, eq=False)
class ModelOptions(Optioned):
    """What every runner of models can be asked; a runner's fields are its options.

    Args:
        batch: images at once; `None` keeps the model's own.
        shapes: input shapes by input name.
    """

    batch: int | None = None
    shapes: Mapping[str, Shape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.shapes = {name: tuple(shape) for name, shape in self.shapes.items()}

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        shapes = {name: list(shape) for name, shape in self.shapes.items()}
        return {**super().options, "shapes": shapes}


@dataclass(kw_only=True, eq=False)
class ModelRunner(ModelOptions, ABC):
    """A runner of models on one runtime."""

    clock: Clock = field(default_factory=MonotonicClock, init=False)
    held: LoadedModel | None = field(default=None, init=False)
    """What is loaded."""

    name = ""
    simulated = False
    needs_network = False
    precisions: ClassVar[tuple[str, ...]] = ()
    """What its option `precision`, where it has one, may be."""
    own_weights: ClassVar[bool] = True
    """Whether an ONNX file is run as it is, and not as a graph with random weights."""

    def __post_init__(self) -> None:
        super().__post_init__()
        precision = getattr(self, "precision", None)
        if self.precisions and precision not in self.precisions:
            raise UsageError(
                f"no precision {precision!r} here; choose one of: {', '.join(self.precisions)}"
            )

    @abstractmethod
    def probe(self) -> None:
        """Return if the runtime can run here and now, as `Runner.probe` says."""

    @abstractmethod
    def open(self, model: Model) -> LoadedModel:
        """Return a model made ready to run; an engine is built here."""

    @abstractmethod
    def version(self) -> str:
        """Return the runtime's version, empty where it is not known."""

    def read(self, source: str) -> Model:
        """Return what the user named as a model that the runtime can be given."""
        return read_to_run(source, self.batch, self.shapes, own_weights=self.own_weights)

    def load(self, source: str, network: Network | None = None) -> None:  # noqa: ARG002
        """Make a model ready to run."""
        self.probe()
        self.close()
        self.held = self.open(self.read(source))

    def loaded(self) -> LoadedModel:
        """Return what is loaded, or raise `UsageError`."""
        if self.held is None:
            raise UsageError("load a model before running it")
        return self.held

    def network(self) -> Network | None:
        """Return the layers as they run; some runtimes know them after the first `run` only."""
        return None if self.held is None else self.held.network()

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run and time the layers."""
        return self.loaded().run(runs, pauses_s)

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs without a profiler; shape (runs,)."""
        return self.loaded().latencies(runs)

    def isolated(self, layer: Layer) -> ModelRunner:
        """Return a loaded runner of this layer alone, with random weights."""
        alone = copy(self)
        alone.batch, alone.shapes = None, {}
        alone.held = alone.open(Model(f"layer {layer.name}", layer.name, single_layer_graph(layer)))
        return alone

    def describe(self) -> Mapping[str, str]:
        """Return the runtime with its version, what was asked of it, and what it says itself."""
        facts = {"runtime": f"{self.name} {self.version()}".rstrip()}
        if self.precisions:
            facts["precision"] = getattr(self, "precision", "")
        if self.held is not None:
            random = self.held.model.random_weights
            facts["weights"] = "random" if random else "the model's"
            facts |= self.held.describe()
        return facts

    def close(self) -> None:
        """Give all memory back."""
        if self.held is not None:
            self.held.close()
        self.held = None


def paced(clock: Clock, runs: int, pauses_s: FloatArray | None) -> Iterator[int]:
    """Yield the index of each run when its pause is over."""
    for index in range(runs):
        if pauses_s is not None and pauses_s[index] > 0:
            clock.sleep(float(pauses_s[index]))
        yield index


def aligned(told: Sequence[Sequence[Call]], names: Sequence[str]) -> tuple[FloatArray, FloatArray]:
    """Return durations and stamps, shape (runs, layers); NaN where a layer was not told.

    Two layers of one name are told in the engine's order in each run.
    """
    duration = np.full((len(told), len(names)), np.nan)
    stamp = np.full_like(duration, np.nan)
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    for row, calls in enumerate(told):
        seen: dict[str, int] = {}
        for name, duration_s, stamp_s in calls:
            nth = seen.get(name, 0)
            seen[name] = nth + 1
            known = places.get(name, [])
            if nth < len(known):
                duration[row, known[nth]] = duration_s
                stamp[row, known[nth]] = stamp_s
    return duration, stamp
