"""Write the tables of `docs/trust.md`: by board, mode, precision and kind of network.

    python scripts/trust_page.py

Errors are those of `docs/accuracy.md`, sources left out; widths are what `predict` gives today.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from edgeprofiler import load_device, predict, read
from edgeprofiler.core.device import device_names

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARK = "<!-- Below: written by scripts/trust_page.py -->"
KINDS = {
    "classifier": "zoo:resnet50",
    "mobile classifier": "zoo:mobilenet_v2",
    "detector": "zoo:yolov8n?resolution=640",
    "segmenter": "zoo:deeplabv3_resnet50",
    "with attention": "zoo:mobilevit_s",
    "transformer-like": "zoo:convnext_tiny",
}


def left_out() -> dict[str, tuple[str, str, str]]:
    """Return rows, MAPE and share inside the interval, by board or precision, of accuracy.md."""
    text = (DOCS / "accuracy.md").read_text("utf-8")
    errors = re.findall(r"^\| (\S+) \|[^|]*\| (\d+) \| ([\d.]+ %) \|", text, re.MULTILINE)
    inside = dict(re.findall(r"^\| (\S+) \|[^|]*\| (\d+ of \d+) \| \d+ %", text, re.MULTILINE))
    found: dict[str, tuple[str, str, str]] = {}
    for name, rows, mape in errors:
        found.setdefault(name, (rows, mape, inside.get(name, "-")))
    return found


def widths(model: str, device: str, precision: str) -> tuple[str, str, str]:
    """Return half widths of time and energy, and the kind of the intervals."""
    address, _, size = model.partition("?resolution=")
    profile = predict(address, device, precision=precision, resolution=int(size) if size else None)
    totals = profile.totals

    def half(low: float | None, high: float | None) -> str:
        if low is None or high is None or not math.isfinite(high) or low <= 0:
            return "open"
        return f"+-{100 * (math.sqrt(high / low) - 1):.0f} %"

    time, energy = totals.end_to_end_s, totals.energy_j
    return half(time.low, time.high), half(energy.low, energy.high), profile.interval_kind


def tables() -> str:
    """Return the tables as Markdown."""
    known = left_out()
    lines = ["## By board", ""]
    lines += [
        "MobileNetV2 in FP16 in the board's default mode; rows of other labs, left out.", "",
        "| board | rows | error of sources left out | inside 90 % | time | energy | kind |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]  # fmt: skip
    for board in device_names():
        rows, mape, inside = known.get(board, ("0", "-", "-"))
        time, energy, kind = widths("zoo:mobilenet_v2", board, "fp16")
        lines.append(f"| {board} | {rows} | {mape} | {inside} | {time} | {energy} | {kind} |")
    lines += ["", "## By mode", "", "MobileNetV2 in FP16 on two boards, by mode.", ""]
    lines += ["| board and mode | time | energy | kind |", "|---|--:|--:|---|"]
    for board in ("jetson-orin-nano", "jetson-agx-orin"):
        for mode in load_device(board).modes:
            time, energy, kind = widths("zoo:mobilenet_v2", f"{board}@{mode.name}", "fp16")
            lines.append(f"| {board}@{mode.name} | {time} | {energy} | {kind} |")
    lines += ["", "## By precision", "", "ResNet-50 on Orin Nano.", ""]
    lines += [
        "| precision | rows | error of sources left out | inside 90 % | time | energy |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for precision in ("fp16", "int8", "fp32"):
        rows, mape, inside = known.get(precision, ("0", "-", "-"))
        time, energy, _ = widths("zoo:resnet50", "jetson-orin-nano", precision)
        lines.append(f"| {precision} | {rows} | {mape} | {inside} | {time} | {energy} |")
    lines += ["", "## By kind of network", "", "FP16 on Orin Nano and on TX2.", ""]
    lines += [
        "| kind | network | covered | time, Orin Nano | energy | time, TX2 |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for kind, model in KINDS.items():
        covered = predict(model.partition("?")[0], "jetson-orin-nano").covered_macs
        time, energy, _ = widths(model, "jetson-orin-nano", "fp16")
        other, _, _ = widths(model, "jetson-tx2", "fp16")
        name = read(model.partition("?")[0]).name
        lines.append(f"| {kind} | {name} | {covered:.0%} | {time} | {energy} | {other} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    page = DOCS / "trust.md"
    head, mark, _ = page.read_text("utf-8").partition(MARK)
    page.write_text(f"{head}{mark or MARK}\n\n{tables()}", encoding="utf-8")
    print(page)
