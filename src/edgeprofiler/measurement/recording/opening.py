"""A recording by the name of its folder, whichever of the known layouts it is in."""

from __future__ import annotations

from pathlib import Path

from edgeprofiler.core.errors import InvalidInput, UsageError
from edgeprofiler.measurement.recording.impossible import without_impossible
from edgeprofiler.measurement.recording.recording import Recording
from edgeprofiler.measurement.recording.reference_layout import is_reference, read_reference
from edgeprofiler.measurement.recording.store import is_recording, load_recording


def has_recording(folder: str | Path) -> bool:
    """Say whether `open_recording` finds a recording in a folder, or several of a raw layout."""
    place = Path(folder)
    return place.is_dir() and (is_recording(place) or is_reference(place))


def open_recording(recording: str | Path | Recording, model: str | None = None) -> Recording:
    """Return the recording in a folder, in our format or in the reference's raw layout.

    Args:
        recording: the folder; a recording that is open already is returned as it is, unless
            readings of its are impossible.
        model: which model of a raw layout that holds several.

    Raises:
        InvalidInput: there is no such folder, or no recording in it.
        UsageError: `model` would choose from a recording of one model.
    """
    opened = isinstance(recording, Recording)
    if model is not None and (opened or is_recording(Path(str(recording)))):
        name = recording.name if isinstance(recording, Recording) else recording
        raise UsageError(f"{name} is a recording of one model; `model` chooses one of a raw layout")
    if isinstance(recording, Recording):
        return without_impossible(recording)
    folder = Path(recording)
    if not folder.exists():
        raise InvalidInput(folder, "no such folder", "name the folder that `collect` wrote")
    if is_recording(folder):
        return load_recording(folder)
    if folder.is_dir() and (model is not None or is_reference(folder)):
        return without_impossible(read_reference(folder, model))
    raise InvalidInput(
        folder,
        "is no recording",
        "name a folder that `collect` wrote, or one of the reference's raw layout (raw_data/)",
    )
