"""What programs send to the API and what they get, as OpenAPI describes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from edgeprofiler.prediction.question import OPTIONS, Question
from edgeprofiler.views.web.admit import admit
from edgeprofiler.views.web.offered import FIELDS
from edgeprofiler.views.web.service import Aim

Detail = Literal["full", "totals"]
_Text = Annotated[str, Field(max_length=200)]


class _Request(BaseModel):
    """A network and how it is to run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: _Text = Field(
        description="`zoo:NAME`, or the `model` that sending a file returned.",
        examples=["zoo:resnet18"],
    )
    mode: _Text | None = Field(
        None, description="The device's power mode; its default where left out.", examples=["15w"]
    )
    clocks: _Text | None = Field(
        None,
        description="Clocks that differ from the power mode's: gpu, emc, cpu, cores, sms.",
        examples=["gpu=510MHz,cores=4"],
    )

    def question(self) -> Question:
        """Return what is asked, in its normal form."""
        asked = {name: getattr(self, name) for name in FIELDS}
        return admit(self.model, asked, self.mode, self.clocks)


def _field(name: str) -> Any:
    """Return type and description of a field of a question."""
    option = OPTIONS[name]
    examples = [] if option.example is None else [option.example]
    text = f"{option.help}. Default: {option.default}."
    if name in _NAMES:
        text = f"{_NAMES[name]} Default: {option.default}."
    kind: Any = _Text if option.json is str else option.json
    bounds: dict[str, Any] = {**option.bounds}
    return kind | None, Field(None, description=text, examples=examples, **bounds)


_NAMES = {
    "device": "A board: `NAME`, `NAME@MODE`, `NAME@MODE,CLOCKS`.",
    "predictor": "One of the trained predictors that the server was started with, by its name.",
}
"""What stands for a path elsewhere is a name here."""

if TYPE_CHECKING:
    PredictRequest = _Request
else:
    PredictRequest = create_model(
        "PredictRequest",
        __base__=_Request,
        __doc__=_Request.__doc__,
        **{name: _field(name) for name in FIELDS},
    )


class CompareRequest(BaseModel):
    """Two questions; the second answer is compared with the first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    a: PredictRequest
    b: PredictRequest


class AdviseRequest(PredictRequest):
    """A network, and what it is to reach."""

    budget_percent: float | None = Field(
        None, gt=0, le=1000, description="Energy of an image, in percent of what it is now."
    )
    budget_mj: float | None = Field(
        None, gt=0, le=1e9, description="Energy of an image in mJ, in place of the percentage."
    )
    max_latency_ms: float | None = Field(
        None, gt=0, le=1e9, description="End-to-end time of one inference."
    )
    max_power_w: float | None = Field(
        None, gt=0, le=1e9, description="Power of the board; at the rate, if one is asked for."
    )
    min_fps: float | None = Field(None, gt=0, le=1e9, description="Images a second, back to back.")
    kinds: list[_Text] = Field(
        default_factory=list, max_length=16, description="Kinds of change allowed; empty: all."
    )

    def advice(self) -> Aim:
        """Return what is to be reached."""
        return Aim(
            budget_percent=self.budget_percent, budget_mj=self.budget_mj,
            max_latency_ms=self.max_latency_ms, max_power_w=self.max_power_w,
            min_fps=self.min_fps, kinds=tuple(self.kinds),
        )  # fmt: skip


class BoardDocument(BaseModel):
    """A device that can be chosen."""

    name: str
    description: str
    modes: list[str]
    default_mode: str
    clocks: dict[str, tuple[float, float]] = Field(
        description="What each clock can be set to, least and most: Hz, or a count."
    )


class OptionsDocument(BaseModel):
    """Everything that can be chosen."""

    version: str
    models: list[str]
    devices: list[BoardDocument]
    runtimes: list[str]
    precisions: list[str]
    predictors: list[str] = Field(description="Trained predictors, beside the analytic model.")
    max_upload_bytes: int


class UploadDocument(BaseModel):
    """A file that was accepted."""

    model: str = Field(description="What to send as `model` from now on.")
    name: str
    bytes: int
    note: str = Field(description="What it still needs to be told, such as a batch; or empty.")


class RecordingsDocument(BaseModel):
    """The recordings in the folder that was named at the start."""

    recordings: list[str]


class ProfileDocument(BaseModel):
    """A profile, `edgeprofiler.profile/2`; the package's JSON Schema says every field."""

    model_config = ConfigDict(extra="allow")

    schema_: str = Field(alias="schema")
    network: dict[str, Any]
    device: dict[str, Any]
    origin: dict[str, Any]
    totals: dict[str, Any]
    warnings: list[str]
    layers: list[dict[str, Any]] | None = None


class AnyDocument(BaseModel):
    """A document whose `schema` says what it is."""

    model_config = ConfigDict(extra="allow")

    schema_: str = Field(alias="schema")
