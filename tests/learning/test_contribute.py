"""What is measured can be given to others: checked, without names, and it calibrates a board."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from learning_data import measured as measured_profile
from paths import TINY_ONNX

import edgeprofiler
from edgeprofiler.measurement.recording import save_recording
from edgeprofiler.measurement.simulator import simulate
from edgeprofiler.prediction.calibration.contribution import read_contribution

TABLE = "device,mode,software,network,model,batch,input,precision,runtime_ms\n" + "".join(
    f'jetson-orin-nano,15w,"JetPack 6.0, TensorRT 10.3, {{who}}",{n},zoo:{n},1,224x224,fp16,{ms}\n'
    for n, ms in (("resnet18", 2.6), ("resnet50", 6.3), ("vgg16", 17), ("squeezenet1_1", 1.3),
                  ("mnasnet1_0", 3))
)  # fmt: skip


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "measured.csv"
    path.write_text(TABLE.format(who="ada at /home/ada/secret"))
    return path


def test_a_contributed_table_calibrates_as_the_table_does(table: Path, tmp_path: Path) -> None:
    given = tmp_path / "given.json"
    edgeprofiler.contribute(table, licence="CC0-1.0", output=given)
    board = "jetson-orin-nano@15w"
    [from_table] = edgeprofiler.calibrate(table, board).fits
    [from_given] = edgeprofiler.calibrate(given, board).fits
    assert from_given.calibration.parameters == pytest.approx(from_table.calibration.parameters)


def test_layers_are_given_as_the_engine_that_was_measured_has_them(tmp_path: Path) -> None:
    """TensorRT 8.2 runs SiLU apart from the convolution before it, 10.3 within."""
    table = tmp_path / "measured.csv"
    head = "device,mode,network,model,runtime_ms,tensorrt,software\n"
    rows = ("6,8.2,", '6,,"JetPack 4.6.1"', "6,10.3,")
    lines = (f"jetson-orin-nano,15w,yolo,zoo:yolov8n,{row}\n" for row in rows)
    table.write_text(head + "".join(lines))
    old, older, new = edgeprofiler.contribute(table, licence="CC0-1.0").measurements
    assert [m.tensorrt for m in (old, older, new)] == ["8.2", "8.2", "10.3"]
    assert len(old.network.layers) == len(older.network.layers) > len(new.network.layers) + 40
    assert old.row().tensorrt == "8.2"


def test_power_of_a_whole_board_is_given_above_its_idle_power(tmp_path: Path) -> None:
    table = tmp_path / "measured.csv"
    head = "device,network,model,runtime_ms,power_w\n"
    table.write_text(
        f"{head}jetson-orin-nano,a,zoo:lenet,1,9.2\njetson-orin-nano,b,zoo:lenet,2,3\n"
    )
    above, below = edgeprofiler.contribute(table, licence="CC0-1.0").measurements
    assert (above.power_above_idle_w, above.idle_power_w) == (pytest.approx(5.0), 4.2)
    assert math.isnan(below.power_above_idle_w)


def test_rows_that_lack_something_are_counted_and_the_others_given(tmp_path: Path) -> None:
    table = tmp_path / "measured.csv"
    head = "device,network,model,precision,runtime_ms,set_aside\n"
    rows = ("a,zoo:lenet,fp16,1,", "b,,fp16,2,", "c,zoo:lenet,fp99,3,", "d,zoo:lenet,fp16,9,hot")
    table.write_text(head + "".join(f"jetson-orin-nano,{row}\n" for row in rows))
    given = edgeprofiler.contribute(table, licence="CC0-1.0")
    assert [m.end_to_end_s for m in given.measurements] == [pytest.approx(1e-3)]
    assert given.notes == (
        "1 rows are not given: without a model",
        "1 rows are not given: without a precision of fp32, fp16, int8",
        "1 rows are not given: set aside",
    )
    assert "notes" not in given.document()
    table.write_text(f"{head}jetson-orin-nano,b,,fp16,2,\n")
    with pytest.raises(edgeprofiler.InvalidInput, match="no row is of use: without a model"):
        edgeprofiler.contribute(table, licence="CC0-1.0")


def test_a_mean_power_below_idle_is_given_as_unknown(tmp_path: Path) -> None:
    """Noise puts the power of a small network there; a file with it could not be read again."""
    noisy = replace(measured_profile("lenet"), idle_power_w=50.0)
    edgeprofiler.write_profile(noisy, tmp_path / "p.json")
    given = tmp_path / "given.json"
    edgeprofiler.contribute(tmp_path / "p.json", licence="CC0-1.0", output=given)
    (found,) = read_contribution(given).measurements
    assert math.isnan(found.power_above_idle_w)
    assert found.end_to_end_s > 0


@pytest.mark.slow
def test_a_contributed_recording_changes_a_calibration(table: Path, tmp_path: Path) -> None:
    """End to end: a simulated board is recorded, given, and calibrates with others' rows."""
    recording, _ = simulate(edgeprofiler.read("zoo:alexnet"), runs=600, seed=3)
    save_recording(recording, tmp_path / "secret-project")
    given = tmp_path / "given.json"
    told = edgeprofiler.contribute(
        tmp_path / "secret-project",
        licence="CC-BY-4.0",
        output=given,
        device="jetson-orin-nano@15w",
    )
    [measured] = told.measurements
    assert measured.simulated
    assert len(measured.layers["runtime_s"]) == len(measured.network.layers)
    text = given.read_text()
    assert str(tmp_path) not in text
    assert "secret" not in text
    both = tmp_path / "both.json"
    document = json.loads(given.read_text())
    others = edgeprofiler.contribute(table, licence="CC-BY-4.0").document()
    document["measurements"] += others["measurements"]
    both.write_text(json.dumps(document))
    board = "jetson-orin-nano@15w"
    [without] = edgeprofiler.calibrate(table, board).fits
    [with_it] = edgeprofiler.calibrate(both, board).fits
    assert with_it.calibration.rows == without.calibration.rows + 1
    assert with_it.calibration.parameters != without.calibration.parameters


