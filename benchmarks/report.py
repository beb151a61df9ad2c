"""How fast a report opens and sorts in a browser.

Usage: python benchmarks/report.py [NETWORK] [TIMES]

Writes the report of a network (zoo:efficientnet_b7) and opens it from disk in Debian's Chromium,
each time in a fresh context. The reference is a file with the same table of layers alone: no
charts, no script. Prints medians as Markdown. Needs Playwright and /usr/bin/chromium.
"""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from edgeprofiler.prediction.predict import predict
from edgeprofiler.views.reports.page import report_page

FLAGS = [
    "--no-sandbox", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip

# Sorts by a heading and waits until the browser has painted the new order.
SORT = """async (label) => {
  const headings = [...document.querySelectorAll("#p1-layers th")];
  const button = headings.find((h) => h.textContent.startsWith(label)).querySelector("button");
  const start = performance.now();
  button.click();
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  return (performance.now() - start) / 1000;
}"""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime / 1000"
DRAWN = """() => [...document.querySelectorAll("[data-figure]")]
  .filter((e) => e.getBoundingClientRect().top < innerHeight)
  .every((e) => e.querySelector(".main-svg"))"""


def main() -> None:
    from playwright.sync_api import sync_playwright

    name = sys.argv[1] if len(sys.argv) > 1 else "zoo:efficientnet_b7"
    times = int(sys.argv[2]) if len(sys.argv) > 2 else 9
    profile = predict(name, "jetson-orin-nano")
    start = time.perf_counter()
    page = report_page([profile])
    built = time.perf_counter() - start
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report, plain = Path(folder, "report.html"), Path(folder, "plain.html")
        report.write_text(page, encoding="utf-8")
        plain.write_text(_table_alone(page), encoding="utf-8")
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or "/usr/bin/chromium", args=FLAGS
        )
        runs = [_open(browser, report, sorts=True) for _ in range(times)]
        reference = [_open(browser, plain, sorts=False) for _ in range(times)]
        version = browser.version
        browser.close()
    base = statistics.median(run["load"] for run in reference)
    print(
        f"{name}, {len(profile)} layers, {len(page.encode()) / 1e6:.2f} MB; Chromium {version}, "
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
        f"median (worst) of {times}\n"
    )
    print("| step | s | worst | ratio |\n|---|---:|---:|---:|")
    print(f"| reference: the table alone opens | {base:.3f} | | 1 |")
    steps = {
        "paint": "the report's first paint",
        "load": "the report is open",
        "drawn": "and charts in view are drawn",
        "cpu": "the same in processor seconds",
        "energy": "sort by energy",
        "layer": "sort by name",
    }
    for key, label in steps.items():
        found = [run[key] for run in runs if run[key] is not None]
        middle = statistics.median(found)
        print(f"| {label} | {middle:.3f} | {max(found):.3f} | {middle / base:.1f} |")
    print(f"\nWriting the page took {built:.2f} s.")


def _open(browser: Any, path: Path, *, sorts: bool) -> dict[str, float]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    page.goto(path.as_uri())
    found = {"load": time.perf_counter() - start, "paint": page.evaluate(PAINT)}
    if sorts:
        while not page.evaluate(DRAWN):
            time.sleep(0.005)
        found["drawn"] = time.perf_counter() - start
        found["cpu"] = _processor(session)
        for label in ("energy", "layer"):
            found[label] = page.evaluate(SORT, label)
    context.close()
    return found


def _processor(session: Any) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(m["value"] for m in metrics if m["name"] == "TaskDuration"))


def _table_alone(page: str) -> str:
    start = page.index('<table id="p1-layers"')
    table = page[start : page.index("</table>", start) + len("</table>")]
    return f"<!DOCTYPE html><meta charset='utf-8'><title>table</title>{table}"


if __name__ == "__main__":
    main()
