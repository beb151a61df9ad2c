"""`edgeprofiler qa`: is a recording good enough to attribute power from?"""

from __future__ import annotations

from functools import partial

from edgeprofiler.cli import common


def qa(
    recording: common.RecordingArgument,
    model: common.RawModelOption = None,
    plot: common.PictureOption = None,
    json: common.JsonOption = None,
) -> None:
    """Judge a recording: verdict and reasons."""
    import edgeprofiler
    from edgeprofiler.measurement.qa import to_document
    from edgeprofiler.measurement.qa.tables import finding_table
    from edgeprofiler.measurement.recording.opening import open_recording

    screen = common.results_console(json)
    opened = open_recording(recording, model)
    if plot is not None:
        from edgeprofiler.views.plots.session import draw_recording

        common.draw(plot, partial(draw_recording, opened))
    document = to_document(opened, edgeprofiler.qa(opened))
    common.write_json(json, lambda: document)
    screen.show(finding_table(document))
