"""How far a work is, and how long it will still take."""

from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.progress import Pace


@given(st.floats(1, 1e6), st.floats(0, 1e6), st.floats(1, 1e6))
def test_a_steady_pace_ends_when_it_says(rate: float, before: float, more: float) -> None:
    """Work that was there before does not count as done quickly."""
    total = before + 2 * more
    pace = Pace(clock=iter([0.0, more / rate]).__next__)
    assert pace.left_s(before, total) is None
    left_s = pace.left_s(before + more, total)
    assert left_s is not None
    assert abs(left_s - more / rate) <= 1e-3 * more / rate


def test_work_of_unknown_size_has_no_end_in_sight() -> None:
    pace = Pace(clock=iter([0.0, 1.0]).__next__)
    assert pace.left_s(1, None) is None
    assert pace.left_s(2, None) is None
