"""What a network costs on a device, measured or predicted: one noun for both."""

from edgeprofiler.profile.profile import (
    Costs,
    DeviceLabel,
    Estimate,
    LayerCost,
    Origin,
    Part,
    Profile,
    Totals,
)

__all__ = [
    "Costs",
    "DeviceLabel",
    "Estimate",
    "LayerCost",
    "Origin",
    "Part",
    "Profile",
    "Totals",
]
