"""Try the wheel as strangers do: alone, and with each extra alone, in a fresh environment.

    python scripts/try_extras.py                 # all
    python scripts/try_extras.py report web      # some; `core` is the package without any

Each environment must import the package, pass `doctor`, and run the main call of its extra.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PREDICT = "predict zoo:squeezenet1_1 -d jetson-orin-nano --json profile.json"
CALLS: dict[str, list[str]] = {
    "core": [PREDICT, "check profile.json --budget BUDGET", "impact profile.json", "devices"],
    "onnxruntime": ["benchmark zoo:lenet --backends onnxruntime --runs 3"],
    "nvml": ["python import pynvml", PREDICT],
    "plot": [PREDICT, "report profile.json --png picture.png"],
    "learn": ["python import edgeprofiler.learning.training.fitting, sklearn, pyarrow"],
    "tune": ["python import optuna, edgeprofiler.learning.journeys"],
    "postgresql": ["python import psycopg, optuna"],
    "frame": ["python import edgeprofiler as e; assert len(e.predict('zoo:lenet').to_frame())"],
    "skops": ["python import skops.io"],
    "mlflow": ["models list"],
    "data": ["python import dvc.api"],
    "dagshub": ["python import dagshub"],
    "parquet": ["sweep zoo:lenet --batch 1,2 --parquet rows.parquet"],
    "web": ["python from edgeprofiler.views.web import create_app"],
    "report": ["report zoo:lenet -o report.html"],
    "cluster": ["python import distributed, edgeprofiler.core.parallel"],
}
"""What each extra is for: commands of `edgeprofiler`, or lines of Python."""


def run(*command: str | Path, cwd: Path) -> None:
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")


def attempt(extra: str, wheel: Path, place: Path) -> str:
    """Install the wheel with one extra and run what it is for; return what went wrong."""
    home = place / extra
    home.mkdir()
    python, edgeprofiler = home / "venv/bin/python", home / "venv/bin/edgeprofiler"
    wanted = str(wheel) if extra == "core" else f"{wheel}[{extra}]"
    try:
        run(sys.executable, "-m", "venv", home / "venv", cwd=home)
        run(python, "-m", "pip", "install", "-q", wanted, cwd=home)
        run(edgeprofiler, "doctor", cwd=home)
        for call in CALLS[extra]:
            words = call.replace("BUDGET", str(ROOT / "examples/budget.toml")).split()
            if words[0] == "python":
                run(python, "-c", call.removeprefix("python "), cwd=home)
            else:
                run(edgeprofiler, *words, cwd=home)
    except RuntimeError as error:
        return str(error)
    return ""


def main(chosen: list[str]) -> int:
    """Try the extras named, or all; return 1 where one failed."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        run(sys.executable, "-m", "venv", place / "build", cwd=ROOT)
        run(place / "build/bin/pip", "install", "-q", "build", cwd=ROOT)
        run(place / "build/bin/python", "-m", "build", "-q", "--wheel", "-o", place, ".", cwd=ROOT)
        wheel = next(place.glob("*.whl"))
        extras = chosen or list(CALLS)
        with ThreadPoolExecutor(2) as pool:
            problems = list(pool.map(lambda extra: attempt(extra, wheel, place), extras))
    for extra, problem in zip(extras, problems, strict=True):
        print(f"{extra:12} {problem or 'works'}")
    return int(any(problems))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
