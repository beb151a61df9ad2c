"""How far a trained predictor was off on networks that training left out."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgeprofiler.prediction.predictors.artifact import Artifact
from edgeprofiler.views.plots.figure import new_figure

_QUANTITIES = {"runtime_s": "runtime", "power_above_idle_w": "power above idle"}


def draw_residuals(artifact: Artifact) -> Any:
    """Return a matplotlib figure: the share of layers within each relative error, by model."""
    figure = new_figure(9.0, 4.0)
    axes = figure.subplots(1, len(_QUANTITIES), sharey=True)
    for panel, (quantity, title) in zip(axes, _QUANTITIES.items(), strict=True):
        for model in artifact.header["models"]:
            if model["quantity"] != quantity:
                continue
            errors = np.sort(np.abs(np.expm1(artifact.arrays[model["residuals"]])))
            if not len(errors):
                continue
            share = np.arange(1, len(errors) + 1) / len(errors)
            label = f"{model['kind']} ({model['rows']})"
            panel.step(100 * errors, 100 * share, where="post", label=label)
        panel.axvline(10, color="0.5", lw=0.8, ls="--")
        panel.set(xscale="log", xlabel="relative error (%)", title=title, xlim=(0.1, 1000))
        panel.grid(visible=True, alpha=0.2)
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize="small", title="layers (rows)", title_fontsize="small")
    axes[0].set(ylabel="layers within (%)", ylim=(0, 100))
    figure.suptitle(f"{artifact.header['recipe']['name']}: errors on left-out networks")
    return figure
