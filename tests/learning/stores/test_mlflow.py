"""A registered predictor is the plain folder: what is pulled predicts what was pushed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from learning.training.tuning_data import measured_like

from edgeprofiler import predict
from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, Unavailable, UsageError
from edgeprofiler.learning.stores.facts import facts_of
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.stores.mlflow import MlflowStore
from edgeprofiler.prediction.predictors.artifact import Artifact, pack

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    from edgeprofiler.learning.training.fitting import train
    from edgeprofiler.learning.training.options import TrainingOptions

    rows = measured_like("lenet", "alexnet", "squeezenet1_0", "vgg11")
    options = TrainingOptions(options={"trees": 5}, folds=2, min_rows=5)
    return train(rows, load_device("jetson-orin-nano"), options)


def test_everything_in_the_header_is_shown(artifact: Artifact) -> None:
    facts = facts_of(artifact)
    assert facts.params["recipe"] == "hybrid"
    assert facts.params["option.trees"] == "5"
    assert facts.params["device"] == "jetson-orin-nano"
    assert facts.metrics["networks.runtime_s.rmspe"] > 0
    assert facts.metrics["convolutional.runtime_s.mape"] > 0
    assert len(facts.tags["dataset_sha256"]) == 64


@pytest.mark.parametrize("address", ["models:/", "", "a/b/c", "a@", "../x", "a:b"])
def test_what_is_no_model_is_refused(address: str) -> None:
    with pytest.raises(UsageError, match="NAME@ALIAS"):
        MlflowStore().get(address)


def test_dagshubs_tracking_server_is_named_by_its_repository(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSHUB_USER_TOKEN", "secret")
    monkeypatch.delenv("MLFLOW_TRACKING_USERNAME", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_PASSWORD", raising=False)
    import os

    assert MlflowStore("dagshub:owner/repo").uri == "https://dagshub.com/owner/repo.mlflow"
    assert os.environ["MLFLOW_TRACKING_PASSWORD"] == "secret"
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "")  # undone after the test
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "")
    with pytest.raises(UsageError, match="dagshub:OWNER/REPO"):
        MlflowStore("dagshub:owner")


def test_a_database_stays_the_one_of_its_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """MLflow keeps connections by address: two folders' `mlflow.db` must not be one."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        found.append(MlflowStore().uri)
    assert found == [f"sqlite:///{tmp_path / name / 'mlflow.db'}" for name in ("one", "two")]
    assert MlflowStore("sqlite:////data/a.db").uri == "sqlite:////data/a.db"
    assert MlflowStore("http://here:5000").uri == "http://here:5000"


def test_without_mlflow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(Unavailable, match=r"edgeprofiler\[mlflow\]"):
        MlflowStore("sqlite:///x.db").list()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, artifact: Artifact) -> Path:
    """A folder with a database that holds two versions of one model."""
    pytest.importorskip("mlflow")
    folder = tmp_path_factory.mktemp("registry")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        from edgeprofiler.learning.training.tracking import track
        from edgeprofiler.views.plots.residuals import draw_residuals

        FolderStore().put(artifact, "predictor")
        pictures = {"residuals.png": draw_residuals(artifact)}
        first = track(artifact, name="nano", alias="champion", pictures=pictures)
        second = MlflowStore().put(artifact, "models:/nano")
    assert (first, second) == ("models:/nano/1", "models:/nano/2")
    return folder


