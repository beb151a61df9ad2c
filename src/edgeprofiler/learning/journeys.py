"""From files of measured layers to a data set, a predictor, its errors, and better options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from edgeprofiler.core import plugins
from edgeprofiler.core.choices import precision_named
from edgeprofiler.core.device import Device
from edgeprofiler.core.parallel import ALONE, Workers
from edgeprofiler.core.targets import check_folder
from edgeprofiler.learning.board import board_for
from edgeprofiler.learning.dataset import Dataset, check
from edgeprofiler.learning.dataset.build import Built, Unsaid, build
from edgeprofiler.learning.dataset.storage import load_dataset, require_writable, save_dataset
from edgeprofiler.learning.training import evaluation, fitting, tuning
from edgeprofiler.learning.training.evaluation import Evaluation
from edgeprofiler.learning.training.options import TrainingOptions, options_of
from edgeprofiler.learning.training.search_space import parse_space
from edgeprofiler.learning.training.studies import DEFAULT_STORAGE
from edgeprofiler.learning.training.tuning import Limits, Trial, Tuning
from edgeprofiler.prediction.predictors.artifact import Artifact

if TYPE_CHECKING:
    from typing_extensions import Unpack

Rows = str | Path | Dataset
"""A data set, or where it lies: a folder, a Parquet or a CSV file."""


class Told(TypedDict, total=False):
    """What a training is told; `TrainingOptions` says what each means."""

    config: str | Path | None
    """A TOML file with any of them; the others count before it."""
    recipe: str | None
    options: Mapping[str, Any] | None
    test_networks: Sequence[str] | None
    seed: int | None
    min_samples: int | None


def build_dataset(
    *sources: str | Path,
    output: str | Path | None = None,
    device: str | None = None,
    mode: str | None = None,
    runtime: str | None = None,
    precision: str | None = None,
    workers: Workers = ALONE,
) -> Built:
    """Build a data set of measured layers, one row a layer, SI units.

    Args:
        sources: measured profiles (JSON), recordings, folders of either, or folders of the
            reference's layouts.
        output: folder to write it into, as Parquet; nothing is written where `None`.
        device: board of rows that do not say it; of the reference's layouts jetson-orin-nano
            where `None`.
        mode: their power mode.
        runtime: what called their networks; of the reference's layouts torch-tensorrt.
        precision: what they were built for; of the reference's layouts fp16.
        workers: who reads sources and attributes recordings; each is a task.

    Raises:
        UsageError: there is no such precision.
        InvalidInput: a source holds no measured layers.
        CannotWrite: `output` cannot be written; said before the work.

    >>> import edgeprofiler
    >>> built = edgeprofiler.build_dataset("recordings/lenet", output="mine/")
    >>> built.data.networks
    ('lenet',)
    """
    if output is not None:
        require_writable(Path(output))
    unsaid = Unsaid(
        device or "",
        (mode or "").lower(),
        (runtime or "").lower(),
        "" if precision is None else precision_named(precision),
    )
    built = build([Path(source) for source in sources], unsaid, workers)
    if output is not None:
        save_dataset(built.data, Path(output), built.notes)
    return built


def train(
    data: Rows,
    device: str | None = None,
    *,
    output: str | Path | None = None,
    workers: Workers = ALONE,
    **told: Unpack[Told],
) -> Artifact:
    """Return a trained predictor: one runtime and one power model for each kind of layer.

    Args:
        data: measured layers of one board, of at least two networks.
        device: board whose datasheet stands behind the features; the measured one where `None`.
        output: folder to write it into, for `predict(..., predictor=output)`.
        workers: who works on the folds that judge it.
        told: as of `Told`.

    Raises:
        UsageError: the rows are of several boards or modes, or an option is none.
        InsufficientData: too few rows or networks for any model.
        Unavailable: scikit-learn is not installed.

    >>> import edgeprofiler
    >>> made = edgeprofiler.train("data/", output="predictor/", options={"trees": 4})
    >>> edgeprofiler.predict("zoo:vgg16", predictor="predictor/").origin.by
    'trained:hybrid'
    """
    if output is not None:
        check_folder(Path(output))
    rows, board, options, doubts = _prepared(data, device, told)
    made = fitting.train(rows, board, options, workers)
    notes = [*doubts, *made.header["notes"]]
    artifact = replace(made, header={**made.header, "notes": notes})
    if output is not None:
        plugins.load("stores", "folder")().put(artifact, str(output))
    return artifact


def evaluate(
    data: Rows,
    device: str | None = None,
    *,
    curve: bool = False,
    workers: Workers = ALONE,
    **told: Unpack[Told],
) -> Evaluation:
    """Leave networks out, predict them, and compare with simpler ways.

    Args:
        data: as of `train`.
        device: as of `train`.
        curve: whether to fit on fewer networks too, for a learning curve.
        workers: who works on the networks left out.
        told: as of `Told`.

    >>> import edgeprofiler
    >>> found = edgeprofiler.evaluate("data/", test_networks=["vgg11"], options={"trees": 4})
    >>> found.errors(found.ways[0], "all", "runtime_s")["rmspe"] > 0
    True
    """
    rows, board, options, doubts = _prepared(data, device, told)
    found = evaluation.evaluate(rows, board, options, curve=curve, workers=workers)
    return replace(found, notes=(*doubts, *found.notes))


def tune(
    data: Rows,
    device: str | None = None,
    *,
    trials: int = Limits.trials,
    trial_s: float = Limits.trial_s,
    total_s: float | None = None,
    space: Sequence[str] = (),
    storage: str = DEFAULT_STORAGE,
    study: str | None = None,
    progress: Callable[[Trial], None] | None = None,
    **told: Unpack[Told],
) -> Tuning:
    """Search the options of a recipe on networks left out; the same call goes on.

    Args:
        data: as of `train`.
        device: as of `train`.
        trials: in all, earlier ones of the study included.
        trial_s: a trial that takes longer is stopped.
        total_s: no trial starts after this time.
        space: what to try in place of the recipe's own: `NAME=LOW:HIGH`, `NAME=A,B`.
        storage: where the study is kept: `sqlite:///FILE`, `journal:FILE`, `postgresql://...`; any
            number of processes on any machines may work on it at once.
        study: its name; of the recipe and the rows where `None`.
        progress: called after each trial.
        told: as of `Told`; what `options` fix is not searched.

    >>> import edgeprofiler
    >>> found = edgeprofiler.tune("data/", trials=1, trial_s=600, space=["trees=4,5"])
    >>> len(found.trials)
    1
    """
    rows, board, options, doubts = _prepared(data, device, told)
    found = tuning.tune(
        rows,
        board,
        options,
        limits=Limits(trials, trial_s, total_s),
        space=parse_space(space) if space else None,
        storage=storage,
        study=study,
        progress=progress,
    )
    return replace(found, notes=doubts)


def _prepared(
    data: Rows, device: str | None, told: Told
) -> tuple[Dataset, Device, TrainingOptions, tuple[str, ...]]:
    options = options_of(**told)
    rows = data if isinstance(data, Dataset) else load_dataset(Path(data))
    rows = check(rows, "data" if isinstance(data, Dataset) else data)
    board, doubts = board_for(rows, device)
    return rows, board, options, doubts
