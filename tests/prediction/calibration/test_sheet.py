"""Tables of measured totals are read as people write them, or refused with what was meant."""

import pytest

from edgeprofiler.core.errors import InvalidInput
from edgeprofiler.prediction.calibration.measured import read_measured

HEADER = "device,network,model,input,runtime_ms,power_above_idle_w"


def read(tmp_path, header, *rows):
    path = tmp_path / "m.csv"
    path.write_text("\n".join((header, *rows)) + "\n")
    return read_measured(path)


PUBLIC = {"dup.csv": 7, "emptyrows.csv": 7, "semi.csv": 7, "unithdr.csv": 7}


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_a_public_table_has_its_rows_in_si(shared, name, caplog):
    rows = read_measured(shared / "inputs/measured_csv" / name)
    assert len(rows) == PUBLIC[name]
    assert rows[0].network == "resnet18"
    assert rows[0].runtime_s == pytest.approx(1.9e-3)
    assert rows[0].power_above_idle_w == pytest.approx(5.9)
    assert rows[0].shape == (1, 3, 224, 224)
    assert ("dup.csv: 7 rows are listed again; each counts once" in caplog.text) == (
        name == "dup.csv"
    )


def test_a_public_table_in_milliwatts_is_refused_with_what_was_meant(shared):
    with pytest.raises(InvalidInput, match=r"line 2, .* did you mean mW\? name the column power"):
        read_measured(shared / "inputs/measured_csv/milliwatt.csv")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (HEADER, "jetson-nano,a,zoo:vgg11,224,8.4,2.5"),
        ("Device,Network,Model,Input,Runtime [s],Power above idle [mW]",
         "jetson-nano,a,zoo:vgg11,224x224,0.0084,2500"),
        (HEADER.replace(",", ";"), "jetson-nano;a;zoo:vgg11;3x224x224;8,4;2,5"),
        (HEADER, "jetson-nano,a,zoo:vgg11,224x224,8400 us,2500 mW"),
    ],
)  # fmt: skip
def test_names_units_and_sizes_may_be_written_otherwise(tmp_path, header, row):
    (found,) = read(tmp_path, header, row)
    assert found.runtime_s == pytest.approx(8.4e-3)
    assert found.power_above_idle_w == pytest.approx(2.5)
    assert found.shape == (1, 3, 224, 224)


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        (HEADER, "jetson-nano,a,m,224,8.4,950", "950 W, and jetson-nano has a budget of 10 W; "),
        (HEADER, "my-board,a,m,224,8.4,5900", "5.9 kW, more than a board draws; did you mean mW?"),
        (HEADER, "jetson-nano,a,m,224,0.0084,2", "less than an inference takes; did you mean s?"),
        (HEADER, "jetson-nano,a,m,224,1_9,2", "column runtime_ms is '1_9', where a number"),
        ("device,network,model,latency_ms", "b,a,m,3", "lacks the column 'runtime_ms'; rename"),
        ("device,net,model,runtime_ms", "b,a,m,3", "lacks the column 'network'"),
        ("device,network,model,runtime_ms,runtime_s", "b,a,m,3,3", "two columns of runtime"),
    ],
)
def test_what_cannot_be_is_refused_with_what_was_meant(tmp_path, header, row, told):
    with pytest.raises(InvalidInput) as caught:
        read(tmp_path, header, row)
    assert told in str(caught.value)


def test_the_host_s_column_is_no_time(tmp_path):
    (found,) = read(tmp_path, "device,network,model,runtime,runtime_ms", "b,a,m,cpp,3")
    assert (found.runtime, found.runtime_s) == ("cpp", pytest.approx(3e-3))
