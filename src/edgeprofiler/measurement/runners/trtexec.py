"""trtexec: run it, or read what it wrote on another machine.

It comes with TensorRT on every Jetson, also those whose Python is too old for this package.
Its profile holds one average a layer over all runs, never the duration of a single run.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import Unavailable, Unsupported
from edgeprofiler.core.files import read_text
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._engine_layers import network_in_order
from edgeprofiler.measurement.runners._source import Model
from edgeprofiler.measurement.runners._trtexec_files import (
    profile_of,
    read_layer_times,
    read_run_times,
    timeline_of,
)
from edgeprofiler.measurement.runners.base import LoadedModel, ModelRunner

_JETPACK_FOLDER = Path("/usr/src/tensorrt/bin")
_PRECISION_FLAGS = {"fp32": (), "fp16": ("--fp16",), "int8": ("--fp16", "--int8")}


@dataclass(kw_only=True, eq=False)
class LoadedProgram(LoadedModel):
    """An engine in a temporary folder, run by the program in processes of its own."""

    program: str
    flags: Sequence[str]
    """For the precision."""
    warm_up_ms: int
    timeout_s: float
    version: str = ""
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="edgeprofiler-trtexec-")
        self._measuring = (f"--loadEngine={self.file('model.engine')}",
                           f"--exportTimes={self.file('times.json')}",
                           "--duration=0", f"--warmUp={self.warm_up_ms}")  # fmt: skip
        self.file("model.onnx").write_bytes(self.model.onnx())
        try:
            self._call(
                f"--onnx={self.file('model.onnx')}",
                f"--saveEngine={self.file('model.engine')}",
                "--profilingVerbosity=detailed",
                "--skipInference",
                *self.flags,
            )
        except BaseException:
            self.close()
            raise

    def file(self, name: str) -> Path:
        """Return the path of a temporary file."""
        return Path(self._folder.name) / name

    def _call(self, *arguments: str) -> float:
        """Run trtexec; return the moment at which it began to run the network."""
        process = subprocess.Popen(
            [self.program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        began_s = self.clock.now_s()
        tail: list[str] = []
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self.timeout_s, stop)
        timer.start()
        assert process.stdout is not None
        try:
            with process:
                for line in process.stdout:
                    tail = [*tail[-20:], line.rstrip()]
                    if "Starting inference" in line:
                        began_s = self.clock.now_s()
                    if "TensorRT version" in line:
                        self.version = line.rsplit(":", 1)[-1].strip()
        except BaseException:  # Ctrl-C: the program must not go on without us
            process.kill()
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise Unavailable(
                f"trtexec did not end within {self.timeout_s:.0f} s", "give it more time"
            )
        if process.returncode != 0:
            errors = [line for line in tail if "[E]" in line] or tail[-1:]
            raise Unsupported(f"{self.model.source}: trtexec failed ({' '.join(errors)[:300]})")
        return began_s

    def execute(self) -> None:
        """Run once in a process of its own."""
        self.latencies(1)

    def run(self, runs: int, pauses_s: FloatArray | None) -> Timeline:
        """Run without a profiler for the times, then with it for the layers."""
        idle: tuple[str, ...] = ()
        if pauses_s is not None and np.any(pauses_s > 0):
            # One pause for all runs: the mean, which spreads nothing but keeps the load alike.
            idle = (f"--idleTime={float(np.mean(pauses_s)) * 1e3:.3f}",)
        began_s = self._call(
            *self._measuring,
            f"--iterations={runs}",
            f"--exportProfile={self.file('profile.json')}",
            f"--exportLayerInfo={self.file('layers.json')}",
            "--profilingVerbosity=detailed",
            "--separateProfileRun",
            *idle,
        )
        layers = read_layer_times(self.file("profile.json"))
        self.names = layers.names
        return timeline_of(layers, read_run_times(self.file("times.json")).last(runs), began_s)

    def latencies(self, runs: int) -> FloatArray:
        """Return GPU time and copies of each run without the profiler, as trtexec tells them."""
        self._call(*self._measuring, f"--iterations={runs}")
        return read_run_times(self.file("times.json")).last(runs).latency_s

    def network(self) -> Network | None:
        """Return the engine's layers; known after the first `run`."""
        if not self.names:
            return None
        text = read_text(self.file("layers.json"), limits.HEADER_BYTES)
        return network_in_order(text, self.model.source, self.names)

    def describe(self) -> Mapping[str, str]:
        """Return what the layers' times are."""
        return {"layer_times": "one average of all runs"}

    def close(self) -> None:
        """Remove the temporary files."""
        self._folder.cleanup()


@dataclass(kw_only=True, eq=False)
class TrtexecRunner(ModelRunner):
    """Runs a network by NVIDIA's trtexec.

    Args:
        precision: `fp32`, `fp16` or `int8`; trtexec invents scales for int8, which is right
            for timing only.
        program: path of trtexec; found on PATH or where JetPack puts it if empty.
        warm_up_ms: time that trtexec runs before it measures.
        build_timeout_s: longest time that one call may take.
    """

    precision: str = "fp16"
    program: str = ""
    warm_up_ms: int = 500
    build_timeout_s: float = 3600.0

    name = "trtexec"
    precisions = tuple(_PRECISION_FLAGS)

    def probe(self) -> None:
        """Return if the program is there."""
        self._path()

    def _path(self) -> str:
        wanted = self.program or "trtexec"
        found = shutil.which(wanted) or shutil.which(wanted, path=str(_JETPACK_FOLDER))
        if found is None:
            raise Unavailable(
                f"the program {wanted!r} was not found",
                "install TensorRT (JetPack has it in /usr/src/tensorrt/bin), or run trtexec "
                "there with --exportProfile and --exportTimes and give the files",
            )
        return found

    def open(self, model: Model) -> LoadedProgram:
        """Build the engine once and keep it in a temporary folder."""
        return LoadedProgram(
            model=model, clock=self.clock, program=self._path(),
            flags=_PRECISION_FLAGS[self.precision], warm_up_ms=self.warm_up_ms,
            timeout_s=self.build_timeout_s,
        )  # fmt: skip

    def version(self) -> str:
        """Return the version that the program told, empty before it ran."""
        return getattr(self.held, "version", "")


def profile_from_trtexec(engine: Path, profile: Path, times: Path | None = None) -> Profile:
    """Return a measured profile (runtimes only) from the files of a trtexec run.

    Args:
        engine: what `--exportLayerInfo` wrote, with `--profilingVerbosity=detailed`.
        profile: what `--exportProfile` wrote.
        times: what `--exportTimes` wrote; without it there is no host gap.

    Raises:
        InvalidInput: a file is not what it should be; the message names it.
    """
    layers = read_layer_times(profile)
    network = network_in_order(read_text(engine, limits.HEADER_BYTES), str(engine), layers.names)
    return profile_of(network, layers, None if times is None else read_run_times(times))
