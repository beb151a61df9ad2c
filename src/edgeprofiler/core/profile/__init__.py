"""What a network costs on a device, measured or predicted: one noun for both."""

from edgeprofiler.core.profile.document import (
    from_document,
    read_profile,
    schema,
    to_document,
    to_json,
    write_profile,
)
from edgeprofiler.core.profile.profile import (
    Costs,
    DeviceLabel,
    LayerCost,
    Origin,
    Part,
    Profile,
    Totals,
    energy_of,
)
from edgeprofiler.core.profile.table import to_csv, write_csv

__all__ = [
    "Costs",
    "DeviceLabel",
    "LayerCost",
    "Origin",
    "Part",
    "Profile",
    "Totals",
    "energy_of",
    "from_document",
    "read_profile",
    "schema",
    "to_csv",
    "to_document",
    "to_json",
    "write_csv",
    "write_profile",
]
