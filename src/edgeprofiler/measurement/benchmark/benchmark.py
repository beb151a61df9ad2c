"""One model on several runtimes: latency without a profiler, then the layers with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import limits, plugins
from edgeprofiler.core.errors import InsufficientData, Unavailable, Unsupported, UsageError
from edgeprofiler.core.files import check_readable
from edgeprofiler.core.network import Network, Shape
from edgeprofiler.measurement.benchmark.result import BackendResult, Benchmark, LayerLatency
from edgeprofiler.measurement.collect.choose import runner_named
from edgeprofiler.measurement.collect.device_state import machine_facts
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._trtexec_files import read_run_times
from edgeprofiler.measurement.runners.protocol import FreeRunner, Runner
from edgeprofiler.measurement.runners.trtexec import profile_from_trtexec
from edgeprofiler.reading.read import input_shapes

BACKENDS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "torch": ("torch", {}),
    "torchscript": ("torch", {"mode": "script"}),
    "onnxruntime": ("onnxruntime", {}),
    "tensorrt": ("tensorrt", {}),
    "torch-tensorrt": ("torch-tensorrt", {}),
    "trtexec": ("trtexec", {}),
}
"""Runner and options of each backend; any other runner's name is a backend too."""

DEFAULT_BACKENDS = ("torch", "torchscript", "onnxruntime", "tensorrt", "trtexec")
DEFAULT_RUNS = 50
_WARM_UP_RUNS = 3


def benchmark(
    model: str | Path,
    backends: Sequence[str] = DEFAULT_BACKENDS,
    *,
    runs: int = DEFAULT_RUNS,
    precision: str | None = None,
    batch: int | None = None,
    resolution: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    threads: int | None = None,
    progress: Callable[[str], None] = lambda _text: None,
) -> Benchmark:
    """Return the times of `model` on each backend, and why the others have none.

    Args:
        model: a path, or an address such as `zoo:resnet18`.
        backends: names in `BACKENDS`, or of other runners.
        runs: timed runs without, and as many with, the profiler.
        precision: what engines are built for; each runner's own default where `None`.
        batch: images at once; the model's own where `None`.
        resolution: height and width of image inputs.
        shapes: input shapes by name.
        threads: of CPU runtimes; where `None`, their choice.
        progress: called with a line before each backend.

    Raises:
        UsageError: no runner of that name, none at all, or threads for none that takes them.
        InvalidInput: the model cannot be read.

    >>> import edgeprofiler
    >>> (result,) = edgeprofiler.benchmark("zoo:lenet", ["sim"], runs=2).results
    >>> result.ran, result.reason
    (False, 'sim simulates a device; use `edgeprofiler collect`')
    """
    source = str(model)
    if runs < 1:
        raise UsageError("a benchmark needs at least one run")
    known = (*BACKENDS, *plugins.available("runners"))
    for backend in backends:
        if backend not in known:
            raise UsageError(
                f"no backend {backend!r}; choose of: {', '.join(dict.fromkeys(known))}"
            )
    if not backends:
        raise UsageError(f"`backends` names none; choose of: {', '.join(dict.fromkeys(known))}")
    if ":" not in source or Path(source).exists():  # no address such as zoo:NAME
        check_readable(Path(source), limits.MODEL_BYTES)
    if resolution is not None:
        if shapes:
            raise UsageError("give `resolution` or `shapes`, not both")
        shapes = input_shapes(source, resolution, batch=batch)
    asked = {"precision": precision, "batch": batch, "shapes": dict(shapes) if shapes else None}
    results = []
    took_threads = False
    for backend in dict.fromkeys(backends):
        progress(f"{backend} ...")
        runner_name, fixed = BACKENDS.get(backend, (backend, {}))
        options = {**fixed, **{k: v for k, v in asked.items() if v is not None}}
        if threads is not None and "threads" in _options_of(runner_name):
            options["threads"] = threads
            took_threads = True
        results.append(_one(backend, runner_name, options, source, runs))
    if threads is not None and not took_threads:
        raise UsageError("`threads` are of CPU runtimes, and none of these takes any")
    return Benchmark(source, runs, machine_facts(), tuple(results))


def _options_of(runner_name: str) -> Sequence[str]:
    """Return the names of a runner's options; none where it cannot be loaded, which is told."""
    try:
        return tuple(plugins.options_of(plugins.load("runners", runner_name)))
    except Unavailable:
        return ()


def benchmark_trtexec_files(engine: Path, profile: Path, times: Path | None = None) -> Benchmark:
    """Return what trtexec measured on another machine, from the files that it wrote there."""
    measured = profile_from_trtexec(engine, profile, times)
    run_times = read_run_times(times) if times is not None else None
    total = np.array([measured.totals.runtime_s.value])
    result = BackendResult(
        backend="trtexec",
        batch=measured.network.batch,
        facts={"runtime": "trtexec's files", "precision": measured.network.precision},
        latency_s=total if run_times is None else run_times.latency_s,
        layers=tuple(
            LayerLatency(
                cost.index, cost.layer.name, cost.layer.kind, cost.layer.op,
                np.array([cost.runtime_s.value]),
            )
            for cost in measured
        ),
        warnings=measured.warnings,
    )  # fmt: skip
    return Benchmark(str(engine), len(result.latency_s), {}, (result,))


def _one(
    backend: str, runner_name: str, options: dict[str, Any], model: str, runs: int
) -> BackendResult:
    runner: Runner | None = None
    try:
        made = plugins.load("runners", runner_name)
        if made.needs_network:
            raise Unsupported(f"{runner_name} simulates a device; use `edgeprofiler collect`")
        runner = runner_named(runner_name, options, {})
        runner.probe()
        runner.load(model)
        return _measured(backend, runner, runs)
    except Unavailable as error:
        return BackendResult(backend, error.reason, error.remedy)
    # a precision or batch that this one does not know is a mistake of its question alone
    except (Unsupported, InsufficientData, UsageError) as error:
        return BackendResult(backend, str(error))
    finally:
        if runner is not None:
            runner.close()


def _measured(backend: str, runner: Runner, runs: int) -> BackendResult:
    free = None
    if isinstance(runner, FreeRunner):
        runner.latencies(min(_WARM_UP_RUNS, runs))
        free = runner.latencies(runs)
    timeline = runner.run(runs)
    starts = timeline.run_start_s
    timeline_s = np.empty(0) if starts is None else timeline.run_end_s - starts
    profiled = timeline_s
    network = runner.network()
    layers = _layers(timeline, network)
    if not layers:
        profiled = np.empty(0)  # nothing was watched, so there is no second latency
    return BackendResult(
        backend=backend,
        batch=network.batch if network is not None else _batch_of(runner),
        facts=dict(runner.describe()),
        latency_s=timeline_s if free is None else free,
        profiled_s=np.empty(0) if free is None else profiled,
        layers=layers,
        warnings=network.warnings if network is not None else (),
    )


def _batch_of(runner: Runner) -> int:
    return int(runner.options.get("batch") or 1)


def _layers(timeline: Timeline, network: Network | None) -> tuple[LayerLatency, ...]:
    if network is None and len(timeline.layer_names) < 2:
        return ()
    kinds = [("other", "unknown")] * len(timeline.layer_names)
    if network is not None:
        kinds = [(layer.kind, layer.op) for layer in network.layers]
    return tuple(
        LayerLatency(index, name, *kinds[index], timeline.duration_s[:, index])
        for index, name in enumerate(timeline.layer_names)
    )
