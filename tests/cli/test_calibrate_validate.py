"""`calibrate` and `validate`, as a user meets them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from learning_data import measured as measured_profile

import edgeprofiler

HEAD = "device,mode,software,network,model,batch,input,precision,runtime_ms,power_above_idle_w\n"
ROWS = [
    'jetson-orin-nano,15w,"JetPack 6.0, TensorRT",ResNet18,zoo:resnet18,1,224x224,fp16,2.6,4.5',
    'jetson-orin-nano,15w,"JetPack 6.0, TensorRT",ResNet50,zoo:resnet50,1,224x224,fp16,6.3,5.6',
    'jetson-orin-nano,15w,"JetPack 6.0, TensorRT",VGG16,zoo:vgg16,1,224x224,fp16,17.0,7.9',
    'jetson-orin-nano,15w,"JetPack 6.0, TensorRT",Squeeze,zoo:squeezenet1_1,1,224x224,fp16,1.3,3',
    'jetson-orin-nano,15w,"JetPack 6.0, TensorRT",MNASNet,zoo:mnasnet1_0,1,224x224,fp16,3.0,3',
]


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    path = tmp_path / "measured.csv"
    path.write_text(HEAD + "\n".join(ROWS) + "\n", encoding="utf-8")
    return path


def test_calibrate_writes_a_device_that_predict_takes(cli, measured: Path, tmp_path: Path) -> None:
    board = tmp_path / "mine.toml"
    ran = cli("calibrate", "-d", "jetson-orin-nano", "-m", measured, "-o", board)
    assert ran.code == 0
    assert "left out" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    ran = cli("predict", "zoo:resnet34", "-d", board, "--json", "-")
    assert ran.code == 0
    assert json.loads(ran.out)["device"]["provenance"].startswith("calibrated on 5 rows")


def test_a_named_board_is_calibrated_again_on_rows_of_the_board_that_it_is(
    cli, measured: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first.toml", tmp_path / "second.toml"
    other = ROWS[0].replace("jetson-orin-nano,15w", "jetson-agx-orin,50w")
    measured.write_text(HEAD + "\n".join([*ROWS, other]) + "\n", encoding="utf-8")
    assert cli("calibrate", "-m", measured, "-o", first, "--name", "Lab-1").code == 0
    ran = cli("calibrate", "-d", first, "-m", measured, "-o", second, "--json", "-")
    assert ran.code == 0
    assert json.loads(ran.out)["name"] == "Lab-1"
    ran = cli("validate", "-d", second, "-m", measured, "--json", "-")
    assert {row["device"] for row in json.loads(ran.out)["rows"]} == {"jetson-orin-nano"}


def test_calibrate_prints_what_it_fitted_as_json(cli, measured: Path, tmp_path: Path) -> None:
    ran = cli("calibrate", "-d", "jetson-orin-nano", "-m", measured, "-o", tmp_path / "m.toml",
              "--json", "-")  # fmt: skip
    table = json.loads(ran.out)
    assert table["calibrations"][0]["rows"] == 5
    assert "active_power_w" in table["calibrations"][0]["parameters"]


def test_calibrate_names_what_to_measure_next(cli, measured: Path, tmp_path: Path) -> None:
    ran = cli("calibrate", "-d", "jetson-orin-nano", "-m", measured, "-o", tmp_path / "m.toml",
              "--suggest", 3, "--json", "-")  # fmt: skip
    (found,) = json.loads(ran.out)["to_measure"]
    assert [len(found["chosen"]), found["runtime"]] == [3, "trtexec"]
    assert "to measure next with trtexec" in ran.err
    assert "stays" in ran.err


def test_calibrate_refuses_two_rows(cli, measured: Path, tmp_path: Path) -> None:
    measured.write_text(HEAD + "\n".join(ROWS[:2]) + "\n", encoding="utf-8")
    ran = cli("calibrate", "-d", "jetson-orin-nano", "-m", measured, "-o", tmp_path / "m.toml")
    assert ran.code == 6
    assert not (tmp_path / "m.toml").exists()


def test_calibrate_refuses_rows_of_another_board(cli, measured: Path, tmp_path: Path) -> None:
    ran = cli("calibrate", "-d", "jetson-tx2", "-m", measured, "-o", tmp_path / "m.toml")
    assert ran.code == 3
    assert "none is of jetson-tx2" in ran.err


def test_calibrate_cannot_write_into_a_missing_folder(cli, measured: Path, tmp_path: Path) -> None:
    ran = cli("calibrate", "-d", "jetson-orin-nano", "-m", measured, "-o", tmp_path / "no" / "m")
    assert ran.code == 7


def test_hosts_are_fitted_apart_and_mixed_software_warns(
    cli, measured: Path, tmp_path: Path
) -> None:
    more = [row.replace("JetPack 6.0, TensorRT", "trtutils") for row in ROWS[:3]]
    other = ROWS[0].replace("JetPack 6.0", "JetPack 6.2").replace("ResNet18", "again")
    measured.write_text(HEAD + "\n".join([*ROWS, other, *more]) + "\n", encoding="utf-8")
    ran = cli("calibrate", "-d", "jetson-orin-nano", "-m", measured, "-o", tmp_path / "m.toml")
    assert ran.code == 0
    assert "2 software stacks are fitted as one" in ran.err
    assert (tmp_path / "m.toml").read_text().count("[[calibrations]]") == 2


def test_validate_as_shipped(cli, measured: Path, tmp_path: Path) -> None:
    ran = cli("validate", "-m", measured, "--csv", tmp_path / "v.csv", "--json", "-")
    assert ran.code == 0
    summary = json.loads(ran.out)["summary"]["runtime"]
    assert summary["kept"]["rows"] == 5
    assert 0 < summary["kept"]["mape"] < 0.6
    assert len((tmp_path / "v.csv").read_text().splitlines()) == 11


def test_validate_leaving_one_out(cli, measured: Path) -> None:
    ran = cli("validate", "-m", measured, "--leave-one-out")
    assert ran.code == 0
    assert "MAPE" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_validate_draws(cli, measured: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    ran = cli("validate", "-m", measured, "-q", "--plot", tmp_path / "v.png")
    assert ran.code == 0
    assert (tmp_path / "v.png").read_bytes().startswith(b"\x89PNG")


def test_rows_set_aside_are_shown_but_do_not_count(cli, measured: Path) -> None:
    lines = [HEAD.strip() + ",set_aside", *[row + "," for row in ROWS[:4]], ROWS[4] + ",odd"]
    measured.write_text("\n".join(lines) + "\n", encoding="utf-8")
    ran = cli("validate", "-m", measured)
    assert "MNASNet 224*" in ran.out
    assert "with rows set aside, 5 rows" in " ".join(ran.out.split())
    assert cli("validate", "-m", measured, "--leave-one-out", "-q").code == 0


@pytest.mark.parametrize(
    ("option", "code"),
    [
        (["--leave-out", "moon"], 2),
        (["--leave-out", "board"], 6),
        (["--device", "no-such-board"], 2),
        (["--confidence", "1.5"], 2),
        (["--plot", "picture.txt"], 2),
    ],
)
def test_wrong_options_of_validate(cli, measured: Path, option: list[str], code: int) -> None:
    ran = cli("validate", "-m", measured, *option)
    assert ran.code == code
    assert "Traceback" not in ran.err


def test_a_model_that_is_missing_is_named_with_its_line(cli, measured: Path) -> None:
    measured.write_text(HEAD + ROWS[0].replace("zoo:resnet18", "no.onnx") + "\n", encoding="utf-8")
    ran = cli("validate", "-m", measured)
    assert ran.code == 3
    assert "no.onnx" in ran.err


@pytest.mark.parametrize("simulated", [0, 1, 2])
def test_validate_says_which_rows_no_board_was_measured_for(
    cli, tmp_path: Path, simulated: int
) -> None:
    """In its output, its table, its document and its picture."""
    for place, name in enumerate(("alexnet", "resnet18")):
        profile = replace(measured_profile(name), simulated=place < simulated)
        edgeprofiler.write_profile(profile, tmp_path / f"{name}.json")
    ran = cli("validate", "-m", tmp_path, "--json", "-", "--csv", tmp_path / "v.csv")
    assert ran.code == 0
    said = f"{simulated} of 2 rows are simulated: no board was measured"
    assert (said in ran.err) == bool(simulated)
    found = json.loads(ran.out)
    assert found["warnings"] == [said] * bool(simulated)
    assert len({row["network"] for row in found["rows"] if row["simulated"]}) == simulated
    assert (tmp_path / "v.csv").read_text().splitlines()[0].endswith(",simulated")
