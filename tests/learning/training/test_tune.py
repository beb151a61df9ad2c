"""A search never sees the test networks, is bounded in time, and goes on where it stopped."""

from __future__ import annotations

import contextlib
import math
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from learning.training.tuning_data import measured_like

from edgeprofiler.core.device import load_device
from edgeprofiler.core.errors import InsufficientData, Unavailable, UsageError
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.training.options import TrainingOptions, read_options
from edgeprofiler.learning.training.search_space import OneOf, defaults_of, parse_space, space_of
from edgeprofiler.learning.training.studies import hide_password
from edgeprofiler.learning.training.tuning import Limits, tune

pytest.importorskip("optuna")
pytest.importorskip("sklearn")

NETWORKS = ("lenet", "alexnet", "squeezenet1_0", "vgg11", "resnet18")
QUICK = {"alpha": OneOf(0.1, 100.0, log=True)}
OPTIONS = TrainingOptions(options={"trees": 5}, folds=2, test_networks=("resnet18",), min_rows=5)


@pytest.fixture(scope="module")
def rows() -> Dataset:
    return measured_like(*NETWORKS)


@pytest.fixture
def storage(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'tuning.db'}"


DEVICE = load_device("jetson-orin-nano")


@pytest.mark.slow
def test_a_search_begins_with_the_defaults_and_goes_on_where_it_stopped(
    rows: Dataset, storage: str
) -> None:
    first = tune(rows, DEVICE, OPTIONS, limits=Limits(trials=3), space=QUICK, storage=storage)
    assert len(first.trials) == 3
    assert first.trials[0].options == {"alpha": 3.0}
    assert first.default_score == first.trials[0].score
    assert first.score <= (first.default_score or 0)
    assert first.options.options["trees"] == 5, "what the user fixed stays fixed"

    seen = []
    second = tune(
        rows, DEVICE, OPTIONS, limits=Limits(trials=6), space=QUICK, storage=storage,
        progress=seen.append,
    )  # fmt: skip
    assert len(second.trials) == 6
    assert len(seen) == 3
    assert second.trials[:3] == first.trials
    alphas = [trial.options["alpha"] for trial in second.trials]
    assert len(set(alphas)) == 6, "the sampler does not repeat itself"
    third = tune(rows, DEVICE, OPTIONS, limits=Limits(trials=6), space=QUICK, storage=storage)
    assert third.trials == second.trials
    assert sum(third.importance.values()) == pytest.approx(1.0)


@pytest.mark.slow
def test_test_networks_take_no_part(rows: Dataset, storage: str) -> None:
    wrong = rows.with_columns(
        runtime_s=rows.number("runtime_s") * (1 + 9 * (rows.text("network") == "resnet18"))
    )
    limits = Limits(trials=1)
    one = tune(rows, DEVICE, OPTIONS, limits=limits, space=QUICK, storage=storage)
    other = tune(wrong, DEVICE, OPTIONS, limits=limits, space=QUICK, storage=storage, study="b")
    assert one.score == other.score
    assert one.dataset_sha256 == other.dataset_sha256


class _Slow:
    """An estimator that takes for ever."""

    def fit(self, rows: Any, target: Any) -> _Slow:
        end = time.monotonic() + 900
        while time.monotonic() < end:
            with contextlib.suppress(Exception):  # as some estimators do
                time.sleep(0.02)
        return self


def test_a_fit_that_would_run_for_minutes_is_stopped(
    rows: Dataset, storage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "edgeprofiler.core.plugins.load", lambda kind, name: lambda *args, **options: _Slow()
    )
    monkeypatch.setattr("edgeprofiler.learning.training.tuning.defaults_of", lambda recipe: {})
    started = time.monotonic()
    with pytest.raises(InsufficientData, match=r"took more than 0\.2 s"):
        tune(rows, DEVICE, OPTIONS, limits=Limits(2, trial_s=0.2), space=QUICK, storage=storage)
    assert time.monotonic() - started < 600


@pytest.mark.slow
def test_a_limit_without_end_is_none(rows: Dataset, storage: str) -> None:
    limits = Limits(1, trial_s=math.inf)
    found = tune(rows, DEVICE, OPTIONS, limits=limits, space=QUICK, storage=storage)
    assert len(found.trials) == 1


