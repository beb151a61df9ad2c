"""The INA3221's rails are found by label, wherever the chip sits."""

import errno
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.measurement.sensors.boards import total_rails
from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor, restore_settings
from edgeprofiler.measurement.sensors.protocol import opened
from edgeprofiler.testing import SensorContract, write_ina3221_tree

ORIN_NANO = {"VDD_IN": (5000, 1100), "VDD_CPU_GPU_CV": (5000, 400), "VDD_SOC": (5000, 200)}


class TestContract(SensorContract):
    @pytest.fixture(autouse=True)
    def _tree(self, tmp_path):
        self.root = tmp_path
        write_ina3221_tree(tmp_path, ORIN_NANO)

    def make(self):
        return Ina3221Sensor(root=str(self.root))


@pytest.mark.parametrize(("chip", "hwmon"), [("1-0040", 3), ("7-0041", 0)])
def test_power_is_millivolts_times_milliamperes(tmp_path, chip, hwmon):
    """Bus, address and hwmon number differ from board to board and boot to boot."""
    write_ina3221_tree(tmp_path, ORIN_NANO, chip=chip, hwmon=hwmon)
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        assert dict(zip(sensor.rails, sensor.read(), strict=True)) == pytest.approx(
            {"VDD_IN": 5.5, "VDD_CPU_GPU_CV": 2.0, "VDD_SOC": 1.0}
        )
        assert sensor.total_rails == ("VDD_IN",)


def test_new_values_are_seen_without_opening_the_files_again(tmp_path):
    folder = write_ina3221_tree(tmp_path, ORIN_NANO)
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        sensor.read()
        with (folder / "curr1_input").open("r+") as file:
            file.write("2000\n")
        assert sensor.read()[0] == pytest.approx(10.0)


def test_agx_orin_sums_the_input_rails_of_two_chips(tmp_path):
    """VDDQ_VDD2_1V8AO may be fed from VIN_SYS_5V0 and is recorded apart."""
    one = {"VDD_GPU_SOC": (19000, 100), "VDD_CPU_CV": (19000, 100), "VIN_SYS_5V0": (5000, 100)}
    write_ina3221_tree(tmp_path, one, chip="1-0040", hwmon=3)
    write_ina3221_tree(tmp_path, {"VDDQ_VDD2_1V8AO": (5000, 10)}, chip="1-0041", hwmon=4)
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        assert sensor.total_rails == ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
        assert "VDDQ_VDD2_1V8AO" in sensor.rails


def test_jetpack_4_shows_milliwatts_under_iio(tmp_path):
    folder = tmp_path / "sys/bus/i2c/drivers/ina3221x/6-0040/iio:device0"
    folder.mkdir(parents=True)
    for n, (label, milliwatts) in enumerate([("POM_5V_IN", 3219), ("POM_5V_GPU", 41), ("NC", 0)]):
        (folder / f"rail_name_{n}").write_text(label + "\n")
        (folder / f"in_power{n}_input").write_text(f"{milliwatts}\n")
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        assert sensor.rails == ("POM_5V_IN", "POM_5V_GPU")
        assert sensor.read() == pytest.approx([3.219, 0.041])
        assert sensor.total_rails == ("POM_5V_IN",)


def test_a_chip_found_only_under_class_hwmon_is_found(tmp_path):
    folder = write_ina3221_tree(tmp_path / "elsewhere", ORIN_NANO)
    place = tmp_path / "sys/class/hwmon"
    place.mkdir(parents=True)
    (place / "hwmon3").symlink_to(folder)
    other = place / "hwmon1"
    other.mkdir()
    (other / "name").write_text("nvme\n")
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        assert "VDD_IN" in sensor.rails
    assert list(sensor.settings()["chips"]) == ["1-0040"] or sensor.settings()["chips"]


def test_two_rails_of_one_label_are_told_apart(tmp_path):
    write_ina3221_tree(tmp_path, {"VDD_IN": (1, 1)}, chip="1-0040", hwmon=3)
    write_ina3221_tree(tmp_path, {"VDD_IN": (2, 2)}, chip="1-0041", hwmon=4)
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        assert sensor.rails == ("VDD_IN", "VDD_IN (2)")


def test_channels_that_are_off_or_unconnected_are_no_rails(tmp_path):
    folder = write_ina3221_tree(tmp_path, {"VDD_IN": (1, 1), "NC": (1, 1), "VDD_SOC": (1, 1)})
    (folder / "in3_enable").write_text("0\n")
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        assert sensor.rails == ("VDD_IN",)


