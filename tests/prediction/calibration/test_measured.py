"""The CSV of measured totals: what is read, and what is refused with its line."""

from __future__ import annotations

import contextlib
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.prediction.calibration.measured import (
    canonical_name,
    lacking,
    read_measured,
    runtime_of,
    tensorrt_of,
    write_rows,
)

HEAD = "device,mode,software,network,model,batch,input,precision,runtime_ms,power_above_idle_w\n"


def written(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "measured.csv"
    path.write_text(head + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_row_has_seconds_shape_and_host(tmp_path: Path) -> None:
    line = 'jetson-orin-nano,15W,"JetPack 6, TensorRT",ResNet18,zoo:resnet18,1,224x224,fp16,2.0,'
    (row,) = read_measured(written(tmp_path, line))
    assert row.runtime_s == pytest.approx(0.002)
    assert row.shape == (1, 3, 224, 224)
    assert (row.spec, row.runtime, row.canonical) == ("jetson-orin-nano@15w", "trtexec", "resnet18")
    assert math.isnan(row.power_above_idle_w)


def test_unknown_columns_are_kept(tmp_path: Path) -> None:
    head = "device,network,model,runtime_ms,who\n"
    (row,) = read_measured(written(tmp_path, "generic,a,zoo:lenet,1,me", head=head))
    assert row.other == {"who": "me"}


def test_power_alone_is_enough(tmp_path: Path) -> None:
    head = "device,network,model,power_above_idle_w\n"
    (row,) = read_measured(written(tmp_path, "generic,a,zoo:lenet,1.5", head=head))
    assert row.power_above_idle_w == 1.5
    assert math.isnan(row.runtime_s)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("d,,s,n,zoo:lenet,1,,fp16,fast,", "line 2.*'fast'"),
        ("d,,s,n,zoo:lenet,1,,fp16,-1,", "above zero"),
        ("d,,s,n,zoo:lenet,1,,fp16,nan,", "line 2, column runtime_ms is not a finite number"),
        ("d,,s,,zoo:lenet,1,,fp16,1,", "line 2, column network is empty"),
        ("d,,s,n,zoo:lenet,1,big,fp16,1,", "line 2, column input is 'big', no size"),
        ("d,,s,n,zoo:lenet,1,1x3x8x224x224,fp16,1,", "no size"),
        ("d,,s,n,zoo:lenet,8,1x3x224x224,fp16,1,", "column batch is 8, and the input's is 1"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, line: str, word: str) -> None:
    with pytest.raises(InvalidInput, match=word):
        read_measured(written(tmp_path, line))


@pytest.mark.parametrize(
    ("line", "lacks", "lacks_with_power"),
    [
        ("d,,s,n,zoo:lenet,1,,fp16,1,", "", ""),
        ("d,,s,n,zoo:lenet,1,,fp16,,", "a time", "a time or power"),
        ("d,,s,n,zoo:lenet,1,,fp16,,3.5", "a time", ""),
        ("d,,s,n,,1,,fp16,1,", "a model", "a model"),
        ("d,,s,n,zoo:lenet,1,,not stated,1,", "a precision", "a precision"),
    ],
)
def test_a_row_that_lacks_something_is_read_and_says_what(
    tmp_path: Path, line: str, lacks: str, lacks_with_power: str
) -> None:
    (row,) = read_measured(written(tmp_path, line))
    assert lacking(row, power=False).startswith(lacks)
    assert bool(lacking(row, power=False)) == bool(lacks)
    assert lacking(row).startswith(lacks_with_power)
    assert bool(lacking(row)) == bool(lacks_with_power)


def test_power_of_the_whole_board_is_kept_apart(tmp_path: Path) -> None:
    head = "device,network,model,power_w,source,lab\n"
    (row,) = read_measured(written(tmp_path, "generic,a,zoo:lenet,9.5,post,blog", head=head))
    assert (row.power_w, row.source, row.lab) == (9.5, "post", "blog")
    assert math.isnan(row.power_above_idle_w)


@pytest.mark.parametrize(
    ("software", "version"),
    [
        ("JetPack 4.6, TensorRT", "8.0"),
        ("JetPack 4.6.1", "8.2"),
        ("JetPack 5.0.2", "8.4"),
        ("JetPack 5", "8.5"),
        ("JetPack 6.0, TensorRT", "8.6"),
        ("JetPack 6.2, Python", "10.3"),
        ("TensorRT 10.1 FP16 via Torch-TensorRT 2.4, JetPack 6.1", "10.1"),
        ("jetpack-5.1.2", "8.5"),
        ("tensorrt v8.2.1, trtexec", "8.2"),
        ("somebody's own", ""),
    ],
)
def test_software_says_its_tensorrt_or_its_jetpack_does(software: str, version: str) -> None:
    assert tensorrt_of(software) == version


def test_missing_columns_rows_and_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="lacks the column 'model'"):
        read_measured(written(tmp_path, head="device,network,runtime_ms\n"))
    with pytest.raises(InvalidInput, match="no rows"):
        read_measured(written(tmp_path))
    with pytest.raises(InvalidInput, match="no such file"):
        read_measured(tmp_path / "none.csv")


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("m") / "m.csv"
    path.write_text(HEAD + text, encoding="utf-8")
    with contextlib.suppress(InvalidInput):
        read_measured(path)


def test_the_host_is_told_from_the_software() -> None:
    assert runtime_of("TensorRT 5 (torch2trt; host overhead included)") == "torch2trt"
    assert runtime_of("TensorRT 10.1 FP16 via Torch-TensorRT 2.4") == "torch-tensorrt"
    assert runtime_of("PyTorch 2.4, Torch-TensorRT") == "torch-tensorrt"
    assert runtime_of("PyTorch 1.10 with TensorRT engines") == "torch2trt"
    assert runtime_of("JetPack 6, TensorRT, trtutils") == "cpp"
    assert runtime_of("JetPack 4.6, TensorRT") == "trtexec"


@pytest.mark.parametrize("software", ["onnxruntime 1.20.1", "ONNX Runtime, CUDA", "torch 2.4.1"])
def test_what_runs_no_engine_of_tensorrt_is_no_host(tmp_path: Path, software: str) -> None:
    (row,) = read_measured(written(tmp_path, f'd,,"{software}",n,zoo:lenet,1,,fp16,1,'))
    assert lacking(row).startswith("a host runtime of trtexec, ")


def test_a_network_has_one_name_in_all_files() -> None:
    assert canonical_name("MobileNetV3-small ") == "mobilenetv3_small"


@pytest.mark.parametrize(
    ("batch", "size", "shape"),
    [
        ("", "", ()),
        ("", "224", (1, 3, 224, 224)),
        ("4", "1x32x32", (4, 1, 32, 32)),
        ("", "2x3x224x200", (2, 3, 224, 200)),
        ("2", "2x3x224x200", (2, 3, 224, 200)),
    ],
)
def test_an_input_has_the_batch_that_one_of_both_says(
    tmp_path: Path, batch: str, size: str, shape: tuple[int, ...]
) -> None:
    (row,) = read_measured(written(tmp_path, f"d,,s,n,zoo:lenet,{batch},{size},fp16,1,"))
    assert row.shape == shape
    assert row.batch == (shape[0] if shape else 1)


def test_rows_are_written_as_csv() -> None:
    assert write_rows([{"a": 1, "b": "x,y"}]) == 'a,b\n1,"x,y"\n'
