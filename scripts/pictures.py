"""Take the two pictures of the README: a report, and the local page, in a real browser.

    python scripts/pictures.py [--browser /usr/bin/chromium]

Run it when predictions or pages change, and look at both.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MODEL = "zoo:mobilenet_v2"
PICTURES = Path(__file__).parents[1] / "docs" / "images"
FLAGS = ("--no-sandbox", "--disable-background-networking", "--no-first-run")


def main() -> None:
    """Take both pictures."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        served() as address,
        sync_playwright() as playwright,
    ):
        report = Path(folder) / "report.html"
        edgeprofiler("report", MODEL, "--device", "jetson-orin-nano", "-o", str(report))
        browser = playwright.chromium.launch(
            executable_path=arguments.browser, args=[*FLAGS], chromium_sandbox=False
        )
        take(browser, report.as_uri(), PICTURES / "report.png", 1280, 1650)
        take(browser, f"{address}?model={MODEL}", PICTURES / "serve.png", 1100, 1280)
        browser.close()


def edgeprofiler(*arguments: str) -> None:
    """Run a command."""
    subprocess.run([sys.executable, "-m", "edgeprofiler", *arguments], check=True)


@contextmanager
def served() -> Iterator[str]:
    """Give the address of a running server."""
    command = [sys.executable, "-m", "edgeprofiler", "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        yield process.stderr.readline().split(" at ")[1].split()[0]
        process.send_signal(signal.SIGINT)


def take(browser: Any, address: str, path: Path, width: int, height: int) -> None:
    """Write what a window of that size shows, once every chart in it is drawn."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme="light")
    page.goto(address)
    for chart in page.locator("[data-figure]").all():
        if chart.bounding_box()["y"] < height:
            chart.locator(".main-svg").first.wait_for()
    page.screenshot(path=path)
    page.close()


if __name__ == "__main__":
    main()
