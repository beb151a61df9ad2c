"""Trainings and searches as runs of MLflow: what went in, what came out, and pictures of it."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeprofiler.core import plugins
from edgeprofiler.core.plain import attributes
from edgeprofiler.learning.stores.facts import RunFacts, facts_of
from edgeprofiler.learning.stores.kept import Kept
from edgeprofiler.learning.training.tuning import Tuning


def track(
    kept: Kept,
    *,
    name: str | None = None,
    alias: str | None = None,
    tracking_uri: str | None = None,
    pictures: Mapping[str, Any] | None = None,
) -> str:
    """Log a trained predictor or a board as a run, and register it where it has a name.

    Args:
        kept: what `train` returned, or a board's file.
        name: registered model that it becomes a new version of; only logged where `None`.
        alias: an alias of the new version.
        tracking_uri: see `stores.mlflow.MlflowStore`.
        pictures: matplotlib figures by file name, as `plots.residuals` draws them.

    Returns:
        The new version's address, else the run's identifier.

    Raises:
        Unavailable: MLflow is missing or cannot be reached.
    """
    store = plugins.load("stores", "mlflow")(tracking_uri)
    facts = facts_of(kept).with_tags(**_git())
    title = name or f"train {facts.params['recipe']}"
    run: str = store.log(facts, title, kept=kept, pictures=pictures)
    if name is None:
        return run
    version = store.register(run, name, kept)
    if alias is not None:
        store.set_alias(version.address, alias)
    address: str = version.address
    return address


def track_tuning(
    tuning: Tuning,
    *,
    tracking_uri: str | None = None,
    pictures: Mapping[str, Any] | None = None,
) -> str:
    """Log a search as a run with its history and importance, and return its identifier."""
    store = plugins.load("stores", "mlflow")(tracking_uri)
    options = tuning.options
    params = {
        "recipe": options.recipe,
        "seed": str(options.seed),
        "folds": str(options.folds),
        "left_out": ", ".join(options.test_networks),
        **{f"option.{name}": str(value) for name, value in options.options.items()},
    }
    metrics = {"score": tuning.score, "trials": float(len(tuning.trials))}
    if tuning.default_score is not None:
        metrics["default_score"] = tuning.default_score
    metrics.update({f"importance.{name}": share for name, share in tuning.importance.items()})
    tags = {"dataset_sha256": tuning.dataset_sha256, "study": tuning.study, **_git()}
    scores = [trial.score for trial in tuning.trials if trial.score is not None]
    run: str = store.log(
        RunFacts(params, metrics, tags),
        f"tune {options.recipe}",
        pictures=pictures,
        history={"trial_score": scores},
    )
    return run


def document_of(tuning: Tuning) -> dict[str, Any]:
    """Return a search as a JSON document."""
    return {
        "schema": "edgeprofiler.tuning/1",
        "recipe": tuning.options.recipe,
        "options": dict(tuning.options.options),
        **attributes(tuning, "score default_score importance study storage dataset_sha256"),
        "trials": [asdict(trial) for trial in tuning.trials],
    }


def _git(folder: Path | None = None) -> dict[str, str]:
    """Return the commit of the folder's repository as tags; none where there is no repository."""

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(
                ["git", *words], cwd=folder, capture_output=True, text=True, check=False
            )
        except OSError:
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if not commit:
        return {}
    changed = bool(ask("status", "--porcelain", "--untracked-files=no"))
    return {"mlflow.source.git.commit": commit, "git_changed": str(changed).lower()}
