"""NVML gives an energy counter where the GPU has one, else power."""

import sys
import types

import pytest

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.sensors.nvml import NvmlSensor
from edgeprofiler.measurement.sensors.protocol import opened
from edgeprofiler.testing import SensorContract


class FakeNvml(types.ModuleType):
    """Behaves as nvidia-ml-py's documentation says."""

    def __init__(self, *, counter=True, driver=True, step_mj=70):
        super().__init__("pynvml")
        self.NVMLError = type("NVMLError", (Exception,), {})
        self.counter, self.driver, self.lost, self.started = counter, driver, False, 0
        self.energy_mj, self.step_mj = 5000, step_mj

    def nvmlInit(self):  # noqa: N802
        if not self.driver:
            raise self.NVMLError("Driver Not Loaded")
        self.started += 1

    def nvmlShutdown(self):  # noqa: N802
        self.started -= 1

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        if index > 0:
            raise self.NVMLError("Invalid Argument")
        return index

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):  # noqa: N802
        if self.lost or not self.counter:
            raise self.NVMLError("Not Supported")
        self.energy_mj += self.step_mj
        return self.energy_mj

    def nvmlDeviceGetPowerUsage(self, handle):  # noqa: N802
        return 71_500

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return b"a GPU"

    def nvmlSystemGetDriverVersion(self):  # noqa: N802
        return "550.1"

    def nvmlDeviceGetEnforcedPowerLimit(self, handle):  # noqa: N802
        raise self.NVMLError("Not Supported")


@pytest.fixture
def nvml(monkeypatch):
    def install(**behaviour):
        fake = FakeNvml(**behaviour)
        monkeypatch.setitem(sys.modules, "pynvml", fake)
        return fake

    return install


class TestContract(SensorContract):
    @pytest.fixture(autouse=True)
    def _install(self, nvml):
        nvml()

    def make(self):
        return NvmlSensor()


def test_a_counter_of_millijoules_gives_joules(nvml):
    fake = nvml()
    with opened(NvmlSensor()) as sensor:
        assert sensor.kind == "energy"
        assert sensor.read()[0] == pytest.approx(fake.energy_mj * 1e-3)
        assert sensor.rails == sensor.total_rails == ("GPU0",)
    assert fake.started == 0


def test_older_gpus_give_milliwatts(nvml):
    nvml(counter=False)
    with opened(NvmlSensor()) as sensor:
        assert sensor.kind == "power"
        assert sensor.read() == pytest.approx((71.5,))


def test_settings_name_the_gpu_and_say_what_is_not_told(nvml):
    nvml()
    with opened(NvmlSensor()) as sensor:
        settings = sensor.settings()
        sensor.probe()
    assert settings["gpu"] == "a GPU"
    assert settings["driver"] == "550.1"
    assert settings["power_limit_w"] == "not told"
    assert NvmlSensor().settings() == {"interface": "nvml"}


def test_a_lost_gpu_is_an_os_error(nvml):
    fake = nvml()
    with opened(NvmlSensor()) as sensor:
        fake.lost = True
        with pytest.raises(OSError, match="Not Supported"):
            sensor.read()


def test_a_missing_driver_gpu_or_package_says_what_to_do(nvml, monkeypatch):
    fake = nvml(driver=False)
    with pytest.raises(Unavailable, match="NVIDIA's driver"):
        NvmlSensor().probe()
    fake = nvml()
    with pytest.raises(Unavailable, match="GPU 3"):
        NvmlSensor(gpu=3).probe()
    assert fake.started == 0
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[nvml\]"):
        NvmlSensor().probe()


def test_power_is_read_where_the_counter_stands_still_and_that_is_told(nvml, monkeypatch):
    nvml(step_mj=0)
    monkeypatch.setattr(sys.modules["edgeprofiler.measurement.sensors.nvml"], "_RENEWED_S", 0.01)
    with opened(NvmlSensor()) as sensor:
        assert sensor.kind == "power"
        assert sensor.read() == (71.5,)
        assert sensor.settings()["warnings"] == [
            "the energy counter of GPU 0 stands still; its power is read instead"
        ]
