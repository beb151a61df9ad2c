"""Boards as tables and as JSON: complete, and in the units of their headings."""

import json

import pytest

from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.device.facts import board_facts
from edgeprofiler.core.device.tables import board_table, boards_table, mode_table, modes_table

BOARDS = [load_device(name) for name in device_names()]


def test_every_board_and_mode_has_a_row() -> None:
    assert len(boards_table(BOARDS).rows) == len(BOARDS)
    assert len(modes_table(BOARDS).rows) == sum(len(board.modes) for board in BOARDS)


def test_a_mode_shows_its_clocks_cores_and_budget() -> None:
    lines = mode_table(load_device("jetson-orin-nx@40w")).to_markdown().splitlines()
    (row,) = (line for line in lines if line.startswith("| 40w"))
    assert row.startswith(r"| 40w \* | 1173 | 3199 | 1498 | 8 | 8 | 102.4 | 40.0 |")


def test_a_board_says_what_it_was_fitted_on_or_that_it_was_not() -> None:
    fitted = {row.cells[0]: row.cells[-1] for row in boards_table(BOARDS).rows}
    assert str(fitted["jetson-orin-nano"]).endswith(" rows")
    assert fitted["jetson-orin-nx-8gb"] == "stand-in"
    assert fitted["jetson-agx-thor"] == "nothing"
    shown = board_table(load_device("jetson-orin-nx-8gb")).to_markdown()
    assert "| fitted on | stand-in: jetson-orin-nx |" in shown


@pytest.mark.parametrize("word", ["4.6 W on ARK Just A Jetson", "16.0 GiB", "TensorRT 10.3",
                                  "gpu 306MHz to 1173MHz", "DS-10712-001"])  # fmt: skip
def test_a_board_shows_idle_power_memory_software_clocks_and_sources(word: str) -> None:
    assert word in board_table(load_device("jetson-orin-nx")).to_markdown()


def test_facts_are_json_and_those_of_the_setting() -> None:
    facts = json.loads(json.dumps(board_facts(load_device("jetson-agx-orin@30w,gpu=306MHz"))))
    assert facts["mode"] == "30w,gpu=306MHz"
    assert facts["clocks"]["cores"] == [1, 12]
    by_name = {mode["name"]: mode for mode in facts["modes"]}
    assert (by_name["30w"]["gpu_clock_hz"], by_name["30w"]["sms"]) == (612e6, 8)
    assert by_name["maxn"]["power_budget_w"] is None
    assert by_name["maxn"]["idle_power_w"] == facts["idle_power_w"] == 9.8