def test_a_contribution_holds_no_names(tmp_path: Path) -> None:
    (tmp_path / "private_net.onnx").write_bytes(TINY_ONNX.read_bytes())
    table = tmp_path / "measured.csv"
    table.write_text(
        TABLE.format(who="ada").partition("\n")[0]
        + '\njetson-orin-nano,15w,"TensorRT 10.3 on grace",secret,private_net.onnx,1,,fp16,2.5\n'
    )
    given = edgeprofiler.contribute(table, licence="CC0-1.0").document()
    text = json.dumps(given)
    for name in ("ada", "secret", "private", "grace", str(tmp_path)):
        assert name not in text
    [measured] = given["measurements"]
    assert measured["tensorrt"] == "10.3"
    assert measured["network"].startswith("network-")
    assert [layer["nodes"] for layer in measured["layers"]] == [[]] * len(measured["layers"])


def test_one_network_has_one_name_whoever_gives_it(tmp_path: Path) -> None:
    """Rows of one network are one group in an evaluation, though its name is not said."""
    names = set()
    for file in ("a.onnx", "b.onnx"):
        (tmp_path / file).write_bytes(TINY_ONNX.read_bytes())
        (tmp_path / "rows.csv").write_text(
            f"device,network,model,runtime_ms\njetson-orin-nano,{file},{file},2.5\n"
        )
        given = edgeprofiler.contribute(tmp_path / "rows.csv", licence="CC0-1.0")
        names.add(given.measurements[0].network.name)
    assert len(names) == 1


def test_what_is_predicted_is_no_contribution(tmp_path: Path) -> None:
    edgeprofiler.write_profile(edgeprofiler.predict("zoo:lenet"), tmp_path / "p.json")
    with pytest.raises(edgeprofiler.InvalidInput, match="predicted"):
        edgeprofiler.contribute(tmp_path / "p.json", licence="CC0-1.0")


def test_a_licence_is_said(table: Path) -> None:
    with pytest.raises(edgeprofiler.UsageError, match="CC0"):
        edgeprofiler.contribute(table, licence="mine")


def test_an_unknown_board_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "device,network,model,runtime_ms\nmy-carrier,a,zoo:alexnet,2.5\n"
    )
    with pytest.raises(edgeprofiler.InvalidInput, match="`device`"):
        edgeprofiler.contribute(tmp_path / "rows.csv", licence="CC0-1.0")
    given = edgeprofiler.contribute(
        tmp_path / "rows.csv", licence="CC0-1.0", device="jetson-nano@maxn"
    )
    assert given.measurements[0].board == "jetson-nano"


def test_a_damaged_contribution_is_refused_by_its_place(table: Path, tmp_path: Path) -> None:
    document = edgeprofiler.contribute(table, licence="CC0-1.0").document()
    document["measurements"][2]["end_to_end_s"] = 0
    (tmp_path / "given.json").write_text(json.dumps(document))
    with pytest.raises(edgeprofiler.InvalidInput, match=r"measurements\[2\].end_to_end_s"):
        edgeprofiler.calibrate(tmp_path / "given.json")


def recorded(place: Path, **changes: str) -> Path:
    """A recording of a network that says something else of its board."""
    recording, _ = simulate(edgeprofiler.read("zoo:lenet"), runs=600, seed=3)
    profile = edgeprofiler.attribute(recording)
    device = replace(profile.device, **changes)
    path = place / "measured.json"
    edgeprofiler.write_profile(replace(profile, device=device, simulated=False), path)
    return path


@pytest.mark.slow
def test_a_simulated_contribution_calibrates_as_the_recordings_do(tmp_path: Path) -> None:
    """Nobody edits the file in between, and what is simulated is told."""
    for name in ("alexnet", "resnet18", "squeezenet1_1"):
        recording, _ = simulate(edgeprofiler.read(f"zoo:{name}"), runs=600, seed=3)
        save_recording(recording, tmp_path / "rec" / name)
    given = tmp_path / "given.json"
    edgeprofiler.contribute(
        *sorted((tmp_path / "rec").iterdir()), licence="CC0-1.0", output=given,
        device="jetson-orin-nano@15w",
    )  # fmt: skip
    board = "jetson-orin-nano@15w"
    direct = edgeprofiler.calibrate(tmp_path / "rec", board)
    through = edgeprofiler.calibrate(given, board)
    assert through.fits[0].calibration.rows == direct.fits[0].calibration.rows == 3
    for calibrated in (direct, through):
        assert "3 of 3 rows are simulated: no board was measured" in calibrated.warnings
        assert "3 of them simulated" in calibrated.fits[0].calibration.provenance


def test_a_mode_that_somebody_named_is_not_given_away(tmp_path: Path) -> None:
    path = recorded(tmp_path, name="jetson-orin-nano", mode="adas-desk")
    with pytest.raises(edgeprofiler.InvalidInput, match="`device`"):
        edgeprofiler.contribute(path, licence="CC0-1.0")
    given = edgeprofiler.contribute(path, licence="CC0-1.0", device="jetson-orin-nano@7w")
    assert "adas" not in json.dumps(given.document())


def test_a_board_of_ones_own_is_none_that_others_have(table: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('name = "adas-board"\nbase = "jetson-orin-nano"\n')
    with pytest.raises(edgeprofiler.UsageError, match="of your own"):
        edgeprofiler.contribute(table, licence="CC0-1.0", device=str(own))
