"""Measure isolated layers on an NVIDIA GPU: the project's own data set.

Each layer of a designed set runs alone, back to back, for at least a second and fifty updates of
the GPU's energy counter. Whole networks follow and are marked as held out. The result is one CSV
row a layer or network, and a JSON file beside it that says what it was measured on. A campaign
that stops (time limit, Ctrl-C, lost machine) goes on where it was when started again.

    python scripts/collect_gpu_layers.py --dry-run
    python scripts/collect_gpu_layers.py -o gpu_layers.csv --limit-minutes 9
    python scripts/collect_gpu_layers.py -o try.csv --device cpu --count 6 --min-seconds 0.05

On a CPU there is no power; the columns stay empty. Clocks are not pinned: the script changes
nothing on the machine and records clocks, temperature and idle power instead.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from gpu_layer_design import design, identity

from edgeprofiler._version import __version__
from edgeprofiler.core import plugins
from edgeprofiler.core.errors import EdgeProfilerError, Unavailable
from edgeprofiler.core.files import write_text
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Layer
from edgeprofiler.measurement.collect.device_state import machine_facts
from edgeprofiler.measurement.runners._onnx_model import inputs_of, weights_of
from edgeprofiler.measurement.runners._single import single_layer_graph
from edgeprofiler.measurement.runners._torch_graph import module_of

NETWORKS = ("alexnet", "vgg16", "squeezenet1_1", "resnet18", "resnet50", "densenet121", "googlenet",
            "inception_v3", "mobilenet_v2", "mobilenet_v3_large", "shufflenet_v2_x1_0",
            "efficientnet_b0", "resnext50_32x4d", "convnext_tiny", "mnasnet1_0")  # fmt: skip
IDLE_EVERY = 200
IDLE_S = 3.0
SETTLE_S = 0.3
POLL_S = 0.004
MAX_SECONDS = 20.0
OVERHEAD_S = 0.35
"""Building, capturing and warming up one layer; for the estimate of a dry run."""

COLUMNS = (
    "id", "what", "held_out", "name", "kind", "op", "dtype", "batch", "input", "output", "kernel",
    "stride", "padding", "groups", "macs", "flops", "weight_bytes", "bytes_moved", "runtime_s",
    "runtime_s_p05", "runtime_s_p95", "power_w", "energy_j", "idle_power_w",
    "power_above_idle_w", "updates", "seconds", "repetitions", "buffers", "loop", "clock_mhz",
    "memory_clock_mhz", "temperature_c", "throttle", "measured_utc",
)  # fmt: skip


@dataclass(frozen=True)
class Loop:
    """One measurement: how long a repetition took, and what the GPU drew meanwhile."""

    runtime_s: float
    p05_s: float
    p95_s: float
    power_w: float
    updates: int
    seconds: float
    repetitions: int
    buffers: int
    kind: str


class PowerWatch:
    """Polls a sensor in a thread and keeps a value each time that it changed."""

    def __init__(self, sensor: Any | None) -> None:
        self._sensor = sensor
        self._times: list[float] = []
        self._values: list[float] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> PowerWatch:
        if self._sensor is not None:
            self._thread = threading.Thread(target=self._poll, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _poll(self) -> None:
        assert self._sensor is not None
        while not self._stop.is_set():
            value = float(self._sensor.read()[0])
            if not self._values or value != self._values[-1]:
                self._times.append(time.monotonic())
                self._values.append(value)
            self._stop.wait(POLL_S)

    @property
    def updates(self) -> int:
        """Distinct values after the first, which began before the watch."""
        return max(len(self._values) - 1, 0)

    @property
    def watching(self) -> bool:
        return self._sensor is not None

    def mean_w(self) -> float:
        """Mean power between the first and the last change."""
        if self._sensor is None or self.updates < 2:
            return math.nan
        times, values = np.array(self._times[1:]), np.array(self._values[1:])
        if self._sensor.kind == "energy":
            return float((values[-1] - values[0]) / (times[-1] - times[0]))
        # A power value stands from its change to the next.
        return float(np.average(values[:-1], weights=np.diff(times)))


@dataclass
class Bench:
    """What runs modules on one device."""

    torch: Any
    device: str
    sensor: Any | None
    min_seconds: float
    min_updates: int
    idle_w: float = math.nan
    state: Callable[[], Mapping[str, Any]] = field(default=dict)

    def measure(self, graph: Graph, dtype: str) -> Loop:
        """Run `graph` alone until there are enough seconds and updates of the sensor."""
        torch = self.torch
        kind = torch.float16 if dtype == "fp16" and self.device == "cuda" else torch.float32
        module = module_of(graph, weights_of(graph)).to(self.device, kind)
        buffers = self._buffers(graph, kind)
        with torch.inference_mode():
            step, per_step, loop = self._step(module, buffers)
            for _ in range(3):
                step()
            self._wait()
            return self._repeat(step, per_step, len(buffers), loop)

    def _buffers(self, graph: Graph, kind: Any) -> list[tuple[Any, ...]]:
        """Enough sets of inputs that the second-level cache does not hold them all."""
        one = inputs_of(graph)
        size = sum(value.size for value in one.values()) * (2 if kind == self.torch.float16 else 4)
        count = 1
        if self.device == "cuda":
            cache = self.torch.cuda.get_device_properties(0).L2_cache_size
            count = min(max(math.ceil(2 * cache / max(size, 1)), 1), 64)
        first = tuple(self.torch.from_numpy(value).to(self.device, kind) for value in one.values())
        return [first, *(tuple(t.clone() for t in first) for _ in range(count - 1))]

    def _step(
        self, module: Any, buffers: Sequence[tuple[Any, ...]]
    ) -> tuple[Callable[[], None], int, str]:
        """A call that runs the module some times, with no host between on a GPU."""

        def eager(count: int) -> None:
            for index in range(count):
                module(*buffers[index % len(buffers)])

        eager(max(len(buffers), 3))
        self._wait()
        began = time.perf_counter()
        eager(5)
        self._wait()
        once = max((time.perf_counter() - began) / 5, 1e-7)
        count = int(np.clip(0.02 / once, 1, 2000))
        count = max(count, len(buffers))
        if self.device != "cuda":
            return (lambda: eager(count)), count, "eager"
        graph = self.torch.cuda.CUDAGraph()
        try:
            with self.torch.cuda.graph(graph):
                eager(count)
        except RuntimeError:  # an operator that cannot be captured: the host's time stays in
            return (lambda: eager(count)), count, "eager"
        return graph.replay, count, "graph"

    def _repeat(self, step: Callable[[], None], per_step: int, buffers: int, loop: str) -> Loop:
        times: list[float] = []
        settled = time.monotonic() + (SETTLE_S if self.sensor is not None else 0.0)
        while time.monotonic() < settled:
            step()
            self._wait()
        began = time.monotonic()
        with PowerWatch(self.sensor) as watch:
            while True:
                times.append(self._timed(step) / per_step)
                elapsed = time.monotonic() - began
                known = not watch.watching or watch.updates >= self.min_updates
                if (elapsed >= self.min_seconds and known) or elapsed >= MAX_SECONDS:
                    break
        low, middle, high = np.quantile(times, (0.05, 0.5, 0.95))
        return Loop(
            float(middle), float(low), float(high), watch.mean_w(), watch.updates,
            time.monotonic() - began, len(times) * per_step, buffers, loop,
        )  # fmt: skip

    def _timed(self, step: Callable[[], None]) -> float:
        if self.device != "cuda":
            began = time.perf_counter()
            step()
            return time.perf_counter() - began
        first, last = (self.torch.cuda.Event(enable_timing=True) for _ in range(2))
        first.record()
        step()
        last.record()
        last.synchronize()
        return float(first.elapsed_time(last)) * 1e-3

    def _wait(self) -> None:
        if self.device == "cuda":
            self.torch.cuda.synchronize()

    def rest(self, seconds: float) -> None:
        """Measure idle power again; the CUDA context stays, as between two inferences."""
        if self.sensor is None:
            return
        with PowerWatch(self.sensor) as watch:
            time.sleep(seconds)
        mean = watch.mean_w()
        if math.isfinite(mean):
            self.idle_w = mean


def layer_facts(layer: Layer) -> dict[str, Any]:
    """Columns of a layer, in the words of the CSV."""
    return {
        "id": identity(layer), "what": "layer", "held_out": 0, "name": layer.op,
        "kind": layer.kind, "op": layer.op, "dtype": layer.dtype,
        "batch": layer.input_shapes[0][0], "input": _times(layer.input_shapes[0]),
        "output": _times(layer.output_shapes[0]), "kernel": _times(layer.kernel),
        "stride": _times(layer.stride),
        "padding": _times((*layer.padding_before, *layer.padding_after)),
        "groups": layer.groups, "macs": layer.macs, "flops": layer.flops,
        "weight_bytes": layer.weight_bytes, "bytes_moved": layer.bytes_moved,
    }  # fmt: skip


def network_facts(name: str, graph: Graph, dtype: str) -> dict[str, Any]:
    """Columns of a whole network, which no model may be fitted on."""
    from edgeprofiler.reading.operators.macs import graph_macs

    shape = graph.tensors[graph.inputs[0]].shape
    return {
        "id": f"{name}-{dtype}-{_times(shape)}", "what": "network", "held_out": 1, "name": name,
        "kind": "network", "op": "", "dtype": dtype, "batch": shape[0], "input": _times(shape),
        "output": _times(graph.tensors[graph.outputs[0]].shape),
        "macs": int(graph_macs(graph)),
    }  # fmt: skip


def _times(shape: Sequence[int]) -> str:
    return "x".join(str(length) for length in shape)


def row_of(facts: Mapping[str, Any], loop: Loop, bench: Bench) -> dict[str, Any]:
    """One row of the CSV; what is unknown stays empty."""
    values = {
        **facts, **bench.state(),
        "runtime_s": loop.runtime_s, "runtime_s_p05": loop.p05_s, "runtime_s_p95": loop.p95_s,
        "power_w": loop.power_w, "energy_j": loop.power_w * loop.runtime_s,
        "idle_power_w": bench.idle_w, "power_above_idle_w": loop.power_w - bench.idle_w,
        "updates": loop.updates, "seconds": loop.seconds, "repetitions": loop.repetitions,
        "buffers": loop.buffers, "loop": loop.kind,
        "measured_utc": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    return {name: _cell(values.get(name)) for name in COLUMNS}


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


class Table:
    """The CSV: a row is on the disk before the next is measured; a torn last row is dropped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: set[str] = set()
        if path.exists():
            self._keep_whole_rows()
        else:
            self._append(",".join(COLUMNS))

    def _keep_whole_rows(self) -> None:
        text = self.path.read_text(encoding="utf-8")
        whole = text[: text.rfind("\n") + 1]
        rows = list(csv.DictReader(whole.splitlines()))
        if whole.splitlines()[:1] != [",".join(COLUMNS)]:
            raise SystemExit(f"{self.path}: holds other columns; choose another output")
        self.done = {row["id"] for row in rows}
        if whole != text:
            write_text(self.path, whole)

    def add(self, row: Mapping[str, str]) -> None:
        self._append(",".join(row[name] for name in COLUMNS))
        self.done.add(row["id"])

    def _append(self, line: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())


