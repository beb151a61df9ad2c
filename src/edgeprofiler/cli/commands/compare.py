"""`edgeprofiler compare`: networks, devices or saved profiles side by side."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from edgeprofiler.cli import common
from edgeprofiler.cli.asking import asking


@asking(several=True)
def compare(
    models: common.SubjectsArgument,
    asked: dict[str, Any],
    layers: Annotated[
        int, common.option("N", "Changed layers to show.", shows_default=True, min=0)
    ] = 10,
    json: common.JsonOption = None,
    latex: common.LatexOption = None,
) -> None:
    """Compare everything named with the first: totals, difference, and where it comes from."""
    import edgeprofiler

    screen = common.results_console(json, latex)
    found = edgeprofiler.compare(*models, **asked)
    common.write_json(json, found.document)
    tables = found.tables(layers)
    common.write_latex(latex, partial(list, tables))
    screen.show(*tables)
