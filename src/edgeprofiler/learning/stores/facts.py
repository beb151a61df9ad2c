"""What a registry shows of what it keeps: a predictor's header, flattened; a board's fits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeprofiler.core.device.board_file import SCHEMA, BoardFile
from edgeprofiler.core.values import Value
from edgeprofiler.learning.stores.kept import Kept, tags_of
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


def facts_of(kept: Kept) -> RunFacts:
    """Return what it was made of as parameters, all errors as metrics, versions as tags."""
    return _of_board(kept) if isinstance(kept, BoardFile) else _of_predictor(kept)


def _of_board(board: BoardFile) -> RunFacts:
    device = board.device
    params = {"device": device.base or device.name, "mode": device.mode.name, "board": device.name}
    metrics: dict[str, float] = {}
    for found in device.calibrations:
        fit = f"{found.runtime}.{found.mode.name}"
        params |= {
            f"{fit}.rows": str(found.rows),
            f"{fit}.networks": ", ".join(found.networks),
            f"{fit}.software": found.software,
        }
        errors = {f"{fit}.{name}": value for name, value in found.errors.items()}
        metrics |= {name: value for name, value in errors.items() if math.isfinite(value)}
    return RunFacts(params, metrics, {**tags_of(board), "schema": SCHEMA})


def _of_predictor(artifact: Artifact) -> RunFacts:
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
        **tags_of(artifact),
        "schema": header["schema"].text(),
        **{f"version.{name}": value.words() for name, value in header["versions"].entries()},
    }
    return RunFacts(params, metrics, tags)
