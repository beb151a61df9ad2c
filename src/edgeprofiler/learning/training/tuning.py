"""`tune(data, device)`: options of a recipe, searched on networks that training left out."""

from __future__ import annotations

import math
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import FrameType
from typing import Any

import numpy as np

from edgeprofiler.core.device import Device
from edgeprofiler.core.errors import InsufficientData, UsageError
from edgeprofiler.learning.dataset import Dataset
from edgeprofiler.learning.training.fit import Key, answered, keys_of, one_thread
from edgeprofiler.learning.training.groups import judged_rows, share_out
from edgeprofiler.learning.training.options import TrainingOptions
from edgeprofiler.learning.training.search_space import OneOf, defaults_of, space_of
from edgeprofiler.learning.training.select import (
    TrainingTable,
    folds_of,
    missing_kinds,
    split,
    table_of,
)
from edgeprofiler.learning.training.studies import (
    DEFAULT_STORAGE,
    errors_of_storage,
    hide_password,
    storage_of,
)
from edgeprofiler.prediction.features import Ratings

_LOOK_S = 0.2
"""Time between two looks at trials of other processes."""
_GRACE_S = 30.0
"""What clocks of machines may differ by, and an operation that cannot be interrupted may take."""

_NEVER_S = 1e9
"""A limit of decades, or none at all, is this one: a timer takes no number without end."""


@dataclass(frozen=True)
class Limits:
    """How much a search may cost."""

    trials: int = 50
    """Trials that the study is to have in the end, those of earlier runs and machines included."""
    trial_s: float = 30.0
    """Wall time of a trial; one that takes longer is stopped and counts as pruned."""
    total_s: float | None = None
    """Wall time after which no trial is started."""


@dataclass(frozen=True)
class Trial:
    """One set of options that was tried."""

    number: int
    options: Mapping[str, Any]
    score: float | None
    """RMSPE on left-out networks, mean of runtime and power; `None` where it was stopped."""
    seconds: float
    stopped: str = ""
    """Why it was stopped: pruned, or out of time."""


@dataclass(frozen=True)
class Tuning:
    """A search so far."""

    options: TrainingOptions
    """The best options, ready to train with."""
    score: float
    default_score: float | None
    """Score of the recipe's defaults, which are tried first."""
    trials: tuple[Trial, ...]
    importance: Mapping[str, float] = field(default_factory=dict)
    """Share of the score's variation that each option explains; empty where it is not known."""
    study: str = ""
    storage: str = ""
    dataset_sha256: str = ""
    notes: tuple[str, ...] = ()
    """What to doubt of the board."""


