"""`edgeprofiler doctor`: what works on this machine, and what to install for the rest."""

from __future__ import annotations

from edgeprofiler.cli import common


def doctor(json: common.JsonOption = None) -> None:
    """Say what works on this machine, and what to install or enable for the rest."""
    from edgeprofiler.doctor import diagnose, to_json
    from edgeprofiler.doctor.tables import diagnosis_tables

    screen = common.results_console(json)
    diagnosis = diagnose()
    common.write(json, lambda: to_json(diagnosis))
    screen.show(*diagnosis_tables(diagnosis))
