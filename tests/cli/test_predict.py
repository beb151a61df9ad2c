"""`predict` prints a table, and writes files that read back."""

import csv
import json
from pathlib import Path

import pytest

from edgeprofiler.core.profile.document import read_profile


def test_the_table_fits_80_columns_and_names_the_totals(cli) -> None:
    ran = cli("predict", "zoo:resnet18", "--device", "jetson-orin-nano")
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80
    for word in ("GPU time", "end to end", "above idle", "energy", "host gap", "conv", "bound"):
        assert word in ran.out


def test_the_default_device_is_said_on_standard_error(cli) -> None:
    ran = cli("predict", "zoo:lenet", "--quiet")
    assert "jetson-orin-nano" in ran.err
    assert "device:" not in ran.out


def test_json_alone_goes_to_standard_output(cli) -> None:
    ran = cli("predict", "zoo:lenet", "--device", "jetson-nano", "--json", "-")
    document = json.loads(ran.out)
    assert document["schema"] == "edgeprofiler.profile/2"
    assert "GPU time" in ran.err


def test_csv_alone_goes_to_standard_output(cli) -> None:
    ran = cli("predict", "zoo:lenet", "--device", "jetson-nano", "--csv", "-")
    rows = list(csv.DictReader(ran.out.splitlines()))
    assert rows[0]["layer_name"]
    assert list(rows[0])[:4] == [
        "layer_name", "layer_type", "power_prediction", "runtime_prediction",
    ]  # fmt: skip


def test_files_are_written_and_read_back(cli, tmp_path: Path) -> None:
    ran = cli(
        "predict", "zoo:mobilenet_v2", "--device", "jetson-orin-nano",
        "--csv", tmp_path / "out.csv", "--json", tmp_path / "out.json",
    )  # fmt: skip
    assert ran.code == 0
    profile = read_profile(tmp_path / "out.json")
    rows = list(csv.DictReader((tmp_path / "out.csv").open()))
    assert len(rows) == len(profile)
    for row, cost in zip(rows, profile, strict=True):
        assert float(row["runtime_prediction"]) == pytest.approx(1e3 * cost.runtime_s.value)
        above = cost.power_w.value - profile.idle_power_w
        if cost.layer.op != "noop":
            assert float(row["power_prediction"]) == pytest.approx(above)


def test_a_batch_and_a_shape_change_the_network(cli) -> None:
    ran = cli("predict", "zoo:resnet18", "-b", "4", "--shape", "input=4x3x160x160", "--json", "-")
    document = json.loads(ran.out)
    assert document["network"]["batch"] == 4
    assert document["layers"][1]["output_shapes"][0] == [4, 64, 80, 80]


@pytest.mark.shared
def test_every_real_engine_is_predicted_whole(cli, shared: Path) -> None:
    files = sorted((shared / "inputs/engine_info").glob("*.json"))
    assert len(files) == 15
    for path in files:
        ran = cli("predict", path, "--device", "jetson-orin-nano", "--json", "-")
        assert ran.code == 0, path
        document = json.loads(ran.out)
        assert document["coverage"]["macs"] == 1.0, path
        assert document["coverage"]["uncovered"] == [], path


@pytest.mark.shared
def test_a_built_engine_refuses_what_is_fixed(cli, shared: Path) -> None:
    engine = shared / "inputs/engine_info/orin-nano_resnet18_fp16_torch-trt.json"
    for option in (["--precision", "int8"], ["--batch", "2"], ["--shape", "1x3x64x64"]):
        ran = cli("predict", engine, *option)
        assert ran.code == 5, option


@pytest.mark.shared
def test_an_engine_of_torch_tensorrt_names_its_host(cli, shared: Path) -> None:
    engine = shared / "inputs/engine_info/orin-nano_mobilenet_v2_fp16_torch-trt.json"
    assert "--runtime torch-tensorrt" in cli("predict", engine, "-q").err
    assert "--runtime" not in cli("predict", engine, "-q", "--runtime", "torch-tensorrt").err
