"""Run inputs in bounded processes, gather what ends badly, keep the smallest of each."""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import random
import resource
import select
import shutil
import signal
import struct
import sys
import time
import tokenize
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from edgeprofiler.core.errors import EXIT_INTERNAL, EdgeProfilerError
from fuzzing.kinds import Files, Kind
from fuzzing.nasty import raw

PROCESSOR_S = 10.0
MEMORY_BYTES = 1 << 30
_BATCH = 400
"""Inputs of one process, so that none carries much from input to input."""
_COMMANDS = 0.06
"""Share of inputs that a whole command is run on."""
_NOW = struct.Struct("<q")


@dataclass
class Found:
    """What a run found."""

    tried: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: dict[str, tuple[str, int, dict[str, bytes]]] = field(default_factory=dict)
    """By where it failed: kind, number and files of the smallest input."""
    counts: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, key: str, kind: str, number: int, files: Files) -> None:
        """Count a failure, and keep its input if it is the smallest."""
        self.counts[key] += 1
        size = sum(map(len, files.values()))
        kept = self.failures.get(key)
        if kept is None or size < sum(map(len, kept[2].values())):
            self.failures[key] = (kind, number, dict(files))


def made(kind: Kind, seed: int, name: str, number: int) -> tuple[Files, random.Random]:
    """Return an input by its number."""
    rng = random.Random(f"{seed}:{name}:{number}")
    first, second = rng.choice(kind.seeds), rng.choice(kind.seeds)
    try:
        return kind.mutate(rng, first, second), rng
    except (ValueError, TypeError, LookupError, OverflowError, EOFError, tokenize.TokenError):
        # A format's own library refused the change: bytes are changed instead.
        return {name: raw(rng, data, b"") for name, data in first.items()}, rng


def run(
    kinds: Mapping[str, Kind], numbers: range, *, seed: int, jobs: int, folder: Path,
    corpus: Sequence[Path],
) -> Found:  # fmt: skip
    """Try the corpus, then inputs by number, on so many processes."""
    found = Found()
    began = time.monotonic()
    kinds = {
        name: kind for name, kind in kinds.items() if kind.seeds and any(kind.seeds[0].values())
    }
    _warm(kinds, folder / "warm")
    order = random.Random(seed)
    turns = [name for name, kind in kinds.items() for _ in range(round(2 * kind.share))]
    order.shuffle(turns)
    work: list[list[tuple[str, int, Files | None]]] = [
        [(name, -1 - i, files) for i, (name, files) in enumerate(_kept(corpus, kinds))]
    ]
    chosen = [(turns[n % len(turns)], n, None) for n in numbers]
    work += [list(chosen[at : at + _BATCH]) for at in range(0, len(chosen), _BATCH)]
    running: dict[int, _Batch] = {}
    work = [batch for batch in work if batch]
    while work or running:
        while work and len(running) < jobs:
            batch = _Batch(work.pop(0), kinds, seed, folder)
            running[batch.read] = batch
        for read in select.select([*running], [], [], 1.0)[0]:
            batch = running[read]
            if not batch.hear(found):
                del running[read]
                rest = batch.ended(found)
                if rest:
                    work.insert(0, rest)
    found.seconds = time.monotonic() - began
    return found


