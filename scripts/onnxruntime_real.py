"""Record real networks by ONNX Runtime and compare their layers with a clock outside.

Writes docs/measurement-onnxruntime.md. Without a power sensor: run times only.

    python scripts/onnxruntime_real.py [--runs 12] [--threads 1] [--output FILE]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.core.files import write_text
from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.collect.collecting import record_model
from edgeprofiler.measurement.collect.device_state import machine_facts
from edgeprofiler.measurement.collect.plan import RecordingPlan
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._source import read_to_run
from edgeprofiler.measurement.runners.onnxruntime import OnnxRuntimeRunner

ZOO = ("lenet", "resnet18", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "googlenet")
LEAST_S = 4.0
OUTPUT = Path(__file__).parents[1] / "docs" / "measurement-onnxruntime.md"

HEAD = """# Measured for real: ONNX Runtime

`scripts/onnxruntime_real.py` runs networks on the machine at hand, records them, reads the
recording back, attributes it and compares the result with a clock around the same model outside:
a plain session of ONNX Runtime without a profiler. There was **no power sensor, so these are run
times only**; the measured profiles hold no power, rather than a guessed one.

The nine `light_*` networks are the ones that the `onnx` package brings; `zoo:` networks have
random weights.

Machine: {machine}.
ONNX Runtime {version}, CPU, {threads} thread(s), optimisation level EXTENDED, at least
{runs} runs and 4 s recorded, and as many runs outside between them, block by block. The machine
was shared with other work, so each figure is the lower tenth of its runs, where other work
disturbs least.

| network | kernels | sum, ms | run, ms | sum / run | outside, ms | sum / outside | overhead |
|---|---:|---:|---:|---:|---:|---:|---:|
{rows}

Sum over the profiled run (the same runs): median {inner:.3f}, from {inner_low:.3f} to
{inner_high:.3f}.
Sum over outside: median {median:.3f}, from {low:.3f} to {high:.3f}.

- *sum*: of the kernels that ran in a run, as the profile tells them.
- *sum / run*: median over runs of the sum over the wall time of the same run; what is missing
  lies between kernels and in the call.
- *overhead*: of the profiler: a profiled run over one outside, less one. It is largest where
  kernels are small: writing an event down takes some microseconds, and the file is written
  after the run.
- Times in the profile are whole microseconds, cut off, so a kernel of 10 µs is known to about
  5 % and one below 1 µs may read 0. A network of many small kernels loses up to 1 µs for each.
- The clock outside also sees what lies between kernels. Its runs are not the recorded ones, so
  other work on the machine (load beside its name) moves single rows in either direction.
"""


@dataclass(frozen=True)
class Row:
    name: str
    kernels: int
    sum_s: float
    profiled_s: float
    inner: float
    """Sum over the run that it is the sum of."""
    outside_s: float

    @property
    def ratio(self) -> float:
        return self.sum_s / self.outside_s

    def text(self) -> str:
        overhead = self.profiled_s / self.outside_s - 1
        return (
            f"| {self.name} | {self.kernels} | {self.sum_s * 1e3:.4g} | "
            f"{self.profiled_s * 1e3:.4g} | {self.inner:.3f} | {self.outside_s * 1e3:.4g} | "
            f"{self.ratio:.3f} | "
            f"{overhead:+.1%} |"
        )


class Outside:
    """The same model in a plain session, timed by a clock around the call."""

    def __init__(self, source: str, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
        options.intra_op_num_threads = threads
        options.log_severity_level = 4
        self._session = onnxruntime.InferenceSession(
            read_to_run(source).onnx(), options, providers=["CPUExecutionProvider"]
        )
        self._feeds = {
            value.name: np.random.default_rng(0).standard_normal(value.shape).astype(np.float32)
            for value in self._session.get_inputs()
        }
        self._session.run(None, self._feeds)
        self.found: list[float] = []

    def times(self, runs: int) -> list[float]:
        found = []
        for _ in range(runs):
            began = time.perf_counter()
            self._session.run(None, self._feeds)
            found.append(time.perf_counter() - began)
        return found


class Interleaved(OnnxRuntimeRunner):
    """Lets the clock outside run before each recorded block: both see the same machine."""

    outside: Outside | None = None

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        if self.outside is not None:
            self.outside.found.extend(self.outside.times(runs))
        return super().run(runs, pauses_s)


def measure(source: str, name: str, runs: int, threads: int) -> Row:
    runner = Interleaved(threads=threads)
    runner.outside = outside = Outside(source, threads)
    runs = max(runs, int(LEAST_S / min(outside.times(3))))
    with tempfile.TemporaryDirectory() as folder:
        plan = RecordingPlan(runs=runs, idle_s=0.0, warmup=1, dither_s=0.0)
        recording = record_model(source, runner, None, Path(folder) / "recording", plan=plan)
    runner.close()
    profile = attribute(recording)
    timeline = recording.timeline
    assert timeline.run_start_s is not None
    assert len(profile) == len(timeline.layer_names)
    assert np.isnan(profile.costs.power_w).all(), "there is no power without a sensor"
    sums = np.nansum(timeline.duration_s, axis=1)
    whole = timeline.run_end_s - timeline.run_start_s
    return Row(
        name,
        len(profile),
        float(np.quantile(sums, 0.1)),
        float(np.quantile(whole, 0.1)),
        float(np.median(sums / whole)),
        float(np.quantile(outside.found, 0.1)),
    )


def sources() -> dict[str, str]:
    import onnx

    folder = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
    light = {path.stem: str(path) for path in sorted(folder.glob("light_*.onnx"))}
    return light | {f"zoo:{name}": f"zoo:{name}" for name in ZOO}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    import onnxruntime

    facts = machine_facts()
    rows = []
    for name, source in sources().items():
        rows.append(measure(source, name, options.runs, options.threads))
        print(rows[-1].text(), flush=True)
    ratios = [row.ratio for row in rows]
    text = HEAD.format(
        machine=f"{facts.get('board') or facts.get('processor')}, {facts['cores']} cores, "
        f"load {facts.get('load', 'unknown')}",
        version=onnxruntime.__version__,
        threads=options.threads,
        runs=options.runs,
        rows="\n".join(row.text() for row in rows),
        median=statistics.median(ratios),
        low=min(ratios),
        inner=statistics.median(row.inner for row in rows),
        inner_low=min(row.inner for row in rows),
        inner_high=max(row.inner for row in rows),
        high=max(ratios),
    )
    write_text(options.output, text)
    print(f"wrote {options.output}")


if __name__ == "__main__":
    main()
