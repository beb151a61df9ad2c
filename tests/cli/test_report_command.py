"""`edgeprofiler report`."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from profiles_to_show import network
from typer.testing import CliRunner

pytest.importorskip("jinja2")

from edgeprofiler.cli.commands import report
from edgeprofiler.core.errors import CannotWrite, InvalidInput, UsageError
from edgeprofiler.core.profile.document import to_json
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator.simulate import simulate
from edgeprofiler.prediction.predict import predict


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "a.json"
    path.write_text(to_json(predict("zoo:resnet18", "jetson-nano")))
    return path


def run(*words: object) -> tuple[str, str]:
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(report.report)
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, ["report", *map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


def test_a_report_is_written_where_the_user_stands(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    out, said = run(saved)
    assert out == ""
    assert "wrote report.html" in said
    assert (tmp_path / "report.html").read_text().startswith("<!DOCTYPE html>")


def test_only_the_forms_that_are_asked_for_are_written(saved: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run(saved, "--png", tmp_path / "a.png", "--svg", tmp_path / "a.svg", "--md", tmp_path / "a.md")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.json", "a.md", "a.png", "a.svg"]


def test_markdown_goes_alone_to_standard_output(saved: Path) -> None:
    out, said = run(saved, "--md", "-")
    assert out.startswith("## `resnet18`")
    assert said == ""


def test_a_model_is_reported_on_every_device_that_is_named() -> None:
    out, _ = run("zoo:resnet18", "-d", "jetson-nano", "-d", "jetson-tx2", "--md", "-")
    assert "B against A" in out
    assert "jetson-tx2@" in out


def test_a_saved_profile_beside_a_model(saved: Path) -> None:
    out, _ = run(saved, "zoo:resnet18", "-d", "jetson-nano", "-d", "jetson-tx2", "--md", "-")
    assert out.count("against A") == 2


def test_a_recording_shows_power_over_time(tmp_path: Path) -> None:
    recording, _ = simulate(network(["a", "b"]), runs=2000)
    folder = tmp_path / "recording"
    save_recording(recording, folder)
    path = tmp_path / "m.json"
    path.write_text(to_json(attribute(recording)))
    run(path, "--recording", folder, "-o", tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text()
    assert "Power over time" in text
    assert "SIMULATED" in text


def test_a_recording_is_a_report_in_one_call_without_a_word_of_devices(tmp_path: Path) -> None:
    recording, _ = simulate(network(["a", "b"]), runs=2000)
    save_recording(recording, tmp_path / "recording")
    out, said = run(tmp_path / "recording", "--md", "-")
    assert "measured" in out
    assert "device:" not in said


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("nope.onnx",), InvalidInput),
        (("zoo:resnet18", "--png", "a.jpg"), UsageError),
        (("zoo:resnet18", "--png", "a.png", "--plot", "pie"), UsageError),
        (("zoo:resnet18", "zoo:resnet18", "--png", "a.png"), UsageError),
        (("zoo:resnet18", "-o", "/nowhere/at/all.html"), CannotWrite),
        (("zoo:resnet18", "--recording", "/nowhere"), InvalidInput),
        (("zoo:resnet18", "zoo:resnet18", "--recording", "/nowhere"), UsageError),
    ],
)
def test_mistakes_are_said(words: tuple[str, ...], error: type[Exception]) -> None:
    with pytest.raises(error):
        run(*words)


def test_a_saved_profile_takes_no_options_of_a_model(saved: Path) -> None:
    with pytest.raises(UsageError, match="belong to a model"):
        run(saved, "--precision", "int8")
