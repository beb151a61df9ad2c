"""RAPL's counters wrap; energy read from them never goes back."""

import time

import pytest

from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.measurement.sensors.protocol import opened
from edgeprofiler.measurement.sensors.rapl import EnergyCounter, RaplSensor
from edgeprofiler.testing import SensorContract


def zone(root, path, name, energy_uj, range_uj="262143328850"):
    folder = root / "sys/class/powercap" / path
    folder.mkdir(parents=True)
    (folder / "name").write_text(name + "\n")
    (folder / "energy_uj").write_text(f"{energy_uj}\n")
    (folder / "max_energy_range_uj").write_text(f"{range_uj}\n")
    return folder


class TestContract(SensorContract):
    @pytest.fixture(autouse=True)
    def _tree(self, tmp_path):
        self.root = tmp_path
        zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)

    def make(self):
        return RaplSensor(root=str(self.root))


def test_packages_and_their_memory_make_the_total(tmp_path):
    """Cores are part of their package already."""
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "core", 1)
    zone(tmp_path, "intel-rapl:0:1", "dram", 2_000_000)
    zone(tmp_path, "intel-rapl-mmio:0", "package-0", 5_000_000)
    with opened(RaplSensor(root=str(tmp_path))) as sensor:
        assert sensor.rails == ("package-0", "package-0/core", "package-0/dram")
        assert sensor.total_rails == ("package-0", "package-0/dram")
        assert sensor.read() == pytest.approx([5.0, 1e-6, 2.0])
        assert sensor.kind == "energy"


def test_the_platform_s_own_counter_is_the_total_where_there_is_one(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    with opened(RaplSensor(root=str(tmp_path))) as sensor:
        assert sensor.total_rails == ("psys",)


@pytest.mark.parametrize(
    ("psys_uj", "packages_uj", "total", "told"),
    [
        (9_000_000, 8_000_000, ("psys",), ""),
        (0, 8_000_000, ("package-0", "package-0/dram"), "psys stands still"),
        (500_000, 8_000_000, ("package-0", "package-0/dram"), "psys counts less than the packages"),
    ],
)
def test_a_platform_that_counts_less_than_its_packages_is_not_the_total(
    tmp_path, monkeypatch, psys_uj, packages_uj, total, told
):
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:0:0", "dram", 2_000_000)
    zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    drawn = {"intel-rapl:0": packages_uj, "intel-rapl:1": psys_uj}

    def watch(_seconds):
        for path, more in drawn.items():
            file = tmp_path / "sys/class/powercap" / path / "energy_uj"
            file.write_text(f"{int(file.read_text()) + more}\n")

    monkeypatch.setattr(time, "sleep", watch)
    with opened(RaplSensor(root=str(tmp_path))) as sensor:
        assert sensor.total_rails == total
        assert told in "; ".join(sensor.settings().get("warnings", ()))


def test_the_zones_of_the_total_may_be_chosen(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0", 5_000_000)
    zone(tmp_path, "intel-rapl:1", "psys", 9_000_000)
    with opened(RaplSensor(root=str(tmp_path), total="package-0")) as sensor:
        assert sensor.total_rails == ("package-0",)
    with pytest.raises(UsageError, match="choose among: package-0, psys"):
        RaplSensor(root=str(tmp_path), total="core").probe()


def test_a_counter_that_wraps_goes_on_rising(tmp_path):
    """After its largest value comes 0: max + 1 is added."""
    folder = zone(tmp_path, "intel-rapl:0", "package-0", 999_000, range_uj=999_999)
    with opened(RaplSensor(root=str(tmp_path))) as sensor:
        joules = [sensor.read()[0]]
        for value in (999_999, 0, 500_000, 10):
            (folder / "energy_uj").write_text(f"{value}\n")
            joules.append(sensor.read()[0])
    assert joules == pytest.approx([0.999, 0.999999, 1.0, 1.5, 2.00001])


def test_machines_without_rapl_say_why(tmp_path):
    with pytest.raises(Unavailable, match="Intel or AMD"):
        RaplSensor(root=str(tmp_path)).probe()


def test_counters_that_only_root_may_read_say_so(tmp_path):
    folder = zone(tmp_path, "intel-rapl:0", "package-0", 1)
    (folder / "energy_uj").unlink()
    (folder / "energy_uj").mkdir()  # cannot be read by anybody, not even root
    with pytest.raises(Unavailable, match="run as root"):
        RaplSensor(root=str(tmp_path)).probe()


def test_a_zone_without_a_range_wraps_at_32_bits(tmp_path):
    folder = zone(tmp_path, "intel-rapl:0", "package-0", 2**32 - 1)
    (folder / "max_energy_range_uj").unlink()
    assert RaplSensor(root=str(tmp_path)).settings()["max_energy_range_uj"] == {
        "package-0": 2**32 - 1
    }


@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_counter_without_a_number_counts_as_gone(tmp_path, content):
    counter_file = tmp_path / "energy_uj"
    counter_file.write_bytes(b"5000000")
    counter = EnergyCounter(counter_file, 2**32 - 1)
    assert counter.read_j() == pytest.approx(5)
    counter_file.write_bytes(content)
    with pytest.raises(OSError, match="holds no number"):
        counter.read_j()
    counter.close()
