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
from pathlib import Path
from typing import Any

import numpy as np

from edgeprofiler.core import limits
from edgeprofiler.core.errors import Unavailable, Unsupported, UsageError
from edgeprofiler.core.files import read_text
from edgeprofiler.core.network import FloatArray, Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.measurement.recording import Timeline
from edgeprofiler.measurement.runners._engine_layers import network_in_order
from edgeprofiler.measurement.runners._shared import Asked
from edgeprofiler.measurement.runners._source import OnnxModel, onnx_model
from edgeprofiler.measurement.runners._trtexec_files import (
    RunTimes,
    profile_of,
    read_layer_times,
    read_run_times,
    timeline_of,
)
from edgeprofiler.measurement.runners.protocol import Clock, MonotonicClock

_JETPACK_FOLDER = Path("/usr/src/tensorrt/bin")
_PRECISION_FLAGS = {"fp32": (), "fp16": ("--fp16",), "int8": ("--fp16", "--int8")}


class TrtexecRunner:
    """Runs a network by NVIDIA's trtexec.

    Args:
        precision: `fp32`, `fp16` or `int8`; trtexec invents scales for int8, which is right
            for timing only.
        batch: images at once; `None` keeps the model's own.
        shapes: input shapes by input name.
        program: path of trtexec; found on PATH or where JetPack puts it if empty.
        warm_up_ms: time that trtexec runs before it measures.
        build_timeout_s: longest time that one call may take.
    """

    name = "trtexec"
    simulated = False
    needs_network = False

    def __init__(
        self,
        *,
        precision: str = "fp16",
        batch: int | None = None,
        shapes: Mapping[str, Sequence[int]] | None = None,
        program: str = "",
        warm_up_ms: int = 500,
        build_timeout_s: float = 3600.0,
    ) -> None:
        self._asked = Asked.of(precision, batch, shapes, tuple(_PRECISION_FLAGS))
        self._program = program
        self._warm_up_ms, self._timeout_s = warm_up_ms, build_timeout_s
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._model: OnnxModel | None = None
        self._source = ""
        self._names: tuple[str, ...] = ()
        self._version = ""
        self.clock: Clock = MonotonicClock()

    @property
    def options(self) -> Mapping[str, Any]:
        """The keyword options that make an equal runner."""
        return {
            **self._asked.options,
            "program": self._program,
            "warm_up_ms": self._warm_up_ms,
            "build_timeout_s": self._timeout_s,
        }

    def probe(self) -> None:
        """Return if the program is there."""
        self._path()

    def _path(self) -> str:
        wanted = self._program or "trtexec"
        found = shutil.which(wanted) or shutil.which(wanted, path=str(_JETPACK_FOLDER))
        if found is None:
            raise Unavailable(
                f"the program {wanted!r} was not found",
                "install TensorRT (JetPack has it in /usr/src/tensorrt/bin), or run trtexec "
                "there with --exportProfile and --exportTimes and give the files",
            )
        return found

    def load(self, source: str, network: Network | None = None) -> None:  # noqa: ARG002
        """Build the engine once and keep it in a temporary folder."""
        self.probe()
        self.close()
        self._model = onnx_model(source, self._asked.batch, self._asked.shapes)
        self._source = source
        self._folder = tempfile.TemporaryDirectory(prefix="edgeprofiler-trtexec-")
        self._file("model.onnx").write_bytes(self._model.data)
        self._call(
            f"--onnx={self._file('model.onnx')}",
            f"--saveEngine={self._file('model.engine')}",
            "--profilingVerbosity=detailed",
            "--skipInference",
            *_PRECISION_FLAGS[self._asked.precision],
        )

    def _file(self, name: str) -> Path:
        if self._folder is None:
            raise UsageError("load a model before running it")
        return Path(self._folder.name) / name

    def _call(self, *arguments: str) -> float:
        """Run trtexec; return the moment at which it began to run the network."""
        command = [self._path(), *arguments]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        )
        began_s = self.clock.now_s()
        tail: list[str] = []
        late = threading.Event()

        def stop() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(self._timeout_s, stop)
        timer.start()
        assert process.stdout is not None
        try:
            with process:
                for line in process.stdout:
                    tail = [*tail[-20:], line.rstrip()]
                    if "Starting inference" in line:
                        began_s = self.clock.now_s()
                    if "TensorRT version" in line:
                        self._version = line.rsplit(":", 1)[-1].strip()
        except BaseException:  # Ctrl-C: the program must not go on without us
            process.kill()
            raise
        finally:
            timer.cancel()
        if late.is_set():
            raise Unavailable(
                f"trtexec did not end within {self._timeout_s:.0f} s", "give it more time"
            )
        if process.returncode != 0:
            errors = [line for line in tail if "[E]" in line] or tail[-1:]
            raise Unsupported(f"{self._source}: trtexec failed ({' '.join(errors)[:300]})")
        return began_s

    def network(self) -> Network | None:
        """Return the engine's layers; known after the first `run`."""
        if self._folder is None or not self._names:
            return None
        text = read_text(self._file("layers.json"), limits.HEADER_BYTES)
        return network_in_order(text, self._source, self._names)

    def run(self, runs: int, pauses_s: FloatArray | None = None) -> Timeline:
        """Run without a profiler for the times, then with it for the layers."""
        idle: tuple[str, ...] = ()
        if pauses_s is not None and np.any(pauses_s > 0):
            # One pause for all runs: the mean, which spreads nothing but keeps the load alike.
            idle = (f"--idleTime={float(np.mean(pauses_s)) * 1e3:.3f}",)
        began_s = self._call(
            f"--loadEngine={self._file('model.engine')}",
            f"--exportProfile={self._file('profile.json')}",
            f"--exportTimes={self._file('times.json')}",
            f"--exportLayerInfo={self._file('layers.json')}",
            "--profilingVerbosity=detailed",
            "--separateProfileRun",
            f"--iterations={runs}",
            "--duration=0",
            f"--warmUp={self._warm_up_ms}",
            *idle,
        )
        layers = read_layer_times(self._file("profile.json"))
        self._names = layers.names
        times = read_run_times(self._file("times.json")).last(runs)
        return timeline_of(layers, times, began_s)

    def latencies(self, runs: int) -> FloatArray:
        """Return GPU time and copies of each run without the profiler, as trtexec tells them."""
        self._call(
            f"--loadEngine={self._file('model.engine')}",
            f"--exportTimes={self._file('times.json')}",
            f"--iterations={runs}",
            "--duration=0",
            f"--warmUp={self._warm_up_ms}",
        )
        return read_run_times(self._file("times.json")).last(runs).latency_s

    @staticmethod
    def profile_from_files(engine: Path, profile: Path, times: Path | None = None) -> Profile:
        """Return what trtexec measured elsewhere; see `profile_from_trtexec`."""
        return profile_from_trtexec(engine, profile, times)

    @staticmethod
    def run_times_from_file(times: Path) -> RunTimes:
        """Return the runs that `--exportTimes` wrote elsewhere."""
        return read_run_times(times)

    def describe(self) -> Mapping[str, str]:
        """Return the program, its version where it told one, and what it was asked to build."""
        return {
            "runtime": f"trtexec {self._version}".rstrip(),
            "precision": self._asked.precision,
            "weights": "random" if self._model and self._model.random_weights else "the model's",
            "layer_times": "one average of all runs",
        }

    def close(self) -> None:
        """Remove the temporary files."""
        if self._folder is not None:
            self._folder.cleanup()
        self._folder = self._model = None
        self._names = ()


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
