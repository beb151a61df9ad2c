"""A condition keeps the rows that meet it, and runs nothing."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.sweep import sweep
from edgeprofiler.decision.sweep.where import Where

ROWS = {
    "fps": np.array([20.0, 30.0, 60.0, np.nan]),
    "power_w": np.array([5.0, 10.0, 12.0, 8.0]),
    "precision": np.array(["fp16", "int8", "int8", "fp16"]),
}


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("fps>=30 and power_w<=10", [1]),
        ("fps > 30 or power_w < 6", [0, 2]),
        ("not fps >= 30", [0, 3]),
        ("30 <= fps < 60", [1]),
        ("precision == 'int8'", [1, 2]),
        ("precision != 'int8' and (fps < 30 or power_w == 8)", [0, 3]),
        ("fps > -1", [0, 1, 2]),
        ("power_w >= fps", []),
    ],
)
def test_rows_that_meet_the_condition_stay(text: str, kept: list[int]) -> None:
    assert np.flatnonzero(Where.of(text, ROWS).keeps(ROWS)).tolist() == kept


@pytest.mark.parametrize(
    "text",
    [
        "", "fps", "fps >=", "fps >= 30; power_w", "colour > 1", "__import__('os').system('x')",
        "fps.real > 1", "fps[0] > 1", "(lambda: 1)() > 0", "fps + 1 > 2", "fps > True", "fps > 1j",
        "fps in (1, 2)", "[x for x in fps] > 1", "fps := 3", "fps > f'{fps}'", "fps > b'1'",
        "1" + "0" * 400 + " < fps", "(" * 200 + "fps", "fps > 1" + " and fps > 1" * 100,
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="`where`") as caught:
        Where.of(text, ROWS)
    assert "\n" not in str(caught.value)


def test_a_number_is_not_compared_with_a_text() -> None:
    with pytest.raises(UsageError, match="compares a number with a text"):
        Where.of("fps > 'fast'", ROWS).keeps(ROWS)


@given(st.text(max_size=60))
def test_no_text_makes_it_crash(text: str) -> None:
    with suppress(UsageError):
        Where.of(text, ROWS).keeps(ROWS)


def test_limits_are_what_and_joins() -> None:
    where = Where.of("fps>=30 and 10 > power_w and (fps > 1 or power_w < 2) and not fps > 9", ROWS)
    assert where.limits == (("fps", True, 30.0), ("power_w", False, 10.0))


def test_a_sweep_keeps_what_reaches_the_limits_and_says_what_it_left_out() -> None:
    asked = {"device": "all", "batch": [1, 4], "rate": "30/s"}
    everything = sweep("zoo:resnet18", **asked)
    kept = sweep("zoo:resnet18", **asked, where="fps>=200 and power_w<=10")
    assert everything.power_at_rate_w is not None
    meets = (everything.images_hz >= 200) & (everything.power_at_rate_w <= 10)
    assert 0 < meets.sum() < len(everything)
    assert len(kept) == meets.sum()
    assert kept.left_out == len(everything) - len(kept)
    assert kept.device == tuple(np.array(everything.device)[meets])
    assert kept.pareto.any()
    assert kept.document()["where"] == "fps>=200 and power_w<=10"


def test_a_condition_that_no_row_meets_leaves_an_empty_sweep() -> None:
    kept = sweep("zoo:lenet", where="fps < 0")
    assert (len(kept), kept.left_out) == (0, 1)
