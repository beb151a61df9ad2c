"""Every command answers for help, and every mistake has its exit code and one line."""

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from edgeprofiler.cli.app import COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_page(cli, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.code == 0
    assert "Usage" in ran.out


def test_the_version_is_printed(cli) -> None:
    assert cli("--version").out.startswith("edgeprofiler 0.")


@pytest.mark.parametrize("words", [[], ["models"], ["dataset"]])
def test_help_where_nothing_is_asked_for(cli, words: list[str]) -> None:
    ran = cli(*words)
    assert ran.code in (0, 2)  # versions of Click differ
    assert "Usage" in ran.out + ran.err


def test_help_without_a_command(cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    assert "predict" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["predict", "missing.onnx"], 3, "missing.onnx: no such file"),
        (["predict", "zoo:resnet19"], 3, "resnet1"),
        (["predict", "zoo:lenet", "--device", "jetson"], 2, "unknown device 'jetson'"),
        (["predict", "zoo:lenet", "--device", "jetson-nano@3w"], 2, "no power mode '3w'"),
        (["predict", "zoo:lenet", "--runtime", "x"], 2, "no host runtime 'x'"),
        (["predict", "zoo:lenet", "--precision", "fp8"], 2, "no precision 'fp8'"),
        (["predict", "zoo:lenet", "--confidence", "1.5"], 2, "between 0 and 1"),
        (["predict", "zoo:lenet", "--shape", "1x3"], 3, ""),
        (["predict", "zoo:lenet", "--shape", "axb"], 2, "is no shape"),
        (["predict", "zoo:lenet", "--json", "/nowhere/out.json"], 7, "/nowhere/out.json"),
        (["predict", "zoo:lenet", "--csv", "/proc/out.csv"], 7, "/proc/out.csv"),
        (["predict", "zoo:lenet", "--front-end", "x"], 2, "no frontend named 'x'"),
        (["predict", "zoo:lenet", "zoo:lenet", "--json", "x"], 2, "take one MODEL"),
        (["predict"], 2, "Missing argument 'MODEL...'; see `edgeprofiler predict --help`"),
        (["predict", "zoo:lenet", "--colour"], 2, "--colour"),
        (
            ["predict", "zoo:lenet", "--batch", "0"],
            2,
            "--batch: 0 is no whole number",
        ),
        (["nothing"], 2, "No such command 'nothing'"),
        (["devices", "nothing"], 2, "see `edgeprofiler devices --help`"),
        (["benchmark", "missing.onnx"], 3, "missing.onnx: no such file"),
    ],
)
def test_a_mistake_is_one_line_and_a_documented_code(
    cli, arguments: list[str], code: int, message: str
) -> None:
    ran = cli(*arguments)
    assert ran.code == code
    assert message in ran.err
    assert "Traceback" not in ran.err + ran.out
    errors = [line for line in ran.err.splitlines() if not line.startswith("device:")]
    assert len(errors) == 1
    assert errors[0].startswith("error: ")


def test_a_file_that_is_no_model_is_said(cli, tmp_path: Path) -> None:
    for name, content in (
        ("a.json", "{}"), ("b.json", "[1, 2]"), ("c.txt", "hello"), ("d.json", "{"),
    ):  # fmt: skip
        path = tmp_path / name
        path.write_text(content)
        ran = cli("predict", path)
        assert ran.code == 3, name
        assert name in ran.err


def test_what_the_system_refuses_is_no_internal_error(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import edgeprofiler.prediction.predict

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "/secret/place")

    monkeypatch.setattr(edgeprofiler.prediction.predict, "predictor_of", refused)
    ran = cli("predict", "zoo:lenet")
    assert ran.code == 3
    assert "error: /secret/place: cannot be used (Permission denied)" in ran.err


def test_an_internal_error_has_no_traceback_unless_asked(
    cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    import edgeprofiler.prediction.predict

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("for the test")

    monkeypatch.setattr(edgeprofiler.prediction.predict, "predictor_of", broken)
    ran = cli("predict", "zoo:lenet")
    assert ran.code == 70
    assert "internal error: ZeroDivisionError: for the test" in ran.err


def test_ctrl_c_is_130(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    import edgeprofiler.prediction.predict

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(edgeprofiler.prediction.predict, "predictor_of", interrupted)
    assert cli("predict", "zoo:lenet").code == 130


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_standard_output_is_7() -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "edgeprofiler", "predict", "zoo:lenet", "--json", "-"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ran.returncode == 7
    assert "No space left" in ran.stderr
