"""Findings on a recording as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from edgeprofiler.core.table import Column, Table, Tone, Words, tabulate

TONES: Mapping[str, Tone] = {"good": "good", "doubtful": "doubt", "bad": "bad", "unknown": "quiet"}
"""How a level is meant."""


def finding_table(document: Mapping[str, Any]) -> Table:
    """Return the findings of a document `edgeprofiler.qa/1`; the title tells the verdict."""
    simulated = " (simulated)" if document["simulated"] else ""
    checks: Sequence[Mapping[str, str]] = document["checks"]
    return tabulate(f"{document['name']}{simulated}: {document['verdict']}", checks, (
        (Column("check"), lambda check: check["name"]),
        (Column("verdict"), lambda check: Words(check["level"], TONES[check["level"]])),
        (Column("finding"), lambda check: check["finding"]),
        (Column("what to do"), lambda check: check["remedy"]),
    ))  # fmt: skip
