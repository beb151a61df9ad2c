"""What `calibrate` does: rows of a file, one fit for each host, one device file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edgeprofiler.core.choices import DEFAULT_DEVICE, RUNTIMES, runtime_named
from edgeprofiler.core.device import Device, calibration_table, load_device
from edgeprofiler.core.device.document import NAME
from edgeprofiler.core.device.loading import REGISTRY
from edgeprofiler.core.errors import InsufficientData, InvalidInput, UsageError
from edgeprofiler.prediction.calibration.board import BoardFit
from edgeprofiler.prediction.calibration.board import calibrate as fit_board
from edgeprofiler.prediction.calibration.measured import UNCOSTED, Measured, lacking
from edgeprofiler.prediction.calibration.profiles import rows_of
from edgeprofiler.prediction.calibration.write import device_text
from edgeprofiler.prediction.validate.networks import samples_of


@dataclass(frozen=True)
class Calibrated:
    """A device with its new calibrations, and the fits behind them."""

    device: Device
    fits: tuple[BoardFit, ...]
    warnings: tuple[str, ...]
    name: str = ""
    """Its own name, which results record."""

    def document(self) -> dict[str, Any]:
        """Return the calibrations as JSON values."""
        tables = [calibration_table(fit.calibration) for fit in self.fits]
        return {"device": self.device.spec, "name": self.name, "calibrations": tables}

    def text(self) -> str:
        """Return the device file."""
        base = self.device.source
        if base == "shipped":
            base = self.device.name
        elif not base.startswith(REGISTRY):
            base = str(Path(base).resolve())
        found = [fit.calibration for fit in self.fits]
        return device_text(base, self.name, self.device.mode.name, found)


def calibrate(
    measured: str | Path | Sequence[Measured],
    device: str | Path | None = None,
    *,
    runtime: str | None = None,
    name: str | None = None,
    folder: Path | None = None,
) -> Calibrated:
    """Return a board calibrated on the rows that are of it, as `learning.owner.calibrate` says."""
    spec = str(device or DEFAULT_DEVICE)
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(f"name {name[:64]!r}: use letters, digits, dots and dashes")
    runtime = None if runtime is None else runtime_named(runtime)
    rows, folder = rows_of(measured, folder)
    board = load_device(spec)
    warnings: list[str] = []
    mine = [r for r in rows if r.device in ("", *board.names) and board.runs_in(r.mode)]
    others = len(rows) - len(mine)
    if not mine:
        modes = sorted({r.mode for r in rows if r.device in board.names and r.mode})
        hint = f"; rows of it are in mode {', '.join(modes)}" if modes else ""
        raise InvalidInput("measured rows", f"none is of {board.spec}{hint}", "check `device`")
    if others:
        warnings.append(not_used(others))
    usable = [row for row in mine if not _unusable(row)]
    lacks = Counter(_unusable(row) for row in mine if _unusable(row))
    warnings += [f"{count} rows are not used: {why}" for why, count in lacks.items()]
    if not usable:
        why = " or ".join(lacks)
        raise InvalidInput("measured rows", f"none is of use: {why}", "fill that column")
    if simulated := sum(row.simulated for row in usable):
        warnings.append(f"{simulated} of {len(usable)} rows are simulated: no board was measured")
    fits, problems = [], []
    hosts = [h for h in RUNTIMES if any(r.runtime == h for r in usable)]
    if runtime is not None and runtime not in hosts:
        raise InvalidInput(
            "measured rows",
            f"none was measured through {runtime}",
            f"they are of {', '.join(hosts)}; change `runtime`, or name the host in the column "
            "'software' or 'runtime'",
        )
    for host in hosts if runtime is None else [runtime]:
        chosen = [r for r in usable if r.runtime == host]
        stacks = {r.software for r in chosen}
        if len(stacks) > 1:
            warnings.append(
                f"rows of {len(stacks)} software stacks are fitted as one ({host}): "
                + "; ".join(sorted(stacks))
            )
        hosted = board.with_runtime(host)
        found = samples_of(chosen, folder, device=spec)
        samples = [replace(sample, device=hosted) for sample in found if sample.costed]
        left = len(found) - len(samples)
        doubts = [f"{left} rows are not used: without {UNCOSTED}"] if left else []
        try:
            fits.append(fit_board(hosted, samples))
            warnings += doubts
        except InsufficientData as error:
            problems.append("; ".join([f"{host}: {error}", *doubts]))
    if not fits:
        raise InsufficientData("; ".join(problems) or "no row is of that host")
    warnings += problems
    if len(fits) > 1:
        warnings.append("hosts differ: one calibration for each, used by what asks of it")
    return Calibrated(board, tuple(fits), tuple(warnings), name or board.name)


def not_used(others: int) -> str:
    """Return what to say of rows that are of another board or mode than the one that is named."""
    return f"{others} rows of other boards or power modes are not used"


def _unusable(row: Measured) -> str:
    """Return why a row cannot be calibrated on; empty where it can."""
    lacks = lacking(row, power=False)
    return "set aside" if row.set_aside else f"without {lacks}" if lacks else ""