@pytest.mark.slow
def test_options_are_judged_on_powers_that_are_of_one_layer(rows: Dataset, tmp_path: Path) -> None:
    """How attribution divides a group's energy among its layers is no truth to search by."""
    together = np.isin(rows.integer("layer"), (1, 2))
    runtime, power = rows.number("runtime_s"), rows.number("power_above_idle_w")
    known_by = np.where(together, "group:1-2", rows.text("known_by"))
    shared = power.copy()
    for name in rows.networks:
        own = together & (rows.text("network") == name)
        shared[own] = (runtime[own] * power[own]).sum() / runtime[own].sum()
    apart, alike = (
        rows.with_columns(
            known_by=known_by, power_above_idle_w=w, power_w=rows.number("idle_power_w") + w
        )
        for w in (power, shared)
    )
    assert np.abs(shared / power - 1).max() > 0.05
    one, other = (
        tune(data, DEVICE, OPTIONS, limits=Limits(1), space=QUICK, storage=f"sqlite:///{path}")
        for data, path in ((apart, tmp_path / "a.db"), (alike, tmp_path / "b.db"))
    )
    assert one.score == pytest.approx(other.score, rel=1e-6)


@pytest.mark.slow
def test_no_trial_is_started_after_the_time(rows: Dataset, storage: str) -> None:
    ticks = iter(range(0, 10_000, 1))
    found = tune(
        rows, DEVICE, OPTIONS, limits=Limits(50, trial_s=1e6, total_s=1), space=QUICK,
        storage=storage, clock=lambda: float(next(ticks)),
    )  # fmt: skip
    assert len(found.trials) == 1


@pytest.mark.slow
def test_a_study_of_other_rows_is_refused(rows: Dataset, storage: str) -> None:
    limits = Limits(trials=1)
    tune(rows, DEVICE, OPTIONS, limits=limits, space=QUICK, storage=storage, study="mine")
    fewer = measured_like(*NETWORKS, seed=1)
    with pytest.raises(UsageError, match="another dataset_sha256"):
        tune(fewer, DEVICE, OPTIONS, limits=limits, space=QUICK, storage=storage, study="mine")


def test_a_database_that_cannot_be_reached_is_said_without_its_password(rows: Dataset) -> None:
    assert hide_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    with pytest.raises(UsageError, match="sqlite:///FILE"):
        tune(rows, DEVICE, OPTIONS, space=QUICK, storage="nonsense")
    with pytest.raises(Unavailable, match="`storage`"):
        tune(rows, DEVICE, OPTIONS, space=QUICK, storage="sqlite:////no/such/folder/x.db")


def test_spaces_are_ranges_or_lists() -> None:
    found = parse_space(["alpha=0.1:10:log", "leaves=3:9", "log=true,false", "kind=a,b"])
    assert found["alpha"] == OneOf(0.1, 10.0, log=True)
    assert found["leaves"] == OneOf(3, 9, integer=True)
    assert found["log"].values == (True, False)
    assert found["kind"].values == ("a", "b")
    for text in ("alpha", "alpha=", "alpha=3:1", "alpha=a:b", "alpha=0:1:log", "alpha=1:2:ln"):
        with pytest.raises(UsageError, match="`space`"):
            parse_space([text])


@pytest.mark.parametrize("recipe", ["hybrid", "neuralpower"])
def test_the_recipes_own_spaces_are_bounded(recipe: str) -> None:
    for choice in space_of(recipe).values():
        assert choice.values or choice.low < choice.high
    for name, value in defaults_of(recipe).items():
        assert space_of(recipe)[name].holds(value), "the defaults are the first trial"
    assert "degree" not in space_of(recipe) or space_of(recipe)["degree"].high <= 2


def test_nothing_to_tune_and_too_few_rows_are_said(rows: Dataset, storage: str) -> None:
    fixed = TrainingOptions(options={"alpha": 1.0}, folds=2)
    with pytest.raises(UsageError, match="no option is left"):
        tune(rows, DEVICE, fixed, space=QUICK, storage=storage)
    with pytest.raises(InsufficientData, match="usable rows"):
        tune(rows, DEVICE, TrainingOptions(min_rows=10**6), space=QUICK, storage=storage)


@pytest.mark.slow
def test_the_command_writes_options_that_train_reads_and_a_picture(
    rows: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    import json
    import sys

    from edgeprofiler.cli.app import main
    from edgeprofiler.learning.dataset.storage import save_dataset

    save_dataset(rows, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    arguments = [
        "tune", "data", "--trials", "2", "--option", "trees=5", "--space", "alpha=0.1:100:log",
        "-o", "tuned.toml", "--plot", "tuning.png", "--test-networks", "resnet18", "--json", "-",
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["edgeprofiler", *arguments])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert len(document["trials"]) == 2
    assert "trial 1:" in said.err
    options = read_options(tmp_path / "tuned.toml")
    assert options.options == document["options"]
    assert options.test_networks == ("resnet18",)
    assert (tmp_path / "tuning.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "tuning.db").is_file()
