"""What a registry shows of a predictor: its header, flattened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgeprofiler.prediction.predictors.artifact import Artifact


@dataclass(frozen=True)
class Facts:
    """Parameters, metrics and tags of a run."""

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def with_tags(self, **tags: str) -> Facts:
        """Return these facts with more tags."""
        return Facts(self.params, self.metrics, {**self.tags, **tags})


def facts_of(artifact: Artifact) -> Facts:
    """Return recipe and data as parameters, all errors as metrics, versions as tags."""
    header = artifact.header
    recipe, facts, device = header["recipe"], header["provenance"], header["device"]
    params = {
        "recipe": str(recipe["name"]),
        "seed": str(recipe["seed"]),
        **{f"option.{name}": str(value) for name, value in recipe["options"].items()},
        **{name: str(device[name]) for name in ("name", "mode", "runtime")},
        "rows": str(facts["rows"]),
        "networks": ", ".join(facts["networks"]),
        "left_out": ", ".join(facts["left_out"]),
        "simulated": str(facts["simulated"]),
        "folds": str(facts["folds"]),
    }
    params["device"] = params.pop("name")
    metrics: dict[str, float] = {}
    for quantity, errors in header["metrics"]["networks"].items():
        _add(metrics, f"networks.{quantity}", errors)
    for model in header["models"]:
        _add(metrics, f"{model['kind']}.{model['quantity']}", model["metrics"])
    tags = {
        "dataset_sha256": str(facts["dataset_sha256"]),
        "schema": str(header["schema"]),
        **{f"version.{name}": str(text) for name, text in header["versions"].items()},
    }
    return Facts(params, metrics, tags)


def _add(metrics: dict[str, float], prefix: str, errors: Mapping[str, Any]) -> None:
    for name, value in errors.items():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            metrics[f"{prefix}.{name}"] = float(value)
