"""A page as PDF, printed by a browser of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from edgeprofiler.core.errors import Unavailable
from edgeprofiler.core.files import write_bytes

BROWSERS = (
    "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge",
    "msedge", "chrome",
)  # fmt: skip
"""Programs that print a page without a window; the first that is found is taken."""

_PATIENCE_S = 180
"""A page of a thousand layers takes some ten seconds on a slow machine."""


def browser() -> str:
    """Return the path of a browser that prints.

    Raises:
        Unavailable: there is none.
    """
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise Unavailable(
            "a PDF is printed by Chromium, Chrome or Edge, and none is on the PATH",
            "install one, or write .html and print that",
        )
    return found


def write_pdf(page: str, target: Path) -> None:
    """Write a page as PDF, whole or not at all; the page asks nothing of any network.

    Raises:
        Unavailable: there is no browser, or it does not print.
        CannotWrite: the folder is missing, not writable or full.
    """
    program = browser()
    with tempfile.TemporaryDirectory() as folder:
        source, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
        source.write_text(page, encoding="utf-8")
        words = [
            program, "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions",
            f"--user-data-dir={folder}/profile", "--virtual-time-budget=20000",
            "--no-pdf-header-footer", f"--print-to-pdf={made}", source.as_uri(),
        ]  # fmt: skip
        if sys.platform == "linux" and os.geteuid() == 0:
            words.insert(1, "--no-sandbox")  # which it refuses to do without for root
        try:
            subprocess.run(words, check=False, capture_output=True, timeout=_PATIENCE_S)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _no_print(program, str(error)) from None
        data = made.read_bytes() if made.exists() else b""
    if not data.startswith(b"%PDF"):
        raise _no_print(program, "it wrote no PDF")
    write_bytes(target, data)


def _no_print(program: str, reason: str) -> Unavailable:
    return Unavailable(f"{program} did not print the page ({reason[:200]})", "write .html")
