"""A profile in words: totals, layers and what to know before trusting them."""

import math

from profiles_to_show import measured
from sample_profile import example

from edgeprofiler.core.profile.words import (
    cautions,
    heaviest_table,
    layer_table,
    profile_tables,
    totals_table,
)


def test_layers_and_the_time_outside_of_them_add_up_to_the_total() -> None:
    profile = example()
    table = layer_table(profile, parts=True).only("energy").to_csv().splitlines()[1:]
    energies = [float(line.split(",")[0]) for line in table if line.split(",")[0]]
    assert math.isclose(sum(energies), profile.totals.energy_j.value, rel_tol=1e-9)


def test_uncovered_layers_come_first_of_what_to_know() -> None:
    assert cautions(example())[0].startswith("1 of 3 layers are not covered")
    totals = profile_tables(example())[-1]
    assert any("not covered" in str(note) for note in totals.notes)


def test_a_simulated_profile_says_so_in_its_title() -> None:
    assert "SIMULATED" in profile_tables(measured(), layers=False)[0].title


def test_a_measured_layer_says_how_its_power_is_known() -> None:
    labels = [column.label for column in layer_table(measured()).columns]
    assert {"known by", "samples", "std. error"} <= set(labels)
    labels = [column.label for column in layer_table(example()).columns]
    assert "bound by" in labels


def test_the_heaviest_layer_is_first_and_an_unknown_one_last() -> None:
    rows = heaviest_table(example(), 3).rows
    assert [row.cells[0] for row in rows] == [0, 1, 2]
    assert rows[-1].tone == "doubt"


def test_a_long_network_shows_its_heaviest_layers_in_order_and_says_so() -> None:
    table = layer_table(example(), most=2)
    assert [row.cells[0] for row in table.rows] == [0, 1]
    assert "1 more" in str(table.notes[0])


def test_totals_that_a_reader_came_for_are_strong() -> None:
    table = totals_table(example())
    assert [row.cells[0] for row in table.rows if row.tone == "strong"] == [
        "Energy of one inference", "Time, end to end", "Average power", "Images a second",
    ]  # fmt: skip
