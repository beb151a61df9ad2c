"""From rows to a predictor and back from disk."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning_data import BOARD, NETWORKS, dataset, measured

from edgeprofiler.core import plugins
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InsufficientData, InvalidInput, UsageError
from edgeprofiler.core.parallel import Workers
from edgeprofiler.learning.dataset import Dataset, rows_of
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.training.evaluation import evaluate
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.groups import share_out
from edgeprofiler.learning.training.metrics import errors_of
from edgeprofiler.learning.training.options import TrainingOptions, read_options
from edgeprofiler.learning.training.select import folds_of, table_of
from edgeprofiler.prediction.features import Ratings
from edgeprofiler.prediction.loading import load_predictor, predictor_of
from edgeprofiler.prediction.predict import predict
from edgeprofiler.prediction.predictors.artifact import Artifact, pack
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.predictors.trained import TrainedPredictor
from edgeprofiler.reading.read import read

pytest.importorskip("sklearn")
pytestmark = pytest.mark.slow
DEVICE = load_device(BOARD)
FAST = TrainingOptions(options={"trees": 20}, folds=3)


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return train(dataset(), DEVICE, FAST)


@pytest.fixture(scope="module")
def predictor(artifact: Artifact) -> TrainedPredictor:
    return predictor_of(artifact)


def test_six_models_are_trained(artifact: Artifact) -> None:
    models = {(m["kind"], m["quantity"]) for m in artifact.header["models"]}
    assert models == {
        (kind, quantity)
        for kind in ("convolutional", "pooling", "dense")
        for quantity in ("runtime_s", "power_above_idle_w")
    }


def test_another_order_of_rows_gives_the_same_bytes(artifact: Artifact) -> None:
    order = np.random.default_rng(1).permutation(len(dataset()))
    assert pack(train(dataset().take(order), DEVICE, FAST)) == pack(artifact)


def test_a_predictor_from_disk_predicts_the_same(
    artifact: Artifact, predictor: TrainedPredictor, tmp_path: Path
) -> None:
    FolderStore(tmp_path).put(artifact, "p")
    profile = predict("zoo:resnet18", predictor=tmp_path / "p")
    assert profile == predictor.predict(read("zoo:resnet18"))
    assert profile.origin.by == "trained:hybrid"


def test_networks_in_training_are_predicted_closely(predictor: TrainedPredictor) -> None:
    truth, guess = measured("resnet18"), predictor.predict(measured("resnet18").network)
    for name in ("runtime_s", "energy_j"):
        low_high = getattr(guess.totals, name)
        assert low_high.low < getattr(truth.totals, name).value < low_high.high


def test_energies_of_parts_sum_to_the_total(predictor: TrainedPredictor) -> None:
    profile = predictor.predict(read("zoo:mobilenet_v2"))
    parts = float(profile.costs.energy_j.sum()) + profile.fixed.energy_j + profile.host_gap.energy_j
    assert parts == pytest.approx(profile.totals.energy_j.value, rel=1e-9)


def test_many_networks_at_once_are_each_as_alone(predictor: TrainedPredictor) -> None:
    networks = [read(f"zoo:{name}") for name in ("lenet", "squeezenet1_0", "lenet")]
    together = predictor.predict_many(networks)
    assert list(together) == [predictor.predict(network) for network in networks]
    assert len(together[1:]) == 2
    assert together[-1] == together[2]
    with pytest.raises(IndexError):
        together[3]


def test_no_prediction_is_negative_at_twice_and_eight_times_the_size(
    predictor: TrainedPredictor,
) -> None:
    from edgeprofiler.reading.read import input_shapes

    before = predictor.predict(read("zoo:resnet18"))
    for resolution in (448, 1792):
        shapes = input_shapes("zoo:resnet18", resolution)
        profile = predictor.predict(read("zoo:resnet18", shapes=shapes))
        known = profile.costs.covered
        assert (profile.costs.runtime_s[known] >= 0).all()
        assert (profile.costs.power_w[known] > 0).all()
        assert profile.totals.runtime_s.value > before.totals.runtime_s.value
        assert any("outside the training" in text for text in profile.warnings)
        before = profile


def test_layers_outside_the_training_name_the_nearest_known(predictor: TrainedPredictor) -> None:
    text = " ".join(predictor.predict(read("zoo:resnet50", batch=16)).warnings)
    assert "times more" in text
    assert "the nearest known" in text


def test_totals_are_as_far_outside_the_training_as_their_layers(
    predictor: TrainedPredictor,
) -> None:
    def widths(batch: int) -> tuple[np.ndarray[Any, Any], float]:
        profile = predictor.predict(read("zoo:vgg11", batch=batch))
        costs, total = profile.costs, profile.totals.runtime_s
        layers = np.log(costs.runtime_s_high / costs.runtime_s_low)
        return layers[np.array(costs.known_by) == "trained"], math.log(total.high / total.low)

    (layers, total), (far_layers, far_total) = widths(1), widths(64)
    grown = far_layers / layers
    assert grown.max() > 3.0
    assert max(grown.min(), 2.0) < far_total / total < grown.max()
    inside = predictor.predict(read("zoo:lenet")).totals.runtime_s
    assert math.log(inside.high / inside.low) == pytest.approx(total)


def test_a_trained_predictor_answers_for_its_board_only(artifact: Artifact, tmp_path: Path) -> None:
    FolderStore(tmp_path).put(artifact, "p")
    with pytest.raises(UsageError, match="trained for jetson-orin-nano, not jetson-tx2"):
        load_predictor(tmp_path / "p", load_device("jetson-tx2"))


def test_a_trained_predictor_answers_for_its_power_mode_only(artifact: Artifact) -> None:
    trained = artifact.header["device"]["mode"]
    other = next(mode.name for mode in DEVICE.modes if mode.name != trained)
    with pytest.raises(UsageError, match=f"in mode {trained}, not {other}; name it with `device`"):
        predictor_of(artifact, DEVICE.with_mode(other))


def test_a_host_that_was_not_measured_widens_and_keeps_its_own_gap(artifact: Artifact) -> None:
    """Layers are the engine's; what lies between two inferences is the host's."""
    network = read("zoo:resnet18")
    known = predictor_of(artifact, DEVICE).predict(network)
    asked = DEVICE.with_runtime("cpp")
    other = predictor_of(artifact, DEVICE, runtime="cpp").predict(network)
    assert other.totals.runtime_s.value == pytest.approx(known.totals.runtime_s.value, rel=0.01)
    assert other.host_gap.runtime_s == RooflinePredictor(asked).predict(network).host_gap.runtime_s
    for name in ("runtime_s", "end_to_end_s", "energy_j"):
        wide, narrow = getattr(other.totals, name), getattr(known.totals, name)
        assert wide.high / wide.value > narrow.high / narrow.value
    trained = np.array([by == "trained" for by in known.costs.known_by])
    assert np.all((other.costs.runtime_s_high > known.costs.runtime_s_high)[trained])
    assert "trained on measurements of simulated, asked about cpp" in " ".join(other.warnings)
    assert "asked about" not in " ".join(known.warnings)


def test_other_features_are_refused(artifact: Artifact) -> None:
    header = {**artifact.header, "features": [*artifact.header["features"][1:], "phase_of_moon"]}
    with pytest.raises(InvalidInput, match="other features"):
        predictor_of(replace(artifact, header=header))


@pytest.mark.parametrize("key", ["device", "models", "board", "overhead", "provenance"])
def test_a_header_that_lacks_a_part_is_refused(artifact: Artifact, key: str) -> None:
    header = {k: v for k, v in artifact.header.items() if k != key}
    with pytest.raises(InvalidInput, match=f"{key} is missing"):
        predictor_of(replace(artifact, header=header))


def test_one_network_is_too_few() -> None:
    with pytest.raises(InsufficientData, match="1 network"):
        train(rows_of(measured("resnet18")), DEVICE, FAST)


def test_a_missing_kind_is_left_to_the_analytic_model_and_said() -> None:
    data = dataset().take(dataset().text("kind") != "pooling")
    found = train(data, DEVICE, FAST)
    assert any("pooling" in note for note in found.header["notes"])
    profile = predictor_of(found).predict(read("zoo:vgg11"))
    assert any("no pooling layers were trained on" in text for text in profile.warnings)
    pools = [c for c in profile if c.layer.kind == "pooling"]
    assert all(cost.known_by == "model" for cost in pools)


def test_without_power_only_runtime_is_learnt() -> None:
    names = ("lenet", "resnet18", "squeezenet1_0")
    data = Dataset.concatenate([rows_of(measured(name, power=False)) for name in names])
    found = train(data, DEVICE, FAST)
    assert {m["quantity"] for m in found.header["models"]} == {"runtime_s"}
    profile = predictor_of(found).predict(read("zoo:lenet"))
    assert math.isfinite(profile.totals.energy_j.value)
    assert any("no power was trained on" in text for text in profile.warnings)


def test_power_that_was_not_trained_on_is_as_sure_as_the_analytic_model_is() -> None:
    """That model has no powers of other boards than Orin Nano, and says so."""
    rows = [rows_of(measured(name, power=False), name) for name in NETWORKS]
    board = load_device("jetson-agx-orin")
    kept = train(Dataset.concatenate(rows), board, FAST)
    network = read("zoo:resnet18", device=board)
    for confidence in (0.5, 0.99):
        own = RooflinePredictor(board, confidence).predict(network).totals.power_above_idle_w
        found = predictor_of(kept, board, confidence).predict(network)
        power = found.totals.power_above_idle_w
        assert power.high / power.low == pytest.approx(own.high / own.low)
        assert any("power of jetson-agx-orin was hardly" in text for text in found.warnings)


def test_a_gap_that_was_not_measured_is_doubted_as_the_analytic_model_doubts_it(
    artifact: Artifact,
) -> None:
    network = read("zoo:resnet18")
    other = predictor_of(artifact, DEVICE, runtime="torch-tensorrt").predict(network)
    assert any(text.startswith("two host gaps") for text in other.warnings)
    assert not any("two host gaps" in w for w in predictor_of(artifact).predict(network).warnings)


def test_rows_with_few_samples_do_not_train_power() -> None:
    samples = np.where(dataset().text("kind") == "dense", 3.0, 60.0)
    found = train(dataset().with_columns(samples=samples), DEVICE, FAST)
    kinds = {m["kind"] for m in found.header["models"] if m["quantity"] != "runtime_s"}
    assert kinds == {"convolutional", "pooling"}


def test_too_few_usable_rows_are_said() -> None:
    data = dataset().take(dataset().text("kind") == "other")
    with pytest.raises(InsufficientData, match="no kind of layer"):
        train(data, DEVICE, FAST)


def test_a_bad_row_is_never_trained_on() -> None:
    runtime = dataset().number("runtime_s").copy()
    runtime[5] = -1.0
    with pytest.raises(InvalidInput, match="row 6"):
        train(dataset().with_columns(runtime_s=runtime), DEVICE, FAST)


def test_an_unknown_recipe_and_an_unknown_option_are_said() -> None:
    with pytest.raises(UsageError, match="no recipe named 'magic'"):
        train(dataset(), DEVICE, TrainingOptions(recipe="magic"))
    with pytest.raises(UsageError, match="no option 'depth'"):
        train(dataset(), DEVICE, TrainingOptions(options={"depth": 3}))
    with pytest.raises(UsageError, match="no option 'depth'"):
        train(dataset(), DEVICE, TrainingOptions(recipe="neuralpower", options={"depth": 3}))


@pytest.mark.parametrize(
    ("recipe", "options", "said"),
    [
        ("hybrid", {"trees": "x"}, "trees='x' must be a whole number"),
        ("hybrid", {"alpha": True}, "alpha=True must be a number"),
        ("neuralpower", {"log": 2}, "log=2 must be true or false"),
        ("hybrid", {"trees": -5}, "cannot have trees=-5"),
    ],
)
def test_an_option_has_the_type_of_its_default(
    recipe: str, options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        train(dataset(), DEVICE, TrainingOptions(recipe=recipe, options=options))


@pytest.mark.parametrize("options", [{"degree": 1}, {"degree": 2, "log": True}])
def test_the_published_recipe_is_kept_as_arrays_too(options: dict[str, Any]) -> None:
    found = train(
        dataset(), DEVICE, TrainingOptions("neuralpower", {**options, "folds": 3}, folds=2)
    )
    assert all(m["form"] == "arrays" for m in found.header["models"])
    profile = predictor_of(found).predict(read("zoo:resnet18"))
    assert (profile.costs.runtime_s >= 0).all()


class TestOwnRecipe:
    """A recipe of the user's whose estimator has no form as plain arrays."""

    @pytest.fixture
    def kept(self, monkeypatch: pytest.MonkeyPatch) -> Artifact:
        pytest.importorskip("skops")
        from sklearn.neighbors import KNeighborsRegressor

        original = plugins.load

        def load(kind: Any, name: str) -> Any:
            if (kind, name) == ("recipes", "neighbours"):
                return lambda *_, **__: KNeighborsRegressor(2)
            return original(kind, name)

        monkeypatch.setattr(plugins, "load", load)
        return train(dataset(), DEVICE, TrainingOptions("neighbours", folds=2))

    def test_it_is_kept_by_skops_and_says_what_it_needs(
        self, kept: Artifact, tmp_path: Path
    ) -> None:
        assert {m["form"] for m in kept.header["models"]} == {"skops"}
        FolderStore(tmp_path).put(kept, "p")
        loaded = FolderStore(tmp_path).get("p")
        trusted = {name for m in kept.header["models"] for name in m["trusted"]}
        profile = predictor_of(loaded, trusted=sorted(trusted)).predict(read("zoo:lenet"))
        assert (profile.costs.runtime_s >= 0).all()

    def test_types_that_nobody_trusts_are_not_loaded(
        self, kept: Artifact, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import skops.io

        monkeypatch.setattr(skops.io, "get_untrusted_types", lambda data: ["evil.Type"])
        with pytest.raises(InvalidInput, match=r"evil\.Type"):
            predictor_of(kept)

    def test_bytes_that_hold_no_estimator_are_refused(self, kept: Artifact) -> None:
        extra = dict.fromkeys(kept.extra, b"nothing")
        with pytest.raises(InvalidInput, match="no archive"):
            predictor_of(replace(kept, extra=extra))


def test_networks_are_left_out_whole() -> None:
    folds = folds_of(dataset().text("network"), 3)
    for name in NETWORKS:
        assert len(set(folds[dataset().text("network") == name].tolist())) == 1


def test_evaluation_against_mean_analytic_and_published() -> None:
    options = replace(FAST, test_networks=("lenet", "resnet18"))
    result = evaluate(dataset(), DEVICE, options)
    names = [way.name for way in result.ways]
    assert names == ["hybrid", "mean", "analytic", "neuralpower"]
    ours, mean = (result.errors(result.ways[i], "all", "runtime_s")["rmspe"] for i in (0, 1))
    assert ours is not None
    assert mean is not None
    assert ours < 0.3 < mean
    assert result.table.data.networks == ("lenet", "resnet18")
    json.dumps(result.document(), allow_nan=False)


def test_leaving_one_out_judges_every_network() -> None:
    result = evaluate(dataset(), DEVICE, FAST, baselines=("mean", "analytic"), curve=True)
    assert result.scheme == "leave one network out"
    assert set(result.ways[0].totals.names) == set(NETWORKS)
    held = result.coverage["runtime_s"]
    assert 0.8 < held.inside / held.count <= 1.0
    assert [size for size, _ in result.learning_curve] == [2, 3, 5]


def test_a_test_network_that_is_not_there_is_said() -> None:
    with pytest.raises(UsageError, match="no network 'vgg19'"):
        evaluate(dataset(), DEVICE, replace(FAST, test_networks=("vgg19",)))


def test_a_groups_energy_is_shared_out_and_kept() -> None:
    """Neighbours under one power: what each draws differs, what all draw stays."""
    data = dataset()
    own = np.flatnonzero(data.text("network") == "vgg11")[2:6]
    known, power = data.text("known_by").astype(object), data.number("power_above_idle_w").copy()
    time = data.number("runtime_s")
    known[own] = "group:1"
    truth = power[own].copy()
    power[own] = (time[own] * truth).sum() / time[own].sum()
    total = data.number("idle_power_w") + power
    grouped = data.with_columns(
        known_by=known.astype(np.str_), power_above_idle_w=power, power_w=total
    )
    shared = share_out(table_of(grouped, Ratings.of(DEVICE))).data
    rows = shared.text("known_by") == "group:1"
    found, length = shared.number("power_above_idle_w")[rows], shared.number("runtime_s")[rows]
    assert (found * length).sum() == pytest.approx((power[own] * time[own]).sum())
    assert np.ptp(found) > 0
    assert np.abs(np.sort(found) / np.sort(truth) - 1).max() < np.abs(power[own] / truth - 1).max()


def test_errors_are_the_ones_of_their_definitions() -> None:
    found = errors_of(np.array([1.1, 1.8, np.nan]), np.array([1.0, 2.0, 3.0]))
    assert found["count"] == 2
    assert found["rmspe"] == pytest.approx(0.1)
    assert found["mape"] == pytest.approx(0.1)
    assert found["mse"] == pytest.approx((0.01 + 0.04) / 2)
    assert found["mae"] == pytest.approx(0.15)
    assert found["r2"] == pytest.approx(1 - 0.025 / 0.25)
    assert errors_of(np.zeros(0), np.zeros(0))["rmspe"] is None
    assert errors_of(np.ones(2), np.ones(2))["r2"] is None


def test_options_come_from_one_file(tmp_path: Path) -> None:
    path = tmp_path / "train.toml"
    path.write_text(
        'recipe = "neuralpower"\nseed = 3\ntest_networks = ["lenet"]\n[options]\ndegree = 3\n'
    )
    options = read_options(path)
    assert options == TrainingOptions("neuralpower", {"degree": 3}, 3, test_networks=("lenet",))
    assert options.with_changes(seed=None, recipe="hybrid").recipe == "hybrid"


@pytest.mark.parametrize(
    "text",
    ["colour = 1\n", 'seed = "a"\n', "options = 1\n", "test_networks = 1\n", "seed = true\n"],
)
def test_wrong_options_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.toml"
    path.write_text(text)
    with pytest.raises(InvalidInput):
        read_options(path)


def test_networks_left_out_on_two_cores_give_the_errors_of_one() -> None:
    alone = evaluate(dataset(), DEVICE, FAST)
    shared = evaluate(dataset(), DEVICE, FAST, workers=Workers(jobs=2))
    assert shared.document() == alone.document()
