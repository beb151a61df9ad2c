"""Try mutated files of every kind, and say which end badly.

    python scripts/fuzz.py --inputs 20000 --seed 0          what CI runs
    python scripts/fuzz.py --inputs 100000 --keep found     a long run; failures go to `found/`
    python scripts/fuzz.py --kinds onnx,profile --first 4711 --inputs 1 --keep found

Bad is: an internal error (exit 70), more than 10 s of processor, more than 1 GiB of memory, a
process that dies, characters that act on a terminal, and an answer that cannot be (negative, an
end of an interval on the wrong side of the value, energies that do not add up). Every input is
made from the seed and its number, so one number is all that must be known to see it again.
`scripts/fuzzing/corpus` keeps the smallest input of each failure that was found; all are tried
first.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

CORPUS = Path(__file__).parent / "fuzzing" / "corpus"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--inputs", type=int, default=20_000, help="how many, over all kinds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--kinds", help="some kinds alone: A,B,...")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--keep", type=Path, help="folder for the smallest input of each failure")
    parser.add_argument("--hostile", type=Path, help="a folder of further inputs to try first")
    given = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", COLUMNS="100")

    from fuzzing.kinds import kinds
    from fuzzing.run import run, tell

    with tempfile.TemporaryDirectory(prefix="edgeprofiler-fuzz-", dir=_fast()) as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        made = kinds(Path(folder))
        names = given.kinds.split(",") if given.kinds else [*made]
        found = run(
            {name: made[name] for name in names},
            range(given.first, given.first + given.inputs),
            seed=given.seed,
            jobs=given.jobs,
            folder=Path(folder),
            corpus=[CORPUS, *([given.hostile] if given.hostile else [])],
        )
    return tell(found, given.keep)


def _fast() -> str | None:
    """Return a folder in memory: to make and remove folders on a disk takes a third of the time."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK)
    return str(memory) if roomy and shutil.disk_usage(memory).free > 1 << 30 else None


if __name__ == "__main__":
    sys.exit(main())