def gpu_state() -> dict[str, Any]:
    """Clocks, temperature and throttling now; nothing where NVML does not tell."""
    try:
        import pynvml as nvml

        nvml.nvmlInit()
    except Exception:  # no NVML here: these columns stay empty
        return {}
    handle = nvml.nvmlDeviceGetHandleByIndex(0)
    questions: dict[str, Callable[[], Any]] = {
        "clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM),
        "memory_clock_mhz": lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM),
        "temperature_c": lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU),
        "throttle": lambda: hex(nvml.nvmlDeviceGetCurrentClocksThrottleReasons(handle)),
    }
    found = {}
    for name, ask in questions.items():
        try:
            found[name] = ask()
        except nvml.NVMLError:
            continue
    nvml.nvmlShutdown()
    return found


def provenance(bench: Bench, options: argparse.Namespace) -> dict[str, Any]:
    """What the numbers were measured on and how, for the file beside the CSV."""
    torch, here = bench.torch, Path(__file__)
    sources = (here, here.with_name("gpu_layer_design.py"))
    facts: dict[str, Any] = {
        "schema": "edgeprofiler.gpu-layers/1",
        "edgeprofiler": __version__,
        "scripts_sha256": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sources},
        "design": {"count": options.count, "seed": options.seed},
        "min_seconds": options.min_seconds,
        "min_updates": options.min_updates,
        "machine": dict(machine_facts()),
        "torch": str(torch.__version__),
        "method": "isolated, back to back in a CUDA graph, inputs rotated beyond the cache; "
        "power from NVML between the first and the last update",
        "rail": "the GPU's board (not the computer's input)",
        "tf32": "PyTorch's defaults",
        "cudnn": "algorithms chosen by timing them (benchmark mode)",
        "held_out": "rows with what=network; never fit on them",
    }
    if bench.device == "cuda":
        properties = torch.cuda.get_device_properties(0)
        facts["gpu"] = {
            "name": properties.name, "memory_bytes": properties.total_memory,
            "multiprocessors": properties.multi_processor_count,
            "l2_cache_bytes": properties.L2_cache_size, "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),
        }  # fmt: skip
    if bench.sensor is not None:
        facts["sensor"] = dict(bench.sensor.settings())
    return facts


