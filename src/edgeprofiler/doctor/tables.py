"""What works on this machine, as tables."""

from __future__ import annotations

from edgeprofiler.core.table import Column, Table, Words, tabulate
from edgeprofiler.doctor.doctor import Check, Diagnosis, Kind

_TITLES: dict[Kind, str] = {
    "frontends": "models that can be read",
    "sensors": "power sensors",
    "runners": "runtimes that time layers",
    "recipes": "recipes for training",
    "stores": "stores of predictors",
    "renderers": "reports and plots",
    "extras": "optional extras",
}


def diagnosis_tables(diagnosis: Diagnosis) -> tuple[Table, ...]:
    """Return what the machine is, a table for each kind of plug-in, and one for the extras."""
    machine = diagnosis.machine
    about = (
        f"{machine.get('board') or machine.get('processor')}, {machine.get('cores')} cores, "
        f"{machine.get('system')}, Python {machine.get('python')}"
    )
    found = ((title, diagnosis.of(kind)) for kind, title in _TITLES.items())
    return Table("", (), (), (Words(about),)), *(
        tabulate(title, checks, (
            (Column("works"), lambda c: Words("yes", "good") if c.works else Words("no", "doubt")),
            (Column("name"), lambda check: check.name),
            (Column("what was found"), _finding),
        ))
        for title, checks in found
        if checks
    )  # fmt: skip


def _finding(check: Check) -> str:
    text = check.detail if check.works else check.reason
    return f"{text}; {check.remedy}" if check.remedy else text
