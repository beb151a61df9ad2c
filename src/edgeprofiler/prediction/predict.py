"""From what a user names to a profile: read, lower, predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from edgeprofiler.core.device import DEFAULT_DEVICE, Device, load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.network import Network, Shape
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.reading.read import Model, read


class Predictor(Protocol):
    """Turns networks into profiles of one device."""

    @property
    def device(self) -> Device:
        """The device that it answers for."""

    def predict(self, network: Network) -> Profile:
        """Return what one inference of `network` costs."""

    def predict_many(self, networks: Sequence[Network]) -> Sequence[Profile]:
        """Return the profiles of many networks, in order, faster than one at a time."""


def predict(
    model: Model,
    device: str | Path | Device | None = None,
    *,
    runtime: str | None = None,
    precision: str | None = None,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    front_end: str | None = None,
    confidence: float = 0.9,
    predictor: str | Path | Predictor | None = None,
) -> Profile:
    """Return what one inference of a network costs on a device, layer by layer.

    Args:
        model: a path, an address such as `zoo:resnet18`, a `Graph` or a `Network`.
        device: `NAME`, `NAME@MODE`, a TOML file or a `Device`; jetson-orin-nano where `None`.
        runtime: host runtime (trtexec, cpp, torch-tensorrt, torch2trt); trtexec where `None`.
        precision: fp32, fp16 or int8, where the model is not a built engine.
        batch: images at once, where the model is not a built engine.
        shapes: input shapes by name, where the model is not a built engine.
        front_end: name of the front end; found from the model where `None`.
        confidence: share of true values that the intervals are to cover, in (0, 1).
        predictor: a trained predictor's folder or address; the analytic model where `None`.
    """
    chosen = predictor_for(device, runtime=runtime, confidence=confidence, predictor=predictor)
    network = read(
        model,
        precision=precision,
        batch=batch,
        shapes=shapes,
        front_end=front_end,
        runtime=chosen.device.runtime,
        device=chosen.device,
    )
    return chosen.predict(network)


def predict_many(
    networks: Sequence[Network],
    device: str | Path | Device | None = None,
    *,
    runtime: str | None = None,
    confidence: float = 0.9,
    predictor: str | Path | Predictor | None = None,
) -> Sequence[Profile]:
    """Return the profiles of many networks on one device, computed at once.

    Args are those of `predict`; `read` made the networks for the same device.
    """
    chosen = predictor_for(device, runtime=runtime, confidence=confidence, predictor=predictor)
    return chosen.predict_many(networks)


def predictor_for(
    device: str | Path | Device | None = None,
    *,
    runtime: str | None = None,
    confidence: float = 0.9,
    predictor: str | Path | Predictor | None = None,
) -> Predictor:
    """Return the predictor that answers for a device.

    Raises:
        UsageError: unknown device, mode or runtime, or a confidence outside (0, 1).
    """
    # Nearer to 1 than this, quantiles end in rounding, and intervals are of no use long before.
    if not 0 < confidence < 1 - 1e-12:
        raise UsageError(f"confidence is {confidence:g}; it must lie between 0 and 1, as 0.9")
    chosen = load_device(device or DEFAULT_DEVICE, runtime)
    if predictor is None:
        return RooflinePredictor(chosen, confidence)
    if isinstance(predictor, (str, Path)):
        from edgeprofiler.prediction.loading import load_predictor

        asked = None if device is None else chosen
        return load_predictor(predictor, asked, confidence, runtime=runtime)
    return predictor


def profile_of(
    source: Model,
    device: str | Path | Device | None = None,
    *,
    runtime: str | None = None,
    precision: str | None = None,
    batch: int | None = None,
    shapes: Mapping[str, Shape] | None = None,
    front_end: str | None = None,
    confidence: float = 0.9,
    predictor: str | Path | Predictor | None = None,
) -> Profile:
    """Return the profile that a user names: a saved one as it is, else a prediction of a model.

    Args are those of `predict`; `source` may also be the JSON file of a profile, measured or
    predicted, to which none of the other arguments may apply.

    Raises:
        UsageError: something would change a profile that is saved already.
    """
    if isinstance(source, (str, Path)) and is_profile(source):
        changes = (device, runtime, precision, batch, shapes or None, front_end, predictor)
        if any(change is not None for change in changes):
            raise UsageError(
                f"{source} is a saved profile; device, runtime, precision, batch, shape, "
                "front end and predictor belong to a model"
            )
        return read_profile(Path(source))
    return predict(
        source,
        device,
        runtime=runtime,
        precision=precision,
        batch=batch,
        shapes=shapes,
        front_end=front_end,
        confidence=confidence,
        predictor=predictor,
    )
