"""The owner's loop: what was measured on a board, in whatever form, calibrates and judges it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE
from edgeprofiler.core.parallel import ALONE, Workers
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.recording import is_recording, load_recording
from edgeprofiler.prediction.calibration.measured import Measured
from edgeprofiler.prediction.calibration.profiles import row_of
from edgeprofiler.prediction.validate import calibrating, validation
from edgeprofiler.prediction.validate.calibrating import Calibrated
from edgeprofiler.prediction.validate.validation import Validation

Measurements = str | Path | Sequence[Measured]


def calibrate(
    measured: Measurements,
    device: str | Path | None = None,
    *,
    runtime: str | None = None,
    name: str | None = None,
    folder: Path | None = None,
) -> Calibrated:
    """Return a board calibrated on measurements that are of it.

    Args:
        measured: measured totals of networks (a CSV file, or rows), measured profiles (a JSON
            file, or a folder of them), or recordings (one, or a folder of them).
        device: board and mode, or a TOML file; jetson-orin-nano where `None`.
        runtime: host whose rows to use; each host's rows are fitted apart where `None`.
        name: name of the calibrated board, which results record; the board's own where `None`.
        folder: where a relative path of a model starts; the file's folder where `None`.

    Raises:
        UsageError: `name` is none.
        InvalidInput: nothing is of this board, or names a model.
        InsufficientData: too few rows, or rows that determine nothing.

    >>> import edgeprofiler
    >>> found = edgeprofiler.calibrate("measured.csv", "jetson-orin-nano@15w", name="mine")
    >>> [fit.calibration.rows for fit in found.fits], found.name
    ([5], 'mine')
    """
    rows = _as_rows(measured)
    return calibrating.calibrate(rows, device, runtime=runtime, name=name, folder=folder)


def validate(
    measured: Measurements,
    device: str | Path | None = None,
    *,
    leave_out: str | None = None,
    confidence: float = DEFAULT_CONFIDENCE,
    folder: Path | None = None,
    workers: Workers = ALONE,
) -> Validation:
    """Return predictions beside measurements.

    Args:
        measured: as of `calibrate`.
        device: board or TOML file to predict for, in place of the rows' own; only rows of that
            board and mode count, unless there are none.
        leave_out: `None` for the shipped numbers, or refit on the other rows without each row's
            `network`, `family`, `board` or `source`.
        confidence: share of truths that the intervals are to hold.
        folder: where a relative path of a model starts; the file's folder where `None`.
        workers: who refits, one of what is left out each.

    Raises:
        UsageError: nothing of that name can be left out.
        InvalidInput: no row names a model that can be read.
        InsufficientData: too few groups to leave one out.

    >>> import edgeprofiler
    >>> edgeprofiler.validate("measured.csv").figures("runtime").rows
    5
    """
    return validation.validate(
        _as_rows(measured), device, leave_out=leave_out, confidence=confidence, folder=folder,
        workers=workers,
    )  # fmt: skip


def _as_rows(measured: Measurements) -> Measurements:
    """Return measurements, with the rows that attribution makes of recordings among them."""
    recordings = _recordings(Path(measured)) if isinstance(measured, (str, Path)) else []
    if not recordings:
        return measured
    found = [(place, attribute(load_recording(place))) for place in recordings]
    beside = [path for path in sorted(Path(str(measured)).glob("*.json")) if is_profile(path)]
    found += [(path, read_profile(path)) for path in beside]
    return [row_of(profile, path.absolute()) for path, profile in found]


def _recordings(path: Path) -> list[Path]:
    if not path.is_dir():
        return []
    if is_recording(path):
        return [path]
    return [child for child in sorted(path.iterdir()) if child.is_dir() and is_recording(child)]