def test_without_a_chip_it_says_what_to_do(tmp_path):
    with pytest.raises(Unavailable, match=r"no labelled INA3221 rail .* run on the Jetson"):
        Ina3221Sensor(root=str(tmp_path)).probe()


def test_rails_without_a_known_total_ask_for_one(tmp_path):
    write_ina3221_tree(tmp_path, {"A": (5000, 100), "B": (5000, 100), "C": (5000, 100)})
    with pytest.raises(Unavailable, match="total=RAIL"):
        Ina3221Sensor(root=str(tmp_path)).open()
    with opened(Ina3221Sensor(root=str(tmp_path), total="A+C")) as sensor:
        assert sensor.total_rails == ("A", "C")
    with pytest.raises(UsageError, match="choose among: A, B, C"):
        Ina3221Sensor(root=str(tmp_path), total="A+D").open()
    with pytest.raises(UsageError):
        total_rails(("A",), "A+A")


def test_the_chip_s_settings_are_recorded(tmp_path):
    write_ina3221_tree(tmp_path, ORIN_NANO)
    settings = Ina3221Sensor(root=str(tmp_path)).settings()
    chip = settings["chips"]["1-0040"]
    assert chip["samples"] == 1
    assert chip["update_interval"] == 7
    assert chip["shunt1_resistor"] == 5000
    assert chip["in2_label"] == "VDD_CPU_GPU_CV"


@pytest.mark.parametrize("text", ["", "12x"])
def test_a_torn_value_is_unknown_and_not_zero(tmp_path, text):
    folder = write_ina3221_tree(tmp_path, ORIN_NANO)
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        (folder / "curr1_input").write_text(text)
        values = sensor.read()
        assert math.isnan(values[0])
        assert values[1] == pytest.approx(2.0)


def test_a_busy_bus_gives_unknown_and_a_lost_chip_an_error(tmp_path, monkeypatch):
    write_ina3221_tree(tmp_path, ORIN_NANO)
    with opened(Ina3221Sensor(root=str(tmp_path))) as sensor:
        monkeypatch.setattr(os, "pread", fail(errno.EREMOTEIO))
        assert all(map(math.isnan, sensor.read()))
        monkeypatch.setattr(os, "pread", fail(errno.ENODEV))
        with pytest.raises(OSError, match="gone"):
            sensor.read()


def fail(number):
    def pread(*_):
        raise OSError(number, "gone")

    return pread


