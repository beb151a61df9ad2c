"""Profiles as CSV."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from sample_profile import example
from strategies import profiles

from edgeprofiler.core.profile import Profile, to_csv, write_csv
from edgeprofiler.core.profile.table import COLUMNS


def rows(profile: Profile) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(to_csv(profile), newline="")))


def test_the_columns_of_the_reference_come_first() -> None:
    assert COLUMNS[:4] == ("layer_name", "layer_type", "power_prediction", "runtime_prediction")


def test_power_is_above_idle_in_watts_and_runtime_in_milliseconds() -> None:
    first = rows(example())[0]
    assert float(first["power_prediction"]) == pytest.approx(10.0 - 4.0)
    assert float(first["runtime_prediction"]) == pytest.approx(0.05)
    assert float(first["power_w"]) == 10.0
    assert float(first["energy_j"]) == pytest.approx(5e-4)
    assert (first["kernel"], first["input_shapes"]) == ("3x3", "1x3x8x8")


def test_cells_of_an_uncovered_layer_are_empty_and_its_name_is_kept() -> None:
    last = rows(example())[-1]
    assert last["layer_name"] == "=cmd()"
    assert (last["power_prediction"], last["runtime_prediction"]) == ("", "")
    assert (last["runtime_s"], last["macs"], last["covered"]) == ("", "", "no")


def test_a_view_takes_no_time_but_is_known() -> None:
    view = rows(example())[1]
    assert (view["runtime_prediction"], view["covered"]) == ("0.0", "yes")
    assert view["macs"] == "0"


@given(profile=profiles())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_names_and_numbers_of_layers_survive(profile: Profile) -> None:
    table = rows(profile)
    names = [layer.name for layer in profile.network.layers]
    assert [row["layer_name"] for row in table] == names
    runtimes = [float(row["runtime_s"]) for row in table if row["runtime_s"]]
    assert runtimes == [
        cost.runtime_s.value for cost in profile if cost.covered and cost.runtime_s.known
    ]


def test_a_table_is_written_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    write_csv(example(), path)
    assert path.read_text(encoding="utf-8") == to_csv(example())
