"""`edgeprofiler doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeprofiler.cli import common

if TYPE_CHECKING:
    from rich.console import Console

    from edgeprofiler.doctor import Diagnosis

_TITLES = {
    "frontends": "models that can be read",
    "sensors": "power sensors",
    "runners": "runtimes that time layers",
    "recipes": "recipes for training",
    "stores": "stores of predictors",
    "renderers": "reports and plots",
    "extras": "optional extras",
}


def doctor(json: common.JsonOption = None) -> None:
    """Say what works on this machine, and what to install or enable for the rest."""
    from edgeprofiler.doctor import diagnose, to_json

    screen = common.results_console(json)
    diagnosis = diagnose()
    common.write(json, lambda: to_json(diagnosis))
    _print(screen, diagnosis)


def _print(console: Console, diagnosis: Diagnosis) -> None:
    from rich.padding import Padding
    from rich.text import Text

    machine = diagnosis.machine
    console.print(
        f"{machine.get('board') or machine.get('processor')}, {machine.get('cores')} cores, "
        f"{machine.get('system')}, Python {machine.get('python')}"
    )
    for kind, title in _TITLES.items():
        checks = [check for check in diagnosis.checks if check.kind == kind]
        if not checks:
            continue
        console.print(f"\n{title}", style="bold")
        width = max(len(check.name) for check in checks) + 2
        for check in checks:
            sign, style = ("yes", "green") if check.works else ("no ", "yellow")
            text = check.detail if check.works else check.reason
            line = Text.assemble(("  " + sign, style), f"  {check.name:{width}}")
            body = Text(text)
            if check.remedy:
                body.append("; " + check.remedy, "dim")
            first, *rest = body.wrap(console, max(console.width - width - 7, 20)) or [Text()]
            console.print(line + first)
            for more in rest:
                console.print(Padding(more, (0, 0, 0, width + 7)))