def test_a_file_without_the_right_to_read_is_unavailable(tmp_path, monkeypatch):
    write_ina3221_tree(tmp_path, ORIN_NANO)

    def refuse(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(Unavailable, match=r"in1_input cannot be read .* run as root"):
        Ina3221Sensor(root=str(tmp_path)).probe()


def crash_while_fast(root):
    """Change the chip's settings in a process that dies without closing its sensor."""
    program = (
        "import os, sys; from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor; "
        "sensor = Ina3221Sensor(root=sys.argv[1], fast=True); sensor.open(); os._exit(9)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(root)], check=False)
    assert done.returncode == 9


def refuse_to_write(*_args, **_kwargs):
    raise PermissionError(errno.EACCES, "Permission denied")


def busy_for(name, value=None):
    """Return a `Path.write_text` that fails as on a busy bus for one file (and value)."""
    write = Path.write_text

    def write_text(path, text, *args, **kwargs):
        if path.name == name and value in (None, text):
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        return write(path, text, *args, **kwargs)

    return write_text


class TestFast:
    def files(self, folder):
        names = ("samples", "update_interval", "in1_enable", "in2_enable", "in3_enable")
        return {name: (folder / name).read_text().strip() for name in names}

    def test_fast_keeps_the_total_only_and_puts_everything_back(self, tmp_path):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        (folder / "samples").write_text("4\n")
        before = self.files(folder)
        with opened(Ina3221Sensor(root=str(tmp_path), fast=True)) as sensor:
            assert sensor.rails == ("VDD_IN",)
            assert self.files(folder) == {
                "samples": "1", "update_interval": "1", "in1_enable": "1", "in2_enable": "0",
                "in3_enable": "0",
            }  # fmt: skip
            assert len(sensor.read()) == 1
        assert self.files(folder) == before

    def test_settings_come_back_after_a_crash(self, tmp_path):
        """The next one who looks at the chip finds the state file."""
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        before = self.files(folder)
        crash_while_fast(tmp_path)
        assert self.files(folder) != before
        Ina3221Sensor(root=str(tmp_path)).probe()
        assert self.files(folder) == before
        assert not restore_settings(tmp_path)

    def test_who_looks_at_the_chip_does_not_disturb_a_fast_recording(self, tmp_path):
        """`doctor` and other recordings probe the sensor while it runs in the sampler."""
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        before = self.files(folder)
        with opened(Ina3221Sensor(root=str(tmp_path), fast=True)):
            fast = self.files(folder)
            Ina3221Sensor(root=str(tmp_path)).probe()
            assert self.files(folder) == fast
            with pytest.raises(Unavailable, match="another recording"):
                Ina3221Sensor(root=str(tmp_path), fast=True).open()
            assert self.files(folder) == fast
        assert self.files(folder) == before

    def test_an_opening_that_fails_puts_the_settings_back(self, tmp_path, monkeypatch):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        before = self.files(folder)

        def refuse(_channels):
            raise Unavailable("in1_input cannot be read", "run as root")

        monkeypatch.setattr("edgeprofiler.measurement.sensors.ina3221.ChannelReader", refuse)
        with pytest.raises(Unavailable, match="in1_input"):
            Ina3221Sensor(root=str(tmp_path), fast=True).open()
        assert self.files(folder) == before

    def test_without_the_right_the_state_file_is_left_for_root(self, tmp_path, monkeypatch):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        before = self.files(folder)
        crash_while_fast(tmp_path)
        with monkeypatch.context() as patched:
            patched.setattr("pathlib.Path.write_text", refuse_to_write)
            Ina3221Sensor(root=str(tmp_path)).probe()
        assert self.files(folder) != before
        assert restore_settings(tmp_path)
        assert self.files(folder) == before

    def test_a_setting_that_a_busy_bus_refuses_comes_back_later(
        self, tmp_path, monkeypatch, caplog
    ):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        (folder / "samples").write_text("4\n")
        before = self.files(folder)
        sensor = Ina3221Sensor(root=str(tmp_path), fast=True)
        sensor.open()
        with monkeypatch.context() as patched:
            patched.setattr("pathlib.Path.write_text", busy_for("samples"))
            sensor.close()
            assert "samples=4 cannot be put back (Remote I/O error)" in caplog.text
            assert self.files(folder) == {**before, "samples": "1"}
        Ina3221Sensor(root=str(tmp_path)).probe()
        assert self.files(folder) == before
        assert not restore_settings(tmp_path)

    def test_another_fast_recording_does_not_forget_what_still_must_come_back(
        self, tmp_path, monkeypatch
    ):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        (folder / "samples").write_text("4\n")
        before = self.files(folder)
        crash_while_fast(tmp_path)
        sensor = Ina3221Sensor(root=str(tmp_path), fast=True)
        with monkeypatch.context() as patched:
            patched.setattr("pathlib.Path.write_text", busy_for("samples", value="4"))
            sensor.open()
        sensor.close()
        assert self.files(folder) == before

    def test_a_setting_that_cannot_be_read_is_not_changed(self, tmp_path, monkeypatch):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        before = self.files(folder)
        read = Path.read_text

        def busy(path, *args, **kwargs):
            if path.name == "samples":
                raise OSError(errno.EREMOTEIO, "Remote I/O error")
            return read(path, *args, **kwargs)

        with monkeypatch.context() as patched:
            patched.setattr("pathlib.Path.read_text", busy)
            with pytest.raises(Unavailable, match="Remote I/O error"):
                Ina3221Sensor(root=str(tmp_path), fast=True).open()
        assert self.files(folder) == before

    @pytest.mark.parametrize("text", ["[]", "null", "3"])
    def test_a_state_file_of_another_kind_is_ignored(self, tmp_path, text):
        (tmp_path / "run").mkdir()
        (tmp_path / "run/edgeprofiler-ina3221.json").write_text(text)
        assert not restore_settings(tmp_path)

    def test_a_state_file_cannot_make_us_write_elsewhere(self, tmp_path):
        state = tmp_path / "run/edgeprofiler-ina3221.json"
        state.parent.mkdir()
        victim = tmp_path / "victim"
        victim.write_text("mine")
        state.write_text(f'{{"{victim}": "yours"}}')
        assert restore_settings(tmp_path)
        assert victim.read_text() == "mine"
        state.write_text("[")
        assert not restore_settings(tmp_path)

    def test_without_the_right_to_write_fast_is_unavailable(self, tmp_path, monkeypatch):
        folder = write_ina3221_tree(tmp_path, ORIN_NANO)
        (tmp_path / "run").write_text("a file where a folder must be")
        with pytest.raises(Unavailable, match="leave out fast"):
            Ina3221Sensor(root=str(tmp_path), fast=True).open()
        assert self.files(folder)["samples"] == "1"
