"""`check` ends with 1 only for an exceeded budget."""

import json
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest


@pytest.fixture
def budget(tmp_path: Path) -> Path:
    path = tmp_path / "budget.toml"
    path.write_text(
        'model = "zoo:resnet18"\ndevice = "jetson-orin-nano"\n[limits]\nenergy_mj = 1000\n'
    )
    return path


def test_a_budget_that_holds_is_0_and_writes_what_was_asked(cli, budget: Path) -> None:
    folder = budget.parent
    ran = cli(
        "check", "--budget", budget, "--junit", folder / "j.xml", "--markdown", folder / "m.md",
        "--save", folder / "base.json", "--json", folder / "c.json",
    )  # fmt: skip
    assert ran.code == 0
    assert "held" in ran.out
    assert ET.parse(folder / "j.xml").getroot().attrib["failures"] == "0"
    assert "| energy, at most | 1000 mJ |" in (folder / "m.md").read_text()
    assert json.loads((folder / "c.json").read_text())["passed"]
    again = cli("check", "--budget", budget, "--baseline", folder / "base.json")
    assert again.code == 0
    assert "No layer's cost changed" in " ".join(again.out.split())


def test_an_exceeded_budget_is_1(cli, budget: Path) -> None:
    budget.write_text("[limits]\nenergy_mj = 0.1\n")
    ran = cli("check", "zoo:resnet18", "-d", "jetson-orin-nano", "--budget", budget)
    assert ran.code == 1
    assert "exceeded" in ran.out


def test_a_budget_inside_the_interval_is_0_and_1_where_all_of_it_must_keep_the_limit(
    cli, budget: Path
) -> None:
    asked = ("check", "--budget", budget, "--json", "-")
    limit = json.loads(cli(*asked).out)["findings"][0]["value"]
    budget.write_text(budget.read_text().replace("1000", str(limit)))
    ran = cli(*asked)
    assert ran.code == 0
    assert json.loads(ran.out)["verdict"] == "undecided"
    assert "pass" not in ran.err
    assert "undecided" in ran.err
    assert cli(*asked, "--sure").code == 1
    assert cli(*asked, "--strict").code == 0
    refused = cli(*asked, "--strict", "--sure")
    assert refused.code == 2
    assert "give --strict or --sure, not both" in refused.err


def test_mistakes_are_never_1(cli, budget: Path, tmp_path: Path) -> None:
    assert cli("check", "--budget", tmp_path / "none.toml").code == 3
    assert cli("check", "missing.onnx", "--budget", budget).code == 3
    budget.write_text("[limits]\nenergy_mj = 1\n")
    assert cli("check", "--budget", budget).code == 2  # neither says a model
    budget.write_text("[change]\nenergy_percent = 1\n")
    assert cli("check", "zoo:lenet", "--budget", budget).code == 3


def test_a_baseline_of_another_board_is_refused(cli, budget: Path) -> None:
    other = budget.parent / "other.json"
    cli("predict", "zoo:resnet18", "-d", "jetson-nano", "--json", other)
    ran = cli("check", "--budget", budget, "--baseline", other)
    assert ran.code == 3
    assert "its device is jetson-nano" in ran.err
