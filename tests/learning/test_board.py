"""The board behind measured rows: the one that they name, in the mode that was measured."""

from __future__ import annotations

import numpy as np
import pytest
from learning_data import BOARD, dataset

from edgeprofiler.core.errors import UsageError
from edgeprofiler.learning.board import board_for


def test_boards_are_not_mixed() -> None:
    devices = np.array(["jetson-tx2", *dataset().text("device").tolist()[1:]])
    with pytest.raises(UsageError, match="2 boards"):
        board_for(dataset().with_columns(device=devices), None)


@pytest.mark.parametrize("device", [None, f"{BOARD}@15w"])
def test_power_modes_are_not_mixed(device: str | None) -> None:
    modes = np.array(["25W", "MODE_15W", *["15W"] * (len(dataset()) - 2)])
    with pytest.raises(UsageError, match=r"2 power modes \(15w, 25w\)"):
        board_for(dataset().with_columns(mode=modes), device)


@pytest.mark.parametrize(
    ("measured", "device", "expected", "said"),
    [
        ("MAXN_SUPER", None, "maxn-super", ""),
        ("25W", BOARD, "25w", ""),
        ("MODE_25W", None, "25w", ""),
        ("25W", f"{BOARD}@7w", "7w", ""),
        ("90W", None, "15w", "has no power mode '90w'"),
        ("unknown", None, "15w", ""),
    ],
)
def test_the_measured_mode_and_host_are_those_of_the_predictor(
    measured: str, device: str | None, expected: str, said: str
) -> None:
    rows = len(dataset())
    data = dataset().with_columns(
        mode=np.full(rows, measured), runtime=np.full(rows, "torch-tensorrt")
    )
    board, doubts = board_for(data, device)
    assert (board.name, board.mode.name, board.runtime) == (BOARD, expected, "torch-tensorrt")
    assert said in " ".join(doubts)
    assert bool(doubts) == bool(said)


@pytest.mark.parametrize(
    ("board", "device"),
    [
        ("NVIDIA Jetson Orin Nano Engineering Reference Developer Kit Super", BOARD),
        ("NVIDIA Jetson AGX Orin Developer Kit", "jetson-agx-orin"),
        ("NVIDIA Jetson Nano Developer Kit", "jetson-nano"),
        ("NVIDIA Jetson Nanometre", "generic"),
    ],
)
def test_a_board_is_known_by_the_name_that_it_gives_itself(board: str, device: str) -> None:
    data = dataset().with_columns(device=np.full(len(dataset()), board))
    assert board_for(data, None)[0].name == device
