"""A search's history, and which options mattered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edgeprofiler.views.plots.figure import new_figure

if TYPE_CHECKING:
    from edgeprofiler.learning.training.tuning import Tuning

_SHOWN = 3.0
"""Scores above this multiple of the best are drawn at the edge."""


def draw_tuning(tuning: Tuning) -> Any:
    """Return a matplotlib figure: scores of all trials, and the importance of each option."""
    figure = new_figure(9.0, 4.2)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    ended = [trial for trial in tuning.trials if trial.score is not None]
    numbers = np.array([trial.number for trial in ended])
    scores = 100 * np.array([trial.score for trial in ended])
    edge = min(float(scores.max()), _SHOWN * float(scores.min())) * 1.05
    outside = scores > edge
    left.scatter(numbers[~outside], scores[~outside], s=14, color="C0", label="trial")
    if outside.any():
        left.scatter(
            numbers[outside], np.full(int(outside.sum()), edge), s=18, marker="^", color="C0",
            alpha=0.5, label="beyond this scale",
        )  # fmt: skip
    stopped = [trial.number for trial in tuning.trials if trial.score is None]
    if stopped:
        left.plot(
            stopped, np.full(len(stopped), edge), "x", color="0.6", ms=4, label="stopped early"
        )
    left.step(
        numbers, np.minimum.accumulate(scores), where="post", color="C3", lw=1.4, label="best"
    )
    if tuning.default_score is not None:
        left.axhline(100 * tuning.default_score, color="0.3", lw=1, ls="--", label="defaults")
    left.set(xlabel="trial", ylabel="RMSPE on left-out networks (%)")
    left.grid(visible=True, alpha=0.2)
    left.legend(fontsize="small", loc="best")
    names = sorted(tuning.importance, key=lambda name: tuning.importance[name])
    if names:
        shares = [100 * tuning.importance[name] for name in names]
        right.barh(names, shares, color="C0")
        right.set(xlabel="importance (% of the score's variation)")
        right.grid(visible=True, axis="x", alpha=0.2)
    else:
        right.set_axis_off()
        right.text(0.5, 0.5, "importance: too few trials", ha="center", va="center", color="0.4")
    figure.suptitle(
        f"{tuning.study}: best {100 * tuning.score:.3g} % of {len(tuning.trials)} trials"
    )
    return figure
