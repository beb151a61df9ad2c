"""What a variant of one graph and a new network of the zoo cost now and before, in one run.

Usage: python benchmarks/inner_loop.py [--pairs N]

Before is a commit of this repository: the last one before sweeps in parts for variants of one
graph, the first one that sweeps over networks for those. Its source is taken from git, and each
pair is two processes one after the other, the old code and this one, on the same question. Told is
the processor time, which other work on the machine changes less than the wall time, and changes
alike for both of a pair: the ratio is the median of the pairs'.
"""

from __future__ import annotations

import argparse
import io
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
VARIANTS = """
import time
from edgeprofiler import sweep
sweep("zoo:resnet50", batch="1:3")
begun_s = time.process_time()
found = sweep("zoo:resnet50", device="all", batch="1:26", resolution="160:640:32",
              precision="fp32,fp16,int8")
print((time.process_time() - begun_s) / len(found), len(found))
"""
"""Sixteen resolutions, three precisions and 26 batches on twelve boards."""
NETWORKS = """
import time
from edgeprofiler import sweep
widths = [0.5 + n / 1024 for n in range(COUNT)]
sweep("zoo:mobilenet_v2", variants=[{"width": width} for width in widths[:10]])
begun_s = time.process_time()
found = sweep("zoo:mobilenet_v2", variants=[{"width": width} for width in widths[10:]])
print((time.process_time() - begun_s) / len(found), len(found))
""".replace("COUNT", "310")
"""Each width is built, lowered and predicted; ten others were before."""
CASES = (
    ("a variant of one graph", VARIANTS, "114453c"),
    ("a new network of the zoo", NETWORKS, "e6f82a5"),
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pairs", type=int, default=5)
    pairs = parser.parse_args().pairs
    print(f"Python {platform.python_version()}, {platform.machine()}.\n")
    print("| | commit before | of | before, µs | now, µs | ratio | of the pairs |")
    print("|---|---|--:|--:|--:|--:|---|")
    for name, code, commit in CASES:
        with tempfile.TemporaryDirectory() as folder:
            old = source_of(commit, Path(folder, "old"))
            new = source_of("", Path(folder, "new"))
            found = [(cost(code, old), cost(code, new)) for _ in range(pairs)]
        before, now = (min(each) for each in zip(*found, strict=True))
        ratios = [a[0] / b[0] for a, b in found]
        print(
            f"| {name} | {commit} | {now[1]:,} | {before[0] * 1e6:,.0f} | {now[0] * 1e6:,.0f} "
            f"| {statistics.median(ratios):.1f} | {min(ratios):.1f} to {max(ratios):.1f} |",
            flush=True,
        )


def source_of(commit: str, folder: Path) -> Path:
    """Return a folder to import the package of a commit from; of the working tree where empty."""
    folder.mkdir()
    if commit:
        packed = subprocess.run(
            ["git", "archive", commit, "src", "pyproject.toml"],
            cwd=ROOT, capture_output=True, check=True,
        ).stdout  # fmt: skip
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            archive.extractall(folder)
    else:
        for name in ("src", "pyproject.toml"):
            (folder / name).symlink_to(ROOT / name)
    # Its plug-ins are found by what an installation says of them, which the folder must say first.
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = folder / "said" / "edgeprofiler-0.dist-info"
    said.mkdir(parents=True)
    (said / "METADATA").write_text("Metadata-Version: 2.1\nName: edgeprofiler\nVersion: 0\n")
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {where}\n" for name, where in entries.items())
        for group, entries in project["entry-points"].items()
    ]
    (said / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    return folder


def cost(code: str, folder: Path) -> tuple[float, int]:
    """Return the processor time of one combination in seconds, and how many there were."""
    paths = os.pathsep.join([str(folder / "src"), str(folder / "said")])
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(done.stderr)
    each, count = done.stdout.split()
    return float(each), int(count)


if __name__ == "__main__":
    main()
