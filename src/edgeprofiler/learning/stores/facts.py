"""What a registry shows of a predictor: its header, flattened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeprofiler.core.values import Value
from edgeprofiler.prediction.predictors.artifact import Artifact


@dataclass(frozen=True)
class RunFacts:
    """Parameters, metrics and tags of a run."""

    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    def with_tags(self, **tags: str) -> RunFacts:
        """Return these facts with more tags."""
        return RunFacts(self.params, self.metrics, {**self.tags, **tags})


def facts_of(artifact: Artifact) -> RunFacts:
    """Return recipe and data as parameters, all errors as metrics, versions as tags."""
    header = Value({**artifact.header}, "predictor")
    recipe, facts, device = header["recipe"], header["provenance"], header["device"]
    params = {
        "recipe": recipe["name"].text(),
        "seed": recipe["seed"].words(),
        **{f"option.{name}": str(value.raw) for name, value in recipe["options"].entries()},
        "device": device["name"].text(),
        **{name: device[name].text() for name in ("mode", "runtime")},
        **{name: ", ".join(facts[name].texts()) for name in ("networks", "left_out")},
        **{name: facts[name].words() for name in ("rows", "simulated", "folds")},
    }
    errors = dict(header["metrics"]["networks"].entries())
    errors = {f"networks.{quantity}": found for quantity, found in errors.items()}
    for model in header["models"].items():
        errors[f"{model['kind'].text()}.{model['quantity'].text()}"] = model["metrics"]
    metrics = {
        f"{prefix}.{name}": value.number()
        for prefix, found in errors.items()
        for name, value in found.entries()
        if not value.null
    }
    tags = {
        "dataset_sha256": facts["dataset_sha256"].text(),
        "schema": header["schema"].text(),
        **{f"version.{name}": value.words() for name, value in header["versions"].entries()},
    }
    return RunFacts(params, metrics, tags)
