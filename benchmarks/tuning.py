"""How long trials of a search take on as many rows as the published data set has.

    OMP_NUM_THREADS=1 python benchmarks/tuning.py

The ratio is of a trial's processor time to five linear regressions on the same rows.
"""

from __future__ import annotations

import platform
import statistics
import tempfile
import time

from learning import BOARD, rows

from edgeprofiler.core.device import load_device
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.learning.training.select import folds_of, table_of
from edgeprofiler.learning.training.tuning import Limits, tune
from edgeprofiler.prediction.features import Ratings

TRIALS = {"hybrid": 30, "neuralpower": 10}


def reference_s() -> float:
    """Seconds of five linear regressions."""
    from sklearn.linear_model import LinearRegression

    table = table_of(rows(), Ratings.of(load_device(BOARD)))
    folds = folds_of(table.network, 5)
    began = time.perf_counter()
    for fold in range(5):
        inside = folds != fold
        target = table.data.number("runtime_s")
        LinearRegression().fit(table.features[inside], target[inside]).predict(
            table.features[~inside]
        )
    return time.perf_counter() - began


def main() -> None:
    """Print a row for each recipe."""
    data, device = rows(), load_device(BOARD)
    linear = min(reference_s() for _ in range(3))
    print(f"{platform.machine()}, Python {platform.python_version()}, one thread, {len(data)} rows")
    print("| recipe | trials | median s | median of unpruned s | worst s | processor s | ratio |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for recipe, trials in TRIALS.items():
        began = time.process_time()
        with tempfile.TemporaryDirectory() as folder:
            found = tune(
                data,
                device,
                TrainingOptions(recipe=recipe),
                limits=Limits(trials),
                storage=f"sqlite:///{folder}/tuning.db",
            )
        processor = (time.process_time() - began) / trials
        took = [trial.seconds for trial in found.trials]
        whole = [trial.seconds for trial in found.trials if trial.score is not None]
        median = statistics.median(took)
        print(
            f"| `{recipe}` | {len(took)} | {median:.2f} | {statistics.median(whole):.2f} "
            f"| {max(took):.2f} | {processor:.2f} | {processor / linear:.0f} |"
        )


if __name__ == "__main__":
    main()
