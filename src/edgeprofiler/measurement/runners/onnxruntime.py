"""ONNX Runtime: kernels as they really ran, with times and shapes from its own profile.

Its profile gives whole microseconds, so a kernel below ten is known to one digit; it stops
without a word at about a million events, so sessions are changed well before; and writing it
down slows small kernels, so the same model is timed without it and the difference is told.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core.errors import (
    InsufficientData,
    InvalidInput,
    Unavailable,
    Unsupported,
    UsageError,
)
from edgeprofiler.core.extras import require
from edgeprofiler.core.network import FloatArray, Network, Source
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._onnx_kernels import layer_of
from edgeprofiler.measurement.runners._onnx_model import NUMPY_TYPES, random_input
from edgeprofiler.measurement.runners._onnxruntime_profile import DTYPES, KernelTimes, read_profile
from edgeprofiler.measurement.runners._source import Model
from edgeprofiler.measurement.runners.base import LoadedModel, ModelRunner

MAX_EVENTS = 1_000_000
"""ONNX Runtime keeps this many events of a session and drops the rest without a word."""

_TRIAL_S = 0.2
_MAX_TRIALS = 20

_WEIGHTS_APART = {
    "session.optimized_model_external_initializers_file_name": "weights.bin",
    "session.optimized_model_external_initializers_min_size_in_bytes": "1024",
}
"""Weights in a file of their own are mapped, so that a new session starts in little time."""


@dataclass(kw_only=True, eq=False)
class LoadedSession(LoadedModel):
    """An optimised model in a temporary folder, and a session of it without the profiler."""

    provider: str
    threads: int
    events: int
    """Of the profile, after which the session is changed."""

    def __post_init__(self) -> None:
        self._network: Network | None = None
        self._order: tuple[str, ...] = ()
        self._profiled_s = self._unprofiled_s = float("nan")
        self._folder = tempfile.TemporaryDirectory(prefix="edgeprofiler-onnxruntime-")
        self._optimised = Path(self._folder.name) / "optimised.onnx"
        try:
            self._optimise()
            self._attributes = _kernels_of(self._optimised)
            self._plain: Any = self._session(str(self._optimised), self._session_options())
            self._feeds = {value.name: self._feed(value) for value in self._plain.get_inputs()}
            began_s = self.clock.now_s()
            self.execute()
            each_s = max(self.clock.now_s() - began_s, 1e-6)
            trials = int(np.clip(_TRIAL_S / each_s, 1, _MAX_TRIALS))
            self.latencies(trials)
            self.run(trials, None)  # so that layers and the overhead are known from the start
        except BaseException:
            self.close()
            raise

    def _optimise(self) -> None:
        """Optimise the model once; later sessions start from the optimised one."""
        options = self._session_options()
        options.graph_optimization_level = _runtime().GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.optimized_model_filepath = str(self._optimised)
        for key, value in _WEIGHTS_APART.items():
            options.add_session_config_entry(key, value)
        self._session(self.model.onnx(), options)

    def _session_options(self) -> Any:
        runtime = _runtime()
        options = runtime.SessionOptions()
        options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = self.threads
        options.log_severity_level = 4
        return options

    def _session(self, model: bytes | str, options: Any) -> Any:
        runtime = _runtime()
        failures = runtime.capi.onnxruntime_pybind11_state
        try:
            return runtime.InferenceSession(model, options, providers=[self.provider])
        except (failures.NotImplemented, failures.NoSuchFile, failures.NoModel) as error:
            raise Unsupported(
                f"{self.model.source}: ONNX Runtime cannot run it ({error})"
            ) from None
        except (
            failures.Fail, failures.InvalidGraph, failures.InvalidProtobuf,
            failures.InvalidArgument, failures.RuntimeException,
        ) as error:  # fmt: skip
            raise InvalidInput(self.model.source, f"ONNX Runtime refuses it ({error})") from None

    def _feed(self, value: Any) -> Any:
        dtype = DTYPES.get(value.type.removeprefix("tensor(").removesuffix(")"), "")
        if dtype not in NUMPY_TYPES:
            raise Unsupported(f"{self.model.source}: input {value.name} is a {value.type}")
        if not all(isinstance(length, int) for length in value.shape):
            raise InvalidInput(
                self.model.source, f"input {value.name} has the open shape {value.shape}", "give it"
            )
        return random_input(tuple(value.shape), NUMPY_TYPES[dtype])

    def execute(self) -> None:
        """Run once without the profiler."""
        self._plain.run(None, self._feeds)

    def network(self) -> Network | None:
        """Return the executed, fused kernels."""
        return self._network

    def run(self, runs: int, pauses_s: FloatArray | None) -> Timeline:
        """Run and profile; one warm-up run of each session is left out of the result."""
        per_session = max(self.events // (len(self._attributes) + 4) - 1, 1)
        pauses = np.zeros(runs) if pauses_s is None else pauses_s
        blocks = [
            self._block(pauses[first : first + per_session])
            for first in range(0, runs, per_session)
        ]
        starts, ends = (np.concatenate([block[i] for block in blocks]) for i in (0, 1))
        times = [self._ordered(block[2]) for block in blocks]
        duration = np.concatenate([part[0] for part in times])
        self._profiled_s = float(np.median(ends - starts))
        return Timeline(
            layer_names=self._order,
            duration_s=duration,
            run_end_s=ends,
            run_start_s=starts,
            stamp_s=starts[:, None] + np.concatenate([part[1] for part in times]),
            stamp_kind="layer-end",
        )

    def _block(self, pauses_s: FloatArray) -> tuple[FloatArray, FloatArray, KernelTimes]:
        options = self._session_options()
        options.enable_profiling = True
        options.profile_file_prefix = str(self._optimised.with_name("profile"))
        session = self._session(str(self._optimised), options)
        session.run(None, self._feeds)
        stamps = np.empty((2, len(pauses_s)))
        now, feeds, execute = self.clock.now_s, self._feeds, session.run
        for index, pause in enumerate(pauses_s):
            if pause > 0:
                self.clock.sleep(float(pause))
            stamps[0, index] = now()
            execute(None, feeds)
            stamps[1, index] = now()
        path = Path(session.end_profiling())
        try:
            times = read_profile(path, frozenset(self._attributes))
        finally:
            path.unlink(missing_ok=True)
        if len(times.run_s) != len(pauses_s) + 1:
            raise InsufficientData(
                f"ONNX Runtime's profile tells of {len(times.run_s)} of {len(pauses_s) + 1} runs; "
                "ask for fewer events_per_session"
            )
        return stamps[0], stamps[1], times

    def _ordered(self, times: KernelTimes) -> tuple[FloatArray, FloatArray]:
        """Durations and ends in the order of the first session, without the warm-up run."""
        if not self._order:
            self._order = times.names
            self._network = self._network_of(times)
        place = {name: index for index, name in enumerate(times.names)}
        columns = [place.get(name, -1) for name in self._order]
        padded = (np.pad(a[1:], ((0, 0), (0, 1)), constant_values=np.nan)
                  for a in (times.duration_s, times.end_s))  # fmt: skip
        duration, end = (a[:, columns] for a in padded)
        return duration, end

    def _network_of(self, times: KernelTimes) -> Network:
        layers = []
        for ran in times.kernels:
            op, attributes, constants = self._attributes[ran.name]
            weights = tuple(s for i, s in enumerate(ran.input_shapes) if i in constants)
            kernel = replace(ran, op=ran.op or op, weight_shapes=weights, attributes=attributes)
            layers.append(layer_of(kernel))
        dtypes = {layer.dtype for layer in layers if layer.kind != "other"} or {"fp32"}
        first = next(iter(self._feeds.values()), np.empty(()))
        return Network(
            name=self.model.name,
            layers=tuple(layers),
            source=Source(self.model.source, "onnxruntime", str(_runtime().__version__)),
            batch=first.shape[0] if first.shape else 1,
            precision=dtypes.pop() if len(dtypes) == 1 else "mixed",
            warnings=self.model.warnings,
        )

    def latencies(self, runs: int) -> FloatArray:
        """Return wall times of `runs` runs without the profiler; shape (runs,)."""
        result = super().latencies(runs)
        self._unprofiled_s = float(np.median(result))
        return result

    def describe(self) -> Mapping[str, str]:
        """Return the relative slow-down by the profiler."""
        return {"profiling_overhead": f"{self._profiled_s / self._unprofiled_s - 1:+.1%}"}

    def close(self) -> None:
        """Give sessions and temporary files back."""
        self._plain = None
        with contextlib.suppress(OSError):
            self._folder.cleanup()


@dataclass(kw_only=True, eq=False)
class OnnxRuntimeRunner(ModelRunner):
    """Runs an ONNX model, or any graph with random weights, by ONNX Runtime.

    Args:
        provider: execution provider, `CPUExecutionProvider` or another that is installed. For
            providers that start work and do not wait (CUDA) kernel times are those of starting.
        threads: threads inside a kernel; 0 leaves the choice to ONNX Runtime.
        events_per_session: profile events after which the session is changed.
    """

    provider: str = "CPUExecutionProvider"
    threads: int = 0
    events_per_session: int = 200_000

    name = "onnxruntime"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.events_per_session < MAX_EVENTS:
            raise UsageError(f"events_per_session must lie between 1 and {MAX_EVENTS - 1:,}")

    def probe(self) -> None:
        """Return if ONNX Runtime and the provider are installed."""
        providers = _runtime().get_available_providers()
        if self.provider not in providers:
            raise Unavailable(
                f"this ONNX Runtime has no {self.provider}",
                f"choose one of {', '.join(providers)}, or install the build that has it",
            )

    def open(self, model: Model) -> LoadedSession:
        """Optimise the model, and run it until its layers are known."""
        return LoadedSession(
            model=model, clock=self.clock, provider=self.provider, threads=self.threads,
            events=self.events_per_session,
        )  # fmt: skip

    def version(self) -> str:
        """Return ONNX Runtime's version."""
        return str(_runtime().__version__)

    def describe(self) -> Mapping[str, str]:
        """Return the runtime, its provider, threads and the profiler's overhead."""
        return {
            **super().describe(),
            "provider": self.provider,
            "threads": str(self.threads or "chosen by the runtime"),
            "optimisation": "extended",
        }


def _runtime() -> Any:
    with require("onnxruntime"):
        import onnxruntime
    return onnxruntime


def _kernels_of(path: Path) -> dict[str, tuple[str, dict[str, Any], frozenset[int]]]:
    """Operator, attributes and places of constant inputs of each node of the optimised model."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    constants = {tensor.name for tensor in model.graph.initializer}
    found = {}
    for node in model.graph.node:
        attributes = {
            a.name: _text(onnx.helper.get_attribute_value(a))
            for a in node.attribute
            if a.type not in (onnx.AttributeProto.GRAPH, onnx.AttributeProto.GRAPHS)
        }
        given = [name for name in node.input if name]
        places = frozenset(i for i, name in enumerate(given) if name in constants)
        found[node.name] = (node.op_type, attributes, places)
    return found


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
