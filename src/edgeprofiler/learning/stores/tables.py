"""Registered predictors: for programs, and as tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

from edgeprofiler.core.table import Column, Table, fact_table, tabulate
from edgeprofiler.learning.stores.facts import RunFacts
from edgeprofiler.learning.stores.mlflow import Version


def version_document(version: Version) -> dict[str, Any]:
    """Return what is known of a version as JSON values."""
    return {
        "address": version.address,
        "name": version.name,
        "version": version.version,
        "aliases": list(version.aliases),
        "created": _time(version),
        "run": version.run,
        "tags": dict(version.tags),
    }


def version_table(found: Sequence[Version]) -> Table:
    """Return versions of registered predictors."""
    return tabulate("", found, (
        (Column("model"), lambda version: f"{version.name}/{version.version}"),
        (Column("aliases"), lambda version: ", ".join(version.aliases)),
        (Column("recipe"), lambda version: version.tags.get("recipe", "")),
        (Column("device"), lambda version: version.tags.get("device", "")),
        (Column("created, UTC"), lambda version: _time(version)[:16].replace("T", " ")),
    ))  # fmt: skip


def training_table(version: Version, facts: RunFacts) -> Table:
    """Return how a version was trained."""
    shown = dict(sorted(facts.params.items()))
    for name in ("dataset_sha256", "mlflow.source.git.commit"):
        shown[name.rpartition(".")[2]] = facts.tags.get(name, "")
    aliases = f"  {', '.join(version.aliases)}" if version.aliases else ""
    title = f"{version.address}{aliases}  {_time(version)}"
    return fact_table(title, ((name, value) for name, value in shown.items() if value))


def _time(version: Version) -> str:
    moment = datetime.fromtimestamp(version.created_ms / 1e3, timezone.utc)
    return moment.isoformat(timespec="seconds")
