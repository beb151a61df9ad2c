"""The package's optional extras, as its own metadata lists them, and what of them is here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata

_REQUIREMENT = re.compile(r"""\s*([A-Za-z0-9._-]+)\s*(\[[^\]]*\])?\s*(?:>=\s*([0-9.]+))?""")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_PACKAGE = "edgeprofiler"


@dataclass(frozen=True)
class Extra:
    """One extra: packages that are here, missing, or too old."""

    name: str
    present: tuple[str, ...]
    """Packages with their versions."""
    missing: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether all of it is installed."""
        return not self.missing


def extras(requirements: Iterable[str] | None = None) -> tuple[Extra, ...]:
    """Return every extra with what of it is installed, sorted by name.

    Args:
        requirements: lines of the package's metadata; read from it where `None`.
    """
    lines = metadata.requires(_PACKAGE) or () if requirements is None else requirements
    wanted: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        extra, match = _EXTRA.search(line), _REQUIREMENT.match(line)
        # An extra that names extras of this package is listed by those.
        if extra is None or match is None or match.group(1).lower() == _PACKAGE:
            continue
        wanted.setdefault(extra.group(1), []).append((match.group(1), match.group(3) or "0"))
    return tuple(_look(name, packages) for name, packages in sorted(wanted.items()))


def _look(name: str, packages: list[tuple[str, str]]) -> Extra:
    present, missing = [], []
    for package, least in packages:
        try:
            version = metadata.version(package)
        except metadata.PackageNotFoundError:
            missing.append(package)
            continue
        if _numbers(version) < _numbers(least):
            missing.append(f"{package} {least} or later (here {version})")
        else:
            present.append(f"{package} {version}")
    return Extra(name, tuple(present), tuple(missing))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0])[:3])