def campaign(bench: Bench, layers: Sequence[Layer], networks: Sequence[str], table: Table,
             deadline_s: float) -> None:  # fmt: skip
    """Measure what is not in the table yet, networks first, until the time is over."""
    zoo_graph = plugins.load("frontends", "zoo")
    jobs: list[tuple[dict[str, Any], Callable[[], Graph]]] = []
    for name in networks:
        dtype = "fp16" if bench.device == "cuda" else "fp32"
        graph = zoo_graph().read(f"zoo:{name}", _options())
        jobs.append((network_facts(name, graph, dtype), lambda graph=graph: graph))  # type: ignore[misc]
    jobs.extend(
        (layer_facts(layer), lambda layer=layer: single_layer_graph(layer))  # type: ignore[misc]
        for layer in layers
    )
    left = [job for job in jobs if job[0]["id"] not in table.done]
    print(f"{len(jobs) - len(left)} of {len(jobs)} are there already", file=sys.stderr)
    bench.rest(IDLE_S)
    for number, (facts, make) in enumerate(left):
        if time.monotonic() > deadline_s:
            print(f"time is over; {len(left) - number} are left, start again", file=sys.stderr)
            return
        if number and number % IDLE_EVERY == 0:
            bench.rest(IDLE_S)
        try:
            loop = bench.measure(make(), str(facts["dtype"]))
        except bench.torch.cuda.OutOfMemoryError:
            print(f"{facts['id']}: not enough memory, left out", file=sys.stderr)
            continue
        ran = facts if bench.device == "cuda" else {**facts, "dtype": "fp32"}
        table.add(row_of(ran, loop, bench))
        if number % 20 == 0:
            print(f"{number + 1}/{len(left)} {facts['name']} {loop.runtime_s * 1e6:.1f} us "
                  f"{loop.power_w:.1f} W {loop.updates} updates", file=sys.stderr)  # fmt: skip
    bench.rest(IDLE_S)


