"""Comparisons as documents for programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgeprofiler.core.plain import attributes
from edgeprofiler.core.profile.doubt import doubt_document
from edgeprofiler.decision.compare.difference import Comparison
from edgeprofiler.decision.compare.tables import sentence


def comparisons_document(names: Sequence[str], comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """Return comparisons with one profile as a JSON document `edgeprofiler.compare/1`.

    Args:
        names: of all profiles, the first of which the others are compared with.
        comparisons: one for each of the others.
    """
    return {
        "schema": "edgeprofiler.compare/1",
        "profiles": [*names],
        "comparisons": [comparison_document(comparison) for comparison in comparisons],
    }


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values, every aligned pair of layers included."""
    return {
        "a": comparison.a.network.name,
        "b": comparison.b.network.name,
        "doubt": {"a": doubt_document(comparison.a), "b": doubt_document(comparison.b)},
        "paired": comparison.paired,
        "summary": sentence(comparison),
        **comparison.energy_j.document("energy_j_difference"),
        "energy_verdict": comparison.energy.verdict,
        **comparison.runtime_s.document("end_to_end_s_difference"),
        "runtime_verdict": comparison.runtime.verdict,
        **(
            {"at_rate": {"a": a.document(), "b": b.document()}}
            if (a := comparison.a.at_rate) and (b := comparison.b.at_rate)
            else {}
        ),
        "layers": [
            {
                "name": change.name,
                **attributes(change.pair, "a b status"),
                **attributes(change, "runtime_s energy_j"),
            }
            for change in comparison.changes
        ],
    }
