"""An objective for a search is what predictions of its candidates say."""

import numpy as np
import pytest

from edgeprofiler.core.errors import InvalidInput, Unsupported, UsageError
from edgeprofiler.core.parallel import Workers
from edgeprofiler.decision.objective import objective
from edgeprofiler.prediction.predict import predict
from edgeprofiler.reading.read import read


def test_an_objective_gives_arrays_for_candidates() -> None:
    cost = objective("jetson-orin-nano")
    values = cost(["zoo:lenet", read("zoo:resnet18")])
    profile = predict("zoo:resnet18", "jetson-orin-nano")
    assert values.energy_j.shape == (2,)
    assert values.energy_j[1] == pytest.approx(profile.totals.energy_j.value)
    assert values.runtime_s[0] < values.runtime_s[1]
    assert len(cost([]).power_w) == 0


@pytest.mark.parametrize(
    ("bad", "said"),
    [("zoo:none", "zoo:none: the zoo has no"), ("none.onnx", "no such file"), (42, "is int, no")],
)
def test_a_candidate_that_is_no_model_is_named_by_its_place(bad: object, said: str) -> None:
    with pytest.raises(InvalidInput, match=f"candidate 1: .*{said}"):
        objective("jetson-orin-nano")(["zoo:lenet", bad])  # type: ignore[list-item]


def test_what_is_asked_is_asked_of_every_candidate() -> None:
    values = objective("jetson-nano", batch=4, precision="FP32")(["zoo:lenet"])
    totals = predict("zoo:lenet", "jetson-nano", batch=4, precision="fp32").totals
    assert values.energy_j[0] == pytest.approx(totals.energy_j.value)
    with pytest.raises(UsageError, match="no intervals"):
        objective(confidence=0.5)
    with pytest.raises(Unsupported, match=r"candidate 0: .* built for one batch"):
        objective(batch=4)([read("zoo:lenet")])


def test_many_candidates_keep_their_order_whoever_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeprofiler.decision.objective._CHUNK", 3)
    names = [f"zoo:mobilenet_v2?width={1 + n / 8:g}" for n in range(1, 9)]
    alone = objective("jetson-nano")(iter(names))
    shared = objective("jetson-nano", workers=Workers(jobs=2))(iter(names))
    assert shared.energy_j.tolist() == alone.energy_j.tolist()
    assert shared.runtime_s.tolist() == alone.runtime_s.tolist()
    assert [profile.network.name for profile in shared.profiles] == [n[4:] for n in names]
    assert (np.diff(alone.energy_j) > 0).all()
    with pytest.raises(InvalidInput, match=r"^candidate 7: "):
        objective("jetson-nano", workers=Workers(jobs=2))([*names[:7], "zoo:nothing"])
