"""Clocks of a board, wherever a user names a device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

HEAD = "device,mode,software,network,model,batch,input,precision,runtime_ms\n"
SETTING = "15w,gpu=510MHz"


def test_a_prediction_says_its_clocks(cli) -> None:
    ran = cli("predict", "zoo:lenet", "-d", "jetson-agx-orin@gpu=612MHz,emc=2133MHz,cpu=1.2GHz,"
              "cores=4", "--json", "-")  # fmt: skip
    assert ran.code == 0
    device = json.loads(ran.out)["device"]
    assert device["mode"] == "maxn,gpu=612MHz,emc=2133MHz,cpu=1200MHz,cores=4"
    assert device["clocks"] == {
        "gpu_hz": 612e6, "emc_hz": 2133e6, "cpu_hz": 1.2e9, "cpu_cores": 4, "sms": 16,
    }  # fmt: skip
    shown = cli("predict", "zoo:lenet", "-d", "jetson-agx-orin@30w,gpu=510MHz", "-q")
    assert "jetson-agx-orin@30w,gpu=510MHz" in shown.out


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("jetson-agx-orin@gpu=9GHz", "it takes 114.75MHz to 1300.5MHz"),
        ("jetson-agx-orin@gpu=612", "has no unit"),
        ("rtx-4090", "any other GPU is `generic`"),
    ],
)
def test_a_device_that_cannot_be_is_one_line_of_usage(cli, device: str, words: str) -> None:
    ran = cli("predict", "zoo:lenet", "-d", device)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)
    assert words in ran.err


def test_a_budget_may_be_of_clocks(cli, tmp_path: Path) -> None:
    budget = tmp_path / "budget.toml"
    budget.write_text(f'device = "jetson-orin-nano@{SETTING}"\n[limits]\nlatency_ms = 99\n')
    ran = cli("check", "zoo:lenet", "--budget", budget, "--json", "-")
    assert ran.code == 0, ran.err
    assert json.loads(ran.out)["device"]["mode"] == SETTING


def test_a_board_is_calibrated_at_clocks_of_its_own(cli, tmp_path: Path) -> None:
    names = ("resnet18", "resnet50", "vgg16", "squeezenet1_1", "mnasnet1_0")
    rows = [
        f'jetson-orin-nano,"{mode}",TensorRT,{name},zoo:{name},1,224x224,fp16,{ms}'
        for name, ms in zip(names, (3.1, 7.4, 20.0, 1.5, 3.5), strict=True)
        for mode in (SETTING, "25w")
    ]
    measured, board = tmp_path / "measured.csv", tmp_path / "mine.toml"
    measured.write_text(HEAD + "\n".join(rows) + "\n")
    ran = cli("calibrate", "-d", f"jetson-orin-nano@{SETTING}", "-m", measured, "-o", board)
    assert ran.code == 0, ran.err
    assert "5 rows of other boards or power modes" in ran.err
    ran = cli("predict", "zoo:resnet34", "-d", board, "--json", "-")
    found = json.loads(ran.out)["device"]
    assert found["mode"] == SETTING
    assert found["provenance"].startswith("calibrated on 5 rows")
    other = cli("predict", "zoo:resnet34", "-d", f"{board}@7w", "--json", "-")
    assert any(f"in mode {SETTING}, asked" in w for w in json.loads(other.out)["warnings"])


def test_clocks_are_swept_and_the_best_are_marked(cli, tmp_path: Path) -> None:
    csv = tmp_path / "sweep.csv"
    ran = cli("sweep", "zoo:resnet18", "-d", "jetson-agx-orin", "--clocks", "gpu=306:1300:100MHz",
              "--clocks", "emc=2133/3199MHz", "--rows", "30", "--csv", csv)  # fmt: skip
    assert ran.code == 0, ran.err
    assert "20 combinations" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80
    assert len(csv.read_text().splitlines()) == 21
    ran = cli("sweep", "zoo:resnet18", "-d", "jetson-orin-nano", "--clocks", "gpu=306:1300:100MHz")
    assert ran.code == 2
    assert "it takes 306MHz to 1020MHz" in ran.err
