"""From power over time to power of each layer, with errors that are honest.

The way: `evidence` -> `clock` and `conversions` -> `stamps` and `runs` -> `search` (timing) ->
`fit` (powers, noise and timing together) -> `doubt`.
"""

from edgeprofiler.measurement.attribution.attribute import (
    Attribution,
    attribute,
    attribute_with_report,
)
from edgeprofiler.measurement.attribution.report import METHODS, AttributionReport, Method
from edgeprofiler.measurement.attribution.timing import Timing
from edgeprofiler.measurement.attribution.window import WindowPowers, window_powers

__all__ = [
    "METHODS",
    "Attribution",
    "AttributionReport",
    "Method",
    "Timing",
    "WindowPowers",
    "attribute",
    "attribute_with_report",
    "window_powers",
]
