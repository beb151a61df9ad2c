"""A small data set that looks measured: the analytic model's answers with noise."""

from __future__ import annotations

import numpy as np

from edgeprofiler import predict
from edgeprofiler.core.profile import Origin, Profile
from edgeprofiler.learning.dataset import Dataset, rows_of


def measured_like(*networks: str, seed: int = 0) -> Dataset:
    """Return rows of zoo networks, runtimes and powers with a few per cent of noise."""
    from dataclasses import replace

    random = np.random.default_rng(seed)
    parts = []
    for name in networks:
        profile: Profile = predict(f"zoo:{name}", "jetson-orin-nano")
        measured = replace(profile, origin=Origin("measured", "tests", "1"))
        data = rows_of(measured, name)
        time = data.number("runtime_s") * random.lognormal(0.0, 0.04, len(data))
        above = data.number("power_above_idle_w") * random.lognormal(0.0, 0.04, len(data))
        idle = data.number("idle_power_w")
        parts.append(
            data.with_columns(runtime_s=time, power_above_idle_w=above, power_w=above + idle)
        )
    return Dataset.concatenate(parts)
