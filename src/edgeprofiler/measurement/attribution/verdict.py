"""Whether a solution may be reported layer by layer, and if not, why."""

from __future__ import annotations

import numpy as np

from edgeprofiler.core.units import engineering
from edgeprofiler.measurement.attribution.session import Coverage
from edgeprofiler.measurement.attribution.solve import Solved

MOST_WITHIN = 0.5
"""Largest believable standard deviation within layers, as a share of the mean power."""

MOST_UNEXPLAINED = 0.03
"""Largest residual beyond the sensor's noise, as a share of the mean power above the floor."""

MOST_OPEN = 0.005
"""Largest difference of energy from layers and from the session's mean power."""

LOCKED = (
    "runs are locked to the sensor: conversions saw only {seen:.0%} of a run's length, so no power "
    "is given; collect again with dithered pauses"
)
SWEEPING = (
    "runs are nearly locked to the sensor: places within a run were seen one after another, so "
    "that drift looks like layers and no power is given; collect again with dithered pauses"
)


def why_not_layers(
    solved: Solved, noise_w: float, closure: float, closure_error: float, *, held: bool
) -> str | None:
    """Return why only one power for the network may be given, or `None` where layers may be.

    Args:
        solved: layers' powers.
        noise_w: of one conversion.
        closure: relative difference between the layers' energy and the session's mean power.
        closure_error: standard error of that.
        held: whether pauses between runs are as long as the sensor's window.
    """
    mean = max(abs(solved.mean_above_w), 1e-9)
    residual = solved.fit.residual_w
    if solved.within_layer_w > MOST_WITHIN * mean:
        return (
            "the samples fit no timing: power would have to vary by "
            f"{engineering(solved.within_layer_w, 'W')} within layers"
        )
    if np.isfinite(noise_w):
        extra = float(np.sqrt(max(residual**2 - noise_w**2, 0.0)))
        if extra > MOST_UNEXPLAINED * mean:
            return (
                f"the fit leaves {engineering(residual, 'W')} where the sensor's noise is "
                f"{engineering(noise_w, 'W')}: stamps or timing are not what they seem"
            )
    if not held and solved.posterior.mean[-1] > mean:
        return (
            "runs follow each other without pauses, and the fit gives the time between them more "
            "power than to the layers: its timing cannot be right"
        )
    if abs(closure) > max(MOST_OPEN, 3 * closure_error):
        return f"the layers' energy differs by {closure:+.1%} from that of the session's mean power"
    if len(solved.groups) == 1 and solved.posterior.mean.size > 3:
        return "the samples do not tell layers apart"
    return None


def why_locked(seen: Coverage) -> str | None:
    """Return why no layer power may be given where runs keep step with the sensor."""
    if seen.locked:
        return LOCKED.format(seen=seen.seen)
    return SWEEPING if seen.sweeping else None
