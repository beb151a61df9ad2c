"""Rows of measured totals name their networks by a path or by a name of the zoo."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from paths import TINY_ONNX as TINY

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.core.profile.document import write_profile
from edgeprofiler.prediction.calibration.contribution import Contributed
from edgeprofiler.prediction.calibration.measured import Measured, read_measured
from edgeprofiler.prediction.predict import predict
from edgeprofiler.prediction.validate.calibrating import calibrate
from edgeprofiler.prediction.validate.networks import network_of, samples_of
from edgeprofiler.reading.read import read

HEAD = "device,mode,software,network,model,batch,input,precision,runtime_ms\n"


def rows(folder: Path, *lines: str) -> list[Measured]:
    path = folder / "measured.csv"
    path.write_text(HEAD + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return read_measured(path)


def test_a_bare_name_is_a_network_of_the_zoo(tmp_path: Path) -> None:
    """`resnet18` and `zoo:resnet18` in the column `model` mean one network."""
    bare, full = rows(
        tmp_path,
        "jetson-orin-nano,15w,trtexec,a,resnet18,1,3x160x160,fp16,2",
        "jetson-orin-nano,15w,trtexec,b,zoo:resnet18,1,3x160x160,fp16,2",
    )
    one, two = network_of(bare, tmp_path), network_of(full, tmp_path)
    assert one.columns.macs.sum() == two.columns.macs.sum() > 0


def test_a_file_goes_before_a_name_of_the_zoo(tmp_path: Path) -> None:
    """A file that is called like a network of the zoo is what the row means."""
    (tmp_path / "resnet18").write_text("no model", encoding="utf-8")
    (row,) = rows(tmp_path, "jetson-orin-nano,15w,trtexec,a,resnet18,1,,fp16,2")
    with pytest.raises(InvalidInput):
        network_of(row, tmp_path)


def test_a_profile_lies_where_other_models_lie(tmp_path: Path) -> None:
    """A relative path starts at the table's folder, wherever the program was started."""
    write_profile(predict("zoo:lenet"), tmp_path / "measured.json")
    (row,) = rows(tmp_path, "jetson-orin-nano,15w,trtexec,a,measured.json,1,,fp16,2")
    assert network_of(row, tmp_path) == predict("zoo:lenet").network


def test_an_unknown_name_is_refused_with_its_line(tmp_path: Path) -> None:
    """What the zoo does not hold is named with the line of the file and a likely name."""
    found = rows(tmp_path, "jetson-orin-nano,15w,trtexec,a,resnet999,1,,fp16,2")
    with pytest.raises(InvalidInput, match=r"line 2.*resnet"):
        samples_of(found, tmp_path)


def test_layers_that_came_with_a_row_are_of_that_row_alone() -> None:
    """One network contributed at two sizes: the second row was computed with the first's layers."""
    networks = [read("zoo:lenet", batch=batch) for batch in (1, 4)]
    found = [
        Contributed("jetson-orin-nano", "15w", "trtexec", replace(one, batch=1), 1e-3, 1.0).row()
        for one in networks
    ]
    small, large = samples_of(found)
    assert large.work.flops.sum() == 4 * small.work.flops.sum() > 0


def test_rows_of_another_host_calibrate_nothing(tmp_path: Path) -> None:
    """Rows of trtexec say nothing of a C++ program, and the hosts that they are of are named."""
    found = rows(tmp_path, "jetson-orin-nano,15w,trtexec,a,resnet18,1,,fp16,2")
    with pytest.raises(InvalidInput, match="they are of trtexec"):
        calibrate(found, "jetson-orin-nano", folder=tmp_path, runtime="cpp")


def test_a_row_is_computed_at_its_batch_and_size(tmp_path: Path) -> None:
    """A path of a model takes the row's batch and input as a name of the zoo does."""
    line = "jetson-orin-nano,15w,trtexec,a,{},{},{},fp16,2"
    for model, size in (("resnet18", 224), (str(TINY), 96)):
        cells = [(1, ""), (4, ""), (1, f"{size}x{size}"), (4, f"3x{size}x{size}")]
        found = rows(tmp_path, *(line.format(model, *cell) for cell in cells))
        macs = [int(network_of(row, tmp_path).macs or 0) for row in found]
        assert macs == [macs[0], 4 * macs[0], macs[0], 4 * macs[0]]
        (larger,) = rows(tmp_path, line.format(model, 1, f"{2 * size}x{2 * size}"))
        assert int(network_of(larger, tmp_path).macs or 0) > 3 * macs[0]


def test_an_unknown_precision_is_refused_with_its_line(tmp_path: Path) -> None:
    """A precision that no engine has is a mistake of the file."""
    found = rows(tmp_path, "jetson-orin-nano,15w,trtexec,a,resnet18,1,,half,2")
    with pytest.raises(InvalidInput, match=r"line 2.*'half'; choose one of: fp32"):
        samples_of(found, tmp_path)


def test_fp32_engines_differ_by_board(tmp_path: Path) -> None:
    """Nano has no TF32, so one network of one file is two engines."""
    found = rows(
        tmp_path,
        "jetson-orin-nano,15w,trtexec,a,resnet18,1,,fp32,2",
        "jetson-nano,maxn,trtexec,a,resnet18,1,,fp32,2",
    )
    orin, nano = samples_of(found, tmp_path)
    assert len(orin.work) == len(nano.work) + 1, "a conversion of the input"


@pytest.mark.parametrize(
    ("board", "mode", "message"),
    [
        ("jetson-foo", "15w", r"line 2.*unknown device 'jetson-foo'"),
        ("jetson-tx2", "99w", r"line 2.*no power mode '99w'"),
    ],
)
def test_an_unknown_board_in_a_row_is_a_mistake_of_the_file(
    tmp_path: Path, board: str, mode: str, message: str
) -> None:
    found = rows(tmp_path, f"{board},{mode},trtexec,a,resnet18,1,,fp16,2")
    with pytest.raises(InvalidInput, match=message):
        samples_of(found, tmp_path)
    assert samples_of(found, tmp_path, device="jetson-nano")[0].device.name == "jetson-nano"


@pytest.mark.parametrize("batch", ["1.5", "1e9"])
def test_a_batch_is_a_whole_number(tmp_path: Path, batch: str) -> None:
    with pytest.raises(
        InvalidInput, match=r"line 2, column batch is (1.5; .*whole|1e\+09|1000000000).*"
    ):
        rows(tmp_path, f"jetson-nano,maxn,trtexec,a,resnet18,{batch},,fp16,2")
