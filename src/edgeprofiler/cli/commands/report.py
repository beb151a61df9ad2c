"""`edgeprofiler report`: a profile as one HTML file, a picture, or Markdown."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from edgeprofiler.core.device import Device
    from edgeprofiler.core.profile import Profile
    from edgeprofiler.measurement.recording import Recording


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def report(
        models: Annotated[
            list[str],
            typer.Argument(
                metavar="PROFILE|MODEL...",
                help="Saved profiles' JSON, or models to predict; the others against the first.",
                show_default=False,
            ),
        ],
        output: Annotated[
            Path | None,
            typer.Option(
                "--output", "-o", metavar="FILE.html",
                help="The page. Default: report.html, unless another form is asked for.",
                show_default=False,
            ),
        ] = None,
        png: Annotated[
            Path | None,
            typer.Option("--png", metavar="FILE", help="A picture.", show_default=False),
        ] = None,
        svg: Annotated[
            Path | None,
            typer.Option("--svg", metavar="FILE", help="A picture.", show_default=False),
        ] = None,
        md: Annotated[
            str | None,
            typer.Option(
                "--md", metavar="FILE|-", help="Markdown, to a file or standard output.",
                show_default=False,
            ),
        ] = None,
        plot: Annotated[
            str,
            typer.Option(
                metavar="KIND",
                help="What the picture shows: report (all), timeline, roofline, kinds or stages.",
            ),
        ] = "report",
        recording: Annotated[
            Path | None,
            typer.Option(
                "--recording", metavar="FOLDER",
                help="The recording behind a measured profile: draws power over time.",
                show_default=False,
            ),
        ] = None,
        device: common.DevicesOption = None,
        runtime: common.RuntimeOption = None,
        precision: common.PrecisionOption = None,
        batch: common.BatchOption = None,
        shape: common.ShapeOption = None,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        front_end: common.FrontEndOption = None,
    ) -> None:  # fmt: skip
        """Write a report that opens from disk: page, picture or Markdown."""
        from itertools import product

        from edgeprofiler.cli.commands.attribute import open_recording
        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.core.profile.document import is_profile
        from edgeprofiler.prediction.predict import predictor_for, profile_of

        common.results_console(output, md)  # one of them may be standard output
        saved = [is_profile(model) for model in models]
        if all(saved):
            common.refuse_changes(device, runtime, precision, batch, shape, front_end, predictor)
        boards: list[str | None] = list(device or [])
        if not boards:
            boards = [None if all(saved) else common.device_asked(None, predictor)]
        for path, ending in ((png, ".png"), (svg, ".svg")):
            if path is not None and path.suffix.lower() != ending:
                raise UsageError(f"{path}: the name of this picture ends in {ending}")
        if recording is not None and len(models) > 1:
            raise UsageError("--recording belongs to one measured profile; name one")
        shapes = common.parse_shapes(shape)
        profiles: list[Profile] = []
        devices: list[Device | None] = []
        recordings: list[Recording | None] = []
        opened = None if recording is None else open_recording(recording, None)
        for (model, is_saved), board in product(zip(models, saved, strict=True), boards):
            if is_saved and board != boards[0]:
                continue
            recordings.append(opened)
            if is_saved:
                profiles.append(profile_of(model))
                devices.append(None)
                continue
            chosen = predictor_for(
                board, runtime=runtime, confidence=confidence, predictor=predictor
            )
            devices.append(chosen.device)
            profiles.append(
                profile_of(
                    model,
                    precision=precision,
                    batch=batch,
                    shapes=shapes,
                    front_end=front_end,
                    predictor=chosen,
                )
            )
        if len(profiles) > 1 and (png or svg):
            raise UsageError("a picture shows one profile; call once for each, or write a page")
        if output is None and not (png or svg or md):
            output = Path("report.html")
        for path in (png, svg):
            if path is not None:
                from edgeprofiler.views.plots.profile import save_profile

                save_profile(profiles[0], path, plot, device=devices[0])
                common.note(f"wrote {path}")
        if md is not None:
            from edgeprofiler.views.reports.markdown import report_markdown

            text = report_markdown(profiles)
            if md == "-":
                sys.stdout.write(text)
            else:
                common.emit_file(text, Path(md))
        if output is not None:
            from edgeprofiler.views.reports.page import report_page

            common.emit_file(report_page(profiles, devices, recordings), output)
