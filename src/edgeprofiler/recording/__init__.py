"""What a sensor saw and when which layer ran, and how that rests on disk."""

from edgeprofiler.recording.recording import (
    DeviceState,
    PowerTrace,
    Recording,
    SamplerReport,
    Timeline,
)

__all__ = ["DeviceState", "PowerTrace", "Recording", "SamplerReport", "Timeline"]
