"""The layers that a simulating runner is given: those of the device that it plays."""

from __future__ import annotations

from edgeprofiler.core.network import Network
from edgeprofiler.measurement.runners.protocol import Runner
from edgeprofiler.reading.read import read


def layers_for(source: str, runner: Runner) -> Network | None:
    """Return what `runner.load` wants beside the source: a model's layers on the runner's device.

    `None` for a runner that reads the model itself. Such a runner tells its layers as they were
    built or as they ran, so nothing is assumed of the machine it runs on, known or not.

    Args:
        source: the model, as a user names it.
        runner: where it needs a network, its options `device`, `precision`, `batch` and `shapes`
            say what the layers are for, as the arguments of `prediction.read`; one that it lacks
            is that function's default (a runner that names no device plays jetson-orin-nano).

    Raises:
        InvalidInput: the source cannot be read.
        UsageError: no device or precision of that name.
    """
    if not runner.needs_network:
        return None
    options = runner.options
    shapes = {name: tuple(shape) for name, shape in (options.get("shapes") or {}).items()}
    return read(
        source,
        precision=options.get("precision"),
        batch=options.get("batch"),
        shapes=shapes,
        device=options.get("device"),
    )
