"""Kill commands while they write: what they write must be the whole old, or the whole new.

    python scripts/kill_writers.py --times 50 --seed 0
    python scripts/kill_writers.py --times 6 --only predict,train

Each command makes its old outputs, and runs over them once undisturbed; both are remembered. Then
it is killed (SIGKILL) over the old ones at moments that the seed chooses, from its first change of
the folder on; a pause around each replacement (`core.files.pause_for_tests`) keeps it there. What
is found must be one of the two, and the same call must then succeed and make the new one. Hidden
files (`.NAME.*`) are what a killed process leaves behind. Commands run in forks of this process,
which has imported what they need: else most of the time went by before they write.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from measured_profiles import as_measured

import edgeprofiler
from edgeprofiler.cli.app import main as run_command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PAUSE = "EDGEPROFILER_TEST_WRITE_S"
_PAUSE_S = 0.15
"""Long beside the writing itself, so that most moments fall around a replacement."""
_PATIENCE_S = 300.0
_WARM = (
    "dvc", "dvc_data", "edgeprofiler", "jinja2", "matplotlib", "numpy", "optuna", "pyarrow",
    "scipy", "sklearn", "sqlalchemy",
)  # fmt: skip
"""Packages that are imported once, before the forks."""
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
        "predict zoo:lenet --json p.json --csv p.csv --latex p.tex --trace t.json",
        "predict zoo:lenet -b 4 --json p.json --csv p.csv --latex p.tex --trace t.json",
        "p.json", "p.csv", "p.tex", "t.json",
    ),
    "inspect": _writer(
        "inspect zoo:lenet --json i.json", "inspect zoo:lenet -b 4 --json i.json", "i.json"
    ),
    "zoo": _writer(
        "zoo lenet --csv z.csv --json z.json", "zoo vgg --csv z.csv --json z.json",
        "z.csv", "z.json",
    ),
    "compare": _writer(
        "compare zoo:lenet zoo:alexnet --json c.json --latex c.tex",
        "compare zoo:lenet zoo:vgg11 --json c.json --latex c.tex", "c.json", "c.tex",
    ),
    "check": _writer(
        "check zoo:lenet --budget budget.toml --junit k.xml --markdown k.md --save k.json",
        "check zoo:lenet -b 4 --budget budget.toml --junit k.xml --markdown k.md --save k.json",
        "k.xml", "k.md", "k.json",
    ),
    "impact": _writer(
        "impact zoo:lenet --battery 10Wh --json w.json",
        "impact zoo:lenet --battery 20Wh --json w.json", "w.json",
    ),
    "validate": _writer(
        "validate -m measured.csv --csv v.csv --json v.json --plot v.svg",
        "validate -m measured.csv --confidence 0.8 --csv v.csv --json v.json --plot v.svg",
        "v.csv", "v.json", "v.svg",
    ),
    "report": _writer(
        "report zoo:lenet -o r.html --md r.md --svg r.svg",
        "report zoo:lenet -b 4 -o r.html --md r.md --svg r.svg", "r.html", "r.md", "r.svg",
    ),
    "sweep": _writer(
        "sweep zoo:lenet -b 1,2 --jobs 1 --csv s.csv --parquet s.parquet",
        "sweep zoo:lenet -b 1,4 --jobs 1 --csv s.csv --parquet s.parquet", "s.csv", "s.parquet",
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
        "attribute recordings/lenet --jobs 1 --json t.json --csv t.csv --reference-csv pre",
        "attribute recordings/lenet --jobs 1 --method network --json t.json --csv t.csv "
        "--reference-csv pre", "t.json", "t.csv", "pre",
    ),
    "qa": _writer("", "qa recordings/lenet --json q.json", "q.json"),
    "collect": Writer(
        "", "collect zoo:alexnet --sensor sim --runner sim --runs 30 --idle 0.3 -o c",
        {"c": recorded}, again="--resume",
    ),
    "dataset": _writer(
        "dataset build profiles/lenet.json -o d --jobs 1",
        "dataset build profiles -o d --jobs 1", "d",
    ),
    "describe": _writer(
        "dataset describe layers --json n.json", "dataset describe layers --min-samples 3 "
        "--json n.json", "n.json",
    ),
    "train": _writer(
        "train layers -o t --recipe neuralpower",
        "train layers -o t --recipe neuralpower --seed 1 --test-networks lenet", "t",
    ),
    "evaluate": _writer(
        "evaluate layers --recipe neuralpower --jobs 1 --test-networks lenet --json e.json",
        "evaluate layers --recipe neuralpower --jobs 1 --test-networks alexnet --json e.json",
        "e.json",
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
    "devices": _writer(
        "devices show jetson-orin-nano --json h.json", "devices show jetson-nano --json h.json",
        "h.json",
    ),
    "monitor": Writer(
        "monitor --sensor sim --json o.json -- true", "monitor --sensor sim --json o.json -- true",
        {"o.json": read},
    ),
    "benchmark": Writer(
        "benchmark zoo:lenet --backends onnxruntime -n 2 --json b.json",
        "benchmark zoo:lenet --backends onnxruntime -n 2 --json b.json", {"b.json": read},
    ),
    "doctor": Writer("doctor --json x.json", "doctor --json x.json", {"x.json": read}),
}  # fmt: skip


@dataclass
class Kept:
    """How a command ended that was killed again and again."""

    old: int = 0
    new: int = 0
    wrong: list[str] = field(default_factory=list)


def kill_writers(names: Sequence[str], times: int, seed: int, folder: Path) -> dict[str, Kept]:
    """Kill each command at so many moments, by turns.

    Args:
        names: of `WRITERS`.
        times: moments of each command.
        seed: of the moments.
        folder: where it is done.
    """
    base = folder / "base"
    prepare(base, names)
    rng = random.Random(seed)
    cases = {name: _Case(WRITERS[name], base, folder / name) for name in names}
    for time_ in range(times * len(names)):
        name = names[time_ % len(names)]
        cases[name].kill(rng.random())
        kept = cases[name].kept
        said = [f"{time_ + 1} {name}: {kept.old}, {kept.new}", *kept.wrong[-1:]]
        print("; ".join(said), file=sys.stderr)
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
        process = _Forked(self.writer.new, self._place, pause_s=_PAUSE_S)
        began = None
        while process.running():
            if began is None and _seen(self._place) != before:
                began = time.monotonic()
            if began is not None and seconds is not None and time.monotonic() - began >= seconds:
                process.kill()
                break
            time.sleep(0.005)
        if seconds is None and process.code:
            raise RuntimeError(f"{self.writer.new}: exit {process.code}: {process.said()[-300:]}")
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
    (base / "budget.toml").write_text("[limits]\nlatency_ms = 100\n")
    if {"train", "tune", "evaluate", "describe"} & {*names}:
        data = Dataset.concatenate([rows_of(found, name) for name, found in profiles.items()])
        save_dataset(data, base / "layers")
    if {"attribute", "qa"} & {*names}:
        _succeed("collect zoo:lenet --sensor sim --runner sim --runs 100 --idle 0.5", base)
    for name, remote in (("v1", ""), ("p1", "kept"), ("p2", "kept")):
        if ("pull" if remote else "push") in names:
            (base / name).mkdir()
            for number in range(20):
                (base / name / f"{number}.csv").write_text(f"{name} {number}\n" * 5000)
            if remote:
                _succeed(f"data push {name} -r ./{remote}", base)
                shutil.rmtree(base / name)


class _Forked:
    """A command in a fork of this process, in a session and a folder of its own."""

    def __init__(self, words: str, place: Path, pause_s: float = 0.0) -> None:
        self.code: int | None = None
        """Its exit code once it has ended, negative for a signal."""
        self._log = place.with_name(f"{place.name}.log")
        self._imported = place.with_name(f"{place.name}.modules")
        self._pid = os.fork()
        if self._pid == 0:
            self._work(words, place, pause_s)

    def _work(self, words: str, place: Path, pause_s: float) -> NoReturn:
        code = 70
        try:
            os.setsid()
            log = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            for stream, number in enumerate((os.open(os.devnull, os.O_RDWR), log, log)):
                os.dup2(number, stream)
            os.chdir(place)
            os.environ[_PAUSE] = str(pause_s)
            sys.argv = ["edgeprofiler", *words.split()]
            try:
                run_command()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 1
            self._imported.write_text("\n".join(sys.modules))
        finally:
            os._exit(code)

    def running(self) -> bool:
        if self.code is None:
            done, status = os.waitpid(self._pid, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if done else None
        return self.code is None

    def kill(self) -> None:
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def said(self) -> str:
        return self._log.read_text(errors="replace").strip()

    def learn(self) -> None:
        """Import what the command imported, for the forks to come."""
        for name in self._imported.read_text().split("\n"):
            if name not in sys.modules and name.partition(".")[0] in _WARM:
                with contextlib.suppress(ImportError):
                    import_module(name)


def _succeed(words: str, place: Path) -> None:
    process = _Forked(words, place)
    until = time.monotonic() + _PATIENCE_S
    while process.running():
        if time.monotonic() > until:
            process.kill()
            raise RuntimeError(f"{words}: does not end")
        time.sleep(0.005)
    if process.code:
        raise RuntimeError(f"{words}: exit {process.code}: {process.said()[-300:]}")
    process.learn()


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
    parser.add_argument("--times", type=int, default=50, help="moments of each command")
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
    kills = given.times * len(names)
    print(f"{kills} kills: {counts['old']} old, {counts['new']} new, {counts['wrong']} wrong")
    return 1 if counts["wrong"] else 0


if __name__ == "__main__":
    sys.exit(main())
