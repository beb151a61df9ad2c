"""Fakes and contract tests for authors of plug-ins.

Subclass a contract in your tests and say how to make your plug-in:

>>> from edgeprofiler.testing import SensorContract
>>> class TestMySensor(SensorContract):
...     def make(self):
...         return MySensor(address=0x40)  # your own
"""

from edgeprofiler.measurement.simulator.live import VirtualClock
from edgeprofiler.testing.contracts import (
    FrontEndContract,
    RunnerContract,
    SensorContract,
    TraceSensorContract,
)
from edgeprofiler.testing.fakes import (
    FakeRunner,
    FakeSensor,
    write_ina3221_tree,
)

__all__ = [
    "FakeRunner",
    "FakeSensor",
    "FrontEndContract",
    "RunnerContract",
    "SensorContract",
    "TraceSensorContract",
    "VirtualClock",
    "write_ina3221_tree",
]
