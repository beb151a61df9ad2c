"""Plug-ins are made by name; what they do not know is refused."""

import pytest

from edgeprofiler.core import plugins
from edgeprofiler.core.errors import Unavailable, UsageError
from edgeprofiler.measurement.collect import choose
from edgeprofiler.testing import FakeRunner, FakeSensor


def test_an_unknown_option_names_those_that_are_known():
    with pytest.raises(UsageError, match="it takes: counter, gpu"):
        plugins.make("sensors", "nvml", {"speed": 1})


def test_an_unknown_sensor_names_those_that_are_there():
    with pytest.raises(UsageError, match="ina3221"):
        choose.sensor_named("nothing", {}, {})


def test_what_is_offered_is_taken_only_where_it_is_known():
    made = choose.runner_named("onnxruntime", {}, {"batch": None, "device": "a board"})
    assert made.name == "onnxruntime"
    assert choose.unused({"device": "x", "batch": 1}, [made]) == ["device"]


def test_a_value_that_cannot_be_used_is_the_user_s_mistake(monkeypatch):
    def picky(*, volts):
        raise ValueError("volts must be a number")

    monkeypatch.setattr(plugins, "load", lambda kind, name: picky)
    with pytest.raises(UsageError, match="volts must be a number"):
        plugins.make("sensors", "picky", {"volts": "high"})


class Broken(FakeSensor):
    def probe(self):
        raise ZeroDivisionError("no shunt")


def test_whatever_else_a_plug_in_raises_is_its_failure(monkeypatch):
    def explode():
        raise RuntimeError("no licence")

    monkeypatch.setattr(plugins, "load", lambda kind, name: explode)
    with pytest.raises(Unavailable, match=r"the sensor meter failed .*no licence.*author"):
        plugins.make("sensors", "meter", {})
    with pytest.raises(Unavailable, match=r"the sensor fake failed .*ZeroDivisionError: no shunt"):
        choose.probe(FakeRunner(), Broken())
    monkeypatch.setattr(plugins, "load", lambda kind, name: Broken)
    sensor, reasons = choose.auto_sensor()
    assert sensor is None
    assert "no shunt" in reasons[0]


def test_the_first_sensor_and_runner_that_work_are_taken(monkeypatch):
    def load(kind, name):
        if kind == "runners":
            return FakeRunner
        return {"ina3221": lambda: FakeSensor(missing=True), "ina238": FakeSensor}[name]

    monkeypatch.setattr(plugins, "load", load)
    sensor, reasons = choose.auto_sensor()
    assert isinstance(sensor, FakeSensor)
    assert reasons[0].startswith("ina3221: the fake sensor was made missing")
    assert isinstance(choose.auto_runner(), FakeRunner)


def test_where_nothing_works_every_reason_is_said(monkeypatch):
    def load(kind, name):
        raise Unavailable(f"no {name}", "buy one")

    monkeypatch.setattr(plugins, "load", load)
    sensor, reasons = choose.auto_sensor()
    assert sensor is None
    assert len(reasons) == len(choose.AUTO_SENSORS)
    with pytest.raises(Unavailable, match="no tensorrt"):
        choose.auto_runner()
