"""A data set is a table whose rows, not their order, decide what it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from learning_data import dataset, measured

from edgeprofiler.core.errors import CannotWrite, InsufficientData, InvalidInput
from edgeprofiler.core.network import Columns
from edgeprofiler.learning.dataset import Dataset, check, layers_of, rows_of
from edgeprofiler.learning.dataset.storage import load_dataset, save_dataset, to_csv
from edgeprofiler.learning.dataset.table import COLUMNS, from_columns
from edgeprofiler.prediction.predict import predict

pytest.importorskip("pyarrow")


def changed(column: str, row: int, value: object) -> Dataset:
    data = dataset()
    values = data.columns[column].copy()
    values[row] = value
    return data.with_columns(**{column: values})


def test_rows_in_another_order_are_the_same_data_set() -> None:
    data = dataset()
    order = np.random.default_rng(0).permutation(len(data))
    assert data.take(order) == data
    assert data.take(order).sha256 == data.sha256


def test_another_runtime_is_another_data_set() -> None:
    assert changed("runtime_s", 3, 1.0) != dataset()


def test_rows_hold_all_that_a_predictor_needs_of_a_layer() -> None:
    """Columns computed from rows equal those of the network itself."""
    profile = measured("resnet18")
    own = Columns.of([layer for layer in profile.network.layers if layer.op != "noop"])
    again = Columns.of(layers_of(rows_of(profile)))
    for name in ("op_code", "macs", "bytes_moved", "in_channels", "spatial", "groups", "covered"):
        assert np.array_equal(getattr(own, name), getattr(again, name), equal_nan=True)


def test_a_prediction_is_nothing_to_learn_from() -> None:
    with pytest.raises(InvalidInput, match="predicted"):
        rows_of(predict("zoo:lenet", "jetson-orin-nano"))


def test_power_at_idle_is_marked_and_unknown_rather_than_zero() -> None:
    from dataclasses import replace

    profile = measured("lenet")
    power = profile.costs.power_w.copy()
    power[0] = profile.idle_power_w
    rows = rows_of(replace(profile, costs=replace(profile.costs, power_w=power)))
    first = int(np.flatnonzero(rows.integer("layer") == 0)[0])
    assert np.isnan(rows.number("power_above_idle_w")[first])
    assert rows.marked("power-not-above-idle").sum() == 1
    check(rows, "rows")


def test_parquet_and_csv_keep_every_row(tmp_path: Path) -> None:
    data = dataset()
    save_dataset(data, tmp_path / "data", ["a note"])
    assert load_dataset(tmp_path / "data") == data
    (tmp_path / "rows.csv").write_text(to_csv(data))
    assert load_dataset(tmp_path / "rows.csv") == data


def test_files_are_the_same_in_whatever_order_the_rows_came(tmp_path: Path) -> None:
    data = dataset()
    save_dataset(data, tmp_path / "a")
    save_dataset(data.take(np.arange(len(data))[::-1]), tmp_path / "b")
    for name in ("layers.parquet", "dataset.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_rows_exchanged_behind_the_description_are_refused(tmp_path: Path) -> None:
    save_dataset(dataset(), tmp_path / "a")
    save_dataset(dataset().take(np.arange(20)), tmp_path / "b")
    layers = (tmp_path / "b" / "layers.parquet").read_bytes()
    (tmp_path / "a" / "layers.parquet").write_bytes(layers)
    with pytest.raises(InvalidInput, match="not the data set"):
        load_dataset(tmp_path / "a")


@pytest.mark.parametrize(
    ("column", "value", "word"),
    [
        ("runtime_s", np.nan, "NaN"),
        ("runtime_s", -1e-5, "not above 0"),
        ("runtime_s", 0.0, "not above 0"),
        ("runtime_s", np.inf, "infinite"),
        ("power_above_idle_w", np.nan, "NaN"),
        ("power_above_idle_w", -3.0, "not above 0"),
        ("power_w", 5e6, "another unit"),
        ("macs", -1.0, "below 0"),
        ("groups", 0, "below 1"),
        ("kind", "convolution", "none of"),
        ("op", "conv", "no known operation"),
        ("network", "", "empty"),
    ],
)
def test_a_wrong_value_is_refused_with_its_row_and_column(
    column: str, value: object, word: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        check(changed(column, 7, value), "data.parquet")
    assert "row 8" in str(caught.value)
    assert repr(column) in str(caught.value)
    assert word in str(caught.value)


@pytest.mark.parametrize("factor", [1e3, 1e6])
def test_a_runtime_in_another_unit_among_the_rest_is_refused(factor: float) -> None:
    row = int(np.argmin(dataset().number("runtime_s")))
    with pytest.raises(InvalidInput, match=rf"row {row + 1}, column 'runtime_s'.*(ms|us)"):
        check(changed("runtime_s", row, dataset().number("runtime_s")[row] * factor), "data")


def test_power_in_milliwatts_beside_watts_is_refused() -> None:
    power = dataset().number("power_above_idle_w")[2] * 1e3
    with pytest.raises(InvalidInput, match=r"row 3, column 'power_above_idle_w'"):
        check(changed("power_above_idle_w", 2, power), "data")


def test_networks_measured_without_a_sensor_need_no_power() -> None:
    rows = rows_of(measured("lenet", power=False))
    assert np.isnan(rows.number("power_w")).all()
    check(
        Dataset.concatenate(
            [
                dataset(),
                rows.with_columns(network=rows.text("source")).with_columns(
                    network=np.full(len(rows), "other")
                ),
            ]
        ),
        "data",
    )


def test_no_rows_are_too_few() -> None:
    with pytest.raises(InsufficientData):
        check(Dataset.of(()), "data")


def columns() -> dict[str, list[object]]:
    return {c.name: dataset().columns[c.name].tolist() for c in COLUMNS}


def test_a_column_in_milliseconds_is_refused_with_what_was_expected() -> None:
    table = columns()
    table["runtime_ms"] = table.pop("runtime_s")
    with pytest.raises(InvalidInput, match=r"no column 'runtime_s'.*'runtime_ms'"):
        from_columns(table, "data")


def test_one_quantity_in_two_units_is_refused() -> None:
    with pytest.raises(InvalidInput, match="two units"):
        from_columns(columns() | {"runtime_ms": [1.0] * len(dataset())}, "data")


@pytest.mark.parametrize(
    ("column", "value"), [("runtime_s", "fast"), ("groups", 1.5), ("name", 3), ("runtime_s", None)]
)
def test_a_cell_of_the_wrong_type_is_refused(column: str, value: object) -> None:
    table = columns()
    table[column][4] = value
    with pytest.raises(InvalidInput, match=rf"row 5, column '{column}'"):
        from_columns(table, "data")


def test_columns_of_unequal_length_are_refused() -> None:
    table = columns()
    table["macs"] = table["macs"][:-1]
    with pytest.raises(InvalidInput, match="different lengths"):
        from_columns(table, "data")


def test_a_malformed_shape_is_refused() -> None:
    data = dataset()
    shapes = data.text("input_shapes").astype(object)
    shapes[1] = "1x-3x224"
    with pytest.raises(InvalidInput, match=r"row 2, column 'input_shapes'"):
        layers_of(data.with_columns(input_shapes=shapes.astype(np.str_)))


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("a.parquet", b"PAR1 no", "no Parquet"),
        ("a.parquet", b"", "empty"),
        ("a.csv", b"", "empty"),
        ("a.csv", b"network,device\nx\n", "line 2 has 1 cells, the header 2"),
        ("a.csv", b"network,device\nx,y\n", "no column"),
    ],
)
def test_files_that_hold_no_data_set_are_refused(
    tmp_path: Path, name: str, content: bytes, word: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=word):
        load_dataset(tmp_path / name)


def test_a_folder_without_layers_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="dataset build"):
        load_dataset(tmp_path)


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(CannotWrite):
        save_dataset(dataset(), tmp_path / "file" / "data")
