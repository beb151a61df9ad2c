"""The noun: a network and how it is to run.

Each field says here how it is asked for: its option, its help, its normal form. The command line,
the HTTP API, budget files and the table in docs/question.md follow from that, so that a new field
is a line here (and one each in `Asked` and `AskedOfMany`, for type checkers).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from edgeprofiler.core.choices import (
    DEFAULT_CONFIDENCE,
    DEFAULT_DEVICE,
    DEFAULT_PRECISION,
    DEFAULT_RUNTIME,
    PRECISIONS,
    RUNTIMES,
)
from edgeprofiler.core.device.software import DEFAULT_TENSORRT
from edgeprofiler.core.errors import UsageError
from edgeprofiler.prediction.question import values
from edgeprofiler.prediction.question.option import Option, naming

if TYPE_CHECKING:
    from edgeprofiler.core.device import Device
    from edgeprofiler.core.network import Shape
    from edgeprofiler.core.profile import Profile
    from edgeprofiler.prediction.predictors.protocol import Predictor
    from edgeprofiler.reading.read import Model

    Subject = Model | Profile
    """A model, or what is known of one already: a profile, saved or not."""
    DeviceSpec = str | Path | Device


F = TypeVar("F", bound=Callable[..., Any])


class Asked(TypedDict, total=False):
    """The keywords of a question beside model and device; `Question` says what they mean."""

    runtime: str | None
    tensorrt: str | None
    cuda_graph: bool | None
    idle_power_w: float | None
    precision: str | None
    batch: int | None
    resolution: int | None
    shapes: Mapping[str, Shape] | None
    front_end: str | None
    trips: int | None
    rate: float | str | None
    confidence: float | None
    predictor: str | Path | Predictor | None
    trust: bool | None


class AskedOfMany(TypedDict, total=False):
    """The same and device, where some may have several values: every combination is asked."""

    device: DeviceSpec | Sequence[DeviceSpec] | None
    runtime: str | None
    tensorrt: str | None
    cuda_graph: bool | None
    idle_power_w: float | None
    precision: str | Sequence[str] | None
    batch: int | str | Sequence[int] | None
    resolution: int | str | Sequence[int] | None
    shapes: Mapping[str, Shape] | None
    front_end: str | None
    trips: int | None
    rate: float | str | None
    confidence: float | None
    predictor: str | Path | Predictor | None
    trust: bool | None


def _option(*arguments: Any, **more: Any) -> dict[str, Option]:
    return {"option": Option(*arguments, **more)}


@dataclass(frozen=True)
class Question:
    """A network and how it is to run; equal questions have equal answers.

    `None` is not asked for. Whether a choice applies to the model (a built engine has one batch,
    a saved profile its own board) is found when the question is answered, and refused there.

    Raises:
        UsageError: a value is none of its field, or two fields contradict each other.

    >>> Question("zoo:resnet18", precision="FP16", batch=4).precision
    'fp16'
    """

    model: Subject
    device: DeviceSpec | None = field(default=None, metadata=_option(
        "Board, power mode and clocks (docs/devices.md), or a TOML file",
        f"{DEFAULT_DEVICE}, or the predictor's own", "NAME[@MODE,CLOCKS]|FILE", values.path_of,
        several=values.boards_of, many="repeat it, or all", flags=("--device", "-d"),
        example=DEFAULT_DEVICE,
    ))  # fmt: skip
    runtime: str | None = field(default=None, metadata=_option(
        f"What calls the engine: {', '.join(RUNTIMES)}", f"{DEFAULT_RUNTIME}, or the device's own",
        "HOST", values.runtime_of, example=DEFAULT_RUNTIME,
    ))  # fmt: skip
    tensorrt: str | None = field(default=None, metadata=_option(
        "Version of TensorRT that builds the engine, which decides what it fuses",
        "what the board's current JetPack carries", "VERSION", values.tensorrt_of,
        example=DEFAULT_TENSORRT,
    ))  # fmt: skip
    cuda_graph: bool | None = field(default=None, metadata=_option(
        "Replay a CUDA graph, so that the host enqueues no kernel by itself", "no graph", "",
        values.flag_of, values.parse_flag, json=bool,
    ))  # fmt: skip
    idle_power_w: float | None = field(default=None, metadata=_option(
        "Power of the idle board with its carrier and what hangs on it", "the device's own", "W",
        values.watts_of, values.parse_number, flags=("--idle-power",), json=float,
        bounds={"gt": 0, "le": values.MOST_W}, example=4.2,
    ))  # fmt: skip
    precision: str | None = field(default=None, metadata=_option(
        "What the network is built for", f"{DEFAULT_PRECISION}, or the built engine's own",
        "|".join(PRECISIONS), values.precision_of, several=values.parse_names,
        many="fp16,int8", example=DEFAULT_PRECISION,
    ))  # fmt: skip
    batch: int | None = field(default=None, metadata=_option(
        "Images at once", "the model's own, or 1", "N", values.size_of, values.parse_size,
        several=values.parse_sizes, many="1,2,4 or 1:32:1", flags=("--batch", "-b"), json=int,
        bounds=values.SIZES, example=1,
    ))  # fmt: skip
    resolution: int | None = field(default=None, metadata=_option(
        "Height and width of image inputs", "the model's own", "PIXELS", values.size_of,
        values.parse_size, several=values.parse_sizes, many="160,224 or 160:640:32", json=int,
        bounds=values.SIZES, example=224,
    ))  # fmt: skip
    shapes: Mapping[str, Shape] | None = field(default=None, metadata=_option(
        "Shape of an input, in place of a resolution; a batch counts before its first number",
        "the model's own", "[INPUT=]1x3x224x224", values.shapes_of, values.parse_shape,
        flags=("--shape",), repeated=True, json=dict,
    ))  # fmt: skip
    front_end: str | None = field(default=None, metadata=_option(
        "How to read a file, where it cannot be told", "told from the file", "NAME",
        values.text_of,
    ))  # fmt: skip
    trips: int | None = field(default=None, metadata=_option(
        "Runs of each loop that are known only while the model runs", "an open range", "N",
        values.size_of, values.parse_size, json=int, bounds=values.SIZES, example=10,
    ))  # fmt: skip
    rate: float | str | None = field(default=None, metadata=_option(
        "Images a second that arrive: the board idles between inferences, or does not keep up",
        "back to back", "30/s|30/min", values.rate_of, example="30/s",
    ))  # fmt: skip
    confidence: float | None = field(default=None, metadata=_option(
        "Share of true values that intervals are to cover", f"{DEFAULT_CONFIDENCE:g}", "SHARE",
        values.confidence_of, values.parse_number, json=float, bounds={"gt": 0, "lt": 1},
        example=DEFAULT_CONFIDENCE,
    ))  # fmt: skip
    predictor: str | Path | Predictor | None = field(default=None, metadata=_option(
        "A trained predictor in place of the analytic model", "the analytic model",
        "FOLDER|models:/NAME@ALIAS", values.path_of,
    ))  # fmt: skip
    trust: bool | None = field(default=None, metadata=_option(
        "Run the Python code that a model as net.py:Net names, which is your own", "it is refused",
        "", values.flag_of, json=bool, personal=True,
    ))  # fmt: skip

    def __post_init__(self) -> None:
        for name, value in self.given.items():
            object.__setattr__(self, name, normal_of(name, value))
        if self.shapes and self.resolution:
            raise UsageError("give `resolution` or `shapes`, not both")

    @classmethod
    def of(
        cls, model: Subject | Question, device: DeviceSpec | None = None, **asked: Any
    ) -> Question:
        """Return the question of Python's keywords; one that was asked before may be changed."""
        changes = {"device": device, **asked}
        if not isinstance(model, Question):
            return cls(model, **changes)
        return replace(
            model, **{name: value for name, value in changes.items() if value is not None}
        )

    def or_else(self, asked: Mapping[str, Any]) -> Question:
        """Return this question with what it does not ask for taken from `asked`."""
        size = {"resolution": self.shapes, "shapes": self.resolution}  # one stands for the other
        more = {
            name: value
            for name, value in asked.items()
            if getattr(self, name) is None and size.get(name) is None
        }
        return replace(self, **more)

    @property
    def given(self) -> dict[str, Any]:
        """What is asked for beside the model, by field."""
        values = {name: getattr(self, name) for name in OPTIONS}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def place(self) -> tuple[object, ...]:
        """What decides which predictor answers; networks of one place are predicted at once."""
        return (
            *(self.device, self.runtime, self.tensorrt, self.cuda_graph, self.idle_power_w),
            *(self.confidence, self.predictor),
        )

    @property
    def reading(self) -> dict[str, Any]:
        """What decides how a model is read, as arguments of `read_model`."""
        return {name: getattr(self, name) for name in READING}

    def document(self) -> dict[str, Any]:
        """Return the question as values of JSON; `Question(**document)` makes it again."""
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in self.given.items()}
        return {"model": str(self.model), **plain}


READING = ("batch", "shapes", "resolution", "front_end", "trips", "trust")
"""The fields that decide how a model is read, whatever runs it."""

OPTIONS: Mapping[str, Option] = {
    item.name: item.metadata["option"] for item in fields(Question) if item.default is not MISSING
}
"""How each field but the model is asked for, in their order."""

FILED: tuple[str, ...] = tuple(name for name, option in OPTIONS.items() if not option.personal)
"""Fields that a file or a request may ask for."""


def asks(function: F) -> F:
    """Show a question's fields in the signature of a function that takes them by `**asked`."""
    signature = inspect.signature(function)
    own = [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in OPTIONS
        if name not in signature.parameters
    ]
    vars(function)["__signature__"] = signature.replace(parameters=[*own, *more])
    return function


def normal_of(name: str, value: Any) -> Any:
    """Return a value of a field in its normal form; an error of usage names the field."""
    with naming(name):
        return OPTIONS[name].normal(value)
