"""What a sensor saw and when which layer ran, and how that rests on disk."""

from edgeprofiler.measurement.recording.chips import chip_numbers
from edgeprofiler.measurement.recording.layers_json import network_from_json, network_to_json
from edgeprofiler.measurement.recording.recording import (
    DeviceState,
    PowerTrace,
    Recording,
    SamplerReport,
    StampKind,
    Timeline,
)
from edgeprofiler.measurement.recording.reference_layout import (
    read_reference,
    reference_models,
    write_reference,
)
from edgeprofiler.measurement.recording.stamp_kind import stamp_kind
from edgeprofiler.measurement.recording.store import is_recording, load_recording, save_recording

__all__ = [
    "DeviceState",
    "PowerTrace",
    "Recording",
    "SamplerReport",
    "StampKind",
    "Timeline",
    "chip_numbers",
    "is_recording",
    "load_recording",
    "network_from_json",
    "network_to_json",
    "read_reference",
    "reference_models",
    "save_recording",
    "stamp_kind",
    "write_reference",
]
