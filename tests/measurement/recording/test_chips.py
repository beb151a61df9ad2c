"""Settings of a sensor's chips are found however its driver shows them."""

import pytest

from edgeprofiler.measurement.recording import chip_numbers
from edgeprofiler.measurement.sensors.ina3221 import Ina3221Sensor
from edgeprofiler.testing import write_ina3221_tree


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, ()),
        ({"samples": 4}, (4.0,)),
        ({"chips": {"one": {"samples": "16"}, "two": {"samples": 1}, "three": {}}}, (16.0, 1.0)),
        ({"chips": {"one": {"samples": "not told"}, "two": "odd"}, "samples": None}, ()),
        ({"chips": "none"}, ()),
    ],
)
def test_values_of_the_sensor_and_of_its_chips(settings, found):
    assert chip_numbers(settings, "samples") == found


def test_only_the_chips_of_the_rails_count_where_they_are_known(tmp_path):
    for number, rail in enumerate(("VDD_IN", "VDD_CV")):
        chip = write_ina3221_tree(
            tmp_path, {rail: (5000, 100)}, chip=f"1-004{number}", hwmon=number
        )
        (chip / "samples").write_text(f"{4 + number}\n")
    settings = Ina3221Sensor(root=str(tmp_path)).settings()
    assert chip_numbers(settings, "samples", {"VDD_IN"}) == (4.0,)
    assert chip_numbers(settings, "samples", {"VDD_CV"}) == (5.0,)
    assert chip_numbers(settings, "samples") == (4.0, 5.0)
    assert chip_numbers(settings, "samples", {"elsewhere"}) == (4.0, 5.0)
