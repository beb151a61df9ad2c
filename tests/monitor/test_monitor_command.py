"""`edgeprofiler monitor` tells a program's energy and keeps its exit code."""

import json
import subprocess
import sys

import pytest

from edgeprofiler.testing import write_ina3221_tree


def monitor(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "edgeprofiler", "monitor", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def sensor(tmp_path):
    write_ina3221_tree(tmp_path, {"VDD_IN": (5000, 1100)})
    return ("--sensor", "ina3221", "--sensor-option", f"root={tmp_path}")


def test_json_stands_alone_on_standard_output(sensor):
    done = monitor(
        *sensor, "--json", "-", "--", sys.executable, "-c", "import time; time.sleep(.3)"
    )
    document = json.loads(done.stdout)
    assert done.returncode == 0
    assert document["mean_w"] == pytest.approx(5.5)
    assert document["rails"] == ["VDD_IN"]
    assert "energy" in done.stderr
    assert "uncertain" in done.stderr


def test_the_program_s_options_and_exit_code_are_its_own(sensor):
    done = monitor(*sensor, "--", sys.executable, "-c", "raise SystemExit(5)", "--json")
    assert done.returncode == 5


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--sensor", "ina3221", "--sensor-option", "root=/nowhere", "--", "true"), 4, "INA3221"),
        (("--sensor", "nothing", "--", "true"), 2, "no sensor named"),
        (("--sensor-option", "a=1", "--", "true"), 2, "needs --sensor"),
        (("--period", "0", "--", "true"), 2, "between"),
        ((), 2, "COMMAND"),
    ],
)
def test_mistakes_are_one_line_with_a_documented_exit_code(arguments, code, words):
    done = monitor(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_missing_program_is_unavailable(sensor):
    done = monitor(*sensor, "--", "/nowhere/program")
    assert done.returncode == 4
    assert "cannot be started" in done.stderr
