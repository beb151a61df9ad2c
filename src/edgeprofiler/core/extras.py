"""Libraries that the core does without: the extras that bring them, and what of them is here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.text import first_line

_REQUIREMENT = re.compile(r"""\s*([A-Za-z0-9._-]+)\s*(\[[^\]]*\])?\s*(?:>=\s*([0-9.]+))?""")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_PACKAGE = "edgeprofiler"
_NAMES = {
    "dvc": "DVC",
    "mlflow": "MLflow",
    "onnxruntime": "ONNX Runtime",
    "optuna": "Optuna",
    "pynvml": "nvidia-ml-py",
    "ruamel": "DVC",
    "sklearn": "scikit-learn",
    "tensorrt": "TensorRT's Python module",
    "torch": "PyTorch",
    "torch_tensorrt": "Torch-TensorRT",
}
"""What people call a library that is imported under another name."""


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


@contextmanager
def require(extra: str, remedy: str = "") -> Iterator[None]:
    """Have a library that cannot be imported in a block told with the extra that brings it.

    >>> with require("learn"):
    ...     import no_such_library
    Traceback (most recent call last):
    edgeprofiler.core.errors.Unavailable: no_such_library is not installed; pip install ...

    Args:
        extra: the extra that brings all that the work needs; empty where none does.
        remedy: what else helps; all that does where there is no extra.

    Raises:
        Unavailable: a library is missing, or cannot be loaded.
    """
    try:
        yield
    except ImportError as error:
        name, missing = error.name or "a library", isinstance(error, ModuleNotFoundError)
        root = name.partition(".")[0]
        name = _NAMES.get(root, root if missing else name)
        reason = (
            f"{name} is not installed"
            if missing
            else f"{name} cannot be loaded ({first_line(error)})"
        )
        raise Unavailable(
            reason, ", or ".join(filter(None, (extra and install(extra), remedy)))
        ) from None


def install(extra: str) -> str:
    """Return the command that installs an extra."""
    return f"pip install '{_PACKAGE}[{extra}]'"


def extras(requirements: Iterable[str] | None = None) -> tuple[Extra, ...]:
    """Return every extra with what of it is installed, sorted by name.

    Args:
        requirements: lines of the package's metadata; read from it where `None`.
    """
    lines = metadata.requires(_PACKAGE) or () if requirements is None else requirements
    wanted: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        extra, match = _EXTRA.search(line), _REQUIREMENT.match(line)
        # An extra that names extras of this package is spelt out when the package is built.
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