def _options() -> Any:
    from edgeprofiler.reading.front_end import ReadOptions

    return ReadOptions()


def plan_text(layers: Sequence[Layer], networks: Sequence[str], options: argparse.Namespace) -> str:
    """What a dry run prints: the design's spread and how long it would take."""
    lines = [f"{len(layers)} layers, {len(networks)} networks (held out)"]
    for kind in ("convolutional", "pooling", "dense"):
        chosen = [layer for layer in layers if layer.kind == kind]
        if not chosen:
            continue
        moved = np.array([layer.bytes_moved or 0 for layer in chosen]) / 1e6
        macs = np.array([layer.macs or 0 for layer in chosen]) / 1e6
        shown = "  ".join(
            f"{name} {np.quantile(values, 0.05):.3g}/{np.median(values):.3g}/"
            f"{np.quantile(values, 0.95):.3g}"
            for name, values in (("MMACs", macs), ("MB", moved))
        )
        lines.append(f"  {kind:14} {len(chosen):5}  5/50/95 %: {shown}")
    depthwise = sum(layer.depthwise for layer in layers)
    grouped = sum(layer.groups > 1 for layer in layers) - depthwise
    points = sum(layer.kernel == (1, 1) and layer.groups == 1 for layer in layers)
    lines.append(f"  of these {depthwise} depthwise, {grouped} grouped, {points} of 1x1")
    for update_s in (0.02, 0.1):
        each = max(options.min_seconds, options.min_updates * update_s) + SETTLE_S + OVERHEAD_S
        total = each * (len(layers) + len(networks)) + IDLE_S * len(layers) / IDLE_EVERY
        every = f"{update_s * 1e3:.0f} ms"
        lines.append(f"  about {total / 3600:.1f} h where NVML renews its value every {every}")
    lines.append("  goes on where it stopped when started again with the same output")
    return "\n".join(lines)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("-o", "--output", type=Path, default=Path("gpu_layers.csv"))
    made.add_argument("--count", type=int, default=4000, help="layers of the design")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--networks", default=",".join(NETWORKS), help="held out; empty for none")
    made.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    made.add_argument("--min-seconds", type=float, default=1.0)
    made.add_argument("--min-updates", type=int, default=50)
    made.add_argument("--limit-minutes", type=float, default=math.inf)
    made.add_argument("--dry-run", action="store_true", help="plan, print the estimate, stop")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    layers = design(options.count, options.seed)
    networks = [name for name in options.networks.split(",") if name]
    if options.dry_run:
        print(plan_text(layers, networks, options))
        return 0
    deadline_s = time.monotonic() + options.limit_minutes * 60
    try:
        bench = make_bench(options)
        table = Table(options.output)
        beside = options.output.with_suffix(".provenance.json")
        write_text(beside, json.dumps(provenance(bench, options), indent=1) + "\n")
        campaign(bench, layers, networks, table, deadline_s)
    except EdgeProfilerError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; start again to go on", file=sys.stderr)
        return 130
    print(f"{len(table.done)} rows in {options.output}", file=sys.stderr)
    return 0


def make_bench(options: argparse.Namespace) -> Bench:
    """Return the bench for the chosen device.

    Raises:
        Unavailable: PyTorch, the GPU or its power counter is missing.
    """
    try:
        import torch
    except ImportError:
        remedy = "pip install 'edgeprofiler[torch]'"
        raise Unavailable("PyTorch is not installed", remedy) from None
    if options.device == "cpu":
        torch.set_num_threads(1)
        return Bench(torch, "cpu", None, options.min_seconds, options.min_updates)
    if not torch.cuda.is_available():
        raise Unavailable(
            "PyTorch finds no CUDA device", "run on a GPU machine, or choose --device cpu"
        )
    sensor = plugins.load("sensors", "nvml")()
    sensor.open()
    torch.backends.cudnn.benchmark = True
    return Bench(torch, "cuda", sensor, options.min_seconds, options.min_updates, state=gpu_state)


if __name__ == "__main__":
    sys.exit(main())
