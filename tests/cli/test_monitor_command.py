"""`edgeprofiler monitor` tells a program's energy and keeps its exit code."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import edgeprofiler.measurement.monitor  # noqa: F401  its module is looked up below
from edgeprofiler.measurement.recording import PowerTrace, load_recording
from edgeprofiler.testing import write_ina3221_tree


@pytest.fixture
def monitor(cli):
    return lambda *arguments: cli("monitor", *arguments)


@pytest.fixture
def sensor(tmp_path):
    write_ina3221_tree(tmp_path, {"VDD_IN": (5000, 1100)})
    return ("--sensor", "ina3221", "--sensor-option", f"root={tmp_path}")


def test_json_stands_alone_on_standard_output(monitor, sensor):
    done = monitor(
        *sensor, "--json", "-", "--", sys.executable, "-c",
        "import time; print('said by the program'); time.sleep(1)",
    )  # fmt: skip
    document = json.loads(done.out)
    assert done.code == 0
    assert document["mean_w"] == pytest.approx(5.5)
    assert document["rails"] == ["VDD_IN"]
    assert "energy" in done.err
    assert "uncertain" in done.err


def test_the_program_s_options_and_exit_code_are_its_own(monitor, sensor):
    done = monitor(*sensor, "--", sys.executable, "-c", "raise SystemExit(5)", "--json")
    assert done.code == 5


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("--sensor", "ina3221", "--sensor-option", "root=/nowhere", "--", "true"), 4, "INA3221"),
        (("--sensor", "nothing", "--", "true"), 2, "no sensor named"),
        (("--sensor-option", "a=1", "--", "true"), 2, "needs --sensor"),
        (("--period", "0", "--", "true"), 2, "between"),
        ((), 2, "give a program behind `--`, or `--watch`"),
        (("--watch", "--", "true"), 2, "`--watch` without one"),
    ],
)
def test_mistakes_are_one_line_with_a_documented_exit_code(monitor, arguments, code, words):
    done = monitor(*arguments)
    assert done.code == code
    assert words in done.err
    assert "Traceback" not in done.err


def test_a_program_too_short_to_measure_keeps_its_exit_code(monitor, sensor, monkeypatch):
    def nothing_came(folder):
        return replace(load_recording(folder), trace=PowerTrace(np.empty(0), {}, ()))

    module = sys.modules["edgeprofiler.measurement.monitor.measuring"]
    monkeypatch.setattr(module, "load_recording", nothing_came)
    done = monitor(*sensor, "--json", "-", "--", sys.executable, "-c", "raise SystemExit(3)")
    assert done.code == 3
    assert "warning: the sensor ina3221 gave no value" in done.err
    document = json.loads(done.out)
    assert document["exit_code"] == 3
    assert document["energy_j"] is document["mean_w"] is document["peak_w"] is None
    assert "gave no value" in document["warnings"][0]


@pytest.mark.parametrize("target", ["none/x.json", "root", "file/x.json"])
def test_a_target_that_cannot_be_written_is_told_before_the_program_runs(
    monitor, sensor, tmp_path, target
):
    (tmp_path / "root").mkdir(exist_ok=True)
    (tmp_path / "file").write_text("")
    ran = tmp_path / "ran"
    done = monitor(
        *sensor, "--json", tmp_path / target, "--",
        sys.executable, "-c", f"open({str(ran)!r}, 'w').close()",
    )  # fmt: skip
    assert done.code == 7
    assert str(tmp_path / target) in done.err
    assert not ran.exists()


def test_figures_are_told_even_where_their_file_cannot_be_written_any_more(
    monitor, sensor, tmp_path
):
    folder = tmp_path / "gone"
    folder.mkdir()
    done = monitor(
        *sensor, "--json", folder / "x.json", "--",
        sys.executable, "-c", f"import os; os.rmdir({str(folder)!r}); raise SystemExit(3)",
    )  # fmt: skip
    assert done.code == 7
    assert "energy" in done.err
    assert "exit code 3" in done.err


def test_a_missing_program_is_unavailable(monitor, sensor):
    done = monitor(*sensor, "--", "/nowhere/program")
    assert done.code == 4
    assert "cannot be started" in done.err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_terminal_that_is_gone_does_not_change_the_exit_code(sensor, tmp_path):
    out = tmp_path / "energy.json"
    program = [sys.executable, "-c", "import time; time.sleep(.2); raise SystemExit(5)"]
    with Path("/dev/full").open("w") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "edgeprofiler", "monitor", *sensor, "--json", out,
             "--", *program],
            stderr=nobody, check=False,
        )  # fmt: skip
    assert done.returncode == 5
    assert json.loads(out.read_text())["exit_code"] == 5
