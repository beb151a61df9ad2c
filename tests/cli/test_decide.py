"""`sweep`, `advise` and `impact` from the command line."""

import json
from pathlib import Path

import pytest
from paths import EXAMPLES


def test_a_sweep_prints_the_front_first_and_writes_rows(cli, tmp_path: Path) -> None:
    ran = cli(
        "sweep", "zoo:lenet", "--batch", "1,2,4", "--precision", "fp16,int8", "-d", "jetson-nano",
        "--csv", tmp_path / "s.csv", "--rows", "3",
    )  # fmt: skip
    assert ran.code == 0
    assert "6 combinations" in ran.out
    assert len((tmp_path / "s.csv").read_text().splitlines()) == 7
    assert max(map(len, ran.out.splitlines())) <= 80


def test_sweeps_that_make_no_sense(cli) -> None:
    assert cli("sweep", "zoo:lenet", "--batch", "").code == 2
    assert cli("sweep", "zoo:lenet", "--precision", "fp4").code == 2
    huge = cli("sweep", "zoo:vgg16", "--batch", "1:5000", "--resolution", "32:2000:1")
    assert huge.code == 2
    assert "at most 200,000" in huge.err


def test_advice_meets_a_budget_and_writes_a_mask(cli, tmp_path: Path) -> None:
    ran = cli(
        "advise", "zoo:resnet18", "-d", "jetson-orin-nano", "--budget-percent", "60",
        "--only", "prune", "--mask", tmp_path / "mask.json", "--json", tmp_path / "a.json",
    )  # fmt: skip
    assert ran.code == 0
    assert "Accuracy is not predicted" in " ".join(ran.out.split())
    assert json.loads((tmp_path / "mask.json").read_text())["masks"]
    assert json.loads((tmp_path / "a.json").read_text())["plan"]["reached"]


def test_a_mask_of_a_plan_that_prunes_nothing_is_said_to_be_empty(cli, tmp_path: Path) -> None:
    ran = cli(
        "advise", "zoo:resnet18", "-d", "jetson-orin-nano", "--budget-percent", "95",
        "--only", "precision", "--mask", tmp_path / "mask.json",
    )  # fmt: skip
    assert ran.code == 0
    assert "the mask is empty" in ran.err
    assert json.loads((tmp_path / "mask.json").read_text())["masks"] == {}


def test_advice_without_a_budget_is_a_ranking(cli) -> None:
    ran = cli("advise", "zoo:lenet", "-d", "jetson-nano")
    assert ran.code == 0
    assert "Single changes" in ran.out


def test_advice_that_cannot_be(cli) -> None:
    unreachable = cli("advise", "zoo:lenet", "-d", "jetson-nano", "--budget-mj", "1e-6")
    assert unreachable.code == 5
    assert "cannot be reached" in unreachable.err
    assert cli("advise", "zoo:lenet", "--budget-mj", "-1").code == 2
    assert cli("advise", "zoo:lenet", "--only", "magic").code == 2
    assert cli("advise", "zoo:lenet", "--budget-mj", "1", "--budget-percent", "1").code == 2
    assert cli("advise", "zoo:resnet18", "--layer", "nothing").code == 2


def test_impact_of_a_model_and_of_a_saved_profile_agree(cli, tmp_path: Path) -> None:
    saved = tmp_path / "p.json"
    cli("predict", "zoo:resnet18", "-d", "jetson-orin-nano", "--json", saved)
    use = ("--battery", "50Wh", "--duty", "12h/day", "--fleet", "10000", "--intensity", "220 g/kWh")
    model = cli("impact", "zoo:resnet18", "-d", "jetson-orin-nano", *use, "--json", "-")
    file = cli("impact", saved, *use, "--json", "-")
    assert json.loads(model.out) == json.loads(file.out)
    printed = cli("impact", saved, *use)
    assert "Assumes" in printed.out
    assert max(map(len, printed.out.splitlines())) <= 80


def test_a_saved_profile_cannot_change_its_device(cli, tmp_path: Path) -> None:
    saved = tmp_path / "p.json"
    cli("predict", "zoo:lenet", "-d", "jetson-nano", "--json", saved)
    assert cli("impact", saved, "--device", "jetson-tx2").code == 2


@pytest.mark.parametrize(
    "command", [["impact"], ["advise"], ["sweep"], ["compare", "--batch", "1", "--batch", "2"]]
)
def test_a_file_s_name_is_text_and_no_markup(cli, tmp_path: Path, command: list[str]) -> None:
    folder = tmp_path / "d["
    folder.mkdir()
    for path in (folder / "x].onnx", tmp_path / "net[red].onnx"):
        path.write_bytes((EXAMPLES / "tiny_cnn.onnx").read_bytes())
    ran = cli(command[0], f"{tmp_path}/d[/x].onnx", *command[1:], "-d", "jetson-nano")
    assert ran.code == 0
    ran = cli(command[0], tmp_path / "net[red].onnx", *command[1:], "-d", "jetson-nano")
    assert "net[red]" in "".join(ran.out.split())


@pytest.mark.parametrize(
    "command",
    [
        ["predict", "zoo:lenet"],
        ["sweep", "zoo:lenet"],
        ["advise", "zoo:lenet"],
        ["impact", "zoo:lenet"],
        ["compare", "zoo:lenet", "zoo:alexnet"],
        ["inspect", "zoo:lenet"],
        ["check", "zoo:lenet", "--budget", str(EXAMPLES / "budget.toml")],
    ],
)
def test_json_stands_alone_on_standard_output_and_tables_on_the_other(
    cli, command: list[str]
) -> None:
    ran = cli(*command, "--json", "-")
    assert ran.code == 0
    assert json.loads(ran.out)
    assert len(ran.err.splitlines()) > 3


def test_two_outputs_cannot_share_standard_output(cli) -> None:
    for command in ("predict", "sweep"):
        ran = cli(command, "zoo:lenet", "--json", "-", "--csv", "-")
        assert ran.code == 2
        assert "only one output can be standard output" in ran.err


@pytest.mark.parametrize("command", ["predict", "sweep", "advise", "impact"])
def test_the_default_device_is_said(cli, command: str) -> None:
    assert "device: jetson-orin-nano" in cli(command, "zoo:lenet").err


def test_an_engine_is_swept_over_devices_alone(cli, shared: Path) -> None:
    engine = shared / "inputs/engine_info/orin-nano_resnet18_fp16_torch-trt.json"
    ran = cli("sweep", engine, "-d", "jetson-orin-nano", "-d", "jetson-nano")
    assert ran.code == 0
    assert "2 combinations" in ran.out
    assert cli("sweep", engine, "--batch", "4").code == 5
    assert cli("sweep", engine, "--precision", "int8").code == 5
    some = cli("sweep", engine, "--precision", "fp16,int8")
    assert some.code == 0
    assert "left out: " in some.err
    assert "precision of a built engine is fixed" in some.err
