"""What is too doubtful to be given, and what slow drift excuses."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.measurement.attribution.doubt import LayerDoubt, _beyond_drift


@pytest.mark.parametrize(
    ("told", "halves", "blurred", "nothing"),
    [
        (0.9, 1.2, 0.01, False),
        (0.1, 1.2, 0.01, True),
        (0.9, 1.2, 0.06, True),
        (0.9, 5.5, 0.01, True),
    ],
    ids=["sound", "untold", "blurred", "contradicting"],
)
def test_layers_are_given_only_where_samples_tell_them_and_agree(
    told: float, halves: float, blurred: float, nothing: bool
) -> None:
    assert LayerDoubt(told, np.ones(3), halves, 1.0, blurred).says_nothing is nothing


def test_halves_of_a_board_that_warms_do_not_disagree() -> None:
    rng = np.random.default_rng(1)
    power, error = np.append(rng.uniform(2, 9, 30), [1.0, 0.5]), rng.uniform(0.01, 0.2, 30)
    noise = rng.normal(0, 1, 30)
    drift = (0.2 + 0.03 * (power[:30] - 0.5)) / error
    assert _beyond_drift(noise + drift, error, power) == pytest.approx(
        _beyond_drift(noise, error, power)
    )
    assert 0.5 < _beyond_drift(noise, error, power) < 1.6
    wrong = noise.copy()
    wrong[3] += 20.0
    assert _beyond_drift(wrong + drift, error, power) > 8
