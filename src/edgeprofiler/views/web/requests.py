"""What programs send to the API and what they get, as OpenAPI describes it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from edgeprofiler.core.device import DEFAULT_DEVICE, RUNTIMES
from edgeprofiler.reading.read import DEFAULT_PRECISION, PRECISIONS
from edgeprofiler.views.web.choice import MAX_CONFIDENCE, MAX_DIMENSION, Choice, choose
from edgeprofiler.views.web.service import Advice

Detail = Literal["full", "totals"]
_Text = Annotated[str, Field(max_length=200)]


class PredictRequest(BaseModel):
    """A network and how it is to run."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: _Text = Field(
        description="`zoo:NAME`, or the `model` that sending a file returned.",
        examples=["zoo:resnet18"],
    )
    device: _Text = Field(
        DEFAULT_DEVICE, description="A board, `NAME` or `NAME@MODE`.", examples=[DEFAULT_DEVICE]
    )
    mode: _Text | None = Field(
        None, description="Its power mode; the board's default where left out.", examples=["15w"]
    )
    runtime: _Text | None = Field(
        None,
        description=f"What calls the engine: {', '.join(RUNTIMES)}. Default: trtexec.",
        examples=["trtexec"],
    )
    precision: _Text | None = Field(
        None,
        description=f"{', '.join(PRECISIONS)}. Default: {DEFAULT_PRECISION}, or the engine's own.",
        examples=["fp16"],
    )
    batch: int | None = Field(
        None, ge=1, le=MAX_DIMENSION, description="Images at once.", examples=[1]
    )
    resolution: int | None = Field(
        None, ge=1, le=MAX_DIMENSION, description="Height and width of the image.", examples=[224]
    )
    confidence: float = Field(
        0.9,
        gt=0,
        le=MAX_CONFIDENCE,
        description="Share of true values that intervals are to cover.",
    )
    predictor: _Text | None = Field(
        None,
        description="One of the trained predictors that the server was started with, by its name. "
        "Default: the analytic model.",
    )

    def choice(self) -> Choice:
        """Return the request in its normal form."""
        return choose(**self.model_dump(include=set(PredictRequest.model_fields)))


class CompareRequest(BaseModel):
    """Two choices; the second is compared with the first."""

    model_config = ConfigDict(extra="forbid", strict=True)

    a: PredictRequest
    b: PredictRequest


class AdviseRequest(PredictRequest):
    """A network, and what it is to reach."""

    budget_percent: float | None = Field(
        None, gt=0, le=1000, description="Energy of an image, in percent of what it is now."
    )
    max_latency_ms: float | None = Field(
        None, gt=0, le=1e9, description="End-to-end time of one inference."
    )
    kinds: list[_Text] = Field(
        default_factory=list, max_length=16, description="Kinds of change allowed; empty: all."
    )

    def advice(self) -> Advice:
        """Return what is to be reached."""
        return Advice(self.budget_percent, self.max_latency_ms, tuple(self.kinds))


class BoardDocument(BaseModel):
    """A device that can be chosen."""

    name: str
    description: str
    modes: list[str]
    default_mode: str


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
    """A profile, `edgeprofiler.profile/1`; the package's JSON Schema says every field."""

    model_config = ConfigDict(extra="allow")

    schema_: str = Field(alias="schema")
    network: dict[str, Any]
    device: dict[str, Any]
    origin: dict[str, Any]
    totals: dict[str, float | None]
    warnings: list[str]
    layers: list[dict[str, Any]] | None = None


class AnyDocument(BaseModel):
    """A document whose `schema` says what it is."""

    model_config = ConfigDict(extra="allow")

    schema_: str = Field(alias="schema")
