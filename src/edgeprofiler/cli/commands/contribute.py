"""`edgeprofiler contribute`: measurements without names, in one file to give to everybody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from edgeprofiler.cli import common


def contribute(
    sources: Annotated[
        list[Path],
        common.argument("RECORDING|PROFILE|MEASURED.csv...", "What was measured."),
    ],
    licence: Annotated[str, common.option("CC0-1.0|CC-BY-4.0", "Under which you give it.")],
    output: Annotated[
        Path, common.option("FILE.json", "File to write.", "--output", "-o", shows_default=True)
    ] = Path("contribution.json"),
    device: Annotated[
        str | None,
        common.option("NAME[@MODE]", "Board, where a source does not say it.", "--device", "-d"),
    ] = None,
) -> None:
    """Write what you measured as one file to give: checked, and without names, paths or serials."""
    import edgeprofiler

    given = edgeprofiler.contribute(*sources, licence=licence, output=output, device=device)
    boards = sorted({f"{m.board}@{m.mode}" if m.mode else m.board for m in given.measurements})
    layers = sum(len(m.network.layers) for m in given.measurements)
    screen = common.results_console(output)
    screen.say(
        f"{output}: {len(given.measurements)} measured, {layers} layers, {', '.join(boards)}; "
        f"{licence}. Read it before you give it: attach it to an issue, or open a pull request "
        "that puts it into measurements/."
    )
    common.warn(given.notes)
