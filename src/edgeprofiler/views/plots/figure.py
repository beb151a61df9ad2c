"""Where every static picture begins and ends: matplotlib, without its global state."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.extras import require
from edgeprofiler.core.files import atomic_path

FORMATS = ("png", "svg", "pdf")


def new_figure(width_in: float = 7.0, height_in: float = 4.5) -> Any:
    """Return an empty matplotlib figure of that size in inches.

    Raises:
        Unavailable: matplotlib is not installed.
    """
    with require("plot"):
        from matplotlib.figure import Figure

    class NotebookFigure(Figure):  # type: ignore[misc,unused-ignore]  # matplotlib may be absent
        """A figure that a notebook shows without pyplot's global state."""

        def _repr_png_(self) -> bytes:
            buffer = io.BytesIO()
            self.savefig(buffer, format="png", dpi=110)
            return buffer.getvalue()

    return NotebookFigure(figsize=(width_in, height_in), layout="constrained")


def picture_format(path: Path) -> str:
    """Return the format that a file's ending names.

    Raises:
        UsageError: it is none of `FORMATS`.
    """
    kind = path.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        raise UsageError(f"{path}: a picture's name ends in .{', .'.join(FORMATS)}")
    return kind


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF, whole or not at all; the same figure, the same bytes.

    Raises:
        UsageError: the file's ending is of another format.
        CannotWrite: the folder is missing, not writable or full.
    """
    kind = picture_format(path)
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}
    import matplotlib as mpl

    with atomic_path(path) as temporary, mpl.rc_context({"svg.hashsalt": "edgeprofiler"}):
        figure.savefig(temporary, format=kind, dpi=150, metadata=metadata[kind])
