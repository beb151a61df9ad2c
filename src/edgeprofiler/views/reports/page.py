"""The report: one HTML file that holds all it needs, for one profile or several."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import cache
from importlib import resources
from typing import Any

from edgeprofiler._version import __version__
from edgeprofiler.core.device import Device
from edgeprofiler.core.extras import require
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.text import visible
from edgeprofiler.decision.compare.tables import letter
from edgeprofiler.measurement.recording import Recording
from edgeprofiler.views.markup import prose
from edgeprofiler.views.plots.graph import NO_GRAPH
from edgeprofiler.views.reports.differences import differences
from edgeprofiler.views.reports.view import view_of
from edgeprofiler.views.tables import page_table

STYLE = "edgeprofiler.css"
LIBRARY = "vendor/plotly-cartesian.min.js"
"""Plotly, which a report holds as text until a chart comes into view."""

SCRIPTS = ("tables.js", "plots.js", "graph.js")
"""Scripts of a page with plots and tables, in the order in which they are to run."""


@cache
def asset(name: str) -> str:
    """Return a style sheet or script of the package as text, by its path under `static`."""
    return (resources.files("edgeprofiler.views.reports") / "static" / name).read_text("utf-8")


def embedded_json(value: Any) -> str:
    """Return JSON that may stand between `<script type="application/json">` tags.

    No text in it, whoever wrote it, can end the element or begin a comment.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def environment(*folders: str) -> Any:
    """Return a Jinja environment with the report's templates, in which every text is only read.

    Whatever a template prints is escaped, and characters that would act are shown instead.

    Args:
        folders: further packages whose `templates` folder is looked in first.

    Raises:
        Unavailable: Jinja is not installed.
    """
    with require("report"):
        from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
        from markupsafe import Markup
    loaders = [PackageLoader(package) for package in (*folders, "edgeprofiler.views.reports")]
    made = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: visible(value, "\n\t") if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["embedded_json"] = lambda value: Markup(embedded_json(value))  # noqa: S704 (escaped by embedded_json)
    made.filters["prose"] = lambda text: Markup(prose(text))  # noqa: S704 (escaped by prose)
    made.filters["drawn"] = lambda graph: Markup(graph.svg)  # noqa: S704 (escaped where it is made)
    made.globals["page_table"] = lambda *table, **how: Markup(page_table(*table, **how))  # noqa: S704 (escaped by page_table)
    made.globals["no_graph"] = NO_GRAPH
    made.globals["version"] = __version__
    return made


@cache
def _environment() -> Any:
    return environment()


def report_page(
    profiles: Sequence[Profile],
    devices: Sequence[Device | None] | None = None,
    recordings: Sequence[Recording | None] | None = None,
) -> str:
    """Return a report as one HTML file that asks nothing of any network.

    Args:
        profiles: at least one; with several, each is compared with the first.
        devices: the device of each profile, for its roofs; found by name where `None`.
        recordings: what each profile was measured from, to show power over time.

    Raises:
        Unavailable: Jinja is not installed.
    """
    template = _environment().get_template("report.html")
    from markupsafe import Markup

    boards = devices or [None] * len(profiles)
    records = recordings or [None] * len(profiles)
    views = [view_of(*each) for each in zip(profiles, boards, records, strict=True)]
    scripts = [asset(name) for name in SCRIPTS]
    style, library = asset(STYLE), asset(LIBRARY)
    return str(
        template.render(
            views=views,
            differences=differences(profiles) if len(views) > 1 else None,
            letters=[letter(number) for number in range(len(views))],
            title=" and ".join(dict.fromkeys(view.title for view in views)),
            written=datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
            policy=_policy([*scripts, library]),
            library=Markup(library),  # noqa: S704 (vendored, its hash tested)
            style=Markup(style),  # noqa: S704 (the package's own)
            scripts=[Markup(script) for script in scripts],  # noqa: S704 (the package's own)
        )
    )  # fmt: skip


def _policy(scripts: Sequence[str]) -> str:
    """A content-security policy under which only these scripts run and nothing is fetched."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