def tune(
    data: Dataset,
    device: Device,
    options: TrainingOptions | None = None,
    *,
    limits: Limits = Limits(),
    space: Mapping[str, OneOf] | None = None,
    storage: str = DEFAULT_STORAGE,
    study: str | None = None,
    progress: Callable[[Trial], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Tuning:
    """Search a recipe's options; stopped at any time, the same call goes on.

    A trial fits every model on folds of whole networks and is scored on the networks left out;
    test networks take no part. After each fold it may be pruned by the median of the others.

    Args:
        data: measured layers of one device.
        device: the board whose datasheet stands behind the features.
        options: recipe, seed, folds, test networks; its own `options` are kept fixed.
        limits: trials and time.
        space: choices by option, in place of the recipe's own bounded ones.
        storage: where the study is kept, as of `storage_of`; any number of processes on any
            machines may work on it at once.
        study: name of the study; by default of the recipe and the rows.
        progress: called after each trial of this process.
        clock: seconds.

    Raises:
        UsageError: an unknown option, or a study of other rows.
        InsufficientData: too few rows, or no trial that ended.
        Unavailable: Optuna is missing, or the database cannot be reached.
    """
    options = options or TrainingOptions()
    training, _ = split(data, options)
    table = table_of(training, Ratings.of(device))
    keys = tuple(keys_of(table, options))
    if not keys:
        lacking = "; ".join(missing_kinds(table, options))
        raise InsufficientData(f"no kind of layer has enough usable rows: {lacking}")
    chosen = dict(space_of(options.recipe) if space is None else space)
    free = {name: choice for name, choice in chosen.items() if name not in options.options}
    if not free:
        raise UsageError("no option is left to tune; name one with `space`, as NAME=LOW:HIGH")
    sha = training.sha256
    name = study or f"{options.recipe}-{sha[:12]}"
    with errors_of_storage(storage):
        found = _open(storage, name, sha, options)
        usual = defaults_of(options.recipe)
        first = {n: v for n, v in usual.items() if n in free and free[n].holds(v)}
        if not found.trials and first:
            found.enqueue_trial(first, skip_if_exists=True)
        objective = _Objective(table, keys, options, free, limits.trial_s, clock)
        _run(found, objective, limits, progress, clock)
        return _result(found, options, storage, sha, first)


class _OutOfTime(BaseException):
    """No estimator's `except Exception` may swallow it."""


@dataclass(frozen=True, eq=False)
class _Objective:
    table: TrainingTable
    keys: Sequence[tuple[Key, Any]]
    options: TrainingOptions
    space: Mapping[str, OneOf]
    limit_s: float
    clock: Callable[[], float]

    def __call__(self, trial: Any) -> float:
        from optuna import TrialPruned
        from optuna.samplers import TPESampler

        # A sampler that began with the same seed in each process would repeat others' trials.
        trial.study.sampler = TPESampler(seed=self.options.seed + trial.number, constant_liar=True)
        tried = {name: choice.suggest(trial, name) for name, choice in self.space.items()}
        options = replace(self.options, options={**self.options.options, **tried})
        try:
            with _wall_limit(self.limit_s), one_thread(), warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of searches that converge badly there are many
                return self._score(trial, options)
        except _OutOfTime:
            trial.set_user_attr("stopped", f"took more than {self.limit_s:g} s")
        except InsufficientData as error:
            trial.set_user_attr("stopped", str(error)[:500])
        raise TrialPruned

    def _score(self, trial: Any, options: TrainingOptions) -> float:
        from optuna import TrialPruned

        started = self.clock()
        folds = folds_of(self.table.network, options.folds)
        judged = judged_rows(self.table)
        squares: dict[str, list[Any]] = {}
        score = math.inf
        for fold in range(int(folds.max()) + 1):
            seen = share_out(self.table.take(folds != fold))
            for key, rows in self.keys:
                # Beside the alarm, for where it cannot ring: threads other than the first.
                if self.clock() - started > self.limit_s:
                    raise _OutOfTime
                inside, outside = rows[folds != fold], rows & (folds == fold)
                outside &= judged | (key[1] == "runtime_s")
                if not outside.any() or not inside.any():
                    continue
                guess = answered(seen, inside, self.table, outside, key, options)
                truth = self.table.data.number(key[1])[outside]
                squares.setdefault(key[1], []).append((guess / truth - 1.0) ** 2)
            score = _rmspe(squares)
            trial.report(score if math.isfinite(score) else 1e9, fold)
            if trial.should_prune():
                trial.set_user_attr("stopped", f"pruned after fold {fold + 1}")
                raise TrialPruned
        if not math.isfinite(score):
            raise InsufficientData("its predictions are not finite")
        return score


def _rmspe(squares: Mapping[str, list[Any]]) -> float:
    each = [math.sqrt(float(np.concatenate(parts).mean())) for parts in squares.values()]
    return float(np.mean(each)) if each else math.inf


@contextmanager
def _wall_limit(seconds: float) -> Iterator[None]:
    """Raise `_OutOfTime` in the block once `seconds` have passed, even within a fit."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(_number: int, _frame: FrameType | None) -> None:
        raise _OutOfTime

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, min(seconds, _NEVER_S))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _open(storage: str, name: str, sha: str, options: TrainingOptions) -> Any:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=storage_of(storage),
        study_name=name,
        load_if_exists=True,
        direction="minimize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
    )
    facts = {
        "dataset_sha256": sha,
        "recipe": options.recipe,
        "folds": options.folds,
        "fixed": dict(options.options),
    }
    for fact, value in facts.items():
        kept = study.user_attrs.get(fact, value)
        if kept != value:
            raise UsageError(
                f"the study {name!r} was made with another {fact} ({str(kept)[:40]}); "
                "name another `study`"
            )
        study.set_user_attr(fact, value)
    return study


def _run(
    study: Any,
    objective: _Objective,
    limits: Limits,
    progress: Callable[[Trial], None] | None,
    clock: Callable[[], float],
) -> None:
    started = clock()

    def tell(_study: Any, trial: Any) -> None:
        if progress is not None:
            progress(_trial(trial))

    while True:
        ended, running = _counted(study, limits.trial_s)
        late = limits.total_s is not None and clock() - started > limits.total_s
        if ended >= limits.trials or late:
            return
        if ended + running >= limits.trials:
            time.sleep(_LOOK_S)  # other processes have begun the last ones
        else:
            study.optimize(objective, n_trials=1, callbacks=[tell])


def _counted(study: Any, trial_s: float) -> tuple[int, int]:
    """Return how many trials have ended, and how many are worked on by a process that lives."""
    ended = running = 0
    for trial in study.get_trials(deepcopy=False):
        if trial.state.is_finished():
            ended += 1
        elif trial.datetime_start is not None:
            # No trial takes longer than its limit: one that seems to has lost its process.
            age_s = (datetime.now() - trial.datetime_start).total_seconds()  # noqa: DTZ005 (theirs)
            running += age_s < trial_s + _GRACE_S
    return ended, running


def _trial(found: Any) -> Trial:
    return Trial(
        number=found.number,
        options=dict(found.params),
        score=found.value if found.state.name == "COMPLETE" else None,
        seconds=found.duration.total_seconds() if found.duration else math.nan,
        stopped=str(found.user_attrs.get("stopped", "")),
    )


def _result(
    study: Any, options: TrainingOptions, storage: str, sha: str, first: Mapping[str, Any]
) -> Tuning:
    trials = tuple(_trial(found) for found in study.trials if found.state.is_finished())
    ended = [trial for trial in trials if trial.score is not None]
    if not ended:
        why = next((t.stopped for t in trials if t.stopped), "none was started")
        raise InsufficientData(f"no trial ended ({why}); allow more time or narrow `space`")
    best = min(ended, key=lambda trial: (trial.score or 0.0, trial.number))
    default = next((t.score for t in trials if first and dict(t.options) == dict(first)), None)
    return Tuning(
        options=replace(options, options={**options.options, **best.options}),
        score=float(best.score or 0.0),
        default_score=default,
        trials=trials,
        importance=_importance(study, len(ended)),
        study=study.study_name,
        storage=hide_password(storage),
        dataset_sha256=sha,
    )


def _importance(study: Any, ended: int) -> dict[str, float]:
    if ended < 4:
        return {}
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = optuna.importance.get_param_importances(
                study, evaluator=optuna.importance.FanovaImportanceEvaluator(seed=0)
            )
        except (ValueError, RuntimeError):  # all trials scored the same, or share no option
            return {}
    return {name: float(share) for name, share in found.items() if math.isfinite(share)}
