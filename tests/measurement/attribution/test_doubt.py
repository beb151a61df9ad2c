"""What is merged, and what edges leave open."""

from __future__ import annotations

import numpy as np
import pytest

from edgeprofiler.measurement.attribution.doubt import Posterior, edge_energy, merge
from edgeprofiler.measurement.attribution.fit import Basis, Fit
from edgeprofiler.measurement.attribution.timing import Timing

SECONDS = np.array([1e-3, 1e-4, 2e-3])


def posterior(errors: tuple[float, ...], inflation: float = 1.0) -> Posterior:
    covariance = np.diag(np.square(errors))
    mean = np.array([3.0, 5.0, 4.0, 1.0, 0.5])
    return Posterior(mean, covariance, 0 * covariance, np.empty((0, 5)), inflation)


def test_layers_that_are_sure_enough_stay_alone() -> None:
    groups = merge(posterior((0.1,) * 5), SECONDS, 0.2)
    np.testing.assert_allclose(groups.power_w, [3.0, 5.0, 4.0])
    np.testing.assert_allclose(groups.error_w, 0.1)


def test_an_unsure_layer_joins_a_neighbour_and_energy_is_kept() -> None:
    groups = merge(posterior((0.1, 1.0, 0.1, 0.1, 0.1)), SECONDS, 0.2)
    assert len(groups) == 2
    assert groups.label[1] in (groups.label[0], groups.label[2])
    seconds = np.bincount(groups.label, SECONDS)
    assert groups.power_w @ seconds == pytest.approx(SECONDS @ [3.0, 5.0, 4.0])
    assert groups.error_w.max() <= 0.2


def test_a_factor_on_errors_merges_more() -> None:
    assert len(merge(posterior((0.15,) * 5, 3.0), SECONDS, 0.2)) < 3


def test_edges_weigh_most_on_short_layers() -> None:
    groups = merge(posterior((0.01,) * 5), SECONDS, 1.0, edge_j=5e-5)
    np.testing.assert_allclose(groups.error_w, np.hypot(0.01, 5e-5 / SECONDS))


def test_edges_hide_nothing_where_power_is_constant_within_layers() -> None:
    residual = np.full(100, 0.1)
    solution = np.zeros(5)
    plain = Fit(
        Timing(1.1e-3), Basis.plain(3), np.zeros((100, 5)), solution, residual, 1.0
    )  # fmt: skip
    assert edge_energy(plain, SECONDS, plain.residual_w) == 0
    assert edge_energy(plain, SECONDS, 0.05) > 0
    cells = Basis(np.array([2, 1, 4]), texture=4.0)
    varied = Fit(Timing(1.1e-3), cells, np.zeros((100, 9)), np.zeros(9), residual, 1.0)
    assert edge_energy(varied, SECONDS, np.nan) == pytest.approx(
        0.6 * 2 * varied.residual_w * SECONDS.sum() / 7
    )
