"""An engine's memory is weights, activations and workspace, and fits a board or does not."""

import math
from dataclasses import replace

import pytest

from edgeprofiler.core.profile import Profile, from_document, to_document
from edgeprofiler.core.profile.memory import SYSTEM_BYTES, EngineMemory
from edgeprofiler.core.profile.words import cautions
from edgeprofiler.decision.check import Budget, judge
from edgeprofiler.decision.sweep import sweep
from edgeprofiler.prediction.predict import predict

GIB = 2**30


@pytest.mark.parametrize(
    ("board", "fits"),
    [(100.0, "no"), (149.0, "no"), (150.0, "undecided"), (SYSTEM_BYTES + 172.5, "yes"),
     (SYSTEM_BYTES + 172.0, "undecided"), (math.nan, "undecided")],
)  # fmt: skip
def test_it_fits_surely_or_surely_not_or_that_hangs_on_the_system(board: float, fits: str) -> None:
    memory = EngineMemory(100.0, 50.0, 10.0, board)
    assert (memory.total.value, memory.total.low, memory.total.high) == (160.0, 150.0, 172.5)
    assert memory.fits == fits


@pytest.fixture(scope="module")
def vgg() -> Profile:
    return predict("zoo:vgg16", "jetson-nano")


def test_weights_are_the_published_parameters_in_the_type_of_the_engine(vgg: Profile) -> None:
    """torchvision's vgg16 has 138,357,544."""
    assert vgg.memory.weight_bytes == 2 * 138_357_544
    assert vgg.memory.board_bytes == 4 * GIB
    assert from_document(to_document(vgg)).memory == vgg.memory


def test_what_does_not_fit_is_a_warning_everywhere() -> None:
    large = predict("zoo:vgg16", "jetson-nano", batch=512)
    assert large.memory.fits == "no"
    assert cautions(large)[0].startswith("does not fit: the engine takes at least")


def test_a_budget_limits_memory(vgg: Profile) -> None:
    total = vgg.memory.total.value / 2**20
    for limit, verdict in ((total / 2, "over"), (total, "undecided"), (2 * total, "under")):
        assert judge(vgg, Budget("b", {"memory_mib": limit})).findings[0].verdict == verdict


def test_a_sweep_says_the_memory_of_each_batch_as_a_prediction_does() -> None:
    found = sweep("zoo:resnet18", device="jetson-orin-nano", batch=[1, 8], where="memory_mib > 0")
    for place, batch in enumerate((1, 8)):
        total = predict("zoo:resnet18", "jetson-orin-nano", batch=batch).memory.total
        assert found.memory_bytes[place] == pytest.approx(total.value, rel=1e-3)
        assert found.memory_bytes_high[place] == pytest.approx(total.high, rel=1e-3)


def test_without_lifetimes_memory_is_not_known(vgg: Profile) -> None:
    unknown = replace(vgg, network=replace(vgg.network, activation_bytes=None))
    assert (unknown.memory.total.known, unknown.memory.fits) == (False, "undecided")
    assert to_document(unknown)["memory"]["total_bytes"] is None
