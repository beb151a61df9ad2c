"""The INA238 of a Thor measures the whole board."""

from functools import partial

import pytest

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.collect.choose import auto_sensor
from edgeprofiler.measurement.sensors.ina238 import Ina238Sensor
from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor
from edgeprofiler.measurement.sensors.protocol import opened
from edgeprofiler.testing import SensorContract


def tree(root, number=5, label=""):
    folder = root / f"sys/class/hwmon/hwmon{number}"
    folder.mkdir(parents=True)
    files = {"name": "ina238", "power1_input": "24500000", "shunt_resistor": "2000"}
    if label:
        files["in1_label"] = label
    for name, text in files.items():
        (folder / name).write_text(text + "\n")


class TestContract(SensorContract):
    @pytest.fixture(autouse=True)
    def _tree(self, tmp_path):
        self.root = tmp_path
        tree(tmp_path)

    def make(self):
        return Ina238Sensor(root=str(self.root))


def test_a_chip_without_a_label_measures_vin_in_microwatts(tmp_path):
    tree(tmp_path)
    with opened(Ina238Sensor(root=str(tmp_path))) as sensor:
        assert sensor.rails == sensor.total_rails == ("VIN",)
        assert sensor.read() == pytest.approx([24.5])
        assert sensor.settings()["chips"]["hwmon5"]["shunt_resistor"] == "2000"


def test_several_chips_need_a_word_which_carry_the_board(tmp_path):
    tree(tmp_path, 5, "LEFT")
    tree(tmp_path, 6, "RIGHT")
    with opened(Ina238Sensor(root=str(tmp_path), total="LEFT+RIGHT")) as sensor:
        assert sensor.total_rails == ("LEFT", "RIGHT")


def test_of_a_thor_s_two_chips_auto_takes_the_one_that_tells_the_board(tmp_path, monkeypatch):
    """Its INA3221 watches rails behind the regulators, and none of them is the input."""
    tree(tmp_path)
    chip = tmp_path / "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon2"
    chip.mkdir(parents=True)
    for number, label in enumerate(("VDD_GPU", "VDD_CPU_SOC_MSS", "VIN_SYS_5V0"), 1):
        (chip / f"in{number}_label").write_text(label)
        (chip / f"in{number}_input").write_text("5000")
        (chip / f"curr{number}_input").write_text("100")
    sensors = {"ina3221": Ina3221Sensor, "ina238": Ina238Sensor}
    made = {name: partial(kind, root=str(tmp_path)) for name, kind in sensors.items()}
    monkeypatch.setattr(plugins, "load", lambda _kind, name: made[name])
    sensor, reasons = auto_sensor()
    assert sensor is not None
    assert sensor.name == "ina238"
    assert "none is known to carry the whole board" in reasons[0]


def test_elsewhere_it_points_to_the_other_sensor(tmp_path):
    with pytest.raises(Unavailable, match="`sensor` ina3221"):
        Ina238Sensor(root=str(tmp_path)).probe()
