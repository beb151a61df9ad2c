"""`edgeprofiler attribute`: from a recording to what each layer cost."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

from edgeprofiler.cli import common
from edgeprofiler.cli.progress import shown_workers


def attribute(
    recordings: Annotated[
        list[Path],
        common.argument(
            "RECORDING...",
            "Recordings' folders, or a folder of the reference's raw layout; several are "
            "attributed at once, and JSON is a list of them.",
        ),
    ],
    method: Annotated[
        str,
        common.option(
            "layers|window|network",
            "Each layer by what conversions saw of it; the published window rule, for "
            "comparison; or one power for the network.",
            shows_default=True,
        ),
    ] = "layers",
    model: common.RawModelOption = None,
    json: common.JsonOption = None,
    csv: common.CsvOption = None,
    latex: common.LatexOption = None,
    trace: common.TraceOption = None,
    reference_csv: Annotated[
        Path | None,
        common.option("FOLDER", "Write the reference's preprocessed_data layout into a folder."),
    ] = None,
    jobs: common.JobsOption = None,
    cluster: common.ClusterOption = None,
    quiet: common.QuietOption = False,
) -> None:
    """Attribute measured power to layers; what the data do not support is not given."""
    from edgeprofiler.core.errors import UsageError
    from edgeprofiler.core.profile.document import to_document
    from edgeprofiler.core.profile.table import to_csv
    from edgeprofiler.core.profile.words import profile_tables
    from edgeprofiler.measurement.attribution import attribute_with_report
    from edgeprofiler.measurement.attribution.export import write_preprocessed
    from edgeprofiler.measurement.attribution.many import attribute_many
    from edgeprofiler.measurement.recording.opening import open_recording

    screen = common.results_console(json, csv, latex, trace)
    if len(recordings) > 1:
        if any(target is not None for target in (csv, reference_csv, latex, trace)):
            raise UsageError(
                "`csv`, `reference_csv`, `latex` and `trace` are of one recording; name one"
            )
        with shown_workers(jobs, cluster) as workers:
            done = list(attribute_many(recordings, method, model=model, workers=workers))
        profiles = [outcome.answer for outcome in done if outcome.answer is not None]
        common.write_json(json, lambda: [dict(to_document(profile)) for profile in profiles])
        screen.show(*(t for p in profiles for t in profile_tables(p, layers=not quiet)))
        for outcome in done:
            outcome.get()
        return
    opened = open_recording(recordings[0], model)
    found = attribute_with_report(opened, method)
    common.write(csv, partial(to_csv, found.profile))
    if reference_csv is not None:
        common.note(f"wrote {write_preprocessed(opened, found, reference_csv)}")
    common.write_json(json, partial(to_document, found.profile))
    common.write_trace(trace, found.profile)
    tables = profile_tables(found.profile, layers=not quiet)
    common.write_latex(latex, partial(list, tables))
    screen.show(*tables)
