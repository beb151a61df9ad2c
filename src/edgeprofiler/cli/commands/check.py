"""`edgeprofiler check`: a budget that continuous integration can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edgeprofiler.cli import common
from edgeprofiler.core.errors import EXIT_BUDGET_EXCEEDED


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def check(
        model: Annotated[
            str | None,
            typer.Argument(
                metavar="[MODEL|PROFILE]",
                help="A model, or a saved profile. Default: the budget's model.",
                show_default=False,
            ),
        ] = None,
        budget: Annotated[
            Path, typer.Option("--budget", metavar="FILE", help="The budget, a TOML file.")
        ] = Path("budget.toml"),
        baseline: Annotated[
            Path | None,
            typer.Option(metavar="PROFILE", help="Saved profile to compare with."),
        ] = None,
        device: Annotated[
            str | None,
            typer.Option(
                "--device", "-d", metavar="NAME[@MODE]|FILE", help="Instead of the budget's device."
            ),
        ] = None,
        strict: Annotated[
            bool, typer.Option("--strict", help="Fail on the value, whatever its interval.")
        ] = False,
        confidence: common.ConfidenceOption = 0.9,
        predictor: common.PredictorOption = None,
        front_end: common.FrontEndOption = None,
        junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML.")] = None,
        markdown: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Write a summary for a pull request.")
        ] = None,
        profile_out: Annotated[
            Path | None,
            typer.Option("--save", metavar="FILE", help="Write the profile: the next baseline."),
        ] = None,
        json: common.JsonOption = None,
    ) -> None:
        """Hold a network to a budget: exit code 0 if it does, 1 if it exceeds it."""
        from rich.markdown import Markdown

        from edgeprofiler.core.errors import UsageError
        from edgeprofiler.core.files import dump_json
        from edgeprofiler.core.profile.document import is_profile, read_profile, write_profile
        from edgeprofiler.decision.check import check as judge
        from edgeprofiler.decision.check import read_budget, require_settings
        from edgeprofiler.decision.summary import to_document, to_junit, to_markdown
        from edgeprofiler.prediction.predict import profile_of

        screen = common.results_console(json, junit, markdown)
        rules = read_budget(budget)
        source = model or rules.settings.get("model")
        if source is None:
            raise UsageError(f"name a MODEL, or give {budget} a model = '...'")
        if is_profile(source):
            profile = profile_of(source, device, front_end=front_end, predictor=predictor)
            require_settings(profile, rules)
        else:
            profile = profile_of(
                source,
                common.device_asked(device or rules.settings.get("device"), predictor),
                runtime=rules.settings.get("runtime"),
                precision=rules.settings.get("precision"),
                batch=rules.batch,
                shapes=rules.shapes,
                front_end=front_end,
                confidence=confidence,
                predictor=predictor,
            )
        before = None if baseline is None else read_profile(baseline)
        findings, comparison = judge(profile, rules, before, strict=strict)
        if before is None and rules.changes:
            common.note("no --baseline: the budget's [change] was not judged")
        if profile_out is not None:
            write_profile(profile, profile_out)
            common.note(f"wrote {profile_out}")
        if junit is not None:
            common.emit_file(to_junit(profile, findings, comparison), junit)
        if markdown is not None:
            common.emit_file(to_markdown(profile, findings, comparison), markdown)
        if json is not None:
            common.emit_json(dump_json(to_document(profile, findings, comparison)), json)
        screen.print(Markdown(to_markdown(profile, findings, comparison)))
        if any(finding.verdict == "fail" for finding in findings):
            raise typer.Exit(EXIT_BUDGET_EXCEEDED)
