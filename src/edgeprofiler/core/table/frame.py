"""Columns as a data frame of whichever library is there."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.extras import require

_LIBRARIES = ("pandas", "polars", "pyarrow")


def to_frame(columns: Mapping[str, Sequence[Any]], backend: str | None = None) -> Any:
    """Return columns as a data frame.

    Args:
        columns: of one length; `None` is unknown.
        backend: pandas, polars or pyarrow; the one that the program has loaded where `None`, else
            the first that is installed.

    Raises:
        UsageError: a library is named that is none of the three.
        Unavailable: none of them is installed, or not the one that is named.
    """
    if backend is not None and backend not in _LIBRARIES:
        raise UsageError(f"`backend` is {backend[:40]!r}; choose of {', '.join(_LIBRARIES)}")
    with require("frame"):
        import narwhals
    loaded = (name for name in _LIBRARIES if name in sys.modules)
    installed = (name for name in _LIBRARIES if find_spec(name) is not None)
    chosen: Any = backend or next(loaded, None) or next(installed, "pandas")
    with require("frame"):
        return narwhals.from_dict(dict(columns), backend=chosen).to_native()
