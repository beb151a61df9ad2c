"""MLflow's own page, opened in a browser, shows the runs with their plots and the models."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser.conftest import PATIENCE_MS
from learning.training.tuning_data import measured_like

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("mlflow", reason="the mlflow extra is not installed")
pytest.importorskip("sklearn", reason="the learn extra is not installed")

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = Path(os.environ.get("EDGEPROFILER_CHROMIUM", "/usr/bin/chromium"))
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--no-first-run")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`mlflow ui` on a database with one tracked training."""
    if not CHROMIUM.is_file():
        pytest.skip(f"no browser at {CHROMIUM} (apt-get install chromium)")
    from edgeprofiler.core.device import load_device
    from edgeprofiler.learning.training.fitting import train
    from edgeprofiler.learning.training.options import TrainingOptions
    from edgeprofiler.learning.training.tracking import track
    from edgeprofiler.views.plots.residuals import draw_residuals

    folder = tmp_path_factory.mktemp("mlflow")
    rows = measured_like("lenet", "alexnet", "squeezenet1_0", "vgg11")
    options = TrainingOptions(options={"trees": 5}, folds=2, min_rows=5)
    artifact = train(rows, load_device("jetson-orin-nano"), options)
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pictures = {"residuals.png": draw_residuals(artifact)}
        track(artifact, name="nano", alias="champion", tracking_uri=uri, pictures=pictures)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        sys.executable, "-m", "mlflow", "ui", "--backend-store-uri", uri,
        "--host", "127.0.0.1", "--port", str(port), "--workers", "1",
    ]  # fmt: skip
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    log = (folder / "log").open("w")
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
    ) as process:
        url = f"http://127.0.0.1:{port}"
        for _ in range(5 * PATIENCE_MS // 1000):
            try:
                urllib.request.urlopen(f"{url}/health", timeout=10).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.2)
        yield url
        os.killpg(process.pid, signal.SIGTERM)
    log.close()


def test_runs_plots_and_models_are_seen(address: str, tmp_path: Path) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=address)
    experiment = client.get_experiment_by_name("edgeprofiler")
    assert experiment is not None
    run = client.search_runs([experiment.experiment_id])[0].info.run_id
    pictures = Path(os.environ.get("EDGEPROFILER_SCREENSHOTS", tmp_path))
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=[*ARGUMENTS])
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.set_default_timeout(2 * PATIENCE_MS)
        page.goto(f"{address}/#/experiments/{experiment.experiment_id}/runs")
        page.get_by_text("nano", exact=True).first.wait_for()
        page.screenshot(path=pictures / "mlflow-runs.png")

        page.goto(f"{address}/#/experiments/{experiment.experiment_id}/runs/{run}")
        page.get_by_text("networks.runtime_s.rmspe").first.wait_for()
        page.get_by_text("option.trees").first.wait_for()
        page.screenshot(path=pictures / "mlflow-run.png")

        page.goto(
            f"{address}/#/experiments/{experiment.experiment_id}/runs/{run}/artifacts/residuals.png"
        )
        image = page.locator("img[src*='residuals.png'], img[src^='blob:']").first
        image.wait_for()
        page.wait_for_function("image => image.naturalWidth > 500", arg=image.element_handle())
        page.screenshot(path=pictures / "mlflow-plot.png")

        page.goto(f"{address}/#/models/nano")
        page.get_by_text("champion").first.wait_for()
        page.screenshot(path=pictures / "mlflow-model.png")
        browser.close()
