"""Whoever asks a command to end gets what was done so far, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest
from waiting import PATIENCE_S, ended, until

from edgeprofiler.cli.interruption import ending_interrupts
from edgeprofiler.core.interrupts import ENDING
from edgeprofiler.measurement.recording import is_recording, load_recording
from edgeprofiler.measurement.recording.chunks import read_chunks
from edgeprofiler.testing import write_ina3221_tree

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs POSIX's signals")

WORKER = """
import signal, sys, time
from pathlib import Path
came = []
def take(number, frame):
    came.append(number)
    with Path(sys.argv[1], "came").open("a") as told:
        told.write(f"{number}\\n")
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    if signal.getsignal(number) != signal.SIG_IGN:
        signal.signal(number, take)
Path(sys.argv[1], "ready").touch()
while not came and not Path(sys.argv[1], "finish").exists():
    time.sleep(.02)
if came:
    time.sleep(2)  # cleans up, which a second signal would break off
raise SystemExit(7)
"""
"""A program that notes each signal it gets, cleans up after the first, and exits with 7."""


class Started:
    """A command in a process group of its own, with a place of its own for temporary files."""

    def __init__(self, folder, *arguments, ignored=()):
        self.temporary = folder / "temporary"
        self.temporary.mkdir()

        def handlers():
            # a test runner in the background ignores Ctrl-C, and its children would inherit that
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in ENDING:
                signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "edgeprofiler", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, "TMPDIR": str(self.temporary)},
            preexec_fn=handlers, start_new_session=True,
        )  # fmt: skip

    def kill(self, number):
        """Signal the command alone."""
        os.kill(self.process.pid, number)

    def kill_group(self, number):
        """Signal the command and its program, as a terminal does."""
        os.killpg(self.process.pid, number)

    def end(self):
        """Wait for its end; return its exit code, output and messages."""
        out, err = self.process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err
        assert "Exception ignored" not in err
        assert list(self.temporary.glob("edgeprofiler*")) == []
        return self.process.returncode, out, err


@pytest.fixture
def start(tmp_path):
    started = []

    def run(*arguments, **more):
        started.append(Started(tmp_path, *arguments, **more))
        return started[-1]

    yield run
    for command in started:
        if command.process.poll() is None:
            os.killpg(command.process.pid, signal.SIGKILL)
        command.process.communicate()


@pytest.fixture
def sensor(tmp_path):
    write_ina3221_tree(tmp_path / "root", {"VDD_IN": (5000, 1100)})
    return ("--sensor", "ina3221", "--sensor-option", f"root={tmp_path / 'root'}")


@pytest.fixture
def monitor(start, tmp_path, sensor):
    """Start the worker under `edgeprofiler monitor` and wait until it is ready."""

    def run(*options, program=(sys.executable, "-c", WORKER), **more):
        started = start("monitor", *sensor, *options, "--", *program, tmp_path, **more)
        until((tmp_path / "ready").exists, "the program's start")
        return started

    return run


@pytest.fixture
def came(tmp_path):
    """Return the signals that the worker has got."""
    return lambda: [int(line) for line in (tmp_path / "came").read_text().split()]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_a_signal_to_the_monitor_alone_goes_to_its_program_once(monitor, came, number):
    started = monitor("--json", "-")
    started.kill(number)
    code, out, err = started.end()
    document = json.loads(out)
    assert code == document["exit_code"] == 7
    assert document["mean_w"] == pytest.approx(5.5)
    assert "energy" in err
    assert came() == [number]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, *ENDING])
def test_a_program_that_got_the_terminal_s_signal_gets_no_second_one(monitor, came, number):
    started = monitor()
    started.kill_group(number)
    code, _, err = started.end()
    assert code == 7
    assert "energy" in err
    assert came() == [number]


@pytest.mark.slow
def test_timeout_signals_the_command_and_its_group_but_the_program_gets_one(monitor, came):
    started = monitor()
    started.kill(signal.SIGTERM)
    started.kill_group(signal.SIGTERM)
    assert started.end()[0] == 7
    assert came() == [signal.SIGTERM]


@pytest.mark.slow
def test_after_one_for_the_group_a_signal_to_the_monitor_alone_still_goes_on(
    monitor, came, tmp_path
):
    patient = WORKER.replace("while not came", "while len(came) < 2")
    started = monitor(program=(sys.executable, "-c", patient))
    started.kill_group(signal.SIGINT)
    until((tmp_path / "came").exists, "the first signal")
    started.kill(signal.SIGTERM)
    assert started.end()[0] == 7
    assert came() == [signal.SIGINT, signal.SIGTERM]


@pytest.mark.slow
def test_a_program_in_a_group_of_its_own_gets_the_terminal_s_signal_from_the_monitor(monitor, came):
    apart = "import os; os.setpgid(0, 0)\n" + WORKER
    started = monitor(program=(sys.executable, "-c", apart))
    started.kill_group(signal.SIGINT)
    assert started.end()[0] == 7
    assert came() == [signal.SIGINT]


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
def test_a_program_that_dies_of_the_signal_gives_the_monitor_its_exit_code(
    monitor, tmp_path, number
):
    sleeper = (
        "import os, sys, time, pathlib\n"
        "place = pathlib.Path(sys.argv[1])\n"
        "(place / 'pid').write_text(str(os.getpid()))\n"
        "(place / 'ready').touch()\n"
        "time.sleep(10_000)"
    )
    started = monitor(program=(sys.executable, "-c", sleeper))
    started.kill(number)
    code, _, err = started.end()
    assert code == 128 + number
    assert "energy" in err
    assert ended(int((tmp_path / "pid").read_text()))


@pytest.mark.slow
def test_what_nohup_ignores_stays_ignored_by_monitor_and_program(monitor, tmp_path):
    started = monitor(ignored=[signal.SIGHUP])
    started.kill(signal.SIGHUP)
    started.kill_group(signal.SIGHUP)
    (tmp_path / "finish").touch()
    assert started.end()[0] == 7
    assert not (tmp_path / "came").exists()


@pytest.fixture
def endless(start, tmp_path):
    """Start to record endlessly, and wait until runs come to the disk."""
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    helper, proto = onnx.helper, onnx.TensorProto
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"], name="relu")],
        "tiny",
        [helper.make_tensor_value_info("x", proto.FLOAT, [1, 4, 16, 16])],
        [helper.make_tensor_value_info("y", proto.FLOAT, [1, 4, 16, 16])],
    )
    opset = helper.make_opsetid("", 17)
    path = tmp_path / "tiny.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)

    def run(*options, **more):
        started = start(
            "collect", path, "--runner", "onnxruntime", "--runs", "10000000", "--idle", "0.1",
            "--warmup", "2", "-o", tmp_path / "out", *options, **more,
        )  # fmt: skip
        until(lambda: blocks() > 1, "writing runs")
        return started

    def blocks():
        files = list((tmp_path / "out").rglob("runs-001.bin"))
        return len(read_chunks(files[0])[0]) if files else 0

    run.blocks = blocks
    return run


@pytest.mark.slow
@pytest.mark.parametrize("number", ENDING)
@pytest.mark.parametrize("more", [(), ("--isolate",)])
def test_collect_ends_on_request_as_on_ctrl_c(endless, sensor, tmp_path, number, more):
    started = endless(*sensor, *more)
    started.kill(number)
    code, _, err = started.end()
    assert code == 130
    assert "--resume goes on" in err
    (folder,) = (f for f in (tmp_path / "out").rglob("*") if f.is_dir() and is_recording(f))
    recording = load_recording(folder)
    assert "interrupted before its end" in recording.warnings
    assert recording.timeline.runs > 0
    assert not recording.complete


@pytest.mark.slow
def test_collect_under_nohup_outlives_its_terminal(endless):
    started = endless("--sensor", "none", ignored=[signal.SIGHUP])
    started.kill_group(signal.SIGHUP)
    there = endless.blocks()
    until(lambda: endless.blocks() > there + 1, "going on")
    started.kill(signal.SIGTERM)
    assert started.end()[0] == 130


@pytest.fixture
def usual():
    """Have the signals' handlers as a process has them at its start."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ENDING}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", ENDING)
def test_in_the_block_a_signal_is_an_interrupt_and_afterwards_what_it_was(usual, number):
    with pytest.raises(KeyboardInterrupt), ending_interrupts():
        signal.raise_signal(number)
    assert signal.getsignal(number) == signal.SIG_DFL


def test_a_signal_that_comes_twice_does_not_interrupt_the_cleaning_up(usual):
    cleaned = []
    with ending_interrupts():
        try:
            signal.raise_signal(signal.SIGTERM)
        except KeyboardInterrupt:
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGHUP)
            cleaned.append(True)
    assert cleaned


def test_handlers_of_someone_s_own_and_ignored_signals_are_left_alone(usual):
    heard = []
    signal.signal(signal.SIGTERM, lambda number, _frame: heard.append(number))
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with ending_interrupts():
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGHUP)
    assert heard == [signal.SIGTERM]


def test_away_from_the_main_thread_no_signal_is_touched(usual):
    seen = []

    def look():
        with ending_interrupts():
            seen.extend(signal.getsignal(number) for number in ENDING)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.SIG_DFL] * len(ENDING)
