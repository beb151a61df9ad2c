"""Kill commands while they write: what they write must be the whole old, or the whole new.

    python scripts/kill_writers.py --times 50 --seed 0
    python scripts/kill_writers.py --times 6 --only predict,train

Each command makes its old outputs, and runs over them once undisturbed; both are remembered. Then
it is killed (SIGKILL) over the old ones at moments that the seed chooses, from its first change of
the folder on; a pause around each replacement (`core.files.pause_for_tests`) keeps it there. What
is found must be one of the two, and the same call must then succeed and make the new one. Hidden
files (`.NAME.*`) are what a killed process leaves behind.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from measured_profiles import as_measured

import edgeprofiler

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PAUSE = "EDGEPROFILER_TEST_WRITE_S"
_PAUSE_S = 0.15
"""Long beside the writing itself, so that most moments fall around a replacement."""
_PATIENCE_S = 300.0
_MOMENT = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?")
Judge = Callable[[Path], object]
"""Says what a file or folder is, to compare; raises where it is nothing whole."""


def content(path: Path) -> object:
    """Return what a file or folder holds, dates and hidden names aside."""
    if path.is_dir():
        inside = sorted(p for p in path.iterdir() if not p.name.startswith("."))
        return {p.name: content(p) for p in inside}
    return hashlib.sha256(_MOMENT.sub(b"", path.read_bytes())).hexdigest() if path.exists() else ""


def read(path: Path) -> object:
    """Say that a JSON or TOML file is whole, for what holds seconds that it took."""
    if path.exists():
        loads = tomllib.loads if path.suffix == ".toml" else json.loads
        loads(path.read_text(encoding="utf-8"))
    return "whole"


def studied(path: Path) -> object:
    """Say that a study opens; how many trials it has is a matter of the moment."""
    if path.exists():
        with sqlite3.connect(path) as opened:
            if opened.execute("pragma integrity_check").fetchone() != ("ok",):
                raise ValueError("the study is damaged")
    return "whole"


def recorded(path: Path) -> object:
    """Say that what was recorded before the end is read without repair."""
    for header in path.glob("*/*.json") if path.exists() else ():
        json.loads(header.read_text(encoding="utf-8"))
    return "whole"


def parts(path: Path) -> object:
    """Say that each part of a sweep is what its name says."""
    for part in path.glob("part-*.parquet") if path.exists() else ():
        if hashlib.sha256(part.read_bytes()).hexdigest()[:16] != part.name.split(".")[1]:
            raise ValueError(f"{part.name} is not what its name says")
    return "whole"


def stored(path: Path) -> object:
    """Say that each object of a remote is what its name says."""
    for found in path.glob("files/md5/??/*") if path.exists() else ():
        name = (found.parent.name + found.name).removesuffix(".dir")
        whole = hashlib.md5(found.read_bytes(), usedforsecurity=False).hexdigest() == name
        if len(name) == 32 and not whole:
            raise ValueError(f"{found.name} is not what its name says")
    return "whole"


@dataclass(frozen=True)
class Writer:
    """A command that writes: what makes the old outputs, and what is killed over them."""

    old: str
    new: str
    outputs: Mapping[str, Judge]
    again: str = ""
    """What the call after a kill is given besides."""


def _writer(old: str, new: str, *outputs: str) -> Writer:
    return Writer(old, new, dict.fromkeys(outputs, content))


WRITERS: Mapping[str, Writer] = {
    "predict": _writer(
        "predict zoo:lenet --json p.json --csv p.csv",
        "predict zoo:lenet -b 4 --json p.json --csv p.csv", "p.json", "p.csv",
    ),
    "report": _writer(
        "report zoo:lenet -o r.html --md r.md",
        "report zoo:lenet -b 4 -o r.html --md r.md", "r.html", "r.md",
    ),
    "sweep": _writer(
        "sweep zoo:lenet -b 1,2 --jobs 1 --csv s.csv",
        "sweep zoo:lenet -b 1,4 --jobs 1 --csv s.csv", "s.csv",
    ),
    "sweep-parts": Writer(
        "", "sweep zoo:lenet -b 1,2 --jobs 1 --output sweep", {"sweep": parts}
    ),
    "advise": _writer(
        "advise zoo:lenet --budget-percent 90 --mask m.json --json a.json",
        "advise zoo:lenet -b 4 --budget-percent 90 --mask m.json --json a.json", "m.json", "a.json",
    ),
    "calibrate": _writer(
        "calibrate -m measured.csv --name one -o b.toml --json c.json",
        "calibrate -m measured.csv --name two -o b.toml --json c.json", "b.toml", "c.json",
    ),
    "attribute": _writer(
        "attribute recordings/lenet --jobs 1 --json t.json --csv t.csv",
        "attribute recordings/lenet --jobs 1 --method network --json t.json --csv t.csv",
        "t.json", "t.csv",
    ),
    "collect": Writer(
        "", "collect zoo:alexnet --sensor sim --runner sim --runs 30 --idle 0.3 -o c",
        {"c": recorded}, again="--resume",
    ),
    "dataset": _writer(
        "dataset build profiles/lenet.json -o d --jobs 1",
        "dataset build profiles -o d --jobs 1", "d",
    ),
    "train": _writer(
        "train layers -o t --recipe neuralpower",
        "train layers -o t --recipe neuralpower --seed 1 --test-networks lenet", "t",
    ),
    "tune": Writer(
        "tune layers --recipe neuralpower --trials 1 -o o.toml --json o.json",
        "tune layers --recipe neuralpower --trials 2 -o o.toml --json o.json",
        {"o.toml": read, "o.json": read, "tuning.db": studied},
    ),
    "push": Writer(
        "", "data push v1 -r ./store", {"v1.dvc": content, "v1": content, "store": stored}
    ),
    "pull": _writer(
        "data pull p1.dvc -o got -r ./kept", "data pull p2.dvc -o got -r ./kept", "got"
    ),
    "contribute": _writer(
        "contribute profiles/lenet.json --licence CC0-1.0 -o g.json",
        "contribute profiles/alexnet.json --licence CC0-1.0 -o g.json", "g.json",
    ),
}  # fmt: skip


@dataclass
class Kept:
    """How a command ended that was killed again and again."""

    old: int = 0
    new: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_writers(names: Sequence[str], times: int, seed: int, folder: Path) -> dict[str, Kept]:
    """Kill each command, by turns, until so many moments have been tried over all of them.

    Args:
        names: of `WRITERS`.
        times: moments in all.
        seed: of the moments.
        folder: where it is done.
    """
    base = folder / "base"
    prepare(base, names)
    rng = random.Random(seed)
    cases = {name: _Case(WRITERS[name], base, folder / name) for name in names}
    for time_ in range(times):
        name = names[time_ % len(names)]
        cases[name].kill(rng.random())
        kept = cases[name].kept
        print(f"{time_ + 1} {name}: {kept.old}, {kept.new}, {len(kept.wrong)}", file=sys.stderr)
    return {name: case.kept for name, case in cases.items()}


class _Case:
    """One command, in folders of its own."""

    def __init__(self, writer: Writer, base: Path, folder: Path) -> None:
        self.writer, self.kept = writer, Kept()
        self._old, self._place = folder / "old", folder / "place"
        shutil.copytree(base, self._old)
        if writer.old:
            _succeed(writer.old, self._old)
        self._before = self._judged(self._old)
        self._span_s = self._run(None)
        self._after = self._judged(self._place)

    def kill(self, part: float) -> None:
        """Kill the command after a part of the time that it writes, and judge what is there."""
        self._run(part * self._span_s)
        where = f"after {part:.0%} of the writing"
        try:
            found = self._judged(self._place)
            for name, value in found.items():
                if value not in (self._before[name], self._after[name]):
                    self.kept.wrong.append(f"{name} is neither old nor new {where}")
            if found == self._after and found != self._before:
                self.kept.new += 1
            else:
                self.kept.old += 1
            _succeed(f"{self.writer.new} {self.writer.again}", self._place)
            if self._judged(self._place) != self._after:
                self.kept.wrong.append(f"the next call wrote something else {where}")
        except (ValueError, OSError, sqlite3.Error, RuntimeError) as error:
            self.kept.wrong.append(f"{error} {where}")

    def _judged(self, place: Path) -> dict[str, object]:
        return {name: judge(place / name) for name, judge in self.writer.outputs.items()}

    def _run(self, seconds: float | None) -> float:
        """Run over the old outputs, and kill so long after the first change; return the span."""
        shutil.rmtree(self._place, ignore_errors=True)
        shutil.copytree(self._old, self._place)
        before = _seen(self._place)
        process = _started(self.writer.new, self._place)
        began = None
        while process.poll() is None:
            if began is None and _seen(self._place) != before:
                began = time.monotonic()
            if began is not None and seconds is not None and time.monotonic() - began >= seconds:
                os.killpg(process.pid, signal.SIGKILL)
                break
            time.sleep(0.005)
        process.communicate()
        if seconds is None and process.returncode:
            raise RuntimeError(f"{self.writer.new}: exit {process.returncode}")
        return 0.0 if began is None else time.monotonic() - began


def prepare(base: Path, names: Sequence[str]) -> None:
    """Write what the commands read: profiles, a recording, a data set, measurements, versions."""
    from edgeprofiler.learning.dataset import Dataset, rows_of
    from edgeprofiler.learning.dataset.storage import save_dataset

    (base / "profiles").mkdir(parents=True)
    networks = ("lenet", "alexnet", "vgg11", "squeezenet1_1", "resnet18", "mobilenet_v2")
    profiles = {name: as_measured(name) for name in networks}
    for name in ("lenet", "alexnet"):
        edgeprofiler.write_profile(profiles[name], base / "profiles" / f"{name}.json")
    lines = ["device,mode,software,network,model,batch,precision,runtime_ms,power_above_idle_w"]
    for name, found in profiles.items():
        totals = found.totals
        lines.append(
            f"jetson-orin-nano,15w,trtexec,{name},zoo:{name},1,fp16,"
            f"{1e3 * totals.runtime_s.value:.4f},{0.5 * totals.power_w.value:.3f}"
        )
    (base / "measured.csv").write_text("\n".join(lines) + "\n")
    if {"train", "tune"} & {*names}:
        data = Dataset.concatenate([rows_of(found, name) for name, found in profiles.items()])
        save_dataset(data, base / "layers")
    if "attribute" in names:
        _succeed("collect zoo:lenet --sensor sim --runner sim --runs 100 --idle 0.5", base)
    for name, remote in (("v1", ""), ("p1", "kept"), ("p2", "kept")):
        if ("pull" if remote else "push") in names:
            (base / name).mkdir()
            for number in range(20):
                (base / name / f"{number}.csv").write_text(f"{name} {number}\n" * 5000)
            if remote:
                _succeed(f"data push {name} -r ./{remote}", base)
                shutil.rmtree(base / name)


def _started(words: str, place: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "edgeprofiler", *words.split()],
        cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", _PAUSE: str(_PAUSE_S)}, start_new_session=True,
    )  # fmt: skip


def _succeed(words: str, place: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != _PAUSE}
    done = subprocess.run(
        [sys.executable, "-m", "edgeprofiler", *words.split()], cwd=place, check=False,
        env={**environment, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
        timeout=_PATIENCE_S,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{words}: exit {done.returncode}: {done.stderr.strip()[-300:]}")


def _seen(place: Path) -> dict[str, int]:
    """Return when each path below a folder was last changed."""
    found = {}
    for path in place.rglob("*"):
        try:
            found[str(path)] = path.lstat().st_mtime_ns
        except OSError:  # gone again
            continue
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--times", type=int, default=50, help="moments, over all commands")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="some commands alone: A,B,...")
    given = parser.parse_args()
    names = given.only.split(",") if given.only else [*WRITERS]
    with tempfile.TemporaryDirectory(prefix="edgeprofiler-kill-") as folder:
        found = kill_writers(names, given.times, given.seed, Path(folder))
    counts: Counter[str] = Counter()
    for name, kept in found.items():
        print(f"{name:12} {kept.old:3} old, {kept.new:3} new, {len(kept.wrong):3} wrong")
        for words in kept.wrong:
            print(f"  {words}")
        counts.update(old=kept.old, new=kept.new, wrong=len(kept.wrong))
    print(f"{given.times} kills: {counts['old']} old, {counts['new']} new, {counts['wrong']} wrong")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
