"""Find the network with most capacity under an energy budget, with Optuna.

Usage: pip install optuna; python examples/search_optuna.py [--budget-mj 8] [--trials 60]

The search space is a small residual network: stages, blocks, widths, kernels and resolution.
Energy, time and power come from `edgeprofiler.objective`. What stands for accuracy here is only
the number of multiply-accumulates; put your own training or zero-cost proxy in its place.
"""

from __future__ import annotations

import argparse

import optuna

import edgeprofiler
from edgeprofiler.core.graph import Graph
from edgeprofiler.reading.graphs import GraphBuilder
from edgeprofiler.reading.operators.macs import graph_macs


def build(trial: optuna.Trial) -> Graph:
    """Return the network that a trial proposes."""
    resolution = trial.suggest_int("resolution", 96, 224, step=32)
    builder = GraphBuilder("candidate")
    x = builder.input((1, 3, resolution, resolution))
    width = trial.suggest_int("width", 16, 64, step=8)
    x = builder.relu(builder.conv(x, width, 3, stride=2, padding=1, name="stem"))
    for stage in range(trial.suggest_int("stages", 2, 4)):
        kernel = trial.suggest_categorical(f"kernel{stage}", [1, 3, 5])
        growth = trial.suggest_float(f"growth{stage}", 1.0, 2.0, step=0.25)
        width = 8 * round(width * growth / 8)
        for block in range(trial.suggest_int(f"blocks{stage}", 1, 3)):
            with builder.scope(f"stage{stage}.{block}"):
                stride = 2 if block == 0 else 1
                y = builder.conv(x, width, kernel, stride=stride, padding=kernel // 2, name="conv")
                y = builder.relu(y)
                x = builder.relu(builder.add(x, y)) if stride == 1 else y
    x = builder.flatten(builder.global_avg_pool(x, name="pool"))
    return builder.graph(builder.linear(x, 10, name="classes"))


def main() -> None:
    """Search, and print the best network that holds the budget."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="jetson-orin-nano")
    options.add_argument("--budget-mj", type=float, default=8.0)
    options.add_argument("--trials", type=int, default=60)
    chosen = options.parse_args()
    cost = edgeprofiler.objective(chosen.device)

    def evaluate(trial: optuna.Trial) -> float:
        graph = build(trial)
        values = cost([graph])
        energy_mj = 1e3 * float(values.energy_j[0])
        trial.set_user_attr("energy_mj", energy_mj)
        trial.set_user_attr("latency_ms", 1e3 * float(values.runtime_s[0]))
        excess = energy_mj - chosen.budget_mj
        # Over the budget, less excess is better, and anything is worse than holding it.
        return -excess if excess > 0 else graph_macs(graph) / 1e6

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(evaluate, n_trials=chosen.trials)
    held = [trial for trial in study.trials if (trial.value or 0) > 0]
    if not held:
        print(f"no network of {len(study.trials)} held {chosen.budget_mj:g} mJ")
        return
    best = study.best_trial
    print(f"{len(held)} of {len(study.trials)} networks held {chosen.budget_mj:g} mJ. The largest:")
    print(
        f"{best.value:.0f} M MACs, {best.user_attrs['energy_mj']:.2f} mJ, "
        f"{best.user_attrs['latency_ms']:.2f} ms"
    )
    print(best.params)


if __name__ == "__main__":
    main()
