"""`edgeprofiler attribute`: from a recording to what each layer cost."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.core.profile import Profile


def attribute(
    recording: common.RecordingArgument,
    method: Annotated[
        str,
        common.option(
            "nnls|window|network",
            "Least squares over conversions; the published window rule, for comparison; or "
            "one power for the network.",
            shows_default=True,
        ),
    ] = "nnls",
    model: common.RawModelOption = None,
    json: common.JsonOption = None,
    csv: common.CsvOption = None,
    reference_csv: Annotated[
        Path | None,
        common.option("FOLDER", "Write the reference's preprocessed_data layout into a folder."),
    ] = None,
    quiet: common.QuietOption = False,
) -> None:
    """Attribute measured power to layers; what the data do not support is not given."""
    from edgeprofiler.core.profile.document import to_document
    from edgeprofiler.core.profile.table import to_csv
    from edgeprofiler.measurement.attribution import attribute_with_report
    from edgeprofiler.measurement.attribution.export import write_preprocessed
    from edgeprofiler.measurement.recording.opening import open_recording
    from edgeprofiler.views.reports.text import print_profile

    console = common.results_console(json, csv, markup=False)
    opened = open_recording(recording, model)
    found = attribute_with_report(opened, method)
    common.write(csv, partial(to_csv, found.profile))
    if reference_csv is not None:
        common.note(f"wrote {write_preprocessed(opened, found, reference_csv)}")
    common.write_json(json, partial(to_document, found.profile))
    if not quiet:
        _print_layers(console, found.profile)
    print_profile(console, found.profile, layers=False)


def _print_layers(console: Console, profile: Profile) -> None:
    """Print each layer's time and power with its error, and how the power is known."""
    import math

    from rich.table import Table
    from rich.text import Text

    from edgeprofiler.views.names import short_name

    costs = profile.costs
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    width = max(16, min(60, console.width - 46))
    table.add_column("layer", no_wrap=True, width=width)
    for heading in ("ms", "W", "+-", "mJ"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("known by", no_wrap=True)

    def text(value: float, digits: int) -> str:
        return f"{value:.{digits}f}" if math.isfinite(value) else "-"

    for index, layer in enumerate(profile.network.layers):
        error = math.nan if costs.standard_error_w is None else costs.standard_error_w[index]
        table.add_row(
            Text(short_name(layer.name, width)),
            text(costs.runtime_s[index] * 1e3, 4),
            text(costs.power_w[index], 2),
            text(error, 2),
            text(costs.energy_j[index] * 1e3, 3),
            costs.known_by[index] or "unknown",
            style="dim" if costs.known_by[index] == "noop" else "",
        )
    console.print(table)
    console.print("+-: standard error. Layers of one group share one power.\n", style="dim")
