"""From a data set to a trained predictor, its errors, and back from disk."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeprofiler.learning.training.evaluation import Evaluation, evaluate
    from edgeprofiler.learning.training.fitting import train
    from edgeprofiler.learning.training.options import TrainingOptions
    from edgeprofiler.learning.training.tuning import Tuning, tune

_WHERE = {
    "Evaluation": "evaluation",
    "TrainingOptions": "options",
    "Tuning": "tuning",
    "evaluate": "evaluation",
    "train": "fitting",
    "tune": "tuning",
}

__all__ = ["Evaluation", "TrainingOptions", "Tuning", "evaluate", "train", "tune"]


def __getattr__(name: str) -> object:
    if name not in _WHERE:
        raise AttributeError(f"module 'edgeprofiler.learning.training' has no attribute {name!r}")
    value = getattr(import_module(f"edgeprofiler.learning.training.{_WHERE[name]}"), name)
    globals()[name] = value
    return value
