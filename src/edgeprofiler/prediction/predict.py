"""From a question to a profile: read, lower, predict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

from edgeprofiler.core.choices import DEFAULT_CONFIDENCE, DEFAULT_DEVICE
from edgeprofiler.core.device import Device, load_device
from edgeprofiler.core.errors import UsageError
from edgeprofiler.core.graph import Graph
from edgeprofiler.core.network import Network
from edgeprofiler.core.profile import Profile
from edgeprofiler.core.profile.document import is_profile, read_profile
from edgeprofiler.core.profile.profiles import Profiles, ProfileSequence
from edgeprofiler.core.profile.words import label
from edgeprofiler.prediction.predictors.protocol import Predictor
from edgeprofiler.prediction.predictors.roofline import RooflinePredictor
from edgeprofiler.prediction.question import Question, Questions, asks, values
from edgeprofiler.reading.read import Model, read, read_graph
from edgeprofiler.reading.torch import TorchModule, from_torch, is_module

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from edgeprofiler.prediction.question import Asked
    from edgeprofiler.prediction.question.question import DeviceSpec


@overload
def predict(
    model: Model | Question, device: DeviceSpec | None = None, **asked: Unpack[Asked]
) -> Profile: ...
@overload
def predict(
    model: TorchModule, example: Any, /, device: DeviceSpec | None = None, **asked: Unpack[Asked]
) -> Profile: ...
@asks
def predict(model: Model | Question, *place: Any, **asked: Any) -> Profile:
    """Return what one inference of a network costs on a device, layer by layer.

    Args:
        model: a path, an address such as `zoo:resnet18`, a `Graph`, a `Network` or a PyTorch
            module; or a `Question`.
        place: of a PyTorch module an example input first, as of `from_torch`: a tensor, a shape, or
            a tuple of those. Then the device, which may be named `device` too: `NAME`, `NAME@MODE`,
            a TOML file or a `Device`; jetson-orin-nano where `None`.
        asked: the other fields of a `Question`: runtime, precision, batch, resolution, shapes,
            front_end, trips, confidence, predictor.

    Raises:
        UsageError: unknown device, mode or runtime, or a predictor that answers for another one.
        InvalidInput: the model cannot be read.
        Unsupported: a built engine is asked for what it was not built for.

    >>> import edgeprofiler
    >>> profile = edgeprofiler.predict("zoo:lenet", "jetson-orin-nano@15w", precision="int8")
    >>> 0 < profile.totals.energy_j.value < 0.1  # joules of one inference, idle included
    True
    """
    if place and is_module(model) and not _is_device(place[0]):
        model, place = from_torch(model, place[0]), place[1:]
    if len(place) > 1 or (place and "device" in asked):
        raise TypeError("predict takes a model, of a PyTorch module an example, and a device")
    question = Question.of(model, *place, **asked)
    predictor = predictor_of(question)
    return at_rate_of(question, predictor.predict(network_of(question, predictor.device)))


def _is_device(found: object) -> bool:
    return found is None or isinstance(found, (str, Path, Device))


@asks
def predict_many(
    models: Iterable[Model | Question], device: DeviceSpec | None = None, **asked: Unpack[Asked]
) -> ProfileSequence:
    """Return the profiles of many networks, those of one device computed at once.

    Args:
        models: what `predict` takes. A `Network` was read for the same device.
        device: as of `predict`.
        asked: as of `predict`; of all networks.

    Raises:
        UsageError: one model alone is given, or as `predict`.

    >>> import edgeprofiler
    >>> both = edgeprofiler.predict_many(["zoo:lenet", "zoo:alexnet"], "jetson-nano")
    >>> [profile.network.name for profile in both]
    ['lenet', 'alexnet']
    >>> print(both.to_markdown().splitlines()[0])
    | network | device | type | batch | energy, mJ | interval, mJ | end to end, ms | ...
    """
    if isinstance(models, (str, Path)) or not isinstance(models, Iterable):
        raise UsageError("`models` are several; give a list, or call `predict` with one")
    questions = [Question.of(model, device, **asked) for model in models]
    found: dict[int, Profile] = {}
    for group, _, profiles in _together(dict(enumerate(questions))):
        if len(group) == len(questions) and all(q.rate is None for q in questions):
            return profiles if isinstance(profiles, ProfileSequence) else Profiles(profiles)
        for i, profile in zip(group, profiles, strict=True):
            found[i] = at_rate_of(questions[i], profile)
    return Profiles(found[place] for place in range(len(questions)))


def _together(
    questions: Mapping[int, Question],
) -> Iterator[tuple[Sequence[int], Device, Sequence[Profile]]]:
    """Predict the questions of one place at once: their keys, the board, and the profiles."""
    waiting = dict(questions)
    while waiting:
        first = next(iter(waiting.values()))
        group = {i: question for i, question in waiting.items() if question.place == first.place}
        waiting = {i: question for i, question in waiting.items() if i not in group}
        predictor = predictor_of(first)
        networks = [network_of(question, predictor.device) for question in group.values()]
        yield [*group], predictor.device, predictor.predict_many(networks)


@asks
def predictor_for(device: DeviceSpec | None = None, **asked: Unpack[Asked]) -> Predictor:
    """Return what answers for a device, whatever the network; arguments are those of `predict`."""
    return predictor_of(Question.of("", device, **asked))


def predictor_of(question: Question) -> Predictor:
    """Return what answers a question.

    Raises:
        UsageError: unknown device, mode or runtime, or a predictor that answers for another
            device or with another confidence.
        InvalidInput: there is no predictor where one is named.
    """
    chosen, runtime, device = question.predictor, question.runtime, question.device
    place = (device, runtime, question.tensorrt, question.cuda_graph, question.idle_power_w)
    confidence = DEFAULT_CONFIDENCE if question.confidence is None else question.confidence
    if chosen is None:
        return RooflinePredictor(board_of(question), confidence)
    if isinstance(chosen, (str, Path)):
        # Trained models take longer to import than a prediction without them takes.
        from edgeprofiler.prediction.loading import load_predictor

        board = None if device is None else load_device(device, runtime)
        host = device.runtime if isinstance(device, Device) and runtime is None else runtime
        found = load_predictor(chosen, board, confidence, runtime=host)
        return replace(found, device=_run_as(question, found.device))
    own = chosen.device
    if place != (None,) * len(place):
        host = runtime if isinstance(device, Device) else runtime or own.runtime
        board = _run_as(question, load_device(device or own, host))
        if board != own:
            raise UsageError(
                f"the predictor answers for {own.spec} called by {own.runtime}, not for "
                f"{board.spec} called by {board.runtime}; leave out what is asked of "
                "the device, or make a predictor for that one"
            )
    if question.confidence is not None and question.confidence != chosen.confidence:
        raise UsageError(
            f"the predictor's intervals cover {chosen.confidence:g}, not {confidence:g}; leave "
            "`confidence` out, or make a predictor with that one"
        )
    return chosen


def board_of(question: Question) -> Device:
    """Return the board that a question names, in its mode, with its host and builder.

    Raises:
        UsageError: there is none of that name, or it cannot run so.
    """
    return _run_as(question, load_device(question.device or DEFAULT_DEVICE, question.runtime))


def _run_as(question: Question, device: Device) -> Device:
    if question.tensorrt is not None:
        device = device.with_tensorrt(question.tensorrt)
    if question.cuda_graph is not None:
        device = replace(device, cuda_graph=question.cuda_graph)
    if question.idle_power_w is not None:
        device = device.with_idle_power(question.idle_power_w)
    return device


def network_of(question: Question, device: Device) -> Network:
    """Return the layers that a question is about, as `device` would run them.

    Raises:
        Unsupported: a built engine is asked for what it was not built for.
    """
    return read(
        model_of(question),
        precision=question.precision,
        **question.reading,
        runtime=device.runtime,
        device=device,
        tensorrt=question.tensorrt,
    )


def graph_of(question: Question) -> Graph:
    """Return the operators that a question is about, which can be changed.

    Raises:
        Unsupported: the model is a built engine.
    """
    return read_graph(model_of(question), **question.reading)


def model_of(question: Question) -> Model:
    """Return the model that a question is about.

    Raises:
        UsageError: it is a profile.
    """
    if isinstance(question.model, Profile):
        raise UsageError(f"{question.model.network.name} is a profile, and no model to predict")
    return question.model


def at_rate_of(question: Question, profile: Profile) -> Profile:
    """Return a profile at the rate that a question asks for."""
    if question.rate is None:
        return profile
    return replace(profile, rate_hz=values.rate_of(question.rate))


@dataclass(frozen=True)
class Answer:
    """A question's profile, and the board that it was predicted for."""

    question: Question
    profile: Profile
    device: Device | None
    """`None` where the profile was saved, which knows its board by name alone."""

    @property
    def label(self) -> str:
        """How a table calls it: a file's name, or all that was asked and assumed."""
        if self.device is None and isinstance(self.question.model, (str, Path)):
            return str(self.question.model)
        size = self.question.resolution
        return label(self.profile) + ("" if size is None else f", {size} px")


