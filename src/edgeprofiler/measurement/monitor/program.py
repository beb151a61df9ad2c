"""Energy of a program from its start to its end."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from edgeprofiler.core.errors import EdgeProfilerError, InsufficientData, Unavailable
from edgeprofiler.measurement.monitor.measuring import Measurement, measure
from edgeprofiler.measurement.monitor.passing import Passing
from edgeprofiler.measurement.sensors.protocol import Sensor


def run_program(
    command: Sequence[str],
    sensor: Sensor | str | None = None,
    *,
    options: Mapping[str, Any] | None = None,
    period_s: float = 1e-3,
    stdout: int | None = None,
    pass_on: Sequence[int] = (),
) -> tuple[int, Measurement]:
    """Run a program and return its exit code and what the machine drew meanwhile.

    Where the program ended before the sensor gave a value, its exit code is returned all the
    same; energy and powers are NaN then, and a warning says why.

    Ctrl-C reaches the program, as it would without a monitor; what was measured is returned.
    Other signals end this process unless they are to be passed on.

    Args:
        command: the program and its arguments.
        sensor: a sensor, the name of one, or `None` for the first that works here.
        options: options of the named sensor.
        period_s: time between polls.
        stdout: descriptor that takes the program's standard output; its own where `None`.
        pass_on: signals that end the program, not this process, from the program's start until
            the measurement is complete; their handlers are put back then. Only in the main
            thread, and not on Windows.

    Raises:
        Unavailable: the program cannot be started, or no sensor works here. Also where the sensor
            was lost while the program ran: what it drew is unknown, and the message ends with
            its exit code.
    """
    power = measure(sensor, options=options, period_s=period_s)
    code: int | None = None
    # started in another thread: what a handler raises in this one cannot lose the process
    try:
        with Passing(pass_on) as passing, power, ThreadPoolExecutor(1, "program") as other:
            passing.hold()
            starting = other.submit(subprocess.Popen[bytes], command, stdout=stdout)
            try:
                passing.to(_started(starting, command[0]))
                code = _wait(starting.result())
            except BaseException:  # a caller's handler: the program must not go on without us
                if starting.exception() is None:
                    starting.result().kill()
                    starting.result().wait()
                raise
    except InsufficientData:
        assert code is not None  # what was too short has run
    except EdgeProfilerError as error:
        if code is not None:
            error.add(f"the program has ended with exit code {shell_code(code)}")
        raise
    return code, power.result


def shell_code(code: int) -> int:
    """Return a program's exit code as a shell gives it: 128 + N where signal N ended it."""
    return code if code >= 0 else 128 - code


def _started(starting: Future[subprocess.Popen[bytes]], name: str) -> subprocess.Popen[bytes]:
    try:
        return starting.result()
    except OSError as error:
        raise Unavailable(
            f"{name} cannot be started ({error.strerror or error})", "check its name and path"
        ) from None


def _wait(process: subprocess.Popen[bytes]) -> int:
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue  # the terminal has sent it to the program too, which ends or does not
