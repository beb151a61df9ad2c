"""Print, as constraints for pip, the lowest version that pyproject states of each dependency.

    python scripts/lowest_versions.py > lowest.txt
    pip install -c lowest.txt -e .

With the name of an extra, those of the extra too. `scripts/test` installs the core so and runs its
suite: a version that does not work must not be stated.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_STATED = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?>=([0-9.]+)(?:\s*;\s*(.*))?")


def constraints(requirements: list[str]) -> list[str]:
    """Return `name==version`, with its marker, for each requirement.

    >>> constraints(["numpy>=1.24", "tomli>=2.0; python_version < '3.11'"])
    ['numpy==1.24', "tomli==2.0; python_version < '3.11'"]
    """
    found = []
    for requirement in requirements:
        match = _STATED.fullmatch(requirement)
        if match is None:
            raise ValueError(f"{requirement!r} states no lowest version")
        name, version, marker = match.groups()
        found.append(f"{name}=={version}" + (f"; {marker}" if marker else ""))
    return found


def main() -> None:
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    wanted = list(project["dependencies"])
    for extra in sys.argv[1:]:
        wanted += project["optional-dependencies"][extra]
    print("\n".join(constraints(wanted)))


if __name__ == "__main__":
    main()
