"""The journey of `contribute`: what was measured, checked, without names, in one file to give."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from edgeprofiler.core.device import device_names, load_device
from edgeprofiler.core.errors import InsufficientData, InvalidInput, UsageError
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.core.units import positive
from edgeprofiler.measurement.attribution import attribute
from edgeprofiler.measurement.qa import qa
from edgeprofiler.measurement.recording import Recording, is_recording, load_recording
from edgeprofiler.prediction.calibration.contribution import (
    LICENCES,
    Contributed,
    Contribution,
    anonymous,
    software_of,
)
from edgeprofiler.prediction.calibration.measured import lacking, read_measured
from edgeprofiler.prediction.validate.networks import board_of, network_of
from edgeprofiler.reading.lowering import BuildTarget


def contribute(
    *sources: str | Path,
    licence: str,
    output: str | Path | None = None,
    device: str | None = None,
) -> Contribution:
    """Make one file of measurements that others may learn from, without any name in it.

    Args:
        sources: recordings, measured profiles (JSON), or tables of measured totals (CSV).
        licence: under which you give them: `CC0-1.0` or `CC-BY-4.0`.
        output: file to write; nothing is written where `None`.
        device: board and mode, where a source does not say a board that is known.

    Raises:
        UsageError: no source, or no licence.
        InvalidInput: a source is no measurement, or says no board that is known.
        InsufficientData: a recording is too bad to be of use to anybody.

    >>> import edgeprofiler
    >>> given = edgeprofiler.contribute("measured.csv", licence="CC0-1.0", output="given.json")
    >>> given.measurements[0].network.name, len(given.measurements)
    ('zoo:resnet18', 5)
    """
    if licence not in LICENCES:
        raise UsageError(f"no `licence` {licence!r}; choose one of: {', '.join(LICENCES)}")
    if not sources:
        raise UsageError("nothing to contribute; name a recording, a profile or a table")
    lacks: Counter[str] = Counter()
    found = [each for source in sources for each in _measured(Path(source), device, lacks)]
    if not found:
        names = ", ".join(map(str, sources))
        raise InvalidInput(names, f"no row is of use: {' or '.join(lacks)}", "fill that column")
    notes = tuple(f"{count} rows are not given: {why}" for why, count in lacks.items())
    given = Contribution(tuple(found), licence, notes)
    if output is not None:
        given.save(output)
    return given


def _measured(source: Path, device: str | None, lacks: Counter[str]) -> Iterator[Contributed]:
    """Yield what a source holds, and count in `lacks` why rows of it are left out."""
    if is_recording(source):
        yield _of_recording(source, device)
    elif source.suffix == ".json" and is_profile(source):
        yield _of_profile(read_profile(source), source, device)
    else:
        yield from _of_table(source, device, lacks)


def _of_recording(source: Path, device: str | None) -> Contributed:
    recording = load_recording(source)
    verdict = qa(recording)
    if verdict.level == "bad":
        bad = "; ".join(check.finding for check in verdict.checks if check.level == "bad")
        raise InsufficientData(f"{source}: not good enough to give to others: {bad}")
    said = " ".join(f"{key} {text}" for key, text in recording.device.items())
    return _of_profile(
        attribute(recording), source, device, state=_state(recording), **software_of(said)
    )


def _of_profile(profile: Profile, source: Path, device: str | None, **known: Any) -> Contributed:
    if profile.origin.kind != "measured":
        raise InvalidInput(source, f"is predicted by {profile.origin.by}, not measured")
    # What a simulated board ran in is no mode of any board.
    said = "" if profile.simulated else profile.device.mode
    board, mode = _board(profile.device.name, said, source, device)
    costs, totals = profile.costs, profile.totals
    columns = {"runtime_s": costs.runtime_s, "power_w": costs.power_w}
    if costs.standard_error_w is not None:
        columns["standard_error_w"] = costs.standard_error_w
    return Contributed(
        board=board,
        mode=mode,
        runtime=profile.device.runtime,
        network=anonymous(profile.network),
        end_to_end_s=totals.end_to_end_s.value,
        power_above_idle_w=positive(totals.power_above_idle_w.value),
        idle_power_w=profile.idle_power_w,
        layers={name: tuple(values.tolist()) for name, values in columns.items()},
        simulated=profile.simulated,
        **known,
    )


def _of_table(source: Path, device: str | None, lacks: Counter[str]) -> Iterator[Contributed]:
    for row in read_measured(source):
        lack = lacking(row)
        if lack or row.set_aside:
            lacks["set aside" if row.set_aside else f"without {lack}"] += 1
            continue
        name, mode = _board(row.device, row.mode, source, device)
        board = board_of(row, f"{name}@{mode}" if mode else name)
        idle = board.idle_power_w if math.isfinite(row.power_w) else math.nan
        yield Contributed(
            board=name,
            mode=mode,
            runtime=row.runtime,
            network=anonymous(network_of(row, source.parent, BuildTarget.of(board)), row.model),
            end_to_end_s=row.runtime_s,
            power_above_idle_w=row.above_idle_w(idle),
            idle_power_w=idle,
            jetpack=software_of(row.software).get("jetpack", ""),
            tensorrt=row.tensorrt,
        )


def _board(name: str, mode: str, source: Path, device: str | None) -> tuple[str, str]:
    """Return the shipped board and the mode that a measurement is of.

    A mode is one of the board's, or clocks: a name that somebody chose would be given away.
    """
    if device is not None:
        board = load_device(device)
        if board.name not in device_names():
            raise UsageError(
                f"`device` {device} is a board of your own, which others do not have; name a "
                "shipped one and its mode or clocks"
            )
        return board.name, board.mode.name
    if name not in device_names():
        raise InvalidInput(
            source, f"is of {name or 'no board'}, which is none that is shipped", "say `device`"
        )
    try:
        return name, load_device(name).with_mode(mode).mode.name if mode else ""
    except UsageError:
        raise InvalidInput(
            source, f"was measured in mode {mode}, which {name} has not", "say `device`"
        ) from None


def _state(recording: Recording) -> Mapping[str, Any]:
    """Return numbers of the board's state, before and after; words of it stay away."""
    found: dict[str, Any] = {}
    for when, state in (("before", recording.state_before), ("after", recording.state_after)):
        if state is None:
            continue
        said = asdict(state)
        found[when] = {
            key: {k: v for k, v in said[key].items() if math.isfinite(v)}
            for key in ("temperatures_c", "clocks_hz")
        } | {key: said[key] for key in ("clocks_pinned", "throttled")}
    return found
