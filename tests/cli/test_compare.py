"""`compare` shows totals, verdicts and where the difference comes from."""

import json
from pathlib import Path


def test_two_networks_side_by_side(cli) -> None:
    ran = cli("compare", "zoo:resnet18", "zoo:resnet34", "-d", "jetson-orin-nano")
    assert ran.code == 0
    assert "B against A" in ran.out
    assert "more" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_devices_precisions_and_resolutions_multiply(cli) -> None:
    ran = cli(
        "compare", "zoo:mobilenet_v2", "-d", "jetson-nano", "-d", "jetson-orin-nano@25w",
        "--precision", "fp16", "--precision", "fp32", "--resolution", "160", "--json", "-",
    )  # fmt: skip
    assert len(json.loads(ran.out)["profiles"]) == 4


def test_a_saved_profile_equals_the_model_it_came_from(cli, tmp_path: Path) -> None:
    saved = tmp_path / "a.json"
    cli("predict", "zoo:resnet18", "-d", "jetson-orin-nano", "--json", saved)
    ran = cli("compare", saved, "zoo:resnet18", "-d", "jetson-orin-nano", "--json", "-")
    comparison = json.loads(ran.out)["comparisons"][0]
    assert comparison["energy_verdict"] == "same"
    assert {layer["status"] for layer in comparison["layers"]} == {"same"}


def test_one_alone_cannot_be_compared(cli) -> None:
    ran = cli("compare", "zoo:lenet", "-d", "jetson-nano")
    assert ran.code == 2
    assert "compare needs two" in ran.err


def test_resolution_and_shape_contradict(cli) -> None:
    ran = cli("compare", "zoo:lenet", "zoo:lenet", "--resolution", "32", "--shape", "1x1x64x64")
    assert ran.code == 2
    assert "not both" in ran.err
