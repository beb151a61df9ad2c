"""What is set once holds for every call that says nothing else."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgeprofiler.cli.completion import devices, models


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a project, and a home, without settings."""
    (tmp_path / "home").mkdir()
    folder = tmp_path / "project" / "inner"
    folder.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "home"))
    monkeypatch.delenv("EDGEPROFILER_DEVICE", raising=False)
    monkeypatch.chdir(folder)
    return tmp_path


def _project(here: Path, text: str) -> None:
    (here / "project" / "pyproject.toml").write_text(text)


def _user(here: Path, text: str) -> None:
    (here / "home" / "edgeprofiler").mkdir()
    (here / "home" / "edgeprofiler" / "config.toml").write_text(text)


def _device(cli: Callable[..., Any], *words: object) -> tuple[str, str]:
    ran = cli("predict", "zoo:lenet", "--json", "-", *words)
    assert ran.code == 0, ran.err
    device = json.loads(ran.out)["device"]
    return f"{device['name']}@{device['mode']}", ran.err


def test_an_option_counts_before_the_variable_that_before_the_project_that_before_the_user(
    cli: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "device: jetson-orin-nano (name another" in _device(cli)[1]
    _user(here, 'device = "jetson-tx2"\nrate = "30/s"\n')
    device, said = _device(cli)
    assert device.startswith("jetson-tx2@")
    assert "config.toml; or name one with --device" in said
    _project(here, '[tool.edgeprofiler]\ndevice = "jetson-nano@5w"\n')
    assert _device(cli)[0] == "jetson-nano@5w"
    monkeypatch.setenv("EDGEPROFILER_DEVICE", "jetson-orin-nx@15w")
    device, said = _device(cli)
    assert device == "jetson-orin-nx@15w"
    assert "device: jetson-orin-nx@15w (EDGEPROFILER_DEVICE; or name" in said
    assert _device(cli, "-d", "jetson-nano@maxn")[0] == "jetson-nano@maxn"
    totals = json.loads(cli("predict", "zoo:lenet", "--json", "-").out)["totals"]
    assert totals["at_rate"]["rate_hz"] == 30


def test_a_budget_and_a_saved_profile_count_before_what_is_set(
    cli: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = here / "budget.toml"
    budget.write_text('model = "zoo:lenet"\ndevice = "jetson-nano"\n[limits]\nenergy_mj = 99\n')
    cli("check", "--budget", budget, "--save", here / "saved.json")
    monkeypatch.setenv("EDGEPROFILER_DEVICE", "jetson-orin-nx")
    ran = cli("check", "--budget", budget, "--json", "-")
    assert json.loads(ran.out)["device"]["name"] == "jetson-nano"
    assert cli("impact", here / "saved.json").code == 0
    assert cli("check", here / "saved.json", "--budget", budget).code == 0
    budget.write_text('model = "zoo:lenet"\n[limits]\nenergy_mj = 99\n')
    ran = cli("check", "--budget", budget, "--json", "-")
    assert json.loads(ran.out)["device"]["name"] == "jetson-orin-nx"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[tool.edgeprofiler]\nbatch = 4\n", "unknown key 'batch'"),
        ('[tool.edgeprofiler]\nrate = "often"\n', "rate: 'often' is no rate"),
        ("[tool.edgeprofiler\n", "pyproject.toml"),
    ],
)
def test_a_setting_that_is_none_is_one_clear_line(
    cli: Callable[..., Any], here: Path, text: str, words: str
) -> None:
    _project(here, text)
    ran = cli("predict", "zoo:lenet")
    assert ran.code == 3
    assert words in ran.err
    assert len(ran.err.splitlines()) == 1


def test_what_others_write_in_a_project_s_file_is_not_judged(
    cli: Callable[..., Any], here: Path
) -> None:
    _project(here, "[tool.others\n")
    assert _device(cli)[0].startswith("jetson-orin-nano@")


def test_a_shell_offers_boards_their_modes_and_networks(here: Path) -> None:
    (here / "project" / "inner" / "mine.onnx").touch()
    assert "jetson-orin-nx" in devices("jetson-o")
    assert devices("jetson-orin-nano@2") == ["jetson-orin-nano@25w"]
    assert devices("nothing@") == []
    assert "zoo:resnet18" in models("zoo:resnet")
    assert models("m") == ["mine.onnx"]


@pytest.mark.parametrize(
    "words",
    [
        ("predict", "zoo:lenet", "--json", "x.csv"),
        ("predict", "zoo:lenet", "--csv", "x.xlsx"),
        ("sweep", "zoo:lenet", "--parquet", "x.csv"),
        ("check", "zoo:lenet", "--junit", "x.json"),
        ("check", "zoo:lenet", "--markdown", "x.html"),
        ("report", "zoo:lenet", "-o", "x.docx"),
        ("report", "zoo:lenet", "-o", "x.md"),
        ("report", "zoo:lenet", "--md", "x.html"),
    ],
)
def test_an_ending_that_says_something_else_is_refused_before_the_work(
    cli: Callable[..., Any], here: Path, words: tuple[str, ...]
) -> None:
    ran = cli(*words)
    assert ran.code == 2
    assert words[-1] in ran.err
    assert not (here / "project" / "inner" / words[-1]).exists()


@pytest.mark.skipif(sys.platform == "win32", reason="a folder that is stood in stays there")
def test_a_folder_that_was_removed_is_told_in_one_line(
    cli: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = here / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = cli("predict", "zoo:lenet")
    assert ran.code == 3
    assert ran.err == "error: this folder: was removed; change to one that is there\n"


def test_a_user_without_a_home_has_no_settings(
    cli: Callable[..., Any], here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.delenv("APPDATA")
    monkeypatch.setattr(Path, "home", homeless)
    assert cli("predict", "zoo:lenet").code == 0
