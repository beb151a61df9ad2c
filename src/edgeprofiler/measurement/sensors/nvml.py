"""NVIDIA desktop and server GPUs through NVML (the package nvidia-ml-py)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.extras import require
from edgeprofiler.core.plugins import Between, Optioned
from edgeprofiler.measurement.sensors.protocol import SensorKind

_RENEWED_S = 0.5
"""A counter that has not moved for so long stands still: drivers renew it every 10 to 100 ms, and
a GPU at rest draws thousands of its millijoules a second."""
_LOOK_S = 0.005


@dataclass(kw_only=True, eq=False)
class NvmlSensor(Optioned):
    """Reads the GPU's energy counter where it has one (Volta and later), else its power.

    The rail is the GPU's board, not the computer's input. The driver renews both every 10 to
    100 ms.

    Args:
        gpu: number of the GPU, as `nvidia-smi` shows it.
        counter: read the energy counter where there is one.
    """

    gpu: Annotated[int, Between(0, 255)] = 0
    counter: bool = True
    _notes: list[str] = field(default_factory=list, init=False)
    kind: SensorKind = field(default="power", init=False)
    """`energy` where the GPU has a counter, else `power`; known after `open`."""
    _nvml: Any = field(default=None, init=False)
    _handle: Any = field(default=None, init=False)

    name = "nvml"

    @property
    def rails(self) -> tuple[str, ...]:
        """One rail: `GPU0`."""
        return (f"GPU{self.gpu}",)

    @property
    def total_rails(self) -> tuple[str, ...]:
        """The same rail."""
        return self.rails

    def probe(self) -> None:
        """Return if the GPU's power can be read; raise `Unavailable` otherwise."""
        if self._handle is not None:
            return
        self.open()
        self.close()

    def open(self) -> None:
        """Start NVML and find out what the GPU can tell."""
        self.close()
        self._notes = []
        nvml = _import_nvml()
        remedy = "install NVIDIA's driver; on a Jetson choose `sensor` ina3221"
        try:
            nvml.nvmlInit()
        except nvml.NVMLError as error:
            raise Unavailable(f"NVML cannot start ({error})", remedy) from None
        self._nvml = nvml
        try:
            self._handle = nvml.nvmlDeviceGetHandleByIndex(self.gpu)
            self.kind = "energy" if self.counter and self._counts() else "power"
            self.read()
        except (nvml.NVMLError, OSError) as error:
            self.close()
            raise Unavailable(f"GPU {self.gpu} does not tell its power ({error})", remedy) from None

    def close(self) -> None:
        """Stop NVML."""
        if self._nvml is not None:
            self._nvml.nvmlShutdown()
            self._nvml = self._handle = None

    def read(self) -> Sequence[float]:
        """Return joules so far, or watts."""
        nvml = self._nvml
        if nvml is None:
            raise OSError("NVML is not open")
        try:
            if self.kind == "energy":
                return (nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) * 1e-3,)
            return (nvml.nvmlDeviceGetPowerUsage(self._handle) * 1e-3,)
        except nvml.NVMLError as error:
            raise OSError(f"NVML: {error}") from None

    def settings(self) -> Mapping[str, Any]:
        """Return the GPU's name, driver and power limit."""
        nvml = self._nvml
        if nvml is None:
            return {"interface": "nvml"}
        facts: dict[str, Any] = {"interface": "nvml", "reads": self.kind}
        if self._notes:
            facts["warnings"] = list(self._notes)
        questions: dict[str, Callable[[], Any]] = {
            "gpu": lambda: _text(nvml.nvmlDeviceGetName(self._handle)),
            "driver": lambda: _text(nvml.nvmlSystemGetDriverVersion()),
            "power_limit_w": lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(self._handle) * 1e-3,
        }
        for key, ask in questions.items():
            try:
                facts[key] = ask()
            except nvml.NVMLError:
                facts[key] = "not told"
        return facts

    def _counts(self) -> bool:
        """Say whether there is an energy counter, and it moves."""
        nvml = self._nvml
        end_s = time.monotonic() + _RENEWED_S
        try:
            first = nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
            while time.monotonic() < end_s:
                if nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) != first:
                    return True
                time.sleep(_LOOK_S)
        except nvml.NVMLError:
            return False
        self._notes = [
            f"the energy counter of GPU {self.gpu} stands still; its power is read instead"
        ]
        return False


def _import_nvml() -> Any:
    with require("nvml"):
        import pynvml
    return pynvml


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
