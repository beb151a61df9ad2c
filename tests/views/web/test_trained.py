"""Trained predictors that the server was started with, chosen by name beside the analytic model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the web extra is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")
pytest.importorskip("sklearn", reason="the learn extra is not installed")

from fastapi.testclient import TestClient
from learning_data import BOARD, dataset

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.core.units import engineering
from edgeprofiler.learning.stores.folder import FolderStore
from edgeprofiler.learning.training.fitting import train
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.web import Settings, create_app

HTML = {"accept": "text/html"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A predictor that was trained for `BOARD`."""
    made = tmp_path_factory.mktemp("trained") / "mine"
    fast = TrainingOptions(options={"trees": 4}, folds=2)
    FolderStore().put(train(dataset(), load_device(BOARD), fast), str(made))
    return made


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    settings = Settings(predictors=(str(folder),), advise_seconds=600.0)
    with TestClient(create_app(settings), base_url="http://127.0.0.1:8321") as made:
        yield made


def asked(**more: object) -> dict[str, object]:
    return {"model": "zoo:lenet", "device": BOARD, "predictor": "mine", **more}


def test_its_numbers_are_those_of_the_command_line(client: TestClient, folder: Path) -> None:
    found = client.post("/api/v1/predict", json=asked()).json()
    expected = predict("zoo:lenet", BOARD, predictor=folder)
    assert found["totals"]["energy_j"] == expected.totals.energy_j.value
    assert found["origin"]["by"].startswith("trained")
    analytic = client.post("/api/v1/predict", json=asked(predictor=None)).json()
    assert analytic["origin"]["by"] == "roofline"


def test_a_page_offers_it_and_shows_what_was_chosen(client: TestClient, folder: Path) -> None:
    name, _, mode = BOARD.partition("@")
    query = {"model": "zoo:lenet", "device": name, "mode": mode, "predictor": "mine"}
    page = client.get("/", params=query, headers=HTML).text
    energy = predict("zoo:lenet", BOARD, predictor=folder).totals.energy_j.value
    assert f"<strong>{engineering(energy, 'J')}</strong>" in page
    assert '<option value="mine" selected>' in page
    assert "predictor=mine" in page  # what is downloaded is what is shown
    assert client.get("/api/v1/options").json()["predictors"] == ["mine"]


def test_advice_is_by_it_too_and_leaves_the_power_mode_alone(client: TestClient) -> None:
    found = client.post("/api/v1/advise", json=asked()).json()
    expected = client.post("/api/v1/predict", json=asked()).json()["totals"]["energy_j"]
    assert found["before"]["energy_per_image_j"] == pytest.approx(expected)
    assert "mode" not in {change["kind"] for change in found["single_changes"]}
    refused = client.post("/api/v1/advise", json=asked(kinds=["mode"]))
    assert refused.status_code == 400
    assert "one power mode" in refused.json()["error"]["message"]


def test_another_board_and_an_unknown_name_are_refused_in_words(client: TestClient) -> None:
    other = client.post("/api/v1/predict", json=asked(device="jetson-tx2"))
    assert other.status_code == 400
    assert "was trained for" in other.json()["error"]["message"]
    for name in ("yours", "/etc/passwd", "../mine"):
        unknown = client.post("/api/v1/predict", json=asked(predictor=name))
        assert unknown.status_code == 400
        assert "choose one of: mine" in unknown.json()["error"]["message"]


def test_a_server_starts_with_usable_predictors_alone(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        create_app(Settings(predictors=(str(tmp_path),)))
    with pytest.raises(UsageError, match="two predictors are named 'mine'"):
        create_app(Settings(predictors=(str(folder), str(folder))))