def _warm(kinds: Mapping[str, Kind], place: Path) -> None:
    """Try each kind's first seed, unchanged: what that imports, no process must import again."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        for kind in kinds.values():
            for way in (kind.attempt, *kind.commands):
                path = _written(place, kind.seeds[0], kind)
                with contextlib.suppress(EdgeProfilerError, AssertionError):
                    way(path)
                shutil.rmtree(place, ignore_errors=True)


class _Batch:
    """A process of its own that tries some inputs one after another."""

    def __init__(
        self, items: list[tuple[str, int, Files | None]], kinds: Mapping[str, Kind], seed: int,
        folder: Path,
    ) -> None:  # fmt: skip
        self.items, self._kinds, self._seed = items, kinds, seed
        self._now = mmap.mmap(-1, _NOW.size)
        self._heard = b""
        self.read, write = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            status = 1
            try:
                os.close(self.read)
                os.setpgid(0, 0)
                self._work(write, folder)
                status = 0
            finally:
                os._exit(status)
        os.close(write)

    def _work(self, write: int, folder: Path) -> None:
        place = folder / f"work-{os.getpid()}"
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        if not os.environ.get("FUZZ_STDERR"):
            os.dup2(quiet, 2)
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        bound = pages * resource.getpagesize() + MEMORY_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for at, (name, number, files) in enumerate(self.items):
            self._now[:] = _NOW.pack(at)
            signal.setitimer(signal.ITIMER_PROF, PROCESSOR_S)
            shutil.rmtree(place, ignore_errors=True)
            said = self._try(place, name, number, files)
            os.write(write, json.dumps([at, said]).encode() + b"\n")
        shutil.rmtree(place, ignore_errors=True)

    def _try(self, place: Path, name: str, number: int, files: Files | None) -> str:
        kind = self._kinds[name]
        rng = random.Random(number)
        if files is None:
            files, rng = made(kind, self._seed, name, number)
        path = _written(place, files, kind)
        ways = [kind.attempt]
        if kind.commands:
            if number < 0:
                ways += kind.commands
            elif rng.random() < _COMMANDS:
                ways = [rng.choice(kind.commands)]
        said = ""
        for way in ways:
            try:
                way(path)
            except EdgeProfilerError as error:
                said = _where(error) if error.exit_code == EXIT_INTERNAL else "refused"
            except BaseException as error:  # whatever it is, it is looked for
                return _where(error)
        return said

    def hear(self, found: Found) -> bool:
        """Take what the process says; `False` once it has ended."""
        data = os.read(self.read, 1 << 16)
        self._heard += data
        *lines, self._heard = self._heard.split(b"\n")
        for line in lines:
            at, said = json.loads(line)
            name, number, files = self.items[at]
            found.tried[name] += 1
            if said == "refused":
                found.refused[name] += 1
            elif said:
                found.add(f"{name}: {said}", name, number, self._files(name, number, files))
        return bool(data)

    def ended(self, found: Found) -> list[tuple[str, int, Files | None]]:
        """Take the end of the process: what is left to try where it died."""
        os.close(self.read)
        _, code = os.waitpid(self._pid, 0)
        (at,) = _NOW.unpack(self._now[:])
        self._now.close()
        if code == 0:
            return []
        name, number, files = self.items[at]
        by = os.WTERMSIG(code) if os.WIFSIGNALED(code) else 0
        said = f"the process died ({signal.Signals(by).name if by else code})"
        if by == signal.SIGPROF:
            said = f"more than {PROCESSOR_S:g} s of processor"
        found.tried[name] += 1
        found.add(f"{name}: {said}", name, number, self._files(name, number, files))
        return self.items[at + 1 :]

    def _files(self, name: str, number: int, files: Files | None) -> Files:
        return made(self._kinds[name], self._seed, name, number)[0] if files is None else files


def _written(place: Path, files: Files, kind: Kind) -> Path:
    for name, data in files.items():
        path = place / "input" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (place / "input").mkdir(parents=True, exist_ok=True)
    alone = len(kind.seeds[0]) == 1
    return place / "input" / next(iter(files)) if alone else place / "input"


def _where(error: BaseException) -> str:
    """Return what an error is and where in our code it came up."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if "edgeprofiler" in f.filename] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].name}" if ours else "nowhere"
    words = str(error) if isinstance(error, AssertionError) else ""
    return f"{type(error).__name__} at {place} {words[:80]}".strip()


def _kept(corpus: Sequence[Path], kinds: Mapping[str, Kind]) -> Iterator[tuple[str, Files]]:
    """Yield the inputs that are kept: a folder for each kind, in it a folder for each input."""
    for root in corpus:
        for folder in sorted(root.glob("*/*")):
            if folder.is_dir() and folder.parent.name in kinds:
                names = sorted(p for p in folder.rglob("*") if p.is_file())
                yield (
                    folder.parent.name,
                    {str(p.relative_to(folder)): p.read_bytes() for p in names},
                )


def tell(found: Found, keep: Path | None) -> int:
    """Print what was found, keep the inputs, and return the exit code."""
    for name in sorted(found.tried):
        print(f"{name:12} {found.tried[name]:8,} inputs, {found.refused[name]:8,} refused")
    total = sum(found.tried.values())
    print(f"{total:,} inputs in {found.seconds:.0f} s: {sum(found.counts.values())} ended badly")
    for number, (key, (name, index, files)) in enumerate(sorted(found.failures.items())):
        size = sum(map(len, files.values()))
        print(f"  {found.counts[key]:5} times, input {index} ({size} bytes): {key}")
        if keep is not None:
            for file, data in files.items():
                path = keep / name / f"{number:03}" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
    sys.stdout.flush()
    return 1 if found.failures else 0
