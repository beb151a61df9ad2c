"""Comparisons as documents for programs."""

from __future__ import annotations

import math
from typing import Any

from edgeprofiler.core.profile import Estimate
from edgeprofiler.decision.compare.difference import Comparison


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON values, every aligned pair of layers included."""
    return {
        "a": comparison.a.network.name,
        "b": comparison.b.network.name,
        "paired": comparison.paired,
        **_difference("energy_j", comparison.energy_j),
        "energy_verdict": comparison.energy_verdict,
        **_difference("end_to_end_s", comparison.runtime_s),
        "runtime_verdict": comparison.runtime_verdict,
        "layers": [
            {
                "name": change.name,
                "a": change.pair.a,
                "b": change.pair.b,
                "status": change.pair.status,
                "runtime_s": _or_none(change.runtime_s),
                "energy_j": _or_none(change.energy_j),
            }
            for change in comparison.changes
        ],
    }


def _difference(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {
        f"{name}_difference": _or_none(estimate.value),
        f"{name}_difference_low": _or_none(estimate.low),
        f"{name}_difference_high": _or_none(estimate.high),
    }


def _or_none(value: float) -> float | None:
    return value if math.isfinite(value) else None
