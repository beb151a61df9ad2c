"""Alike layers draw alike, as far as the measurement does not say otherwise."""

from __future__ import annotations

import numpy as np

from edgeprofiler.measurement.attribution.prior import Prior

KINDS = ["conv"] * 6 + ["pool"] * 3
SECONDS = np.array([40, 42, 41, 39, 40, 12, 8, 9, 7.5]) * 1e-6


def test_a_measurement_that_is_sure_is_taken_as_it_is() -> None:
    prior = Prior(KINDS, SECONDS, 3.0)
    truth = np.linspace(0.5, 6.0, 9)
    found = prior.posterior(np.eye(9) * 1e8, truth * 1e8, every=True)
    np.testing.assert_allclose(found.mean, truth, atol=1e-3)
    assert np.sqrt(np.diag(found.covariance)).max() < 1e-3


def test_a_layer_that_was_not_seen_gets_what_its_like_draw_and_an_error_that_says_so() -> None:
    prior = Prior(KINDS, SECONDS, 3.0)
    truth = np.array([4.0, 4.1, 3.9, 4.05, 3.95, 2.5, 1.0, 1.1, 0.9])
    seen = np.full(9, 1e4)
    seen[1] = seen[7] = 1e-9
    found = prior.posterior(np.diag(seen), truth * seen, every=True)
    error = np.sqrt(np.diag(found.covariance))
    assert abs(found.mean[1] - 4.0) < 0.4
    assert abs(found.mean[7] - 1.0) < 0.6
    assert error[1] > 10 * error[0]
    assert abs(found.mean[1] - 4.1) < 2 * error[1]


def test_layers_that_differ_widely_are_hardly_drawn_together() -> None:
    rng = np.random.default_rng(0)
    kinds, seconds = ["conv"] * 30, np.full(30, 40e-6)

    def drawn(spread: float) -> float:
        truth = 4.0 + spread * rng.normal(0, 1, 30)
        seen = np.full(30, 1 / 0.5**2)
        found = Prior(kinds, seconds, 3.0).posterior(np.diag(seen), truth * seen, every=True)
        return float(found.mean.std() / truth.std())

    assert drawn(0.05) < 0.4
    assert drawn(2.0) > 0.85


def test_without_a_measurement_nothing_is_known() -> None:
    prior = Prior(KINDS, SECONDS, 3.0)
    found = prior.posterior(np.zeros((9, 9)), np.zeros(9), every=True)
    assert np.sqrt(np.diag(found.covariance)).min() > 10.0
    assert np.abs(found.mean).max() == 0.0


def test_near_sizes_give_what_all_give_once_the_likeliest_are_known() -> None:
    rng = np.random.default_rng(1)
    truth = 4.0 + 0.8 * rng.normal(0, 1, 9)
    seen = np.full(9, 25.0)
    prior = Prior(KINDS, SECONDS, 3.0)
    whole = prior.posterior(np.diag(seen), truth * seen, every=True)
    near = prior.posterior(np.diag(seen), truth * seen, every=False)
    np.testing.assert_allclose(near.mean, whole.mean, atol=0.05)