@pytest.mark.slow
class TestRegistry:
    """With MLflow itself, on a local database."""

    @pytest.fixture
    def store(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowStore:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place / 'mlflow.db'}")
        return MlflowStore()

    def test_what_comes_back_is_what_was_put(self, store: MlflowStore, artifact: Artifact) -> None:
        for address in ("models:/nano@champion", "nano/2", "nano"):
            assert pack(store.get(address)) == pack(artifact)
        assert list(store.list()) == ["models:/nano/2", "models:/nano/1"]

    def test_a_model_pulled_into_an_empty_folder_predicts_the_same_numbers(
        self, store: MlflowStore, place: Path, tmp_path: Path, cli: Callable[..., Any]
    ) -> None:
        assert cli("models", "pull", "nano@champion", "-o", tmp_path / "pulled").code == 0
        network = "zoo:resnet18"
        pushed = predict(network, predictor=place / "predictor").costs
        for predictor in (tmp_path / "pulled", "models:/nano@champion"):
            costs = predict(network, predictor=predictor).costs
            assert costs.runtime_s.tolist() == pushed.runtime_s.tolist()
            assert costs.power_w.tolist() == pushed.power_w.tolist()

    def test_nothing_that_executes_is_kept(self, store: MlflowStore, place: Path) -> None:
        kept = [path for path in (place / "mlruns").rglob("*") if path.is_file()]
        assert {path.suffix for path in kept} == {".json", ".npz", ".png"}
        assert not [path for path in kept if b"pickle" in path.read_bytes()]

    def test_a_run_has_parameters_metrics_pictures_data_and_commit(
        self, store: MlflowStore, place: Path, artifact: Artifact
    ) -> None:
        run = store.version("nano/1").run
        facts = store.run_facts(run)
        wanted = facts_of(artifact)
        assert dict(wanted.params).items() <= {**facts.params}.items() | {
            (k, v) for k, v in wanted.params.items() if not v
        }
        assert facts.metrics == pytest.approx(wanted.metrics)
        assert facts.tags["dataset_sha256"] == wanted.tags["dataset_sha256"]
        assert list((place / "mlruns").rglob(f"{run}/artifacts/residuals.png"))

    def test_the_commit_is_that_of_the_folder(self, tmp_path: Path) -> None:
        from edgeprofiler.learning.training.tracking import _git

        assert _git(tmp_path) == {}
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "init", "-q"], cwd=tmp_path, check=True)
        subprocess.run([*git, "commit", "-qm", "x", "--allow-empty"], cwd=tmp_path, check=True)
        assert len(_git(tmp_path)["mlflow.source.git.commit"]) == 40

    def test_an_alias_moves_from_version_to_version(
        self, store: MlflowStore, cli: Callable[..., Any]
    ) -> None:
        ran = cli("models", "alias", "nano/2", "next")
        assert "models:/nano@next is version 2" in ran.out
        assert store.version("nano@next").version == 2
        store.set_alias("nano/1", "next")
        assert store.version("nano@next").version == 1
        with pytest.raises(UsageError, match="no alias"):
            store.set_alias("nano/1", "v3")

    def test_models_are_listed_and_shown(self, store: MlflowStore, cli: Callable[..., Any]) -> None:
        listed = json.loads(cli("models", "list", "--json", "-").out)
        assert [entry["version"] for entry in listed] == [2, 1]
        assert "champion" in listed[1]["aliases"]
        assert "nano/1" in cli("models", "list").out
        shown = cli("models", "show", "nano@champion").out
        assert "jetson-orin-nano" in shown
        assert "convolutional.runtime_s" in shown
        assert max(len(line) for line in shown.splitlines()) <= 80

    def test_what_is_not_registered_is_said(
        self, store: MlflowStore, cli: Callable[..., Any]
    ) -> None:
        for address in ("other", "other@champion", "nano@other", "nano/9"):
            with pytest.raises(InvalidInput, match="models list"):
                store.get(address)
        assert cli("models", "show", "nano@other").code == 3

    def test_an_altered_model_is_refused(self, place: Path, store: MlflowStore) -> None:
        run = store.version("nano/2").run
        header = next((place / "mlruns").rglob(f"{run}/artifacts/predictor/predictor.json"))
        text = header.read_text()
        header.write_text(text.replace("jetson-orin-nano", "jetson-nano", 1))
        with pytest.raises(InvalidInput, match="altered"):
            store.get("nano/2")
        header.write_text(text)

    def test_a_server_that_is_not_there_is_said(self) -> None:
        with pytest.raises(Unavailable, match=r"after 0 s .*`tracking_uri`"):
            MlflowStore("http://127.0.0.1:9", wait_s=0).list()

    def test_a_search_is_logged_with_its_history(
        self, store: MlflowStore, tmp_path: Path, place: Path
    ) -> None:
        pytest.importorskip("optuna")
        from edgeprofiler.learning.training.options import TrainingOptions
        from edgeprofiler.learning.training.tracking import track_tuning
        from edgeprofiler.learning.training.tuning import Trial, Tuning
        from edgeprofiler.views.plots.tuning import draw_tuning

        trials = tuple(Trial(n, {"alpha": n}, 0.2 - n / 100, 1.0) for n in range(5))
        found = Tuning(TrainingOptions(options={"alpha": 4}), 0.16, 0.2, trials, {"alpha": 1.0})
        run = track_tuning(found, pictures={"tuning.png": draw_tuning(found)})
        facts = store.run_facts(run)
        assert facts.metrics["score"] == 0.16
        assert facts.params["option.alpha"] == "4"
        assert list((place / "mlruns").rglob(f"{run}/artifacts/tuning.png"))
