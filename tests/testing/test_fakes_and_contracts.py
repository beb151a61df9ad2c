"""The contracts that plug-in authors inherit pass on good plug-ins and fail on bad ones."""

import unittest

import pytest

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.measurement.sensors.protocol import opened
from edgeprofiler.testing import (
    FakeRunner,
    FakeSensor,
    FrontEndContract,
    RunnerContract,
    SensorContract,
    TraceSensorContract,
    VirtualClock,
)


class TestFakeSensor(SensorContract):
    def make(self):
        return FakeSensor()


class TestFakeEnergySensor(SensorContract):
    def make(self):
        return FakeSensor(kind="energy")


class TestFakeRunner(RunnerContract):
    source = "fake:net"

    def make(self):
        return FakeRunner(layer_s=1e-5)


class TestFakeRunnerInVirtualTime(RunnerContract):
    source = "fake:net"

    def make(self):
        return FakeRunner(clock=VirtualClock())


def test_a_contract_skips_what_cannot_run_here_and_says_why():
    class Missing(SensorContract):
        def make(self):
            return FakeSensor(missing=True)

    with pytest.raises(unittest.SkipTest, match="made missing"):
        Missing().test_gives_one_number_a_rail()
    Missing().test_probe_says_why_not_or_nothing()


def test_a_sensor_whose_total_is_no_rail_fails_its_contract():
    class Wrong(FakeSensor):
        total_rails = ("SOMETHING",)

    class Contract(SensorContract):
        def make(self):
            return Wrong()

    with pytest.raises(AssertionError):
        Contract().test_gives_one_number_a_rail()


def test_unavailable_without_a_remedy_fails_the_contract():
    class Mute(FakeSensor):
        def probe(self):
            raise Unavailable("no", "")

    class Contract(SensorContract):
        def make(self):
            return Mute()

    with pytest.raises(AssertionError, match="remedy"):
        Contract().test_probe_says_why_not_or_nothing()


@pytest.mark.parametrize(
    "contract", [SensorContract, TraceSensorContract, RunnerContract, FrontEndContract]
)
def test_a_contract_asks_for_the_plug_in(contract):
    with pytest.raises(NotImplementedError):
        contract().make()


def test_a_front_end_that_reads_the_missing_fails_its_contract():
    class Reckless:
        name = "reckless"

        def recognises(self, source, head):
            return False

        def read(self, source, options):
            return None

    class Contract(FrontEndContract):
        def make(self):
            return Reckless()

    Contract().test_is_a_front_end()
    Contract().test_recognises_no_stranger()
    with pytest.raises(AssertionError, match="does not exist"):
        Contract().test_a_missing_file_is_the_users_mistake()


def test_the_fake_sensor_vanishes_and_falls_silent_as_asked():
    with opened(FakeSensor(vanish_after=0)) as sensor, pytest.raises(OSError):
        sensor.read()
    with opened(FakeSensor(silent_after=0)) as sensor:
        first, _ = sensor.read()
        assert first != first
