"""Registered predictors and boards: for programs, and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.table import Column, Table, fact_table, tabulate
from edgeprofiler.learning.stores.facts import RunFacts
from edgeprofiler.learning.stores.mlflow import Version


def version_document(version: Version) -> dict[str, Any]:
    """Return what is known of a version as JSON values."""
    return {
        **attributes(version, "address name version kind aliases"),
        "created": _time(version),
        **attributes(version, "run tags"),
    }


def version_table(found: Sequence[Version]) -> Table:
    """Return versions of registered predictors and boards, and what each is."""
    return tabulate("", found, (
        (Column("model"), lambda version: f"{version.name}/{version.version}"),
        (Column("kind"), lambda version: version.kind),
        (Column("aliases"), lambda version: ", ".join(version.aliases)),
        (Column("recipe"), lambda version: version.tags.get("recipe", "")),
        (Column("device"), lambda version: version.tags.get("device", "")),
        (Column("created, UTC"), lambda version: _time(version)[:16].replace("T", " ")),
    ))  # fmt: skip


def training_table(version: Version, facts: RunFacts) -> Table:
    """Return how a version was made."""
    shown = dict(sorted(facts.params.items()))
    for name in ("dataset_sha256", "mlflow.source.git.commit"):
        shown[name.rpartition(".")[2]] = facts.tags.get(name, "")
    aliases = f"  {', '.join(version.aliases)}" if version.aliases else ""
    title = f"{version.address}{aliases}  {version.kind}  {_time(version)}"
    return fact_table(title, ((name, value) for name, value in shown.items() if value))


def fit_table(metrics: Mapping[str, float]) -> Table:
    """Return the errors of a board's calibrations, by host, mode and name."""
    return fact_table("errors of its calibrations", (
        (name, f"{value:.3g}") for name, value in sorted(metrics.items())
    ))  # fmt: skip


def _time(version: Version) -> str:
    moment = datetime.fromtimestamp(version.created_ms / 1e3, timezone.utc)
    return moment.isoformat(timespec="seconds")
