"""What a sensor cannot be made with is the user's mistake, told before anything is recorded."""

import pytest

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import UsageError
from edgeprofiler.measurement.collect import choose


@pytest.mark.parametrize(
    ("sensor", "option", "told"),
    [
        ("sim", "noise_w=NaN", "noise_w=nan must be a number from 0 to 1000"),
        ("sim", "noise_w=-1", "noise_w=-1 must be a number"),
        ("sim", "noise_w=Infinity", "noise_w=inf must be a number"),
        ("sim", "noise_w=loud", "noise_w='loud' must be a number"),
        ("sim", "noise_w=true", "noise_w=True must be a number"),
        ("sim", "noise_w=1" + "0" * 400, "must be a number"),
        ("sim", "seed=abc", "seed='abc' must be a whole number of 0 or more"),
        ("sim", "seed=-1", "seed=-1 must be a whole number"),
        ("sim", "averaging=1.5", "averaging=1.5 must be a whole number from 1 to 1024"),
        ("sim", "averaging=0", "averaging=0 must be a whole number"),
        ("sim", "poll_hz=1e12", "poll_hz=1000000000000.0 must be a number from 0.01 to 100000"),
        ("sim", "poll_hz=0", "poll_hz=0 must be a number"),
        ("sim", "lag_s=[1]", "lag_s=[1] must be a number"),
        ("sim", "rail_time_constant_s=-1", "rail_time_constant_s=-1 must be a number"),
        ("sim", "period_s=1e-9", "period_s=1e-09 must be a number"),
        ("sim", "window_s=1", "window_s=1 must not be longer than period_s=0.0066"),
        ("replay", "path=[1]", "path=[1] must be text"),
        ("replay", "path=null", "path=None must be text"),
        ("replay", "interval=NaN", "interval=nan must be a number"),
        ("replay", "align=1", "align=1; choose auto or start or clock"),
        ("ina3221", "fast=no", "fast='no' must be true or false"),
        ("ina3221", "root=true", "root=True must be text"),
        ("ina3221", 'total="A\\u0000"', "must be text"),
        ("ina238", "total=1.5", "total=1.5 must be text"),
        ("rapl", "root={}", "root={} must be text"),
        ("nvml", "gpu=-1", "gpu=-1 must be a whole number from 0 to 255"),
        ("nvml", "counter=1", "counter=1 must be true or false"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(sensor, option, told):
    with pytest.raises(UsageError) as caught:
        choose.sensor_named(sensor, plugins.parse_options([option]), {})
    assert told in str(caught.value)


def test_a_whole_number_is_a_rail_s_name_or_a_number_as_asked_for():
    given = plugins.parse_options(["total=5", "root=7"])
    assert dict(choose.sensor_named("ina3221", given, {}).options) == {
        "root": "7", "total": "5", "fast": False,
    }  # fmt: skip
    given = plugins.parse_options(["noise_w=0", "seed=123456789012345678901"])
    options = choose.sensor_named("sim", given, {}).options
    assert options["noise_w"] == 0
    assert options["seed"] == 123456789012345678901
