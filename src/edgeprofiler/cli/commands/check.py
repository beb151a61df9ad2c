"""`edgeprofiler check`: a budget that continuous integration can hold."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking, take_defaults
from edgeprofiler.core.errors import EXIT_BUDGET_EXCEEDED


@asking(says_device=False)
def check(
    asked: dict[str, Any],
    model: Annotated[
        str | None,
        common.argument(
            "[MODEL|PROFILE]", "A model, or a saved profile. Default: the budget's model."
        ),
    ] = None,
    budget: Annotated[
        Path,
        common.option(
            "FILE", "A TOML file: limits, and the question; options count before its.",
            shows_default=True,
        ),
    ] = Path("budget.toml"),
    baseline: Annotated[
        Path | None, common.option("PROFILE", "Saved profile to compare with.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on the value, whatever its interval.")
    ] = False,
    sure: Annotated[
        bool, typer.Option("--sure", help="Fail unless the whole interval keeps every limit.")
    ] = False,
    junit: Annotated[
        Path | None,
        common.output("FILE", "Write JUnit XML.", ".xml"),
    ] = None,
    markdown: Annotated[
        Path | None,
        common.output("FILE", "Write a summary for a pull request.", ".md"),
    ] = None,
    save: Annotated[
        Path | None,
        common.output("FILE", "Write the profile: the next baseline.", ".json"),
    ] = None,
    json: common.JsonOption = None,
) -> None:  # fmt: skip
    """Hold a network to a budget: exit code 0 if it does, 1 if it exceeds it.

    A limit inside an interval is undecided, which is 0 too, and 1 with --sure.
    """
    from functools import partial

    import edgeprofiler
    from edgeprofiler.decision.check import read_budget
    from edgeprofiler.decision.summary import (
        check_tables,
        to_document,
        to_junit,
        to_markdown,
    )

    screen = common.results_console(json, junit, markdown)
    rules = read_budget(budget)
    subject = model or rules.model
    if subject is not None:
        asked = take_defaults([subject], asked, rules.asked)
    found = edgeprofiler.check(
        model, budget=rules, baseline=baseline, strict=strict, sure=sure, **asked
    )
    if baseline is None and rules.changes:
        common.note("no --baseline: the budget's [change] was not judged")
    common.save(save, partial(edgeprofiler.write_profile, found.profile))
    common.write(junit, partial(to_junit, found))
    common.write(markdown, partial(to_markdown, found))
    common.write_json(json, partial(to_document, found))
    screen.show(*check_tables(found))
    if not found.passed:
        raise typer.Exit(EXIT_BUDGET_EXCEEDED)
