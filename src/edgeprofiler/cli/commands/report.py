"""`edgeprofiler report`: a profile as one HTML or PDF file, a picture, or Markdown."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking

_PAGES = (".html", ".htm", ".pdf")


@asking(several=True)
def report(
    models: Annotated[
        list[str],
        common.argument(
            "MODEL|PROFILE|RECORDING...",
            "Models, saved profiles' JSON, or recordings' folders, which are attributed first.",
        ),
    ],
    asked: dict[str, Any],
    output: Annotated[
        Path | None,
        common.option(
            "FILE.html|pdf|-",
            "The page; as PDF through a browser. Default: report.html, unless another form is "
            "asked for.",
            "--output", "-o",
        ),
    ] = None,
    png: Annotated[Path | None, common.option("FILE", "A picture.")] = None,
    svg: Annotated[Path | None, common.option("FILE", "A picture.")] = None,
    md: Annotated[
        str | None,
        common.output("FILE|-", "Markdown, to a file or standard output.", ".md"),
    ] = None,
    plot: Annotated[
        str | None,
        common.option(
            "KIND",
            "What a picture shows: report (all), timeline, roofline, kinds, stages, or graph "
            "(of the network, with --svg). Default: report.",
        ),
    ] = None,
    recording: Annotated[
        Path | None,
        common.option(
            "FOLDER", "The recording behind a measured profile: draws power over time."
        ),
    ] = None,
) -> None:  # fmt: skip
    """Write a report that opens from disk: page, picture or Markdown."""
    import edgeprofiler
    from edgeprofiler.core.errors import UsageError

    common.results_console(output, md)  # one of them may be standard output
    for path, ending in ((png, ".png"), (svg, ".svg")):
        if path is not None and path.suffix.lower() != ending:
            raise UsageError(f"{path}: the name of this picture ends in {ending}")
    if output is not None and str(output) != "-" and output.suffix.lower() not in _PAGES:
        raise UsageError(f"{output}: the name of a page ends in {' or '.join(_PAGES)}")
    if plot is not None and not (png or svg):
        raise UsageError("`plot` is of a picture: ask for one with `png` or `svg`")
    if output is None and not (png or svg or md):
        output = Path("report.html")
    if recording is not None and output is None:
        raise UsageError("`recording` is drawn on the page: ask for it with `output`")
    found = edgeprofiler.report(*models, recording=recording, **asked)
    for picture in (png, svg):
        common.save(picture, partial(found.save, plot=plot))
    common.write(md, found.markdown)
    if output is None or str(output) == "-":
        common.write(output, found.page)
    else:
        common.save(output, found.save)
