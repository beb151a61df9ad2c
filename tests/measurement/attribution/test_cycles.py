"""What differs from run to run: integrated out as a dense covariance would, and told apart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeprofiler.core.network import FloatArray
from edgeprofiler.measurement.attribution.cycles import UNKNOWNS, Cycles, Whitened
from edgeprofiler.measurement.attribution.noise import Noise, told_apart


def made(seed: int, count: int = 300, reach: int = 2, each: int = 3) -> Cycles:
    """Conversions that see one or two runs, several to a run, some runs unseen."""
    rng = np.random.default_rng(seed)
    run = np.sort(rng.integers(0, count // each, count)) * 2
    effect = rng.uniform(0.5, 1.5, (count, reach, UNKNOWNS))
    effect[rng.random((count, reach)) < 0.3] = 0.0
    return Cycles(run, effect)


def dense(cycles: Cycles, spread: FloatArray, noise: FloatArray) -> FloatArray:
    count, reach, unknowns = cycles.effect.shape
    table = np.zeros((count, int(cycles.run[-1]) + reach + 1, unknowns))
    for row in range(count):
        for ahead in range(reach):
            table[row, cycles.run[row] + ahead] += cycles.effect[row, ahead]
    flat = (table * np.sqrt(spread)).reshape(count, -1)
    return np.asarray(flat @ flat.T + np.diag(noise))


@given(
    seed=st.integers(0, 30), reach=st.sampled_from([1, 2, 3, 4, 9, 10, 25]),
    spread=st.sampled_from([(0.5, 0.0, 0.0), (0.2, 0.7, 0.4), (0.0, 0.0, 3.0)]),
)  # fmt: skip
def test_products_are_those_of_the_dense_covariance(
    seed: int, reach: int, spread: tuple[float, float, float]
) -> None:
    cycles = made(seed, count=24, reach=reach)
    rng = np.random.default_rng(seed)
    noise, variance = rng.uniform(0.5, 2.0, len(cycles.run)), np.array(spread)
    columns = rng.normal(0, 1, (len(cycles.run), 4))
    white = Whitened(cycles, variance, noise)
    whole = dense(cycles, variance, noise)
    expected = columns.T @ np.linalg.solve(whole, columns)
    np.testing.assert_allclose(white.gram(columns), expected, rtol=1e-8, atol=1e-8)
    assert white.log_determinant == pytest.approx(np.linalg.slogdet(whole)[1], rel=1e-8)


def test_cutting_a_session_into_stretches_changes_hardly_anything() -> None:
    """Runs at the borders count as two; there are forty-eight stretches, however long it was."""
    cycles, spread = made(5, count=3000), np.array([0.5, 0.2, 0.0])
    columns = np.random.default_rng(5).normal(0, 1, (3000, 2))
    whole = dense(cycles, spread, np.ones(3000))
    expected = columns.T @ np.linalg.solve(whole, columns)
    found = Whitened(cycles, spread, np.ones(3000)).gram(columns)
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=0.01)


def test_without_unknowns_there_is_plain_noise() -> None:
    cycles, noise = made(1, count=300), np.full(300, 0.25)
    columns = np.random.default_rng(0).normal(0, 1, (300, 3))
    white = Whitened(cycles, np.zeros(UNKNOWNS), noise)
    np.testing.assert_allclose(white.gram(columns), 4 * columns.T @ columns)


def test_runs_that_are_seen_once_are_noise_like_any_other() -> None:
    """As on a chip that holds each value longer than a run lasts."""
    rng = np.random.default_rng(2)
    cycles = Cycles(np.arange(200) * 3, rng.normal(0, 1, (200, 1, UNKNOWNS)))
    spread, noise = np.array([0.3, 0.1, 0.2]), np.full(200, 0.5)
    columns = rng.normal(0, 1, (200, 3))
    white = Whitened(cycles, spread, noise)
    expected = columns.T @ np.linalg.solve(dense(cycles, spread, noise), columns)
    np.testing.assert_allclose(white.gram(columns), expected, rtol=1e-9)


@pytest.mark.parametrize("spread", [(0.0, 0.0, 0.0), (0.04, 0.0, 0.0), (0.04, 0.0, 0.09)])
def test_causes_of_what_is_left_over_are_told_apart(spread: tuple[float, float, float]) -> None:
    rng = np.random.default_rng(3)
    cycles = made(3, count=12_000, each=4)
    variance = np.array(spread)
    unknown = rng.normal(0, 1, (int(cycles.run[-1]) + 3, UNKNOWNS)) * np.sqrt(variance)
    residual = rng.normal(0, 0.2, len(cycles.run))
    for ahead in range(cycles.reach):
        residual += (cycles.effect[:, ahead] * unknown[cycles.run + ahead]).sum(axis=1)
    found = told_apart(residual, cycles, 1.0, 0.0)
    assert found.sensor_w == pytest.approx(0.2, rel=0.08)
    np.testing.assert_allclose(found.spread, variance, atol=0.008)


def test_odd_polls_are_no_noise() -> None:
    rng = np.random.default_rng(4)
    cycles = Cycles(np.arange(3000) * 3, np.zeros((3000, 1, UNKNOWNS)))
    residual = rng.normal(0, 0.1, 3000)
    residual[::300] = 9.0
    assert told_apart(residual, cycles, 1.0, 0.0).sensor_w == pytest.approx(0.1, rel=0.1)


def test_noise_is_never_less_than_rounding_leaves() -> None:
    cycles = Cycles(np.arange(100), np.zeros((100, 1, UNKNOWNS)))
    assert told_apart(np.full(100, 1e-9), cycles, 1.0, 1e-4).sensor == pytest.approx(1e-4)
    assert Noise.white(0.01).sensor_w == pytest.approx(0.1)
