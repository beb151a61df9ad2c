"""Everything that is named is held against the first."""

import pytest

from edgeprofiler.core.errors import UsageError
from edgeprofiler.decision.compare import compare
from edgeprofiler.prediction.predict import predict


def test_every_combination_is_held_against_the_first() -> None:
    found = compare("zoo:lenet", "zoo:alexnet", device="jetson-nano", batch=[1, 4])
    assert found.labels == (
        "lenet, jetson-nano@maxn, fp16, batch 1", "lenet, jetson-nano@maxn, fp16, batch 4",
        "alexnet, jetson-nano@maxn, fp16, batch 1", "alexnet, jetson-nano@maxn, fp16, batch 4",
    )  # fmt: skip
    assert len(found.comparisons) == 3
    assert all(c.a is found.answers[0].profile for c in found.comparisons)
    assert found.document()["profiles"] == list(found.labels)


def test_profiles_are_compared_as_they_are() -> None:
    profile = predict("zoo:lenet", "jetson-nano")
    assert compare(profile, profile).comparisons[0].energy.verdict == "same"
    with pytest.raises(UsageError, match="compare needs two"):
        compare(profile)