def answer(question: Question) -> Answer:
    """Return the answer to a question: a profile as it was saved, else a prediction.

    Raises:
        UsageError: something is asked of a profile that is saved already.
    """
    saved = saved_profile(question)
    if saved is not None:
        return Answer(question, saved, None)
    predictor = predictor_of(question)
    profile = predictor.predict(network_of(question, predictor.device))
    return Answer(question, at_rate_of(question, profile), predictor.device)


def answers(questions: Questions) -> list[Answer]:
    """Return the answers to many questions, in their order.

    Where profiles that are saved stand among models, they are taken once, as they are; what is
    asked is asked of the models, and a rate of all.

    Raises:
        UsageError: something is asked, and there are saved profiles alone.
    """
    saved = [is_saved(model) for model in questions.models]
    asked: list[Question] = []
    for model, known in zip(questions.models, saved, strict=True):
        alone = known and not all(saved)
        rate = questions.axis("rate")[0]
        asked += [Question.of(model, rate=rate)] if alone else questions.about(model)
    found: dict[int, Answer] = {}
    waiting: dict[int, Question] = {}
    for place, question in enumerate(asked):
        profile = saved_profile(question)
        if profile is None:
            waiting[place] = question
        else:
            found[place] = Answer(question, profile, None)
    for group, device, profiles in _together(waiting):
        for i, profile in zip(group, profiles, strict=True):
            found[i] = Answer(asked[i], at_rate_of(asked[i], profile), device)
    return [found[place] for place in range(len(asked))]


def is_saved(model: object) -> bool:
    """Say whether a question's model is a profile, saved or not."""
    if isinstance(model, Question):
        return is_saved(model.model)
    return isinstance(model, Profile) or (isinstance(model, (str, Path)) and is_profile(model))


def saved_profile(question: Question) -> Profile | None:
    """Return the profile that a question's model is already; `None` where it is a model.

    Raises:
        UsageError: something is asked of it that would change it.
    """
    model = question.model
    if not is_saved(model):
        return None
    changed = [key for key in question.given if key != "rate"]  # no rate changes what was found
    if changed:
        name = model.network.name if isinstance(model, Profile) else model
        raise UsageError(
            f"{name} is a saved profile, which stays as it is: "
            f"{', '.join(f'`{key}`' for key in changed)} belong to a model"
        )
    profile = model if isinstance(model, Profile) else read_profile(Path(str(model)))
    return at_rate_of(question, profile)
