"""`edgeprofiler benchmark` and `edgeprofiler doctor`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ENGINE = "rtx3060m_resnet18_fp16_trtexec.json"


def test_a_network_is_timed_and_the_json_is_alone_on_standard_output(cli, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("matplotlib")
    plot = tmp_path / "boxes.png"
    ran = cli(
        "benchmark", "zoo:lenet", "--backends", "onnxruntime,tensorrt", "--runs", 3,
        "--json", "-", "--plot", plot,
    )  # fmt: skip
    assert ran.code == 0
    document = json.loads(ran.out)
    assert document["fastest"] == "onnxruntime"
    assert [backend["ran"] for backend in document["backends"]] == [True, False]
    assert "slowest layers" in ran.err
    assert "TensorRT's Python module" in ran.err
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_lines_fit_into_80_columns(cli):
    pytest.importorskip("onnxruntime")
    ran = cli("benchmark", "zoo:lenet", "--backends", "onnxruntime,trtexec", "--runs", 2)
    assert ran.code == 0
    assert max(map(len, ran.out.splitlines())) <= 80


def test_files_that_trtexec_wrote_elsewhere_are_shown(cli, shared: Path):
    engine, profile = shared / "inputs/engine_info" / ENGINE, shared / "inputs/profile" / ENGINE
    ran = cli("benchmark", engine, "--trtexec-profile", profile)
    assert ran.code == 0
    assert "trtexec" in ran.out
    assert "no power was measured" in ran.out


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("zoo:lenet", "--backends", "caffe"), 2, "no backend 'caffe'"),
        (("zoo:lenet", "--backends", ","), 2, "names none"),
        (("zoo:lenet", "--trtexec-times", "x.json"), 2, "needs --trtexec-profile"),
        (("zoo:lenet", "--backends", "torch-tensorrt"), 4, "none of the backends"),
        (("no-such.onnx", "--backends", "onnxruntime"), 3, "no such file"),
    ],
)
def test_mistakes_have_their_exit_code_and_one_line(cli, arguments, code: int, words: str):
    pytest.importorskip("onnxruntime")
    ran = cli("benchmark", *arguments)
    assert ran.code == code
    assert words in ran.err


def test_a_plot_must_be_of_a_kind_that_can_be_drawn(cli, tmp_path: Path):
    pytest.importorskip("onnxruntime")
    ran = cli("benchmark", "zoo:lenet", "--backends", "onnxruntime", "--runs", 1,
              "--plot", tmp_path / "boxes.gif")  # fmt: skip
    assert ran.code == 2
    assert ".png" in ran.err


@pytest.mark.slow
def test_doctor_says_what_works_and_what_to_install(cli):
    ran = cli("doctor", "--json", "-")
    assert ran.code == 0
    document = json.loads(ran.out)
    assert {check["kind"] for check in document["checks"]} >= {"sensors", "runners", "extras"}
    assert "power sensors" in ran.err
    assert max(len(line.rstrip()) for line in ran.err.splitlines()) <= 80
